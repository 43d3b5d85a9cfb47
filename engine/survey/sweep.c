/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/survey/sweep.h"

#include "engine/base/mem.h"

#include <stdlib.h>

enum { PART_BYTES = 4 * 8192 }; /* of text, about */

struct lane {
	struct work work;
	struct encoding encoding[SWEEP_TEXTS];
	bool failed;
};

struct job {
	const struct snapshot *snapshot;
	const struct example *text;
	const struct sweep_watch *watch;
	sweep_fn *each;
	void *arg;
	size_t *order, *part;      /* texts, shortest first; parts + 1: where each begins in it */
	size_t count, parts, done; /* done: texts, atomic */
	struct lane *lane;         /* SWEEP_LANES */
	int members;
};

bool sweep_stopped(const struct sweep_watch *w)
{
	return w && w->cancel && __atomic_load_n(w->cancel, __ATOMIC_RELAXED);
}

static bool run_part(struct lane *l, struct job *j, int number, size_t part)
{
	const struct encoder *e = j->snapshot->encoder;
	const size_t from = j->part[part], n = j->part[part + 1] - from;
	const struct sweep_part out = {number, &l->work, j->order + from, l->encoding};
	const int32_t *ids[SWEEP_TEXTS];
	int length[SWEEP_TEXTS];

	for (size_t k = 0; k < n; k++) {
		const struct example *x = &j->text[j->order[from + k]];

		encoder_encode(e, x->text, x->text_len, &l->encoding[k]);
		ids[k] = l->encoding[k].ids;
		length[k] = (int)l->encoding[k].count;
	}
	batch_of_texts(&l->work.in.batch, ids, length, (int)n, &e->rules);
	if (task_table[e->model.spec.task].pairs
		    ? !model_remember(&e->model, j->snapshot->weights, &l->work, &(struct pass){0})
		    : !model_vector(&e->model, j->snapshot->weights, &l->work, NULL))
		return false;
	j->each(j->arg, &out);
	__atomic_fetch_add(&j->done, n, __ATOMIC_RELAXED);
	return true;
}

static void run_member(void *arg, int member)
{
	struct job *j = arg;

	for (int k = member; k < SWEEP_LANES; k += j->members)
		for (size_t part = (size_t)k; part < j->parts && !sweep_stopped(j->watch);
		     part += SWEEP_LANES) {
			j->lane[k].failed |= !run_part(&j->lane[k], j, k, part);
			if (!member && j->watch && j->watch->tell)
				j->watch->tell(j->watch->arg,
					       (double)__atomic_load_n(&j->done, __ATOMIC_RELAXED) /
						       (double)j->count);
		}
}

struct sized {
	size_t length, at;
};

static int by_length(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;

	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Texts of about one length beside each other, so many a part that it is not too large. */
static void deal(struct job *j)
{
	struct sized *s = mem_alloc((j->count + 1) * sizeof(*s));
	size_t bytes = 0;

	for (size_t k = 0; k < j->count; k++)
		s[k] = (struct sized){j->text[k].text_len, k};
	qsort(s, j->count, sizeof(*s), by_length);
	j->order = mem_alloc((j->count + 1) * sizeof(*j->order));
	j->part = mem_alloc((j->count + 2) * sizeof(*j->part));
	for (size_t k = 0; k < j->count; k++) {
		const size_t in = j->parts ? k - j->part[j->parts - 1] : 0;

		j->order[k] = s[k].at;
		if (!k || in == SWEEP_TEXTS || bytes + s[k].length > PART_BYTES) {
			j->part[j->parts++] = k;
			bytes = 0;
		}
		bytes += s[k].length;
	}
	j->part[j->parts] = j->count;
	free(s);
}

bool sweep_texts(struct team *team, const struct snapshot *snapshot, const struct example *text,
		 size_t count, const struct sweep_watch *watch, sweep_fn *each, void *arg,
		 struct err *err)
{
	struct job j = {.snapshot = snapshot,
			.text = text,
			.watch = watch,
			.each = each,
			.arg = arg,
			.count = count,
			.lane = mem_zero(SWEEP_LANES, sizeof(*j.lane)),
			.members = team_size(team)};
	bool failed = false;

	deal(&j);
	team_run(team, run_member, &j);
	for (int k = 0; k < SWEEP_LANES; k++) {
		failed |= j.lane[k].failed;
		work_release(&j.lane[k].work);
		for (int n = 0; n < SWEEP_TEXTS; n++)
			encoding_release(&j.lane[k].encoding[n]);
	}
	free(j.lane);
	free(j.order);
	free(j.part);
	if (failed)
		return err_set(err, ERR_FAILED, "not enough memory to run the texts");
	return !sweep_stopped(watch) || err_set(err, ERR_CANCELLED, "cancelled");
}

size_t sweep_text(const struct sweep_part *p, int row)
{
	return p->text[p->work->in.batch.row[row]];
}

struct sweep_words sweep_words(const struct sweep_part *p, const struct batch_rules *rules, int row)
{
	const struct batch *b = &p->work->in.batch;
	const int n = (int)p->encoding[b->row[row]].count;

	if (rules->mask || rules->ragged)
		return (struct sweep_words){0, b->len[row]};
	return (struct sweep_words){rules->pad_front ? b->len[row] - n : 0, n};
}

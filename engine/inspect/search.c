/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/search.h"

#include "engine/base/mem.h"
#include "engine/inspect/runs.h"
#include "engine/nn/pass.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, WAVE = 4 /* batches of a member between two looks at what was found */ };

struct member {
	struct work work;
	struct encoding encoding[BATCH];
	struct expr_value value;
	struct err err;
};

struct job {
	const struct search *s;
	const struct example *text;
	int count, members, first; /* first: text of the wave */
	bool slow;                 /* each text is traced in double */
	bool *hit;                 /* of the wave's texts: whether there may be something */
	struct member *member;
};

static int batch_size(const struct job *j, int batch)
{
	const int left = j->count - j->first - batch * BATCH;

	return left < BATCH ? left : BATCH;
}

/* Whether it holds at some step of a trace: the first from `t` on, or -1; -2 for trouble. */
static int holds_from(const struct search *s, const struct trace *trace, int t,
		      struct expr_value *value, struct err *err)
{
	const struct expr_place begin = {trace, s->run, 0};

	if (trace->run[s->run].T && !expr_check(s->expr, &begin, err))
		return -2;
	for (; t < trace->run[s->run].T; t++) {
		const struct expr_place at = {trace, s->run, t};

		if (!expr_eval(s->expr, &at, value, err))
			return -2;
		if (expr_true(value))
			return t;
	}
	return -1;
}

/* One text of a batch, as the fast path has it. */
static bool look_at_row(struct job *j, struct member *me, int r, int text)
{
	struct trace *t = trace_of_pass(j->s->snapshot, &me->encoding[me->work.in.batch.row[r]],
					&me->work, r);
	int found;

	if (!t)
		return err_set(&me->err, ERR_FAILED, "not enough memory for a text");
	found = holds_from(j->s, t, 0, &me->value, &me->err);
	j->hit[text - j->first] = found >= 0;
	trace_free(t);
	return found != -2;
}

static bool look_at_batch(struct job *j, struct member *me, int batch)
{
	const struct encoder *e = j->s->snapshot->encoder;
	const int first = j->first + batch * BATCH, count = batch_size(j, batch);
	const int32_t *ids[BATCH] = {0};
	int n[BATCH] = {0};

	for (int k = 0; k < count; k++) {
		encoder_encode(e, j->text[first + k].text, j->text[first + k].text_len,
			       &me->encoding[k]);
		ids[k] = me->encoding[k].ids;
		n[k] = (int)me->encoding[k].count;
	}
	batch_of_texts(&me->work.in.batch, ids, n, count, &e->rules);
	if (!model_vector(&e->model, j->s->snapshot->weights, &me->work, NULL))
		return err_set(&me->err, ERR_FAILED, "not enough memory for %d texts", count);
	for (int r = 0; r < count; r++)
		if (!look_at_row(j, me, r, first + me->work.in.batch.row[r]))
			return false;
	return true;
}

static bool stopped(const struct job *j)
{
	return j->s->stop && __atomic_load_n(j->s->stop, __ATOMIC_RELAXED);
}

static void run_member(void *arg, int member)
{
	struct job *j = arg;
	struct member *me = &j->member[member];
	bool ok = !me->err.code;

	for (int k = member; ok && k < WAVE * j->members && batch_size(j, k) > 0 && !stopped(j);
	     k += j->members) {
		if (!j->slow)
			ok = look_at_batch(j, me, k);
		else /* the look in double decides */
			memset(j->hit + (size_t)k * BATCH, true, (size_t)batch_size(j, k));
	}
}

/* A text in double, and what is found in it. false: the search is over. */
static bool look_again(const struct job *j, int text, search_fn *found, void *arg, bool *go,
		       struct err *err)
{
	const struct example *x = &j->text[text];
	struct expr_value value = {0};
	struct trace *t = trace_new(j->s->snapshot, x->text, x->text_len, err);
	int at = -1, hits = 0;

	while (t && *go && (!j->s->each || hits < j->s->each) &&
	       (at = holds_from(j->s, t, at + 1, &value, err)) >= 0) {
		*go = found(arg, text, at, t);
		hits++;
	}
	expr_value_release(&value);
	trace_free(t);
	return t && at != -2;
}

static bool run_waves(struct job *j, struct team *team, search_fn *found, void *arg,
		      struct err *err)
{
	const int wave = WAVE * j->members * BATCH;
	bool go = true;

	for (j->first = 0; go && j->first < j->count; j->first += wave) {
		memset(j->hit, 0, (size_t)wave * sizeof(*j->hit));
		team_run(team, run_member, j);
		for (int k = 0; k < j->members; k++)
			if (j->member[k].err.code) {
				*err = j->member[k].err;
				return false;
			}
		for (int k = 0; go && k < wave && j->first + k < j->count; k++) {
			if (stopped(j))
				return err_set(err, ERR_CANCELLED, "the search was cancelled");
			if (j->hit[k] && !look_again(j, j->first + k, found, arg, &go, err))
				return false;
		}
	}
	return true;
}

bool search_texts(struct team *team, const struct search *s, const struct example *text, int count,
		  search_fn *found, void *arg, struct err *err)
{
	struct job j = {.s = s,
			.text = text,
			.count = count,
			.members = team_size(team),
			.slow = expr_needs_trace(s->expr)};
	struct err own = {0};
	bool ok;

	j.member = mem_zero((size_t)j.members, sizeof(*j.member));
	j.hit = mem_zero((size_t)j.members * WAVE * BATCH, sizeof(*j.hit));
	ok = run_waves(&j, team, found, arg, &own);
	if (!ok && err)
		*err = own;
	for (int k = 0; k < j.members; k++) {
		work_release(&j.member[k].work);
		expr_value_release(&j.member[k].value);
		for (int n = 0; n < BATCH; n++)
			encoding_release(&j.member[k].encoding[n]);
	}
	free(j.member);
	free(j.hit);
	return ok;
}

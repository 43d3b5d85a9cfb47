/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/survey/ablation.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a removal leaves behind: of the model itself, and of each unit. */
struct score {
	double accuracy, loss;
};

struct job {
	const struct snapshot *snapshot;
	const struct ablation_rules *rules;
	const struct example *text;
	const int32_t *class_of;
	size_t *order, count;      /* texts with a label, shortest first */
	struct encoding *encoding; /* count, in that order */
	int *unit, units;          /* unit[0] is -1: none is removed */
	struct score *score;       /* units */
	size_t done;
	int members;
	bool failed;
};

/* --- removing -------------------------------------------------------------------------------------- */

static bool is_candidate(const struct cell_ops *cell, int gate)
{
	return cell->gate[gate].act != ACT_SIGMOID;
}

static void clear_row(real *weights, size_t at, int cols, int unit)
{
	const size_t n = cols ? (size_t)cols : 1;

	memset(weights + at + (size_t)unit * n, 0, n * sizeof(*weights));
}

/* The candidate becomes 0, so that nothing is written: tanh(0), or 0 itself. */
void ablation_remove(const struct model *m, real *weights, int run, int unit)
{
	const struct stack *st = &m->stack;
	const struct cell_ops *cell = m->spec.cell;
	const struct cell_layout *at = &st->run[run].at;
	static const char letters[] = "WUb";
	size_t offset;
	int rows, cols;
	char name[16];

	for (int q = 0; q < cell->gates; q++) {
		if (!is_candidate(cell, q))
			continue;
		for (int k = 0; k < 3; k++) {
			snprintf(name, sizeof(name), "%c_%s", letters[k], cell->gate[q].name);
			if (cell_tensor(cell, at, name, &offset, &rows, &cols))
				clear_row(weights, offset, cols, unit);
		}
		for (int k = 0; k < cell->extras; k++)
			if (cell->extra[k].gate == q)
				clear_row(weights, at->extra[k], cell->extra[k].cols * at->H, unit);
	}
	if (st->spec.learned) {
		weights[st->h0[run] + (size_t)unit] = 0;
		if (!cell->carries_h)
			weights[st->c0[run] + (size_t)unit] = 0;
	}
}

/* --- measuring ------------------------------------------------------------------------------------- */

static bool measure(const struct job *j, const real *weights, struct work *w, struct score *out)
{
	const struct encoder *e = j->snapshot->encoder;
	struct tally tally = {0};

	for (size_t from = 0; from < j->count; from += SWEEP_TEXTS) {
		const size_t left = j->count - from, n = left < SWEEP_TEXTS ? left : SWEEP_TEXTS;
		struct batch *b = &w->in.batch;
		const int32_t *ids[SWEEP_TEXTS];
		int length[SWEEP_TEXTS];

		for (size_t k = 0; k < n; k++) {
			ids[k] = j->encoding[from + k].ids;
			length[k] = (int)j->encoding[from + k].count;
		}
		batch_of_texts(b, ids, length, (int)n, &e->rules);
		for (size_t r = 0; r < n; r++)
			b->label[r] = j->class_of[j->order[from + (size_t)b->row[r]]];
		if (!model_pass(&e->model, weights, w, &(struct pass){0}, &tally))
			return false;
	}
	*out = (struct score){(double)tally.correct / (double)tally.count,
			      tally.loss / (double)tally.count};
	return true;
}

static void measure_units(void *arg, int member)
{
	struct job *j = arg;
	const struct model *m = &j->snapshot->encoder->model;
	real *weights = mem_block(m->size, sizeof(*weights));
	struct work work = {0};
	bool ok = weights;

	for (int k = member; ok && k < j->units && !sweep_stopped(&j->rules->watch);
	     k += j->members) {
		memcpy(weights, j->snapshot->weights, m->size * sizeof(*weights));
		if (j->unit[k] >= 0)
			ablation_remove(m, weights, j->rules->run, j->unit[k]);
		ok = measure(j, weights, &work, &j->score[k]);
		__atomic_fetch_add(&j->done, 1, __ATOMIC_RELAXED);
		if (!member && j->rules->watch.tell)
			j->rules->watch.tell(j->rules->watch.arg,
					     (double)__atomic_load_n(&j->done, __ATOMIC_RELAXED) /
						     j->units);
	}
	if (!ok)
		__atomic_store_n(&j->failed, true, __ATOMIC_RELAXED);
	work_release(&work);
	free(weights);
}

/* --- the whole ------------------------------------------------------------------------------------- */

/* None, the unit, and others drawn without repetition. */
static void draw_units(struct job *j, int H)
{
	int32_t *all = mem_alloc(((size_t)H + 1) * sizeof(*all));
	const int others = j->rules->others < H - 1 ? j->rules->others : H - 1;
	struct rng rng;
	int n = 0;

	rng_seed(&rng, j->rules->seed, 1);
	for (int u = 0; u < H; u++)
		if (u != j->rules->unit)
			all[n++] = u;
	rng_shuffle(&rng, all, n);
	j->unit = mem_alloc(((size_t)others + 2) * sizeof(*j->unit));
	j->unit[0] = -1;
	j->unit[1] = j->rules->unit;
	for (int k = 0; k < others; k++)
		j->unit[k + 2] = all[k];
	j->units = others + 2;
	free(all);
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

static void read_texts(struct job *j, size_t count)
{
	struct sized *s = mem_alloc((count + 1) * sizeof(*s));

	j->order = mem_alloc((count + 1) * sizeof(*j->order));
	for (size_t k = 0; k < count; k++)
		if (j->class_of[k] >= 0)
			s[j->count++] = (struct sized){j->text[k].text_len, k};
	qsort(s, j->count, sizeof(*s), by_length);
	j->encoding = mem_zero(j->count + 1, sizeof(*j->encoding));
	for (size_t k = 0; k < j->count; k++) {
		const struct example *x = &j->text[s[k].at];

		j->order[k] = s[k].at;
		encoder_encode(j->snapshot->encoder, x->text, x->text_len, &j->encoding[k]);
	}
	free(s);
}

static void conclude(struct ablation *a, const struct job *j)
{
	const struct score *s = j->score;
	double squares_a = 0, squares_l = 0;

	*a = (struct ablation){.texts = (int64_t)j->count,
			       .accuracy = s[0].accuracy,
			       .loss = s[0].loss,
			       .d_accuracy = s[1].accuracy - s[0].accuracy,
			       .d_loss = s[1].loss - s[0].loss,
			       .others = j->units - 2};
	for (int k = 2; k < j->units; k++) {
		const double da = s[k].accuracy - s[0].accuracy, dl = s[k].loss - s[0].loss;

		a->mean_accuracy += da / a->others;
		a->mean_loss += dl / a->others;
		a->beyond_accuracy += fabs(da) >= fabs(a->d_accuracy);
		a->beyond_loss += fabs(dl) >= fabs(a->d_loss);
	}
	for (int k = 2; k < j->units; k++) {
		const double da = s[k].accuracy - s[0].accuracy - a->mean_accuracy;
		const double dl = s[k].loss - s[0].loss - a->mean_loss;

		squares_a += da * da;
		squares_l += dl * dl;
	}
	a->sd_accuracy = a->others ? sqrt(squares_a / a->others) : (double)NAN;
	a->sd_loss = a->others ? sqrt(squares_l / a->others) : (double)NAN;
}

bool ablation_run(struct ablation *a, struct team *team, const struct snapshot *snapshot,
		  const struct example *text, const int32_t *class_of, size_t count,
		  const struct ablation_rules *rules, struct err *err)
{
	struct job j = {.snapshot = snapshot,
			.rules = rules,
			.text = text,
			.class_of = class_of,
			.members = team_size(team)};

	*a = (struct ablation){0};
	read_texts(&j, count);
	draw_units(&j, snapshot->encoder->model.spec.hidden);
	j.score = mem_zero((size_t)j.units, sizeof(*j.score));
	if (j.count)
		team_run(team, measure_units, &j);
	if (j.count && !j.failed && !sweep_stopped(&rules->watch))
		conclude(a, &j);
	for (size_t k = 0; k < j.count; k++)
		encoding_release(&j.encoding[k]);
	free(j.encoding);
	free(j.order);
	free(j.unit);
	free(j.score);
	if (j.failed)
		return err_set(err, ERR_FAILED, "not enough memory to run the texts");
	return !sweep_stopped(&rules->watch) || err_set(err, ERR_CANCELLED, "cancelled");
}

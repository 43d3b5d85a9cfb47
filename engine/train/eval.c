/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/eval.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { EVAL_BATCH = 64 };

struct job {
	const struct model *m;
	const real *weights;
	const struct corpus *c;
	const struct batch_rules *rules;
	const int *stop;
	int members, batches;
	int32_t *order; /* examples, longest first */
	int *guess;     /* by example */
	float *prob;    /* by example, or NULL */
	double *loss;   /* by batch */
	bool *failed;   /* by member */
};

void measures_release(struct measures *m)
{
	free(m->confusion);
	free(m->prob);
	*m = (struct measures){0};
}

static void keep(const struct job *j, const struct work *w, const int32_t *example)
{
	const int C = j->m->spec.classes;

	for (int r = 0; r < w->batch.steps.B; r++) {
		const real *p = w->prob + (size_t)r * (size_t)C;
		const int32_t e = example[w->batch.row[r]];
		int best = 0;

		for (int k = 1; k < C; k++)
			best = p[k] > p[best] ? k : best;
		j->guess[e] = best;
		for (int k = 0; j->prob && k < C; k++)
			j->prob[(size_t)e * (size_t)C + (size_t)k] = (float)p[k];
	}
}

static void run_member(void *arg, int member)
{
	struct job *j = arg;
	struct work w = {0};

	for (int b = member; b < j->batches; b += j->members) {
		const int32_t *example = j->order + (size_t)b * EVAL_BATCH;
		const int left = j->c->count - b * EVAL_BATCH;

		if (j->stop && __atomic_load_n(j->stop, __ATOMIC_RELAXED))
			break;
		batch_build(&w.batch, j->c, example, left < EVAL_BATCH ? left : EVAL_BATCH, 1,
			    j->rules);
		j->loss[b] = model_forward(j->m, j->weights, &w, NULL, NULL);
		if (!w.block) {
			j->failed[member] = true;
			break;
		}
		keep(j, &w, example);
	}
	work_release(&w);
}

static double macro_f1(const int *confusion, int C)
{
	double sum = 0;

	for (int k = 0; k < C; k++) {
		int row = 0, col = 0;

		for (int j = 0; j < C; j++) {
			row += confusion[k * C + j];
			col += confusion[j * C + k];
		}
		if (row + col)
			sum += 2.0 * confusion[k * C + k] / (row + col);
	}
	return sum / C;
}

static void measure(const struct job *j, struct measures *out)
{
	const int C = j->m->spec.classes;
	int right = 0;

	for (int b = 0; b < j->batches; b++)
		out->loss += j->loss[b];
	out->loss /= j->c->count;
	out->confusion = mem_zero((size_t)C * (size_t)C, sizeof(int));
	for (int e = 0; e < j->c->count; e++) {
		right += j->guess[e] == j->c->label[e];
		out->confusion[j->c->label[e] * C + j->guess[e]]++;
	}
	out->accuracy = (double)right / j->c->count;
	out->macro_f1 = macro_f1(out->confusion, C);
}

bool eval_corpus(struct team *team, const struct model *m, const real *weights,
		 const struct corpus *c, const struct batch_rules *rules, bool keep_prob,
		 const int *stop, struct measures *out, struct err *err)
{
	const size_t n = (size_t)c->count, C = (size_t)m->spec.classes;
	struct job j = {.m = m, .weights = weights, .c = c, .rules = rules, .stop = stop};
	bool ok = true;

	*out = (struct measures){.examples = c->count, .classes = m->spec.classes};
	j.members = team_size(team);
	j.batches = (c->count + EVAL_BATCH - 1) / EVAL_BATCH;
	j.order = mem_alloc(n * sizeof(*j.order));
	j.guess = mem_alloc(n * sizeof(*j.guess));
	j.loss = mem_zero((size_t)j.batches, sizeof(*j.loss));
	j.failed = mem_zero((size_t)j.members, sizeof(*j.failed));
	if (keep_prob)
		j.prob = out->prob = mem_zero(n * C, sizeof(float));
	for (int e = 0; e < c->count; e++)
		j.order[e] = e;
	batch_sort(c, j.order, c->count);
	team_run(team, run_member, &j);
	for (int k = 0; k < j.members; k++)
		ok &= !j.failed[k];
	if (!ok)
		err_set(err, ERR_FAILED, "not enough memory to evaluate; lower max_len or hidden");
	else if (stop && __atomic_load_n(stop, __ATOMIC_RELAXED))
		ok = err_set(err, ERR_CANCELLED, "evaluation cancelled");
	else if (c->label && c->count)
		measure(&j, out);
	free(j.order);
	free(j.guess);
	free(j.loss);
	free(j.failed);
	if (!ok)
		measures_release(out);
	return ok;
}

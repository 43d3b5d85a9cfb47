/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/learner.h"

#include "engine/base/mem.h"
#include "engine/math/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct member {
	struct work work;
	real *grad; /* m->dense; the first member's is the learner's whole block */
	double loss, square_sum;
	int correct, tokens;
};

struct learner {
	const struct model *m;
	struct team *team;
	struct member *member;
	int members;
	real *weights, *grad;
	struct optim optim;
	double clip, dropout, recurrent;
	real clip_value;
	int32_t *touched; /* where updates are lazy: the ids of the batch, each once */
	bool *seen;       /* all false between two uses */
	int touched_count;

	/* the step under way */
	const struct corpus *corpus;
	const int32_t *example;
	int count;
	const struct batch_rules *rules;
	uint64_t key;
	real scale;
};

struct learner *learner_new(const struct model *m, real *weights, const struct optim_ops *ops,
			    double lr, double clip, double dropout, double recurrent, int threads,
			    struct err *err)
{
	struct learner *l = mem_zero(1, sizeof(*l));
	bool ok;

	l->m = m;
	l->weights = weights;
	l->clip = clip;
	l->dropout = dropout;
	l->recurrent = recurrent;
	l->team = team_new(threads, err);
	if (!l->team) {
		learner_free(l);
		return NULL;
	}
	l->members = team_size(l->team);
	l->member = mem_zero((size_t)l->members, sizeof(*l->member));
	l->grad = mem_block(m->size, sizeof(real));
	ok = weights && l->grad && optim_init(&l->optim, ops, lr, m->size);
	l->member[0].grad = l->grad;
	for (int k = 1; k < l->members && ok; k++)
		ok = (l->member[k].grad = mem_block(m->dense, sizeof(real)));
	if (ok)
		return l;
	err_set(err, ERR_FAILED, "not enough memory for a model of %zu weights", m->size);
	learner_free(l);
	return NULL;
}

void learner_free(struct learner *l)
{
	if (!l)
		return;
	for (int k = 0; k < l->members; k++) {
		work_release(&l->member[k].work);
		if (k)
			free(l->member[k].grad);
	}
	team_free(l->team);
	optim_release(&l->optim);
	free(l->touched);
	free(l->seen);
	free(l->member);
	free(l->grad);
	free(l->weights);
	free(l);
}

static void pass(void *arg, int k)
{
	struct learner *l = arg;
	struct member *me = &l->member[k];
	const int count = (l->count - k + l->members - 1) / l->members;
	const struct dropout drop = {l->dropout, l->recurrent, l->key, k, l->members};

	me->loss = 0;
	me->correct = me->tokens = 0;
	if (count <= 0) {
		me->work.batch.steps.N = 0;
		return;
	}
	batch_build(&me->work.batch, l->corpus, l->example + k, count, l->members, l->rules);
	me->tokens = me->work.batch.steps.N;
	me->loss = model_forward(l->m, l->weights, &me->work, &drop, &me->correct);
	if (me->work.block)
		model_backward(l->m, l->weights, &me->work, l->scale, me->grad);
}

static void clamp(real *g, size_t n, real value)
{
	for (size_t k = 0; k < n; k++)
		if (fabs(g[k]) > value && isfinite(g[k]))
			g[k] = g[k] > 0 ? value : -value;
}

/* Adds the members' gradients up over one part, clamps it, and adds up its squares. */
static void reduce(void *arg, int k)
{
	struct learner *l = arg;
	size_t first, end, dense;

	team_part(l->team, k, l->m->size, &first, &end);
	dense = end < l->m->dense ? end : l->m->dense;
	if (first < dense)
		for (int j = 1; j < l->members; j++)
			vec_add(l->grad + first, l->member[j].grad + first, 1, dense - first);
	if (l->clip_value > 0)
		clamp(l->grad + first, end - first, l->clip_value);
	l->member[k].square_sum = vec_square_sum(l->grad + first, end - first);
}

static void find_touched(struct learner *l)
{
	l->touched_count = 0;
	for (int k = 0; k < l->members; k++) {
		const struct batch *b = &l->member[k].work.batch;

		for (int n = 0; n < b->steps.N; n++)
			if (!l->seen[b->ids[n]]) {
				l->seen[b->ids[n]] = true;
				l->touched[l->touched_count++] = b->ids[n];
			}
	}
	for (int k = 0; k < l->touched_count; k++)
		l->seen[l->touched[k]] = false;
}

static void update_touched(struct learner *l, int k)
{
	const size_t E = (size_t)l->m->spec.embed;

	for (int j = k; j < l->touched_count; j += l->members) {
		const size_t at = l->m->embedding + (size_t)l->touched[j] * E;

		optim_update(&l->optim, l->weights, l->grad, l->scale, at, at + E);
	}
}

static void update(void *arg, int k)
{
	struct learner *l = arg;
	size_t first, end;

	team_part(l->team, k, l->touched ? l->m->dense : l->m->size, &first, &end);
	optim_update(&l->optim, l->weights, l->grad, l->scale, first, end);
	if (l->touched)
		update_touched(l, k);
}

static void clear(struct learner *l)
{
	for (int k = 0; k < l->members; k++) {
		memset(l->member[k].grad, 0, l->m->dense * sizeof(real));
		model_unscatter(l->m, &l->member[k].work, l->grad);
	}
}

struct step_stats learner_gradient(struct learner *l, const struct corpus *c, int32_t *example,
				   int count, const struct batch_rules *rules, uint64_t dropout_key)
{
	struct step_stats s = {0};
	double square_sum = 0;
	int correct = 0;

	batch_sort(c, example, count);
	l->corpus = c;
	l->example = example;
	l->count = count;
	l->rules = rules;
	l->key = dropout_key;
	l->scale = 1 / (real)count;
	team_run(l->team, pass, l);
	for (int k = 0; k < l->members; k++) {
		struct member *me = &l->member[k];

		if (me->tokens && me->work.block)
			model_scatter(l->m, &me->work, l->grad);
		s.loss += me->loss;
		correct += me->correct;
		s.tokens += me->tokens;
	}
	team_run(l->team, reduce, l);
	for (int k = 0; k < l->members; k++)
		square_sum += l->member[k].square_sum;
	s.loss /= count;
	s.accuracy = (double)correct / count;
	s.grad_norm = sqrt(square_sum);
	s.finite = isfinite(s.loss) && isfinite(s.grad_norm);
	return s;
}

void learner_update(struct learner *l, const struct step_stats *s)
{
	l->scale = l->clip > 0 && s->grad_norm > l->clip ? (real)(l->clip / s->grad_norm) : 1;
	optim_begin(&l->optim);
	if (l->touched)
		find_touched(l);
	team_run(l->team, update, l);
	clear(l);
}

struct step_stats learner_step(struct learner *l, const struct corpus *c, int32_t *example,
			       int count, const struct batch_rules *rules, uint64_t dropout_key)
{
	struct step_stats s = learner_gradient(l, c, example, count, rules, dropout_key);

	if (s.finite)
		learner_update(l, &s);
	else
		clear(l);
	return s;
}

void learner_clip_value(struct learner *l, double value)
{
	l->clip_value = (real)value;
}

void learner_lazy(struct learner *l)
{
	const size_t rows = (size_t)l->m->spec.vocab;

	if (l->touched || !l->m->spec.embed)
		return;
	l->touched = mem_zero(rows, sizeof(*l->touched));
	l->seen = mem_zero(rows, sizeof(*l->seen));
}

real *learner_weights(struct learner *l)
{
	return l->weights;
}

const real *learner_grad(struct learner *l)
{
	return l->grad;
}

struct optim *learner_optim(struct learner *l)
{
	return &l->optim;
}

struct team *learner_team(struct learner *l)
{
	return l->team;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/outcome.h"

#include "engine/base/mem.h"
#include "engine/inspect/beginnings.h"
#include "engine/inspect/terms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void outcome_output(const struct trace *t, const struct trace_run *r, int position, double *y)
{
	const struct stack_spec *s = &r->stack->spec;
	const size_t H = (size_t)t->H;

	memcpy(y, r->h + ((size_t)position + 1) * H, H * sizeof(double));
	if (s->dirs == 1)
		return;
	const double *back = r[1].h + (size_t)(r->T - position) * H;

	for (size_t u = 0; u < H; u++) {
		if (s->merge == MERGE_CONCAT)
			y[H + u] = back[u];
		else
			y[u] += back[u];
	}
}

void outcome_pool(const struct trace *t, const double *y, int n, double *v)
{
	const struct model *m = &t->snapshot->encoder->model;
	const size_t D = (size_t)t->D;
	double sum = 0, max = -INFINITY;

	for (size_t k = 0; k < D; k++)
		v[k] = m->spec.pool == POOL_MAX ? -INFINITY : 0;
	for (int s = 0; m->spec.pool == POOL_ATTENTION && s < n; s++)
		max = fmax(max,
			   terms_dot(t->snapshot->weights + m->pool_w, y + (size_t)s * D, t->D));
	for (int s = 0; s < n; s++) {
		const double *row = y + (size_t)s * D;
		const double a =
			m->spec.pool == POOL_ATTENTION
				? exp(terms_dot(t->snapshot->weights + m->pool_w, row, t->D) - max)
				: 1;

		sum += a;
		for (size_t k = 0; k < D; k++)
			v[k] = m->spec.pool == POOL_MAX ? fmax(v[k], row[k]) : v[k] + a * row[k];
	}
	for (size_t k = 0; m->spec.pool != POOL_MAX && k < D; k++)
		v[k] /= sum;
}

void outcome_head(const struct trace *t, const double *v, double *p)
{
	const struct model *m = &t->snapshot->encoder->model;
	const real *w = t->snapshot->weights;
	double max = -INFINITY, sum = 0;

	for (int k = 0; k < t->C; k++) {
		p[k] = (double)w[m->head_b + (size_t)k] +
		       terms_dot(w + m->head_W + (size_t)k * (size_t)m->K, v, m->K);
		max = fmax(max, p[k]);
	}
	for (int k = 0; k < t->C; k++)
		sum += p[k] = exp(p[k] - max);
	for (int k = 0; k < t->C; k++)
		p[k] /= sum;
}

/* The last states of the top layer, as they are merged. */
static void last_states(const struct trace *t, int position, double *v)
{
	const struct stack *s = &t->snapshot->encoder->model.stack;
	const struct trace_run *r = t->run + (s->runs - s->spec.dirs);
	const size_t H = (size_t)t->H;

	memcpy(v, r->h + ((size_t)position + 1) * H, H * sizeof(double));
	for (size_t u = 0; s->spec.dirs == 2 && u < H; u++) {
		const double back = r[1].h[(size_t)t->T * H + u];

		if (s->spec.merge == MERGE_CONCAT)
			v[H + u] = back;
		else
			v[u] += back;
	}
}

/* The vector of the first n positions. */
static void run_vector(const struct trace *t, const double *y, int n, double *v)
{
	if (t->snapshot->encoder->model.spec.pool == POOL_LAST)
		last_states(t, n - 1, v);
	else
		outcome_pool(t, y, n, v);
}

/* The outputs of the text's top layer: (T, D). */
static double *outputs(const struct trace *t, const struct trace_run *r, int D)
{
	double *y = mem_zero((size_t)r->T * (size_t)D + 1, sizeof(*y));

	for (int s = 0; s < r->T; s++)
		outcome_output(t, r, s, y + (size_t)s * (size_t)D);
	return y;
}

const struct trace_run *outcome_top(const struct trace *t)
{
	const struct stack *s = &t->snapshot->encoder->model.stack;

	return t->run + (s->runs - s->spec.dirs);
}

static bool run_classes(struct trace *t, struct work *w, const int *stop)
{
	const bool both = t->snapshot->encoder->model.stack.spec.dirs == 2;
	double *y;

	if (both && t->edits)
		for (int k = 0; k < t->T * t->C; k++)
			t->prob[k] = NAN; /* each would have edits of its own */
	else if (both && !beginnings_run(t, w, stop))
		return false;
	y = outputs(t, outcome_top(t), t->D);
	/* The whole text is always run in double. */
	for (int s = both && t->T ? t->T - 1 : 0; s < t->T; s++) {
		run_vector(t, y, s + 1, t->vector);
		outcome_head(t, t->vector, t->prob + (size_t)s * (size_t)t->C);
	}
	free(y);
	return true;
}

bool outcome_classes(struct trace *t, const int *stop)
{
	struct work w = {0};
	const bool ok = run_classes(t, &w, stop);

	work_release(&w);
	return ok;
}

bool outcome_fill(struct trace *t, struct work *room)
{
	t->vector = mem_zero((size_t)t->D, sizeof(*t->vector));
	t->prob = mem_block((size_t)t->T * (size_t)t->C + 1, sizeof(*t->prob));
	return t->prob && run_classes(t, room, NULL);
}

void outcome_vector(struct trace *t)
{
	double *y = outputs(t, outcome_top(t), t->D);

	if (t->T)
		run_vector(t, y, t->T, t->vector);
	free(y);
}

void outcome_tokens(struct trace *t, const struct trace_run *r)
{
	double *y = outputs(t, r, t->snapshot->encoder->model.K);

	for (int s = 0; s < r->T; s++)
		outcome_head(t, y + (size_t)s * (size_t)t->snapshot->encoder->model.K,
			     t->prob + (size_t)s * (size_t)t->C);
	free(y);
}

void outcome_said(struct trace *t)
{
	const size_t K = (size_t)t->snapshot->encoder->model.K;

	for (int s = 0; s < t->written; s++)
		outcome_head(t, t->said + (size_t)s * K, t->prob + (size_t)s * (size_t)t->C);
}

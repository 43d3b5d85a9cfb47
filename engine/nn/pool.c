/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/pool.h"

#include "engine/base/mem.h"
#include "engine/math/blas.h"
#include "engine/math/kernels.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"last", "mean", "max", "attention"};

const char *pool_name(enum pool p)
{
	return names[p];
}

int pool_find(const char *name)
{
	for (int k = 0; k < POOL_COUNT; k++)
		if (!strcmp(names[k], name))
			return k;
	return -1;
}

void pool_release(struct pool_tape *t)
{
	free(t->score);
	free(t->dy);
	free(t->part);
	free(t->top);
	*t = (struct pool_tape){0};
}

/* The last state of each direction; the top layer's runs are the last ones. */
static void pool_last(const struct stack *st, const struct side *s, struct pool_tape *t,
		      real *vector)
{
	const size_t H = (size_t)st->spec.H, D = (size_t)st->D, B = (size_t)s->batch.steps.B;

	for (int d = 0; d < st->spec.dirs; d++) {
		recur_last(&s->batch.steps, st->spec.H, s->tape.run[st->runs - st->spec.dirs + d].h,
			   t->part);
		for (size_t r = 0; r < B; r++) {
			real *to = vector + r * D + (d && st->spec.merge == MERGE_CONCAT ? H : 0);

			if (d && st->spec.merge == MERGE_SUM)
				vec_add(to, t->part + r * H, 1, H);
			else
				memcpy(to, t->part + r * H, H * sizeof(real));
		}
	}
}

static void unpool_last(const struct stack *st, struct side *s, const real *dvector)
{
	const size_t H = (size_t)st->spec.H, D = (size_t)st->D, B = (size_t)s->batch.steps.B;

	for (int d = 0; d < st->spec.dirs; d++)
		for (size_t r = 0; r < B; r++)
			memcpy(s->tape.dh[st->runs - st->spec.dirs + d] + r * H,
			       dvector + r * D + (d && st->spec.merge == MERGE_CONCAT ? H : 0),
			       H * sizeof(real));
}

/* score <- the softmax over a row's steps of w . y. */
static void attend(const struct stack *st, const struct side *s, const real *w, real *score)
{
	const struct steps *steps = &s->batch.steps;

	mat_mul_nt(mat_of(score, steps->N, 1), cmat_of(s->tape.y, steps->N, st->D),
		   cmat_of(w, 1, st->D), 0);
	for (int r = 0; r < steps->B; r++) {
		real max = -INFINITY, sum = 0;

		for (int t = 0; t < s->batch.len[r]; t++)
			max = score[steps->offset[t] + r] > max ? score[steps->offset[t] + r] : max;
		for (int t = 0; t < s->batch.len[r]; t++)
			sum += score[steps->offset[t] + r] =
				real_exp(score[steps->offset[t] + r] - max);
		for (int t = 0; t < s->batch.len[r]; t++)
			score[steps->offset[t] + r] /= sum;
	}
}

void pool_forward(enum pool kind, const struct stack *st, const struct side *s, const real *w,
		  struct pool_tape *p, real *vector)
{
	const struct steps *steps = &s->batch.steps;
	const size_t D = (size_t)st->D, B = (size_t)steps->B, N = (size_t)steps->N;

	p->score = mem_grow(p->score, &p->score_cap, N + 1, sizeof(real));
	p->dy = mem_grow(p->dy, &p->dy_cap, N * D + 1, sizeof(real));
	p->part = mem_grow(p->part, &p->part_cap, B * D + 1, sizeof(real));
	p->top = mem_grow(p->top, &p->top_cap, B * D + 1, sizeof(*p->top));
	if (kind == POOL_LAST) {
		pool_last(st, s, p, vector);
		return;
	}
	memset(vector, 0, B * D * sizeof(real));
	if (kind == POOL_ATTENTION)
		attend(st, s, w, p->score);
	for (int r = 0; r < steps->B; r++) {
		real *v = vector + (size_t)r * D;

		for (int t = 0; t < s->batch.len[r]; t++) {
			const int n = steps->offset[t] + r;
			const real *y = s->tape.y + (size_t)n * D;

			if (kind != POOL_MAX) {
				vec_add(v, y,
					kind == POOL_MEAN ? 1 / (real)s->batch.len[r] : p->score[n],
					D);
				continue;
			}
			for (size_t k = 0; k < D; k++)
				if (!t || y[k] > v[k] || y[k] != y[k]) {
					v[k] = y[k];
					p->top[(size_t)r * D + k] = n;
				}
		}
	}
}

/* One row's share of dy where every step has one. */
static void spread(enum pool kind, const struct side *s, const real *w, struct pool_tape *p,
		   size_t D, int r, const real *dv, real *dw)
{
	const struct steps *steps = &s->batch.steps;
	real mean = 0; /* attention: the weighted mean of dv . y */

	for (int t = 0; kind == POOL_ATTENTION && t < s->batch.len[r]; t++)
		for (size_t k = 0; k < D; k++)
			mean += p->score[steps->offset[t] + r] * dv[k] *
				s->tape.y[(size_t)(steps->offset[t] + r) * D + k];
	for (int t = 0; t < s->batch.len[r]; t++) {
		const size_t n = (size_t)steps->offset[t] + (size_t)r;
		const real *y = s->tape.y + n * D;
		real dot = 0;

		if (kind == POOL_MEAN) {
			vec_add(p->dy + n * D, dv, 1 / (real)s->batch.len[r], D);
			continue;
		}
		for (size_t k = 0; k < D; k++)
			dot += dv[k] * y[k];
		dot = p->score[n] * (dot - mean); /* dL/d score before the softmax */
		vec_add(p->dy + n * D, dv, p->score[n], D);
		vec_add(p->dy + n * D, w, dot, D);
		vec_add(dw, y, dot, D);
	}
}

const real *pool_backward(enum pool kind, const struct stack *st, struct side *s, const real *w,
			  struct pool_tape *p, const real *dvector, real *dw)
{
	const size_t D = (size_t)st->D;

	if (kind == POOL_LAST) {
		unpool_last(st, s, dvector);
		return NULL;
	}
	memset(p->dy, 0, (size_t)s->batch.steps.N * D * sizeof(real));
	for (int r = 0; r < s->batch.steps.B; r++) {
		const real *dv = dvector + (size_t)r * D;

		if (kind != POOL_MAX) {
			spread(kind, s, w, p, D, r, dv, dw);
			continue;
		}
		for (size_t k = 0; s->batch.len[r] && k < D; k++)
			p->dy[(size_t)p->top[(size_t)r * D + k] * D + k] += dv[k];
	}
	return p->dy;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/survey/vectors.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void vectors_release(struct vectors *v)
{
	work_release(&v->work);
	free(v->row);
	free(v->last);
	*v = (struct vectors){0};
}

static bool run_texts(struct vectors *v, const struct snapshot *s, const struct encoding *text,
		      int count)
{
	const struct encoder *e = s->encoder;
	const int32_t *ids[VECTORS_MOST];
	int n[VECTORS_MOST];

	for (int k = 0; k < count; k++) {
		ids[k] = text[k].ids;
		n[k] = (int)text[k].count;
	}
	batch_of_texts(&v->work.in.batch, ids, n, count, &e->rules);
	return model_vector(&e->model, s->weights, &v->work, NULL);
}

/* Rows of the batch, of n numbers each, in the order of the texts. */
static const real *in_order(struct vectors *v, const real *from, size_t n, int count)
{
	v->row = mem_grow(v->row, &v->cap, (size_t)count * n, sizeof(*v->row));
	for (size_t r = 0; r < (size_t)count; r++)
		memcpy(v->row + (size_t)v->work.in.batch.row[r] * n, from + r * n,
		       n * sizeof(*v->row));
	return v->row;
}

const real *vectors_of(struct vectors *v, const struct snapshot *s, const struct encoding *text,
		       int count)
{
	if (!run_texts(v, s, text, count))
		return NULL;
	return in_order(v, v->work.vector, (size_t)s->encoder->model.D, count);
}

const real *vectors_last(struct vectors *v, const struct snapshot *s, const struct encoding *text,
			 int count, int run, bool c)
{
	const int H = s->encoder->model.spec.hidden;
	const struct recur_tape *tape;

	if (!run_texts(v, s, text, count))
		return NULL;
	tape = &v->work.in.tape.run[run];
	v->last = mem_grow(v->last, &v->last_cap, (size_t)count * (size_t)H, sizeof(*v->last));
	recur_last(&v->work.in.batch.steps, H, c ? tape->c : tape->h, v->last);
	return in_order(v, v->last, (size_t)H, count);
}

double vectors_cosine(const real *a, const real *b, int D)
{
	double dot = 0, aa = 0, bb = 0, cosine;

	for (int k = 0; k < D; k++) {
		dot += (double)a[k] * (double)b[k];
		aa += (double)a[k] * (double)a[k];
		bb += (double)b[k] * (double)b[k];
	}
	if (!(aa > 0 && bb > 0) || !isfinite(aa) || !isfinite(bb))
		return NAN;
	cosine = dot / (sqrt(aa) * sqrt(bb));
	return fmax(-1, fmin(1, cosine));
}

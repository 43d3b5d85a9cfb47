/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/vectors.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void vectors_release(struct vectors *v)
{
	work_release(&v->work);
	free(v->row);
	*v = (struct vectors){0};
}

const real *vectors_of(struct vectors *v, const struct snapshot *s, const struct encoding *text,
		       int count)
{
	const struct encoder *e = s->encoder;
	const size_t D = (size_t)e->model.D;
	const int32_t *ids[VECTORS_MOST];
	int n[VECTORS_MOST];

	for (int k = 0; k < count; k++) {
		ids[k] = text[k].ids;
		n[k] = (int)text[k].count;
	}
	batch_of_texts(&v->work.in.batch, ids, n, count, &e->rules);
	if (!model_vector(&e->model, s->weights, &v->work, NULL))
		return NULL;
	v->row = mem_grow(v->row, &v->cap, (size_t)count * D, sizeof(*v->row));
	for (size_t r = 0; r < (size_t)count; r++)
		memcpy(v->row + (size_t)v->work.in.batch.row[r] * D, v->work.vector + r * D,
		       D * sizeof(*v->row));
	return v->row;
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cases of kind layout: a standard layer as other programs keep it. From each of them comes the same
 * output; ours becomes the same tensors, where only the sum of two biases counts. */
#include "engine/base/mem.h"
#include "engine/exchange/layout.h"
#include "tests/golden/layers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double TOL = sizeof(real) == sizeof(double) ? 1e-8 : 2e-6;

/* A layer in one program's layout: the file's and our export. */
struct foreign {
	const struct layout_ops *ops;
	struct layout_layer layer;
	struct layout_tensor t[LAYOUT_MAX_TENSORS];
	const struct golden_array *want[LAYOUT_MAX_TENSORS];
	int count;
	real *block, *tensor[LAYOUT_MAX_TENSORS];
};

static bool same_shape(const struct layout_tensor *t, const struct golden_array *a)
{
	bool same = a && a->rank == t->rank;

	for (int d = 0; same && d < t->rank; d++)
		same = a->dim[d] == (size_t)t->dim[d];
	return same;
}

/* Finds the file's tensors; false, with c->worst, where one is missing, has another shape or does not
 * stand behind the one before it. */
static bool find_tensors(struct foreign *f, struct compare *c)
{
	const struct golden_array *last = NULL;

	for (; layout_tensor(f->ops, &f->layer, f->count, &f->t[f->count]); f->count++) {
		char name[GOLDEN_NAME];
		const struct golden_array *want;

		snprintf(name, sizeof(name), "%s.%s", f->ops->name, f->t[f->count].name);
		want = f->want[f->count] = golden_find(c->g, name);
		if (!same_shape(&f->t[f->count], want) || (last && want != last + 1)) {
			c->missing = true;
			snprintf(c->worst, sizeof(c->worst), "%s", name);
			return false;
		}
		last = want;
	}
	return true;
}

static void check_import(struct foreign *f, struct layers *l, struct compare *c)
{
	struct layers_out out;

	for (size_t k = 0; k < l->s.size; k++)
		l->weights[k] = (real)NAN;
	for (int k = 0; k < f->count; k++)
		for (size_t j = 0; j < f->want[k]->count; j++)
			f->tensor[k][j] = (real)f->want[k]->v[j];
	layout_import(f->ops, (const real *const *)f->tensor, l->weights, &l->s.run[0].at);
	layers_forward(l, &out);
	layers_compare(l, &out, c, TOL);
	layers_out_release(&out);
}

/* What counts of tensor k: the sum of a bias and the second one, wherever that stands. */
static double *summed(const struct foreign *f, int k, bool ours, size_t *n)
{
	const bool more = k + 1 < f->count && f->t[k + 1].part == LAYOUT_B_MORE,
		   both = f->t[k].part == LAYOUT_B_BOTH;
	double *v;

	*n = f->want[k]->count / (both ? 2 : 1);
	v = mem_alloc(*n * sizeof(*v));
	for (size_t j = 0; j < *n; j++) {
		v[j] = ours ? (double)f->tensor[k][j] : f->want[k]->v[j];
		if (both)
			v[j] += ours ? (double)f->tensor[k][*n + j] : f->want[k]->v[*n + j];
		if (more)
			v[j] += ours ? (double)f->tensor[k + 1][j] : f->want[k + 1]->v[j];
	}
	return v;
}

static void check_export(struct foreign *f, const struct layers *l, const real *weights,
			 struct compare *c)
{
	layout_export(f->ops, weights, &l->s.run[0].at, f->tensor);
	for (int k = 0; k < f->count; k++) {
		size_t n;
		double *want, *got;

		if (f->t[k].part == LAYOUT_B_MORE)
			continue;
		want = summed(f, k, false, &n);
		got = summed(f, k, true, &n);
		compare_arrays(c, f->want[k]->name, want, got, n, TOL, NULL);
		free(want);
		free(got);
	}
}

int case_layout(const struct golden *g, const char *path)
{
	static const char *const programs[] = {"keras", "torch", "onnx", "kann"};
	struct compare c = {.g = g, .path = path};
	struct layers l;
	real *weights;

	if (!layers_open(&l, g))
		return CASE_SKIP;
	weights = mem_alloc(l.s.size * sizeof(*weights));
	memcpy(weights, l.weights, l.s.size * sizeof(*weights));
	for (size_t k = 0; k < sizeof(programs) / sizeof(programs[0]) && !c.missing; k++) {
		struct foreign f = {.ops = layout_find(programs[k]),
				    .layer = {.E = (int)l.E, .H = (int)l.H}};

		if (!find_tensors(&f, &c))
			break;
		f.block = mem_zero(layout_lay(f.ops, &f.layer, NULL, NULL), sizeof(real));
		layout_lay(f.ops, &f.layer, f.block, f.tensor);
		check_import(&f, &l, &c);
		check_export(&f, &l, weights, &c);
		free(f.block);
	}
	layers_release(&l);
	free(weights);
	return compare_done(&c);
}

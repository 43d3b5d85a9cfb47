/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/init.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *init_name(enum init_kind kind)
{
	static const char *const name[] = {"glorot", "orthogonal", "uniform", "normal"};

	return name[kind];
}

static void fill_uniform(struct rng *rng, real *w, size_t n, double range)
{
	for (size_t k = 0; k < n; k++)
		w[k] = (real)((2 * rng_uniform(rng) - 1) * range);
}

static void fill_normal(struct rng *rng, real *w, size_t n, double deviation)
{
	for (size_t k = 0; k < n; k++)
		w[k] = (real)(rng_normal(rng) * deviation);
}

static double dot(const double *a, const double *b, size_t n)
{
	double part[4] = {0}, sum = 0;
	size_t k = 0;

	for (; k + 4 <= n; k += 4)
		for (size_t j = 0; j < 4; j++)
			part[j] += a[k + j] * b[k + j];
	for (; k < n; k++)
		sum += a[k] * b[k];
	return sum + part[0] + part[1] + part[2] + part[3];
}

/* Orthonormal rows, or columns where there are fewer of them: Gram and Schmidt on normal vectors, each
 * projected twice. */
static void fill_orthogonal(struct rng *rng, real *w, size_t rows, size_t cols)
{
	const bool by_rows = rows <= cols;
	const size_t count = by_rows ? rows : cols, n = by_rows ? cols : rows;
	double *q = mem_alloc(count * n * sizeof(*q));

	for (size_t r = 0; r < count; r++) {
		double *v = q + r * n, norm;

		for (size_t k = 0; k < n; k++)
			v[k] = rng_normal(rng);
		for (int pass = 0; pass < 2; pass++)
			for (size_t p = 0; p < r; p++) {
				const double d = dot(v, q + p * n, n);

				for (size_t k = 0; k < n; k++)
					v[k] -= d * q[p * n + k];
			}
		norm = 1 / sqrt(dot(v, v, n));
		for (size_t k = 0; k < n; k++) {
			v[k] *= norm;
			w[by_rows ? r * cols + k : k * cols + r] = (real)v[k];
		}
	}
	free(q);
}

static void fill(struct rng *rng, real *w, const struct param *p, const struct model *m,
		 const struct init *init)
{
	const char *dot_at = strrchr(p->name, '.'), *kind = dot_at ? dot_at + 1 : p->name;
	const bool forgets = !p->cols && !strcmp(kind, "b_f"), drawn = init->kind == INIT_UNIFORM;
	const size_t n = param_size(p);

	if (!strcmp(p->name, "embedding")) {
		fill_uniform(rng, w, n, init->embed_range);
	} else if (forgets && !(drawn && isnan(init->forget_bias))) {
		for (size_t k = 0; k < n; k++)
			w[k] = isnan(init->forget_bias) ? 1 : (real)init->forget_bias;
	} else if (drawn) {
		fill_uniform(rng, w, n, init->range > 0 ? init->range : 1 / sqrt(m->spec.hidden));
	} else if (!p->cols) {
		return; /* the block is zeroed */
	} else if (init->kind == INIT_NORMAL) {
		fill_normal(rng, w, n, 1 / sqrt(p->cols));
	} else if (init->kind == INIT_ORTHOGONAL || *kind == 'U') {
		fill_orthogonal(rng, w, (size_t)p->rows, (size_t)p->cols);
	} else {
		fill_uniform(rng, w, n, sqrt(6.0 / (p->rows + p->cols)));
	}
}

real *init_weights(const struct model *m, uint64_t seed, const struct init *init)
{
	real *w = mem_block(m->size, sizeof(*w));
	struct rng rng;

	for (int k = 0; w && k < m->params; k++) {
		rng_seed(&rng, seed, (uint64_t)k + 1);
		fill(&rng, w + m->param[k].at, &m->param[k], m, init);
	}
	return w;
}

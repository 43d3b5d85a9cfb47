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

/* Rows are made orthogonal BLOCK at a time to GROUP earlier ones at a time, a part of CHUNK numbers of
 * each being in the nearest cache. */
enum { GROUP = 4, BLOCK = 32, CHUNK = 256, LANES = 8 };

static double dot(const double *a, const double *b, size_t n)
{
	double part[LANES] = {0}, sum = 0;
	size_t k = 0;

	for (; k + LANES <= n; k += LANES)
		for (size_t j = 0; j < LANES; j++)
			part[j] += a[k + j] * b[k + j];
	for (; k < n; k++)
		sum += a[k] * b[k];
	for (size_t j = 0; j < LANES; j++)
		sum += part[j];
	return sum;
}

/* Adds to d the products of m numbers of v with those of the rows of q, which lie n apart. */
static void add_products(double d[GROUP], const double *v, const double *q, size_t n, size_t m)
{
	typedef double lanes __attribute__((vector_size(LANES * sizeof(double)),
					    aligned(sizeof(double)), may_alias));
	const double *q1 = q + n, *q2 = q1 + n, *q3 = q2 + n;
	lanes sum[GROUP] = {{0}};
	const size_t whole = m - m % LANES;

	for (size_t k = 0; k < whole; k += LANES) {
		const lanes x = *(const lanes *)(v + k);

		sum[0] += x * *(const lanes *)(q + k);
		sum[1] += x * *(const lanes *)(q1 + k);
		sum[2] += x * *(const lanes *)(q2 + k);
		sum[3] += x * *(const lanes *)(q3 + k);
	}
	for (int r = 0; r < GROUP; r++) {
		d[r] += dot(v + whole, q + (size_t)r * n + whole, m - whole);
		for (int j = 0; j < LANES; j++)
			d[r] += sum[r][j];
	}
}

static void subtract(double *restrict v, const double d[GROUP], const double *restrict q, size_t n,
		     size_t m)
{
	const double *q1 = q + n, *q2 = q1 + n, *q3 = q2 + n;

	for (size_t k = 0; k < m; k++)
		v[k] -= d[0] * q[k] + d[1] * q1[k] + d[2] * q2[k] + d[3] * q3[k];
}

/* Takes from count rows at v what lies along the GROUP orthonormal ones at q. */
static void take_group(double *v, size_t count, const double *q, size_t n)
{
	double d[BLOCK][GROUP] = {{0}};

	for (int pass = 0; pass < 2; pass++)
		for (size_t k = 0; k < n; k += CHUNK) {
			const size_t m = n - k < CHUNK ? n - k : CHUNK;

			for (size_t r = 0; r < count; r++)
				if (pass)
					subtract(v + r * n + k, d[r], q + k, n, m);
				else
					add_products(d[r], v + r * n + k, q + k, n, m);
		}
}

/* Makes a group of count rows, orthogonal to those before the group, orthonormal. */
static void finish_group(double *q, size_t count, size_t n)
{
	for (size_t r = 0; r < count; r++) {
		double *v = q + r * n, norm;

		for (size_t p = 0; p < r; p++) {
			const double d = dot(v, q + p * n, n);

			for (size_t k = 0; k < n; k++)
				v[k] -= d * q[p * n + k];
		}
		norm = 1 / sqrt(dot(v, v, n));
		for (size_t k = 0; k < n; k++)
			v[k] *= norm;
	}
}

/* Makes the rows orthonormal by Gram's and Schmidt's method: a block at a time against the rows before
 * it, so that these pass through the cache once a block. Where few directions are left, and little of
 * a row remains, it is gone over twice. */
static void make_orthonormal(double *q, size_t count, size_t n)
{
	for (size_t b = 0, end; b < count; b = end) {
		const int passes = 4 * (n - b) < n ? 2 : 1;

		end = b + BLOCK < count ? b + BLOCK : count;
		for (int pass = 0; pass < passes; pass++)
			for (size_t p = 0; p < b; p += GROUP)
				take_group(q + b * n, end - b, q + p * n, n);
		for (size_t g = b; g < end; g += GROUP) {
			const size_t size = end - g < GROUP ? end - g : GROUP;

			for (int pass = 0; pass < passes; pass++)
				for (size_t p = b; p < g; p += GROUP)
					take_group(q + g * n, size, q + p * n, n);
			for (int pass = 0; pass < passes; pass++)
				finish_group(q + g * n, size, n);
		}
	}
}

/* Orthonormal rows, or columns where there are fewer of them, from normal vectors. */
static void fill_orthogonal(struct rng *rng, real *w, size_t rows, size_t cols)
{
	const bool by_rows = rows <= cols;
	const size_t count = by_rows ? rows : cols, n = by_rows ? cols : rows;
	double *q = mem_alloc(count * n * sizeof(*q));

	for (size_t k = 0; k < count * n; k++)
		q[k] = rng_normal(rng);
	make_orthonormal(q, count, n);
	for (size_t r = 0; r < count; r++)
		for (size_t k = 0; k < n; k++)
			w[by_rows ? r * cols + k : k * cols + r] = (real)q[r * n + k];
	free(q);
}

static void fill(struct rng *rng, real *w, const struct param *p, const struct model *m,
		 const struct init *init)
{
	const char *dot_at = strrchr(p->name, '.'), *kind = dot_at ? dot_at + 1 : p->name;
	const bool forgets = !p->cols && !strcmp(kind, "b_f"), drawn = init->kind == INIT_UNIFORM;
	const size_t n = param_size(p);

	if (!strcmp(kind, "embedding")) {
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/survey/project.h"

#include "engine/base/mem.h"
#include "engine/math/blas.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK_ROWS = 256 };

void projection_release(struct projection *p)
{
	free(p->mean);
	free(p->component);
	free(p->variance);
	*p = (struct projection){0};
}

static void find_mean(struct projection *p, const real *row)
{
	const size_t D = (size_t)p->D;

	for (size_t k = 0; k < p->n; k++)
		for (size_t d = 0; d < D; d++)
			p->mean[d] += (double)row[k * D + d];
	for (size_t d = 0; d < D; d++)
		p->mean[d] /= (double)p->n;
}

/* The lower triangle of the covariance, in `component`, and the total variance beside it. */
static bool find_covariance(struct projection *p, const real *row)
{
	const size_t D = (size_t)p->D;
	double *part = mem_block(BLOCK_ROWS * D, sizeof(*part));

	if (!part)
		return false;
	for (size_t from = 0; from < p->n; from += BLOCK_ROWS) {
		const size_t rows = p->n - from < BLOCK_ROWS ? p->n - from : BLOCK_ROWS;
		double squares = 0;

		for (size_t k = 0; k < rows * D; k++) {
			part[k] = (double)row[from * D + k] - p->mean[k % D];
			squares += part[k] * part[k];
		}
		blas_gram(p->component, part, (int)rows, p->D);
		p->total += squares;
	}
	for (size_t k = 0; k < D * D; k++)
		p->component[k] /= (double)(p->n - 1);
	p->total /= (double)(p->n - 1);
	free(part);
	return true;
}

/* Largest first. */
static void turn_round(struct projection *p)
{
	const size_t D = (size_t)p->D;

	for (size_t k = 0; k < D / 2; k++) {
		double *a = p->component + k * D, *b = p->component + (D - 1 - k) * D;
		const double v = p->variance[k];

		p->variance[k] = p->variance[D - 1 - k];
		p->variance[D - 1 - k] = v;
		for (size_t d = 0; d < D; d++) {
			const double x = a[d];

			a[d] = b[d];
			b[d] = x;
		}
	}
}

/* An eigenvector is one in either direction: the sign is fixed. */
static void fix_signs(struct projection *p)
{
	const size_t D = (size_t)p->D;

	for (size_t k = 0; k < D; k++) {
		double *v = p->component + k * D;
		size_t most = 0;
		double sign;

		for (size_t d = 1; d < D; d++)
			if (fabs(v[d]) > fabs(v[most]))
				most = d;
		sign = v[most] < 0 ? -1 : 1;
		for (size_t d = 0; d < D; d++)
			v[d] *= sign;
	}
}

static bool fit(struct projection *p, const real *row, struct err *err)
{
	const size_t D = (size_t)p->D;

	if (!p->component || !find_covariance(p, row))
		return err_set(err, ERR_FAILED,
			       "not enough memory for the covariance of %d numbers", p->D);
	if (!isfinite(p->total))
		return err_set(err, ERR_INPUT,
			       "the vectors are not finite numbers: the run has "
			       "diverged");
	if (!(p->total > 0))
		return err_set(err, ERR_INPUT,
			       "all %zu vectors are equal: there is no direction in which they "
			       "differ",
			       p->n);
	if (!blas_eigen(p->component, p->D, p->variance))
		return err_set(err, ERR_FAILED, "the components of %d numbers cannot be found",
			       p->D);
	turn_round(p);
	fix_signs(p);
	p->residual = p->total;
	for (size_t k = 0; k < D; k++)
		p->residual -= p->variance[k];
	return true;
}

bool projection_fit(struct projection *p, const real *row, size_t n, int D, struct err *err)
{
	const size_t width = (size_t)D;

	*p = (struct projection){.D = D, .n = n};
	if (n < 2)
		return err_set(err, ERR_INPUT, "components need at least 2 vectors, and there %s",
			       n ? "is one" : "are none");
	p->mean = mem_zero(width, sizeof(*p->mean));
	p->variance = mem_zero(width, sizeof(*p->variance));
	p->component = mem_block(width * width, sizeof(*p->component));
	find_mean(p, row);
	return fit(p, row, err);
}

void projection_of_double(const struct projection *p, const double *v, int k, double *at)
{
	const size_t D = (size_t)p->D;

	for (int j = 0; j < k; j++) {
		at[j] = 0;
		for (size_t d = 0; d < D; d++)
			at[j] += p->component[(size_t)j * D + d] * (v[d] - p->mean[d]);
	}
}

void projection_of(const struct projection *p, const real *v, int k, double *at)
{
	const size_t D = (size_t)p->D;

	for (int j = 0; j < k; j++) {
		at[j] = 0;
		for (size_t d = 0; d < D; d++)
			at[j] += p->component[(size_t)j * D + d] * ((double)v[d] - p->mean[d]);
	}
}

double projection_share(const struct projection *p, int component)
{
	return p->variance[component] / p->total;
}

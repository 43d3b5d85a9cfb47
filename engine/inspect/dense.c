/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/dense.h"

#include "engine/math/level.h"

enum { LANES = 16 };

struct dense_ops {
	void (*add)(double *y, const real *W, const double *x, size_t rows, size_t cols);
	void (*add_t)(double *x, const real *W, const double *y, size_t rows, size_t cols);
	void (*outer)(double *M, const double *y, const double *x, size_t rows, size_t cols);
};
LEVEL_DECLARE(const struct dense_ops, dense_ops);

static inline double dot(const real *restrict w, const double *restrict x, size_t n)
{
	double part[LANES] = {0}, sum = 0;
	size_t k = 0;

	for (; k + LANES <= n; k += LANES)
		for (size_t j = 0; j < LANES; j++)
			part[j] += (double)w[k + j] * x[k + j];
	for (; k < n; k++)
		sum += (double)w[k] * x[k];
	for (size_t j = 0; j < LANES; j++)
		sum += part[j];
	return sum;
}

static void add(double *y, const real *W, const double *x, size_t rows, size_t cols)
{
	for (size_t r = 0; r < rows; r++)
		y[r] += dot(W + r * cols, x, cols);
}

/* Four rows at a time: x is read and written once for all of them. */
static void add_four(double *restrict x, const real *restrict W, const double *restrict y, size_t n)
{
	const real *restrict b = W + n, *restrict c = b + n, *restrict d = c + n;
	const double p = y[0], q = y[1], r = y[2], s = y[3];

	for (size_t k = 0; k < n; k++)
		x[k] += (double)W[k] * p + (double)b[k] * q + (double)c[k] * r + (double)d[k] * s;
}

static void add_t(double *restrict x, const real *W, const double *y, size_t rows, size_t cols)
{
	size_t r = 0;

	for (; r + 4 <= rows; r += 4)
		add_four(x, W + r * cols, y + r, cols);
	for (; r < rows; r++)
		for (size_t k = 0; k < cols; k++)
			x[k] += (double)W[r * cols + k] * y[r];
}

static void outer(double *restrict M, const double *y, const double *restrict x, size_t rows,
		  size_t cols)
{
	for (size_t r = 0; r < rows; r++)
		for (size_t k = 0; k < cols; k++)
			M[r * cols + k] += y[r] * x[k];
}

const struct dense_ops AT_LEVEL(dense_ops) = {add, add_t, outer};

#ifdef LEVEL_ONCE

void dense_add(double *y, const real *W, const double *x, size_t rows, size_t cols)
{
	LEVEL_PICK(dense_ops)->add(y, W, x, rows, cols);
}

void dense_add_t(double *x, const real *W, const double *y, size_t rows, size_t cols)
{
	LEVEL_PICK(dense_ops)->add_t(x, W, y, rows, cols);
}

void dense_outer(double *M, const double *y, const double *x, size_t rows, size_t cols)
{
	LEVEL_PICK(dense_ops)->outer(M, y, x, rows, cols);
}

#endif

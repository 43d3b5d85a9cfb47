/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compiled at every level: see level.h. */
#include "engine/math/kernels.h"

static void add(real *restrict y, const real *restrict x, real a, size_t n)
{
	for (size_t k = 0; k < n; k++)
		y[k] += a * x[k];
}

static double square_sum(const real *x, size_t n)
{
	double part[8] = {0}, sum = 0;
	size_t k = 0;

	for (; k + 8 <= n; k += 8)
		for (int j = 0; j < 8; j++)
			part[j] += (double)x[k + (size_t)j] * (double)x[k + (size_t)j];
	for (; k < n; k++)
		sum += (double)x[k] * (double)x[k];
	for (int j = 0; j < 8; j++)
		sum += part[j];
	return sum;
}

/* In lanes, so that the compiler may turn the loops into vector code. */
enum { LANES = 16 };

static real largest(const real *x, size_t n)
{
	real lane[LANES], max = x[0];
	size_t k = 0;

	for (size_t j = 0; j < LANES; j++)
		lane[j] = x[0];
	for (; k + LANES <= n; k += LANES)
		for (size_t j = 0; j < LANES; j++)
			lane[j] = x[k + j] > lane[j] ? x[k + j] : lane[j];
	for (; k < n; k++)
		max = x[k] > max ? x[k] : max;
	for (size_t j = 0; j < LANES; j++)
		max = lane[j] > max ? lane[j] : max;
	return max;
}

static struct softmax softmax(real *x, int n)
{
	const size_t size = (size_t)n;
	const real max = largest(x, size);
	real lane[LANES] = {0}, inverse;
	double sum = 0;
	size_t k = 0;

	for (; k + LANES <= size; k += LANES)
		for (size_t j = 0; j < LANES; j++)
			lane[j] += x[k + j] = real_exp(x[k + j] - max);
	for (; k < size; k++)
		sum += (double)(x[k] = real_exp(x[k] - max));
	for (size_t j = 0; j < LANES; j++)
		sum += (double)lane[j];
	inverse = (real)(1 / sum);
	for (k = 0; k < size; k++)
		x[k] *= inverse;
	return (struct softmax){(double)max + log(sum), inverse};
}

static real sum_lanes(const real *lane)
{
	real sum = 0;

	for (size_t j = 0; j < LANES; j++)
		sum += lane[j];
	return sum;
}

static real dot(const real *x, const real *y, size_t n)
{
	real lane[LANES] = {0}, sum = 0;
	size_t k = 0;

	for (; k + LANES <= n; k += LANES)
		for (size_t j = 0; j < LANES; j++)
			lane[j] += x[k + j] * y[k + j];
	for (; k < n; k++)
		sum += x[k] * y[k];
	return sum + sum_lanes(lane);
}

static real tanh_dot(const real *v, const real *p, const real *u, size_t n)
{
	real lane[LANES] = {0}, sum = 0;
	size_t k = 0;

	for (; k + LANES <= n; k += LANES)
		for (size_t j = 0; j < LANES; j++)
			lane[j] += v[k + j] * real_tanh(p[k + j] + u[k + j]);
	for (; k < n; k++)
		sum += v[k] * real_tanh(p[k] + u[k]);
	return sum + sum_lanes(lane);
}

static void tanh_dot_back(real d, const real *restrict v, const real *restrict p,
			  const real *restrict u, real *restrict dv, real *restrict dp,
			  real *restrict du, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		const real e = real_tanh(p[k] + u[k]), x = d * v[k] * (1 - e * e);

		dv[k] += d * e;
		dp[k] += x;
		du[k] += x;
	}
}

const struct vec_ops AT_LEVEL(vec_ops) = {add, square_sum, softmax, dot, tanh_dot, tanh_dot_back};

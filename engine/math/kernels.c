/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/math/kernels.h"

double vec_square_sum(const real *x, size_t n)
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

double softmax_row(real *x, int n)
{
	real max = x[0];
	double sum = 0;

	for (int k = 1; k < n; k++)
		max = x[k] > max ? x[k] : max;
	for (int k = 0; k < n; k++) {
		double e = exp((double)(x[k] - max));

		x[k] = (real)e;
		sum += e;
	}
	for (int k = 0; k < n; k++)
		x[k] = (real)((double)x[k] / sum);
	return (double)max + log(sum);
}

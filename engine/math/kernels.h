/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pointwise functions. They are inline and free of branches, so that the compiler turns the
 * loops of the cells into vector code. A NaN goes through every one of them: training must see it.
 */
#ifndef SLUICE_ENGINE_MATH_KERNELS_H
#define SLUICE_ENGINE_MATH_KERNELS_H

#include "engine/math/level.h"
#include "engine/math/real.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef SLUICE_DOUBLE

static inline real real_exp(real x)
{
	return exp(x);
}

static inline real real_tanh(real x)
{
	return tanh(x);
}

static inline real real_sqrt(real x)
{
	return sqrt(x);
}

#else

/* e^x within 2 units in the last place: x = n ln 2 + r, and a polynomial for e^r (Cephes, expf). Below
 * the smallest normal number it is 0, from e^88.3 on it grows no further. */
static inline real real_exp(real x)
{
	const float least = -87.336544f; /* ln FLT_MIN */
	const float from = x;
	int32_t bits;
	float n, p, scale;

	x = x < least ? least : x;
	x = x > 88.3f ? 88.3f : x;
	n = rintf((x == x ? x : 0) * 1.44269504088896341f); /* NaN goes on in x alone */
	x -= n * 0.693359375f;
	x -= n * -2.12194440e-4f;
	p = 1.9875691500e-4f;
	p = p * x + 1.3981999507e-3f;
	p = p * x + 8.3334519073e-3f;
	p = p * x + 4.1665795894e-2f;
	p = p * x + 1.6666665459e-1f;
	p = p * x + 5.0000001201e-1f;
	p = p * x * x + x + 1.0f;
	bits = ((int32_t)n + 127) * (1 << 23);
	memcpy(&scale, &bits, sizeof(scale)); /* 2^n */
	return from < least ? 0.0f : p * scale;
}

/* tanh: a polynomial near 0, where 1 - 2/(e^2x + 1) would lose its digits (Cephes, tanhf). */
static inline real real_tanh(real x)
{
	float a = fabsf(x), s = x * x, p, far;

	p = -5.70498872745e-3f;
	p = p * s + 2.06390887954e-2f;
	p = p * s - 5.37397155531e-2f;
	p = p * s + 1.33314422036e-1f;
	p = p * s - 3.33332819422e-1f;
	p = p * s * x + x;
	far = 1.0f - 2.0f / (real_exp(2.0f * a) + 1.0f);
	far = copysignf(far, x);
	return a < 0.625f ? p : far;
}

static inline real real_sqrt(real x)
{
	return sqrtf(x);
}

#endif

/* 1/(1 + e^-x), which for x < 0 is e^x/(1 + e^x): neither loses digits. */
static inline real real_sigmoid(real x)
{
	const real e = real_exp(x < 0 ? x : -x), r = 1 / (1 + e);

	return x < 0 ? e * r : r;
}

/* Turns n scores into probabilities in place. */
struct softmax {
	double log_sum; /* of the scores' exponentials: -log p[k] = log_sum - score[k] */
	real top;       /* the largest probability */
};

struct vec_ops {
	void (*add)(real *y, const real *x, real a, size_t n);
	double (*square_sum)(const real *x, size_t n);
	struct softmax (*softmax)(real *x, int n);
	real (*dot)(const real *x, const real *y, size_t n);
	real (*tanh_dot)(const real *v, const real *p, const real *u, size_t n);
	void (*tanh_dot_back)(real d, const real *v, const real *p, const real *u, real *dv,
			      real *dp, real *du, size_t n);
};
LEVEL_DECLARE(const struct vec_ops, vec_ops);

/* y += a x */
static inline void vec_add(real *y, const real *x, real a, size_t n)
{
	LEVEL_PICK(vec_ops)->add(y, x, a, n);
}

/* Sum of squares, in double and in a fixed order. */
static inline double vec_square_sum(const real *x, size_t n)
{
	return LEVEL_PICK(vec_ops)->square_sum(x, n);
}

static inline struct softmax softmax_row(real *x, int n)
{
	return LEVEL_PICK(vec_ops)->softmax(x, n);
}

static inline real vec_dot(const real *x, const real *y, size_t n)
{
	return LEVEL_PICK(vec_ops)->dot(x, y, n);
}

/* v . tanh(p + u); and, from the gradient d of that, what it adds to those of v, p and u. */
static inline real vec_tanh_dot(const real *v, const real *p, const real *u, size_t n)
{
	return LEVEL_PICK(vec_ops)->tanh_dot(v, p, u, n);
}

static inline void vec_tanh_dot_back(real d, const real *v, const real *p, const real *u, real *dv,
				     real *dp, real *du, size_t n)
{
	LEVEL_PICK(vec_ops)->tanh_dot_back(d, v, p, u, dv, dp, du, n);
}

#endif

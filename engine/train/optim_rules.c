/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The updates of the optimizers. Compiled at every level: see engine/math/level.h. */
#include "engine/train/optim_rules.h"
#include "engine/math/kernels.h"

#include <math.h>

/* p -= a m / (sqrt(v) b + eps), with m and v the moving means of g and g^2. */
static void adam(const struct optim *o, real *restrict w, size_t at, real scale, size_t n,
		 const real *restrict g, double rate, double root)
{
	const real b1 = (real)o->beta1, b2 = (real)o->beta2, n1 = (real)(1 - o->beta1);
	const real n2 = (real)(1 - o->beta2), a = (real)rate, b = (real)root, eps = (real)o->eps;
	real *restrict m = o->slot[0] + at, *restrict v = o->slot[1] + at;

	for (size_t k = 0; k < n; k++) {
		const real d = g[k] * scale;

		m[k] = b1 * m[k] + n1 * d;
		v[k] = b2 * v[k] + n2 * d * d;
		w[k] -= a * m[k] / (real_sqrt(v[k]) * b + eps);
	}
}

void AT_LEVEL(optim_adam_torch)(const struct optim *o, real *w, size_t at, real scale, size_t n,
				const real *g)
{
	adam(o, w, at, scale, n, g, o->lr / o->unbias1, 1 / sqrt(o->unbias2));
}

void AT_LEVEL(optim_adam_keras)(const struct optim *o, real *w, size_t at, real scale, size_t n,
				const real *g)
{
	adam(o, w, at, scale, n, g, o->lr * sqrt(o->unbias2) / o->unbias1, 1);
}

void AT_LEVEL(optim_adamw)(const struct optim *o, real *w, size_t at, real scale, size_t n,
			   const real *g)
{
	const real keep = (real)(1 - o->lr * o->decay);

	for (size_t k = 0; k < n; k++)
		w[k] *= keep;
	AT_LEVEL(optim_adam_torch)(o, w, at, scale, n, g);
}

void AT_LEVEL(optim_sgd)(const struct optim *o, real *restrict w, size_t at, real scale, size_t n,
			 const real *restrict g)
{
	const real rate = (real)o->lr * scale;

	(void)at; /* it keeps no state */
	for (size_t k = 0; k < n; k++)
		w[k] -= rate * g[k];
}

/* v <- mu v + g;  p -= lr v, or, looking ahead as Nesterov's does, p -= lr (g + mu v). */
static void by_velocity(const struct optim *o, real *restrict w, size_t at, real scale, size_t n,
			const real *restrict g, bool ahead)
{
	const real mu = (real)o->beta1, rate = (real)o->lr;
	real *restrict v = o->slot[0] + at;

	for (size_t k = 0; k < n; k++) {
		const real d = g[k] * scale;

		v[k] = mu * v[k] + d;
		w[k] -= rate * (ahead ? d + mu * v[k] : v[k]);
	}
}

void AT_LEVEL(optim_momentum)(const struct optim *o, real *w, size_t at, real scale, size_t n,
			      const real *g)
{
	by_velocity(o, w, at, scale, n, g, false);
}

void AT_LEVEL(optim_nesterov)(const struct optim *o, real *w, size_t at, real scale, size_t n,
			      const real *g)
{
	by_velocity(o, w, at, scale, n, g, true);
}

/* p -= lr g / (sqrt(a + inside) + outside), a <- old a + fresh g^2. */
static void by_squares(const struct optim *o, real *restrict w, size_t at, real scale, size_t n,
		       const real *restrict g, double old, double fresh, double inside,
		       double outside)
{
	const real rate = (real)o->lr, keep = (real)old, add = (real)fresh, in = (real)inside;
	const real out = (real)outside;
	real *restrict a = o->slot[0] + at;

	for (size_t k = 0; k < n; k++) {
		const real d = g[k] * scale;

		a[k] = keep * a[k] + add * d * d;
		w[k] -= rate * d / (real_sqrt(a[k] + in) + out);
	}
}

void AT_LEVEL(optim_adagrad)(const struct optim *o, real *w, size_t at, real scale, size_t n,
			     const real *g)
{
	by_squares(o, w, at, scale, n, g, 1, 1, 0, o->eps);
}

void AT_LEVEL(optim_adagrad_keras)(const struct optim *o, real *w, size_t at, real scale, size_t n,
				   const real *g)
{
	by_squares(o, w, at, scale, n, g, 1, 1, o->eps, 0);
}

void AT_LEVEL(optim_rmsprop)(const struct optim *o, real *w, size_t at, real scale, size_t n,
			     const real *g)
{
	by_squares(o, w, at, scale, n, g, o->beta2, 1 - o->beta2, 0, o->eps);
}

void AT_LEVEL(optim_rmsprop_keras)(const struct optim *o, real *w, size_t at, real scale, size_t n,
				   const real *g)
{
	by_squares(o, w, at, scale, n, g, o->beta2, 1 - o->beta2, o->eps, 0);
}

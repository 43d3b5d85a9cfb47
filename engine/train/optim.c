/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/optim.h"

#include "engine/base/mem.h"
#include "engine/math/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* p -= a m / (sqrt(v) b + eps), with m and v the moving means of g and g^2. */
static void adam(const struct optim *o, real *restrict w, const real *restrict g, real scale,
		 size_t first, size_t end, double rate, double root)
{
	const real b1 = (real)o->beta1, b2 = (real)o->beta2, n1 = (real)(1 - o->beta1);
	const real n2 = (real)(1 - o->beta2), a = (real)rate, b = (real)root, eps = (real)o->eps;
	real *restrict m = o->slot[0], *restrict v = o->slot[1];

	for (size_t k = first; k < end; k++) {
		const real d = g[k] * scale;

		m[k] = b1 * m[k] + n1 * d;
		v[k] = b2 * v[k] + n2 * d * d;
		w[k] -= a * m[k] / (real_sqrt(v[k]) * b + eps);
	}
}

static void adam_torch(const struct optim *o, real *w, const real *g, real scale, size_t first,
		       size_t end)
{
	adam(o, w, g, scale, first, end, o->lr / o->unbias1, 1 / sqrt(o->unbias2));
}

static void adam_keras(const struct optim *o, real *w, const real *g, real scale, size_t first,
		       size_t end)
{
	adam(o, w, g, scale, first, end, o->lr * sqrt(o->unbias2) / o->unbias1, 1);
}

static void adamw(const struct optim *o, real *w, const real *g, real scale, size_t first,
		  size_t end)
{
	const real keep = (real)(1 - o->lr * o->decay);

	for (size_t k = first; k < end; k++)
		w[k] *= keep;
	adam_torch(o, w, g, scale, first, end);
}

static void sgd(const struct optim *o, real *restrict w, const real *restrict g, real scale,
		size_t first, size_t end)
{
	const real rate = (real)o->lr * scale;

	for (size_t k = first; k < end; k++)
		w[k] -= rate * g[k];
}

/* v <- mu v + g;  p -= lr v, or, looking ahead as Nesterov's does, p -= lr (g + mu v). */
static void by_velocity(const struct optim *o, real *restrict w, const real *restrict g, real scale,
			size_t first, size_t end, bool ahead)
{
	const real mu = (real)o->beta1, rate = (real)o->lr;
	real *restrict v = o->slot[0];

	for (size_t k = first; k < end; k++) {
		const real d = g[k] * scale;

		v[k] = mu * v[k] + d;
		w[k] -= rate * (ahead ? d + mu * v[k] : v[k]);
	}
}

static void momentum(const struct optim *o, real *w, const real *g, real scale, size_t first,
		     size_t end)
{
	by_velocity(o, w, g, scale, first, end, false);
}

static void nesterov(const struct optim *o, real *w, const real *g, real scale, size_t first,
		     size_t end)
{
	by_velocity(o, w, g, scale, first, end, true);
}

/* p -= lr g / (sqrt(a + inside) + outside), a <- old a + fresh g^2. */
static void by_squares(const struct optim *o, real *restrict w, const real *restrict g, real scale,
		       size_t first, size_t end, double old, double fresh, double inside,
		       double outside)
{
	const real rate = (real)o->lr, keep = (real)old, add = (real)fresh, in = (real)inside;
	const real out = (real)outside;
	real *restrict a = o->slot[0];

	for (size_t k = first; k < end; k++) {
		const real d = g[k] * scale;

		a[k] = keep * a[k] + add * d * d;
		w[k] -= rate * d / (real_sqrt(a[k] + in) + out);
	}
}

static void adagrad(const struct optim *o, real *w, const real *g, real scale, size_t first,
		    size_t end)
{
	by_squares(o, w, g, scale, first, end, 1, 1, 0, o->eps);
}

static void adagrad_keras(const struct optim *o, real *w, const real *g, real scale, size_t first,
			  size_t end)
{
	by_squares(o, w, g, scale, first, end, 1, 1, o->eps, 0);
}

static void rmsprop(const struct optim *o, real *w, const real *g, real scale, size_t first,
		    size_t end)
{
	by_squares(o, w, g, scale, first, end, o->beta2, 1 - o->beta2, 0, o->eps);
}

static void rmsprop_keras(const struct optim *o, real *w, const real *g, real scale, size_t first,
			  size_t end)
{
	by_squares(o, w, g, scale, first, end, o->beta2, 1 - o->beta2, o->eps, 0);
}

// clang-format off
static const struct optim_ops table[] = {
	{"adam",          "Adam with PyTorch's epsilon", 6, 2, {"m", "v"}, 0.9, 0.999, 1e-8, 0, 0, adam_torch},
	{"adam_keras",    "Adam with Keras's epsilon", 5, 2, {"m", "v"}, 0.9, 0.999, 1e-7, 0, 0, adam_keras},
	{"adamw",         "Adam with decoupled weight decay 0.01", 7, 2, {"m", "v"}, 0.9, 0.999, 1e-8, 0.01, 0, adamw},
	{"sgd",           "plain gradient descent", 0, 0, {NULL}, 0, 0, 0, 0, 0, sgd},
	{"momentum",      "gradient descent with momentum 0.9", 1, 1, {"v"}, 0.9, 0, 0, 0, 0, momentum},
	{"nesterov",      "with Nesterov's momentum 0.9", 2, 1, {"v"}, 0.9, 0, 0, 0, 0, nesterov},
	{"rmsprop",       "RMSprop as in PyTorch", -1, 1, {"a"}, 0, 0.99, 1e-8, 0, 0, rmsprop},
	{"rmsprop_keras", "RMSprop as in Keras", 4, 1, {"a"}, 0, 0.9, 1e-7, 0, 0, rmsprop_keras},
	{"adagrad",       "Adagrad as in PyTorch", -1, 1, {"a"}, 0, 0, 1e-10, 0, 0, adagrad},
	{"adagrad_keras", "Adagrad as in Keras", 3, 1, {"a"}, 0, 0, 1e-7, 0, 0.1, adagrad_keras},
};
// clang-format on

const struct optim_ops *optim_at(int index)
{
	return index >= 0 && (size_t)index < sizeof(table) / sizeof(table[0]) ? &table[index]
									      : NULL;
}

const struct optim_ops *optim_find(const char *name)
{
	for (int k = 0; optim_at(k); k++)
		if (!strcmp(table[k].name, name))
			return &table[k];
	return NULL;
}

bool optim_takes(const struct optim_ops *ops, enum optim_number which)
{
	const double has[] = {ops->beta1, ops->beta2, ops->eps, ops->decay};

	return has[which] > 0;
}

bool optim_init(struct optim *o, const struct optim_ops *ops, double lr, size_t size)
{
	*o = (struct optim){.ops = ops,
			    .lr = lr,
			    .beta1 = ops->beta1,
			    .beta2 = ops->beta2,
			    .eps = ops->eps,
			    .decay = ops->decay};
	for (int k = 0; k < ops->slots; k++) {
		if (!(o->slot[k] = mem_block(size, sizeof(real)))) {
			optim_release(o);
			return false;
		}
		for (size_t j = 0; ops->init > 0 && j < size; j++)
			o->slot[k][j] = (real)ops->init;
	}
	return true;
}

void optim_tune(struct optim *o, const struct optim_tune *tune)
{
	double *const number[] = {&o->beta1, &o->beta2, &o->eps, &o->decay};

	for (int k = 0; k < OPTIM_NUMBERS; k++)
		if (tune->given[k])
			*number[k] = tune->value[k];
}

void optim_release(struct optim *o)
{
	for (int k = 0; k < OPTIM_MAX_SLOTS; k++)
		free(o->slot[k]);
	*o = (struct optim){0};
}

void optim_begin(struct optim *o)
{
	o->t++;
	o->unbias1 = 1 - pow(o->beta1, (double)o->t);
	o->unbias2 = 1 - pow(o->beta2, (double)o->t);
}

void optim_update(const struct optim *o, real *w, const real *g, real scale, size_t first,
		  size_t end)
{
	o->ops->update(o, w, g, scale, first, end);
}

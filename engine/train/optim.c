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
	const double c1 = 1 - pow(o->beta1, (double)o->t), c2 = 1 - pow(o->beta2, (double)o->t);

	adam(o, w, g, scale, first, end, o->lr / c1, 1 / sqrt(c2));
}

static void adam_keras(const struct optim *o, real *w, const real *g, real scale, size_t first,
		       size_t end)
{
	const double c1 = 1 - pow(o->beta1, (double)o->t), c2 = 1 - pow(o->beta2, (double)o->t);

	adam(o, w, g, scale, first, end, o->lr * sqrt(c2) / c1, 1);
}

static const struct optim_ops table[] = {
	{"adam", "Adam with PyTorch's epsilon", 6, 2, {"m", "v"}, 1e-8, adam_torch},
	{"adam_keras", "Adam with Keras's epsilon", 5, 2, {"m", "v"}, 1e-7, adam_keras},
};

const struct optim_ops *optim_at(int index)
{
	return index >= 0 && (size_t)index < sizeof(table) / sizeof(table[0]) ? &table[index] : NULL;
}

const struct optim_ops *optim_find(const char *name)
{
	for (int k = 0; optim_at(k); k++)
		if (!strcmp(table[k].name, name))
			return &table[k];
	return NULL;
}

bool optim_init(struct optim *o, const struct optim_ops *ops, double lr, size_t size)
{
	*o = (struct optim){.ops = ops, .lr = lr, .beta1 = 0.9, .beta2 = 0.999, .eps = ops->eps};
	for (int k = 0; k < ops->slots; k++)
		if (!(o->slot[k] = mem_block(size, sizeof(real)))) {
			optim_release(o);
			return false;
		}
	return true;
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
}

void optim_update(const struct optim *o, real *w, const real *g, real scale, size_t first,
		  size_t end)
{
	o->ops->update(o, w, g, scale, first, end);
}

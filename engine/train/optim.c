/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/optim.h"

#include "engine/base/mem.h"
#include "engine/train/optim_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RULE(name) LEVEL_LIST(optim_##name)
// clang-format off
static const struct optim_ops table[] = {
	{"adam",          "Adam with PyTorch's epsilon", 6, 2, {"m", "v"}, 0.9, 0.999, 1e-8, 0, 0, RULE(adam_torch)},
	{"adam_keras",    "Adam with Keras's epsilon", 5, 2, {"m", "v"}, 0.9, 0.999, 1e-7, 0, 0, RULE(adam_keras)},
	{"adamw",         "Adam with decoupled weight decay 0.01", 7, 2, {"m", "v"}, 0.9, 0.999, 1e-8, 0.01, 0, RULE(adamw)},
	{"sgd",           "plain gradient descent", 0, 0, {NULL}, 0, 0, 0, 0, 0, RULE(sgd)},
	{"momentum",      "gradient descent with momentum 0.9", 1, 1, {"v"}, 0.9, 0, 0, 0, 0, RULE(momentum)},
	{"nesterov",      "with Nesterov's momentum 0.9", 2, 1, {"v"}, 0.9, 0, 0, 0, 0, RULE(nesterov)},
	{"rmsprop",       "RMSprop as in PyTorch", -1, 1, {"a"}, 0, 0.99, 1e-8, 0, 0, RULE(rmsprop)},
	{"rmsprop_keras", "RMSprop as in Keras", 4, 1, {"a"}, 0, 0.9, 1e-7, 0, 0, RULE(rmsprop_keras)},
	{"adagrad",       "Adagrad as in PyTorch", -1, 1, {"a"}, 0, 0, 1e-10, 0, 0, RULE(adagrad)},
	{"adagrad_keras", "Adagrad as in Keras", 3, 1, {"a"}, 0, 0, 1e-7, 0, 0.1, RULE(adagrad_keras)},
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

void optim_update(const struct optim *o, real *w, size_t at, real scale, size_t n, const real *g)
{
	o->ops->update[level_now()](o, w, at, scale, n, g);
}

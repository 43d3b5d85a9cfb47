/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Optimizers: one table entry each. State arrays mirror the weights.
 *
 * Plain names follow PyTorch, names with _keras follow Keras, where the two differ: Adam adds
 * epsilon after the bias correction there (Kingma and Ba, arXiv 1412.6980, algorithm 1), before it
 * here (the paper's epsilon-hat, end of section 2); RMSprop and Adagrad add it outside the root
 * there, inside here. Every weight it is given is updated, also one whose gradient is 0: see
 * learner_spec.
 */
#ifndef SLUICE_ENGINE_TRAIN_OPTIM_H
#define SLUICE_ENGINE_TRAIN_OPTIM_H

#include "engine/math/level.h"
#include "engine/math/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIM_MAX_SLOTS = 2 };

struct optim;

/* See optim_update. */
typedef void optim_rule(const struct optim *o, real *w, size_t at, real scale, size_t n,
			const real *g);

struct optim_ops {
	const char *name, *title;
	int golden;                        /* cfg.optim in the golden files; -1: none */
	int slots;                         /* state arrays */
	const char *slot[OPTIM_MAX_SLOTS]; /* their names in a checkpoint */
	double beta1, beta2, eps; /* defaults; beta1 is momentum, beta2 the mean of squares */
	double decay, init;       /* of AdamW; what Adagrad's sum starts from */
	optim_rule *update[LEVEL_COUNT]; /* one for each level of vector instructions */
};

struct optim {
	const struct optim_ops *ops;
	double lr, beta1, beta2, eps, decay;
	int64_t t;               /* updates so far, the one under way included */
	double unbias1, unbias2; /* Adam's 1 - beta^t of this one */
	real *slot[OPTIM_MAX_SLOTS];
};

const struct optim_ops *optim_at(int index); /* NULL past the end */
const struct optim_ops *optim_find(const char *name);

/* The numbers of a method that can be chosen. */
enum optim_number { OPTIM_BETA1, OPTIM_BETA2, OPTIM_EPS, OPTIM_DECAY, OPTIM_NUMBERS };

/* Those that were chosen; zeroed: none. */
struct optim_tune {
	bool given[OPTIM_NUMBERS];
	double value[OPTIM_NUMBERS];
};

/* Whether a method has that number at all. */
bool optim_takes(const struct optim_ops *ops, enum optim_number which);

/* The table's defaults; state 0, or init. false without memory. */
bool optim_init(struct optim *o, const struct optim_ops *ops, double lr, size_t size);
/* What was chosen in place of the defaults. */
void optim_tune(struct optim *o, const struct optim_tune *tune);
void optim_release(struct optim *o);

/* One update: optim_begin once, then optim_update over disjoint parts that cover the block (any
 * threads): n weights w, which are the block's from `at` on, with their gradients g. Those are
 * multiplied by scale on the way (clipping). */
void optim_begin(struct optim *o);
void optim_update(const struct optim *o, real *w, size_t at, real scale, size_t n, const real *g);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A learner holds weights, gradients, optimizer and workspaces, and takes one training step at a
 * time: the batch is dealt to the team's members by length, gradients are added in the members'
 * order, clipped by their global norm (Pascanu et al., arXiv 1211.5063) and handed to the
 * optimizer. Batch, weights, seed and team size determine every bit of the result.
 */
#ifndef SLUICE_ENGINE_TRAIN_LEARNER_H
#define SLUICE_ENGINE_TRAIN_LEARNER_H

#include "engine/train/encoder.h"
#include "engine/train/optim.h"
#include "engine/train/team.h"

struct learner;

struct step_stats {
	double loss;      /* mean over the batch, nats, with dropout */
	double accuracy;  /* of the same pass */
	double grad_norm; /* before it is clipped, after elements are */
	int tokens;       /* steps computed: the sum of the rows' lengths */
	bool finite;      /* false: loss or gradient is NaN or infinite, and nothing was updated */
};

/* Takes over weights (m->size elements), also when it fails; m must live longer. clip 0: no
 * clipping. ERR_FAILED without memory or threads. */
struct learner *learner_new(const struct model *m, real *weights, const struct optim_ops *ops,
			    double lr, double clip, double dropout, double recurrent, int threads,
			    struct err *err);
void learner_free(struct learner *l);

/* Forward and backward only: the mean gradient stays in learner_grad until learner_update. */
struct step_stats learner_gradient(struct learner *l, const struct corpus *c, int32_t *example,
				   int count, const struct batch_rules *rules,
				   uint64_t dropout_key);
/* Clips, updates, and clears the gradient. */
void learner_update(struct learner *l, const struct step_stats *s);
/* Both; no update where the result is not finite. Sorts the examples. */
struct step_stats learner_step(struct learner *l, const struct corpus *c, int32_t *example,
			       int count, const struct batch_rules *rules, uint64_t dropout_key);

/* Clamps each element of the mean gradient to +-value, before the norm is taken and clipped; 0: no
 * limit. What is infinite stays so, and is not finite. */
void learner_clip_value(struct learner *l, double value);
/* From now on rows of the embedding that the batch does not hold are left alone, moments included, as
 * PyTorch's SparseAdam and TensorFlow's LazyAdam do: such a row neither drifts on what is left of
 * its momentum nor decays (AdamW). Other weights are updated at every step as ever. */
void learner_lazy(struct learner *l);

real *learner_weights(struct learner *l);    /* borrowed */
const real *learner_grad(struct learner *l); /* borrowed */
struct optim *learner_optim(struct learner *l);
struct team *learner_team(struct learner *l);

#endif

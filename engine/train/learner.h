/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A learner holds weights, gradients, optimizer and workspaces, and takes one training step at a
 * time: the batch is dealt to the team's members by length, gradients are added in the members'
 * order, clipped by their global norm (Pascanu et al., arXiv 1211.5063) and handed to the
 * optimizer. The rows of a stream are dealt likewise, and each member carries the states of its own
 * from window to window. Batch, weights, seed and team size determine every bit of the result.
 */
#ifndef SLUICE_ENGINE_TRAIN_LEARNER_H
#define SLUICE_ENGINE_TRAIN_LEARNER_H

#include "engine/base/team.h"
#include "engine/train/encoder.h"
#include "engine/train/optim.h"

struct learner;

/* What a step learns from: examples of a corpus, or a window of its stream. */
struct lesson {
	const struct corpus *corpus;
	const struct batch_rules *rules;
	int32_t *example; /* sorted on the way */
	int count;        /* examples; rows of the stream */
	int64_t at;       /* generate: where the window begins in each row, and its length */
	int steps;
	uint64_t key; /* of dropout */
	double own; /* pairs: share of steps at which the decoder reads what it wrote itself (decoder.h) */
};

struct step_stats {
	double loss;      /* mean over the batch's targets, nats, with dropout */
	double accuracy;  /* share of its targets, in the same pass */
	double grad_norm; /* before it is clipped, after elements are */
	int64_t targets;
	int tokens;     /* of the texts: the sum of the rows' lengths; not those a decoder reads */
	bool finite;    /* false: loss or gradient is NaN or infinite, and nothing was updated */
	bool no_memory; /* that is why */
};

struct learner_spec {
	const struct optim_ops *optim;
	struct optim_tune tune;    /* of optim; zeroed: its own numbers */
	double lr, clip;           /* of the whole norm; 0: none */
	double clip_value;         /* of each element, before the norm is taken; 0: none */
	double dropout, recurrent; /* rates: see engine/nn/side.h */
	double smoothing;          /* of labels: see engine/nn/head.h */
	/* Rows of the embedding that the batch does not hold are left alone, moments included, as
	 * PyTorch's SparseAdam and TensorFlow's LazyAdam do: such a row neither drifts on what is left
	 * of its momentum nor decays (AdamW). Not where the embedding is tied. */
	bool lazy;
	enum precision precision; /* of the products; one that precision_has */
	int threads;              /* 1 at least */
	/* The usual batch, from which follows how threads share it (share.h); 0: its rows. */
	int rows;
	int64_t tokens;
};

/* Takes over weights (m->size elements), also when it fails; m must live longer. ERR_FAILED without
 * memory or threads. */
struct learner *learner_new(const struct model *m, real *weights, const struct learner_spec *spec,
			    struct err *err);
void learner_free(struct learner *l);

/* Forward and backward only: the mean gradient stays in learner_grad until learner_update. */
struct step_stats learner_gradient(struct learner *l, const struct lesson *lesson);
/* Clips, updates, and clears the gradient. */
void learner_update(struct learner *l, const struct step_stats *s);
/* Both; no update where the result is not finite. */
struct step_stats learner_step(struct learner *l, const struct lesson *lesson);

/* The learning rate's factor of each group of weights (model_groups), all 1 to begin with. Where it is 0 a
 * group is frozen: its weights and the optimizer's numbers for them keep their bytes, and its gradient
 * does not count for the norm. */
void learner_set_factors(struct learner *l, const double *factor);

/* The states that a stream's rows carry: forgotten before its first window; copied out, or in, as
 * stack_keep lays out `rows` rows (stack_carry_size), whatever the team's size. */
void learner_carry_clear(struct learner *l);
void learner_carry_get(const struct learner *l, int rows, real *carry);
void learner_carry_set(struct learner *l, int rows, const real *carry);

real *learner_weights(struct learner *l);      /* borrowed */
const real *learner_grad(struct learner *l);   /* borrowed */
size_t learner_bytes(const struct learner *l); /* of all its arrays, as they are now */
struct optim *learner_optim(struct learner *l);
struct team *learner_team(struct learner *l);

#endif

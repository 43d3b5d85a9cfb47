/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a model costs: its parameters, the arithmetic of a token, and the memory that training takes.
 *
 * Arithmetic is counted as that of the products which are really done, a multiplication and an addition
 * being 2. H units, E the width of a layer's input, Gx and Gh the gates with input and recurrent
 * weights, M the cell's other matrices (H, H), D the width of the text's vector, K and C the input and
 * the outcomes of the head:
 *
 *     a layer and direction   forward  2 H (Gx E + Gh H + M H)
 *                             backward twice that, for the gradients of weights and of inputs; the
 *                             lowest layer's share of Gx only once where its input is one-hot
 *     pooling by attention    forward  4 D    backward 10 D
 *     the head, a target      forward  2 C K  backward 4 C K
 *
 * One-hot input counts as the product with W that is done. Left out: pointwise functions, biases, peep
 * holes, dropout, the softmax, the optimizer, and that the first step of a text has no gates before it
 * to look at (FGR).
 */
#ifndef SLUICE_ENGINE_TRAIN_COST_H
#define SLUICE_ENGINE_TRAIN_COST_H

#include "engine/train/trainer.h"

enum { COST_MAX_GROUPS = 2 * STACK_MAX_RUNS + 3 };

struct cost_group {
	char name[16]; /* "embedding", "l0" (both directions), "pool", "dec.l0", "head" */
	int64_t parameters;
};

/* Arithmetic of each token, and what is done once a text: the head of classify; the end mark that the
 * decoder of reconstruct reads and says. */
struct cost_flop {
	int64_t token, text;
};

enum cost_part {
	COST_WEIGHTS,
	COST_GRADIENTS, /* of all threads */
	COST_OPTIMIZER,
	COST_SNAPSHOTS,   /* the last checkpoint, and the one being stored */
	COST_ACTIVATIONS, /* of the longest batch, all threads */
	COST_VALIDATION,  /* the same of its longest batches */
	COST_TEXTS,       /* as ids */
	COST_PROGRAM,     /* what there is without all that; the caller's to set */
	COST_PARTS
};
const char *cost_part_name(enum cost_part p);

struct cost {
	int groups;
	struct cost_group group[COST_MAX_GROUPS];
	int64_t parameters, bytes; /* in all */
	struct cost_flop forward, backward;
	int64_t memory[COST_PARTS];
	int64_t activations_token; /* bytes of memory that a token of a batch takes */
	/* Of an epoch: texts (streams: 0), tokens with padding, and those of its validation. */
	int64_t texts, tokens, valid_texts, valid_tokens;
};

/* Parameters, arithmetic, and the memory that does not depend on the texts. */
void cost_of_model(struct cost *c, const struct model *m, const struct optim_ops *optim,
		   int threads);
/* Adds what the texts take: tokens, activations, validation. valid may be NULL. */
void cost_add_texts(struct cost *c, const struct train_spec *spec, const struct encoder *e,
		    const struct corpus *train, const struct corpus *valid);

/* What is not there at one time: validation is over when the second snapshot is made. And the most that is:
 * the sum of all parts less that. */
int64_t cost_not_at_once(const struct cost *c);
int64_t cost_memory(const struct cost *c);
/* Arithmetic of an epoch's training, and of its validation. */
double cost_train_flop(const struct cost *c);
double cost_valid_flop(const struct cost *c);

/* What a machine made of it. */
struct cost_speed {
	double seconds; /* of measured steps */
	int steps;
	int64_t texts, tokens;
	size_t bytes; /* of the learner's arrays in the end */
};

/*
 * Really trains on the texts for about so many seconds, on weights that are thrown away: one step to
 * warm up, which does not count, then three at least; but it ends after three times as many seconds,
 * and where the first step alone took those, that one counts. ERR_FAILED without memory or threads.
 */
bool cost_measure(struct cost_speed *out, double seconds, const struct train_spec *spec,
		  const struct encoder *e, const struct corpus *train, struct err *err);

/* Seconds of an epoch with its validation, at that speed. */
double cost_epoch_seconds(const struct cost *c, const struct cost_speed *s);

#endif

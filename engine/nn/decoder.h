/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The decoder of a pair: a stack of one direction that writes a text, with attention to another one (see
 * attention.h). Where a step reads what came of the step before, all of it goes step by step; else the
 * stack runs through first.
 *
 * Teacher forcing: in training the decoder reads the token that it should have written. With rate r it
 * does so with probability r at each step of each text, and else reads its own likeliest token
 * (scheduled sampling, Bengio et al., arXiv 1506.03099); no gradient goes through that choice.
 */
#ifndef SLUICE_ENGINE_NN_DECODER_H
#define SLUICE_ENGINE_NN_DECODER_H

#include "engine/nn/model.h"
#include "engine/nn/stepwise.h"

struct teacher {
	double rate;
	uint64_t
		key; /* of the draws, which follow from the text's place in the batch: see struct dropout */
	int first, stride;
};

/* What a pass over a batch leaves for the way back. Zeroed is empty. */
struct decoder {
	const struct model *m;
	struct side *side;
	struct attending at;
	struct stepwise steps;
	bool stepwise;
	real *q;          /* (N, H) early: the states before each step */
	real *cat, *dcat; /* (N, D+H) late: [context; h]; early, (N, H+D): [h; context] */
	real *out;        /* (N, K) what the head reads, before dropout */
	real *dh;         /* (N, H) */
	real *said;       /* (N, K) the same after dropout; out itself where nothing is dropped */
	real *feed;       /* (B, H) late, fed: what is read at the first step, or NULL for 0 */
	real *ready;      /* of C */
	real *guess;      /* (B, V) room of the teacher */
	real *block;
	size_t cap;
};
void decoder_release(struct decoder *d);

/* Elements that it takes for B rows and N steps, looking at texts of at most `widest` steps. */
size_t decoder_size(const struct model *m, struct arithmetic how, size_t B, size_t N, size_t widest,
		    bool teaches);
/* Lays itself out for the side's batch, whose own room is laid already; row r looks at text[r] of the
 * memory. false without memory. */
bool decoder_room(struct decoder *d, const struct model *m, struct side *side, struct memory *mem,
		  const int *text, bool teaches);
/* From the ids of the side, its initial states in place, to `said`. Where the teacher leaves steps to the
 * decoder, the batch's ids become what it read. */
void decoder_forward(struct decoder *d, const real *weights, const struct teacher *teacher);
/* From dsaid (N, K), which does not survive, to the gradients of the first states (dh and dc of the side's
 * tape), of the side's dx, of the memory and, added up, of the weights. */
void decoder_backward(struct decoder *d, const real *weights, real *dsaid, real *grad);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model at work: a batch there, and, in training, back. */
#ifndef SLUICE_ENGINE_NN_PASS_H
#define SLUICE_ENGINE_NN_PASS_H

#include "engine/nn/decoder.h"
#include "engine/nn/head.h"
#include "engine/nn/model.h"

/* The workspace of one thread: batches and every array of a pass over them. Zeroed is empty. */
struct work {
	struct side in, out; /* the text; the decoder's */
	struct pool_tape pool;
	struct memory memory; /* of pairs: what the decoder looks at, and how it begins */
	struct bridge_tape bridge;
	struct decoder decoder;
	real *vector, *dvector; /* (B, D) the text's vector, after dropout; its gradient */
	real *prob;             /* classify: (B, C); where they are kept: (N, C) */
	real *dy, *block;       /* (N, K) gradient of what the head reads; the head's block */
	real *ready;            /* the head's weights, made ready for its products */
	int *place;             /* B: the text's row of each row of the decoder */
	size_t vector_cap, dvector_cap, prob_cap, dy_cap, block_cap, ready_cap, place_cap;
};

void work_release(struct work *w);

/* What decides how large a workspace gets: B texts of N steps in all, T of them the longest one's, and out_N
 * steps of the decoder (or 0), that reads its `own` words in part. */
struct work_shape {
	size_t B, N, T, out_N;
	bool own;
};
/* Bytes of numbers that the workspace takes once a pass has run over the largest batch so far; and those
 * that one has now. */
size_t work_size(const struct model *m, struct arithmetic how, struct work_shape shape);
size_t work_bytes(const struct work *w);

/* What a pass is for. */
struct pass {
	const struct dropout *drop; /* NULL outside training */
	real smoothing;             /* of the targets */
	struct arithmetic how;      /* of the products with weights */
	bool keep;                  /* leave the probabilities of every step in prob */
	const struct teacher
		*teacher; /* of pairs; NULL: the decoder reads what it should have said */
	/* Backward, with loss = scale * sum: adds to grad, a block of m->dense elements; the
	 * embedding's gradient stays in the sides for model_scatter, because threads share its rows.
	 * NULL: forward only. */
	real *grad;
	real scale;
};

/*
 * Runs the batch that the caller built in w->in (and, where there is a decoder, in w->out). Leaves every gate in
 * the sides' tapes (but backward overwrites them) and adds loss and right answers to tally. Targets
 * are the batch's labels (classify), or `next` of the side that the head reads. false without
 * memory.
 */
bool model_pass(const struct model *m, const real *weights, struct work *w, const struct pass *p,
		struct tally *tally);

/* Runs the text's side only, as far as its vector: w->vector (B, D), row r for batch row r. false
 * without memory. */
bool model_vector(const struct model *m, const real *weights, struct work *w,
		  const struct dropout *drop);

/* Runs the text's side only, as far as what a decoder of pairs takes from it: w->memory and w->bridge, row
 * r for batch row r. false without memory. */
bool model_remember(const struct model *m, const real *weights, struct work *w,
		    const struct pass *p);

/* Adds the sides' dx to the embeddings' part of a whole gradient block. */
void model_scatter(const struct model *m, const struct work *w, real *grad);
/* Sets the embedding rows that the batch touched to zero again. */
void model_unscatter(const struct model *m, const struct work *w, real *grad);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One side of a model: a packed batch of ids, embedded, on its way through a stack of layers. A
 * classifier and a language model have one side, an encoder with a decoder has two.
 *
 * In training, dropout draws masks for a text that are kept over its steps (Gal and Ghahramani, arXiv
 * 1512.05287): for the input, between layers, for the output, and, at a rate of its own, for the
 * state that the gates see. All carry the factor 1/(1-p).
 *
 * A side may carry its states from one pass to the next, as windows over a stream do: values only, no
 * gradient goes through (truncated back-propagation through time, Williams and Peng 1990).
 */
#ifndef SLUICE_ENGINE_NN_SIDE_H
#define SLUICE_ENGINE_NN_SIDE_H

#include "engine/nn/stack.h"

#include <stdint.h>

/* Dropout of one pass. Masks depend on the key and on the text's place in the whole batch
 * (first + stride * row), not on how the batch was split. */
struct dropout {
	double rate, recurrent;
	uint64_t key;
	int first, stride;
};

/* Zeroed is empty. The caller builds the batch; memory is kept from pass to pass. */
struct side {
	struct batch batch;
	struct stack_tape tape;
	int width, out;        /* of the input, of what comes out of it */
	real *x, *dx;          /* (N, width) */
	real *drop_x, *drop_y; /* (B, width), (B, out) masks of the input and of the output */
	real *drop_between[STACK_MAX_RUNS],
		*drop_h[STACK_MAX_RUNS]; /* (B, D) a layer, (B, H) a run */
	bool dropped;
	bool single;       /* ids that come again are not picked, for they may change on the way */
	struct pick pick;  /* of the input, where ids come again often enough */
	int32_t *distinct; /* the ids, each once */
	int *of, *place;   /* N: where each is among them; (V) zeroed, room to find that out */
	size_t distinct_cap, of_cap, place_cap;
	real *gates;          /* room of the pick */
	bool carries;         /* keep the states for the next pass, and begin with those kept */
	int carried;          /* rows whose states are kept; 0: none, begin anew */
	real *carry, *before; /* as stack_keep lays them out: now, and when the pass began */
	real *block;
	size_t cap, carry_cap, before_cap;
};

void side_release(struct side *s);

/* Elements of the arrays for B rows and N steps. */
size_t side_size(const struct stack *st, struct arithmetic how, int width, int out, size_t B,
		 size_t N);
/* Lays the arrays out for the batch, and begins with the carried states where there are some of as
 * many rows. false without memory. */
bool side_room(struct side *s, const struct stack *st, int width, int out);
/* Draws the masks; drop NULL, or rates of 0: none. */
void side_masks(struct side *s, const struct stack *st, const struct dropout *drop);
/* Fills the first columns of x: rows of the embedding (V, E), or one-hot rows of V where it is NULL.
 * Where that is all of x, nothing of it is dropped, and no more than half of the ids are distinct, x
 * has each of those once (struct pick); so has dx. */
void side_embed(struct side *s, const real *embedding, int E, int V);
/* Multiplies x, or its gradient, by the input's mask. */
void side_drop_input(const struct side *s, real *x);
/* Multiplies (N, out) outputs, or their gradients, by the output's mask. */
void side_drop_output(const struct side *s, real *y);
/* stack_forward, keeping the states where they are carried. */
void side_forward(struct side *s, const struct stack *st, const real *weights);
/* The second part of it alone. */
void side_keep(struct side *s, const struct stack *st);
/* Adds the first E columns of dx to the embedding's gradient (V, E), row by row; and sets those rows to
 * 0 again. */
void side_scatter(const struct side *s, int E, real *grad);
void side_unscatter(const struct side *s, int E, real *grad);

#endif

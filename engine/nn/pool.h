/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pooling: the outputs of a stack's steps become one vector a text. The last state of each direction,
 * the mean or the maximum over the steps, or a weighted sum with the softmax of w . y_t as weights.
 */
#ifndef SLUICE_ENGINE_NN_POOL_H
#define SLUICE_ENGINE_NN_POOL_H

#include "engine/nn/side.h"

enum pool { POOL_LAST, POOL_MEAN, POOL_MAX, POOL_ATTENTION, POOL_COUNT };
const char *pool_name(enum pool p);
int pool_find(const char *name); /* -1 if there is none */

/* What a pass over a batch leaves for the way back. Zeroed is empty. */
struct pool_tape {
	real *score; /* (N) attention's weights */
	real *dy;    /* (N, D) */
	real *part;  /* (B, D) */
	int *top;    /* (B, D): the packed row that holds a maximum */
	size_t score_cap, dy_cap, part_cap, top_cap;
};

void pool_release(struct pool_tape *t);

/* w (D) are attention's weights. Writes vector (B, D). */
void pool_forward(enum pool kind, const struct stack *st, const struct side *s, const real *w,
		  struct pool_tape *t, real *vector);

/* From dvector (B, D) to the gradients that stack_backward takes: those of the last states in the
 * side's tape, or of every output, which it returns (NULL for last). Adds to dw. */
const real *pool_backward(enum pool kind, const struct stack *st, struct side *s, const real *w,
			  struct pool_tape *t, const real *dvector, real *dw);

#endif

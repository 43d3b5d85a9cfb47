/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From an encoder's last states to a decoder's first ones, layer by layer. One direction: as they are;
 * two that are summed: their sum; two that are concatenated, of 2H numbers:
 *
 *     h_0 = tanh(W_h [h_fw; h_bw] + b_h)      c_0 = W_c [c_fw; c_bw] + b_c
 *
 * as Bahdanau et al. begin their decoder (arXiv 1409.0473, appendix A.2.2, there from h_bw alone). A
 * cell that looks at its own gates one step earlier begins with none.
 */
#ifndef SLUICE_ENGINE_NN_BRIDGE_H
#define SLUICE_ENGINE_NN_BRIDGE_H

#include "engine/nn/side.h"

struct bridge {
	bool learned; /* two directions side by side */
	int layers, H;
	bool cells;      /* there is a c */
	size_t at, size; /* of the weights, layer by layer: W_h, b_h, W_c, b_c */
};

void bridge_plan(struct bridge *b, const struct stack *encoder, size_t at);
/* The name of tensor k, its place, rows and columns (0: a vector). NULL past the end. */
const char *bridge_tensor(const struct bridge *b, int k, char name[16], size_t *at, int *rows,
			  int *cols);

/* For the way back: the states, layer by layer, h before c. Zeroed is empty. */
struct bridge_tape {
	real *last;  /* (B, dirs H) each: of the encoder */
	real *first; /* (B, H) each: of the decoder */
	real *d;     /* (B, H) each: the gradients of the first states, to be filled in */
	real *part;  /* (B, 2H) */
	real *block;
	size_t cap;
};
void bridge_release(struct bridge_tape *t);

/* Elements for B texts. */
size_t bridge_size(const struct bridge *b, const struct stack *encoder, size_t B);
/* Fills last and first, with one row for each of the side's texts. false without memory. */
bool bridge_forward(struct bridge_tape *t, const struct bridge *b, const struct stack *encoder,
		    const real *weights, const struct side *in);
/* The first states of a layer: part 0 is h, 1 is c. */
real *bridge_first(const struct bridge_tape *t, const struct bridge *b, size_t B, int layer,
		   int part);
real *bridge_d(const struct bridge_tape *t, const struct bridge *b, size_t B, int layer, int part);
/* From d to the gradients of the last states in the side's tape; adds to grad. */
void bridge_back(struct bridge_tape *t, const struct bridge *b, const struct stack *encoder,
		 const real *weights, struct side *in, real *grad);

#endif

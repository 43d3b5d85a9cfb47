/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One recurrent layer, one direction, over a packed batch (text/batch.h). The input half of all
 * gates is one product over all N packed rows, the recurrent half one product a step; weight
 * gradients are one product each. Letters as in cell.h.
 *
 * A row that ends early, or never runs, keeps its state. Masks of any form come down to this: a
 * masked step carries the state unchanged, so a row runs over its unmasked steps only.
 */
#ifndef SLUICE_ENGINE_NN_RECUR_H
#define SLUICE_ENGINE_NN_RECUR_H

#include "engine/math/product.h"
#include "engine/nn/cell.h"
#include "engine/text/batch.h"

struct recur {
	const struct cell_ops *cell;
	struct cell_layout at; /* where the weights lie in the block given below */
};

/* An input whose rows are few and come again and again, as embedded tokens do: row n is row of[n] of
 * `distinct` ones. The input half of the gates is then computed once for each, and so are their
 * gradients; dx has as many rows. */
struct pick {
	const int *of; /* N */
	int distinct;
	real *gates; /* (distinct, G*H) room */
};

/* All arrays are the caller's. What forward fills, backward needs; it overwrites z. */
struct recur_tape {
	const struct steps *steps;
	const real *x; /* (N, E)   input, after dropout; (distinct, E) where there is a pick */
	const struct pick *pick; /* or NULL */
	const real *drop_h;      /* (B, H)   recurrent dropout mask with its 1/(1-p), or NULL */
	const real *z_first;     /* (B, G*H) the gates' values before the first step, or NULL: 0 */
	real *z;                 /* (N, G*H) the gates' values */
	real *h_in;              /* (N, H)   h_{t-1} as the gates see it */
	real *c, *h;   /* (B+N, H) the first B rows are the initial state, set by the caller */
	real *scratch; /* (B, (G+1)*H) for backward */
	real *room;    /* recur_room elements, aligned to 64 bytes */
	struct arithmetic how; /* of the products */
};

/* Elements that the weights of one run take, made ready for its products. */
size_t recur_room(const struct recur *r, struct arithmetic how);

void recur_forward(const struct recur *r, const real *weights, const struct recur_tape *tape);

/* Copies each row's last state: (B, H) from a (B+N, H) array. */
void recur_last(const struct steps *s, int H, const real *state, real *last);

/*
 * Backward through time. dh and dc (B, H) hold the gradients of the last states on entry, and those
 * of the initial states on return. dy (N, H), or NULL, are gradients of every step's h. Adds the
 * weights' gradients to grad (the block's layout) and writes dx (N, E), unless it is NULL.
 */
void recur_backward(const struct recur *r, const real *weights, const struct recur_tape *tape,
		    const real *dy, real *dh, real *dc, real *grad, real *dx);

/*
 * The same step by step, for whoever knows a step's input only when the one before is over. U is made
 * ready in the tape's room, which must not change between open and the last step.
 *
 * Forward: recur_open, then for every t from 0 on, with b + W x of its rows in z, recur_step. Backward:
 * recur_open_back, then for every t from the last one on recur_step_back, after which z holds the
 * gradients of the step's pre-activations; then recur_close_back adds those of U, b and extras to grad.
 */
struct recur_pass {
	const struct recur *r;
	const struct recur_tape *tape;
	struct factor U;
	const real *extra[CELL_MAX_EXTRAS];
	real *grad, *dextra[CELL_MAX_EXTRAS];
};
void recur_open(struct recur_pass *p, const struct recur *r, const real *weights,
		const struct recur_tape *tape);
void recur_step(const struct recur_pass *p, int t);
void recur_open_back(struct recur_pass *p, const struct recur *r, const real *weights,
		     const struct recur_tape *tape, real *grad);
void recur_step_back(const struct recur_pass *p, int t, const real *dy, real *dh, real *dc);
void recur_close_back(const struct recur_pass *p);
/* W and x, for all rows: z = b + W x over the first `cols` columns of x alone, before recur_open; and,
 * after recur_close_back, the gradient of W and, in the same columns, of x (unless dx is NULL). */
void recur_input(const struct recur *r, const real *weights, const struct recur_tape *tape,
		 int cols);
void recur_input_back(const struct recur *r, const real *weights, const struct recur_tape *tape,
		      real *grad, real *dx, int cols);

#endif

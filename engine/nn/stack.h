/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recurrent layers on top of each other, in one direction or two. Layer l > 0 reads what layer l-1
 * puts out: its h in one direction; [forward, backward] or their sum in two (Schuster and Paliwal
 * 1997). The backward direction reads each row from its last step to its first; its output at a
 * position stands beside the forward one.
 *
 * Runs are numbered layer * dirs + direction. Letters as in cell.h; D is the width of the output.
 */
#ifndef SLUICE_ENGINE_NN_STACK_H
#define SLUICE_ENGINE_NN_STACK_H

#include "engine/base/err.h"
#include "engine/nn/recur.h"

enum { STACK_MAX_RUNS = 16 };

enum merge { MERGE_CONCAT, MERGE_SUM };

struct stack_spec {
	const struct cell_ops *cell;
	int E, H, layers, dirs;
	enum merge merge;
	bool learned; /* the initial states are weights: h0 and c0 (H) of every run; else they are 0 */
};

struct stack {
	struct stack_spec spec;
	int D;    /* H, or 2H where two directions are concatenated */
	int runs; /* layers * dirs */
	struct recur run[STACK_MAX_RUNS];
	size_t h0[STACK_MAX_RUNS], c0[STACK_MAX_RUNS]; /* where they are learned */
	size_t size;                                   /* weights in all */
};

/* Plans the weights from offset `at` of a block. ERR_USAGE for too many layers. */
bool stack_plan(struct stack *s, const struct stack_spec *spec, size_t at, struct err *err);

/* "l0.fw.", "l1.bw." */
void stack_prefix(const struct stack *s, int run, char prefix[16]);

/* The name of tensor k of a run without its prefix: those of the cell, then h0 and c0 where they are
 * learned; its place, rows and columns (0: a vector). NULL past the end. */
const char *stack_tensor(const struct stack *s, int run, int k, char name[16], size_t *at,
			 int *rows, int *cols);

/* Everything of a pass. stack_lay points the arrays into a block; the caller sets x, the masks and,
 * where they are not those of the stack, the initial states (the first B rows of run[k].h and .c,
 * and `given`). */
struct stack_tape {
	const struct steps *steps;
	const real *x;         /* (N, E) after dropout; with a pick its distinct rows */
	struct pick *pick;     /* of x (the caller's, after stack_lay), or NULL: see recur.h */
	struct pick back_pick; /* the same in the other order */
	const real
		*drop_between[STACK_MAX_RUNS]; /* (B, D) after layer l, but not the last; or NULL */
	struct recur_tape run[STACK_MAX_RUNS]; /* its drop_h is the caller's */
	real *in[STACK_MAX_RUNS];              /* (N, D) what layer l >= 1 reads */
	real *back_x;          /* (N, max(E, D)) the same in the other order, per layer */
	real *y;               /* (N, D) */
	struct arithmetic how; /* of the products: the caller's, before stack_lay */
	bool given; /* the initial states are the caller's: no gradient goes into learned ones */
	real *dh[STACK_MAX_RUNS], *dc[STACK_MAX_RUNS]; /* (B, H) in: dL/d last state; out: first */
	real *dy, *part, *dx_part;                     /* (N, max), (N, H), (N, max) */
	int *mirror; /* N: the packed row at the same place from the end */
	int *turned; /* N: of back_pick */
	size_t mirror_cap, turned_cap;
};

void stack_tape_release(struct stack_tape *t);

/* Elements that stack_lay needs for B rows and N steps. */
size_t stack_room(const struct stack *s, struct arithmetic how, size_t B, size_t N);
/* Lays the arrays out from *at on, moves *at, and sets initial states, dh and dc to 0. */
void stack_lay(const struct stack *s, struct stack_tape *t, const struct steps *steps, real **at);

void stack_forward(const struct stack *s, const real *weights, struct stack_tape *t);

/* The states of B rows between two windows of a stream: h, c and, where the cell has need of them, the
 * gates' values of every run. Elements; kept from a tape after stack_forward (all rows of one
 * length); given to one that stack_lay has just laid. */
size_t stack_carry_size(const struct stack *s, size_t B);
void stack_keep(const struct stack *s, const struct stack_tape *t, real *carry);
/* Where one row's h, c or gates (part 0, 1, 2) of a run lie in it, and how wide they are. */
enum { STACK_CARRY_PARTS = 3 };
size_t stack_carry_at(const struct stack *s, int B, int run, int part, int row, size_t *width);
void stack_give(const struct stack *s, struct stack_tape *t, const real *carry);

/* dy (N, D), or NULL, are gradients of every output; t->dh and t->dc those of the last states. Adds to
 * grad and writes dx (N, E; with a pick as many rows as that), unless it is NULL. */
void stack_backward(const struct stack *s, const real *weights, struct stack_tape *t,
		    const real *dy, real *grad, real *dx);

#endif

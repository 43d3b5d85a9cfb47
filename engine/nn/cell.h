/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recurrent cells. A variant is one file with one const table; lists, help, traces, the equations
 * panel, checkpoints, exports and gradient checks all follow from the table.
 *
 * Letters: T time, B batch, E input size, H units, G gates, N packed rows (the sum of lengths).
 * sigma is the logistic function, (.) the elementwise product.
 *
 * Weights of one layer and direction. Gates stand in the table's order (i f g o for LSTMs):
 *
 *     W (Gx*H, E)   input weights of the first x_gates gates
 *     U (Gh*H, H)   recurrent weights of the first h_gates gates
 *     b (G*H)       biases
 *     extras        what only this variant has, such as the article's W_o (H, H)
 *
 * recur.c computes W x + U h + b for those gates; the cell's own two functions do the rest of one
 * time step.
 */
#ifndef SLUICE_ENGINE_NN_CELL_H
#define SLUICE_ENGINE_NN_CELL_H

#include "engine/math/level.h"
#include "engine/math/real.h"

#include <stdbool.h>
#include <stddef.h>

enum { CELL_MAX_GATES = 4, CELL_MAX_EXTRAS = 12 };

enum activation { ACT_SIGMOID, ACT_TANH, ACT_IDENTITY };

/* What enters a gate's pre-activation, besides its bias. */
enum term {
	TERM_X = 1,            /* W_q x_t */
	TERM_H = 2,            /* U_q h_{t-1} */
	TERM_C_NEW = 4,        /* W_q c_t, a full matrix over the new cell state (an extra) */
	TERM_PEEP_OLD = 8,     /* p_q (.) c_{t-1}, a vector (an extra) */
	TERM_PEEP_NEW = 16,    /* p_q (.) c_t */
	TERM_GATES = 32,       /* R_iq i_{t-1} + R_fq f_{t-1} + R_oq o_{t-1}, nine extras in all */
	TERM_RESET_AFTER = 64, /* r (.) (U_q h_{t-1} + bh_q), matrix and bias being extras */
	TERM_RESET_BEFORE = 128, /* U_q (r (.) h_{t-1}) */
};

struct gate {
	const char *name;  /* "i" */
	const char *title; /* "input gate" */
	enum activation act;
	unsigned terms; /* bits of enum term */
};

struct cell_extra {
	const char *name; /* "W_o" */
	int gate;         /* the gate it belongs to */
	int cols;         /* 1: a matrix (H, H); 0: a vector (H) */
};

/* One step over the n rows that are active at it. All matrices are contiguous, n rows. */
struct cell_step {
	int n, H;
	real *z;             /* (n, G*H)  in: pre-activations;  out: the gates' values */
	const real *c_prev;  /* (n, H) */
	const real *h_prev;  /* (n, H)    as the gates see it: after recurrent dropout */
	const real *h_carry; /* (n, H)   as it is */
	const real
		*z_prev; /* (n, G*H)  the gates' values one step earlier; NULL at the first step */
	real *c, *h;     /* (n, H)    out; a cell without c may keep a by-product there */
	const real *const *extra;
};

struct cell_step_back {
	int n, H;
	real *z; /* (n, G*H)  in: the gates' values;  out: dL/d pre-activation */
	const real *c_prev, *c, *h_prev, *h_carry, *z_prev;
	real *dh;       /* (n, H)    in: dL/dh_t, all of it;  out, where carries_h: the part of
			       dL/dh_{t-1} that goes round the gates */
	real *dc;       /* (n, H)    in: dL/dc_t from step t+1;  out: dL/dc_{t-1} */
	real *dh_gates; /* (n, H)    out, where carries_h: dL/dh_{t-1} through extras */
	real *dz_value; /* (n, G*H)  where carries_gates, in: dL/d the gates' values from step t+1;
			       out: the same for step t-1 */
	const real *const *extra;
	real *const *dextra; /* gradients of the extras are added here, step by step */
};

/* A step of a cell there and back; one for each level of vector instructions. */
struct cell_work {
	void (*forward)(const struct cell_step *s);
	void (*backward)(const struct cell_step_back *s);
};

/* A unit's numbers at one step in double: the gates' values in table order and the old cell state.
 * carry and write are what the ledger calls a_t and w_t: c_t = a_t c_{t-1} + w_t. */
struct cell_flow {
	double carry, write;
};

struct cell_ops {
	const char *name;   /* as in settings */
	const char *title;  /* one line for people */
	const char *source; /* where the equations come from */
	const char *golden; /* not NULL: its name in the golden files */
	int code;           /* cfg.cell in the golden files */
	int gates;
	struct gate gate[CELL_MAX_GATES];
	int x_gates, h_gates;
	int extras;
	struct cell_extra extra[CELL_MAX_EXTRAS];
	bool carries_h;         /* the state is h alone: there is no c */
	bool carries_gates;     /* gates look at the gates one step earlier */
	enum activation output; /* h = o (.) output(c) */
	char lacks;   /* the gate of i f o that this variant has not, or 0: it counts as 1 */
	bool coupled; /* but f as 1 - i */

	const struct cell_work *work[LEVEL_COUNT]; /* see cell_work */
	/* Adds the extras' gradients, summed over all steps, to dextra, where one product over all is
	 * better than one a step; else NULL. dz is (N, G*H), c (N, H) the new cell states. */
	void (*extra_grad)(int N, int H, const real *dz, const real *c, real *const *dextra);

	/* For inspection: the gates' values in table order; on h where carries_h. */
	struct cell_flow (*flow)(const double *gate);
	const char *carry_text, *write_text; /* the same in words: "f", "i·g" */
};

/* What this processor is to use. */
static inline const struct cell_work *cell_work(const struct cell_ops *cell)
{
	return cell->work[level_now()];
}

extern const struct cell_ops cell_standard, cell_article;
extern const struct cell_ops cell_V, cell_NIG, cell_NFG, cell_NOG, cell_NIAF, cell_NOAF, cell_CIFG,
	cell_NP, cell_FGR;
extern const struct cell_ops cell_gru_after, cell_gru_before;

const struct cell_ops *cell_at(int index); /* NULL past the end: lists, help and tests */
const struct cell_ops *cell_find(const char *name);
const struct cell_ops *cell_find_code(int code);              /* by golden code */
int cell_gate(const struct cell_ops *cell, const char *name); /* index, or -1 */

/* Where the parameters of one layer and direction lie in a flat block. */
struct cell_layout {
	int E, H;
	size_t W, U, b;                /* offsets */
	size_t extra[CELL_MAX_EXTRAS]; /* offsets */
	size_t size;                   /* elements in all */
};

/* Lays the parameters out one after the other from offset `at`. */
struct cell_layout cell_layout(const struct cell_ops *cell, int E, int H, size_t at);

/* Finds one gate's tensor by its plain name (W_i, U_f, b_g, or an extra's name): offset, rows and
 * columns (a vector has cols 0). false if the cell has no such tensor. */
bool cell_tensor(const struct cell_ops *cell, const struct cell_layout *at, const char *name,
		 size_t *offset, int *rows, int *cols);

/* The plain name of tensor k, in the order W, U, b, extras; NULL past the end. */
const char *cell_tensor_name(const struct cell_ops *cell, int k, char name[16]);

#endif

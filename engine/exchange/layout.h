/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A standard LSTM layer in one direction as other programs keep it: from and to our block (cell.h),
 * W (4H, E), U (4H, H), b (4H), gates i f g o. A program is one entry of the table in layout.c.
 *
 * Letters: E inputs, H units. Gates have our letters everywhere; Keras and ONNX call g c.
 */
#ifndef SLUICE_ENGINE_EXCHANGE_LAYOUT_H
#define SLUICE_ENGINE_EXCHANGE_LAYOUT_H

#include "engine/nn/cell.h"

enum { LAYOUT_GATES = 4, LAYOUT_SLOTS = 4, LAYOUT_MAX_TENSORS = LAYOUT_GATES * LAYOUT_SLOTS };

/* What a tensor holds. Where a program adds up two biases, ours is their sum; the second one goes
 * out as zeros. */
enum layout_part {
	LAYOUT_W,      /* input weights */
	LAYOUT_U,      /* recurrent weights */
	LAYOUT_B,      /* bias */
	LAYOUT_B_MORE, /* the second bias; stands behind the first one in the table */
	LAYOUT_B_BOTH, /* first and second bias, one after the other */
};

struct layout_slot {
	const char *name;
	enum layout_part part;
};

struct layout_ops {
	const char *name;  /* as in commands */
	const char *order; /* of the gates: "iofg" */
	bool transposed;   /* matrices are (in, out), not (out, in) */
	bool split;        /* each gate has tensors of its own, W_i, U_i, b_i, W_f .. */
	bool numbered;     /* names end in _l and the layer's number, backward also in _reverse */
	int lead;          /* sizes of 1 in front of the others */
	struct layout_slot slot[LAYOUT_SLOTS]; /* up to one without a name */
};

const struct layout_ops *layout_at(int index); /* NULL past the end */
const struct layout_ops *layout_find(const char *name);

/* A layer and direction in the other program. */
struct layout_layer {
	int E, H;
	int number; /* from 0 */
	bool reverse;
};

struct layout_tensor {
	char name[32];
	enum layout_part part;
	int rank, dim[3]; /* 1 behind rank */
};

/* Tensor k of a layer, in the program's order; false past the end. */
bool layout_tensor(const struct layout_ops *l, const struct layout_layer *of, int k,
		   struct layout_tensor *t);

/* Points tensor[k] into a block, one behind the other; returns the elements in all. With tensor NULL
 * it only counts. */
size_t layout_lay(const struct layout_ops *l, const struct layout_layer *of, real *block,
		  real *tensor[]);

/* Fills our block of a standard cell, at `at` in weights, from all tensors of a layer of its sizes,
 * values in row-major order. */
void layout_import(const struct layout_ops *l, const real *const tensor[], real *weights,
		   const struct cell_layout *at);

/* The other way; fills all tensors. */
void layout_export(const struct layout_ops *l, const real *weights, const struct cell_layout *at,
		   real *const tensor[]);

#endif

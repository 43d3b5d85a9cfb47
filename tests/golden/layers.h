/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A case's recurrent layers with its parameters and inputs, for all kinds that are about layers. */
#ifndef SLUICE_TESTS_GOLDEN_LAYERS_H
#define SLUICE_TESTS_GOLDEN_LAYERS_H

#include "engine/nn/stack.h"
#include "tests/golden/cases.h"

struct layers {
	const struct golden *g;
	struct stack s;
	size_t B, T, E, H, D, N;
	bool single; /* kinds of one layer: names without a prefix */
	int *row;    /* B: which row of the file each packed row is, most steps first */
	int *when;   /* (B, T): the file's time of step k of packed row r */
	int *len;    /* B */
	struct steps steps;
	struct stack_tape tape;
	real *weights, *grad, *block, *x, *dy, *dx, *drop_h;
	double *keep; /* (B, T, D) 0 where a step is masked; NULL without a mask */
};

/* Loads parameters, x, masks and initial states; false for a cell that is not known. */
bool layers_open(struct layers *l, const struct golden *g);
void layers_release(struct layers *l);

/* The values of an array of the file; NULL if it has none of that name. */
const double *layers_values(const struct layers *l, const char *name);

/* Between the file's (B, T, width) and the packed (N, width). */
void layers_pack(const struct layers *l, const double *from, size_t width, real *to);
double *layers_unpack(const struct layers *l, const real *from, size_t stride, size_t width);

/* Between the file's (runs, B, H) and one run's (B, H). */
void layers_rows_in(const struct layers *l, const char *name, int run, real *to);
void layers_rows_out(const struct layers *l, const real *from, int run, double *to);

/* Multiplies packed (N, E) by in.drop_x, where the file has it. */
void layers_drop_input(const struct layers *l, real *x);

/* Calls f for every tensor of every run with its name in the file. */
void layers_each_tensor(struct layers *l, const char *kind,
			void (*f)(struct layers *l, const char *name, size_t at, size_t n,
				  void *arg),
			void *arg);

struct layers_out {
	double *y, *hT, *cT; /* (B, T, D), (runs, B, H) */
};

/* Runs the weights, and compares with out.y, out.hT and out.cT. */
void layers_forward(struct layers *l, struct layers_out *out);
void layers_compare(const struct layers *l, const struct layers_out *out, struct compare *c,
		    double tol);
void layers_out_release(struct layers_out *out);

#endif

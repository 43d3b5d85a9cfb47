/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The summands of a gate's pre-activation, by the cell's table. For inspect/ only. */
#ifndef SLUICE_ENGINE_INSPECT_TERMS_H
#define SLUICE_ENGINE_INSPECT_TERMS_H

#include "engine/inspect/trace.h"

/* What is multiplied with the rows of which matrix for gate q of the table; the extras by name. */
struct gate_weights {
	const real *W, *U, *Wc, *peep, *b, *reset_b;
	const real *R[3];
	int from[3]; /* R[k] leads from this gate, one step earlier */
	int Rs;
};

struct gate_weights terms_weights(const struct trace *t, const struct trace_run *r, int q);

/* What is added up to a gate's pre-activation, named by its bit of enum term, and the bias. */
enum { SUM_TERMS = 4 };
struct sum_term {
	enum term kind;
	double value;
};
struct gate_sum {
	struct sum_term term[SUM_TERMS];
	int terms;
	double b, z;
};

/* The terms of unit u's gate q at a step of a run. Gates earlier in the table, and c where the gate
 * sees the new one, are there already. */
void terms_sum(const struct trace *t, const struct trace_run *r, const struct gate_weights *g,
	       int q, int step, int u, struct gate_sum *out);

/* Sum of a float row times a double vector, in a fixed order the compiler can vectorise. */
double terms_dot(const real *w, const double *x, int n);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory ledger: a unit's state as the sum of what every step wrote and how much of it is left.
 *
 *     c_t = sum over s <= t of (a_t a_{t-1} ... a_{s+1}) w_s   +   (a_t ... a_1) c_0
 *
 * a is what the cell carries and w what it writes (cell_flow in nn/cell.h): f and i g in the standard
 * cell, g and (1-f) i g in the article's, 1-i and i g in CIFG; z and (1-z) n over h in a GRU. This is
 * c_t = a_t c_{t-1} + w_t written out, exact for every cell; the idea is Murdoch and Szlam's (arXiv
 * 1702.02540, section 4).
 *
 * The half-life of a unit is the number of steps after which half of what was written is left, at the
 * mean of ln |a| over the steps: ln 0.5 / mean ln |a|. Infinite where that mean is not below 0, 0 where
 * some a is 0.
 */
#ifndef SLUICE_ENGINE_INSPECT_LEDGER_H
#define SLUICE_ENGINE_INSPECT_LEDGER_H

#include "engine/inspect/trace.h"

struct ledger {
	int steps, H; /* steps: of the run, as far as the state that is explained */
	/* Row k belongs to step k of the run, the way it goes: (steps, H). kept is the product of what was
	 * carried since; row = kept * write. */
	double *carry, *write, *kept, *row;
	/* (H): the initial state, what is left of it, the sum of all rows with it, the state itself, the
	 * difference of the two, and the half-life in steps. */
	double *begin, *begin_row, *sum, *state, *residual, *half_life;
	double *block;
};

/* Of a run of a trace or a replay, for the state behind its first `steps` steps (1 to r->T). false
 * without memory. Any thread. Release in both cases. */
bool ledger_fill(struct ledger *l, const struct cell_ops *cell, const struct trace_run *r, int H,
		 int steps);
void ledger_release(struct ledger *l);

/* One unit alone: row (steps) gets what is left of each step's write, by step of the run. */
struct ledger_unit {
	double begin_row, sum, state, residual, half_life; /* as above */
};
struct ledger_unit ledger_of_unit(const struct cell_ops *cell, const struct trace_run *r, int H,
				  int steps, int unit, double *row);

/* ln 0.5 / mean. */
double ledger_half_life(double mean_log_carry);

#endif

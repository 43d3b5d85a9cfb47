/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What --signal names: a gate or a state of a layer. */
#ifndef SLUICE_APP_COMMAND_SIGNAL_H
#define SLUICE_APP_COMMAND_SIGNAL_H

#include "app/command/command.h"
#include "engine/explain/replay.h"

struct signal {
	const char *name;
	int gate;        /* in the cell's table; -1: a state */
	bool is_c;       /* of the states */
	bool is_signed;  /* can be below 0 */
	bool is_bounded; /* by 1 */
};

/* Without --signal the state that the cell carries on. ERR_USAGE for what the cell has not. */
bool signal_read(struct signal *s, const struct args *a, const struct cell_ops *cell,
		 struct err *err);
/* The values (H) at a position of a run: row t of what a trace or a replay has. */
const double *signal_at(const struct signal *s, const struct trace_run *r, int H, int t);
double signal_norm(const double *v, int n);

#endif

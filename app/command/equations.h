/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_COMMAND_EQUATIONS_H
#define SLUICE_APP_COMMAND_EQUATIONS_H

#include "app/command/command.h"
#include "engine/inspect/trace.h"

enum { EQUATIONS_TOP = 4, EQUATIONS_TOP_MAX = 1000000 };

/* Which cell: a run of a trace, a position from 0, a unit; and how many contributions of each term. */
struct equations_of {
	const struct trace *trace;
	int run, t, unit, top;
};

/* Changes the place to what --layer, --at, --unit and --top say. ERR_USAGE. */
bool equations_choose(struct equations_of *q, const struct args *a, struct err *err);

/* Writes them as rows; for reading, rounded so that they add up. */
void equations_rows(struct output *o, const struct equations_of *q, bool table);

#endif

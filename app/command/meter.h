/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a command has come that takes a while: a line on standard error, redrawn where that is a terminal,
 * else one every ten seconds; in the console in the top line. */
#ifndef SLUICE_APP_COMMAND_METER_H
#define SLUICE_APP_COMMAND_METER_H

#include "app/command/command.h"
#include "engine/survey/sweep.h"

struct meter {
	const char *what; /* of the part under way */
	bool on, terminal, shown;
	struct job *job; /* of the console, or NULL */
	int64_t next_ms; /* when the next line is due */
};

void meter_begin(struct meter *m, const struct context *c);
/* For a part of the work: who looks on. The meter lives as long. */
struct sweep_watch meter_watch(struct meter *m, const struct context *c, const char *what);
void meter_end(struct meter *m); /* takes the line away */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a long command is: in the top line of the console; headless on standard error, a line that is drawn
 * again on a terminal, else one every ten seconds; with -q nothing. */
#ifndef SLUICE_APP_COMMAND_TELLING_H
#define SLUICE_APP_COMMAND_TELLING_H

#include "app/command/command.h"

struct telling {
	const struct context *c;
	const char *what; /* "texts"; borrowed */
	int64_t of, told_ms;
	bool bar, shown;
};

void telling_begin(struct telling *t, const struct context *c, const char *what, int64_t of);
void telling_at(struct telling *t, int64_t done);
void telling_end(struct telling *t); /* takes the line away; before anything else is printed */

#endif

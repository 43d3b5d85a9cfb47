/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts that are answered one a line, as the lines come. */
#ifndef SLUICE_APP_COMMAND_LINES_H
#define SLUICE_APP_COMMAND_LINES_H

#include "app/command/command.h"

#include <stdio.h>

struct lines {
	FILE *in;
	const char *name; /* for messages; borrowed */
	struct buf text;  /* the line: valid UTF-8, without its end and without BOM */
	bool file;        /* all of it is there already */

	char *raw;
	size_t cap, number;
	bool quiet, warned;
};

/* Opens path; NULL and "-" are standard input. ERR_INPUT for what cannot be read, and for a file that
 * is no text. */
bool lines_open(struct lines *l, const char *path, bool quiet, struct err *err);
void lines_close(struct lines *l);

/* The next line; false at the end, and with err set where it cannot be read on. */
bool lines_next(struct lines *l, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a line of a command file came to, for standard output: what it said as plain lines, the rows of its answer in
 * the format asked for; or, as JSON, one object a line.
 */
#ifndef SLUICE_APP_OUTCOME_H
#define SLUICE_APP_OUTCOME_H

#include "app/answer/output.h"

struct outcome {
	char *file, *line; /* line NULL: there is none */
	int number;        /* of the line, from 1 */
	bool may_fail;     /* its error does not end the file */
	bool nested;       /* it stands in another file than the one that was named */
	bool said, answered;
	struct buf says;   /* lines, without the end of the last */
	struct buf screen; /* rows of the screen, each with its end */
	struct err err;
	enum output_format format; /* that the line itself asks for, or OUTPUT_AUTO */
};

void outcome_release(struct outcome *o);
void outcome_say(struct outcome *o, const char *text);
/* Where it stands: "FILE:LINE". */
void outcome_where(const struct outcome *o, struct buf *out);

/* Writes it, with the answer's rows where it has answered. false with ERR_FAILED where writing failed, with no
 * code where nobody reads any more. */
bool outcome_tell(const struct outcome *o, const struct answer *answer, enum output_format format,
		  FILE *out, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several commands share that write texts for lines. */
#ifndef SLUICE_APP_COMMAND_TRANSLATE_H
#define SLUICE_APP_COMMAND_TRANSLATE_H

#include "app/archive.h"
#include "app/command/lines.h"

/* Answers a stream's texts, one a line, as the command `translate` does without options: what `predict`
 * does for runs of pairs. */
bool translate_lines(struct context *c, const struct loaded *run, struct lines *in,
		     struct err *err);

/* A token may hold a line end, as texts of csv and jsonl files do: from byte `from` on they become
 * blanks. */
void line_of(struct buf *b, size_t from);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of a file, one after the other: what is read is not kept. */
#ifndef SLUICE_ENGINE_TEXT_READER_H
#define SLUICE_ENGINE_TEXT_READER_H

#include "engine/text/corpus.h"
#include "engine/text/input.h"

/* A row: borrowed for the length of a call. */
struct row {
	const char *text; /* valid UTF-8; only JSON has NUL bytes in it */
	size_t n;
	const char *label;  /* without white space around it; NULL where there is none */
	size_t line;        /* in the file, from 1 */
	bool open;          /* the next row is no row but more of this one's text */
	const char *target; /* of a pair, valid UTF-8; else NULL */
	size_t target_n;
};

/* Takes a row; false, with err, ends the reading. */
typedef bool row_fn(void *arg, const struct row *row, struct err *err);

/*
 * Reads path as examples_read does, row by row, and fills f; of pairs in two files also `target`, which
 * is else zeroed. The lines of a stream may be taken apart as `pieces` says. An error in a row is found
 * when the row's turn comes: those before it were given away.
 */
bool data_read(struct data_file *f, struct data_file *target, const char *path,
	       const struct read_options *opt, enum pieces pieces, row_fn *take, void *arg,
	       struct err *err);

#endif

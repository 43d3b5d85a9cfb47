/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows and cells of an input: one way to cut lines into cells for each kind of file. */
#ifndef SLUICE_ENGINE_TEXT_GRID_H
#define SLUICE_ENGINE_TEXT_GRID_H

#include "engine/text/input.h"

enum cut {
	CUT_NONE,  /* a line is one cell */
	CUT_LINES, /* ... and a blank line one too */
	CUT_FIRST_SPACE,
	CUT_FIRST_TAB,
	CUT_LAST_TAB,
	CUT_TABS,
	CUT_COMMAS, /* CSV: RFC 4180 quotes, so that a cell may hold line ends */
	CUT_SEMICOLONS
};

struct cell {
	const char *s;
	size_t n;
};

struct grid {
	struct buf own; /* the bytes of CSV cells; the others are borrowed from the input */
	const char *base;
	struct {
		size_t at, n;
	} * cell;
	struct {
		size_t first, line; /* of its cells; in the file, from 1 */
	} * row;
	size_t cells, cell_cap, rows, row_cap;
};

/* Reads at most `most` rows; blank lines are none but with CUT_LINES. ERR_INPUT for a quote that is never closed.
 * The input must outlive the grid. */
bool grid_read(struct grid *g, const struct input *in, enum cut cut, size_t most, struct err *err);
void grid_release(struct grid *g);

int grid_width(const struct grid *g, size_t row); /* the number of its cells */
struct cell grid_cell(const struct grid *g, size_t row, int column);

#endif

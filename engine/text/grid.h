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

struct csv_parser;

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

	struct input *in;
	enum cut cut;
	struct line line;       /* the last one read */
	struct csv_parser *csv; /* NULL where the cut is not CSV */
	size_t began;           /* the line where the CSV row at hand began */
	bool in_row, ended;     /* a cell of it is there; it is complete */
	bool broken;            /* the input ended within quotes */
};

/* Rows of an input from its first line on. The input must outlive the grid; once it is walked, only the
 * last row may be looked at. */
void grid_open(struct grid *g, struct input *in, enum cut cut);
void grid_release(struct grid *g);

/* Adds the next row; blank lines are none but with CUT_LINES. False at the end, and if `broken`. */
bool grid_next(struct grid *g);
void grid_forget(struct grid *g); /* drops the rows read so far */

/* Opens a grid and reads at most `most` rows. ERR_INPUT for a quote that is never closed. */
bool grid_read(struct grid *g, struct input *in, enum cut cut, size_t most, struct err *err);
bool grid_whole(const struct grid *g, struct err *err); /* that error, where it is one */

int grid_width(const struct grid *g, size_t row); /* the number of its cells */
struct cell grid_cell(const struct grid *g, size_t row, int column);

#endif

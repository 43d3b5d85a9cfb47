/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A scrollable table: a header row with the sort arrow, rows with a selected one, marks, and
 * columns that fit their content. When the screen is narrow, columns give way by priority; with
 * `left` they are scrolled instead.
 */
#ifndef SLUICE_APP_TUI_TABLE_H
#define SLUICE_APP_TUI_TABLE_H

#include "app/tui/canvas.h"
#include "app/tui/theme.h"

#include <stdbool.h>

struct table_column {
	const char *title;
	int align;    /* < 0 left, > 0 right */
	int min, max; /* widths; max 0: no limit */
	int priority; /* the column with the highest number gives way first */
};

/* A struct with column, cols, rows and cell set and the rest zero is a table; sort_col is a column
 * or -1. The callbacks' texts need to live until the next call. */
struct table {
	const struct table_column *column;
	int cols, rows;
	const char *(*cell)(void *data, int row, int col); /* NULL counts as "" */
	bool (*marked)(void *data, int row);               /* may be NULL */
	enum role (*role)(void *data, int row, int col);   /* may be NULL */
	void *data;
	int selected, first; /* rows; table_draw moves first to show the selected one */
	int left;            /* columns scrolled away at the left, after the first one */
	int sort_col;
	unsigned optional; /* bit k: column k goes where no row has anything in it */
	bool descending;
	const char *empty; /* shown when there are no rows; may be NULL */
};

/* The last line of r is the position (`12–30 of 96`) when not all rows fit. */
void table_draw(struct canvas *c, struct rect r, const struct theme *t, struct table *tb,
		bool focused);

/* Moves the selection by delta rows, where page_rows > 0 by delta pages of so many. */
void table_move(struct table *tb, int delta, int page_rows);
void table_to(struct table *tb, int row); /* clamped */

/* Rows that table_draw shows in a rectangle of so many lines. */
int table_page(const struct table *tb, int lines);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Heat maps over words and units. The columns belong to a heat_axis that panes above each other
 * share, so that one word stands in the same columns everywhere. Cells are colour where there are
 * 256 of them and density characters elsewhere; there negative values carry a `−`.
 */
#ifndef SLUICE_APP_TUI_HEAT_H
#define SLUICE_APP_TUI_HEAT_H

#include "app/tui/canvas.h"
#include "app/tui/theme.h"

#include <stdbool.h>

enum { HEAT_LABEL_COLS = 7 }; /* room for unit numbers and the mark before them */

/* A struct with T, token and unknown set and the rest zero is ready for heat_axis_fit. */
struct heat_axis {
	int T;
	const char *const *token; /* T; borrowed */
	const bool *unknown;      /* T, or NULL */
	int *width;               /* T column widths, the blank before each included; owned */
	int least;                /* width of the narrowest column; 0: as it comes */
	int label_cols;           /* columns before the first one */
	int first, shown;         /* the words on the screen */
};

/* Fits the columns into cols screen columns, the first label_cols of which are for labels, and
 * scrolls so that word cursor_t (-1: none) is visible. */
void heat_axis_fit(struct heat_axis *a, int cols, int label_cols, int cursor_t);
void heat_axis_release(struct heat_axis *a);

/* Which cells have their numbers, as far as there is room: beside that at the cursor all of its row or of its
 * column. */
enum heat_numbers { HEAT_AT_CURSOR, HEAT_IN_ROW, HEAT_IN_COLUMN };

struct heat {
	const char *name, *title; /* `f`, `forget gate`; without a name the title alone */
	const double *v;          /* (T, H), or (H, T) where by_row */
	bool by_row;
	bool gaps; /* NaN is a cell without a number, which stays empty */
	int H;
	bool is_signed;         /* values in [-limit, limit], otherwise [0, limit] */
	double limit;           /* 0 counts as 1 */
	int cursor_t, cursor_u; /* -1: none */
	int first_u;            /* the top unit; heat_draw moves it to show cursor_u */
	const char *const *row; /* H: names of the rows; NULL: their numbers */
	enum heat_numbers numbers;
	const double *printed; /* T: what is printed of the row at the cursor; NULL: the values */
	bool focused;
	bool covered;   /* the cell at the cursor keeps its value to itself */
	enum role role; /* for density characters */
};

/* A framed pane; the axis was fitted to its r.cols - 2 columns. */
void heat_draw(struct canvas *c, struct rect r, const struct theme *t, const struct heat_axis *a,
	       struct heat *h);

/* Row `row` of r: a label and one cell a word, with its number where the column has room. */
void heat_strip(struct canvas *c, struct rect r, const struct theme *t, const struct heat_axis *a,
		const char *label, const double *value, bool is_signed, double limit, int row);

/* Empties the cells of words from..to-1 in row `row` of r. */
void heat_blank(struct canvas *c, struct rect r, const struct theme *t, const struct heat_axis *a,
		int from, int to, int row);

/* Row `row` of r: the words, the one at cursor_t marked. */
void heat_tokens(struct canvas *c, struct rect r, const struct theme *t, const struct heat_axis *a,
		 int cursor_t, int row);

#endif

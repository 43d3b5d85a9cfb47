/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A column of lines beside a view's main part: labels, numbers and bars, scrolled when there is no room. */
#ifndef SLUICE_APP_VIEW_PANEL_H
#define SLUICE_APP_VIEW_PANEL_H

#include "app/view/parts.h"

struct panel {
	struct workbench *w;
	struct rect r;
	int row, first; /* lines so far; how many of them are scrolled away */
	int part_rows;  /* lines of contributions beside each term of an equation */
};

/* The row of the next line, or -1 where it is out of sight. */
int panel_row(struct panel *s);
/* What is still to come, by its left side. */
void panel_covered(struct panel *s, const char *left);
int panel_room(const struct panel *s, int indent); /* columns of a line */
void panel_line(struct panel *s, enum role role, int indent, const char *text);
/* A label at the left and a number right-aligned before column PANEL_NUMBER. Returns the row, or -1 where it is out
 * of sight. */
enum { PANEL_NUMBER = 19 };
int panel_number(struct panel *s, const char *label, double v);
/* A probability as a bar in so many columns, to an eighth of one. */
void panel_blocks(struct panel *s, int row, int col, int cols, double p);
/* A label, a probability as a bar and as a number, and a sign behind it, or NULL. */
void panel_bar(struct panel *s, bool mark, const char *label, double p, const char *behind);

/* A label, and a number before and after with the difference. */
void panel_change(struct panel *s, bool mark, const char *label, double before, double after);

/* A number right-aligned before a column. */
void panel_figure_at(struct panel *s, int row, int end, enum role role, double v);

/* Three decimals with the minus of the formulas, and a plus where it is asked for. */
const char *panel_figure(char out[32], double v, bool plus);

/* What the view Gates puts into its panel: what the debugger watches, the equations of the chosen unit at the cursor, what the
 * model says there, and, in what room is left, what it says at every step. */
void panel_debug(struct panel *s, const struct trace *t);
void panel_sums(struct panel *s, const struct trace *t);
int panel_part_rows(const struct panel *s); /* the fewest that equations are right with */
void panel_says(struct panel *s, const struct trace *t);
void panel_course(struct panel *s, const struct trace *t);

/* The position, where there were no edits, that a step of the chosen run stands for; -1: none, as its word has been
 * put in, or as the answer ended before it. Only where there are edits. */
int panel_was(const struct workbench *w, const struct trace *t, int step);
/* The order in which classes are told at a step, to be freed: theirs, or the likeliest first where they are many. */
int *panel_classes(const struct trace *t, int step);
/* What random edits of the same size do to the classes, as far as that is known. */
void panel_against(struct panel *s, const struct trace *t);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Layout: a rectangle is split into panes, side by side or one above the other. A pane has at least
 * its min; what is left over goes to the panes by weight. When there is no room for every min, panes
 * give way: the one that keeps the least goes first, among equals the last one; it is given 0.
 */
#ifndef SLUICE_APP_TUI_LAYOUT_H
#define SLUICE_APP_TUI_LAYOUT_H

#include "app/tui/canvas.h"

enum { LAYOUT_MAX = 32 }; /* panes of one split */

struct pane {
	int min; /* rows or columns without which it is not shown; 0: it lives on what is left over */
	int weight; /* share of what is left over; 0: it stays at min */
	int keep;   /* the higher, the longer it stays */
};

/* size[k]: what pane k of n gets of space. The sizes add up to space when a shown pane has weight. */
void layout_split(int space, const struct pane *pane, int n, int *size);

/* The same as rectangles inside r, in order; a pane that gave way has rows (or cols) 0. */
void layout_rows(struct rect r, const struct pane *pane, int n, struct rect *out);
void layout_columns(struct rect r, const struct pane *pane, int n, struct rect *out);

#endif

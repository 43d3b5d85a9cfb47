/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The attention map of Gates: a row for each word that is written, a column for each that is read. The
 * cursor is a step of the chosen run, and so a row or a column; the cell in it is the largest share until
 * another one is chosen.
 */
#ifndef SLUICE_APP_VIEW_MAP_H
#define SLUICE_APP_VIEW_MAP_H

#include "app/view/panel.h"

enum { MAP_LEAST_ROWS = 5 }; /* with its frame */

/* Whether the sentence has a map. */
bool map_is(const struct workbench *w);
/* Rows that it needs to show all of itself. */
int map_rows(const struct workbench *w);
void map_draw(struct workbench *w, struct rect r);
/* The arrows, while it has the focus. */
void map_move(struct workbench *w, enum move m, int count);
/* Goes to another run, where the cell stays the same if one of them reads and the other writes. */
void map_turn(struct workbench *w, int run);
/* What export writes: a line for each cell. */
void map_export(const struct workbench *w, struct output *o);
/* Into the panel: what a step of the decoder looks at, or which words have looked at one that is read. */
void map_says(struct panel *s, const struct trace *t);

#endif

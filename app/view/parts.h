/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several views draw with. */
#ifndef SLUICE_APP_VIEW_PARTS_H
#define SLUICE_APP_VIEW_PARTS_H

#include "app/desk/desk.h"
#include "app/tui/layout.h"

struct style part_look(const struct workbench *w, enum role r);

/* A frame in the theme's looks; the rectangle inside. left and right stand in its top line. */
struct rect part_frame(struct workbench *w, struct rect r, const char *left, const char *right,
		       bool focused);

/* Text of a label and its value at a row of r, the value at column `at`. */
void part_field(struct workbench *w, struct rect r, int row, int at, const char *label,
		const char *value);

/* The axis of what a run of a sentence's trace reads; to be released. */
struct heat_axis part_axis(const struct sentence *s, int run);

/* A text's beginning in one line: a sign stands for a line end. */
void part_one_line(char *out, size_t size, const char *text);

/* The role a gate or state is drawn in. */
enum role part_signal_role(const char *name);

/* A number with the minus of the formulas, which a canvas in ASCII makes its own of. */
const char *part_minus(char *out, size_t size, const char *number);

/* A count for people: 950, 12.3k, 1.62 M. */
const char *part_count(int64_t n, char out[24]);

/* Moves a cursor in a list of n. */
void part_move(int *selected, int n, enum move m, int count, int page);

/* The next row after `from` (or before, delta -1) for which match holds, all the way round; -1. */
int part_find(int from, int n, int delta,
	      bool (*match)(struct workbench *w, int row, const char *text), struct workbench *w,
	      const char *text);

/* Whether text is in s, whatever the case of ASCII letters. */
bool part_has(const char *s, const char *text);

#endif

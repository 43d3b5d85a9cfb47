/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Line plots in braille: two by four dots a cell. The x labels sit in the frame's bottom line, the
 * legend with each curve's last value in its top line. A column of dots that holds many points
 * shows their mean, and their range as faint dots behind it. Later series cover earlier ones.
 * A value that is not finite is a gap. Points may also stand for themselves (apart): dots where there are
 * many of them, markers where there are few.
 */
#ifndef SLUICE_APP_TUI_PLOT_H
#define SLUICE_APP_TUI_PLOT_H

#include "app/tui/canvas.h"
#include "app/tui/theme.h"

#include <stdbool.h>

struct plot_series {
	const char *name;
	const double *x, *y; /* in the order of x */
	int count;
	enum role role; /* the curve's style */
	bool own;       /* fg takes the place of the role's foreground */
	colour fg;
	bool points;  /* a marker at each point, joined by a faint line */
	bool apart;   /* points that nothing joins, in any order of x */
	int decimals; /* of the last value; < 0: it is not told */
};

struct plot {
	const char *title, *x_label; /* either may be NULL */
	const struct plot_series *series;
	int series_count;
	bool fixed_y; /* y_min to y_max instead of the data's range */
	double y_min, y_max;
	double x_min; /* 0, or below: the axis begins there, or where the data does */
	double x_max; /* 0: from the data */
	int at_series,
		at; /* a point with a mark of its own: of which series, and its number from 1; 0: none */
	/* Curves above it leave the plot at its top, where a note says how high they go; 0: none do. */
	double y_most;
	bool end_labels;   /* names at the right of the curves instead of a legend */
	const char *empty; /* shown when there are no values; may be NULL */
};

void plot_draw(struct canvas *c, struct rect r, const struct theme *t, const struct plot *p,
	       bool focused);

#endif

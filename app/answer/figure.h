/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pictures of an answer: what a command has beside its rows, to be drawn on the screen (view/picture.h) and
 * as SVG (svg.h). A picture is plain data; whoever draws it knows nothing of what it shows.
 */
#ifndef SLUICE_APP_ANSWER_FIGURE_H
#define SLUICE_APP_ANSWER_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

enum figure_kind {
	FIGURE_HEAT, /* numbers in rows and columns, as colours */
	FIGURE_PLOT  /* points over two axes, joined or not */
};

struct figure_series {
	char *name; /* in the legend */
	double *x, *y;
	char **label; /* of each point; an entry may be NULL */
	int count;
	bool joined; /* a line through the points, in their order */
	size_t x_cap, y_cap, label_cap;
};

struct figure {
	int refs;
	enum figure_kind kind;
	char *title;

	/* Heat: v is (rows, cols), row by row; NaN is a cell without a number. Columns are words or steps. */
	int rows, cols;
	char **row, **col; /* their names; an entry may be NULL: then its number, from 0 */
	double *v;
	bool is_signed; /* colours for [-limit, limit], else for [0, limit] */
	double limit;   /* 0: the largest |v| */

	/* Plot: axes from the data where min is not below max. */
	char *x_label, *y_label;
	double x_min, x_max, y_min, y_max;
	struct figure_series *series;
	int series_count;
	size_t series_cap;
};

/* All numbers are NaN and all names NULL at first. Free with figure_free. */
struct figure *figure_heat(int rows, int cols, const char *title, ...)
	__attribute__((format(printf, 3, 4)));
struct figure *figure_plot(const char *x_label, const char *y_label, const char *title, ...)
	__attribute__((format(printf, 3, 4)));
struct figure *figure_ref(struct figure *f); /* one more reference to it; of one thread */
void figure_free(struct figure *f);          /* one reference less; NULL is ignored */

/* Names of a heat map's row or column: n bytes are copied. */
void figure_name_row(struct figure *f, int row, const char *name, size_t n);
void figure_name_col(struct figure *f, int col, const char *name, size_t n);
/* The largest |number| of a heat map, or its limit where that is set; at least a little above 0. */
double figure_limit(const struct figure *f);
/* The same for the ends of its scale: 1 where all numbers are 0. */
double figure_scale(const struct figure *f);

/* Adds a series to a plot: its index. */
int figure_series(struct figure *f, const char *name, bool joined);
/* Adds a point; label may be NULL. */
void figure_point(struct figure *f, int series, double x, double y, const char *label);
/* The range of an axis: what was set, or that of the data; false where there is no finite point. */
bool figure_range_x(const struct figure *f, double *min, double *max);
bool figure_range_y(const struct figure *f, double *min, double *max);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the columns of a grid are called, and what they look like. Any thread. */
#ifndef SLUICE_ENGINE_TEXT_COLUMNS_H
#define SLUICE_ENGINE_TEXT_COLUMNS_H

#include "engine/text/grid.h"

enum {
	COLUMNS_SAMPLE = 20000, /* rows looked at: files may be sorted by class */
	COLUMNS_MOST = 64,      /* columns looked at */
};

/* The usual names of columns, best first, as lists that end in NULL. */
extern const char *const usual_labels[], *const usual_texts[];

/* The place of a name in such a list (case of ASCII letters aside), or -1. */
int usual_find(const char *const list[], const char *name, size_t n);

/* What the cells of one column look like. */
struct column {
	size_t distinct, longest;
	double mean;  /* bytes */
	bool spaced;  /* some cell has white space inside */
	bool whole;   /* all are whole numbers */
	bool running; /* ... each one more than the one before */
};

/* The columns of a sample without its header. */
struct survey {
	struct column column[COLUMNS_MOST];
	int count;
	size_t rows;
	double widest; /* the largest mean */
};

int cell_compare(const void *a, const void *b); /* two cells, by bytes; for qsort */
bool cell_number(struct cell c, long long *value);

struct column column_measure(const struct grid *g, size_t from, int column);
int columns_usual(const struct grid *g); /* the width most rows have, the smaller one of two */
void columns_survey(struct survey *s, const struct grid *g, bool header);

/* Whether most rows (this share of ten) have cells: as many as the first one, or two at least. */
bool columns_most(const struct grid *g, bool as_many, size_t tenths);

/* The column of the first row with the best usual name, or -1. */
int column_named(const struct grid *g, const char *const list[]);

/* The column a user asked for by name, where there is a header, or by number from 1. ERR_INPUT for one
 * that there is not. */
bool column_asked(const struct input *in, const struct grid *g, bool header, const char *name,
		  int *column, struct err *err);
bool column_number(const char *name, long *number); /* whether that is a number */

bool ends_in(const char *s, const char *end); /* case of ASCII letters aside */

#endif

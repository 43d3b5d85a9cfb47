/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the tokens of a written text stand on its page: one after the other, with line breaks between
 * words, or, for a text that is written again, in columns under those of the text itself.
 */
#ifndef SLUICE_APP_VIEW_PAGE_H
#define SLUICE_APP_VIEW_PAGE_H

#include "app/view/parts.h"

struct place {
	int row, col, width;
};

enum page_kind {
	PAGE_FLOW,    /* the prompt, and what was written behind it */
	PAGE_COLUMNS, /* of text and written token */
	PAGE_SOURCE,  /* only what was read, with what the token at the cursor looked at */
	PAGE_ANSWER   /* only what was written */
};

struct page {
	const struct text_state *text;
	enum page_kind kind;
	int read, count;     /* tokens of the prompt; all of them, or columns */
	struct place *place; /* count; the prompt's come first */
	int rows;
};

/* Lays out the text that w holds in so many columns, as its task wants it (pairs: the answer), or as asked
 * for. To be released. */
struct page page_new(const struct workbench *w, int cols);
struct page page_of(const struct workbench *w, int cols, enum page_kind kind);
void page_release(struct page *p);

/* Draws the rows from `first` on; the place of the cursor is marked. */
void page_draw(struct workbench *w, struct rect r, const struct page *p, int first);
/* What the marks mean, at the right end of the bottom line of a frame. */
void page_legend(struct workbench *w, struct rect frame);

/* The place of written token k. */
const struct place *page_written(const struct page *p, int k);
/* The written token nearest to a place. */
int page_nearest(const struct page *p, int row, int col);

/* What share of its attention the written token at the cursor gave to a token of the text; 0 without. */
double page_share(const struct text_state *t, int k);

/* How many tokens of the text have been written as they are, and of how many. */
int page_right(const struct text_state *t, int *of);

#endif

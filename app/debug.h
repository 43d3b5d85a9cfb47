/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The debugger's state: where it stops, what it shows, and what has been set by hand. It moves through a
 * trace that is there already, so that a step that is come back to has the numbers it had. Steps go in the
 * order in which the layer looked at reads: from the last word to the first in one that goes backward.
 */
#ifndef SLUICE_APP_DEBUG_H
#define SLUICE_APP_DEBUG_H

#include "engine/base/buf.h"
#include "engine/inspect/stop.h"

/* Where an expression holds; where its value changes; a line that is kept up to date. */
enum debug_kind { DEBUG_BREAK, DEBUG_WATCH, DEBUG_DISPLAY };

struct debug_item {
	enum debug_kind kind;
	int number, hits;
	struct expr *expr;
};

/* What one command has set: an edit for each number, or one of a word. */
struct debug_set {
	int number;
	bool shifts; /* there is a word more or less, so that later edits count their steps on it */
	char *text;  /* with its steps */
	struct edit *edit;
	int count;
};

/* Zeroed is empty. Whatever is added gets the next number, which is never used again. */
struct debug {
	struct debug_item *item;
	struct debug_set *set; /* a stack */
	int items, sets, last;
	size_t item_cap, set_cap;
};

void debug_release(struct debug *d);
const char *debug_kind_name(enum debug_kind kind);

/* Adds an expression, checked at a place unless that is NULL. Returns it, borrowed until the next one is
 * added or deleted; NULL with ERR_USAGE, which names the column. */
const struct debug_item *debug_add(struct debug *d, enum debug_kind kind, const char *text,
				   const struct expr_place *at, struct err *err);

/* What stops of another, with its numbers and no hits; release it with debug_release. */
void debug_copy_stops(struct debug *to, const struct debug *from);
/* Counts the hits of one of those. */
void debug_count(struct debug *d, const struct debug *copy);
struct stop debug_stop(const struct debug_item *i);

/* Adds an edit in whatif.h's grammar, of the step at the place unless it names others. ERR_USAGE. */
const struct debug_set *debug_set(struct debug *d, const char *text, const struct expr_place *at,
				  struct err *err);
/* Whether an edit can be taken off. ERR_USAGE for one that later edits count their steps on. */
bool debug_may_unset(const struct debug *d, int index, struct err *err);
void debug_unset(struct debug *d, int index); /* takes one off the stack, wherever it lies */
void debug_unset_all(struct debug *d);
/* All edits, in order; free with free. */
struct edit *debug_edits(const struct debug *d, int *count);
/* Takes away what is no edit. false: there is none of that number. */
bool debug_delete(struct debug *d, int number);
/* The index of the edit of that number; -1: there is none. */
int debug_find_set(const struct debug *d, int number);

/* The position so many steps on, or back: at the first or last step it stays there. */
int debug_step(const struct expr_place *at, int by);
/* The next position that is a word of the text and no padding; -1: there is none. */
int debug_next_word(const struct expr_place *at);
/* The first position behind this one where an expression holds; -1: there is none, or, with err set, it
 * does not fit. */
int debug_until(const struct expr *e, const struct expr_place *at, struct err *err);
/* The first position behind this one where a breakpoint holds or a watched value has changed, which counts
 * as a hit of each, and what has: in a line. Those that do not fit are passed over. -1: there is none. */
int debug_continue(struct debug *d, const struct expr_place *at, struct buf *says);
/* The same at this very position: whether anything is hit. */
bool debug_hit_at(struct debug *d, const struct expr_place *at, struct buf *says);

/* Whether a breakpoint holds at a place, or a watched value is another one than a step before. */
bool debug_hits(const struct debug_item *i, const struct expr_place *at);

/* A value in at most so many columns: a number, a text in quotes, or as many of a vector's numbers as have
 * room, and how many they are. */
void debug_value(struct buf *out, const struct expr_value *v, int cols);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A text on its way through edits: words that are replaced, put in and taken out, and numbers that are set, one
 * after the other. The step of each edit is one of the text as it is at that point; what was set before moves
 * along with the words. For inspect/ only, but for looking whether an edit fits.
 */
#ifndef SLUICE_ENGINE_INSPECT_WORDING_H
#define SLUICE_ENGINE_INSPECT_WORDING_H

#include "engine/base/buf.h"
#include "engine/inspect/trace.h"

struct wording {
	const struct trace *base; /* borrowed */
	struct encoding encoding; /* the words */
	int *of; /* encoding.count: the word of base, an index, that each stands for; -1: none */
	bool changed; /* a word has been edited */
	int cut;      /* words that a run of limited length does not read any more */
	/* What the model runs over. */
	int T;
	int32_t *ids; /* T */
	int *token;   /* T: index into encoding; -1 for padding */
	/* The numbers that are set, at positions of now. */
	struct edit *set;
	int sets;
	size_t set_cap, of_cap;
};

void wording_begin(struct wording *w, const struct trace *base);
void wording_release(struct wording *w);

/* Applies an edit. ERR_USAGE where it does not fit: a step that is not there or is no word, a text without a
 * token, the only word taken out. */
bool wording_apply(struct wording *w, const struct edit *e, struct err *err);
/* The same with the words of an edit that replaces or puts in given as ids. */
bool wording_put(struct wording *w, const struct edit *e, const struct encoding *words,
		 struct err *err);
/* How many words an edit's text has. */
int wording_count(const struct encoder *e, const char *text);

/* The words put together as one text; appended. */
void wording_text(const struct wording *w, struct buf *out);
/* For each position of now the one in base that it stands for, or -1: T, to be freed with free. */
int *wording_origin(const struct wording *w);

#endif

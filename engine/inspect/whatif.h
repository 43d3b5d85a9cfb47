/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What if: a text traced once more with some numbers set by hand, or other words in it. A gate, c or h is what an
 * edit says right after it has been computed, and all that comes later follows from it; what comes before is
 * copied, so that it has the same bits. Edits are of the side that reads the text; a decoder writes anew from what
 * they make of it, the likeliest token at every step.
 */
#ifndef SLUICE_ENGINE_INSPECT_WHATIF_H
#define SLUICE_ENGINE_INSPECT_WHATIF_H

#include "engine/inspect/trace.h"

/* The edits that a signal's name stands for at some positions, from 0, both included; unit -1: all units.
 * ERR_USAGE for a signal that cannot be set (x, or a gate that the cell lacks), and for what is out of
 * range. */
bool edit_of(const struct trace *t, const char *signal, int run, int unit, int from, int to,
	     double value, struct edit *out, struct err *err);

/*
 * Reads an edit; steps are from 1.
 *
 *     f[12] = 0 @3..5     a signal with the place of its layer before it (l1.bw.f), units in brackets (several
 *                         with commas; none: all), a number, and steps (one, or from..to)
 *     ablate 3,17 @3..5   these units of the layer `run` give and keep nothing: c and h are 0 (of a GRU h)
 *     word @3 = good      another word in its place, or several
 *     insert @3 = very    in front of that step; one step behind the last: at the end
 *     remove @3           takes the word out
 *
 * Without steps it is that at `at`, or, with at -1, all of them; a word needs one then. One edit for each number.
 * Free *out with free. ERR_USAGE: "column 3: ...".
 */
bool edit_parse(const struct trace *t, const char *text, int run, int at, struct edit **out,
		int *count, struct err *err);
static inline bool edit_is_word(const struct edit *e)
{
	return e->kind >= EDIT_WORD;
}

/* Whether an edit of a trace sets this number: a gate's, by its place in the cell's table, c's, or h's. */
bool edit_sets(const struct trace *t, int run, int position, int unit, enum edit_kind kind,
	       int gate);

/*
 * A trace of the same text under `count` edits, one after the other: later ones win, and the steps of each are
 * those of the text as it is at that point. base is one without any. In two directions, where numbers are set, the
 * probabilities before the last position are NaN: each would be a run of its own. ERR_USAGE for an edit
 * that does not fit, ERR_FAILED without memory. Any thread.
 */
struct trace *whatif(const struct trace *base, const struct edit *edit, int count, struct err *err);
/* The same of a wording that edits have been applied to; takes it. */
struct wording;
struct trace *whatif_of(struct wording *w, struct err *err);

/* The first position of b at which a run's h differs by more than `most` from that of a, which is b's without its
 * edits, or at which there is a word that a has not; -1: none. */
int whatif_differs(const struct trace *a, const struct trace *b, int run, double most);

#endif

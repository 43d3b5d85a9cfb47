/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What if: a text traced once more with some numbers set by hand. A gate, c or h is what an edit says right
 * after it has been computed, and all that comes later follows from it; what comes before is copied, so
 * that it has the same bits. Of runs over the text; a decoder that writes is not run again.
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
 * Reads "f[12] = 0 @3..5": a signal with the place of its layer before it (l1.bw.f), units in brackets (several
 * with commas; none: all), a number, and steps from 1 (one, or from..to; none: all). One edit for each unit.
 * Free *out with free. ERR_USAGE: "column 3: ...".
 */
bool edit_parse(const struct trace *t, const char *text, int run, struct edit **out, int *count,
		struct err *err);

/* Whether an edit of a trace sets this number: a gate's, by its place in the cell's table, c's, or h's. */
bool edit_sets(const struct trace *t, int run, int position, int unit, enum edit_kind kind,
	       int gate);

/*
 * A trace of the same text under `count` edits, of which later ones win; base is one without any. In two
 * directions the probabilities before the last position are NaN: each would be a run of its own. ERR_USAGE
 * for a run with a decoder, ERR_FAILED without memory. Any thread.
 */
struct trace *whatif(const struct trace *base, const struct edit *edit, int count, struct err *err);

/* The first position at which two traces of one length differ by more than `most` in a run's h; -1: none. */
int whatif_differs(const struct trace *a, const struct trace *b, int run, double most);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where in many texts an expression holds. Texts go through the fast path in float32, many at a time, and
 * the expression is looked at in what that leaves; where it needs more than gates and states (x, z_..., p)
 * each text is traced in double. Next to a threshold the two may differ: what is found is looked at again
 * in double, and only what holds there as well is given.
 */
#ifndef SLUICE_ENGINE_INSPECT_SEARCH_H
#define SLUICE_ENGINE_INSPECT_SEARCH_H

#include "engine/base/team.h"
#include "engine/inspect/expr.h"
#include "engine/text/corpus.h"

struct search {
	struct snapshot *snapshot; /* of a run that has no decoder; borrowed */
	const struct expr *expr;   /* borrowed */
	int run;                   /* the layer and direction whose steps are gone through */
	int each;                  /* hits of one text that are given: 1, or 0 for all */
	const int *stop;           /* looked at on the way, or NULL */
};

/* A place where it holds, with the text's trace: both borrowed for the length of the call. false ends the
 * search. */
typedef bool search_fn(void *arg, int text, int t, const struct trace *trace);

/* Goes through the texts in order, and through each one's steps. ERR_USAGE for an expression that does not
 * fit, ERR_FAILED without memory, ERR_CANCELLED when stopped. */
bool search_texts(struct team *team, const struct search *s, const struct example *text, int count,
		  search_fn *found, void *arg, struct err *err);

#endif

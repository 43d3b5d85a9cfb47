/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where in many texts expressions hold, or their values change. Texts go through the fast path in float32, many
 * at a time, and the expressions are looked at in what that leaves; what else they ask for (x, z_..., p) is
 * computed from it. Next to a threshold float32 and double may differ: what is found is looked at again in
 * double, and only what is found there as well is given.
 */
#ifndef SLUICE_ENGINE_SURVEY_SEARCH_H
#define SLUICE_ENGINE_SURVEY_SEARCH_H

#include "engine/base/team.h"
#include "engine/inspect/stop.h"
#include "engine/text/corpus.h"

/* How far a search has come. */
struct search_sum {
	int texts; /* gone through, the one where it ended included */
	int empty; /* of them: have no step, as there is no token in them */
};

struct search {
	struct snapshot *snapshot; /* of a run that has no decoder; borrowed */
	const struct stop
		*at; /* ats of them, one or more: a step that any of them hits; borrowed */
	int ats;
	int run;      /* the layer and direction whose steps are gone through */
	bool reading; /* as that layer reads: a backward one from the last step; else from the first */
	int each;     /* hits of one text that are given: 1, or 0 for all */
	int from;     /* the first text that is looked at, from 0 */
	const int *stop;        /* looked at on the way, or NULL */
	struct search_sum *sum; /* or NULL */
	int *fits;              /* ats: texts that each fits, or 0; or NULL */
	/* Called on the way, on the caller's thread, with the texts that are done, `from` included; or NULL. */
	void (*tell)(void *arg, int done);
	void *tell_arg;
};

/* A place where something hits, with the text's trace: both borrowed for the length of the call. false ends the
 * search. */
typedef bool search_fn(void *arg, int text, int t, const struct trace *trace);

/* Goes through the texts in order, and through each one's steps. An expression that does not fit a text, as it
 * has no such step, hits nothing in it. ERR_USAGE where none fits any text, ERR_FAILED without memory, ERR_CANCELLED when stopped. */
bool search_texts(struct team *team, const struct search *s, const struct example *text, int count,
		  search_fn *found, void *arg, struct err *err);

#endif

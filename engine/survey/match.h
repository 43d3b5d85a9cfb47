/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where in many texts the same units are on: LSTMVis's rule (Strobelt et al. 2018, lstmdata/data_handler.py,
 * query_similar_activations). A unit is on at a step where its h, or tanh of its c, is above a threshold. A
 * candidate is a longest run of two steps or more at which at least n of the chosen units are on; n begins with
 * all of them and is lowered until there are enough candidates. Of each, all units that are on throughout
 * count: the largest number of chosen ones among them comes first, then the smallest union with the chosen
 * ones, then the longest run. Off in front (or behind) leaves out of those units the ones that are on just
 * before the run (or just after it); where nothing stands there they are off.
 *
 * In float32 from the fast path; padding is no step of a run.
 */
#ifndef SLUICE_ENGINE_SURVEY_MATCH_H
#define SLUICE_ENGINE_SURVEY_MATCH_H

#include "engine/explain/replay.h"
#include "engine/survey/sweep.h"

enum { MATCH_CANDIDATES = 1000, MATCH_RUN = 2 };

struct match_rules {
	int run;
	bool cell;        /* of tanh(c), else of h */
	double threshold; /* in (-1, 1) */
	bool off_left, off_right;
	const bool *chosen; /* (H) */
	int most;           /* so many are given */
	struct sweep_watch watch;
};

/* Words `from` to `to` of a text, both counted from 0, padding not counted. */
struct match_place {
	size_t text;
	int from, to;
	int both, either; /* units: chosen and on throughout; one or the other */
};

struct match {
	struct match_place *place; /* count, best first */
	int count;
	int chosen;         /* units */
	int at_least;       /* the n that it came down to */
	int64_t candidates; /* with as many */
	int64_t texts;
};

/* ERR_FAILED without memory, ERR_CANCELLED. Release in all cases. The team's size changes nothing. */
bool match_run(struct match *m, struct team *team, const struct snapshot *snapshot,
	       const struct example *text, size_t count, const struct match_rules *rules,
	       struct err *err);
void match_release(struct match *m);

static inline double match_jaccard(const struct match_place *p)
{
	return p->either ? (double)p->both / p->either : 0;
}

/* The units that are on at the positions from .. to of a text, and, where that is asked for, off beside
 * them, into on (H): in double. Returns how many. */
int match_pattern(const struct replay *r, const struct match_rules *rules, int from, int to,
		  bool *on);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one unit does over many texts: where it is highest and lowest, how it answers to words (RNNVis: the
 * mean of h_t - h_{t-1} over the occurrences of a word, with bands), how open its gates are, and what its
 * state is when a text ends. From one pass in float32; padding counts as a step where the run runs over it,
 * but is no word. Sums do not depend on the team's size.
 */
#ifndef SLUICE_ENGINE_SURVEY_DOSSIER_H
#define SLUICE_ENGINE_SURVEY_DOSSIER_H

#include "engine/survey/sweep.h"

/* What of the unit is looked at: a gate by its place in the cell's table, or one of these. */
enum { DOSSIER_H = -1, DOSSIER_C = -2 };
/* -3: the cell has no such signal. */
int dossier_signal(const struct cell_ops *cell, const char *name);

struct dossier_rules {
	int run, unit, signal;
	int places;       /* so many highest and lowest, and words either way */
	int least;        /* occurrences that a word needs */
	double low, high; /* a gate below is shut, above is open */
	struct sweep_watch watch;
};

/* A word in a text where the signal has that value: number from 0, padding not counted. */
struct dossier_place {
	size_t text;
	int word;
	real value;
};

/* How h answers to a word: mean, and the values that so many hundredths of its occurrences are not above. */
struct dossier_word {
	int32_t id;
	int64_t count;
	double mean, p9, p25, p75, p91;
};

struct dossier {
	int H, G;
	int64_t texts, steps;                              /* texts that have a step */
	double mean, deviation, least, most;               /* of the signal */
	int64_t low[CELL_MAX_GATES], high[CELL_MAX_GATES]; /* steps; of tanh gates high is of |g| */
	double carry, log_carry;                /* means of |a| and of ln |a|, as in saturation.h */
	struct dossier_place *highest, *lowest; /* each text once; best first */
	int places;
	struct dossier_word *up, *down; /* largest mean first, smallest mean first */
	int ups, downs;
	int64_t words; /* that occur often enough */
	/* (H, count): h of every unit of the run after its last step, for each text that was given; and
	 * whether it has a step. */
	real *last;
	bool *runs;
	size_t count;
};

/* ERR_FAILED without memory, ERR_CANCELLED, ERR_INPUT where no text has a step. Release in all cases. */
bool dossier_run(struct dossier *d, struct team *team, const struct snapshot *snapshot,
		 const struct example *text, size_t count, const struct dossier_rules *rules,
		 struct err *err);
void dossier_release(struct dossier *d);

#endif

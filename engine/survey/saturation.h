/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How often gates are shut and open over many texts (Karpathy, Johnson and Fei-Fei 2015, arXiv
 * 1506.02078, section 4.2): for each unit of a gate the share of steps at which it is below a low
 * threshold (left-saturated) and above a high one (right-saturated). For gates that are tanh the share
 * at which |g| is above the high one, which is ours and not theirs; for a linear candidate nothing.
 *
 * Counted in float32 from the fast path, on the side that reads the text; padding counts where the run
 * runs over it.
 */
#ifndef SLUICE_ENGINE_SURVEY_SATURATION_H
#define SLUICE_ENGINE_SURVEY_SATURATION_H

#include "engine/base/team.h"
#include "engine/survey/sweep.h"
#include "engine/text/corpus.h"
#include "engine/train/encoder.h"

#define SATURATION_LOW 0.1
#define SATURATION_HIGH 0.9

struct saturation_rules {
	double low, high; /* low < high; of sigmoid gates and of |tanh| */
	struct sweep_watch watch;
};

struct saturation {
	int runs, G, H;
	int64_t texts, steps;
	/* (runs, G, H) steps below low and above high. */
	int64_t *low, *high;
	/* (runs, H): the mean of |a|, where a is what the cell carries, and of ln |a|, from which
	 * ledger_half_life follows. */
	double *carry, *log_carry;
};

/* Runs the snapshot's encoder over all texts, dealt out to a team; sums do not depend on its size.
 * ERR_FAILED without memory, ERR_CANCELLED, ERR_INPUT where no text has a token. Release in all
 * cases. */
bool saturation_run(struct saturation *s, struct team *team, const struct snapshot *snapshot,
		    const struct example *text, size_t count, const struct saturation_rules *rules,
		    struct err *err);
void saturation_release(struct saturation *s);

/* The shares of a unit's steps; NaN where the gate has no such share. */
double saturation_low(const struct saturation *s, const struct cell_ops *cell, int run, int gate,
		      int unit);
double saturation_high(const struct saturation *s, const struct cell_ops *cell, int run, int gate,
		       int unit);

#endif

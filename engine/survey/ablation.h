/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a classifier loses without a unit, and, as a control, without others drawn at random: removing any one
 * of many units often matters as little, or as much (see "An Analysis of the Sentiment Neuron" on Radford et
 * al. 2017).
 *
 * Without means: what the unit carries is 0 at every step, c and so h of an LSTM, h of a GRU, as `set c[U] = 0`
 * over a whole text has it; nothing is written into it and it begins at 0. In float32, by the fast path
 * with those weights 0.
 */
#ifndef SLUICE_ENGINE_SURVEY_ABLATION_H
#define SLUICE_ENGINE_SURVEY_ABLATION_H

#include "engine/survey/sweep.h"

enum { ABLATION_LEAST = 100 }; /* other units, where there are so many */

struct ablation_rules {
	int run, unit;
	int others; /* so many, without repetition; all there are, if that is fewer */
	uint64_t seed;
	struct sweep_watch watch;
};

struct ablation {
	int64_t texts;             /* that have a label */
	double accuracy, loss;     /* of the model as it is; loss in nats */
	double d_accuracy, d_loss; /* what changes without the unit */
	int others;
	double mean_accuracy, sd_accuracy, mean_loss,
		sd_loss; /* of the changes without each of the others */
	int beyond_accuracy,
		beyond_loss; /* others without which it changes as much or more, by size */
};

/* class_of (count): of each text, or -1, which is left out. ERR_FAILED without memory, ERR_CANCELLED. The
 * team's size changes nothing. */
bool ablation_run(struct ablation *a, struct team *team, const struct snapshot *snapshot,
		  const struct example *text, const int32_t *class_of, size_t count,
		  const struct ablation_rules *rules, struct err *err);

/* Sets to 0 what a unit of a run over the text is written by and begins with, in a block of weights. */
void ablation_remove(const struct model *m, real *weights, int run, int unit);

#endif

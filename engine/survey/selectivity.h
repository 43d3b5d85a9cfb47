/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether units know the labels: for each class the correlation r of a unit's numbers, one a text, with
 * whether the text is of that class (point-biserial: Pearson's), and the AUC, the chance that a text of the class
 * has a larger number than another one (Mann and Whitney; equal numbers count half). Beside each stands what
 * 95 of 100 shufflings of the labels do not exceed, of |r| and of max(AUC, 1 - AUC).
 */
#ifndef SLUICE_ENGINE_SURVEY_SELECTIVITY_H
#define SLUICE_ENGINE_SURVEY_SELECTIVITY_H

#include "engine/base/team.h"
#include "engine/survey/sweep.h"

#include <stdint.h>

enum { SELECTIVITY_LEAST = 100, SELECTIVITY_MOST = 10000 }; /* shufflings */

struct selectivity_class {
	int64_t count; /* texts of the class */
	double r, r_chance, auc,
		auc_chance; /* NaN where all or none of the texts are of the class */
};

struct selectivity {
	int classes, units, shuffles;
	int64_t texts;                /* with a label that the run knows */
	struct selectivity_class *of; /* classes: of the one unit */
	/* Of each unit: the largest max(AUC, 1 - AUC) over classes, and what 95 of 100 shufflings of that do
	 * not exceed. NaN where its numbers are not finite. */
	double *best, *best_chance;
	int beyond; /* units whose best is beyond it */
};

/*
 * value is (units, count), class_of (count) a class from 0, or -1: left out. ERR_FAILED without memory,
 * ERR_CANCELLED. Release in all cases. What comes out does not depend on the team's size.
 */
bool selectivity_run(struct selectivity *s, struct team *team, const real *value, int units,
		     int unit, const int32_t *class_of, size_t count, int classes, int shuffles,
		     uint64_t seed, const struct sweep_watch *watch, struct err *err);
void selectivity_release(struct selectivity *s);

static inline bool selectivity_beyond(double v, double chance)
{
	return v > chance;
}

#endif

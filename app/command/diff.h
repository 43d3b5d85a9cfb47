/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What diff has found, for its rows, its JSON and its pictures. */
#ifndef SLUICE_APP_COMMAND_DIFF_H
#define SLUICE_APP_COMMAND_DIFF_H

#include "app/command/explain.h"
#include "engine/compare/course.h"
#include "engine/compare/diff.h"

struct difference {
	struct explained x[2];
	struct diff_side side[2];
	struct course course[2];
	struct diff_signal signal[DIFF_SIGNALS];
	int signals, chosen; /* chosen: the one that is shown */
	struct alignment way;
	struct diff_step *step[DIFF_SIGNALS]; /* way.count each */
	double *value[2];                     /* of the chosen one: (T, H) */
	struct pairing units;
	char *data; /* what the units were matched on, or NULL */
	bool same_weights, by_index;
	bool backward;
	double threshold;
	int first; /* the row of the first divergence, or -1 */
	int unit;  /* the pair that --unit means, or -1 */
};

/* A token of a side at a row, "" where it has none. */
struct value diff_token(const struct difference *d, int side, int row);
/* b's number of a pair at a row, in a's sign; of side 0 a's. */
double diff_number(const struct difference *d, int side, int row, int pair);

bool diff_json(struct context *c, const struct difference *d, struct err *err);
/* Three heat maps with the same columns: a - b, a and b. */
void diff_pictures(struct output *o, const struct difference *d);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Metrics: points (step, epoch, value) under a name such as "valid/loss", with a summary of each
 * that the same transaction keeps. NaN is stored as NULL and counted; an infinity is stored as it
 * is; neither is ever a minimum, a maximum or the best.
 */
#ifndef SLUICE_STORE_METRIC_H
#define SLUICE_STORE_METRIC_H

#include "store/store.h"

#include <stddef.h>

struct metric_point {
	int64_t run; /* rowid */
	const char *name;
	int64_t step;
	double epoch; /* kept to a millionth */
	double value;
};

/* A value and where it was; step is -1 and value NaN when there is none. */
struct metric_at {
	int64_t step;
	double epoch, value;
};

struct metric_summary {
	int64_t points, nan, nonfinite; /* nan counts in nonfinite too */
	int64_t first_nonfinite_step;   /* -1 when all are finite */
	struct metric_at last, min, max;
};

struct metric_curve {
	size_t count; /* of points below */
	size_t total; /* of points stored; more than count when the curve was thinned */
	int64_t *step;
	double *epoch, *value;
};

/*
 * Adds points in one transaction, moves their runs' step, epoch and heartbeat forward and keeps
 * summaries and best scores. A point at a step that has one replaces it. Names have 1 to 64 bytes.
 */
bool store_metric_add(struct store *s, const struct metric_point *points, size_t count,
		      struct err *err);

/* Removes the points of a run after a step, as a resumed run needs; keeps its summaries. */
bool store_metric_cut(struct store *s, int64_t run, int64_t step, struct err *err);

/* points is 0 when the run has no such metric. */
bool store_metric_summary(struct store *s, int64_t run, const char *name,
			  struct metric_summary *out, struct err *err);

/*
 * A curve in order of steps. Above max_points (0: no limit) each of max_points/2 spans of equally
 * many points gives its lowest and highest, so that spikes survive. Release with metric_curve_release.
 */
bool store_metric_curve(struct store *s, int64_t run, const char *name, size_t max_points,
			struct metric_curve *out, struct err *err);
void metric_curve_release(struct metric_curve *c);

/* The names of a run's metrics in order; to be freed with store_metric_names_free. */
bool store_metric_names(struct store *s, int64_t run, char ***names, size_t *count,
			struct err *err);
void store_metric_names_free(char **names, size_t count);

/* "min", "max" or NULL: which way a metric of this name is better. */
const char *metric_goal(const char *name);

#endif

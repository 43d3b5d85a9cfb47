/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one stops at on the way through a text: a step where an expression holds, or one where its value is
 * another than a step before. */
#ifndef SLUICE_ENGINE_INSPECT_STOP_H
#define SLUICE_ENGINE_INSPECT_STOP_H

#include "engine/inspect/expr.h"

struct stop {
	const struct expr *expr; /* borrowed */
	bool changes;            /* where its value changes; else where it holds */
};

/* Room that is kept from call to call, and, where a value has changed, what it was and is. */
struct stop_values {
	struct expr_value before, now;
};
void stop_values_release(struct stop_values *v); /* zeroed is empty */

/* Whether two values differ: texts at all, numbers by more than 1e-12. What is not there, NaN, is another
 * than any number. */
bool stop_differs(const struct expr_value *a, const struct expr_value *b);

/* Whether it stops at a place that expr_check found good; before is the place a step earlier, or NULL at the
 * first one, where nothing can have changed. false with err set where a value cannot be had. */
bool stop_hits(const struct stop *s, const struct expr_place *before, const struct expr_place *now,
	       struct stop_values *v, struct err *err);

/* The position so many steps on, or back, in the order in which the run reads, that of the last step first
 * where it goes backward; -1: there is none. */
int stop_step(const struct expr_place *at, int by);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What edits do to the classes, held against random ones of the same size: the same numbers set at other units,
 * as many of them and all different; other words of the vocabulary in the same places; other words of the text
 * taken out. An effect that random edits have as well says nothing about what was chosen.
 */
#ifndef SLUICE_ENGINE_INSPECT_CONTROL_H
#define SLUICE_ENGINE_INSPECT_CONTROL_H

#include "engine/inspect/trace.h"

enum { CONTROL_RUNS = 100 };

struct control {
	struct trace *base; /* its own */
	const char *what;   /* "random units" */
	int runs, done;     /* how many there will be and are */
	int C;
	double *mean,
		*deviation; /* (C) of what they change in each probability, of those that are done */
	struct control_plan *plan;
};

/* NULL with err.code ERR_NONE where nothing could be drawn: a whole gate is set, or there is no other word; else
 * with ERR_USAGE for a run without classes and edits that do not fit, and ERR_FAILED without memory. The removal
 * of one word is held against that of each other one, where there are no more of them than runs. Takes a reference to s. Any
 * thread. */
struct control *control_new(struct snapshot *s, const char *text, const struct edit *edit,
			    int count, int runs, uint64_t seed, struct err *err);
void control_free(struct control *c); /* NULL is ignored */
/* One run more; false once all are done, or with err set. */
bool control_step(struct control *c, struct err *err);

#endif

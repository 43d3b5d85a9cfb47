/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a model says after each step of a text, in double: the classes if the text ended there, or the token that
 * follows. In two directions each beginning of the text is run again, which a long text has no time for: then
 * what it says of the whole text is all there is. Encoders that say nothing themselves (reconstruct, pairs) have no
 * course.
 */
#ifndef SLUICE_ENGINE_COMPARE_COURSE_H
#define SLUICE_ENGINE_COMPARE_COURSE_H

#include "engine/explain/replay.h"

/* Multiplications that running the beginnings of a text may take. */
#define COURSE_WORK 4e9

struct course {
	int T, C;     /* T is 0 where there is no course */
	int *top;     /* T: the likeliest, or -1 where it is not known */
	double *p;    /* T: its probability; NaN where it is not known */
	double *prob; /* classify: (T, C), rows of NaN where it is not known; else NULL */
};

/* Of the whole text that r has run, which is run again. cancel, or NULL, is looked at between steps. ERR_FAILED
 * without memory, ERR_CANCELLED. Release in both cases. */
bool course_fill(struct course *c, struct replay *r, const int *cancel, struct err *err);
void course_release(struct course *c);
/* The name of an outcome: a class, or a token (not NUL-terminated). */
const char *course_name(const struct replay *r, int outcome, size_t *n);

#endif

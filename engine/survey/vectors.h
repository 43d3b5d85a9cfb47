/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Texts as vectors of one length D: what the head reads (classify), what the text is written again
 * from (reconstruct), or the top layer's state behind the last token (generate). A text has the same
 * vector alone and among others, but for the last bits of float32.
 */
#ifndef SLUICE_ENGINE_SURVEY_VECTORS_H
#define SLUICE_ENGINE_SURVEY_VECTORS_H

#include "engine/nn/pass.h"
#include "engine/train/encoder.h"

enum { VECTORS_MOST = 64 }; /* texts at a time */

/* Room for the work; zeroed is empty. One thread at a time. */
struct vectors {
	struct work work;
	real *row, *last; /* (count, D or H); (count, H) as they lie in the batch */
	size_t cap, last_cap;
};

void vectors_release(struct vectors *v);

/* The vectors (count, D) of count encoded texts, VECTORS_MOST at most; borrowed until the next call.
 * NULL without memory. */
const real *vectors_of(struct vectors *v, const struct snapshot *s, const struct encoding *text,
		       int count);

/* Likewise the last states (count, H) of a run of the stack: h, or c, which a GRU has not. */
const real *vectors_last(struct vectors *v, const struct snapshot *s, const struct encoding *text,
			 int count, int run, bool c);

/* The cosine of the angle between two vectors; NaN where one of them is zero or not finite. */
double vectors_cosine(const real *a, const real *b, int D);

#endif

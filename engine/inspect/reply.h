/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers of a run of pairs to texts: the likeliest ones that a beam search finds, for several texts side
 * by side. A text has the same answers alone and among others, but for the last bits of float32.
 */
#ifndef SLUICE_ENGINE_INSPECT_REPLY_H
#define SLUICE_ENGINE_INSPECT_REPLY_H

#include "engine/nn/beam.h"
#include "engine/train/encoder.h"

enum { REPLIES_MOST = 64 }; /* texts at a time */

struct reply_spec {
	int width, best; /* see beam.h */
	double penalty;
	int most;     /* tokens of an answer; 0: what decode_limit says */
	bool unknown; /* <unk> may be written */
	const int *stop;
};

/* Room for the work; zeroed is empty. One thread at a time. */
struct replies {
	struct work work;
	struct beam of[REPLIES_MOST]; /* count: what was found for each text */
	int row[REPLIES_MOST];        /* its place in the batch */
	int count;
	real *look;
	size_t look_cap;
};

void replies_release(struct replies *r);

/* Answers `count` encoded texts, REPLIES_MOST at most: r->of, until the next call. false without
 * memory. */
bool replies_find(struct replies *r, const struct snapshot *s, const struct encoding *text,
		  int count, const struct reply_spec *spec);

/*
 * What the tokens of the best answer to text k, the end mark among them, looked at: (steps, n) shares of
 * the text's n tokens, whose sum is less than 1 only where padding was looked at too. Borrowed until the
 * next call. NULL without attention, or, with *steps above 0, without memory.
 */
const real *replies_look(struct replies *r, const struct snapshot *s, int k, size_t n, int *steps);

/* Steps of a row that stand before the text's n tokens: padding. */
size_t reply_padding(const struct encoder *e, size_t steps, size_t n);

#endif

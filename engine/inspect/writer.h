/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A model that writes, one token after the other, and what else it might have written. A language
 * model goes on from a prompt for as long as it is asked to; an auto-encoder writes a text again
 * from its vector, and a model of pairs the answer to a text, until its end mark. The answer may be
 * looked for by beam search first (see beam.h); what is written then is the best that it found. One
 * thread at a time.
 */
#ifndef SLUICE_ENGINE_INSPECT_WRITER_H
#define SLUICE_ENGINE_INSPECT_WRITER_H

#include "engine/nn/beam.h"
#include "engine/train/encoder.h"

enum { WRITER_TOP = 10 };

struct written {
	int id;
	bool end;          /* the end mark: a new line, or the end of the text */
	const char *token; /* n bytes; borrowed from the vocabulary */
	size_t n;
	bool gap;                      /* a blank stands before it */
	double p;                      /* as the model says, before any choosing */
	double bits;                   /* entropy of the whole distribution, base 2 */
	struct choice top[WRITER_TOP]; /* the likeliest, likeliest first */
	int tops;
};

struct writer_spec {
	const char *text; /* prompt, or text to write again or to answer; valid UTF-8 */
	size_t n;
	struct sampling how;
	uint64_t seed;
	int beam; /* of pairs: texts under way in the search; 0: none, tokens are drawn as `how` says */
	double penalty;
	int most; /* of pairs: tokens of the answer at most, never more than decode_limit; 0: as many */
	bool unknown; /* <unk> may be written; <pad> never is, but where it is the end mark */
};

struct writer;

/* Reads the text. Takes a reference to the snapshot. ERR_USAGE for a model that does not write,
 * ERR_FAILED without memory. */
struct writer *writer_new(struct snapshot *s, const struct writer_spec *spec, struct err *err);
/* The text's tokens and ids; borrowed. */
const struct encoding *writer_prompt(const struct writer *w);
/* Goes one step on with the search; false when it is over, or where there is none. */
bool writer_search(struct writer *w);
/* What the search has come to, with all that it dropped; NULL where there is none. */
const struct beam *writer_beam(const struct writer *w);
/* Writes one token more, when the search is over, to which this goes first. false when the text is over, or without memory. */
bool writer_next(struct writer *w, struct written *out);
/* What that token of pairs looked at: a share for each of the text's tokens (struct encoding), less than 1
 * in all only where padding was looked at. Borrowed until the next token; NULL without attention. */
const real *writer_look(const struct writer *w);
void writer_free(struct writer *w); /* NULL is ignored */

#endif

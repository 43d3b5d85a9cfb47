/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Vocabularies: the tokens of a run by their ids, as bytes of any kind, with their counts and the
 * tokenizer's settings. The same list is stored once, however many runs use it.
 */
#ifndef SLUICE_STORE_VOCABULARY_H
#define SLUICE_STORE_VOCABULARY_H

#include "store/store.h"

#include <stddef.h>

struct store_token {
	const char *bytes; /* any bytes, NUL too */
	size_t len;
	int64_t count; /* in the training data */
};

struct store_vocab {
	struct store_token *tokens; /* by id, from 0 */
	size_t count;
	const char *spec; /* the tokenizer's settings as JSON */
};

/* Stores the vocabulary of a run for a role: "source", "target", or "classes" for label names. An
 * earlier one of the role is replaced. */
bool store_vocab_put(struct store *s, int64_t run, const char *role, const struct store_vocab *v,
		     struct err *err);

/*
 * Loads it, checked against its hash (ERR_CORRUPT). When the run has none of this role, v is all
 * zero. Belongs to the caller (store_vocab_release); every token's bytes end in a NUL.
 */
bool store_vocab_load(struct store *s, int64_t run, const char *role, struct store_vocab *v,
		      struct err *err);
void store_vocab_release(struct store_vocab *v);

#endif

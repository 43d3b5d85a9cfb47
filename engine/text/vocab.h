/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The vocabulary: tokens and their ids. Immutable once built and reference-counted, so that
 * threads may share it. It remembers the rules its tokens were made by, so that encoding a text
 * takes nothing else.
 *
 * Ids: 0 is <pad>. With the tokenizers word, char and space 1 is <unk> and the tokens follow from
 * 2, by count, largest first, ties by first appearance. With keras the words follow from 1, after
 * the oov token where there is one.
 *
 * A vocabulary may keep an end mark, for models that write text: what follows the last token of a
 * text, and stands before the first one. It is <eos>, id 2, and the tokens follow from 3; with
 * keras <pad> plays its part and no id moves. No text can name the mark: a token written like it
 * becomes <unk>.
 */
#ifndef SLUICE_ENGINE_TEXT_VOCAB_H
#define SLUICE_ENGINE_TEXT_VOCAB_H

#include "engine/base/err.h"
#include "engine/text/token.h"

#include <stdint.h>

enum { VOCAB_PAD = 0, VOCAB_UNK = 1, VOCAB_EOS = 2 };

struct vocab_spec {
	struct token_rules rules; /* filters and split are copied by vocab_new */
	int min_count;   /* tokens seen less often are left out; 1 keeps all (not for keras) */
	int max_size;    /* ids 0 .. max_size-1 are kept; 0 for all. keras: num_words */
	const char *oov; /* keras: the oov token, or NULL; copied */
	bool end;        /* keeps an end mark */
};

struct vocab;

/*
 * A builder meets texts and counts their tokens, and texts as so many end marks; vocab_build turns it
 * into a vocabulary. It numbers the tokens as it meets them, so that a text need not be split twice: what
 * vocab_builder_take gave can be counted, and becomes ids by vocab_ids once there is a vocabulary.
 */
struct vocab_builder;
struct vocab_builder *vocab_builder_new(const struct vocab_spec *spec);
void vocab_builder_add(struct vocab_builder *b, const char *text, size_t n);
void vocab_builder_free(struct vocab_builder *b);
const struct vocab_spec *vocab_builder_rules(const struct vocab_builder *b); /* borrowed */
struct vocab *vocab_build(struct vocab_builder *b); /* frees the builder; one reference */

/* Token numbers, from 1. Zeroed is empty; free `at`. Grows by a quarter: memory that was not written to
 * yet costs nothing, but what is asked for may be limited. */
struct numbers {
	int32_t *at;
	size_t count, cap;
};
void numbers_room(struct numbers *list, size_t n); /* makes room for n more */
void vocab_builder_take(struct vocab_builder *b, const char *text, size_t n, struct numbers *out);
/* Counts tokens; a 0 is the end of a text. */
void vocab_builder_count(struct vocab_builder *b, const int32_t *numbers, size_t n);
struct vocab *vocab_of(const struct vocab_builder *b); /* of what was counted; one reference */

/* How a vocabulary goes on from another one. */
struct vocab_growth {
	bool end;                /* it needs an end mark */
	bool grow;               /* new tokens are appended */
	int min_count, max_size; /* ... as in vocab_spec; of max_size old ones are never left out */
};
/* A vocabulary for what b counted that goes on from an older one: the rules, the end mark and all tokens of
 * that, in their order, and behind them those of b that it has not, by count. Ids stay as they are, but
 * where a first end mark is needed: the tokens then move by one. Counts are b's. b split its
 * texts by the same rules. One reference. */
struct vocab *vocab_extend(const struct vocab *old, const struct vocab_builder *b,
			   const struct vocab_growth *how);
/* The id that each number of b becomes with v: -1 for a token that vanishes, vocab_end for 0. Owned. */
int32_t *vocab_ids(const struct vocab *v, const struct vocab_builder *b);

/* A vocabulary from its parts, in id order with <pad> first (from the store). Counts may be NULL. */
struct vocab *vocab_restore(const struct vocab_spec *spec, const struct tokens *tokens,
			    const int64_t *counts, struct err *err);

struct vocab *vocab_ref(struct vocab *v); /* any thread */
void vocab_unref(struct vocab *v);        /* any thread; NULL is ignored */

const struct vocab_spec *vocab_rules(const struct vocab *v); /* borrowed */
int vocab_size(const struct vocab *v); /* ids the model can see: the rows of the embedding */
int vocab_total(
	const struct vocab *v); /* entries, <pad> included: keras keeps words >= num_words */
const char *vocab_token(const struct vocab *v, int id, size_t *n); /* borrowed; id < vocab_total */
int64_t vocab_count(const struct vocab *v, int id);
/* The id of the end mark: VOCAB_EOS, with keras VOCAB_PAD; -1 where the vocabulary keeps none. */
int vocab_end(const struct vocab *v);
/* The id that unknown tokens become; -1 where they vanish. */
int vocab_unknown(const struct vocab *v);
/* The id of a token, or -1. Knows nothing of max_size: an id may be >= vocab_size with keras. */
int vocab_find(const struct vocab *v, const char *token, size_t n);

/* One encoded text. Zeroed is empty; reusable. */
struct encoding {
	int32_t *ids;  /* count */
	bool *unknown; /* count: the token is not in the vocabulary and became <unk> or oov */
	size_t count, cap;
	struct tokens tokens;  /* count tokens, as the tokenizer made them */
	struct tokens dropped; /* keras without oov: the words that vanish */
};

void encoding_release(struct encoding *e);

/* Encodes text into e (replacing what it held). Valid UTF-8. Thread-safe on a shared vocabulary. */
void vocab_encode(const struct vocab *v, const char *text, size_t n, struct encoding *e);

/* Empties e; adds an element. */
void encoding_clear(struct encoding *e);
void encoding_add(struct encoding *e, int32_t id, bool unknown, const char *token, size_t n);

/* Keeps at most max_len (> 0) elements: the last ones with from_front (Keras's 'pre'), else the
 * first ones ('post'). */
void encoding_truncate(struct encoding *e, int max_len, bool from_front);

/* Appends the tokens of n ids as one text, with blanks where token_gap says so. */
void vocab_join(const struct vocab *v, const int32_t *ids, int n, struct buf *out);

/* The tokenizer, its rules and the sizes as a JSON object, and back: what the store keeps beside
 * the tokens. vocab_spec_parse and _copy allocate; release with vocab_spec_release. */
void vocab_spec_copy(struct vocab_spec *to, const struct vocab_spec *from);
void vocab_spec_json(const struct vocab_spec *spec, struct buf *out);
bool vocab_spec_parse(struct vocab_spec *spec, const char *json, struct err *err);
void vocab_spec_release(struct vocab_spec *spec);

#endif

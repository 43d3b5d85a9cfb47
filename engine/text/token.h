/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text to tokens. */
#ifndef SLUICE_ENGINE_TEXT_TOKEN_H
#define SLUICE_ENGINE_TEXT_TOKEN_H

#include "engine/base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * word   runs of letters, digits and marks (an apostrophe, a hyphen or a full stop between two
 *        alphanumerics stays inside); each Han character, each other mark or symbol, and each
 *        emoji cluster on its own
 * char   extended grapheme clusters (UAX #29), spaces included
 * space  runs without white space
 * keras  the rules of keras-preprocessing's Tokenizer: `filters` become `split`, cut at `split`
 */
enum tokenizer {
	TOKENIZER_WORD,
	TOKENIZER_CHAR,
	TOKENIZER_SPACE,
	TOKENIZER_KERAS,
	TOKENIZER_COUNT
};

const char *tokenizer_name(enum tokenizer t);
int tokenizer_find(const char *name); /* -1 if there is none */

/* Keras's default filters: 33 characters, the apostrophe not among them. */
extern const char token_keras_filters[];

struct token_rules {
	enum tokenizer kind;
	bool lower; /* full Unicode lower-casing: final sigma and dotted capital I included */
	/* keras only; all UTF-8. NULL filters are token_keras_filters, NULL split is " ". */
	const char *filters, *split;
	bool char_level; /* keras: every code point is a word, nothing is filtered */
};

/* A list of tokens whose bytes lie one after the other in text; zeroed is empty. */
struct tokens {
	struct buf text;
	size_t *end; /* token k is text[k ? end[k-1] : 0 .. end[k]) */
	size_t count, cap;
};

void tokens_release(struct tokens *t);
void tokens_clear(struct tokens *t);
void tokens_add(struct tokens *t, const char *bytes, size_t n);
/* The bytes of token k (not NUL-terminated) and their number. Borrowed. */
const char *tokens_at(const struct tokens *t, size_t k, size_t *n);

/* Appends the tokens of text to out. The text is valid UTF-8 (see utf8_repair); a NUL byte in it is
 * an ordinary character. Text other than `keras` and `char_level` is normalised to NFC first. */
void token_split(const struct token_rules *rules, const char *text, size_t n, struct tokens *out);

/* Whether a blank stands between two tokens when they are written out again: not with char; with word
 * not beside a Han character or a wide mark. */
bool token_gap(const struct token_rules *rules, const char *a, size_t a_len, const char *b,
	       size_t b_len);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BLEU of a corpus (Papineni et al. 2002) as sacreBLEU 2 computes it (Post 2018; sacrebleu/metrics/bleu.py
 * and sacrebleu/tokenizers): one reference a text, orders 1 to 4, smoothing `exp`, no effective order.
 * All text is valid UTF-8 (see utf8_repair). No normalisation: sacreBLEU has none.
 */
#ifndef SLUICE_ENGINE_TEXT_BLEU_H
#define SLUICE_ENGINE_TEXT_BLEU_H

#include "engine/text/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BLEU_ORDERS = 4 };

/*
 * 13a    as mteval-v13a: <skipped> and a hyphen before a line's end vanish; &quot; &amp; &lt; &gt; become
 *        what they stand for; marks of ASCII stand apart, of hyphens only those behind a digit, of full
 *        stops and commas only those beside something else than a digit, of apostrophes none
 * zh     Chinese characters stand apart, and what is left goes by the rules of 13a for marks. By
 *        sacreBLEU's ranges, as Python reads them, U+2001 to U+2A6D (quotation marks, dashes, arrows)
 *        are Chinese too, and no character beyond U+FFFF is (tokenizer_zh.py)
 * char   every code point
 * none   what white space separates
 * White space is what Python's str.split takes for it, and never part of a token.
 */
enum bleu_tokens { BLEU_13A, BLEU_ZH, BLEU_CHAR, BLEU_NONE, BLEU_TOKENS_COUNT };

/* sacreBLEU's name of it. Static. */
const char *bleu_tokens_name(enum bleu_tokens t);
int bleu_tokens_find(const char *name); /* -1 if there is none */

struct bleu_rules {
	enum bleu_tokens tokens;
	bool lower; /* full Unicode lower-casing before tokenizing, as Python's str.lower */
};

/* Counts over texts; zeroed is empty. To use threads, give each its own and merge them. */
struct bleu {
	/* Runs of 1 to 4 tokens in the hypotheses: those also in the reference (clipped), and all. */
	uint64_t match[BLEU_ORDERS], total[BLEU_ORDERS];
	uint64_t hyp_len, ref_len; /* tokens */
};

struct bleu_score {
	double score;                  /* 0 to 100 */
	double precision[BLEU_ORDERS]; /* 0 to 100, smoothed; all 0 where nothing matches */
	double brevity;                /* the penalty, 0 to 1 */
	double ratio; /* tokens of hypotheses to those of references; 0 without any */
};

/* Appends the tokens of a text of n bytes to out. Any thread. */
void bleu_split(const struct bleu_rules *rules, const char *text, size_t n, struct tokens *out);

/* Counts a hypothesis of n bytes and its reference of m bytes; either may be empty. Time goes with their
 * lengths. Any thread. */
void bleu_add(struct bleu *b, const struct bleu_rules *rules, const char *hyp, size_t n,
	      const char *ref, size_t m);

/* Adds the counts of `from`. In whatever order, the sums are the same. */
void bleu_merge(struct bleu *b, const struct bleu *from);

/* The score of all that was counted. It is 0 where nothing matches, and where no hypothesis has as many
 * as 4 tokens. */
struct bleu_score bleu_of(const struct bleu *b);

#endif

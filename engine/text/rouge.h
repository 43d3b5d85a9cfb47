/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) as Google's rouge_score computes them without its stemmer
 * (google-research, rouge/rouge_scorer.py and tokenize.py). ROUGE-L looks at a text as a whole: rougeL, not
 * rougeLsum. All text is valid UTF-8 (see utf8_repair).
 */
#ifndef SLUICE_ENGINE_TEXT_ROUGE_H
#define SLUICE_ENGINE_TEXT_ROUGE_H

#include "engine/text/token.h"

#include <stddef.h>
#include <stdint.h>

/*
 * latin    runs of a to z and 0 to 9, after full lower-casing; all else separates. rouge_score's own
 * unicode  every Han character, and runs of other letters, numbers and the marks behind them, after
 *          normalising to NFC and full lower-casing; all else separates. No counterpart in rouge_score
 */
enum rouge_tokens { ROUGE_LATIN, ROUGE_UNICODE, ROUGE_TOKENS_COUNT };

/* Static. */
const char *rouge_tokens_name(enum rouge_tokens t);
int rouge_tokens_find(const char *name); /* -1 if there is none */

enum rouge_kind { ROUGE_1, ROUGE_2, ROUGE_L, ROUGE_KINDS };

/* From 0 to 1; or sums of such. */
struct rouge_part {
	double precision, recall, f1;
};

/* Sums over texts; zeroed is empty. To use threads, give each its own and merge them. */
struct rouge {
	struct rouge_part sum[ROUGE_KINDS];
	uint64_t count; /* texts */
};

/* The mean of every measure over the texts: the mean of the F1s, not the F1 of means. */
struct rouge_score {
	struct rouge_part of[ROUGE_KINDS];
};

/* Appends the tokens of a text of n bytes to out. Any thread. */
void rouge_split(enum rouge_tokens tokens, const char *text, size_t n, struct tokens *out);

/* Scores a hypothesis of n bytes by its reference of m bytes; where one has no tokens, all is 0. Memory goes
 * with the lengths; time see overlap_lcs. Any thread. */
void rouge_add(struct rouge *r, enum rouge_tokens tokens, const char *hyp, size_t n,
	       const char *ref, size_t m);

/* Adds the sums of `from`. Another order of merging may round differently. */
void rouge_merge(struct rouge *r, const struct rouge *from);

/* All 0 without texts. */
struct rouge_score rouge_of(const struct rouge *r);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What two lists of tokens have in common: n-grams and the longest subsequence. Time for n-grams goes
 * with the lengths; memory for everything goes with the lengths.
 */
#ifndef SLUICE_ENGINE_TEXT_OVERLAP_H
#define SLUICE_ENGINE_TEXT_OVERLAP_H

#include "engine/text/token.h"

#include <stddef.h>
#include <stdint.h>

/* Two lists as numbers below `distinct`: equal tokens have equal numbers, in whichever list. */
struct overlap {
	int32_t *a, *b; /* owned */
	size_t n, m;    /* how many a and b are */
	size_t distinct;
};

/* Numbers two lists, which are given room behind their text. Release it after use. Any thread. */
void overlap_init(struct overlap *o, struct tokens *a, struct tokens *b);
void overlap_release(struct overlap *o);

/*
 * For every order k from 1 to `orders`: how many of a's runs of k tokens are in b, each one in b taken
 * once at most (Papineni et al. 2002, section 2.1: clipped counts). match[k - 1] is that of order k.
 */
void overlap_ngrams(const struct overlap *o, int orders, uint64_t *match);

/* How many runs of `order` tokens a list of n has. */
static inline uint64_t overlap_runs(size_t n, int order)
{
	return n >= (size_t)order ? n - (size_t)order + 1 : 0;
}

/* The length of the longest common subsequence. Time is n * m / 64, and at worst n * m where tokens
 * repeat themselves (Hyyrö 2004, "Bit-parallel LCS-length computation revisited"). */
size_t overlap_lcs(const struct overlap *o);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two texts beside each other, token by token: the cheapest way from one to the other (Wagner and Fischer,
 * JACM 21, 1974), where a token that stands in one text alone costs 2, and one in another's place 3. So a word
 * that was replaced stands beside what replaced it, and equal words are given up for that only where it
 * saves more. Among equally cheap ways tokens are put side by side as early as possible, and what
 * both texts begin with (or, from_end, end with) is always side by side: a state that has read
 * the same is found beside its like.
 *
 * Only a band round the diagonal is looked at, wide enough to be sure (Ukkonen, Information and Control 64, 1985):
 * time and memory grow with the length and with the difference.
 */
#ifndef SLUICE_ENGINE_COMPARE_ALIGN_H
#define SLUICE_ENGINE_COMPARE_ALIGN_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct align_token {
	const char *s; /* borrowed, not NUL-terminated */
	size_t n;
};

struct align_pair {
	int a, b;  /* positions; -1: this text has no token here. Never both */
	bool same; /* the tokens are equal */
};

struct alignment {
	struct align_pair *at; /* count, in the order of both texts */
	int count;
};

/* Aligns n tokens with m; texts may be empty. from_end: ties fall to the beginning, for what reads backward.
 * ERR_FAILED without memory. Release in both cases. Any thread. */
bool align_tokens(struct alignment *out, const struct align_token *a, int n,
		  const struct align_token *b, int m, bool from_end, struct err *err);
void alignment_release(struct alignment *a);

#endif

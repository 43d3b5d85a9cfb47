/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Beam search: of the texts that a decoder might write, the few likeliest are gone on with at each step. A
 * text that has come to its end mark is set aside. Longer texts are always less likely, so the texts are
 * ranked by
 *
 *     score = log p / ((5 + n) / 6)^penalty        n: tokens, the end mark among them
 *
 * (Wu et al., arXiv 1609.08144, equation 14, without coverage). The search of a text is over when none that
 * is still under way can come to a better score than the best that have ended. With one text under way it
 * is greedy; with all of them it finds what is best of all.
 */
#ifndef SLUICE_ENGINE_NN_BEAM_H
#define SLUICE_ENGINE_NN_BEAM_H

#include "engine/nn/decode.h"

/* What is taken where nothing else is asked for; and what a user may ask for at most. */
#define DECODE_PENALTY 1.0
enum { DECODE_BEAM = 5, DECODE_MOST_BEAM = 100 };

struct beam_spec {
	int width;         /* texts under way, 1 at least */
	double penalty;    /* 0 at least; 0: none */
	int end;           /* the end mark; what is fed first */
	const bool *never; /* V: ids that are not written; or NULL */
	int best;        /* goes on until so many texts are known to be the best; 0: 1. <= width */
	bool tree;       /* keep also what was dropped */
	const int *stop; /* looked at between steps, or NULL */
};

enum beam_fate {
	BEAM_DROPPED, /* others were likelier */
	BEAM_KEPT,
	BEAM_ENDED /* its end mark, or the longest it may get */
};

/* A token of some text: what stands before it is at its parent. */
struct beam_node {
	int parent; /* -1: it is the first */
	int32_t id;
	int step; /* from 1 */
	enum beam_fate fate;
	double p, log_p; /* of the token, after those before it; of all tokens up to it */
};

struct beam_text {
	int32_t *ids; /* len, without the end mark */
	int len, node;
	double log_p, score;
};

/* What became of the search for one text. */
struct beam {
	struct beam_node *
		node; /* in order of their steps; of the dropped ones only where the tree is kept */
	int nodes;
	struct beam_text *text; /* best first, `width` at most; empty only if stopped */
	int texts;
	size_t node_cap, text_cap;
};

void beam_release(struct beam *b);
/*
 * Searches for every row of a stepper that has just begun: out[r] for row r, of at most max_len[r] tokens
 * without the mark. false without memory.
 */
bool beam_search(struct stepper *s, const struct beam_spec *spec, const int *max_len,
		 struct beam *out);

/* The same a step at a time; what it has come to so far is in `out`. Everything given is borrowed. */
struct search;
struct search *search_new(struct stepper *s, const struct beam_spec *spec, const int *max_len,
			  struct beam *out);
enum search_state { SEARCH_ON, SEARCH_OVER, SEARCH_FAILED /* without memory */ };
enum search_state search_step(struct search *s);
void search_free(struct search *s); /* NULL is ignored */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text from a model, token by token. A stepper holds the states of some rows of text side by side:
 * each is fed a token and says how likely every token is to follow. It runs the same arithmetic as
 * training, in windows of one step.
 */
#ifndef SLUICE_ENGINE_NN_DECODE_H
#define SLUICE_ENGINE_NN_DECODE_H

#include "engine/base/rng.h"
#include "engine/nn/pass.h"

struct stepper {
	const struct model *m; /* not of classify; borrowed, like the weights */
	const real *weights;
	int rows;
	int *text;             /* rows: the text that each is about */
	const real *vector;    /* (texts, D) of reconstruct; borrowed */
	struct memory *memory; /* of pairs; borrowed */
	struct decoder decoder;
	real *feed, *other; /* (rows, H) what the next step reads; room */
	struct side side;
	real *prob; /* (rows, V) */
	size_t prob_cap, text_cap, feed_cap, other_cap;
};

/* Begins with fresh states: row r is about text r of `vector`, NULL where there is no decoder. false
 * without memory. */
bool stepper_begin(struct stepper *s, const struct model *m, const real *weights, int rows,
		   const real *vector);
/* The same for pairs, one row for each text that model_remember has just run; w must stay as it is. */
bool stepper_begin_pair(struct stepper *s, const struct model *m, const real *weights,
			struct work *w);
/* Feeds one token a row; the probabilities of what follows, (rows, V), borrowed until the next call.
 * NULL without memory. */
const real *stepper_feed(struct stepper *s, const int32_t *ids);
/* Goes on with so many rows, row r being what row from[r] has been. */
void stepper_select(struct stepper *s, const int *from, int rows);
/* What a row of pairs has just looked at: a share for each step of its text; NULL without attention. */
const real *stepper_attention(const struct stepper *s, int row, int *count);
void stepper_release(struct stepper *s);

/*
 * The likeliest token at every step, until the end mark or max_len tokens: text r is
 * ids[r * max_len .. + len[r]), without the mark. false without memory.
 */
bool decode_greedy(const struct model *m, const real *weights, const real *vector, int rows,
		   int end, int max_len, int32_t *ids, int *len);

/* What is not to be written with a vocabulary's words: <pad>, and <unk> where it has others and `unknown`
 * does not allow it. With keras, whose words begin at 1, nothing. Owned; as many as it has ids. */
bool *decode_never(const struct vocab *v, bool unknown);

/* How long a text may get that is written again from a text of so many steps. */
int decode_limit(int steps);

/*
 * How a token is drawn from probabilities. First they are raised to 1/temperature; then only the
 * top_k likeliest are kept (0: all), and of those the fewest whose share reaches top_p (Holtzman et
 * al., arXiv 1904.09751; 1: all). Temperature 0, or top_k 1, takes the likeliest; of equals the one
 * with the smallest id.
 */
struct sampling {
	double temperature, top_p;
	int top_k;
};

struct choice {
	int id;
	double p;
};

/* Puts c among the n likeliest of those seen before it, of which there are `count`, likeliest first.
 * Returns how many there are then. */
int choice_rank(struct choice *best, int count, int n, struct choice c);

/* The n likeliest of V tokens, likeliest first. Returns how many there are: at most n. */
int decode_top(const real *prob, int V, struct choice *best, int n);

/* Draws an id. `never` says which ids are not to be drawn (V, or NULL); scratch has V elements. */
int decode_sample(const real *prob, int V, const struct sampling *how, const bool *never,
		  struct rng *rng, struct choice *scratch);

#endif

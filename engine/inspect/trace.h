/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trace: every gate of every step for one text, in double precision from the float32 weights. It is
 * computed from the cell's table alone, independently of the fast path in nn/, and carries the
 * largest difference to a float32 run of the same text.
 *
 * Positions t count from 0 here; what users see counts from 1. Matrices are (T, H), row by row; row t
 * belongs to position t, also in the backward direction.
 */
#ifndef SLUICE_ENGINE_INSPECT_TRACE_H
#define SLUICE_ENGINE_INSPECT_TRACE_H

#include "engine/nn/decode.h"
#include "engine/train/encoder.h"

enum { TRACE_SIGNALS = CELL_MAX_GATES + 2 };

/* What can be looked at: i f g o c h, or r z n h of a GRU. A gate that a variant lacks is all 1, or
 * 1 - i where it is coupled. */
struct trace_signal {
	const char *name, *title;
	const double *v; /* (T, H) */
	int gate;        /* its place in the cell's table; -1: a state, or a gate that is lacking */
	bool is_signed;  /* can be below 0 */
};

/* One run: a layer in one direction, over the text, or, in the decoder, over what it writes. Arrays
 * without `signal` are in the order in which the run goes: its step k is position k forward, T-1-k
 * backward. */
struct trace_run {
	int layer, T;
	bool backward, decoder;
	const struct stack *stack; /* that it belongs to, under this number */
	int number;
	int E;                     /* width of its input */
	double *x;                 /* (T, E) */
	double *z[CELL_MAX_GATES]; /* (T, H) pre-activations, in the cell's order of gates */
	double *gate[CELL_MAX_GATES];
	double *c, *h; /* (T+1, H): row k is the state before step k; no c in a GRU */
	int signals;
	struct trace_signal signal[TRACE_SIGNALS];
	double *block, *mirrored;
};

/* A number set by hand, or a word replaced, put in (in front of a position) or taken out: see whatif.h. */
enum edit_kind { EDIT_GATE, EDIT_C, EDIT_H, EDIT_WORD, EDIT_INSERT, EDIT_REMOVE };
enum { EDIT_TEXT = 96 };
struct edit {
	enum edit_kind kind;
	int gate; /* its place in the cell's table */
	int run;
	int unit;     /* -1: all */
	int from, to; /* positions, both included; of a word from alone */
	double value;
	char word[EDIT_TEXT]; /* what is there instead, or put in: one or more */
};

struct trace {
	struct snapshot *snapshot; /* one reference */
	char *text;
	struct encoding encoding; /* tokens as the tokenizer made them; what was dropped */
	int T, H, D, C, gates, runs;
	int32_t *ids; /* T: what the model ran over, padding included */
	int *token;   /* T: index into encoding.tokens; -1 for padding */
	int written;  /* steps of the decoder, its end mark included; 0 where there is none */
	int32_t *
		writes; /* written: the likeliest token at each of its steps, which the next reads */
	struct trace_run *run; /* as nn/stack.h numbers them, then those of the decoder */
	double *vector;        /* (D) of the whole text: classify, reconstruct; else NULL */
	/* Of pairs, else NULL; attention also where there is none. What each step of the decoder looks at,
	 * (written, T), a share for each position; the sum of the encoder's outputs with these weights,
	 * (written, D); and what the head reads, (written, K). */
	double *attention, *context, *said;
	/* classify (T, C): the classes if the text ended after position t. generate (T, C): the token that
	 * follows position t. With a decoder (written, C): the token that it writes. */
	double *prob;
	struct edit *edit; /* edits of them: the numbers that were set; NULL where nothing was */
	int edits;
	int *origin; /* T: the position in the text without edits, or -1; NULL where its words are the same */
	double distance; /* largest |double - float32| over all gates, states, shares and probabilities */
};

/* Rows of prob. */
int trace_prob_steps(const struct trace *t);
/* The n likeliest outcomes of a row of prob, likeliest first. Returns how many there are. */
int trace_top(const struct trace *t, int step, struct choice *best, int n);

/* The n positions that a step of the decoder looks at most, largest share first; and the n of its steps that
 * look most at a position. Returns how many there are; 0 without attention. */
int trace_looks(const struct trace *t, int step, struct choice *most, int n);
int trace_looked_at(const struct trace *t, int position, struct choice *most, int n);

/* "" where there is one run, else "l1.bw", "dec.l0" and the like. */
const char *trace_name(const struct trace *t, int run, char prefix[24]);

/* Runs the snapshot's encoder over a text (valid UTF-8). Takes a reference to the snapshot. A text
 * without a token has T = 0, unless the run pads. ERR_FAILED without memory. Any thread. */
struct trace *trace_new(struct snapshot *s, const char *text, size_t n, struct err *err);
/* The same, looking on the way at stop, or NULL: ERR_CANCELLED. In two directions a long text takes long, as each
 * of its beginnings is run. */
struct trace *trace_new_until(struct snapshot *s, const char *text, size_t n, const int *stop,
			      struct err *err);
/* The same for gates and states alone: a text of many tokens costs what its steps cost, in two directions
 * too. Without a decoder prob is NULL, vector and distance are 0, and it takes no edits. */
struct trace *trace_states(struct snapshot *s, const char *text, size_t n, struct err *err);
void trace_free(struct trace *t); /* NULL is ignored */

/* The token that a run reads at a position (not NUL-terminated): "<pad>" for padding; in the decoder
 * the one it has just written, after the end mark that it begins with. */
const char *trace_token(const struct trace *t, int run, int step, size_t *n);
bool trace_unknown(const struct trace *t, int run, int step);

int trace_signal_find(const struct trace_run *r, const char *name); /* -1 if there is none */
/* The largest |value| of a signal; at least 1 for signals bounded by 1. */
double trace_signal_limit(const struct trace *t, int run, int signal);

/*
 * Rounds n numbers to a number of decimals so that they add up to their rounded sum (largest
 * remainder): what is printed can be added by hand. round_to_total: to a total that is rounded already.
 */
void round_to_sum(double *v, int n, int decimals);
void round_to_total(double *v, int n, int decimals, double total);

#endif

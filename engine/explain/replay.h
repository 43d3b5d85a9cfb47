/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A text through the side of a model that reads it, in double from the float32 weights, again and
 * again: whole, with words left out or replaced, with its inputs scaled. What explanations are taken
 * from. Like a trace it follows from the cell's table alone, but a text of thousands of tokens costs
 * what its steps cost, in two directions too.
 *
 * Letters as in cell.h; D is the width of the stack's output and of the vector, C the classes. A row is
 * an input that can be read: row t < T is step t of the text, then come <pad> and <unk>.
 */
#ifndef SLUICE_ENGINE_EXPLAIN_REPLAY_H
#define SLUICE_ENGINE_EXPLAIN_REPLAY_H

#include "engine/inspect/terms.h"
#include "engine/inspect/trace.h"

struct replay {
	struct snapshot *snapshot; /* one reference */
	const struct model *m;
	struct encoding encoding; /* tokens as the tokenizer made them */
	struct batch_rules rules; /* of padding */
	int T;                    /* steps of the whole text, padding included */
	int32_t *ids;             /* T */
	int *token;               /* T: index into encoding.tokens; -1 for padding */
	int H, D, C, G, Gx;       /* Gx: gates that read x, the first of the table */
	double *half[2];          /* (T + 2, Gx*H) W x of layer 0, for each direction */

	/* Called twice at every step of a run, where it is set: when c is there (of a GRU h) and nothing has
	 * read it, and when the step is done. May change the state behind the step, row k + 1 of c and h. */
	void (*touch)(void *arg, struct replay *r, int run, int k, bool done);
	void *touch_arg;

	/* Of the latest replay_run. A run's x is not kept: layer 0 reads rows, the others y below. */
	int steps;
	int *row;     /* steps: what was read */
	double scale; /* what the inputs were multiplied by */
	struct trace_run run[STACK_MAX_RUNS];
	double *y[STACK_MAX_RUNS]; /* of each layer: (steps, D) */
	/* classify: the text's vector (D); how much of each step is in it where it is a mean or by
	 * attention (steps), or from which step each number comes, where it is the maximum (D); scores before
	 * the softmax, and probabilities (C). */
	double *vector, *share, *logit, *prob;
	int *top;

	/* The rest is replay's own. */
	struct gate_weights gate[STACK_MAX_RUNS][CELL_MAX_GATES];
	double *above, *room, *block;
};

/* Reads a text (valid UTF-8) and runs it whole. Takes a reference to the snapshot. Any task: the
 * decoder is left out, and vector and classes are there for classify alone. A text without a token has
 * T = 0, unless the run pads. ERR_FAILED without memory. Any thread. Free with replay_free. */
struct replay *replay_new(struct snapshot *s, const char *text, size_t n, struct err *err);
/* The same under other rules of padding than the run's. */
struct replay *replay_padded(struct snapshot *s, const char *text, size_t n,
			     const struct batch_rules *rules, struct err *err);
void replay_free(struct replay *r); /* NULL is ignored */

/* Runs over so many rows (at most T), each multiplied by scale; row NULL: the whole text. */
void replay_run(struct replay *r, const int *row, int steps, double scale);
/* Of a classifier in one direction: vector, share, logit and prob as if what was run had ended after so many
 * steps, at least one. */
void replay_classes(struct replay *r, int steps);
/* The rows of the text without the word at step t, or, where unk, with <unk> in its place; padded
 * again as the run pads. Without a step (-1) no word is left. Returns how many there are; row has room
 * for T. */
int replay_without(const struct replay *r, int t, bool unk, int *row);
/* Whether the run's words have an <unk> to put in another's place. */
bool replay_has_unknown(const struct replay *r);

/* What stands at a position (not NUL-terminated): "<pad>" for padding. */
const char *replay_token(const struct replay *r, int t, size_t *n);
/* A run's step at a position, and the position at a step: they are the same forward. Of the latest
 * replay_run. */
static inline int replay_turn(const struct trace_run *r, int k)
{
	return r->backward ? r->T - 1 - k : k;
}
/* The input x (E) of a row. */
void replay_input(const struct replay *r, int row, double *x);
/* A gate's activation, and its derivative at a value. */
double replay_activate(enum activation act, double z);
double replay_slope(enum activation act, double value);
/* The product that recurrent steps and inputs of the whole text take, in multiplications. */
double replay_work(const struct replay *r);

#endif

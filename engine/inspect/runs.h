/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The runs of a trace, layer by layer and step by step, in double. For inspect/ only. */
#ifndef SLUICE_ENGINE_INSPECT_RUNS_H
#define SLUICE_ENGINE_INSPECT_RUNS_H

#include "engine/inspect/trace.h"

/* Room for the runs of a stack, from its first one on, over T steps; all states are 0 but the first ones
 * where those are learned. false without memory. */
bool runs_lay(struct trace *t, const struct stack *s, struct trace_run *r, bool decoder, int T);
/* One step of one run: its x and what came before are in place. */
void runs_step(struct trace *t, struct trace_run *r, int step);
/* Names what can be looked at, once all steps are done. false without memory. */
bool runs_name(struct trace *t, const struct stack *s, struct trace_run *r);
/* All of it, run after run: over the text, or, in a decoder that writes from a vector, over what it has
 * written. false without memory. */
bool runs_all(struct trace *t, const struct stack *s, struct trace_run *r, bool decoder, int T);

/* The runs over the text again as they are in base, with the edits and ids of t and what follows from them: steps
 * before which nothing differs are copied. false without memory. */
bool runs_edited(struct trace *t, const struct trace *base);

/* Which word each of T steps runs over, an index into the encoding: padding in front or behind (-1), masked tokens
 * left out. Free with free. */
int *runs_tokens(const struct encoding *e, int T, const struct batch_rules *rules);

/*
 * A trace without x, z, vector and prob, from what a pass in float32 over many texts left of batch row r: gates
 * and states of the runs over the text, its ids and words. The encoding is taken over (it is empty then). NULL
 * without memory. Any thread, once the pass is over.
 */
struct trace *trace_of_pass(struct snapshot *s, struct encoding *encoding, const struct work *w,
			    int r);

/* Computes what such a trace lacks, from what it has: x of a run; z of one of its gates (and x), of a unit or, -1,
 * of all. */
void runs_fill_x(const struct trace *t, struct trace_run *r);
void runs_fill_z(const struct trace *t, struct trace_run *r, int gate, int unit);

/* Embeds what a decoder reads at a step: the token before, and at first the end mark. */
void runs_embed_written(const struct trace *t, int step, double *x);
/* How the state of a unit came about at a step; `at` is step * H + unit. */
struct cell_flow runs_flow(const struct trace *t, const struct trace_run *r, size_t at);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes out of a trace's runs, in double: the layers' outputs, the text's vector, and the
 * probabilities of the head. Between trace.c and this file. */
#ifndef SLUICE_ENGINE_INSPECT_OUTCOME_H
#define SLUICE_ENGINE_INSPECT_OUTCOME_H

#include "engine/inspect/trace.h"

/* The first run of the text's top layer. */
const struct trace_run *outcome_top(const struct trace *t);
/* What the head makes of what it reads, v (K): probabilities (C). */
void outcome_head(const struct trace *t, const double *v, double *p);
/* The output of a layer at a position, from its first run: y (D). */
void outcome_output(const struct trace *t, const struct trace_run *r, int position, double *y);
/* The text's vector from the outputs of its first n positions, y (n, D), by what pools them: v (D). Not where
 * those are the last states. */
void outcome_pool(const struct trace *t, const double *y, int n, double *v);
/* Fills t->vector from the whole text. */
void outcome_vector(struct trace *t);
/* Fills t->prob: the classes after every position. In two directions what comes later changes what was
 * read before, so every beginning of the text is run again: stop is looked at on the way, or NULL. false when
 * stopped, or without memory. */
bool outcome_classes(struct trace *t, const int *stop);
/* The same, and t->vector, with room of its own; of a run that tells classes. The work's room is kept from call to
 * call. */
bool outcome_fill(struct trace *t, struct work *room);
/* Fills t->prob: the tokens after every step of a run. */
void outcome_tokens(struct trace *t, const struct trace_run *r);
/* The same from t->said. */
void outcome_said(struct trace *t);

#endif

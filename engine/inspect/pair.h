/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace's decoder of pairs: the bridge, attention, and every layer step by step. For inspect/ only. */
#ifndef SLUICE_ENGINE_INSPECT_PAIR_H
#define SLUICE_ENGINE_INSPECT_PAIR_H

#include "engine/inspect/trace.h"

/* From the runs over the text, and what was written, to those of the decoder, t->attention, t->context
 * and t->said. false without memory. */
bool pair_decode(struct trace *t);

/* Goes through a decoder's steps, t->written at most, without keeping them: `choose` gets what the head reads at
 * each, sets t->writes there, which the next step reads, and ends it by false. false without memory. */
typedef bool answer_fn(void *arg, struct trace *t, int step, const double *said);
bool pair_write(struct trace *t, answer_fn *choose, void *arg);

#endif

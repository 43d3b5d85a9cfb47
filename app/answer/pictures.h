/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of a trace: each gate and state as units by words, and the attention as what is written by what is
 * read. */
#ifndef SLUICE_APP_ANSWER_PICTURES_H
#define SLUICE_APP_ANSWER_PICTURES_H

#include "app/answer/output.h"
#include "engine/inspect/trace.h"

/* Adds a heat map of a signal of a run of a trace, or of each of them (signal -1), where pictures are
 * looked at. */
void pictures_of_run(struct output *o, const struct trace *t, int run, int signal);
/* And the attention, if there is one. */
void pictures_of_attention(struct output *o, const struct trace *t);

#endif

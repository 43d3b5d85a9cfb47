/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_COMMAND_TRACE_H
#define SLUICE_APP_COMMAND_TRACE_H

#include "app/answer/output.h"
#include "app/command/command.h"
#include "engine/inspect/trace.h"

/* Writes a trace as rows: one for each step and unit, every gate in it. */
void trace_rows(struct output *o, const struct trace *t);

/* The run that --layer names ("l0.bw", "dec.l0"); without it, NULL, the top one over the text. -1 and
 * ERR_USAGE if there is none. */
int trace_find_layer(const struct trace *t, const char *layer, struct err *err);

/* A trace of what stands on the command line: bytes that are no UTF-8 are replaced. NULL with err. */
struct trace *trace_of_text(const struct context *c, struct snapshot *s, const char *text,
			    struct err *err);

#endif

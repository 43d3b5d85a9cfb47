/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_COMMAND_TRACE_H
#define SLUICE_APP_COMMAND_TRACE_H

#include "app/output.h"
#include "engine/inspect/trace.h"

/* Writes a trace as rows: one for each step and unit, every gate in it. */
void trace_rows(struct output *o, const struct trace *t);

#endif

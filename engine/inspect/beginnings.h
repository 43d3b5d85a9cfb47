/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The classes after every beginning of a text that is read in two directions, in float32: what comes later
 * changes what was read before, so each beginning is run for itself. For outcome.c only. */
#ifndef SLUICE_ENGINE_INSPECT_BEGINNINGS_H
#define SLUICE_ENGINE_INSPECT_BEGINNINGS_H

#include "engine/inspect/trace.h"

/* Fills t->prob from the trace's runs. A single layer's forward states are those of the whole text, as far as a
 * beginning goes: then its backward run alone is run anew. The work's room is kept from call to call. stop is
 * looked at on the way, or NULL. false when stopped, or without memory. */
bool beginnings_run(struct trace *t, struct work *room, const int *stop);

#endif

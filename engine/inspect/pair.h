/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace's decoder of pairs: the bridge, attention, and every layer step by step. For inspect/ only. */
#ifndef SLUICE_ENGINE_INSPECT_PAIR_H
#define SLUICE_ENGINE_INSPECT_PAIR_H

#include "engine/inspect/trace.h"

/* From the runs over the text, and what was written, to those of the decoder, t->attention, t->context
 * and t->said. false without memory. */
bool pair_decode(struct trace *t);

#endif

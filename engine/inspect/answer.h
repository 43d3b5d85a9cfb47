/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decoder of a trace, in double: what it writes, and every step of that. For inspect/ only. */
#ifndef SLUICE_ENGINE_INSPECT_ANSWER_H
#define SLUICE_ENGINE_INSPECT_ANSWER_H

#include "engine/inspect/trace.h"

/* From the runs over the text to t->written and t->writes: the likeliest token at every step. What trace_new has
 * from the fast path, but for tokens that are as likely as each other. false without memory. */
bool answer_write(struct trace *t);
/* From those to the decoder's runs and t->prob, for which there is room. false without memory. */
bool answer_decode(struct trace *t);

#endif

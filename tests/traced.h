/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A little encoder, its weights drawn, and the trace of one text through it. */
#ifndef SLUICE_TESTS_TRACED_H
#define SLUICE_TESTS_TRACED_H

#include "engine/inspect/trace.h"
#include "tests/toy.h"
#include "tests/unit.h"

struct made {
	struct encoder *e;
	struct corpus *c;
	struct snapshot *s;
	struct trace *t;
};

/* mask: as toy_encoder_of has it; without, the text is padded. */
static inline struct made made_of(const struct model_spec *spec, bool mask, const char *text)
{
	struct made m = {0};

	m.e = toy_encoder_of(spec, mask, 50, &m.c, NULL);
	m.s = snapshot_new(m.e, toy_weights(&m.e->model, 5), 0, 0);
	m.t = trace_new(m.s, text, strlen(text), NULL);
	assert_non_null(m.t);
	return m;
}

static inline void unmake(struct made *m)
{
	trace_free(m->t);
	snapshot_unref(m->s);
	corpus_unref(m->c);
	encoder_unref(m->e);
}

/* A signal of a run: [T][H]. */
static inline const double *signal_of(const struct trace *t, int run, const char *name)
{
	const struct trace_run *r = &t->run[run];

	return r->signal[trace_signal_find(r, name)].v;
}

#endif

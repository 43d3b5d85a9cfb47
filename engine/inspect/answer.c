/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/answer.h"

#include "engine/base/mem.h"
#include "engine/inspect/outcome.h"
#include "engine/inspect/pair.h"
#include "engine/inspect/runs.h"

#include <stdlib.h>
#include <string.h>

static bool is_pair(const struct trace *t)
{
	return task_table[t->snapshot->encoder->model.spec.task].pairs;
}

bool answer_decode(struct trace *t)
{
	const struct model *m = &t->snapshot->encoder->model;

	if (is_pair(t)) {
		if (!pair_decode(t))
			return false;
		outcome_said(t);
		return true;
	}
	outcome_vector(t);
	if (!runs_all(t, &m->dec, t->run + m->stack.runs, true, t->written))
		return false;
	outcome_tokens(t, t->run + t->runs - 1);
	return true;
}

struct choosing {
	const bool *never; /* what is not written, or NULL */
	double *p;         /* (C) */
	int end, len;
};

static bool choose(void *arg, struct trace *t, int step, const double *said)
{
	struct choosing *c = arg;
	int best = -1;

	outcome_head(t, said, c->p);
	for (int k = 0; k < t->C; k++)
		if ((!c->never || !c->never[k]) && (best < 0 || c->p[k] > c->p[best]))
			best = k;
	t->writes[step] = step + 1 < t->written ? best : c->end; /* it ends at the limit */
	c->len = step + 1;
	return t->writes[step] != c->end;
}

/* One step of a decoder that writes from a vector. */
static void step_on(struct trace *t, int step)
{
	const struct model *m = &t->snapshot->encoder->model;
	const size_t H = (size_t)t->H, k = (size_t)step;
	struct trace_run *r = t->run + m->stack.runs;
	double *x = r->x + k * (size_t)r->E;

	runs_embed_written(t, step, x);
	memcpy(x + m->out_E, t->vector, (size_t)t->D * sizeof(double));
	for (int n = 0; n < m->dec.runs; n++) {
		if (n)
			memcpy(r[n].x + k * (size_t)r[n].E, r[n - 1].h + (k + 1) * H,
			       H * sizeof(double));
		runs_step(t, r + n, step);
	}
}

static bool write_vector(struct trace *t, struct choosing *c)
{
	const struct model *m = &t->snapshot->encoder->model;
	const struct trace_run *top = t->run + t->runs - 1;

	outcome_vector(t);
	if (!runs_lay(t, &m->dec, t->run + m->stack.runs, true, t->written))
		return false;
	for (int step = 0; step < t->written; step++) {
		step_on(t, step);
		if (!choose(c, t, step, top->h + (size_t)(step + 1) * (size_t)t->H))
			break;
	}
	return true;
}

bool answer_write(struct trace *t)
{
	const struct encoder *e = t->snapshot->encoder;
	bool *never = is_pair(t) ? decode_never(e->target, false) : NULL;
	struct choosing c = {.never = never, .end = vocab_end(e->target)};
	bool ok;

	t->written = decode_limit(t->T) + 1;
	t->writes = mem_zero((size_t)t->written, sizeof(*t->writes));
	c.p = mem_zero((size_t)t->C + 1, sizeof(*c.p));
	ok = is_pair(t) ? pair_write(t, choose, &c) : write_vector(t, &c);
	for (int k = e->model.stack.runs; k < t->runs;
	     k++) { /* they are laid again, as long as it is */
		free(t->run[k].block);
		t->run[k].block = NULL;
	}
	t->written = c.len;
	free(c.p);
	free(never);
	return ok;
}

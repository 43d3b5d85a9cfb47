/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/whatif.h"

#include "engine/base/mem.h"
#include "engine/inspect/answer.h"
#include "engine/inspect/outcome.h"
#include "engine/inspect/runs.h"
#include "engine/inspect/wording.h"

#include <math.h>
#include <stdlib.h>

/* The text as its edits have made it, with nothing computed yet. Takes what the wording has. */
static struct trace *begin(struct wording *w)
{
	const struct trace *base = w->base;
	struct trace *t = mem_zero(1, sizeof(*t));
	struct buf text = {0};

	t->snapshot = snapshot_ref(base->snapshot);
	t->T = w->T;
	t->H = base->H;
	t->D = base->D;
	t->C = base->C;
	t->gates = base->gates;
	t->runs = base->runs;
	if (w->changed) {
		t->origin = wording_origin(w);
		wording_text(w, &text);
		t->text = buf_take(&text);
	} else {
		t->text = mem_text(base->text);
	}
	t->encoding = w->encoding;
	t->ids = w->ids;
	t->token = w->token;
	t->edit = w->set;
	t->edits = w->sets;
	w->encoding = (struct encoding){0};
	w->ids = w->token = NULL;
	w->set = NULL;
	t->run = mem_zero((size_t)t->runs, sizeof(*t->run));
	if (base->vector)
		t->vector = mem_zero((size_t)t->D, sizeof(*t->vector));
	return t;
}

static bool run_all(struct trace *t, const struct trace *base)
{
	const bool decodes = t->snapshot->encoder->model.dec.runs;

	if (!runs_edited(t, base) || (decodes && !answer_write(t)))
		return false;
	t->prob = mem_block((size_t)trace_prob_steps(t) * (size_t)t->C + 1, sizeof(*t->prob));
	if (!t->prob)
		return false;
	if (decodes)
		return answer_decode(t);
	if (t->snapshot->encoder->model.spec.task == TASK_CLASSIFY)
		return outcome_classes(t, NULL); /* in two directions nothing is run again */
	outcome_tokens(t, outcome_top(t));
	return true;
}

bool edit_sets(const struct trace *t, int run, int position, int unit, enum edit_kind kind,
	       int gate)
{
	for (int k = 0; k < t->edits; k++) {
		const struct edit *e = &t->edit[k];

		if (e->run == run && e->kind == kind && (kind != EDIT_GATE || e->gate == gate) &&
		    (e->unit < 0 || e->unit == unit) && e->from <= position && position <= e->to)
			return true;
	}
	return false;
}

struct trace *whatif_of(struct wording *w, struct err *err)
{
	const struct trace *base = w->base;
	struct trace *t = begin(w);

	wording_release(w);
	if (run_all(t, base))
		return t;
	err_set(err, ERR_FAILED, "not enough memory to trace %d steps", t->T);
	trace_free(t);
	return NULL;
}

struct trace *whatif(const struct trace *base, const struct edit *edit, int count, struct err *err)
{
	struct wording w;
	bool ok = true;

	wording_begin(&w, base);
	for (int k = 0; ok && k < count; k++)
		ok = wording_apply(&w, &edit[k], err);
	if (ok)
		return whatif_of(&w, err);
	wording_release(&w);
	return NULL;
}

int whatif_differs(const struct trace *a, const struct trace *b, int run, double most)
{
	const struct trace_run *x = &a->run[run], *y = &b->run[run];
	const double *h = x->signal[trace_signal_find(x, "h")].v;
	const double *g = y->signal[trace_signal_find(y, "h")].v;

	for (int t = 0; t < y->T; t++) {
		const int was = b->origin ? b->origin[t] : t;

		if (was < 0)
			return t;
		for (int u = 0; u < a->H; u++)
			if (!(fabs(h[was * a->H + u] - g[t * a->H + u]) <= most))
				return t;
	}
	return -1;
}

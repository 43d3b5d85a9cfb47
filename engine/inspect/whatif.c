/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/whatif.h"

#include "engine/base/mem.h"
#include "engine/inspect/outcome.h"
#include "engine/inspect/runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDIT_UNITS = 64 };

bool edit_of(const struct trace *t, const char *signal, int run, int unit, int from, int to,
	     double value, struct edit *out, struct err *err)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const struct trace_run *r = &t->run[run];
	const int k = trace_signal_find(r, signal);

	if (r->decoder)
		return err_set(err, ERR_USAGE, "what a decoder does cannot be set");
	if (k < 0)
		return err_set(err, ERR_USAGE, "cell %s has no '%s' that could be set", cell->name,
			       signal);
	*out = (struct edit){.gate = r->signal[k].gate,
			     .run = run,
			     .unit = unit,
			     .from = from,
			     .to = to,
			     .value = value};
	if (!strcmp(signal, "h") || !strcmp(signal, "c"))
		out->kind = *signal == 'h' ? EDIT_H : EDIT_C;
	else if (out->gate < 0)
		return err_set(err, ERR_USAGE, "cell %s has no gate %s of its own%s", cell->name,
			       signal, cell->coupled ? ": it is 1 - i" : ": it is always 1");
	if (unit >= t->H)
		return err_set(err, ERR_USAGE, "units are 0 to %d, not %d", t->H - 1, unit);
	if (from < 0 || to >= r->T || from > to)
		return err_set(err, ERR_USAGE, "steps are 1 to %d", r->T);
	return !isnan(value) || err_set(err, ERR_USAGE, "a number is needed");
}

/* What stands before the '=': a signal, its run and its units. */
struct target {
	char name[16];
	int run, unit[EDIT_UNITS], units;
	const char *named; /* where the name stands */
};

static int column_of(const char *text, const char *at)
{
	return (int)(at - text) + 1;
}

static bool bad_edit(const char *text, const char *at, struct err *err)
{
	return err_set(err, ERR_USAGE,
		       "column %d: this is no edit; one is of the form f[12] = 0 @3..5, with units "
		       "and steps or without",
		       column_of(text, at));
}

/* "l1.", "bw.", "fw.": which run is meant. */
static bool read_run(const struct trace *t, const char **at, struct target *out, struct err *err)
{
	int layer = t->run[out->run].layer;
	bool backward = t->run[out->run].backward, placed = false;
	int n = 0;

	for (;; placed = true, *at += n) {
		n = 0;
		if (sscanf(*at, "l%d.%n", &layer, &n) == 1 && n)
			continue;
		if (strncmp(*at, "fw.", 3) != 0 && strncmp(*at, "bw.", 3) != 0)
			break;
		backward = **at == 'b';
		n = 3;
	}
	for (int k = 0; placed && k < t->runs; k++)
		if (t->run[k].layer == layer && t->run[k].backward == backward &&
		    !t->run[k].decoder) {
			out->run = k;
			return true;
		}
	return !placed || err_set(err, ERR_USAGE, "the run has no such layer and direction");
}

static bool read_target(const struct trace *t, const char *text, const char **at,
			struct target *out, struct err *err)
{
	const char *begun;
	int n = 0;

	*at += strspn(*at, " ");
	begun = *at;
	if (!read_run(t, at, out, err))
		return err_wrap(err, "column %d", column_of(text, begun));
	out->named = *at;
	if (sscanf(*at, "%15[a-z]%n", out->name, &n) != 1)
		return bad_edit(text, *at, err);
	*at += n;
	for (char open = '['; **at == open; open = ',') {
		n = 0;
		if (out->units == EDIT_UNITS)
			return err_set(err, ERR_USAGE, "column %d: an edit has %d units at most",
				       column_of(text, *at), EDIT_UNITS);
		if (sscanf(*at + 1, "%d%n", &out->unit[out->units], &n) != 1 ||
		    out->unit[out->units] < 0)
			return bad_edit(text, *at + 1, err);
		*at += 1 + n;
		out->units++;
	}
	if (out->units && **at != ']')
		return bad_edit(text, *at, err);
	*at += out->units > 0;
	return true;
}

/* "@3" or "@3..5", from 1; nothing: all. */
static bool read_steps(const struct trace *t, int run, const char *at, int *from, int *to)
{
	int n = 0;

	*from = 1;
	*to = t->run[run].T;
	if (!*at)
		return true;
	if (sscanf(at, "@%d%n", from, &n) != 1)
		return false;
	at += n;
	*to = *from;
	n = 0;
	if (sscanf(at, "..%d%n", to, &n) == 1)
		at += n;
	return !at[strspn(at, " ")];
}

bool edit_parse(const struct trace *t, const char *text, int run, struct edit **out, int *count,
		struct err *err)
{
	struct target target = {.run = run};
	const char *at = text;
	int n = 0, from, to;
	double value;

	*out = NULL;
	*count = 0;
	if (!read_target(t, text, &at, &target, err))
		return false;
	if (sscanf(at, " = %lf%n", &value, &n) != 1 || !n)
		return bad_edit(text, at + strspn(at, " "), err);
	at += n + strspn(at + n, " ");
	if (!read_steps(t, target.run, at, &from, &to))
		return bad_edit(text, at, err);
	*count = target.units ? target.units : 1;
	*out = mem_zero((size_t)*count, sizeof(**out));
	for (int k = 0; k < *count; k++)
		if (!edit_of(t, target.name, target.run, target.units ? target.unit[k] : -1,
			     from - 1, to - 1, value, *out + k, err)) {
			const bool steps = from < 1 || to > t->run[target.run].T || from > to;

			free(*out);
			*out = NULL;
			return err_wrap(err, "column %d",
					column_of(text, steps ? at : target.named));
		}
	return true;
}

/* The text as base has it, with nothing computed yet. */
static struct trace *begin(const struct trace *base, const struct edit *edit, int count)
{
	struct trace *t = mem_zero(1, sizeof(*t));

	t->snapshot = snapshot_ref(base->snapshot);
	t->text = mem_text(base->text);
	t->T = base->T;
	t->H = base->H;
	t->D = base->D;
	t->C = base->C;
	t->gates = base->gates;
	t->runs = base->runs;
	encoder_encode(t->snapshot->encoder, base->text, strlen(base->text), &t->encoding);
	t->ids = mem_alloc((size_t)t->T * sizeof(*t->ids));
	memcpy(t->ids, base->ids, (size_t)t->T * sizeof(*t->ids));
	t->token = mem_alloc((size_t)t->T * sizeof(*t->token));
	memcpy(t->token, base->token, (size_t)t->T * sizeof(*t->token));
	t->run = mem_zero((size_t)t->runs, sizeof(*t->run));
	t->edit = mem_alloc((size_t)count * sizeof(*t->edit) + 1);
	if (count)
		memcpy(t->edit, edit, (size_t)count * sizeof(*t->edit));
	t->edits = count;
	if (base->vector)
		t->vector = mem_zero((size_t)t->D, sizeof(*t->vector));
	return t;
}

static bool run_all(struct trace *t, const struct trace *base)
{
	if (!runs_edited(t, base))
		return false;
	t->prob = mem_block((size_t)t->T * (size_t)t->C + 1, sizeof(*t->prob));
	if (!t->prob)
		return false;
	if (t->snapshot->encoder->model.spec.task == TASK_CLASSIFY)
		return outcome_classes(t);
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

struct trace *whatif(const struct trace *base, const struct edit *edit, int count, struct err *err)
{
	struct trace *t;

	if (base->snapshot->encoder->model.dec.runs) {
		err_set(err, ERR_USAGE,
			"a run with a decoder is not run again under edits; classify and generate "
			"are");
		return NULL;
	}
	t = begin(base, edit, count);
	if (run_all(t, base))
		return t;
	err_set(err, ERR_FAILED, "not enough memory to trace %d steps", t->T);
	trace_free(t);
	return NULL;
}

int whatif_differs(const struct trace *a, const struct trace *b, int run, double most)
{
	const struct trace_run *x = &a->run[run], *y = &b->run[run];
	const double *h = x->signal[trace_signal_find(x, "h")].v;
	const double *g = y->signal[trace_signal_find(y, "h")].v;

	for (int t = 0; t < x->T; t++)
		for (int u = 0; u < a->H; u++)
			if (!(fabs(h[t * a->H + u] - g[t * a->H + u]) <= most))
				return t;
	return -1;
}

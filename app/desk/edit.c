/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sentence under what has been set by hand, or with other words: its trace is another one as long as there are edits, and the
 * one without any is kept beside it.
 */
#include "app/desk/desk.h"

#include "engine/base/mem.h"
#include "engine/inspect/whatif.h"

#include <stdlib.h>
#include <string.h>

/* Multiplications and additions that are done at once: some ten milliseconds. */
static const double at_once = 1e7;

struct edit_job {
	struct job job;
	const struct trace *base; /* stays: while a job is pending no other one replaces it */
	struct edit *edit;
	int count;
	struct trace *branch;
};

static bool takes_long(const struct trace *t)
{
	const struct model *m = &t->snapshot->encoder->model;
	const double T = t->T, H = t->H;
	double sum = T * t->C * t->D;

	if (m->dec.runs)
		return true; /* it writes, a step after the other */
	for (int k = 0; k < t->runs; k++)
		sum += T * t->gates * H * (H + t->run[k].E);
	return sum > at_once;
}

/* There may be fewer steps than there were, and other words at them. */
static void show_words(struct workbench *w)
{
	struct gates_state *g = &w->gates;
	const int last = w->current.trace->run[g->run].T - 1;

	desk_name_tokens(w, &w->current);
	g->t = g->t > last ? (last < 0 ? 0 : last) : g->t;
}

static void show_original(struct workbench *w)
{
	struct sentence *s = &w->current;

	desk_control_forget(w);
	if (!s->unedited)
		return;
	trace_free(s->trace);
	s->trace = s->unedited;
	s->unedited = NULL;
	show_words(w);
}

static void show_branch(struct workbench *w, struct trace *branch)
{
	struct sentence *s = &w->current;

	if (s->unedited)
		trace_free(s->trace);
	else
		s->unedited = s->trace;
	s->trace = branch;
	show_words(w);
	desk_control(w);
}

static void edit_run(struct job *j)
{
	struct edit_job *e = (struct edit_job *)j;

	e->branch = whatif(e->base, e->edit, e->count, &j->err);
	j->ok = e->branch;
}

static void edit_done(struct job *j, void *owner)
{
	struct edit_job *e = (struct edit_job *)j;
	struct workbench *w = owner;

	w->dirty = true;
	w->current.pending = false;
	if (j->ok) {
		show_branch(w, e->branch);
		e->branch = NULL;
	} else {
		show_original(w);
		debug_unset_all(&w->debug);
		workbench_err(w, &j->err);
	}
	desk_refresh(w);
	desk_run_later(w);
}

static void edit_release(struct job *j)
{
	struct edit_job *e = (struct edit_job *)j;

	trace_free(e->branch);
	free(e->edit);
	free(e);
}

static void post(struct workbench *w, const struct trace *base, struct edit *edit, int count)
{
	struct edit_job *e = mem_zero(1, sizeof(*e));

	e->job = (struct job){
		.run = edit_run, .done = edit_done, .release = edit_release, .what = "edits"};
	e->base = base;
	e->edit = edit;
	e->count = count;
	w->current.pending = true;
	jobs_post(w->jobs, &e->job);
}

bool desk_edit(struct workbench *w, struct err *err)
{
	struct sentence *s = &w->current;
	const struct trace *base = s->unedited ? s->unedited : s->trace;
	struct trace *branch;
	struct edit *edit;
	int count;

	w->dirty = true;
	if (!w->debug.sets) {
		show_original(w);
		return true;
	}
	edit = debug_edits(&w->debug, &count);
	if (takes_long(base)) {
		post(w, base, edit, count);
		return true;
	}
	branch = whatif(base, edit, count, err);
	free(edit);
	if (branch)
		show_branch(w, branch);
	return branch;
}

void desk_later(struct workbench *w, const char *line)
{
	buf_printf(&w->later, "%s\n", line);
}

void desk_run_later(struct workbench *w)
{
	while (w->later.len && !w->current.pending && !w->current.stale) {
		const size_t n = strcspn(w->later.data, "\n");
		char *line = mem_bytes(w->later.data, n), *rest = mem_text(w->later.data + n + 1);

		buf_clear(&w->later);
		buf_text(&w->later, rest);
		workbench_line(w, line);
		free(line);
		free(rest);
	}
}

void desk_forget_edits(struct workbench *w)
{
	const int n = w->debug.sets;

	show_original(w);
	debug_unset_all(&w->debug);
	if (n)
		workbench_say(w, ROLE_message,
			      "%d edit%s dropped: the sentence or the weights have changed", n,
			      n == 1 ? " is" : "s are");
}

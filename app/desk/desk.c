/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies on the desk: the sentences, with their traces under the weights that are open. */
#include "app/desk/desk.h"

#include "engine/base/mem.h"
#include "store/metric.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t desk_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct trace_job {
	struct job job;
	struct snapshot *snapshot;
	char *text;
	bool pinned;
	struct trace *trace;
	int64_t took_ms;
};

static void drop_names(struct sentence *s)
{
	free(s->token);
	free(s->wrote);
	free(s->token_text);
	free(s->unknown);
	s->token = s->wrote = NULL;
	s->token_text = NULL;
	s->unknown = NULL;
}

static void drop_trace(struct sentence *s)
{
	trace_free(s->trace);
	trace_free(s->unedited);
	s->trace = s->unedited = NULL;
	drop_names(s);
}

/* A token's bytes as a text; a blank gets a sign. */
static void show_bytes(struct buf *out, const char *token, size_t n, bool ascii)
{
	if (n == 1 && *token == ' ') {
		buf_text(out, ascii ? "_" : "␣");
		return;
	}
	for (size_t k = 0; k < n; k++)
		buf_byte(out, token[k] ? token[k] : '?');
}

void desk_token(struct buf *out, const struct encoder *e, int id, bool ascii)
{
	size_t n;
	const char *token = vocab_token(e->target, id, &n);

	if (id == vocab_end(e->target) && !ascii)
		buf_text(out, "⏎");
	else if (id == vocab_end(e->target))
		buf_text(out, "<eos>");
	else
		show_bytes(out, token, n, ascii);
}

/* The tokens that the model reads and writes, as C strings. */
void desk_name_tokens(struct workbench *w, struct sentence *s)
{
	const bool ascii = w->canvas.ascii;
	const struct trace *t = s->trace;
	const struct encoder *e = t->snapshot->encoder;
	const bool stream = task_table[e->model.spec.task].stream;
	const int count = t->T + (t->written ? t->written + 1 : 0);
	struct buf all = {0};
	size_t *at = mem_alloc(((size_t)count + 1) * sizeof(*at));

	drop_names(s);
	s->token = mem_zero((size_t)t->T + 1, sizeof(*s->token));
	s->unknown = mem_zero((size_t)t->T + 1, sizeof(*s->unknown));
	s->wrote = mem_zero((size_t)t->written + 2, sizeof(*s->wrote));
	for (int k = 0; k < count; k++) {
		at[k] = all.len;
		if (k > t->T) {
			desk_token(&all, e, t->writes[k - t->T - 1], ascii);
		} else if (k == t->T || (stream && t->ids[k] == vocab_end(e->target))) {
			desk_token(&all, e, vocab_end(e->target), ascii);
		} else {
			size_t n;
			const char *token = trace_token(t, 0, k, &n);

			show_bytes(&all, token, n, ascii);
			s->unknown[k] = trace_unknown(t, 0, k);
		}
		buf_add(&all, "", 1);
	}
	s->token_text = buf_take(&all);
	for (int k = 0; k < count; k++)
		*(k < t->T ? &s->token[k] : &s->wrote[k - t->T]) = s->token_text + at[k];
	free(at);
}

static void trace_run(struct job *j)
{
	struct trace_job *t = (struct trace_job *)j;
	const int64_t begun = desk_now_ms();

	t->trace = trace_new_until(t->snapshot, t->text, strlen(t->text), &j->cancel, &j->err);
	t->took_ms = desk_now_ms() - begun;
	j->ok = t->trace;
}

/* The cursor of Gates stays where it is, as far as this trace goes. */
static void keep_place(struct workbench *w, const struct trace *t)
{
	struct gates_state *g = &w->gates;
	int last;

	if (g->goes && !w->current.stale) {
		g->run = g->goto_run;
		g->t = g->goto_t;
		g->goes = false;
	}
	if (g->run >= t->runs)
		g->run = t->runs - 1;
	last = t->run[g->run].T - 1;
	g->t = g->t > last ? (last < 0 ? 0 : last) : g->t;
	if (g->unit >= t->H)
		g->unit = t->H - 1;
}

static void trace_done(struct job *j, void *owner)
{
	struct trace_job *t = (struct trace_job *)j;
	struct workbench *w = owner;
	struct sentence *s = t->pinned ? &w->pinned : &w->current;

	s->pending = false;
	w->trace_ms = t->took_ms;
	w->dirty = true;
	if (!j->ok) {
		workbench_err(w, &j->err);
		buf_clear(&w->later);
		return;
	}
	if (!t->pinned)
		desk_forget_edits(w);
	drop_trace(s);
	s->trace = t->trace;
	t->trace = NULL;
	desk_name_tokens(w, s);
	if (!t->pinned)
		keep_place(w, s->trace);
	desk_refresh(w);
	desk_run_later(w);
}

static void trace_release(struct job *j)
{
	struct trace_job *t = (struct trace_job *)j;

	snapshot_unref(t->snapshot);
	trace_free(t->trace);
	free(t->text);
	free(t);
}

/* What the view does not show is left until it does. */
static void refresh_one(struct workbench *w, struct sentence *s, struct snapshot *snap)
{
	const bool shown = w->view == (s == &w->pinned ? &view_train : &view_gates);
	struct trace_job *t;

	if (!s->text || !snap || s->pending || !s->stale || (s->trace && !shown))
		return;
	t = mem_zero(1, sizeof(*t));
	t->job = (struct job){
		.run = trace_run, .done = trace_done, .release = trace_release, .what = "trace"};
	t->snapshot = snapshot_ref(snap);
	t->text = mem_text(s->text);
	t->pinned = s == &w->pinned;
	s->pending = true;
	s->stale = false;
	jobs_post(w->jobs, &t->job);
}

void desk_refresh(struct workbench *w)
{
	refresh_one(w, &w->current, w->open ? w->open->snapshot : NULL);
	refresh_one(w, &w->pinned,
		    w->live.snapshot ? w->live.snapshot
		    : w->open        ? w->open->snapshot
				     : NULL);
}

void desk_sentence(struct workbench *w, const char *text)
{
	char *copy = mem_text(text);

	free(w->current.text);
	w->current.text = copy;
	w->current.stale = true;
	w->gates.t = w->gates.across = 0;
	w->gates.reveal.shown = 0;
	w->gates.goes = false;
	if (!w->pinned.text)
		desk_pin(w, text);
	desk_refresh(w);
}

void desk_pin(struct workbench *w, const char *text)
{
	char *copy = mem_text(text);

	free(w->pinned.text);
	w->pinned.text = copy;
	w->pinned.stale = true;
	desk_refresh(w);
}

void desk_unmark(struct marked *m)
{
	if (m->curve)
		metric_curve_release(m->curve);
	free(m->curve);
	m->curve = NULL;
}

void desk_release(struct workbench *w)
{
	jobs_free(w->jobs);
	session_free(w->session);
	desk_forget_origin(w);
	desk_close_run(&w->live);
	desk_close_run(&w->stored);
	drop_trace(&w->current);
	drop_trace(&w->pinned);
	free(w->current.text);
	free(w->pinned.text);
	desk_control_forget(w);
	debug_release(&w->debug);
	store_unit_notes_free(w->notes.at, w->notes.count);
	examples_release(&w->walk.texts);
	buf_release(&w->later);
	desk_write_forget(w);
	free(w->text.prompt);
	store_runs_free(w->runs.row, w->runs.count);
	free(w->runs.depth);
	for (int k = 0; k < w->runs.marks; k++)
		desk_unmark(&w->runs.mark[k]);
	free(w->runs.filter);
	answer_release(&w->query.answer);
	free(w->query.sql);
	free(w->query.cursor);
	store_events_free(w->log.row, w->log.count);
	for (int k = 0; k < w->log.lines; k++)
		free(w->log.line[k]);
	free(w->log.line);
	free(w->log.line_ms);
}

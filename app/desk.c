/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies on the desk: the open run, the sentences, the lists; and the jobs that fetch them. */
#include "app/workbench.h"

#include "app/archive.h"
#include "engine/base/mem.h"
#include "store/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SNAPSHOT_MS = 300, CURVE_POINTS = 1500, EVENTS_MAX = 1000 };

int64_t desk_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Only a missing file is no trouble: there is nothing in it yet. */
static bool store_missing(const char *path)
{
	return access(path, F_OK) != 0;
}

/* --- sentences ------------------------------------------------------------------------------- */

struct trace_job {
	struct job job;
	struct snapshot *snapshot;
	char *text;
	bool pinned;
	struct trace *trace;
};

static void drop_trace(struct sentence *s)
{
	trace_free(s->trace);
	free(s->token);
	free(s->token_text);
	free(s->unknown);
	s->trace = NULL;
	s->token = NULL;
	s->token_text = NULL;
	s->unknown = NULL;
}

/* Tokens as C strings, with what cannot be seen made visible. */
static void name_tokens(struct sentence *s)
{
	const struct trace *t = s->trace;
	struct buf all = {0};
	size_t *at = mem_alloc(((size_t)t->T + 1) * sizeof(*at));

	s->token = mem_zero((size_t)t->T + 1, sizeof(*s->token));
	s->unknown = mem_zero((size_t)t->T + 1, sizeof(*s->unknown));
	for (int k = 0; k < t->T; k++) {
		size_t n;
		const char *token = trace_token(t, k, &n);

		at[k] = all.len;
		if (n == 1 && *token == ' ')
			buf_text(&all, "␣");
		for (size_t j = 0; j < n && !(n == 1 && *token == ' '); j++)
			buf_byte(&all, token[j] ? token[j] : '?');
		buf_add(&all, "", 1);
		s->unknown[k] = trace_unknown(t, k);
	}
	s->token_text = buf_take(&all);
	for (int k = 0; k < t->T; k++)
		s->token[k] = s->token_text + at[k];
	free(at);
}

static void trace_run(struct job *j)
{
	struct trace_job *t = (struct trace_job *)j;

	t->trace = trace_new(t->snapshot, t->text, strlen(t->text), &j->err);
	j->ok = t->trace;
}

static void trace_done(struct job *j, void *owner)
{
	struct trace_job *t = (struct trace_job *)j;
	struct workbench *w = owner;
	struct sentence *s = t->pinned ? &w->pinned : &w->current;

	s->pending = false;
	w->dirty = true;
	if (!j->ok) {
		workbench_say(w, ROLE_error, "%s", j->err.msg);
		return;
	}
	drop_trace(s);
	s->trace = t->trace;
	t->trace = NULL;
	name_tokens(s);
	if (!t->pinned) {
		const int last = s->trace->T - 1;

		w->gates.t = w->gates.t > last ? (last < 0 ? 0 : last) : w->gates.t;
		if (w->gates.unit >= s->trace->H)
			w->gates.unit = s->trace->H - 1;
	}
	desk_refresh(w);
}

static void trace_release(struct job *j)
{
	struct trace_job *t = (struct trace_job *)j;

	snapshot_unref(t->snapshot);
	trace_free(t->trace);
	free(t->text);
	free(t);
}

static void refresh_one(struct workbench *w, struct sentence *s, struct snapshot *snap)
{
	struct trace_job *t;

	if (!s->text || !snap || s->pending || !s->stale)
		return;
	t = mem_zero(1, sizeof(*t));
	t->job = (struct job){.run = trace_run, .done = trace_done, .release = trace_release, .what = "trace"};
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
	refresh_one(w, &w->pinned, w->live.snapshot ? w->live.snapshot : w->open ? w->open->snapshot : NULL);
}

void desk_sentence(struct workbench *w, const char *text)
{
	char *copy = mem_text(text);

	free(w->current.text);
	w->current.text = copy;
	w->current.stale = true;
	w->gates.t = 0;
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

/* --- a run from the store -------------------------------------------------------------------- */

struct load_job {
	struct job job;
	char *store, *run;
	struct loaded loaded;
	struct feed_view *view;
	char status[24];
	int64_t parameters;
};

static void load_curve(struct store *s, int64_t run, const char *name, struct curve *out)
{
	struct metric_curve c;

	if (!store_metric_curve(s, run, name, CURVE_POINTS, &c, NULL))
		return;
	for (size_t k = 0; k < c.count; k++)
		curve_add(out, c.epoch[k], c.value[k]);
	metric_curve_release(&c);
}

static double param_number(struct store *s, int64_t run, const char *name)
{
	struct metric_summary m;

	return store_metric_summary(s, run, name, &m, NULL) && m.points ? m.last.value : NAN;
}

static void load_numbers(struct load_job *l, struct store *s, const struct run_row *row)
{
	static const char *const curve[FEED_CURVES] = {"train/loss", "train/accuracy", "valid/loss",
						       "valid/accuracy"};
	struct feed_view *v = l->view;
	struct train_gauge *g = &v->gauge;

	for (int k = 0; k < FEED_CURVES; k++)
		load_curve(s, l->loaded.run, curve[k], &v->curve[k]);
	g->state = TRAIN_FINISHED;
	g->step = g->steps = row->steps;
	g->epoch = g->epochs = (int)ceil(row->epochs);
	g->seconds = row->seconds;
	g->loss = row->train_loss;
	g->accuracy = param_number(s, l->loaded.run, "train/accuracy");
	g->grad_norm = param_number(s, l->loaded.run, "grad_norm");
	g->lr = param_number(s, l->loaded.run, "lr");
	g->tokens_per_s = param_number(s, l->loaded.run, "tokens_per_s");
	g->eta = NAN;
	v->best.valid_accuracy = row->best_accuracy;
	v->best.valid_loss = row->best_loss;
	v->best.epoch = row->best_step >= 0 ? (int)row->best_epoch : 0;
	v->best.step = row->best_step;
	v->last.valid_loss = param_number(s, l->loaded.run, "valid/loss");
	v->last.valid_accuracy = param_number(s, l->loaded.run, "valid/accuracy");
	snprintf(v->message, sizeof(v->message), "%s", row->message ? row->message : "");
	snprintf(l->status, sizeof(l->status), "%s", run_status_name(row->status));
	l->parameters = row->parameters;
}

static void load_run(struct job *j)
{
	struct load_job *l = (struct load_job *)j;
	struct store *s = store_open(l->store, STORE_READ, &j->err);
	struct run_row *row = NULL;

	if (s && archive_load(s, l->run, &l->loaded, &j->err))
		row = store_run_get(s, l->loaded.run, &j->err);
	if (row) {
		l->view = mem_zero(1, sizeof(*l->view));
		load_numbers(l, s, row);
		store_runs_free(row, 1);
		j->ok = true;
	}
	store_close(s);
}

static void close_run(struct open_run *o)
{
	snapshot_unref(o->snapshot);
	free(o->view);
	*o = (struct open_run){0};
}

static void weights_changed(struct workbench *w)
{
	w->current.stale = w->pinned.stale = true;
	w->dirty = true;
	desk_refresh(w);
}

/* Something to look at until a sentence is typed: the one whose words the run knows better. */
static const char *first_sentence(const struct encoder *e)
{
	static const char *const text[] = {"The food was not good, but the people were kind.",
					   "房间虽然不大，但是很干净。"};
	struct encoding enc = {0};
	double best = 2;
	int which = 0;

	for (int k = 0; k < 2; k++) {
		size_t unknown = 0;

		encoder_encode(e, text[k], strlen(text[k]), &enc);
		for (size_t j = 0; j < enc.count; j++)
			unknown += enc.unknown[j];
		if (enc.count && (double)unknown / (double)enc.count < best) {
			best = (double)unknown / (double)enc.count;
			which = k;
		}
	}
	encoding_release(&enc);
	return text[which];
}

static void load_done(struct job *j, void *owner)
{
	struct load_job *l = (struct load_job *)j;
	struct workbench *w = owner;

	w->dirty = true;
	if (!j->ok) {
		workbench_say(w, ROLE_error, "%s", j->err.msg);
		return;
	}
	close_run(&w->stored);
	snprintf(w->stored.id, sizeof(w->stored.id), "%s", l->loaded.id);
	snprintf(w->stored.name, sizeof(w->stored.name), "%s", l->loaded.name);
	snprintf(w->stored.status, sizeof(w->stored.status), "%s", l->status);
	w->stored.snapshot = l->loaded.snapshot;
	w->stored.view = l->view;
	w->stored.parameters = l->parameters;
	l->loaded.snapshot = NULL;
	l->view = NULL;
	w->open = &w->stored;
	workbench_say(w, ROLE_message, "%s is open at epoch %d: 1 shows its curves, 2 its gates", w->stored.name,
		      w->stored.snapshot->epoch);
	if (!w->current.text)
		desk_sentence(w, first_sentence(w->stored.snapshot->encoder));
	weights_changed(w);
}

static void load_release(struct job *j)
{
	struct load_job *l = (struct load_job *)j;

	loaded_release(&l->loaded);
	free(l->view);
	free(l->store);
	free(l->run);
	free(l);
}

void desk_open(struct workbench *w, const char *run)
{
	struct load_job *l = mem_zero(1, sizeof(*l));

	l->job = (struct job){.run = load_run, .done = load_done, .release = load_release,
			      .what = "loading", .visible = true};
	l->store = mem_text(w->context.store);
	l->run = mem_text(run);
	jobs_post(w->jobs, &l->job);
}

void desk_open_live(struct workbench *w)
{
	if (!w->live.snapshot)
		return;
	w->open = &w->live;
	weights_changed(w);
}

/* --- training ---------------------------------------------------------------------------------- */

struct prepare_job {
	struct job job;
	struct settings settings;
	char *store;
	void (*wake)(void *arg);
	void *arg;
	bool start;
	struct session *session;
	char *sentence; /* one to begin with */
	struct buf warnings;
};

/* An example of the validation texts (or the training ones) of middling length, put together again. */
static char *example_sentence(const struct prepared *p)
{
	const struct corpus *c = p->valid ? p->valid : p->train;
	const bool spaced = p->settings.tokenizer != TOKENIZER_CHAR;
	struct buf text = {0};
	int best = 0;

	for (int k = 0; k < c->count; k++) {
		const int n = (int)(c->start[k + 1] - c->start[k]), have = (int)(c->start[best + 1] - c->start[best]);

		if (abs(n - 9) < abs(have - 9))
			best = k;
	}
	for (size_t k = c->start[best]; k < c->start[best + 1]; k++) {
		size_t n;
		const char *token = vocab_token(p->encoder->vocab, c->ids[k], &n);

		if (c->ids[k] == VOCAB_UNK)
			continue; /* the word itself is not kept */
		if (spaced && text.len)
			buf_byte(&text, ' ');
		buf_add(&text, token, n);
	}
	return buf_take(&text);
}

static void prepare_run(struct job *j)
{
	struct prepare_job *pj = (struct prepare_job *)j;
	const struct session_spec spec = {.store = pj->store, .paused = !pj->start, .wake = pj->wake, .arg = pj->arg};
	struct prepared p;

	if (!prepare(&pj->settings, &p, &j->err))
		return;
	pj->sentence = example_sentence(&p);
	buf_add(&pj->warnings, buf_str(&p.warnings), p.warnings.len);
	pj->session = session_start(&p, &spec, &j->err);
	j->ok = pj->session;
}

static void adopt_session(struct workbench *w, struct prepare_job *pj)
{
	const struct encoder *e = pj->session->prepared.encoder;

	close_run(&w->live);
	w->session = pj->session;
	pj->session = NULL;
	w->live.live = true;
	w->live.view = mem_zero(1, sizeof(*w->live.view));
	w->live.parameters = (int64_t)e->model.size;
	snprintf(w->live.name, sizeof(w->live.name), "%s-%s", "classify", e->model.spec.cell->name);
	w->open = &w->live;
	if (!w->current.text && pj->sentence)
		desk_sentence(w, pj->sentence);
	settings_release(&w->settings);
	settings_copy(&w->settings, &w->session->prepared.settings);
	desk_feed(w);
}

static const char *file_name(const char *path)
{
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static void prepare_done(struct job *j, void *owner)
{
	struct prepare_job *pj = (struct prepare_job *)j;
	struct workbench *w = owner;

	w->dirty = true;
	if (!j->ok) {
		workbench_say(w, ROLE_error, "%s", j->err.msg);
		return;
	}
	adopt_session(w, pj);
	if (pj->warnings.len)
		workbench_say(w, ROLE_warn, "%.*s", (int)strcspn(buf_str(&pj->warnings), "\n"), buf_str(&pj->warnings));
	else if (pj->start)
		workbench_say(w, ROLE_message, "training on %s", file_name(w->settings.data));
	else
		workbench_say(w, ROLE_message, "%s is ready: space starts training, 2 shows the gates",
			      file_name(w->settings.data));
}

static void prepare_release(struct job *j)
{
	struct prepare_job *pj = (struct prepare_job *)j;

	session_free(pj->session);
	settings_release(&pj->settings);
	buf_release(&pj->warnings);
	free(pj->sentence);
	free(pj->store);
	free(pj);
}

static void wake_workbench(void *arg)
{
	const int *wake = arg;

	if (write(wake[1], "n", 1) < 0)
		return; /* full: a wake-up is on its way already */
}

void desk_train(struct workbench *w, const struct settings *s, bool start)
{
	struct prepare_job *pj = mem_zero(1, sizeof(*pj));

	pj->job = (struct job){.run = prepare_run, .done = prepare_done, .release = prepare_release,
			       .what = "reading the texts", .visible = true};
	settings_copy(&pj->settings, s);
	pj->store = mem_text(w->context.store);
	pj->start = start;
	pj->wake = wake_workbench;
	pj->arg = w->wake;
	jobs_post(w->jobs, &pj->job);
}

/* The last rows may wait for the disk: not on this thread. */
struct finish_job {
	struct job job;
	struct session *session;
	enum train_state state;
};

static void finish_run(struct job *j)
{
	struct finish_job *f = (struct finish_job *)j;

	f->state = session_finish(f->session, &j->err);
	j->ok = f->state == TRAIN_FINISHED || f->state == TRAIN_STOPPED;
}

static void finish_done(struct job *j, void *owner)
{
	struct finish_job *f = (struct finish_job *)j;
	struct workbench *w = owner;
	const struct epoch_stats *best = &w->live.view->best;

	w->dirty = true;
	w->ended = true;
	workbench_unask(w, ASK_QUIT);
	snprintf(w->live.status, sizeof(w->live.status), "%s", train_state_name(f->state));
	w->runs.stale = w->log.stale = true;
	desk_runs(w);
	desk_events(w);
	if (!j->ok) {
		workbench_say(w, ROLE_error, "%s", j->err.msg);
		w->sticky = true;
	} else if (best->epoch && !isnan(best->valid_accuracy) && *w->live.id && !w->stopping &&
		   w->open == &w->live && best->epoch != w->live.view->last.epoch) {
		desk_open(w, w->live.id);
	} else {
		workbench_say(w, ROLE_message, "%s %s%s%s", w->live.name, w->live.status,
			      *w->live.view->message ? ": " : "", w->live.view->message);
	}
}

static void finish_release(struct job *j)
{
	struct finish_job *f = (struct finish_job *)j;

	session_free(f->session);
	free(f);
}

static void finish(struct workbench *w)
{
	struct finish_job *f = mem_zero(1, sizeof(*f));

	f->job = (struct job){.run = finish_run, .done = finish_done, .release = finish_release, .what = "saving"};
	f->session = w->session;
	w->session = NULL;
	w->ended = false;
	jobs_post(w->jobs, &f->job);
}

void desk_feed(struct workbench *w)
{
	struct session *s = w->session;
	struct snapshot *snap;
	struct err trouble;

	if (!s)
		return;
	if (feed_read(s->feed, w->live.view))
		w->dirty = true;
	snprintf(w->live.status, sizeof(w->live.status), "%s", train_state_name(w->live.view->gauge.state));
	if (!*w->live.id && recorder_run(s->recorder, w->live.id, w->live.name)) {
		w->dirty = true;
		w->runs.stale = true;
		desk_runs(w);
	}
	snap = feed_snapshot(s->feed, w->live.snapshot);
	if (snap) {
		snapshot_unref(w->live.snapshot);
		w->live.snapshot = snap;
		weights_changed(w);
	}
	if (recorder_trouble(s->recorder, &trouble))
		workbench_say(w, ROLE_error, "%s; trying again every second", trouble.msg);
	if (train_state_over(w->live.view->gauge.state)) {
		finish(w);
	} else if (w->live.view->gauge.state == TRAIN_RUNNING && (w->view == &view_train || w->view == &view_gates) &&
		   desk_now_ms() - w->snapshot_asked_ms >= SNAPSHOT_MS) {
		w->snapshot_asked_ms = desk_now_ms();
		trainer_want_snapshot(s->trainer);
	}
}

/* --- lists ------------------------------------------------------------------------------------- */

struct list_job {
	struct job job;
	char *store, *filter;
	struct run_list list;
	struct run_row *row;
	struct event_row *event;
	size_t count;
};

static void list_release(struct job *j)
{
	struct list_job *l = (struct list_job *)j;

	store_runs_free(l->row, l->row ? l->count : 0);
	store_events_free(l->event, l->event ? l->count : 0);
	free(l->store);
	free(l->filter);
	free(l);
}

static void runs_run(struct job *j)
{
	struct list_job *l = (struct list_job *)j;
	struct store *s;

	if (store_missing(l->store)) {
		j->ok = true;
		return;
	}
	s = store_open_current(l->store, &j->err);
	j->ok = s && store_runs(s, &l->list, &l->row, &l->count, &j->err);
	store_close(s);
}

static void runs_done(struct job *j, void *owner)
{
	struct list_job *l = (struct list_job *)j;
	struct workbench *w = owner;
	struct runs_state *r = &w->runs;
	char at[RUN_ID_SIZE] = "";

	r->loading = false;
	w->dirty = true;
	if (!j->ok) {
		workbench_say(w, ROLE_error, "%s", j->err.msg);
		return;
	}
	if (r->selected < (int)r->count)
		memcpy(at, r->row[r->selected].id, sizeof(at));
	store_runs_free(r->row, r->count);
	r->row = l->row;
	r->count = l->count;
	l->row = NULL;
	for (size_t k = 0; k < r->count; k++)
		if (!strcmp(r->row[k].id, at))
			r->selected = (int)k; /* the cursor stays on its run */
	if (r->selected >= (int)r->count)
		r->selected = r->count ? (int)r->count - 1 : 0;
	if (r->stale)
		desk_runs(w);
}

static struct list_job *list_job_new(struct workbench *w, const char *what, void (*run)(struct job *),
				     void (*done)(struct job *, void *))
{
	struct list_job *l = mem_zero(1, sizeof(*l));

	l->job = (struct job){.run = run, .done = done, .release = list_release, .what = what};
	l->store = mem_text(w->context.store);
	return l;
}

void desk_runs(struct workbench *w)
{
	struct runs_state *r = &w->runs;
	struct list_job *l;

	if (r->loading)
		return;
	r->loading = true;
	r->stale = false;
	l = list_job_new(w, "runs", runs_run, runs_done);
	l->filter = r->filter ? mem_text(r->filter) : NULL;
	l->list = (struct run_list){.order = run_list_column(r->order), .ascending = r->ascending, .filter = l->filter};
	jobs_post(w->jobs, &l->job);
}

static void events_run(struct job *j)
{
	struct list_job *l = (struct list_job *)j;
	struct store *s;

	if (store_missing(l->store)) {
		j->ok = true;
		return;
	}
	s = store_open(l->store, STORE_READ, &j->err);
	j->ok = s && store_events(s, 0, 0, EVENTS_MAX, &l->event, &l->count, &j->err);
	store_close(s);
}

static void events_done(struct job *j, void *owner)
{
	struct list_job *l = (struct list_job *)j;
	struct workbench *w = owner;

	w->log.loading = false;
	w->dirty = true;
	if (!j->ok)
		return;
	store_events_free(w->log.row, w->log.count);
	w->log.row = l->event;
	w->log.count = l->count;
	l->event = NULL;
	if (w->log.stale)
		desk_events(w);
}

void desk_events(struct workbench *w)
{
	if (w->log.loading)
		return;
	w->log.loading = true;
	w->log.stale = false;
	jobs_post(w->jobs, &list_job_new(w, "events", events_run, events_done)->job);
}

struct curve_job {
	struct job job;
	char *store, id[9];
	struct metric_curve *curve;
};

static void curve_run(struct job *j)
{
	struct curve_job *c = (struct curve_job *)j;
	struct store *s = store_open(c->store, STORE_READ, &j->err);
	struct run_ref ref;

	c->curve = mem_zero(1, sizeof(*c->curve));
	j->ok = s && store_run_find(s, c->id, &ref, &j->err) &&
		store_metric_curve(s, ref.run, "valid/accuracy", CURVE_POINTS, c->curve, &j->err);
	store_close(s);
}

static void curve_done(struct job *j, void *owner)
{
	struct curve_job *c = (struct curve_job *)j;
	struct workbench *w = owner;

	w->dirty = true;
	for (int k = 0; k < w->runs.marks; k++)
		if (!strcmp(w->runs.mark[k].id, c->id) && !w->runs.mark[k].curve) {
			w->runs.mark[k].curve = c->curve;
			c->curve = NULL;
			return;
		}
}

static void curve_release(struct job *j)
{
	struct curve_job *c = (struct curve_job *)j;

	if (c->curve)
		metric_curve_release(c->curve);
	free(c->curve);
	free(c->store);
	free(c);
}

void desk_curves(struct workbench *w)
{
	for (int k = 0; k < w->runs.marks; k++) {
		struct curve_job *c;

		if (w->runs.mark[k].curve)
			continue;
		c = mem_zero(1, sizeof(*c));
		c->job = (struct job){.run = curve_run, .done = curve_done, .release = curve_release, .what = "curves"};
		c->store = mem_text(w->context.store);
		memcpy(c->id, w->runs.mark[k].id, sizeof(c->id));
		jobs_post(w->jobs, &c->job);
	}
}

/* --- commands that answer with rows -------------------------------------------------------------- */

struct command_job {
	struct job job;
	const struct command *command;
	struct context context;
	char *store, *open, *words[ARGS_MAX];
	int count;
	struct answer answer;
	struct buf text;
	char *line;
};

static void command_run(struct job *j)
{
	struct command_job *c = (struct command_job *)j;
	struct args args;

	c->context.answer = &c->answer;
	c->context.text = &c->text;
	c->context.cancel = &j->cancel;
	j->ok = args_parse(c->command, c->count, c->words, &c->context, &args, &j->err) &&
		c->command->run(&c->context, &args, &j->err);
}

static void command_done(struct job *j, void *owner)
{
	struct command_job *c = (struct command_job *)j;
	struct workbench *w = owner;
	struct query_state *q = &w->query;

	w->dirty = true;
	if (!j->ok) {
		workbench_say(w, ROLE_error, "%s", j->err.msg);
		return;
	}
	if (c->answer.cols) {
		answer_release(&q->answer);
		free(q->sql);
		q->answer = c->answer;
		q->sql = c->line;
		q->has_answer = true;
		q->selected = q->first = q->left = 0;
		c->answer = (struct answer){0};
		c->line = NULL;
		workbench_show(w, &view_query);
	} else {
		w->runs.stale = w->log.stale = true; /* it may have changed a run */
		desk_runs(w);
		desk_events(w);
	}
	if (c->text.len)
		workbench_say(w, ROLE_message, "%s", buf_str(&c->text));
}

static void command_release(struct job *j)
{
	struct command_job *c = (struct command_job *)j;

	answer_release(&c->answer);
	buf_release(&c->text);
	for (int k = 0; k < c->count; k++)
		free(c->words[k]);
	free(c->store);
	free(c->open);
	free(c->line);
	free(c);
}

void desk_command(struct workbench *w, const struct command *cmd, int argc, char **argv)
{
	struct command_job *c = mem_zero(1, sizeof(*c));
	struct buf line = {0};

	c->job = (struct job){.run = command_run, .done = command_done, .release = command_release,
			      .what = cmd->name, .visible = true};
	c->command = cmd;
	c->store = mem_text(w->context.store);
	c->open = w->open && *w->open->id ? mem_text(w->open->id) : NULL;
	c->context = (struct context){.store = c->store, .open_run = c->open, .yes = true, .quiet = false};
	for (; c->count < argc; c->count++) {
		c->words[c->count] = mem_text(argv[c->count]);
		if (c->count || cmd->run != command_query)
			buf_printf(&line, "%s%s", line.len ? " " : "", argv[c->count]);
	}
	c->line = buf_take(&line);
	jobs_post(w->jobs, &c->job);
}

void desk_release(struct workbench *w)
{
	jobs_free(w->jobs);
	session_free(w->session);
	close_run(&w->live);
	close_run(&w->stored);
	drop_trace(&w->current);
	drop_trace(&w->pinned);
	free(w->current.text);
	free(w->pinned.text);
	store_runs_free(w->runs.row, w->runs.count);
	for (int k = 0; k < w->runs.marks; k++) {
		if (w->runs.mark[k].curve)
			metric_curve_release(w->runs.mark[k].curve);
		free(w->runs.mark[k].curve);
	}
	free(w->runs.filter);
	answer_release(&w->query.answer);
	free(w->query.sql);
	store_events_free(w->log.row, w->log.count);
	for (int k = 0; k < w->log.lines; k++)
		free(w->log.line[k]);
	free(w->log.line);
	free(w->log.line_ms);
}

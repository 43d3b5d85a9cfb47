/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run that is being trained, from its settings to its end. */
#include "app/desk/desk.h"

#include "app/archive.h"
#include "app/resume.h"
#include "app/script.h"
#include "app/tune.h"
#include "engine/base/mem.h"
#include "store/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SNAPSHOT_MS = 300, SNAPSHOT_MOST_MS = 3000, LIST_MS = 2000 };

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
	/* A run to go on with; NULL: a new one with these settings. */
	char *run, **assignment;
	int assignments;
	bool fork;
	struct resumed *resumed;
	/* ... or to take the encoder of, with settings files too. */
	bool tune;
	char **file;
	int files;
	struct tuned *tuned;
};

/* Where text k ends that begins at `from`, its mark counted. */
static size_t text_end(const struct corpus *c, int k, size_t from, int mark)
{
	if (c->start)
		return c->start[k + 1];
	while (c->ids[from] != mark)
		from++;
	return from + 1;
}

/* An example of the validation texts (or the training ones) of middling length, put together again. */
static char *example_sentence(const struct prepared *p)
{
	const struct corpus *c = p->valid ? p->valid : p->train;
	const struct vocab *v = p->encoder->vocab;
	const int want = p->settings.tokenizer == TOKENIZER_CHAR ? 24 : 9;
	const bool keras = p->settings.tokenizer == TOKENIZER_KERAS;
	const char *before = "";
	size_t before_len = 0;
	struct buf text = {0};
	size_t best = 0, have = 0;

	for (size_t k = 0, from = 0, to; k < (size_t)c->count; k++, from = to) {
		to = text_end(c, (int)k, from, vocab_end(v));
		if (!k || llabs((long long)(to - from) - want) < llabs((long long)have - want)) {
			best = from;
			have = to - from;
		}
	}
	for (size_t k = best; k < best + have; k++) {
		size_t n;
		const char *token = vocab_token(v, c->ids[k], &n);

		if (c->ids[k] == vocab_end(v) || (c->ids[k] == VOCAB_UNK && !keras))
			continue; /* an unknown word is not kept */
		if (text.len && token_gap(&vocab_rules(v)->rules, before, before_len, token, n))
			buf_byte(&text, ' ');
		buf_add(&text, token, n);
		before = token;
		before_len = n;
	}
	return buf_take(&text);
}

/* What the run has recorded so far, for the curves to go on. */
static void tell_past(const struct prepare_job *pj)
{
	const struct resumed *r = pj->resumed;
	struct store *s = store_open(pj->store, STORE_READ, NULL);
	struct feed_view *past = mem_zero(1, sizeof(*past));

	if (s)
		desk_load_curves(s, r->loaded.run, r->loaded.snapshot->step, past);
	past->best = r->best;
	feed_begin(pj->session->feed, past);
	free(past);
	store_close(s);
}

static bool prepare_resumed(struct prepare_job *pj, struct prepared *p, struct run_intro *intro)
{
	pj->resumed = mem_zero(1, sizeof(*pj->resumed));
	return resume_open(pj->resumed, pj->store, pj->run, (const char *const *)pj->assignment,
			   pj->assignments, &pj->job.err) &&
	       resume_prepare(pj->resumed, pj->store, pj->fork, p, intro, &pj->job.err);
}

static bool put_changes(const void *arg, struct settings *s, struct err *err)
{
	const struct prepare_job *pj = arg;
	bool ok = true;

	for (int k = 0; k < pj->files && ok; k++)
		ok = settings_load(s, pj->file[k], err);
	for (int k = 0; k < pj->assignments && ok; k++)
		ok = settings_assign(s, pj->assignment[k], err);
	return ok;
}

static bool prepare_tuned(struct prepare_job *pj, struct prepared *p, struct run_intro *intro)
{
	const struct changes changes = {put_changes, pj};

	pj->tuned = mem_zero(1, sizeof(*pj->tuned));
	return tune_open(pj->tuned, pj->store, pj->run, &changes, &pj->job.err) &&
	       tune_prepare(pj->tuned, p, intro, &pj->job.err);
}

/* What is to be trained: a new run, or one that has to do with another. */
static bool prepare_any(struct prepare_job *pj, struct prepared *p, struct run_intro *intro)
{
	if (!pj->run)
		return prepare(&pj->settings, p, &pj->job.err);
	return pj->tune ? prepare_tuned(pj, p, intro) : prepare_resumed(pj, p, intro);
}

static void prepare_run(struct job *j)
{
	struct prepare_job *pj = (struct prepare_job *)j;
	struct session_spec spec = {
		.store = pj->store, .paused = true, .wake = pj->wake, .arg = pj->arg};
	struct prepared p;

	if (!prepare_any(pj, &p, &spec.intro))
		return;
	pj->sentence = example_sentence(&p);
	buf_add(&pj->warnings, buf_str(&p.warnings), p.warnings.len);
	pj->session = session_start(&p, &spec, &j->err);
	j->ok = pj->session;
	if (j->ok && pj->resumed && !pj->fork)
		tell_past(pj);
}

void desk_forget_origin(struct workbench *w)
{
	if (w->resumed)
		resume_release(w->resumed);
	if (w->tuned)
		tune_release(w->tuned);
	free(w->resumed);
	free(w->tuned);
	w->resumed = NULL;
	w->tuned = NULL;
}

static void adopt_session(struct workbench *w, struct prepare_job *pj)
{
	const struct encoder *e = pj->session->prepared.encoder;

	desk_close_run(&w->live);
	if (w->text.live)
		desk_write_forget(w);
	desk_forget_origin(w);
	w->resumed = pj->resumed;
	w->tuned = pj->tuned;
	pj->resumed = NULL;
	pj->tuned = NULL;
	w->session = pj->session;
	pj->session = NULL;
	script_hold(w->script);
	if (pj->start)
		trainer_resume(w->session->trainer);
	w->live.live = true;
	w->live.view = mem_zero(1, sizeof(*w->live.view));
	w->live.parameters = (int64_t)e->model.size;
	snprintf(w->live.name, sizeof(w->live.name), "%s-%s", task_table[e->model.spec.task].name,
		 e->model.spec.cell->name);
	if (w->resumed && !pj->fork)
		snprintf(w->live.name, sizeof(w->live.name), "%s", w->resumed->loaded.name);
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
		workbench_err(w, &j->err);
		return;
	}
	adopt_session(w, pj);
	if (!w->headless)
		fputs(buf_str(&pj->warnings), stderr); /* captured: all of them stand in Log */
	if (pj->warnings.len)
		workbench_say(w, ROLE_warn, "%.*s", (int)strcspn(buf_str(&pj->warnings), "\n"),
			      buf_str(&pj->warnings));
	else if (w->tuned)
		workbench_say(w, ROLE_message, "%s", buf_str(&w->tuned->origin));
	else if (w->resumed)
		workbench_say(w, ROLE_message, "going on from step %lld of %s",
			      (long long)w->resumed->loaded.snapshot->step,
			      w->resumed->loaded.name);
	else if (pj->start)
		workbench_say(w, ROLE_message, "training on %s", file_name(w->settings.data));
	else
		workbench_say(w, ROLE_message,
			      "%s is ready: space starts training, 2 shows the gates",
			      file_name(w->settings.data));
}

static char **copy_words(const char *const *word, int count)
{
	char **copy = mem_zero((size_t)count + 1, sizeof(*copy));

	for (int k = 0; k < count; k++)
		copy[k] = mem_text(word[k]);
	return copy;
}

static void free_words(char **word, int count)
{
	for (int k = 0; k < count; k++)
		free(word[k]);
	free(word);
}

static void prepare_release(struct job *j)
{
	struct prepare_job *pj = (struct prepare_job *)j;

	session_free(pj->session);
	if (pj->resumed)
		resume_release(pj->resumed);
	free(pj->resumed);
	if (pj->tuned)
		tune_release(pj->tuned);
	free(pj->tuned);
	free_words(pj->assignment, pj->assignments);
	free_words(pj->file, pj->files);
	free(pj->run);
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

static struct prepare_job *prepare_new(struct workbench *w, bool start)
{
	struct prepare_job *pj = mem_zero(1, sizeof(*pj));

	pj->job = (struct job){.run = prepare_run,
			       .done = prepare_done,
			       .release = prepare_release,
			       .what = "reading the texts",
			       .visible = true};
	pj->store = mem_text(w->context.store);
	pj->start = start;
	pj->wake = wake_workbench;
	pj->arg = w->wake;
	return pj;
}

void desk_train(struct workbench *w, const struct settings *s, bool start)
{
	struct prepare_job *pj = prepare_new(w, start);

	settings_copy(&pj->settings, s);
	jobs_post(w->jobs, &pj->job);
}

void desk_resume(struct workbench *w, const char *run, bool fork, const char *const *assignments,
		 int count)
{
	struct prepare_job *pj = prepare_new(w, true);

	pj->run = mem_text(run);
	pj->fork = fork;
	pj->assignment = copy_words(assignments, count);
	pj->assignments = count;
	jobs_post(w->jobs, &pj->job);
}

void desk_tune(struct workbench *w, const char *run, const char *const *files, int file_count,
	       const char *const *assignments, int count)
{
	struct prepare_job *pj = prepare_new(w, true);

	pj->run = mem_text(run);
	pj->tune = true;
	pj->file = copy_words(files, file_count);
	pj->files = file_count;
	pj->assignment = copy_words(assignments, count);
	pj->assignments = count;
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
		workbench_err(w, &j->err);
		w->sticky = true;
	} else if (best->epoch && !isnan(best->valid_loss) && *w->live.id && !w->stopping &&
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

	f->job = (struct job){.run = finish_run,
			      .done = finish_done,
			      .release = finish_release,
			      .what = "saving"};
	f->session = w->session;
	w->session = NULL;
	w->ended = false;
	jobs_post(w->jobs, &f->job);
}

/* Whether the sentence is to be looked at under newer weights: some three times a second, and less often
 * where that would take more than a hundredth of a processor's time. */
static bool snapshot_is_due(const struct workbench *w)
{
	const bool shown =
		w->view == &view_train || w->view == &view_gates || w->view == &view_text;
	int64_t pause = 100 * w->trace_ms;

	pause = pause < SNAPSHOT_MS ? SNAPSHOT_MS : pause;
	pause = pause > SNAPSHOT_MOST_MS ? SNAPSHOT_MOST_MS : pause;
	return w->live.view->gauge.state == TRAIN_RUNNING && shown &&
	       desk_now_ms() - w->snapshot_asked_ms >= pause;
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
	snprintf(w->live.status, sizeof(w->live.status), "%s",
		 train_state_name(w->live.view->gauge.state));
	if (!*w->live.id && recorder_run(s->recorder, w->live.id, w->live.name)) {
		w->dirty = true;
		w->runs.stale = true;
		desk_runs(w);
	}
	snap = feed_snapshot(s->feed, w->live.snapshot);
	if (snap) {
		snapshot_unref(w->live.snapshot);
		w->live.snapshot = snap;
		w->pinned.stale = w->dirty = true;
		if (w->open == &w->live)
			desk_weights_changed(w);
		else
			desk_refresh(w);
	}
	if (recorder_trouble(s->recorder, &trouble)) {
		workbench_say(w, ROLE_warn, "%s; trying again every second", trouble.msg);
		if (w->stopping)
			recorder_give_up(s->recorder); /* the trainer may be waiting for room */
	}
	if (w->view == &view_runs && desk_now_ms() - w->runs.asked_ms >= LIST_MS) {
		w->runs.asked_ms = desk_now_ms(); /* the run in training moves on */
		w->runs.stale = true;
		desk_runs(w);
	}
	if (train_state_over(w->live.view->gauge.state)) {
		if (!script_holds(w->script))
			finish(w);
	} else if (snapshot_is_due(w)) {
		w->snapshot_asked_ms = desk_now_ms();
		trainer_want_snapshot(s->trainer);
	}
}

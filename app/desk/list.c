/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lists on the desk, and the answers of commands. */
#include "app/desk/desk.h"

#include "app/command/explain.h"

#include "app/archive.h"
#include "app/script.h"
#include "app/tree.h"
#include "engine/base/mem.h"
#include "store/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS_MAX = 1000 };

/* Only a missing file is no trouble: there is nothing in it yet. */
static bool store_missing(const char *path)
{
	return access(path, F_OK) != 0;
}

struct list_job {
	struct job job;
	char *store, *filter;
	struct run_list list;
	struct run_row *row;
	int *depth; /* of each run in the tree; NULL: the list is flat */
	struct event_row *event;
	size_t count;
};

static void list_release(struct job *j)
{
	struct list_job *l = (struct list_job *)j;

	store_runs_free(l->row, l->row ? l->count : 0);
	store_events_free(l->event, l->event ? l->count : 0);
	free(l->depth);
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
	if (!j->ok || strcmp(l->list.order, "created") != 0)
		return; /* a ranking is one whatever came from what */
	l->depth = mem_zero(l->count + 1, sizeof(*l->depth));
	runs_tree(l->row, l->count, l->depth);
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
		workbench_err(w, &j->err);
		return;
	}
	if (r->selected < (int)r->count)
		memcpy(at, r->row[r->selected].id, sizeof(at));
	store_runs_free(r->row, r->count);
	free(r->depth);
	r->depth = l->depth;
	l->depth = NULL;
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

static struct list_job *list_job_new(struct workbench *w, const char *what,
				     void (*run)(struct job *), void (*done)(struct job *, void *))
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
	l->list = (struct run_list){
		.order = run_list_column(r->order), .ascending = r->ascending, .filter = l->filter};
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
	bool perplexity;
};

static bool read_curve(struct curve_job *c, struct store *s, int64_t run)
{
	struct err *err = &c->job.err;

	if (store_metric_curve(s, run, "valid/accuracy", CURVE_POINTS, c->curve, err) &&
	    c->curve->count)
		return true;
	metric_curve_release(c->curve); /* a task without accuracy, or no validation at all */
	if (!store_metric_curve(s, run, "valid/loss", CURVE_POINTS, c->curve, err))
		return false;
	c->perplexity = true;
	for (size_t k = 0; k < c->curve->count; k++)
		c->curve->value[k] = exp(c->curve->value[k]);
	return true;
}

static void curve_run(struct job *j)
{
	struct curve_job *c = (struct curve_job *)j;
	struct store *s = store_open(c->store, STORE_READ, &j->err);
	struct run_ref ref;

	c->curve = mem_zero(1, sizeof(*c->curve));
	j->ok = s && store_run_find(s, c->id, &ref, &j->err) && read_curve(c, s, ref.run);
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
			w->runs.mark[k].perplexity = c->perplexity && c->curve->count;
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
		c->job = (struct job){.run = curve_run,
				      .done = curve_done,
				      .release = curve_release,
				      .what = "curves"};
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
	c->context.job = j;
	j->ok = args_parse(c->command, c->count, c->words, &c->context, &args, &j->err);
	c->context.exact &= c->context.format != OUTPUT_TABLE;
	j->ok = j->ok && c->command->run(&c->context, &args, &j->err);
}

void desk_answer(struct workbench *w, struct answer *answer, char *line)
{
	struct query_state *q = &w->query;

	answer_release(&q->answer);
	free(q->sql);
	q->answer = *answer;
	*answer = (struct answer){0};
	q->sql = line;
	q->has_answer = true;
	script_answered(w->script, OUTPUT_AUTO);
	q->selected = q->first = q->left = 0;
	q->pane = q->answer.figures > 0; /* the first picture has the focus */
	q->picture = 0;
	q->zoom = false;
	free(q->cursor);
	q->cursor = mem_zero((size_t)q->answer.figures + 1, sizeof(*q->cursor));
	workbench_show(w, &view_query);
}

static void command_done(struct job *j, void *owner)
{
	struct command_job *c = (struct command_job *)j;
	struct workbench *w = owner;

	w->dirty = true;
	if (!j->ok) {
		workbench_err(w, &j->err);
		return;
	}
	if (c->answer.cols) {
		desk_answer(w, &c->answer, c->line);
		script_answered(w->script, c->context.format);
		c->line = NULL;
	} else {
		w->runs.stale = w->log.stale = true; /* it may have changed a run */
		desk_runs(w);
		desk_events(w);
		desk_notes(w);
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

/* The weights that are looked at, as a RUN: of a training those that have been stored. */
static char *open_run(const struct workbench *w)
{
	const struct open_run *o = w->open;

	if (!o || !*o->id)
		return NULL;
	if (o == &w->stored && o->snapshot)
		return mem_printf("%s@%lld", o->id, (long long)o->snapshot->step);
	return mem_text(o->id);
}

static bool has_option(int argc, char *const *argv, const char *name)
{
	const size_t n = strlen(name);

	for (int k = 1; k < argc; k++)
		if (!strncmp(argv[k], name, n) && (!argv[k][n] || argv[k][n] == '='))
			return true;
	return false;
}

static bool takes(const struct command *cmd, const char *name)
{
	for (const struct option *o = cmd->options; o && o->name; o++)
		if (!strcmp(o->name, name))
			return true;
	return false;
}

static void add_option(struct command_job *c, const char *name, const char *value)
{
	if (c->count + 2 > ARGS_MAX)
		return;
	c->words[c->count++] = mem_text(name);
	c->words[c->count++] = mem_text(value);
}

/* Whether a layer can be named, and is not. Of project it is that of a state, without which it is of the whole vector. */
static bool is_of_layer(const struct command_job *c)
{
	bool state = !takes(c->command, "--state");

	for (int k = 1; !state && k < c->count; k++)
		state = !strcmp(c->words[k], "h") || !strcmp(c->words[k], "c") ||
			!strcmp(c->words[k], "--state=h") || !strcmp(c->words[k], "--state=c");
	return state && takes(c->command, "--layer") && !has_option(c->count, c->words, "--layer");
}

/* What explains a text and is given none takes the sentence of Gates, and there the layer. */
static void add_sentence(struct workbench *w, struct command_job *c)
{
	const struct trace *t = w->current.trace;
	const struct trace_run *r = t && t->T ? &t->run[w->gates.run] : NULL;
	char name[24];

	if (!(c->command->flags & CMD_TEXT) || !w->current.text ||
	    has_option(c->count, c->words, "--text"))
		return;
	add_option(c, "--text", w->current.text);
	if (r && !r->decoder && is_of_layer(c))
		add_option(c, "--layer",
			   explain_layer_name(&t->snapshot->encoder->model, w->gates.run, name));
}

void desk_command(struct workbench *w, const struct command *cmd, int argc, char **argv)
{
	struct command_job *c = mem_zero(1, sizeof(*c));
	struct buf line = {0};

	c->job = (struct job){.run = command_run,
			      .done = command_done,
			      .release = command_release,
			      .what = cmd->name,
			      .visible = true};
	c->command = cmd;
	c->store = mem_text(w->context.store);
	c->open = open_run(w);
	c->context = (struct context){.store = c->store,
				      .open_run = c->open,
				      .yes = true,
				      .quiet = false,
				      .exact = script_is_exact(w->script),
				      .untimed = w->headless};
	for (; c->count < argc; c->count++) {
		c->words[c->count] = mem_text(argv[c->count]);
		if (c->count || cmd->run != command_query)
			buf_printf(&line, "%s%s", line.len ? " " : "", argv[c->count]);
	}
	add_sentence(w, c);
	c->line = buf_take(&line);
	jobs_post(w->jobs, &c->job);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going through a corpus to the next text in which a breakpoint or a watched value is hit. */
#include "app/desk/desk.h"

#include "app/archive.h"
#include "app/command/texts.h"
#include "app/prepare.h"
#include "engine/base/mem.h"
#include "engine/survey/search.h"

#include <stdlib.h>
#include <string.h>

struct walk_job {
	struct job job;
	struct snapshot *snapshot;
	struct debug debug; /* what it stops at */
	int run, from;
	/* The texts: those of the command line, or borrowed. */
	struct context context;
	char *store, *open, *word[ARGS_MAX];
	int words;
	struct examples own;
	const struct examples *texts;
	/* What it comes to. */
	struct search_sum sum;
	int *fits;
	int text, t; /* text -1: nothing is hit */
	struct buf says, step;
};

/* --- on the job thread --------------------------------------------------------------------------- */

static bool take_hit(void *arg, int text, int t, const struct trace *trace)
{
	struct walk_job *j = arg;
	const struct expr_place at = {trace, j->run, t};
	size_t n;
	const char *token = trace_token(trace, j->run, t, &n);

	j->text = text;
	j->t = t;
	debug_hit_at(&j->debug, &at, &j->says);
	buf_printf(&j->step, "step %d of %d, “%.*s”", t + 1, trace->run[j->run].T, (int)n, token);
	return false;
}

static void tell(void *arg, int done)
{
	struct walk_job *j = arg;

	jobs_tell(&j->job, done, (int64_t)j->texts->count);
}

static bool read_texts(struct walk_job *j, struct err *err)
{
	struct context *c = &j->context;
	struct loaded run = {0};
	struct args a;
	bool ok;

	if (j->texts)
		return true;
	j->texts = &j->own;
	if (!args_parse(command_find("run", CMD_CONSOLE), j->words, j->word, c, &a, err))
		return false;
	if (args_has(&a, "--data"))
		return texts_file(c, &a, task_table[j->snapshot->encoder->model.spec.task].stream,
				  &j->own, err);
	if (!c->open_run)
		return err_set(err, ERR_USAGE, "the run is not in the store yet: run FILE");
	ok = context_load(c, c->open_run, &run, err) && texts_trained(c, &run, &j->own, err);
	loaded_release(&run);
	return ok;
}

static void walk_run(struct job *job)
{
	struct walk_job *j = (struct walk_job *)job;
	struct stop *at = mem_zero((size_t)j->debug.items + 1, sizeof(*at));
	struct search s = {.snapshot = j->snapshot,
			   .at = at,
			   .ats = j->debug.items,
			   .run = j->run,
			   .reading = true,
			   .each = 1,
			   .from = j->from,
			   .stop = &job->cancel,
			   .sum = &j->sum,
			   .tell = tell,
			   .tell_arg = j};
	struct team *team = NULL;

	for (int k = 0; k < j->debug.items; k++)
		at[k] = debug_stop(&j->debug.item[k]);
	s.fits = j->fits = mem_zero((size_t)j->debug.items + 1, sizeof(int));
	if (read_texts(j, &job->err))
		team = team_new(default_threads(), &job->err);
	job->ok = team && search_texts(team, &s, j->texts->at, (int)j->texts->count, take_hit, j,
				       &job->err);
	team_free(team);
	free(at);
}

/* --- on the workbench's -------------------------------------------------------------------------- */

/* A whole number with its thousands apart. */
static void add_number(struct buf *out, long long n)
{
	if (n >= 1000) {
		add_number(out, n / 1000);
		buf_printf(out, ",%03lld", n % 1000);
	} else {
		buf_printf(out, "%lld", n);
	}
}

/* "text 812 of 67,349 (line 813)" */
static void add_place(struct buf *out, const struct examples *texts, int at)
{
	buf_text(out, "text ");
	add_number(out, at + 1);
	buf_text(out, " of ");
	add_number(out, (long long)texts->count);
	buf_text(out, " (line ");
	add_number(out, (long long)texts->at[at].line);
	buf_text(out, ")");
}

void desk_walk_place(const struct workbench *w, struct buf *out)
{
	const struct corpus_walk *c = &w->walk;

	if (c->at >= 0) {
		add_place(out, &c->texts, c->at);
		buf_text(out, desk_walk_is_here(w) ? "" : ", not the sentence now");
	} else {
		add_number(out, c->next);
		buf_text(out, " of ");
		add_number(out, (long long)c->texts.count);
		buf_text(out, " texts gone through");
	}
	buf_printf(out, ", %s", data_file_name(&c->texts.file));
}

/* What has been left out on the way, if anything. */
static void add_left_out(struct buf *out, const struct walk_job *j)
{
	if (j->sum.empty) {
		buf_text(out, " · ");
		add_number(out, j->sum.empty);
		buf_text(out, j->sum.empty == 1 ? " text has no token" : " texts have no token");
	}
	for (int k = 0; k < j->debug.items; k++)
		if (!j->fits[k] && j->sum.texts > j->sum.empty)
			buf_printf(out, " · %s %d fits none of them",
				   debug_kind_name(j->debug.item[k].kind), j->debug.item[k].number);
}

/* The text that was hit is the sentence. */
static void arrive(struct workbench *w, struct walk_job *j)
{
	struct corpus_walk *c = &w->walk;
	const int edits = w->debug.sets;

	c->at = j->text;
	c->next = j->text + 1;
	debug_count(&w->debug, &j->debug);
	desk_forget_edits(w);
	workbench_show(w, &view_gates);
	desk_sentence(w, c->texts.at[j->text].text);
	w->gates.goto_run = j->run;
	w->gates.goto_t = j->t;
	w->gates.goes = true;
	buf_text(&j->says, " · ");
	add_place(&j->says, &c->texts, j->text);
	buf_printf(&j->says, " · %s", buf_str(&j->step));
	add_left_out(&j->says, j);
	if (edits)
		buf_printf(&j->says, " · %d edit%s dropped", edits, edits == 1 ? " is" : "s are");
	workbench_say(w, ROLE_message, "%s", buf_str(&j->says));
}

static void say_nothing_hit(struct workbench *w, struct walk_job *j)
{
	struct buf b = {0};

	buf_text(&b, "nothing is hit in ");
	add_number(&b, j->sum.texts);
	buf_printf(&b, " text%s%s of %s", j->sum.texts == 1 ? "" : "s", j->from ? " behind it" : "",
		   data_file_name(&w->walk.texts.file));
	add_left_out(&b, j);
	workbench_say(w, ROLE_message, "%s", buf_str(&b));
	buf_release(&b);
}

static void walk_done(struct job *job, void *owner)
{
	struct walk_job *j = (struct walk_job *)job;
	struct workbench *w = owner;
	struct corpus_walk *c = &w->walk;

	w->dirty = true;
	c->job = NULL;
	if (j->texts == &j->own && (job->ok || j->sum.texts)) { /* they have been gone through */
		examples_release(&c->texts);
		c->texts = j->own;
		c->at = -1;
		j->own = (struct examples){0};
	}
	if (job->ok && j->text >= 0) {
		arrive(w, j);
		return;
	}
	if (j->sum.texts)
		c->next = j->from + j->sum.texts;
	if (job->ok)
		say_nothing_hit(w, j);
	else if (job->err.code == ERR_CANCELLED && j->sum.texts)
		workbench_say(w, ROLE_message,
			      "cancelled after %d of %zu texts: continue goes on behind them",
			      c->next, c->texts.count);
	else
		workbench_err(w, &job->err);
}

static void walk_release(struct job *job)
{
	struct walk_job *j = (struct walk_job *)job;

	snapshot_unref(j->snapshot);
	debug_release(&j->debug);
	examples_release(&j->own);
	buf_release(&j->says);
	buf_release(&j->step);
	for (int k = 0; k < j->words; k++)
		free(j->word[k]);
	free(j->fits);
	free(j->store);
	free(j->open);
	free(j);
}

/* Whether it can begin. */
static bool is_ready(const struct workbench *w, struct err *err)
{
	const struct snapshot *s = w->open ? w->open->snapshot : NULL;
	int stops = 0;

	for (int k = 0; k < w->debug.items; k++)
		stops += w->debug.item[k].kind != DEBUG_DISPLAY;
	if (w->walk.job)
		return err_set(err, ERR_USAGE, "a corpus is being gone through: ^C ends that");
	if (!s)
		return err_set(err, ERR_USAGE, "open a run first: 4 lists them");
	if (s->encoder->model.dec.runs)
		return err_set(err, ERR_USAGE,
			       "run goes through texts with runs that have no decoder: classify "
			       "and generate");
	return stops ||
	       err_set(err, ERR_USAGE, "there is nothing to stop at: break or watch EXPRESSION");
}

static struct walk_job *job_new(struct workbench *w, int from)
{
	struct walk_job *j = mem_zero(1, sizeof(*j));
	struct snapshot *s = w->open->snapshot;

	j->job = (struct job){.run = walk_run,
			      .done = walk_done,
			      .release = walk_release,
			      .what = "run",
			      .visible = true};
	j->snapshot = snapshot_ref(s);
	debug_copy_stops(&j->debug, &w->debug);
	j->run = w->gates.run < s->encoder->model.stack.runs ? w->gates.run : 0;
	j->from = from;
	j->text = -1;
	return j;
}

static void post(struct workbench *w, struct walk_job *j)
{
	w->walk.job = &j->job;
	w->dirty = true;
	jobs_post(w->jobs, &j->job);
}

bool desk_walk(struct workbench *w, const char *const *words, int count, struct err *err)
{
	struct walk_job *j;

	if (!is_ready(w, err))
		return false;
	j = job_new(w, 0);
	j->store = mem_text(w->context.store);
	j->open = *w->open->id ? mem_text(w->open->id) : NULL;
	j->context = (struct context){
		.store = j->store, .open_run = j->open, .yes = true, .cancel = &j->job.cancel};
	for (; j->words < count && j->words < ARGS_MAX; j->words++)
		j->word[j->words] = mem_text(words[j->words]);
	post(w, j);
	return true;
}

bool desk_walk_on(struct workbench *w, struct err *err)
{
	struct walk_job *j;

	if (!is_ready(w, err))
		return false;
	if ((size_t)w->walk.next >= w->walk.texts.count)
		return err_set(
			err, ERR_USAGE,
			"nothing is hit behind this step, and the corpus ends: run begins again");
	j = job_new(w, w->walk.next);
	j->texts = &w->walk.texts;
	post(w, j);
	return true;
}

bool desk_walk_is_here(const struct workbench *w)
{
	const struct corpus_walk *c = &w->walk;

	if (!c->texts.count)
		return false;
	return c->at < 0 || (w->current.text && !strcmp(w->current.text, c->texts.at[c->at].text));
}

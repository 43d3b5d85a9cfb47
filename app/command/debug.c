/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace questioned: expressions at its steps, where in many texts they hold, and what follows from numbers
 * that are set by hand. */
#include "app/archive.h"
#include "app/command/explain.h"
#include "app/command/telling.h"
#include "app/command/texts.h"
#include "app/command/trace.h"
#include "app/prepare.h"

#include "engine/base/mem.h"
#include "engine/inspect/control.h"
#include "engine/inspect/whatif.h"
#include "engine/survey/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_print[] = {
	{"--text", "TEXT", "the text that is looked at"},
	{"--layer", "NAME", "whose signals are meant where nothing else is said, such as l0.bw"},
	{"--at", "T", "at this step only, from 1"},
	{NULL, NULL, NULL},
};

const struct option options_search[] = {
	{"--data", "FILE", "the texts to look among (default: what the run was trained on)"},
	{"--layer", "NAME", "whose steps are gone through, such as l0.bw"},
	{"--limit", "N", "stop after so many places (default 20)"},
	{"--all", NULL, "every step of a text where it holds, not the first one only"},
	TEXTS_OPTIONS,
	{NULL, NULL, NULL},
};

const struct option options_whatif[] = {
	{"--text", "TEXT", "the text that is looked at"},
	{"--layer", "NAME", "whose signals are meant where nothing else is said, such as l0.bw"},
	{"--random", "N",
	 "random edits of the same size it is held against, at least 100 (default 100)"},
	{"--seed", "S", "of those (default 1)"},
	{NULL, NULL, NULL},
};

enum { RANDOM_LEAST = 100 };

/* A text's trace, as a command line asks for it. */
struct looked_at {
	struct loaded run;
	struct trace *trace;
	int layer; /* the run of the trace that --layer means */
};

static void looked_at_release(struct looked_at *l)
{
	trace_free(l->trace);
	loaded_release(&l->run);
}

static bool look_at(struct context *c, const struct args *a, struct looked_at *l, struct err *err)
{
	const char *text = args_value(a, "--text");

	if (!text) {
		err_set(err, ERR_USAGE, "%s needs --text TEXT", a->command->name);
		return false;
	}
	if (!context_load(c, a->pos[0], &l->run, err))
		return false;
	l->trace = trace_of_text(c, l->run.snapshot, text, err);
	if (!l->trace)
		return false;
	l->layer = trace_find_layer(l->trace, args_value(a, "--layer"), err);
	if (l->layer < 0)
		return false;
	return l->trace->run[l->layer].T > 0 ||
	       err_set(err, ERR_USAGE, "there is no token in the text, and so no step");
}

/* The rows of one expression at one step: one, or one for each number of a vector. */
static void print_value(struct output *o, const struct trace *t, int run, int step,
			const struct expr *e, const struct expr_value *v)
{
	size_t n;
	const char *token = trace_token(t, run, step, &n);

	for (int k = 0; k < (v->text ? 1 : v->count); k++)
		output_row(o, (struct value[]){value_int(step + 1), value_bytes(token, n),
					       value_text(expr_text(e)),
					       v->vector ? value_int(k) : value_null(),
					       v->text ? value_bytes(v->text, v->n)
						       : value_real(v->v[k], 6)});
}

/* Over the steps: numbers as one plot, a vector as a map of its own. Texts have no picture. */
struct pictures {
	struct figure *plot, *map[ARGS_MAX];
	int series[ARGS_MAX]; /* of each expression in the plot */
};

static struct figure *map_of(const struct looked_at *l, const struct expr *e, int count)
{
	const struct trace_run *r = &l->trace->run[l->layer];
	struct figure *f = figure_heat(count, r->T, "%.200s", expr_text(e));

	f->is_signed = true;
	for (int t = 0; t < r->T; t++) {
		size_t n;
		const char *token = trace_token(l->trace, l->layer, t, &n);

		figure_name_col(f, t, token, n);
	}
	return f;
}

static void add_to_picture(struct pictures *p, const struct looked_at *l, const struct expr *e,
			   int k, int t, const struct expr_value *v)
{
	size_t n;
	const char *token = trace_token(l->trace, l->layer, t, &n);
	char *label = mem_bytes(token, n);

	if (!v->text && !v->vector) {
		if (!p->plot)
			p->plot = figure_plot("step", "value", "%.200s", l->trace->text);
		if (!p->series[k])
			p->series[k] = 1 + figure_series(p->plot, expr_text(e), true);
		figure_point(p->plot, p->series[k] - 1, t + 1, v->v[0], label);
	} else if (!v->text) {
		if (!p->map[k])
			p->map[k] = map_of(l, e, v->count);
		for (int u = 0; u < v->count && u < p->map[k]->rows; u++)
			p->map[k]->v[u * p->map[k]->cols + t] = v->v[u];
	}
	free(label);
}

static bool print_all(struct output *o, const struct looked_at *l, struct expr *const *e, int count,
		      int first, int end, struct err *err)
{
	static const char *const column[] = {"t", "token", "expression", "index", "value"};
	const bool drawn = output_has_pictures(o) && end - first > 1;
	struct pictures p = {0};
	struct expr_value v = {0};
	bool ok = true;

	output_columns(o, column, 5);
	for (int t = first; ok && t < end; t++)
		for (int k = 0; ok && k < count; k++) {
			ok = expr_eval(e[k], &(struct expr_place){l->trace, l->layer, t}, &v, err);
			if (!ok)
				break;
			print_value(o, l->trace, l->layer, t, e[k], &v);
			if (drawn)
				add_to_picture(&p, l, e[k], k, t, &v);
		}
	expr_value_release(&v);
	output_figure(o, p.plot);
	for (int k = 0; k < count; k++)
		output_figure(o, p.map[k]);
	return ok;
}

/* Parses and checks the words behind RUN; releases what it made where one is bad. */
static bool parse_all(const struct args *a, const struct looked_at *l, struct expr **e,
		      struct err *err)
{
	const int count = a->pos_count - 1;

	for (int k = 0; k < count; k++) {
		e[k] = expr_parse(a->pos[k + 1], err);
		if (!e[k] || !expr_check(e[k], &(struct expr_place){l->trace, l->layer, 0}, err)) {
			err_wrap(err, "%.*s%s", err_width(a->pos[k + 1]), a->pos[k + 1],
				 err_more(a->pos[k + 1]));
			return false;
		}
	}
	return true;
}

static bool print_steps(struct context *c, const struct args *a, const struct looked_at *l,
			struct expr *const *e, struct err *err)
{
	const int T = l->trace->run[l->layer].T;
	struct output o;
	int64_t at = 0;
	bool ok, closed;

	if (!args_number(a, "--at", T, &at, err))
		return false;
	output_open(&o, c->format, c->out, c->answer);
	ok = print_all(&o, l, e, a->pos_count - 1, at ? (int)at - 1 : 0, at ? (int)at : T, err);
	closed = output_close(&o, ok ? err : NULL);
	return ok && closed;
}

bool command_print(struct context *c, const struct args *a, struct err *err)
{
	struct looked_at l = {0};
	struct expr *e[ARGS_MAX] = {0};
	const bool ok =
		look_at(c, a, &l, err) && parse_all(a, &l, e, err) && print_steps(c, a, &l, e, err);

	for (int k = 0; k < a->pos_count - 1; k++)
		expr_free(e[k]);
	looked_at_release(&l);
	return ok;
}

/* Where hits go. */
struct hits {
	struct output *o;
	const struct examples *texts;
	int64_t left; /* before the limit */
	int run;
};

static bool take_hit(void *arg, int text, int t, const struct trace *trace)
{
	struct hits *h = arg;
	const struct example *x = &h->texts->at[text];
	size_t n;
	const char *token = trace_token(trace, h->run, t, &n);

	output_row(h->o, (struct value[]){value_int((int64_t)x->line), value_int(t + 1),
					  value_bytes(token, n), value_text(x->label),
					  value_bytes(x->text, x->text_len)});
	return --h->left > 0;
}

static void tell(void *arg, int done)
{
	telling_at(arg, done);
}

static bool search_all(struct context *c, struct search *s, const struct examples *texts,
		       int64_t limit, struct err *err)
{
	static const char *const column[] = {"line", "t", "token", "label", "text"};
	struct team *team = team_new(default_threads(), err);
	struct output o;
	struct hits hits = {&o, texts, limit, s->run};
	struct telling telling;
	struct search_sum sum = {0};
	bool ok, closed;

	if (!team)
		return false;
	telling_begin(&telling, c, "texts", (int64_t)texts->count);
	s->sum = &sum;
	s->tell = tell;
	s->tell_arg = &telling;
	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, 5);
	ok = search_texts(team, s, texts->at, (int)texts->count, take_hit, &hits, err);
	telling_end(&telling);
	if (ok && sum.empty)
		explain_remark(c, "%d of %d texts have no token, and so no step", sum.empty,
			       sum.texts);
	if (ok && hits.left == limit)
		explain_remark(c, "it holds at no step of %zu texts", texts->count);
	closed = output_close(&o, ok ? err : NULL);
	team_free(team);
	return ok && closed;
}

bool command_search(struct context *c, const struct args *a, struct err *err)
{
	struct stop at = {0};
	struct search s = {.at = &at, .ats = 1, .each = !args_has(a, "--all"), .stop = c->cancel};
	struct loaded l = {0};
	struct examples texts = {0};
	struct expr *e = NULL;
	struct trace *t = NULL; /* of nothing: it has the layers */
	int64_t limit = 20;
	bool ok = args_number(a, "--limit", INT32_MAX, &limit, err) && texts_options(a, err) &&
		  context_load(c, a->pos[0], &l, err);

	if (ok && task_table[l.snapshot->encoder->model.spec.task].decoder)
		ok = err_set(err, ERR_USAGE,
			     "search goes through runs without a decoder: classify and generate");
	if (ok) {
		e = expr_parse(a->pos[1], err);
		t = e ? trace_of_text(c, l.snapshot, "", err) : NULL;
		s.run = t ? trace_find_layer(t, args_value(a, "--layer"), err) : -1;
		ok = s.run >= 0 &&
		     (args_value(a, "--data")
			      ? texts_file(c, a,
					   task_table[l.snapshot->encoder->model.spec.task].stream,
					   &texts, err)
			      : texts_trained(c, &l, &texts, err));
	}
	s.snapshot = l.snapshot;
	at.expr = e;
	ok = ok && search_all(c, &s, &texts, limit, err);
	trace_free(t);
	expr_free(e);
	examples_release(&texts);
	loaded_release(&l);
	return ok;
}

/* The edits of a command line, one behind the other: where there are words among them, the steps of each are
 * those of the text as the edits before have made it. */
static bool parse_edits(const struct args *a, const struct looked_at *l, struct edit **out,
			int *count, struct err *err)
{
	struct trace *now = NULL;
	size_t cap = 0, n_all = 0;
	bool ok = true;

	for (int k = 1; ok && k < a->pos_count; k++) {
		struct edit *some;
		int n;

		ok = edit_parse(now ? now : l->trace, a->pos[k], l->layer, -1, &some, &n, err);
		if (!ok)
			break;
		*out = mem_grow(*out, &cap, n_all + (size_t)n, sizeof(**out));
		memcpy(*out + n_all, some, (size_t)n * sizeof(**out));
		n_all += (size_t)n;
		*count = (int)n_all;
		if (edit_is_word(some) && k + 1 < a->pos_count) {
			trace_free(now);
			now = whatif(l->trace, *out, *count, err);
			ok = now;
		}
		free(some);
	}
	trace_free(now);
	return ok;
}

static const double *last_row(const struct trace *t)
{
	return t->prob + (size_t)(t->T - 1) * (size_t)t->C;
}

/* What random edits do; *out is NULL where none can be drawn. */
static bool run_control(struct context *c, const struct looked_at *l, const struct edit *edit,
			int count, int runs, uint64_t seed, struct control **out, struct err *err)
{
	struct telling telling;

	*out = control_new(l->trace->snapshot, l->trace->text, edit, count, runs, seed, err);
	if (!*out)
		return !err->code;
	telling_begin(&telling, c, "random edits", (*out)->runs);
	while (control_step(*out, err)) {
		telling_at(&telling, (*out)->done);
		if (c->cancel && __atomic_load_n(c->cancel, __ATOMIC_RELAXED))
			err_set(err, ERR_CANCELLED, "cancelled");
		if (err->code)
			break;
	}
	telling_end(&telling);
	return !err->code;
}

static bool report_change(struct context *c, const struct looked_at *l, const struct trace *after,
			  const struct control *control, struct err *err)
{
	static const char *const column[] = {"class",     "before",     "after",
					     "change",    "first_step", "random_change",
					     "random_sd", "random",     "random_runs"};
	const struct encoder *e = l->run.snapshot->encoder;
	const int first = whatif_differs(l->trace, after, l->layer, 1e-6);
	const bool random = control && control->done;
	struct output o;

	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, 9);
	for (int k = 0; k < l->trace->C; k++) {
		const double a = last_row(l->trace)[k], b = last_row(after)[k];

		output_row(&o, (struct value[]){
				       value_text(e->classes.name[k]), value_real(a, 6),
				       value_real(b, 6), value_real(b - a, 6),
				       first < 0 ? value_null() : value_int(first + 1),
				       random ? value_real(control->mean[k], 6) : value_null(),
				       random ? value_real(control->deviation[k], 6) : value_null(),
				       random ? value_text(control->what) : value_null(),
				       random ? value_int(control->done) : value_null()});
	}
	return output_close(&o, err);
}

/* A token that a decoder writes at a step, and how likely it was. */
static struct value written_at(const struct trace *t, int step, double *p)
{
	const struct vocab *v = t->snapshot->encoder->target;
	size_t n;
	const char *token;

	*p = NAN;
	if (step >= t->written)
		return value_null();
	*p = t->prob[(size_t)step * (size_t)t->C + (size_t)t->writes[step]];
	token = vocab_token(v, t->writes[step], &n);
	return t->writes[step] == vocab_end(v) ? value_text("<eos>") : value_bytes(token, n);
}

/* What a decoder has written, step by step. */
static bool report_written(struct context *c, const struct trace *a, const struct trace *b,
			   struct err *err)
{
	static const char *const column[] = {"step", "before", "after", "p_before", "p_after"};
	struct output o;

	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, 5);
	for (int k = 0; k < a->written || k < b->written; k++) {
		double p, q;
		const struct value before = written_at(a, k, &p), after = written_at(b, k, &q);

		output_row(&o, (struct value[]){value_int(k + 1), before, after,
						isnan(p) ? value_null() : value_real(p, 6),
						isnan(q) ? value_null() : value_real(q, 6)});
	}
	return output_close(&o, err);
}

/* Sets what the command line says, and holds it against random units. */
static bool try_edits(struct context *c, const struct args *a, const struct looked_at *l,
		      struct err *err)
{
	const struct task_ops *task = &task_table[l->trace->snapshot->encoder->model.spec.task];
	struct control *control = NULL;
	struct trace *after = NULL;
	struct edit *edit = NULL;
	int64_t runs = RANDOM_LEAST, seed = 1;
	int count = 0;
	bool ok = args_number(a, "--random", 100000, &runs, err) &&
		  args_number(a, "--seed", INT64_MAX, &seed, err);

	if (ok && runs < RANDOM_LEAST)
		ok = err_set(err, ERR_USAGE, "--random is at least %d, not '%s'", RANDOM_LEAST,
			     args_value(a, "--random"));
	if (ok && !task->labels && !task->decoder)
		ok = err_set(
			err, ERR_USAGE,
			"whatif compares classes and what a decoder writes: the run's task is %s",
			task->name);
	if (ok && parse_edits(a, l, &edit, &count, err))
		after = whatif(l->trace, edit, count, err);
	ok = after;
	if (ok && task->decoder)
		ok = report_written(c, l->trace, after, err);
	else
		ok = ok &&
		     run_control(c, l, edit, count, (int)runs, (uint64_t)seed, &control, err) &&
		     report_change(c, l, after, control, err);
	control_free(control);
	free(edit);
	trace_free(after);
	return ok;
}

bool command_whatif(struct context *c, const struct args *a, struct err *err)
{
	struct looked_at l = {0};
	const bool ok = look_at(c, a, &l, err) && try_edits(c, a, &l, err);

	looked_at_release(&l);
	return ok;
}

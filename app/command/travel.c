/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text under the weights of every stored checkpoint of a run. */
#include "app/command/explain.h"
#include "app/command/signal.h"
#include "app/command/telling.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_travel[] = {
	{"--text", "TEXT", "the text to look at"},
	{"--layer", "LAYER", "l0.fw, l1.bw and so on (default: the top one that goes forward)"},
	{"--signal", "NAME", "what to look at: a gate, c or h (default: c; of a GRU h)"},
	{"--unit", "N", "this unit of it at each word"},
	{"--at", "T", "the word whose value and norm the rows have (default: the last)"},
	{NULL, NULL, NULL},
};

enum { TABLE_CLASSES = 6, PLOT_CLASSES = 8, DECIMALS = 4 };

/* What one checkpoint makes of the text. */
struct frame {
	struct checkpoint_row at;
	double *v;    /* (T, H) of the signal */
	double *prob; /* classify: the classes; else NULL */
	char *said;   /* the likeliest next token, or what the decoder writes; NULL of classify */
	double p;     /* of that token; NaN of a decoder's text */
	/* The largest difference to the checkpoint before, and where; NaN at the first. */
	double change;
	int change_t, change_u;
};

struct view {
	struct explained *x;
	struct context *c;
	struct signal signal;
	int run, unit, at; /* unit -1: none */
	int T, H, C;       /* C: 0 but for classify */
	struct frame *frame;
	int frames;
};

static const struct encoder *encoder_of(const struct view *v)
{
	return v->x->run.snapshot->encoder;
}

/* --- the frames -------------------------------------------------------------------------------------- */

static bool keep_values(const struct view *v, struct frame *f, const struct trace_run *r,
			struct err *err)
{
	const size_t H = (size_t)v->H;

	f->v = mem_block((size_t)v->T * H, sizeof(*f->v));
	if (!f->v)
		return err_set(err, ERR_FAILED,
			       "not enough memory for %d words at each of %d checkpoints", v->T,
			       v->frames);
	for (int t = 0; t < v->T; t++)
		memcpy(f->v + (size_t)t * H, signal_at(&v->signal, r, v->H, t), H * sizeof(*f->v));
	return true;
}

/* A classifier's; linear in the text's length, whatever its layers. */
static bool frame_of_classes(const struct view *v, struct frame *f, struct snapshot *s,
			     struct err *err)
{
	struct replay *r = replay_new(s, buf_str(&v->x->text), v->x->text.len, err);
	const bool ok = r && keep_values(v, f, &r->run[v->run], err);

	if (ok) {
		f->prob = mem_alloc(((size_t)v->C + 1) * sizeof(*f->prob));
		memcpy(f->prob, r->prob, (size_t)v->C * sizeof(*f->prob));
	}
	replay_free(r);
	return ok;
}

static void take_said(struct frame *f, const struct trace *t)
{
	const struct vocab *words = t->snapshot->encoder->target;
	struct choice best;
	struct buf text = {0};

	f->p = NAN;
	if (t->written) {
		vocab_join(words, t->writes, t->written - 1, &text);
	} else if (trace_top(t, t->T - 1, &best, 1)) {
		size_t n;
		const char *token = vocab_token(words, best.id, &n);

		buf_add(&text, token, n);
		f->p = best.p;
	}
	f->said = text.data ? buf_take(&text) : mem_text("");
}

static bool frame_of_words(const struct view *v, struct frame *f, struct snapshot *s,
			   struct err *err)
{
	struct trace *t =
		trace_new_until(s, buf_str(&v->x->text), v->x->text.len, v->c->cancel, err);
	const bool ok = t && keep_values(v, f, &t->run[v->run], err);

	if (ok)
		take_said(f, t);
	trace_free(t);
	return ok;
}

static void compare(const struct view *v, struct frame *f, const struct frame *before)
{
	f->change = before ? 0 : NAN;
	for (int k = 0; before && k < v->T * v->H; k++) {
		const double d = fabs(f->v[k] - before->v[k]);

		if (d > f->change) {
			f->change = d;
			f->change_t = k / v->H;
			f->change_u = k % v->H;
		}
	}
}

static bool run_frame(struct view *v, struct store *store, int k, struct err *err)
{
	struct frame *f = &v->frame[k];
	struct snapshot *s;
	bool ok;

	if (v->c->cancel && __atomic_load_n(v->c->cancel, __ATOMIC_RELAXED))
		return err_set(err, ERR_CANCELLED, "cancelled");
	s = archive_load_at(store, v->x->run.snapshot->encoder, &f->at, err);
	if (!s)
		return err_wrap(err, "%s@%lld", v->x->run.id, (long long)f->at.step);
	ok = v->C ? frame_of_classes(v, f, s, err) : frame_of_words(v, f, s, err);
	if (ok)
		compare(v, f, k ? f - 1 : NULL);
	snapshot_unref(s);
	return ok;
}

static bool run_frames(struct view *v, struct err *err)
{
	struct store *store = context_store(v->c, false, err);
	struct checkpoint_row *rows = NULL;
	struct telling telling;
	size_t n = 0;
	bool ok = store && store_checkpoint_list(store, v->x->run.run, &rows, &n, err);

	v->frame = mem_zero(n + 1, sizeof(*v->frame));
	v->frames = ok ? (int)n : 0;
	for (int k = 0; k < v->frames; k++)
		v->frame[k].at = rows[k];
	telling_begin(&telling, v->c, "checkpoints", v->frames);
	for (int k = 0; ok && k < v->frames; k++) {
		telling_at(&telling, k);
		ok = run_frame(v, store, k, err);
	}
	telling_end(&telling);
	free(rows);
	store_close(store);
	return ok;
}

static void view_release(struct view *v)
{
	for (int k = 0; k < v->frames; k++) {
		free(v->frame[k].v);
		free(v->frame[k].prob);
		free(v->frame[k].said);
	}
	free(v->frame);
}

static int likeliest(const struct view *v, const struct frame *f)
{
	int best = 0;

	for (int k = 1; k < v->C; k++)
		best = f->prob[k] > f->prob[best] ? k : best;
	return best;
}

/* --- rows -------------------------------------------------------------------------------------------- */

enum { ROW_MORE = 9 };

struct columns {
	char **name;
	struct value *v;
	int count;
};

static void column(struct columns *c, char *name)
{
	c->name[c->count++] = name;
}

/* Whether each class has a column of its own. */
static bool has_classes(const struct view *v)
{
	return v->C && !(explain_is_table(v->c) && v->C > TABLE_CLASSES);
}

static void name_columns(struct columns *c, const struct view *v)
{
	const bool classes = has_classes(v);

	column(c, mem_text("step"));
	column(c, mem_text("epoch"));
	for (int k = 0; classes && k < v->C; k++)
		column(c, mem_printf("p(%s)", encoder_of(v)->classes.name[k]));
	if (!classes) {
		column(c, mem_text(v->C ? "class" : "says"));
		column(c, mem_text("p"));
	}
	if (v->unit >= 0)
		column(c, mem_printf("%s[%d]", v->signal.name, v->unit));
	column(c, mem_printf("|%s|", v->signal.name));
	column(c, mem_text("change"));
	column(c, mem_text("most"));
	column(c, mem_text("note"));
}

static void put_frame(struct output *o, struct columns *c, const struct view *v,
		      const struct frame *f)
{
	const double *at = f->v + (size_t)v->at * (size_t)v->H;
	char where[48];
	int n = 0;

	c->v[n++] = value_int(f->at.step);
	c->v[n++] = value_real(f->at.epoch, -1);
	for (int k = 0; has_classes(v) && k < v->C; k++)
		c->v[n++] = value_real(f->prob[k], DECIMALS);
	if (!has_classes(v)) {
		const int best = v->C ? likeliest(v, f) : 0;

		c->v[n++] = value_text(v->C ? encoder_of(v)->classes.name[best] : f->said);
		c->v[n++] = value_real(v->C ? f->prob[best] : f->p, DECIMALS);
	}
	if (v->unit >= 0)
		c->v[n++] = value_real(at[v->unit], DECIMALS);
	c->v[n++] = value_real(signal_norm(at, v->H), DECIMALS);
	c->v[n++] = value_real(f->change, DECIMALS);
	snprintf(where, sizeof(where), "%s[%d]@%d", v->signal.name, f->change_u, f->change_t + 1);
	c->v[n++] = f->change > 0 ? value_text(where) : value_null();
	c->v[n++] = f->at.best ? value_text("best") : value_null();
	output_row(o, c->v);
}

/* A row of a picture for each checkpoint, words in columns: the unit's values, or the norm. */
static struct figure *picture_words(const struct view *v)
{
	struct figure *f = v->unit < 0 ? figure_heat(v->frames, v->T, "|%s| at each checkpoint",
						     v->signal.name)
				       : figure_heat(v->frames, v->T, "%s[%d] at each checkpoint",
						     v->signal.name, v->unit);

	f->is_signed = v->unit >= 0 && v->signal.is_signed;
	f->limit = v->unit >= 0 && v->signal.is_bounded ? 1 : 0;
	for (int k = 0; k < v->frames; k++) {
		char name[48];

		snprintf(name, sizeof(name), "epoch %.4g", v->frame[k].at.epoch);
		figure_name_row(f, k, name, strlen(name));
		for (int t = 0; t < v->T; t++) {
			const double *at = v->frame[k].v + (size_t)t * (size_t)v->H;

			f->v[k * v->T + t] = v->unit < 0 ? signal_norm(at, v->H) : at[v->unit];
		}
	}
	for (int t = 0; t < v->T; t++) {
		size_t n;
		const char *token = replay_token(v->x->replay, t, &n);

		figure_name_col(f, t, token, n);
	}
	return f;
}

/* The classes that are likeliest at the end, over the epochs. */
static struct figure *picture_classes(const struct view *v)
{
	struct figure *f = figure_plot("epoch", "probability", "classes at each checkpoint");
	const double *last = v->frame[v->frames - 1].prob;
	bool *drawn = mem_zero((size_t)v->C + 1, sizeof(*drawn));

	f->y_min = 0;
	f->y_max = 1;
	for (int n = 0; n < v->C && n < PLOT_CLASSES; n++) {
		int best = -1, series;

		for (int k = 0; k < v->C; k++)
			if (!drawn[k] && (best < 0 || last[k] > last[best]))
				best = k;
		drawn[best] = true;
		series = figure_series(f, encoder_of(v)->classes.name[best], true);
		for (int k = 0; k < v->frames; k++)
			figure_point(f, series, v->frame[k].at.epoch, v->frame[k].prob[best], NULL);
	}
	free(drawn);
	return f;
}

static bool report_rows(const struct view *v, struct err *err)
{
	struct columns c = {.name = mem_zero((size_t)v->C + ROW_MORE, sizeof(*c.name)),
			    .v = mem_zero((size_t)v->C + ROW_MORE, sizeof(*c.v))};
	struct output o;

	output_open(&o, v->c->format, v->c->out, v->c->answer);
	name_columns(&c, v);
	output_columns(&o, (const char *const *)c.name, c.count);
	for (int k = 0; k < v->frames; k++)
		put_frame(&o, &c, v, &v->frame[k]);
	if (output_has_pictures(&o)) {
		output_figure(&o, picture_words(v));
		output_figure(&o, v->C ? picture_classes(v) : NULL);
	}
	for (int k = 0; k < c.count; k++)
		free(c.name[k]);
	free(c.name);
	free(c.v);
	return output_close(&o, err);
}

/* --- JSON -------------------------------------------------------------------------------------------- */

static void json_values(struct json_writer *j, const struct view *v, const struct frame *f)
{
	if (v->unit >= 0)
		explain_json_number(j, "value", f->v[v->at * v->H + v->unit]);
	explain_json_number(j, "norm", signal_norm(f->v + (size_t)v->at * (size_t)v->H, v->H));
	explain_json_number(j, "change", f->change);
	jw_key(j, "change_at");
	if (f->change > 0) {
		jw_object(j);
		jw_key(j, "t");
		jw_int(j, f->change_t + 1);
		jw_key(j, "unit");
		jw_int(j, f->change_u);
		jw_object_end(j);
	} else {
		jw_null(j);
	}
	jw_key(j, "values");
	jw_array(j);
	for (int t = 0; t < v->T; t++) {
		const double *at = f->v + (size_t)t * (size_t)v->H;

		if (v->unit >= 0) {
			jw_f64(j, at[v->unit]);
			continue;
		}
		jw_array(j);
		for (int u = 0; u < v->H; u++)
			jw_f64(j, at[u]);
		jw_array_end(j);
	}
	jw_array_end(j);
}

static void json_frame(struct json_writer *j, const struct view *v, const struct frame *f)
{
	jw_object(j);
	jw_key(j, "step");
	jw_int(j, f->at.step);
	explain_json_number(j, "epoch", f->at.epoch);
	jw_key(j, "best");
	jw_bool(j, f->at.best);
	if (v->C) {
		explain_json_numbers(j, "probabilities", f->prob, v->C);
	} else {
		explain_json_text(j, "says", f->said);
		explain_json_number(j, "p", f->p);
	}
	json_values(j, v, f);
	jw_object_end(j);
}

static bool report_json(const struct view *v, struct err *err)
{
	const struct trace_run *r = &v->x->replay->run[v->run];
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	explain_json(&j, v->x);
	jw_key(&j, "layer");
	jw_int(&j, r->layer);
	explain_json_text(&j, "direction", r->backward ? "bw" : "fw");
	explain_json_text(&j, "signal", v->signal.name);
	jw_key(&j, "unit");
	if (v->unit >= 0)
		jw_int(&j, v->unit);
	else
		jw_null(&j);
	jw_key(&j, "at");
	jw_int(&j, v->at + 1);
	if (v->C) {
		jw_key(&j, "classes");
		jw_array(&j);
		for (int k = 0; k < v->C; k++)
			jw_text(&j, encoder_of(v)->classes.name[k]);
		jw_array_end(&j);
	}
	jw_key(&j, "checkpoints");
	jw_array(&j);
	for (int k = 0; k < v->frames; k++)
		json_frame(&j, v, &v->frame[k]);
	jw_array_end(&j);
	jw_object_end(&j);
	return explain_json_end(v->c, &b, err);
}

/* --- the command ------------------------------------------------------------------------------------- */

static bool read_options(struct view *v, const struct args *a, struct err *err)
{
	const struct replay *r = v->x->replay;
	int64_t at = r->T;

	v->T = r->T;
	v->H = r->H;
	v->C = r->C;
	v->run = explain_layer(r->m, a, err);
	if (v->run < 0 || !explain_unit(a, r->H, &v->unit, err) ||
	    !args_number(a, "--at", r->T, &at, err))
		return false;
	v->at = (int)at - 1;
	return signal_read(&v->signal, a, r->m->spec.cell, err);
}

bool command_travel(struct context *c, const struct args *a, struct err *err)
{
	struct explained x = {0};
	struct view v = {.x = &x, .c = c, .unit = -1};
	bool ok = explain_open(&x, c, a, false, err) && read_options(&v, a, err) &&
		  run_frames(&v, err);

	if (ok)
		ok = explain_is_json(c) ? report_json(&v, err) : report_rows(&v, err);
	if (ok && v.frames == 1 && !explain_is_json(c))
		explain_remark(c, "%s has one checkpoint stored; keep=all keeps one of every epoch",
			       x.run.name);
	view_release(&v);
	explain_release(&x);
	return ok;
}

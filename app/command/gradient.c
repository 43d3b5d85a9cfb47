/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much a class's score, or a label's loss, changes with the states at each word. */
#include "app/command/explain.h"

#include "engine/base/mem.h"
#include "engine/explain/gradient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_gradient[] = {
	{"--text", "TEXT", "the text to look at"},
	{"--class", "NAME", "the class whose score (logit) is derived (default: the likeliest)"},
	{"--label", "NAME", "derive the loss -ln p of this label instead"},
	{"--layer", "LAYER", "l0.fw, l1.bw and so on (default: the top one that goes forward)"},
	{"--unit", "N", "in rows: also the gradients by this unit"},
	{NULL, NULL, NULL},
};

struct view {
	const struct explained *x;
	struct gradient g;
	int of; /* the class or label */
	bool loss;
	int run, unit; /* unit -1: none */
};

static const struct trace_run *run_of(const struct view *v)
{
	return &v->x->replay->run[v->run];
}

/* |dF/dh| or |dF/dc| of a run at every position; NULL where there is no c. */
static double *norms(const struct view *v, int run, bool c)
{
	const struct replay *r = v->x->replay;
	const double *d = c ? v->g.dc[run] : v->g.dh[run];
	double *norm = d ? mem_zero((size_t)r->T, sizeof(*norm)) : NULL;

	for (int t = 0; d && t < r->T; t++)
		norm[t] = gradient_norm(
			d + (size_t)(replay_turn(&r->run[run], t) + 1) * (size_t)r->H, r->H);
	return norm;
}

static double largest(const double *v, int n)
{
	double most = 0;

	for (int k = 0; v && k < n; k++)
		most = fmax(most, v[k]);
	return most;
}

/* In words: what of h and c has vanished or exploded. */
static const char *note(const struct view *v, const double *h, const double *c, int t)
{
	const int T = v->x->replay->T;
	const bool small_h = gradient_vanished(h[t], largest(h, T)),
		   small_c = c && gradient_vanished(c[t], largest(c, T));

	if (gradient_exploded(&v->g, v->run, h[t]) || (c && gradient_exploded(&v->g, v->run, c[t])))
		return "exploded";
	return small_h && (small_c || !c) ? "vanished"
	       : small_h                  ? "vanished in h"
	       : small_c                  ? "vanished in c"
					  : "";
}

static struct value share(const double *v, int t, int T)
{
	const double most = largest(v, T);

	return v && most > 0 ? value_real(v[t] / most, 4) : value_null();
}

/* The gradients by the unit at every position; NULL where there are none. */
static double *by_unit(const struct view *v, const double *d)
{
	const size_t H = (size_t)v->x->replay->H;
	const int T = v->x->replay->T;
	double *out = d && v->unit >= 0 ? mem_zero((size_t)T, sizeof(*out)) : NULL;

	for (int t = 0; out && t < T; t++)
		out[t] = d[((size_t)replay_turn(run_of(v), t) + 1) * H + (size_t)v->unit];
	return out;
}

/* A number of a column, for reading: all of them have the decimals that the smallest takes, or powers of
 * ten where that is too many. */
static struct value of_column(const double *v, int t, int T)
{
	double least = INFINITY;
	int decimals;

	if (!v)
		return value_null();
	for (int k = 0; k < T; k++)
		if (v[k] != 0)
			least = fmin(least, fabs(v[k]));
	decimals = isinf(least) ? 3 : 3 - (int)floor(log10(least));
	if (decimals > 6)
		return value_power(v[t], 3);
	return value_real(v[t], decimals > 0 ? decimals : 0);
}

/* The norms over the words, as powers of ten. */
static struct figure *norms_picture(const struct view *v, const double *h, const double *c)
{
	const struct replay *r = v->x->replay;
	const double *of[] = {h, c};
	struct figure *f =
		figure_plot("word", "log10 of the norm", "how far back the score F reaches");

	for (int k = 0; k < (c ? 2 : 1); k++) {
		const int series = figure_series(f, k ? "dF/dc" : "dF/dh", true);

		for (int t = 0; t < r->T; t++) {
			size_t n;
			const char *token = replay_token(r, t, &n);
			char *label = mem_bytes(token, n);

			figure_point(f, series, t + 1, log10(of[k][t]), label);
			free(label);
		}
	}
	return f;
}

/* Each unit's gradient at each word. */
static struct figure *units_picture(const struct view *v, const double *d, char state)
{
	const struct replay *r = v->x->replay;
	struct figure *f = figure_heat(r->H, r->T, "dF/d%c of each unit, behind each word", state);

	f->is_signed = true;
	for (int t = 0; t < r->T; t++) {
		const double *row = d + (size_t)(replay_turn(run_of(v), t) + 1) * (size_t)r->H;

		for (int u = 0; u < r->H; u++)
			f->v[(size_t)u * (size_t)r->T + (size_t)t] = row[u];
	}
	explain_name_words(f, r);
	return f;
}

static void pictures(struct output *o, const struct view *v, const double *h, const double *c)
{
	if (!output_has_pictures(o))
		return;
	output_figure(o, norms_picture(v, h, c));
	output_figure(o, units_picture(v, v->g.dh[v->run], 'h'));
	if (c)
		output_figure(o, units_picture(v, v->g.dc[v->run], 'c'));
}

static bool report_rows(struct context *c, const struct view *v, struct err *err)
{
	static const char *const column[] = {"t",        "token", "dh",   "dc",  "dh_share",
					     "dc_share", "note",  "dh_u", "dc_u"};
	const int T = v->x->replay->T;
	double *h = norms(v, v->run, false), *cell = norms(v, v->run, true);
	double *dh = by_unit(v, v->g.dh[v->run]), *dc = by_unit(v, v->g.dc[v->run]);
	const char *name[9];
	char unit[2][32];
	struct output o;
	bool ok;

	memcpy(name, column, sizeof(name));
	for (int k = 0; k < 2; k++) {
		snprintf(unit[k], sizeof(unit[k]), "d%c[%d]", "hc"[k], v -> unit);
		name[7 + k] = unit[k];
	}
	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, name, v->unit >= 0 ? 9 : 7);
	for (int t = 0; t < T; t++) {
		struct value row[9] = {value_int(t + 1),
				       explain_token(v->x->replay, t),
				       of_column(h, t, T),
				       of_column(cell, t, T),
				       share(h, t, T),
				       share(cell, t, T),
				       value_text(note(v, h, cell, t)),
				       of_column(dh, t, T),
				       of_column(dc, t, T)};

		output_row(&o, row);
	}
	pictures(&o, v, h, cell);
	ok = output_close(&o, err);
	free(h);
	free(cell);
	free(dh);
	free(dc);
	return ok;
}

static void json_positions(struct json_writer *j, const struct view *v, int run, const char *key,
			   const double *d)
{
	const struct replay *r = v->x->replay;

	if (!d)
		return;
	jw_key(j, key);
	jw_array(j);
	for (int t = 0; t < r->T; t++) {
		const double *row = d + (size_t)(replay_turn(&r->run[run], t) + 1) * (size_t)r->H;

		jw_array(j);
		for (int u = 0; u < r->H; u++)
			jw_f64(j, row[u]);
		jw_array_end(j);
	}
	jw_array_end(j);
}

/* The positions, from 1, at which a norm is too small or too large. */
static void json_marks(struct json_writer *j, const struct view *v, int run, const char *key,
		       const double *norm, bool small)
{
	const int T = v->x->replay->T;
	const double most = largest(norm, T);

	if (!norm)
		return;
	jw_key(j, key);
	jw_array(j);
	for (int t = 0; t < T; t++)
		if (small ? gradient_vanished(norm[t], most)
			  : gradient_exploded(&v->g, run, norm[t]))
			jw_int(j, t + 1);
	jw_array_end(j);
}

static void json_run(struct json_writer *j, const struct view *v, int run)
{
	const int T = v->x->replay->T;
	double *h = norms(v, run, false), *c = norms(v, run, true);

	jw_object(j);
	jw_key(j, "layer");
	jw_int(j, v->x->replay->run[run].layer);
	explain_json_text(j, "direction", v->x->replay->run[run].backward ? "bw" : "fw");
	explain_json_number(j, "from_above", v->g.entry[run]);
	explain_json_numbers(j, "dh_norm", h, T);
	if (c)
		explain_json_numbers(j, "dc_norm", c, T);
	json_marks(j, v, run, "dh_vanished", h, true);
	json_marks(j, v, run, "dc_vanished", c, true);
	json_marks(j, v, run, "dh_exploded", h, false);
	json_marks(j, v, run, "dc_exploded", c, false);
	json_positions(j, v, run, "dh", v->g.dh[run]);
	json_positions(j, v, run, "dc", v->g.dc[run]);
	jw_object_end(j);
	free(h);
	free(c);
}

static double value_of(const struct view *v)
{
	const struct replay *r = v->x->replay;

	return v->loss ? -log(r->prob[v->of]) : r->logit[v->of];
}

static const char *name_of(const struct view *v)
{
	return v->x->run.snapshot->encoder->classes.name[v->of];
}

static bool report_json(struct context *c, const struct args *a, const struct view *v,
			struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	explain_json(&j, v->x);
	explain_json_text(&j, "of", v->loss ? "loss" : "score");
	explain_json_text(&j, "class", name_of(v));
	explain_json_number(&j, "value", value_of(v));
	explain_json_numbers(&j, "gradient_x_input", v->g.score, v->x->replay->T);
	jw_key(&j, "layers");
	jw_array(&j);
	for (int run = 0; run < v->x->replay->m->stack.runs; run++)
		if (!args_has(a, "--layer") || run == v->run)
			json_run(&j, v, run);
	jw_array_end(&j);
	jw_object_end(&j);
	return explain_json_end(c, &b, err);
}

static bool choose(struct view *v, const struct args *a, struct err *err)
{
	const char *class = args_value(a, "--class"), *label = args_value(a, "--label");
	const struct replay *r = v->x->replay;

	if (class && label)
		return err_set(err, ERR_USAGE,
			       "--class derives a score and --label a loss: give one of them");
	v->loss = label;
	v->of = class || label
			? explain_class(v->x->run.snapshot->encoder, class ? class : label, err)
			: explain_likeliest(r);
	v->run = explain_layer(r->m, a, err);
	return v->of >= 0 && v->run >= 0 && explain_unit(a, r->H, &v->unit, err);
}

static bool derive(struct view *v, struct err *err)
{
	const struct replay *r = v->x->replay;
	double *dlogit;

	if (!gradient_open(&v->g, r, false))
		return err_set(err, ERR_FAILED, "not enough memory for the gradients of %d words",
			       r->T);
	dlogit = mem_zero((size_t)r->C, sizeof(*dlogit));
	if (v->loss)
		gradient_of_loss(r, v->of, dlogit);
	else
		gradient_of_class(r, v->of, dlogit);
	gradient_run(&v->g, r, dlogit);
	free(dlogit);
	return true;
}

bool command_gradient(struct context *c, const struct args *a, struct err *err)
{
	struct explained x = {0};
	struct view v = {.x = &x, .unit = -1};
	bool ok = explain_open(&x, c, a, true, err) && choose(&v, a, err) && derive(&v, err);

	if (ok && explain_is_json(c))
		ok = report_json(c, a, &v, err);
	else if (ok)
		ok = report_rows(c, &v, err);
	if (ok && explain_is_table(c))
		context_say(c, "by the %s of %s, which is %.6f", v.loss ? "loss" : "score",
			    name_of(&v), value_of(&v));
	gradient_release(&v.g);
	explain_release(&x);
	return ok;
}

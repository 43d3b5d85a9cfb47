/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What diff has found, as JSON and as pictures. */
#include "app/command/diff.h"

#include <math.h>
#include <string.h>

/* --- JSON ------------------------------------------------------------------------------------------ */

static void json_int(struct json_writer *j, const char *key, int64_t v)
{
	jw_key(j, key);
	jw_int(j, v);
}

static void json_rows(struct json_writer *j, const char *key, const double *v, int rows, int cols)
{
	jw_key(j, key);
	jw_array(j);
	for (int r = 0; r < rows; r++) {
		jw_array(j);
		for (int k = 0; k < cols; k++)
			jw_f64(j, v[r * cols + k]);
		jw_array_end(j);
	}
	jw_array_end(j);
}

static void json_name(struct json_writer *j, const struct replay *r, int outcome)
{
	size_t n;
	const char *name = outcome < 0 ? NULL : course_name(r, outcome, &n);

	if (name)
		jw_text_n(j, name, n);
	else
		jw_null(j);
}

/* What a side says after each of its steps. */
static void json_course(struct json_writer *j, const struct replay *r, const struct course *c)
{
	jw_key(j, "likeliest");
	jw_array(j);
	for (int t = 0; t < c->T; t++)
		json_name(j, r, c->top[t]);
	jw_array_end(j);
	explain_json_numbers(j, "probability", c->p, c->T);
	if (!c->prob)
		return;
	jw_key(j, "classes");
	jw_array(j);
	for (int k = 0; k < c->C; k++)
		json_name(j, r, k);
	jw_array_end(j);
	json_rows(j, "probabilities", c->prob, c->T, c->C);
}

static void json_side(struct json_writer *j, const struct difference *d, int side)
{
	const struct explained *x = &d->x[side];
	char name[24];

	jw_key(j, side ? "b" : "a");
	explain_json(j, x);
	json_int(j, "step", x->run.snapshot->step);
	explain_json_text(j, "layer", explain_layer_name(x->replay->m, d->side[side].run, name));
	json_rows(j, "values", d->value[side], x->replay->T, x->replay->H);
	if (d->course[side].T)
		json_course(j, x->replay, &d->course[side]);
	jw_object_end(j);
}

/* A number of every row of one signal. */
static void json_step(struct json_writer *j, const struct difference *d, int signal,
		      const char *key, double (*of)(const struct diff_step *s))
{
	jw_key(j, key);
	jw_array(j);
	for (int k = 0; k < d->way.count; k++)
		jw_f64(j, of(&d->step[signal][k]));
	jw_array_end(j);
}

static double max_of(const struct diff_step *s)
{
	return s->max;
}

static double norm_of(const struct diff_step *s)
{
	return s->norm;
}

static void json_row_number(struct json_writer *j, const char *key, int row)
{
	jw_key(j, key);
	if (row < 0)
		jw_null(j);
	else
		jw_int(j, row + 1);
}

static void json_signals(struct json_writer *j, const struct difference *d)
{
	jw_key(j, "signals");
	jw_array(j);
	for (int k = 0; k < d->signals; k++) {
		jw_object(j);
		explain_json_text(j, "signal", d->signal[k].name);
		json_row_number(j, "diverges",
				diff_first(d->step[k], d->way.count, d->threshold, d->backward));
		json_int(j, "same_bits", diff_same_bits(d->step[k], d->way.count, d->backward));
		json_step(j, d, k, "max", max_of);
		json_step(j, d, k, "norm", norm_of);
		jw_object_end(j);
	}
	jw_array_end(j);
}

static void json_place(struct json_writer *j, const char *key, int at, int from)
{
	jw_key(j, key);
	if (at < 0)
		jw_null(j);
	else
		jw_int(j, at + from);
}

static void json_steps(struct json_writer *j, const struct difference *d)
{
	jw_key(j, "rows");
	jw_array(j);
	for (int k = 0; k < d->way.count; k++) {
		const struct diff_step *s = &d->step[d->chosen][k];
		const struct unit_pair *p = s->pair < 0 ? NULL : &d->units.pair[s->pair];

		jw_object(j);
		json_place(j, "t_a", d->way.at[k].a, 1);
		json_place(j, "t_b", d->way.at[k].b, 1);
		jw_key(j, "same_token");
		jw_bool(j, d->way.at[k].same);
		explain_json_number(j, "max", s->max);
		json_place(j, "unit_a", p ? p->a : -1, 0);
		json_place(j, "unit_b", p ? p->b : -1, 0);
		explain_json_number(j, "norm", s->norm);
		explain_json_number(j, "norm_a", s->norm_a);
		explain_json_number(j, "norm_b", s->norm_b);
		jw_object_end(j);
	}
	jw_array_end(j);
}

static void json_matching(struct json_writer *j, const struct difference *d)
{
	const struct pairing *u = &d->units;

	jw_key(j, "matching");
	jw_object(j);
	explain_json_text(j, "by", d->by_index ? "index" : "correlation");
	explain_json_text(j, "data", d->data);
	json_int(j, "texts", u->texts);
	json_int(j, "words", u->steps);
	explain_json_number(j, "mean_abs_r", u->mean);
	explain_json_number(j, "mean_abs_r_of_any_two", u->any);
	explain_json_number(j, "mean_abs_r_shuffled", u->chance);
	explain_json_number(j, "mean_abs_r_by_index", u->same_number);
	jw_key(j, "best_at_own_index");
	if (isnan(u->same_number))
		jw_null(j);
	else
		jw_int(j, u->at_home);
	jw_key(j, "pairs");
	jw_array(j);
	for (int k = 0; k < u->count; k++) {
		jw_object(j);
		json_int(j, "unit_a", u->pair[k].a);
		json_int(j, "unit_b", u->pair[k].b);
		explain_json_number(j, "r", u->pair[k].r);
		jw_object_end(j);
	}
	jw_array_end(j);
	jw_object_end(j);
}

bool diff_json(struct context *c, const struct difference *d, struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	jw_object(&j);
	json_side(&j, d, 0);
	json_side(&j, d, 1);
	explain_json_text(&j, "signal", d->signal[d->chosen].name);
	jw_key(&j, "same_weights");
	jw_bool(&j, d->same_weights);
	explain_json_number(&j, "threshold", d->threshold);
	json_row_number(&j, "diverges", d->first);
	json_steps(&j, d);
	json_signals(&j, d);
	json_matching(&j, d);
	jw_object_end(&j);
	return explain_json_end(c, &b, err);
}

/* --- pictures -------------------------------------------------------------------------------------- */

/* "good", "good/bad" where they differ, "–" for none, and a mark where they part. */
static void name_column(struct figure *f, const struct difference *d, int row)
{
	struct buf name = {0};

	if (row == d->first)
		buf_text(&name, ">");
	for (int side = 0; side < 2; side++) {
		const struct value v = diff_token(d, side, row);

		if (side && d->way.at[row].same)
			break;
		if (side)
			buf_byte(&name, '/');
		if (v.n)
			buf_add(&name, v.text, v.n);
		else
			buf_text(&name, "–");
	}
	figure_name_col(f, row, buf_str(&name), name.len);
	buf_release(&name);
}

static void name_unit(struct figure *f, const struct difference *d, int pair, int which)
{
	const struct unit_pair *p = &d->units.pair[pair];
	const bool turned = d->signal[d->chosen].is_signed && p->r < 0;
	char name[40];

	if (which == 2 && p->a != p->b)
		snprintf(name, sizeof(name), "%d ~ %s%d", p->a, turned ? "−" : "", p->b);
	else if (which == 1)
		snprintf(name, sizeof(name), "%s%d", turned ? "−" : "", p->b);
	else
		snprintf(name, sizeof(name), "%d", p->a);
	figure_name_row(f, pair, name, strlen(name));
}

/* One of the three: a, b, and, which is 2, a - b. */
static struct figure *picture(const struct difference *d, int which)
{
	const struct diff_signal *s = &d->signal[d->chosen];
	const struct explained *x = &d->x[which & 1];
	struct figure *f;

	if (which == 2)
		f = figure_heat(d->units.count, d->way.count, "%s: a − b", s->name);
	else
		f = figure_heat(d->units.count, d->way.count, "%s of %s: %s at step %lld", s->name,
				which ? "b" : "a", x->run.name, (long long)x->run.snapshot->step);
	f->is_signed = which == 2 || s->is_signed;
	for (int row = 0; row < d->way.count; row++)
		name_column(f, d, row);
	for (int k = 0; k < d->units.count; k++) {
		name_unit(f, d, k, which);
		for (int row = 0; row < d->way.count; row++)
			f->v[k * d->way.count + row] =
				which == 2 ? diff_number(d, 0, row, k) - diff_number(d, 1, row, k)
					   : diff_number(d, which, row, k);
	}
	return f;
}

void diff_pictures(struct output *o, const struct difference *d)
{
	struct figure *a = picture(d, 0), *b = picture(d, 1);

	a->limit = b->limit = fmax(figure_limit(a), figure_limit(b)); /* the same colours */
	output_figure(o, picture(d, 2));
	output_figure(o, a);
	output_figure(o, b);
}

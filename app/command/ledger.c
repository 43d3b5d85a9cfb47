/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory ledger of a text: what each word wrote into a state, and how much of it is left. */
#include "app/command/explain.h"

#include "engine/base/mem.h"
#include "engine/inspect/ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_ledger[] = {
	{"--text", "TEXT", "the text to look at"},
	{"--layer", "LAYER", "l0.fw, l1.bw and so on (default: the top one that goes forward)"},
	{"--unit", "N", "this unit alone: what was carried, written and kept at each word"},
	{"--at", "T", "the state at this word (default: the last one that the layer reads)"},
	{NULL, NULL, NULL},
};

enum {
	TABLE_UNITS = 6, /* in a table, to be read: those whose state is largest */
	DECIMALS = 4
};

struct view {
	const struct explained *x;
	struct ledger l;
	int run, at;       /* at: the position, from 0 */
	int unit;          /* -1: all */
	int *column, cols; /* the units that are shown */
	double **
		shown; /* cols: what is left of every row, and of the initial state, to be printed */
};

static const struct trace_run *run_of(const struct view *v)
{
	return &v->x->replay->run[v->run];
}

static const struct cell_ops *cell_of(const struct view *v)
{
	return v->x->replay->m->spec.cell;
}

/* The ledger's row of a position; -1 where the state is older than that. */
static int row_at(const struct view *v, int t)
{
	const int k = replay_turn(run_of(v), t);

	return k < v->l.steps ? k : -1;
}

/* All units, or the one, or, in a table, the most there is room for, in order. */
static void choose_units(struct view *v, bool table)
{
	const int H = v->l.H;
	bool *in = mem_zero((size_t)H, sizeof(*in));
	const int most = table && H > TABLE_UNITS ? TABLE_UNITS : H;

	v->column = mem_zero((size_t)H, sizeof(*v->column));
	for (int n = 0; n < (v->unit >= 0 ? 1 : most); n++) {
		int best = v->unit;

		for (int u = 0; v->unit < 0 && u < H; u++)
			if (!in[u] && (best < 0 || fabs(v->l.state[u]) > fabs(v->l.state[best])))
				best = u;
		in[best] = true;
	}
	for (int u = 0; u < H; u++)
		if (in[u])
			v->column[v->cols++] = u;
	free(in);
}

/* What is printed of the words' rows, so that it adds up. */
static void round_rows(struct view *v, const struct context *c)
{
	const size_t H = (size_t)v->l.H;
	double *all = mem_alloc(((size_t)v->l.steps + 1) * sizeof(*all));

	v->shown = mem_zero((size_t)v->cols, sizeof(*v->shown));
	for (int k = 0; k < v->cols; k++) {
		for (int s = 0; s < v->l.steps; s++)
			all[s] = v->l.row[(size_t)s * H + (size_t)v->column[k]];
		all[v->l.steps] = v->l.begin_row[v->column[k]];
		v->shown[k] = explain_rounded(c, all, v->l.steps + 1, DECIMALS);
	}
	free(all);
}

static void view_release(struct view *v)
{
	for (int k = 0; v->shown && k < v->cols; k++)
		free(v->shown[k]);
	free(v->shown);
	free(v->column);
	ledger_release(&v->l);
}

/* --- rows ------------------------------------------------------------------------------------------ */

/* In words; "never" where it has no end. */
static struct value half_life(double v)
{
	return isinf(v) ? value_text("never") : value_real(v, 1);
}

static void foot(struct output *o, const struct view *v, struct value *row, const char *name,
		 const double *of)
{
	row[0] = value_null();
	row[1] = value_text(name);
	for (int k = 0; k < v->cols; k++)
		row[2 + k] = value_real(of[v->column[k]], DECIMALS);
	output_row(o, row);
}

/* A row a word, a column a unit. */
static void rows_units(struct context *c, struct output *o, const struct view *v)
{
	const char **name = mem_zero((size_t)v->cols + 2, sizeof(*name));
	struct value *row = mem_zero((size_t)v->cols + 2, sizeof(*row));
	char **made = mem_zero((size_t)v->cols, sizeof(*made));

	name[0] = "t";
	name[1] = "token";
	for (int k = 0; k < v->cols; k++)
		name[2 + k] = made[k] =
			mem_printf("%s[%d]", run_of(v)->c ? "c" : "h", v->column[k]);
	output_columns(o, name, v->cols + 2);
	for (int t = 0; t < v->x->replay->T; t++) {
		const int k = row_at(v, t);

		if (k < 0)
			continue;
		row[0] = value_int(t + 1);
		row[1] = explain_token(v->x->replay, t);
		for (int u = 0; u < v->cols; u++)
			row[2 + u] = value_real(v->shown[u][k], DECIMALS);
		output_row(o, row);
	}
	row[0] = value_null();
	row[1] = value_text("initial state");
	for (int u = 0; u < v->cols; u++)
		row[2 + u] = value_real(v->shown[u][v->l.steps], DECIMALS);
	output_row(o, row);
	foot(o, v, row, "sum", v->l.sum);
	foot(o, v, row, "state", v->l.state);
	row[1] = value_text("residual");
	for (int u = 0; u < v->cols; u++)
		row[2 + u] = explain_residual(c, v->l.residual[v->column[u]]);
	output_row(o, row);
	row[1] = value_text("half-life");
	for (int u = 0; u < v->cols; u++)
		row[2 + u] = half_life(v->l.half_life[v->column[u]]);
	output_row(o, row);
	for (int k = 0; k < v->cols; k++)
		free(made[k]);
	free(made);
	free(name);
	free(row);
}

/* Words in columns, units in rows: what is left of each. */
static struct figure *picture(const struct view *v)
{
	const struct replay *r = v->x->replay;
	const int rows = v->unit < 0 ? v->l.H : 1;
	struct figure *f = figure_heat(rows, r->T, "what is left of each word in %c at word %d",
				       run_of(v)->c ? 'c' : 'h', v->at + 1);

	f->is_signed = true;
	for (int u = 0; u < rows; u++) {
		char name[16];
		const int unit = v->unit < 0 ? u : v->unit;

		snprintf(name, sizeof(name), "%d", unit);
		if (v->unit >= 0) /* without a name it is its number */
			figure_name_row(f, u, name, strlen(name));
		for (int t = 0; t < r->T; t++) {
			const int k = row_at(v, t);

			if (k >= 0)
				f->v[u * r->T + t] = v->l.row[k * v->l.H + unit];
		}
	}
	explain_name_words(f, r);
	return f;
}

static void unit_foot(struct output *o, const char *name, struct value v)
{
	output_row(o, (struct value[]){value_null(), value_text(name), value_null(), value_null(),
				       value_null(), v});
}

/* One unit: what was carried on, what was written, how much of it is kept, and what that makes. */
static void rows_unit(struct context *c, struct output *o, const struct view *v)
{
	static const char *const name[] = {"t", "token", "carry", "write", "kept", "left"};
	const size_t u = (size_t)v->unit, H = (size_t)v->l.H;

	output_columns(o, name, 6);
	for (int t = 0; t < v->x->replay->T; t++) {
		const int k = row_at(v, t);
		const size_t at = (size_t)k * H + u;

		if (k < 0)
			continue;
		output_row(o, (struct value[]){value_int(t + 1), explain_token(v->x->replay, t),
					       value_real(v->l.carry[at], DECIMALS),
					       value_real(v->l.write[at], DECIMALS),
					       value_real(v->l.kept[at], DECIMALS),
					       value_real(v->shown[0][k], DECIMALS)});
	}
	unit_foot(o, "initial state", value_real(v->shown[0][v->l.steps], DECIMALS));
	unit_foot(o, "sum", value_real(v->l.sum[u], DECIMALS));
	unit_foot(o, "state", value_real(v->l.state[u], DECIMALS));
	unit_foot(o, "residual", explain_residual(c, v->l.residual[u]));
	unit_foot(o, "half-life", half_life(v->l.half_life[u]));
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static void json_units(struct json_writer *j, const struct view *v, const char *key,
		       const double *of)
{
	jw_key(j, key);
	jw_array(j);
	for (int k = 0; k < v->cols; k++)
		jw_f64(j, of[v->column[k]]);
	jw_array_end(j);
}

/* A row a word, in the order of the text; null where the state is older than the word. */
static void json_words(struct json_writer *j, const struct view *v, const char *key,
		       const double *of)
{
	jw_key(j, key);
	jw_array(j);
	for (int t = 0; t < v->x->replay->T; t++) {
		const int k = row_at(v, t);

		if (k < 0) {
			jw_null(j);
			continue;
		}
		jw_array(j);
		for (int u = 0; u < v->cols; u++)
			jw_f64(j, of[k * v->l.H + v->column[u]]);
		jw_array_end(j);
	}
	jw_array_end(j);
}

static bool report_json(struct context *c, const struct view *v, struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	explain_json(&j, v->x);
	jw_key(&j, "layer");
	jw_int(&j, run_of(v)->layer);
	explain_json_text(&j, "direction", run_of(v)->backward ? "bw" : "fw");
	explain_json_text(&j, "state_of", run_of(v)->c ? "c" : "h");
	explain_json_text(&j, "carry_is", cell_of(v)->carry_text);
	explain_json_text(&j, "write_is", cell_of(v)->write_text);
	jw_key(&j, "at");
	jw_int(&j, v->at + 1);
	jw_key(&j, "units");
	jw_array(&j);
	for (int k = 0; k < v->cols; k++)
		jw_int(&j, v->column[k]);
	jw_array_end(&j);
	json_words(&j, v, "carry", v->l.carry);
	json_words(&j, v, "write", v->l.write);
	json_words(&j, v, "kept", v->l.kept);
	json_words(&j, v, "left", v->l.row);
	json_units(&j, v, "initial", v->l.begin);
	json_units(&j, v, "initial_left", v->l.begin_row);
	json_units(&j, v, "sum", v->l.sum);
	json_units(&j, v, "state", v->l.state);
	json_units(&j, v, "residual", v->l.residual);
	json_units(&j, v, "half_life", v->l.half_life);
	jw_object_end(&j);
	return explain_json_end(c, &b, err);
}

/* --- the command ----------------------------------------------------------------------------------- */

static bool read_at(struct view *v, const struct args *a, struct err *err)
{
	const int T = v->x->replay->T;
	int64_t at = run_of(v)->backward ? 1 : T;

	if (!args_number(a, "--at", T, &at, err))
		return false;
	v->at = (int)at - 1;
	return true;
}

static bool report(struct context *c, struct view *v, struct err *err)
{
	struct output o;

	if (explain_is_json(c)) {
		choose_units(v, false);
		return report_json(c, v, err);
	}
	output_open(&o, c->format, c->out, c->answer);
	choose_units(v, explain_is_table(c));
	round_rows(v, c);
	if (v->unit >= 0)
		rows_unit(c, &o, v);
	else
		rows_units(c, &o, v);
	if (output_has_pictures(&o))
		output_figure(&o, picture(v));
	return output_close(&o, err);
}

bool command_ledger(struct context *c, const struct args *a, struct err *err)
{
	struct explained x = {0};
	struct view v = {.x = &x, .unit = -1};
	bool ok = explain_open(&x, c, a, false, err);

	if (ok) {
		v.run = explain_layer(x.replay->m, a, err);
		ok = v.run >= 0 && explain_unit(a, x.replay->H, &v.unit, err) &&
		     read_at(&v, a, err);
	}
	if (ok) {
		ok = ledger_fill(&v.l, cell_of(&v), run_of(&v), x.replay->H,
				 replay_turn(run_of(&v), v.at) + 1);
		if (!ok)
			err_set(err, ERR_FAILED, "not enough memory for a ledger of %d words",
				x.replay->T);
	}
	ok = ok && report(c, &v, err);
	view_release(&v);
	explain_release(&x);
	return ok;
}

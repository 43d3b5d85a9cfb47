/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One unit's equations at one step of a text, line by line, with the numbers put in. */
#include "app/command/equations.h"

#include "app/command/explain.h"
#include "app/command/trace.h"
#include "engine/base/mem.h"
#include "engine/inspect/equations.h"
#include "engine/text/utf8.h"

#include <stdlib.h>
#include <string.h>

const struct option options_equations[] = {
	{"--text", "TEXT", "the text to look at"},
	{"--unit", "N", "the unit, from 0"},
	{"--at", "T", "at this word, from 1 (default: the last one that the layer reads)"},
	{"--layer", "LAYER",
	 "l0.fw, l1.bw, dec.l0 and so on (default: the top one that goes forward)"},
	{"--top", "N", "the largest contributions to list of each product (default 4)"},
	{NULL, NULL, NULL},
};

enum { DECIMALS = 4 };

bool equations_choose(struct equations_of *q, const struct args *a, struct err *err)
{
	const struct trace *t = q->trace;
	int64_t at, top = q->top;
	int run = q->run;

	if (args_value(a, "--layer"))
		run = trace_find_layer(t, args_value(a, "--layer"), err);
	if (run < 0)
		return false;
	if (!t->run[run].T)
		return err_set(err, ERR_USAGE, "there is no token in the text, and so no step");
	if (run != q->run && q->t >= t->run[run].T)
		q->t = t->run[run].T - 1; /* the decoder has steps of its own */
	q->run = run;
	at = q->t >= 0 ? q->t + 1 : t->run[run].backward ? 1 : t->run[run].T;
	if (!args_number(a, "--at", t->run[run].T, &at, err) ||
	    !args_number(a, "--top", EQUATIONS_TOP_MAX, &top, err))
		return false;
	q->t = (int)at - 1;
	q->top = (int)top;
	return explain_unit(a, t->H, &q->unit, err);
}

/* --- rows ------------------------------------------------------------------------------------------ */

struct rows {
	struct output *o;
	bool table;
	int line;
	char gate[EQUATION_NAME];
};

static struct value number(const struct rows *r, double v)
{
	return value_real(v, r->table ? DECIMALS : -1);
}

/* What is left over: its first digit, where it is for reading. */
static struct value residual(const struct rows *r, double v)
{
	char digit[32];

	snprintf(digit, sizeof(digit), "%.0e", v);
	return value_real(r->table ? strtod(digit, NULL) : v, -1);
}

static void row(struct rows *r, const char *term, const char *what, double v, const double *left)
{
	output_row(r->o, (struct value[]){value_int(r->line), value_text(r->gate), value_text(term),
					  value_text(what), number(r, v),
					  left ? residual(r, *left) : value_null()});
}

/* The residuals of the exact numbers stand beside the rounded ones. */
static void term_rows(struct rows *r, const struct equation_term *m,
		      const struct equation_term *exact)
{
	char rest[64];

	row(r, m->symbol, m->product ? "product" : "term", m->value,
	    m->parts && !m->product ? &exact->residual : NULL);
	for (int k = 0; k < m->parts; k++)
		row(r, m->symbol, m->part[k].name, m->part[k].value, NULL);
	if (!m->others)
		return;
	snprintf(rest, sizeof(rest), "rest of %d", m->others);
	row(r, m->symbol, rest, m->rest, NULL);
}

static void line_rows(struct rows *r, const struct equations *e, const struct equation *l,
		      const struct equation *exact)
{
	static const char *const name[] = {"input", "forget", "output"};
	struct buf says = {0};

	buf_printf(&says, "%s = %s", l->left, l->right);
	if (l->kind == EQUATION_WITHOUT && e->cell->coupled)
		buf_text(&says, ", coupled to i");
	else if (l->kind == EQUATION_WITHOUT)
		buf_printf(&says, ", there is no %s gate",
			   name[*l->left == 'i'   ? 0
				: *l->left == 'f' ? 1
						  : 2]);
	if (l->set)
		buf_text(&says, ", set by hand");
	row(r, NULL, buf_str(&says), l->value, &exact->residual);
	buf_release(&says);
	for (int k = 0; k < l->terms; k++)
		if (l->kind != EQUATION_GATE)
			term_rows(r, &l->term[k], &exact->term[k]);
}

void equations_rows(struct output *o, const struct equations_of *q, bool table)
{
	static const char *const column[] = {"line", "gate", "term", "what", "value", "residual"};
	struct equations e, exact;
	struct rows r = {.o = o, .table = table};

	equations_fill(&exact, q->trace, q->run, q->t, q->unit, q->top);
	equations_fill(&e, q->trace, q->run, q->t, q->unit, q->top);
	if (table)
		equations_round(&e, DECIMALS);
	output_columns(o, column, 6);
	for (int k = 0; k < e.lines; k++) {
		const char *left = e.line[k].left;

		r.line = k + 1;
		snprintf(r.gate, sizeof(r.gate), "%s",
			 e.line[k].kind == EQUATION_SUM ? left + 2 : left);
		line_rows(&r, &e, &e.line[k], &exact.line[k]);
	}
	equations_release(&exact);
	equations_release(&e);
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static void json_parts(struct json_writer *j, const struct equation_term *m)
{
	jw_key(j, m->product ? "factors" : "parts");
	jw_array(j);
	for (int k = 0; k < m->parts; k++) {
		jw_object(j);
		explain_json_text(j, "name", m->part[k].name);
		explain_json_number(j, "value", m->part[k].value);
		jw_object_end(j);
	}
	jw_array_end(j);
	if (m->product)
		return;
	jw_key(j, "others");
	jw_int(j, m->others);
	explain_json_number(j, "rest", m->rest);
	explain_json_number(j, "residual", m->residual);
}

static void json_line(struct json_writer *j, const struct equation *l, int number)
{
	static const char *const kind[] = {"sum", "gate", "without", "state", "output"};

	jw_object(j);
	jw_key(j, "line");
	jw_int(j, number);
	explain_json_text(j, "kind", kind[l->kind]);
	explain_json_text(j, "left", l->left);
	explain_json_text(j, "right", l->right);
	explain_json_number(j, "value", l->value);
	explain_json_number(j, "comes_to", l->comes_to);
	explain_json_number(j, "residual", l->residual);
	jw_key(j, "set");
	jw_bool(j, l->set);
	jw_key(j, "terms");
	jw_array(j);
	for (int k = 0; k < l->terms; k++) {
		jw_object(j);
		explain_json_text(j, "term", l->term[k].symbol);
		explain_json_number(j, "value", l->term[k].value);
		if (l->term[k].part)
			json_parts(j, &l->term[k]);
		jw_object_end(j);
	}
	jw_array_end(j);
	jw_object_end(j);
}

static void json_place(struct json_writer *j, const struct loaded *l, const struct equations_of *q)
{
	const struct trace_run *r = &q->trace->run[q->run];
	size_t n;
	const char *token = trace_token(q->trace, q->run, q->t, &n);

	explain_json_text(j, "run", l->id);
	explain_json_text(j, "name", l->name);
	explain_json_text(j, "cell", q->trace->snapshot->encoder->model.spec.cell->name);
	explain_json_text(j, "text", q->trace->text);
	jw_key(j, "layer");
	jw_int(j, r->layer);
	explain_json_text(j, "direction", r->decoder ? "dec" : r->backward ? "bw" : "fw");
	jw_key(j, "t");
	jw_int(j, q->t + 1);
	jw_key(j, "token");
	jw_text_n(j, token, n);
	jw_key(j, "unit");
	jw_int(j, q->unit);
}

static bool report_json(struct context *c, const struct loaded *l, const struct equations_of *q,
			struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);
	struct equations e;

	equations_fill(&e, q->trace, q->run, q->t, q->unit, q->top);
	jw_object(&j);
	json_place(&j, l, q);
	jw_key(&j, "lines");
	jw_array(&j);
	for (int k = 0; k < e.lines; k++)
		json_line(&j, &e.line[k], k + 1);
	jw_array_end(&j);
	jw_object_end(&j);
	equations_release(&e);
	return explain_json_end(c, &b, err);
}

/* --- the command ----------------------------------------------------------------------------------- */

/* Where it is. */
static void remark(struct context *c, const struct equations_of *q)
{
	const struct trace *t = q->trace;
	char layer[24];
	size_t n;
	const char *token = trace_token(t, q->run, q->t, &n);

	trace_name(t, q->run, layer);
	explain_remark(c, "%s%sunit %d at word %d of %d, “%.*s”", layer, *layer ? " " : "", q->unit,
		       q->t + 1, t->run[q->run].T, (int)(n < 60 ? n : 60), token);
}

static bool report(struct context *c, const struct loaded *l, const struct equations_of *q,
		   struct err *err)
{
	struct output o;

	if (explain_is_json(c))
		return report_json(c, l, q, err);
	if (explain_is_table(c))
		remark(c, q);
	output_open(&o, c->format, c->out, c->answer);
	equations_rows(&o, q, explain_is_table(c));
	return output_close(&o, err);
}

/* Gates and states alone: a long text costs what its steps cost. */
static struct trace *states_of(struct snapshot *s, const char *text, struct err *err)
{
	struct buf clean = {0};
	struct trace *t;

	utf8_repair(&clean, text, strlen(text), NULL);
	t = trace_states(s, buf_str(&clean), clean.len, err);
	buf_release(&clean);
	return t;
}

bool command_equations(struct context *c, const struct args *a, struct err *err)
{
	const char *text = args_value(a, "--text");
	struct equations_of q = {.t = -1, .top = EQUATIONS_TOP};
	struct trace *t = NULL;
	struct loaded l = {0};
	bool ok;

	if (!text)
		return err_set(err, ERR_USAGE, "equations needs --text TEXT");
	if (!args_value(a, "--unit"))
		return err_set(err, ERR_USAGE, "equations needs --unit N");
	ok = context_load(c, a->pos[0], &l, err);
	if (ok)
		t = states_of(l.snapshot, text, err);
	q.trace = t;
	if (t)
		q.run = trace_find_layer(t, NULL, err);
	ok = t && equations_choose(&q, a, err) && report(c, &l, &q, err);
	trace_free(t);
	loaded_release(&l);
	return ok;
}

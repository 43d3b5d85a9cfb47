/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values: see expr_parse.c for how an expression comes about. */
#include "engine/inspect/expr.h"

#include "engine/base/mem.h"
#include "engine/inspect/expr_tree.h"
#include "engine/inspect/outcome.h"
#include "engine/inspect/runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void expr_free(struct expr *e)
{
	if (!e)
		return;
	free(e->text);
	free(e->node);
	free(e);
}

const char *expr_text(const struct expr *e)
{
	return e->text;
}

void expr_value_release(struct expr_value *v)
{
	free(v->v);
	*v = (struct expr_value){0};
}

static bool at_column(const struct expr_node *n, struct err *err, const char *what)
{
	return err_set(err, ERR_USAGE, "column %d: %s", n->column, what);
}

static void room(struct expr_value *v, int count, bool vector)
{
	v->v = mem_grow(v->v, &v->cap, (size_t)count + 1, sizeof(*v->v));
	v->count = count;
	v->vector = vector;
	v->text = NULL;
}

static void put_number(struct expr_value *v, double x)
{
	room(v, 1, false);
	v->v[0] = x;
}

static void put_text(struct expr_value *v, const char *s, size_t n)
{
	room(v, 0, false);
	v->text = s;
	v->n = n;
}

bool expr_true(const struct expr_value *v)
{
	if (v->text)
		return v->n > 0;
	for (int k = 0; k < v->count; k++)
		if (v->v[k] != 0 && !isnan(v->v[k]))
			return true;
	return false;
}

/* The run that a name stands for: the one that is looked at, unless it says another; -1: there is none. */
static int run_of(const struct expr_node *n, const struct expr_place *at)
{
	const struct trace *t = at->trace;

	if (!n->placed)
		return at->run;
	for (int k = 0; k < t->runs; k++) {
		const struct trace_run *r = &t->run[k];

		if (r->decoder == n->decoder && (n->layer < 0 || r->layer == n->layer) &&
		    r->backward == n->backward)
			return k;
	}
	return -1;
}

static int gate_of(const struct trace *t, const char *name)
{
	return cell_gate(t->snapshot->encoder->model.spec.cell, name);
}

/* How many numbers a signal has at a step; 0: there is no such signal. */
static int width_of(const struct trace *t, const struct trace_run *r, const struct expr_node *n)
{
	if (!strcmp(n->name, "x"))
		return r->E;
	if (!strncmp(n->name, "z_", 2))
		return gate_of(t, n->name + 2) < 0 ? 0 : t->H;
	return trace_signal_find(r, n->name) < 0 ? 0 : t->H;
}

/* The numbers of a signal at a position, from 0; -1 is before the first one. NULL: they are not there. */
static const double *numbers_at(const struct trace *t, const struct trace_run *r,
				const struct expr_node *n, int position)
{
	const int step = r->backward ? r->T - 1 - position : position;
	const size_t H = (size_t)t->H;
	const bool first = r->backward ? position == r->T : position == -1;

	if (first && r->c && !strcmp(n->name, "c"))
		return r->c;
	if (first && !strcmp(n->name, "h"))
		return r->h;
	if (position < 0 || position >= r->T)
		return NULL;
	if (!strcmp(n->name, "x"))
		return r->x + (size_t)step * (size_t)r->E;
	if (!strncmp(n->name, "z_", 2))
		return r->z[gate_of(t, n->name + 2)] + (size_t)step * H;
	return r->signal[trace_signal_find(r, n->name)].v + (size_t)position * H;
}

/* Which position a signal is looked at: its own, or the place's, so many steps before. */
static int position_of(const struct expr_node *n, const struct trace_run *r,
		       const struct expr_place *at, int back)
{
	/* c@0 is the state before the first step; the other direction begins behind the last one. */
	const int own = n->step == 0 && r->backward ? r->T : n->step - 1;
	const int position = n->step >= 0 ? own : at->t;

	return r->backward ? position + back : position - back;
}

static void take_signal(const struct expr_node *n, const struct expr_place *at, int back,
			struct expr_value *out)
{
	const struct trace *t = at->trace;
	const struct trace_run *r = &t->run[run_of(n, at)];
	const int width = width_of(t, r, n), count = n->unit < 0 ? width : 1;
	const double *v = numbers_at(t, r, n, position_of(n, r, at, back));

	room(out, count, n->unit < 0);
	for (int k = 0; k < count; k++)
		out->v[k] = !v ? (double)NAN : v[n->unit < 0 ? k : n->unit];
}

static void take_word(const struct expr_place *at, int back, struct expr_value *out)
{
	const struct trace_run *r = &at->trace->run[at->run];
	const int position = r->backward ? at->t + back : at->t - back;
	size_t n = 0;
	const char *s = "";

	if (position >= 0 && position < r->T)
		s = trace_token(at->trace, at->run, position, &n);
	put_text(out, s, n);
}

/* The place of a class, or -1. */
static int class_of(const struct trace *t, const char *name)
{
	return classes_find(&t->snapshot->encoder->classes, name);
}

static void take_outcome(const struct expr_node *n, const struct expr_place *at, int back,
			 struct expr_value *out)
{
	const struct trace *t = at->trace;
	const int step = at->t - back, class = *n->text ? class_of(t, n->text) : -1;
	const bool there = step >= 0 && step < trace_prob_steps(t);
	const double *p = t->prob + (size_t)(there ? step : 0) * (size_t)t->C;

	room(out, class < 0 ? t->C : 1, class < 0);
	for (int k = 0; k < out->count; k++)
		out->v[k] = there ? p[class < 0 ? k : class] : (double)NAN;
}

static bool take_name(const struct expr_node *n, const struct expr_place *at, int back,
		      struct expr_value *out)
{
	const struct trace_run *r = &at->trace->run[at->run];

	switch (n->kind) {
	case EXPR_T:
		put_number(out, (r->backward ? at->t + back : at->t - back) + 1);
		break;
	case EXPR_STEPS:
		put_number(out, r->T);
		break;
	case EXPR_LAYER:
		put_number(out, r->layer);
		break;
	case EXPR_UNKNOWN:
		put_number(out, trace_unknown(at->trace, at->run, at->t));
		break;
	case EXPR_WORD:
		take_word(at, back, out);
		break;
	case EXPR_OUTCOME:
		take_outcome(n, at, back, out);
		break;
	default:
		take_signal(n, at, back, out);
	}
	return true;
}

static double of_two(enum expr_op op, double a, double b)
{
	switch (op) {
	case EXPR_EQ:
		return a == b;
	case EXPR_NE:
		return a != b;
	case EXPR_LT:
		return a < b;
	case EXPR_LE:
		return a <= b;
	case EXPR_GT:
		return a > b;
	case EXPR_GE:
		return a >= b;
	case EXPR_ADD:
		return a + b;
	case EXPR_SUB:
		return a - b;
	case EXPR_MUL:
		return a * b;
	default:
		return a / b;
	}
}

static bool compare_texts(const struct expr_node *n, const struct expr_value *a,
			  const struct expr_value *b, struct expr_value *out, struct err *err)
{
	bool equal;

	if (!a->text || !b->text || (n->op != EXPR_EQ && n->op != EXPR_NE))
		return at_column(n, err, "a text can only be compared with a text, by == or !=");
	equal = a->n == b->n && !memcmp(a->text, b->text, a->n);
	put_number(out, equal == (n->op == EXPR_EQ));
	return true;
}

static bool combine(const struct expr_node *n, const struct expr_value *a,
		    const struct expr_value *b, struct expr_value *out, struct err *err)
{
	const bool vector = a->vector || b->vector;
	const int count = a->vector ? a->count : b->count;

	if (a->text || b->text)
		return compare_texts(n, a, b, out, err);
	if (a->vector && b->vector && a->count != b->count)
		return err_set(err, ERR_USAGE,
			       "column %d: these have %d and %d numbers, which do not go together",
			       n->column, a->count, b->count);
	room(out, vector ? count : 1, vector);
	for (int k = 0; k < out->count; k++)
		out->v[k] = of_two(n->op, a->v[a->vector ? k : 0], b->v[b->vector ? k : 0]);
	return true;
}

static double gathered(enum expr_fn fn, const double *v, int count)
{
	double sum = 0, best = count ? v[0] : (double)NAN;
	int at = 0;

	for (int k = 0; k < count; k++) {
		sum += fn == EXPR_NORM ? v[k] * v[k] : v[k];
		if (fn == EXPR_MIN ? v[k] < best : v[k] > best) {
			best = v[k];
			at = k;
		}
	}
	return fn == EXPR_MEAN     ? sum / count
	       : fn == EXPR_SUM    ? sum
	       : fn == EXPR_NORM   ? sqrt(sum)
	       : fn == EXPR_ARGMAX ? at
				   : best;
}

static bool eval(const struct expr *e, int node, const struct expr_place *at, int back,
		 struct expr_value *out, struct err *err);

static bool call(const struct expr *e, const struct expr_node *n, const struct expr_place *at,
		 int back, struct expr_value *out, struct err *err)
{
	struct expr_value before = {0};
	bool ok;

	if (n->fn == EXPR_PREV)
		return eval(e, n->a, at, back + 1, out, err);
	if (!eval(e, n->a, at, back, out, err))
		return false;
	if (out->text)
		return at_column(n, err, "a text has no number");
	if (n->fn == EXPR_ABS) {
		for (int k = 0; k < out->count; k++)
			out->v[k] = fabs(out->v[k]);
		return true;
	}
	if (n->fn != EXPR_DELTA) {
		put_number(out, gathered(n->fn, out->v, out->count));
		return true;
	}
	ok = eval(e, n->a, at, back + 1, &before, err);
	for (int k = 0; ok && k < out->count; k++)
		out->v[k] -= before.v[k];
	expr_value_release(&before);
	return ok;
}

/* && and || look at the right side only where it matters. */
static bool decide(const struct expr *e, const struct expr_node *n, const struct expr_place *at,
		   int back, struct expr_value *out, struct err *err)
{
	bool left;

	if (!eval(e, n->a, at, back, out, err))
		return false;
	left = expr_true(out);
	if (left != (n->op == EXPR_OR) && !eval(e, n->b, at, back, out, err))
		return false;
	put_number(out, left == (n->op == EXPR_OR) ? left : expr_true(out));
	return true;
}

static bool operate(const struct expr *e, const struct expr_node *n, const struct expr_place *at,
		    int back, struct expr_value *out, struct err *err)
{
	struct expr_value a = {0}, b = {0};
	bool ok;

	if (n->op == EXPR_AND || n->op == EXPR_OR)
		return decide(e, n, at, back, out, err);
	ok = eval(e, n->a, at, back, &a, err) && eval(e, n->b, at, back, &b, err) &&
	     combine(n, &a, &b, out, err);
	expr_value_release(&a);
	expr_value_release(&b);
	return ok;
}

static bool negate(const struct expr *e, const struct expr_node *n, const struct expr_place *at,
		   int back, struct expr_value *out, struct err *err)
{
	if (!eval(e, n->a, at, back, out, err))
		return false;
	if (n->op == EXPR_NOT) {
		put_number(out, !expr_true(out));
		return true;
	}
	if (out->text)
		return at_column(n, err, "a text has no sign");
	for (int k = 0; k < out->count; k++)
		out->v[k] = -out->v[k];
	return true;
}

static bool eval(const struct expr *e, int node, const struct expr_place *at, int back,
		 struct expr_value *out, struct err *err)
{
	const struct expr_node *n = &e->node[node];

	switch (n->kind) {
	case EXPR_NUMBER:
		put_number(out, n->number);
		return true;
	case EXPR_TEXT:
		put_text(out, n->text, strlen(n->text));
		return true;
	case EXPR_UNARY:
		return negate(e, n, at, back, out, err);
	case EXPR_BINARY:
		return operate(e, n, at, back, out, err);
	case EXPR_CALL:
		return call(e, n, at, back, out, err);
	default:
		return take_name(n, at, back, out);
	}
}

bool expr_eval(const struct expr *e, const struct expr_place *at, struct expr_value *out,
	       struct err *err)
{
	return eval(e, e->root, at, 0, out, err);
}

static bool check_signal(const struct expr_node *n, const struct expr_place *at, struct err *err)
{
	const struct trace *t = at->trace;
	const int run = run_of(n, at);
	char names[64] = "", prefix[24];
	int width, gate = 0;

	if (run < 0)
		return at_column(n, err, "the run has no such layer and direction");
	if (t->run[run].decoder != t->run[at->run].decoder && n->step < 0)
		return at_column(
			n, err,
			"encoder and decoder have steps of their own: say which (@T), or look "
			"from a layer of that side, such as dec.l0");
	width = width_of(t, &t->run[run], n);
	for (int k = 0; k < t->run[run].signals; k++) {
		snprintf(names + strlen(names), sizeof(names) - strlen(names), " %s",
			 t->run[run].signal[k].name);
	}
	while (t->run[run].signal[gate].gate < 0) /* it is always 1, or another's */
		gate++;
	if (!width)
		return err_set(err, ERR_USAGE,
			       "column %d: this cell has no '%s'; it has%s, z_%s ..., x", n->column,
			       n->name, names, t->run[run].signal[gate].name);
	if (n->unit >= width)
		return err_set(err, ERR_USAGE, "column %d: %s%s has units 0 to %d, not %d",
			       n->column, trace_name(t, run, prefix), n->name, width - 1, n->unit);
	if (n->step > t->run[run].T)
		return err_set(err, ERR_USAGE, "column %d: there are %d steps, no step %d",
			       n->column, t->run[run].T, n->step);
	return true;
}

static bool check_outcome(const struct expr_node *n, const struct expr_place *at, struct err *err)
{
	const struct classes *c = &at->trace->snapshot->encoder->classes;
	struct buf names = {0};

	if (!c->count)
		return at_column(n, err, "p is of classes, and this run has none");
	if (!*n->text || class_of(at->trace, n->text) >= 0)
		return true;
	for (int k = 0; k < c->count && k < 12; k++)
		buf_printf(&names, "%s%s", k ? ", " : "", c->name[k]);
	err_set(err, ERR_USAGE, "column %d: there is no class '%s'; there are %s%s", n->column,
		n->text, buf_str(&names), c->count > 12 ? ", ..." : "");
	buf_release(&names);
	return false;
}

bool expr_check(const struct expr *e, const struct expr_place *at, struct err *err)
{
	for (int k = 0; k < e->nodes; k++) {
		const struct expr_node *n = &e->node[k];

		if (n->kind == EXPR_SIGNAL && !check_signal(n, at, err))
			return false;
		if (n->kind == EXPR_OUTCOME && !check_outcome(n, at, err))
			return false;
	}
	return true;
}

/* A condition, a place in the text or a place among numbers: that changes as a whole, or not at all. */
static bool is_smooth(const struct expr *e, int node)
{
	const struct expr_node *n = &e->node[node];

	switch (n->kind) {
	case EXPR_SIGNAL:
	case EXPR_OUTCOME:
		return true;
	case EXPR_UNARY:
		return n->op != EXPR_NOT && is_smooth(e, n->a);
	case EXPR_BINARY:
		return n->op >= EXPR_ADD && n->op <= EXPR_DIV &&
		       (is_smooth(e, n->a) || is_smooth(e, n->b));
	case EXPR_CALL:
		return n->fn != EXPR_ARGMAX && is_smooth(e, n->a);
	default:
		return false;
	}
}

bool expr_is_smooth(const struct expr *e)
{
	return is_smooth(e, e->root);
}

bool expr_fill(const struct expr *e, struct trace *t, int run, struct work *room)
{
	for (int k = 0; k < e->nodes; k++) {
		const struct expr_node *n = &e->node[k];

		if (n->kind == EXPR_OUTCOME && !t->prob && !outcome_fill(t, room))
			return false;
		if (n->kind == EXPR_SIGNAL && !strcmp(n->name, "x"))
			runs_fill_x(t, &t->run[run_of(n, &(struct expr_place){t, run, 0})]);
		if (n->kind == EXPR_SIGNAL && !strncmp(n->name, "z_", 2))
			runs_fill_z(t, &t->run[run_of(n, &(struct expr_place){t, run, 0})],
				    gate_of(t, n->name + 2), n->unit);
	}
	return true;
}

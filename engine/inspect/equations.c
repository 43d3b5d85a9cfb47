/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/equations.h"

#include "engine/base/mem.h"
#include "engine/inspect/runs.h"
#include "engine/inspect/terms.h"
#include "engine/inspect/whatif.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a line is of: a gate's place in the table, or one that is lacking. */
struct slot {
	enum equation_kind kind;
	int gate;
	char letter; /* of the gate or state */
};

static bool sees_new(const struct gate *g)
{
	return g->terms & (TERM_C_NEW | TERM_PEEP_NEW);
}

static void add_gate(const struct cell_ops *cell, int q, struct slot *slot, int *n)
{
	slot[(*n)++] = (struct slot){EQUATION_SUM, q, *cell->gate[q].name};
	slot[(*n)++] = (struct slot){EQUATION_GATE, q, *cell->gate[q].name};
}

/* The lines in the order in which they are computed. */
static int lay(const struct cell_ops *cell, struct slot slot[EQUATION_LINES])
{
	const char *order = cell->carries_h ? "rzn" : "ifgo";
	int n = 0;

	for (const char *at = order; *at; at++) {
		const int q = cell_gate(cell, (char[]){*at, '\0'});

		if (q < 0)
			slot[n++] = (struct slot){EQUATION_WITHOUT, -1, *at};
		else if (!sees_new(&cell->gate[q]))
			add_gate(cell, q, slot, &n);
	}
	slot[n++] = (struct slot){EQUATION_STATE, -1, cell->carries_h ? 'h' : 'c'};
	for (int q = 0; q < cell->gates; q++)
		if (sees_new(&cell->gate[q]))
			add_gate(cell, q, slot, &n);
	if (!cell->carries_h)
		slot[n++] = (struct slot){EQUATION_OUTPUT, -1, 'h'};
	return n;
}

static void name_left(const struct slot *s, char left[EQUATION_NAME])
{
	snprintf(left, EQUATION_NAME, "%s%c", s->kind == EQUATION_SUM ? "z_" : "", s->letter);
}

int equations_count(const struct cell_ops *cell)
{
	return lay(cell, (struct slot[EQUATION_LINES]){{0}});
}

const char *equations_left(const struct cell_ops *cell, int line, char left[EQUATION_NAME])
{
	struct slot slot[EQUATION_LINES];

	*left = '\0';
	if (line >= 0 && line < lay(cell, slot))
		name_left(&slot[line], left);
	return left;
}

/* --- contributions -------------------------------------------------------------------------------- */

struct part {
	const char *letter;
	int index; /* -1: of a bias */
	double value;
};

/* Where an equation's numbers come from. */
struct source {
	const struct trace *t;
	const struct trace_run *r;
	size_t H, step, unit;
	int top;
	struct part *part; /* room for those of one term */
	int parts;
};

static void add_part(struct source *s, const char *letter, int index, double value)
{
	if (value != 0)
		s->part[s->parts++] = (struct part){letter, index, value};
}

/* Row `unit` of a matrix times x, and a factor or a mask, each NULL where there is none. */
static void add_row(struct source *s, const char *letter, const real *w, const double *x, int n,
		    double factor, const double *mask)
{
	w += s->unit * (size_t)n;
	for (int k = 0; k < n; k++)
		add_part(s, letter, k, (double)w[k] * x[k] * (mask ? mask[k] : 1) * factor);
}

/* Names what stands behind the token in a decoder's x after what it is. */
static void name_beside(struct source *s)
{
	const struct model *m = &s->t->snapshot->encoder->model;
	const char *letter = !task_table[m->spec.task].pairs ? "v" : m->spec.feed ? "h~" : "ctx";

	for (int k = 0; s->r->decoder && !s->r->layer && k < s->parts; k++)
		if (s->part[k].index >= m->out_E) {
			s->part[k].index -= m->out_E;
			s->part[k].letter = letter;
		}
}

/* All contributions to a term of a gate. */
static void find_parts(struct source *s, const struct gate_weights *g, enum term kind)
{
	const struct trace_run *r = s->r;
	const struct cell_ops *cell = s->t->snapshot->encoder->model.spec.cell;
	const size_t at = s->step * s->H;
	const int H = (int)s->H;

	s->parts = 0;
	switch (kind) {
	case TERM_X:
		add_row(s, "x", g->W, r->x + s->step * (size_t)r->E, r->E, 1, NULL);
		name_beside(s);
		break;
	case TERM_H:
		add_row(s, "h", g->U, r->h + at, H, 1, NULL);
		break;
	case TERM_RESET_AFTER:
		add_row(s, "h", g->U, r->h + at, H, r->gate[0][at + s->unit], NULL);
		add_part(s, "bh", -1, (double)g->reset_b[s->unit] * r->gate[0][at + s->unit]);
		break;
	case TERM_RESET_BEFORE:
		add_row(s, "h", g->U, r->h + at, H, 1, r->gate[0] + at);
		break;
	case TERM_C_NEW:
		if (r->c)
			add_row(s, "c", g->Wc, r->c + at + s->H, H, 1, NULL);
		break;
	case TERM_GATES:
		for (int k = 0; k < g->Rs && s->step; k++)
			add_row(s, cell->gate[g->from[k]].name, g->R[k],
				r->gate[g->from[k]] + at - s->H, H, 1, NULL);
		break;
	case TERM_PEEP_OLD:
	case TERM_PEEP_NEW:
		break; /* a number of its own */
	}
}

static int by_size(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	const double d = fabs(y->value) - fabs(x->value);

	return d > 0 ? 1 : d < 0 ? -1 : x->index - y->index;
}

/* The largest contributions, and the rest. */
static void list_parts(struct source *s, struct equation_term *m)
{
	double sum = 0;

	qsort(s->part, (size_t)s->parts, sizeof(*s->part), by_size);
	m->parts = s->parts < s->top ? s->parts : s->top;
	m->others = s->parts - m->parts;
	m->part = mem_zero((size_t)m->parts + 1, sizeof(*m->part));
	for (int k = 0; k < m->parts; k++) {
		const struct part *p = &s->part[k];

		snprintf(m->part[k].name, EQUATION_NAME, p->index < 0 ? "%s" : "%s[%d]", p->letter,
			 p->index);
		m->part[k].value = p->value;
		sum += p->value;
	}
	for (int k = m->parts; k < s->parts; k++)
		m->rest += s->part[k].value;
	m->residual = m->value - sum - m->rest;
}

/* --- lines ---------------------------------------------------------------------------------------- */

static struct equation_term *add_term(struct equation *l, const char *label, double value)
{
	struct equation_term *m = &l->term[l->terms++];

	snprintf(m->label, sizeof(m->label), "%s", label);
	snprintf(m->symbol, sizeof(m->symbol), "%s", label);
	m->value = value;
	l->comes_to += value;
	return m;
}

static const char *label_of(enum term kind)
{
	switch (kind) {
	case TERM_X:
		return "W·x";
	case TERM_H:
		return "U·h";
	case TERM_RESET_AFTER:
		return "r·(U·h+b)";
	case TERM_RESET_BEFORE:
		return "U·(r·h)";
	case TERM_C_NEW:
		return "W·c";
	case TERM_GATES:
		return "R·gates";
	case TERM_PEEP_OLD:
	case TERM_PEEP_NEW:
		break;
	}
	return "p·c";
}

/* The term with the gate's letter below its weights and a prime behind what was before. */
static void write_symbol(char *out, size_t size, enum term kind, char q)
{
	switch (kind) {
	case TERM_X:
		snprintf(out, size, "W_%c·x", q);
		break;
	case TERM_H:
		snprintf(out, size, "U_%c·h'", q);
		break;
	case TERM_RESET_AFTER:
		snprintf(out, size, "r·(U_%c·h' + bh_%c)", q, q);
		break;
	case TERM_RESET_BEFORE:
		snprintf(out, size, "U_%c·(r·h')", q);
		break;
	case TERM_C_NEW:
		snprintf(out, size, "W_%c·c", q);
		break;
	case TERM_GATES:
		snprintf(out, size, "R_i%c·i' + R_f%c·f' + R_o%c·o'", q, q, q);
		break;
	case TERM_PEEP_OLD:
		snprintf(out, size, "p_%c·c'", q);
		break;
	case TERM_PEEP_NEW:
		snprintf(out, size, "p_%c·c", q);
		break;
	}
}

static void write_right(struct equation *l)
{
	size_t n = 0;

	for (int k = 0; k < l->terms; k++)
		n += (size_t)snprintf(l->right + n, sizeof(l->right) - n, "%s%s", k ? " + " : "",
				      l->term[k].symbol);
}

static void fill_sum(struct source *s, struct equation *l, const struct gate *gate)
{
	const struct gate_weights g = terms_weights(s->t, s->r, l->gate);
	struct equation_term *m;
	struct gate_sum sum;

	terms_sum(s->t, s->r, &g, l->gate, (int)s->step, (int)s->unit, &sum);
	for (int k = 0; k < sum.terms; k++) {
		const enum term kind = sum.term[k].kind;

		m = add_term(l, label_of(kind), sum.term[k].value);
		write_symbol(m->symbol, sizeof(m->symbol), kind, *gate->name);
		if (kind == TERM_PEEP_OLD || kind == TERM_PEEP_NEW)
			continue;
		find_parts(s, &g, kind);
		list_parts(s, m);
	}
	m = add_term(l, "b", sum.b);
	snprintf(m->symbol, sizeof(m->symbol), "b_%s", gate->name);
	write_right(l);
	l->value = s->r->z[l->gate][s->step * s->H + s->unit];
}

static double activated(enum activation act, double z)
{
	return act == ACT_TANH ? tanh(z) : act == ACT_IDENTITY ? z : 1 / (1 + exp(-z));
}

static void fill_gate(const struct source *s, struct equation *l, const struct gate *gate)
{
	const size_t at = s->step * s->H + s->unit;
	char name[EQUATION_NAME];

	snprintf(name, sizeof(name), "z_%s", gate->name);
	add_term(l, name, s->r->z[l->gate][at]);
	snprintf(l->right, sizeof(l->right),
		 gate->act == ACT_TANH       ? "tanh(%s)"
		 : gate->act == ACT_IDENTITY ? "%s"
					     : "σ(%s)",
		 name);
	l->comes_to = activated(gate->act, l->term[0].value);
	l->value = s->r->gate[l->gate][at];
}

static double value_of(const struct equations *e, const char *left)
{
	const struct equation *l = equations_find(e, left);

	return l ? l->value : NAN;
}

static void fill_without(const struct equations *e, struct equation *l)
{
	const bool coupled = e->cell->coupled && *l->left == e->cell->lacks;

	snprintf(l->right, sizeof(l->right), coupled ? "1 − i" : "1");
	l->value = l->comes_to = coupled ? 1 - value_of(e, "i") : 1;
}

static void add_factor(struct equation_term *m, const char *name, size_t n, double value)
{
	snprintf(m->part[m->parts].name, EQUATION_NAME, "%.*s", (int)n, name);
	m->part[m->parts++].value = value;
}

/* The factors of "(1−f)·i·g": a gate, 1 less a gate, or 1. */
static void list_factors(const struct equations *e, struct equation_term *m, const char *words)
{
	static const char dot[] = "·", less[] = "(1−";

	m->product = true;
	m->part = mem_zero(5, sizeof(*m->part));
	while (*words) {
		const char *end = strstr(words, dot);
		const size_t n = end ? (size_t)(end - words) : strlen(words);
		const bool lessened = !strncmp(words, less, strlen(less));
		const char name[2] = {lessened ? words[strlen(less)] : *words, '\0'};
		const double v = *name == '1' ? 1 : value_of(e, name);

		add_factor(m, words, n, lessened ? 1 - v : v);
		words = end ? end + strlen(dot) : words + n;
	}
}

static void fill_state(const struct source *s, struct equations *e, struct equation *l)
{
	const struct cell_flow f = runs_flow(s->t, s->r, s->step * s->H + s->unit);
	char words[EQUATION_LABEL];
	struct equation_term *m;

	snprintf(words, sizeof(words), "%s·%s'", e->cell->carry_text, l->left);
	m = add_term(l, words, f.carry * e->old);
	list_factors(e, m, e->cell->carry_text);
	snprintf(words, sizeof(words), "%s'", l->left);
	add_factor(m, words, strlen(words), e->old);
	m = add_term(l, e->cell->write_text, f.write);
	list_factors(e, m, e->cell->write_text);
	write_right(l);
	l->value = e->state;
}

static void fill_output(const struct source *s, const struct equations *e, struct equation *l)
{
	const bool bare = e->cell->output == ACT_IDENTITY;
	const double o = value_of(e, "o"), c = activated(e->cell->output, e->state);
	const char *put = bare ? "c" : "tanh(c)";
	char words[EQUATION_LABEL];
	struct equation_term *m;

	snprintf(words, sizeof(words), e->cell->lacks == 'o' ? "%s" : "o·%s", put);
	m = add_term(l, words, o * c);
	write_right(l);
	m->product = true;
	m->part = mem_zero(2, sizeof(*m->part));
	if (e->cell->lacks != 'o')
		add_factor(m, "o", 1, o);
	add_factor(m, put, strlen(put), c);
	l->value = s->r->h[(s->step + 1) * s->H + s->unit];
}

static void fill_line(struct source *s, struct equations *e, struct equation *l)
{
	switch (l->kind) {
	case EQUATION_SUM:
		fill_sum(s, l, &e->cell->gate[l->gate]);
		break;
	case EQUATION_GATE:
		fill_gate(s, l, &e->cell->gate[l->gate]);
		break;
	case EQUATION_WITHOUT:
		fill_without(e, l);
		break;
	case EQUATION_STATE:
		fill_state(s, e, l);
		break;
	case EQUATION_OUTPUT:
		fill_output(s, e, l);
		break;
	}
	l->residual = l->value - l->comes_to;
}

static bool is_set(const struct trace *t, int run, int position, int unit, const struct slot *s)
{
	if (s->kind == EQUATION_SUM || s->kind == EQUATION_WITHOUT)
		return false;
	return edit_sets(t, run, position, unit,
			 s->gate >= 0       ? EDIT_GATE
			 : s->letter == 'c' ? EDIT_C
					    : EDIT_H,
			 s->gate);
}

void equations_fill(struct equations *e, const struct trace *t, int run, int position, int unit,
		    int top)
{
	const struct trace_run *r = &t->run[run];
	const size_t step = (size_t)(r->backward ? r->T - 1 - position : position);
	const size_t H = (size_t)t->H, at = step * H + (size_t)unit;
	struct source s = {.t = t, .r = r, .H = H, .step = step, .unit = (size_t)unit, .top = top};
	struct slot slot[EQUATION_LINES];
	const double *state = r->c ? r->c : r->h;
	int lines;

	*e = (struct equations){.cell = t->snapshot->encoder->model.spec.cell,
				.old = state[at],
				.state = state[at + H]};
	s.part = mem_alloc(((size_t)r->E + 3 * H + 1) * sizeof(*s.part));
	lines = lay(e->cell, slot);
	for (; e->lines < lines; e->lines++) {
		struct equation *l = &e->line[e->lines];

		l->kind = slot[e->lines].kind;
		l->gate = slot[e->lines].gate;
		l->set = is_set(t, run, position, unit, &slot[e->lines]);
		name_left(&slot[e->lines], l->left);
		fill_line(&s, e, l);
	}
	free(s.part);
}

void equations_release(struct equations *e)
{
	for (int k = 0; k < e->lines; k++)
		for (int j = 0; j < e->line[k].terms; j++)
			free(e->line[k].term[j].part);
	*e = (struct equations){0};
}

const struct equation *equations_find(const struct equations *e, const char *left)
{
	for (int k = 0; k < e->lines; k++)
		if (!strcmp(e->line[k].left, left))
			return &e->line[k];
	return NULL;
}

/* --- rounding ------------------------------------------------------------------------------------- */

static void round_one(double *v, int decimals)
{
	round_to_sum(v, 1, decimals);
}

/* Parts and rest of a term, so that they make up what it is rounded to. */
static void round_parts(struct equation_term *m, int decimals)
{
	const int n = m->parts + (m->others > 0);
	double *v = mem_alloc(((size_t)n + 1) * sizeof(*v));

	for (int k = 0; k < m->parts; k++)
		v[k] = m->part[k].value;
	if (m->others)
		v[m->parts] = m->rest;
	if (!m->product)
		round_to_total(v, n, decimals, m->value);
	for (int k = 0; k < m->parts; k++) {
		if (m->product)
			round_one(&v[k], decimals);
		m->part[k].value = v[k];
	}
	if (m->others)
		m->rest = v[m->parts];
	free(v);
}

void equations_round(struct equations *e, int decimals)
{
	for (int k = 0; k < e->lines; k++) {
		struct equation *l = &e->line[k];
		double v[EQUATION_TERMS];
		double sum = 0;

		for (int j = 0; j < l->terms; j++)
			v[j] = l->term[j].value;
		round_to_sum(v, l->terms, decimals);
		for (int j = 0; j < l->terms; j++) {
			l->term[j].value = v[j];
			round_parts(&l->term[j], decimals);
			sum += v[j];
		}
		round_one(&l->value, decimals);
		round_one(&l->comes_to, decimals);
		if (l->kind == EQUATION_SUM || l->kind == EQUATION_STATE)
			l->comes_to = sum;
		if ((l->kind == EQUATION_SUM || l->kind == EQUATION_STATE) && !l->set)
			l->value = sum;
	}
	round_one(&e->old, decimals);
	round_one(&e->state, decimals);
}

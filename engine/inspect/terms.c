/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/terms.h"

#include <math.h>

/* Sum of a float row times a double vector, in a fixed order the compiler can vectorise. */
double terms_dot(const real *w, const double *x, int n)
{
	double part[8] = {0}, sum = 0;
	int k = 0;

	for (; k + 8 <= n; k += 8)
		for (int j = 0; j < 8; j++)
			part[j] += (double)w[k + j] * x[k + j];
	for (; k < n; k++)
		sum += (double)w[k] * x[k];
	for (int j = 0; j < 8; j++)
		sum += part[j];
	return sum;
}

static const struct cell_ops *cell_of(const struct trace *t)
{
	return t->snapshot->encoder->model.spec.cell;
}

static const struct recur *recur_of(const struct trace_run *r)
{
	return &r->stack->run[r->number];
}

static void add_extra(const struct trace *t, const struct trace_run *r, struct gate_weights *g,
		      int k, unsigned terms)
{
	const struct cell_extra *e = &cell_of(t)->extra[k];
	const real *w = t->snapshot->weights + recur_of(r)->at.extra[k];
	const char from[2] = {e->name[2], '\0'};

	if (*e->name == 'p')
		g->peep = w;
	else if (*e->name == 'b')
		g->reset_b = w;
	else if (*e->name == 'U')
		g->U = w;
	else if (terms & TERM_C_NEW)
		g->Wc = w;
	else {
		g->from[g->Rs] = cell_gate(cell_of(t), from);
		g->R[g->Rs++] = w;
	}
}

struct gate_weights terms_weights(const struct trace *t, const struct trace_run *r, int q)
{
	const struct cell_ops *cell = cell_of(t);
	const struct cell_layout *at = &recur_of(r)->at;
	const real *w = t->snapshot->weights;
	const size_t H = (size_t)t->H, E = (size_t)r->E, k = (size_t)q;
	struct gate_weights g = {0};

	if (cell->gate[q].terms & TERM_X)
		g.W = w + at->W + k * H * E;
	if (cell->gate[q].terms & TERM_H)
		g.U = w + at->U + k * H * H;
	g.b = w + at->b + k * H;
	for (int j = 0; j < cell->extras; j++)
		if (cell->extra[j].gate == q)
			add_extra(t, r, &g, j, cell->gate[q].terms);
	return g;
}

/* The largest products, and the sum of all; mask (or NULL) multiplies x first. */
static double rank(const real *w, const double *x, const double *mask, int n, const char *letter,
		   struct sum_term *term)
{
	double sum = 0;

	for (int k = 0; k < n; k++) {
		const struct part p = {letter, k, (double)w[k] * x[k] * (mask ? mask[k] : 1)};
		int at = term->count;

		sum += p.value;
		for (; at > 0 && fabs(term->top[at - 1].value) < fabs(p.value); at--)
			if (at < EXPLAIN_TOP)
				term->top[at] = term->top[at - 1];
		if (at < EXPLAIN_TOP)
			term->top[at] = p;
		term->count += at < EXPLAIN_TOP && term->count < EXPLAIN_TOP;
	}
	return sum;
}

static struct sum_term *add_term(struct gate_sum *g, const char *label)
{
	g->term[g->terms] = (struct sum_term){.label = label};
	return &g->term[g->terms++];
}

/* Names those parts of a decoder's x that stand behind its token after what they are. */
static void name_beside(const struct trace *t, const struct trace_run *r, struct sum_term *term)
{
	const struct model *m = &t->snapshot->encoder->model;
	const char *letter = !task_table[m->spec.task].pairs ? "v" : m->spec.feed ? "h~" : "ctx";

	for (int k = 0; r->decoder && !r->layer && k < term->count; k++)
		if (term->top[k].index >= m->out_E) {
			term->top[k].index -= m->out_E;
			term->top[k].letter = letter;
		}
}

/* The terms of unit u's gate q at a step. Gates earlier in the table, and c where the gate sees the
 * new one, are there already. With ranks the largest contributions are found too. */
void terms_sum(const struct trace *t, const struct trace_run *r, const struct gate_weights *g,
	       int q, int step, int u, bool ranks, struct gate_sum *out)
{
	const unsigned terms = cell_of(t)->gate[q].terms;
	const size_t H = (size_t)t->H, s = (size_t)step, row = (size_t)u;
	const double *x = r->x + s * (size_t)r->E, *h = r->h + s * H,
		     *c = r->c ? r->c + s * H : NULL;
	struct sum_term *m;

	*out = (struct gate_sum){.b = (double)g->b[u]};
	if (g->W) {
		m = add_term(out, "W·x");
		m->value = ranks ? rank(g->W + row * (size_t)r->E, x, NULL, r->E, "x", m)
				 : terms_dot(g->W + row * (size_t)r->E, x, r->E);
		name_beside(t, r, m);
	}
	if (terms & TERM_RESET_AFTER) {
		m = add_term(out, "r·(U·h+b)");
		m->value = (rank(g->U + row * H, h, NULL, t->H, "h", m) + (double)g->reset_b[u]) *
			   r->gate[0][s * H + row];
	} else if (terms & TERM_RESET_BEFORE) {
		m = add_term(out, "U·(r·h)");
		m->value = rank(g->U + row * H, h, r->gate[0] + s * H, t->H, "h", m);
	} else if (g->U) {
		m = add_term(out, "U·h");
		m->value = ranks ? rank(g->U + row * H, h, NULL, t->H, "h", m)
				 : terms_dot(g->U + row * H, h, t->H);
	}
	if (g->Wc && c) {
		m = add_term(out, "W·c");
		m->value = ranks ? rank(g->Wc + row * H, c + H, NULL, t->H, "c", m)
				 : terms_dot(g->Wc + row * H, c + H, t->H);
	}
	if (g->peep && c) {
		m = add_term(out, "p·c");
		m->top[0] = (struct part){
			"c", u, (double)g->peep[u] * c[(terms & TERM_PEEP_NEW ? H : 0) + row]};
		m->value = m->top[0].value;
		m->count = 1;
	}
	if (g->Rs) {
		m = add_term(out, "R·gates");
		for (int k = 0; k < g->Rs && step; k++)
			m->value += terms_dot(g->R[k] + row * H, r->gate[g->from[k]] + (s - 1) * H,
					      t->H);
	}
	out->z = out->b;
	for (int k = 0; k < out->terms; k++)
		out->z += out->term[k].value;
}

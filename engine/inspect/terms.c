/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/terms.h"

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

/* The same with a mask that x is multiplied by first. */
static double dot_masked(const real *w, const double *x, const double *mask, int n)
{
	double sum = 0;

	for (int k = 0; k < n; k++)
		sum += (double)w[k] * x[k] * mask[k];
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

static void add_term(struct gate_sum *g, enum term kind, double value)
{
	g->term[g->terms++] = (struct sum_term){kind, value};
}

void terms_sum(const struct trace *t, const struct trace_run *r, const struct gate_weights *g,
	       int q, int step, int u, struct gate_sum *out)
{
	const unsigned terms = cell_of(t)->gate[q].terms;
	const size_t H = (size_t)t->H, s = (size_t)step, row = (size_t)u;
	const double *x = r->x + s * (size_t)r->E, *h = r->h + s * H,
		     *c = r->c ? r->c + s * H : NULL;

	*out = (struct gate_sum){.b = (double)g->b[u]};
	if (g->W)
		add_term(out, TERM_X, terms_dot(g->W + row * (size_t)r->E, x, r->E));
	if (terms & TERM_RESET_AFTER)
		add_term(out, TERM_RESET_AFTER,
			 (terms_dot(g->U + row * H, h, t->H) + (double)g->reset_b[u]) *
				 r->gate[0][s * H + row]);
	else if (terms & TERM_RESET_BEFORE)
		add_term(out, TERM_RESET_BEFORE,
			 dot_masked(g->U + row * H, h, r->gate[0] + s * H, t->H));
	else if (g->U)
		add_term(out, TERM_H, terms_dot(g->U + row * H, h, t->H));
	if (g->Wc && c)
		add_term(out, TERM_C_NEW, terms_dot(g->Wc + row * H, c + H, t->H));
	if (g->peep && c)
		add_term(out, terms & TERM_PEEP_NEW ? TERM_PEEP_NEW : TERM_PEEP_OLD,
			 (double)g->peep[u] * c[(terms & TERM_PEEP_NEW ? H : 0) + row]);
	if (g->Rs) {
		double sum = 0;

		for (int k = 0; k < g->Rs && step; k++)
			sum += terms_dot(g->R[k] + row * H, r->gate[g->from[k]] + (s - 1) * H,
					 t->H);
		add_term(out, TERM_GATES, sum);
	}
	out->z = out->b;
	for (int k = 0; k < out->terms; k++)
		out->z += out->term[k].value;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/explain/decompose.h"

#include "engine/base/mem.h"
#include "engine/explain/relevance.h"
#include "engine/inspect/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct parts {
	double rel, irr, bias;
};

/* A step of a run. */
struct step {
	const struct trace_run *run;
	size_t k, t;
	bool in; /* the phrase */
};

const char *decompose_lacks(const struct cell_ops *cell)
{
	if (cell->carries_h)
		return "defined for LSTMs, not for GRUs";
	if (relevance_gates_by_candidate(cell))
		return "not defined where the candidate gates the old state";
	if (cell->carries_gates)
		return "not defined where gates read the output gate, which it leaves whole";
	return NULL;
}

/* Gates that are split: all but o, which stands last. */
static size_t split_gates(const struct decompose *d)
{
	const int o = cell_gate(d->r->m->spec.cell, "o");

	return (size_t)(o < 0 ? d->r->G : o);
}

/* The part of every z that the phrase brought in. */
static void sum_rel(struct decompose *d, const struct step *s)
{
	const struct replay *r = d->r;
	const size_t H = (size_t)r->H, n = split_gates(d) * H, E = (size_t)s->run->E;
	const size_t GxH = (size_t)r->Gx * H;
	const struct gate_weights *w = r->gate[s->run->number];
	const double *half = r->half[s->run->backward] + (size_t)r->row[s->t] * GxH;

	for (size_t k = 0; k < n; k++)
		d->z_rel[k] = s->run->layer || !s->in ? 0 : r->scale * half[k];
	if (s->run->layer)
		dense_add(d->z_rel, w[0].W, d->out_rel[s->run->layer - 1] + s->t * E, n, E);
	dense_add(d->z_rel, w[0].U, d->h_rel, n, H);
	for (size_t q = 0; q * H < n; q++)
		for (size_t u = 0; w[q].peep && u < H; u++)
			d->z_rel[q * H + u] += (double)w[q].peep[u] * d->c_rel[u];
}

static struct parts split(const struct decompose *d, const struct step *s, int q, size_t u)
{
	const enum activation act = d->r->m->spec.cell->gate[q].act;
	const size_t at = (size_t)q * (size_t)d->r->H + u;
	const double b = (double)d->r->gate[s->run->number][q].b[u], rel = d->z_rel[at];
	const double irr = s->run->z[q][s->k * (size_t)d->r->H + u] - b - rel;
	const double all = s->run->gate[q][s->k * (size_t)d->r->H + u];
	const double bias = d->bias[s->run->number][at];
	const double with_rel = replay_activate(act, rel + b),
		     with_irr = replay_activate(act, irr + b);

	return (struct parts){.rel = (with_rel - bias + all - with_irr) / 2,
			      .irr = (with_irr - bias + all - with_rel) / 2,
			      .bias = bias};
}

static void split_state(struct decompose *d, const struct step *s, size_t u)
{
	const struct cell_ops *cell = d->r->m->spec.cell;
	const int qi = cell_gate(cell, "i"), qf = cell_gate(cell, "f");
	const struct parts one = {0, 0, 1}, g = split(d, s, cell_gate(cell, "g"), u);
	const struct parts i = qi < 0 ? one : split(d, s, qi, u);
	const struct parts f = qf >= 0         ? split(d, s, qf, u)
			       : cell->coupled ? (struct parts){-i.rel, -i.irr, 1 - i.bias}
					       : one;
	const double rel = d->c_rel[u], irr = d->c_irr[u], both = i.bias * g.bias;

	d->c_rel[u] = (f.rel + f.bias) * rel + i.rel * (g.rel + g.bias) + i.bias * g.rel +
		      (s->in ? both : 0);
	d->c_irr[u] = (f.rel + f.bias + f.irr) * irr + f.irr * rel +
		      i.irr * (g.rel + g.irr + g.bias) + (i.rel + i.bias) * g.irr +
		      (s->in ? 0 : both);
}

static void split_output(struct decompose *d, const struct step *s, size_t u)
{
	const struct cell_ops *cell = d->r->m->spec.cell;
	const int o = cell_gate(cell, "o");
	const double open = o < 0 ? 1 : s->run->gate[o][s->k * (size_t)d->r->H + u];
	const double rel = replay_activate(cell->output, d->c_rel[u]),
		     irr = replay_activate(cell->output, d->c_irr[u]),
		     all = replay_activate(cell->output, d->c_rel[u] + d->c_irr[u]);

	d->h_rel[u] = open * (rel + all - irr) / 2;
	d->h_irr[u] = open * (irr + all - rel) / 2;
}

/* Before the first step of a run all is irrelevant. */
static void begin(struct decompose *d, const struct trace_run *run, size_t k)
{
	const size_t H = (size_t)d->r->H;

	memset(d->h_rel, 0, H * sizeof(double));
	memset(d->c_rel, 0, H * sizeof(double));
	memcpy(d->h_irr, run->h + k * H, H * sizeof(double));
	memcpy(d->c_irr, run->c + k * H, H * sizeof(double));
}

static void put_out(struct decompose *d, const struct step *s)
{
	const struct stack *st = &d->r->m->stack;
	const size_t H = (size_t)d->r->H,
		     part = s->run->backward && st->spec.merge == MERGE_CONCAT ? H : 0;
	const size_t at = s->t * (size_t)st->D + part;
	double *rel = d->out_rel[s->run->layer] + at, *irr = d->out_irr[s->run->layer] + at;

	for (size_t u = 0; u < H; u++) {
		rel[u] += d->h_rel[u];
		irr[u] += d->h_irr[u];
	}
}

/* Where the vector is the last states, they are taken from where the run ends. */
static void take_last(struct decompose *d, const struct trace_run *run)
{
	const struct stack *st = &d->r->m->stack;
	const size_t H = (size_t)d->r->H,
		     part = run->backward && st->spec.merge == MERGE_CONCAT ? H : 0;

	if (d->r->m->spec.pool != POOL_LAST || run->layer != st->spec.layers - 1)
		return;
	for (size_t u = 0; u < H; u++) {
		d->v_rel[part + u] += d->h_rel[u];
		d->v_irr[part + u] += d->h_irr[u];
	}
}

static void run_one(struct decompose *d, const struct trace_run *run, int from, int to)
{
	/* In the lowest layer nothing is relevant before the phrase. */
	const int first = run->layer ? 0 : run->backward ? d->r->steps - 1 - to : from;

	for (int k = 0; k < d->r->steps; k++) {
		const int t = replay_turn(run, k);
		const struct step s = {run, (size_t)k, (size_t)t, t >= from && t <= to};

		if (k <= first)
			begin(d, run, (size_t)(k < first ? k + 1 : k));
		if (k >= first) {
			sum_rel(d, &s);
			for (size_t u = 0; u < (size_t)d->r->H; u++)
				split_state(d, &s, u);
			for (size_t u = 0; u < (size_t)d->r->H; u++)
				split_output(d, &s, u);
		}
		put_out(d, &s);
	}
	take_last(d, run);
}

static void pool(struct decompose *d)
{
	const struct replay *r = d->r;
	const enum pool kind = r->m->spec.pool;
	const int top = r->m->stack.spec.layers - 1;
	const size_t D = (size_t)r->D;
	const double *rel = d->out_rel[top], *irr = d->out_irr[top];

	for (size_t j = 0; kind == POOL_MAX && r->steps && j < D; j++) {
		d->v_rel[j] = rel[(size_t)r->top[j] * D + j];
		d->v_irr[j] = irr[(size_t)r->top[j] * D + j];
	}
	for (int t = 0; (kind == POOL_MEAN || kind == POOL_ATTENTION) && t < r->steps; t++)
		for (size_t j = 0; j < D; j++) {
			d->v_rel[j] += r->share[t] * rel[(size_t)t * D + j];
			d->v_irr[j] += r->share[t] * irr[(size_t)t * D + j];
		}
}

void decompose_run(struct decompose *d, int from, int to)
{
	const struct replay *r = d->r;
	const struct stack *s = &r->m->stack;
	const size_t n = (size_t)r->steps * (size_t)s->D, D = (size_t)r->D, C = (size_t)r->C;
	const real *W = r->snapshot->weights + r->m->head_W;

	memset(d->v_rel, 0, D * sizeof(double));
	memset(d->v_irr, 0, D * sizeof(double));
	for (int layer = 0; layer < s->spec.layers; layer++) {
		memset(d->out_rel[layer], 0, n * sizeof(double));
		memset(d->out_irr[layer], 0, n * sizeof(double));
		for (int dir = 0; dir < s->spec.dirs; dir++)
			run_one(d, &r->run[layer * s->spec.dirs + dir], from, to);
	}
	pool(d);
	memset(d->beta, 0, C * sizeof(double));
	memset(d->gamma, 0, C * sizeof(double));
	dense_add(d->beta, W, d->v_rel, C, D);
	dense_add(d->gamma, W, d->v_irr, C, D);
}

static void fill_bias(struct decompose *d, int run)
{
	const struct replay *r = d->r;

	for (int q = 0; q < r->G; q++)
		for (int u = 0; u < r->H; u++)
			d->bias[run][q * r->H + u] = replay_activate(r->m->spec.cell->gate[q].act,
								     (double)r->gate[run][q].b[u]);
}

bool decompose_open(struct decompose *d, const struct replay *r)
{
	const struct stack *s = &r->m->stack;
	const size_t n = (size_t)r->steps * (size_t)s->D, H = (size_t)r->H, GH = (size_t)r->G * H;
	double *at = mem_block(2 * (size_t)s->spec.layers * n + (size_t)s->runs * GH + 4 * H + GH +
				       2 * (size_t)(r->D + r->C),
			       sizeof(*at));

	*d = (struct decompose){.r = r, .block = at};
	if (!at)
		return false;
	for (int k = 0; k < s->spec.layers; k++, at += 2 * n) {
		d->out_rel[k] = at;
		d->out_irr[k] = at + n;
	}
	for (int k = 0; k < s->runs; k++, at += GH) {
		d->bias[k] = at;
		fill_bias(d, k);
	}
	d->h_rel = at;
	d->h_irr = at + H;
	d->c_rel = at + 2 * H;
	d->c_irr = at + 3 * H;
	d->z_rel = at + 4 * H;
	at += 4 * H + GH;
	d->v_rel = at;
	d->v_irr = at + r->D;
	d->beta = at + 2 * (size_t)r->D;
	d->gamma = d->beta + r->C;
	return true;
}

void decompose_release(struct decompose *d)
{
	free(d->block);
	*d = (struct decompose){0};
}

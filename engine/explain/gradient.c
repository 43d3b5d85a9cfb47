/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/explain/gradient.h"

#include "engine/base/mem.h"
#include "engine/inspect/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A step of a run on the way back. */
struct back {
	struct gradient *g;
	const struct replay *r;
	const struct trace_run *run;
	const struct cell_ops *cell;
	size_t k, H;
	double *dh, *dc, *dh_prev, *dc_prev; /* (H); no dc in a GRU */
	double *value, *later, *dz; /* (G*H): by the gates' values, those one step earlier, by z */
};

static bool is_late(const struct back *b, int q)
{
	return b->cell->gate[q].terms & (TERM_C_NEW | TERM_PEEP_NEW);
}

static bool resets(const struct back *b, int q)
{
	return b->cell->gate[q].terms & (TERM_RESET_AFTER | TERM_RESET_BEFORE);
}

/* h = o (.) act(c). */
static void back_output(struct back *b)
{
	const int o = cell_gate(b->cell, "o");
	const double *c = b->run->c + (b->k + 1) * b->H;

	for (size_t u = 0; u < b->H; u++) {
		const double a = replay_activate(b->cell->output, c[u]);

		b->dc[u] += b->dh[u] * (o < 0 ? 1 : b->run->gate[o][b->k * b->H + u]) *
			    replay_slope(b->cell->output, a);
		if (o >= 0)
			b->value[(size_t)o * b->H + u] += b->dh[u] * a;
	}
}

/* The reset gate's two ways to what the candidate sees of h. */
static void back_reset(struct back *b, int q)
{
	const struct gate_weights *w = &b->r->gate[b->run->number][q];
	const size_t H = b->H;
	const double *dz = b->dz + (size_t)q * H, *reset = b->run->gate[0] + b->k * H,
		     *h = b->run->h + b->k * H;
	double *v = b->g->room, *part = b->g->room + H;

	for (size_t u = 0; u < H; u++) {
		v[u] = w->reset_b ? (double)w->reset_b[u] : 0;
		part[u] = dz[u] * reset[u];
	}
	if (b->cell->gate[q].terms & TERM_RESET_AFTER) {
		dense_add(v, w->U, h, H, H);
		dense_add_t(b->dh_prev, w->U, part, H, H);
		for (size_t u = 0; u < H; u++)
			b->value[u] += dz[u] * v[u];
		return;
	}
	dense_add_t(v, w->U, dz, H, H);
	for (size_t u = 0; u < H; u++) {
		b->value[u] += v[u] * h[u];
		b->dh_prev[u] += v[u] * reset[u];
	}
}

/* From a gate's value to its pre-activation, and to everything that enters there but x. */
static void back_gate(struct back *b, int q)
{
	const struct gate_weights *w = &b->r->gate[b->run->number][q];
	const size_t H = b->H, at = (size_t)q * H;
	double *dz = b->dz + at, *dc = is_late(b, q) ? b->dc : b->dc_prev;

	for (size_t u = 0; u < H; u++)
		dz[u] = b->value[at + u] *
			replay_slope(b->cell->gate[q].act, b->run->gate[q][b->k * H + u]);
	if (resets(b, q))
		back_reset(b, q);
	else if (w->U)
		dense_add_t(b->dh_prev, w->U, dz, H, H);
	if (w->Wc)
		dense_add_t(b->dc, w->Wc, dz, H, H);
	for (size_t u = 0; w->peep && dc && u < H; u++)
		dc[u] += (double)w->peep[u] * dz[u];
	for (int j = 0; b->k && j < w->Rs; j++)
		dense_add_t(b->later + (size_t)w->from[j] * H, w->R[j], dz, H, H);
}

/* state = carry (.) old state + write. */
static void back_flow(struct back *b)
{
	const int G = b->cell->gates;
	const double *old = (b->run->c ? b->run->c : b->run->h) + b->k * b->H;
	const double *d = b->run->c ? b->dc : b->dh;
	double *d_prev = b->run->c ? b->dc_prev : b->dh_prev;

	for (size_t u = 0; u < b->H; u++) {
		double gate[CELL_MAX_GATES] = {0};

		for (int q = 0; q < G; q++)
			gate[q] = b->run->gate[q][b->k * b->H + u];
		d_prev[u] += d[u] * b->cell->flow(gate).carry;
		for (int q = 0; q < G; q++) {
			const double is = gate[q];
			struct cell_flow one, none;

			gate[q] = 1;
			one = b->cell->flow(gate);
			gate[q] = 0;
			none = b->cell->flow(gate);
			gate[q] = is;
			b->value[(size_t)q * b->H + u] +=
				d[u] * ((one.carry - none.carry) * old[u] + one.write - none.write);
		}
	}
}

static void back_step(struct back *b)
{
	const int G = b->cell->gates;

	if (b->run->c)
		back_output(b);
	for (int q = 0; q < G; q++)
		if (is_late(b, q))
			back_gate(b, q);
	back_flow(b);
	for (int q = 0; q < G; q++)
		if (resets(b, q))
			back_gate(b, q);
	for (int q = 0; q < G; q++)
		if (!is_late(b, q) && !resets(b, q))
			back_gate(b, q);
}

/* From the gates of a step to what was read there. */
static void back_input(struct back *b, int t)
{
	const struct replay *r = b->r;
	const size_t GxH = (size_t)r->Gx * b->H, E = (size_t)b->run->E, at = (size_t)t;
	const real *W = r->snapshot->weights + r->m->stack.run[b->run->number].at.W;
	const double *half;

	if (b->run->layer) {
		dense_add_t(b->g->dy[b->run->layer - 1] + at * E, W, b->dz, GxH, E);
		return;
	}
	half = r->half[b->run->backward] + (size_t)r->row[t] * GxH;
	for (size_t k = 0; k < GxH; k++)
		b->g->score[t] += b->dz[k] * half[k];
	if (b->g->dx)
		dense_add_t(b->g->dx + at * E, W, b->dz, GxH, E);
}

/* What comes into a run from above, at each step. */
static void enter(struct gradient *g, const struct replay *r, const struct trace_run *run)
{
	const struct stack *s = &r->m->stack;
	const size_t H = (size_t)r->H, D = (size_t)s->D;
	const size_t part = run->backward && s->spec.merge == MERGE_CONCAT ? H : 0;
	const bool last = r->m->spec.pool == POOL_LAST && run->layer == s->spec.layers - 1;
	double *dh = g->dh[run->number];

	g->entry[run->number] = 0;
	memset(dh, 0, ((size_t)r->steps + 1) * H * sizeof(*dh));
	if (run->c)
		memset(g->dc[run->number], 0, ((size_t)r->steps + 1) * H * sizeof(*dh));
	for (int k = 0; k < r->steps; k++)
		memcpy(dh + (size_t)(k + 1) * H,
		       g->dy[run->layer] + (size_t)replay_turn(run, k) * D + part, H * sizeof(*dh));
	for (size_t u = 0; last && u < H; u++)
		dh[(size_t)r->steps * H + u] += g->dvector[part + u];
	for (int k = 0; k < r->steps; k++)
		g->entry[run->number] =
			fmax(g->entry[run->number], gradient_norm(dh + (size_t)(k + 1) * H, r->H));
}

static void back_run(struct gradient *g, const struct replay *r, const struct trace_run *run)
{
	const size_t H = (size_t)r->H, GH = (size_t)r->G * H;
	struct back b = {.g = g,
			 .r = r,
			 .run = run,
			 .cell = r->m->spec.cell,
			 .H = H,
			 .value = g->value,
			 .later = g->later,
			 .dz = g->dz};

	enter(g, r, run);
	memset(b.value, 0, GH * sizeof(*b.value));
	for (b.k = (size_t)r->steps; b.k-- > 0;) {
		double *used = b.value;

		memset(b.later, 0, GH * sizeof(*b.later));
		b.dh_prev = g->dh[run->number] + b.k * H;
		b.dh = b.dh_prev + H;
		if (run->c) {
			b.dc_prev = g->dc[run->number] + b.k * H;
			b.dc = b.dc_prev + H;
		}
		back_step(&b);
		back_input(&b, replay_turn(run, (int)b.k));
		b.value = b.later;
		b.later = used;
	}
}

/* From the vector's gradient to those of the top layer's outputs; `last` goes to the states in enter. */
static void back_pool(struct gradient *g, const struct replay *r)
{
	const enum pool kind = r->m->spec.pool;
	const size_t D = (size_t)r->D;
	const double *y = r->y[r->m->stack.spec.layers - 1];
	const real *w = r->snapshot->weights + r->m->pool_w;
	double *dy = g->dy[r->m->stack.spec.layers - 1];

	for (size_t k = 0; kind == POOL_MAX && r->steps && k < D; k++)
		dy[(size_t)r->top[k] * D + k] += g->dvector[k];
	for (int t = 0; (kind == POOL_MEAN || kind == POOL_ATTENTION) && t < r->steps; t++) {
		double dot = 0;

		/* by the score before the softmax: a_t dv . (y_t - v) */
		for (size_t k = 0; kind == POOL_ATTENTION && k < D; k++)
			dot += g->dvector[k] * (y[(size_t)t * D + k] - r->vector[k]);
		dot *= r->share[t];
		for (size_t k = 0; k < D; k++)
			dy[(size_t)t * D + k] += r->share[t] * g->dvector[k] +
						 (kind == POOL_ATTENTION ? dot * (double)w[k] : 0);
	}
}

void gradient_run(struct gradient *g, const struct replay *r, const double *dlogit)
{
	const struct stack *s = &r->m->stack;
	const size_t n = (size_t)r->steps;

	memset(g->score, 0, n * sizeof(*g->score));
	if (g->dx)
		memset(g->dx, 0, n * (size_t)r->m->E * sizeof(*g->dx));
	for (int layer = 0; layer < s->spec.layers; layer++)
		memset(g->dy[layer], 0, n * (size_t)s->D * sizeof(double));
	memset(g->dvector, 0, (size_t)r->D * sizeof(double));
	dense_add_t(g->dvector, r->snapshot->weights + r->m->head_W, dlogit, (size_t)r->C,
		    (size_t)r->D);
	back_pool(g, r);
	for (int layer = s->spec.layers - 1; layer >= 0; layer--)
		for (int d = 0; d < s->spec.dirs; d++)
			back_run(g, r, &r->run[layer * s->spec.dirs + d]);
}

void gradient_of_class(const struct replay *r, int class, double *dlogit)
{
	for (int k = 0; k < r->C; k++)
		dlogit[k] = k == class;
}

void gradient_of_loss(const struct replay *r, int label, double *dlogit)
{
	for (int k = 0; k < r->C; k++)
		dlogit[k] = r->prob[k] - (k == label);
}

double gradient_norm(const double *v, int n)
{
	double sum = 0;

	for (int k = 0; k < n; k++)
		sum += v[k] * v[k];
	return sqrt(sum);
}

bool gradient_vanished(double norm, double largest)
{
	return norm < GRADIENT_VANISHED * largest;
}

bool gradient_exploded(const struct gradient *g, int run, double norm)
{
	return g->entry[run] > 0 && norm > GRADIENT_EXPLODED * g->entry[run];
}

bool gradient_open(struct gradient *g, const struct replay *r, bool inputs)
{
	const struct stack *s = &r->m->stack;
	const size_t T = (size_t)r->T, H = (size_t)r->H, GH = (size_t)r->G * H, D = (size_t)s->D;
	const size_t states = (T + 1) * H, E = inputs ? (size_t)r->m->E : 0;
	double *at = mem_block(2 * (size_t)s->runs * states + (size_t)s->spec.layers * T * D + T +
				       T * E + 3 * GH + 2 * H + D,
			       sizeof(*at));

	*g = (struct gradient){.block = at};
	if (!at)
		return false;
	for (int k = 0; k < s->runs; k++, at += 2 * states) {
		g->dh[k] = at;
		g->dc[k] = r->m->spec.cell->carries_h ? NULL : at + states;
	}
	for (int k = 0; k < s->spec.layers; k++, at += T * D)
		g->dy[k] = at;
	g->score = at;
	g->dx = inputs ? at + T : NULL;
	at += T + T * E;
	g->value = at;
	g->later = at + GH;
	g->dz = at + 2 * GH;
	g->room = at + 3 * GH;
	g->dvector = g->room + 2 * H;
	return true;
}

void gradient_release(struct gradient *g)
{
	free(g->block);
	*g = (struct gradient){0};
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/explain/relevance.h"

#include "engine/base/mem.h"
#include "engine/inspect/dense.h"

#include <math.h>
#include <stdlib.h>

/* On the way down. */
struct down {
	const struct replay *r;
	struct relevance *out;
	double eps, bf;
	double *vector;               /* (D) the vector's relevance */
	double *outputs;              /* (layers, steps, D) of each layer's output */
	double *h, *c, *h_prev;       /* (H) of a run's states; the state before a step */
	double *signal, *factor, *in; /* (H) of what was written; R_j / (z_j + eps sgn z_j); (E) */
	double *block;
};

bool relevance_gates_by_candidate(const struct cell_ops *cell)
{
	const int g = cell_gate(cell, "g");
	double gate[CELL_MAX_GATES] = {0};
	double none;

	if (g < 0)
		return false;
	none = cell->flow(gate).carry;
	gate[g] = 1;
	return cell->flow(gate).carry != none;
}

const char *relevance_lacks(const struct cell_ops *cell)
{
	if (cell->carries_h)
		return "defined for LSTMs: a GRU gates within the sum of its candidate";
	if (relevance_gates_by_candidate(cell))
		return "not defined where the candidate gates the old state: it is gate and "
		       "signal at once";
	return NULL;
}

/* (steps, D) of a layer's output. */
static double *output_of(const struct down *d, int layer)
{
	return d->outputs + (size_t)layer * (size_t)d->r->steps * (size_t)d->r->m->stack.D;
}

/* R_j over its stabilised z_j; counts what the bias and eps get of it. */
static double factor(struct down *d, double z, double b, double R)
{
	const double e = z < 0 ? -d->eps : d->eps, k = R / (z + e);

	d->out->bias += b * k;
	d->out->epsilon += e * k;
	return k;
}

/* What each of N inputs gets of the bias and eps of one j. */
static double handed_out(const struct down *d, double z, double b, double k, double N)
{
	return d->bf * (b + (z < 0 ? -d->eps : d->eps)) * k / N;
}

static void down_head(struct down *d, int class)
{
	const struct replay *r = d->r;
	const size_t D = (size_t)r->D, row = (size_t) class;
	const real *W = r->snapshot->weights + r->m->head_W + row * D;
	const double z = r->logit[class], b = (double)r->snapshot->weights[r->m->head_b + row];
	const double k = factor(d, z, b, d->out->start);
	const double all = handed_out(d, z, b, k, (double)D);

	for (size_t j = 0; j < D; j++)
		d->vector[j] = (double)W[j] * r->vector[j] * k + all;
}

/* To the outputs of the top layer, but for the last states, which are taken in down_run. */
static void down_pool(struct down *d)
{
	const struct replay *r = d->r;
	const enum pool kind = r->m->spec.pool;
	const int top = r->m->stack.spec.layers - 1;
	const size_t D = (size_t)r->D;

	for (size_t j = 0; kind != POOL_LAST && r->steps && j < D; j++) {
		double k, all;

		if (kind == POOL_MAX) {
			output_of(d, top)[(size_t)r->top[j] * D + j] = d->vector[j];
			continue;
		}
		k = factor(d, r->vector[j], 0, d->vector[j]);
		all = handed_out(d, r->vector[j], 0, k, r->steps);
		for (size_t t = 0; t < (size_t)r->steps; t++)
			output_of(d, top)[t * D + j] +=
				r->share[t] * r->y[top][t * D + j] * k + all;
	}
}

/* The part of a merged output, or of merged last states, that comes from a run: v is the run's own,
 * sum the merged one, R its relevance. */
static double part_of(struct down *d, const struct trace_run *run, double v, double sum, double R)
{
	const struct stack_spec *s = &d->r->m->stack.spec;
	const double bias = d->out->bias, epsilon = d->out->epsilon;
	double k, all;

	if (s->dirs == 1 || s->merge == MERGE_CONCAT)
		return R;
	k = factor(d, sum, 0, R);
	all = handed_out(d, sum, 0, k, 2);
	if (run->backward) { /* counted with the forward one */
		d->out->bias = bias;
		d->out->epsilon = epsilon;
	}
	return v * k + all;
}

/* Adds what comes from above to the relevance of h behind step k. */
static void enter(struct down *d, const struct trace_run *run, int k)
{
	const struct stack *s = &d->r->m->stack;
	const size_t H = (size_t)d->r->H, D = (size_t)s->D;
	const size_t part = run->backward && s->spec.merge == MERGE_CONCAT ? H : 0;
	const size_t at = (size_t)replay_turn(run, k) * D + part;
	const bool last = d->r->m->spec.pool == POOL_LAST && run->layer == s->spec.layers - 1 &&
			  k == d->r->steps - 1;
	const double *h = run->h + ((size_t)k + 1) * H;

	for (size_t u = 0; u < H; u++) {
		const double R = output_of(d, run->layer)[at + u];

		/* Nothing lost where nothing came in. */
		if (R != 0)
			d->h[u] += part_of(d, run, h[u], d->r->y[run->layer][at + u], R);
		if (last)
			d->h[u] +=
				part_of(d, run, h[u], d->r->vector[part + u], d->vector[part + u]);
	}
}

/* h = o (.) act(c) and c = a (.) c' + write: to c', and to what was written. */
static void down_state(struct down *d, const struct trace_run *run, int k)
{
	const struct cell_ops *cell = d->r->m->spec.cell;
	const size_t H = (size_t)d->r->H, at = (size_t)k * H;
	double all = 0;

	for (size_t u = 0; u < H; u++) {
		const double c = run->c[at + H + u];

		d->factor[u] = factor(d, c, 0, d->c[u] + d->h[u]);
		all += handed_out(d, c, 0, d->factor[u], 2 * (double)H);
	}
	for (size_t u = 0; u < H; u++) {
		double gate[CELL_MAX_GATES] = {0};
		struct cell_flow f;

		for (int q = 0; q < cell->gates; q++)
			gate[q] = run->gate[q][at + u];
		f = cell->flow(gate);
		d->c[u] = f.carry * run->c[at + u] * d->factor[u] + all;
		d->signal[u] = f.write * d->factor[u] + all;
	}
}

/* To what the candidate read: x, or the layer below, at position t, and h'. */
static void down_candidate(struct down *d, const struct trace_run *run, int k)
{
	const struct replay *r = d->r;
	const int q = cell_gate(r->m->spec.cell, "g"), t = replay_turn(run, k);
	const struct gate_weights *w = &r->gate[run->number][q];
	const size_t H = (size_t)r->H, E = (size_t)run->E, GxH = (size_t)r->Gx * H;
	const double *half = r->half[run->backward] + (size_t)r->row[t] * GxH + (size_t)q * H;
	const double *h = run->h + (size_t)k * H, *z = run->z[q] + (size_t)k * H;
	double all = 0;

	for (size_t u = 0; u < H; u++) {
		d->factor[u] = factor(d, z[u], (double)w->b[u], d->signal[u]);
		all += handed_out(d, z[u], (double)w->b[u], d->factor[u], (double)(H + E));
		d->h_prev[u] = 0;
	}
	dense_add_t(d->h_prev, w->U, d->factor, H, H);
	for (size_t u = 0; u < H; u++)
		d->h[u] = d->h_prev[u] * h[u] + all;
	if (!run->layer) {
		for (size_t u = 0; u < H; u++)
			d->out->word[t] += r->scale * half[u] * d->factor[u];
		d->out->word[t] += (double)E * all;
		return;
	}
	for (size_t j = 0; j < E; j++)
		d->in[j] = 0;
	dense_add_t(d->in, w->W, d->factor, H, E);
	for (size_t j = 0; j < E; j++)
		output_of(d, run->layer - 1)[(size_t)t * E + j] +=
			d->in[j] * r->y[run->layer - 1][(size_t)t * E + j] + all;
}

static void down_run(struct down *d, const struct trace_run *run)
{
	const size_t H = (size_t)d->r->H;

	for (size_t u = 0; u < H; u++)
		d->h[u] = d->c[u] = 0;
	for (int k = d->r->steps - 1; k >= 0; k--) {
		enter(d, run, k);
		down_state(d, run, k);
		down_candidate(d, run, k);
	}
	for (size_t u = 0; u < H; u++)
		d->out->initial += d->h[u] + d->c[u];
}

static bool make_room(struct down *d)
{
	const struct stack *s = &d->r->m->stack;
	const size_t H = (size_t)d->r->H, n = (size_t)d->r->steps * (size_t)s->D;
	const size_t D = (size_t)d->r->D, E = (size_t)(d->r->m->E > s->D ? d->r->m->E : s->D);
	double *at = mem_block((size_t)s->spec.layers * n + D + 5 * H + E, sizeof(*at));

	d->block = at;
	if (!at)
		return false;
	d->outputs = at;
	at += (size_t)s->spec.layers * n;
	d->vector = at;
	at += D;
	d->h = at;
	d->c = at + H;
	d->h_prev = at + 2 * H;
	d->signal = at + 3 * H;
	d->factor = at + 4 * H;
	d->in = at + 5 * H;
	return true;
}

bool relevance_run(struct relevance *out, const struct replay *r, int class,
		   const struct relevance_rules *rules)
{
	const struct stack *s = &r->m->stack;
	struct down d = {.r = r, .out = out, .eps = rules->epsilon, .bf = rules->bias_factor};
	double sum = 0;

	*out = (struct relevance){.start = r->logit[class],
				  .word = mem_zero((size_t)r->steps + 1, sizeof(*out->word))};
	if (!make_room(&d))
		return false;
	down_head(&d, class);
	down_pool(&d);
	for (int layer = s->spec.layers - 1; layer >= 0; layer--)
		for (int dir = 0; dir < s->spec.dirs; dir++)
			down_run(&d, &r->run[layer * s->spec.dirs + dir]);
	for (int t = 0; t < r->steps; t++)
		sum += out->word[t];
	out->residual = out->start - (sum + out->initial + (1 - d.bf) * (out->bias + out->epsilon));
	free(d.block);
	return true;
}

void relevance_release(struct relevance *v)
{
	free(v->word);
	*v = (struct relevance){0};
}

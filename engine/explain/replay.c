/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/explain/replay.h"

#include "engine/base/mem.h"
#include "engine/inspect/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double replay_activate(enum activation act, double z)
{
	return act == ACT_TANH ? tanh(z) : act == ACT_IDENTITY ? z : 1 / (1 + exp(-z));
}

double replay_slope(enum activation act, double v)
{
	return act == ACT_TANH ? 1 - v * v : act == ACT_IDENTITY ? 1 : v * (1 - v);
}

/* --- one run --------------------------------------------------------------------------------------- */

/* z of gate q at step k: b, the input's half, and what the gate sees of the states. */
static void sum_gate(struct replay *r, struct trace_run *run, int k, int q, const double *half,
		     double scale)
{
	const struct gate_weights *g = &r->gate[run->number][q];
	const unsigned terms = r->m->spec.cell->gate[q].terms;
	const size_t H = (size_t)r->H, s = (size_t)k;
	const double *h = run->h + s * H, *c = run->c ? run->c + s * H : NULL;
	double *z = run->z[q] + s * H, *v = r->room;

	for (size_t u = 0; u < H; u++)
		z[u] = (double)g->b[u] + (g->W ? scale * half[(size_t)q * H + u] : 0);
	if (terms & TERM_RESET_AFTER) {
		for (size_t u = 0; u < H; u++)
			v[u] = (double)g->reset_b[u];
		dense_add(v, g->U, h, H, H);
		for (size_t u = 0; u < H; u++)
			z[u] += run->gate[0][s * H + u] * v[u];
	} else if (terms & TERM_RESET_BEFORE) {
		for (size_t u = 0; u < H; u++)
			v[u] = run->gate[0][s * H + u] * h[u];
		dense_add(z, g->U, v, H, H);
	} else if (g->U) {
		dense_add(z, g->U, h, H, H);
	}
	if (g->Wc && c)
		dense_add(z, g->Wc, c + H, H, H);
	for (size_t u = 0; g->peep && c && u < H; u++)
		z[u] += (double)g->peep[u] * c[(terms & TERM_PEEP_NEW ? H : 0) + u];
	for (int j = 0; k && j < g->Rs; j++)
		dense_add(z, g->R[j], run->gate[g->from[j]] + (s - 1) * H, H, H);
}

/* The gates that look at the new state, or the others. */
static void run_gates(struct replay *r, struct trace_run *run, int k, bool late, const double *half,
		      double scale)
{
	const struct cell_ops *cell = r->m->spec.cell;
	const size_t H = (size_t)r->H, at = (size_t)k * H;

	for (int q = 0; q < r->G; q++) {
		if (late != !!(cell->gate[q].terms & (TERM_C_NEW | TERM_PEEP_NEW)))
			continue;
		sum_gate(r, run, k, q, half, scale);
		for (size_t u = 0; u < H; u++)
			run->gate[q][at + u] =
				replay_activate(cell->gate[q].act, run->z[q][at + u]);
	}
}

static void run_step(struct replay *r, struct trace_run *run, int k, const double *half,
		     double scale)
{
	const struct cell_ops *cell = r->m->spec.cell;
	const size_t H = (size_t)r->H, at = (size_t)k * H;
	const int o = cell_gate(cell, "o");
	double *state = cell->carries_h ? run->h : run->c;

	run_gates(r, run, k, false, half, scale);
	for (size_t u = 0; u < H; u++) {
		double gate[CELL_MAX_GATES] = {0};
		struct cell_flow f;

		for (int q = 0; q < r->G; q++)
			gate[q] = run->gate[q][at + u];
		f = cell->flow(gate);
		state[at + H + u] = f.carry * state[at + u] + f.write;
	}
	if (r->touch)
		r->touch(r->touch_arg, r, run->number, k, false);
	run_gates(r, run, k, true, half, scale);
	for (size_t u = 0; !cell->carries_h && u < H; u++)
		run->h[at + H + u] = (o < 0 ? 1 : run->gate[o][at + u]) *
				     replay_activate(cell->output, run->c[at + H + u]);
	if (r->touch)
		r->touch(r->touch_arg, r, run->number, k, true);
}

/* The state before the first step, where it is learned; else it is 0. */
static void begin(const struct replay *r, struct trace_run *run)
{
	const real *w = r->snapshot->weights;

	for (size_t u = 0; run->stack->spec.learned && u < (size_t)r->H; u++) {
		run->h[u] = (double)w[run->stack->h0[run->number] + u];
		if (run->c)
			run->c[u] = (double)w[run->stack->c0[run->number] + u];
	}
}

static const real *input_weights(const struct replay *r, int run)
{
	return r->snapshot->weights + r->m->stack.run[run].at.W;
}

/* The input half of an upper layer's gates, from what the layer below puts out. */
static void read_below(struct replay *r, const struct trace_run *run)
{
	const size_t GxH = (size_t)r->Gx * (size_t)r->H, E = (size_t)run->E;

	memset(r->above, 0, (size_t)r->steps * GxH * sizeof(double));
	for (size_t t = 0; t < (size_t)r->steps; t++)
		dense_add(r->above + t * GxH, input_weights(r, run->number),
			  r->y[run->layer - 1] + t * E, GxH, E);
}

static void run_one(struct replay *r, struct trace_run *run)
{
	const size_t GxH = (size_t)r->Gx * (size_t)r->H;

	run->T = r->steps;
	if (run->layer)
		read_below(r, run);
	begin(r, run);
	for (int k = 0; k < r->steps; k++) {
		const int t = replay_turn(run, k);

		if (run->layer)
			run_step(r, run, k, r->above + (size_t)t * GxH, 1);
		else
			run_step(r, run, k, r->half[run->backward] + (size_t)r->row[t] * GxH,
				 r->scale);
	}
}

/* What a layer puts out at every position. */
static void put_out(struct replay *r, int layer)
{
	const struct stack_spec *s = &r->m->stack.spec;
	const struct trace_run *run = &r->run[(size_t)layer * (size_t)s->dirs];
	const size_t H = (size_t)r->H, D = (size_t)r->m->stack.D;

	for (size_t t = 0; t < (size_t)r->steps; t++) {
		double *y = r->y[layer] + t * D;

		memcpy(y, run->h + (t + 1) * H, H * sizeof(*y));
		for (size_t u = 0; s->dirs == 2 && u < H; u++) {
			const double back = run[1].h[((size_t)r->steps - t) * H + u];

			if (s->merge == MERGE_CONCAT)
				y[H + u] = back;
			else
				y[u] += back;
		}
	}
}

/* --- pool and head --------------------------------------------------------------------------------- */

static void pool_last(struct replay *r)
{
	const struct stack_spec *s = &r->m->stack.spec;
	const size_t H = (size_t)r->H;

	for (int d = 0; d < s->dirs; d++) {
		const struct trace_run *run = &r->run[r->m->stack.runs - s->dirs + d];
		double *v = r->vector + (d && s->merge == MERGE_CONCAT ? H : 0);

		for (size_t u = 0; u < H; u++)
			v[u] += run->h[(size_t)r->steps * H + u];
	}
}

static void attend(struct replay *r, const double *y)
{
	const size_t D = (size_t)r->D;
	double most = -INFINITY, sum = 0;

	for (int t = 0; t < r->steps; t++) {
		r->share[t] = 0;
		dense_add(&r->share[t], r->snapshot->weights + r->m->pool_w, y + (size_t)t * D, 1,
			  D);
		most = fmax(most, r->share[t]);
	}
	for (int t = 0; t < r->steps; t++)
		sum += r->share[t] = exp(r->share[t] - most);
	for (int t = 0; t < r->steps; t++)
		r->share[t] /= sum;
}

static void pool(struct replay *r)
{
	const enum pool kind = r->m->spec.pool;
	const double *y = r->y[r->m->stack.spec.layers - 1];
	const size_t D = (size_t)r->D;

	memset(r->vector, 0, D * sizeof(*r->vector));
	if (kind == POOL_LAST) {
		pool_last(r);
		return;
	}
	for (int t = 0; t < r->steps; t++)
		r->share[t] = 1.0 / r->steps;
	if (kind == POOL_ATTENTION)
		attend(r, y);
	for (int t = 0; t < r->steps; t++, y += D)
		for (size_t k = 0; k < D; k++) {
			if (kind != POOL_MAX) {
				r->vector[k] += r->share[t] * y[k];
			} else if (!t || y[k] > r->vector[k]) {
				r->vector[k] = y[k];
				r->top[k] = t;
			}
		}
}

static void run_head(struct replay *r)
{
	const real *w = r->snapshot->weights;
	double most = -INFINITY, sum = 0;

	for (int k = 0; k < r->C; k++)
		r->logit[k] = (double)w[r->m->head_b + (size_t)k];
	dense_add(r->logit, w + r->m->head_W, r->vector, (size_t)r->C, (size_t)r->D);
	for (int k = 0; k < r->C; k++)
		most = fmax(most, r->logit[k]);
	for (int k = 0; k < r->C; k++)
		sum += r->prob[k] = exp(r->logit[k] - most);
	for (int k = 0; k < r->C; k++)
		r->prob[k] /= sum;
}

void replay_classes(struct replay *r, int steps)
{
	const int all = r->steps;

	r->steps = steps;
	pool(r);
	run_head(r);
	r->steps = all;
}

void replay_run(struct replay *r, const int *row, int steps, double scale)
{
	const struct stack *s = &r->m->stack;

	r->steps = steps;
	r->scale = scale;
	for (int t = 0; t < steps; t++)
		r->row[t] = row ? row[t] : t;
	for (int layer = 0; layer < s->spec.layers; layer++) {
		for (int d = 0; d < s->spec.dirs; d++)
			run_one(r, &r->run[layer * s->spec.dirs + d]);
		put_out(r, layer);
	}
	if (r->m->spec.task != TASK_CLASSIFY)
		return;
	pool(r);
	run_head(r);
}

/* --- the text -------------------------------------------------------------------------------------- */

/* Pads `count` elements by the rules; what is put in is `element + 1`, and 0 where padding stands.
 * Returns how many steps there are then. */
static int lay_out(const struct replay *r, const int32_t *element, int count, int *to, int most)
{
	struct batch b = {0};
	int steps;

	batch_of_ids(&b, element, count, &r->rules);
	steps = b.steps.N;
	for (int t = 0; t < steps && t < most; t++)
		to[t] = b.ids[t] - 1;
	batch_release(&b);
	return steps;
}

/* Which token stands at which step. Where padding is skipped, so are tokens that are <pad>. */
static void read_tokens(struct replay *r)
{
	const struct batch_rules *rules = &r->rules;
	const int n = (int)r->encoding.count;
	int32_t *element = mem_alloc(((size_t)n + 1) * sizeof(*element));
	int count = 0;

	for (int k = 0; k < n; k++)
		if (rules->ragged || !rules->mask || r->encoding.ids[k] != VOCAB_PAD)
			element[count++] = k + 1;
	r->T = lay_out(r, element, count, NULL, 0);
	r->token = mem_alloc(((size_t)r->T + 1) * sizeof(*r->token));
	r->ids = mem_alloc(((size_t)r->T + 1) * sizeof(*r->ids));
	lay_out(r, element, count, r->token, r->T);
	for (int t = 0; t < r->T; t++)
		r->ids[t] = r->token[t] < 0 ? VOCAB_PAD : r->encoding.ids[r->token[t]];
	free(element);
}

static int id_of_row(const struct replay *r, int row)
{
	const int unknown = vocab_unknown(r->snapshot->encoder->vocab);

	return row < r->T ? r->ids[row] : row == r->T || unknown < 0 ? VOCAB_PAD : unknown;
}

bool replay_has_unknown(const struct replay *r)
{
	return vocab_unknown(r->snapshot->encoder->vocab) >= 0;
}

void replay_input(const struct replay *r, int row, double *x)
{
	const size_t E = (size_t)r->m->E, id = (size_t)id_of_row(r, row);
	const real *e = r->snapshot->weights + r->m->embedding + id * E;

	for (size_t j = 0; j < E; j++)
		x[j] = r->m->spec.embed ? (double)e[j] : j == id;
}

/* W x of every row; a one-hot x picks a column. */
static void fill_halves(struct replay *r)
{
	const size_t GxH = (size_t)r->Gx * (size_t)r->H, E = (size_t)r->m->E;
	double *x = mem_alloc(E * sizeof(*x));

	for (int row = 0; row < r->T + 2; row++) {
		if (r->m->spec.embed)
			replay_input(r, row, x);
		for (int d = 0; d < r->m->stack.spec.dirs; d++) {
			const real *W = input_weights(r, d);
			double *half = r->half[d] + (size_t)row * GxH;

			for (size_t k = 0; !r->m->spec.embed && k < GxH; k++)
				half[k] = (double)W[k * E + (size_t)id_of_row(r, row)];
			if (r->m->spec.embed)
				dense_add(half, W, x, GxH, E);
		}
	}
	free(x);
}

int replay_without(const struct replay *r, int t, bool unk, int *row)
{
	int32_t *element = mem_alloc(((size_t)r->T + 1) * sizeof(*element));
	int n = 0, steps;

	for (int k = 0; t >= 0 && k < r->T; k++)
		if (r->token[k] >= 0 && (k != t || unk))
			element[n++] = k == t ? r->T + 2 : k + 1;
	steps = lay_out(r, element, n, row, r->T);
	for (int k = 0; k < steps; k++)
		row[k] = row[k] < 0 ? r->T : row[k];
	free(element);
	return steps;
}

const char *replay_token(const struct replay *r, int t, size_t *n)
{
	if (r->token[t] < 0) {
		*n = 5;
		return "<pad>";
	}
	return tokens_at(&r->encoding.tokens, (size_t)r->token[t], n);
}

double replay_work(const struct replay *r)
{
	const struct stack *s = &r->m->stack;
	double sum = 0;

	for (int k = 0; k < s->runs; k++)
		sum += (double)s->run[k].at.size -
		       (k < s->spec.dirs ? (double)r->Gx * r->H * r->m->E : 0);
	return sum * r->T;
}

/* --- room ------------------------------------------------------------------------------------------ */

static double *take(double **at, size_t n)
{
	double *from = *at;

	*at += n;
	return from;
}

static void lay_run(struct replay *r, int k, double **at)
{
	const struct stack *s = &r->m->stack;
	struct trace_run *run = &r->run[k];
	const size_t TH = (size_t)r->T * (size_t)r->H, H = (size_t)r->H;
	const struct trace shell = {
		.snapshot = r->snapshot, .H = r->H, .D = r->D, .C = r->C, .gates = r->G};

	*run = (struct trace_run){.layer = k / s->spec.dirs,
				  .backward = k % s->spec.dirs,
				  .stack = s,
				  .number = k,
				  .E = s->run[k].at.E};
	for (int q = 0; q < r->G; q++) {
		run->z[q] = take(at, TH);
		run->gate[q] = take(at, TH);
		r->gate[k][q] = terms_weights(&shell, run, q);
	}
	run->h = take(at, TH + H);
	if (!r->m->spec.cell->carries_h)
		run->c = take(at, TH + H);
}

/* All arrays of numbers, in one block. */
static bool make_room(struct replay *r)
{
	const struct stack *s = &r->m->stack;
	const size_t T = (size_t)r->T, H = (size_t)r->H, D = (size_t)r->D, C = (size_t)r->C;
	const size_t GxH = (size_t)r->Gx * H, runs = (size_t)s->runs;
	const size_t n = 2 * (T + 2) * GxH + runs * ((2 * (size_t)r->G + 2) * T * H + 2 * H) +
			 (size_t)s->spec.layers * T * (size_t)s->D + D + T + 2 * C + T * GxH + H;
	double *at = mem_block(n, sizeof(*at));

	if (!at)
		return false;
	r->block = at;
	for (int d = 0; d < s->spec.dirs; d++)
		r->half[d] = take(&at, (T + 2) * GxH);
	for (int k = 0; k < s->runs; k++)
		lay_run(r, k, &at);
	for (int k = 0; k < s->spec.layers; k++)
		r->y[k] = take(&at, T * (size_t)s->D);
	r->vector = take(&at, D);
	r->share = take(&at, T);
	r->logit = take(&at, C);
	r->prob = take(&at, C);
	r->above = take(&at, T * GxH);
	r->room = take(&at, H);
	r->row = mem_zero(T + 1, sizeof(*r->row));
	r->top = mem_zero(D, sizeof(*r->top));
	return true;
}

struct replay *replay_new(struct snapshot *s, const char *text, size_t n, struct err *err)
{
	return replay_padded(s, text, n, &s->encoder->rules, err);
}

struct replay *replay_padded(struct snapshot *s, const char *text, size_t n,
			     const struct batch_rules *rules, struct err *err)
{
	struct replay *r = mem_zero(1, sizeof(*r));

	r->snapshot = snapshot_ref(s);
	r->m = &s->encoder->model;
	r->rules = *rules;
	r->H = r->m->spec.hidden;
	r->D = r->m->D;
	r->C = r->m->spec.task == TASK_CLASSIFY ? r->m->spec.classes : 0;
	r->G = r->m->spec.cell->gates;
	r->Gx = r->m->spec.cell->x_gates;
	encoder_encode(s->encoder, text, n, &r->encoding);
	read_tokens(r);
	if (make_room(r)) {
		fill_halves(r);
		replay_run(r, NULL, r->T, 1);
		return r;
	}
	err_set(err, ERR_FAILED, "not enough memory to run %d steps in double precision", r->T);
	replay_free(r);
	return NULL;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	snapshot_unref(r->snapshot);
	encoding_release(&r->encoding);
	free(r->ids);
	free(r->token);
	free(r->row);
	free(r->top);
	free(r->block);
	free(r);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/pair.h"
#include "engine/inspect/outcome.h"
#include "engine/inspect/runs.h"
#include "engine/inspect/terms.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A decoder at work. */
struct pair {
	struct trace *t;
	const struct model *m;
	struct trace_run *run;          /* its first one */
	const real *W, *Wk, *b, *v, *C; /* of attention, as far as it has them */
	double *keys;                   /* (T, D) */
	double *ready;                  /* (T, A): the keys as the score takes them */
	double *u;                      /* (A) the query likewise */
	double *cat;                    /* (D + H) */
};

/* A named tensor; NULL if there is none. */
static const real *tensor(const struct pair *p, const char *name)
{
	const struct param *q = model_param(p->m, name);

	return q ? p->t->snapshot->weights + q->at : NULL;
}

/* --- the bridge --- */

/* Behind a run's last step. */
static const double *last_state(const struct trace *t, const struct trace_run *r, bool cell)
{
	return (cell ? r->c : r->h) + (size_t)r->T * (size_t)t->H;
}

/* The decoder's first h or c of a layer, from the last ones of the encoder's. */
static void cross(struct pair *p, int layer, bool cell, double *first)
{
	const struct stack_spec *s = &p->m->stack.spec;
	const struct trace_run *r = p->t->run + (ptrdiff_t)layer * s->dirs;
	const size_t H = (size_t)p->t->H;
	double *both = mem_zero(2 * H, sizeof(*both));
	char name[40];
	const real *W, *b;

	for (int d = 0; d < s->dirs; d++)
		memcpy(both + (size_t)d * H, last_state(p->t, r + d, cell), H * sizeof(double));
	for (size_t u = 0; u < H; u++)
		first[u] = both[u] + both[H + u]; /* of one direction the other is 0 */
	snprintf(name, sizeof(name), "bridge.l%d.W_%c", layer, cell ? 'c' : 'h');
	W = tensor(p, name);
	snprintf(name, sizeof(name), "bridge.l%d.b_%c", layer, cell ? 'c' : 'h');
	b = tensor(p, name);
	for (size_t u = 0; W && u < H; u++) {
		first[u] = (double)b[u] + terms_dot(W + 2 * u * H, both, 2 * p->t->H);
		first[u] = cell ? first[u] : tanh(first[u]);
	}
	free(both);
}

/* --- attention --- */

/* Row k of what projects the keys: (A, D). */
static const real *key_row(const struct pair *p, int k)
{
	const size_t D = (size_t)p->t->D, H = (size_t)p->t->H;

	switch (p->m->spec.attention) {
	case ATTENTION_GENERAL:
		return p->W + (size_t)k * D;
	case ATTENTION_CONCAT:
		return p->W + (size_t)k * (H + D) + H;
	default:
		return p->Wk + (size_t)k * D;
	}
}

static void ready_keys(struct pair *p)
{
	const size_t D = (size_t)p->t->D, A = (size_t)p->m->attend.A;
	const bool as_they_are = p->m->spec.attention == ATTENTION_DOT;

	for (int s = 0; s < p->t->T; s++) {
		double *key = p->keys + (size_t)s * D, *to = p->ready + (size_t)s * A;

		outcome_output(p->t, outcome_top(p->t), s, key);
		for (size_t k = 0; k < A; k++)
			to[k] = as_they_are ? key[k] : terms_dot(key_row(p, (int)k), key, p->t->D);
	}
}

/* The query as the score takes it. */
static void ready_query(struct pair *p, const double *q)
{
	const size_t H = (size_t)p->t->H;
	const size_t wide = p->m->spec.attention == ATTENTION_CONCAT ? H + (size_t)p->t->D : H;

	for (size_t k = 0; k < (size_t)p->m->attend.A; k++) {
		p->u[k] = q[k % H];
		if (p->v) /* additive */
			p->u[k] = (p->b ? (double)p->b[k] : 0) +
				  terms_dot(p->W + k * wide, q, p->t->H);
	}
}

static double score(const struct pair *p, int position)
{
	const size_t A = (size_t)p->m->attend.A;
	const double *key = p->ready + (size_t)position * A;
	double sum = 0;

	for (size_t k = 0; k < A; k++)
		sum += p->v ? (double)p->v[k] * tanh(key[k] + p->u[k]) : key[k] * p->u[k];
	return sum;
}

/* The shares and the context of a step, with query q. */
static void look(struct pair *p, int step, const double *q)
{
	const int T = p->t->T;
	const size_t D = (size_t)p->t->D;
	double *a = p->t->attention + (size_t)step * (size_t)T;
	double *context = p->t->context + (size_t)step * D;
	double max = -INFINITY, sum = 0;

	ready_query(p, q);
	for (int s = 0; s < T; s++)
		max = fmax(max, a[s] = score(p, s));
	for (int s = 0; s < T; s++)
		sum += a[s] = exp(a[s] - max);
	for (int s = 0; s < T; s++) {
		a[s] /= sum;
		for (size_t k = 0; k < D; k++)
			context[k] += a[s] * p->keys[(size_t)s * D + k];
	}
}

/* --- the steps --- */

static struct trace_run *top_of(const struct pair *p)
{
	return p->run + (p->m->dec.runs - 1);
}

static bool is_early(const struct pair *p)
{
	return p->m->spec.attention && p->m->attend.ops->early;
}

/* What the lowest layer reads: its token and, beside it, the context or what was said before. */
static void read_step(struct pair *p, int step)
{
	const size_t H = (size_t)p->t->H, D = (size_t)p->t->D, K = (size_t)p->m->K;
	double *x = p->run->x + (size_t)step * (size_t)p->run->E;
	double *beside = x + p->m->out_E;

	runs_embed_written(p->t, step, x);
	if (is_early(p)) {
		look(p, step, top_of(p)->h + (size_t)step * H);
		memcpy(beside, p->t->context + (size_t)step * D, D * sizeof(double));
	} else if (p->m->beside && step) {
		memcpy(beside, p->t->said + (size_t)(step - 1) * K, K * sizeof(double));
	}
}

/* What the head reads. */
static void say(struct pair *p, int step)
{
	const size_t H = (size_t)p->t->H, D = (size_t)p->t->D, K = (size_t)p->m->K;
	const double *h = top_of(p)->h + (size_t)(step + 1) * H;
	const double *context = p->t->context + (size_t)step * D;
	double *out = p->t->said + (size_t)step * K;

	memcpy(out, h, H * sizeof(double));
	if (is_early(p)) {
		memcpy(out + H, context, D * sizeof(double));
	} else if (p->m->spec.attention) {
		look(p, step, h);
		memcpy(p->cat, context, D * sizeof(double));
		memcpy(p->cat + D, h, H * sizeof(double));
		for (size_t u = 0; u < H; u++)
			out[u] = tanh(terms_dot(p->C + u * (D + H), p->cat, (int)(D + H)));
	}
}

static void decode_step(struct pair *p, int step)
{
	const size_t H = (size_t)p->t->H;

	read_step(p, step);
	for (int k = 0; k < p->m->dec.runs; k++) {
		struct trace_run *r = p->run + k;

		if (k)
			memcpy(r->x + (size_t)step * H, r[-1].h + (size_t)(step + 1) * H,
			       H * sizeof(double));
		runs_step(p->t, r, step);
	}
	say(p, step);
}

/* --- the whole --- */

/* Arrays of the trace, zeroed, and room for the work in one block. */
static bool make_room(struct pair *p)
{
	struct trace *t = p->t;
	const size_t T = (size_t)t->T, D = (size_t)t->D, H = (size_t)t->H, n = (size_t)t->written;
	const size_t A = p->m->spec.attention ? (size_t)p->m->attend.A : 0;
	double *at = mem_block(T * D + T * A + A + D + H + 1, sizeof(*at));

	t->said = mem_block(n * (size_t)p->m->K + 1, sizeof(*t->said));
	t->context = mem_block(n * D + 1, sizeof(*t->context));
	if (p->m->spec.attention)
		t->attention = mem_block(n * T + 1, sizeof(*t->attention));
	p->keys = at;
	if (!at || !t->said || !t->context || (p->m->spec.attention && !t->attention))
		return false;
	p->ready = p->keys + T * D;
	p->u = p->ready + T * A;
	p->cat = p->u + A;
	return runs_lay(t, &p->m->dec, p->run, true, t->written);
}

static void find_weights(struct pair *p)
{
	p->W = tensor(p,
		      p->m->spec.attention == ATTENTION_BAHDANAU ? "attention.W_q" : "attention.W");
	p->Wk = tensor(p, "attention.W_k");
	p->b = tensor(p, "attention.b");
	p->v = tensor(p, "attention.v");
	p->C = tensor(p, "attention.C");
}

/* Everything that is there before the first step. */
static bool begin(struct pair *p, struct trace *t)
{
	const struct model *m = &t->snapshot->encoder->model;

	*p = (struct pair){.t = t, .m = m, .run = t->run + m->stack.runs};
	if (!make_room(p))
		return false;
	find_weights(p);
	for (int k = 0; k < m->dec.runs; k++) {
		cross(p, k, false, p->run[k].h);
		if (p->run[k].c)
			cross(p, k, true, p->run[k].c);
	}
	if (m->spec.attention)
		ready_keys(p);
	return true;
}

bool pair_decode(struct trace *t)
{
	struct pair p;
	const bool ok = begin(&p, t);

	for (int step = 0; ok && step < t->written; step++)
		decode_step(&p, step);
	free(p.keys);
	return ok && runs_name(t, &p.m->dec, p.run);
}

bool pair_write(struct trace *t, answer_fn *choose, void *arg)
{
	struct pair p;
	const bool ok = begin(&p, t);

	for (int step = 0; ok && step < t->written; step++) {
		decode_step(&p, step);
		if (!choose(arg, t, step, t->said + (size_t)step * (size_t)p.m->K))
			break;
	}
	free(p.keys);
	free(t->attention);
	free(t->context);
	free(t->said);
	t->attention = t->context = t->said = NULL;
	return ok;
}

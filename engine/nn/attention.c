/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/attention.h"

#include "engine/base/mem.h"
#include "engine/math/blas.h"
#include "engine/math/kernels.h"
#include "engine/math/lay.h"

#include <stdlib.h>
#include <string.h>

const struct attention_ops attention_table[ATTENTION_COUNT] = {
	[ATTENTION_NONE] = {"none", "", false, false},
	[ATTENTION_DOT] = {"dot", "q·k", false, false},
	[ATTENTION_GENERAL] = {"general", "q·W k", false, false},
	[ATTENTION_CONCAT] = {"concat", "v·tanh(W [q; k])", true, false},
	[ATTENTION_BAHDANAU] = {"bahdanau", "v·tanh(W_q q + W_k k + b)", true, true},
};

int attention_find(const char *name)
{
	for (int k = 0; k < ATTENTION_COUNT; k++)
		if (!strcmp(attention_table[k].name, name))
			return k;
	return -1;
}

void attention_plan(struct attend *a, enum attention kind, int H, int D, int A, size_t at)
{
	const size_t start = at, h = (size_t)H, d = (size_t)D;
	size_t w;

	*a = (struct attend){.ops = &attention_table[kind], .kind = kind, .H = H, .D = D};
	if (kind == ATTENTION_NONE)
		return;
	a->A = a->ops->additive && A ? A : H;
	w = (size_t)a->A;
	a->W = at;
	at += kind == ATTENTION_GENERAL    ? h * d
	      : kind == ATTENTION_CONCAT   ? w * (h + d)
	      : kind == ATTENTION_BAHDANAU ? w * h
					   : 0;
	a->Wk = at;
	at += kind == ATTENTION_BAHDANAU ? w * d : 0;
	a->b = at;
	at += kind == ATTENTION_BAHDANAU ? w : 0;
	a->v = at;
	at += a->ops->additive ? w : 0;
	a->C = at;
	at += a->ops->early ? 0 : h * (d + h);
	a->size = at - start;
}

const char *attention_tensor(const struct attend *a, int k, size_t *at, int *rows, int *cols)
{
	const bool bahdanau = a->kind == ATTENTION_BAHDANAU;
	const struct {
		const char *name;
		size_t at;
		int rows, cols;
		bool there;
	} tensor[] = {
		{bahdanau ? "W_q" : "W", a->W, a->kind == ATTENTION_GENERAL ? a->H : a->A,
		 a->kind == ATTENTION_GENERAL  ? a->D
		 : a->kind == ATTENTION_CONCAT ? a->H + a->D
					       : a->H,
		 a->kind >= ATTENTION_GENERAL},
		{"W_k", a->Wk, a->A, a->D, bahdanau},
		{"b", a->b, a->A, 0, bahdanau},
		{"v", a->v, a->A, 0, attention_table[a->kind].additive},
		{"C", a->C, a->H, a->D + a->H, a->kind && !attention_table[a->kind].early},
	};

	for (size_t j = 0; j < sizeof(tensor) / sizeof(tensor[0]); j++)
		if (tensor[j].there && !k--) {
			*at = tensor[j].at;
			*rows = tensor[j].rows;
			*cols = tensor[j].cols;
			return tensor[j].name;
		}
	return NULL;
}

struct cmat attention_query(const struct attend *a, const real *weights)
{
	if (a->kind == ATTENTION_CONCAT)
		return cmat_cols(cmat_of(weights + a->W, a->A, a->H + a->D), 0, a->H);
	if (a->kind == ATTENTION_BAHDANAU)
		return cmat_of(weights + a->W, a->A, a->H);
	return (struct cmat){0};
}

struct cmat attention_keys(const struct attend *a, const real *weights)
{
	if (a->kind == ATTENTION_GENERAL)
		return cmat_of(weights + a->W, a->H, a->D);
	if (a->kind == ATTENTION_CONCAT)
		return cmat_cols(cmat_of(weights + a->W, a->A, a->H + a->D), a->H, a->D);
	if (a->kind == ATTENTION_BAHDANAU)
		return cmat_of(weights + a->Wk, a->A, a->D);
	return (struct cmat){0};
}

void memory_release(struct memory *m)
{
	free(m->start);
	free(m->from);
	free(m->block);
	*m = (struct memory){0};
}

static size_t products_room(const struct attend *a, struct arithmetic how)
{
	const size_t factor = factor_size(a->A, a->D), cross = cross_size(how, a->D);

	return lay_size(factor > cross ? factor : cross);
}

size_t memory_size(const struct attend *a, struct arithmetic how, size_t rows)
{
	const size_t keys = lay_size(rows * (size_t)a->D), ready = lay_size(rows * (size_t)a->A);

	return 2 * keys + 2 * ready + products_room(a, how);
}

/* Where the rows of each text lie in the encoder's output. */
static void find_rows(struct memory *m, const struct batch *b)
{
	const struct steps *s = &b->steps;

	m->texts = s->B;
	m->rows = s->N;
	m->widest = s->T;
	m->start = mem_grow(m->start, &m->start_cap, (size_t)s->B + 1, sizeof(int));
	m->from = mem_grow(m->from, &m->from_cap, (size_t)s->N + 1, sizeof(int));
	m->start[0] = 0;
	for (int p = 0; p < s->B; p++) {
		for (int t = 0; t < b->len[p]; t++)
			m->from[m->start[p] + t] = s->offset[t] + p;
		m->start[p + 1] = m->start[p] + b->len[p];
	}
}

bool memory_build(struct memory *m, const struct attend *a, struct arithmetic how,
		  const real *weights, const struct batch *b, const real *y)
{
	const size_t D = (size_t)a->D, A = (size_t)a->A;
	const size_t need = memory_size(a, how, (size_t)b->steps.N);
	const struct cmat W = attention_keys(a, weights);
	real *at;

	find_rows(m, b);
	if (!m->block || need > m->cap) {
		free(m->block);
		m->cap = need + need / 4;
		m->block = mem_block(m->cap, sizeof(real));
		if (!m->block)
			return false;
	}
	at = m->block;
	m->keys = lay_take(&at, (size_t)m->rows * D);
	m->dkeys = lay_take(&at, (size_t)m->rows * D);
	m->ready = lay_take(&at, (size_t)m->rows * A);
	m->dready = lay_take(&at, (size_t)m->rows * A);
	m->room = at;
	for (size_t k = 0; k < (size_t)m->rows; k++)
		memcpy(m->keys + k * D, y + (size_t)m->from[k] * D, D * sizeof(real));
	memset(m->dkeys, 0, (size_t)m->rows * D * sizeof(real));
	memset(m->dready, 0, (size_t)m->rows * A * sizeof(real));
	if (W.data) {
		const struct factor f = factor_of(how, FACTOR_ONCE, W, true, m->room);

		factor_mul(mat_of(m->ready, m->rows, a->A), cmat_of(m->keys, m->rows, a->D), &f,
			   NULL, 0);
	} else {
		m->ready = m->keys;
		m->dready = m->dkeys;
	}
	return true;
}

/* The gradient of the matrix that projects the keys has its place, and how far its rows are apart. */
static struct mat keys_grad(const struct attend *a, real *grad)
{
	const struct cmat W = attention_keys(a, grad);

	return (struct mat){grad + (W.data - grad), W.rows, W.cols, W.stride};
}

void memory_back(struct memory *m, const struct attend *a, struct arithmetic how,
		 const real *weights, real *dy, real *grad)
{
	const struct cmat W = attention_keys(a, weights);
	const size_t D = (size_t)a->D;

	if (W.data) {
		const struct cmat d = cmat_of(m->dready, m->rows, a->A);
		struct factor f;

		cross_add(how, keys_grad(a, grad), d, cmat_of(m->keys, m->rows, a->D), m->room);
		f = factor_of(how, FACTOR_ONCE, W, false, m->room);
		factor_mul(mat_of(m->dkeys, m->rows, a->D), d, &f, m->dkeys, D);
	}
	for (size_t k = 0; k < (size_t)m->rows; k++)
		memcpy(dy + (size_t)m->from[k] * D, m->dkeys + k * D, D * sizeof(real));
}

/* The rows of step t that look at something, of the decoder's row r. */
struct look {
	size_t n, keys; /* packed row of the decoder; first row of the memory */
	int count;
};

static struct look look_at(const struct attending *p, int t, int r)
{
	const int text = p->text[r], first = p->memory->start[text];

	return (struct look){(size_t)p->steps->offset[t] + (size_t)r, (size_t)first,
			     p->memory->start[text + 1] - first};
}

/* u = W_q q + b for the rows of a step. */
static void bring_query(const struct attending *p, int t, const real *q)
{
	const struct attend *a = p->a;
	const struct cmat W = attention_query(a, p->weights);
	const size_t A = (size_t)a->A, at = (size_t)p->steps->offset[t] * A;
	const int n = p->steps->active[t];

	mat_mul_nt(mat_of(p->u + at, n, a->A), cmat_of(q, n, a->H), W, 0);
	for (size_t r = 0; a->kind == ATTENTION_BAHDANAU && r < (size_t)n; r++)
		vec_add(p->u + at + r * A, p->weights + a->b, 1, A);
}

void attention_step(const struct attending *p, int t, const real *q, real *context, size_t stride)
{
	const struct attend *a = p->a;
	const struct memory *m = p->memory;
	const size_t D = (size_t)a->D, A = (size_t)a->A, H = (size_t)a->H;

	if (a->ops->additive)
		bring_query(p, t, q);
	for (int r = 0; r < p->steps->active[t]; r++) {
		const struct look l = look_at(p, t, r);
		real *w = p->weight + l.n * (size_t)m->widest, *to = context + (size_t)r * stride;

		for (size_t j = 0; j < (size_t)l.count; j++) {
			const real *k = m->ready + (l.keys + j) * A;

			w[j] = a->ops->additive
				       ? vec_tanh_dot(p->weights + a->v, k, p->u + l.n * A, A)
				       : vec_dot(q + (size_t)r * H, k, H);
		}
		if (l.count)
			softmax_row(w, l.count);
		memset(w + l.count, 0, (size_t)(m->widest - l.count) * sizeof(real));
		memset(to, 0, D * sizeof(real));
		for (size_t j = 0; j < (size_t)l.count; j++)
			vec_add(to, m->keys + (l.keys + j) * D, w[j], D);
	}
}

/* One row's way back, from the gradient of its context to those of its scores, in p->score. */
static void unweigh(const struct attending *p, const struct look *l, const real *dcontext)
{
	const struct memory *m = p->memory;
	const real *w = p->weight + l->n * (size_t)m->widest;
	const size_t D = (size_t)p->a->D;
	real mean = 0;

	for (size_t j = 0; j < (size_t)l->count; j++) {
		const size_t key = (l->keys + j) * D;

		p->score[j] = vec_dot(dcontext, m->keys + key, D);
		mean += w[j] * p->score[j];
		vec_add(m->dkeys + key, dcontext, w[j], D);
	}
	for (size_t j = 0; j < (size_t)l->count; j++)
		p->score[j] = w[j] * (p->score[j] - mean);
}

void attention_step_back(const struct attending *p, int t, const real *q, const real *dcontext,
			 size_t stride, real *dq, real *grad)
{
	const struct attend *a = p->a;
	const struct memory *m = p->memory;
	const size_t A = (size_t)a->A, H = (size_t)a->H, at = (size_t)p->steps->offset[t] * A;
	const int n = p->steps->active[t];

	if (a->ops->additive)
		memset(p->du + at, 0, (size_t)n * A * sizeof(real));
	for (int r = 0; r < n; r++) {
		const struct look l = look_at(p, t, r);
		real *du = p->du + l.n * A;

		unweigh(p, &l, dcontext + (size_t)r * stride);
		for (size_t j = 0; j < (size_t)l.count; j++) {
			const size_t key = (l.keys + j) * A;

			if (a->ops->additive) {
				vec_tanh_dot_back(p->score[j], p->weights + a->v, m->ready + key,
						  p->u + l.n * A, grad + a->v, m->dready + key, du,
						  A);
				continue;
			}
			vec_add(dq + (size_t)r * H, m->ready + key, p->score[j], H);
			vec_add(m->dready + key, q + (size_t)r * H, p->score[j], H);
		}
		if (a->kind == ATTENTION_BAHDANAU)
			vec_add(grad + a->b, du, 1, A);
	}
	if (a->ops->additive)
		mat_mul_nn(mat_of(dq, n, a->H), cmat_of(p->du + at, n, a->A),
			   attention_query(a, p->weights), 1);
}

void attention_query_back(const struct attending *p, struct arithmetic how, const real *q,
			  real *grad, real *room)
{
	const struct cmat W = attention_query(p->a, grad);

	if (W.data)
		cross_add(how, (struct mat){grad + (W.data - grad), W.rows, W.cols, W.stride},
			  cmat_of(p->du, p->steps->N, p->a->A), cmat_of(q, p->steps->N, p->a->H),
			  room);
}

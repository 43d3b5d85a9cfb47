/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/model.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/math/blas.h"
#include "engine/math/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_param(struct model *m, const char *prefix, const char *name, size_t at, int rows,
		      int cols)
{
	struct param *p = &m->param[m->params++];

	snprintf(p->name, sizeof(p->name), "%s%s", prefix, name);
	p->at = at;
	p->rows = rows;
	p->cols = cols;
}

const char *pool_name(enum pool p)
{
	static const char *const name[] = {"last", "mean", "max", "attention"};

	return name[p];
}

/* Weights in all, as a number that cannot overflow. */
static double count_weights(const struct model_spec *s, double D)
{
	const double H = s->hidden, E = s->embed ? s->embed : s->vocab, runs = s->layers * s->dirs;
	const double matrices = 4 * (E > D ? E : D) + 4 * H + 9 * H + 12;

	return (double)s->vocab * s->embed + s->classes * (D + 1) + runs * H * matrices;
}

static void add_stack(struct model *m)
{
	char name[16], prefix[16];

	for (int run = 0; run < m->stack.runs; run++) {
		stack_prefix(&m->stack, run, prefix);
		for (int k = 0; cell_tensor_name(m->spec.cell, k, name); k++) {
			size_t at;
			int rows, cols;

			cell_tensor(m->spec.cell, &m->stack.run[run].at, name, &at, &rows, &cols);
			add_param(m, prefix, name, at, rows, cols);
		}
	}
}

bool model_plan(struct model *m, const struct model_spec *spec, struct err *err)
{
	struct stack_spec stack;

	*m = (struct model){.spec = *spec};
	spec = &m->spec;
	m->spec.layers += !spec->layers;
	m->spec.dirs += !spec->dirs;
	if (spec->vocab < 1 || spec->embed < 0 || spec->hidden < 1 || spec->classes < 2)
		return err_set(err, ERR_USAGE,
			       "a model needs a vocabulary, hidden of at least 1 and two classes");
	m->E = spec->embed ? spec->embed : spec->vocab;
	stack = (struct stack_spec){spec->cell,   m->E,       spec->hidden,
				    spec->layers, spec->dirs, spec->merge};
	if (count_weights(spec, 2.0 * spec->hidden) > 2e9)
		return err_set(err, ERR_USAGE,
			       "the model would have more than 2e9 weights; lower embed, "
			       "hidden, layers or max_vocab");
	if (!stack_plan(&m->stack, &stack, 0, err))
		return false;
	m->D = m->stack.D;
	m->pool_w = m->stack.size;
	m->head_W = m->pool_w + (spec->pool == POOL_ATTENTION ? (size_t)m->D : 0);
	m->head_b = m->head_W + (size_t)spec->classes * (size_t)m->D;
	m->embedding = m->dense = m->head_b + (size_t)spec->classes;
	m->size = m->embedding + (size_t)spec->vocab * (size_t)spec->embed;

	if (spec->embed)
		add_param(m, "", "embedding", m->embedding, spec->vocab, spec->embed);
	add_stack(m);
	if (spec->pool == POOL_ATTENTION)
		add_param(m, "", "pool.w", m->pool_w, m->D, 0);
	add_param(m, "head.", "W", m->head_W, spec->classes, m->D);
	add_param(m, "head.", "b", m->head_b, spec->classes, 0);
	return true;
}

size_t param_size(const struct param *p)
{
	return (size_t)p->rows * (size_t)(p->cols ? p->cols : 1);
}

const struct param *model_param(const struct model *m, const char *name)
{
	for (int k = 0; k < m->params; k++)
		if (!strcmp(m->param[k].name, name))
			return &m->param[k];
	return NULL;
}

void work_release(struct work *w)
{
	batch_release(&w->batch);
	stack_tape_release(&w->tape);
	free(w->block);
	free(w->top);
	*w = (struct work){0};
}

static real *take(real **at, size_t n)
{
	real *p = *at;

	*at += (n + 15) / 16 * 16;
	return p;
}

/* Lays the arrays of a pass over work->batch out in one block. */
static bool work_room(const struct model *m, struct work *w)
{
	const size_t B = (size_t)w->batch.steps.B, N = (size_t)w->batch.steps.N;
	const size_t E = (size_t)m->E, D = (size_t)m->D, H = (size_t)m->spec.hidden;
	const size_t C = (size_t)m->spec.classes, runs = (size_t)m->stack.runs,
		     layers = (size_t)m->spec.layers;
	const size_t need = stack_room(&m->stack, B, N) + 2 * N * E + N * (D + 1) + B * E +
			    3 * B * D + B * C + layers * B * D + runs * B * H +
			    16 * (10 + layers + runs);
	real *at;

	if (need > w->cap) {
		free(w->block);
		w->cap = need + need / 4;
		w->block = mem_block(w->cap, sizeof(real));
		if (!w->block) {
			w->cap = 0;
			return false;
		}
	}
	at = w->block;
	stack_lay(&m->stack, &w->tape, &w->batch.steps, &at);
	w->tape.x = w->x = take(&at, N * E);
	w->dx = take(&at, N * E);
	w->drop_x = take(&at, B * E);
	w->drop_v = take(&at, B * D);
	for (size_t k = 0; k < layers; k++)
		w->drop_y[k] = take(&at, B * D);
	for (size_t k = 0; k < runs; k++)
		w->drop_h[k] = take(&at, B * H);
	w->vector = take(&at, B * D);
	w->dvector = take(&at, B * D);
	w->score = take(&at, N);
	w->dy = take(&at, N * D);
	w->prob = take(&at, B * C);
	if (m->spec.pool == POOL_MAX)
		w->top = mem_grow(w->top, &w->top_cap, B * D, sizeof(*w->top));
	return true;
}

/* A mask of 0 and 1/(1-p): each draw gives four numbers of 16 bits. */
static void draw_mask(struct rng *rng, real *mask, size_t n, double rate)
{
	const uint64_t limit = (uint64_t)(rate * 65536 + 0.5);
	const real keep = (real)(1 / (1 - rate));
	uint64_t bits = 0;

	for (size_t k = 0; k < n; k++, bits >>= 16) {
		if (k % 4 == 0)
			bits = rng_next(rng);
		mask[k] = (bits & 0xffff) < limit ? 0 : keep;
	}
}

static void draw_masks(const struct model *m, struct work *w, const struct dropout *drop)
{
	const size_t E = (size_t)m->E, D = (size_t)m->D, H = (size_t)m->spec.hidden;

	for (size_t r = 0; r < (size_t)w->batch.steps.B; r++) {
		struct rng rng;

		rng_seed(&rng, drop->key,
			 (uint64_t)drop->first +
				 (uint64_t)drop->stride * (uint64_t)w->batch.row[r]);
		draw_mask(&rng, w->drop_x + r * E, E, drop->rate);
		draw_mask(&rng, w->drop_v + r * D, D, drop->rate);
		for (int k = 0; k + 1 < m->spec.layers; k++)
			draw_mask(&rng, w->drop_y[k] + r * D, D, drop->rate);
		for (int k = 0; k < m->stack.runs && drop->recurrent > 0; k++)
			draw_mask(&rng, w->drop_h[k] + r * H, H, drop->recurrent);
	}
	for (int k = 0; k + 1 < m->spec.layers; k++)
		w->tape.drop_between[k] = w->drop_y[k];
	for (int k = 0; k < m->stack.runs && drop->recurrent > 0; k++)
		w->tape.run[k].drop_h = w->drop_h[k];
}

static void multiply(real *restrict x, const real *restrict mask, size_t n)
{
	for (size_t k = 0; k < n; k++)
		x[k] *= mask[k];
}

static void drop_input(const struct model *m, const struct work *w, real *x)
{
	const struct steps *s = &w->batch.steps;
	const size_t E = (size_t)m->E;

	for (int t = 0; w->dropped && t < s->T; t++)
		multiply(x + (size_t)s->offset[t] * E, w->drop_x, (size_t)s->active[t] * E);
}

static void embed(const struct model *m, const real *weights, struct work *w)
{
	const size_t E = (size_t)m->E;

	for (size_t n = 0; n < (size_t)w->batch.steps.N; n++) {
		const size_t id = (size_t)w->batch.ids[n];

		if (m->spec.embed) {
			memcpy(w->x + n * E, weights + m->embedding + id * E, E * sizeof(real));
		} else {
			memset(w->x + n * E, 0, E * sizeof(real));
			w->x[n * E + id] = 1;
		}
	}
	drop_input(m, w, w->x);
}

/* --- pooling ------------------------------------------------------------------------------------ */

/* The last state of each direction; the top layer's runs are the last ones. */
static void pool_last(const struct model *m, struct work *w)
{
	const struct stack *s = &m->stack;
	const size_t H = (size_t)s->spec.H, D = (size_t)s->D, B = (size_t)w->batch.steps.B;
	real *part = w->dvector; /* free until backward */

	for (int d = 0; d < s->spec.dirs; d++) {
		recur_last(&w->batch.steps, s->spec.H, w->tape.run[s->runs - s->spec.dirs + d].h,
			   part);
		for (size_t r = 0; r < B; r++) {
			real *to = w->vector + r * D + (d && s->spec.merge == MERGE_CONCAT ? H : 0);

			if (d && s->spec.merge == MERGE_SUM)
				vec_add(to, part + r * H, 1, H);
			else
				memcpy(to, part + r * H, H * sizeof(real));
		}
	}
}

static void unpool_last(const struct model *m, struct work *w)
{
	const struct stack *s = &m->stack;
	const size_t H = (size_t)s->spec.H, D = (size_t)s->D, B = (size_t)w->batch.steps.B;

	for (int d = 0; d < s->spec.dirs; d++)
		for (size_t r = 0; r < B; r++)
			memcpy(w->tape.dh[s->runs - s->spec.dirs + d] + r * H,
			       w->dvector + r * D + (d && s->spec.merge == MERGE_CONCAT ? H : 0),
			       H * sizeof(real));
}

/* score <- the softmax over a row's steps of w . y. */
static void attend(const struct model *m, const real *weights, struct work *w)
{
	const struct steps *s = &w->batch.steps;
	const size_t D = (size_t)m->D;

	mat_mul_nt(mat_of(w->score, s->N, 1), cmat_of(w->tape.y, s->N, m->D),
		   cmat_of(weights + m->pool_w, 1, (int)D), 0);
	for (int r = 0; r < s->B; r++) {
		real max = -INFINITY, sum = 0;

		for (int t = 0; t < w->batch.len[r]; t++)
			max = w->score[s->offset[t] + r] > max ? w->score[s->offset[t] + r] : max;
		for (int t = 0; t < w->batch.len[r]; t++)
			sum += w->score[s->offset[t] + r] =
				real_exp(w->score[s->offset[t] + r] - max);
		for (int t = 0; t < w->batch.len[r]; t++)
			w->score[s->offset[t] + r] /= sum;
	}
}

static void pool_steps(const struct model *m, const real *weights, struct work *w)
{
	const struct steps *s = &w->batch.steps;
	const size_t D = (size_t)m->D;

	memset(w->vector, 0, (size_t)s->B * D * sizeof(real));
	if (m->spec.pool == POOL_ATTENTION)
		attend(m, weights, w);
	for (int r = 0; r < s->B; r++) {
		real *v = w->vector + (size_t)r * D;

		for (int t = 0; t < w->batch.len[r]; t++) {
			const int n = s->offset[t] + r;
			const real *y = w->tape.y + (size_t)n * D;

			if (m->spec.pool != POOL_MAX) {
				vec_add(v, y,
					m->spec.pool == POOL_MEAN ? 1 / (real)w->batch.len[r]
								  : w->score[n],
					D);
				continue;
			}
			for (size_t k = 0; k < D; k++)
				if (!t || y[k] > v[k] || y[k] != y[k]) {
					v[k] = y[k];
					w->top[(size_t)r * D + k] = n;
				}
		}
	}
}

/* dvector to dy; adds to the gradient of attention's own weights. */
static void unpool_steps(const struct model *m, const real *weights, struct work *w, real *grad)
{
	const struct steps *s = &w->batch.steps;
	const size_t D = (size_t)m->D;

	memset(w->dy, 0, (size_t)s->N * D * sizeof(real));
	for (int r = 0; r < s->B; r++) {
		const real *dv = w->dvector + (size_t)r * D;
		real mean = 0; /* attention: the weighted mean of dv . y */

		for (size_t k = 0; m->spec.pool == POOL_MAX && w->batch.len[r] && k < D; k++)
			w->dy[(size_t)w->top[(size_t)r * D + k] * D + k] += dv[k];
		for (int t = 0; m->spec.pool == POOL_ATTENTION && t < w->batch.len[r]; t++)
			for (size_t k = 0; k < D; k++)
				mean += w->score[s->offset[t] + r] * dv[k] *
					w->tape.y[(size_t)(s->offset[t] + r) * D + k];
		for (int t = 0; m->spec.pool != POOL_MAX && t < w->batch.len[r]; t++) {
			const size_t n = (size_t)s->offset[t] + (size_t)r;
			const real *y = w->tape.y + n * D;
			real dot = 0;

			if (m->spec.pool == POOL_MEAN) {
				vec_add(w->dy + n * D, dv, 1 / (real)w->batch.len[r], D);
				continue;
			}
			for (size_t k = 0; k < D; k++)
				dot += dv[k] * y[k];
			dot = w->score[n] * (dot - mean); /* dL/d score before the softmax */
			vec_add(w->dy + n * D, dv, w->score[n], D);
			vec_add(w->dy + n * D, weights + m->pool_w, dot, D);
			vec_add(grad + m->pool_w, y, dot, D);
		}
	}
}

double model_forward(const struct model *m, const real *weights, struct work *w,
		     const struct dropout *drop, int *correct)
{
	const int C = m->spec.classes, D = m->D;
	double loss = 0;
	int B, right = 0;

	if (!work_room(m, w))
		return NAN;
	B = w->batch.steps.B;
	w->dropped = drop && (drop->rate > 0 || drop->recurrent > 0);
	if (w->dropped)
		draw_masks(m, w, drop);
	embed(m, weights, w);
	stack_forward(&m->stack, weights, &w->tape);
	if (m->spec.pool == POOL_LAST)
		pool_last(m, w);
	else
		pool_steps(m, weights, w);
	if (w->dropped)
		multiply(w->vector, w->drop_v, (size_t)B * (size_t)D);
	for (int r = 0; r < B; r++)
		memcpy(w->prob + (size_t)r * (size_t)C, weights + m->head_b,
		       (size_t)C * sizeof(real));
	mat_mul_nt(mat_of(w->prob, B, C), cmat_of(w->vector, B, D),
		   cmat_of(weights + m->head_W, C, D), 1);
	for (int r = 0; r < B; r++) {
		real *p = w->prob + (size_t)r * (size_t)C;
		const int label = w->batch.label[r];
		const double score = label >= 0 ? (double)p[label] : 0;
		const double log_sum = softmax_row(p, C);
		int best = 0;

		for (int k = 1; k < C; k++)
			best = p[k] > p[best] ? k : best;
		if (label >= 0)
			loss += log_sum - score;
		right += best == label;
	}
	if (correct)
		*correct = right;
	return loss;
}

void model_backward(const struct model *m, const real *weights, struct work *w, real scale,
		    real *grad)
{
	const int B = w->batch.steps.B, C = m->spec.classes, D = m->D;
	struct mat dlogit = mat_of(w->prob, B, C); /* the probabilities are not needed any more */

	for (int r = 0; r < B; r++) {
		real *d = w->prob + (size_t)r * (size_t)C;

		d[w->batch.label[r]] -= 1;
		for (int k = 0; k < C; k++)
			d[k] *= scale;
		vec_add(grad + m->head_b, d, 1, (size_t)C);
	}
	mat_mul_tn(mat_of(grad + m->head_W, C, D), mat_const(dlogit), cmat_of(w->vector, B, D), 1);
	mat_mul_nn(mat_of(w->dvector, B, D), mat_const(dlogit), cmat_of(weights + m->head_W, C, D),
		   0);
	if (w->dropped)
		multiply(w->dvector, w->drop_v, (size_t)B * (size_t)D);
	if (m->spec.pool == POOL_LAST)
		unpool_last(m, w);
	else
		unpool_steps(m, weights, w, grad);
	stack_backward(&m->stack, weights, &w->tape, m->spec.pool == POOL_LAST ? NULL : w->dy, grad,
		       m->spec.embed ? w->dx : NULL);
	if (m->spec.embed)
		drop_input(m, w, w->dx);
}

void model_scatter(const struct model *m, const struct work *w, real *grad)
{
	const size_t E = (size_t)m->spec.embed;

	for (size_t n = 0; E && n < (size_t)w->batch.steps.N; n++)
		vec_add(grad + m->embedding + (size_t)w->batch.ids[n] * E, w->dx + n * E, 1, E);
}

void model_unscatter(const struct model *m, const struct work *w, real *grad)
{
	const size_t E = (size_t)m->spec.embed;

	for (size_t n = 0; E && n < (size_t)w->batch.steps.N; n++)
		memset(grad + m->embedding + (size_t)w->batch.ids[n] * E, 0, E * sizeof(real));
}

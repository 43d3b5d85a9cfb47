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

bool model_plan(struct model *m, const struct model_spec *spec, struct err *err)
{
	const double E = spec->embed, H = spec->hidden;
	char name[16];

	if (spec->vocab < 1 || spec->embed < 1 || spec->hidden < 1 || spec->classes < 2)
		return err_set(err, ERR_USAGE,
			       "a model needs a vocabulary, embed and hidden of at least 1 "
			       "and two classes");
	if ((double)spec->vocab * E + spec->classes * H + 4 * H * (E + H + 1) + H * H > 2e9)
		return err_set(err, ERR_USAGE,
			       "the model would have more than 2e9 weights; lower embed, "
			       "hidden or max_vocab");
	*m = (struct model){.spec = *spec};
	m->recur.cell = spec->cell;
	m->recur.at = cell_layout(spec->cell, spec->embed, spec->hidden, 0);
	m->head_W = m->recur.at.size;
	m->head_b = m->head_W + (size_t)spec->classes * (size_t)spec->hidden;
	m->embedding = m->dense = m->head_b + (size_t)spec->classes;
	m->size = m->embedding + (size_t)spec->vocab * (size_t)spec->embed;

	add_param(m, "", "embedding", m->embedding, spec->vocab, spec->embed);
	for (int k = 0; cell_tensor_name(spec->cell, k, name); k++) {
		size_t at;
		int rows, cols;

		cell_tensor(spec->cell, &m->recur.at, name, &at, &rows, &cols);
		add_param(m, "l0.fw.", name, at, rows, cols);
	}
	add_param(m, "head.", "W", m->head_W, spec->classes, spec->hidden);
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

static void fill_uniform(struct rng *rng, real *w, size_t n, double range)
{
	for (size_t k = 0; k < n; k++)
		w[k] = (real)((2 * rng_uniform(rng) - 1) * range);
}

static double dot(const double *a, const double *b, size_t n)
{
	double part[4] = {0}, sum = 0;
	size_t k = 0;

	for (; k + 4 <= n; k += 4)
		for (size_t j = 0; j < 4; j++)
			part[j] += a[k + j] * b[k + j];
	for (; k < n; k++)
		sum += a[k] * b[k];
	return sum + part[0] + part[1] + part[2] + part[3];
}

/* An orthogonal matrix (n, n): Gram and Schmidt on normal rows, each projected twice. */
static void fill_orthogonal(struct rng *rng, real *w, int rows)
{
	const size_t n = (size_t)rows;
	double *q = mem_alloc(n * n * sizeof(*q));

	for (size_t r = 0; r < n; r++) {
		double *row = q + r * n, norm;

		for (size_t k = 0; k < n; k++)
			row[k] = rng_normal(rng);
		for (int pass = 0; pass < 2; pass++)
			for (size_t p = 0; p < r; p++) {
				double d = dot(row, q + p * n, n);

				for (size_t k = 0; k < n; k++)
					row[k] -= d * q[p * n + k];
			}
		norm = 1 / sqrt(dot(row, row, n));
		for (size_t k = 0; k < n; k++)
			w[r * n + k] = (real)(row[k] *= norm);
	}
	free(q);
}

real *model_weights(const struct model *m, uint64_t seed, double forget_bias, double embed_range)
{
	real *w = mem_block(m->size, sizeof(*w));
	struct rng rng;

	if (!w)
		return NULL;
	for (int k = 0; k < m->params; k++) {
		const struct param *p = &m->param[k];
		const char *kind = strrchr(p->name, '.');

		rng_seed(&rng, seed,
			 (uint64_t)k + 1); /* a parameter's draw depends on itself alone */
		kind = kind ? kind + 1 : p->name;
		if (p->at == m->embedding)
			fill_uniform(&rng, w + p->at, param_size(p), embed_range);
		else if (*kind == 'U')
			fill_orthogonal(&rng, w + p->at, p->rows);
		else if (p->cols)
			fill_uniform(&rng, w + p->at, param_size(p),
				     sqrt(6.0 / (p->rows + p->cols)));
		else if (!strcmp(kind, "b_f"))
			for (int j = 0; j < p->rows; j++)
				w[p->at + (size_t)j] = (real)forget_bias;
	}
	return w;
}

void work_release(struct work *w)
{
	batch_release(&w->batch);
	free(w->block);
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
	const size_t E = (size_t)m->spec.embed, H = (size_t)m->spec.hidden;
	const size_t C = (size_t)m->spec.classes, G = (size_t)m->spec.cell->gates;
	const size_t need = 2 * N * E + N * (G + 1) * H + 2 * (B + N) * H + B * E +
			    (5 + G) * B * H + B * C + 256;
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
	w->tape = (struct recur_tape){.steps = &w->batch.steps};
	w->tape.x = w->x = take(&at, N * E);
	w->dx = take(&at, N * E);
	w->tape.z = take(&at, N * G * H);
	w->tape.h_in = take(&at, N * H);
	w->tape.c = take(&at, (B + N) * H);
	w->tape.h = take(&at, (B + N) * H);
	w->tape.scratch = take(&at, B * (G + 1) * H);
	w->drop_x = take(&at, B * E);
	w->drop_v = take(&at, B * H);
	w->vector = take(&at, B * H);
	w->dvector = take(&at, B * H);
	w->dc = take(&at, B * H);
	w->prob = take(&at, B * C);
	memset(w->tape.c, 0, B * H * sizeof(real));
	memset(w->tape.h, 0, B * H * sizeof(real));
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
	const size_t E = (size_t)m->spec.embed, H = (size_t)m->spec.hidden;

	for (size_t r = 0; r < (size_t)w->batch.steps.B; r++) {
		struct rng rng;

		rng_seed(&rng, drop->key, (uint64_t)(drop->first + drop->stride * w->batch.row[r]));
		draw_mask(&rng, w->drop_x + r * E, E, drop->rate);
		draw_mask(&rng, w->drop_v + r * H, H, drop->rate);
	}
}

static void multiply(real *restrict x, const real *restrict mask, size_t n)
{
	for (size_t k = 0; k < n; k++)
		x[k] *= mask[k];
}

static void embed(const struct model *m, const real *weights, struct work *w)
{
	const struct steps *s = &w->batch.steps;
	const size_t E = (size_t)m->spec.embed;

	for (size_t n = 0; n < (size_t)s->N; n++)
		memcpy(w->x + n * E, weights + m->embedding + (size_t)w->batch.ids[n] * E,
		       E * sizeof(real));
	if (w->dropped)
		for (int t = 0; t < s->T; t++)
			multiply(w->x + (size_t)s->offset[t] * E, w->drop_x,
				 (size_t)s->active[t] * E);
}

double model_forward(const struct model *m, const real *weights, struct work *w,
		     const struct dropout *drop, int *correct)
{
	const int C = m->spec.classes, H = m->spec.hidden;
	double loss = 0;
	int B, right = 0;

	if (!work_room(m, w))
		return NAN;
	B = w->batch.steps.B;
	w->dropped = drop && drop->rate > 0;
	if (w->dropped)
		draw_masks(m, w, drop);
	embed(m, weights, w);
	recur_forward(&m->recur, weights, &w->tape);
	recur_last(&w->batch.steps, H, w->tape.h, w->vector);
	if (w->dropped)
		multiply(w->vector, w->drop_v, (size_t)B * (size_t)H);
	for (int r = 0; r < B; r++)
		memcpy(w->prob + (size_t)r * (size_t)C, weights + m->head_b,
		       (size_t)C * sizeof(real));
	mat_mul_nt(mat_of(w->prob, B, C), cmat_of(w->vector, B, H),
		   cmat_of(weights + m->head_W, C, H), 1);
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
	const int B = w->batch.steps.B, C = m->spec.classes, H = m->spec.hidden;
	const struct steps *s = &w->batch.steps;
	const size_t E = (size_t)m->spec.embed;
	struct mat dlogit = mat_of(w->prob, B, C); /* the probabilities are not needed any more */

	for (int r = 0; r < B; r++) {
		real *d = w->prob + (size_t)r * (size_t)C;

		d[w->batch.label[r]] -= 1;
		for (int k = 0; k < C; k++)
			d[k] *= scale;
		vec_add(grad + m->head_b, d, 1, (size_t)C);
	}
	mat_mul_tn(mat_of(grad + m->head_W, C, H), mat_const(dlogit), cmat_of(w->vector, B, H), 1);
	mat_mul_nn(mat_of(w->dvector, B, H), mat_const(dlogit), cmat_of(weights + m->head_W, C, H),
		   0);
	if (w->dropped)
		multiply(w->dvector, w->drop_v, (size_t)B * (size_t)H);
	memset(w->dc, 0, (size_t)B * (size_t)H * sizeof(real));
	recur_backward(&m->recur, weights, &w->tape, NULL, w->dvector, w->dc, grad, w->dx);
	if (w->dropped)
		for (int t = 0; t < s->T; t++)
			multiply(w->dx + (size_t)s->offset[t] * E, w->drop_x,
				 (size_t)s->active[t] * E);
}

void model_scatter(const struct model *m, const struct work *w, real *grad)
{
	const size_t E = (size_t)m->spec.embed;

	for (size_t n = 0; n < (size_t)w->batch.steps.N; n++)
		vec_add(grad + m->embedding + (size_t)w->batch.ids[n] * E, w->dx + n * E, 1, E);
}

void model_unscatter(const struct model *m, const struct work *w, real *grad)
{
	const size_t E = (size_t)m->spec.embed;

	for (size_t n = 0; n < (size_t)w->batch.steps.N; n++)
		memset(grad + m->embedding + (size_t)w->batch.ids[n] * E, 0, E * sizeof(real));
}

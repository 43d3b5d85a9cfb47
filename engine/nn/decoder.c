/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/decoder.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/math/kernels.h"
#include "engine/math/lay.h"
#include "engine/nn/head.h"

#include <stdlib.h>
#include <string.h>

void decoder_release(struct decoder *d)
{
	free(d->block);
	*d = (struct decoder){0};
}

static bool is_early(const struct model *m)
{
	return m->spec.attention && m->attend.ops->early;
}

static bool is_late(const struct model *m)
{
	return m->spec.attention && !m->attend.ops->early;
}

/* Of what makes h~ from [context; h], or the way back. */
static size_t combine_room(const struct model *m, struct arithmetic how)
{
	const size_t factor = factor_size(m->dec.spec.H, m->D + m->dec.spec.H);
	const size_t cross = cross_size(how, m->D + m->dec.spec.H);

	return lay_size(factor > cross ? factor : cross);
}

size_t decoder_size(const struct model *m, struct arithmetic how, size_t B, size_t N, size_t widest,
		    bool teaches)
{
	const size_t H = (size_t)m->dec.spec.H, D = (size_t)m->D, K = (size_t)m->K;
	const size_t A = m->spec.attention ? (size_t)m->attend.A : 0;
	size_t n = stepwise_size(&m->dec, how, B);

	n += combine_room(m, how) + lay_size(B * H) + 2 * lay_size(N * H);
	n += 2 * lay_size(N * (D + H)) + 2 * lay_size(N * K);
	n += 2 * lay_size(N * A) + lay_size(N * widest) + lay_size(widest);
	return n + (teaches ? lay_size(B * (size_t)m->spec.classes) : 0);
}

bool decoder_room(struct decoder *d, const struct model *m, struct side *side, struct memory *mem,
		  const int *text, bool teaches)
{
	const struct steps *s = &side->batch.steps;
	const size_t H = (size_t)m->dec.spec.H, D = (size_t)m->D, K = (size_t)m->K;
	const size_t B = (size_t)s->B, N = (size_t)s->N, widest = (size_t)mem->widest;
	const size_t A = m->spec.attention ? (size_t)m->attend.A : 0;
	const size_t need = decoder_size(m, side->tape.how, B, N, widest, teaches);
	real *at;

	if (!d->block || need > d->cap) {
		free(d->block);
		d->cap = need + need / 4;
		d->block = mem_block(d->cap, sizeof(real));
		if (!d->block)
			return false;
	}
	at = d->block;
	d->m = m;
	d->side = side;
	d->at = (struct attending){.a = &m->attend, .memory = mem, .steps = s, .text = text};
	d->at.u = lay_take(&at, N * A);
	d->at.du = lay_take(&at, N * A);
	d->at.weight = lay_take(&at, N * widest);
	d->at.score = lay_take(&at, widest);
	d->ready = lay_take(&at, combine_room(m, side->tape.how));
	d->q = lay_take(&at, N * H);
	d->dh = lay_take(&at, N * H);
	d->cat = lay_take(&at, N * (D + H));
	d->dcat = lay_take(&at, N * (D + H));
	d->out = lay_take(&at, N * K);
	if (is_early(m))
		d->out = d->cat;
	d->said = lay_take(&at, N * K);
	if (!side->dropped)
		d->said = d->out;
	d->feed = lay_take(&at, B * H);
	memset(d->feed, 0, B * H * sizeof(real));
	d->guess = teaches ? lay_take(&at, B * (size_t)m->spec.classes) : NULL;
	d->stepwise = m->beside || teaches;
	if (d->stepwise)
		stepwise_lay(&d->steps, &m->dec, &side->tape, &at);
	return true;
}

/* Copies n rows of so many numbers, and multiplies them by a mask, unless that is NULL. */
static void put_rows(real *to, size_t to_stride, const real *from, size_t from_stride, size_t n,
		     size_t cols, const real *mask, size_t mask_stride)
{
	for (size_t r = 0; r < n; r++) {
		memcpy(to + r * to_stride, from + r * from_stride, cols * sizeof(real));
		for (size_t k = 0; mask && k < cols; k++)
			to[r * to_stride + k] *= mask[r * mask_stride + k];
	}
}

/* The mask of the columns that are fed, its rows as wide as x; or NULL. */
static const real *feed_mask(const struct decoder *d)
{
	return d->side->dropped ? d->side->drop_x + d->m->out_E : NULL;
}

/* Packed rows before step t. */
static size_t row_of(const struct decoder *d, int t)
{
	return (size_t)d->side->batch.steps.offset[t];
}

static size_t rows_at(const struct decoder *d, int t)
{
	return (size_t)d->side->batch.steps.active[t];
}

/* Writes the columns of x that step t reads beside its token. */
static void feed_step(struct decoder *d, int t, const real *from, size_t stride, size_t cols)
{
	const size_t W = (size_t)d->side->width;

	put_rows(d->side->x + row_of(d, t) * W + (size_t)d->m->out_E, W, from, stride,
		 rows_at(d, t), cols, feed_mask(d), W);
}

/* Of the top layer, before step t. */
static const real *states_before(const struct decoder *d, int t)
{
	const struct recur_tape *top = &d->side->tape.run[d->m->dec.runs - 1];

	return top->h + (size_t)steps_before(&d->side->batch.steps, t) * (size_t)d->m->dec.spec.H;
}

/* Bahdanau's way: context first. */
static void look_early(struct decoder *d, int t)
{
	const size_t H = (size_t)d->m->dec.spec.H, D = (size_t)d->m->D, at = row_of(d, t);
	real *context = d->cat + at * (H + D) + H;

	memcpy(d->q + at * H, states_before(d, t), rows_at(d, t) * H * sizeof(real));
	attention_step(&d->at, t, d->q + at * H, context, H + D);
	feed_step(d, t, context, H + D, D);
}

/* From n packed rows of y on to [context; h] and h~. */
static void combine(struct decoder *d, const struct factor *C, size_t first, size_t n)
{
	const size_t H = (size_t)d->m->dec.spec.H, D = (size_t)d->m->D;
	real *out = d->out + first * H;

	put_rows(d->cat + first * (D + H) + D, D + H, d->side->tape.y + first * H, H, n, H, NULL,
		 0);
	factor_mul(mat_of(out, (int)n, (int)H),
		   cmat_of(d->cat + first * (D + H), (int)n, (int)(D + H)), C, NULL, 0);
	for (size_t k = 0; k < n * H; k++)
		out[k] = real_tanh(out[k]);
}

static void look_late(struct decoder *d, int t)
{
	const size_t H = (size_t)d->m->dec.spec.H, D = (size_t)d->m->D, at = row_of(d, t);

	attention_step(&d->at, t, d->side->tape.y + at * H, d->cat + at * (D + H), D + H);
}

static struct factor combination(const struct decoder *d, const real *weights, enum factor_use use,
				 bool forward)
{
	const struct model *m = d->m;
	const int H = m->dec.spec.H;

	if (!is_late(m))
		return (struct factor){0};
	return factor_of(d->side->tape.how, use, cmat_of(weights + m->attend.C, H, m->D + H),
			 forward, d->ready);
}

/* What the head reads of a step: out, as its mask leaves it. */
static void say(struct decoder *d, int t)
{
	const size_t K = (size_t)d->m->K, at = row_of(d, t);

	if (d->side->dropped)
		put_rows(d->said + at * K, K, d->out + at * K, K, rows_at(d, t), K, d->side->drop_y,
			 K);
}

/* What a step gives to the head. */
static void finish_step(struct decoder *d, const struct factor *C, int t)
{
	const struct model *m = d->m;
	const size_t H = (size_t)m->dec.spec.H, K = (size_t)m->K;
	const size_t at = row_of(d, t), n = rows_at(d, t);
	const real *y = d->side->tape.y + at * H;

	if (is_late(m)) {
		look_late(d, t);
		combine(d, C, at, n);
	} else if (is_early(m)) {
		put_rows(d->cat + at * K, K, y, H, n, H, NULL, 0);
	} else {
		memcpy(d->out + at * K, y, n * K * sizeof(real));
	}
	say(d, t);
}

/* Reads a token in place of the one that stands there. */
static void read_instead(struct decoder *d, const real *weights, size_t n, size_t row, int32_t id)
{
	const struct model *m = d->m;
	const size_t W = (size_t)d->side->width, E = (size_t)m->out_E;
	const struct id_table *table = &m->table[m->out_table];
	real *x = d->side->x + n * W;

	d->side->batch.ids[n] = id;
	if (m->tables) {
		memcpy(x, weights + table->at + (size_t)id * E, E * sizeof(real));
	} else {
		memset(x, 0, E * sizeof(real));
		x[id] = 1;
	}
	for (size_t k = 0; d->side->dropped && k < E; k++)
		x[k] *= d->side->drop_x[row * W + k];
}

static int32_t likeliest(const real *score, int V)
{
	int best = 0;

	for (int k = 1; k < V; k++)
		best = score[k] > score[best] ? k : best;
	return best;
}

/* Lets some rows read at step t what they said at the one before. */
static void let_go(struct decoder *d, const real *weights, const struct teacher *teacher, int t)
{
	const struct model *m = d->m;
	const int n = (int)rows_at(d, t), C = m->spec.classes;
	const struct head head = {weights + m->head_W, weights + m->head_b, C, m->K};
	struct tally tally = {0};

	head_run(&head,
		 &(struct head_pass){.rows = n,
				     .x = d->said + row_of(d, t - 1) * (size_t)m->K,
				     .prob = d->guess},
		 &tally);
	for (int r = 0; r < n; r++) {
		struct rng rng;

		rng_seed(&rng, teacher->key,
			 (uint64_t)(teacher->first + teacher->stride * d->side->batch.row[r])
					 << 20 |
				 (uint64_t)t);
		if (rng_uniform(&rng) >= teacher->rate)
			read_instead(d, weights, row_of(d, t) + (size_t)r, (size_t)r,
				     likeliest(d->guess + (size_t)r * (size_t)C, C));
	}
}

static void go_stepwise(struct decoder *d, const real *weights, const struct teacher *teacher)
{
	const struct model *m = d->m;
	const struct factor C = combination(d, weights, FACTOR_STEPS, true);
	const size_t H = (size_t)m->dec.spec.H;
	const int T = d->side->batch.steps.T;

	stepwise_begin(&d->steps, weights, d->guess ? d->side->width : m->beside);
	for (int t = 0; t < T; t++) {
		if (d->guess && t && teacher->rate < 1)
			let_go(d, weights, teacher, t);
		if (is_early(m))
			look_early(d, t);
		else if (m->beside)
			feed_step(d, t, t ? d->out + row_of(d, t - 1) * H : d->feed, H, H);
		stepwise_step(&d->steps, t);
		finish_step(d, &C, t);
	}
}

void decoder_forward(struct decoder *d, const real *weights, const struct teacher *teacher)
{
	const struct steps *s = &d->side->batch.steps;
	struct factor C;

	d->at.weights = weights;
	if (d->stepwise) {
		go_stepwise(d, weights, teacher);
		return;
	}
	stack_forward(&d->m->dec, weights, &d->side->tape);
	C = combination(d, weights, FACTOR_ONCE, true);
	for (int t = 0; t < s->T && is_late(d->m); t++)
		look_late(d, t);
	if (is_late(d->m))
		combine(d, &C, 0, (size_t)s->N);
	else
		memcpy(d->out, d->side->tape.y, (size_t)s->N * (size_t)d->m->K * sizeof(real));
	for (int t = 0; t < s->T; t++)
		say(d, t);
}

/* Multiplies the rows of a step by the mask of the output. */
static void unsay(const struct decoder *d, int t, real *dsaid)
{
	const size_t K = (size_t)d->m->K, n = rows_at(d, t) * K;
	real *at = dsaid + row_of(d, t) * K;

	for (size_t k = 0; d->side->dropped && k < n; k++)
		at[k] *= d->side->drop_y[k];
}

/* From dout of n packed rows on, which becomes that of h~'s sum, to dcat and dh. */
static void separate(struct decoder *d, const struct factor *C, size_t first, size_t n, real *dout)
{
	const size_t H = (size_t)d->m->dec.spec.H, D = (size_t)d->m->D;
	real *dcat = d->dcat + first * (D + H);
	const real *out = d->out + first * H;

	for (size_t k = 0; k < n * H; k++)
		dout[k] *= 1 - out[k] * out[k];
	factor_mul(mat_of(dcat, (int)n, (int)(D + H)), cmat_of(dout, (int)n, (int)H), C, NULL, 0);
	put_rows(d->dh + first * H, H, dcat + D, D + H, n, H, NULL, 0);
}

/* Step t's way back through attention that came after the cell: dh gets its share. */
static void unlook_late(struct decoder *d, int t, real *grad)
{
	const size_t H = (size_t)d->m->dec.spec.H, D = (size_t)d->m->D, at = row_of(d, t);

	attention_step_back(&d->at, t, d->side->tape.y + at * H, d->dcat + at * (D + H), D + H,
			    d->dh + at * H, grad);
}

/* Adds to `to` (n, cols) what the fed columns of step t got, as their mask leaves it. */
static void add_fed(const struct decoder *d, int t, real *to, size_t stride, size_t cols)
{
	const size_t W = (size_t)d->side->width, E = (size_t)d->m->out_E;
	const real *mask = feed_mask(d);

	for (size_t r = 0; r < rows_at(d, t); r++) {
		const real *from = d->side->dx + (row_of(d, t) + r) * W + E;

		for (size_t k = 0; k < cols; k++)
			to[r * stride + k] += mask ? from[k] * mask[r * W + k] : from[k];
	}
}

/* Step t of Bahdanau's way, with dsaid's rows of [h; context]. */
static void early_back(struct decoder *d, int t, real *dsaid, real *grad)
{
	const size_t H = (size_t)d->m->dec.spec.H, D = (size_t)d->m->D, W = (size_t)d->side->width;
	const size_t at = row_of(d, t), n = rows_at(d, t);
	real *drow = dsaid + at * (H + D);

	put_rows(d->dh + at * H, H, drow, H + D, n, H, NULL, 0);
	stepwise_step_back(&d->steps, t, d->dh + at * H,
			   d->side->dx + at * W + (W - (size_t)d->steps.fed), W);
	add_fed(d, t, drow + H, H + D, D);
	attention_step_back(&d->at, t, d->q + at * H, drow + H, H + D,
			    d->side->tape.dh[d->m->dec.runs - 1], grad);
}

static void back_stepwise(struct decoder *d, const real *weights, real *dsaid, real *grad)
{
	const struct model *m = d->m;
	const struct factor C = combination(d, weights, FACTOR_STEPS, false);
	const size_t H = (size_t)m->dec.spec.H, K = (size_t)m->K, W = (size_t)d->side->width;
	const int T = d->side->batch.steps.T;

	stepwise_begin_back(&d->steps, grad);
	for (int t = T - 1; t >= 0; t--) {
		const size_t at = row_of(d, t), n = rows_at(d, t);

		unsay(d, t, dsaid);
		if (is_early(m)) {
			early_back(d, t, dsaid, grad);
			continue;
		}
		if (m->beside && t + 1 < T)
			add_fed(d, t + 1, dsaid + at * K, K, H);
		if (is_late(m)) {
			separate(d, &C, at, n, dsaid + at * K);
			unlook_late(d, t, grad);
		} else {
			memcpy(d->dh + at * H, dsaid + at * K, n * H * sizeof(real));
		}
		stepwise_step_back(&d->steps, t, d->dh + at * H,
				   d->side->dx + at * W + (W - (size_t)d->steps.fed), W);
	}
	stepwise_end_back(&d->steps, grad, m->tables ? d->side->dx : NULL);
}

/* Adds the gradients of what all steps share. */
static void back_shared(struct decoder *d, const real *dout, real *grad)
{
	const struct model *m = d->m;
	const int N = d->side->batch.steps.N, H = m->dec.spec.H, D = m->D;
	const struct arithmetic how = d->side->tape.how;

	if (is_late(m))
		cross_add(how, mat_of(grad + m->attend.C, H, D + H), cmat_of(dout, N, H),
			  cmat_of(d->cat, N, D + H), d->ready);
	if (m->spec.attention)
		attention_query_back(&d->at, how, is_early(m) ? d->q : d->side->tape.y, grad,
				     d->ready);
}

void decoder_backward(struct decoder *d, const real *weights, real *dsaid, real *grad)
{
	const struct model *m = d->m;
	const struct steps *s = &d->side->batch.steps;

	if (d->stepwise) {
		back_stepwise(d, weights, dsaid, grad);
	} else {
		const struct factor C = combination(d, weights, FACTOR_ONCE, false);

		for (int t = 0; t < s->T; t++)
			unsay(d, t, dsaid);
		if (is_late(m))
			separate(d, &C, 0, (size_t)s->N, dsaid);
		else
			memcpy(d->dh, dsaid, (size_t)s->N * (size_t)m->K * sizeof(real));
		for (int t = 0; t < s->T && is_late(m); t++)
			unlook_late(d, t, grad);
		stack_backward(&m->dec, weights, &d->side->tape, d->dh, grad,
			       m->tables ? d->side->dx : NULL);
	}
	back_shared(d, dsaid, grad);
	if (m->tables)
		side_drop_input(d->side, d->side->dx);
}

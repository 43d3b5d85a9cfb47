/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/side.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/math/kernels.h"
#include "engine/math/lay.h"

#include <stdlib.h>
#include <string.h>

void side_release(struct side *s)
{
	batch_release(&s->batch);
	stack_tape_release(&s->tape);
	free(s->block);
	free(s->carry);
	free(s->before);
	*s = (struct side){0};
}

size_t side_size(const struct stack *st, struct arithmetic how, int width, size_t B, size_t N)
{
	const size_t W = (size_t)width, D = (size_t)st->D, H = (size_t)st->spec.H;

	return stack_room(st, how, B, N) + 2 * lay_size(N * W) + lay_size(B * W) +
	       ((size_t)st->spec.layers + 1) * lay_size(B * D) + (size_t)st->runs * lay_size(B * H);
}

bool side_room(struct side *s, const struct stack *st, int width)
{
	const size_t B = (size_t)s->batch.steps.B, N = (size_t)s->batch.steps.N;
	const size_t W = (size_t)width, D = (size_t)st->D;
	const size_t need = side_size(st, s->tape.how, width, B, N);
	real *at;

	if (!s->block || need > s->cap) {
		free(s->block);
		s->cap = need + need / 4;
		s->block = mem_block(s->cap, sizeof(real));
		if (!s->block)
			return false;
	}
	at = s->block;
	stack_lay(st, &s->tape, &s->batch.steps, &at);
	s->width = width;
	s->tape.x = s->x = lay_take(&at, N * W);
	s->dx = lay_take(&at, N * W);
	s->drop_x = lay_take(&at, B * W);
	s->drop_y = lay_take(&at, B * D);
	for (int k = 0; k < st->spec.layers; k++)
		s->drop_between[k] = lay_take(&at, B * D);
	for (int k = 0; k < st->runs; k++)
		s->drop_h[k] = lay_take(&at, B * (size_t)st->spec.H);
	if (s->carries && s->carried == (int)B)
		stack_give(st, &s->tape, s->carry);
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

void side_masks(struct side *s, const struct stack *st, const struct dropout *drop)
{
	const size_t W = (size_t)s->width, D = (size_t)st->D, H = (size_t)st->spec.H;
	const int between = st->spec.layers - 1;

	s->dropped = drop && (drop->rate > 0 || drop->recurrent > 0);
	for (size_t r = 0; s->dropped && r < (size_t)s->batch.steps.B; r++) {
		struct rng rng;

		rng_seed(&rng, drop->key,
			 (uint64_t)drop->first +
				 (uint64_t)drop->stride * (uint64_t)s->batch.row[r]);
		draw_mask(&rng, s->drop_x + r * W, W, drop->rate);
		draw_mask(&rng, s->drop_y + r * D, D, drop->rate);
		for (int k = 0; k < between; k++)
			draw_mask(&rng, s->drop_between[k] + r * D, D, drop->rate);
		for (int k = 0; k < st->runs && drop->recurrent > 0; k++)
			draw_mask(&rng, s->drop_h[k] + r * H, H, drop->recurrent);
	}
	for (int k = 0; s->dropped && k < between; k++)
		s->tape.drop_between[k] = s->drop_between[k];
	for (int k = 0; s->dropped && k < st->runs && drop->recurrent > 0; k++)
		s->tape.run[k].drop_h = s->drop_h[k];
}

void side_embed(struct side *s, const real *embedding, int E, int V)
{
	const size_t W = (size_t)s->width, n = (size_t)(embedding ? E : V);

	for (size_t k = 0; k < (size_t)s->batch.steps.N; k++) {
		const size_t id = (size_t)s->batch.ids[k];
		real *x = s->x + k * W;

		if (embedding) {
			memcpy(x, embedding + id * n, n * sizeof(real));
		} else {
			memset(x, 0, n * sizeof(real));
			x[id] = 1;
		}
	}
}

/* Multiplies the rows of every step by a mask (B, cols). */
static void drop_rows(const struct side *s, real *x, const real *restrict mask, size_t cols)
{
	const struct steps *steps = &s->batch.steps;

	for (int t = 0; s->dropped && t < steps->T; t++) {
		real *restrict at = x + (size_t)steps->offset[t] * cols;

		for (size_t k = 0; k < (size_t)steps->active[t] * cols; k++)
			at[k] *= mask[k];
	}
}

void side_drop_input(const struct side *s, real *x)
{
	drop_rows(s, x, s->drop_x, (size_t)s->width);
}

void side_drop_output(const struct side *s, real *y, size_t D)
{
	drop_rows(s, y, s->drop_y, D);
}

void side_forward(struct side *s, const struct stack *st, const real *weights)
{
	const int B = s->batch.steps.B;
	real *before = s->before;
	size_t cap = s->before_cap;

	stack_forward(st, weights, &s->tape);
	if (!s->carries || !s->batch.steps.T)
		return;
	before = mem_grow(before, &cap, stack_carry_size(st, (size_t)B), sizeof(real));
	stack_keep(st, &s->tape, before);
	s->before = s->carry; /* the way back may have need of it */
	s->before_cap = s->carry_cap;
	s->carry = before;
	s->carry_cap = cap;
	s->carried = B;
}

void side_scatter(const struct side *s, int E, real *grad)
{
	const size_t W = (size_t)s->width, n = (size_t)E;

	for (size_t k = 0; k < (size_t)s->batch.steps.N; k++)
		vec_add(grad + (size_t)s->batch.ids[k] * n, s->dx + k * W, 1, n);
}

void side_unscatter(const struct side *s, int E, real *grad)
{
	for (size_t k = 0; k < (size_t)s->batch.steps.N; k++)
		memset(grad + (size_t)s->batch.ids[k] * (size_t)E, 0, (size_t)E * sizeof(real));
}

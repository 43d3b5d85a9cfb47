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
	free(s->distinct);
	free(s->of);
	free(s->place);
	*s = (struct side){0};
}

/* Of the gates of half as many ids as there are steps. */
static size_t pick_size(const struct stack *st, size_t N)
{
	return lay_size(N / 2 * (size_t)st->spec.cell->gates * (size_t)st->spec.H);
}

size_t side_size(const struct stack *st, struct arithmetic how, int width, int out, size_t B,
		 size_t N)
{
	const size_t W = (size_t)width, D = (size_t)st->D, H = (size_t)st->spec.H;

	return stack_room(st, how, B, N) + pick_size(st, N) + 2 * lay_size(N * W) +
	       lay_size(B * W) + lay_size(B * (size_t)out) +
	       (size_t)st->spec.layers * lay_size(B * D) + (size_t)st->runs * lay_size(B * H);
}

bool side_room(struct side *s, const struct stack *st, int width, int out)
{
	const size_t B = (size_t)s->batch.steps.B, N = (size_t)s->batch.steps.N;
	const size_t W = (size_t)width, D = (size_t)st->D;
	const size_t need = side_size(st, s->tape.how, width, out, B, N);
	real *at;

	if (!s->block || need > s->cap) {
		free(s->block);
		s->cap = s->carries ? need : need + need / 4; /* windows are all alike */
		s->block = mem_block(s->cap, sizeof(real));
		if (!s->block)
			return false;
	}
	at = s->block;
	stack_lay(st, &s->tape, &s->batch.steps, &at);
	s->width = width;
	s->out = out;
	s->tape.x = s->x = lay_take(&at, N * W);
	s->dx = lay_take(&at, N * W);
	s->drop_x = lay_take(&at, B * W);
	s->gates = lay_take(&at, pick_size(st, N));
	s->drop_y = lay_take(&at, B * (size_t)out);
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
	const size_t W = (size_t)s->width, out = (size_t)s->out;
	const size_t D = (size_t)st->D, H = (size_t)st->spec.H;
	const int between = st->spec.layers - 1;

	s->dropped = drop && (drop->rate > 0 || drop->recurrent > 0);
	for (size_t r = 0; s->dropped && r < (size_t)s->batch.steps.B; r++) {
		struct rng rng;

		rng_seed(&rng, drop->key,
			 (uint64_t)drop->first +
				 (uint64_t)drop->stride * (uint64_t)s->batch.row[r]);
		draw_mask(&rng, s->drop_x + r * W, W, drop->rate);
		draw_mask(&rng, s->drop_y + r * out, out, drop->rate);
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

/* Whether rows of x are to be picked; finds the distinct ids. */
static bool find_distinct(struct side *s, int V)
{
	const int N = s->batch.steps.N;
	int count = 0;

	if (s->dropped || s->single || s->tape.steps->T < 2)
		return false;
	if ((size_t)V > s->place_cap) {
		free(s->place);
		s->place = mem_zero((size_t)V, sizeof(*s->place));
		s->place_cap = (size_t)V;
	}
	s->distinct = mem_grow(s->distinct, &s->distinct_cap, (size_t)N + 1, sizeof(*s->distinct));
	s->of = mem_grow(s->of, &s->of_cap, (size_t)N + 1, sizeof(*s->of));
	for (int n = 0; n < N; n++) {
		int *at = &s->place[s->batch.ids[n]];

		if (!*at) {
			s->distinct[count++] = s->batch.ids[n];
			*at = count;
		}
		s->of[n] = *at - 1;
	}
	for (int k = 0; k < count; k++)
		s->place[s->distinct[k]] = 0;
	s->pick = (struct pick){s->of, count, s->gates};
	return count <= N / 2;
}

static void embed_row(real *x, size_t id, const real *embedding, size_t n)
{
	if (embedding) {
		memcpy(x, embedding + id * n, n * sizeof(real));
	} else {
		memset(x, 0, n * sizeof(real));
		x[id] = 1;
	}
}

void side_embed(struct side *s, const real *embedding, int E, int V)
{
	const size_t W = (size_t)s->width, n = (size_t)(embedding ? E : V);
	const bool picked = W == n && find_distinct(s, V);
	const int32_t *ids = picked ? s->distinct : s->batch.ids;
	const int count = picked ? s->pick.distinct : s->batch.steps.N;

	s->tape.pick = picked ? &s->pick : NULL;
	for (int k = 0; k < count; k++)
		embed_row(s->x + (size_t)k * W, (size_t)ids[k], embedding, n);
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

void side_drop_output(const struct side *s, real *y)
{
	drop_rows(s, y, s->drop_y, (size_t)s->out);
}

void side_forward(struct side *s, const struct stack *st, const real *weights)
{
	stack_forward(st, weights, &s->tape);
	side_keep(s, st);
}

void side_keep(struct side *s, const struct stack *st)
{
	const int B = s->batch.steps.B;
	real *before = s->before;
	size_t cap = s->before_cap;

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

/* The ids of the rows of x, and how many. */
static const int32_t *row_ids(const struct side *s, int *count)
{
	*count = s->tape.pick ? s->pick.distinct : s->batch.steps.N;
	return s->tape.pick ? s->distinct : s->batch.ids;
}

void side_scatter(const struct side *s, int E, real *grad)
{
	const size_t W = (size_t)s->width, n = (size_t)E;
	int count;
	const int32_t *ids = row_ids(s, &count);

	for (int k = 0; s->batch.steps.N && k < count; k++)
		vec_add(grad + (size_t)ids[k] * n, s->dx + (size_t)k * W, 1, n);
}

void side_unscatter(const struct side *s, int E, real *grad)
{
	int count;
	const int32_t *ids = row_ids(s, &count);

	for (int k = 0; s->batch.steps.N && k < count; k++)
		memset(grad + (size_t)ids[k] * (size_t)E, 0, (size_t)E * sizeof(real));
}

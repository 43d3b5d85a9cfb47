/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/bridge.h"

#include "engine/base/mem.h"
#include "engine/math/blas.h"
#include "engine/math/kernels.h"
#include "engine/math/lay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parts(const struct bridge *b)
{
	return b->cells ? 2 : 1;
}

/* Of one state of one layer. */
static size_t matrix_size(const struct bridge *b)
{
	return 2 * (size_t)b->H * (size_t)b->H;
}

static size_t map_size(const struct bridge *b)
{
	return matrix_size(b) + (size_t)b->H;
}

void bridge_plan(struct bridge *b, const struct stack *encoder, size_t at)
{
	const struct stack_spec *s = &encoder->spec;

	*b = (struct bridge){.learned = s->dirs == 2 && s->merge == MERGE_CONCAT,
			     .layers = s->layers,
			     .H = s->H,
			     .cells = !s->cell->carries_h,
			     .at = at};
	if (b->learned)
		b->size = (size_t)b->layers * (size_t)parts(b) * map_size(b);
}

const char *bridge_tensor(const struct bridge *b, int k, char name[16], size_t *at, int *rows,
			  int *cols)
{
	const int state = k / 2, layer = state / parts(b), part = state % parts(b);

	if (!b->learned || layer >= b->layers)
		return NULL;
	snprintf(name, 16, "l%u.%s_%s", (unsigned)layer % 100, k % 2 ? "b" : "W", part ? "c" : "h");
	*at = b->at + (size_t)state * map_size(b) + (k % 2 ? matrix_size(b) : 0);
	*rows = b->H;
	*cols = k % 2 ? 0 : 2 * b->H;
	return name;
}

void bridge_release(struct bridge_tape *t)
{
	free(t->block);
	*t = (struct bridge_tape){0};
}

static size_t last_size(const struct bridge *b, const struct stack *encoder, size_t B)
{
	return lay_size(B * (size_t)b->H * (size_t)encoder->spec.dirs);
}

static size_t first_size(const struct bridge *b, size_t B)
{
	return lay_size(B * (size_t)b->H);
}

size_t bridge_size(const struct bridge *b, const struct stack *encoder, size_t B)
{
	const size_t states = (size_t)b->layers * (size_t)parts(b);

	return states * (last_size(b, encoder, B) + 2 * first_size(b, B)) +
	       last_size(b, encoder, B);
}

static size_t state_number(const struct bridge *b, int layer, int part)
{
	return (size_t)layer * (size_t)parts(b) + (size_t)part;
}

real *bridge_first(const struct bridge_tape *t, const struct bridge *b, size_t B, int layer,
		   int part)
{
	return t->first + state_number(b, layer, part) * first_size(b, B);
}

real *bridge_d(const struct bridge_tape *t, const struct bridge *b, size_t B, int layer, int part)
{
	return t->d + state_number(b, layer, part) * first_size(b, B);
}

/* The last states of a layer: (B, H) in one direction, (B, 2H) side by side in two. */
static void take_last(const struct bridge *b, const struct stack *encoder, const struct side *in,
		      int layer, int part, real *room, real *last)
{
	const size_t B = (size_t)in->batch.steps.B, H = (size_t)b->H;
	const int dirs = encoder->spec.dirs;

	for (int d = 0; d < dirs; d++) {
		const struct recur_tape *run = &in->tape.run[layer * dirs + d];

		recur_last(&in->batch.steps, b->H, part ? run->c : run->h, room);
		for (size_t r = 0; r < B; r++)
			memcpy(last + (r * (size_t)dirs + (size_t)d) * H, room + r * H,
			       H * sizeof(real));
	}
}

static void cross(const struct bridge *b, const struct stack *encoder, const real *map, int B,
		  int part, const real *last, real *first)
{
	const size_t H = (size_t)b->H, n = (size_t)B * H;

	if (encoder->spec.dirs == 1) {
		memcpy(first, last, n * sizeof(real));
		return;
	}
	for (size_t r = 0; r < (size_t)B; r++) {
		real *to = first + r * H;

		memcpy(to, b->learned ? map + matrix_size(b) : last + 2 * r * H, H * sizeof(real));
		if (!b->learned)
			vec_add(to, last + (2 * r + 1) * H, 1, H);
	}
	if (!b->learned)
		return;
	mat_mul_nt(mat_of(first, B, b->H), cmat_of(last, B, 2 * b->H), cmat_of(map, b->H, 2 * b->H),
		   1);
	for (size_t k = 0; part == 0 && k < n; k++)
		first[k] = real_tanh(first[k]);
}

bool bridge_forward(struct bridge_tape *t, const struct bridge *b, const struct stack *encoder,
		    const real *weights, const struct side *in)
{
	const size_t B = (size_t)in->batch.steps.B;
	const size_t states = (size_t)b->layers * (size_t)parts(b);
	const size_t need = bridge_size(b, encoder, B);
	real *at;

	if (!t->block || need > t->cap) {
		free(t->block);
		t->cap = need + need / 4;
		t->block = mem_block(t->cap, sizeof(real));
		if (!t->block)
			return false;
	}
	at = t->block;
	t->last = lay_take(&at, states * last_size(b, encoder, B));
	t->first = lay_take(&at, states * first_size(b, B));
	t->d = lay_take(&at, states * first_size(b, B));
	t->part = at;
	for (int l = 0; l < b->layers; l++)
		for (int part = 0; part < parts(b); part++) {
			const size_t k = state_number(b, l, part);
			real *last = t->last + k * last_size(b, encoder, B);

			take_last(b, encoder, in, l, part, t->part, last);
			cross(b, encoder, weights + b->at + k * map_size(b), (int)B, part, last,
			      bridge_first(t, b, B, l, part));
		}
	return true;
}

/* The gradient of a state of both directions: (B, 2H) in the tape's part. */
static void cross_back(struct bridge_tape *t, const struct bridge *b, const real *weights, int B,
		       int layer, int part, real *grad)
{
	const size_t at = b->at + state_number(b, layer, part) * map_size(b), H = (size_t)b->H;
	const size_t last = lay_size((size_t)B * 2 * H);
	const real *first = bridge_first(t, b, (size_t)B, layer, part);
	real *d = bridge_d(t, b, (size_t)B, layer, part);

	for (size_t k = 0; part == 0 && k < (size_t)B * H; k++)
		d[k] *= 1 - first[k] * first[k];
	for (size_t r = 0; r < (size_t)B; r++)
		vec_add(grad + at + matrix_size(b), d + r * H, 1, H);
	mat_mul_tn(mat_of(grad + at, b->H, 2 * b->H), cmat_of(d, B, b->H),
		   cmat_of(t->last + state_number(b, layer, part) * last, B, 2 * b->H), 1);
	mat_mul_nn(mat_of(t->part, B, 2 * b->H), cmat_of(d, B, b->H),
		   cmat_of(weights + at, b->H, 2 * b->H), 0);
}

void bridge_back(struct bridge_tape *t, const struct bridge *b, const struct stack *encoder,
		 const real *weights, struct side *in, real *grad)
{
	const size_t B = (size_t)in->batch.steps.B, H = (size_t)b->H;
	const int dirs = encoder->spec.dirs;

	for (int l = 0; l < b->layers; l++)
		for (int part = 0; part < parts(b); part++) {
			real *const *to = part ? in->tape.dc : in->tape.dh;

			if (b->learned)
				cross_back(t, b, weights, (int)B, l, part, grad);
			for (int d = 0; d < dirs; d++)
				for (size_t r = 0; r < B; r++)
					memcpy(to[l * dirs + d] + r * H,
					       b->learned ? t->part + (2 * r + (size_t)d) * H
							  : bridge_d(t, b, B, l, part) + r * H,
					       H * sizeof(real));
		}
}

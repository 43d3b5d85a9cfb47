/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/stack.h"

#include "engine/base/mem.h"
#include "engine/math/kernels.h"
#include "engine/math/lay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool stack_plan(struct stack *s, const struct stack_spec *spec, size_t at, struct err *err)
{
	const size_t start = at;

	*s = (struct stack){.spec = *spec, .runs = spec->layers * spec->dirs};
	if (spec->layers < 1 || s->runs > STACK_MAX_RUNS)
		return err_set(err, ERR_USAGE, "layers is from 1 to %d%s, not %d",
			       STACK_MAX_RUNS / spec->dirs,
			       spec->dirs > 1 ? " where there are two directions" : "",
			       spec->layers);
	s->D = spec->dirs == 2 && spec->merge == MERGE_CONCAT ? 2 * spec->H : spec->H;
	for (int k = 0; k < s->runs; k++) {
		s->run[k].cell = spec->cell;
		s->run[k].at =
			cell_layout(spec->cell, k < spec->dirs ? spec->E : s->D, spec->H, at);
		at += s->run[k].at.size;
		s->h0[k] = at;
		s->c0[k] = at + (size_t)spec->H;
		at += spec->learned ? (size_t)spec->H * (spec->cell->carries_h ? 1 : 2) : 0;
	}
	s->size = at - start;
	return true;
}

const char *stack_tensor(const struct stack *s, int run, int k, char name[16], size_t *at,
			 int *rows, int *cols)
{
	static const char *const own[] = {"h0", "c0"};
	const struct cell_ops *cell = s->spec.cell;
	const int first = cell->x_gates + cell->h_gates + cell->gates + cell->extras;
	const int states = !s->spec.learned ? 0 : cell->carries_h ? 1 : 2;

	if (cell_tensor_name(cell, k, name)) {
		cell_tensor(cell, &s->run[run].at, name, at, rows, cols);
		return name;
	}
	if (k - first >= states)
		return NULL;
	snprintf(name, 16, "%s", own[k - first]);
	*at = k - first ? s->c0[run] : s->h0[run];
	*rows = s->spec.H;
	*cols = 0;
	return name;
}

void stack_prefix(const struct stack *s, int run, char prefix[16])
{
	snprintf(prefix, 16, "l%d.%s.", run / s->spec.dirs, run % s->spec.dirs ? "bw" : "fw");
}

void stack_tape_release(struct stack_tape *t)
{
	free(t->mirror);
	free(t->turned);
	*t = (struct stack_tape){0};
}

static size_t widest(const struct stack *s)
{
	return (size_t)(s->D > s->spec.E ? s->D : s->spec.E);
}

/* For the weights of any one run. */
static size_t weights_room(const struct stack *s, struct arithmetic how)
{
	const size_t first = recur_room(&s->run[0], how),
		     last = recur_room(&s->run[s->runs - 1], how);

	return lay_size(first > last ? first : last);
}

size_t stack_room(const struct stack *s, struct arithmetic how, size_t B, size_t N)
{
	const size_t H = (size_t)s->spec.H, G = (size_t)s->spec.cell->gates, D = (size_t)s->D;
	const size_t layers = (size_t)s->spec.layers, runs = (size_t)s->runs, W = widest(s);
	const size_t run = lay_size(N * G * H) + lay_size(N * H) + 2 * lay_size((B + N) * H) +
			   2 * lay_size(B * H);
	const size_t back = s->spec.dirs == 2 ? layers * lay_size(N * W) : 0;

	return weights_room(s, how) + runs * run + layers * lay_size(N * D) + back +
	       lay_size(B * (G + 1) * H) + 2 * lay_size(N * W) + lay_size(N * H);
}

/* Packed row (t, r) of a row of length L is the mirror of (L - 1 - t, r). */
static void find_mirrors(struct stack_tape *t)
{
	const struct steps *s = t->steps;

	t->mirror = mem_grow(t->mirror, &t->mirror_cap, (size_t)s->N + 1, sizeof(*t->mirror));
	for (int step = 0; step < s->T; step++)
		for (int r = 0; r < s->active[step]; r++) {
			int last = s->T - 1;

			while (s->active[last] <= r)
				last--;
			t->mirror[s->offset[step] + r] = s->offset[last - step] + r;
		}
}

void stack_lay(const struct stack *s, struct stack_tape *t, const struct steps *steps, real **at)
{
	const size_t B = (size_t)steps->B, N = (size_t)steps->N, H = (size_t)s->spec.H;
	const size_t G = (size_t)s->spec.cell->gates, W = widest(s);
	real *room = lay_take(at, weights_room(s, t->how));
	real *scratch = lay_take(at, B * (G + 1) * H);

	t->steps = steps;
	t->given = false;
	t->pick = NULL;
	for (int k = 0; k < s->runs; k++) {
		struct recur_tape *r = &t->run[k];

		*r = (struct recur_tape){
			.steps = steps, .scratch = scratch, .room = room, .how = t->how};
		r->z = lay_take(at, N * G * H);
		r->h_in = lay_take(at, N * H);
		r->c = lay_take(at, (B + N) * H);
		r->h = lay_take(at, (B + N) * H);
		t->dh[k] = lay_take(at, B * H);
		t->dc[k] = lay_take(at, B * H);
		memset(r->c, 0, B * H * sizeof(real));
		memset(r->h, 0, B * H * sizeof(real));
		memset(t->dh[k], 0, B * H * sizeof(real));
		memset(t->dc[k], 0, B * H * sizeof(real));
	}
	for (int l = 0; l < s->spec.layers; l++) {
		t->drop_between[l] = NULL;
		t->in[l] = l ? lay_take(at, N * (size_t)s->D) : NULL;
	}
	t->y = lay_take(at, N * (size_t)s->D);
	t->back_x =
		s->spec.dirs == 2 ? lay_take(at, (size_t)s->spec.layers * lay_size(N * W)) : NULL;
	t->dy = lay_take(at, N * W);
	t->dx_part = lay_take(at, N * W);
	t->part = lay_take(at, N * H);
	if (s->spec.dirs == 2)
		find_mirrors(t);
}

/* Rows in the other order: to[n] = from[mirror[n]], cols wide. */
static void reverse(const struct stack_tape *t, real *to, const real *from, size_t cols)
{
	for (int n = 0; n < t->steps->N; n++)
		memcpy(to + (size_t)n * cols, from + (size_t)t->mirror[n] * cols,
		       cols * sizeof(real));
}

/* Multiplies the rows of every step by a mask (B, cols). */
static void drop_rows(const struct stack_tape *t, real *x, const real *mask, size_t cols)
{
	for (int step = 0; x && mask && step < t->steps->T; step++) {
		real *at = x + (size_t)t->steps->offset[step] * cols;

		for (size_t k = 0; k < (size_t)t->steps->active[step] * cols; k++)
			at[k] *= mask[k];
	}
}

/* The pick of the rows in the other order. */
static const struct pick *turned_pick(struct stack_tape *t)
{
	if (!t->pick)
		return NULL;
	t->turned = mem_grow(t->turned, &t->turned_cap, (size_t)t->steps->N + 1, sizeof(int));
	for (int n = 0; n < t->steps->N; n++)
		t->turned[n] = t->pick->of[t->mirror[n]];
	t->back_pick = (struct pick){t->turned, t->pick->distinct, t->pick->gates};
	return &t->back_pick;
}

/* What a layer puts out, from its runs' states. */
static void merge(const struct stack *s, const struct stack_tape *t, int layer, real *y)
{
	const size_t H = (size_t)s->spec.H, D = (size_t)s->D, B = (size_t)t->steps->B;
	const struct recur_tape *run = t->run + (size_t)layer * (size_t)s->spec.dirs;

	for (int n = 0; n < t->steps->N; n++) {
		real *to = y + (size_t)n * D;

		memcpy(to, run[0].h + (B + (size_t)n) * H, H * sizeof(real));
		if (s->spec.dirs == 1)
			continue;
		const real *back = run[1].h + (B + (size_t)t->mirror[n]) * H;

		if (s->spec.merge == MERGE_CONCAT)
			memcpy(to + H, back, H * sizeof(real));
		else
			vec_add(to, back, 1, H);
	}
}

/* Every row begins with the learned states. */
static void begin_learned(const struct stack *s, const real *weights, struct stack_tape *t)
{
	const size_t H = (size_t)s->spec.H;

	for (int k = 0; k < s->runs; k++)
		for (size_t r = 0; r < (size_t)t->steps->B; r++) {
			memcpy(t->run[k].h + r * H, weights + s->h0[k], H * sizeof(real));
			if (!s->spec.cell->carries_h)
				memcpy(t->run[k].c + r * H, weights + s->c0[k], H * sizeof(real));
		}
}

/* The gradients of the first states, summed over the rows. */
static void learn_states(const struct stack *s, const struct stack_tape *t, int k, real *grad)
{
	const size_t H = (size_t)s->spec.H;

	for (size_t r = 0; r < (size_t)t->steps->B; r++) {
		vec_add(grad + s->h0[k], t->dh[k] + r * H, 1, H);
		if (!s->spec.cell->carries_h)
			vec_add(grad + s->c0[k], t->dc[k] + r * H, 1, H);
	}
}

/* How wide a run's carried rows are: h, c and the gates. */
static size_t carry_width(const struct stack *s)
{
	const struct cell_ops *cell = s->spec.cell;

	return (size_t)s->spec.H * (2 + (cell->carries_gates ? (size_t)cell->gates : 0));
}

size_t stack_carry_size(const struct stack *s, size_t B)
{
	return (size_t)s->runs * B * carry_width(s);
}

size_t stack_carry_at(const struct stack *s, int B, int run, int part, int row, size_t *width)
{
	const size_t H = (size_t)s->spec.H, rows = (size_t)B;

	*width = part < 2 ? H : carry_width(s) - 2 * H;
	return (size_t)run * rows * carry_width(s) + (size_t)part * rows * H + (size_t)row * *width;
}

void stack_keep(const struct stack *s, const struct stack_tape *t, real *carry)
{
	const size_t B = (size_t)t->steps->B, H = (size_t)s->spec.H;
	const size_t GH = H * (size_t)s->spec.cell->gates;

	for (int k = 0; k < s->runs; k++) {
		real *to = carry + (size_t)k * B * carry_width(s);

		recur_last(t->steps, s->spec.H, t->run[k].h, to);
		recur_last(t->steps, s->spec.H, t->run[k].c, to + B * H);
		if (s->spec.cell->carries_gates)
			memcpy(to + 2 * B * H,
			       t->run[k].z + (size_t)t->steps->offset[t->steps->T - 1] * GH,
			       B * GH * sizeof(real));
	}
}

void stack_give(const struct stack *s, struct stack_tape *t, const real *carry)
{
	const size_t B = (size_t)t->steps->B, H = (size_t)s->spec.H;

	t->given = true;
	for (int k = 0; k < s->runs; k++) {
		const real *from = carry + (size_t)k * B * carry_width(s);

		memcpy(t->run[k].h, from, B * H * sizeof(real));
		memcpy(t->run[k].c, from + B * H, B * H * sizeof(real));
		if (s->spec.cell->carries_gates)
			t->run[k].z_first = from + 2 * B * H;
	}
}

void stack_forward(const struct stack *s, const real *weights, struct stack_tape *t)
{
	const size_t N = (size_t)t->steps->N, W = widest(s);

	if (s->spec.learned && !t->given)
		begin_learned(s, weights, t);
	for (int l = 0; l < s->spec.layers; l++) {
		const real *x = l ? t->in[l] : t->x;
		real *y = l + 1 < s->spec.layers ? t->in[l + 1] : t->y;

		for (int d = 0; d < s->spec.dirs; d++) {
			const int k = l * s->spec.dirs + d;

			t->run[k].x = x;
			t->run[k].pick = l ? NULL : d ? turned_pick(t) : t->pick;
			if (d && !t->run[k].pick) {
				real *back = t->back_x + (size_t)l * lay_size(N * W);

				reverse(t, back, x, (size_t)s->run[k].at.E);
				t->run[k].x = back;
			}
			recur_forward(&s->run[k], weights, &t->run[k]);
		}
		merge(s, t, l, y);
		if (l + 1 < s->spec.layers)
			drop_rows(t, y, t->drop_between[l], (size_t)s->D);
	}
}

/* A run's share of the gradient of its layer's output, in the run's own order. */
static const real *share(const struct stack *s, const struct stack_tape *t, const real *dy, int d)
{
	const size_t H = (size_t)s->spec.H, D = (size_t)s->D;
	const size_t first = d && s->spec.merge == MERGE_CONCAT ? H : 0;

	if (!dy || (D == H && !d))
		return dy;
	for (int n = 0; n < t->steps->N; n++)
		memcpy(t->part + (size_t)(d ? t->mirror[n] : n) * H, dy + (size_t)n * D + first,
		       H * sizeof(real));
	return t->part;
}

/* Adds the gradient of what the backward direction read. */
static void add_turned(const struct stack_tape *t, bool picked, real *into, size_t E)
{
	if (picked)
		vec_add(into, t->dx_part, 1, (size_t)t->pick->distinct * E);
	else
		for (int n = 0; n < t->steps->N; n++)
			vec_add(into + (size_t)t->mirror[n] * E, t->dx_part + (size_t)n * E, 1, E);
}

void stack_backward(const struct stack *s, const real *weights, struct stack_tape *t,
		    const real *dy, real *grad, real *dx)
{
	for (int l = s->spec.layers - 1; l >= 0; l--) {
		const size_t E = (size_t)(l ? s->D : s->spec.E);
		real *into =
			l ? t->dy
			  : dx; /* a run reads all of dy before it writes dx: they may be one */

		for (int d = s->spec.dirs - 1; d >= 0; d--) {
			const int k = l * s->spec.dirs + d;

			recur_backward(&s->run[k], weights, &t->run[k], share(s, t, dy, d),
				       t->dh[k], t->dc[k], grad, into && d ? t->dx_part : into);
			if (s->spec.learned && !t->given)
				learn_states(s, t, k, grad);
		}
		if (into && s->spec.dirs == 2)
			add_turned(t, !l && t->pick, into, E);
		if (l)
			drop_rows(t, t->dy, t->drop_between[l - 1], (size_t)s->D);
		dy = t->dy;
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/stepwise.h"

#include "engine/math/lay.h"

#include <string.h>

/* The columns of a run's input that are known at the beginning. */
static int known(const struct stepwise *w, int run)
{
	return run ? 0 : w->stack->run[run].at.E - w->fed;
}

static int x_rows(const struct recur *r)
{
	return r->cell->x_gates * r->at.H;
}

static size_t scratch_size(const struct stack *s, size_t B)
{
	return lay_size(B * ((size_t)s->spec.cell->gates + 1) * (size_t)s->spec.H);
}

size_t stepwise_size(const struct stack *s, struct arithmetic how, size_t B)
{
	size_t n = 0;

	for (int k = 0; k < s->runs; k++) {
		const struct recur *r = &s->run[k];

		n += lay_size(recur_room(r, how)) + lay_size(factor_size(x_rows(r), r->at.E)) +
		     scratch_size(s, B);
	}
	return n;
}

void stepwise_lay(struct stepwise *w, const struct stack *s, struct stack_tape *t, real **at)
{
	const size_t B = (size_t)t->steps->B;

	*w = (struct stepwise){.stack = s, .tape = t};
	for (int k = 0; k < s->runs; k++) {
		const struct recur *r = &s->run[k];

		t->run[k].room = lay_take(at, recur_room(r, t->how));
		t->run[k].scratch = lay_take(at, scratch_size(s, B));
		w->room[k] = lay_take(at, factor_size(x_rows(r), r->at.E));
	}
}

/* The weights of the columns that are not known. */
static struct cmat late_weights(const struct stepwise *w, int run)
{
	const struct recur *r = &w->stack->run[run];
	const int first = known(w, run);

	return cmat_cols(cmat_of(w->weights + r->at.W, x_rows(r), r->at.E), first, r->at.E - first);
}

static enum factor_use use_of(const struct steps *s)
{
	return s->T > 1 && s->B > 1 ? FACTOR_STEPS : FACTOR_ONCE;
}

/* Makes the late weights ready, if there are any. */
static void ready_late(struct stepwise *w, int run, bool forward)
{
	const struct cmat W = late_weights(w, run);

	if (W.cols)
		w->in[run] =
			factor_of(w->tape->how, use_of(w->tape->steps), W, forward, w->room[run]);
}

void stepwise_begin(struct stepwise *w, const real *weights, int fed)
{
	const struct stack *s = w->stack;

	w->weights = weights;
	w->fed = fed;
	for (int k = 0; k < s->runs; k++) {
		struct recur_tape *t = &w->tape->run[k];

		t->x = k ? w->tape->in[k] : w->tape->x;
		t->pick = k ? NULL : w->tape->pick;
		recur_input(&s->run[k], weights, t, known(w, k));
		recur_open(&w->run[k], &s->run[k], weights, t);
		ready_late(w, k, true);
	}
}

/* Multiplies the rows of a step by a mask (B, H), or not where that is NULL. */
static void drop(real *x, const real *mask, size_t n)
{
	for (size_t k = 0; mask && k < n; k++)
		x[k] *= mask[k];
}

void stepwise_step(struct stepwise *w, int t)
{
	const struct stack *s = w->stack;
	const struct steps *steps = w->tape->steps;
	const size_t H = (size_t)s->spec.H, GH = H * (size_t)s->spec.cell->gates;
	const size_t at = (size_t)steps->offset[t], B = (size_t)steps->B;
	const int n = steps->active[t];

	for (int k = 0; k < s->runs; k++) {
		const struct recur *r = &s->run[k];
		const struct recur_tape *tape = &w->tape->run[k];
		const int first = known(w, k), late = r->at.E - first;
		real *to = (k + 1 < s->runs ? w->tape->in[k + 1] : w->tape->y) + at * H;

		if (late) {
			const struct mat z =
				mat_cols(mat_of(tape->z + at * GH, n, (int)GH), 0, x_rows(r));
			const struct cmat x = cmat_of(tape->x + at * (size_t)r->at.E, n, r->at.E);

			factor_mul(z, cmat_cols(x, first, late), &w->in[k], z.data, GH);
		}
		recur_step(&w->run[k], t);
		memcpy(to, tape->h + (B + at) * H, (size_t)n * H * sizeof(real));
		if (k + 1 < s->runs)
			drop(to, w->tape->drop_between[k], (size_t)n * H);
	}
}

void stepwise_begin_back(struct stepwise *w, real *grad)
{
	for (int k = 0; k < w->stack->runs; k++) {
		recur_open_back(&w->run[k], &w->stack->run[k], w->weights, &w->tape->run[k], grad);
		ready_late(w, k, false);
	}
}

void stepwise_step_back(struct stepwise *w, int t, const real *dy_t, real *dx_fed, size_t stride)
{
	const struct stack *s = w->stack;
	const struct steps *steps = w->tape->steps;
	const size_t H = (size_t)s->spec.H, GH = H * (size_t)s->spec.cell->gates;
	const size_t at = (size_t)steps->offset[t];
	const int n = steps->active[t];

	for (int k = s->runs - 1; k >= 0; k--) {
		const int late = s->run[k].at.E - known(w, k);
		struct mat to = {k ? w->tape->dy + at * H : dx_fed, n, late,
				 k ? (int)H : (int)stride};

		recur_step_back(&w->run[k], t, dy_t, w->tape->dh[k], w->tape->dc[k]);
		if (!late || !to.data)
			continue;
		factor_mul(to,
			   cmat_cols(cmat_of(w->tape->run[k].z + at * GH, n, (int)GH), 0,
				     x_rows(&s->run[k])),
			   &w->in[k], NULL, 0);
		if (k)
			drop(to.data, w->tape->drop_between[k - 1], (size_t)n * H);
		dy_t = to.data;
	}
}

void stepwise_end_back(struct stepwise *w, real *grad, real *dx)
{
	for (int k = 0; k < w->stack->runs; k++) {
		recur_close_back(&w->run[k]);
		recur_input_back(&w->stack->run[k], w->weights, &w->tape->run[k], grad,
				 k ? NULL : dx, known(w, k));
	}
}

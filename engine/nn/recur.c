/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/recur.h"

#include "engine/math/kernels.h"

#include <string.h>

struct shape {
	int G, Gx, Gh, E, H;
};

static struct shape shape_of(const struct recur *r)
{
	const struct cell_ops *c = r->cell;

	return (struct shape){c->gates, c->x_gates, c->h_gates, r->at.E, r->at.H};
}

static void extras_at(const struct recur *r, const real *weights, const real **extra)
{
	for (int k = 0; k < r->cell->extras; k++)
		extra[k] = weights + r->at.extra[k];
}

static size_t largest(size_t a, size_t b)
{
	return a > b ? a : b;
}

size_t recur_room(const struct recur *r, struct arithmetic how)
{
	const struct shape s = shape_of(r);
	const size_t factors = largest(factor_size(s.Gx * s.H, s.E), factor_size(s.Gh * s.H, s.H));

	return largest(factors, cross_size(how, s.E > s.H ? s.E : s.H));
}

/* What steps multiply with: for one step, or one row, packing would not pay. */
static enum factor_use use_of(const struct steps *steps)
{
	return steps->T > 1 && steps->B > 1 ? FACTOR_STEPS : FACTOR_ONCE;
}

/* z = b + W x, for the rows of x as they come or each distinct one once. A gate that does not see x
 * has its bias alone. */
static void from_input(const struct recur *r, const real *weights, const struct recur_tape *tape)
{
	const struct shape s = shape_of(r);
	const struct pick *p = tape->pick;
	const struct cmat W = cmat_of(weights + r->at.W, s.Gx * s.H, s.E);
	const struct factor ready = factor_of(tape->how, FACTOR_ONCE, W, true, tape->room);
	const size_t GH = (size_t)s.G * (size_t)s.H, N = (size_t)tape->steps->N;
	const int rows = p ? p->distinct : tape->steps->N;
	real *z = p ? p->gates : tape->z;

	for (size_t n = 0; s.Gx < s.G && n < (size_t)rows; n++)
		memcpy(z + n * GH, weights + r->at.b, GH * sizeof(real));
	factor_mul(mat_cols(mat_of(z, rows, s.G * s.H), 0, s.Gx * s.H), cmat_of(tape->x, rows, s.E),
		   &ready, weights + r->at.b, 0);
	for (size_t n = 0; p && n < N; n++)
		memcpy(tape->z + n * GH, z + (size_t)p->of[n] * GH, GH * sizeof(real));
}

/* The gradients of W and, unless dx is NULL, of x: once for each distinct row, with its dz added up. */
static void into_input(const struct recur *r, const real *weights, const struct recur_tape *tape,
		       real *grad, real *dx)
{
	const struct shape s = shape_of(r);
	const struct pick *p = tape->pick;
	const struct cmat W = cmat_of(weights + r->at.W, s.Gx * s.H, s.E);
	const size_t GH = (size_t)s.G * (size_t)s.H, N = (size_t)tape->steps->N;
	const int rows = p ? p->distinct : tape->steps->N;
	const real *dz = p ? p->gates : tape->z;
	const struct cmat dz_x = cmat_cols(cmat_of(dz, rows, s.G * s.H), 0, s.Gx * s.H);

	if (p)
		memset(p->gates, 0, (size_t)rows * GH * sizeof(real));
	for (size_t n = 0; p && n < N; n++)
		vec_add(p->gates + (size_t)p->of[n] * GH, tape->z + n * GH, 1, GH);
	cross_add(tape->how, mat_of(grad + r->at.W, s.Gx * s.H, s.E), dz_x,
		  cmat_of(tape->x, rows, s.E), tape->room);
	if (dx) {
		const struct factor back = factor_of(tape->how, FACTOR_ONCE, W, false, tape->room);

		factor_mul(mat_of(dx, rows, s.E), dz_x, &back, NULL, 0);
	}
}

void recur_forward(const struct recur *r, const real *weights, const struct recur_tape *tape)
{
	const struct shape s = shape_of(r);
	const struct steps *steps = tape->steps;
	const size_t GH = (size_t)s.G * (size_t)s.H, H = (size_t)s.H;
	const struct cmat U = cmat_of(weights + r->at.U, s.Gh * s.H, s.H);
	const real *extra[CELL_MAX_EXTRAS];
	const struct cell_work *work = cell_work(r->cell);
	struct factor ready;

	extras_at(r, weights, extra);
	from_input(r, weights, tape);
	ready = factor_of(tape->how, use_of(steps), U, true, tape->room);

	for (int t = 0; t < steps->T; t++) {
		const int n = steps->active[t];
		const size_t at = (size_t)steps->offset[t], before = (size_t)steps_before(steps, t);
		const size_t now = (size_t)steps->B + at;
		real *h_in = tape->h_in + at * H;

		memcpy(h_in, tape->h + before * H, (size_t)n * H * sizeof(real));
		if (tape->drop_h)
			for (size_t k = 0; k < (size_t)n * H; k++)
				h_in[k] *= tape->drop_h[k];
		const struct mat z_h =
			mat_cols(mat_of(tape->z + at * GH, n, s.G * s.H), 0, s.Gh * s.H);

		factor_mul(z_h, cmat_of(h_in, n, s.H), &ready, z_h.data, GH);
		work->forward(&(struct cell_step){
			.n = n,
			.H = s.H,
			.z = tape->z + at * GH,
			.c_prev = tape->c + before * H,
			.h_prev = h_in,
			.h_carry = tape->h + before * H,
			.z_prev = t ? tape->z + (size_t)steps->offset[t - 1] * GH : tape->z_first,
			.c = tape->c + now * H,
			.h = tape->h + now * H,
			.extra = extra,
		});
	}
}

void recur_last(const struct steps *s, int H, const real *state, real *last)
{
	for (int r = 0, t = s->T; r < s->B; r++) {
		while (t > 0 && s->active[t - 1] <= r)
			t--;
		const size_t from = (size_t)(t ? s->B + s->offset[t - 1] + r : r);

		memcpy(last + (size_t)r * (size_t)H, state + from * (size_t)H,
		       (size_t)H * sizeof(real));
	}
}

/* dL/dh_{t-1} of n rows from a step's dz: through the gates, where dropout stood in the way, and,
 * in a cell that carries h, round them. */
static void into_h(const struct recur *r, const struct recur_tape *tape, int n, const real *dz,
		   const struct factor *U, real *dh, real *dh_gates)
{
	const struct shape s = shape_of(r);
	const struct cmat dz_h = cmat_cols(cmat_of(dz, n, s.G * s.H), 0, s.Gh * s.H);
	const size_t size = (size_t)n * (size_t)s.H;
	real *to = r->cell->carries_h ? dh_gates : dh;

	factor_mul(mat_of(to, n, s.H), dz_h, U, r->cell->carries_h ? to : NULL, (size_t)s.H);
	if (tape->drop_h)
		for (size_t k = 0; k < size; k++)
			to[k] *= tape->drop_h[k];
	if (r->cell->carries_h)
		vec_add(dh, dh_gates, 1, size);
}

void recur_backward(const struct recur *r, const real *weights, const struct recur_tape *tape,
		    const real *dy, real *dh, real *dc, real *grad, real *dx)
{
	const struct shape s = shape_of(r);
	const struct steps *steps = tape->steps;
	const size_t GH = (size_t)s.G * (size_t)s.H, H = (size_t)s.H;
	const struct cmat W_h = cmat_of(weights + r->at.U, s.Gh * s.H, s.H);
	const struct factor U = factor_of(tape->how, use_of(steps), W_h, false, tape->room);
	const struct cell_work *work = cell_work(r->cell);
	const struct cmat dz = cmat_of(tape->z, steps->N, s.G * s.H);
	const struct cmat dz_h = cmat_cols(dz, 0, s.Gh * s.H);
	const real *extra[CELL_MAX_EXTRAS];
	real *dextra[CELL_MAX_EXTRAS], *dh_gates = tape->scratch;
	real *dz_value = tape->scratch + (size_t)steps->B * H;

	extras_at(r, weights, extra);
	for (int k = 0; k < r->cell->extras; k++)
		dextra[k] = grad + r->at.extra[k];
	if (r->cell->carries_gates)
		memset(dz_value, 0, (size_t)steps->B * GH * sizeof(real));
	for (int t = steps->T - 1; t >= 0; t--) {
		const int n = steps->active[t];
		const size_t at = (size_t)steps->offset[t], before = (size_t)steps_before(steps, t);

		if (dy)
			vec_add(dh, dy + at * H, 1, (size_t)n * H);
		work->backward(&(struct cell_step_back){
			.n = n,
			.H = s.H,
			.z = tape->z + at * GH,
			.c_prev = tape->c + before * H,
			.c = tape->c + ((size_t)steps->B + at) * H,
			.h_prev = tape->h_in + at * H,
			.h_carry = tape->h + before * H,
			.z_prev = t ? tape->z + (size_t)steps->offset[t - 1] * GH : tape->z_first,
			.dh = dh,
			.dc = dc,
			.dh_gates = dh_gates,
			.dz_value = dz_value,
			.extra = extra,
			.dextra = dextra,
		});
		for (size_t k = 0; k < (size_t)n; k++)
			vec_add(grad + r->at.b, tape->z + (at + k) * GH, 1, GH);
		into_h(r, tape, n, tape->z + at * GH, &U, dh, dh_gates);
	}

	cross_add(tape->how, mat_of(grad + r->at.U, s.Gh * s.H, s.H), dz_h,
		  cmat_of(tape->h_in, steps->N, s.H), tape->room);
	if (r->cell->extra_grad)
		r->cell->extra_grad(steps->N, s.H, tape->z, tape->c + (size_t)steps->B * H, dextra);
	into_input(r, weights, tape, grad, dx);
}

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

/* For the rows of x as they come, or each distinct one once. A gate that does not see x has its bias
 * alone. */
void recur_input(const struct recur *r, const real *weights, const struct recur_tape *tape,
		 int cols)
{
	const struct shape s = shape_of(r);
	const struct pick *p = tape->pick;
	const struct cmat W = cmat_cols(cmat_of(weights + r->at.W, s.Gx * s.H, s.E), 0, cols);
	const size_t GH = (size_t)s.G * (size_t)s.H, N = (size_t)tape->steps->N;
	const int rows = p ? p->distinct : tape->steps->N;
	real *z = p ? p->gates : tape->z;

	for (size_t n = 0; (!cols || s.Gx < s.G) && n < (size_t)rows; n++)
		memcpy(z + n * GH, weights + r->at.b, GH * sizeof(real));
	if (cols) {
		const struct factor ready = factor_of(tape->how, FACTOR_ONCE, W, true, tape->room);

		factor_mul(mat_cols(mat_of(z, rows, s.G * s.H), 0, s.Gx * s.H),
			   cmat_cols(cmat_of(tape->x, rows, s.E), 0, cols), &ready,
			   weights + r->at.b, 0);
	}
	for (size_t n = 0; p && n < N; n++)
		memcpy(tape->z + n * GH, z + (size_t)p->of[n] * GH, GH * sizeof(real));
}

/* Once for each distinct row, with its dz added up. */
void recur_input_back(const struct recur *r, const real *weights, const struct recur_tape *tape,
		      real *grad, real *dx, int cols)
{
	const struct shape s = shape_of(r);
	const struct pick *p = tape->pick;
	const struct cmat W = cmat_cols(cmat_of(weights + r->at.W, s.Gx * s.H, s.E), 0, cols);
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
	if (dx && cols) {
		const struct factor back = factor_of(tape->how, FACTOR_ONCE, W, false, tape->room);

		factor_mul(mat_cols(mat_of(dx, rows, s.E), 0, cols), dz_x, &back, NULL, 0);
	}
}

void recur_open(struct recur_pass *p, const struct recur *r, const real *weights,
		const struct recur_tape *tape)
{
	const struct shape s = shape_of(r);
	const struct cmat U = cmat_of(weights + r->at.U, s.Gh * s.H, s.H);

	*p = (struct recur_pass){.r = r, .tape = tape};
	extras_at(r, weights, p->extra);
	p->U = factor_of(tape->how, use_of(tape->steps), U, true, tape->room);
}

void recur_step(const struct recur_pass *p, int t)
{
	const struct recur_tape *tape = p->tape;
	const struct shape s = shape_of(p->r);
	const struct steps *steps = tape->steps;
	const size_t GH = (size_t)s.G * (size_t)s.H, H = (size_t)s.H;
	const int n = steps->active[t];
	const size_t at = (size_t)steps->offset[t], before = (size_t)steps_before(steps, t);
	const size_t now = (size_t)steps->B + at;
	const struct mat z_h = mat_cols(mat_of(tape->z + at * GH, n, s.G * s.H), 0, s.Gh * s.H);
	real *h_in = tape->h_in + at * H;

	memcpy(h_in, tape->h + before * H, (size_t)n * H * sizeof(real));
	if (tape->drop_h)
		for (size_t k = 0; k < (size_t)n * H; k++)
			h_in[k] *= tape->drop_h[k];
	factor_mul(z_h, cmat_of(h_in, n, s.H), &p->U, z_h.data, GH);
	cell_work(p->r->cell)
		->forward(&(struct cell_step){
			.n = n,
			.H = s.H,
			.z = tape->z + at * GH,
			.c_prev = tape->c + before * H,
			.h_prev = h_in,
			.h_carry = tape->h + before * H,
			.z_prev = t ? tape->z + (size_t)steps->offset[t - 1] * GH : tape->z_first,
			.c = tape->c + now * H,
			.h = tape->h + now * H,
			.extra = p->extra,
		});
}

void recur_forward(const struct recur *r, const real *weights, const struct recur_tape *tape)
{
	struct recur_pass p;

	recur_input(r, weights, tape, r->at.E); /* in the room that U takes next */
	recur_open(&p, r, weights, tape);
	for (int t = 0; t < tape->steps->T; t++)
		recur_step(&p, t);
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

void recur_open_back(struct recur_pass *p, const struct recur *r, const real *weights,
		     const struct recur_tape *tape, real *grad)
{
	const struct shape s = shape_of(r);
	const struct cmat U = cmat_of(weights + r->at.U, s.Gh * s.H, s.H);
	const size_t B = (size_t)tape->steps->B, GH = (size_t)s.G * (size_t)s.H;

	*p = (struct recur_pass){.r = r, .tape = tape, .grad = grad};
	extras_at(r, weights, p->extra);
	for (int k = 0; k < r->cell->extras; k++)
		p->dextra[k] = grad + r->at.extra[k];
	p->U = factor_of(tape->how, use_of(tape->steps), U, false, tape->room);
	if (r->cell->carries_gates)
		memset(tape->scratch + B * (size_t)s.H, 0, B * GH * sizeof(real));
}

void recur_step_back(const struct recur_pass *p, int t, const real *dy, real *dh, real *dc)
{
	const struct recur *r = p->r;
	const struct recur_tape *tape = p->tape;
	const struct shape s = shape_of(r);
	const struct steps *steps = tape->steps;
	const size_t GH = (size_t)s.G * (size_t)s.H, H = (size_t)s.H;
	const int n = steps->active[t];
	const size_t at = (size_t)steps->offset[t], before = (size_t)steps_before(steps, t);
	real *dh_gates = tape->scratch, *dz = tape->z + at * GH;

	if (dy)
		vec_add(dh, dy, 1, (size_t)n * H);
	cell_work(r->cell)->backward(&(struct cell_step_back){
		.n = n,
		.H = s.H,
		.z = dz,
		.c_prev = tape->c + before * H,
		.c = tape->c + ((size_t)steps->B + at) * H,
		.h_prev = tape->h_in + at * H,
		.h_carry = tape->h + before * H,
		.z_prev = t ? tape->z + (size_t)steps->offset[t - 1] * GH : tape->z_first,
		.dh = dh,
		.dc = dc,
		.dh_gates = dh_gates,
		.dz_value = tape->scratch + (size_t)steps->B * H,
		.extra = p->extra,
		.dextra = p->dextra,
	});
	for (size_t k = 0; k < (size_t)n; k++)
		vec_add(p->grad + r->at.b, dz + k * GH, 1, GH);
	into_h(r, tape, n, dz, &p->U, dh, dh_gates);
}

void recur_close_back(const struct recur_pass *p)
{
	const struct recur *r = p->r;
	const struct recur_tape *tape = p->tape;
	const struct shape s = shape_of(r);
	const int N = tape->steps->N;
	const struct cmat dz_h = cmat_cols(cmat_of(tape->z, N, s.G * s.H), 0, s.Gh * s.H);

	cross_add(tape->how, mat_of(p->grad + r->at.U, s.Gh * s.H, s.H), dz_h,
		  cmat_of(tape->h_in, N, s.H), tape->room);
	if (r->cell->extra_grad)
		r->cell->extra_grad(N, s.H, tape->z, tape->c + (size_t)tape->steps->B * (size_t)s.H,
				    p->dextra);
}

void recur_backward(const struct recur *r, const real *weights, const struct recur_tape *tape,
		    const real *dy, real *dh, real *dc, real *grad, real *dx)
{
	const struct steps *steps = tape->steps;
	const size_t H = (size_t)r->at.H;
	struct recur_pass p;

	recur_open_back(&p, r, weights, tape, grad);
	for (int t = steps->T - 1; t >= 0; t--)
		recur_step_back(&p, t, dy ? dy + (size_t)steps->offset[t] * H : NULL, dh, dc);
	recur_close_back(&p);
	recur_input_back(r, weights, tape, grad, dx, r->at.E);
}

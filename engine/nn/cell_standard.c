/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The textbook LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000);
 * the cell of Keras and PyTorch:
 *
 *     i = sigma(W_i x + U_i h' + b_i)        f = sigma(W_f x + U_f h' + b_f)
 *     g = tanh (W_g x + U_g h' + b_g)        o = sigma(W_o x + U_o h' + b_o)
 *     c = f (.) c' + i (.) g                 h = o (.) tanh(c)
 */
#include "engine/math/kernels.h"
#include "engine/nn/cell.h"

/* A row of units. In functions of their own with restrict, so that the compiler makes vectors of them. */
static inline void forward_row(size_t H, real *restrict i, real *restrict f, real *restrict g,
			       real *restrict o, const real *restrict c_prev, real *restrict c,
			       real *restrict h)
{
	for (size_t k = 0; k < H; k++) {
		const real iv = real_sigmoid(i[k]), fv = real_sigmoid(f[k]);
		const real gv = real_tanh(g[k]), ov = real_sigmoid(o[k]);
		const real cv = fv * c_prev[k] + iv * gv;

		i[k] = iv;
		f[k] = fv;
		g[k] = gv;
		o[k] = ov;
		c[k] = cv;
		h[k] = ov * real_tanh(cv);
	}
}

static void forward(const struct cell_step *s)
{
	const size_t H = (size_t)s->H;

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *z = s->z + r * 4 * H;

		forward_row(H, z, z + H, z + 2 * H, z + 3 * H, s->c_prev + r * H, s->c + r * H,
			    s->h + r * H);
	}
}

static inline void backward_row(size_t H, real *restrict i, real *restrict f, real *restrict g,
				real *restrict o, const real *restrict c_prev,
				const real *restrict c, const real *restrict dh, real *restrict dc)
{
	for (size_t k = 0; k < H; k++) {
		const real iv = i[k], fv = f[k], gv = g[k], ov = o[k], dhv = dh[k];
		const real tc = real_tanh(c[k]);
		const real d = dc[k] + dhv * ov * (1 - tc * tc);

		i[k] = d * gv * iv * (1 - iv);
		f[k] = d * c_prev[k] * fv * (1 - fv);
		g[k] = d * iv * (1 - gv * gv);
		o[k] = dhv * tc * ov * (1 - ov);
		dc[k] = d * fv;
	}
}

static void backward(const struct cell_step_back *s)
{
	const size_t H = (size_t)s->H;

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *z = s->z + r * 4 * H;

		backward_row(H, z, z + H, z + 2 * H, z + 3 * H, s->c_prev + r * H, s->c + r * H,
			     s->dh + r * H, s->dc + r * H);
	}
}

LEVEL_DECLARE(const struct cell_work, standard_work);
const struct cell_work AT_LEVEL(standard_work) = {forward, backward};

#ifdef LEVEL_ONCE

static struct cell_flow flow(const double *gate)
{
	return (struct cell_flow){.carry = gate[1], .write = gate[0] * gate[2]};
}

const struct cell_ops cell_standard = {
	.name = "standard",
	.title = "the textbook LSTM, as in Keras and PyTorch",
	.source = "Hochreiter & Schmidhuber 1997; Gers et al. 2000",
	.golden = "std",
	.code = 0,
	.gates = 4,
	.gate = {{"i", "input gate", ACT_SIGMOID, TERM_X | TERM_H},
		 {"f", "forget gate", ACT_SIGMOID, TERM_X | TERM_H},
		 {"g", "candidate", ACT_TANH, TERM_X | TERM_H},
		 {"o", "output gate", ACT_SIGMOID, TERM_X | TERM_H}},
	.x_gates = 4,
	.h_gates = 4,
	.output = ACT_TANH,
	.work = LEVEL_LIST(standard_work),
	.flow = flow,
	.carry_text = "f",
	.write_text = "i·g",
};

#endif

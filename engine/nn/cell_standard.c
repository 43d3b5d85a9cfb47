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

static void forward(const struct cell_step *s)
{
	const size_t H = (size_t)s->H;

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict i = s->z + r * 4 * H, *restrict f = i + H, *restrict g = f + H;
		real *restrict o = g + H, *restrict c = s->c + r * H, *restrict h = s->h + r * H;
		const real *restrict cp = s->c_prev + r * H;

		for (size_t k = 0; k < H; k++) {
			i[k] = real_sigmoid(i[k]);
			f[k] = real_sigmoid(f[k]);
			g[k] = real_tanh(g[k]);
			o[k] = real_sigmoid(o[k]);
			c[k] = f[k] * cp[k] + i[k] * g[k];
			h[k] = o[k] * real_tanh(c[k]);
		}
	}
}

static void backward(const struct cell_step_back *s)
{
	const size_t H = (size_t)s->H;

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict i = s->z + r * 4 * H, *restrict f = i + H, *restrict g = f + H;
		real *restrict o = g + H, *restrict dc = s->dc + r * H;
		const real *restrict cp = s->c_prev + r * H, *restrict c = s->c + r * H;
		const real *restrict dh = s->dh + r * H;

		for (size_t k = 0; k < H; k++) {
			const real iv = i[k], fv = f[k], gv = g[k], ov = o[k];
			const real tc = real_tanh(c[k]);
			const real d = dc[k] + dh[k] * ov * (1 - tc * tc);

			i[k] = d * gv * iv * (1 - iv);
			f[k] = d * cp[k] * fv * (1 - fv);
			g[k] = d * iv * (1 - gv * gv);
			o[k] = dh[k] * tc * ov * (1 - ov);
			dc[k] = d * fv;
		}
	}
}

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
	.forward = forward,
	.backward = backward,
	.flow = flow,
	.carry_text = "f",
	.write_text = "i·g",
};

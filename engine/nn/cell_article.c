/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cell exactly as the article on building encoders prints it. It differs from the textbook:
 * the candidate gates the old state, 1 - f the new input, and the output gate looks at the new
 * cell state through a full matrix W_o (H, H), never at x:
 *
 *     i = sigma(W_i x + U_i h' + b_i)        f = sigma(W_f x + U_f h' + b_f)
 *     g = tanh (W_g x + U_g h' + b_g)        c = g (.) c' + (1 - f) (.) i (.) g
 *     o = sigma(W_o c + U_o h' + b_o)        h = o (.) tanh(c)
 */
#include "engine/math/blas.h"
#include "engine/math/kernels.h"
#include "engine/nn/cell.h"

static void forward(const struct cell_step *s)
{
	const size_t H = (size_t)s->H;
	struct mat z = mat_of(s->z, s->n, 4 * s->H);

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict i = s->z + r * 4 * H, *restrict f = i + H, *restrict g = f + H;
		real *restrict c = s->c + r * H;
		const real *restrict cp = s->c_prev + r * H;

		for (size_t k = 0; k < H; k++) {
			i[k] = real_sigmoid(i[k]);
			f[k] = real_sigmoid(f[k]);
			g[k] = real_tanh(g[k]);
			c[k] = g[k] * cp[k] + (1 - f[k]) * i[k] * g[k];
		}
	}
	mat_mul_nt(mat_cols(z, 3 * s->H, s->H), cmat_of(s->c, s->n, s->H),
		   cmat_of(s->extra[0], s->H, s->H), 1);
	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict o = s->z + r * 4 * H + 3 * H, *restrict h = s->h + r * H;
		const real *restrict c = s->c + r * H;

		for (size_t k = 0; k < H; k++) {
			o[k] = real_sigmoid(o[k]);
			h[k] = o[k] * real_tanh(c[k]);
		}
	}
}

static void backward(const struct cell_step_back *s)
{
	const size_t H = (size_t)s->H;
	struct mat z = mat_of(s->z, s->n, 4 * s->H);

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict o = s->z + r * 4 * H + 3 * H, *restrict dc = s->dc + r * H;
		const real *restrict c = s->c + r * H, *restrict dh = s->dh + r * H;

		for (size_t k = 0; k < H; k++) {
			const real ov = o[k], tc = real_tanh(c[k]);

			dc[k] += dh[k] * ov * (1 - tc * tc);
			o[k] = dh[k] * tc * ov * (1 - ov);
		}
	}
	/* The output gate saw c_t: its gradient flows into c_t before c_t's own goes anywhere. */
	mat_mul_nn(mat_of(s->dc, s->n, s->H), mat_const(mat_cols(z, 3 * s->H, s->H)),
		   cmat_of(s->extra[0], s->H, s->H), 1);
	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict i = s->z + r * 4 * H, *restrict f = i + H, *restrict g = f + H;
		real *restrict dc = s->dc + r * H;
		const real *restrict cp = s->c_prev + r * H;

		for (size_t k = 0; k < H; k++) {
			const real iv = i[k], fv = f[k], gv = g[k], d = dc[k];

			i[k] = d * (1 - fv) * gv * iv * (1 - iv);
			f[k] = -d * iv * gv * fv * (1 - fv);
			g[k] = d * (cp[k] + (1 - fv) * iv) * (1 - gv * gv);
			dc[k] = d * gv;
		}
	}
}

LEVEL_DECLARE(const struct cell_work, article_work);
const struct cell_work AT_LEVEL(article_work) = {forward, backward};

#ifdef LEVEL_ONCE

static void extra_grad(int N, int H, const real *dz, const real *c, real *const *dextra)
{
	mat_mul_tn(mat_of(dextra[0], H, H), cmat_cols(cmat_of(dz, N, 4 * H), 3 * H, H),
		   cmat_of(c, N, H), 1);
}

static struct cell_flow flow(const double *gate)
{
	return (struct cell_flow){.carry = gate[2], .write = (1 - gate[1]) * gate[0] * gate[2]};
}

const struct cell_ops cell_article = {
	.name = "article",
	.title = "the cell as the article prints it: g gates the old state, o sees the new one",
	.source = "the article on building encoders, equations as printed",
	.golden = "article",
	.code = 1,
	.gates = 4,
	.gate = {{"i", "input gate", ACT_SIGMOID, TERM_X | TERM_H},
		 {"f", "forget gate", ACT_SIGMOID, TERM_X | TERM_H},
		 {"g", "candidate", ACT_TANH, TERM_X | TERM_H},
		 {"o", "output gate", ACT_SIGMOID, TERM_H | TERM_C_NEW}},
	.x_gates = 3,
	.h_gates = 4,
	.extras = 1,
	.extra = {{"W_o", 3, 1}},
	.output = ACT_TANH,
	.work = LEVEL_LIST(article_work),
	.extra_grad = extra_grad,
	.flow = flow,
	.carry_text = "g",
	.write_text = "(1−f)·i·g",
};

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gated recurrent units (Cho et al., arXiv 1406.1078). There is no cell state: h carries itself.
 *
 *     r = sigma(W_r x + U_r h' + b_r)    z = sigma(W_z x + U_z h' + b_z)    h = (1-z) (.) n + z (.) h'
 *
 *     gru_after   n = tanh(W_n x + b_n + r (.) (U_n h' + bh_n))    PyTorch; Keras with reset_after
 *     gru_before  n = tanh(W_n x + b_n + U_n (r (.) h'))           the paper
 *
 * What r multiplies, or has multiplied, is kept where other cells keep c: backward needs it.
 */
#include "engine/math/blas.h"
#include "engine/math/kernels.h"
#include "engine/nn/cell.h"

/* The pointwise end of a step, n's pre-activation being complete. */
static void finish(const struct cell_step *s)
{
	const size_t H = (size_t)s->H;

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict z = s->z + r * 3 * H + H, *restrict n = z + H,
			       *restrict h = s->h + r * H;
		const real *restrict hp = s->h_carry + r * H;

		for (size_t k = 0; k < H; k++) {
			n[k] = real_tanh(n[k]);
			h[k] = (1 - z[k]) * n[k] + z[k] * hp[k];
		}
	}
}

static void gates(const struct cell_step *s)
{
	const size_t H = (size_t)s->H;

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict g = s->z + r * 3 * H;

		for (size_t k = 0; k < 2 * H; k++)
			g[k] = real_sigmoid(g[k]);
	}
}

/* dL/dh_t to dn (pre-activation) and dz (pre-activation), and what goes round the gates. */
static void begin_back(const struct cell_step_back *s)
{
	const size_t H = (size_t)s->H;

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict z = s->z + r * 3 * H + H, *restrict n = z + H,
			       *restrict dh = s->dh + r * H;
		const real *restrict hp = s->h_carry + r * H;

		for (size_t k = 0; k < H; k++) {
			const real zv = z[k], nv = n[k], d = dh[k];

			n[k] = d * (1 - zv) * (1 - nv * nv);
			z[k] = d * (hp[k] - nv) * zv * (1 - zv);
			dh[k] = d * zv;
		}
	}
}

static void forward_after(const struct cell_step *s)
{
	const size_t H = (size_t)s->H;

	gates(s);
	for (size_t r = 0; r < (size_t)s->n; r++)
		for (size_t k = 0; k < H; k++)
			s->c[r * H + k] = s->extra[1][k];
	mat_mul_nt(mat_of(s->c, s->n, s->H), cmat_of(s->h_prev, s->n, s->H),
		   cmat_of(s->extra[0], s->H, s->H), 1);
	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict g = s->z + r * 3 * H, *restrict n = g + 2 * H;
		const real *restrict q = s->c + r * H;

		for (size_t k = 0; k < H; k++)
			n[k] += g[k] * q[k];
	}
	finish(s);
}

static void backward_after(const struct cell_step_back *s)
{
	const size_t H = (size_t)s->H;
	const struct cmat dq = cmat_of(s->dc, s->n, s->H); /* there is no c: dc is free */

	begin_back(s);
	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict g = s->z + r * 3 * H, *restrict d = s->dc + r * H;
		const real *restrict dn = g + 2 * H, *restrict q = s->c + r * H;

		for (size_t k = 0; k < H; k++) {
			const real rv = g[k];

			d[k] = dn[k] * rv;
			g[k] = dn[k] * q[k] * rv * (1 - rv);
		}
		vec_add(s->dextra[1], d, 1, H);
	}
	mat_mul_tn(mat_of(s->dextra[0], s->H, s->H), dq, cmat_of(s->h_prev, s->n, s->H), 1);
	mat_mul_nn(mat_of(s->dh_gates, s->n, s->H), dq, cmat_of(s->extra[0], s->H, s->H), 0);
}

static void forward_before(const struct cell_step *s)
{
	const size_t H = (size_t)s->H;

	gates(s);
	for (size_t r = 0; r < (size_t)s->n; r++)
		for (size_t k = 0; k < H; k++)
			s->c[r * H + k] = s->z[r * 3 * H + k] * s->h_prev[r * H + k];
	mat_mul_nt(mat_cols(mat_of(s->z, s->n, 3 * s->H), 2 * s->H, s->H),
		   cmat_of(s->c, s->n, s->H), cmat_of(s->extra[0], s->H, s->H), 1);
	finish(s);
}

static void backward_before(const struct cell_step_back *s)
{
	const size_t H = (size_t)s->H;
	const struct cmat dn = cmat_cols(cmat_of(s->z, s->n, 3 * s->H), 2 * s->H, s->H);

	begin_back(s);
	mat_mul_nn(mat_of(s->dc, s->n, s->H), dn, cmat_of(s->extra[0], s->H, s->H), 0);
	mat_mul_tn(mat_of(s->dextra[0], s->H, s->H), dn, cmat_of(s->c, s->n, s->H), 1);
	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *restrict g = s->z + r * 3 * H, *restrict out = s->dh_gates + r * H;
		const real *restrict d = s->dc + r * H, *restrict hp = s->h_prev + r * H;

		for (size_t k = 0; k < H; k++) {
			const real rv = g[k];

			out[k] = d[k] * rv;
			g[k] = d[k] * hp[k] * rv * (1 - rv);
		}
	}
}

LEVEL_DECLARE(const struct cell_work, gru_after_work);
LEVEL_DECLARE(const struct cell_work, gru_before_work);
const struct cell_work AT_LEVEL(gru_after_work) = {forward_after, backward_after};
const struct cell_work AT_LEVEL(gru_before_work) = {forward_before, backward_before};

#ifdef LEVEL_ONCE

static struct cell_flow flow(const double *gate)
{
	return (struct cell_flow){.carry = gate[1], .write = (1 - gate[1]) * gate[2]};
}

#define GRU_GATES(reset)                                                                           \
	{                                                                                          \
		{"r", "reset gate", ACT_SIGMOID, TERM_X | TERM_H},                                 \
			{"z", "update gate", ACT_SIGMOID, TERM_X | TERM_H},                        \
		{                                                                                  \
			"n", "candidate", ACT_TANH, TERM_X | (reset)                               \
		}                                                                                  \
	}

const struct cell_ops cell_gru_after = {
	.name = "gru_after",
	.title = "GRU, reset after the product: PyTorch, Keras",
	.source = "Cho et al. 2014, arXiv 1406.1078; cuDNN's form",
	.golden = "gru_after",
	.code = 11,
	.gates = 3,
	.gate = GRU_GATES(TERM_RESET_AFTER),
	.x_gates = 3,
	.h_gates = 2,
	.extras = 2,
	.extra = {{"U_n", 2, 1}, {"bh_n", 2, 0}},
	.carries_h = true,
	.work = LEVEL_LIST(gru_after_work),
	.flow = flow,
	.carry_text = "z",
	.write_text = "(1−z)·n",
};

const struct cell_ops cell_gru_before = {
	.name = "gru_before",
	.title = "GRU, reset before the product: the paper",
	.source = "Cho et al. 2014, arXiv 1406.1078",
	.golden = "gru_before",
	.code = 12,
	.gates = 3,
	.gate = GRU_GATES(TERM_RESET_BEFORE),
	.x_gates = 3,
	.h_gates = 2,
	.extras = 1,
	.extra = {{"U_n", 2, 1}},
	.carries_h = true,
	.work = LEVEL_LIST(gru_before_work),
	.flow = flow,
	.carry_text = "z",
	.write_text = "(1−z)·n",
};

#endif

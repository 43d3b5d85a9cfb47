/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The nine variants of Greff et al., "LSTM: A Search Space Odyssey" (arXiv 1503.04069). V is the
 * LSTM with peepholes (their z is our g, their R our U):
 *
 *     i = sigma(W_i x + U_i h' + p_i (.) c' + b_i)    f = sigma(W_f x + U_f h' + p_f (.) c' + b_f)
 *     g = tanh (W_g x + U_g h' + b_g)                 c = f (.) c' + i (.) g
 *     o = sigma(W_o x + U_o h' + p_o (.) c + b_o)     h = o (.) tanh(c)
 *
 * The others take one thing away (a gate, an activation, the peepholes), couple f to i, or add
 * recurrence between the gates. One body serves all: the variant is a constant in each of its two
 * entry points, so the compiler leaves out what it has not.
 */
#include "engine/math/blas.h"
#include "engine/math/kernels.h"
#include "engine/nn/cell.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

struct variant {
	bool i, f, o; /* the gates it has */
	bool coupled; /* f = 1 - i */
	bool peep;    /* p_i, p_f, p_o */
	bool g_linear, h_linear;
	bool gates; /* R_ab, FGR */
};

/* Places of the gates that there are, in the order i f g o; and of the peepholes. */
#define AT_F(v) ((size_t)(v).i)
#define AT_G(v) ((size_t)((v).i + (v).f))
#define AT_O(v) (AT_G(v) + 1)
#define GATES(v) (AT_G(v) + 1 + (size_t)(v).o)
#define PEEP_F(v) ((v).i)
#define PEEP_O(v) ((v).i + (v).f)
#define FIRST_R                                                                                    \
	3 /* FGR has all three peepholes; then R_ii R_fi R_oi R_if R_ff R_of R_io R_fo R_oo */

/* FGR's sigma gates among i f g o. */
static const int sigma_gate[3] = {0, 1, 3};

INLINE void add_gates(const struct cell_step *s)
{
	for (int b = 0; b < 3 && s->z_prev; b++)
		for (int a = 0; a < 3; a++)
			mat_mul_nt(
				mat_cols(mat_of(s->z, s->n, 4 * s->H), sigma_gate[b] * s->H, s->H),
				cmat_cols(cmat_of(s->z_prev, s->n, 4 * s->H), sigma_gate[a] * s->H,
					  s->H),
				cmat_of(s->extra[FIRST_R + 3 * b + a], s->H, s->H), 1);
}

/* A row of units. In functions of their own with restrict, so that the compiler makes vectors of them. */
INLINE void forward_row(const struct variant v, size_t H, real *restrict zi, real *restrict zf,
			real *restrict zg, real *restrict zo, const real *restrict p_i,
			const real *restrict p_f, const real *restrict p_o,
			const real *restrict c_prev, real *restrict c, real *restrict h)
{
	for (size_t k = 0; k < H; k++) {
		const real cp = c_prev[k];
		const real i = v.i ? real_sigmoid(zi[k] + (v.peep ? p_i[k] * cp : 0)) : 1;
		const real f = v.f         ? real_sigmoid(zf[k] + (v.peep ? p_f[k] * cp : 0))
			       : v.coupled ? 1 - i
					   : 1;
		const real g = v.g_linear ? zg[k] : real_tanh(zg[k]), cv = f * cp + i * g;
		const real o = v.o ? real_sigmoid(zo[k] + (v.peep ? p_o[k] * cv : 0)) : 1;

		if (v.i)
			zi[k] = i;
		if (v.f)
			zf[k] = f;
		zg[k] = g;
		if (v.o)
			zo[k] = o;
		c[k] = cv;
		h[k] = o * (v.h_linear ? cv : real_tanh(cv));
	}
}

INLINE void forward(const struct cell_step *s, const struct variant v)
{
	const size_t H = (size_t)s->H;
	const real *p_i = v.peep && v.i ? s->extra[0] : NULL;
	const real *p_f = v.peep && v.f ? s->extra[PEEP_F(v)] : NULL;
	const real *p_o = v.peep && v.o ? s->extra[PEEP_O(v)] : NULL;

	if (v.gates)
		add_gates(s);
	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *z = s->z + r * GATES(v) * H;

		forward_row(v, H, z, z + AT_F(v) * H, z + AT_G(v) * H, z + AT_O(v) * H, p_i, p_f,
			    p_o, s->c_prev + r * H, s->c + r * H, s->h + r * H);
	}
}

/* What flows into the gates one step earlier, and the gradients of the nine R. */
INLINE void back_gates(const struct cell_step_back *s)
{
	const struct cmat dz = cmat_of(s->z, s->n, 4 * s->H);

	memset(s->dz_value, 0, (size_t)s->n * 4 * (size_t)s->H * sizeof(real));
	for (int b = 0; b < 3 && s->z_prev; b++)
		for (int a = 0; a < 3; a++) {
			const int R = FIRST_R + 3 * b + a;
			const struct cmat dz_b = cmat_cols(dz, sigma_gate[b] * s->H, s->H);

			mat_mul_nn(mat_cols(mat_of(s->dz_value, s->n, 4 * s->H),
					    sigma_gate[a] * s->H, s->H),
				   dz_b, cmat_of(s->extra[R], s->H, s->H), 1);
			mat_mul_tn(mat_of(s->dextra[R], s->H, s->H), dz_b,
				   cmat_cols(cmat_of(s->z_prev, s->n, 4 * s->H),
					     sigma_gate[a] * s->H, s->H),
				   1);
		}
}

INLINE void backward_row(const struct variant v, size_t H, real *restrict zi, real *restrict zf,
			 real *restrict zg, real *restrict zo, const real *restrict p_i,
			 const real *restrict p_f, const real *restrict p_o, real *restrict dp_i,
			 real *restrict dp_f, real *restrict dp_o, const real *restrict c_prev,
			 const real *restrict c, const real *restrict dh, real *restrict dc,
			 const real *restrict later)
{
	for (size_t k = 0; k < H; k++) {
		const real i = v.i ? zi[k] : 1, g = zg[k], o = v.o ? zo[k] : 1;
		const real f = v.f ? zf[k] : v.coupled ? 1 - i : 1;
		const real cp = c_prev[k], cv = c[k], dhv = dh[k];
		const real tc = v.h_linear ? cv : real_tanh(cv);
		const real dtc = v.h_linear ? 1 : 1 - tc * tc;
		const real dzo =
			v.o ? (dhv * tc + (v.gates ? later[3 * H + k] : 0)) * o * (1 - o) : 0;
		const real d = dc[k] + dhv * o * dtc + (v.peep && v.o ? dzo * p_o[k] : 0);
		const real di = d * g - (v.coupled ? d * cp : 0) + (v.gates ? later[k] : 0);
		const real df = d * cp + (v.gates ? later[H + k] : 0);
		const real dzi = v.i ? di * i * (1 - i) : 0, dzf = v.f ? df * f * (1 - f) : 0;

		dc[k] = d * f + (v.peep && v.i ? dzi * p_i[k] : 0) +
			(v.peep && v.f ? dzf * p_f[k] : 0);
		if (v.peep && v.i)
			dp_i[k] += dzi * cp;
		if (v.peep && v.f)
			dp_f[k] += dzf * cp;
		if (v.peep && v.o)
			dp_o[k] += dzo * cv;
		if (v.i)
			zi[k] = dzi;
		if (v.f)
			zf[k] = dzf;
		zg[k] = d * i * (v.g_linear ? 1 : 1 - g * g);
		if (v.o)
			zo[k] = dzo;
	}
}

INLINE void backward(const struct cell_step_back *s, const struct variant v)
{
	const size_t H = (size_t)s->H;
	const real *const *p = s->extra;
	real *const *dp = s->dextra;
	const bool pi = v.peep && v.i, pf = v.peep && v.f, po = v.peep && v.o;

	for (size_t r = 0; r < (size_t)s->n; r++) {
		real *z = s->z + r * GATES(v) * H;

		backward_row(v, H, z, z + AT_F(v) * H, z + AT_G(v) * H, z + AT_O(v) * H,
			     pi ? p[0] : NULL, pf ? p[PEEP_F(v)] : NULL, po ? p[PEEP_O(v)] : NULL,
			     pi ? dp[0] : NULL, pf ? dp[PEEP_F(v)] : NULL,
			     po ? dp[PEEP_O(v)] : NULL, s->c_prev + r * H, s->c + r * H,
			     s->dh + r * H, s->dc + r * H, s->dz_value + r * GATES(v) * H);
	}
	if (v.gates)
		back_gates(s);
}

/* The steps of every variant. */
// NOLINTBEGIN(bugprone-macro-parentheses): the arguments are names
#define WORK(id, ...)                                                                              \
	static const struct variant variant_##id = {__VA_ARGS__};                                  \
	static void forward_##id(const struct cell_step *s)                                        \
	{                                                                                          \
		forward(s, variant_##id);                                                          \
	}                                                                                          \
	static void backward_##id(const struct cell_step_back *s)                                  \
	{                                                                                          \
		backward(s, variant_##id);                                                         \
	}                                                                                          \
	LEVEL_DECLARE(const struct cell_work, id##_work);                                          \
	const struct cell_work AT_LEVEL(id##_work) = {forward_##id, backward_##id}
// NOLINTEND(bugprone-macro-parentheses)

WORK(V, .i = true, .f = true, .o = true, .peep = true);
WORK(NIG, .f = true, .o = true, .peep = true);
WORK(NFG, .i = true, .o = true, .peep = true);
WORK(NOG, .i = true, .f = true, .peep = true);
WORK(NIAF, .i = true, .f = true, .o = true, .peep = true, .g_linear = true);
WORK(NOAF, .i = true, .f = true, .o = true, .peep = true, .h_linear = true);
WORK(CIFG, .i = true, .o = true, .coupled = true, .peep = true);
WORK(NP, .i = true, .f = true, .o = true);
WORK(FGR, .i = true, .f = true, .o = true, .peep = true, .gates = true);

#ifdef LEVEL_ONCE

static struct cell_flow flow(const double *gate, const struct variant v)
{
	const double i = v.i ? gate[0] : 1, f = v.f ? gate[AT_F(v)] : v.coupled ? 1 - i : 1;

	return (struct cell_flow){.carry = f, .write = i * gate[AT_G(v)]};
}

// NOLINTBEGIN(bugprone-macro-parentheses): the arguments are initialisers
#define SIGMA(q, name, more)                                                                       \
	{                                                                                          \
		q, name, ACT_SIGMOID, TERM_X | TERM_H | (more)                                     \
	}
#define GATE_I(more) SIGMA("i", "input gate", more)
#define GATE_F(more) SIGMA("f", "forget gate", more)
#define GATE_O(more) SIGMA("o", "output gate", more)
#define GATE_G(act)                                                                                \
	{                                                                                          \
		"g", "candidate", act, TERM_X | TERM_H                                             \
	}
#define OLD TERM_PEEP_OLD
#define NEW TERM_PEEP_NEW
#define LIST(...)                                                                                  \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

/* A row of the table. */
#define CELL(id, number, words, carry_words, write_words, out, missing, gate_count, gate_list,     \
	     extra_count, extra_list)                                                              \
	static struct cell_flow flow_##id(const double *gate)                                      \
	{                                                                                          \
		return flow(gate, variant_##id);                                                   \
	}                                                                                          \
	const struct cell_ops cell_##id = {                                                        \
		.name = #id,                                                                       \
		.title = words,                                                                    \
		.source = "Greff et al. 2015, arXiv 1503.04069",                                   \
		.golden = #id,                                                                     \
		.code = number,                                                                    \
		.gates = gate_count,                                                               \
		.gate = gate_list,                                                                 \
		.x_gates = gate_count,                                                             \
		.h_gates = gate_count,                                                             \
		.extras = extra_count,                                                             \
		.extra = extra_list,                                                               \
		.output = out,                                                                     \
		.lacks = missing,                                                                  \
		.coupled = number == 8,                                                            \
		.carries_gates = number == 10,                                                     \
		.work = LEVEL_LIST(id##_work),                                                     \
		.flow = flow_##id,                                                                 \
		.carry_text = carry_words,                                                         \
		.write_text = write_words,                                                         \
	}
// NOLINTEND(bugprone-macro-parentheses)

// clang-format off
CELL(V, 2, "the LSTM with peepholes", "f", "i·g", ACT_TANH, 0,
     4, LIST(GATE_I(OLD), GATE_F(OLD), GATE_G(ACT_TANH), GATE_O(NEW)),
     3, LIST({"p_i", 0, 0}, {"p_f", 1, 0}, {"p_o", 3, 0}));
CELL(NIG, 3, "V without an input gate", "f", "g", ACT_TANH, 'i',
     3, LIST(GATE_F(OLD), GATE_G(ACT_TANH), GATE_O(NEW)),
     2, LIST({"p_f", 0, 0}, {"p_o", 2, 0}));
CELL(NFG, 4, "V without a forget gate", "1", "i·g", ACT_TANH, 'f',
     3, LIST(GATE_I(OLD), GATE_G(ACT_TANH), GATE_O(NEW)),
     2, LIST({"p_i", 0, 0}, {"p_o", 2, 0}));
CELL(NOG, 5, "V without an output gate", "f", "i·g", ACT_TANH, 'o',
     3, LIST(GATE_I(OLD), GATE_F(OLD), GATE_G(ACT_TANH)),
     2, LIST({"p_i", 0, 0}, {"p_f", 1, 0}));
CELL(NIAF, 6, "V whose candidate is linear", "f", "i·g", ACT_TANH, 0,
     4, LIST(GATE_I(OLD), GATE_F(OLD), GATE_G(ACT_IDENTITY), GATE_O(NEW)),
     3, LIST({"p_i", 0, 0}, {"p_f", 1, 0}, {"p_o", 3, 0}));
CELL(NOAF, 7, "V whose output is linear in c", "f", "i·g", ACT_IDENTITY, 0,
     4, LIST(GATE_I(OLD), GATE_F(OLD), GATE_G(ACT_TANH), GATE_O(NEW)),
     3, LIST({"p_i", 0, 0}, {"p_f", 1, 0}, {"p_o", 3, 0}));
CELL(CIFG, 8, "V with f = 1 - i", "(1−i)", "i·g", ACT_TANH, 'f',
     3, LIST(GATE_I(OLD), GATE_G(ACT_TANH), GATE_O(NEW)),
     2, LIST({"p_i", 0, 0}, {"p_o", 2, 0}));
CELL(NP, 9, "V without peepholes: the standard cell", "f", "i·g", ACT_TANH, 0,
     4, LIST(GATE_I(0), GATE_F(0), GATE_G(ACT_TANH), GATE_O(0)),
     0, LIST({NULL, 0, 0}));
CELL(FGR, 10, "V whose gates also see the gates one step earlier", "f", "i·g", ACT_TANH, 0,
     4, LIST(GATE_I(OLD | TERM_GATES), GATE_F(OLD | TERM_GATES), GATE_G(ACT_TANH), GATE_O(NEW | TERM_GATES)),
     12, LIST({"p_i", 0, 0}, {"p_f", 1, 0}, {"p_o", 3, 0},
	      {"R_ii", 0, 1}, {"R_fi", 0, 1}, {"R_oi", 0, 1},
	      {"R_if", 1, 1}, {"R_ff", 1, 1}, {"R_of", 1, 1},
	      {"R_io", 3, 1}, {"R_fo", 3, 1}, {"R_oo", 3, 1}));
// clang-format on

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The products of a layer with its weights, at a precision. A factor is a matrix of weights made ready
 * for them: as it is, for the library (blas.h), or packed, where that wins (packed.h). Measured on
 * an AVX-512 server: at the few rows of a time step packed panels do 107-112 GFLOP/s where the
 * library does 70-90; over all rows of a batch the two are level, and the library needs no packing.
 */
#ifndef SLUICE_ENGINE_MATH_PRODUCT_H
#define SLUICE_ENGINE_MATH_PRODUCT_H

#include "engine/base/team.h"
#include "engine/math/packed.h"

enum precision {
	PRECISION_F32,  /* real numbers */
	PRECISION_BF16, /* factors rounded to bfloat16, sums real; see packed_bf16.h */
	PRECISION_COUNT
};
const char *precision_name(enum precision p); /* "f32", "bf16" */
/* Whether this processor and build have it. */
bool precision_has(enum precision p);

/* What decides the bits of a product beside its factors: the library's description of its build, and
 * the vector instructions in use (level.h). */
void product_description(char *text, size_t size);

/* How products are computed. Zeroed: real numbers, by the caller alone. */
struct arithmetic {
	enum precision precision;
	struct team *team; /* shares the columns of every product; the sums stay the same */
	int others;        /* that compute likewise beside it: what all take has its bounds */
};

/* What a factor is for. */
enum factor_use {
	FACTOR_ONCE, /* one product, or a few, of many rows */
	FACTOR_STEPS /* a product of a few rows at every step */
};

struct factor {
	struct cmat w;
	bool transposed;
	struct team *team;
	const struct packed_ops *ops; /* NULL: not packed */
	struct packed packed;
};

/* Elements of the room that a factor takes, whatever it is for. */
size_t factor_size(int rows, int cols);
/* Makes w, or its transposed, ready; it and the room, aligned to 64 bytes, must stay. */
struct factor factor_of(struct arithmetic how, enum factor_use use, struct cmat w, bool transposed,
			real *room);
/* out = start + a w. Row r of start is at start + r * stride: out itself is added to, one row for all
 * has stride 0, NULL is 0. */
void factor_mul(struct mat out, struct cmat a, const struct factor *f, const real *start,
		size_t stride);

/* out += a' b:  (m, n) += (K, m)' (K, n), with room for cross_size(how, n) elements. */
size_t cross_size(struct arithmetic how, int n);
void cross_add(struct arithmetic how, struct mat out, struct cmat a, struct cmat b, real *room);

#endif

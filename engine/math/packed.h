/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Products with a matrix that is used again and again, as the recurrent weights are at every time step:
 * it is packed once into panels as wide as a kernel's registers, and then multiplied by a few rows
 * at a time. A general library packs anew at each call, which costs as much as a product so small.
 *
 * Every element of the result is summed over k in order: how rows are split changes no bit.
 */
#ifndef SLUICE_ENGINE_MATH_PACKED_H
#define SLUICE_ENGINE_MATH_PACKED_H

#include "engine/math/blas.h"

#include <stddef.h>

struct packed {
	const real
		*panel; /* columns in panels, each (K, PACKED_WIDTH); the last one filled with 0 */
	int K, cols;
};

/* Columns of a panel. */
enum { PACKED_WIDTH = 128 / sizeof(real) };

/* Elements that the panels of a matrix with K rows and so many columns take. */
size_t packed_size(int K, int cols);

/* Packs b (K, cols), or the transposed of b (cols, K), into room, aligned to 64 bytes. */
struct packed packed_of(struct cmat b, real *room);
struct packed packed_of_transposed(struct cmat b, real *room);

/* out = a b + beta out, beta 0 or 1:  (n, cols) = (n, K) (K, cols) */
void packed_mul(struct mat out, struct cmat a, const struct packed *b, real beta);

#endif

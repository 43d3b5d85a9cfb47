/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Products with a matrix that is used again and again, as the recurrent weights are at every time
 * step: it is packed once into panels as wide as a kernel's registers and then multiplied by a few
 * rows at a time. A general library packs anew at each call, which costs as much as a product so
 * small. (The tile of the result that stays in registers while panels stream by is Goto and van de
 * Geijn's, ACM Transactions on Mathematical Software 34, 2008.)
 *
 * Every element of the result is summed over k in order: how rows are split changes no bit.
 */
#ifndef SLUICE_ENGINE_MATH_PACKED_H
#define SLUICE_ENGINE_MATH_PACKED_H

#include "engine/math/blas.h"
#include "engine/math/level.h"

#include <stddef.h>

/* Columns of a panel. */
enum { PACKED_WIDTH = 32 };

struct packed {
	/* Columns in panels, the last one filled with 0. Real numbers: (K, PACKED_WIDTH) each;
	 * bfloat16: pairs of k side by side, (K/2, PACKED_WIDTH, 2), K a multiple of 32. */
	const real *panel;
	int K, cols;
};

/* Elements that the panels of a matrix with K rows and so many columns take, in either form. */
size_t packed_size(int K, int cols);

struct packed_ops {
	/* Elements from one panel to the next. */
	size_t (*panel_size)(int K);
	/* Packs b (K, cols), or the transposed of b (cols, K), into room, aligned to 64 bytes. */
	struct packed (*of)(struct cmat b, real *room);
	struct packed (*of_transposed)(struct cmat b, real *room);
	/* out = start + a b:  (n, cols) = (n, K) (K, cols). Row r of start is at start + r * stride:
	 * out itself is added to, one row for all has stride 0, NULL is 0. */
	void (*mul)(struct mat out, struct cmat a, const struct packed *b, const real *start,
		    size_t stride);
};
LEVEL_DECLARE(const struct packed_ops, packed_ops);

#endif

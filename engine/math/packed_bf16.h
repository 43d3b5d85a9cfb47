/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Products of bfloat16 numbers, summed in float32 (packed.h): on AMX tiles, or with the dot products
 * of AVX-512 BF16. Both factors are rounded to nearest, ties to even; a NaN stays one. An element is
 * summed over k in order, in pairs, whatever the rows are.
 */
#ifndef SLUICE_ENGINE_MATH_PACKED_BF16_H
#define SLUICE_ENGINE_MATH_PACKED_BF16_H

#include "engine/math/packed.h"

/* The unit that this processor, system and build have for it: "AMX", "AVX-512 BF16", or NULL. It is not
 * used where SLUICE_SIMD holds the level below avx512. */
const char *bf16_unit(void);

/* Only where bf16_unit is not NULL. */
extern const struct packed_ops packed_bf16;
/* out += a' b:  (m, n) += (K, m)' (K, n), with room for packed_bf16_cross_size(n) elements. */
void packed_bf16_cross(struct mat out, struct cmat a, struct cmat b, real *room);
size_t packed_bf16_cross_size(int n);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arrays laid out one after the other in a block, each from a cache line on. */
#ifndef SLUICE_ENGINE_MATH_LAY_H
#define SLUICE_ENGINE_MATH_LAY_H

#include "engine/math/real.h"

#include <stddef.h>

/* The elements that an array of n takes. */
static inline size_t lay_size(size_t n)
{
	return (n + 15) / 16 * 16;
}

/* The array of n elements that begins at *at, which moves behind it. */
static inline real *lay_take(real **at, size_t n)
{
	real *p = *at;

	*at += lay_size(n);
	return p;
}

#endif

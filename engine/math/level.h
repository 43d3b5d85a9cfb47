/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The vector instructions in use. Files of hot loops are compiled once for each level (the Makefile
 * lists them); what they give away carries the level in its name, and the level of this processor
 * is chosen at run time. Elsewhere, and with real = double, there is the portable level only.
 *
 *     portable   what every processor of its kind has
 *     avx2       x86-64-v3: AVX2 and FMA
 *     avx512     x86-64-v4: AVX-512 F, BW, CD, DQ and VL
 *
 * Levels round differently (FMA, and how many partial sums there are): a run's bits belong to one.
 */
#ifndef SLUICE_ENGINE_MATH_LEVEL_H
#define SLUICE_ENGINE_MATH_LEVEL_H

#include <stdatomic.h>
#include <stdbool.h>

enum level { LEVEL_PORTABLE, LEVEL_AVX2, LEVEL_AVX512, LEVEL_COUNT };

/* The level of this pass of the compiler over a file of hot loops; what stands in such a file once
 * only is between #ifdef LEVEL_ONCE and #endif. */
#ifndef SLUICE_LEVEL
#define SLUICE_LEVEL portable
#define LEVEL_ONCE
#endif
#define LEVEL_JOIN(name, level) name##_##level
#define LEVEL_NAME(name, level) LEVEL_JOIN(name, level)
#define AT_LEVEL(name) LEVEL_NAME(name, SLUICE_LEVEL)

/* With real = double there is one level. */
#ifdef SLUICE_DOUBLE
#undef SLUICE_LEVELS
#endif

/* The declarations of something at all levels, and the list of their addresses. */
#ifdef SLUICE_LEVELS
#define LEVEL_DECLARE(type, name) extern type name##_portable, name##_avx2, name##_avx512
#define LEVEL_LIST(name)                                                                           \
	{                                                                                          \
		&name##_portable, &name##_avx2, &name##_avx512                                     \
	}
#define LEVEL_PICK(name)                                                                           \
	(level_now() == LEVEL_AVX512 ? &name##_avx512                                              \
	 : level_now() == LEVEL_AVX2 ? &name##_avx2                                                \
				     : &name##_portable)
#else
#define LEVEL_DECLARE(type, name) extern type name##_portable
#define LEVEL_LIST(name)                                                                           \
	{                                                                                          \
		&name##_portable                                                                   \
	}
#define LEVEL_PICK(name) (&name##_portable)
#endif

/* Settled at the first call: the highest level that the processor, the build and the variable
 * SLUICE_SIMD (a level's name) allow. Any thread. */
enum level level_now(void);
const char *level_name(enum level l);
/* Whether it can be used here; level_use makes it so from now on, for what is begun after it. Not
 * while others compute. */
bool level_has(enum level l);
bool level_use(enum level l);

#endif

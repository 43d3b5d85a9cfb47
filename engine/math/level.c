/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/math/level.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[LEVEL_COUNT] = {"portable", "avx2", "avx512"};
static atomic_int chosen = -1;

const char *level_name(enum level l)
{
	return names[l];
}

bool level_has(enum level l)
{
#ifdef SLUICE_LEVELS
	switch (l) {
	case LEVEL_AVX512:
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("avx512vl") && level_has(LEVEL_AVX2);
	case LEVEL_AVX2:
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
		       __builtin_cpu_supports("bmi2");
	default:
		break;
	}
#endif
	return l == LEVEL_PORTABLE;
}

static enum level highest(void)
{
	const char *limit = getenv("SLUICE_SIMD");
	int l = LEVEL_COUNT - 1;

	for (int k = 0; limit && k < LEVEL_COUNT; k++)
		if (!strcmp(limit, names[k]))
			l = k;
	while (!level_has((enum level)l))
		l--;
	return (enum level)l;
}

enum level level_now(void)
{
	int l = atomic_load_explicit(&chosen, memory_order_relaxed);

	if (l < 0) {
		l = (int)highest();
		atomic_store_explicit(&chosen, l, memory_order_relaxed);
	}
	return (enum level)l;
}

bool level_use(enum level l)
{
	if (!level_has(l))
		return false;
	atomic_store_explicit(&chosen, (int)l, memory_order_relaxed);
	return true;
}

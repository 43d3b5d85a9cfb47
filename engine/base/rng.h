/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pseudo-random generator: xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear
 * pseudorandom number generators", ACM TOMS 47, 2021), seeded through splitmix64. The state is the
 * struct, so that saving and restoring it is copying it. Not for secrets.
 */
#ifndef SLUICE_ENGINE_BASE_RNG_H
#define SLUICE_ENGINE_BASE_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* Seeds from a seed and a stream number; different streams of one seed are independent. */
void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);

uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* uniform in [0, n), without bias; n > 0 */
double rng_uniform(struct rng *r);             /* [0, 1) with 53 bits */
double rng_normal(struct rng *r);              /* mean 0, variance 1 (polar method) */

/* Permutes the n elements of v (Fisher and Yates). */
void rng_shuffle(struct rng *r, int32_t *v, int n);

#endif

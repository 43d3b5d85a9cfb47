/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *x)
{
	uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
	uint64_t x = seed, y = stream ^ UINT64_C(0xd1b54a32d192ed03);

	for (int k = 0; k < 4; k++)
		r->s[k] = splitmix64(&x) ^ rotl(splitmix64(&y), 17);
	if (!(r->s[0] | r->s[1] | r->s[2] | r->s[3]))
		r->s[0] = 1;
	for (int k = 0; k < 8; k++)
		rng_next(r);
}

uint64_t rng_next(struct rng *r)
{
	uint64_t result = rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rotl(r->s[3], 45);
	return result;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	uint32_t limit = -n % n; /* 2^32 mod n: smaller draws would favour low values */
	uint64_t m;

	do
		m = (uint64_t)(uint32_t)(rng_next(r) >> 32) * n;
	while ((uint32_t)m < limit);
	return (uint32_t)(m >> 32);
}

double rng_uniform(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
	double u, v, s;

	do {
		u = 2 * rng_uniform(r) - 1;
		v = 2 * rng_uniform(r) - 1;
		s = u * u + v * v;
	} while (s >= 1 || s == 0);
	return u * sqrt(-2 * log(s) / s);
}

void rng_shuffle(struct rng *r, int32_t *v, int n)
{
	for (int k = n - 1; k > 0; k--) {
		int j = (int)rng_below(r, (uint32_t)k + 1);
		int32_t swap = v[k];

		v[k] = v[j];
		v[j] = swap;
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/overlap.h"

#include "engine/base/mem.h"
#include "engine/text/table.h"

#include <stdlib.h>
#include <string.h>

void overlap_init(struct overlap *o, struct tokens *a, struct tokens *b)
{
	struct table table = {0};

	*o = (struct overlap){.n = a->count, .m = b->count};
	o->a = mem_zero(o->n, sizeof(*o->a));
	o->b = mem_zero(o->m, sizeof(*o->b));
	table_add_all(&table, a, 0, o->a);
	table_add_all(&table, b, 0, o->b);
	o->distinct = table.tokens.count;
	table_release(&table);
}

void overlap_release(struct overlap *o)
{
	free(o->a);
	free(o->b);
	*o = (struct overlap){0};
}

/* Numbers from 0 for pairs of numbers. */
struct pairs {
	struct pair {
		uint64_t key;
		uint32_t number; /* one more; 0: empty */
	} * slot;
	size_t slots; /* a power of two, more than half of them empty */
	uint32_t count;
};

static int32_t pair_number(struct pairs *p, int32_t left, int32_t right)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	const uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
	uint64_t h = key * odd;
	size_t at;

	h = (h ^ h >> 32) * odd;
	for (at = (h >> 24) & (p->slots - 1); p->slot[at].number; at = (at + 1) & (p->slots - 1))
		if (p->slot[at].key == key)
			return (int32_t)p->slot[at].number - 1;
	p->slot[at] = (struct pair){key, ++p->count};
	return (int32_t)p->count - 1;
}

/* The numbers of runs become those of the runs one longer: in place, from the numbers of tokens. */
static void longer_runs(struct pairs *p, int32_t *run, const int32_t *token, size_t n, int order)
{
	for (size_t k = 0; k + (size_t)order <= n; k++)
		run[k] = pair_number(p, run[k], token[k + (size_t)order - 1]);
}

/* How many of a are in b, each one of b taken once. left has a zero for every number, and has it after. */
static uint64_t clipped(const int32_t *a, size_t n, const int32_t *b, size_t m, uint32_t *left)
{
	uint64_t match = 0;

	for (size_t k = 0; k < m; k++)
		left[b[k]]++;
	for (size_t k = 0; k < n; k++) {
		if (left[a[k]]) {
			left[a[k]]--;
			match++;
		}
	}
	for (size_t k = 0; k < m; k++)
		left[b[k]] = 0;
	return match;
}

void overlap_ngrams(const struct overlap *o, int orders, uint64_t *match)
{
	struct pairs pairs = {.slots = 16};
	uint32_t *left = mem_zero(o->n + o->m, sizeof(*left));
	int32_t *a = mem_zero(o->n, sizeof(*a)), *b = mem_zero(o->m, sizeof(*b));

	while (pairs.slots <= 2 * (o->n + o->m))
		pairs.slots *= 2;
	pairs.slot = mem_zero(pairs.slots, sizeof(*pairs.slot));
	if (o->n)
		memcpy(a, o->a, o->n * sizeof(*a));
	if (o->m)
		memcpy(b, o->b, o->m * sizeof(*b));
	for (int k = 1; k <= orders; k++) {
		if (k > 1) {
			memset(pairs.slot, 0, pairs.slots * sizeof(*pairs.slot));
			pairs.count = 0;
			longer_runs(&pairs, a, o->a, o->n, k);
			longer_runs(&pairs, b, o->b, o->m, k);
		}
		match[k - 1] = clipped(a, overlap_runs(o->n, k), b, overlap_runs(o->m, k), left);
	}
	free(pairs.slot);
	free(left);
	free(a);
	free(b);
}

/* Where each number stands in a: number k at place[start[k] .. start[k + 1]). */
struct places {
	size_t *start;
	uint32_t *place;
};

static struct places places_of(const struct overlap *o)
{
	struct places p = {mem_zero(o->distinct + 2, sizeof(*p.start)),
			   mem_zero(o->n, sizeof(*p.place))};

	/* Two further on first, one after filling. */
	for (size_t k = 0; k < o->n; k++)
		p.start[o->a[k] + 2]++;
	for (size_t k = 2; k < o->distinct + 2; k++)
		p.start[k] += p.start[k - 1];
	for (size_t k = 0; k < o->n; k++)
		p.place[p.start[o->a[k] + 1]++] = (uint32_t)k;
	return p;
}

/* One token of b, which stands in a where mask says so. A bit of v is zero where the length of the longest
 * common subsequence grows from one prefix of a to the next. */
static void lcs_step(uint64_t *v, const uint64_t *mask, size_t words)
{
	uint64_t carry = 0;

	for (size_t k = 0; k < words; k++) {
		const uint64_t both = v[k] & mask[k];
		const uint64_t sum = v[k] + both, all = sum + carry;

		carry = (sum < both) | (all < sum);
		v[k] = all | (v[k] & ~mask[k]);
	}
}

size_t overlap_lcs(const struct overlap *o)
{
	const size_t words = (o->n + 63) / 64;
	struct places p = places_of(o);
	uint64_t *v = mem_zero(words, sizeof(*v)), *mask = mem_zero(words, sizeof(*mask));
	size_t ones = 0;

	memset(v, 0xff, words * sizeof(*v));
	for (size_t k = 0; k < o->m; k++) {
		const size_t from = p.start[o->b[k]], to = p.start[o->b[k] + 1];

		if (from == to)
			continue;
		for (size_t j = from; j < to; j++)
			mask[p.place[j] / 64] |= UINT64_C(1) << p.place[j] % 64;
		lcs_step(v, mask, words);
		for (size_t j = from; j < to; j++)
			mask[p.place[j] / 64] = 0;
	}
	for (size_t k = 0; k < words; k++)
		ones += (size_t)__builtin_popcountll(v[k]);
	free(p.start);
	free(p.place);
	free(v);
	free(mask);
	return words * 64 - ones;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/table.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

void table_release(struct table *t)
{
	tokens_release(&t->tokens);
	free(t->slot);
	*t = (struct table){0};
}

/* Multiply and fold, eight bytes at a time; the last word holds what is left of them. */
static uint32_t hash(const char *s, size_t n)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = n * odd, word;

	for (; n > sizeof(word); s += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, s, sizeof(word));
		h = (h ^ word) * odd;
		h ^= h >> 32;
	}
	word = 0;
	for (size_t k = 0; k < n; k++)
		word |= (uint64_t)(unsigned char)s[k] << 8 * k;
	h = (h ^ word) * odd;
	h = (h ^ h >> 29) * odd;
	return (uint32_t)(h >> 32);
}

/* The slot of a string: the one that holds it, or the empty one where it belongs. */
static struct table_slot *slot_of(const struct table *t, const char *s, size_t n, uint32_t h)
{
	for (size_t k = h & (t->slots - 1);; k = (k + 1) & (t->slots - 1)) {
		struct table_slot *slot = &t->slot[k];
		const char *token;
		size_t len;

		if (!slot->number)
			return slot;
		if (slot->hash != h)
			continue;
		token = tokens_at(&t->tokens, slot->number - 1, &len);
		if (len == n && !memcmp(token, s, n))
			return slot;
	}
}

/* Doubles the slots. All strings in them differ. */
static void rehash(struct table *t)
{
	struct table_slot *old = t->slot;
	const size_t slots = t->slots;

	t->slots = slots ? slots * 2 : 256;
	t->slot = mem_zero(t->slots, sizeof(*t->slot));
	for (size_t k = 0; k < slots; k++) {
		size_t at = old[k].hash & (t->slots - 1);

		if (!old[k].number)
			continue;
		while (t->slot[at].number)
			at = (at + 1) & (t->slots - 1);
		t->slot[at] = old[k];
	}
	free(old);
}

/* Gives slot, or one found anew after growing, to a string that is appended. */
static void append(struct table *t, struct table_slot *slot, const char *s, size_t n, uint32_t h)
{
	if (!slot || 2 * (t->tokens.count + 1) > t->slots) {
		rehash(t);
		slot = slot_of(t, s, n, h);
	}
	tokens_add(&t->tokens, s, n);
	*slot = (struct table_slot){h, (uint32_t)t->tokens.count};
}

int table_find(const struct table *t, const char *s, size_t n)
{
	return t->slots ? (int)slot_of(t, s, n, hash(s, n))->number - 1 : -1;
}

int table_add(struct table *t, const char *s, size_t n)
{
	const uint32_t h = hash(s, n);
	struct table_slot *slot = t->slots ? slot_of(t, s, n, h) : NULL;

	if (!slot || !slot->number)
		append(t, slot, s, n, h);
	else
		return (int)slot->number - 1;
	return (int)t->tokens.count - 1;
}

void table_push(struct table *t, const char *s, size_t n)
{
	const uint32_t h = hash(s, n);

	append(t, t->slots ? slot_of(t, s, n, h) : NULL, s, n, h);
}

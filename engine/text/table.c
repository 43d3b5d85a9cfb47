/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/table.h"

#include "engine/base/mem.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

void table_release(struct table *t)
{
	tokens_release(&t->tokens);
	free(t->slot);
	*t = (struct table){0};
}

static const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);

enum { SHORT = 7, LENGTH_BIT = 56 };

/* Multiply and fold. */
static inline uint64_t mix(uint64_t h)
{
	h *= odd;
	return (h ^ h >> 32) * odd;
}

/* The first n (8 at most) bytes, the first one lowest. */
static inline uint64_t load(const char *s, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, s, n);
	return le64toh(word);
}

/* The bytes of a short string, as the first ones of word, and their number, so that equal keys are equal
 * strings. */
static inline uint64_t short_key(uint64_t word, size_t n)
{
	return (word & ((UINT64_C(1) << 8 * n) - 1)) | (uint64_t)n << LENGTH_BIT;
}

/* A hash of a longer string, eight bytes at a time, the last eight again; its top byte is no length. */
static uint64_t long_key(const char *s, size_t n)
{
	uint64_t h = n;

	for (size_t at = 0; at + 8 <= n; at += 8)
		h = mix(h ^ load(s + at, 8));
	if (n >= 8)
		h = mix(h ^ load(s + n - 8, 8));
	return h >> 8 | UINT64_C(0xff) << LENGTH_BIT;
}

static inline uint64_t key_of(const char *s, size_t n)
{
	return n <= SHORT ? short_key(load(s, n), n) : long_key(s, n);
}

/* The same where eight bytes can be read. */
static inline uint64_t key_before(const char *s, size_t n)
{
	return n <= SHORT ? short_key(load(s, 8), n) : long_key(s, n);
}

static inline size_t place(const struct table *t, uint64_t key)
{
	return (size_t)(mix(key) >> 24) & (t->slots - 1);
}

/* The slot of a string: the one that holds it, or the empty one where it belongs. */
static inline struct table_slot *slot_of(const struct table *t, const char *s, size_t n,
					 uint64_t key)
{
	for (size_t k = place(t, key);; k = (k + 1) & (t->slots - 1)) {
		struct table_slot *slot = &t->slot[k];
		const char *token;
		size_t len;

		if (!slot->number)
			return slot;
		if (slot->key != key)
			continue;
		if (n <= SHORT)
			return slot;
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
		size_t at = place(t, old[k].key);

		if (!old[k].number)
			continue;
		while (t->slot[at].number)
			at = (at + 1) & (t->slots - 1);
		t->slot[at] = old[k];
	}
	free(old);
}

/* Gives slot, or one found anew after growing, to a string that is appended. */
static void append(struct table *t, struct table_slot *slot, const char *s, size_t n, uint64_t key)
{
	if (!slot || 2 * (t->tokens.count + 1) > t->slots) {
		rehash(t);
		slot = slot_of(t, s, n, key);
	}
	tokens_add(&t->tokens, s, n);
	*slot = (struct table_slot){key, (uint32_t)t->tokens.count};
}

int table_find(const struct table *t, const char *s, size_t n)
{
	return t->slots ? (int)slot_of(t, s, n, key_of(s, n))->number - 1 : -1;
}

static int add(struct table *t, const char *s, size_t n, uint64_t key)
{
	struct table_slot *slot = t->slots ? slot_of(t, s, n, key) : NULL;

	if (slot && slot->number)
		return (int)slot->number - 1;
	append(t, slot, s, n, key);
	return (int)t->tokens.count - 1;
}

int table_add(struct table *t, const char *s, size_t n)
{
	return add(t, s, n, key_of(s, n));
}

/* The number of a string of one byte, one more; 0: not known here. */
static inline uint32_t single(const struct table *t, const char *s, size_t n)
{
	return n == 1 ? t->single[(unsigned char)*s] : 0;
}

void table_add_all(struct table *t, struct tokens *tokens, int32_t first, int32_t *number)
{
	enum { AHEAD = 16 };
	const size_t *end = tokens->end;
	const char *text;
	uint64_t key[AHEAD];

	buf_room(&tokens->text, 8);
	text = tokens->text.data;
	if (!t->slots)
		rehash(t);
	/* A large table is not in the cache: many slots are on their way at a time. */
	for (size_t at = 0, from = 0; at < tokens->count; at += AHEAD) {
		const size_t left = tokens->count - at, n = left < AHEAD ? left : AHEAD;
		size_t to = from;

		for (size_t k = 0; k < n; to = end[at + k++]) {
			const size_t len = end[at + k] - to;

			key[k] = 0;
			if (single(t, text + to, len))
				continue;
			key[k] = key_before(text + to, len);
			__builtin_prefetch(&t->slot[place(t, key[k])]);
		}
		for (size_t k = 0; k < n; from = end[at + k++]) {
			const size_t len = end[at + k] - from;
			const uint32_t known = single(t, text + from, len);

			if (known) {
				number[at + k] = first + (int32_t)known - 1;
				continue;
			}
			number[at + k] = first + add(t, text + from, len, key[k]);
			if (len == 1)
				t->single[(unsigned char)text[from]] =
					(uint32_t)(number[at + k] - first) + 1;
		}
	}
}

void table_push(struct table *t, const char *s, size_t n)
{
	const uint64_t key = key_of(s, n);

	append(t, t->slots ? slot_of(t, s, n, key) : NULL, s, n, key);
	if (n == 1)
		t->single[(unsigned char)*s] = 0;
}

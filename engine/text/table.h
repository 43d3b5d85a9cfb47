/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Distinct strings of bytes, numbered from 0 in the order they came: a hash table with open addressing. */
#ifndef SLUICE_ENGINE_TEXT_TABLE_H
#define SLUICE_ENGINE_TEXT_TABLE_H

#include "engine/text/token.h"

#include <stdint.h>

struct table_slot {
	uint64_t key;    /* up to 7 bytes and their number, or a hash of the string */
	uint32_t number; /* one more; 0: empty */
};

/* Zeroed is empty. */
struct table {
	struct tokens tokens; /* in the order of their numbers */
	struct table_slot *slot;
	size_t slots; /* a power of two, more than half of them empty */
	uint32_t
		single[256]; /* what a slot would say of a string of one byte, where it was asked */
};

void table_release(struct table *t);

/* The number of a string, or -1. */
int table_find(const struct table *t, const char *s, size_t n);

/* The number of a string, which is added where there is none like it. */
int table_add(struct table *t, const char *s, size_t n);

/* The same for every token of a list, which is given room behind its text: number has tokens->count of
 * them, counted from `first`. */
void table_add_all(struct table *t, struct tokens *tokens, int32_t first, int32_t *number);

/* Adds a string also where there is one like it: the later one is then found. */
void table_push(struct table *t, const char *s, size_t n);

#endif

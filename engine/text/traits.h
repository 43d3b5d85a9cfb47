/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tokenizing asks of a code point, as one byte, so that most text needs no look into Unicode's
 * tables: those of the basic plane are computed once. From utf8proc's properties, and for Han
 * from the blocks of Unicode's script property.
 */
#ifndef SLUICE_ENGINE_TEXT_TRAITS_H
#define SLUICE_ENGINE_TEXT_TRAITS_H

#include <stdbool.h>
#include <stdint.h>

enum char_kind { CHAR_SPACE, CHAR_ALNUM, CHAR_MARK, CHAR_HAN, CHAR_SYMBOL };

enum {
	TRAIT_KIND = 7,    /* mask: an enum char_kind */
	TRAIT_APART = 8,   /* between two of these a grapheme cluster always ends */
	TRAIT_LOWER = 16,  /* lower-casing leaves it as it is, wherever it stands */
	TRAIT_NORMAL = 32, /* text of these alone is in normalisation form C */
};

bool char_is_han(int32_t c);

/* The traits of every code point below 0x10000; any thread. */
const unsigned char *traits_table(void);

/* Of every byte: the letter or digit of ASCII that it is, in lower case if so asked, or 0. Any thread. */
const unsigned char *traits_letters(bool lower);

unsigned char traits_compute(int32_t c);

static inline unsigned char traits_of(const unsigned char *table, int32_t c)
{
	return c < 0x10000 ? table[c] : traits_compute(c);
}

#endif

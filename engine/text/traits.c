/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/traits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { BASIC_PLANE = 0x10000 };

static unsigned char basic[BASIC_PLANE], letters[2][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

bool char_is_han(int32_t c)
{
	static const struct {
		int32_t first, last;
	} range[] = {
		{0x2e80, 0x2fd5},   {0x3005, 0x3005},   {0x3007, 0x3007},   {0x3021, 0x3029},
		{0x3038, 0x303b},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfad9},
		{0x16fe2, 0x16ff1}, {0x20000, 0x2fa1f}, {0x30000, 0x323af},
	};

	for (size_t k = 0; k < sizeof(range) / sizeof(range[0]) && c >= range[k].first; k++)
		if (c <= range[k].last)
			return true;
	return false;
}

static enum char_kind kind_of(int32_t c)
{
	if (c < 0x80) {
		if (c == ' ' || (c >= '\t' && c <= '\r'))
			return CHAR_SPACE;
		return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			       ? CHAR_ALNUM
			       : CHAR_SYMBOL;
	}
	if (c == 0x85)
		return CHAR_SPACE;
	if (char_is_han(c))
		return CHAR_HAN;
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return CHAR_SPACE;
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return CHAR_ALNUM;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
		return CHAR_MARK;
	default:
		return CHAR_SYMBOL;
	}
}

/* Whether normalising c by itself gives c. */
static bool keeps_itself(int32_t c)
{
	utf8proc_uint8_t text[5] = {0}, *normal = NULL;
	const utf8proc_ssize_t n = utf8proc_encode_char(c, text);
	const utf8proc_ssize_t len =
		utf8proc_map(text, n, &normal, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	const bool same = len == n && !memcmp(normal, text, (size_t)n);

	free(normal);
	return same;
}

/* What composes with a character before it extends a cluster, or is a later part of a syllable. Of the
 * others only some that have a decomposition do not stay what they are. */
static bool is_normal(int32_t c, const utf8proc_property_t *p)
{
	if (c < 0x300)
		return true;
	switch (p->boundclass) {
	case UTF8PROC_BOUNDCLASS_OTHER:
	case UTF8PROC_BOUNDCLASS_CONTROL:
	case UTF8PROC_BOUNDCLASS_LV:
	case UTF8PROC_BOUNDCLASS_LVT:
	case UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC:
		return !p->combining_class &&
		       (p->decomp_seqindex == UINT16_MAX || p->decomp_type || keeps_itself(c));
	default:
		return false;
	}
}

unsigned char traits_compute(int32_t c)
{
	enum { SIGMA = 0x3a3, DOTTED_I = 0x130 };
	const utf8proc_property_t *p = utf8proc_get_property(c);
	unsigned char traits = (unsigned char)kind_of(c);

	if (c < 0x80 ? c != '\r' : p->boundclass == UTF8PROC_BOUNDCLASS_OTHER)
		traits |= TRAIT_APART;
	if (c != SIGMA && c != DOTTED_I && utf8proc_tolower(c) == c)
		traits |= TRAIT_LOWER;
	if (is_normal(c, p))
		traits |= TRAIT_NORMAL;
	return traits;
}

static void compute_all(void)
{
	for (int32_t c = 0; c < BASIC_PLANE; c++)
		basic[c] = traits_compute(c);
	for (int c = 0; c < 0x80; c++) {
		const bool upper = c >= 'A' && c <= 'Z';

		if ((basic[c] & TRAIT_KIND) != CHAR_ALNUM)
			continue;
		letters[false][c] = (unsigned char)c;
		letters[true][c] = (unsigned char)(upper ? c + ('a' - 'A') : c);
	}
}

const unsigned char *traits_letters(bool lower)
{
	traits_table();
	return letters[lower];
}

const unsigned char *traits_table(void)
{
	pthread_once(&once, compute_all);
	return basic;
}

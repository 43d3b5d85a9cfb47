/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/utf8.h"

#include "engine/text/traits.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const unsigned char *bytes_at(const char *text, size_t at)
{
	return (const unsigned char *)text + at;
}

/* The length of the well-formed character that begins with a byte of 0x80 or more, 0 if there is none
 * (The Unicode Standard, table 3-7). */
static size_t well_formed(const unsigned char *s, size_t n)
{
	const unsigned char lead = s[0];
	unsigned char least = 0x80, most = 0xbf; /* of the second byte */
	size_t len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (lead < 0xc2 || lead > 0xf4 || n < len)
		return 0;
	if (lead == 0xe0)
		least = 0xa0; /* shorter forms exist */
	else if (lead == 0xed)
		most = 0x9f; /* surrogates */
	else if (lead == 0xf0)
		least = 0x90;
	else if (lead == 0xf4)
		most = 0x8f; /* beyond U+10FFFF */
	if (s[1] < least || s[1] > most)
		return 0;
	for (size_t k = 2; k < len; k++)
		if ((s[k] & 0xc0) != 0x80)
			return 0;
	return len;
}

static const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);

/* How many of the first bytes are well-formed and not zero. */
static size_t good_bytes(const unsigned char *s, size_t n)
{
	size_t at = 0, len;

	while (at < n) {
		uint64_t word = 0;

		if (n - at >= sizeof(word))
			memcpy(&word, s + at, sizeof(word));
		/* No high bit where all eight are from 1 to 0x7f. */
		if (!((word | (word - ones)) & highs))
			len = sizeof(word);
		else if (s[at] < 0x80)
			len = s[at] != 0;
		else
			len = well_formed(s + at, n - at);
		if (!len)
			break;
		at += len;
	}
	return at;
}

size_t utf8_repair(struct buf *out, const char *text, size_t n, size_t *first)
{
	size_t bad = 0;

	buf_room(out, n);
	for (size_t at = 0;;) {
		const size_t good = good_bytes(bytes_at(text, at), n - at);

		buf_add(out, text + at, good);
		at += good;
		if (at == n)
			return bad;
		buf_text(out, "\xef\xbf\xbd");
		if (!bad++ && first)
			*first = at;
		at++;
	}
}

bool utf8_is_ascii(const char *text, size_t n)
{
	uint64_t all = 0, word;
	unsigned char rest = 0;
	size_t at = 0;

	for (; n - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, text + at, sizeof(word));
		all |= word;
	}
	for (; at < n; at++)
		rest |= (unsigned char)text[at];
	return !(all & highs) && rest < 0x80;
}

void utf8_line(char *s)
{
	size_t n = strlen(s), to = 0;

	for (size_t at = 0; at < n;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t len =
			utf8proc_iterate(bytes_at(s, at), (utf8proc_ssize_t)(n - at), &c);

		if (len == 1 && (c < ' ' || c == 0x7f))
			s[at] = ' ';
		if (len > 0)
			memmove(s + to, s + at, (size_t)len);
		to += len > 0 ? (size_t)len : 0;
		at += len > 0 ? (size_t)len : 1;
	}
	s[to] = '\0';
}

static int32_t previous(const char *text, size_t *at)
{
	size_t end = *at, start;

	do
		--*at;
	while (*at && (text[*at] & 0xc0) == 0x80);
	start = *at;
	return utf8_next(text, end, &start);
}

/* Unicode's Case_Ignorable: marks, modifiers, format characters, and what stands inside words. */
static bool case_ignorable(int32_t c)
{
	static const int32_t inside[] = {'\'',   '.',    ':',    0xb7,   0x387,  0x55f,
					 0x5f4,  0x2018, 0x2019, 0x2024, 0x2027, 0xfe13,
					 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};

	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_SK:
		return true;
	default:
		break;
	}
	for (size_t k = 0; k < sizeof(inside) / sizeof(inside[0]); k++)
		if (c == inside[k])
			return true;
	return false;
}

/* Unicode's Cased: letters with case, and the letter-like numbers and symbols. */
static bool cased(int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL ||
	       k == UTF8PROC_CATEGORY_LT || c == 0xaa || c == 0xba ||
	       (c >= 0x2160 && c <= 0x217f) || (c >= 0x24b6 && c <= 0x24e9) ||
	       (c >= 0x1f130 && c <= 0x1f189);
}

/* Whether the sigma in text[at .. end) ends a word (The Unicode Standard, table 3-17). */
static bool final_sigma(const char *text, size_t n, size_t at, size_t end)
{
	int32_t c = 0;

	while (at && case_ignorable(c = previous(text, &at)))
		c = 0;
	if (!cased(c))
		return false;
	for (c = 0; end < n && case_ignorable(c = utf8_next(text, n, &end));)
		c = 0;
	return !cased(c);
}

void utf8_lower(struct buf *out, const char *text, size_t n)
{
	enum { SIGMA = 0x3a3, DOTTED_I = 0x130 };
	const unsigned char *traits = traits_table();

	buf_room(out, n + n / 2); /* no mapping makes more than three bytes of two */
	for (size_t at = 0; at < n;) {
		unsigned char byte = (unsigned char)text[at];
		size_t from = at;
		int32_t c;

		if (byte < 0x80) {
			out->data[out->len++] =
				(char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
			at++;
			continue;
		}
		c = utf8_next(text, n, &at);
		if (traits_of(traits, c) & TRAIT_LOWER) {
			memcpy(out->data + out->len, text + from, at - from);
			out->len += at - from;
		} else if (c == DOTTED_I) {
			buf_text(out, "i\xcc\x87");
		} else {
			if (c == SIGMA)
				c = final_sigma(text, n, from, at) ? 0x3c2 : 0x3c3;
			else
				c = utf8proc_tolower(c);
			out->len += (size_t)utf8proc_encode_char(c, (unsigned char *)out->data +
									    out->len);
		}
	}
	buf_room(out, 0);
}

void utf8_nfc(struct buf *out, const char *text, size_t n)
{
	utf8proc_uint8_t *normal = NULL;
	utf8proc_ssize_t len;

	len = utf8proc_map(bytes_at(text, 0), (utf8proc_ssize_t)n, &normal,
			   UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (len >= 0)
		buf_add(out, normal, (size_t)len);
	else
		buf_add(out, text, n);
	free(normal);
}

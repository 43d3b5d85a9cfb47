/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const unsigned char *bytes_at(const char *text, size_t at)
{
	return (const unsigned char *)text + at;
}

size_t utf8_repair(struct buf *out, const char *text, size_t n, size_t *first)
{
	size_t bad = 0, good = 0; /* text[good .. at) is well-formed and not yet appended */

	buf_room(out, n);
	for (size_t at = 0; at < n;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t len = text[at] != '\0';

		if ((unsigned char)text[at] >= 0x80)
			len = utf8proc_iterate(bytes_at(text, at), (utf8proc_ssize_t)(n - at), &c);
		if (len > 0) {
			at += (size_t)len;
			continue;
		}
		buf_add(out, text + good, at - good);
		buf_text(out, "\xef\xbf\xbd");
		if (!bad++ && first)
			*first = at;
		good = ++at;
	}
	buf_add(out, text + good, n - good);
	return bad;
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

int32_t utf8_next(const char *text, size_t n, size_t *at)
{
	utf8proc_int32_t c = (unsigned char)text[*at];
	utf8proc_ssize_t len = 1;

	if (c >= 0x80)
		len = utf8proc_iterate(bytes_at(text, *at), (utf8proc_ssize_t)(n - *at), &c);
	*at += len > 0 ? (size_t)len : 1;
	return c;
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
		if (c == DOTTED_I) {
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

/* Whether text is surely normal already: nothing in it composes or decomposes. */
static bool surely_nfc(const char *text, size_t n)
{
	for (size_t at = 0; at < n;) {
		int32_t c = utf8_next(text, n, &at);

		if (c >= 0x300 && !(c >= 0x2010 && c < 0x2030) && !(c >= 0x3000 && c < 0x302a) &&
		    !(c >= 0x3400 && c < 0xa000) && !(c >= 0xff00 && c < 0xfff0))
			return false;
	}
	return true;
}

void utf8_nfc(struct buf *out, const char *text, size_t n)
{
	utf8proc_uint8_t *normal = NULL;
	utf8proc_ssize_t len = -1;

	if (!surely_nfc(text, n))
		len = utf8proc_map(bytes_at(text, 0), (utf8proc_ssize_t)n, &normal,
				   UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (len >= 0)
		buf_add(out, normal, (size_t)len);
	else
		buf_add(out, text, n);
	free(normal);
}

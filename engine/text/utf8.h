/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8 at the door: what comes in from outside is checked once, here. */
#ifndef SLUICE_ENGINE_TEXT_UTF8_H
#define SLUICE_ENGINE_TEXT_UTF8_H

#include "engine/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends text to out with every byte that is not part of well-formed UTF-8, and every zero byte,
 * replaced by U+FFFD.
 * Returns the number of replaced bytes; *first, where given, is the offset of the first. */
size_t utf8_repair(struct buf *out, const char *text, size_t n, size_t *first);

/* Makes one line of a message that quotes a file: control characters become spaces, and cut or
 * malformed characters are dropped. In place. */
void utf8_line(char *s);

/* The rest takes valid UTF-8. */

/* The code point at text[*at], at < n; moves *at behind it, never beyond n. */
static inline int32_t utf8_next(const char *text, size_t n, size_t *at)
{
	const unsigned char *s = (const unsigned char *)text + *at;
	const size_t left = n - *at;

	if (s[0] < 0x80 || left < 2) {
		*at += 1;
		return s[0];
	}
	if (s[0] < 0xe0 || left < 3) {
		*at += 2;
		return (s[0] & 0x1f) << 6 | (s[1] & 0x3f);
	}
	if (s[0] < 0xf0 || left < 4) {
		*at += 3;
		return (s[0] & 0x0f) << 12 | (s[1] & 0x3f) << 6 | (s[2] & 0x3f);
	}
	*at += 4;
	return (s[0] & 0x07) << 18 | (s[1] & 0x3f) << 12 | (s[2] & 0x3f) << 6 | (s[3] & 0x3f);
}

/* Whether all bytes are below 0x80. */
bool utf8_is_ascii(const char *text, size_t n);

/* Appends text in lower case: full mapping, with final sigma and dotted capital I. */
void utf8_lower(struct buf *out, const char *text, size_t n);

/* Appends text in normalisation form C. */
void utf8_nfc(struct buf *out, const char *text, size_t n);

#endif

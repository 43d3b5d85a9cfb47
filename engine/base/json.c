/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json_writer jw_to(struct buf *out)
{
	return (struct json_writer){.out = out};
}

/* Writes the comma that is due and asks for one before the next value. */
static void value(struct json_writer *j)
{
	if (j->comma)
		buf_byte(j->out, ',');
	j->comma = true;
}

static void open_with(struct json_writer *j, char c)
{
	value(j);
	buf_byte(j->out, c);
	j->comma = false;
}

static void close_with(struct json_writer *j, char c)
{
	buf_byte(j->out, c);
	j->comma = true;
}

void jw_object(struct json_writer *j)
{
	open_with(j, '{');
}

void jw_object_end(struct json_writer *j)
{
	close_with(j, '}');
}

void jw_array(struct json_writer *j)
{
	open_with(j, '[');
}

void jw_array_end(struct json_writer *j)
{
	close_with(j, ']');
}

/* The length of the well-formed UTF-8 sequence at s (n bytes left), or 0. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
	static const unsigned min[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;
	unsigned c;

	if (len < 2)
		return len;
	if (len > n)
		return 0;
	c = s[0] & (0xffu >> (len + 1));
	for (size_t k = 1; k < len; k++) {
		if ((s[k] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[k] & 0x3fu);
	}
	return c < min[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

static void quote(struct buf *out, const char *s, size_t n)
{
	static const char named[] = "\b\f\n\r\t\"\\", letter[] = "bfnrt\"\\";

	buf_byte(out, '"');
	for (size_t k = 0; k < n;) {
		unsigned char c = (unsigned char)s[k];
		const char *p = c ? strchr(named, c) : NULL;
		size_t len = utf8_length((const unsigned char *)s + k, n - k);

		if (p) {
			buf_byte(out, '\\');
			buf_byte(out, letter[p - named]);
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(out, "\\u%04x", c);
		} else if (!len) {
			buf_text(out, "\xef\xbf\xbd");
		} else {
			buf_add(out, s + k, len);
		}
		k += len ? len : 1;
	}
	buf_byte(out, '"');
}

void jw_key(struct json_writer *j, const char *key)
{
	value(j);
	quote(j->out, key, strlen(key));
	buf_byte(j->out, ':');
	j->comma = false;
}

void jw_text_n(struct json_writer *j, const char *s, size_t n)
{
	value(j);
	quote(j->out, s, n);
}

void jw_text(struct json_writer *j, const char *s)
{
	if (s)
		jw_text_n(j, s, strlen(s));
	else
		jw_null(j);
}

void jw_int(struct json_writer *j, int64_t v)
{
	value(j);
	buf_printf(j->out, "%" PRId64, v);
}

void jw_bool(struct json_writer *j, bool v)
{
	value(j);
	buf_text(j->out, v ? "true" : "false");
}

void jw_null(struct json_writer *j)
{
	value(j);
	buf_text(j->out, "null");
}

/* Writes what is not a finite number; false if v is one. */
static bool not_finite(struct json_writer *j, double v)
{
	if (isfinite(v))
		return false;
	if (isnan(v))
		jw_null(j);
	else
		jw_text(j, v > 0 ? "Infinity" : "-Infinity");
	return true;
}

void jw_f32(struct json_writer *j, float v)
{
	if (not_finite(j, (double)v))
		return;
	value(j);
	buf_printf(j->out, "%.9g", (double)v);
}

void jw_f64(struct json_writer *j, double v)
{
	char s[32];

	if (not_finite(j, v))
		return;
	value(j);
	snprintf(s, sizeof(s), "%.15g", v);
	if (strtod(s, NULL) != v)
		snprintf(s, sizeof(s), "%.17g", v);
	buf_text(j->out, s);
}

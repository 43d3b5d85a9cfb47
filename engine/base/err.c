/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/err.h"

#include "engine/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* n, or less where a character of UTF-8 would be cut. */
static size_t whole(const char *s, size_t n)
{
	while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

int err_width(const char *word)
{
	const size_t n = strlen(word);

	return (int)(n > ERR_WORD ? whole(word, ERR_WORD) : n);
}

const char *err_more(const char *word)
{
	return strlen(word) > ERR_WORD ? "…" : "";
}

/* The quote that ends what begins at s: behind it the word is over. NULL where there is none. */
static char *closing(char *s)
{
	while ((s = strchr(s, '\'')) && s[1] && !strchr(" ,;:?)", s[1]))
		s++;
	return s;
}

/* Shortens what stands between quotes; an apostrophe has a letter before it. */
static void shorten(char *msg)
{
	static const char more[] = {'\xe2', '\x80', '\xa6'}; /* … */

	for (char *s = msg, *end; (s = strchr(s, '\'')); s = end + 1) {
		const bool opens = s == msg || strchr(" (", s[-1]);
		size_t n;

		end = opens ? closing(s + 1) : s;
		if (!end)
			return;
		if (!opens || (size_t)(end - s - 1) <= ERR_WORD)
			continue;
		n = whole(s + 1, ERR_WORD);
		memcpy(s + 1 + n, more, sizeof(more));
		memmove(s + 4 + n, end, strlen(end) + 1);
		end = s + 4 + n;
	}
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	char *full;
	va_list ap;
	int n;

	if (!err)
		return false;
	err->code = code;
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	full = mem_zero(n < 0 ? 1 : (size_t)n + 1, 1);
	va_start(ap, fmt);
	vsnprintf(full, n < 0 ? 1 : (size_t)n + 1, fmt, ap);
	va_end(ap);
	shorten(full);
	snprintf(err->msg, sizeof(err->msg), "%s", full);
	free(full);
	return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->msg)], prefix[sizeof(err->msg)];
	va_list ap;
	size_t n;

	if (!err)
		return false;
	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	n = strlen(prefix);
	if (n + 2 < sizeof(err->msg)) {
		memcpy(err->msg, prefix, n);
		memcpy(err->msg + n, ": ", 2);
		n += 2;
		memcpy(err->msg + n, inner, sizeof(err->msg) - n); /* what does not fit is cut */
		err->msg[sizeof(err->msg) - 1] = '\0';
	}
	return false;
}

int err_exit_code(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return 0;
	case ERR_USAGE:
		return 2;
	case ERR_NO_RUN:
		return 3;
	case ERR_STORE:
		return 4;
	case ERR_CORRUPT:
		return 5;
	case ERR_CANCELLED:
		return 6;
	case ERR_DIVERGED:
		return 7;
	case ERR_INPUT:
		return 8;
	case ERR_FAILED:
		break;
	}
	return 1;
}

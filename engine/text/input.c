/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/input.h"

#include "engine/text/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	WARNED_LINES = 5,
	LOOKED_AT = 1 << 16, /* bytes that tell text from junk */
	TOO_MANY = 32,       /* fewer odd bytes than this are taken as they come */
};
static const size_t most_bytes = (size_t)2 << 30;

/* "cannot be read: no such file or directory", for the value of errno. */
static bool unreadable(const char *name, struct err *err)
{
	const char *why = strerror(errno);

	return err_set(err, ERR_INPUT, "%s: cannot be read: %c%s", name,
		       tolower((unsigned char)why[0]), why + 1);
}

static bool read_stream(FILE *f, const char *name, struct buf *raw, struct err *err)
{
	size_t got;

	do {
		buf_room(raw, LOOKED_AT);
		got = fread(raw->data + raw->len, 1, LOOKED_AT, f);
		raw->len += got;
		if (raw->len > most_bytes)
			return err_set(err, ERR_INPUT, "%s: larger than 2 GiB; split it", name);
	} while (got);
	raw->data[raw->len] = '\0';
	return !ferror(f) || unreadable(name, err);
}

static bool read_file(const char *path, const char *name, struct buf *raw, struct err *err)
{
	struct stat st;
	FILE *f;
	bool ok;

	if (!strcmp(path, "-"))
		return read_stream(stdin, name, raw, err);
	f = fopen(path, "rb");
	if (!f)
		return unreadable(name, err);
	if (!fstat(fileno(f), &st) && S_ISDIR(st.st_mode))
		ok = err_set(err, ERR_INPUT, "%s: is a directory; name a file in it", name);
	else
		ok = read_stream(f, name, raw, err);
	fclose(f);
	return ok;
}

static bool looks_like_text(const struct buf *raw, const char *name, struct err *err)
{
	size_t n = raw->len < LOOKED_AT ? raw->len : LOOKED_AT, control = 0, zero[2] = {0}, bad;
	struct buf scratch = {0};
	bool utf16 =
		n >= 2 && (!memcmp(raw->data, "\xff\xfe", 2) || !memcmp(raw->data, "\xfe\xff", 2));

	for (size_t k = 0; k < n; k++) {
		unsigned char c = (unsigned char)raw->data[k];

		zero[k % 2] += !c;
		control += (c < ' ' && !(c >= '\t' && c <= '\r') && c != 0x1b) || c == 0x7f;
	}
	bad = utf8_repair(&scratch, raw->data, n, NULL);
	buf_release(&scratch);
	/* Latin text in UTF-16 without a mark: every other byte is 0. */
	for (int k = 0; k < 2; k++)
		utf16 = utf16 || (n >= 4 && zero[k] > n * 2 / 5 && zero[1 - k] < n / 50 + 1);
	if (utf16)
		return err_set(err, ERR_INPUT,
			       "%s: is UTF-16; convert it first (iconv -f UTF-16 -t UTF-8)", name);
	if (control > TOO_MANY && control > n / 20)
		return err_set(err, ERR_INPUT, "%s: is not text but binary data", name);
	if (bad > TOO_MANY && bad > n / 5)
		return err_set(
			err, ERR_INPUT,
			"%s: is not UTF-8 (%zu of its first %zu bytes do not fit); convert it "
			"first (for example iconv -f GB18030 -t UTF-8)",
			name, bad, n);
	return true;
}

/* Repairs the lines of raw into in->text, each with '\n' at its end. */
static void take_lines(struct input *in, const struct buf *raw)
{
	const char *data = buf_str(raw);
	size_t at = raw->len >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? 3 : 0;
	char eol = memchr(data, '\n', raw->len) ? '\n' : '\r';
	size_t bad_lines = 0, more_bytes = 0;

	buf_room(&in->text, raw->len + 1);
	for (size_t number = 1; at < raw->len; number++) {
		const char *s = data + at, *end = memchr(s, eol, raw->len - at);
		size_t n = end ? (size_t)(end - s) : raw->len - at, bad;

		at += n + 1;
		if (n && s[n - 1] == '\r')
			n--;
		bad = utf8_repair(&in->text, s, n, NULL);
		buf_byte(&in->text, '\n');
		in->bad_bytes += bad;
		if (bad && bad_lines++ < WARNED_LINES)
			buf_printf(&in->warnings,
				   "%s:%zu: %zu byte%s not UTF-8, replaced by U+FFFD\n", in->name,
				   number, bad, bad == 1 ? " is" : "s are");
		else
			more_bytes += bad;
	}
	if (bad_lines > WARNED_LINES)
		buf_printf(&in->warnings,
			   "%s: %zu bytes on %zu more lines are not UTF-8, replaced by U+FFFD\n",
			   in->name, more_bytes, bad_lines - WARNED_LINES);
}

bool input_read(struct input *in, const char *path, struct err *err)
{
	struct buf raw = {0};
	bool ok;

	*in = (struct input){.name = strcmp(path, "-") ? path : "standard input"};
	ok = read_file(path, in->name, &raw, err);
	if (ok && !raw.len)
		ok = err_set(err, ERR_INPUT, "%s: is empty", in->name);
	if (ok && looks_like_text(&raw, in->name, err)) {
		sha256_of(raw.data, raw.len, in->sha256);
		in->bytes = (int64_t)raw.len;
		take_lines(in, &raw);
	} else {
		ok = false;
	}
	buf_release(&raw);
	return ok;
}

void input_release(struct input *in)
{
	buf_release(&in->text);
	buf_release(&in->warnings);
}

bool input_next(const struct input *in, struct line *l)
{
	if (l->next >= in->text.len)
		return false;
	l->s = in->text.data + l->next;
	l->n = (size_t)((char *)memchr(l->s, '\n', in->text.len - l->next) - l->s);
	l->next += l->n + 1;
	l->number++;
	return true;
}

bool input_next_filled(const struct input *in, struct line *l)
{
	while (input_next(in, l))
		for (size_t k = 0; k < l->n; k++)
			if (l->s[k] != ' ' && !(l->s[k] >= '\t' && l->s[k] <= '\r'))
				return true;
	return false;
}

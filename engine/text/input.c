/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/input.h"

#include "engine/text/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	WARNED_LINES = 5,
	TOO_MANY = 32,        /* fewer odd bytes than this are taken as they come */
	CHUNK = 1 << 18,      /* bytes read at a time */
	PIECE = 1 << 19,      /* a longer line is taken apart */
	FIRST_LINE = 1 << 24, /* a line end within so many bytes tells its kind */
	KEPT = 1 << 28,
	LARGE = 1 << 22, /* a buffer that is not kept */
};

/* "cannot be read: no such file or directory", for a value of errno. */
static bool unreadable(const char *name, int error, struct err *err)
{
	const char *why = strerror(error);

	return err_set(err, ERR_INPUT, "%s: cannot be read: %c%s", name,
		       tolower((unsigned char)why[0]), why + 1);
}

/* Reads the next chunk behind what is not taken yet. */
static void read_more(struct input *in)
{
	size_t got;

	if (in->taken) {
		in->raw.len -= in->taken;
		in->searched -= in->taken;
		in->hunted -= in->hunted < in->taken ? in->hunted : in->taken;
		memmove(in->raw.data, in->raw.data + in->taken, in->raw.len);
		in->taken = 0;
	}
	buf_room(&in->raw, CHUNK);
	errno = 0;
	got = fread(in->raw.data + in->raw.len, 1, CHUNK, in->file);
	sha256_add(&in->hash, in->raw.data + in->raw.len, got);
	in->raw.len += got;
	in->raw.data[in->raw.len] = '\0';
	in->bytes += (int64_t)got;
	if (got < CHUNK) {
		in->at_end = true;
		if (ferror(in->file))
			in->error = errno ? errno : EIO;
	}
}

static bool open_file(struct input *in, const char *path, struct err *err)
{
	struct stat st;

	in->file = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	if (!in->file)
		return unreadable(in->name, errno, err);
	if (!fstat(fileno(in->file), &st) && S_ISDIR(st.st_mode))
		return err_set(err, ERR_INPUT, "%s: is a directory; name a file in it", in->name);
	return true;
}

bool input_is_text(const char *s, size_t n, const char *name, struct err *err)
{
	size_t control = 0, zero[2] = {0}, bad;
	struct buf scratch = {0};
	bool utf16 = n >= 2 && (!memcmp(s, "\xff\xfe", 2) || !memcmp(s, "\xfe\xff", 2));

	n = n < INPUT_LOOKED_AT ? n : INPUT_LOOKED_AT;

	for (size_t k = 0; k < n; k++) {
		unsigned char c = (unsigned char)s[k];

		zero[k % 2] += !c;
		control += (c < ' ' && !(c >= '\t' && c <= '\r') && c != 0x1b) || c == 0x7f;
	}
	bad = utf8_repair(&scratch, s, n, NULL);
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

/* Finds how lines end: in '\r' only where there is no '\n', at the beginning at least. */
static void find_line_end(struct input *in)
{
	in->eol = '\n';
	for (size_t at = 0;; at = in->raw.len, read_more(in)) {
		if (memchr(in->raw.data + at, '\n', in->raw.len - at))
			return;
		if (in->at_end || in->raw.len >= FIRST_LINE)
			break;
	}
	if (memchr(in->raw.data, '\r', in->raw.len))
		in->eol = '\r';
}

bool input_open(struct input *in, const char *path, struct err *err)
{
	*in = (struct input){
		.name = strcmp(path, "-") ? path : "standard input", .kept = true, .number = 1};
	sha256_start(&in->hash);
	if (!open_file(in, path, err))
		return false;
	read_more(in);
	if (in->error)
		return unreadable(in->name, in->error, err);
	if (!in->raw.len)
		return err_set(err, ERR_INPUT, "%s: is empty", in->name);
	if (!input_is_text(in->raw.data, in->raw.len, in->name, err))
		return false;
	find_line_end(in);
	if (in->raw.len >= 3 && !memcmp(in->raw.data, "\xef\xbb\xbf", 3))
		in->taken = in->searched = 3;
	return true;
}

void input_release(struct input *in)
{
	if (in->file && in->file != stdin)
		fclose(in->file);
	buf_release(&in->raw);
	buf_release(&in->text);
	buf_release(&in->warnings);
	*in = (struct input){0};
}

bool input_blank(const char *s, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (s[k] != ' ' && !(s[k] >= '\t' && s[k] <= '\r'))
			return false;
	return true;
}

/* Counts and tells the bad bytes of the line that has just come to its end. */
static void end_line(struct input *in)
{
	const size_t bad = in->bad_here;

	if (bad && in->bad_lines++ < WARNED_LINES)
		buf_printf(&in->warnings, "%s:%zu: %zu byte%s not UTF-8, replaced by U+FFFD\n",
			   in->name, in->number, bad, bad == 1 ? " is" : "s are");
	else
		in->bad_more += bad;
	in->bad_bytes += bad;
	in->bad_here = 0;
	in->number++;
}

/* Repairs the next n bytes into text, as a line or an open piece of one. */
static void take(struct input *in, size_t n, bool open)
{
	const char *s = in->raw.data + in->taken;
	const size_t from = in->text.len;

	in->taken += n;
	if (!open && n && s[n - 1] == '\r')
		n--;
	in->bad_here += utf8_repair(&in->text, s, n, NULL);
	in->blank += !open && !in->open && input_blank(in->text.data + from, in->text.len - from);
	buf_byte(&in->text, '\n');
	in->open = open;
	if (!open)
		end_line(in);
}

/* Takes every line whose end was read. */
static bool take_lines(struct input *in)
{
	const size_t before = in->taken;
	const char *end;

	while ((end = memchr(in->raw.data + in->searched, in->eol, in->raw.len - in->searched))) {
		take(in, (size_t)(end - in->raw.data) - in->taken, false);
		in->searched = ++in->taken;
	}
	in->searched = in->raw.len;
	return in->taken > before;
}

static bool is_plain(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Whether the three bytes are a character from U+4E00 to U+9FFF. */
static bool is_han(const unsigned char *s)
{
	return s[0] >= 0xe4 && s[0] <= 0xe9 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80 &&
	       (s[0] > 0xe4 || s[1] >= 0xb8);
}

/*
 * Takes a piece of a line that goes on and on. Where it is cut nothing composes, no cluster and no word
 * goes on, and neither side looks beyond the cut to know its lower case.
 */
static bool take_piece(struct input *in)
{
	const unsigned char *s = (const unsigned char *)in->raw.data;
	size_t at = in->taken + PIECE;

	for (at = at > in->hunted ? at : in->hunted; at + 3 <= in->raw.len; at++) {
		const bool blank = s[at - 1] == ' ' && is_plain(s[at]) && is_plain(s[at - 2]);

		if (!blank && !(in->pieces == PIECES_HAN && is_han(s + at) && is_han(s + at - 3)))
			continue;
		take(in, at - in->taken, true);
		return true;
	}
	in->hunted = at;
	return false;
}

/* Moves on in the file until there is more text. */
static bool refill(struct input *in)
{
	while (!take_lines(in)) {
		const size_t left = in->raw.len - in->taken;

		if (in->at_end && !left)
			return false;
		if (in->pieces && left > PIECE && take_piece(in))
			return true;
		if (!in->at_end) {
			read_more(in);
			continue;
		}
		take(in, left, false);
		return true;
	}
	return true;
}

void input_walk(struct input *in)
{
	in->kept = false;
}

bool input_next(struct input *in, struct line *l)
{
	if (l->next >= in->text.len) {
		if (!in->kept) {
			if (in->text.cap > LARGE)
				buf_release(&in->text);
			buf_clear(&in->text);
			l->next = 0;
		}
		if (in->text.len >= KEPT || !refill(in))
			return false;
	}
	l->s = in->text.data + l->next;
	l->n = (size_t)((char *)memchr(l->s, '\n', in->text.len - l->next) - l->s);
	l->next += l->n + 1;
	l->number += !l->open;
	l->open = in->open && l->next == in->text.len;
	return true;
}

bool input_next_filled(struct input *in, struct line *l)
{
	while (input_next(in, l))
		if (!input_blank(l->s, l->n))
			return true;
	return false;
}

bool input_close(struct input *in, unsigned char sha256[SHA256_BYTES], struct err *err)
{
	if (in->error)
		return unreadable(in->name, in->error, err);
	if (in->bad_lines > WARNED_LINES)
		buf_printf(&in->warnings,
			   "%s: %zu bytes on %zu more lines are not UTF-8, replaced by U+FFFD\n",
			   in->name, in->bad_more, in->bad_lines - WARNED_LINES);
	sha256_end(&in->hash, sha256);
	return true;
}

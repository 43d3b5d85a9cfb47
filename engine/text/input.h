/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A text file, read a part at a time: refused if it is no UTF-8 text, repaired, walked by lines.
 *
 * First it is looked at: lines are kept, and a walk may begin anew as often as it likes. From input_walk
 * on there is one walk, and what lies behind it is forgotten.
 */
#ifndef SLUICE_ENGINE_TEXT_INPUT_H
#define SLUICE_ENGINE_TEXT_INPUT_H

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/sha256.h"

#include <stdint.h>
#include <stdio.h>

/* Where a very long line may be taken apart without its tokens becoming others. */
enum pieces {
	PIECES_NONE,
	PIECES_BLANK, /* behind a blank between two letters or digits of ASCII */
	PIECES_HAN,   /* there, and between two Han characters */
};

struct input {
	const char *name; /* for messages; borrowed */
	struct buf text;  /* valid UTF-8, without BOM; every line ends in '\n' */
	int64_t bytes;    /* of the file, as far as it was read; so the rest: */
	size_t blank;     /* lines with nothing in them but white space */
	size_t bad_bytes; /* replaced by U+FFFD */
	int error;        /* errno of a read that failed: to the lines that is the end */
	struct buf warnings;
	enum pieces pieces; /* may be set before the first line is asked for */

	FILE *file;
	struct sha256 hash;
	/* As read. From `taken` on it is not in text yet; up to `searched` there is no line end, up to
	 * `hunted` no place to take a line apart. */
	struct buf raw;
	size_t taken, searched, hunted;
	char eol;
	bool at_end; /* of the file */
	bool kept;   /* text is looked at, not walked */
	bool open;   /* the last line in text goes on */
	/* Of the line that is taken next: its number, and the bad bytes in it so far. Lines with bad
	 * bytes; such bytes not in a warning of their own. */
	size_t number, bad_here, bad_lines, bad_more;
};

/* A line without its end; start from {0}. number counts from 1. */
struct line {
	const char *s;
	size_t n, number;
	size_t next; /* offset of the line after it */
	bool open;   /* what comes next is not the next line but more of this one */
};

/* Opens path ("-" is standard input) and reads its beginning. ERR_INPUT for what cannot be read as
 * UTF-8 text. */
bool input_open(struct input *in, const char *path, struct err *err);
void input_release(struct input *in);

enum { INPUT_LOOKED_AT = 1 << 16 }; /* bytes that tell text from junk */

/* Whether a file that begins with these n bytes is text; ERR_INPUT says what it is instead. */
bool input_is_text(const char *s, size_t n, const char *name, struct err *err);

/* The lines end where the file does, and where it cannot be read on; also, while they are kept, where 256
 * MiB of them are. */
bool input_next(struct input *in, struct line *l);        /* false at the end */
bool input_next_filled(struct input *in, struct line *l); /* passes over blank lines */

/* Whether there is nothing but white space of ASCII. */
bool input_blank(const char *s, size_t n);

void input_walk(struct input *in);

/* Ends a walk that came to the end: the last warning and the file's SHA-256. ERR_INPUT where it could
 * not be read on. */
bool input_close(struct input *in, unsigned char sha256[SHA256_BYTES], struct err *err);

#endif

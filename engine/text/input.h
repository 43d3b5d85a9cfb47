/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text file in memory: read whole, refused if it is no UTF-8 text, repaired, walked by lines. */
#ifndef SLUICE_ENGINE_TEXT_INPUT_H
#define SLUICE_ENGINE_TEXT_INPUT_H

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/sha256.h"

#include <stdint.h>

struct input {
	const char *name; /* for messages; borrowed */
	struct buf text;  /* valid UTF-8, without BOM; every line ends in '\n' */
	int64_t bytes;    /* of the file */
	unsigned char sha256[SHA256_BYTES];
	size_t bad_bytes;
	struct buf warnings;
};

/* A line without its end; start from {0}. number counts from 1. */
struct line {
	const char *s;
	size_t n, number;
	size_t next; /* offset of the line after it */
};

/* Reads path ("-" is standard input). ERR_INPUT for what cannot be read as UTF-8 text. */
bool input_read(struct input *in, const char *path, struct err *err);
void input_release(struct input *in);

bool input_next(const struct input *in, struct line *l);        /* false at the end */
bool input_next_filled(const struct input *in, struct line *l); /* passes over blank lines */

#endif

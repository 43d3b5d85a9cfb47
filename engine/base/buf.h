/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing run of bytes. It always ends in a NUL that len does not count, so data is a C string
 * as long as no NUL was added. A struct set to zero is an empty buffer (data is then NULL).
 */
#ifndef SLUICE_ENGINE_BASE_BUF_H
#define SLUICE_ENGINE_BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap;
};

void buf_release(struct buf *b);        /* frees; the buffer is empty afterwards */
void buf_clear(struct buf *b);          /* empties, keeping the memory */
void buf_room(struct buf *b, size_t n); /* makes room for n more bytes */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_byte(struct buf *b, char c);
void buf_text(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The contents as a C string; "" for an empty buffer. Borrowed. */
const char *buf_str(const struct buf *b);

/* Hands the bytes over to the caller (free with free()); the buffer is empty afterwards. */
char *buf_take(struct buf *b);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small streaming JSON writer (RFC 8259) that appends to a buffer. Commas are its own business;
 * the caller opens and closes objects and arrays in the right order. NaN is written as null and
 * an infinity as the string "Infinity" or "-Infinity". Bytes that are not UTF-8 become U+FFFD.
 */
#ifndef SLUICE_ENGINE_BASE_JSON_H
#define SLUICE_ENGINE_BASE_JSON_H

#include "engine/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct json_writer {
	struct buf *out; /* borrowed */
	bool comma;      /* a comma is due before the next value */
};

struct json_writer jw_to(struct buf *out);

void jw_object(struct json_writer *j); /* { */
void jw_object_end(struct json_writer *j);
void jw_array(struct json_writer *j); /* [ */
void jw_array_end(struct json_writer *j);
void jw_key(struct json_writer *j, const char *key);
void jw_text(struct json_writer *j, const char *s); /* NULL is written as null */
void jw_text_n(struct json_writer *j, const char *s, size_t n);
void jw_int(struct json_writer *j, int64_t v);
void jw_bool(struct json_writer *j, bool v);
void jw_null(struct json_writer *j);
void jw_f32(struct json_writer *j, float v);  /* 9 significant digits: reads back exactly */
void jw_f64(struct json_writer *j, double v); /* the shorter of 15 or 17 digits that reads back */

#endif

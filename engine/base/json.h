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

struct json {
	struct buf *out; /* borrowed */
	bool comma;      /* a comma is due before the next value */
};

struct json json_to(struct buf *out);

void json_object(struct json *j); /* { */
void json_object_end(struct json *j);
void json_array(struct json *j); /* [ */
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key);
void json_text(struct json *j, const char *s); /* NULL is written as null */
void json_text_n(struct json *j, const char *s, size_t n);
void json_int(struct json *j, int64_t v);
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_f32(struct json *j, float v);  /* 9 significant digits: reads back exactly */
void json_f64(struct json *j, double v); /* the shorter of 15 or 17 digits that reads back */

#endif

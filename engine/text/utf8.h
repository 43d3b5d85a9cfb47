/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8 at the door: what comes in from outside is checked once, here. */
#ifndef SLUICE_ENGINE_TEXT_UTF8_H
#define SLUICE_ENGINE_TEXT_UTF8_H

#include "engine/base/buf.h"

#include <stddef.h>

/* Appends text to out with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
 * Returns the number of replaced bytes; *first, where given, is the offset of the first. */
size_t utf8_repair(struct buf *out, const char *text, size_t n, size_t *first);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sequences of different lengths as one rectangle: pad_sequences of Keras. */
#ifndef SLUICE_ENGINE_TEXT_PAD_H
#define SLUICE_ENGINE_TEXT_PAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sequence k is ids[start[k] .. start[k+1]), k < count. The longest one's length. */
int pad_longest(const size_t *start, int count);

/*
 * Writes every sequence to its row of out [count, max_len]: short ones are filled with value, at
 * the front with pad_front ('pre'); long ones lose their beginning with truncate_front ('pre').
 */
void pad_sequences(const int32_t *ids, const size_t *start, int count, int max_len, bool pad_front,
		   bool truncate_front, int32_t value, int32_t *out);

#endif

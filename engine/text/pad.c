/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/pad.h"

#include <string.h>

int pad_longest(const size_t *start, int count)
{
	size_t longest = 0;

	for (int k = 0; k < count; k++)
		if (start[k + 1] - start[k] > longest)
			longest = start[k + 1] - start[k];
	return (int)longest;
}

void pad_sequences(const int32_t *ids, const size_t *start, int count, int max_len, bool pad_front,
		   bool truncate_front, int32_t value, int32_t *out)
{
	size_t width = (size_t)max_len;

	for (int k = 0; k < count; k++, out += width) {
		size_t n = start[k + 1] - start[k], kept = n < width ? n : width;
		const int32_t *from = ids + start[k] + (truncate_front ? n - kept : 0);

		for (size_t t = 0; t < width; t++)
			out[t] = value;
		if (kept)
			memcpy(out + (pad_front ? width - kept : 0), from, kept * sizeof(*out));
	}
}

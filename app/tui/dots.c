/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/dots.h"

#include "engine/base/mem.h"

#include <stdlib.h>

void dots_init(struct dots *f, int rows, int cols)
{
	const size_t cells = (size_t)rows * (size_t)cols;

	*f = (struct dots){.rows = rows, .cols = cols};
	f->dots = mem_zero(cells, sizeof(*f->dots));
	f->owner = mem_zero(cells, sizeof(*f->owner));
}

void dots_release(struct dots *f)
{
	free(f->dots);
	free(f->owner);
	*f = (struct dots){0};
}

void dots_put(struct dots *f, int x, int y, int owner)
{
	static const unsigned char bit[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
	int at;

	if (x < 0 || y < 0 || x >= f->cols * 2 || y >= f->rows * 4)
		return;
	at = y / 4 * f->cols + x / 2;
	if (owner < 0 && f->owner[at] && f->owner[at] != owner)
		return;
	if (f->owner[at] != owner)
		f->dots[at] = 0;
	f->owner[at] = (short)owner;
	f->dots[at] |= bit[y % 4][x % 2];
}

void dots_line(struct dots *f, int x0, int y0, int x1, int y1, int owner)
{
	const int dx = abs(x1 - x0), dy = -abs(y1 - y0);
	const int sx = x0 < x1 ? 1 : -1, sy = y0 < y1 ? 1 : -1;
	int e = dx + dy;

	for (;;) {
		const int e2 = 2 * e;

		dots_put(f, x0, y0, owner);
		if (x0 == x1 && y0 == y1)
			return;
		if (e2 >= dy) {
			e += dy;
			x0 += sx;
		}
		if (e2 <= dx) {
			e += dx;
			y0 += sy;
		}
	}
}

const char *dots_text(char out[4], unsigned char dots, bool ascii)
{
	if (ascii) {
		const bool top = dots & 0x1b, bottom = dots & 0xe4;

		return top && bottom ? ":" : top ? "'" : ".";
	}
	out[0] = '\xe2';
	out[1] = (char)(0xa0 | dots >> 6);
	out[2] = (char)(0x80 | (dots & 0x3f));
	out[3] = '\0';
	return out;
}

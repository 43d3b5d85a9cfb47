/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/palette.h"

#include "app/tui/theme.h"

/* The nearest of the first n palette colours to 0xrrggbb. */
static int nearest(int rgb, int n)
{
	int best = 0;
	long least = -1;

	for (int k = 0; k < n; k++) {
		const int p = theme_rgb256(k);
		const long r = (p >> 16) - (rgb >> 16), g = (p >> 8 & 255) - (rgb >> 8 & 255),
			   b = (p & 255) - (rgb & 255);
		const long d = 3 * r * r + 6 * g * g + b * b;

		if (least < 0 || d < least) {
			least = d;
			best = k;
		}
	}
	return best;
}

colour palette_reduce(colour c, int colours)
{
	const bool rgb = c >= COLOUR_RGB(0);

	if (c < 0)
		return -1;
	if (colours == 1 << 24) {
		c = rgb ? c & 0xffffff : c & 255;
		return rgb && c < 256 ? c | 0x100 : c; /* those below 256 are the palette's */
	}
	if (colours == 256)
		return rgb ? theme_nearest256(c & 0xffffff) : c & 255;
	if (!rgb && c < colours)
		return c;
	return nearest(rgb ? c & 0xffffff : theme_rgb256(c & 255), colours);
}

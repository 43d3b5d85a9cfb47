/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of drawing share. */
#ifndef SLUICE_TESTS_DRAWN_H
#define SLUICE_TESTS_DRAWN_H

#include "app/tui/canvas.h"
#include "tests/unit.h"

/* The canvas as canvas_dump writes it; to be freed. */
__attribute__((noinline, unused)) static char *dump(const struct canvas *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	canvas_dump(c, f);
	fclose(f);
	return text;
}

/* The canvas was filled with a character before something was drawn into r: outside it still is. */
__attribute__((unused)) static void untouched_outside(const struct canvas *c, struct rect r,
						      uint32_t filler)
{
	for (int row = 0; row < c->rows; row++)
		for (int col = 0; col < c->cols; col++)
			if (row < r.row || row >= r.row + r.rows || col < r.col ||
			    col >= r.col + r.cols)
				assert_int_equal(c->cell[row * c->cols + col].ch[0], filler);
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A field of dots, two by four in each of its cells, each cell of one owner: the one who drew there last. */
#ifndef SLUICE_APP_TUI_DOTS_H
#define SLUICE_APP_TUI_DOTS_H

#include <stdbool.h>

struct dots {
	int rows, cols;      /* in cells */
	unsigned char *dots; /* rows * cols braille masks */
	short *owner;        /* whose they are; 0: nobody's */
};

void dots_init(struct dots *f, int rows, int cols);
void dots_release(struct dots *f);

/* Sets a dot, if it lies in the field. A negative owner takes no cell from another one. */
void dots_put(struct dots *f, int x, int y, int owner);
void dots_line(struct dots *f, int x0, int y0, int x1, int y1, int owner);

/* The character of a mask; in ASCII whether the dots are above, below or both. */
const char *dots_text(char out[4], unsigned char dots, bool ascii);

#endif

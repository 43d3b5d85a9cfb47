/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The canvas: a grid of cells in memory that views draw into and tui/term shows. Nothing here knows
 * a terminal, so that what a view draws can be tested without one.
 *
 * Drawing is clipped to the canvas and to the rectangle given; a wide character that would be cut
 * in half becomes a blank. Text is UTF-8; bytes that are not, and control characters, show as `?`
 * or `^X`, because text from files and the store is not to be trusted.
 */
#ifndef SLUICE_APP_TUI_CANVAS_H
#define SLUICE_APP_TUI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A colour: COLOUR_DEFAULT (the terminal's own), a palette index 0..255, or COLOUR_RGB(0xrrggbb). */
typedef int32_t colour;
#define COLOUR_DEFAULT (-1)
#define COLOUR_RGB(rgb) (0x1000000 | (rgb))

enum attr { ATTR_BOLD = 1, ATTR_DIM = 2, ATTR_UNDERLINE = 4, ATTR_REVERSE = 8, ATTR_ITALIC = 16 };

struct style {
	colour fg, bg;
	unsigned attr; /* bits of enum attr */
};

enum { CELL_CHARS = 5 }; /* one base character and up to four combining ones */

struct cell {
	uint32_t ch
		[CELL_CHARS]; /* 0-terminated unless full; ch[0] = 0: the right half of a wide one */
	struct style style;
};

struct rect {
	int row, col, rows, cols;
};

struct canvas {
	int rows, cols;
	struct cell *cell; /* rows * cols */
	bool ascii;        /* only 7-bit characters may be drawn */
	int colours;       /* 0: monochrome; 8, 16, 256, or 1 << 24 */
	int cursor_row,
		cursor_col; /* where the hardware cursor rests; row -1: nowhere in particular */
	bool cursor_visible;
};

void canvas_init(struct canvas *c, int rows, int cols); /* blank; ascii false, 256 colours */
void canvas_release(struct canvas *c);
void canvas_resize(struct canvas *c, int rows, int cols); /* blank afterwards */
void canvas_clear(struct canvas *c, struct style style);
struct rect canvas_rect(const struct canvas *c); /* all of it */

/* Draws text with its left edge at (row, col) of r (relative to r), clipped to r. Returns the
 * columns it took. In ASCII mode a character above 0x7e is drawn as its nearest ASCII look-alike
 * (box lines, blocks, arrows, Greek letters, dots) or `?`, keeping its width. */
int canvas_text(struct canvas *c, struct rect r, int row, int col, struct style s,
		const char *text);
int canvas_printf(struct canvas *c, struct rect r, int row, int col, struct style s,
		  const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* As canvas_text, in exactly width columns: shortened with `…` (`~` in ASCII) or padded with blanks;
 * align < 0 left, 0 centre, > 0 right. */
void canvas_field(struct canvas *c, struct rect r, int row, int col, int width, int align,
		  struct style s, const char *text);
void canvas_fill(struct canvas *c, struct rect r, struct style s, uint32_t ch);
/* Changes the style of cells, leaving their characters. */
void canvas_restyle(struct canvas *c, struct rect r, struct style s);
/* A frame of thin lines with rounded corners round r; title is set into the top line at the left,
 * `right` (or NULL) at its right end. Returns the rectangle inside. */
struct rect canvas_frame(struct canvas *c, struct rect r, struct style line, struct style title,
			 const char *left, const char *right);

/* Columns text takes on the screen (wcwidth; control characters as canvas_text shows them). */
int canvas_width(const char *text);
int canvas_width_n(const char *text, size_t n);

/* The characters row by row, trailing blanks cut, for golden files and `dump`. */
void canvas_dump(const struct canvas *c, FILE *out);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* wcwidth */
#endif

#include "app/tui/canvas.h"

#include "engine/base/buf.h"
#include "engine/base/mem.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* A run of text as the screen shows it: what ^X, `?` and ASCII mode make of it is done. */
struct glyph {
	uint32_t ch[2]; /* the second is 0 unless this is a ^X */
	int width;      /* of the whole; 0: a combining mark */
};

void canvas_init(struct canvas *c, int rows, int cols)
{
	*c = (struct canvas){.colours = 256, .cursor_row = -1};
	canvas_resize(c, rows, cols);
}

void canvas_release(struct canvas *c)
{
	free(c->cell);
	*c = (struct canvas){.cursor_row = -1};
}

void canvas_resize(struct canvas *c, int rows, int cols)
{
	free(c->cell);
	c->rows = rows > 0 ? rows : 0;
	c->cols = cols > 0 ? cols : 0;
	c->cell = mem_zero((size_t)c->rows * (size_t)c->cols, sizeof(*c->cell));
	c->cursor_row = -1;
	c->cursor_col = 0;
	c->cursor_visible = false;
	canvas_clear(c, (struct style){COLOUR_DEFAULT, COLOUR_DEFAULT, 0});
}

void canvas_clear(struct canvas *c, struct style style)
{
	const size_t n = (size_t)c->rows * (size_t)c->cols;

	for (size_t k = 0; k < n; k++)
		c->cell[k] = (struct cell){.ch = {' '}, .style = style};
}

struct rect canvas_rect(const struct canvas *c)
{
	return (struct rect){0, 0, c->rows, c->cols};
}

/* The code point at s and the bytes it takes; -1 and one byte where s is not UTF-8. */
static int32_t decode(const char *s, size_t n, size_t *used)
{
	static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *u = (const unsigned char *)s;
	const size_t more = u[0] < 0xe0 ? 1 : u[0] < 0xf0 ? 2 : 3; /* bytes after the first */
	int32_t c;

	*used = 1;
	if (u[0] < 0x80)
		return u[0];
	if (u[0] < 0xc2 || u[0] > 0xf4 || more >= n)
		return -1;
	c = u[0] & (0x3f >> more);
	for (size_t k = 1; k <= more; k++) {
		if ((u[k] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (u[k] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	*used = more + 1;
	return c;
}

/* Characters that turn the direction of the text round or cannot be seen: not to be trusted. */
static bool hidden(uint32_t c)
{
	return c == 0xad || c == 0x61c || c == 0x200b || (c >= 0x200e && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb);
}

static int char_width(uint32_t c)
{
	int w;

	if (c < 0x7f)
		return 1;
	w = wcwidth((wchar_t)c);
	return w < 0 ? 1 : w;
}

static struct glyph glyph_next(const char *s, size_t n, size_t *used)
{
	const int32_t c = decode(s, n, used);

	if (c < 0)
		return (struct glyph){{'?', 0}, 1};
	if (c < 0x20 || c == 0x7f)
		return (struct glyph){{'^', (uint32_t)c ^ 0x40}, 2};
	if ((c > 0x7f && c < 0xa0) || hidden((uint32_t)c))
		return (struct glyph){{'?', 0}, 1};
	return (struct glyph){{(uint32_t)c, 0}, char_width((uint32_t)c)};
}

/* What ASCII mode draws for the code points of `from`, in the order of `to`. */
struct alike {
	uint32_t first, last;
	const char *to; /* one character for all, or one for each */
};

// clang-format off
static const struct alike alike[] = {
	{0x00a0, 0x00a0, " "}, {0x00ab, 0x00ab, "<"}, {0x00b0, 0x00b0, "o"}, {0x00b1, 0x00b1, "+"},
	{0x00b2, 0x00b3, "23"}, {0x00b5, 0x00b5, "u"}, {0x00b7, 0x00b7, "."}, {0x00b9, 0x00b9, "1"},
	{0x00bb, 0x00bb, ">"}, {0x00c0, 0x00c6, "A"}, {0x00c7, 0x00c7, "C"}, {0x00c8, 0x00cb, "E"},
	{0x00cc, 0x00cf, "I"}, {0x00d1, 0x00d1, "N"}, {0x00d2, 0x00d6, "O"}, {0x00d7, 0x00d8, "xO"},
	{0x00d9, 0x00dc, "U"}, {0x00dd, 0x00dd, "Y"}, {0x00df, 0x00df, "s"}, {0x00e0, 0x00e6, "a"},
	{0x00e7, 0x00e7, "c"}, {0x00e8, 0x00eb, "e"}, {0x00ec, 0x00ef, "i"}, {0x00f1, 0x00f1, "n"},
	{0x00f2, 0x00f6, "o"}, {0x00f7, 0x00f8, "/o"}, {0x00f9, 0x00fc, "u"}, {0x00fd, 0x00ff, "y"},
	{0x0391, 0x03a1, "ABGDEZETIKLMNXOPR"}, {0x03a3, 0x03a9, "STUPCPO"},
	{0x03b1, 0x03c9, "abgdezetiklmnxoprsstupcpo"},
	{0x2000, 0x200a, " "}, {0x2010, 0x2015, "-"}, {0x2018, 0x201b, "'"}, {0x201c, 0x201f, "\""},
	{0x2020, 0x2021, "+"}, {0x2022, 0x2022, "*"}, {0x2024, 0x2024, "."}, {0x2026, 0x2026, "~"},
	{0x2032, 0x2033, "'\""}, {0x2039, 0x203a, "<>"},
	{0x2070, 0x2070, "0"}, {0x2074, 0x2079, "456789"}, {0x207a, 0x207b, "+-"}, {0x207f, 0x207f, "n"},
	{0x2080, 0x2089, "0123456789"}, {0x2090, 0x209c, "aeoxehklmnpst"},
	{0x2190, 0x2193, "<^>v"}, {0x2194, 0x2195, "-|"}, {0x21b5, 0x21b5, "<"}, {0x21d0, 0x21d3, "<^>v"},
	{0x2202, 0x2202, "d"}, {0x2206, 0x2207, "DV"}, {0x2208, 0x2208, "e"}, {0x2211, 0x2212, "S-"},
	{0x2219, 0x2219, "."}, {0x221a, 0x221a, "v"}, {0x221e, 0x221e, "8"}, {0x2248, 0x2248, "~"},
	{0x2260, 0x2260, "!"}, {0x2264, 0x2265, "<>"}, {0x2299, 0x2299, "o"}, {0x22c5, 0x22c5, "."},
	{0x23ce, 0x23ce, "<"},
	{0x2500, 0x2501, "-"}, {0x2502, 0x2503, "|"}, {0x2504, 0x2505, "-"}, {0x2506, 0x2507, "|"},
	{0x2508, 0x2509, "-"}, {0x250a, 0x250b, "|"}, {0x250c, 0x254b, "+"}, {0x254c, 0x254d, "-"},
	{0x254e, 0x254f, "|"}, {0x2550, 0x2551, "=|"}, {0x2552, 0x2570, "+"}, {0x2571, 0x2573, "/\\X"},
	{0x2574, 0x257f, "-|-|-|-|-|-|"},
	{0x2580, 0x2590, "\"__..ooo#########"}, {0x2591, 0x2593, ".+%"}, {0x2594, 0x2595, "\"|"},
	{0x2596, 0x259f, "..\"##:#\"##"},
	{0x25a0, 0x25a1, "#o"}, {0x25aa, 0x25ab, "#o"}, {0x25b2, 0x25b5, "^"}, {0x25b6, 0x25bb, ">"},
	{0x25bc, 0x25bf, "v"}, {0x25c0, 0x25c5, "<"}, {0x25c6, 0x25c6, "*"}, {0x25c7, 0x25c8, "o*"},
	{0x25cb, 0x25cb, "o"}, {0x25cf, 0x25cf, "*"}, {0x25e6, 0x25e6, "o"},
	{0x2605, 0x2606, "*"}, {0x2713, 0x2714, "v"}, {0x2715, 0x2718, "x"},
	{0x3000, 0x3000, " "},
};
// clang-format on

/* Dots of a braille pattern by height (bits 01 08 at the top, 40 80 at the bottom). */
static char braille_alike(uint32_t c)
{
	const bool top = c & 0x09, upper = c & 0x12, lower = c & 0x24, bottom = c & 0xc0;
	const bool high = top || upper, low = lower || bottom;
	int dots = 0;

	for (int k = 0; k < 8; k++)
		dots += (int)(c >> k & 1);
	if (!dots)
		return ' ';
	if (dots >= 7)
		return '#';
	if (high && low)
		return dots > 4 ? '%' : upper && lower && !top && !bottom ? '-' : ':';
	return high ? (top ? '\'' : '-') : bottom ? '.' : '-';
}

static uint32_t ascii_alike(uint32_t c)
{
	size_t low = 0, high = sizeof(alike) / sizeof(alike[0]);

	if (c < 0x7f)
		return c;
	if (c >= 0x2800 && c <= 0x28ff)
		return (uint32_t)braille_alike(c);
	if (c >= 0xff01 && c <= 0xff5e)
		return c - 0xff01 + '!';
	while (low < high) {
		const size_t mid = (low + high) / 2;
		const struct alike *a = &alike[mid];

		if (c < a->first)
			high = mid;
		else if (c > a->last)
			low = mid + 1;
		else
			return (unsigned char)(a->to[1] ? a->to[c - a->first] : a->to[0]);
	}
	return '?';
}

static struct cell *cell_of(const struct canvas *c, int row, int col)
{
	return &c->cell[(size_t)row * (size_t)c->cols + (size_t)col];
}

/* Both halves of the wide character that has a half at (row, col) become blanks. */
static void split(struct canvas *c, int row, int col)
{
	struct cell *at = cell_of(c, row, col), *other = NULL;

	if (!at->ch[0] && col > 0)
		other = at - 1;
	else if (at->ch[0] && col + 1 < c->cols && !at[1].ch[0])
		other = at + 1;
	if (!other)
		return;
	memset(at->ch, 0, sizeof(at->ch));
	memset(other->ch, 0, sizeof(other->ch));
	at->ch[0] = other->ch[0] = ' ';
}

static void put(struct canvas *c, int row, int col, struct style s, uint32_t ch, bool wide)
{
	struct cell *at = cell_of(c, row, col);

	split(c, row, col);
	*at = (struct cell){.ch = {ch}, .style = s};
	if (wide) {
		split(c, row, col + 1);
		at[1] = (struct cell){.style = s};
	}
}

/* The part of r that lies on the canvas; rows or cols 0 when nothing does. */
static struct rect clip(const struct canvas *c, struct rect r)
{
	const long long bottom = (long long)r.row + r.rows, right = (long long)r.col + r.cols;
	const int row = r.row > 0 ? r.row : 0, col = r.col > 0 ? r.col : 0;
	const long long rows = (bottom < c->rows ? bottom : c->rows) - row;
	const long long cols = (right < c->cols ? right : c->cols) - col;

	if (rows <= 0 || cols <= 0)
		return (struct rect){row, col, 0, 0};
	return (struct rect){row, col, (int)rows, (int)cols};
}

/* Draws n bytes at the canvas's (row, col), clipped to the columns [left, right) of it. */
static int draw(struct canvas *c, int row, long long col, int left, int right, struct style s,
		const char *text, size_t n)
{
	const long long start = col;
	struct cell *last = NULL; /* takes combining marks */
	bool wide;

	for (size_t at = 0, used; at < n; at += used) {
		const struct glyph g = glyph_next(text + at, n - at, &used);

		if (!g.width) {
			int k = 1;

			/* Joined emoji are two columns on some terminals and four on others. */
			if (!last || c->ascii || g.ch[0] == 0x200d)
				continue;
			while (k < CELL_CHARS && last->ch[k])
				k++;
			if (k < CELL_CHARS)
				last->ch[k] = g.ch[0];
			continue;
		}
		last = NULL;
		wide = g.width == 2 && !g.ch[1];
		if (wide && !c->ascii && col >= left && col + 1 < right) {
			put(c, row, (int)col, s, g.ch[0], true);
			last = cell_of(c, row, (int)col);
			col += 2;
			continue;
		}
		for (int k = 0; k < g.width; k++, col++) {
			/* In ASCII a wide one is its look-alike and a blank. */
			const uint32_t ch = !wide ? g.ch[k] : c->ascii && !k ? g.ch[0] : ' ';

			if (col < left || col >= right)
				continue;
			put(c, row, (int)col, s, c->ascii ? ascii_alike(ch) : ch, false);
			if (!wide)
				last = cell_of(c, row, (int)col);
		}
	}
	return (int)(col - start);
}

int canvas_text(struct canvas *c, struct rect r, int row, int col, struct style s, const char *text)
{
	const struct rect in = clip(c, r);
	const long long at = (long long)r.row + row;
	const bool seen = in.rows && row >= 0 && at >= in.row && at < in.row + in.rows;

	return draw(c, seen ? (int)at : 0, (long long)r.col + col, in.col,
		    seen ? in.col + in.cols : in.col, s, text, strlen(text));
}

int canvas_printf(struct canvas *c, struct rect r, int row, int col, struct style s,
		  const char *fmt, ...)
{
	char small[256], *text = small;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(small)) {
		text = mem_alloc((size_t)n + 1);
		vsnprintf(text, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	n = n < 0 ? 0 : canvas_text(c, r, row, col, s, text);
	if (text != small)
		free(text);
	return n;
}

/* The bytes of text that fit in width columns, combining marks included; *cols: what they take. */
static size_t fitting(const char *text, int width, int *cols)
{
	const size_t n = strlen(text);
	size_t at = 0, used;

	*cols = 0;
	for (; at < n; at += used) {
		const struct glyph g = glyph_next(text + at, n - at, &used);

		if (*cols + g.width > width)
			break;
		*cols += g.width;
	}
	return at;
}

void canvas_field(struct canvas *c, struct rect r, int row, int col, int width, int align,
		  struct style s, const char *text)
{
	struct buf b = {0};
	int cols, before;
	size_t n;

	if (width <= 0)
		return;
	n = fitting(text, width, &cols);
	if (text[n]) {
		n = fitting(text, width - 1, &cols);
		buf_add(&b, text, n);
		buf_text(&b, "\xe2\x80\xa6");
		cols++;
	} else {
		buf_add(&b, text, n);
	}
	before = align < 0 ? 0 : align > 0 ? width - cols : (width - cols) / 2;
	for (int k = 0; k < width; k++)
		if (k < before || k >= before + cols)
			canvas_text(c, r, row, col + k, s, " ");
	canvas_text(c, r, row, col + before, s, buf_str(&b));
	buf_release(&b);
}

void canvas_fill(struct canvas *c, struct rect r, struct style s, uint32_t ch)
{
	const struct rect in = clip(c, r);

	if (ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || ch > 0x10ffff || char_width(ch) != 1)
		ch = ch ? '?' : ' ';
	if (c->ascii)
		ch = ascii_alike(ch);
	for (int row = in.row; row < in.row + in.rows; row++)
		for (int col = in.col; col < in.col + in.cols; col++)
			put(c, row, col, s, ch, false);
}

void canvas_restyle(struct canvas *c, struct rect r, struct style s)
{
	const struct rect in = clip(c, r);

	for (int row = in.row; row < in.row + in.rows; row++)
		for (int col = in.col; col < in.col + in.cols; col++)
			cell_of(c, row, col)->style = s;
}

struct rect canvas_frame(struct canvas *c, struct rect r, struct style line, struct style title,
			 const char *left, const char *right)
{
	const int bottom = r.rows - 1, end = r.cols - 1;
	int room = r.cols - 4, taken = 0; /* titles lie between "╭ " and " ╮" */

	if (r.rows < 2 || r.cols < 2)
		return (struct rect){r.row, r.col, 0, 0};
	for (int k = 1; k < end; k++) {
		canvas_text(c, r, 0, k, line, "─");
		canvas_text(c, r, bottom, k, line, "─");
	}
	for (int k = 1; k < bottom; k++) {
		canvas_text(c, r, k, 0, line, "│");
		canvas_text(c, r, k, end, line, "│");
	}
	canvas_text(c, r, 0, 0, line, "╭");
	canvas_text(c, r, 0, end, line, "╮");
	canvas_text(c, r, bottom, 0, line, "╰");
	canvas_text(c, r, bottom, end, line, "╯");
	if (left && *left && room > 0) {
		taken = canvas_width(left);
		taken = taken < room ? taken : room;
		canvas_text(c, r, 0, 1, line, " ");
		canvas_field(c, r, 0, 2, taken, -1, title, left);
		canvas_text(c, r, 0, 2 + taken, line, " ");
		room -= taken + 3; /* a blank, a piece of line, a blank */
	}
	if (right && *right && canvas_width(right) <= room) { /* whole or not at all */
		const int width = canvas_width(right);

		canvas_text(c, r, 0, end - 2 - width, line, " ");
		canvas_text(c, r, 0, end - 1 - width, title, right);
		canvas_text(c, r, 0, end - 1, line, " ");
	}
	return (struct rect){r.row + 1, r.col + 1, r.rows - 2, r.cols - 2};
}

int canvas_width_n(const char *text, size_t n)
{
	int width = 0;

	for (size_t at = 0, used; at < n; at += used)
		width += glyph_next(text + at, n - at, &used).width;
	return width;
}

int canvas_width(const char *text)
{
	return canvas_width_n(text, strlen(text));
}

static void write_char(FILE *out, uint32_t c)
{
	const int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};

	putc((int)(lead[more] | c >> 6 * more), out);
	for (int k = more - 1; k >= 0; k--)
		putc((int)(0x80 | (c >> 6 * k & 0x3f)), out);
}

static bool blank(const struct cell *at)
{
	return at->ch[0] == ' ' && !at->ch[1];
}

void canvas_dump(const struct canvas *c, FILE *out)
{
	for (int row = 0; row < c->rows; row++) {
		int end = c->cols;

		while (end > 0 && blank(cell_of(c, row, end - 1)))
			end--;
		for (int col = 0; col < end; col++) {
			const struct cell *at = cell_of(c, row, col);

			for (int k = 0; k < CELL_CHARS && at->ch[k]; k++)
				write_char(out, at->ch[k]);
		}
		putc('\n', out);
	}
}

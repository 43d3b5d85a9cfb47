/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/answer/svg.h"

#include "app/tui/canvas.h"
#include "app/tui/ticks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Lengths in pixels. CHAR: of a narrow character at SIZE. */
enum { PAD = 16, SIZE = 13, CHAR = 8, TITLE = 26, GAP = 24 };
enum {
	CELL_H = 20,
	CELL_WIDE = 50,
	CELL_NARROW = 18,
	WIDE_MOST = 24,
	SCALE = 120,
	SCALE_STEPS = 30
};
enum { PLOT_W = 640, PLOT_H = 400, TICK = 64, LABELS_MOST = 60, NAME_SIZE = 10 };

static const char ink[] = "#222222", pale[] = "#777777", line[] = "#cccccc", none[] = "#ffffff";

/* Bright to dark, and blue over white to red: even steps of lightness. */
static const unsigned char unit_ramp[][3] = {{0xf9, 0xf4, 0xdd}, {0xc4, 0xe1, 0x91},
					     {0x6b, 0xc1, 0x99}, {0x15, 0x98, 0xa6},
					     {0x0c, 0x67, 0x9b}, {0x2b, 0x28, 0x66}};
static const unsigned char signed_ramp[][3] = {
	{0x0c, 0x40, 0x84}, {0x3e, 0x8c, 0xcb}, {0xad, 0xcf, 0xe5}, {0xf6, 0xf6, 0xf6},
	{0xf0, 0xc6, 0xa5}, {0xdb, 0x72, 0x40}, {0x7b, 0x23, 0x1b}};
static const char *const series_colour[] = {"#005faf", "#af5f00", "#00875f", "#870087",
					    "#875f00", "#008787", "#af0000", "#626262"};

/* The paint at v in [0, 1]; whether text on it must be white. */
static bool colour_at(const unsigned char (*ramp)[3], int count, double v, char out[8])
{
	const double at = (v < 0 ? 0 : v > 1 ? 1 : v) * (count - 1);
	const int k = at >= count - 1 ? count - 2 : (int)at;
	double c[3], light;

	for (int j = 0; j < 3; j++)
		c[j] = ramp[k][j] + (at - k) * (ramp[k + 1][j] - ramp[k][j]);
	snprintf(out, 8, "#%02x%02x%02x", (unsigned)c[0], (unsigned)c[1], (unsigned)c[2]);
	light = 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2];
	return light < 140;
}

static bool heat_colour(const struct figure *f, double limit, double v, char out[8])
{
	if (!isfinite(v)) {
		memcpy(out, none, 8);
		return false;
	}
	if (f->is_signed)
		return colour_at(signed_ramp, sizeof(signed_ramp) / 3, (v / limit + 1) / 2, out);
	return colour_at(unit_ramp, sizeof(unit_ramp) / 3, v / limit, out);
}

/* XML 1.0 knows no control characters, not even as escapes. */
static void add_text(struct buf *out, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '<':
			buf_text(out, "&lt;");
			break;
		case '>':
			buf_text(out, "&gt;");
			break;
		case '&':
			buf_text(out, "&amp;");
			break;
		case '"':
			buf_text(out, "&quot;");
			break;
		default:
			buf_byte(out, (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s);
		}
}

static void text_at(struct buf *out, double x, double y, const char *anchor, const char *fill,
		    const char *extra, const char *s)
{
	buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\"%s>", x, y,
		   anchor, fill, extra);
	add_text(out, s);
	buf_text(out, "</text>\n");
}

/* The minus of the formulas; what is printed as 0 has none. */
static void minus(char out[32])
{
	char number[32];

	if (*out != '-')
		return;
	memcpy(number, out, 32);
	snprintf(out, 32, "%s%.28s", strpbrk(number, "123456789ni") ? "−" : "", number + 1);
}

/* A figure as people write it. */
static void number_text(char out[32], double v)
{
	const double size = fabs(v);

	if (!isfinite(v))
		snprintf(out, 32, "%s", isnan(v) ? "none" : v > 0 ? "infinite" : "-infinite");
	else if (size == rint(size) && size < 1e5)
		snprintf(out, 32, "%.0f", v + 0.0);
	else if (size >= 100 && size < 1e5)
		snprintf(out, 32, "%.1f", v);
	else if (size >= 0.01 && size < 1e5)
		snprintf(out, 32, "%.3f", v);
	else
		snprintf(out, 32, "%.2g", v);
	minus(out);
}

static const char *name_of(char *const *name, int k, char number[16])
{
	snprintf(number, 16, "%d", k);
	return name[k] ? name[k] : number;
}

static int widest(char *const *name, int count)
{
	char number[16];
	int most = 0;

	for (int k = 0; k < count; k++) {
		const int w = canvas_width(name_of(name, k, number));

		most = w > most ? w : most;
	}
	return most * CHAR;
}

/* --- heat maps --- */

struct heat_place {
	double left, top; /* of the first cell */
	int cell, names;  /* width of a cell; height of the columns' names */
	bool upright;     /* those fit above their columns */
};

static struct heat_place heat_place(const struct figure *f, double y)
{
	struct heat_place p = {.cell = f->cols <= WIDE_MOST ? CELL_WIDE : CELL_NARROW};
	const int wide = widest(f->col, f->cols);

	p.upright = wide + CHAR / 2 <= p.cell;
	p.names = p.upright ? SIZE + 8 : wide * 3 / 4 + SIZE + 4;
	p.left = PAD + widest(f->row, f->rows) + 8;
	p.top = y + TITLE + p.names;
	return p;
}

static double heat_width(const struct figure *f)
{
	const struct heat_place p = heat_place(f, 0);
	const double cells = p.left + f->cols * p.cell + PAD;
	const double title = PAD * 2 + canvas_width(f->title) * CHAR + SCALE + 12 * CHAR;
	const double tilted = cells + (p.upright ? 0 : p.names * 3 / 4);

	return title > tilted ? title : tilted;
}

static double heat_height(const struct figure *f)
{
	return heat_place(f, 0).top + f->rows * CELL_H;
}

/* The colours from one end to the other, with what they stand for. */
static void heat_scale(struct buf *out, const struct figure *f, double limit, double width,
		       double y)
{
	const double x = width - PAD - SCALE - 5 * CHAR;
	char number[32], paint[8];

	for (int k = 0; k < SCALE_STEPS; k++) {
		const double at = (k + 0.5) / SCALE_STEPS;

		heat_colour(f, limit, (f->is_signed ? 2 * at - 1 : at) * limit, paint);
		buf_printf(out,
			   "<rect x=\"%.1f\" y=\"%.1f\" width=\"4.2\" height=\"10\" "
			   "fill=\"%s\"/>\n",
			   x + k * 4, y + 6, paint);
	}
	number_text(number, f->is_signed ? -limit : 0);
	text_at(out, x - 4, y + 15, "end", pale, "", number);
	number_text(number, limit);
	text_at(out, x + SCALE + 4, y + 15, "start", pale, "", number);
}

/* As many decimals in all cells. */
static void cell_text(char out[32], double limit, double v)
{
	if (limit < 0.01)
		snprintf(out, 32, "%.1e", v);
	else
		snprintf(out, 32, "%.*f",
			 limit >= 100  ? 0
			 : limit >= 10 ? 1
			 : limit >= 1  ? 2
				       : 3,
			 v);
	minus(out);
}

static void heat_cell(struct buf *out, const struct figure *f, const struct heat_place *p,
		      double limit, int row, int col)
{
	const double v = f->v[(size_t)row * (size_t)f->cols + (size_t)col];
	const double x = p->left + col * p->cell, y = p->top + row * CELL_H;
	char paint[8], number[32], a[16], b[16];
	const bool dark = heat_colour(f, limit, v, paint);

	number_text(number, v);
	buf_printf(out,
		   "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>", x,
		   y, p->cell, CELL_H, paint);
	add_text(out, name_of(f->row, row, a));
	buf_text(out, " · ");
	add_text(out, name_of(f->col, col, b));
	buf_printf(out, ": %s</title></rect>\n", number);
	cell_text(number, limit, v);
	if (p->cell == CELL_WIDE && isfinite(v))
		text_at(out, x + p->cell / 2.0, y + CELL_H - 6, "middle", dark ? none : ink,
			" font-size=\"10\"", number);
}

static void heat_write(struct buf *out, const struct figure *f, double width, double y)
{
	const struct heat_place p = heat_place(f, y);
	const double limit = figure_scale(f);
	char number[16], turn[96];

	heat_scale(out, f, limit, width, y);
	for (int k = 0; k < f->cols; k++) {
		const double x = p.left + (k + 0.5) * p.cell;

		snprintf(turn, sizeof(turn), " transform=\"rotate(-45 %.1f %.1f)\"", x + 4,
			 p.top - 5);
		text_at(out, p.upright ? x : x + 4, p.top - 5, p.upright ? "middle" : "start", ink,
			p.upright ? "" : turn, name_of(f->col, k, number));
	}
	for (int r = 0; r < f->rows; r++) {
		text_at(out, p.left - 6, p.top + r * CELL_H + CELL_H - 6, "end", ink, "",
			name_of(f->row, r, number));
		for (int k = 0; k < f->cols; k++)
			heat_cell(out, f, &p, limit, r, k);
	}
}

/* --- plots --- */

/* A name beside a point. */
struct name_place {
	double x, y, width;
};

struct plot_place {
	double left, top, x[2], y[2]; /* of the frame, and the ranges of its axes */
	struct name_place name[LABELS_MOST];
	int names; /* -1: there are too many for any */
};

static double x_of(const struct plot_place *p, double v)
{
	return p->left + (v - p->x[0]) / (p->x[1] - p->x[0]) * PLOT_W;
}

static double y_of(const struct plot_place *p, double v)
{
	return p->top + PLOT_H - (v - p->y[0]) / (p->y[1] - p->y[0]) * PLOT_H;
}

static double plot_height(void)
{
	return TITLE + PLOT_H + 3 * SIZE + 12;
}

static double plot_width(const struct figure *f)
{
	int names = 0;

	for (int k = 0; k < f->series_count; k++) {
		const int w = canvas_width(f->series[k].name) * CHAR;

		names = w > names ? w : names;
	}
	return PAD * 2 + TICK + PLOT_W + (f->series_count > 1 ? names + 3 * CHAR : 0) + GAP;
}

static struct ticks ticks_of(const double range[2])
{
	struct ticks t = {.lo = range[0], .hi = range[1]};

	ticks_fit(&t, 12);
	return t;
}

/* Ticks are whole multiples of their step. */
static int first_tick(const struct ticks *t)
{
	return (int)ceil(t->lo / t->step - 1e-9);
}

static int last_tick(const struct ticks *t)
{
	return (int)floor(t->hi / t->step + 1e-9);
}

static void plot_axes(struct buf *out, const struct figure *f, const struct plot_place *p)
{
	const struct ticks tx = ticks_of(p->x), ty = ticks_of(p->y);
	char text[TICKS_TEXT], turn[96];

	for (int k = first_tick(&tx); k <= last_tick(&tx); k++) {
		const double v = k * tx.step;

		buf_printf(out, "<path d=\"M%.1f %.1fv%d\" stroke=\"%s\"/>\n", x_of(p, v), p->top,
			   PLOT_H, line);
		ticks_text(text, &tx, v);
		text_at(out, x_of(p, v), p->top + PLOT_H + SIZE + 4, "middle", pale, "", text);
	}
	for (int k = first_tick(&ty); k <= last_tick(&ty); k++) {
		const double v = k * ty.step;

		buf_printf(out, "<path d=\"M%.1f %.1fh%d\" stroke=\"%s\"/>\n", p->left, y_of(p, v),
			   PLOT_W, line);
		ticks_text(text, &ty, v);
		text_at(out, p->left - 6, y_of(p, v) + 4, "end", pale, "", text);
	}
	buf_printf(out,
		   "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"none\" "
		   "stroke=\"%s\"/>\n",
		   p->left, p->top, PLOT_W, PLOT_H, pale);
	text_at(out, p->left + PLOT_W / 2.0, p->top + PLOT_H + 2 * SIZE + 8, "middle", ink, "",
		f->x_label);
	snprintf(turn, sizeof(turn), " transform=\"rotate(-90 %d %.1f)\"", PAD + SIZE / 2,
		 p->top + PLOT_H / 2.0);
	text_at(out, PAD + SIZE / 2.0, p->top + PLOT_H / 2.0, "middle", ink, turn, f->y_label);
}

static void plot_line(struct buf *out, const struct plot_place *p, const struct figure_series *s,
		      const char *paint)
{
	bool on = false;

	buf_text(out, "<path fill=\"none\" stroke-width=\"1.5\" d=\"");
	for (int k = 0; k < s->count; k++) {
		const bool there = isfinite(s->x[k]) && isfinite(s->y[k]);

		if (there)
			buf_printf(out, "%c%.1f %.1f", on ? 'L' : 'M', x_of(p, s->x[k]),
				   y_of(p, s->y[k]));
		on = there;
	}
	buf_printf(out, "\" stroke=\"%s\"/>\n", paint);
}

/* Writes the name of a point, unless it would lie on one that is there. */
static void plot_name(struct buf *out, struct plot_place *p, double x, double y, const char *name)
{
	const struct name_place new = {x + 5, y - 4, canvas_width(name) * CHAR * 0.8};

	for (int k = 0; k < p->names; k++) {
		const struct name_place *at = &p->name[k];

		if (fabs(at->y - new.y) < NAME_SIZE && new.x < at->x + at->width &&
		    at->x < new.x + new.width)
			return;
	}
	if (p->names < 0 || p->names == LABELS_MOST)
		return;
	p->name[p->names++] = new;
	text_at(out, new.x, new.y, "start", ink, " font-size=\"10\"", name);
}

static void plot_points(struct buf *out, struct plot_place *p, const struct figure_series *s,
			const char *paint)
{
	char x[32], y[32];

	for (int k = 0; k < s->count; k++) {
		if (!isfinite(s->x[k]) || !isfinite(s->y[k]))
			continue;
		number_text(x, s->x[k]);
		number_text(y, s->y[k]);
		buf_printf(out,
			   "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\" "
			   "fill-opacity=\"0.7\"><title>",
			   x_of(p, s->x[k]), y_of(p, s->y[k]), paint);
		add_text(out, s->label[k] ? s->label[k] : s->name);
		buf_printf(out, ": %s, %s</title></circle>\n", x, y);
		if (s->label[k])
			plot_name(out, p, x_of(p, s->x[k]), y_of(p, s->y[k]), s->label[k]);
	}
}

static void plot_write(struct buf *out, const struct figure *f, double y)
{
	struct plot_place p = {.left = PAD + TICK, .top = y + TITLE};
	int points = 0;

	if (!figure_range_x(f, &p.x[0], &p.x[1]) || !figure_range_y(f, &p.y[0], &p.y[1])) {
		text_at(out, PAD, p.top + SIZE, "start", pale, "", "no numbers to draw");
		return;
	}
	plot_axes(out, f, &p);
	for (int k = 0; k < f->series_count; k++)
		points += f->series[k].count;
	p.names = points <= LABELS_MOST ? 0 : -1;
	for (int k = 0; k < f->series_count; k++) {
		const char *paint =
			series_colour[(size_t)k % (sizeof(series_colour) / sizeof(char *))];
		const double at = p.top + 8 + k * (SIZE + 6);

		if (f->series[k].joined)
			plot_line(out, &p, &f->series[k], paint);
		plot_points(out, &p, &f->series[k], paint);
		if (f->series_count < 2)
			continue;
		buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n",
			   p.left + PLOT_W + GAP, at, paint);
		text_at(out, p.left + PLOT_W + GAP + CHAR, at + 4, "start", ink, "",
			f->series[k].name);
	}
}

/* --- the document --- */

void svg_write(struct buf *out, struct figure *const *figure, int count)
{
	double width = 0, height = PAD, y = PAD;

	for (int k = 0; k < count; k++) {
		const bool heat = figure[k]->kind == FIGURE_HEAT;
		const double w = heat ? heat_width(figure[k]) : plot_width(figure[k]);

		width = w > width ? w : width;
		height += (heat ? heat_height(figure[k]) : plot_height()) + GAP;
	}
	buf_printf(out,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%.0f\" "
		   "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"DejaVu Sans, Noto Sans "
		   "CJK SC, sans-serif\" font-size=\"%d\">\n<rect width=\"100%%\" height=\"100%%\" "
		   "fill=\"%s\"/>\n",
		   width, height, width, height, SIZE, none);
	for (int k = 0; k < count; k++) {
		const bool heat = figure[k]->kind == FIGURE_HEAT;

		text_at(out, PAD, y + SIZE + 2, "start", ink, " font-weight=\"bold\"",
			figure[k]->title);
		if (heat)
			heat_write(out, figure[k], width, y);
		else
			plot_write(out, figure[k], y);
		y += (heat ? heat_height(figure[k]) : plot_height()) + GAP;
	}
	buf_text(out, "</svg>\n");
}

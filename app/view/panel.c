/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/panel.h"

#include <math.h>
#include <string.h>

int panel_row(struct panel *s)
{
	const int row = s->row++ - s->first;

	return row >= 0 && row < s->r.rows ? row : -1;
}

/* In ASCII a product needs a sign of its own: a point would be one of the number's. */
static const char *products(const struct panel *s, const char *text, char out[300])
{
	size_t n = 0;

	if (!s->w->canvas.ascii)
		return text;
	for (; *text && n + 1 < 300; text++)
		if (!strncmp(text, "·", 2)) {
			out[n++] = '*';
			text++;
		} else {
			out[n++] = *text;
		}
	out[n] = '\0';
	return out;
}

void panel_line(struct panel *s, enum role role, int indent, const char *text)
{
	const int row = panel_row(s);
	char plain[300];

	if (row >= 0)
		canvas_field(&s->w->canvas, s->r, row, 1 + indent, s->r.cols - 2 - indent, -1,
			     part_look(s->w, role), products(s, text, plain));
}

void panel_covered(struct panel *s, const char *left)
{
	const int row = panel_row(s);
	char text[300];

	snprintf(text, sizeof(text), "%.200s = ····· ?", left);
	if (row >= 0)
		canvas_field(&s->w->canvas, s->r, row, 1, s->r.cols - 2, -1,
			     part_look(s->w, ROLE_dim), text);
}

int panel_room(const struct panel *s, int indent)
{
	return s->r.cols - 2 - indent;
}

const char *panel_figure(char out[32], double v, bool plus)
{
	const bool minus = v < -5e-4;

	snprintf(out, 32, "%s%.3f", minus ? "−" : plus ? "+" : "", fabs(v));
	return out;
}

void panel_figure_at(struct panel *s, int row, int end, enum role role, double v)
{
	char number[32];

	panel_figure(number, v, true);
	canvas_text(&s->w->canvas, s->r, row, end - canvas_width(number), part_look(s->w, role),
		    number);
}

int panel_number(struct panel *s, const char *label, double v)
{
	const int row = panel_row(s);
	char plain[300];

	if (row < 0)
		return row;
	canvas_text(&s->w->canvas, s->r, row, 1, part_look(s->w, ROLE_dim),
		    products(s, label, plain));
	panel_figure_at(s, row, PANEL_NUMBER, ROLE_strong, v);
	return row;
}

void panel_blocks(struct panel *s, int row, int col, int cols, double p)
{
	const int eighths = (int)lround(p * cols * 8), full = eighths / 8, part = eighths % 8;
	const struct style look = part_look(s->w, ROLE_train);
	const struct rect bar = {s->r.row + row, s->r.col + col, 1, full};

	if (full)
		canvas_fill(&s->w->canvas, bar, look, 0x2588);
	if (part && (!s->w->canvas.ascii || part >= 4))
		canvas_fill(&s->w->canvas, (struct rect){bar.row, bar.col + full, 1, 1}, look,
			    0x2590 - (uint32_t)part);
}

void panel_bar(struct panel *s, bool mark, const char *label, double p, const char *behind)
{
	const int row = panel_row(s), bar = s->r.cols - 26;
	const struct style word = part_look(s->w, mark ? ROLE_strong : ROLE_dim);
	char text[32];

	if (row < 0)
		return;
	if (mark)
		canvas_text(&s->w->canvas, s->r, row, 0, part_look(s->w, ROLE_focus), "▸");
	canvas_field(&s->w->canvas, s->r, row, 1, 11, -1, word, label);
	panel_blocks(s, row, 13, bar, p);
	snprintf(text, sizeof(text), "%.3f%s%s", p, behind ? " " : "", behind ? behind : "");
	canvas_text(&s->w->canvas, s->r, row, 14 + bar, part_look(s->w, ROLE_strong), text);
}

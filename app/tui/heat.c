/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/heat.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	WIDTH_MIN = 4,  /* of a column, while there is room */
	WIDTH_EVEN = 8, /* columns are widened up to this one to fill the pane */
	WIDTH_TIGHT = 7,
	WIDTH_MAX = 12,
	SCALE_COLS = 7, /* of the legend's colours, */
	SCALE_LEAST = 5 /* or where there is little room */
};

static int clamp(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static bool is_unknown(const struct heat_axis *a, int t)
{
	return a->unknown && a->unknown[t];
}

static int natural_width(const struct heat_axis *a, int t)
{
	return canvas_width(a->token[t]) + 1 + is_unknown(a, t);
}

static int width_sum(const struct heat_axis *a, int lo, int hi)
{
	int sum = 0;

	for (int t = 0; t < a->T; t++)
		sum += clamp(natural_width(a, t), lo, hi);
	return sum;
}

/* How many whole columns fit from word `first` on. */
static int columns_from(const struct heat_axis *a, int first, int cols)
{
	int n = 0;

	while (first + n < a->T && a->width[first + n] <= cols)
		cols -= a->width[first + n++];
	return n;
}

void heat_axis_fit(struct heat_axis *a, int cols, int label_cols, int cursor_t)
{
	int lo = a->least > WIDTH_MIN ? a->least : WIDTH_MIN, hi = WIDTH_MAX;
	int room;

	label_cols = clamp(label_cols, 0, cols > 0 ? cols : 0);
	room = cols - label_cols;
	a->label_cols = label_cols;
	a->shown = 0;
	if (a->T <= 0 || room < 2) {
		a->first = 0;
		return;
	}
	while (hi > WIDTH_TIGHT && width_sum(a, lo, hi) > room)
		hi--;
	while (lo < WIDTH_EVEN && lo < hi && width_sum(a, lo + 1, hi) <= room)
		lo++;
	a->width = mem_resize(a->width, (size_t)a->T, sizeof *a->width);
	for (int t = 0; t < a->T; t++)
		a->width[t] = clamp(clamp(natural_width(a, t), lo, hi), 2, room);
	a->first = clamp(a->first, 0, a->T - 1);
	if (cursor_t >= 0 && cursor_t < a->T) {
		if (cursor_t < a->first)
			a->first = cursor_t;
		while (cursor_t >= a->first + columns_from(a, a->first, room))
			a->first++;
	}
	while (a->first > 0 && a->first - 1 + columns_from(a, a->first - 1, room) >= a->T)
		a->first--; /* no blank columns while words are hidden at the left */
	a->shown = columns_from(a, a->first, room);
}

void heat_axis_release(struct heat_axis *a)
{
	free(a->width);
	*a = (struct heat_axis){0};
}

/* ---- cells ----------------------------------------------------------------------------------- */

struct look {
	bool is_signed;
	double limit;
	enum role role;
	bool brief; /* where 0.61 has no room, .61 may do */
	bool gaps;  /* NaN is nothing, and no trouble */
	int scale;  /* columns of the legend's colours */
};

/* The value as a part of the limit. */
static double part(const struct look *k, double v)
{
	double p = v / (k->limit > 0 ? k->limit : 1);

	return fmax(k->is_signed ? -1 : 0, fmin(1, p));
}

static colour cell_colour(const struct theme *t, const struct look *k, double v)
{
	return k->is_signed ? theme_signed(t, part(k, v)) : theme_unit(t, part(k, v));
}

/* Signed values have their own letters, without the signs. */
static const char *density(const struct canvas *c, const struct look *k, double p)
{
	static const char *const blocks[] = {" ", "░", "▒", "▓", "█"};
	static const char *const letters[] = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"};
	static const char *const plain[] = {" ", ".", ":", "=", "*", "#", "%", "@"};
	int n = !c->ascii ? 5 : k->is_signed ? 8 : 10;
	int i = clamp((int)(fabs(p) * n), 0, n - 1);

	return !c->ascii ? blocks[i] : k->is_signed ? plain[i] : letters[i];
}

static bool has_colours(const struct canvas *c)
{
	return c->colours >= 256;
}

/* With the minus of the formulas, which a canvas in ASCII makes its own of; what is printed as 0 has no sign. */
static void signed_number(char out[32], bool plus, double v, int decimals)
{
	const double size = fmin(1e9, fabs(v));
	const bool zero = size * pow(10, decimals) < 0.5;

	snprintf(out, 32, "%s%.*f", zero ? "" : v < 0 ? "−" : plus ? "+" : "", decimals, size);
}

/* The number in at most `width` columns, or "" when it does not fit. */
static void cell_number(char out[32], const struct look *k, double v, int width)
{
	const int decimals = fabs(v) < 10 ? 2 : 1; /* so that neighbours do not touch */

	signed_number(out, k->is_signed, v, decimals);
	if (canvas_width(out) > width)
		signed_number(out, k->is_signed, v, 0);
	if (canvas_width(out) > width || (fabs(v) < 10 && !strchr(out, '.')))
		out[0] = '\0';
	if (!out[0] && k->brief && width == 3 && v >= 0 && v <= 1) {
		snprintf(out, 32, v < 0.995 ? "%.2f" : "%.1f", v);
		memmove(out, out + (v < 0.995), 4);
	}
}

/* A cell of `width` columns without a number in it. */
static void plain_cell(struct canvas *c, struct rect r, const struct theme *t, const struct look *k,
		       double v, bool cursor)
{
	struct style s = theme_style(t, k->role);
	int from = 1;

	if (isnan(v) && k->gaps) {
		canvas_fill(c, r, theme_style(t, ROLE_text), ' ');
	} else if (isnan(v)) {
		canvas_field(c, r, 0, 0, r.cols, 0, theme_style(t, ROLE_warn),
			     r.cols > 3 ? "nan" : "?");
	} else if (has_colours(c)) {
		s.bg = cell_colour(t, k, v);
		s.fg = theme_ink(s.bg);
		s.attr = 0;
		canvas_fill(c, r, s, ' ');
	} else {
		canvas_fill(c, r, s, ' ');
		if (k->is_signed && v < 0)
			canvas_text(c, r, 0, from++, s, "−");
		else if (k->is_signed)
			from++;
		for (int col = from; col < r.cols - cursor; col++)
			canvas_text(c, r, 0, col, s, density(c, k, part(k, v)));
	}
	if (!cursor)
		return;
	if (has_colours(c) && !isnan(v))
		s.attr = ATTR_BOLD;
	else
		s = theme_style(t, ROLE_strong);
	canvas_text(c, r, 0, 0, s, "[");
	canvas_text(c, r, 0, r.cols - 1, s, "]");
}

/* The cell at the cursor, without what is in it. */
static void draw_cover(struct canvas *c, struct rect r, const struct theme *t)
{
	const struct style s = theme_style(t, ROLE_strong);

	canvas_fill(c, r, s, ' ');
	canvas_text(c, r, 0, 0, s, "[");
	canvas_text(c, r, 0, r.cols / 2, s, "?");
	canvas_text(c, r, 0, r.cols - 1, s, "]");
}

/* number: what is printed, NULL: nothing. */
static void draw_cell(struct canvas *c, struct rect r, const struct theme *t, const struct look *k,
		      double v, bool cursor, const double *number)
{
	struct style s = theme_style(t, ROLE_text);
	int room = cursor ? r.cols - 2 : r.cols - !has_colours(c);
	char text[32] = "";

	if (number && !isnan(v))
		cell_number(text, k, *number, room);
	if (!has_colours(c) && text[0] && !cursor) {
		canvas_fill(c, r, s, ' ');
		canvas_text(c, r, 0, (r.cols - canvas_width(text) + 1) / 2, s, text);
		return;
	}
	plain_cell(c, r, t, k, v, cursor);
	if (!text[0] || isnan(v))
		return;
	if (has_colours(c)) {
		s.bg = cell_colour(t, k, v);
		s.fg = theme_ink(s.bg);
		s.attr = cursor ? ATTR_BOLD : 0;
	}
	canvas_text(c, r, 0, (r.cols - canvas_width(text) + 1) / 2, s, text);
}

/* ---- words ----------------------------------------------------------------------------------- */

void heat_tokens(struct canvas *c, struct rect r, const struct theme *t, const struct heat_axis *a,
		 int cursor_t, int row)
{
	int col = a->label_cols;

	for (int i = a->first; i < a->first + a->shown; i++) {
		bool on = i == cursor_t, odd = is_unknown(a, i);
		struct style s = theme_style(t, odd ? ROLE_warn : on ? ROLE_strong : ROLE_text);
		struct style mark = theme_style(t, ROLE_focus);
		int room = a->width[i] - 1 - odd;
		int w = clamp(canvas_width(a->token[i]), 0, room);
		int at = col + (a->width[i] - w - odd + 1) / 2;

		if (on)
			s.attr |= ATTR_BOLD;
		if (on)
			canvas_text(c, r, row, at - 1, mark, c->ascii ? ">" : "▸");
		canvas_field(c, r, row, at, w, -1, s, a->token[i]);
		if (odd)
			canvas_text(c, r, row, at + w, s, "?");
		col += a->width[i];
	}
}

void heat_strip(struct canvas *c, struct rect r, const struct theme *t, const struct heat_axis *a,
		const char *label, const double *value, bool is_signed, double limit, int row)
{
	struct look k = {is_signed, limit, ROLE_text, false, false, SCALE_COLS};
	int col = a->label_cols;

	if (row < 0 || row >= r.rows)
		return;
	if (col > 1)
		canvas_field(c, r, row, col > 4, col - 1 - (col > 4), -1, theme_style(t, ROLE_dim),
			     label ? label : "");
	for (int i = a->first; i < a->first + a->shown; i++) {
		int w = clamp(a->width[i], 0, r.cols - col);

		if (w <= 0)
			return;
		draw_cell(c, (struct rect){r.row + row, r.col + col, 1, w}, t, &k, value[i], false,
			  a->width[i] >= 5 ? &value[i] : NULL);
		col += a->width[i];
	}
}

void heat_blank(struct canvas *c, struct rect r, const struct theme *t, const struct heat_axis *a,
		int from, int to, int row)
{
	int col = a->label_cols;

	for (int k = a->first; k < a->first + a->shown && row < r.rows; k++) {
		const struct rect cell = {r.row + row, r.col + col, 1, a->width[k]};

		if (k >= from && k < to)
			canvas_fill(c, cell, theme_style(t, ROLE_text), ' ');
		col += a->width[k];
	}
}

/* ---- the pane -------------------------------------------------------------------------------- */

/* Draws the scale with its ends right of column col of r's top line; returns its width. Without
 * columns in r it only measures. */
static int scale(struct canvas *c, struct rect r, int col, const struct theme *t,
		 const struct look *k)
{
	double limit = k->limit > 0 ? k->limit : 1;
	struct style dim = theme_style(t, ROLE_dim), s = theme_style(t, k->role);
	char lo[32], hi[32], end[24];
	int at;

	if (limit < 1e-3 || limit >= 1e6)
		snprintf(end, sizeof end, "%.0e", limit);
	else
		snprintf(end, sizeof end, "%.*f",
			 limit == floor(limit) ? 0
			 : limit >= 1          ? 1
			 : limit >= 0.1        ? 2
					       : 3,
			 limit);
	if (k->is_signed)
		snprintf(lo, sizeof lo, " %s%s ", c->ascii ? "-" : "−", end);
	else
		snprintf(lo, sizeof lo, " 0 ");
	snprintf(hi, sizeof hi, " %s%s ", k->is_signed ? "+" : "", end);
	at = canvas_width(lo);
	if (!r.cols)
		return at + k->scale + canvas_width(hi);
	canvas_text(c, r, 0, col, dim, lo);
	for (int i = 0; i < k->scale; i++) {
		double p = (double)i / (k->scale - 1);

		if (k->is_signed)
			p = 2 * p - 1;
		if (has_colours(c)) {
			s.bg = cell_colour(t, k, p * limit);
			s.attr = 0;
			canvas_text(c, r, 0, col + at + i, s, " ");
		} else {
			canvas_text(c, r, 0, col + at + i, s, density(c, k, p));
		}
	}
	canvas_text(c, r, 0, col + at + k->scale, dim, hi);
	return at + k->scale + canvas_width(hi);
}

/* The frame with its title, the scale and the number at the cursor, as far as they fit: the number
 * gives way first, as the equations have it too; then the scale, then all but the name. */
static struct rect draw_top(struct canvas *c, struct rect r, const struct theme *t,
			    const struct heat *h, struct look *k, double v)
{
	struct style frame = theme_style(t, h->focused ? ROLE_focus : ROLE_frame);
	struct style title = theme_style(t, h->focused ? ROLE_focus : ROLE_strong);
	int scale_cols = scale(c, (struct rect){0}, 0, t, k);
	char number[64] = "", value[32], left[400];
	const char *name = h->name ? h->name : "";
	int number_cols = 0, left_cols = 0, room = r.cols - 4;
	struct rect in;
	int col;

	snprintf(left, sizeof left, "%.16s%s%s", name, *name ? "  " : "", h->title ? h->title : "");
	left_cols = canvas_width(left) + 1;
	if (left_cols > room && *name) {
		snprintf(left, sizeof left, "%.16s", name);
		left_cols = canvas_width(left) + 1;
	}
	if (left_cols + scale_cols > room) {
		k->scale = SCALE_LEAST;
		scale_cols = scale(c, (struct rect){0}, 0, t, k);
	}
	if (left_cols + scale_cols > room)
		scale_cols = 0;
	for (int named = 1; named >= 0 && h->cursor_t >= 0 && h->cursor_u >= 0 && !isnan(v);
	     named--) {
		signed_number(value, h->is_signed, v, 3);
		snprintf(number, sizeof number, " %.8s%s%s ", named ? name : "", named ? " " : "",
			 h->covered ? "?" : value);
		number_cols = canvas_width(number);
		if (left_cols + scale_cols + number_cols <= room)
			break;
		number_cols = 0;
	}
	in = canvas_frame(c, r, frame, title, left, NULL);
	col = r.cols - 1 - scale_cols - number_cols;
	if (number_cols)
		canvas_text(c, r, 0, col, theme_style(t, ROLE_strong), number);
	if (scale_cols)
		scale(c, r, col + number_cols, t, k);
	return in;
}

/* What the pane does not show, in its bottom line. */
static void draw_more(struct canvas *c, struct rect r, const struct theme *t,
		      const struct heat_axis *a, const struct heat *h, int rows)
{
	struct style dim = theme_style(t, ROLE_dim);
	int above = h->first_u, below = h->H - h->first_u - rows;
	int before = a->first, after = a->T - a->first - a->shown;
	char units[64] = "", words[64] = "";
	int w;

	if (above > 0 && below > 0)
		snprintf(units, sizeof units, " ↑ %d  ↓ %d more ", above, below);
	else if (above > 0 || below > 0)
		snprintf(units, sizeof units, above > 0 ? " ↑ %d more " : " ↓ %d more ",
			 above > 0 ? above : below);
	if (before > 0 && after > 0)
		snprintf(words, sizeof words, " ← %d  %d → ", before, after);
	else if (before > 0 || after > 0)
		snprintf(words, sizeof words, before > 0 ? " ← %d more " : " %d more → ",
			 before > 0 ? before : after);
	w = canvas_width(units);
	if (w + 4 > r.cols)
		return;
	canvas_text(c, r, r.rows - 1, 2, dim, units);
	if (w + canvas_width(words) + 6 <= r.cols)
		canvas_text(c, r, r.rows - 1, r.cols - 2 - canvas_width(words), dim, words);
}

/* A row's name or number, with the mark of the cursor. */
static void draw_label(struct canvas *c, struct rect in, int row, const struct theme *t,
		       const struct heat_axis *a, const struct heat *h, int u)
{
	const bool on = u == h->cursor_u;
	const struct style mark = theme_style(t, ROLE_focus);
	struct style s = theme_style(t, on ? ROLE_strong : h->row ? ROLE_text : ROLE_dim);
	char text[16];
	int at;

	if (on)
		s.attr |= ATTR_BOLD;
	if (h->row) {
		canvas_field(c, in, row, 2, a->label_cols - 3, -1, s, h->row[u]);
		at = 0;
	} else {
		snprintf(text, sizeof text, "%d", u);
		canvas_field(c, in, row, 0, a->label_cols - 1, 1, s, text);
		at = a->label_cols - 3 - (int)strlen(text);
	}
	if (on && at >= 0)
		canvas_text(c, in, row, at, mark, c->ascii ? ">" : "▸");
}

static const double *value_of(const struct heat_axis *a, const struct heat *h, int t, int u)
{
	return h->by_row ? &h->v[(size_t)u * (size_t)a->T + (size_t)t]
			 : &h->v[(size_t)t * (size_t)h->H + (size_t)u];
}

/* What is printed in a cell, or NULL. */
static const double *number_of(const struct heat_axis *a, const struct heat *h, int t, int u)
{
	const double *v = value_of(a, h, t, u);
	const bool row = u == h->cursor_u, column = t == h->cursor_t;

	if (row && h->printed)
		v = &h->printed[t];
	if (row && column)
		return v;
	return a->width[t] >= 5 && ((row && h->numbers == HEAT_IN_ROW) ||
				    (column && h->numbers == HEAT_IN_COLUMN))
		       ? v
		       : NULL;
}

static void draw_unit(struct canvas *c, struct rect in, int row, const struct theme *t,
		      const struct heat_axis *a, const struct heat *h, const struct look *k, int u)
{
	int col = a->label_cols;

	draw_label(c, in, row, t, a, h, u);
	for (int i = a->first; i < a->first + a->shown; i++) {
		int w = clamp(a->width[i], 0, in.cols - col);

		if (w <= 0)
			return;
		if (h->covered && u == h->cursor_u && i == h->cursor_t)
			draw_cover(c, (struct rect){in.row + row, in.col + col, 1, w}, t);
		else
			draw_cell(c, (struct rect){in.row + row, in.col + col, 1, w}, t, k,
				  *value_of(a, h, i, u), u == h->cursor_u && i == h->cursor_t,
				  number_of(a, h, i, u));
		col += a->width[i];
	}
}

void heat_draw(struct canvas *c, struct rect r, const struct theme *t, const struct heat_axis *a,
	       struct heat *h)
{
	struct look k = {h->is_signed, h->limit,  h->role, h->numbers != HEAT_AT_CURSOR,
			 h->gaps,      SCALE_COLS};
	struct rect in;
	int header, rows;
	double v = 0;

	if (r.rows < 3 || r.cols < 4)
		return;
	if (h->cursor_t >= a->T)
		h->cursor_t = a->T - 1;
	if (h->cursor_u >= h->H)
		h->cursor_u = h->H - 1;
	if (h->cursor_t >= 0 && h->cursor_u >= 0)
		v = *value_of(a, h, h->cursor_t, h->cursor_u);
	in = draw_top(c, r, t, h, &k, v);
	header = in.rows >= 2;
	rows = in.rows - header;
	if (rows > h->H)
		rows = h->H;
	if (rows < 1)
		return;
	if (h->cursor_u >= 0) {
		if (h->cursor_u < h->first_u)
			h->first_u = h->cursor_u;
		if (h->cursor_u >= h->first_u + rows)
			h->first_u = h->cursor_u - rows + 1;
	}
	h->first_u = clamp(h->first_u, 0, h->H - rows);
	if (header)
		heat_tokens(c, in, t, a, h->cursor_t, 0);
	for (int row = 0; row < rows; row++)
		draw_unit(c, in, row + header, t, a, h, &k, h->first_u + row);
	draw_more(c, r, t, a, h, rows);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/table.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	MARK_COLS = 4, /* ` ▸● ` before the first column */
	GAP = 2,       /* between columns */
	TEXT_MAX = 512,
	FIT_ROWS = 500,
};

static const char *cell_text(const struct table *tb, int row, int col)
{
	const char *s = tb->cell(tb->data, row, col);

	return s ? s : "";
}

int table_page(const struct table *tb, int lines)
{
	int page = lines - 1;

	if (tb->rows > page && page >= 2)
		page--; /* the position */
	return page > 0 ? page : 0;
}

void table_to(struct table *tb, int row)
{
	if (row >= tb->rows)
		row = tb->rows - 1;
	tb->selected = row > 0 ? row : 0;
}

void table_move(struct table *tb, int delta, int page_rows)
{
	long long row = tb->selected;

	row += (long long)delta * (page_rows > 0 ? page_rows : 1);
	if (row < 0)
		row = 0;
	table_to(tb, row < tb->rows ? (int)row : tb->rows - 1);
}

/* ---- columns --------------------------------------------------------------------------------- */

/* Width 0 is a hidden column. */
static int shown_width(const struct table *tb, const int *width)
{
	int sum = 0, n = 0;

	for (int i = 0; i < tb->cols; i++) {
		sum += width[i];
		n += width[i] > 0;
	}
	return n ? sum + (n - 1) * GAP : 0;
}

/* A column with a minimum may be narrowed to it, but not so far that its title is cut. */
static int least(const struct table *tb, int col, int natural)
{
	int min = tb->column[col].min > 0 ? tb->column[col].min : natural;
	int title = canvas_width(tb->column[col].title) + (tb->sort_col == col);

	min = min > title ? min : title;
	return min < natural ? min : natural;
}

/* Of all rows if they are few, so that columns stay where they are while the rows scroll. */
static void natural_widths(const struct table *tb, int rows, int *width)
{
	int first = tb->rows <= FIT_ROWS ? 0 : tb->first;
	int end = tb->rows <= FIT_ROWS ? tb->rows : tb->first + rows;

	for (int i = 0; i < tb->cols; i++) {
		const struct table_column *k = &tb->column[i];
		int w = canvas_width(k->title) + (tb->sort_col == i), most = 0;

		for (int row = first; row < end; row++) {
			int cell = canvas_width(cell_text(tb, row, i));

			most = cell > most ? cell : most;
		}
		w = most > w ? most : w;
		if (w < k->min)
			w = k->min;
		if (k->max > 0 && w > k->max)
			w = k->max;
		width[i] = w > 0 ? w : 1;
		if ((i > 0 && i <= tb->left) || (!most && i < 32 && tb->optional >> i & 1))
			width[i] = 0;
	}
}

/* Makes the columns fit into room: first narrows those that may be, the least important first, then
 * hides columns, and gives what is left over back to the narrowed ones. */
static void fit(const struct table *tb, const int *natural, int *width, int room)
{
	int over, victim;

	for (int i = 0; i < tb->cols; i++)
		width[i] = natural[i] ? least(tb, i, natural[i]) : 0;
	while (shown_width(tb, width) > room) {
		victim = -1;
		for (int i = 0; i < tb->cols; i++) {
			if (!width[i])
				continue;
			if (victim < 0 || tb->column[i].priority >= tb->column[victim].priority)
				victim = i;
		}
		if (victim < 0)
			return;
		over = shown_width(tb, width) - room;
		width[victim] = width[victim] > over && shown_width(tb, width) == width[victim]
					? width[victim] - over
					: 0;
	}
	for (int p = 0; (over = room - shown_width(tb, width)) > 0; p++) {
		victim = -1;
		for (int i = 0; i < tb->cols; i++) {
			if (!width[i] || width[i] >= natural[i])
				continue;
			if (victim < 0 || tb->column[i].priority < tb->column[victim].priority)
				victim = i;
		}
		if (victim < 0)
			return;
		width[victim] += over;
		if (width[victim] > natural[victim])
			width[victim] = natural[victim];
	}
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void draw_header(struct canvas *c, struct rect r, const struct theme *t,
			const struct table *tb, const int *width)
{
	int col = MARK_COLS;

	for (int i = 0; i < tb->cols; i++) {
		bool sorted = i == tb->sort_col;
		struct style s = theme_style(t, sorted ? ROLE_strong : ROLE_dim);
		char text[TEXT_MAX];

		if (!width[i])
			continue;
		snprintf(text, sizeof text, "%s%s", tb->column[i].title,
			 !sorted          ? ""
			 : tb->descending ? (c->ascii ? "v" : "↓")
					  : (c->ascii ? "^" : "↑"));
		canvas_field(c, r, 0, col, width[i], tb->column[i].align < 0 ? -1 : 1, s, text);
		col += width[i] + GAP;
	}
}

static void draw_row(struct canvas *c, struct rect r, int line, const struct theme *t,
		     const struct table *tb, const int *width, int row, bool focused)
{
	bool on = row == tb->selected, marked = tb->marked && tb->marked(tb->data, row);
	struct style selected = theme_style(t, ROLE_selected);
	struct style s = theme_style(t, marked ? ROLE_mark : ROLE_text);
	struct rect whole = {r.row + line, r.col, 1, r.cols};
	int col = MARK_COLS;

	if (on) {
		if (focused)
			s = selected;
		else
			s.attr |= ATTR_BOLD;
		canvas_fill(c, whole, s, ' ');
		canvas_text(c, r, line, 1, s, c->ascii ? ">" : "▸");
	}
	if (marked) {
		struct style m = theme_style(t, ROLE_mark);

		if (on && focused) {
			m.bg = selected.bg;
			m.attr |= selected.attr;
		}
		canvas_text(c, r, line, 2, m, c->ascii ? "*" : "●");
	}
	for (int i = 0; i < tb->cols; i++) {
		struct style cell = s;

		if (!width[i])
			continue;
		if (tb->role)
			cell = theme_style(t, tb->role(tb->data, row, i));
		if (on && focused &&
		    (selected.attr & ATTR_REVERSE || selected.fg != COLOUR_DEFAULT))
			cell = s;
		else if (on)
			cell = (struct style){cell.fg, s.bg, cell.attr | s.attr};
		canvas_field(c, r, line, col, width[i], tb->column[i].align < 0 ? -1 : 1, cell,
			     cell_text(tb, row, i));
		col += width[i] + GAP;
	}
}

static void draw_position(struct canvas *c, struct rect r, const struct theme *t,
			  const struct table *tb, int rows, int hidden)
{
	const char *dash = c->ascii ? "-" : "–";
	char text[128];
	int n;

	n = snprintf(text, sizeof text, "%d%s%d of %d", tb->first + 1, dash, tb->first + rows,
		     tb->rows);
	if (hidden && r.cols >= 50)
		snprintf(text + n, sizeof text - (size_t)n, ", %d more column%s", hidden,
			 hidden > 1 ? "s" : "");
	canvas_field(c, r, r.rows - 1, 0, r.cols - 1, 1, theme_style(t, ROLE_dim), text);
}

void table_draw(struct canvas *c, struct rect r, const struct theme *t, struct table *tb,
		bool focused)
{
	int page = table_page(tb, r.rows);
	int rows, hidden = 0;
	int *natural, *width;

	if (r.rows < 1 || r.cols <= MARK_COLS || tb->cols < 1)
		return;
	table_to(tb, tb->selected);
	if (tb->left < 0)
		tb->left = 0;
	if (tb->left > tb->cols - 2)
		tb->left = tb->cols > 1 ? tb->cols - 2 : 0;
	if (tb->selected < tb->first)
		tb->first = tb->selected;
	if (tb->selected >= tb->first + page)
		tb->first = tb->selected - page + 1;
	if (tb->first > tb->rows - page)
		tb->first = tb->rows - page;
	if (tb->first < 0)
		tb->first = 0;
	rows = tb->rows - tb->first < page ? tb->rows - tb->first : page;
	natural = mem_zero((size_t)tb->cols * 2, sizeof *natural);
	width = natural + tb->cols;
	natural_widths(tb, rows, natural);
	fit(tb, natural, width, r.cols - MARK_COLS - 1);
	for (int i = 0; i < tb->cols; i++)
		hidden += !width[i];
	draw_header(c, r, t, tb, width);
	for (int i = 0; i < rows; i++)
		draw_row(c, r, i + 1, t, tb, width, tb->first + i, focused);
	if (!tb->rows && r.rows > 2)
		canvas_field(c, r, r.rows / 2, 0, r.cols, 0, theme_style(t, ROLE_dim),
			     tb->empty ? tb->empty : "nothing here yet");
	if (rows < tb->rows && r.rows - 1 > rows && rows > 0)
		draw_position(c, r, t, tb, rows, hidden);
	free(natural);
}

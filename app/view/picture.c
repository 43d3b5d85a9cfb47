/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/picture.h"

#include "app/tui/plot.h"
#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MOST = 24, PAGE = 10 };

/* --- heat maps --- */

static const char **names(char *const *name, int count, char **made)
{
	const char **all = mem_zero((size_t)count + 1, sizeof(*all));

	*made = mem_alloc((size_t)count * 16 + 1);
	for (int k = 0; k < count; k++) {
		snprintf(*made + (size_t)k * 16, 16, "%d", k);
		all[k] = name[k] ? name[k] : *made + (size_t)k * 16;
	}
	return all;
}

static int label_cols(const char *const *name, int count, int cols)
{
	int most = 0;

	for (int k = 0; k < count; k++) {
		const int w = canvas_width(name[k]);

		most = w > most ? w : most;
	}
	most = most > LABEL_MOST ? LABEL_MOST : most;
	most += 3;
	return most > cols / 3 ? cols / 3 : most;
}

static void draw_heat(struct workbench *w, struct rect r, const struct figure *f,
		      struct picture_cursor *at, bool focused)
{
	char *col_text, *row_text;
	const char **col = names(f->col, f->cols, &col_text);
	const char **row = names(f->row, f->rows, &row_text);
	bool named = false;
	struct heat_axis axis = {.T = f->cols, .token = col};
	struct heat h = {.title = f->title,
			 .v = f->v,
			 .by_row = true,
			 .gaps = true,
			 .H = f->rows,
			 .is_signed = f->is_signed,
			 .limit = figure_scale(f),
			 .cursor_t = at->col,
			 .cursor_u = at->row,
			 .first_u = at->first,
			 .numbers = HEAT_IN_ROW,
			 .focused = focused,
			 .role = ROLE_text};

	for (int k = 0; k < f->rows; k++)
		named |= f->row[k] != NULL;
	h.row = named ? row : NULL;
	heat_axis_fit(&axis, r.cols - 2,
		      named ? label_cols(row, f->rows, r.cols - 2) : HEAT_LABEL_COLS, at->col);
	heat_draw(&w->canvas, r, &w->theme, &axis, &h);
	at->first = h.first_u;
	heat_axis_release(&axis);
	free(col);
	free(row);
	free(col_text);
	free(row_text);
}

/* --- plots --- */

static void draw_plot(struct workbench *w, struct rect r, const struct figure *f,
		      const struct picture_cursor *at, bool focused)
{
	static const enum role role[] = {ROLE_train, ROLE_valid};
	struct plot_series *s = mem_zero((size_t)f->series_count + 1, sizeof(*s));
	char title[240], across[48];
	struct plot p = {.title = title,
			 .x_label = across,
			 .series = s,
			 .series_count = f->series_count,
			 .fixed_y = f->y_min < f->y_max,
			 .y_min = f->y_min,
			 .y_max = f->y_max,
			 .empty = "no numbers to draw"};

	snprintf(title, sizeof(title), "%.180s  %s %.40s", f->title, w->canvas.ascii ? "^" : "↑",
		 f->y_label);
	snprintf(across, sizeof(across), "%.40s %s", f->x_label, w->canvas.ascii ? ">" : "→");
	for (int k = 0; k < f->series_count; k++) {
		const struct figure_series *from = &f->series[k];

		s[k] = (struct plot_series){.name = from->name,
					    .x = from->x,
					    .y = from->y,
					    .count = from->count,
					    .role = role[k % 2],
					    .apart = !from->joined,
					    .decimals = -1};
		if (f->series_count > 2 && w->theme.series.count) {
			s[k].own = true;
			s[k].fg = w->theme.series.at[k % w->theme.series.count];
		}
	}
	if (f->x_min < f->x_max) {
		p.x_min = f->x_min;
		p.x_max = f->x_max;
	}
	if (focused && at->row < f->series_count) {
		p.at_series = at->row;
		p.at = at->col + 1;
	}
	plot_draw(&w->canvas, r, &w->theme, &p, focused);
	free(s);
}

static int clamp(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static void keep_inside(const struct figure *f, struct picture_cursor *at)
{
	const int rows = f->kind == FIGURE_HEAT ? f->rows : f->series_count;
	int cols;

	at->row = clamp(at->row, 0, rows ? rows - 1 : 0);
	cols = f->kind == FIGURE_HEAT ? f->cols : rows ? f->series[at->row].count : 0;
	at->col = clamp(at->col, 0, cols ? cols - 1 : 0);
}

void picture_draw(struct workbench *w, struct rect r, const struct figure *f,
		  struct picture_cursor *at, bool focused)
{
	if (r.rows < 3 || r.cols < 12)
		return;
	keep_inside(f, at);
	if (f->kind == FIGURE_HEAT && f->rows && f->cols)
		draw_heat(w, r, f, at, focused);
	else if (f->kind == FIGURE_HEAT)
		part_frame(w, r, f->title, NULL, focused);
	else
		draw_plot(w, r, f, at, focused);
}

static const char *figure_text(char out[32], double v)
{
	char number[32];

	snprintf(number, sizeof(number), "%.4g", v);
	return part_minus(out, 32, number);
}

void picture_says(const struct figure *f, struct picture_cursor *at, char *out, size_t size)
{
	const struct figure_series *s;
	const char *label;
	char x[32], y[32];
	bool named;

	keep_inside(f, at);
	*out = '\0';
	if (f->kind != FIGURE_PLOT || !f->series_count || !f->series[at->row].count)
		return;
	s = &f->series[at->row];
	label = s->label[at->col] ? s->label[at->col] : "";
	named = !*label || canvas_width(s->name) <= LABEL_MOST;
	snprintf(out, size, "%.60s%s%.60s  %s = %s  %s = %s", label, *label && named ? " · " : "",
		 named ? s->name : "", f->x_label, figure_text(x, s->x[at->col]), f->y_label,
		 figure_text(y, s->y[at->col]));
}

void picture_move(const struct figure *f, struct picture_cursor *at, enum move m, int count)
{
	const bool heat = f->kind == FIGURE_HEAT;

	keep_inside(f, at);
	if (m == MOVE_LEFT || m == MOVE_RIGHT)
		at->col += m == MOVE_LEFT ? -count : count;
	else if (m == MOVE_TOP)
		*at = (struct picture_cursor){0};
	else if (m == MOVE_BOTTOM)
		at->row = heat ? f->rows - 1 : f->series_count - 1;
	else if (m == MOVE_PAGE_UP || m == MOVE_PAGE_DOWN)
		at->row += m == MOVE_PAGE_UP ? -PAGE * count : PAGE * count;
	else
		at->row += m == MOVE_UP ? -count : count;
	keep_inside(f, at);
}

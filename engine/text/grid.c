/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/grid.h"

#include "engine/base/mem.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

void grid_release(struct grid *g)
{
	buf_release(&g->own);
	free(g->cell);
	free(g->row);
	if (g->csv)
		csv_free(g->csv);
	free(g->csv);
	*g = (struct grid){0};
}

void grid_forget(struct grid *g)
{
	buf_clear(&g->own);
	g->cells = g->rows = 0;
}

int grid_width(const struct grid *g, size_t row)
{
	size_t end = row + 1 < g->rows ? g->row[row + 1].first : g->cells;

	return (int)(end - g->row[row].first);
}

struct cell grid_cell(const struct grid *g, size_t row, int column)
{
	size_t k = g->row[row].first + (size_t)column;

	return (struct cell){g->base + g->cell[k].at, g->cell[k].n};
}

static void add_row(struct grid *g, size_t line)
{
	g->row = mem_grow(g->row, &g->row_cap, g->rows + 1, sizeof(*g->row));
	g->row[g->rows].first = g->cells;
	g->row[g->rows++].line = line;
}

static void add_cell(struct grid *g, size_t at, size_t n)
{
	g->cell = mem_grow(g->cell, &g->cell_cap, g->cells + 1, sizeof(*g->cell));
	g->cell[g->cells].at = at;
	g->cell[g->cells++].n = n;
}

static void cut_line(struct grid *g, const struct line *l, enum cut cut)
{
	const char *s = l->s, *end = s + l->n, *p;

	add_row(g, l->number);
	if (cut == CUT_FIRST_SPACE || cut == CUT_FIRST_TAB) {
		p = memchr(s, cut == CUT_FIRST_TAB ? '\t' : ' ', l->n);
	} else if (cut == CUT_LAST_TAB) {
		for (p = end; p > s && p[-1] != '\t';)
			p--;
		p = p > s ? p - 1 : NULL;
	} else {
		while (cut == CUT_TABS && (p = memchr(s, '\t', (size_t)(end - s)))) {
			add_cell(g, (size_t)(s - g->base), (size_t)(p - s));
			s = p + 1;
		}
		p = NULL;
	}
	if (p) {
		add_cell(g, (size_t)(s - g->base), (size_t)(p - s));
		s = p + 1;
	}
	add_cell(g, (size_t)(s - g->base), (size_t)(end - s));
}

static void csv_cell(void *s, size_t n, void *context)
{
	struct grid *g = context;

	if (!g->in_row)
		add_row(g, g->began);
	g->in_row = true;
	add_cell(g, g->own.len, n);
	buf_add(&g->own, s, n);
}

static void csv_row(int end, void *context)
{
	struct grid *g = context;

	(void)end;
	g->in_row = false;
	g->ended = true;
}

static void *csv_memory(void *p, size_t n)
{
	return mem_resize(p, n, 1);
}

static int csv_line_end(unsigned char c)
{
	return c == '\n';
}

static bool next_csv(struct grid *g)
{
	struct line *l = &g->line;

	if (!input_next_filled(g->in, l))
		return false;
	g->began = l->number;
	g->ended = false;
	do
		csv_parse(g->csv, l->s, l->n + 1, csv_cell, csv_row, g);
	while (!g->ended && input_next(g->in, l));
	buf_room(&g->own, 0);
	g->base = g->own.data;
	g->broken = !g->ended;
	return g->ended;
}

void grid_open(struct grid *g, struct input *in, enum cut cut)
{
	*g = (struct grid){.in = in, .cut = cut};
	if (cut < CUT_COMMAS)
		return;
	g->csv = mem_alloc(sizeof(*g->csv));
	csv_init(g->csv, 0);
	csv_set_delim(g->csv, cut == CUT_COMMAS ? ',' : ';');
	csv_set_realloc_func(g->csv, csv_memory);
	csv_set_term_func(g->csv, csv_line_end);
	csv_set_blk_size(g->csv, 1 << 16);
}

bool grid_next(struct grid *g)
{
	bool more;

	if (g->csv)
		return next_csv(g);
	more = g->cut == CUT_LINES ? input_next(g->in, &g->line)
				   : input_next_filled(g->in, &g->line);
	g->base = buf_str(&g->in->text);
	if (more)
		cut_line(g, &g->line, g->cut);
	return more;
}

bool grid_whole(const struct grid *g, struct err *err)
{
	return !g->broken ||
	       err_set(err, ERR_INPUT, "%s:%zu: the quote opened in this row is never closed",
		       g->in->name, g->began);
}

bool grid_read(struct grid *g, struct input *in, enum cut cut, size_t most, struct err *err)
{
	grid_open(g, in, cut);
	while (g->rows < most && grid_next(g))
		;
	return grid_whole(g, err);
}

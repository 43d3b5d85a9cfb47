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
	*g = (struct grid){0};
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

struct csv_state {
	struct grid *g;
	size_t line; /* where the row began */
	bool open;   /* a cell of it is there */
	bool ended;  /* the line just read was the last one of its row */
};

static void csv_cell(void *s, size_t n, void *context)
{
	struct csv_state *c = context;

	if (!c->open)
		add_row(c->g, c->line);
	c->open = true;
	add_cell(c->g, c->g->own.len, n);
	buf_add(&c->g->own, s, n);
}

static void csv_row(int end, void *context)
{
	struct csv_state *c = context;

	(void)end;
	c->open = false;
	c->ended = true;
}

static void *csv_memory(void *p, size_t n)
{
	return mem_resize(p, n, 1);
}

static int csv_line_end(unsigned char c)
{
	return c == '\n';
}

static bool cut_csv(struct grid *g, const struct input *in, unsigned char delimiter, size_t most,
		    struct err *err)
{
	struct csv_state state = {.g = g, .ended = true};
	struct csv_parser parser;
	struct line l = {0};
	csv_init(&parser, 0);
	csv_set_delim(&parser, delimiter);
	csv_set_realloc_func(&parser, csv_memory);
	csv_set_term_func(&parser, csv_line_end);
	csv_set_blk_size(&parser, 1 << 16);
	while (state.ended ? g->rows < most && input_next_filled(in, &l) : input_next(in, &l)) {
		if (state.ended)
			state.line = l.number;
		state.ended = false;
		csv_parse(&parser, l.s, l.n + 1, csv_cell, csv_row, &state);
	}
	csv_free(&parser);
	buf_room(&g->own, 0);
	g->base = g->own.data;
	return state.ended ||
	       err_set(err, ERR_INPUT, "%s:%zu: the quote opened in this row is never closed",
		       in->name, state.line);
}

bool grid_read(struct grid *g, const struct input *in, enum cut cut, size_t most, struct err *err)
{
	struct line l = {0};

	*g = (struct grid){.base = buf_str(&in->text)};
	if (cut >= CUT_COMMAS)
		return cut_csv(g, in, cut == CUT_COMMAS ? ',' : ';', most, err);
	while (g->rows < most &&
	       (cut == CUT_LINES ? input_next(in, &l) : input_next_filled(in, &l)))
		cut_line(g, &l, cut);
	return true;
}

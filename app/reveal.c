/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/reveal.h"

#include "engine/inspect/equations.h"

#include <string.h>

static const struct cell_ops *cell_of(const struct workbench *w)
{
	return w->current.trace->snapshot->encoder->model.spec.cell;
}

int reveal_lines(const struct workbench *w)
{
	return w->current.trace ? equations_count(cell_of(w)) : 0;
}

int reveal_shown(const struct workbench *w)
{
	const struct gates_state *g = &w->gates;
	const int lines = reveal_lines(w);

	if (!lines || !g->reveal.shown || g->reveal.run != g->run || g->reveal.t != g->t ||
	    g->reveal.unit != g->unit)
		return -1;
	return g->reveal.shown < lines ? g->reveal.shown : lines;
}

bool reveal_covers_any(const struct workbench *w)
{
	const int shown = reveal_shown(w);

	return shown >= 0 && shown < reveal_lines(w);
}

bool reveal_covers(const struct workbench *w, const char *left)
{
	const int shown = reveal_shown(w), lines = reveal_lines(w);
	char name[EQUATION_NAME];

	for (int k = shown; k >= 0 && k < lines; k++)
		if (!strcmp(equations_left(cell_of(w), k, name), left))
			return true;
	return false;
}

void reveal_show(struct workbench *w, int shown)
{
	struct gates_state *g = &w->gates;

	g->reveal.run = g->run;
	g->reveal.t = g->t;
	g->reveal.unit = g->unit;
	g->reveal.shown = shown;
	w->dirty = true;
}

void reveal_end(struct workbench *w)
{
	w->gates.reveal.shown = 0;
}

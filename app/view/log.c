/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log: what happened, from the store's events and from what this process printed. */
#include "app/tui/table.h"
#include "app/view/parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct binding keys[] = {
	{NULL, NULL, NULL},
};

static const struct binding *hints(const struct workbench *w)
{
	static const struct binding global[] = {
		{"/", NULL, "find"},
		{"x", NULL, "export"},
		{NULL, NULL, NULL},
	};

	(void)w;
	return global;
}

static const struct table_column columns[] = {{"time", -1, 19, 19, 2},
					      {"level", -1, 6, 6, 3},
					      {"run", -1, 12, 20, 4},
					      {"what", -1, 8, 10, 5},
					      {"message", -1, 20, 0, 0}};
enum { COL_TIME, COL_LEVEL, COL_RUN, COL_WHAT, COL_MESSAGE, COLS };

/* Events first, captured lines behind them: both are in order of time. */
static const struct event_row *event_at(const struct workbench *w, int row)
{
	return row < (int)w->log.count ? &w->log.row[row] : NULL;
}

static const char *cell(void *data, int row, int col)
{
	static char text[64];
	const struct workbench *w = data;
	const struct event_row *e = event_at(w, row);
	const int line = row - (int)w->log.count;
	const time_t then = (time_t)((e ? e->time_ms : w->log.line_ms[line]) / 1000);
	struct tm tm;

	switch (col) {
	case COL_TIME:
		localtime_r(&then, &tm);
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
		return text;
	case COL_LEVEL:
		return e ? event_level_name(e->level) : "stderr";
	case COL_RUN:
		return e ? e->run_name : "";
	case COL_WHAT:
		return e ? e->kind : "";
	default:
		return e ? e->message : w->log.line[line];
	}
}

static enum role role(void *data, int row, int col)
{
	const struct event_row *e = event_at(data, row);

	if (!e || e->level == EVENT_WARN)
		return col == COL_MESSAGE || col == COL_LEVEL ? ROLE_warn : ROLE_dim;
	if (e->level == EVENT_ERROR)
		return col == COL_MESSAGE || col == COL_LEVEL ? ROLE_error : ROLE_dim;
	return col == COL_MESSAGE ? ROLE_text : ROLE_dim;
}

static int total(const struct workbench *w)
{
	return (int)w->log.count + w->log.lines;
}

static void draw(struct workbench *w, struct rect r)
{
	struct log_state *s = &w->log;
	struct table t = {.column = columns,
			  .cols = COLS,
			  .rows = total(w),
			  .cell = cell,
			  .role = role,
			  .data = w,
			  .first = s->first,
			  .sort_col = -1,
			  .empty = "nothing has happened yet"};

	if (s->follow)
		s->selected = total(w) - 1;
	t.selected = s->selected < 0 ? 0 : s->selected;
	table_draw(&w->canvas, r, &w->theme, &t, true);
	s->first = t.first;
}

static void enter(struct workbench *w)
{
	w->log.stale = true;
	desk_events(w);
}

static void move(struct workbench *w, enum move m, int count)
{
	part_move(&w->log.selected, total(w), m, count, w->canvas.rows - 7);
	w->log.follow = w->log.selected == total(w) - 1;
}

static bool has(struct workbench *w, int row, const char *text)
{
	for (int k = COL_LEVEL; k < COLS; k++)
		if (part_has(cell(w, row, k), text))
			return true;
	return false;
}

static bool find(struct workbench *w, const char *text, int delta)
{
	const int at = total(w) ? part_find(w->log.selected, total(w), delta, has, w, text) : -1;

	if (at >= 0) {
		w->log.selected = at;
		w->log.follow = false;
	}
	return at >= 0;
}

static bool rows(struct workbench *w, struct output *o, struct err *err)
{
	static const char *const name[COLS] = {"time", "level", "run", "what", "message"};
	(void)err;

	output_columns(o, name, COLS);
	for (int r = 0; r < total(w); r++) {
		char when[64];

		snprintf(when, sizeof(when), "%s", cell(w, r, COL_TIME));
		output_row(o, (struct value[]){value_text(when), value_text(cell(w, r, COL_LEVEL)),
					       value_text(cell(w, r, COL_RUN)),
					       value_text(cell(w, r, COL_WHAT)),
					       value_text(cell(w, r, COL_MESSAGE))});
	}
	return true;
}

const struct view view_log = {.name = "Log",
			      .number = 6,
			      .keys = keys,
			      .hints = hints,
			      .draw = draw,
			      .enter = enter,
			      .move = move,
			      .find = find,
			      .rows = rows};

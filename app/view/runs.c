/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs: which was best? */
#include "app/tui/plot.h"
#include "app/tui/table.h"
#include "app/view/parts.h"
#include "store/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct binding keys[] = {
	{"m", "mark", "mark"},    {"o", "order", "order"},    {"r", "edit rename", "rename"},
	{"t", "edit tag", "tag"}, {"w", "edit note", "note"}, {"d", "edit delete", "delete"},
	{NULL, NULL, NULL},
};

static const struct binding *hints(const struct workbench *w)
{
	static const struct binding global[] = {
		{"Enter", NULL, "open"},
		{"/", NULL, "filter"},
		{"x", NULL, "export"},
		{NULL, NULL, NULL},
	};

	(void)w;
	return global;
}

enum {
	COL_NAME,
	COL_ID,
	COL_TASK,
	COL_CELL,
	COL_H,
	COL_L,
	COL_STEPS,
	COL_LOSS,
	COL_VALID,
	COL_ACCURACY,
	COL_PERPLEXITY,
	COL_WHEN,
	COL_STATE,
	COL_TAGS,
	COL_NOTE,
	COLS
};
enum { NAME_WHOLE = 22 }; /* names up to this width are not cut while other columns can go */

static const struct table_column columns[COLS] = {
	{"name", -1, 12, 28, 0},  {"id", -1, 8, 8, 12},        {"task", -1, 8, 11, 10},
	{"cell", -1, 8, 10, 5},   {"H", 1, 3, 5, 6},           {"L", 1, 1, 2, 11},
	{"steps", 1, 5, 8, 4},    {"loss", 1, 6, 6, 3},        {"val loss", 1, 6, 8, 2},
	{"accuracy", 1, 8, 8, 1}, {"perplexity", 1, 8, 10, 1}, {"when", -1, 11, 12, 7},
	{"state", -1, 8, 9, 2},   {"tags", -1, 4, 16, 9},      {"note", -1, 16, 40, 8},
};

/* The column each order of the store is shown by. */
static int sorted_column(const char *order)
{
	static const struct {
		const char *order;
		int col;
	} map[] = {{"created", COL_WHEN},      {"name", COL_NAME},   {"cell", COL_CELL},
		   {"task", COL_TASK},         {"layers", COL_L},    {"hidden", COL_H},
		   {"steps", COL_STEPS},       {"loss", COL_LOSS},   {"valid", COL_VALID},
		   {"accuracy", COL_ACCURACY}, {"status", COL_STATE}};

	for (size_t k = 0; k < sizeof(map) / sizeof(map[0]); k++)
		if (!strcmp(map[k].order, order))
			return map[k].col;
	return -1;
}

/* Hours for today, the date for other days. */
static void when_text(int64_t ms, char *out, size_t size)
{
	const time_t then = (time_t)(ms / 1000), today = time(NULL);
	struct tm a, b;

	localtime_r(&then, &a);
	localtime_r(&today, &b);
	strftime(out, size,
		 a.tm_year == b.tm_year && a.tm_yday == b.tm_yday ? "today %H:%M" : "%Y-%m-%d", &a);
}

static const char *number(double v, char *out)
{
	if (isnan(v))
		return "";
	snprintf(out, 32, "%.3f", v);
	return out;
}

static bool has_perplexity(const struct run_row *r)
{
	const int task = task_find(r->task);

	return task >= 0 && !task_table[task].accuracy;
}

/* The name, under the run that it comes from where the list is a tree. */
static const char *name_text(const struct workbench *w, int row)
{
	enum { DEEPEST = 6 };
	static char text[RUN_NAME_SIZE + 2 * DEEPEST + 8];
	const int depth = w->runs.depth ? w->runs.depth[row] : 0;

	if (!depth)
		return w->runs.row[row].name;
	snprintf(text, sizeof(text), "%*s%s%s", 2 * ((depth > DEEPEST ? DEEPEST : depth) - 1), "",
		 w->canvas.ascii ? "+ " : "└ ", w->runs.row[row].name);
	return text;
}

static bool is_tree(const struct runs_state *s)
{
	for (size_t k = 0; s->depth && k < s->count; k++)
		if (s->depth[k])
			return true;
	return false;
}

static const char *cell(void *data, int row, int col)
{
	static char text[64];
	const struct workbench *w = data;
	const struct run_row *r = &w->runs.row[row];

	switch (col) {
	case COL_NAME:
		return name_text(w, row);
	case COL_ID:
		return r->id;
	case COL_TASK:
		return r->task;
	case COL_CELL:
		return r->cell;
	case COL_L:
		snprintf(text, sizeof(text), "%d", r->layers);
		return text;
	case COL_H:
		snprintf(text, sizeof(text), "%d", r->hidden);
		return text;
	case COL_STEPS:
		snprintf(text, sizeof(text), "%lld", (long long)r->steps);
		return text;
	case COL_LOSS:
		return number(r->train_loss, text);
	case COL_VALID:
		return number(r->best_loss, text);
	case COL_ACCURACY:
		return number(r->best_accuracy, text);
	case COL_PERPLEXITY:
		return has_perplexity(r) && !isnan(r->best_loss) ? number(exp(r->best_loss), text)
								 : "";
	case COL_WHEN:
		when_text(r->created_ms, text, sizeof(text));
		return text;
	case COL_STATE:
		return run_status_name(r->status);
	case COL_TAGS:
		return r->tags;
	default:
		return r->note;
	}
}

static bool marked(void *data, int row)
{
	const struct workbench *w = data;

	for (int k = 0; k < w->runs.marks; k++)
		if (!strcmp(w->runs.mark[k].id, w->runs.row[row].id))
			return true;
	return false;
}

static enum role role(void *data, int row, int col)
{
	const struct workbench *w = data;
	const enum run_status s = w->runs.row[row].status;

	if (col == COL_STATE)
		return s == RUN_FINISHED                                          ? ROLE_good
		       : s == RUN_FAILED || s == RUN_DIVERGED || s == RUN_CRASHED ? ROLE_error
										  : ROLE_text;
	return col == COL_NAME || col == COL_ACCURACY || col == COL_PERPLEXITY ? ROLE_strong
	       : col == COL_ID || col == COL_NOTE || col == COL_WHEN           ? ROLE_dim
									       : ROLE_text;
}

/* Whether the first marked run with a curve has one of perplexity: one plot has one measure. */
static bool marked_perplexity(const struct runs_state *s)
{
	for (int k = 0; k < s->marks; k++)
		if (s->mark[k].curve && s->mark[k].curve->count)
			return s->mark[k].perplexity;
	return false;
}

static void draw_marked(struct workbench *w, struct rect r)
{
	const bool perplexity = marked_perplexity(&w->runs);
	struct plot_series series[8];
	struct plot p = {.title = perplexity ? "validation perplexity of marked runs"
					     : "validation accuracy of marked runs",
			 .x_label = "epoch",
			 .series = series,
			 .end_labels = true,
			 .empty = "no validation yet"};

	for (int k = 0; k < w->runs.marks; k++) {
		const struct marked *m = &w->runs.mark[k];
		const struct ramp *ramp = &w->theme.series;

		series[k] = (struct plot_series){.name = m->name,
						 .role = ROLE_valid,
						 .points = true,
						 .decimals = perplexity ? 2 : 3};
		if (ramp->count) {
			series[k].own = true;
			series[k].fg = ramp->at[k % ramp->count];
		}
		if (m->curve && m->perplexity == perplexity) {
			series[k].x = m->curve->epoch;
			series[k].y = m->curve->value;
			series[k].count = (int)m->curve->count;
		}
	}
	p.series_count = w->runs.marks;
	plot_draw(&w->canvas, r, &w->theme, &p, false);
}

static void draw(struct workbench *w, struct rect r)
{
	struct runs_state *s = &w->runs;
	const struct pane split[] = {{.min = 5, .weight = 1, .keep = 2},
				     {.min = 8, .weight = 1, .keep = 1}};
	struct table_column column[COLS];
	struct table t = {.column = column,
			  .cols = COLS,
			  .optional = 1u << COL_ACCURACY | 1u << COL_PERPLEXITY | 1u << COL_TAGS |
				      1u << COL_NOTE,
			  .rows = (int)s->count,
			  .cell = cell,
			  .marked = marked,
			  .role = role,
			  .data = w,
			  .selected = s->selected,
			  .first = s->first,
			  .sort_col = sorted_column(run_list_column(s->order)),
			  .descending = !s->ascending,
			  .empty = s->filter ? "no run matches; / changes the filter"
					     : "no runs yet: 1 Train, then space"};
	struct rect part[2] = {r, {0, 0, 0, 0}};
	char line[200];

	memcpy(column, columns, sizeof(columns));
	for (size_t k = 0; k < s->count; k++) { /* names often differ in their ends only */
		const int width = canvas_width(name_text(w, (int)k));

		if (width > column[COL_NAME].min)
			column[COL_NAME].min = width < NAME_WHOLE ? width : NAME_WHOLE;
	}
	if (s->marks)
		layout_rows(r, split, 2, part);
	snprintf(line, sizeof(line), "%zu run%s%s%s · ordered by %s%s", s->count,
		 s->count == 1 ? "" : "s", s->filter ? " with " : "", s->filter ? s->filter : "",
		 run_list_column(s->order), is_tree(s) ? ", under the run they come from" : "");
	canvas_field(&w->canvas, r, 0, 1, r.cols - 2, 1, part_look(w, ROLE_dim), line);
	part[0].row++;
	part[0].rows--;
	table_draw(&w->canvas, part[0], &w->theme, &t, true);
	s->first = t.first;
	if (part[1].rows)
		draw_marked(w, part[1]);
}

static void enter(struct workbench *w)
{
	w->runs.stale = true;
	desk_runs(w);
}

static void move(struct workbench *w, enum move m, int count)
{
	part_move(&w->runs.selected, (int)w->runs.count, m, count, w->canvas.rows - 8);
}

static void open_selected(struct workbench *w)
{
	const struct run_row *r =
		w->runs.selected < (int)w->runs.count ? &w->runs.row[w->runs.selected] : NULL;

	if (!r)
		return;
	if (w->session && !strcmp(r->id, w->live.id))
		desk_open_live(w);
	else
		desk_open(w, r->id);
}

static bool has(struct workbench *w, int row, const char *text)
{
	const struct run_row *r = &w->runs.row[row];

	return part_has(r->name, text) || part_has(r->id, text) || part_has(r->note, text) ||
	       part_has(r->tags, text);
}

static bool find(struct workbench *w, const char *text, int delta)
{
	const int at =
		w->runs.count ? part_find(w->runs.selected, (int)w->runs.count, delta, has, w, text)
			      : -1;

	if (at >= 0)
		w->runs.selected = at;
	return at >= 0;
}

static bool back(struct workbench *w)
{
	if (!w->runs.filter)
		return false;
	workbench_answer(w, ASK_FILTER, "");
	return true;
}

/* The curves of the marked runs. */
static struct figure *picture(const struct runs_state *s)
{
	const bool perplexity = marked_perplexity(s);
	struct figure *f;

	if (!s->marks)
		return NULL;
	f = figure_plot("epoch", perplexity ? "perplexity" : "accuracy",
			"validation %s of marked runs", perplexity ? "perplexity" : "accuracy");
	for (int k = 0; k < s->marks; k++) {
		const struct marked *m = &s->mark[k];
		const int series = figure_series(f, m->name, true);

		for (size_t j = 0; m->curve && m->perplexity == perplexity && j < m->curve->count;
		     j++)
			figure_point(f, series, m->curve->epoch[j], m->curve->value[j], NULL);
	}
	return f;
}

static bool rows(struct workbench *w, struct output *o, struct err *err)
{
	const char *name[COLS];
	struct value row[COLS];
	char text[COLS][64];
	(void)err;

	for (int k = 0; k < COLS; k++)
		name[k] = columns[k].title;
	output_columns(o, name, COLS);
	for (int r = 0; r < (int)w->runs.count; r++) {
		for (int k = 0; k < COLS; k++) {
			const char *s = k == COL_NAME ? w->runs.row[r].name : cell(w, r, k);

			if (k == COL_NAME || k == COL_NOTE || k == COL_TAGS) {
				row[k] = value_text(s);
				continue;
			}
			snprintf(text[k], sizeof(text[k]), "%s", s);
			row[k] = value_text(text[k]);
		}
		output_row(o, row);
	}
	output_figure(o, picture(&w->runs));
	return true;
}

const struct view view_runs = {.name = "Runs",
			       .number = 4,
			       .keys = keys,
			       .hints = hints,
			       .draw = draw,
			       .enter = enter,
			       .move = move,
			       .open = open_selected,
			       .find = find,
			       .back = back,
			       .rows = rows};

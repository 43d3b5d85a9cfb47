/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/map.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_MIN = 6, LABEL_MAX = 15, SAID = 8, SAID_LINES = 2 };

struct place {
	int step, position;
};

static bool writes(const struct workbench *w)
{
	return w->current.trace->run[w->gates.run].decoder;
}

static struct place chosen(const struct workbench *w)
{
	const struct trace *t = w->current.trace;
	const struct gates_state *g = &w->gates;
	const int count = writes(w) ? t->T : t->written;
	struct choice most = {0};
	int other = g->map ? g->across - 1 : -1;

	if (other >= count)
		other = count - 1;
	if (other < 0) {
		if (writes(w))
			trace_looks(t, g->t, &most, 1);
		else
			trace_looked_at(t, g->t, &most, 1);
		other = most.id;
	}
	return writes(w) ? (struct place){g->t, other} : (struct place){other, g->t};
}

bool map_is(const struct workbench *w)
{
	const struct trace *t = w->current.trace;

	return t && t->attention && t->T;
}

int map_rows(const struct workbench *w)
{
	return w->current.trace->written + 3; /* the frame, and the words that are read */
}

/* The words written, one a step: as they stand behind the mark that the decoder begins with. */
static const char *const *words(const struct workbench *w)
{
	return w->current.wrote + 1;
}

/* Columns for the words before the rows, with the mark of the cursor and a blank behind them. */
static int label_cols(const struct workbench *w, int cols)
{
	int widest = LABEL_MIN;

	for (int k = 0; k < w->current.trace->written; k++)
		if (canvas_width(words(w)[k]) + 3 > widest)
			widest = canvas_width(words(w)[k]) + 3;
	widest = widest > LABEL_MAX ? LABEL_MAX : widest;
	return widest > cols / 3 ? cols / 3 : widest;
}

/* A row's shares, rounded so that what is printed adds up to 1. */
static double *rounded_row(const struct trace *t, int step)
{
	double *row = mem_alloc(((size_t)t->T + 1) * sizeof(*row));

	memcpy(row, t->attention + (size_t)step * (size_t)t->T, (size_t)t->T * sizeof(*row));
	round_to_sum(row, t->T, 2);
	return row;
}

void map_draw(struct workbench *w, struct rect r)
{
	const struct trace *t = w->current.trace;
	const struct place at = chosen(w);
	const size_t T = (size_t)t->T, n = (size_t)t->written;
	struct heat_axis a = part_axis(&w->current, 0);
	double *turned = mem_alloc((T * n + 1) * sizeof(*turned)), *row = rounded_row(t, at.step);
	struct heat h = {.name = "a",
			 .title = "written ↓ looks at →",
			 .v = turned,
			 .H = t->written,
			 .limit = 1,
			 .cursor_t = at.position,
			 .cursor_u = at.step,
			 .first_u = w->gates.first_row,
			 .row = words(w),
			 .numbers = writes(w) ? HEAT_IN_ROW : HEAT_IN_COLUMN,
			 .printed = row,
			 .focused = w->gates.map && !w->gates.pane,
			 .role = ROLE_gate_h};

	for (size_t s = 0; s < T; s++)
		for (size_t k = 0; k < n; k++)
			turned[s * n + k] = t->attention[k * T + s];
	a.least = 5; /* so that there is a number in each */
	heat_axis_fit(&a, r.cols - 2, label_cols(w, r.cols - 2), at.position);
	heat_draw(&w->canvas, r, &w->theme, &a, &h);
	w->gates.first_row = h.first_u;
	heat_axis_release(&a);
	free(turned);
	free(row);
}

void map_move(struct workbench *w, enum move m, int count)
{
	const struct trace *t = w->current.trace;
	const bool sideways = m == MOVE_LEFT || m == MOVE_RIGHT;
	struct gates_state *g = &w->gates;
	struct place at = chosen(w);
	int other;

	if (m == MOVE_LEFT || m == MOVE_RIGHT)
		m = m == MOVE_LEFT ? MOVE_UP : MOVE_DOWN;
	if (sideways)
		part_move(&at.position, t->T, m, count, 1);
	else
		part_move(&at.step, t->written, m, count, 10);
	other = writes(w) ? at.position : at.step;
	g->t = writes(w) ? at.step : at.position;
	if (sideways == writes(w)) /* else the cell goes along the cursor */
		g->across = other + 1;
}

void map_turn(struct workbench *w, int run)
{
	const struct trace *t = w->current.trace;
	struct gates_state *g = &w->gates;

	if (map_is(w) && t->run[run].decoder != writes(w)) {
		const struct place at = chosen(w);

		g->across = g->across ? g->t + 1 : 0;
		g->t = writes(w) ? at.position : at.step;
	}
	g->reveal.shown = 0;
	g->run = run;
	if (g->t >= t->run[run].T) /* the decoder has steps of its own */
		g->t = t->run[run].T ? t->run[run].T - 1 : 0;
}

void map_export(const struct workbench *w, struct output *o)
{
	static const char *const column[] = {"step", "written", "t", "token", "share"};
	const struct trace *t = w->current.trace;
	struct value row[5];

	output_columns(o, column, 5);
	for (int at = 0; at < t->written * t->T; at++) {
		const int step = at / t->T, position = at % t->T;
		size_t n;
		const char *token = vocab_token(t->snapshot->encoder->target, t->writes[step], &n);

		row[0] = value_int(step + 1);
		row[1] = value_bytes(token, n);
		row[2] = value_int(position + 1);
		token = trace_token(t, 0, position, &n);
		row[3] = value_bytes(token, n);
		row[4] = value_f32((float)t->attention[at]);
		output_row(o, row);
	}
}

/* Words and their shares, in lines that end between two of them. */
static void list_shares(struct panel *s, const char *label, const struct choice *most, int count,
			const char *const *word)
{
	struct buf line = {0};
	int lines = 0;

	buf_text(&line, label);
	for (int k = 0; k < count; k++) {
		char *one = mem_printf("  %s %.2f", word[most[k].id], most[k].p);

		if (most[k].p < 0.005) {
			free(one);
			break;
		}
		if (canvas_width(buf_str(&line)) + canvas_width(one) > panel_room(s, 0)) {
			panel_line(s, ROLE_text, 0, buf_str(&line));
			buf_clear(&line);
			if (++lines == SAID_LINES) {
				free(one);
				break;
			}
		}
		buf_text(&line, one);
		free(one);
	}
	if (line.len)
		panel_line(s, ROLE_text, 0, buf_str(&line));
	buf_release(&line);
}

void map_says(struct panel *s, const struct trace *t)
{
	const struct workbench *w = s->w;
	struct choice most[SAID];
	double *row;
	int n;

	if (!map_is(w))
		return;
	if (!writes(w)) {
		n = trace_looked_at(t, w->gates.t, most, SAID);
		list_shares(s, "looked at by", most, n, words(w));
		return;
	}
	n = trace_looks(t, w->gates.t, most, SAID);
	row = rounded_row(t, w->gates.t);
	for (int k = 0; k < n; k++)
		most[k].p = row[most[k].id];
	list_shares(s, "looks at", most, n, w->current.token);
	free(row);
}

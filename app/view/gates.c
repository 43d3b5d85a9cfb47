/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gates: what did this word do to this unit? */
#include "app/answer/pictures.h"
#include "app/view/beside.h"
#include "app/view/kept.h"
#include "app/view/map.h"
#include "app/view/slider.h"

#include "app/reveal.h"
#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct binding keys[] = {
	{"z", "zoom", "zoom"},
	{"e", "set", "edit"},
	{"b", "break", "break"},
	{"u", "undo", "undo"},
	{".", "stepi", "line"},
	{",", "stepi -1", "line back"},
	{"Space", "play", "play"},
	{"D", "diff", "diff"},
	{"]", "layer next", "layer"},
	{"[", "layer previous", "layer before"},
	{"<", "checkpoint previous", "earlier weights"},
	{">", "checkpoint next", "later weights"},
	{"P", "padding", "padding"},
	{NULL, NULL, NULL},
};

static const struct binding *hints(const struct workbench *w)
{
	static const struct binding global[] = {
		{"Left", NULL, "word"},
		{"Up", NULL, "unit"},
		{"Tab", NULL, "gate"},
		{NULL, NULL, NULL},
	};

	(void)w;
	return global;
}

enum { SIDE_WIDE = 50, SIDE_COLS = 46, SIDE_MIN = 38, PANE_ROWS = 5 };
enum { TEXT_LEAST = 22 }; /* columns of the sentence's beginning */

static const struct trace_run *run_of(const struct workbench *w)
{
	return &w->current.trace->run[w->gates.run];
}

/* What the run reads at a step. */
static const char *token_of(const struct workbench *w, int step)
{
	return run_of(w)->decoder ? w->current.wrote[step] : w->current.token[step];
}

static void draw_gate(struct workbench *w, struct rect r, int signal)
{
	struct gates_state *g = &w->gates;
	const struct trace *t = w->current.trace;
	struct heat_axis a = part_axis(&w->current, g->run);
	struct heat h = {
		.name = run_of(w)->signal[signal].name,
		.title = run_of(w)->signal[signal].title,
		.v = run_of(w)->signal[signal].v,
		.H = t->H,
		.is_signed = run_of(w)->signal[signal].is_signed,
		.limit = trace_signal_limit(t, w->gates.run, signal),
		.cursor_t = g->t,
		.cursor_u = g->unit,
		.first_u = g->first_unit,
		.focused = signal == g->signal && !g->pane && !g->map,
		.covered = reveal_covers(w, run_of(w)->signal[signal].name),
		.role = part_signal_role(run_of(w)->signal[signal].name),
	};

	heat_axis_fit(&a, r.cols - 2, HEAT_LABEL_COLS, g->t);
	heat_draw(&w->canvas, r, &w->theme, &a, &h);
	heat_axis_release(&a);
}

/* --- the side panel: the equations of the chosen cell ------------------------------------------- */

/* What was noted of the unit. */
static void note_line(struct panel *s, const struct trace *t)
{
	const struct workbench *w = s->w;
	const struct trace_run *r = &t->run[w->gates.run];
	const char *note;
	char layer[NOTE_LAYER_SIZE], line[400], text[200];

	if (r->decoder || !w->open || strcmp(w->open->id, w->notes.id) != 0)
		return;
	snprintf(layer, sizeof(layer), "l%d.%s", r->layer, r->backward ? "bw" : "fw");
	note = unit_note_find(w->notes.at, w->notes.count, layer, w->gates.unit);
	if (!note)
		return;
	part_one_line(text, sizeof(text), note);
	snprintf(line, sizeof(line), "note: %s", text);
	panel_line(s, ROLE_dim, 0, line);
}

static void side_lines(struct panel *s, const struct trace *t)
{
	const bool edited = s->w->current.unedited;

	s->row = 0;
	note_line(s, t);
	panel_debug(s, t);
	if (edited) /* that is what one wants to see then */
		panel_says(s, t);
	if (edited && s->r.rows >= 22)
		s->row++;
	panel_sums(s, t);
	if (!edited && s->r.rows >= 22)
		s->row++;
	if (!edited)
		panel_says(s, t);
}

/* Lines of contributions: as many as leave the course some room, where there is more than enough. */
static int choose_parts(struct panel *s, const struct trace *t)
{
	enum { MOST = 4, COURSE = 12 };
	const int least = panel_part_rows(s), steps = trace_prob_steps(t);
	const int course = steps + 4 < COURSE ? steps + 4 : COURSE;

	for (s->part_rows = MOST; s->part_rows > 2; s->part_rows--) {
		side_lines(s, t);
		if (s->row + course <= s->r.rows)
			return s->part_rows;
	}
	side_lines(s, t);
	return s->row <= s->r.rows ? s->part_rows : least;
}

/* alone: without the maps beside it, and so with the focus. */
static void draw_side(struct workbench *w, struct rect r, bool alone)
{
	enum { ALL = 1 << 20 };
	const struct trace *t = w->current.trace;
	struct gates_state *g = &w->gates;
	struct panel s = {.w = w, .first = ALL};
	char title[200], text[120], prefix[24];

	snprintf(title, sizeof(title), "%s%sunit %d · t %d · “%s”", trace_name(t, g->run, prefix),
		 t->runs > 1 ? " " : "", g->unit, g->t + 1, token_of(w, g->t));
	s.r = (struct rect){r.row + 1, r.col + 1, r.rows - 2, r.cols - 2};
	s.part_rows = choose_parts(&s, t);
	side_lines(&s, t); /* counts them */
	g->side_hidden = s.row > s.r.rows ? s.row - s.r.rows : 0;
	g->pane = alone || (g->pane && g->side_hidden);
	part_frame(w, r, title, NULL, g->pane);
	if (g->side_first > g->side_hidden)
		g->side_first = g->side_hidden;
	s.first = g->side_first;
	side_lines(&s, t);
	if (!s.first && !reveal_covers_any(w))
		panel_course(&s, t);
	if (g->side_hidden) {
		if (s.first > 0 && s.first < g->side_hidden)
			snprintf(text, sizeof(text), " ↑ %d  ↓ %d more ", s.first,
				 g->side_hidden - s.first);
		else
			snprintf(text, sizeof(text), s.first ? " ↑ %d more " : " ↓ %d more ",
				 g->side_hidden);
		canvas_text(&w->canvas, r, r.rows - 1, 2, part_look(w, ROLE_dim), text);
	}
	if (s.row + 1 < s.r.rows && !w->current.unedited) {
		snprintf(text, sizeof(text), "double; float32 within %.0e", t->distance);
		canvas_field(&w->canvas, s.r, s.r.rows - 1, 1, s.r.cols - 2, -1,
			     part_look(w, ROLE_dim), text);
	}
}

/* --- the whole ---------------------------------------------------------------------------------- */

/* All maps show the same units: the chosen one is in view in the lowest of them. */
static void scroll_units(struct gates_state *g, int pane_rows)
{
	const int shown = pane_rows - 3 > 1 ? pane_rows - 3 : 1;

	if (g->unit < g->first_unit)
		g->first_unit = g->unit;
	if (g->unit >= g->first_unit + shown)
		g->first_unit = g->unit - shown + 1;
}

static int gate_cols(const struct workbench *w, struct rect r)
{
	return r.cols >= 64 || (r.cols >= 48 && r.rows / run_of(w)->signals < 7) ? 2 : 1;
}

/* What the memory may have below the gates: none gives way to it. */
static int kept_rows(const struct workbench *w, struct rect r)
{
	const int cols = gate_cols(w, r), lines = (run_of(w)->signals + cols - 1) / cols;
	const int spare = r.rows - lines * PANE_ROWS;

	return spare >= KEPT_ROWS + lines ? KEPT_ROWS
	       : spare >= KEPT_LEAST_ROWS ? KEPT_LEAST_ROWS
					  : 0;
}

static void draw_gates(struct workbench *w, struct rect r)
{
	const int count = run_of(w)->signals;
	const int cols = gate_cols(w, r);
	int lines = (count + cols - 1) / cols, first = 0;

	if (r.rows / lines < PANE_ROWS) { /* as many as fit, the chosen one among them */
		const int fit = r.rows / PANE_ROWS > 0 ? r.rows / PANE_ROWS : 1;

		first = w->gates.signal / cols;
		first = first > lines - fit ? lines - fit : first;
		lines = fit;
	}
	scroll_units(&w->gates, r.rows / lines);
	for (int line = 0; line < lines; line++)
		for (int col = 0; col < cols; col++) {
			const int k = (first + line) * cols + col;
			const int top = r.rows * line / lines, end = r.rows * (line + 1) / lines;
			const int left = r.cols * col / cols, right = r.cols * (col + 1) / cols;

			if (k < count)
				draw_gate(w,
					  (struct rect){r.row + top, r.col + left, end - top,
							right - left},
					  k);
		}
}

/* The gates, and below them what is looked at, which has at most nine twentieths: gates give way first, all
 * but the chosen one. Where only one pane has room it is the one with the focus. */
static void draw_maps(struct workbench *w, struct rect r)
{
	struct rect map = r, gates = r;
	int kept;

	map.rows = map_is(w) ? r.rows * 9 / 20 : 0;
	map.rows = map.rows > 0 && map_rows(w) < map.rows ? map_rows(w) : map.rows;
	map.rows = map.rows < MAP_LEAST_ROWS ? 0 : map.rows;
	if (w->gates.map && (w->gates.zoom || !map.rows)) {
		map_draw(w, r);
		return;
	}
	if (w->gates.zoom && beside_is(w)) {
		scroll_units(&w->gates, r.rows / 3);
		beside_draw(w, r);
		return;
	}
	if (w->gates.zoom) {
		gates.rows -= r.rows >= 3 * KEPT_ROWS ? KEPT_ROWS : 0;
		scroll_units(&w->gates, gates.rows);
		draw_gate(w, gates, w->gates.signal);
		if (gates.rows < r.rows)
			kept_draw(w, (struct rect){r.row + gates.rows, r.col, r.rows - gates.rows,
						   r.cols});
		return;
	}
	gates.rows -= map.rows;
	map.row += gates.rows;
	if (map.rows)
		map_draw(w, map);
	kept = kept_rows(w, gates);
	gates.rows -= kept;
	draw_gates(w, gates);
	gates.row += gates.rows;
	gates.rows = kept;
	if (kept)
		kept_draw(w, gates);
}

static void draw_nothing(struct workbench *w, struct rect r)
{
	const struct sentence *s = &w->current;
	const char *text = !w->open                   ? "open a run first: 4 Runs"
			   : !s->text                 ? "i asks for a sentence"
			   : s->trace && !s->trace->T ? "this text has no token"
						      : "…";

	canvas_field(&w->canvas, r, r.rows / 2, 0, r.cols, 0, part_look(w, ROLE_dim), text);
}

/* The text, and where in it the cursor is. */
static void draw_header(struct workbench *w, struct rect r)
{
	const struct trace *t = w->current.trace;
	const struct trace *first = w->current.unedited ? w->current.unedited : t;
	const int sets = w->debug.sets;
	const bool there = !strcmp(w->current.text, first->text);
	char line[900], edits[48] = "", slider[96];
	int width, room, spare;

	if (sets)
		snprintf(edits, sizeof(edits), "%s · %d edit%s · ",
			 w->current.pending ? "…" : "edited", sets, sets == 1 ? "" : "s");
	if (!there) /* what is drawn still belongs to the sentence before */
		snprintf(line, sizeof(line), "…");
	else
		snprintf(line, sizeof(line), "%s%d %s%s · t = %d", edits, run_of(w)->T,
			 run_of(w)->decoder ? "step" : "token", run_of(w)->T == 1 ? "" : "s",
			 w->gates.t + 1);
	width = canvas_width(line) + 1 > 22 ? canvas_width(line) + 1 : 22;
	canvas_field(&w->canvas, r, 0, r.cols - width - 1, width, 1,
		     part_look(w, sets ? ROLE_warn : ROLE_dim), line);
	part_one_line(line, sizeof(line), there && t->origin ? t->text : w->current.text);
	room = r.cols - width - 3;
	spare = room - 2 - canvas_width(line); /* an edited text comes first */
	slider_text(w, sets ? spare : room - TEXT_LEAST, spare, slider, sizeof(slider));
	if (*slider) {
		const int cols = canvas_width(slider);

		room -= cols + 2;
		canvas_field(&w->canvas, r, 0, room + 3, cols, -1, part_look(w, ROLE_dim), slider);
	}
	canvas_field(&w->canvas, r, 0, 1, room, -1, part_look(w, ROLE_strong), line);
}

static void draw(struct workbench *w, struct rect r)
{
	const struct trace *t = w->current.trace;
	struct gates_state *g = &w->gates;
	struct rect maps = r, side;

	if (!t || !t->T) {
		draw_nothing(w, r);
		return;
	}
	if (g->signal >= run_of(w)->signals)
		g->signal = 0;
	g->map = g->map && map_is(w);
	draw_header(w, r);
	maps.row++;
	maps.rows--;
	side = maps;
	if (r.cols >= 40 + SIDE_MIN) {
		side.cols = r.cols >= 116 ? SIDE_WIDE : r.cols >= 100 ? SIDE_COLS : SIDE_MIN;
		maps.cols -= side.cols;
		side.col += maps.cols;
		draw_side(w, side, false);
		draw_maps(w, maps);
	} else if (g->pane) { /* narrow: maps or equations, Tab past the last gate changes over */
		draw_side(w, side, true);
	} else {
		draw_maps(w, maps);
	}
}

static void move(struct workbench *w, enum move m, int count)
{
	const struct trace *t = w->current.trace;
	struct gates_state *g = &w->gates;

	if (!t || !t->T)
		return;
	if (g->map && !g->pane && m != MOVE_TOP && m != MOVE_BOTTOM) {
		map_move(w, m, count);
		return;
	}
	if (m != MOVE_PAGE_UP && m != MOVE_PAGE_DOWN)
		reveal_end(w);
	if (!g->map)
		g->across = 0;
	if (m == MOVE_LEFT || m == MOVE_RIGHT)
		part_move(&g->t, run_of(w)->T, m == MOVE_LEFT ? MOVE_UP : MOVE_DOWN, count, 1);
	else if (m == MOVE_TOP || m == MOVE_BOTTOM)
		part_move(&g->t, run_of(w)->T, m, count, 1);
	else if (g->pane && g->side_hidden && (m == MOVE_PAGE_UP || m == MOVE_PAGE_DOWN))
		part_move(&g->side_first, g->side_hidden + 1, m, count, 3);
	else
		part_move(&g->unit, t->H, m, count, 10);
}

/* Past the last gate come the map, if there is one, and the equations, where they are not all in sight. */
static void pane(struct workbench *w, int delta)
{
	struct gates_state *g = &w->gates;
	int gates, maps, all, place;

	if (!w->current.trace)
		return;
	gates = run_of(w)->signals;
	maps = gates + map_is(w);
	all = maps + (w->canvas.cols < 40 + SIDE_MIN || g->side_hidden);
	place = g->pane ? maps : g->map ? gates : g->signal;
	place = (place + delta + all) % all;
	g->pane = place == maps;
	if (!g->pane)
		g->map = place == gates && maps > gates;
	if (place < gates)
		g->signal = place;
}

static bool has_token(struct workbench *w, int row, const char *text)
{
	return part_has(token_of(w, row), text);
}

static bool find(struct workbench *w, const char *text, int delta)
{
	const struct trace *t = w->current.trace;
	const int at =
		t && t->T ? part_find(w->gates.t, run_of(w)->T, delta, has_token, w, text) : -1;

	if (at >= 0) {
		w->gates.t = at;
		reveal_end(w);
	}
	return at >= 0;
}

static bool back(struct workbench *w)
{
	struct gates_state *g = &w->gates;
	const bool inside = g->pane || g->zoom || g->map;

	if (!g->pane && !g->zoom)
		g->map = false;
	if (!g->pane)
		g->zoom = false;
	g->pane = false;
	return inside;
}

/* The map, where that has the focus; else the chosen run: a row for each step and unit, every gate in it. */
static bool rows(struct workbench *w, struct output *o, struct err *err)
{
	const char *column[5 + TRACE_SIGNALS] = {"layer", "direction", "t", "token", "unit"};
	const struct trace *t = w->current.trace;
	const struct trace_run *r;
	struct value row[5 + TRACE_SIGNALS];

	if (!t || !t->T)
		return err_set(err, ERR_USAGE, "there is no sentence to export");
	if (w->gates.map) {
		map_export(w, o);
		pictures_of_attention(o, t);
		return true;
	}
	r = run_of(w);
	for (int k = 0; k < r->signals; k++)
		column[5 + k] = r->signal[k].name;
	output_columns(o, column, 5 + r->signals);
	for (int at = 0; at < r->T * t->H; at++) {
		size_t n;
		const char *token = trace_token(t, w->gates.run, at / t->H, &n);

		row[0] = value_int(r->layer);
		row[1] = value_text(r->decoder ? "dec" : r->backward ? "bw" : "fw");
		row[2] = value_int(at / t->H + 1);
		row[3] = value_bytes(token, n);
		row[4] = value_int(at % t->H);
		for (int k = 0; k < r->signals; k++)
			row[5 + k] = value_f32((float)r->signal[k].v[at]);
		output_row(o, row);
	}
	pictures_of_run(o, t, w->gates.run, w->gates.zoom ? w->gates.signal : -1);
	return true;
}

const struct view view_gates = {.name = "Gates",
				.number = 2,
				.keys = keys,
				.hints = hints,
				.draw = draw,
				.move = move,
				.pane = pane,
				.find = find,
				.back = back,
				.rows = rows};

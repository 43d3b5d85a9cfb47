/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gates: what did this word do to this unit? */
#include "app/command/trace.h"
#include "app/view/parts.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct binding keys[] = {
	{"z", "zoom", "zoom"},
	{"]", "layer next", "layer"},
	{"[", "layer previous", "layer before"},
	{NULL, NULL, NULL},
};

enum { SIDE_COLS = 46, SIDE_MIN = 38, PANE_ROWS = 5 };

static const struct trace_run *run_of(const struct workbench *w)
{
	return &w->current.trace->run[w->gates.run];
}

static void draw_map(struct workbench *w, struct rect r, int signal)
{
	struct gates_state *g = &w->gates;
	const struct trace *t = w->current.trace;
	struct heat_axis a = part_axis(&w->current);
	struct heat h = {
		.name = run_of(w)->signal[signal].name,
		.title = run_of(w)->signal[signal].title,
		.v = run_of(w)->signal[signal].v,
		.H = t->H,
		.is_signed = run_of(w)->signal[signal].is_signed,
		.limit = trace_signal_limit(t, &run_of(w)->signal[signal]),
		.cursor_t = g->t,
		.cursor_u = g->unit,
		.first_u = g->first_unit,
		.focused = signal == g->signal,
		.role = part_signal_role(run_of(w)->signal[signal].name),
	};

	heat_axis_fit(&a, r.cols - 2, HEAT_LABEL_COLS, g->t);
	heat_draw(&w->canvas, r, &w->theme, &a, &h);
	heat_axis_release(&a);
}

/* --- the side panel: the equations of the chosen cell ------------------------------------------- */

struct side {
	struct workbench *w;
	struct rect r;
	int row;
};

static void side_line(struct side *s, enum role role, int indent, const char *text)
{
	if (s->row < s->r.rows)
		canvas_field(&s->w->canvas, s->r, s->row, 1 + indent, s->r.cols - 2 - indent, -1,
			     part_look(s->w, role), text);
	s->row++;
}

/* A label at the left, a number right-aligned in its column, and a remark behind it. */
static void side_number(struct side *s, const char *label, double v, const char *remark)
{
	char number[32];

	if (s->row < s->r.rows) {
		snprintf(number, sizeof(number), "%+.3f", v);
		canvas_text(&s->w->canvas, s->r, s->row, 1, part_look(s->w, ROLE_dim), label);
		canvas_text(&s->w->canvas, s->r, s->row, 22 - canvas_width(number),
			    part_look(s->w, ROLE_strong), number);
		if (remark)
			canvas_field(&s->w->canvas, s->r, s->row, 23, s->r.cols - 24, -1,
				     part_look(s->w, ROLE_dim), remark);
	}
	s->row++;
}

/* The largest contributions, as many as there is room for. */
static void name_parts(const struct side *s, char *out, size_t size, const struct sum_term *m)
{
	size_t n = 0;

	*out = '\0';
	for (int k = 0; k < m->count && *m->letter; k++) {
		char one[32];

		snprintf(one, sizeof(one), "%s%s[%d] %+.2f", k ? "  " : "", m->letter,
			 m->top[k].index, m->top[k].value);
		if ((int)(n + strlen(one)) > s->r.cols - 24)
			break;
		n += (size_t)snprintf(out + n, size - n, "%s", one);
	}
}

static const char *activation_name(enum activation act)
{
	return act == ACT_TANH ? "tanh" : act == ACT_SIGMOID ? "σ" : "";
}

/* z = W·x + U·h + b, rounded so that the printed numbers add up. */
static void side_gate(struct side *s, const struct gate *gate, const struct gate_sum *g)
{
	double v[EXPLAIN_TERMS + 1], z = 0;
	char label[32], text[80];

	for (int k = 0; k < g->terms; k++)
		v[k] = g->term[k].value;
	v[g->terms] = g->b;
	round_to_sum(v, g->terms + 1, 3);
	for (int k = 0; k < g->terms; k++) {
		if (k)
			snprintf(label, sizeof(label), "  + %s", g->term[k].label);
		else
			snprintf(label, sizeof(label), "z_%s = %s", gate->name, g->term[k].label);
		name_parts(s, text, sizeof(text), &g->term[k]);
		side_number(s, label, v[k], text);
		z += v[k];
	}
	side_number(s, "  + b", v[g->terms], NULL);
	z += v[g->terms];
	snprintf(label, sizeof(label), "  = z_%s", gate->name);
	side_number(s, label, z, NULL);
	snprintf(text, sizeof(text), "%s = %s(%+.3f) = %+.3f", gate->name,
		 activation_name(gate->act), z, g->value);
	side_line(s, ROLE_text, 0, text);
}

static void side_others(struct side *s, const struct trace *t, const struct unit_sum *u, int chosen)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	char text[80];

	for (int q = 0; q < t->gates; q++) {
		if (q == chosen)
			continue;
		snprintf(text, sizeof(text), "%s = %s(%+.3f) = %+.3f", cell->gate[q].name,
			 activation_name(cell->gate[q].act), u->gate[q].z, u->gate[q].value);
		side_line(s, ROLE_text, 0, text);
	}
}

/* The words of a product, "(1−f)·i·g", with every gate's letter replaced by its value. */
static void put_in(char *out, size_t size, const struct cell_ops *cell, const struct unit_sum *u,
		   const char *words)
{
	size_t n = 0;

	for (*out = '\0'; *words && n + 8 < size; words++) {
		char name[2] = {*words, '\0'};
		const int q = cell_gate(cell, name);

		n += (size_t)(q >= 0 ? snprintf(out + n, size - n, "%.3f", u->gate[q].value)
				     : snprintf(out + n, size - n, "%c", *words));
	}
}

static const char *subscript(int t, char out[32])
{
	char digits[12];

	snprintf(digits, sizeof(digits), "%d", t);
	*out = '\0';
	for (const char *d = digits; *d; d++) /* U+2080 to U+2089 */
		snprintf(out + strlen(out), 32 - strlen(out), "\xe2\x82%c", 0x80 + *d - '0');
	return out;
}

/* c = carry·c' + write and h = o·tanh c (or h alone, in a GRU), with the numbers put in. */
static void side_state(struct side *s, const struct trace *t, const struct unit_sum *u, int step)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const char state = cell->carries_h ? 'h' : 'c';
	double v[2] = {u->kept, u->write};
	char text[160], carry[64], write[64], before[32], now[32];

	round_to_sum(v, 2, 3);
	subscript(run_of(s->w)->backward ? step + 2 : step, before);
	subscript(step + 1, now);
	put_in(carry, sizeof(carry), cell, u, cell->carry_text);
	put_in(write, sizeof(write), cell, u, cell->write_text);
	snprintf(text, sizeof(text), "%c%s = %s·%c%s + %s", state, now, cell->carry_text, state,
		 before, cell->write_text);
	side_line(s, ROLE_strong, 0, text);
	snprintf(text, sizeof(text), "= %s·%.3f + %s", carry, u->old, write);
	side_line(s, ROLE_text, 3, text);
	snprintf(text, sizeof(text), "= %.3f %s %.3f = %+.3f", v[0], v[1] < 0 ? "−" : "+",
		 fabs(v[1]), v[0] + v[1]);
	side_line(s, ROLE_text, 3, text);
	if (cell->carries_h)
		return;
	snprintf(text, sizeof(text), cell->output == ACT_TANH ? "h%s = %stanh(c%s)" : "h%s = %sc%s",
		 now, cell->lacks == 'o' ? "" : "o·", now);
	side_line(s, ROLE_strong, 0, text);
	snprintf(text, sizeof(text), "= %.3f·%.3f = %+.3f", u->o,
		 cell->output == ACT_TANH ? tanh(u->state) : u->state, u->h);
	side_line(s, ROLE_text, 3, text);
}

static void side_classes(struct side *s, const struct trace *t, int step)
{
	const struct classes *c = &t->snapshot->encoder->classes;
	const int bar = s->r.cols - 26;
	char text[64];

	if (s->row < s->r.rows)
		side_line(s, ROLE_strong, 0, "if the text ended here");
	for (int k = 0; k < t->C && s->row < s->r.rows; k++) {
		const double p = t->prob[step * t->C + k],
			     before = step ? t->prob[(step - 1) * t->C + k] : NAN;
		const int full = (int)lround(p * bar);
		struct rect b = {s->r.row + s->row, s->r.col + 13, 1, full};

		canvas_field(&s->w->canvas, s->r, s->row, 1, 11, -1, part_look(s->w, ROLE_dim),
			     c->name[k]);
		if (full > 0)
			canvas_fill(&s->w->canvas, b, part_look(s->w, ROLE_train), 0x2588);
		snprintf(text, sizeof(text), isnan(before) ? "%.3f" : "%.3f %s", p,
			 p > before + 5e-4   ? "↑"
			 : p < before - 5e-4 ? "↓"
					     : " ");
		canvas_text(&s->w->canvas, s->r, s->row, 13 + bar + 1, part_look(s->w, ROLE_strong),
			    text);
		s->row++;
	}
}

static void draw_side(struct workbench *w, struct rect r)
{
	const struct trace *t = w->current.trace;
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	struct gates_state *g = &w->gates;
	const int chosen = run_of(w)->signal[g->signal].gate >= 0 ? run_of(w)->signal[g->signal].gate : 0;
	struct unit_sum u;
	char title[200], text[120], prefix[16];
	struct side s = {.w = w};

	trace_explain(t, g->run, g->t, g->unit, &u);
	snprintf(title, sizeof(title), "%s%sunit %d · t %d · “%s”", trace_prefix(t, g->run, prefix),
		 t->runs > 1 ? " " : "", g->unit, g->t + 1, w->current.token[g->t]);
	s.r = part_frame(w, r, title, NULL, false);
	if (w->current.unknown[g->t])
		side_line(&s, ROLE_warn, 0, "an unknown word: read as <unk>");
	side_gate(&s, &cell->gate[chosen], &u.gate[chosen]);
	if (s.r.rows >= 18)
		s.row++;
	side_others(&s, t, &u, chosen);
	if (s.r.rows >= 20)
		s.row++;
	side_state(&s, t, &u, g->t);
	if (s.r.rows >= 22)
		s.row++;
	side_classes(&s, t, g->t);
	if (s.row + 1 < s.r.rows) {
		snprintf(text, sizeof(text), "double; float32 differs by %.0e at most",
			 t->distance);
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

static void draw_maps(struct workbench *w, struct rect r)
{
	const int count = run_of(w)->signals;
	const int cols = r.cols >= 64 || (r.cols >= 48 && r.rows / count < 7) ? 2 : 1;
	int lines = (count + cols - 1) / cols, first = 0;

	if (w->gates.zoom) {
		scroll_units(&w->gates, r.rows);
		draw_map(w, r, w->gates.signal);
		return;
	}
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
				draw_map(w,
					 (struct rect){r.row + top, r.col + left, end - top,
						       right - left},
					 k);
		}
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

static void draw(struct workbench *w, struct rect r)
{
	const struct trace *t = w->current.trace;
	struct gates_state *g = &w->gates;
	struct rect maps = r, side = r;
	char line[900];

	if (!t || !t->T) {
		draw_nothing(w, r);
		return;
	}
	if (g->signal >= run_of(w)->signals)
		g->signal = 0;
	snprintf(line, sizeof(line), "%s", w->current.text);
	canvas_field(&w->canvas, r, 0, 1, r.cols - 24, -1, part_look(w, ROLE_strong), line);
	if (strcmp(w->current.text,
		   t->text)) /* what is drawn still belongs to the sentence before */
		snprintf(line, sizeof(line), "…");
	else
		snprintf(line, sizeof(line), "%d %s · t = %d", t->T, t->T == 1 ? "token" : "tokens",
			 g->t + 1);
	canvas_field(&w->canvas, r, 0, r.cols - 23, 22, 1, part_look(w, ROLE_dim), line);
	maps.row++;
	maps.rows--;
	side = maps;
	if (r.cols >= 40 + SIDE_MIN) {
		side.cols = r.cols >= 100 ? SIDE_COLS : SIDE_MIN;
		maps.cols -= side.cols;
		side.col += maps.cols;
		draw_maps(w, maps);
		draw_side(w, side);
	} else if (g->pane) { /* narrow: maps or equations, Tab past the last gate changes over */
		draw_side(w, side);
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
	if (m == MOVE_LEFT || m == MOVE_RIGHT)
		part_move(&g->t, t->T, m == MOVE_LEFT ? MOVE_UP : MOVE_DOWN, count, 1);
	else if (m == MOVE_TOP || m == MOVE_BOTTOM)
		part_move(&g->t, t->T, m, count, 1);
	else
		part_move(&g->unit, t->H, m, count, 10);
}

static void pane(struct workbench *w, int delta)
{
	const struct trace *t = w->current.trace;
	int place = w->gates.signal, count;

	if (!t)
		return;
	count = run_of(w)->signals;
	if (w->canvas.cols < 40 + SIDE_MIN &&
	    (w->gates.pane || place + delta == count || place + delta < 0)) {
		w->gates.pane = !w->gates.pane;
		if (w->gates.pane)
			return;
	}
	w->gates.signal = (place + delta + count) % count;
}

static bool has_token(struct workbench *w, int row, const char *text)
{
	return part_has(w->current.token[row], text);
}

static bool find(struct workbench *w, const char *text, int delta)
{
	const struct trace *t = w->current.trace;
	const int at = t && t->T ? part_find(w->gates.t, t->T, delta, has_token, w, text) : -1;

	if (at >= 0)
		w->gates.t = at;
	return at >= 0;
}

static bool back(struct workbench *w)
{
	if (!w->gates.zoom)
		return false;
	w->gates.zoom = false;
	return true;
}

static bool rows(struct workbench *w, struct output *o, struct err *err)
{
	const struct trace *t = w->current.trace;

	if (!t || !t->T)
		return err_set(err, ERR_USAGE, "there is no sentence to export");
	trace_rows(o, t);
	return true;
}

const struct view view_gates = {.name = "Gates",
				.number = 2,
				.keys = keys,
				.draw = draw,
				.move = move,
				.pane = pane,
				.find = find,
				.back = back,
				.rows = rows};

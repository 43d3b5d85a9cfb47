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
		.limit = trace_signal_limit(t, w->gates.run, signal),
		.cursor_t = g->t,
		.cursor_u = g->unit,
		.first_u = g->first_unit,
		.focused = signal == g->signal && !g->pane,
		.role = part_signal_role(run_of(w)->signal[signal].name),
	};

	heat_axis_fit(&a, r.cols - 2, HEAT_LABEL_COLS, g->t);
	heat_draw(&w->canvas, r, &w->theme, &a, &h);
	heat_axis_release(&a);
}

/* --- the side panel: the equations of the chosen cell ------------------------------------------- */

struct panel {
	struct workbench *w;
	struct rect r;
	int row, first; /* lines so far; how many of them are scrolled away */
};

/* The row of the next line, or -1 where it is out of sight. */
static int side_row(struct panel *s)
{
	const int row = s->row++ - s->first;

	return row >= 0 && row < s->r.rows ? row : -1;
}

/* In ASCII a product needs a sign of its own: a point would be one of the number's. */
static const char *products(const struct panel *s, const char *text, char out[300])
{
	size_t n = 0;

	if (!s->w->canvas.ascii)
		return text;
	for (; *text && n + 1 < 300; text++)
		if (!strncmp(text, "·", 2)) {
			out[n++] = '*';
			text++;
		} else {
			out[n++] = *text;
		}
	out[n] = '\0';
	return out;
}

static void side_line(struct panel *s, enum role role, int indent, const char *text)
{
	const int row = side_row(s);
	char plain[300];

	if (row >= 0)
		canvas_field(&s->w->canvas, s->r, row, 1 + indent, s->r.cols - 2 - indent, -1,
			     part_look(s->w, role), products(s, text, plain));
}

static int panel_room(const struct panel *s, int indent)
{
	return s->r.cols - 2 - indent;
}

/* Three decimals with the minus of the formulas, and a plus where it is asked for. */
static const char *figure(char out[32], double v, bool plus)
{
	const bool minus = v < -5e-4;

	snprintf(out, 32, "%s%.3f", minus ? "−" : plus ? "+" : "", fabs(v));
	return out;
}

/* A factor: a negative one in parentheses, unless it is what the line begins with. */
static const char *factor(char out[32], double v, bool leads)
{
	char number[32];

	snprintf(out, 32, v < -5e-4 && !leads ? "(%.28s)" : "%.30s", figure(number, v, false));
	return out;
}

/* A label at the left, a number right-aligned in its column, and a remark behind it. */
static void side_number(struct panel *s, const char *label, double v, const char *remark)
{
	const int row = side_row(s);
	char number[32], plain[300];

	if (row < 0)
		return;
	figure(number, v, true);
	canvas_text(&s->w->canvas, s->r, row, 1, part_look(s->w, ROLE_dim),
		    products(s, label, plain));
	canvas_text(&s->w->canvas, s->r, row, 19 - canvas_width(number),
		    part_look(s->w, ROLE_strong), number);
	if (remark)
		canvas_field(&s->w->canvas, s->r, row, 20, s->r.cols - 21, -1,
			     part_look(s->w, ROLE_dim), remark);
}

/* The largest contributions, as many as there is room for. */
static void name_parts(const struct panel *s, char *out, size_t size, const struct sum_term *m)
{
	size_t n = 0;

	*out = '\0';
	for (int k = 0; k < m->count && *m->letter; k++) {
		char one[32];

		const double v = m->top[k].value;

		snprintf(one, sizeof(one), "%s%s[%d] %s%.2f", k ? "  " : "", m->letter,
			 m->top[k].index, v < -5e-3 ? "−" : "+", fabs(v));
		if (canvas_width(out) + canvas_width(one) > s->r.cols - 21)
			break;
		n += (size_t)snprintf(out + n, size - n, "%s", one);
	}
}

static const char *activation_name(enum activation act)
{
	return act == ACT_TANH ? "tanh" : act == ACT_SIGMOID ? "σ" : "";
}

/* i = σ(−0.581) = +0.359 */
static void side_value(struct panel *s, const struct gate *gate, double z, double value)
{
	char text[120], inside[32], outside[32];

	snprintf(text, sizeof(text), "%s = %s(%s) = %s", gate->name, activation_name(gate->act),
		 figure(inside, z, true), figure(outside, value, true));
	side_line(s, ROLE_text, 0, text);
}

/* z = W·x + U·h + b, rounded so that the printed numbers add up. */
static void side_gate(struct panel *s, const struct gate *gate, const struct gate_sum *g)
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
	side_value(s, gate, z, g->value);
}

static void side_others(struct panel *s, const struct trace *t, const struct unit_sum *u,
			int chosen)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;

	for (int q = 0; q < t->gates; q++) {
		if (q == chosen)
			continue;
		side_value(s, &cell->gate[q], u->gate[q].z, u->gate[q].value);
	}
}

/* The words of a product, "(1−f)·i·g", with every gate's letter replaced by its value. */
static void put_in(char *out, size_t size, const struct cell_ops *cell, const struct unit_sum *u,
		   const char *words, bool leads)
{
	size_t n = 0;

	for (*out = '\0'; *words && n + 32 < size; words++) {
		char name[2] = {*words, '\0'}, number[32];
		const int q = cell_gate(cell, name);

		n += (size_t)snprintf(out + n, size - n, "%s",
				      q >= 0 ? factor(number, u->gate[q].value, leads && !n)
					     : name);
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
static void side_state(struct panel *s, const struct trace *t, const struct unit_sum *u, int step)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const char state = cell->carries_h ? 'h' : 'c';
	double v[2] = {u->kept, u->write};
	char text[300], carry[96], write[96], before[32], now[32], one[32], two[32];

	round_to_sum(v, 2, 3);
	subscript(run_of(s->w)->backward ? step + 2 : step, before);
	subscript(step + 1, now);
	put_in(carry, sizeof(carry), cell, u, cell->carry_text, true);
	put_in(write, sizeof(write), cell, u, cell->write_text, false);
	snprintf(text, sizeof(text), "%c%s = %s·%c%s + %s", state, now, cell->carry_text, state,
		 before, cell->write_text);
	side_line(s, ROLE_strong, 0, text);
	factor(one, u->old, false);
	snprintf(text, sizeof(text), "= %s·%s + %s", carry, one, write);
	if (canvas_width(text) > panel_room(s, 1)) { /* two lines */
		snprintf(text, sizeof(text), "= %s·%s", carry, one);
		side_line(s, ROLE_text, 1, text);
		snprintf(text, sizeof(text), "  + %s", write);
	}
	side_line(s, ROLE_text, 1, text);
	snprintf(text, sizeof(text), "= %s %s %.3f = %s", figure(one, v[0], false),
		 v[1] < 0 ? "−" : "+", fabs(v[1]), figure(two, v[0] + v[1], true));
	side_line(s, ROLE_text, 1, text);
	if (cell->carries_h)
		return;
	snprintf(text, sizeof(text), cell->output == ACT_TANH ? "h%s = %stanh(c%s)" : "h%s = %sc%s",
		 now, cell->lacks == 'o' ? "" : "o·", now);
	side_line(s, ROLE_strong, 0, text);
	figure(two, u->h, true);
	snprintf(text, sizeof(text), "= %.3f·%s = %s", u->o,
		 factor(one, cell->output == ACT_TANH ? tanh(u->state) : u->state, false), two);
	side_line(s, ROLE_text, 1, text);
}

static void side_classes(struct panel *s, const struct trace *t, int step)
{
	const struct classes *c = &t->snapshot->encoder->classes;
	const int bar = s->r.cols - 26;
	char text[64];

	side_line(s, ROLE_strong, 0, "if the text ended here");
	for (int k = 0; k < t->C; k++) {
		const int row = side_row(s);
		const double p = t->prob[step * t->C + k],
			     before = step ? t->prob[(step - 1) * t->C + k] : NAN;
		const int full = (int)lround(p * bar);
		struct rect b = {s->r.row + row, s->r.col + 13, 1, full};

		if (row < 0)
			continue;
		canvas_field(&s->w->canvas, s->r, row, 1, 11, -1, part_look(s->w, ROLE_dim),
			     c->name[k]);
		if (full > 0)
			canvas_fill(&s->w->canvas, b, part_look(s->w, ROLE_train), 0x2588);
		snprintf(text, sizeof(text), isnan(before) ? "%.3f" : "%.3f %s", p,
			 p > before + 5e-4   ? "↑"
			 : p < before - 5e-4 ? "↓"
					     : " ");
		canvas_text(&s->w->canvas, s->r, row, 13 + bar + 1, part_look(s->w, ROLE_strong),
			    text);
	}
}

static int likeliest(const struct trace *t)
{
	const double *last = t->prob + (size_t)(t->T - 1) * (size_t)t->C;
	int best = 0;

	for (int k = 1; k < t->C; k++)
		best = last[k] > last[best] ? k : best;
	return best;
}

/* In what is left of the panel: how the class that wins in the end fares from word to word. */
static void side_course(struct panel *s, const struct trace *t)
{
	const int room = s->r.rows - s->row - 4, bar = s->r.cols - 26, now = s->w->gates.t;
	const int shown = t->T < room ? t->T : room, best = likeliest(t);
	int first = now - shown / 2;
	char text[64];

	if (room < 3 || s->first)
		return;
	first = first > t->T - shown ? t->T - shown : first < 0 ? 0 : first;
	s->row++;
	snprintf(text, sizeof(text), "p(%.20s) after each word",
		 t->snapshot->encoder->classes.name[best]);
	side_line(s, ROLE_strong, 0, text);
	for (int k = first; k < first + shown; k++) {
		const double p = t->prob[k * t->C + best];
		const int row = side_row(s), full = (int)lround(p * bar);
		const struct style word = part_look(s->w, k == now ? ROLE_strong : ROLE_dim);
		struct rect b = {s->r.row + row, s->r.col + 13, 1, full};

		if (k == now)
			canvas_text(&s->w->canvas, s->r, row, 0, part_look(s->w, ROLE_focus), "▸");
		canvas_field(&s->w->canvas, s->r, row, 1, 11, -1, word, s->w->current.token[k]);
		if (full > 0)
			canvas_fill(&s->w->canvas, b, part_look(s->w, ROLE_train), 0x2588);
		snprintf(text, sizeof(text), "%.3f", p);
		canvas_text(&s->w->canvas, s->r, row, 13 + bar + 1, word, text);
	}
}

static void side_lines(struct panel *s, const struct trace *t)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const struct gates_state *g = &s->w->gates;
	const struct trace_signal *signal = &run_of(s->w)->signal[g->signal];
	const int chosen = signal->gate >= 0 ? signal->gate : 0;
	struct unit_sum u;

	s->row = 0;
	trace_explain(t, g->run, g->t, g->unit, &u);
	if (s->w->current.unknown[g->t])
		side_line(s, ROLE_warn, 0, "an unknown word: read as <unk>");
	side_gate(s, &cell->gate[chosen], &u.gate[chosen]);
	if (s->r.rows >= 18)
		s->row++;
	side_others(s, t, &u, chosen);
	if (s->r.rows >= 20)
		s->row++;
	side_state(s, t, &u, g->t);
	if (s->r.rows >= 22)
		s->row++;
	side_classes(s, t, g->t);
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
		 t->runs > 1 ? " " : "", g->unit, g->t + 1, w->current.token[g->t]);
	s.r = (struct rect){r.row + 1, r.col + 1, r.rows - 2, r.cols - 2};
	side_lines(&s, t); /* counts them */
	g->side_hidden = s.row > s.r.rows ? s.row - s.r.rows : 0;
	g->pane = alone || (g->pane && g->side_hidden);
	part_frame(w, r, title, NULL, g->pane);
	if (g->side_first > g->side_hidden)
		g->side_first = g->side_hidden;
	s.first = g->side_first;
	side_lines(&s, t);
	side_course(&s, t);
	if (g->side_hidden) {
		if (s.first > 0 && s.first < g->side_hidden)
			snprintf(text, sizeof(text), " ↑ %d  ↓ %d more ", s.first,
				 g->side_hidden - s.first);
		else
			snprintf(text, sizeof(text), s.first ? " ↑ %d more " : " ↓ %d more ",
				 g->side_hidden);
		canvas_text(&w->canvas, r, r.rows - 1, 2, part_look(w, ROLE_dim), text);
	}
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
	struct rect maps = r, side;
	char line[900];

	if (!t || !t->T) {
		draw_nothing(w, r);
		return;
	}
	if (g->signal >= run_of(w)->signals)
		g->signal = 0;
	snprintf(line, sizeof(line), "%s", w->current.text);
	canvas_field(&w->canvas, r, 0, 1, r.cols - 24, -1, part_look(w, ROLE_strong), line);
	if (strcmp(w->current.text, t->text) !=
	    0) /* what is drawn still belongs to the sentence before */
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
	if (m == MOVE_LEFT || m == MOVE_RIGHT)
		part_move(&g->t, t->T, m == MOVE_LEFT ? MOVE_UP : MOVE_DOWN, count, 1);
	else if (m == MOVE_TOP || m == MOVE_BOTTOM)
		part_move(&g->t, t->T, m, count, 1);
	else if (g->pane && g->side_hidden && (m == MOVE_PAGE_UP || m == MOVE_PAGE_DOWN))
		part_move(&g->side_first, g->side_hidden + 1, m, count, 3);
	else
		part_move(&g->unit, t->H, m, count, 10);
}

/* Past the last gate come the equations, where they are not all in sight. */
static void pane(struct workbench *w, int delta)
{
	const struct trace *t = w->current.trace;
	int place = w->gates.signal, count;

	if (!t)
		return;
	count = run_of(w)->signals;
	if ((w->canvas.cols < 40 + SIDE_MIN || w->gates.side_hidden) &&
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
	const bool inside = w->gates.pane || w->gates.zoom;

	if (!w->gates.pane)
		w->gates.zoom = false;
	w->gates.pane = false;
	return inside;
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
				.hints = hints,
				.draw = draw,
				.move = move,
				.pane = pane,
				.find = find,
				.back = back,
				.rows = rows};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The equations of one unit at one step, with the numbers put in. */
#include "app/view/panel.h"

#include "app/reveal.h"
#include "engine/inspect/equations.h"

#include <math.h>
#include <string.h>

/* SLOT: columns of a contribution, its name and its number; ROOMY: rows from which there are blank lines. */
enum { SLOT = 14, ROOMY = 18 };

/* --- what a gate is added up from ------------------------------------------------------------------ */

static int slots(const struct panel *s)
{
	const int n = (s->r.cols - 1 - PANEL_NUMBER) / SLOT;

	return n > 0 ? n : 1;
}

static void part_at(struct panel *s, int row, int slot, const char *name, double v)
{
	const int col = PANEL_NUMBER + 1 + slot * SLOT;

	canvas_text(&s->w->canvas, s->r, row, col, part_look(s->w, ROLE_dim), name);
	panel_figure_at(s, row, col + SLOT - 1, ROLE_text, v);
}

/* A term; right of it its largest contributions and the rest, which make it up. */
static void side_term(struct panel *s, const char *label, const struct equation_term *m)
{
	const int parts = m->parts + (m->others > 0), across = slots(s);
	int row = panel_number(s, label, m->value);

	for (int k = 0; k < parts; k++) {
		if (k && k % across == 0)
			row = panel_row(s);
		if (row < 0)
			continue;
		if (k < m->parts)
			part_at(s, row, k % across, m->part[k].name, m->part[k].value);
		else
			part_at(s, row, k % across, "rest", m->rest);
	}
}

static void side_sum(struct panel *s, const struct equation *l)
{
	char label[64];

	for (int k = 0; k < l->terms; k++) {
		if (k) /* r·(U·h+b) takes all the room there is */
			snprintf(label, sizeof(label), "%s+ %s",
				 canvas_width(l->term[k].label) > 7 ? "" : "  ", l->term[k].label);
		else
			snprintf(label, sizeof(label), "%s = %s", l->left, l->term[k].label);
		side_term(s, label, &l->term[k]);
	}
	snprintf(label, sizeof(label), "  = %s", l->left);
	panel_number(s, label, l->value);
}

/* i = σ(−0.581) = +0.359, unless it was set by hand. */
static void side_gate(struct panel *s, const struct equations *e, const struct equation *l,
		      bool covered)
{
	const enum activation act = e->cell->gate[l->gate].act;
	char text[240], inside[32], outside[32];

	panel_figure(inside, l->term[0].value, true);
	panel_figure(outside, l->value, true);
	if (covered)
		snprintf(outside, sizeof(outside), "?");
	if (l->set && !covered)
		snprintf(text, sizeof(text), "%s is set to %s", l->left, outside);
	else if (act == ACT_IDENTITY)
		snprintf(text, sizeof(text), "%s = %s = %s", l->left, l->right, outside);
	else
		snprintf(text, sizeof(text), "%s = %s(%s) = %s", l->left,
			 act == ACT_TANH ? "tanh" : "σ", inside, outside);
	panel_line(s, covered ? ROLE_strong : l->set ? ROLE_warn : ROLE_text, 0, text);
}

static void side_without(struct panel *s, const struct equations *e, const struct equation *l)
{
	static const char *const name[] = {"input", "forget", "output"};
	char text[240], number[32];

	if (e->cell->coupled)
		snprintf(text, sizeof(text), "%s = %s = %s (coupled to i)", l->left, l->right,
			 panel_figure(number, l->value, true));
	else
		snprintf(text, sizeof(text), "%s = %s (no %s gate)", l->left, l->right,
			 name[*l->left == 'i'   ? 0
			      : *l->left == 'f' ? 1
						: 2]);
	panel_line(s, ROLE_text, 0, text);
}

/* --- the state ------------------------------------------------------------------------------------- */

/* A factor: a negative one in parentheses, unless it is what the line begins with. */
static const char *factor(char out[32], double v, bool leads)
{
	char number[32];

	snprintf(out, 32, v < -5e-4 && !leads ? "(%.28s)" : "%.30s",
		 panel_figure(number, v, false));
	return out;
}

/* "(1−f)·i·g" with the numbers put in: "(1−0.762)·0.532·0.004". */
static void put_in(char *out, size_t size, const struct equation_term *m, bool leads)
{
	static const char less[] = "(1−";
	char number[32];
	size_t n = 0;

	*out = '\0';
	for (int k = 0; k < m->parts && n + 40 < size; k++) {
		const struct equation_part *p = &m->part[k];

		if (!strncmp(p->name, less, strlen(less)))
			n += (size_t)snprintf(out + n, size - n, "%s%s%s)", k ? "·" : "", less,
					      factor(number, 1 - p->value, false));
		else if (!strcmp(p->name, "1"))
			n += (size_t)snprintf(out + n, size - n, "1");
		else
			n += (size_t)snprintf(out + n, size - n, "%s%s", k ? "·" : "",
					      factor(number, p->value, leads && !k));
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

/* Subscripts of the step, and of the one that the layer read before it. */
static void subscripts(const struct panel *s, const struct trace *t, char now[32], char before[32])
{
	const int step = s->w->gates.t;

	subscript(step + 1, now);
	subscript(t->run[s->w->gates.run].backward ? step + 2 : step, before);
}

/* "c₄ = f·c₃ + i·g" */
static void state_words(const struct panel *s, const struct trace *t, const struct equation *l,
			char *out, size_t size)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	char before[32], now[32];

	subscripts(s, t, now, before);
	snprintf(out, size, "%s%s = %s·%s%s + %s", l->left, now, cell->carry_text, l->left, before,
		 cell->write_text);
}

/* What stands in a state's place by hand, whatever the equations say. */
static void side_set(struct panel *s, const char *state, const char *now, double value)
{
	char text[80], number[32];

	snprintf(text, sizeof(text), "%s%s is set to %s", state, now,
		 panel_figure(number, value, true));
	panel_line(s, ROLE_warn, 0, text);
}

/* c = carry·c' + write (of a GRU h), with the numbers put in. */
static void side_state(struct panel *s, const struct trace *t, const struct equation *l)
{
	char text[300], kept[120], write[120], before[32], now[32], one[32], two[32];
	const double w = l->term[1].value;

	subscripts(s, t, now, before);
	state_words(s, t, l, text, sizeof(text));
	panel_line(s, ROLE_strong, 0, text);
	put_in(kept, sizeof(kept), &l->term[0], true);
	put_in(write, sizeof(write), &l->term[1], false);
	snprintf(text, sizeof(text), "= %s + %s", kept, write);
	if (canvas_width(text) > panel_room(s, 1)) { /* two lines */
		snprintf(text, sizeof(text), "= %s", kept);
		panel_line(s, ROLE_text, 1, text);
		snprintf(text, sizeof(text), "  + %s", write);
	}
	panel_line(s, ROLE_text, 1, text);
	snprintf(text, sizeof(text), "= %s %s %.3f = %s",
		 panel_figure(one, l->term[0].value, false), w < 0 ? "−" : "+", fabs(w),
		 panel_figure(two, l->comes_to, true));
	panel_line(s, ROLE_text, 1, text);
	if (l->set)
		side_set(s, l->left, now, l->value);
}

/* "h₄ = o·tanh(c₄)" */
static void output_words(const struct panel *s, const struct trace *t, char *out, size_t size)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	char before[32], now[32];

	subscripts(s, t, now, before);
	snprintf(out, size, cell->output == ACT_TANH ? "h%s = %stanh(c%s)" : "h%s = %sc%s", now,
		 cell->lacks == 'o' ? "" : "o·", now);
}

/* In one line where there are few: h₄ = 0.513·tanh(−0.063) = −0.032. */
static void output_short(struct panel *s, const struct equations *e, const struct equation *l,
			 const char *now)
{
	char text[160], o[32] = "", c[32], h[32];

	if (e->cell->lacks != 'o')
		snprintf(o, sizeof(o), "%.3f·", l->term[0].part[0].value);
	if (e->cell->output == ACT_TANH)
		snprintf(text, sizeof(text), "h%s = %stanh(%s) = %s", now, o,
			 panel_figure(c, e->state, false), panel_figure(h, l->comes_to, true));
	else
		snprintf(text, sizeof(text), "h%s = %s%s = %s", now, o, factor(c, e->state, !*o),
			 panel_figure(h, l->comes_to, true));
	panel_line(s, ROLE_text, 0, text);
}

static void output_long(struct panel *s, const struct trace *t, const struct equation *l)
{
	char text[160], numbers[80], h[32];

	output_words(s, t, text, sizeof(text));
	panel_line(s, ROLE_strong, 0, text);
	put_in(numbers, sizeof(numbers), &l->term[0], true);
	panel_figure(h, l->comes_to, true);
	if (l->term[0].parts > 1)
		snprintf(text, sizeof(text), "= %s = %s", numbers, h);
	else
		snprintf(text, sizeof(text), "= %s", h);
	panel_line(s, ROLE_text, 1, text);
}

static void side_output(struct panel *s, const struct trace *t, const struct equations *e,
			const struct equation *l)
{
	char before[32], now[32];

	subscripts(s, t, now, before);
	if (s->r.rows < ROOMY)
		output_short(s, e, l, now);
	else
		output_long(s, t, l);
	if (l->set)
		side_set(s, l->left, now, l->value);
}

/* --- all of them ----------------------------------------------------------------------------------- */

static void side_line(struct panel *s, const struct trace *t, const struct equations *e,
		      const struct equation *l)
{
	switch (l->kind) {
	case EQUATION_SUM:
		side_sum(s, l);
		break;
	case EQUATION_GATE:
		side_gate(s, e, l, false);
		break;
	case EQUATION_WITHOUT:
		side_without(s, e, l);
		break;
	case EQUATION_STATE:
		side_state(s, t, l);
		break;
	case EQUATION_OUTPUT:
		side_output(s, t, e, l);
		break;
	}
}

/* One gate in full, the others by their values, then the states. */
static void all_lines(struct panel *s, const struct trace *t, const struct equations *e, int chosen)
{
	for (int k = 0; k < e->lines; k++)
		if (e->line[k].gate == chosen)
			side_line(s, t, e, &e->line[k]);
	if (s->r.rows >= ROOMY)
		s->row++;
	for (int k = 0; k < e->lines; k++) {
		const struct equation *l = &e->line[k];

		if (l->gate != chosen && (l->kind == EQUATION_GATE || l->kind == EQUATION_WITHOUT))
			side_line(s, t, e, l);
	}
	if (s->r.rows >= ROOMY + 2)
		s->row++;
	for (int k = 0; k < e->lines; k++)
		if (e->line[k].kind == EQUATION_STATE || e->line[k].kind == EQUATION_OUTPUT)
			side_line(s, t, e, &e->line[k]);
}

/* What is to be told before a line comes: the next one in letters, those behind it by their left sides. */
static void covered_line(struct panel *s, const struct trace *t, const struct equation *l,
			 bool next)
{
	char words[160], text[176], before[32], now[32];
	const bool state = l->kind == EQUATION_STATE || l->kind == EQUATION_OUTPUT;
	size_t n = 0;

	subscripts(s, t, now, before);
	snprintf(words, sizeof(words), "%s%s", l->left, state ? now : "");
	if (next && l->kind == EQUATION_STATE)
		state_words(s, t, l, words, sizeof(words));
	else if (next && l->kind == EQUATION_OUTPUT)
		output_words(s, t, words, sizeof(words));
	for (int k = 0; next && l->kind == EQUATION_SUM && k < l->terms; k++)
		n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s%s", k ? " + " : l->left,
				      k ? "" : " = ", l->term[k].label);
	if (!next) {
		panel_covered(s, words);
		return;
	}
	snprintf(text, sizeof(text), "%s = ?", words);
	panel_line(s, ROLE_strong, 0, text);
}

/* As far as they have come: the newest in full, those before it by their values, those behind it covered. */
static void some_lines(struct panel *s, const struct trace *t, const struct equations *e, int shown)
{
	char text[48];

	snprintf(text, sizeof(text), "line %d of %d", shown, e->lines);
	panel_line(s, ROLE_dim, 0, text);
	for (int k = 0; k < e->lines; k++) {
		const struct equation *l = &e->line[k];
		const bool sum = l->kind == EQUATION_SUM;

		if (k >= shown && k == shown && l->kind == EQUATION_GATE)
			side_gate(s, e, l, true);
		else if (k >= shown && !(k > shown && sum)) /* z goes without saying */
			covered_line(s, t, l, k == shown);
		else if (k < shown && (!sum || k + 2 >= shown))
			side_line(s, t, e, l);
	}
}

int panel_part_rows(const struct panel *s)
{
	return slots(s) > 1 ? 1 : 2; /* one contribution and the rest */
}

void panel_sums(struct panel *s, const struct trace *t)
{
	const struct gates_state *g = &s->w->gates;
	const struct trace_signal *signal = &t->run[g->run].signal[g->signal];
	struct equations e;

	equations_fill(&e, t, g->run, g->t, g->unit, s->part_rows * slots(s) - 1);
	equations_round(&e, 3);
	if (trace_unknown(t, g->run, g->t))
		panel_line(s, ROLE_warn, 0, "an unknown word: read as <unk>");
	if (reveal_covers_any(s->w))
		some_lines(s, t, &e, reveal_shown(s->w));
	else
		all_lines(s, t, &e, signal->gate >= 0 ? signal->gate : 0);
	equations_release(&e);
}

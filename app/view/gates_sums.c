/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The equations of one unit at one step, with the numbers put in. */
#include "app/view/panel.h"

#include <math.h>
#include <string.h>

/* A factor: a negative one in parentheses, unless it is what the line begins with. */
static const char *factor(char out[32], double v, bool leads)
{
	char number[32];

	snprintf(out, 32, v < -5e-4 && !leads ? "(%.28s)" : "%.30s",
		 panel_figure(number, v, false));
	return out;
}

/* The largest contributions, as many as there is room for. */
static void name_parts(const struct panel *s, char *out, size_t size, const struct sum_term *m)
{
	size_t n = 0;

	*out = '\0';
	for (int k = 0; k < m->count; k++) {
		char one[32];

		const double v = m->top[k].value;

		snprintf(one, sizeof(one), "%s%s[%d] %s%.2f", k ? "  " : "", m->top[k].letter,
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

/* Whether an edit has set one of the chosen unit's numbers at the cursor. */
static bool is_set(const struct panel *s, const struct trace *t, enum edit_kind kind, int gate)
{
	const struct gates_state *g = &s->w->gates;

	return debug_is_set(t, &(struct expr_place){t, g->run, g->t}, g->unit, kind, gate);
}

/* i = σ(−0.581) = +0.359, unless it was set by hand */
static void side_value(struct panel *s, const struct gate *gate, double z, double value, bool set)
{
	char text[120], inside[32], outside[32];

	if (set) {
		snprintf(text, sizeof(text), "%s is set to %s", gate->name,
			 panel_figure(outside, value, true));
		panel_line(s, ROLE_warn, 0, text);
		return;
	}
	snprintf(text, sizeof(text), "%s = %s(%s) = %s", gate->name, activation_name(gate->act),
		 panel_figure(inside, z, true), panel_figure(outside, value, true));
	panel_line(s, ROLE_text, 0, text);
}

/* z = W·x + U·h + b, rounded so that the printed numbers add up. */
static void side_gate(struct panel *s, const struct gate *gate, const struct gate_sum *g, bool set)
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
		panel_number(s, label, v[k], text);
		z += v[k];
	}
	panel_number(s, "  + b", v[g->terms], NULL);
	z += v[g->terms];
	snprintf(label, sizeof(label), "  = z_%s", gate->name);
	panel_number(s, label, z, NULL);
	side_value(s, gate, z, g->value, set);
}

static void side_others(struct panel *s, const struct trace *t, const struct unit_sum *u,
			int chosen)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;

	for (int q = 0; q < t->gates; q++) {
		if (q == chosen)
			continue;
		side_value(s, &cell->gate[q], u->gate[q].z, u->gate[q].value,
			   is_set(s, t, EDIT_GATE, q));
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

/* What stands in a state's place by hand, whatever the equations say. */
static void side_set(struct panel *s, char state, const char *now, double value)
{
	char text[80], number[32];

	snprintf(text, sizeof(text), "%c%s is set to %s", state, now,
		 panel_figure(number, value, true));
	panel_line(s, ROLE_warn, 0, text);
}

/* c = carry·c' + write and h = o·tanh c (or h alone, in a GRU), with the numbers put in. */
static void side_state(struct panel *s, const struct trace *t, const struct unit_sum *u, int step)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const char state = cell->carries_h ? 'h' : 'c';
	double v[2] = {u->kept, u->write};
	char text[300], carry[96], write[96], before[32], now[32], one[32], two[32];

	round_to_sum(v, 2, 3);
	subscript(t->run[s->w->gates.run].backward ? step + 2 : step, before);
	subscript(step + 1, now);
	put_in(carry, sizeof(carry), cell, u, cell->carry_text, true);
	put_in(write, sizeof(write), cell, u, cell->write_text, false);
	snprintf(text, sizeof(text), "%c%s = %s·%c%s + %s", state, now, cell->carry_text, state,
		 before, cell->write_text);
	panel_line(s, ROLE_strong, 0, text);
	factor(one, u->old, false);
	snprintf(text, sizeof(text), "= %s·%s + %s", carry, one, write);
	if (canvas_width(text) > panel_room(s, 1)) { /* two lines */
		snprintf(text, sizeof(text), "= %s·%s", carry, one);
		panel_line(s, ROLE_text, 1, text);
		snprintf(text, sizeof(text), "  + %s", write);
	}
	panel_line(s, ROLE_text, 1, text);
	snprintf(text, sizeof(text), "= %s %s %.3f = %s", panel_figure(one, v[0], false),
		 v[1] < 0 ? "−" : "+", fabs(v[1]), panel_figure(two, v[0] + v[1], true));
	panel_line(s, ROLE_text, 1, text);
	if (is_set(s, t, cell->carries_h ? EDIT_H : EDIT_C, 0))
		side_set(s, state, now, u->state);
	if (cell->carries_h)
		return;
	snprintf(text, sizeof(text), cell->output == ACT_TANH ? "h%s = %stanh(c%s)" : "h%s = %sc%s",
		 now, cell->lacks == 'o' ? "" : "o·", now);
	panel_line(s, ROLE_strong, 0, text);
	panel_figure(two, u->h, true);
	snprintf(text, sizeof(text), "= %.3f·%s = %s", u->o,
		 factor(one, cell->output == ACT_TANH ? tanh(u->state) : u->state, false), two);
	if (is_set(s, t, EDIT_H, 0))
		side_set(s, 'h', now, u->h);
	else
		panel_line(s, ROLE_text, 1, text);
}

void panel_sums(struct panel *s, const struct trace *t)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const struct gates_state *g = &s->w->gates;
	const struct trace_signal *signal = &t->run[g->run].signal[g->signal];
	const int chosen = signal->gate >= 0 ? signal->gate : 0;
	struct unit_sum u;

	trace_explain(t, g->run, g->t, g->unit, &u);
	if (trace_unknown(t, g->run, g->t))
		panel_line(s, ROLE_warn, 0, "an unknown word: read as <unk>");
	side_gate(s, &cell->gate[chosen], &u.gate[chosen], is_set(s, t, EDIT_GATE, chosen));
	if (s->r.rows >= 18)
		s->row++;
	side_others(s, t, &u, chosen);
	if (s->r.rows >= 20)
		s->row++;
	side_state(s, t, &u, g->t);
}

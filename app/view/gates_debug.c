/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the debugger has to say at the cursor of Gates: values that are kept in sight, breakpoints that hold,
 * and what an edit has made of the chosen number. */
#include "app/view/panel.h"

#include "app/reveal.h"
#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_LEAST = 10 };

/* A label, which gives way, with a text at the right end. */
static void line_of(struct panel *s, enum role role, const char *label, const char *text)
{
	const int row = panel_row(s), width = canvas_width(text);
	struct canvas *c = &s->w->canvas;

	if (row < 0)
		return;
	if (width > s->r.cols - 4) { /* a long word */
		canvas_field(c, s->r, row, 1, s->r.cols - 2, -1, part_look(s->w, ROLE_strong),
			     text);
		return;
	}
	canvas_field(c, s->r, row, 1, s->r.cols - 3 - width, -1, part_look(s->w, role), label);
	canvas_text(c, s->r, row, s->r.cols - 1 - width, part_look(s->w, ROLE_strong), text);
}

/* A value with the minus of the formulas; a text in quotes stays as it is. */
static void with_minus(struct buf *b)
{
	char *text = mem_text(buf_str(b));

	buf_clear(b);
	for (const char *at = text; *at; at++)
		if (*text != '\xe2' && *at == '-' && (at == text || at[-1] == ' '))
			buf_text(b, "−");
		else
			buf_byte(b, *at);
	free(text);
}

static void display_line(struct panel *s, const struct debug_item *i, const struct expr_place *at)
{
	struct expr_value v = {0};
	struct buf value = {0};
	char label[160];

	snprintf(label, sizeof(label), "%.150s", expr_text(i->expr));
	if (!expr_check(i->expr, at, NULL) || !expr_eval(i->expr, at, &v, NULL)) {
		line_of(s, ROLE_dim, label, "does not fit");
	} else {
		const int wide = canvas_width(label), least = LABEL_LEAST;

		debug_value(&value, &v, panel_room(s, 0) - 1 - (wide < least ? wide : least));
		with_minus(&value);
		/* it may be one of those that have not come yet */
		line_of(s, ROLE_text, label, reveal_covers_any(s->w) ? "?" : buf_str(&value));
	}
	buf_release(&value);
	expr_value_release(&v);
}

static void hit_line(struct panel *s, const struct debug_item *i)
{
	char label[160];

	snprintf(label, sizeof(label), "%s %d: %.140s", debug_kind_name(i->kind), i->number,
		 expr_text(i->expr));
	line_of(s, ROLE_warn, label, "hit");
}

/* A number in at most seven columns. */
static const char *short_figure(char out[32], double v, bool plus)
{
	const double size = fabs(v);
	const char *sign = size < 5e-4 ? "" : v < 0 ? "−" : plus ? "+" : "";

	if (isnan(v))
		snprintf(out, 32, "nan");
	else if (size < 99.9)
		snprintf(out, 32, "%s%.3f", sign, size);
	else if (size < 999)
		snprintf(out, 32, "%s%.1f", sign, size);
	else
		snprintf(out, 32, size < 99999 ? "%s%.0f" : "%s%.0e", sign, size);
	return out;
}

/* What is printed of a number, so that differences are those of what stands there. */
static double as_printed(double v)
{
	return fabs(v) < 99.9 ? rint(v * 1000) / 1000 : v;
}

void panel_change(struct panel *s, bool mark, const char *label, double before, double after)
{
	char a[32], b[32], d[32], text[120];
	const int row = panel_row(s);
	int width;

	if (row < 0)
		return;
	short_figure(a, before, false);
	short_figure(b, after, false);
	short_figure(d, as_printed(after) - as_printed(before), true);
	snprintf(text, sizeof(text), "%s %s %s%*s%s", a, s->w->canvas.ascii ? "->" : "→", b,
		 9 - canvas_width(d), "", d);
	width = canvas_width(text);
	if (mark)
		canvas_text(&s->w->canvas, s->r, row, 0, part_look(s->w, ROLE_focus), "▸");
	canvas_field(&s->w->canvas, s->r, row, 1, s->r.cols - 3 - width, -1,
		     part_look(s->w, mark ? ROLE_strong : ROLE_dim), label);
	canvas_text(&s->w->canvas, s->r, row, s->r.cols - 1 - width, part_look(s->w, ROLE_strong),
		    text);
}

int panel_was(const struct workbench *w, const struct trace *t, int step)
{
	const struct trace *first = w->current.unedited;

	if (t->run[w->gates.run].decoder) /* it writes anew */
		return step < first->written ? step : -1;
	return t->origin ? t->origin[step] : step;
}

/* The chosen number as it was, at the word that this one stands for, and as the edits have made it. */
static void change_line(struct panel *s, const struct trace *t)
{
	const struct gates_state *g = &s->w->gates;
	const size_t H = (size_t)t->H, unit = (size_t)g->unit;
	const struct trace_signal *now = &t->run[g->run].signal[g->signal];
	const struct trace_signal *was = &s->w->current.unedited->run[g->run].signal[g->signal];
	const int before = panel_was(s->w, t, g->t);
	char label[32];

	snprintf(label, sizeof(label), "%s[%d]", now->name, g->unit);
	if (reveal_covers(s->w, now->name))
		return;
	if (before < 0) {
		panel_line(s, ROLE_strong, 0,
			   t->run[g->run].decoder ? "the first answer ends before this step"
						  : "this word has been put in");
		return;
	}
	panel_line(s, ROLE_strong, 0, "before and after the edits");
	panel_change(s, false, label, was->v[(size_t)before * H + unit],
		     now->v[(size_t)g->t * H + unit]);
}

/* What random edits of the same size do to a class. */
static void against_line(struct panel *s, const char *class, double mean, double deviation)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%.3f %s %.3f",
		 mean < -5e-4  ? "−"
		 : mean > 5e-4 ? "+"
			       : "",
		 fabs(mean), s->w->canvas.ascii ? "+-" : "±", deviation);
	line_of(s, ROLE_dim, class, text);
}

void panel_against(struct panel *s, const struct trace *t)
{
	const struct held_against *h = &s->w->against;
	const struct classes *c = &t->snapshot->encoder->classes;
	char text[80];
	int *order;

	if (!h->what && !h->job)
		return;
	if (!h->what || h->done < h->runs) {
		snprintf(text, sizeof(text), "%s: %d of %d …", h->what ? h->what : "random edits",
			 h->done, h->runs);
		panel_line(s, ROLE_dim, 0, text);
		return;
	}
	snprintf(text, sizeof(text), "%d %s:", h->runs, h->what);
	panel_line(s, ROLE_dim, 0, text);
	order = panel_classes(t, t->T - 1);
	for (int k = 0; k < h->C && k < t->C; k++)
		against_line(s, c->name[order[k]], h->mean[order[k]], h->deviation[order[k]]);
	free(order);
}

void panel_debug(struct panel *s, const struct trace *t)
{
	const struct debug *d = &s->w->debug;
	const struct expr_place at = {t, s->w->gates.run, s->w->gates.t};
	const int begun = s->row;

	for (int k = 0; k < d->items; k++)
		if (d->item[k].kind == DEBUG_DISPLAY)
			display_line(s, &d->item[k], &at);
		else if (!reveal_covers_any(s->w) && debug_hits(&d->item[k], &at)) /* it tells */
			hit_line(s, &d->item[k]);
	if (s->w->current.unedited)
		change_line(s, t);
	if (s->row > begun && !s->w->current.unedited && s->r.rows >= 22)
		s->row++;
}

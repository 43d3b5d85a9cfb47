/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/kept.h"

#include "app/reveal.h"
#include "engine/base/mem.h"
#include "engine/inspect/ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_MOST = 12 };

struct kept {
	const struct trace_run *run;
	struct ledger_unit unit;
	double *row;  /* T: by position; 0 where the state is older than the word */
	int *largest; /* T: positions, by size */
	int words;    /* how many of them there are */
	char state;   /* c, or h of a GRU */
};

static int position_of(const struct trace_run *r, int k)
{
	return r->backward ? r->T - 1 - k : k;
}

static const double *sorted_by; /* of the thread that draws */

static int by_size(const void *a, const void *b)
{
	const double x = fabs(sorted_by[*(const int *)a]), y = fabs(sorted_by[*(const int *)b]);

	return x > y ? -1 : x < y ? 1 : *(const int *)a - *(const int *)b;
}

static struct kept kept_of(const struct workbench *w)
{
	const struct trace *t = w->current.trace;
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const struct gates_state *g = &w->gates;
	struct kept m = {.run = &t->run[g->run], .state = cell->carries_h ? 'h' : 'c'};
	const size_t T = (size_t)m.run->T;
	double *row = mem_alloc((T + 1) * sizeof(*row));

	m.words = position_of(m.run, g->t) + 1;
	m.unit = ledger_of_unit(cell, m.run, t->H, m.words, g->unit, row);
	m.row = mem_alloc((T + 1) * sizeof(*m.row));
	m.largest = mem_zero(T + 1, sizeof(*m.largest));
	for (int k = 0; k < m.run->T; k++) {
		m.row[position_of(m.run, k)] = k < m.words ? row[k] : 0;
		if (k < m.words)
			m.largest[k] = position_of(m.run, k);
	}
	sorted_by = m.row;
	qsort(m.largest, (size_t)m.words, sizeof(*m.largest), by_size);
	free(row);
	return m;
}

static void kept_release(struct kept *m)
{
	free(m->row);
	free(m->largest);
}

static const char *token_at(const struct workbench *w, const struct kept *m, int t)
{
	return m->run->decoder ? w->current.wrote[t] : w->current.token[t];
}

static void add_figure(struct buf *b, const char *label, double v)
{
	buf_printf(b, "%s%s %s%.3f", b->len ? "  " : "", label,
		   v <= -5e-4  ? "−"
		   : v >= 5e-4 ? "+"
			       : "",
		   fabs(v));
}

/* The largest shares, the rest, the initial state's and what was set by hand: rounded so that they add up to the
 * state. NULL where so many have no room. */
static char *sum_text(const struct workbench *w, const struct kept *m, int listed, int room)
{
	double v[LISTED_MOST + 3] = {0};
	struct buf b = {0};
	int n = 0;

	for (int k = 0; k < m->words; k++)
		v[k < listed ? k : listed] += m->row[m->largest[k]];
	n = listed + 1;
	v[n++] = m->unit.begin_row;
	v[n++] = m->unit.residual;
	round_to_sum(v, n, 3);
	for (int k = 0; k < listed; k++)
		add_figure(&b, token_at(w, m, m->largest[k]), v[k]);
	if (m->words > listed)
		add_figure(&b, "the rest", v[listed]);
	if (v[listed + 1] != 0)
		add_figure(&b, "initial state", v[listed + 1]);
	if (v[listed + 2] != 0)
		add_figure(&b, "set by hand", v[listed + 2]);
	if (canvas_width(buf_str(&b)) <= room)
		return buf_take(&b);
	buf_release(&b);
	return NULL;
}

static void draw_sum(struct workbench *w, struct rect in, const struct kept *m)
{
	int listed = m->words < LISTED_MOST ? m->words : LISTED_MOST;
	char *text = NULL;

	for (; !text && listed >= 0; listed--)
		text = sum_text(w, m, listed, in.cols - 2);
	canvas_field(&w->canvas, in, 2, 1, in.cols - 2, -1, part_look(w, ROLE_text),
		     text ? text : "");
	free(text);
}

/* What it comes to, as wide as there is room. */
static void side_text(const struct kept *m, char *out, size_t size, bool brief)
{
	char life[32];
	const double v = m->unit.state;

	if (isinf(m->unit.half_life))
		snprintf(life, sizeof(life), "half-life: never");
	else
		snprintf(life, sizeof(life), "half-life %.1f", m->unit.half_life);
	snprintf(out, size, "%s%s%.3f", brief ? "" : life,
		 brief   ? v < 0 ? "= −" : "= "
		 : v < 0 ? "  sum −"
			 : "  sum ",
		 fabs(v));
}

static const char *state_name(const struct workbench *w)
{
	return w->current.trace->run[w->gates.run].c ? "c" : "h";
}

/* It adds up to a state that has not come yet. */
static void draw_covered(struct workbench *w, struct rect r)
{
	char title[96];
	struct rect in;

	snprintf(title, sizeof(title), "left of each word in %s[%d]", state_name(w), w->gates.unit);
	in = part_frame(w, r, title, NULL, false);
	canvas_field(&w->canvas, in, in.rows / 2, 1, in.cols - 2, 0, part_look(w, ROLE_dim),
		     "····· ?");
}

void kept_draw(struct workbench *w, struct rect r)
{
	const struct gates_state *g = &w->gates;
	struct kept m;
	struct heat_axis a = part_axis(&w->current, g->run);
	char title[96], right[96];
	double most = 0;
	struct rect in;
	int row;

	if (reveal_covers(w, state_name(w))) {
		draw_covered(w, r);
		heat_axis_release(&a);
		return;
	}
	m = kept_of(w);
	for (int k = 0; k < m.run->T; k++)
		most = fmax(most, fabs(m.row[k]));
	snprintf(title, sizeof(title),
		 r.cols >= 62 ? "left of each word in %c[%d]" : "left in %c[%d]", m.state, g->unit);
	side_text(&m, right, sizeof(right), r.cols < 60);
	in = part_frame(w, r, title, right, false);
	row = in.rows >= 3;
	a.least = 7; /* so that there is a number in each */
	heat_axis_fit(&a, in.cols, HEAT_LABEL_COLS, g->t);
	if (row)
		heat_tokens(&w->canvas, in, &w->theme, &a, g->t, 0);
	heat_strip(&w->canvas, in, &w->theme, &a, "", m.row, true, most, row);
	if (m.run->backward)
		heat_blank(&w->canvas, in, &w->theme, &a, 0, m.run->T - m.words, row);
	else
		heat_blank(&w->canvas, in, &w->theme, &a, m.words, m.run->T, row);
	if (row)
		draw_sum(w, in, &m);
	heat_axis_release(&a);
	kept_release(&m);
}

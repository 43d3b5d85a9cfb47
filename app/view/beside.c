/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/beside.h"

#include "app/reveal.h"
#include "app/view/panel.h"
#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { PANES = 3 };

bool beside_is(const struct workbench *w)
{
	return w->current.unedited;
}

/* The numbers before the edits, and the differences: (T, H), NaN where there was no such word. */
static void compare(const struct workbench *w, const struct trace_signal *now, double *was,
		    double *change)
{
	const struct gates_state *g = &w->gates;
	const struct trace *t = w->current.trace;
	const double *v = w->current.unedited->run[g->run].signal[g->signal].v;
	const size_t H = (size_t)t->H;

	for (int k = 0; k < t->run[g->run].T; k++) {
		const int before = panel_was(w, t, k);

		for (size_t u = 0; u < H; u++) {
			const size_t at = (size_t)k * H + u;

			was[at] = before < 0 ? NAN : v[(size_t)before * H + u];
			change[at] = now->v[at] - was[at];
		}
	}
}

static double largest(const double *v, size_t n)
{
	double most = 0;

	for (size_t k = 0; k < n; k++)
		most = isfinite(v[k]) ? fmax(most, fabs(v[k])) : most;
	return most;
}

static void draw_pane(struct workbench *w, struct rect r, struct heat *h, const char *title,
		      const double *v, bool is_signed, double limit)
{
	struct heat_axis a = part_axis(&w->current, w->gates.run);

	h->title = title;
	h->v = v;
	h->is_signed = is_signed;
	h->limit = limit;
	heat_axis_fit(&a, r.cols - 2, HEAT_LABEL_COLS, w->gates.t);
	heat_draw(&w->canvas, r, &w->theme, &a, h);
	heat_axis_release(&a);
}

void beside_draw(struct workbench *w, struct rect r)
{
	static const char *const title[PANES] = {"before", "with the edits", "difference"};
	const struct gates_state *g = &w->gates;
	const struct trace *t = w->current.trace, *first = w->current.unedited;
	const struct trace_signal *now = &t->run[g->run].signal[g->signal];
	const size_t n = (size_t)t->run[g->run].T * (size_t)t->H;
	double *was = mem_alloc((n + 1) * sizeof(*was)),
	       *change = mem_alloc((n + 1) * sizeof(*was));
	const double *v[PANES] = {was, now->v, change};
	const double limit = fmax(trace_signal_limit(t, g->run, g->signal),
				  trace_signal_limit(first, g->run, g->signal));
	struct heat h = {.name = now->name,
			 .gaps = true,
			 .H = t->H,
			 .cursor_t = g->t,
			 .cursor_u = g->unit,
			 .first_u = g->first_unit,
			 .covered = reveal_covers(w, now->name),
			 .role = part_signal_role(now->name)};

	compare(w, now, was, change);
	for (int k = 0; k < PANES; k++) {
		const int top = r.rows * k / PANES, end = r.rows * (k + 1) / PANES;
		const double most = k < 2 ? limit : largest(change, n);

		h.focused = k == 1 && !g->pane;
		draw_pane(w, (struct rect){r.row + top, r.col, end - top, r.cols}, &h, title[k],
			  v[k], k == 2 || now->is_signed, most);
	}
	free(was);
	free(change);
}

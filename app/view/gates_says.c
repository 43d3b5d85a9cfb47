/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the model says at the cursor of Gates: a class, or the token that follows. */
#include "app/view/map.h"

#include "app/reveal.h"
#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LIKELIEST = 5 };

static const double *row_of(const struct trace *t, int step)
{
	return t->prob + (size_t)step * (size_t)t->C;
}

/* --- classes --- */

int *panel_classes(const struct trace *t, int step)
{
	enum { FEW = 5 };
	int *order = mem_alloc(((size_t)t->C + 1) * sizeof(*order));
	const double *p = row_of(t, step);

	for (int k = 0; k < t->C; k++) {
		int at = k;

		for (; t->C > FEW && at > 0 && p[k] > p[order[at - 1]]; at--)
			order[at] = order[at - 1];
		order[at] = k;
	}
	return order;
}

/* Of the whole text, before and after the edits. */
static void classes_changed(struct panel *s, const struct trace *t)
{
	const struct classes *c = &t->snapshot->encoder->classes;
	const struct trace *before = s->w->current.unedited;
	const double *was = row_of(before, before->T - 1), *now = row_of(t, t->T - 1);

	int *order = panel_classes(t, t->T - 1);

	panel_line(s, ROLE_strong, 0, "the whole text");
	for (int k = 0; k < t->C; k++)
		panel_change(s, false, c->name[order[k]], was[order[k]], now[order[k]]);
	panel_against(s, t);
	free(order);
}

static void classes_at(struct panel *s, const struct trace *t, int step)
{
	const struct classes *c = &t->snapshot->encoder->classes;
	int *order;

	if (s->w->current.unedited) {
		classes_changed(s, t);
		return;
	}
	order = panel_classes(t, step);
	panel_line(s, ROLE_strong, 0, "if the text ended here");
	for (int at = 0; at < t->C; at++) {
		const int k = order[at];
		const double p = row_of(t, step)[k], before = step ? row_of(t, step - 1)[k] : NAN;

		panel_bar(s, false, c->name[k], p,
			  isnan(before)       ? NULL
			  : p > before + 5e-4 ? "↑"
			  : p < before - 5e-4 ? "↓"
					      : " ");
	}
	free(order);
}

static int best_of(const double *p, int n)
{
	int best = 0;

	for (int k = 1; k < n; k++)
		best = p[k] > p[best] ? k : best;
	return best;
}

/* --- tokens --- */

/* A token's name, in room for it that the next call takes. */
static const char *token_name(const struct panel *s, const struct trace *t, int id)
{
	static char name[64];
	struct buf b = {0};

	desk_token(&b, t->snapshot->encoder, id, s->w->canvas.ascii);
	snprintf(name, sizeof(name), "%s", buf_str(&b)); /* what is cut is out of sight */
	buf_release(&b);
	return name;
}

/* The likeliest tokens of a step; `came` is the one that really did, or -1. */
static void likeliest_at(struct panel *s, const struct trace *t, int step, int came)
{
	const struct trace *before = s->w->current.unedited;
	const double *p = row_of(t, step);
	const int was = before ? panel_was(s->w, t, step) : -1;
	int best[LIKELIEST], n = 0;

	for (int k = 0; k < t->C; k++) {
		int at = n;

		while (at > 0 && p[k] > p[best[at - 1]])
			at--;
		if (at == LIKELIEST)
			continue;
		n += n < LIKELIEST;
		memmove(best + at + 1, best + at, (size_t)(n - at - 1) * sizeof(*best));
		best[at] = k;
	}
	for (int k = 0; k < n; k++)
		if (was >= 0)
			panel_change(s, best[k] == came, token_name(s, t, best[k]),
				     row_of(before, was)[best[k]], p[best[k]]);
		else
			panel_bar(s, best[k] == came, token_name(s, t, best[k]), p[best[k]], NULL);
}

/* What the decoder wrote, put together, line by line. */
static void written_text(struct panel *s, const struct trace *t)
{
	const struct vocab *v = t->snapshot->encoder->target;
	const int room = panel_room(s, 0);
	struct buf line = {0};
	const char *before = "";
	size_t before_len = 0;

	for (int k = 0; k + 1 < t->written; k++) { /* the last is the end mark */
		size_t n;
		const char *token = vocab_token(v, t->writes[k], &n);
		const bool gap = token_gap(&vocab_rules(v)->rules, before, before_len, token, n);

		if (line.len &&
		    canvas_width(buf_str(&line)) + gap + canvas_width_n(token, n) > room) {
			panel_line(s, ROLE_text, 0, buf_str(&line));
			buf_clear(&line);
		} else if (gap) {
			buf_byte(&line, ' ');
		}
		buf_add(&line, token, n);
		before = token;
		before_len = n;
	}
	panel_line(s, ROLE_text, 0, t->written > 1 ? buf_str(&line) : "(nothing)");
	buf_release(&line);
}

static void written_before(struct panel *s, const struct trace *t)
{
	const struct trace *was = s->w->current.unedited;

	if (was->written == t->written &&
	    !memcmp(was->writes, t->writes, (size_t)t->written * sizeof(*t->writes))) {
		panel_line(s, ROLE_dim, 0, "the same as before the edits");
		return;
	}
	panel_line(s, ROLE_strong, 0, "before the edits");
	written_text(s, was);
}

/* --- the whole --- */

void panel_says(struct panel *s, const struct trace *t)
{
	const struct gates_state *g = &s->w->gates;

	if (reveal_covers(s->w, "h")) { /* it follows from the hidden state */
		panel_covered(s, "what the model says");
		return;
	}
	if (t->written && t->run[g->run].decoder) {
		map_says(s, t);
		panel_line(s, ROLE_strong, 0, "writes");
		likeliest_at(s, t, g->t, t->writes[g->t]);
	} else if (t->written) {
		map_says(s, t);
		panel_line(s, ROLE_strong, 0,
			   t->vector ? "written from the text's vector" : "written");
		written_text(s, t);
		if (s->w->current.unedited)
			written_before(s, t);
		panel_line(s, ROLE_dim, 0, "] shows the decoder that writes it");
	} else if (t->snapshot->encoder->model.spec.task == TASK_GENERATE) {
		panel_line(s, ROLE_strong, 0, "what follows");
		likeliest_at(s, t, g->t, g->t + 1 < t->T ? t->ids[g->t + 1] : -1);
	} else {
		classes_at(s, t, g->t);
	}
}

/* What was read, the token that is likeliest to follow, and how likely it is. */
static void course_token(struct panel *s, const struct trace *t, int step, bool now)
{
	enum { READ = 9, NEXT = READ + 4, BAR = NEXT + 11 };
	const int best = best_of(row_of(t, step), t->C);
	const int row = panel_row(s), bar = s->r.cols - BAR - 7;
	const double p = row_of(t, step)[best];
	const struct style word = part_look(s->w, now ? ROLE_strong : ROLE_dim);
	struct canvas *c = &s->w->canvas;
	char number[32];

	if (row < 0)
		return;
	if (now)
		canvas_text(c, s->r, row, 0, part_look(s->w, ROLE_focus), "▸");
	canvas_field(c, s->r, row, 1, READ, -1, word, s->w->current.token[step]);
	canvas_text(c, s->r, row, NEXT - 2, part_look(s->w, ROLE_dim), "→");
	canvas_field(c, s->r, row, NEXT, 10, -1, part_look(s->w, now ? ROLE_strong : ROLE_text),
		     token_name(s, t, best));
	panel_blocks(s, row, BAR, bar, p);
	snprintf(number, sizeof(number), "%.3f", p);
	canvas_text(c, s->r, row, BAR + bar + 1, word, number);
}

void panel_course(struct panel *s, const struct trace *t)
{
	const enum task task = t->snapshot->encoder->model.spec.task;
	const int room = s->r.rows - s->row - 4, now = s->w->gates.t;
	const int steps = trace_prob_steps(t), shown = steps < room ? steps : room;
	const int best = task == TASK_CLASSIFY ? best_of(row_of(t, steps - 1), t->C) : 0;
	int first = now - shown / 2;
	char text[64];

	if (room < 3 || (t->written && !t->run[s->w->gates.run].decoder))
		return;
	if (isnan(*row_of(t, 0))) /* under edits each would be a run of its own in two directions */
		return;
	first = first > steps - shown ? steps - shown : first < 0 ? 0 : first;
	s->row++;
	if (task == TASK_CLASSIFY)
		snprintf(text, sizeof(text), "p(%.20s) after each word",
			 t->snapshot->encoder->classes.name[best]);
	else
		snprintf(text, sizeof(text),
			 task == TASK_GENERATE ? "likeliest after each token"
					       : "written at each step");
	panel_line(s, ROLE_strong, 0, text);
	for (int k = first; k < first + shown; k++)
		if (task == TASK_CLASSIFY)
			panel_bar(s, k == now, s->w->current.token[k], row_of(t, k)[best], NULL);
		else if (task == TASK_GENERATE)
			course_token(s, t, k, k == now);
		else
			panel_bar(s, k == now, s->w->current.wrote[k + 1],
				  row_of(t, k)[t->writes[k]], NULL);
}

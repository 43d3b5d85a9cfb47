/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/strip.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_COLS = 11 };

struct strip {
	struct workbench *w;
	struct rect in;
	struct heat_axis axis;
	const struct trace *t;
	double *row; /* as many values of the row that is being made as the axis has columns */
	int top;     /* the next line */
};

static void put_row(struct strip *s, const char *label, double limit)
{
	heat_strip(&s->w->canvas, s->in, &s->w->theme, &s->axis, label, s->row, false, limit,
		   s->top++);
}

/* Takes away what a row shows behind so many tokens, or before the first of them. */
static void blank(struct strip *s, int from, int to)
{
	heat_blank(&s->w->canvas, s->in, &s->w->theme, &s->axis, from, to, s->top - 1);
}

/* The likeliest class at the end, its probability after every word. */
static void put_classes(struct strip *s)
{
	const struct trace *t = s->t;
	char label[24];
	int best = 0;

	for (int k = 1; k < t->C; k++)
		best = t->prob[(t->T - 1) * t->C + k] > t->prob[(t->T - 1) * t->C + best] ? k
											  : best;
	for (int k = 0; k < t->T; k++)
		s->row[k] = t->prob[k * t->C + best];
	snprintf(label, sizeof(label), "p(%.5s)", t->snapshot->encoder->classes.name[best]);
	put_row(s, label, 1);
}

/* How probable the token was that really came, where one came before it. */
static void put_next(struct strip *s)
{
	const struct trace *t = s->t;

	s->row[0] = 0;
	for (int k = 1; k < t->T; k++)
		s->row[k] = t->prob[(size_t)(k - 1) * (size_t)t->C + (size_t)t->ids[k]];
	put_row(s, "p(next)", 1);
	blank(s, 0, 1);
}

/* What the decoder writes under what it should write, and how sure it is. */
static void put_written(struct strip *s)
{
	const struct trace *t = s->t;
	const struct heat_axis *a = &s->axis;
	const int n = t->written < t->T ? t->written : t->T;
	int col = a->label_cols;

	if (s->top < s->in.rows)
		canvas_text(&s->w->canvas, s->in, s->top, 1, part_look(s->w, ROLE_dim), "written");
	for (int k = a->first; k < a->first + a->shown; k++) {
		const bool right = k < n && t->writes[k] == t->ids[k];
		struct style look = part_look(s->w, right ? ROLE_text : ROLE_warn);

		if (!right)
			look.attr |= ATTR_UNDERLINE;
		if (k < n && s->top < s->in.rows) {
			const char *token = s->w->pinned.wrote[k + 1];
			const int room = a->width[k] - 1, full = canvas_width(token);
			const int width = full < room ? full : room;

			canvas_field(&s->w->canvas, s->in, s->top,
				     col + (a->width[k] - width + 1) / 2, width, -1, look, token);
		}
		col += a->width[k];
	}
	s->top++;
	for (int k = 0; k < t->T; k++)
		s->row[k] = k < n ? t->prob[(size_t)k * (size_t)t->C + (size_t)t->writes[k]] : 0;
	put_row(s, "p(wrote)", 1);
	blank(s, n, t->T);
}

/* What the decoder of a pair writes, how sure it is, and what it looked at most. */
static void put_answer(struct strip *s)
{
	const struct trace *t = s->t;
	const struct heat_axis *a = &s->axis;
	struct heat_axis looked = *a;
	const char **word = mem_zero((size_t)t->written, sizeof(*word));
	struct choice most;

	for (int k = 0; k < t->written; k++) {
		s->row[k] = t->prob[(size_t)k * (size_t)t->C + (size_t)t->writes[k]];
		word[k] = trace_looks(t, k, &most, 1) ? s->w->pinned.token[most.id] : "";
	}
	put_row(s, "p(wrote)", 1);
	looked.token = word;
	if (t->attention && t->T && s->top < s->in.rows) {
		canvas_text(&s->w->canvas, s->in, s->top, 1, part_look(s->w, ROLE_dim), "looks at");
		heat_tokens(&s->w->canvas, s->in, &s->w->theme, &looked, -1, s->top++);
	}
	free(word);
}

/* A signal of the top layer, forward: its mean over all units, of absolute values where it has both
 * signs. */
static void put_mean(struct strip *s, const struct trace_run *run, int q)
{
	const struct trace *t = s->t;
	const double *v = run->signal[q].v;
	const bool both = run->signal[q].is_signed;
	char label[24];

	for (int k = 0; k < run->T; k++) {
		s->row[k] = 0;
		for (int u = 0; u < t->H; u++)
			s->row[k] += both ? fabs(v[k * t->H + u]) : v[k * t->H + u];
		s->row[k] /= t->H;
	}
	snprintf(label, sizeof(label), both ? "|%s| mean" : "%s  mean", run->signal[q].name);
	put_row(s, label, both ? trace_signal_limit(t, (int)(run - t->run), q) : 1);
}

static bool is_pair(const struct trace *t)
{
	return task_table[t->snapshot->encoder->model.spec.task].pairs;
}

/* What stands below a word of the axis and has to fit too: what is written in its place, or looked at. */
static const char *below(const struct strip *s, int k)
{
	const struct trace *t = s->t;
	struct choice most;

	if (is_pair(t))
		return trace_looks(t, k, &most, 1) ? s->w->pinned.token[most.id] : "";
	return k < t->written ? s->w->pinned.wrote[k + 1] : "";
}

/* Columns wide enough for what is read and what is written. */
static void fit(struct strip *s)
{
	const char *const *read = s->axis.token;
	const int T = s->axis.T;
	const char **wide = mem_zero((size_t)T, sizeof(*wide));

	for (int k = 0; k < T; k++) {
		const char *other = below(s, k);

		wide[k] = canvas_width(other) > canvas_width(read[k]) ? other : read[k];
	}
	s->axis.token = wide;
	s->axis.least = 5; /* so that there is a number in each */
	/* What is written begins at its beginning; what is read is judged by its end. */
	heat_axis_fit(&s->axis, s->in.cols, LABEL_COLS, is_pair(s->t) ? 0 : T - 1);
	s->axis.token = read;
	free(wide);
}

static void put_outcome(struct strip *s)
{
	if (is_pair(s->t)) {
		put_answer(s);
		return;
	}
	switch (s->t->snapshot->encoder->model.spec.task) {
	case TASK_GENERATE:
		put_next(s);
		break;
	case TASK_RECONSTRUCT:
		put_written(s);
		break;
	default:
		put_classes(s);
	}
}

/* Of the layer that reads the whole text; of pairs, the one that the words come from. */
static const struct trace_run *top_run(const struct trace *t)
{
	const struct stack *stack = &t->snapshot->encoder->model.stack;

	return is_pair(t) ? &t->run[t->runs - 1] : &t->run[stack->runs - stack->spec.dirs];
}

static void put_all(struct strip *s, struct rect r)
{
	const struct trace_run *top = top_run(s->t);
	int after;
	char more[24];

	fit(s);
	heat_tokens(&s->w->canvas, s->in, &s->w->theme, &s->axis, -1, s->top++);
	after = s->axis.T - s->axis.first - s->axis.shown;
	if (s->axis.first || after) {
		snprintf(more, sizeof(more), s->axis.first ? " ← %d more " : " %d more → ",
			 s->axis.first ? s->axis.first : after);
		canvas_text(&s->w->canvas, r, r.rows - 1, r.cols - 2 - canvas_width(more),
			    part_look(s->w, ROLE_dim), more);
	}
	put_outcome(s);
	for (int q = 0; q < top->signals && s->top < s->in.rows; q++)
		put_mean(s, top, q);
}

void strip_draw(struct workbench *w, struct rect r)
{
	const struct sentence *p = &w->pinned;
	struct strip s = {.w = w, .t = p->trace};
	char title[600] = "pinned · ";

	part_one_line(title + strlen(title), sizeof(title) - strlen(title), p->text ? p->text : "");
	s.in = part_frame(w, r, title, NULL, false);
	if (!s.t || !s.t->T) {
		canvas_field(&w->canvas, s.in, s.in.rows / 2, 0, s.in.cols, 0,
			     part_look(w, ROLE_dim),
			     !p->text ? "i asks for a sentence"
			     : s.t    ? "this text has no token"
				      : "its gates come with the first weights");
		return;
	}
	if (is_pair(s.t)) /* a column for each word that is written */
		s.axis = (struct heat_axis){.T = s.t->written, .token = p->wrote + 1};
	else
		s.axis = part_axis(p, 0);
	s.row = mem_zero((size_t)s.axis.T, sizeof(*s.row));
	put_all(&s, r);
	heat_axis_release(&s.axis);
	free(s.row);
}

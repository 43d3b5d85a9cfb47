/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Train: is it learning? */
#include "app/tui/plot.h"
#include "app/view/parts.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct binding keys[] = {
	{"Space", "toggle", "start, pause"},
	{".", "batch", "one batch"},
	{"+", "rate up", "rate up"},
	{"-", "rate down", "rate down"},
	{"S", "stop", "stop"},
	{NULL, NULL, NULL},
};

static const struct open_run *shown(const struct workbench *w)
{
	return w->open ? w->open : w->live.view ? &w->live : NULL;
}

static struct plot_series series_of(const struct curve *c, const char *name, bool valid)
{
	return (struct plot_series){.name = name,
				    .x = c->x,
				    .y = c->y,
				    .count = c->count,
				    .role = valid ? ROLE_valid : ROLE_train,
				    .points = valid,
				    .decimals = 3};
}

static void draw_plot(struct workbench *w, struct rect r, const struct feed_view *v, bool accuracy)
{
	const struct plot_series series[] = {
		series_of(&v->curve[accuracy ? FEED_TRAIN_ACCURACY : FEED_TRAIN_LOSS], "train",
			  false),
		series_of(&v->curve[accuracy ? FEED_VALID_ACCURACY : FEED_VALID_LOSS], "valid",
			  true),
	};
	const struct plot p = {
		.title = accuracy ? "accuracy" : "loss, nats",
		.x_label = "epoch",
		.series = series,
		.series_count = 2,
		.fixed_y = accuracy,
		.y_min = 0,
		.y_max = 1,
		.x_max = v->gauge.epochs,
		.empty = v->gauge.state == TRAIN_READY ? "space starts training" : "no values yet",
	};

	plot_draw(&w->canvas, r, &w->theme, &p, false);
}

/* The likeliest class at the end, its probability after every word; then means over all units. */
static void draw_strip(struct workbench *w, struct rect r)
{
	const struct sentence *s = &w->pinned;
	const struct trace *t = s->trace;
	struct heat_axis a = part_axis(s);
	char title[600], label[24];
	struct rect in;
	double *row;
	const struct trace_run *shown; /* the top layer, forward */
	int top = 1, best = 0;

	snprintf(title, sizeof(title), "pinned · %s", s->text ? s->text : "");
	in = part_frame(w, r, title, NULL, false);
	if (!t || !t->T) {
		canvas_field(&w->canvas, in, in.rows / 2, 0, in.cols, 0, part_look(w, ROLE_dim),
			     s->text ? "its gates come with the first weights"
				     : "i asks for a sentence");
		return;
	}
	shown = &t->run[t->runs - t->snapshot->encoder->model.spec.dirs];
	row = mem_zero((size_t)t->T, sizeof(*row));
	for (int k = 1; k < t->C; k++)
		best = t->prob[(t->T - 1) * t->C + k] > t->prob[(t->T - 1) * t->C + best] ? k
											  : best;
	a.least = 5; /* so that there is a number in each */
	heat_axis_fit(&a, in.cols, 11, t->T - 1);
	heat_tokens(&w->canvas, in, &w->theme, &a, -1, 0);
	if (a.first) {
		snprintf(label, sizeof(label), " ← %d more ", a.first);
		canvas_text(&w->canvas, r, r.rows - 1, r.cols - 2 - canvas_width(label),
			    part_look(w, ROLE_dim), label);
	}
	for (int k = 0; k < t->T; k++)
		row[k] = t->prob[k * t->C + best];
	snprintf(label, sizeof(label), "p(%.5s)", t->snapshot->encoder->classes.name[best]);
	heat_strip(&w->canvas, in, &w->theme, &a, label, row, false, 1, top++);
	for (int q = 0; q < shown->signals && top < in.rows; q++) {
		const double *v = shown->signal[q].v;
		const bool both = shown->signal[q].is_signed;

		for (int k = 0; k < t->T; k++) {
			row[k] = 0;
			for (int u = 0; u < t->H; u++)
				row[k] += both ? fabs(v[k * t->H + u]) : v[k * t->H + u];
			row[k] /= t->H;
		}
		snprintf(label, sizeof(label), both ? "|%s| mean" : "%s  mean",
			 shown->signal[q].name);
		heat_strip(&w->canvas, in, &w->theme, &a, label, row, false,
			   both ? trace_signal_limit(t, (int)(shown - t->run), q) : 1, top++);
	}
	heat_axis_release(&a);
	free(row);
}

static void draw_facts(struct workbench *w, struct rect r, const struct open_run *o)
{
	const struct feed_view *v = o->view;
	const struct train_gauge *g = &v->gauge;
	struct rect in = part_frame(w, r, "run", NULL, false);
	char text[160], count[24];
	int row = 0;

	if (o->snapshot) {
		const struct model_spec *m = &o->snapshot->encoder->model.spec;

		snprintf(text, sizeof(text), "%s E %d H %d%s L %d", m->cell->name, m->embed,
			 m->hidden, m->dirs == 2 ? " ×2" : "", m->layers);
		part_field(w, in, row++, 13, "cell", text);
	}
	snprintf(text, sizeof(text), "%lld of %lld in %d:%02d", (long long)g->step,
		 (long long)g->steps, (int)g->seconds / 60, (int)g->seconds % 60);
	part_field(w, in, row++, 13, "step", text);
	if (isnan(g->grad_norm))
		snprintf(text, sizeof(text), "%.2e", g->lr);
	else
		snprintf(text, sizeof(text), "%.2e  |grad| %.3f", g->lr, g->grad_norm);
	part_field(w, in, row++, 13, "rate", text);
	if (v->best.epoch && !isnan(v->best.valid_accuracy))
		snprintf(text, sizeof(text), "%.3f at epoch %d", v->best.valid_accuracy,
			 v->best.epoch);
	else
		snprintf(text, sizeof(text), "–");
	part_field(w, in, row++, 13, "best valid", text);
	if (o->live && w->session && g->state == TRAIN_READY)
		snprintf(text, sizeof(text), "–");
	else if (o->live && w->session)
		snprintf(text, sizeof(text), "to step %lld",
			 (long long)recorder_recorded(w->session->recorder));
	else
		snprintf(text, sizeof(text), "%s", *o->id ? o->status : "not yet");
	part_field(w, in, row++, 13, o->live && w->session ? "saved" : "state", text);
	if (g->tokens_per_s > 0)
		snprintf(text, sizeof(text), "%.1fk tokens/s", g->tokens_per_s / 1000);
	else
		snprintf(text, sizeof(text), "–");
	part_field(w, in, row++, 13, "speed", text);
	snprintf(text, sizeof(text), "%s, %.1f MB", part_count(o->parameters, count),
		 (double)o->parameters * 4e-6);
	part_field(w, in, row++, 13, "parameters", text);
	if (o->snapshot) {
		const struct model_spec *m = &o->snapshot->encoder->model.spec;

		snprintf(text, sizeof(text), "%d, %d classes", m->vocab, m->classes);
		part_field(w, in, row++, 13, "vocabulary", text);
	}
}

static void draw_nothing(struct workbench *w, struct rect r)
{
	static const char *const text[] = {"Nothing is open.", "",
					   "4 Runs: enter opens one of them",
					   ":train data=FILE begins a new one", "? shows all keys"};

	for (int k = 0; k < 5; k++)
		canvas_field(&w->canvas, r, r.rows / 2 - 2 + k, 0, r.cols, 0,
			     part_look(w, k ? ROLE_dim : ROLE_strong), text[k]);
}

static void draw(struct workbench *w, struct rect r)
{
	const struct open_run *o = shown(w);
	const struct pane rows[] = {{.min = 6, .weight = 3, .keep = 2},
				    {.min = 6, .weight = 1, .keep = 1}};
	const struct pane wide[] = {{.min = 36, .weight = 3, .keep = 2},
				    {.min = 30, .weight = 2, .keep = 1}};
	const struct pane facts[] = {{.min = 36, .weight = 3, .keep = 1},
				     {.min = 38, .weight = 0, .keep = 2}};
	struct rect part[2], half[2];

	if (!o || !o->view) {
		draw_nothing(w, r);
		return;
	}
	layout_rows(r, rows, 2, part);
	if (part[1].rows > 10) { /* the strip needs no more: the curves do */
		part[0].rows += part[1].rows - 10;
		part[1].row += part[1].rows - 10;
		part[1].rows = 10;
	}
	layout_columns(part[0], wide, 2, half);
	draw_plot(w, half[0], o->view, false);
	if (half[1].cols)
		draw_plot(w, half[1], o->view, true);
	if (!part[1].rows)
		return;
	layout_columns(part[1], facts, 2, half);
	if (half[0].cols)
		draw_strip(w, half[0]);
	else
		half[1] = part[1]; /* alone it may have it all */
	if (half[1].cols)
		draw_facts(w, half[1], o);
}

static bool rows(struct workbench *w, struct output *out, struct err *err)
{
	static const char *const column[] = {"curve", "epoch", "value"};
	static const char *const name[FEED_CURVES] = {"train/loss", "train/accuracy", "valid/loss",
						      "valid/accuracy"};
	const struct open_run *o = shown(w);

	if (!o || !o->view)
		return err_set(err, ERR_USAGE, "there are no curves yet");
	output_columns(out, column, 3);
	for (int k = 0; k < FEED_CURVES; k++)
		for (int j = 0; j < o->view->curve[k].count; j++)
			output_row(out, (struct value[]){value_text(name[k]),
							 value_real(o->view->curve[k].x[j], -1),
							 value_real(o->view->curve[k].y[j], -1)});
	return true;
}

static bool back(struct workbench *w)
{
	if (w->open == &w->live || !w->live.snapshot)
		return false;
	desk_open_live(w);
	return true;
}

const struct view view_train = {
	.name = "Train", .number = 1, .keys = keys, .draw = draw, .back = back, .rows = rows};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Train: is it learning? */
#include "app/budget.h"
#include "app/tui/plot.h"
#include "app/view/strip.h"

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

/* What the open run is for. */
static const struct task_ops *task_of(const struct workbench *w, const struct open_run *o)
{
	const struct encoder *e = o->snapshot             ? o->snapshot->encoder
				  : o->live && w->session ? w->session->prepared.encoder
							  : NULL;

	return &task_table[e ? e->model.spec.task : TASK_CLASSIFY];
}

static void draw_loss(struct workbench *w, struct rect r, const struct feed_view *v)
{
	const struct plot_series series[] = {
		series_of(&v->curve[FEED_TRAIN_LOSS], "train", false),
		series_of(&v->curve[FEED_VALID_LOSS], "valid", true),
	};
	const struct plot p = {
		.title = "loss, nats",
		.x_label = "epoch",
		.series = series,
		.series_count = 2,
		.x_max = v->gauge.epochs,
		.empty = v->gauge.state == TRAIN_READY ? "space starts training" : "no values yet",
	};

	plot_draw(&w->canvas, r, &w->theme, &p, false);
}

static void draw_accuracy(struct workbench *w, struct rect r, const struct feed_view *v,
			  const char *title)
{
	const struct plot_series series[] = {
		series_of(&v->curve[FEED_TRAIN_ACCURACY], "train", false),
		series_of(&v->curve[FEED_VALID_ACCURACY], "valid", true),
	};
	const struct plot p = {
		.title = title,
		.x_label = "epoch",
		.series = series,
		.series_count = 2,
		.fixed_y = true,
		.y_min = 0,
		.y_max = 1,
		.x_max = v->gauge.epochs,
		.empty = v->gauge.state == TRAIN_READY ? "space starts training" : "no values yet",
	};

	plot_draw(&w->canvas, r, &w->theme, &p, false);
}

/* The largest value behind the first tenth of the way so far: a model that knows nothing yet must not
 * flatten what it learns later. */
static double settled_most(const struct plot_series *s, int count)
{
	double end = 0, most = 0;

	for (int k = 0; k < count; k++)
		if (s[k].count)
			end = fmax(end, s[k].x[s[k].count - 1]);
	for (int k = 0; k < count; k++)
		for (int i = 0; i < s[k].count; i++)
			if (s[k].x[i] >= end / 10 && isfinite(s[k].y[i]))
				most = fmax(most, s[k].y[i]);
	return most;
}

static void draw_perplexity(struct workbench *w, struct rect r, const struct feed_view *v)
{
	static double y[2][CURVE_MAX]; /* of the thread that draws */
	struct plot_series series[] = {
		series_of(&v->curve[FEED_TRAIN_LOSS], "train", false),
		series_of(&v->curve[FEED_VALID_LOSS], "valid", true),
	};
	struct plot p = {
		.title = "perplexity",
		.x_label = "epoch",
		.series = series,
		.series_count = 2,
		.x_max = v->gauge.epochs,
		.empty = v->gauge.state == TRAIN_READY ? "space starts training" : "no values yet",
	};

	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < series[k].count; i++)
			y[k][i] = exp(series[k].y[i]);
		series[k].y = y[k];
	}
	p.y_most = settled_most(series, 2);
	for (int k = 0; k < 2; k++)
		series[k].decimals = p.y_most < 100 ? 2 : p.y_most < 1000 ? 1 : 0;
	plot_draw(&w->canvas, r, &w->theme, &p, false);
}

/* What the answers of pairs are measured by. */
static enum feed_curve answers_of(const struct task_ops *task)
{
	return task->one_vocab ? FEED_VALID_ROUGE : FEED_VALID_BLEU;
}

static void draw_answers(struct workbench *w, struct rect r, const struct feed_view *v,
			 enum feed_curve which)
{
	const bool bleu = which == FEED_VALID_BLEU;
	struct plot_series series[] = {series_of(&v->curve[which], "valid", true)};
	struct plot p = {
		.title = bleu ? "BLEU of the answers" : "ROUGE-L of the answers",
		.x_label = "epoch",
		.series = series,
		.series_count = 1,
		.x_max = v->gauge.epochs,
		.y_max = bleu ? 100 : 1,
	};

	series[0].decimals = bleu ? 2 : 3;
	p.fixed_y = settled_most(series, 1) > 0.8 * p.y_max; /* a margin would go beyond it */
	plot_draw(&w->canvas, r, &w->theme, &p, false);
}

/* The measure of the task; of pairs perplexity, until an epoch's answers have been measured. */
static void draw_measure(struct workbench *w, struct rect r, const struct open_run *o)
{
	const struct task_ops *task = task_of(w, o);

	if (task->pairs && o->view->curve[answers_of(task)].count)
		draw_answers(w, r, o->view, answers_of(task));
	else if (!task->accuracy)
		draw_perplexity(w, r, o->view);
	else
		draw_accuracy(w, r, o->view, task->labels ? "accuracy" : "tokens right");
}

/* How good the answers of an epoch were; NaN where that is not known. */
static double answered_at(const struct feed_view *v, const struct task_ops *task, int epoch)
{
	const struct curve *c = &v->curve[answers_of(task)];

	for (int k = 0; task->pairs && k < c->count; k++)
		if (c->x[k] == epoch)
			return c->y[k];
	return NAN;
}

/* The first of several texts that has room, else the last. */
static void fit_text(const char *const text[], int count, int cols, char out[160])
{
	int k = 0;

	while (k + 1 < count && canvas_width(text[k]) > cols)
		k++;
	snprintf(out, 160, "%s", text[k]);
}

/* The best epoch, in words if there is room for them. */
static void best_text(const struct task_ops *task, const struct feed_view *v, int cols,
		      char out[160])
{
	const struct epoch_stats *best = &v->best;
	const double answer = answered_at(v, task, best->epoch);
	char text[3][96], name[32];
	const char *const choice[] = {text[0], text[1], text[2]};

	snprintf(out, 160, "–");
	if (!best->epoch || isnan(best->valid_loss))
		return;
	snprintf(text[2], sizeof(text[2]), "%.2f at epoch %d", exp(best->valid_loss), best->epoch);
	snprintf(text[1], sizeof(text[1]), "%.2f perplexity at epoch %d", exp(best->valid_loss),
		 best->epoch);
	snprintf(text[0], sizeof(text[0]), "%s", text[1]);
	if (task->accuracy) {
		snprintf(text[0], sizeof(text[0]), "%.3f%s at epoch %d", best->valid_accuracy,
			 task->labels ? "" : " right", best->epoch);
		snprintf(text[1], sizeof(text[1]), "%.3f at epoch %d", best->valid_accuracy,
			 best->epoch);
		snprintf(text[2], sizeof(text[2]), "%s", text[1]);
	} else if (!isnan(answer)) {
		snprintf(name, sizeof(name), task->one_vocab ? "ROUGE-L %.3f" : "BLEU %.2f",
			 answer);
		snprintf(text[0], sizeof(text[0]), "%s, %.2f perplexity at epoch %d", name,
			 exp(best->valid_loss), best->epoch);
		snprintf(text[1], sizeof(text[1]), "%s at epoch %d", name, best->epoch);
		snprintf(text[2], sizeof(text[2]), "%s", name);
	}
	fit_text(choice, 3, cols, out);
}

/* How fast it is; before it has begun, what it will take. */
static const char *speed_text(const struct workbench *w, const struct open_run *o, int cols,
			      char *out, size_t size)
{
	const double speed = o->view->gauge.tokens_per_s;
	char flop_name[16], memory[16];
	struct cost c;
	double flop = 0;

	if (o->snapshot) {
		cost_of_model(&c, &o->snapshot->encoder->model, optim_at(0), 1);
		flop = (double)(c.forward.token + c.backward.token);
	}
	if (speed > 0)
		snprintf(out, size, "%.1fk tokens/s · %.1f GFLOP/s", speed / 1000,
			 speed * flop * 1e-9);
	else if (o->live && w->session && flop > 0)
		snprintf(out, size, "%s/token, %s memory", budget_flop(flop, flop_name),
			 budget_bytes((double)cost_memory(&w->session->prepared.cost), memory));
	else
		snprintf(out, size, "–");
	if (canvas_width(out) > cols && strstr(out, speed > 0 ? " · " : ", "))
		*strstr(out, speed > 0 ? " · " : ", ") = '\0';
	return out;
}

/* A rate, and the groups of weights that learn at it. */
enum { RATE_LINES = 6 };
struct rate_line {
	double factor; /* 0: they are frozen */
	char groups[160];
};

/* What the groups multiply the rate by now, or will at the first step. */
static const double *factors_of(const struct workbench *w, const struct open_run *o,
				const struct groups *g, double first[MODEL_MAX_GROUPS])
{
	if (o->view->gauge.state != TRAIN_READY || !w->session)
		return o->view->gauge.factor;
	rates_at(&w->session->prepared.spec.rates, g, 1, first);
	return first;
}

/* The line of a factor, or the place for a new one. */
static int line_of(const struct rate_line *line, int lines, double factor)
{
	int k = 0;

	while (k < lines && line[k].factor != factor)
		k++;
	return k;
}

/* A line for each rate there is, the frozen groups first; none where all learn at the same one. */
static int rate_lines(const struct workbench *w, const struct open_run *o,
		      struct rate_line line[RATE_LINES])
{
	double first[MODEL_MAX_GROUPS];
	const double *factor;
	struct groups g;
	int lines = 0;

	if (!o->live || !o->snapshot)
		return 0;
	model_groups(&o->snapshot->encoder->model, &g);
	factor = factors_of(w, o, &g, first);
	if (rates_plain(&g, factor))
		return 0;
	for (int frozen = 1; frozen >= 0; frozen--)
		for (int k = 0; k < g.count; k++) {
			int at;

			if ((factor[k] == 0) != frozen)
				continue;
			at = line_of(line, lines, factor[k]);
			if (at == RATE_LINES)
				continue; /* the Log has them all */
			if (at == lines)
				line[lines++] = (struct rate_line){.factor = factor[k]};
			snprintf(line[at].groups + strlen(line[at].groups),
				 sizeof(line[at].groups) - strlen(line[at].groups), "%s%s",
				 *line[at].groups ? ", " : "", g.name[k]);
		}
	return lines;
}

/* Draws them from a row on; the row behind. */
static int draw_rates(struct workbench *w, struct rect in, const struct open_run *o, int row)
{
	struct rate_line line[RATE_LINES];
	const int lines = rate_lines(w, o, line);
	char label[24];

	for (int k = 0; k < lines; k++) {
		if (line[k].factor == 1 && in.rows < 8)
			continue; /* the rate itself stands above */
		if (line[k].factor == 0)
			snprintf(label, sizeof(label), "frozen");
		else
			snprintf(label, sizeof(label), "  %.2e",
				 line[k].factor * o->view->gauge.lr);
		part_field(w, in, row++, 13, label, line[k].groups);
	}
	return row;
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
		if (canvas_width(text) > in.cols - 14) /* what the gates have stays */
			snprintf(text, sizeof(text), "%s H %d%s L %d", m->cell->name, m->hidden,
				 m->dirs == 2 ? " ×2" : "", m->layers);
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
	row = draw_rates(w, in, o, row);
	best_text(task_of(w, o), v, in.cols - 14, text);
	part_field(w, in, row++, 13, "best valid", text);
	if (o->live && w->session && g->state == TRAIN_READY)
		snprintf(text, sizeof(text), "–");
	else if (o->live && w->session)
		snprintf(text, sizeof(text), "to step %lld",
			 (long long)recorder_recorded(w->session->recorder));
	else
		snprintf(text, sizeof(text), "%s", *o->id ? o->status : "not yet");
	part_field(w, in, row++, 13, o->live && w->session ? "saved" : "state", text);
	part_field(w, in, row++, 13, g->tokens_per_s > 0 ? "speed" : "takes",
		   speed_text(w, o, in.cols - 14, text, sizeof(text)));
	snprintf(text, sizeof(text), "%s, %.1f MB", part_count(o->parameters, count),
		 (double)o->parameters * 4e-6);
	part_field(w, in, row++, 13, "parameters", text);
	if (o->snapshot) {
		const struct model_spec *m = &o->snapshot->encoder->model.spec;

		if (task_table[m->task].labels)
			snprintf(text, sizeof(text), "%d, %d classes", m->vocab, m->classes);
		else
			snprintf(text, sizeof(text), "%d", m->vocab);
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
				     {.min = r.cols >= 110 ? 46 : 38, .weight = 0, .keep = 2}};
	struct rate_line line[RATE_LINES];
	struct rect part[2], half[2];
	int lines, spare;

	if (!o || !o->view) {
		draw_nothing(w, r);
		return;
	}
	layout_rows(r, rows, 2, part);
	lines = rate_lines(w, o, line);
	spare = part[1].rows - 10 - lines;
	/* Strip and facts need no more, the curves do; where these have room they give the rates some. */
	if (part[1].rows && (spare > 0 || (lines && part[0].rows + spare >= 14))) {
		part[0].rows += spare;
		part[1].row += spare;
		part[1].rows -= spare;
	}
	layout_columns(part[0], wide, 2, half);
	draw_loss(w, half[0], o->view);
	if (half[1].cols)
		draw_measure(w, half[1], o);
	if (!part[1].rows)
		return;
	layout_columns(part[1], facts, 2, half);
	if (half[0].cols)
		strip_draw(w, half[0]);
	else
		half[1] = part[1]; /* alone it may have it all */
	if (half[1].cols)
		draw_facts(w, half[1], o);
}

/* A plot for each measure: those of training and validation in one. figure has room for FEED_CURVES. */
static void picture(struct figure **figure, int *count, const char *name, const struct curve *c,
		    bool as_is)
{
	const char *measure = strchr(name, '/') ? strchr(name, '/') + 1 : name;
	char series[24];
	int k = 0, at;

	if (!c->count)
		return;
	while (k < *count && strcmp(figure[k]->y_label, measure) != 0)
		k++;
	if (k == *count)
		figure[(*count)++] = figure_plot("epoch", measure, "%s", measure);
	snprintf(series, sizeof(series), "%.*s",
		 (int)(measure > name ? measure - name - 1 : (ptrdiff_t)strlen(name)), name);
	at = figure_series(figure[k], series, true);
	for (int j = 0; j < c->count; j++)
		figure_point(figure[k], at, c->x[j], as_is ? c->y[j] : exp(c->y[j]), NULL);
}

static bool rows(struct workbench *w, struct output *out, struct err *err)
{
	struct figure *figure[FEED_CURVES];
	static const char *const column[] = {"curve", "epoch", "value"};
	const struct open_run *o = shown(w);
	int figures = 0;
	bool accuracy;

	if (!o || !o->view)
		return err_set(err, ERR_USAGE, "there are no curves yet");
	accuracy = task_of(w, o)->accuracy;
	output_columns(out, column, 3);
	for (int k = 0; k < FEED_CURVES; k++) {
		const bool as_is =
			accuracy || (k != FEED_TRAIN_ACCURACY && k != FEED_VALID_ACCURACY);
		const char *name = as_is                      ? feed_curve_name((enum feed_curve)k)
				   : k == FEED_TRAIN_ACCURACY ? "train/perplexity"
							      : "valid/perplexity";
		const struct curve *c = &o->view->curve[as_is ? k : k - 1];

		for (int j = 0; j < c->count; j++)
			output_row(out, (struct value[]){
						value_text(name), value_real(c->x[j], -1),
						value_real(as_is ? c->y[j] : exp(c->y[j]), -1)});
		picture(figure, &figures, name, c, as_is);
	}
	for (int k = 0; k < figures; k++)
		output_figure(out, figure[k]);
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

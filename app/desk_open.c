/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run that was opened from the store. */
#include "app/desk.h"

#include "app/archive.h"
#include "engine/base/mem.h"
#include "store/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct load_job {
	struct job job;
	char *store, *run;
	struct loaded loaded;
	struct feed_view *view;
	char status[24];
	int64_t parameters;
};

void desk_load_curves(struct store *s, int64_t run, int64_t last, struct feed_view *out)
{
	for (int k = 0; k < FEED_CURVES; k++) {
		struct metric_curve c;

		if (!store_metric_curve(s, run, feed_curve_name((enum feed_curve)k), CURVE_POINTS,
					&c, NULL))
			continue;
		for (size_t j = 0; j < c.count && c.step[j] <= last; j++)
			curve_add(&out->curve[k], c.epoch[j], c.value[j]);
		metric_curve_release(&c);
	}
}

static double param_number(struct store *s, int64_t run, const char *name)
{
	struct metric_summary m;

	return store_metric_summary(s, run, name, &m, NULL) && m.points ? m.last.value : NAN;
}

static void load_numbers(struct load_job *l, struct store *s, const struct run_row *row)
{
	struct feed_view *v = l->view;
	struct train_gauge *g = &v->gauge;

	desk_load_curves(s, l->loaded.run, INT64_MAX, v);
	g->state = TRAIN_FINISHED;
	g->step = g->steps = row->steps;
	g->epoch = g->epochs = (int)ceil(row->epochs);
	g->seconds = row->seconds;
	g->loss = row->train_loss;
	g->accuracy = param_number(s, l->loaded.run, "train/accuracy");
	g->grad_norm = param_number(s, l->loaded.run, "grad_norm");
	g->lr = param_number(s, l->loaded.run, "lr");
	g->tokens_per_s = param_number(s, l->loaded.run, "tokens_per_s");
	g->eta = NAN;
	v->best.valid_accuracy = row->best_accuracy;
	v->best.valid_loss = row->best_loss;
	v->best.epoch = row->best_step >= 0 ? (int)row->best_epoch : 0;
	v->best.step = row->best_step;
	v->last.valid_loss = param_number(s, l->loaded.run, "valid/loss");
	v->last.valid_accuracy = param_number(s, l->loaded.run, "valid/accuracy");
	snprintf(v->message, sizeof(v->message), "%s", row->message ? row->message : "");
	snprintf(l->status, sizeof(l->status), "%s", run_status_name(row->status));
	l->parameters = row->parameters;
}

static void load_run(struct job *j)
{
	struct load_job *l = (struct load_job *)j;
	struct store *s = store_open(l->store, STORE_READ, &j->err);
	struct run_row *row = NULL;

	if (s && archive_load(s, l->run, &l->loaded, &j->err))
		row = store_run_get(s, l->loaded.run, &j->err);
	if (row) {
		l->view = mem_zero(1, sizeof(*l->view));
		load_numbers(l, s, row);
		store_runs_free(row, 1);
		j->ok = true;
	}
	store_close(s);
}

void desk_close_run(struct open_run *o)
{
	snapshot_unref(o->snapshot);
	free(o->view);
	*o = (struct open_run){0};
}

void desk_weights_changed(struct workbench *w)
{
	w->current.stale = w->pinned.stale = true;
	w->dirty = true;
	desk_refresh(w);
}

/* Something to look at until a sentence is typed: the one whose words the run knows better. */
static const char *first_sentence(const struct encoder *e)
{
	static const char *const text[] = {"The food was not good, but the people were kind.",
					   "房间虽然不大，但是很干净。",
					   "Ein Mann in einem blauen Hemd sitzt auf einer Bank."};
	struct encoding enc = {0};
	double best = 2;
	size_t which = 0;

	for (size_t k = 0; k < sizeof(text) / sizeof(*text); k++) {
		size_t unknown = 0;

		encoder_encode(e, text[k], strlen(text[k]), &enc);
		for (size_t j = 0; j < enc.count; j++)
			unknown += enc.unknown[j];
		if (enc.count && (double)unknown / (double)enc.count < best) {
			best = (double)unknown / (double)enc.count;
			which = k;
		}
	}
	encoding_release(&enc);
	return text[which];
}

static void load_done(struct job *j, void *owner)
{
	struct load_job *l = (struct load_job *)j;
	struct workbench *w = owner;

	w->dirty = true;
	if (!j->ok) {
		workbench_err(w, &j->err);
		if (!strcmp(l->run, "last") && !w->open && !w->session &&
		    w->settings.data) /* the sample instead */
			desk_train(w, &w->settings, false);
		return;
	}
	desk_close_run(&w->stored);
	snprintf(w->stored.id, sizeof(w->stored.id), "%s", l->loaded.id);
	snprintf(w->stored.name, sizeof(w->stored.name), "%s", l->loaded.name);
	snprintf(w->stored.status, sizeof(w->stored.status), "%s", l->status);
	w->stored.snapshot = l->loaded.snapshot;
	w->stored.view = l->view;
	w->stored.parameters = l->parameters;
	l->loaded.snapshot = NULL;
	l->view = NULL;
	w->open = &w->stored;
	workbench_say(w, ROLE_message, "%s is open at epoch %d: 1 shows its curves, 2 its gates",
		      w->stored.name, w->stored.snapshot->epoch);
	if (!w->current.text)
		desk_sentence(w, first_sentence(w->stored.snapshot->encoder));
	desk_weights_changed(w);
}

static void load_release(struct job *j)
{
	struct load_job *l = (struct load_job *)j;

	loaded_release(&l->loaded);
	free(l->view);
	free(l->store);
	free(l->run);
	free(l);
}

void desk_open(struct workbench *w, const char *run)
{
	struct load_job *l = mem_zero(1, sizeof(*l));

	l->job = (struct job){.run = load_run,
			      .done = load_done,
			      .release = load_release,
			      .what = "loading",
			      .visible = true};
	l->store = mem_text(w->context.store);
	l->run = mem_text(run);
	jobs_post(w->jobs, &l->job);
}

void desk_open_live(struct workbench *w)
{
	if (!w->live.snapshot)
		return;
	w->open = &w->live;
	desk_weights_changed(w);
}

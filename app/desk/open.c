/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run that was opened from the store. */
#include "app/desk/desk.h"

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
	struct checkpoint_row *checkpoint;
	size_t checkpoints;
	bool travels; /* run is an id, and the checkpoint is found from these */
	enum travel where;
	int64_t n, from;
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

/* The checkpoint that the traveller means, as long as it is there. */
static bool load_at(struct load_job *l, struct store *s, struct err *err)
{
	struct checkpoint_row *row = NULL;
	struct run_ref ref;
	size_t n = 0;
	char *name;
	int at;
	bool ok;

	if (!store_run_find(s, l->run, &ref, err) ||
	    !store_checkpoint_list(s, ref.run, &row, &n, err))
		return false;
	at = desk_travel_to(row, (int)n, l->where, l->n, l->from, err);
	if (at < 0 || at == (int)n) {
		free(row);
		return at >= 0 && err_set(err, ERR_USAGE, "there is no checkpoint behind step %lld",
					  (long long)l->from);
	}
	name = mem_printf("%s@%lld", l->run, (long long)row[at].step);
	ok = archive_load(s, name, &l->loaded, err);
	free(name);
	free(row);
	return ok;
}

static bool load_snapshot(struct load_job *l, struct store *s, struct err *err)
{
	bool ok = false;

	if (!l->travels)
		return archive_load(s, l->run, &l->loaded, err);
	for (int tries = 0; !ok && tries < TRAVEL_TRIES && err->code != ERR_USAGE; tries++) {
		*err = (struct err){0};
		ok = load_at(l, s, err);
	}
	return ok;
}

static void load_run(struct job *j)
{
	struct load_job *l = (struct load_job *)j;
	struct store *s = store_open(l->store, STORE_READ, &j->err);
	struct run_row *row = NULL;

	if (s && load_snapshot(l, s, &j->err))
		row = store_run_get(s, l->loaded.run, &j->err);
	if (row) {
		l->view = mem_zero(1, sizeof(*l->view));
		load_numbers(l, s, row);
		store_runs_free(row, 1);
		j->ok = store_checkpoint_list(s, l->loaded.run, &l->checkpoint, &l->checkpoints,
					      &j->err);
	}
	store_close(s);
}

void desk_close_run(struct open_run *o)
{
	snapshot_unref(o->snapshot);
	free(o->view);
	free(o->checkpoint);
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
	w->stored.checkpoint = l->checkpoint;
	w->stored.checkpoints = (int)l->checkpoints;
	l->loaded.snapshot = NULL;
	l->view = NULL;
	l->checkpoint = NULL;
	w->open = &w->stored;
	desk_notes(w);
	workbench_say(w, ROLE_message, "%s is open at epoch %d%s", w->stored.name,
		      w->stored.snapshot->epoch,
		      w->session && !strcmp(w->live.id, w->stored.id)
			      ? "; Esc in Train comes back to the training"
			      : ": 1 shows its curves, 2 its gates");
	if (!w->current.text)
		desk_sentence(w, first_sentence(w->stored.snapshot->encoder));
	desk_weights_changed(w);
}

static void load_release(struct job *j)
{
	struct load_job *l = (struct load_job *)j;

	loaded_release(&l->loaded);
	free(l->view);
	free(l->checkpoint);
	free(l->store);
	free(l->run);
	free(l);
}

static struct load_job *load_new(const struct workbench *w, const char *run)
{
	struct load_job *l = mem_zero(1, sizeof(*l));

	l->job = (struct job){.run = load_run,
			      .done = load_done,
			      .release = load_release,
			      .what = "loading",
			      .visible = true};
	l->store = mem_text(w->context.store);
	l->run = mem_text(run);
	return l;
}

void desk_open(struct workbench *w, const char *run)
{
	jobs_post(w->jobs, &load_new(w, run)->job);
}

void desk_open_at(struct workbench *w, const char *id, enum travel where, int64_t n, int64_t from)
{
	struct load_job *l = load_new(w, id);

	l->travels = true;
	l->where = where;
	l->n = n;
	l->from = from;
	jobs_post(w->jobs, &l->job);
}

void desk_open_live(struct workbench *w)
{
	if (!w->live.snapshot)
		return;
	w->open = &w->live;
	desk_notes(w);
	desk_weights_changed(w);
}

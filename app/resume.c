/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/resume.h"

#include "engine/base/mem.h"
#include "store/param.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What may change: the rest is in the weights, or in the order of the texts. */
static bool may_change(const char *assignment)
{
	static const char *const free_ones[] = {
		"epochs",      "lr",          "clip",         "dropout",    "recurrent_dropout",
		"patience",    "optimizer",   "threads",      "keep",       "beta1",
		"beta2",       "eps",         "weight_decay", "schedule",   "decay",
		"decay_after", "decay_every", "warmup",       "clip_value", "embedding_updates"};

	for (size_t k = 0; k < sizeof(free_ones) / sizeof(free_ones[0]); k++) {
		const size_t n = strlen(free_ones[k]);

		if (!strncmp(assignment, free_ones[k], n) && assignment[n] == '=')
			return true;
	}
	return false;
}

static bool read_settings(struct store *s, struct resumed *r, const char *const *assignments,
			  int count, struct err *err)
{
	bool ok = archive_settings(s, r->loaded.run, &r->settings, err);

	if (ok && !task_table[r->settings.task].stream)
		settings_reset(&r->settings, "window"); /* older runs may have one without use */
	for (int k = 0; ok && k < count; k++) {
		r->lr_given |= !strncmp(assignments[k], "lr=", 3);
		ok = may_change(assignments[k])
			     ? settings_assign(&r->settings, assignments[k], err)
			     : err_set(err, ERR_USAGE, "%.*s cannot change in a run that goes on",
				       (int)strcspn(assignments[k], "="), assignments[k]);
	}
	return ok;
}

bool resume_open(struct resumed *r, const char *store, const char *run,
		 const char *const *assignments, int count, struct err *err)
{
	char *name = strchr(run, '@') ? mem_text(run) : mem_printf("%s@last", run);
	struct store *s = store_open(store, STORE_READ, err);
	bool ok;

	*r = (struct resumed){0};
	ok = s && archive_load(s, name, &r->loaded, err) &&
	     archive_load_progress(s, &r->loaded, err) &&
	     (r->row = store_run_get(s, r->loaded.run, err)) &&
	     read_settings(s, r, assignments, count, err);
	store_close(s);
	free(name);
	if (!ok) {
		resume_release(r);
		return false;
	}
	r->best =
		(struct epoch_stats){.epoch = r->row->best_step >= 0 ? (int)r->row->best_epoch : 0,
				     .step = r->row->best_step,
				     .valid_loss = r->row->best_loss,
				     .valid_accuracy = r->row->best_accuracy,
				     .valid_f1 = NAN,
				     .valid_bleu = NAN,
				     .valid_rouge = NAN,
				     .valid_lead = NAN,
				     .valid_exact = NAN};
	return true;
}

void resume_release(struct resumed *r)
{
	loaded_release(&r->loaded);
	store_runs_free(r->row, r->row ? 1 : 0);
	settings_release(&r->settings);
	*r = (struct resumed){0};
}

/* The same bytes as then, or the same run cannot go on. */
static bool same_data(const char *store, const struct resumed *r, const struct prepared *p,
		      struct err *err)
{
	struct store *s = store_open(store, STORE_READ, err);
	bool ok = s;

	for (int k = 0; k < SOURCE_ROLES && ok; k++) {
		const char *role = source_role_name((enum source_role)k);
		const struct source *source = &p->source[k];
		struct dataset d = {0};
		char *name = NULL;

		ok = store_dataset_get(s, r->loaded.run, role, &name, &d, err);
		if (ok && name &&
		    (!source->path || memcmp(d.sha256, source->sha256, sizeof(d.sha256)) != 0))
			ok = err_set(err, ERR_INPUT,
				     "%s is not what the run was trained on: it has changed since",
				     name);
		free(name);
	}
	store_close(s);
	return ok;
}

bool resume_prepare(struct resumed *r, const char *store, bool fork, struct prepared *p,
		    struct run_intro *intro, struct err *err)
{
	struct snapshot *from = r->loaded.snapshot;

	*p = (struct prepared){0};
	if (!fork && !from->progress)
		return err_set(err, ERR_USAGE,
			       "step %lld of %s has no optimizer in the store, which keeps it for "
			       "the newest checkpoint "
			       "only; 'fork' begins there with a fresh one",
			       (long long)from->step, r->loaded.name);
	if (from->epoch >= r->settings.epochs)
		return err_set(err, ERR_USAGE,
			       "%s has done its %d epochs; --set epochs=%d lets it go on",
			       r->loaded.name, from->epoch, from->epoch + 10);
	/* The words of a run that was tuned are not those of its texts alone. */
	if (!prepare_on(&r->settings, &(struct base){.encoder = from->encoder}, p, err))
		return false;
	if (!same_data(store, r, p, err) || p->encoder->model.size != from->encoder->model.size) {
		if (!err->code)
			err_set(err, ERR_INPUT,
				"the texts do not give the run's vocabulary any more");
		prepared_release(p);
		return false;
	}
	p->spec.from = from;
	p->spec.best = r->best.epoch && !fork ? &r->best : NULL;
	if (from->progress && !r->lr_given)
		p->spec.learn.lr = from->progress->lr;
	intro->step = from->step;
	if (fork)
		intro->parent = r->loaded.run;
	else
		intro->resume = r->loaded.id;
	return true;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going on with a run: `resume` as if it had never stopped, `fork` as a run of its own. */
#include "app/archive.h"
#include "app/command/train.h"

#include "engine/base/mem.h"
#include "engine/math/blas.h"
#include "store/list.h"
#include "store/param.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_resume[] = {
	{"--set", "name=value", "a setting of training, such as epochs=20"},
	{"--progress", "FORMAT", "bar, lines or ndjson on standard error"},
	{NULL, NULL, NULL},
};

const struct option options_fork[] = {
	{"--set", "name=value", "a setting of training, such as lr=0.0005"},
	{"--name", "NAME", "what the new run is called"},
	{"--note", "TEXT", "a remark"},
	{"--progress", "FORMAT", "bar, lines or ndjson on standard error"},
	{NULL, NULL, NULL},
};

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

struct source_run {
	struct loaded loaded;
	struct run_row *row;
	struct settings settings;
	bool lr_given;
};

static void release(struct source_run *r)
{
	loaded_release(&r->loaded);
	store_runs_free(r->row, r->row ? 1 : 0);
	settings_release(&r->settings);
}

static bool read_settings(struct store *s, struct source_run *r, const struct args *a,
			  struct err *err)
{
	struct param_row *params = NULL;
	size_t n = 0;
	bool ok = store_params(s, r->loaded.run, &params, &n, err);

	settings_default(&r->settings);
	for (size_t k = 0; ok && k < n; k++)
		ok = settings_set(&r->settings, params[k].name, params[k].value, err);
	store_params_free(params, n);
	for (int k = 0; ok && k < a->option_count; k++) {
		if (strcmp(a->option[k], "--set") != 0)
			continue;
		r->lr_given |= !strncmp(a->value[k], "lr=", 3);
		ok = may_change(a->value[k])
			     ? settings_assign(&r->settings, a->value[k], err)
			     : err_set(err, ERR_USAGE, "%.*s cannot change in a run that goes on",
				       (int)strcspn(a->value[k], "="), a->value[k]);
	}
	return ok;
}

/* RUN means its last checkpoint here, not its best. */
static bool open_source(struct context *c, const struct args *a, struct source_run *r,
			struct err *err)
{
	char *name =
		strchr(a->pos[0], '@') ? mem_text(a->pos[0]) : mem_printf("%s@last", a->pos[0]);
	struct store *s = context_store(c, false, err);
	const bool ok = s && archive_load(s, name, &r->loaded, err) &&
			archive_load_progress(s, &r->loaded, err) &&
			(r->row = store_run_get(s, r->loaded.run, err)) &&
			read_settings(s, r, a, err);

	store_close(s);
	free(name);
	return ok;
}

/* The same bytes as then, or the same run cannot go on. */
static bool same_data(struct context *c, const struct source_run *r, const struct prepared *p,
		      struct err *err)
{
	static const char *const role[] = {"train", "valid"};
	const struct source *source[] = {&p->train_source, &p->valid_source};
	struct store *s = context_store(c, false, err);
	bool ok = s;

	for (int k = 0; k < 2 && ok; k++) {
		struct dataset d = {0};
		char *name = NULL;

		ok = store_dataset_get(s, r->loaded.run, role[k], &name, &d, err);
		if (ok && name &&
		    (!source[k]->path ||
		     memcmp(d.sha256, source[k]->sha256, sizeof(d.sha256)) != 0))
			ok = err_set(err, ERR_INPUT,
				     "%s is not what the run was trained on: it has changed since",
				     name);
		free(name);
	}
	store_close(s);
	return ok;
}

static void warn_elsewhere(const struct context *c, const struct run_row *row)
{
	if (!c->quiet && row->build && *row->build && strcmp(row->build, blas_description()) != 0)
		fprintf(stderr,
			"sluice: the run was trained with another build of OpenBLAS (%s): the last "
			"bits may differ\n",
			row->build);
}

static bool go_on(struct context *c, const struct args *a, struct source_run *r, bool fork,
		  struct err *err)
{
	struct snapshot *from = r->loaded.snapshot;
	struct epoch_stats best = {.epoch = r->row->best_step >= 0 ? (int)r->row->best_epoch : 0,
				   .step = r->row->best_step,
				   .valid_loss = r->row->best_loss,
				   .valid_accuracy = r->row->best_accuracy,
				   .valid_f1 = NAN,
				   .valid_exact = NAN};
	struct run_intro intro = {.name = args_value(a, "--name"),
				  .note = args_value(a, "--note"),
				  .step = from->step};
	struct prepared p = {0};

	if (!fork && !from->progress)
		return err_set(err, ERR_USAGE,
			       "step %lld of %s has no optimizer in the store, which keeps it for "
			       "the newest checkpoint "
			       "only; 'fork' begins there with a fresh one",
			       (long long)from->step, r->loaded.name);
	if (from->epoch >= r->settings.epochs)
		return err_set(err, ERR_USAGE,
			       "%s has done its %d epochs; --set epochs=%d lets it go on",
			       r->loaded.name, r->settings.epochs, r->settings.epochs + 10);
	if (intro.name && !run_name_check(intro.name, err))
		return false;
	if (!prepare(&r->settings, &p, err))
		return false;
	if (!same_data(c, r, &p, err) || p.encoder->model.size != from->encoder->model.size) {
		if (!err->code)
			err_set(err, ERR_INPUT,
				"the texts do not give the run's vocabulary any more");
		prepared_release(&p);
		return false;
	}
	warn_elsewhere(c, r->row);
	p.spec.from = from;
	p.spec.best = best.epoch && !fork ? &best : NULL;
	if (from->progress && !r->lr_given)
		p.spec.lr = from->progress->lr;
	if (fork)
		intro.parent = r->loaded.run;
	else
		intro.resume = r->loaded.id;
	return train_prepared(c, a, &p, &intro, err);
}

static bool begin(struct context *c, const struct args *a, bool fork, struct err *err)
{
	struct source_run r = {0};
	const bool ok = open_source(c, a, &r, err) && go_on(c, a, &r, fork, err);

	release(&r);
	return ok;
}

bool command_resume(struct context *c, const struct args *a, struct err *err)
{
	return begin(c, a, false, err);
}

bool command_fork(struct context *c, const struct args *a, struct err *err)
{
	return begin(c, a, true, err);
}

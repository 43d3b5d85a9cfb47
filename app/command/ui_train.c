/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The workbench's commands for the run in training, and for beginning one. */
#include "app/command/ui_train.h"

#include "app/desk/desk.h"
#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ui_is_training(const struct workbench *w)
{
	return w->session && w->live.view->gauge.state != TRAIN_READY &&
	       !train_state_over(w->live.view->gauge.state);
}

static bool need_session(const struct workbench *w, struct err *err)
{
	if (w->session && !train_state_over(w->live.view->gauge.state))
		return true;
	err_set(err, ERR_USAGE,
		"nothing is being trained; :train begins a new run, :resume "
		"goes on");
	return false;
}

bool ui_toggle(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	(void)a;

	/* The sample, or what -c named, is there to be learned. */
	if (!w->session && w->settings.data && !w->live.view) {
		char label[200];
		const char *slash = strrchr(w->settings.data, '/');

		snprintf(label, sizeof(label), "Begin a new run on %.100s? [y/N] ",
			 slash ? slash + 1 : w->settings.data);
		workbench_ask(w, ASK_TRAIN, label, NULL);
		return true;
	}
	if (!need_session(w, err))
		return false;
	if (w->live.view->gauge.state == TRAIN_RUNNING)
		trainer_pause(w->session->trainer);
	else
		trainer_resume(w->session->trainer);
	w->open = &w->live;
	return true;
}

bool ui_batch(struct context *c, const struct args *a, struct err *err)
{
	(void)a;
	if (!need_session(c->ui, err))
		return false;
	trainer_one_batch(c->ui->session->trainer);
	return true;
}

const char *group_word(int k)
{
	static const char *const name[] = {
		"encoder", "embedding",     "l0",     "l1",        "l2",   "l3", "pool", "decoder",
		"bridge",  "dec.embedding", "dec.l0", "attention", "head", "all"};

	return k < (int)(sizeof(name) / sizeof(name[0])) ? name[k] : NULL;
}

const char *rate_word(int k)
{
	return k > 1 ? group_word(k - 2) : k ? "down" : "up";
}

/* Whether the name stands for a group of the model in training, and something learns when that has its
 * factor. */
static bool may_set(const struct workbench *w, const char *name, double factor, struct err *err)
{
	const double *now = w->live.view->gauge.factor;
	bool known = false, learns = factor > 0;
	struct buf all = {0};
	struct groups g;

	model_groups(&w->session->prepared.encoder->model, &g);
	for (int k = 0; k < g.count; k++) {
		const bool meant = group_matches(name, g.name[k]);

		known |= meant;
		learns |= !meant && now[k] > 0;
		buf_printf(&all, "%s, ", g.name[k]);
	}
	if (!known)
		err_set(err, ERR_USAGE, "there is no group '%s': %sencoder, decoder, all", name,
			buf_str(&all));
	else if (!learns)
		err_set(err, ERR_USAGE, "nothing would be left to learn: S stops the training");
	buf_release(&all);
	return known && learns;
}

/* What groups multiply the rate by, from the next step on. */
static bool set_factor(struct workbench *w, const char *name, double factor, struct err *err)
{
	if (!need_session(w, err) || !may_set(w, name, factor, err))
		return false;
	trainer_set_factor(w->session->trainer, name, factor);
	if (factor > 0)
		workbench_say(w, ROLE_message,
			      factor == 1 ? "%s learns at the plain rate"
					  : "%s learns at %.3g times the rate",
			      name, factor);
	else
		workbench_say(w, ROLE_message, "%s is frozen", name);
	return true;
}

bool ui_freeze(struct context *c, const struct args *a, struct err *err)
{
	return set_factor(c->ui, a->pos[0], 0, err);
}

bool ui_unfreeze(struct context *c, const struct args *a, struct err *err)
{
	return set_factor(c->ui, a->pos[0], 1, err);
}

static bool group_rate(struct workbench *w, const char *name, const char *text, struct err *err)
{
	char *end;
	const double factor = strtod(text, &end);

	if (*end || end == text || !(factor >= 0 && factor <= 1e6))
		return err_set(err, ERR_USAGE,
			       "rate takes a factor from 0 to 1e6 for a group, not '%s'", text);
	return set_factor(w, name, factor, err);
}

bool ui_rate(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	double lr;
	char *end;

	if (a->pos_count == 2)
		return group_rate(w, a->pos[0], a->pos[1], err);
	if (!need_session(w, err))
		return false;
	lr = w->live.rate > 0 ? w->live.rate
			      : w->live.view->gauge.lr; /* keys come faster than answers */
	if (!strcmp(a->pos[0], "up"))
		lr *= 1.25;
	else if (!strcmp(a->pos[0], "down"))
		lr /= 1.25;
	else if ((lr = strtod(a->pos[0], &end)), *end || end == a->pos[0] || !(lr > 0) || lr > 1e38)
		return err_set(err, ERR_USAGE, "rate takes up, down or a number above 0, not '%s'",
			       a->pos[0]);
	w->live.rate = lr;
	trainer_set_lr(w->session->trainer, lr);
	workbench_say(w, ROLE_message, "learning rate %.3g", lr);
	return true;
}

bool ui_stop(struct context *c, const struct args *a, struct err *err)
{
	(void)a;
	if (!need_session(c->ui, err))
		return false;
	trainer_stop(c->ui->session->trainer);
	workbench_say(c->ui, ROLE_message, "stopping after this step, with a checkpoint");
	return true;
}

bool ui_train(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	struct settings s;
	bool ok = true;

	if (ui_is_training(w))
		return err_set(err, ERR_USAGE, "a run is being trained: S stops it");
	settings_copy(&s, &w->settings);
	for (int k = 0; k < a->option_count && ok; k++)
		if (!strcmp(a->option[k], "-c"))
			ok = settings_load(&s, a->value[k], err);
	for (int k = 0; k < a->option_count && ok; k++) {
		if (!strcmp(a->option[k], "--set"))
			ok = settings_assign(&s, a->value[k], err);
		else if (!strcmp(a->option[k], "--data") || !strcmp(a->option[k], "--valid"))
			ok = settings_set(&s, a->option[k] + 2, a->value[k], err);
	}
	for (int k = 0; k < a->pos_count && ok; k++)
		ok = settings_assign(&s, a->pos[k], err);
	if (ok && w->session) { /* prepared, but never begun */
		session_free(w->session);
		w->session = NULL;
	}
	if (ok)
		desk_train(w, &s, true);
	settings_release(&s);
	return ok;
}

/* What a command says of a run to go on from. */
struct going_on {
	const char *run;
	const char *set[ARGS_MAX], *file[ARGS_MAX];
	int sets, files;
};

/* The words with a = are settings; the other one is the run, else it is the open one. */
static bool read_going_on(struct workbench *w, const struct args *a, struct going_on *g,
			  struct err *err)
{
	*g = (struct going_on){.run = w->open && *w->open->id ? w->open->id : NULL};
	if (ui_is_training(w))
		return err_set(err, ERR_USAGE, "a run is being trained: S stops it");
	for (int k = 0; k < a->pos_count; k++) {
		if (strchr(a->pos[k], '='))
			g->set[g->sets++] = a->pos[k];
		else if (k)
			return err_set(err, ERR_USAGE, "'%s' is no setting: name=value", a->pos[k]);
		else
			g->run = a->pos[k];
	}
	return g->run || err_set(err, ERR_USAGE, "open a run first, or name one: 4 lists them");
}

/* A session that was prepared, but never begun. */
static void drop_session(struct workbench *w)
{
	session_free(w->session);
	w->session = NULL;
}

static bool go_on(struct workbench *w, const struct args *a, bool fork, struct err *err)
{
	struct going_on g;

	if (!read_going_on(w, a, &g, err))
		return false;
	for (int k = 0; k < a->option_count && g.sets < ARGS_MAX; k++)
		g.set[g.sets++] = a->value[k];
	drop_session(w);
	desk_resume(w, g.run, fork, g.set, g.sets);
	return true;
}

bool ui_tune(struct context *c, const struct args *a, struct err *err)
{
	char *block[ARGS_MAX] = {NULL};
	struct going_on g;

	if (!read_going_on(c->ui, a, &g, err))
		return false;
	for (int k = 0; k < a->option_count && g.sets < ARGS_MAX; k++)
		if (!strcmp(a->option[k], "-c"))
			g.file[g.files++] = a->value[k];
		else if (!strcmp(a->option[k], "--set"))
			g.set[g.sets++] = a->value[k];
		else
			g.set[g.sets++] = block[k] =
				mem_printf("%s=%s", a->option[k] + 2, a->value[k]);
	drop_session(c->ui);
	desk_tune(c->ui, g.run, g.file, g.files, g.set, g.sets);
	for (int k = 0; k < a->option_count; k++)
		free(block[k]);
	return true;
}

bool ui_resume(struct context *c, const struct args *a, struct err *err)
{
	return go_on(c->ui, a, false, err);
}

bool ui_fork(struct context *c, const struct args *a, struct err *err)
{
	return go_on(c->ui, a, true, err);
}

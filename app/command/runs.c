/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of runs and the page of one. */
#include "app/archive.h"
#include "app/command/command.h"

#include "engine/train/cost.h"
#include "store/event.h"
#include "store/find.h"
#include "store/list.h"
#include "store/note.h"
#include "store/param.h"
#include "store/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct option options_runs[] = {
	{"--order", "COLUMN", "created, name, cell, steps, loss, valid, accuracy ..."},
	{"--ascending", NULL, "lowest or oldest first"},
	{"--filter", "TEXT", "only runs with TEXT in id, name, cell, state, tags, note or data"},
	{"--deleted", NULL, "the deleted runs"},
	{"--limit", "N", "at most N runs"},
	{NULL, NULL, NULL},
};

static const char *time_text(int64_t ms, char out[32])
{
	const time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	out[0] = '\0';
	if (ms > 0 && localtime_r(&seconds, &tm))
		strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
	return out;
}

/* The measure of a task that has no accuracy; NaN for the others. */
static double perplexity_of(const struct run_row *r)
{
	const int task = task_find(r->task);

	return task >= 0 && !task_table[task].accuracy ? exp(r->best_loss) : (double)NAN;
}

bool command_runs(struct context *c, const struct args *a, struct err *err)
{
	static const char *const column[] = {"run",
					     "name",
					     "task",
					     "cell",
					     "hidden",
					     "status",
					     "epochs",
					     "steps",
					     "train_loss",
					     "valid_loss",
					     "valid_accuracy",
					     "best_epoch",
					     "seconds",
					     "created",
					     "tags",
					     "note",
					     "valid_perplexity",
					     "parent",
					     "parent_step"};
	enum { COLS = sizeof(column) / sizeof(column[0]) };
	struct run_list list = {
		.order = args_value(a, "--order"),
		.ascending = args_has(a, "--ascending"),
		.filter = args_value(a, "--filter"),
		.only_deleted = args_has(a, "--deleted"),
	};
	struct store *s;
	struct run_row *rows = NULL;
	struct output o;
	int64_t limit = 0;
	size_t n = 0;
	bool ok;

	if (!args_number(a, "--limit", 1000000000, &limit, err))
		return false;
	list.limit = (int)limit;
	s = store_open_current(c->store, err);
	ok = s && store_runs(s, &list, &rows, &n, err);
	store_close(s);
	if (!ok)
		return false;
	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, COLS);
	for (size_t k = 0; k < n; k++) {
		const struct run_row *r = &rows[k];
		char created[32];
		const struct value v[COLS] = {
			value_text(r->id),
			value_text(r->name),
			value_text(r->task),
			value_text(r->cell),
			value_int(r->hidden),
			value_text(run_status_name(r->status)),
			value_real(r->epochs, 1),
			value_int(r->steps),
			value_real(r->train_loss, 4),
			value_real(r->best_loss, 4),
			value_real(r->best_accuracy, 4),
			r->best_step >= 0 ? value_real(r->best_epoch, 0) : value_null(),
			value_real(r->seconds, 1),
			value_text(time_text(r->created_ms, created)),
			value_text(r->tags),
			value_text(r->note),
			value_real(perplexity_of(r), 4),
			*r->parent_id ? value_text(r->parent_id) : value_null(),
			*r->parent_id ? value_int(r->parent_step) : value_null()};

		output_row(&o, v);
	}
	store_runs_free(rows, n);
	return output_close(&o, err);
}

static void say(struct output *o, const char *name, struct value v)
{
	const struct value row[] = {value_text(name), v};

	if (v.type != VALUE_NULL && !(v.type == VALUE_TEXT && v.n == 0))
		output_row(o, row);
}

/* Which run it began from, by id, name and step. */
static void show_parent(struct output *o, struct store *s, const struct run_row *r)
{
	struct run_ref ref;
	char text[RUN_NAME_SIZE + 64];

	if (!*r->parent_id)
		return;
	if (store_run_find(s, r->parent_id, &ref, NULL))
		snprintf(text, sizeof(text), "%s@%lld (%s)", r->parent_id,
			 (long long)r->parent_step, ref.name);
	else
		snprintf(text, sizeof(text), "%s@%lld (deleted)", r->parent_id,
			 (long long)r->parent_step);
	say(o, "parent", value_text(text));
}

static void show_row(struct output *o, struct store *s, const struct run_row *r)
{
	char created[32], ended[32];

	say(o, "run", value_text(r->id));
	say(o, "name", value_text(r->name));
	show_parent(o, s, r);
	say(o, "status", value_text(run_status_name(r->status)));
	say(o, "message", value_text(r->message));
	say(o, "created", value_text(time_text(r->created_ms, created)));
	say(o, "ended", value_text(time_text(r->ended_ms, ended)));
	say(o, "seconds", value_real(r->seconds, 1));
	say(o, "epochs", value_real(r->epochs, 1));
	say(o, "steps", value_int(r->steps));
	say(o, "train_loss", value_real(r->train_loss, 4));
	say(o, "best_valid_loss", value_real(r->best_loss, 4));
	say(o, "best_valid_accuracy", value_real(r->best_accuracy, 4));
	say(o, "best_valid_perplexity", value_real(perplexity_of(r), 4));
	if (r->best_step >= 0)
		say(o, "best_step", value_int(r->best_step));
	say(o, "parameters", value_int(r->parameters));
	say(o, "tags", value_text(r->tags));
	say(o, "note", value_text(r->note));
	say(o, "command", value_text(r->command));
	say(o, "machine", value_text(r->machine));
	say(o, "build", value_text(r->build));
	say(o, "version", value_text(r->version));
}

/* The model's size and what training it takes, but for the texts: those add memory_per_token for each
 * token of a batch. Nothing of a model that this version does not know. */
static void show_cost(struct output *o, struct store *s, const struct run_row *r,
		      const struct param_row *params, size_t n)
{
	struct encoder *e = archive_encoder_load(s, r->run, r->spec, NULL);
	const struct optim_ops *optim = NULL;
	struct cost c;
	char name[48];

	for (size_t k = 0; k < n; k++)
		if (!strcmp(params[k].name, "optimizer"))
			optim = optim_find(params[k].value);
	if (!e || !optim) {
		encoder_unref(e);
		return;
	}
	cost_of_model(&c, &e->model, optim, r->threads > 1 ? r->threads : 1);
	for (int k = 0; k < c.groups; k++) {
		snprintf(name, sizeof(name), "parameters %s", c.group[k].name);
		say(o, name, value_int(c.group[k].parameters));
	}
	say(o, "bytes", value_int(c.bytes));
	say(o, "flop_per_token_forward", value_int(c.forward.token));
	say(o, "flop_per_token_backward", value_int(c.backward.token));
	say(o, "memory", value_int(cost_memory(&c)));
	say(o, "memory_per_token", value_int(c.activations_token));
	encoder_unref(e);
}

/* What was noted of its units. */
static bool show_notes(struct output *o, struct store *s, int64_t run, struct err *err)
{
	struct unit_note *notes;
	size_t count;
	char name[64];

	if (!store_unit_notes(s, run, &notes, &count, err))
		return false;
	for (size_t k = 0; k < count; k++) {
		snprintf(name, sizeof(name), "note %s unit %d", notes[k].layer, notes[k].unit);
		say(o, name, value_text(notes[k].text));
	}
	store_unit_notes_free(notes, count);
	return true;
}

static bool show_rest(struct output *o, struct store *s, const struct run_row *r, struct err *err)
{
	struct param_row *params = NULL;
	struct checkpoint_row *points = NULL;
	size_t n = 0, m = 0;
	char name[96];
	bool ok = store_params(s, r->run, &params, &n, err) &&
		  store_checkpoint_list(s, r->run, &points, &m, err);

	if (ok)
		show_cost(o, s, r, params, n);
	for (size_t k = 0; k < n; k++) {
		snprintf(name, sizeof(name), "setting %s", params[k].name);
		say(o, name, value_text(params[k].value));
	}
	for (size_t k = 0; k < m; k++) {
		char text[96];

		snprintf(name, sizeof(name), "checkpoint @%lld", (long long)points[k].step);
		snprintf(text, sizeof(text), "epoch %g, %.1f MB%s%s", points[k].epoch,
			 (double)points[k].bytes / 1e6, points[k].best ? ", best" : "",
			 points[k].resumable ? ", with optimizer" : "");
		say(o, name, value_text(text));
	}
	store_params_free(params, n);
	free(points);
	return ok;
}

bool command_show(struct context *c, const struct args *a, struct err *err)
{
	static const char *const column[] = {"field", "value"};
	struct store *s = store_open_current(c->store, err);
	struct run_ref ref;
	struct run_row *row = s && store_run_find(s, a->pos[0], &ref, err)
				      ? store_run_get(s, ref.run, err)
				      : NULL;
	struct output o;
	bool ok = row;

	if (ok) {
		output_open(&o, c->format, c->out, c->answer);
		o.left = true;
		output_columns(&o, column, 2);
		show_row(&o, s, row);
		ok = show_notes(&o, s, row->run, err) && show_rest(&o, s, row, err);
		ok = output_close(&o, ok ? err : NULL) && ok;
	}
	store_runs_free(row, row ? 1 : 0);
	store_close(s);
	return ok;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From one checkpoint of the open run to another. */
#include "app/desk/desk.h"

#include "app/archive.h"
#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct travel_job {
	struct job job;
	char *store, id[9];
	struct encoder *encoder; /* one reference */
	int64_t from;            /* step */
	enum travel where;
	int64_t n;
	struct checkpoint_row *row;
	size_t count;
	int at; /* where to; count: past the last */
	struct snapshot *snapshot;
};

int desk_checkpoint(const struct workbench *w)
{
	const struct open_run *o = w->open;

	for (int k = 0; o && o->snapshot && k < o->checkpoints; k++)
		if (o->checkpoint[k].step == o->snapshot->step)
			return k;
	return -1;
}

/* So many on or back; where it stands there may be no checkpoint. */
static int by_number(const struct checkpoint_row *row, int count, int64_t n, int64_t from)
{
	int64_t before = 0, here = 0; /* how many are before the step, and at it */

	for (int k = 0; k < count; k++) {
		before += row[k].step < from;
		here += row[k].step == from;
	}
	if (n < 0)
		return (int)(before + n > 0 ? before + n : 0);
	return (int)(before + here + n - 1 < count ? before + here + n - 1 : count);
}

int desk_travel_to(const struct checkpoint_row *row, int count, enum travel where, int64_t n,
		   int64_t from, struct err *err)
{
	if (!count) {
		err_set(err, ERR_NO_RUN, "the run has no checkpoint stored yet");
		return -1;
	}
	if (where == TRAVEL_BY)
		return by_number(row, count, n, from);
	for (int k = 0; k < count; k++)
		if (where == TRAVEL_FIRST || (where == TRAVEL_LAST && k == count - 1) ||
		    (where == TRAVEL_BEST && row[k].best) ||
		    (where == TRAVEL_STEP && row[k].step == n))
			return k;
	err_set(err, ERR_USAGE,
		"there is no checkpoint at step %lld; the first is at %lld, the last at %lld, and "
		"there are %d",
		(long long)n, (long long)row[0].step, (long long)row[count - 1].step, count);
	return -1;
}

static bool load(struct travel_job *t, struct store *s, int64_t run, struct err *err)
{
	free(t->row);
	t->row = NULL;
	if (!store_checkpoint_list(s, run, &t->row, &t->count, err))
		return false;
	t->at = desk_travel_to(t->row, (int)t->count, t->where, t->n, t->from, err);
	if (t->at < 0 || t->at == (int)t->count || t->row[t->at].step == t->from)
		return t->at >= 0;
	t->snapshot = archive_load_at(s, t->encoder, &t->row[t->at], err);
	return t->snapshot;
}

/* A training may thin its checkpoints out at any moment: what was in the list just now may be gone. */
static void travel_run(struct job *j)
{
	struct travel_job *t = (struct travel_job *)j;
	struct store *s = store_open(t->store, STORE_READ, &j->err);
	struct run_ref ref;

	if (s && store_run_find(s, t->id, &ref, &j->err))
		for (int tries = 0; !j->ok && tries < TRAVEL_TRIES; tries++) {
			j->err = (struct err){0};
			j->ok = load(t, s, ref.run, &j->err);
			if (j->err.code == ERR_USAGE)
				break;
		}
	store_close(s);
}

static bool is_training(const struct workbench *w, const char *id)
{
	return w->session && !strcmp(w->live.id, id);
}

static void say_where(struct workbench *w, const struct travel_job *t)
{
	const struct checkpoint_row *r = &t->row[t->at];

	workbench_say(w, ROLE_message, "epoch %.4g, step %lld: checkpoint %d of %zu%s%s", r->epoch,
		      (long long)r->step, t->at + 1, t->count, r->best ? ", the best" : "",
		      is_training(w, t->id) ? "; Esc in Train comes back to the training" : "");
}

/* There is no checkpoint behind the last: the run may be in training, and on its way to the next. */
static void past_the_last(struct workbench *w, const struct travel_job *t)
{
	if (is_training(w, t->id)) {
		desk_open_live(w);
		workbench_say(w, ROLE_message, "%s as it is in training", w->live.name);
	} else {
		workbench_say(w, ROLE_message, "there is no checkpoint behind step %lld",
			      (long long)t->from);
	}
}

static void arrive(struct workbench *w, struct travel_job *t)
{
	if (t->at == (int)t->count) {
		past_the_last(w, t);
		return;
	}
	if (!t->snapshot && t->where == TRAVEL_BY && t->n < 0) {
		workbench_say(w, ROLE_message, "there is no checkpoint before step %lld",
			      (long long)t->from);
		return;
	}
	free(w->open->checkpoint);
	w->open->checkpoint = t->row;
	w->open->checkpoints = (int)t->count;
	say_where(w, t);
	if (t->snapshot) {
		snapshot_unref(w->open->snapshot);
		w->open->snapshot = t->snapshot;
		t->snapshot = NULL;
		desk_weights_changed(w);
	}
	t->row = NULL;
}

static void travel_done(struct job *j, void *owner)
{
	struct travel_job *t = (struct travel_job *)j;
	struct workbench *w = owner;
	const int more = w->travel.more;
	struct err err = {0};

	w->travel = (struct travel_state){0};
	w->dirty = true;
	if (!w->open || w->open->live || strcmp(w->open->id, t->id) != 0)
		return; /* another run is open by now */
	if (!j->ok) {
		workbench_err(w, &j->err);
		return;
	}
	arrive(w, t);
	if (more && !desk_travel(w, TRAVEL_BY, more, &err))
		workbench_err(w, &err);
}

static void travel_release(struct job *j)
{
	struct travel_job *t = (struct travel_job *)j;

	encoder_unref(t->encoder);
	snapshot_unref(t->snapshot);
	free(t->row);
	free(t->store);
	free(t);
}

bool desk_travel(struct workbench *w, enum travel where, int64_t n, struct err *err)
{
	const struct open_run *o = w->open;
	struct travel_job *t;

	if (!o || !o->snapshot || !*o->id)
		return err_set(err, ERR_USAGE,
			       o ? "the run has no checkpoint stored yet" : "open a run first");
	if (o->live) {
		desk_open_at(w, o->id, where, n, o->snapshot->step);
		return true;
	}
	if (w->travel.pending) {
		w->travel.more += where == TRAVEL_BY ? (int)n : 0;
		return where == TRAVEL_BY ||
		       err_set(err, ERR_USAGE, "another checkpoint is being opened");
	}
	t = mem_zero(1, sizeof(*t));
	t->job = (struct job){.run = travel_run,
			      .done = travel_done,
			      .release = travel_release,
			      .what = "checkpoint"};
	t->store = mem_text(w->context.store);
	memcpy(t->id, o->id, sizeof(t->id));
	t->encoder = encoder_ref(o->snapshot->encoder);
	t->from = o->snapshot->step;
	t->where = where;
	t->n = n;
	w->travel.pending = true;
	jobs_post(w->jobs, &t->job);
	return true;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits held against random ones on the job thread, a slice at a time: each slice is a job that hands on what it
 * has come to, so that other jobs come in between. */
#include "app/desk/desk.h"

#include "engine/base/mem.h"
#include "engine/inspect/control.h"

#include <stdlib.h>
#include <string.h>

enum { SLICE_MS = 40 };

struct control_job {
	struct job job;
	/* Of the first slice. */
	struct snapshot *snapshot;
	char *text;
	struct edit *edit;
	int count;

	struct control *control;
	bool over;
};

static void control_run(struct job *j)
{
	struct control_job *c = (struct control_job *)j;
	const int64_t begun = desk_now_ms();

	if (!c->control)
		c->control = control_new(c->snapshot, c->text, c->edit, c->count, CONTROL_RUNS, 1,
					 &j->err);
	c->over = !c->control;
	while (!c->over && desk_now_ms() - begun < SLICE_MS)
		c->over = !control_step(c->control, &j->err);
	j->ok = c->control && !j->err.code;
}

static void control_release(struct job *j)
{
	struct control_job *c = (struct control_job *)j;

	control_free(c->control);
	snapshot_unref(c->snapshot);
	free(c->text);
	free(c->edit);
	free(c);
}

static void control_done(struct job *j, void *owner);

static struct control_job *job_new(struct workbench *w)
{
	struct control_job *c = mem_zero(1, sizeof(*c));

	c->job = (struct job){.run = control_run,
			      .done = control_done,
			      .release = control_release,
			      .what = "random edits"};
	w->against.job = &c->job;
	return c;
}

static void take(struct held_against *h, const struct control *c)
{
	const size_t size = (size_t)c->C * sizeof(double);

	free(h->mean);
	free(h->deviation);
	h->mean = mem_alloc(size);
	h->deviation = mem_alloc(size);
	memcpy(h->mean, c->mean, size);
	memcpy(h->deviation, c->deviation, size);
	h->what = c->what;
	h->done = c->done;
	h->runs = c->runs;
	h->C = c->C;
}

static void control_done(struct job *j, void *owner)
{
	struct control_job *c = (struct control_job *)j, *next;
	struct workbench *w = owner;

	if (w->against.job != j)
		return; /* the edits are others by now */
	w->against.job = NULL;
	w->dirty = true;
	if (!j->ok) /* there is nothing to draw, or no memory: then nothing is shown */
		return;
	take(&w->against, c->control);
	if (c->over)
		return;
	next = job_new(w);
	next->control = c->control;
	c->control = NULL;
	jobs_post(w->jobs, &next->job);
}

void desk_control_forget(struct workbench *w)
{
	free(w->against.mean);
	free(w->against.deviation);
	w->against = (struct held_against){0}; /* whoever still tries is not listened to */
}

void desk_control(struct workbench *w)
{
	const struct trace *base = w->current.unedited;
	struct control_job *c;

	desk_control_forget(w);
	if (!base || !task_table[base->snapshot->encoder->model.spec.task].labels)
		return;
	c = job_new(w);
	c->snapshot = snapshot_ref(base->snapshot);
	c->text = mem_text(base->text);
	c->edit = debug_edits(&w->debug, &c->count);
	jobs_post(w->jobs, &c->job);
}

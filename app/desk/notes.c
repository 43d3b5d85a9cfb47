/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was noted of the units of the open run. */
#include "app/desk/desk.h"

#include "engine/base/mem.h"
#include "store/find.h"

#include <stdlib.h>
#include <string.h>

struct notes_job {
	struct job job;
	char *store, id[9];
	struct unit_note *at;
	size_t count;
};

static void notes_run(struct job *j)
{
	struct notes_job *n = (struct notes_job *)j;
	struct store *s = store_open(n->store, STORE_READ, &j->err);
	struct run_ref ref;

	j->ok = s && store_run_find(s, n->id, &ref, &j->err) &&
		store_unit_notes(s, ref.run, &n->at, &n->count, &j->err);
	store_close(s);
}

static void notes_done(struct job *j, void *owner)
{
	struct notes_job *n = (struct notes_job *)j;
	struct workbench *w = owner;

	if (!j->ok)
		return; /* a run that is gone has no notes */
	store_unit_notes_free(w->notes.at, w->notes.count);
	memcpy(w->notes.id, n->id, sizeof(n->id));
	w->notes.at = n->at;
	w->notes.count = n->count;
	n->at = NULL;
	n->count = 0;
	w->dirty = true;
}

static void notes_release(struct job *j)
{
	struct notes_job *n = (struct notes_job *)j;

	store_unit_notes_free(n->at, n->count);
	free(n->store);
	free(n);
}

void desk_notes(struct workbench *w)
{
	struct notes_job *n;

	if (!w->open || !*w->open->id)
		return;
	n = mem_zero(1, sizeof(*n));
	n->job = (struct job){
		.run = notes_run, .done = notes_done, .release = notes_release, .what = "notes"};
	n->store = mem_text(w->context.store);
	memcpy(n->id, w->open->id, sizeof(n->id));
	jobs_post(w->jobs, &n->job);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing a text on the job thread, a slice at a time: each slice is a job that hands its writer to
 * the next one, so that the text appears as it is written and other jobs come in between.
 */
#include "app/desk.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { SLICE_MS = 40, SLICE_TOKENS = 512 };

struct write_job {
	struct job job;
	struct jobs *jobs;
	struct snapshot *snapshot;
	struct writer_spec spec;
	char *text; /* that spec.text is; for the first slice only */
	struct writer *writer;
	struct encoding read; /* of the first slice */
	struct written *piece;
	int count, room; /* written in this slice; how many may still be */
	bool over;
};

static void write_run(struct job *j)
{
	struct write_job *wj = (struct write_job *)j;
	const bool once = wj->snapshot->encoder->model.dec.runs;
	const int64_t begun = desk_now_ms();

	if (!wj->writer) {
		const struct encoding *e;

		wj->writer = writer_new(wj->snapshot, &wj->spec, &j->err);
		if (!wj->writer)
			return;
		e = writer_prompt(wj->writer);
		for (size_t k = 0; k < e->count; k++) {
			size_t n;
			const char *token = tokens_at(&e->tokens, k, &n);

			encoding_add(&wj->read, e->ids[k], e->unknown[k], token, n);
		}
	}
	wj->piece = mem_alloc(SLICE_TOKENS * sizeof(*wj->piece));
	while (wj->count < wj->room && wj->count < SLICE_TOKENS && !wj->over &&
	       !__atomic_load_n(&j->cancel, __ATOMIC_RELAXED)) {
		if (!writer_next(wj->writer, &wj->piece[wj->count]))
			break;
		wj->over = once && wj->piece[wj->count].end;
		wj->count++;
		if (desk_now_ms() - begun >= SLICE_MS)
			break;
	}
	wj->over |= !wj->count || wj->count >= wj->room;
	j->ok = true;
}

static void write_done(struct job *j, void *owner);

static void write_release(struct job *j)
{
	struct write_job *wj = (struct write_job *)j;

	writer_free(wj->writer);
	snapshot_unref(wj->snapshot);
	encoding_release(&wj->read);
	free(wj->piece);
	free(wj->text);
	free(wj);
}

static struct write_job *job_new(struct workbench *w, struct snapshot *s, int room)
{
	struct write_job *wj = mem_zero(1, sizeof(*wj));

	wj->job = (struct job){
		.run = write_run, .done = write_done, .release = write_release, .what = "writing"};
	wj->snapshot = snapshot_ref(s);
	wj->room = room;
	w->text.job = &wj->job;
	return wj;
}

static void take(struct text_state *t, struct write_job *wj)
{
	if (wj->text) { /* the first slice */
		encoding_release(&t->read);
		t->read = wj->read;
		wj->read = (struct encoding){0};
	}
	t->token = mem_grow(t->token, &t->cap, (size_t)t->count + (size_t)wj->count,
			    sizeof(*t->token));
	if (wj->count)
		memcpy(t->token + t->count, wj->piece, (size_t)wj->count * sizeof(*wj->piece));
	t->count += wj->count;
	if (t->follow && t->count)
		t->cursor = t->count - 1;
}

static void write_done(struct job *j, void *owner)
{
	struct write_job *wj = (struct write_job *)j, *next;
	struct workbench *w = owner;
	struct text_state *t = &w->text;

	if (t->job != j)
		return; /* another text is being written */
	w->dirty = true;
	t->job = NULL;
	if (!j->ok && j->err.code != ERR_CANCELLED)
		workbench_say(w, ROLE_error, "%s", j->err.msg);
	if (!j->ok)
		return;
	take(t, wj);
	if (wj->over || j->cancel)
		return;
	next = job_new(w, wj->snapshot, wj->room - wj->count);
	next->writer = wj->writer;
	wj->writer = NULL;
	jobs_post(w->jobs, &next->job);
}

void desk_write_stop(struct workbench *w)
{
	if (w->text.job)
		__atomic_store_n(&w->text.job->cancel, 1, __ATOMIC_RELAXED);
}

void desk_write_forget(struct workbench *w)
{
	struct text_state *t = &w->text;

	t->job = NULL; /* whoever still writes is not listened to */
	snapshot_unref(t->snapshot);
	encoding_release(&t->read);
	free(t->read_text);
	free(t->token);
	t->snapshot = NULL;
	t->read = (struct encoding){0};
	t->read_text = NULL;
	t->token = NULL;
	t->cap = 0;
	t->count = t->cursor = t->first = 0;
	t->live = false;
}

bool desk_write_is_open(const struct workbench *w)
{
	const struct text_state *t = &w->text;
	const char *id = t->live ? w->live.id : t->id;

	if (!t->snapshot || !w->open)
		return false;
	return w->open->live ? t->live : *id && !strcmp(id, w->open->id);
}

bool desk_write(struct workbench *w, const char *prompt, struct err *err)
{
	struct text_state *t = &w->text;
	struct snapshot *s = w->open ? w->open->snapshot : NULL;
	const char *text = prompt ? prompt : t->prompt ? t->prompt : "";
	struct write_job *wj;
	char *copy;
	bool again;

	if (!s)
		return err_set(err, ERR_USAGE, "open a run first: 4 lists them");
	if (task_table[s->encoder->model.spec.task].labels)
		return err_set(err, ERR_USAGE,
			       "this run's task is %s: it gives texts a label and writes none",
			       task_table[s->encoder->model.spec.task].name);
	again = s->encoder->model.dec.runs;
	if (again && !*text)
		return err_set(err, ERR_USAGE, "there is no text to write again: i asks for one");
	copy = mem_text(text);
	desk_write_stop(w);
	desk_write_forget(w);
	free(t->prompt);
	t->prompt = mem_text(copy);
	t->read_text = mem_text(copy);
	t->snapshot = snapshot_ref(s);
	snprintf(t->id, sizeof(t->id), "%s", w->open->id);
	t->live = w->open->live;
	t->most = t->length;
	t->follow = !again;
	wj = job_new(w, s, t->most);
	wj->text = copy;
	wj->spec = (struct writer_spec){
		.text = copy, .n = strlen(copy), .how = t->how, .seed = t->seed};
	if (again) /* what the model is surest of, as the trace has it */
		wj->spec.how = (struct sampling){.temperature = 0, .top_p = 1};
	jobs_post(w->jobs, &wj->job);
	w->dirty = true;
	return true;
}

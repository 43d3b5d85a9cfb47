/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing a text on the job thread, a slice at a time: each slice is a job that hands its writer to
 * the next one, so that the text appears as it is written and other jobs come in between.
 */
#include "app/branches.h"
#include "app/desk/desk.h"

#include "engine/base/mem.h"

#include <math.h>
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

	/* Of pairs: what the slice has come to. */
	bool searching;
	int seen;               /* nodes that came with earlier slices */
	struct branches search; /* the nodes behind those, and all texts */
	real *look;             /* a row for each token */
};

/* Copies what the search has found since the last slice. */
static void copy_search(struct write_job *wj)
{
	const struct beam *b = writer_beam(wj->writer);
	struct branches *to = &wj->search;

	to->nodes = b->nodes - wj->seen;
	to->node = mem_grow(NULL, &to->node_cap, (size_t)to->nodes + 1, sizeof(*to->node));
	memcpy(to->node, b->node + wj->seen, (size_t)to->nodes * sizeof(*to->node));
	to->texts = b->texts;
	to->text = mem_grow(NULL, &to->text_cap, (size_t)to->texts + 1, sizeof(*to->text));
	for (int k = 0; k < to->texts; k++) {
		to->text[k] = b->text[k];
		to->text[k].ids = NULL;
	}
}

/* Keeps what the token looked at that has just been written. */
static void copy_look(struct write_job *wj)
{
	const real *look = writer_look(wj->writer);
	const size_t n = writer_prompt(wj->writer)->count;

	if (!look)
		return;
	if (!wj->look)
		wj->look = mem_alloc(SLICE_TOKENS * (n + 1) * sizeof(*wj->look));
	memcpy(wj->look + (size_t)wj->count * n, look, n * sizeof(*look));
}

static bool slice_is_over(const struct write_job *wj, int64_t begun)
{
	return __atomic_load_n(&wj->job.cancel, __ATOMIC_RELAXED) ||
	       desk_now_ms() - begun >= SLICE_MS;
}

/* Searches for a slice's time; whether that is over. */
static bool search_on(struct write_job *wj, int64_t begun)
{
	if (!wj->searching)
		return true;
	while ((wj->searching = writer_search(wj->writer)) && !slice_is_over(wj, begun))
		;
	copy_search(wj);
	return !wj->searching;
}

/* Begins: reads the text. */
static bool begin(struct write_job *wj, struct err *err)
{
	const struct encoding *e;

	wj->writer = writer_new(wj->snapshot, &wj->spec, err);
	if (!wj->writer)
		return false;
	wj->searching = writer_beam(wj->writer);
	e = writer_prompt(wj->writer);
	for (size_t k = 0; k < e->count; k++) {
		size_t n;
		const char *token = tokens_at(&e->tokens, k, &n);

		encoding_add(&wj->read, e->ids[k], e->unknown[k], token, n);
	}
	return true;
}

static void write_run(struct job *j)
{
	struct write_job *wj = (struct write_job *)j;
	const bool once = wj->snapshot->encoder->model.dec.runs;
	const int64_t begun = desk_now_ms();

	if (!wj->writer && !begin(wj, &j->err))
		return;
	j->ok = true;
	if (!search_on(wj, begun))
		return;
	wj->piece = mem_alloc(SLICE_TOKENS * sizeof(*wj->piece));
	while (wj->count < wj->room && wj->count < SLICE_TOKENS && !wj->over) {
		if (!writer_next(wj->writer, &wj->piece[wj->count]))
			break;
		copy_look(wj);
		wj->over = once && wj->piece[wj->count].end;
		wj->count++;
		if (slice_is_over(wj, begun))
			break;
	}
	wj->over |= !wj->count || wj->count >= wj->room;
}

static void write_done(struct job *j, void *owner);

static void write_release(struct job *j)
{
	struct write_job *wj = (struct write_job *)j;

	writer_free(wj->writer);
	snapshot_unref(wj->snapshot);
	encoding_release(&wj->read);
	branches_forget(&wj->search);
	free(wj->piece);
	free(wj->look);
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

/* Adds what the search has found. */
static void take_search(struct branches *b, const struct branches *more)
{
	const size_t n = (size_t)b->nodes, added = (size_t)more->nodes, texts = (size_t)more->texts;

	b->node = mem_grow(b->node, &b->node_cap, n + added + 1, sizeof(*b->node));
	b->open = mem_grow(b->open, &b->open_cap, n + added + 1, sizeof(*b->open));
	memcpy(b->node + n, more->node, added * sizeof(*b->node));
	memset(b->open + n, 0, added * sizeof(*b->open));
	b->nodes += more->nodes;
	b->text = mem_grow(b->text, &b->text_cap, texts + 1, sizeof(*b->text));
	memcpy(b->text, more->text, texts * sizeof(*b->text));
	b->texts = more->texts;
	b->laid = false;
}

/* While the search goes on, the text is the best that it has come to: of its tokens there is no more to
 * tell than how probable they are. */
static void show_leading(struct text_state *t)
{
	struct branches *b = &t->branches;
	const struct vocab *v = t->snapshot->encoder->target;
	const int end = vocab_end(v);
	int node;

	branches_lay(b);
	node = branches_leaf(b);
	t->count = node < 0 ? 0 : b->node[node].step;
	t->token = mem_grow(t->token, &t->cap, (size_t)t->count + 1, sizeof(*t->token));
	for (int k = t->count; k-- > 0; node = b->node[node].parent) {
		const struct beam_node *n = &b->node[node];
		struct written *w = &t->token[k];

		*w = (struct written){.id = n->id, .p = n->p, .bits = NAN, .end = n->id == end};
		w->token = vocab_token(v, n->id, &w->n);
	}
	for (int k = 1; k < t->count; k++)
		t->token[k].gap = token_gap(&vocab_rules(v)->rules, t->token[k - 1].token,
					    t->token[k - 1].n, t->token[k].token, t->token[k].n);
}

static void take_looks(struct text_state *t, const struct write_job *wj)
{
	const size_t n = t->read.count;

	if (!wj->look)
		return;
	t->look = mem_grow(t->look, &t->look_cap, (size_t)(t->count + wj->count) * n + 1,
			   sizeof(*t->look));
	memcpy(t->look + (size_t)t->count * n, wj->look, (size_t)wj->count * n * sizeof(*t->look));
}

static void take(struct text_state *t, struct write_job *wj)
{
	if (wj->text) { /* the first slice */
		encoding_release(&t->read);
		t->read = wj->read;
		wj->read = (struct encoding){0};
	}
	if (wj->search.node) {
		take_search(&t->branches, &wj->search);
		t->count = 0;
	}
	t->searching = wj->searching;
	if (t->searching)
		show_leading(t);
	take_looks(t, wj);
	t->token = mem_grow(t->token, &t->cap, (size_t)t->count + (size_t)wj->count + 1,
			    sizeof(*t->token));
	if (wj->count)
		memcpy(t->token + t->count, wj->piece, (size_t)wj->count * sizeof(*wj->piece));
	t->count += wj->count;
	if (t->cursor >= t->count || t->follow)
		t->cursor = t->count ? t->count - 1 : 0;
	if (!t->tree && !t->follow)
		branches_goto(&t->branches, t->cursor + 1);
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
		workbench_err(w, &j->err);
	if (!j->ok)
		return;
	take(t, wj);
	if (wj->over || j->cancel)
		return;
	next = job_new(w, wj->snapshot, wj->room - wj->count);
	next->writer = wj->writer;
	next->searching = wj->searching;
	next->seen = t->branches.nodes;
	wj->writer = NULL;
	jobs_post(w->jobs, &next->job);
}

void desk_write_stop(struct workbench *w)
{
	/* Once a search is over its answer is all there; only what each token looked at is still told. */
	if (w->text.job && (w->text.searching || !w->text.branches.texts))
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
	free(t->look);
	branches_forget(&t->branches);
	t->look = NULL;
	t->look_cap = 0;
	t->searching = t->tree = false;
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

/* How a text is written: the likeliest answer is looked for, what is written again is what the model is
 * surest of, as the trace has it, and the rest is drawn. */
static struct writer_spec spec_of(struct text_state *t, const char *text)
{
	const struct model *m = &t->snapshot->encoder->model;
	struct writer_spec spec = {.text = text, .n = strlen(text), .how = t->how, .seed = t->seed};

	if (task_table[m->spec.task].pairs) {
		spec.beam = t->wide = t->drawn ? 0 : t->beam;
		spec.penalty = t->scored = t->penalty;
		spec.most = t->length;
	} else if (m->dec.runs) {
		spec.how = (struct sampling){.temperature = 0, .top_p = 1};
	}
	return spec;
}

bool desk_write(struct workbench *w, const char *prompt, struct err *err)
{
	struct text_state *t = &w->text;
	struct snapshot *s = w->open ? w->open->snapshot : NULL;
	const char *text = prompt ? prompt : t->prompt ? t->prompt : "";
	struct write_job *wj;
	char *copy;
	const struct task_ops *task;
	bool again;

	if (!s)
		return err_set(err, ERR_USAGE, "open a run first: 4 lists them");
	task = &task_table[s->encoder->model.spec.task];
	if (task->labels)
		return err_set(err, ERR_USAGE,
			       "this run's task is %s: it gives texts a label and writes none",
			       task->name);
	again = s->encoder->model.dec.runs;
	if (again && !*text)
		return err_set(err, ERR_USAGE, "there is no text to %s: i asks for one",
			       task->pairs ? task->name : "write again");
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
	wj->spec = spec_of(t, copy);
	jobs_post(w->jobs, &wj->job);
	w->dirty = true;
	return true;
}

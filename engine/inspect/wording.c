/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/wording.h"

#include "engine/base/mem.h"
#include "engine/inspect/runs.h"

#include <stdlib.h>
#include <string.h>

static void copy_words(struct encoding *to, const struct encoding *from, size_t begin, size_t end)
{
	for (size_t k = begin; k < end; k++) {
		size_t n;
		const char *token = tokens_at(&from->tokens, k, &n);

		encoding_add(to, from->ids[k], from->unknown[k], token, n);
	}
}

/* Lays the words out as steps. */
static void lay_out(struct wording *w)
{
	const struct encoder *e = w->base->snapshot->encoder;
	struct batch b = {0};

	batch_of_ids(&b, w->encoding.ids, (int)w->encoding.count, &e->rules);
	w->T = b.steps.N;
	free(w->ids);
	free(w->token);
	w->ids = mem_alloc(((size_t)w->T + 1) * sizeof(*w->ids));
	if (w->T)
		memcpy(w->ids, b.ids, (size_t)w->T * sizeof(*w->ids));
	w->token = runs_tokens(&w->encoding, w->T, &e->rules);
	batch_release(&b);
}

void wording_begin(struct wording *w, const struct trace *base)
{
	*w = (struct wording){.base = base};
	copy_words(&w->encoding, &base->encoding, 0, base->encoding.count);
	w->of = mem_grow(NULL, &w->of_cap, w->encoding.count + 1, sizeof(*w->of));
	for (size_t k = 0; k < w->encoding.count; k++)
		w->of[k] = (int)k;
	lay_out(w);
}

void wording_release(struct wording *w)
{
	encoding_release(&w->encoding);
	free(w->of);
	free(w->ids);
	free(w->token);
	free(w->set);
	*w = (struct wording){0};
}

int wording_count(const struct encoder *e, const char *text)
{
	struct encoding words = {0};
	int count;

	vocab_encode(e->vocab, text, strlen(text), &words);
	count = (int)words.count;
	encoding_release(&words);
	return count;
}

/* --- where an edit stands ------------------------------------------------------------------------ */

/* Whether a word is the mark that a line of a stream begins with. */
static bool is_mark(const struct wording *w, int word)
{
	const struct encoder *e = w->base->snapshot->encoder;

	return task_table[e->model.spec.task].stream &&
	       w->encoding.ids[word] == vocab_end(e->vocab);
}

/* The word that an edit replaces, takes out or is put in front of; -1 with err set. */
static int word_at(const struct wording *w, const struct edit *e, struct err *err)
{
	const bool insert = e->kind == EDIT_INSERT;
	const bool padded = e->from < w->T && e->from >= 0 && w->token[e->from] < 0;
	int word;

	if (e->from < 0 || e->from >= w->T + insert) {
		err_set(err, ERR_USAGE, "steps are 1 to %d%s", w->T,
			insert ? ", and one more to put a word behind the last" : "");
		return -1;
	}
	if (padded && !insert) {
		err_set(err, ERR_USAGE, "step %d is padding, and no word", e->from + 1);
		return -1;
	}
	word = e->from == w->T                               ? (int)w->encoding.count
	       : !padded                                     ? w->token[e->from]
	       : w->base->snapshot->encoder->rules.pad_front ? 0
							     : (int)w->encoding.count;
	if (word < (int)w->encoding.count && is_mark(w, word) && (!insert || !word)) {
		err_set(err, ERR_USAGE, "step %d is the mark of a line, and no word", e->from + 1);
		return -1;
	}
	return word;
}

/* --- numbers that were set before ---------------------------------------------------------------- */

/* Where the words of before are now: the first step of each, and the last; -1: nowhere. */
struct moves {
	int T, *token; /* steps of before */
	int *first, *last;
	int *pad, pads; /* steps of padding now */
};

/* Which steps the words of before have, of which `gone` (from a word on) have become `came`. */
static void find_moves(struct moves *m, const struct wording *now, int words, int word, int gone,
		       int came)
{
	const int shift = came - gone;
	int *step = mem_alloc((now->encoding.count + 1) * sizeof(*step));

	m->first = mem_alloc(((size_t)words + 1) * sizeof(int));
	m->last = mem_alloc(((size_t)words + 1) * sizeof(int));
	m->pad = mem_alloc(((size_t)now->T + 1) * sizeof(int));
	m->pads = 0;
	for (size_t k = 0; k < now->encoding.count; k++)
		step[k] = -1;
	for (int t = 0; t < now->T; t++) {
		if (now->token[t] >= 0)
			step[now->token[t]] = t;
		else
			m->pad[m->pads++] = t;
	}
	for (int k = 0; k < words; k++) {
		const bool edited = k >= word && k < word + gone;
		const int cut = now->cut; /* from the front, where that is how it is done */
		const int first = (edited ? word : k < word ? k : k + shift) - cut;
		const int last = edited ? word + came - 1 - cut : first;
		const int count = (int)now->encoding.count;

		m->first[k] = first >= 0 && first < count && first <= last ? step[first] : -1;
		m->last[k] = last >= 0 && last < count && first <= last ? step[last] : -1;
	}
	free(step);
}

static void free_moves(struct moves *m)
{
	free(m->first);
	free(m->last);
	free(m->pad);
}

/* The first or last step of now that a step of before has become; -1: it is gone. */
static int moved(const struct moves *m, int t, bool last)
{
	int pad = 0;

	if (m->token[t] >= 0)
		return last ? m->last[m->token[t]] : m->first[m->token[t]];
	for (int k = 0; k < t; k++)
		pad += m->token[k] < 0;
	return pad < m->pads ? m->pad[pad] : -1;
}

/* What was set at all steps still is; else it goes with its words. */
static void move_sets(struct wording *w, const struct moves *m)
{
	int kept = 0;

	for (int k = 0; k < w->sets; k++) {
		struct edit e = w->set[k];
		int from = -1, to = -1;

		for (int t = e.from; t <= e.to; t++) {
			const int a = moved(m, t, false), b = moved(m, t, true);

			from = from < 0 || (a >= 0 && a < from) ? a : from;
			to = b > to ? b : to;
		}
		if (e.from == 0 && e.to == m->T - 1) {
			from = 0;
			to = w->T - 1;
		}
		e.from = from;
		e.to = to;
		if (from >= 0 && to >= from)
			w->set[kept++] = e;
	}
	w->sets = kept;
}

/* --- edits --------------------------------------------------------------------------------------- */

/* The words with others in the place of `gone` of them. */
static void splice(struct wording *w, size_t word, size_t gone, const struct encoding *words)
{
	struct encoding now = {0};
	const size_t came = words ? words->count : 0, count = w->encoding.count;
	int *of = mem_alloc((count + came + 1) * sizeof(*of));
	size_t n = 0;

	copy_words(&now, &w->encoding, 0, word);
	if (words)
		copy_words(&now, words, 0, came);
	copy_words(&now, &w->encoding, word + gone, count);
	for (size_t k = 0; k < word; k++)
		of[n++] = w->of[k];
	for (size_t k = 0; k < came; k++)
		of[n++] = k < gone ? w->of[word + k] : -1;
	for (size_t k = word + gone; k < count; k++)
		of[n++] = w->of[k];
	encoding_release(&w->encoding);
	free(w->of);
	w->encoding = now;
	w->of = of;
	w->of_cap = count + came + 1;
}

/* Cuts the words to what the run reads. */
static void cut_words(struct wording *w)
{
	const struct encoder *e = w->base->snapshot->encoder;
	const size_t most = (size_t)e->max_len, count = w->encoding.count;

	w->cut = 0;
	if (e->max_len <= 0 || count <= most || task_table[e->model.spec.task].stream)
		return;
	encoding_truncate(&w->encoding, e->max_len, e->truncate_front);
	if (!e->truncate_front)
		return;
	w->cut = (int)(count - most);
	memmove(w->of, w->of + w->cut, most * sizeof(*w->of));
}

bool wording_put(struct wording *w, const struct edit *e, const struct encoding *words,
		 struct err *err)
{
	const int word = word_at(w, e, err), gone = e->kind != EDIT_INSERT;
	const int came = words ? (int)words->count : 0, before = (int)w->encoding.count;
	struct moves m = {.T = w->T, .token = w->token};

	if (word < 0)
		return false;
	if (before - gone + came == 0)
		return err_set(err, ERR_USAGE, "this is the only word, and a text needs one");
	w->token = NULL;
	splice(w, (size_t)word, (size_t)gone, words);
	cut_words(w);
	lay_out(w);
	find_moves(&m, w, before, word, gone, came);
	move_sets(w, &m);
	free_moves(&m);
	free(m.token);
	w->changed = true;
	return true;
}

static bool apply_word(struct wording *w, const struct edit *e, struct err *err)
{
	struct encoding words = {0};
	bool ok;

	vocab_encode(w->base->snapshot->encoder->vocab, e->word, strlen(e->word), &words);
	if (words.dropped.count && !words.count)
		ok = err_set(err, ERR_USAGE,
			     "the run does not know '%s', and leaves such words out of a text",
			     e->word);
	else if (!words.count)
		ok = err_set(err, ERR_USAGE, "there is no word in '%s'", e->word);
	else
		ok = wording_put(w, e, &words, err);
	encoding_release(&words);
	return ok;
}

bool wording_apply(struct wording *w, const struct edit *e, struct err *err)
{
	if (e->kind == EDIT_REMOVE)
		return wording_put(w, e, NULL, err);
	if (e->kind == EDIT_WORD || e->kind == EDIT_INSERT)
		return apply_word(w, e, err);
	if (e->from < 0 || e->from > e->to || e->to >= w->T)
		return err_set(err, ERR_USAGE, "steps are 1 to %d", w->T);
	w->set = mem_grow(w->set, &w->set_cap, (size_t)w->sets + 1, sizeof(*w->set));
	w->set[w->sets++] = *e;
	return true;
}

void wording_text(const struct wording *w, struct buf *out)
{
	const struct vocab *v = w->base->snapshot->encoder->vocab;
	const char *before = "";
	size_t before_len = 0;
	bool any = false;

	for (size_t k = 0; k < w->encoding.count; k++) {
		size_t n;
		const char *token = tokens_at(&w->encoding.tokens, k, &n);

		if (is_mark(w, (int)k)) {
			if (any)
				buf_byte(out, '\n');
			before_len = 0;
			continue;
		}
		if (before_len && token_gap(&vocab_rules(v)->rules, before, before_len, token, n))
			buf_byte(out, ' ');
		buf_add(out, token, n);
		any = true;
		before = token;
		before_len = n;
	}
}

int *wording_origin(const struct wording *w)
{
	const struct trace *b = w->base;
	const size_t words = b->encoding.count;
	int *origin = mem_alloc(((size_t)w->T + 1) * sizeof(*origin));
	int *step = mem_alloc((words + (size_t)b->T + 1) * sizeof(*step)), *pad = step + words;
	int pads = 0, at = 0;

	for (size_t k = 0; k < words; k++)
		step[k] = -1;
	for (int t = 0; t < b->T; t++) {
		if (b->token[t] >= 0)
			step[b->token[t]] = t;
		else
			pad[pads++] = t;
	}
	for (int t = 0; t < w->T; t++) {
		const int word = w->token[t] < 0 ? -1 : w->of[w->token[t]];

		if (w->token[t] >= 0)
			origin[t] = word < 0 ? -1 : step[word];
		else
			origin[t] = at < pads ? pad[at++] : -1;
	}
	free(step);
	return origin;
}

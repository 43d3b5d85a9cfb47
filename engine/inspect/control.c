/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/control.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/inspect/whatif.h"
#include "engine/inspect/wording.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct control_plan {
	struct edit *edit;
	int *unit; /* count: the random unit of each edit in this run */
	int count, skipped;
	int removed; /* the word whose removal alone is the edit; -1: it is something else */
	struct rng rng;
	double *square; /* (C): squared distances from the mean, summed */
};

static const double *last_row(const struct trace *t)
{
	return t->prob + (size_t)(t->T - 1) * (size_t)t->C;
}

/* Whether an edit, and those before it, take all units of its run: no others are as many. */
static bool takes_all(const struct edit *edit, int last, int H)
{
	int units = 0;

	if (edit_is_word(&edit[last]))
		return false;
	if (edit[last].unit < 0)
		return true;
	for (int k = 0; k <= last; k++) {
		bool first = !edit_is_word(&edit[k]) && edit[k].run == edit[last].run;

		for (int j = 0; j < k && first; j++)
			first = edit_is_word(&edit[j]) || edit[j].run != edit[k].run ||
				edit[j].unit != edit[k].unit;
		units += first;
	}
	return units >= H;
}

/* What is drawn; NULL: nothing could be. */
static const char *what_is_drawn(const struct edit *edit, int count, int H)
{
	int units = 0, words = 0, removed = 0;

	for (int k = 0; k < count; k++) {
		if (takes_all(edit, k, H))
			return NULL;
		units += !edit_is_word(&edit[k]);
		words += edit[k].kind == EDIT_WORD || edit[k].kind == EDIT_INSERT;
		removed += edit[k].kind == EDIT_REMOVE;
	}
	if (units && (words || removed))
		return "random units and words";
	if (words && removed)
		return "random words";
	return words     ? "random vocabulary words"
	       : removed ? "random words taken out"
	       : units   ? "random units"
			 : NULL;
}

static int words_of(const struct trace *t)
{
	int n = 0;

	for (int k = 0; k < t->T; k++)
		n += t->token[k] >= 0;
	return n;
}

/* Units of the same run become the same random one where they were the same, and others where not. */
static void draw_units(struct control_plan *p, int H)
{
	for (int k = 0; k < p->count; k++) {
		bool taken = true;
		int same = -1;

		if (edit_is_word(&p->edit[k]))
			continue;
		for (int j = 0; j < k && same < 0; j++)
			if (!edit_is_word(&p->edit[j]) && p->edit[j].run == p->edit[k].run &&
			    p->edit[j].unit == p->edit[k].unit)
				same = j;
		if (same >= 0) {
			p->unit[k] = p->unit[same];
			continue;
		}
		while (taken) {
			p->unit[k] = (int)rng_below(&p->rng, (uint32_t)H);
			taken = false;
			for (int j = 0; j < k; j++)
				taken |= !edit_is_word(&p->edit[j]) &&
					 p->edit[j].run == p->edit[k].run &&
					 p->unit[j] == p->unit[k];
		}
	}
}

/* As many random words as an edit has. */
static void draw_words(struct control_plan *p, const struct encoder *e, const char *text,
		       struct encoding *out)
{
	const struct vocab *v = e->vocab;
	const int size = vocab_size(v), unknown = vocab_unknown(v), end = vocab_end(v);

	encoding_clear(out);
	for (int left = wording_count(e, text); left > 0; left--) {
		size_t n;
		const char *token;
		int id;

		do
			id = (int)rng_below(&p->rng, (uint32_t)size);
		while (id == VOCAB_PAD || id == unknown || id == end);
		token = vocab_token(v, id, &n);
		encoding_add(out, id, false, token, n);
	}
}

/* A random step that is a word. */
static int draw_step(struct control_plan *p, const struct wording *w)
{
	int t;

	do
		t = (int)rng_below(&p->rng, (uint32_t)w->T);
	while (w->token[t] < 0);
	return t;
}

/* One edit, drawn anew. */
static bool apply_random(struct control *c, struct wording *w, int k, struct encoding *words,
			 struct err *err)
{
	struct control_plan *p = c->plan;
	struct edit e = p->edit[k];

	if (!edit_is_word(&e)) {
		e.unit = p->unit[k];
		return wording_apply(w, &e, err);
	}
	if (e.kind == EDIT_REMOVE) {
		e.from = e.to = p->removed < 0 ? draw_step(p, w) : c->done + p->skipped;
		return wording_put(w, &e, NULL, err);
	}
	draw_words(p, c->base->snapshot->encoder, e.word, words);
	return wording_put(w, &e, words, err);
}

static void take(struct control *c, const struct trace *t)
{
	struct control_plan *p = c->plan;

	c->done++;
	for (int k = 0; k < c->C; k++) {
		const double d = last_row(t)[k] - last_row(c->base)[k], off = d - c->mean[k];

		/* Welford 1962: a difference of large sums would lose what is asked for */
		c->mean[k] += off / c->done;
		p->square[k] += off * (d - c->mean[k]);
		c->deviation[k] = sqrt(p->square[k] / c->done);
	}
}

bool control_step(struct control *c, struct err *err)
{
	struct control_plan *p = c->plan;
	struct encoding words = {0};
	struct wording w;
	struct trace *t = NULL;
	bool ok = true;

	if (c->done >= c->runs)
		return false;
	if (p->removed >= 0) /* padding, and the one that was taken out, do not count */
		while (c->base->token[c->done + p->skipped] < 0 ||
		       c->done + p->skipped == p->removed)
			p->skipped++;
	draw_units(p, c->base->H);
	wording_begin(&w, c->base);
	for (int k = 0; ok && k < p->count; k++)
		ok = apply_random(c, &w, k, &words, err);
	if (ok)
		t = whatif_of(&w, err);
	else
		wording_release(&w);
	if (t)
		take(c, t);
	trace_free(t);
	encoding_release(&words);
	return t;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	trace_free(c->base);
	free(c->mean);
	free(c->deviation);
	free(c->plan->edit);
	free(c->plan->unit);
	free(c->plan->square);
	free(c->plan);
	free(c);
}

/* Whether the vocabulary has words that could be drawn. */
static bool has_words(const struct encoder *e)
{
	return vocab_size(e->vocab) > 4;
}

static struct control *make(struct trace *base, const struct edit *edit, int count, int runs,
			    uint64_t seed)
{
	struct control *c = mem_zero(1, sizeof(*c));
	struct control_plan *p = c->plan = mem_zero(1, sizeof(*p));
	const size_t C = (size_t)base->C;

	c->base = base;
	c->C = base->C;
	c->what = what_is_drawn(edit, count, base->H);
	c->runs = runs;
	c->mean = mem_zero(C, sizeof(double));
	c->deviation = mem_zero(C, sizeof(double));
	p->square = mem_zero(C, sizeof(double));
	p->edit = mem_zero((size_t)count + 1, sizeof(*p->edit));
	p->unit = mem_zero((size_t)count + 1, sizeof(*p->unit));
	memcpy(p->edit, edit, (size_t)count * sizeof(*edit));
	p->count = count;
	p->removed = -1;
	rng_seed(&p->rng, seed, 0);
	if (count == 1 && edit->kind == EDIT_REMOVE && words_of(base) - 1 <= runs) {
		p->removed = edit->from;
		c->runs = words_of(base) - 1;
		c->what = "other words taken out";
	}
	return c;
}

struct control *control_new(struct snapshot *s, const char *text, const struct edit *edit,
			    int count, int runs, uint64_t seed, struct err *err)
{
	struct trace *base;

	err->code = ERR_NONE;
	if (!task_table[s->encoder->model.spec.task].labels) {
		err_set(err, ERR_USAGE,
			"random edits are held against classes, which this run has "
			"none of");
		return NULL;
	}
	if (!what_is_drawn(edit, count, s->encoder->model.spec.hidden) || !has_words(s->encoder))
		return NULL;
	base = trace_new(s, text, strlen(text), err);
	return base ? make(base, edit, count, runs, seed) : NULL;
}

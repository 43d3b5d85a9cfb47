/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/debug.h"

#include "engine/base/mem.h"
#include "engine/inspect/whatif.h"
#include "engine/inspect/wording.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void release_set(struct debug_set *s)
{
	free(s->text);
	free(s->edit);
}

void debug_release(struct debug *d)
{
	for (int k = 0; k < d->items; k++)
		expr_free(d->item[k].expr);
	debug_unset_all(d);
	free(d->item);
	free(d->set);
	*d = (struct debug){0};
}

const char *debug_kind_name(enum debug_kind kind)
{
	static const char *const name[] = {"break", "watch", "display"};

	return name[kind];
}

/* --- what there is --- */

const struct debug_item *debug_add(struct debug *d, enum debug_kind kind, const char *text,
				   const struct expr_place *at, struct err *err)
{
	struct expr *e = expr_parse(text, err);

	if (e && at && !expr_check(e, at, err)) {
		expr_free(e);
		e = NULL;
	}
	if (!e)
		return NULL;
	d->item = mem_grow(d->item, &d->item_cap, (size_t)d->items + 1, sizeof(*d->item));
	d->item[d->items] = (struct debug_item){.kind = kind, .number = ++d->last, .expr = e};
	return &d->item[d->items++];
}

void debug_copy_stops(struct debug *to, const struct debug *from)
{
	*to = (struct debug){0};
	for (int k = 0; k < from->items; k++) {
		if (from->item[k].kind == DEBUG_DISPLAY)
			continue;
		to->last = from->item[k].number - 1;
		debug_add(to, from->item[k].kind, expr_text(from->item[k].expr), NULL, NULL);
	}
}

void debug_count(struct debug *d, const struct debug *copy)
{
	for (int k = 0; k < copy->items; k++)
		for (int j = 0; j < d->items; j++)
			if (d->item[j].number == copy->item[k].number)
				d->item[j].hits += copy->item[k].hits;
}

struct stop debug_stop(const struct debug_item *i)
{
	return (struct stop){i->expr, i->kind == DEBUG_WATCH};
}

bool debug_delete(struct debug *d, int number)
{
	for (int k = 0; k < d->items; k++)
		if (d->item[k].number == number) {
			expr_free(d->item[k].expr);
			memmove(&d->item[k], &d->item[k + 1],
				(size_t)(d->items - k - 1) * sizeof(*d->item));
			d->items--;
			return true;
		}
	return false;
}

/* How an edit of a word is listed: with its step, and the word that is taken out. */
static char *word_text(const struct trace *t, const struct edit *e)
{
	size_t n = 0;
	const char *token = e->from < t->T ? trace_token(t, 0, e->from, &n) : "";

	if (e->kind == EDIT_REMOVE)
		return mem_printf("remove @%d “%.*s”", e->from + 1, (int)n, token);
	if (e->kind == EDIT_INSERT)
		return mem_printf("insert @%d = %s", e->from + 1, e->word);
	return mem_printf("word @%d “%.*s” = %s", e->from + 1, (int)n, token, e->word);
}

/* How another one is: as it was written, with its step where it has that of the place. */
static char *set_text(const char *text, const struct expr_place *at)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == ' ')
		n--;
	if (strchr(text, '@') || !strncmp(text, "ablate", 6))
		return mem_bytes(text, n);
	return mem_printf("%.*s @%d", (int)n, text, at->t + 1);
}

const struct debug_set *debug_set(struct debug *d, const char *text, const struct expr_place *at,
				  struct err *err)
{
	struct debug_set s = {0};
	const struct encoder *e = at->trace->snapshot->encoder;

	if (!edit_parse(at->trace, text, at->run, at->t, &s.edit, &s.count, err))
		return NULL;
	s.text = edit_is_word(s.edit) ? word_text(at->trace, s.edit) : set_text(text, at);
	if (edit_is_word(s.edit))
		s.shifts = s.edit->kind != EDIT_WORD || wording_count(e, s.edit->word) != 1;
	s.number = ++d->last;
	d->set = mem_grow(d->set, &d->set_cap, (size_t)d->sets + 1, sizeof(*d->set));
	d->set[d->sets] = s;
	return &d->set[d->sets++];
}

bool debug_may_unset(const struct debug *d, int index, struct err *err)
{
	const struct debug_set *s = &d->set[index];

	if (!s->shifts || index == d->sets - 1)
		return true;
	return err_set(err, ERR_USAGE,
		       "edit %d counts its steps on edit %d: take that one back first", s[1].number,
		       s->number);
}

void debug_unset(struct debug *d, int index)
{
	release_set(&d->set[index]);
	memmove(&d->set[index], &d->set[index + 1],
		(size_t)(d->sets - index - 1) * sizeof(*d->set));
	d->sets--;
}

void debug_unset_all(struct debug *d)
{
	for (int k = 0; k < d->sets; k++)
		release_set(&d->set[k]);
	d->sets = 0;
}

int debug_find_set(const struct debug *d, int number)
{
	for (int k = 0; k < d->sets; k++)
		if (d->set[k].number == number)
			return k;
	return -1;
}

struct edit *debug_edits(const struct debug *d, int *count)
{
	struct edit *all;
	size_t n = 0;

	for (int k = 0; k < d->sets; k++)
		n += (size_t)d->set[k].count;
	all = mem_alloc((n + 1) * sizeof(*all));
	*count = (int)n;
	n = 0;
	for (int k = 0; k < d->sets; k++) {
		memcpy(all + n, d->set[k].edit, (size_t)d->set[k].count * sizeof(*all));
		n += (size_t)d->set[k].count;
	}
	return all;
}

/* --- moving --- */

int debug_step(const struct expr_place *at, int by)
{
	const struct trace_run *r = &at->trace->run[at->run];
	const int to = stop_step(at, by), last = r->T - 1;

	return to >= 0 ? to : (by < 0) == r->backward ? last : 0;
}

/* The place a step on; false: there is none. */
static bool go_on(struct expr_place *at)
{
	const int to = stop_step(at, 1);

	if (to >= 0)
		at->t = to;
	return to >= 0;
}

int debug_next_word(const struct expr_place *at)
{
	struct expr_place p = *at;

	while (go_on(&p))
		if (at->trace->run[at->run].decoder || at->trace->token[p.t] >= 0)
			return p.t;
	return -1;
}

/* Whether an expression holds at a place; false with err set where it does not fit. */
static bool holds(const struct expr *e, const struct expr_place *at, struct expr_value *v,
		  struct err *err)
{
	return expr_eval(e, at, v, err) && expr_true(v);
}

int debug_until(const struct expr *e, const struct expr_place *at, struct err *err)
{
	struct expr_place p = *at;
	struct expr_value v = {0};
	int found = -1;

	if (!expr_check(e, at, err))
		return -1;
	err->code = ERR_NONE;
	while (found < 0 && !err->code && go_on(&p))
		if (holds(e, &p, &v, err))
			found = p.t;
	expr_value_release(&v);
	return found;
}

/* Whether one is hit at a place; of a watched value, what it was and is. */
static bool hit(const struct debug_item *i, const struct expr_place *now, struct buf *says)
{
	const struct expr_place before = {now->trace, now->run, stop_step(now, -1)};
	const struct stop s = debug_stop(i);
	struct stop_values v = {0};
	struct err err = {0};
	bool is;

	if (i->kind == DEBUG_DISPLAY || !expr_check(i->expr, now, NULL))
		return false;
	is = stop_hits(&s, before.t < 0 ? NULL : &before, now, &v, &err);
	if (is && s.changes) {
		buf_text(says, " was ");
		debug_value(says, &v.before, 24);
		buf_text(says, ", is ");
		debug_value(says, &v.now, 24);
	}
	stop_values_release(&v);
	return is;
}

bool debug_hits(const struct debug_item *i, const struct expr_place *at)
{
	struct buf says = {0};
	const bool is = at->trace->run[at->run].T && hit(i, at, &says);

	buf_release(&says);
	return is;
}

bool debug_hit_at(struct debug *d, const struct expr_place *at, struct buf *says)
{
	struct buf more = {0};
	bool any = false;

	for (int k = 0; k < d->items; k++) {
		struct debug_item *i = &d->item[k];

		buf_clear(&more);
		if (!hit(i, at, &more))
			continue;
		buf_printf(says, "%s%s %d: %s%s", any ? " · " : "", debug_kind_name(i->kind),
			   i->number, expr_text(i->expr), buf_str(&more));
		i->hits++;
		any = true;
	}
	buf_release(&more);
	return any;
}

int debug_continue(struct debug *d, const struct expr_place *at, struct buf *says)
{
	struct expr_place now = *at;

	while (go_on(&now))
		if (debug_hit_at(d, &now, says))
			return now.t;
	return -1;
}

/* --- values --- */

static int number_text(char out[32], double v)
{
	const double size = fabs(v);

	if (isnan(v))
		return snprintf(out, 32, "nan");
	if (size < 1e9 && size == rint(size))
		return snprintf(out, 32, "%.0f", v + 0.0); /* no -0 */
	return snprintf(out, 32, size >= 1e-3 && size < 1e6 ? "%.6f" : "%.6g", v);
}

void debug_value(struct buf *out, const struct expr_value *v, int cols)
{
	const size_t begun = out->len;
	char one[32], all[32];
	int shown = 0;

	if (v->text) {
		buf_text(out, "“");
		buf_add(out, v->text, v->n);
		buf_text(out, "”");
		return;
	}
	snprintf(all, sizeof(all), " … of %d", v->count);
	for (; shown < v->count; shown++) {
		const size_t left = shown + 1 < v->count ? strlen(all) : 0;
		const size_t n = (size_t)number_text(one, v->v[shown]) + (shown > 0);

		if (shown && out->len - begun + n + left > (size_t)(cols < 0 ? 0 : cols))
			break;
		buf_printf(out, "%s%s", shown ? " " : "", one);
	}
	if (shown < v->count)
		buf_text(out, all);
}

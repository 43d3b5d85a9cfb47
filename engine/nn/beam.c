/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/beam.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void beam_release(struct beam *b)
{
	for (int k = 0; k < b->texts; k++)
		free(b->text[k].ids);
	free(b->text);
	free(b->node);
	*b = (struct beam){0};
}

/* A text under way: which search it belongs to, its last node (-1: none yet), and the stepper's row that
 * it comes from. */
struct live {
	int search, node, row;
	double log_p;
};

/* How a text under way might go on. */
struct candidate {
	int row; /* of the stepper */
	int32_t id;
	double p, log_p;
};

struct search {
	struct stepper *stepper;
	struct beam_spec spec;
	const int *max_len;
	struct beam *out;
	int V, step;
	struct live *live, *next;
	int count, next_count;
	struct choice *choice; /* V */
	struct candidate *candidate;
	int32_t *ids; /* what the live ones read next, and the rows that they have been */
	int *from;
	size_t candidate_cap, live_cap, next_cap, ids_cap, from_cap;
};

static double score_of(const struct beam_spec *spec, double log_p, int n)
{
	return log_p / pow((5.0 + n) / 6, spec->penalty);
}

static int add_node(struct beam *b, struct beam_node node)
{
	b->node = mem_grow(b->node, &b->node_cap, (size_t)b->nodes + 1, sizeof(*b->node));
	b->node[b->nodes] = node;
	return b->nodes++;
}

/* Puts a text that has ended in its place among the best; there are `width` at most. */
static void finish(const struct beam_spec *spec, struct beam *b, int node, bool mark)
{
	const struct beam_node *last = &b->node[node];
	struct beam_text t = {.len = last->step - mark,
			      .node = node,
			      .log_p = last->log_p,
			      .score = score_of(spec, last->log_p, last->step)};
	int at = b->texts;

	while (at > 0 && t.score > b->text[at - 1].score)
		at--;
	if (at == spec->width)
		return;
	t.ids = mem_alloc(((size_t)t.len + 1) * sizeof(*t.ids));
	for (int k = mark ? last->parent : node, n = t.len; n-- > 0; k = b->node[k].parent)
		t.ids[n] = b->node[k].id;
	b->text = mem_grow(b->text, &b->text_cap, (size_t)b->texts + 1, sizeof(*b->text));
	if (b->texts == spec->width)
		free(b->text[--b->texts].ids);
	memmove(b->text + at + 1, b->text + at, (size_t)(b->texts - at) * sizeof(*b->text));
	b->text[at] = t;
	b->texts++;
}

/* Likelier first, then by row and id. */
static int by_likelihood(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->log_p != y->log_p)
		return x->log_p > y->log_p ? -1 : 1;
	return x->row != y->row ? x->row - y->row : x->id - y->id;
}

/* How the texts of a search, rows first .. end, might go on: of each the `width` likeliest tokens. */
static int find_candidates(struct search *s, const real *prob, int first, int end)
{
	const bool *never = s->spec.never;
	const int width = s->spec.width < s->V ? s->spec.width : s->V;
	int count = 0;

	for (int r = first; r < end; r++) {
		const real *p = prob + (size_t)r * (size_t)s->V;
		int n = 0;

		for (int k = 0; k < s->V; k++)
			if (!never || !never[k])
				n = choice_rank(s->choice, n, width,
						(struct choice){k, (double)p[k]});
		s->candidate = mem_grow(s->candidate, &s->candidate_cap, (size_t)(count + n) + 1,
					sizeof(*s->candidate));
		for (int k = 0; k < n; k++)
			s->candidate[count++] = (struct candidate){
				r, s->choice[k].id, s->choice[k].p,
				s->live[r].log_p + log(fmax(s->choice[k].p, 1e-300))};
	}
	qsort(s->candidate, (size_t)count, sizeof(*s->candidate), by_likelihood);
	return count;
}

static void keep(struct search *s, int search, const struct candidate *c, enum beam_fate fate)
{
	const struct beam_node node = {.parent = s->live[c->row].node,
				       .id = c->id,
				       .step = s->step,
				       .fate = fate,
				       .p = c->p,
				       .log_p = c->log_p};
	const int at = add_node(&s->out[search], node);

	if (fate == BEAM_ENDED)
		finish(&s->spec, &s->out[search], at, c->id == s->spec.end);
	if (fate != BEAM_KEPT)
		return;
	s->next = mem_grow(s->next, &s->next_cap, (size_t)s->next_count + 1, sizeof(*s->next));
	s->next[s->next_count++] = (struct live){search, at, c->row, c->log_p};
}

/* Whether one of the texts kept since `first` could still become one of the best. */
static bool has_hope(const struct search *s, int search, int first)
{
	const struct beam *b = &s->out[search];
	const int best = s->spec.best > 0 ? s->spec.best : 1;

	for (int k = first; k < s->next_count; k++)
		if (b->texts < best || score_of(&s->spec, s->next[k].log_p, s->max_len[search]) >
					       b->text[best - 1].score)
			return true;
	return false;
}

/* One step of a search whose texts under way are the rows first .. end. */
static void advance(struct search *s, const real *prob, int first, int end)
{
	const int search = s->live[first].search, before = s->next_count;
	const int count = find_candidates(s, prob, first, end);

	for (int k = 0; k < count; k++) {
		const struct candidate *c = &s->candidate[k];
		const bool last = c->id == s->spec.end || s->step >= s->max_len[search];

		if (k < s->spec.width)
			keep(s, search, c, last ? BEAM_ENDED : BEAM_KEPT);
		else if (s->spec.tree)
			keep(s, search, c, BEAM_DROPPED);
		else
			break;
	}
	if (!has_hope(s, search, before))
		s->next_count = before;
}

/* Every search goes one step further; the rows that go on, and what they read. */
static void advance_all(struct search *s, const real *prob)
{
	s->step++;
	s->next_count = 0;
	for (int first = 0, end; first < s->count; first = end) {
		for (end = first; end < s->count && s->live[end].search == s->live[first].search;)
			end++;
		advance(s, prob, first, end);
	}
}

/* Lets the stepper go on with what was kept. */
static void go_on(struct search *s)
{
	struct live *live = s->live;
	const size_t cap = s->live_cap, room = (size_t)s->next_count + 1;

	s->ids = mem_grow(s->ids, &s->ids_cap, room, sizeof(*s->ids));
	s->from = mem_grow(s->from, &s->from_cap, room, sizeof(*s->from));
	for (int k = 0; k < s->next_count; k++) {
		s->ids[k] = s->out[s->next[k].search].node[s->next[k].node].id;
		s->from[k] = s->next[k].row;
	}
	stepper_select(s->stepper, s->from, s->next_count);
	s->live = s->next;
	s->live_cap = s->next_cap;
	s->count = s->next_count;
	s->next = live;
	s->next_cap = cap;
}

struct search *search_new(struct stepper *stepper, const struct beam_spec *spec, const int *max_len,
			  struct beam *out)
{
	struct search *s = mem_zero(1, sizeof(*s));

	s->stepper = stepper;
	s->spec = *spec;
	s->max_len = max_len;
	s->out = out;
	s->V = stepper->m->spec.classes;
	s->count = stepper->rows;
	s->choice = mem_alloc((size_t)s->V * sizeof(*s->choice));
	s->live = mem_grow(NULL, &s->live_cap, (size_t)s->count + 1, sizeof(*s->live));
	s->ids = mem_grow(NULL, &s->ids_cap, (size_t)s->count + 1, sizeof(*s->ids));
	for (int r = 0; r < s->count; r++) {
		out[r] = (struct beam){0};
		s->live[r] = (struct live){r, -1, r, 0};
		s->ids[r] = spec->end;
	}
	return s;
}

enum search_state search_step(struct search *s)
{
	const real *prob;

	if (!s->count || (s->spec.stop && __atomic_load_n(s->spec.stop, __ATOMIC_RELAXED)))
		return SEARCH_OVER;
	prob = stepper_feed(s->stepper, s->ids);
	if (!prob)
		return SEARCH_FAILED;
	advance_all(s, prob);
	go_on(s);
	return s->count ? SEARCH_ON : SEARCH_OVER;
}

void search_free(struct search *s)
{
	if (!s)
		return;
	free(s->choice);
	free(s->candidate);
	free(s->live);
	free(s->next);
	free(s->ids);
	free(s->from);
	free(s);
}

bool beam_search(struct stepper *stepper, const struct beam_spec *spec, const int *max_len,
		 struct beam *out)
{
	struct search *s = search_new(stepper, spec, max_len, out);
	enum search_state state = SEARCH_ON;

	while (state == SEARCH_ON)
		state = search_step(s);
	search_free(s);
	return state == SEARCH_OVER;
}

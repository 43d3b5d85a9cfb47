/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/survey/match.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
	struct match_place place;
	int level; /* at least so many of the chosen units are on */
};

struct lane {
	struct candidate *found;
	size_t count, cap;
	int64_t *of_level;    /* chosen + 1 */
	int floor;            /* lower levels are not needed any more */
	int *on;              /* of a text's steps: how many chosen units are on */
	unsigned char *is_on; /* (steps, H) */
	size_t on_cap, is_on_cap;
	int64_t texts;
};

struct job {
	const struct snapshot *snapshot;
	const struct match_rules *rules;
	int H, chosen;
	real above; /* what h or c is compared with */
	struct lane lane[SWEEP_LANES];
};

void match_release(struct match *m)
{
	free(m->place);
	*m = (struct match){0};
}

/* --- the pattern ----------------------------------------------------------------------------------- */

static double limit_of(const struct match_rules *rules)
{
	return rules->cell ? atanh(rules->threshold) : rules->threshold;
}

int match_pattern(const struct replay *r, const struct match_rules *rules, int from, int to,
		  bool *on)
{
	const struct trace_run *run = &r->run[rules->run];
	const double *state = rules->cell ? run->c : run->h, above = limit_of(rules);
	const int left = rules->off_left ? from - 1 : from, right = rules->off_right ? to + 1 : to;
	int count = 0;

	for (int u = 0; u < r->H; u++) {
		on[u] = true;
		for (int t = left < 0 ? 0 : left; t <= right && t < r->T; t++) {
			const size_t row = (size_t)replay_turn(run, t) + 1;
			const bool is = state[row * (size_t)r->H + (size_t)u] > above;

			on[u] = on[u] && is == (t >= from && t <= to);
		}
		count += on[u];
	}
	return count;
}

/* --- candidates ------------------------------------------------------------------------------------ */

/* Which units are on at each word of a text, and how many of the chosen ones. */
static void discretise(struct job *j, struct lane *l, const struct sweep_part *p, int row,
		       const struct sweep_words *w)
{
	const struct encoder *e = j->snapshot->encoder;
	const struct recur_tape *tape = &p->work->in.tape.run[j->rules->run];
	const size_t H = (size_t)j->H, B = (size_t)p->work->in.batch.steps.B;
	const bool backward = j->rules->run % e->model.stack.spec.dirs;
	const int T = p->work->in.batch.len[row];

	l->on = mem_grow(l->on, &l->on_cap, (size_t)w->count + 1, sizeof(*l->on));
	l->is_on = mem_grow(l->is_on, &l->is_on_cap, ((size_t)w->count + 1) * H, 1);
	for (int k = 0; k < w->count; k++) {
		const int position = w->pads + k, step = backward ? T - 1 - position : position;
		const size_t at = (B + sweep_at(p, step, row)) * H;
		const real *v = (j->rules->cell ? tape->c : tape->h) + at;
		unsigned char *is = l->is_on + (size_t)k * H;
		int n = 0;

		for (size_t u = 0; u < H; u++)
			is[u] = v[u] > j->above;
		for (size_t u = 0; u < H; u++)
			n += is[u] && j->rules->chosen[u];
		l->on[k] = n;
	}
}

/* Whether a unit is on throughout a run, and off beside it where that is asked for. */
static bool is_on_throughout(const struct job *j, const struct lane *l, int words, int from, int to,
			     size_t u)
{
	const size_t H = (size_t)j->H;

	for (int k = from; k <= to; k++)
		if (!l->is_on[(size_t)k * H + u])
			return false;
	if (j->rules->off_left && from && l->is_on[(size_t)(from - 1) * H + u])
		return false;
	return !j->rules->off_right || to + 1 == words || !l->is_on[(size_t)(to + 1) * H + u];
}

/* Once the levels from some one on have enough candidates in this lane alone, lower ones are not looked for. */
static void raise_floor(struct lane *l, int chosen)
{
	int64_t sum = 0;

	for (int n = chosen; n > l->floor; n--) {
		sum += l->of_level[n];
		if (sum >= MATCH_CANDIDATES)
			l->floor = n;
	}
}

static void take(struct job *j, struct lane *l, size_t text, int words, int from, int to, int level)
{
	struct match_place p = {.text = text, .from = from, .to = to};

	for (size_t u = 0; u < (size_t)j->H; u++) {
		const bool on = is_on_throughout(j, l, words, from, to, u);

		p.both += on && j->rules->chosen[u];
		p.either += on || j->rules->chosen[u];
	}
	l->found = mem_grow(l->found, &l->cap, l->count + 1, sizeof(*l->found));
	l->found[l->count++] = (struct candidate){p, level};
	l->of_level[level]++;
}

/* The longest runs of a text with at least so many on, but those that are there with more. */
static void look_at_level(struct job *j, struct lane *l, size_t text, int words, int level)
{
	for (int from = 0, to; from < words; from = to + 1) {
		int least = j->chosen;

		for (to = from; to < words && l->on[to] >= level; to++)
			least = l->on[to] < least ? l->on[to] : least;
		if (to - from >= MATCH_RUN && least == level)
			take(j, l, text, words, from, to - 1, level);
	}
}

static void look_at_part(void *arg, const struct sweep_part *p)
{
	struct job *j = arg;
	struct lane *l = &j->lane[p->lane];
	const struct batch_rules *rules = &j->snapshot->encoder->rules;

	for (int row = 0; row < p->work->in.batch.steps.B; row++) {
		const struct sweep_words w = sweep_words(p, rules, row);

		discretise(j, l, p, row, &w);
		for (int n = j->chosen; n >= (l->floor ? l->floor : 1); n--)
			look_at_level(j, l, sweep_text(p, row), w.count, n);
		l->texts++;
		raise_floor(l, j->chosen);
	}
}

/* --- ranking --------------------------------------------------------------------------------------- */

static int by_rank(const void *a, const void *b)
{
	const struct match_place *x = a, *y = b;

	if (x->both != y->both)
		return x->both > y->both ? -1 : 1;
	if (x->either != y->either)
		return x->either < y->either ? -1 : 1;
	if (x->to - x->from != y->to - y->from)
		return x->to - x->from > y->to - y->from ? -1 : 1;
	if (x->text != y->text)
		return x->text < y->text ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

static void rank(struct match *m, const struct job *j)
{
	int n = j->chosen;
	size_t cap = 0;

	for (;; n--) {
		for (int k = 0; k < SWEEP_LANES; k++)
			m->candidates += j->lane[k].of_level[n];
		if (m->candidates >= MATCH_CANDIDATES || n <= 1)
			break;
	}
	m->at_least = n;
	for (int k = 0; k < SWEEP_LANES; k++) {
		const struct lane *l = &j->lane[k];

		m->texts += l->texts;
		for (size_t i = 0; i < l->count; i++)
			if (l->found[i].level >= n) {
				m->place = mem_grow(m->place, &cap, (size_t)m->count + 1,
						    sizeof(*m->place));
				m->place[m->count++] = l->found[i].place;
			}
	}
	if (m->count)
		qsort(m->place, (size_t)m->count, sizeof(*m->place), by_rank);
	m->count = m->count < j->rules->most ? m->count : j->rules->most;
}

bool match_run(struct match *m, struct team *team, const struct snapshot *snapshot,
	       const struct example *text, size_t count, const struct match_rules *rules,
	       struct err *err)
{
	struct job j = {.snapshot = snapshot,
			.rules = rules,
			.H = snapshot->encoder->model.spec.hidden,
			.above = (real)limit_of(rules)};
	bool ok;

	for (int u = 0; u < j.H; u++)
		j.chosen += rules->chosen[u];
	for (int k = 0; k < SWEEP_LANES; k++)
		j.lane[k].of_level = mem_zero((size_t)j.chosen + 1, sizeof(int64_t));
	*m = (struct match){.chosen = j.chosen};
	ok = sweep_texts(team, snapshot, text, count, &rules->watch, look_at_part, &j, err);
	if (ok)
		rank(m, &j);
	for (int k = 0; k < SWEEP_LANES; k++) {
		free(j.lane[k].found);
		free(j.lane[k].of_level);
		free(j.lane[k].on);
		free(j.lane[k].is_on);
	}
	return ok;
}

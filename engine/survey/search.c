/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/survey/search.h"

#include "engine/base/mem.h"
#include "engine/inspect/runs.h"
#include "engine/nn/pass.h"

#include <stdlib.h>
#include <string.h>

/* WAVE: batches of a member between two looks at what was found. LOOKS: texts of a member that are traced in
 * double at a time, at most. */
enum { BATCH = 64, WAVE = 4, LOOKS = 4 };

struct member {
	struct work work, prefixes; /* prefixes: of one text */
	struct encoding encoding[BATCH];
	struct stop_values values;
	bool *fit;        /* ats: whether each fits the text that is looked at */
	struct err unfit; /* why one does not: the first */
	struct err err;
};

/* A text in double, and where in it something hits. */
struct look {
	int text;
	struct trace *trace;
	int *at, hits;
	size_t cap;
	struct err err;
};

struct job {
	const struct search *s;
	const struct example *text;
	int count, members, first; /* first: text of the wave */
	bool *hit, *empty; /* of the wave's texts: whether there may be something; no step */
	bool exact;        /* float32 cannot tell where a value stays the same */
	struct member *member;
	int *fits;         /* ats: texts that each fits */
	struct look *look; /* looks of them */
	int looks;
};

static int batch_size(const struct job *j, int batch)
{
	const int left = j->count - j->first - batch * BATCH;

	return left < BATCH ? left : BATCH;
}

/* The first position that is gone to, and the one behind another; -1: there is none. */
static int position_on(const struct search *s, const struct trace *trace, int t)
{
	const struct trace_run *r = &trace->run[s->run];
	const bool turned = s->reading && r->backward;
	const int to = t < 0 ? (turned ? r->T - 1 : 0) : turned ? t - 1 : t + 1;

	return to < r->T ? to : -1;
}

/* Leaves out what does not fit a text, and remembers why. */
static bool leave_out(struct member *me, int k, const struct err *why)
{
	me->fit[k] = false;
	if (!me->unfit.code)
		me->unfit = *why;
	return false;
}

/* Whether any of the expressions fits a text. */
static bool fits_any(const struct job *j, struct member *me, const struct trace *trace)
{
	bool any = false;

	for (int k = 0; k < j->s->ats; k++) {
		const struct expr_place at = {trace, j->s->run, 0};
		struct err err = {0};

		me->fit[k] = expr_check(j->s->at[k].expr, &at, &err) || leave_out(me, k, &err);
		if (me->fit[k])
			__atomic_fetch_add(&j->fits[k], 1, __ATOMIC_RELAXED);
		any |= me->fit[k];
	}
	return any;
}

/* Whether any hits at a place. */
static bool any_hits(const struct search *s, struct member *me, const struct expr_place *now)
{
	const struct expr_place before = {now->trace, now->run, stop_step(now, -1)};

	for (int k = 0; k < s->ats; k++) {
		struct err err = {0};

		if (!me->fit[k])
			continue;
		if (stop_hits(&s->at[k], before.t < 0 ? NULL : &before, now, &me->values, &err))
			return true;
		if (err.code)
			leave_out(me, k, &err);
	}
	return false;
}

/* The first position behind t (-1: of all) at which something hits; -1: there is none. */
static int hit_behind(const struct search *s, struct member *me, const struct trace *trace, int t)
{
	while ((t = position_on(s, trace, t)) >= 0)
		if (any_hits(s, me, &(struct expr_place){trace, s->run, t}))
			return t;
	return -1;
}

/* What the expressions ask for and the fast path does not have. */
static bool fill_all(const struct search *s, struct member *me, struct trace *trace)
{
	for (int k = 0; k < s->ats; k++)
		if (me->fit[k] && !expr_fill(s->at[k].expr, trace, s->run, &me->prefixes))
			return false;
	return true;
}

/* One text of a batch, as the fast path has it. */
static bool look_at_row(struct job *j, struct member *me, int r, int text)
{
	struct trace *t = trace_of_pass(j->s->snapshot, &me->encoding[me->work.in.batch.row[r]],
					&me->work, r);
	bool ok = t;

	if (t && t->T && fits_any(j, me, t)) {
		ok = fill_all(j->s, me, t);
		j->hit[text - j->first] = ok && hit_behind(j->s, me, t, -1) >= 0;
	}
	trace_free(t);
	return ok || err_set(&me->err, ERR_FAILED, "not enough memory for a text");
}

/* Whether the fast path's numbers decide. The texts that have steps are looked at in double if not. */
static bool look_at_rows(struct job *j, struct member *me, int first, int count)
{
	for (int r = 0; r < count; r++) {
		const int text = first + me->work.in.batch.row[r];

		j->empty[text - j->first] = !me->work.in.batch.len[r];
		j->hit[text - j->first] = j->exact && me->work.in.batch.len[r];
		if (!j->exact && !look_at_row(j, me, r, text))
			return false;
	}
	return true;
}

static bool look_at_batch(struct job *j, struct member *me, int batch)
{
	const struct encoder *e = j->s->snapshot->encoder;
	const int first = j->first + batch * BATCH, count = batch_size(j, batch);
	const int32_t *ids[BATCH] = {0};
	int n[BATCH] = {0};

	for (int k = 0; k < count; k++) {
		encoder_encode(e, j->text[first + k].text, j->text[first + k].text_len,
			       &me->encoding[k]);
		ids[k] = me->encoding[k].ids;
		n[k] = (int)me->encoding[k].count;
	}
	batch_of_texts(&me->work.in.batch, ids, n, count, &e->rules);
	if (!j->exact && !model_vector(&e->model, j->s->snapshot->weights, &me->work, NULL))
		return err_set(&me->err, ERR_FAILED, "not enough memory for %d texts", count);
	return look_at_rows(j, me, first, count);
}

static bool stopped(const struct job *j)
{
	return j->s->stop && __atomic_load_n(j->s->stop, __ATOMIC_RELAXED);
}

static void run_member(void *arg, int member)
{
	struct job *j = arg;
	bool ok = !j->member[member].err.code;

	for (int k = member; ok && k < WAVE * j->members && batch_size(j, k) > 0 && !stopped(j);
	     k += j->members)
		ok = look_at_batch(j, &j->member[member], k);
}

/* --- in double ----------------------------------------------------------------------------------- */

static void look_again(const struct job *j, struct member *me, struct look *l)
{
	const struct example *x = &j->text[l->text];
	int t = -1;

	l->trace = trace_new(j->s->snapshot, x->text, x->text_len, &l->err);
	if (!l->trace || !l->trace->T || !fits_any(j, me, l->trace))
		return;
	while ((!j->s->each || l->hits < j->s->each) &&
	       (t = hit_behind(j->s, me, l->trace, t)) >= 0) {
		l->at = mem_grow(l->at, &l->cap, (size_t)l->hits + 1, sizeof(*l->at));
		l->at[l->hits++] = t;
	}
}

static void look_member(void *arg, int member)
{
	struct job *j = arg;

	for (int k = member; k < j->looks && !stopped(j); k += j->members)
		look_again(j, &j->member[member], &j->look[k]);
}

/* Gives what was found in a text; false: the search is over. */
static bool give(const struct look *l, search_fn *found, void *arg, bool *go, struct err *err)
{
	if (l->err.code) {
		*err = l->err;
		return false;
	}
	for (int k = 0; *go && k < l->hits; k++)
		*go = found(arg, l->text, l->at[k], l->trace);
	return true;
}

/* Looks at the next texts of the wave that may have something, so many at once; false: the search is over. */
static bool look_at_some(struct job *j, struct team *team, int *next, int most, search_fn *found,
			 void *arg, bool *go, struct err *err)
{
	const int wave = WAVE * j->members * BATCH, begun = *next;
	bool ok = true;

	for (j->looks = 0; j->looks < most && *next < wave && j->first + *next < j->count; ++*next)
		if (j->hit[*next])
			j->look[j->looks++] = (struct look){.text = j->first + *next};
	team_run(team, look_member, j);
	if (stopped(j))
		ok = err_set(err, ERR_CANCELLED, "the search was cancelled");
	for (int k = 0; k < j->looks; k++) {
		ok = ok && (!*go || give(&j->look[k], found, arg, go, err));
		if (ok && !*go && *next > j->look[k].text - j->first) /* it ended in this one */
			*next = j->look[k].text - j->first + 1;
		trace_free(j->look[k].trace);
		free(j->look[k].at);
	}
	for (int k = begun; j->s->sum && k < *next; k++) {
		j->s->sum->texts++;
		j->s->sum->empty += j->empty[k];
	}
	return ok;
}

static bool run_waves(struct job *j, struct team *team, search_fn *found, void *arg,
		      struct err *err)
{
	const int wave = WAVE * j->members * BATCH;
	bool go = true;

	for (j->first = j->s->from; go && j->first < j->count; j->first += wave) {
		int next = 0, most = j->members;

		memset(j->hit, 0, (size_t)wave * sizeof(*j->hit));
		memset(j->empty, 0, (size_t)wave * sizeof(*j->empty));
		team_run(team, run_member, j);
		for (int k = 0; k < j->members; k++)
			if (j->member[k].err.code) {
				*err = j->member[k].err;
				return false;
			}
		while (go && next < wave && j->first + next < j->count) {
			if (!look_at_some(j, team, &next, most, found, arg, &go, err))
				return false;
			most = LOOKS * j->members;
		}
		if (go && j->s->tell)
			j->s->tell(j->s->tell_arg, j->first + next);
	}
	return true;
}

/* Whether one waits for a change that float32 may not show. */
static bool needs_double(const struct search *s)
{
	for (int k = 0; k < s->ats; k++)
		if (s->at[k].changes && expr_is_smooth(s->at[k].expr))
			return true;
	return false;
}

/* Whether any of them fitted a text, as far as there were any with steps. */
static bool fitted(const struct job *j, struct err *err)
{
	struct err why = {0};

	for (int k = 0; k < j->s->ats; k++)
		if (j->fits[k])
			return true;
	for (int k = 0; k < j->members && !why.code; k++)
		why = j->member[k].unfit;
	*err = why;
	return !why.code;
}

static void release(struct job *j)
{
	for (int k = 0; k < j->members; k++) {
		work_release(&j->member[k].work);
		work_release(&j->member[k].prefixes);
		stop_values_release(&j->member[k].values);
		free(j->member[k].fit);
		for (int n = 0; n < BATCH; n++)
			encoding_release(&j->member[k].encoding[n]);
	}
	free(j->member);
	free(j->look);
	free(j->hit);
	free(j->empty);
	free(j->fits);
}

bool search_texts(struct team *team, const struct search *s, const struct example *text, int count,
		  search_fn *found, void *arg, struct err *err)
{
	struct job j = {.s = s,
			.text = text,
			.count = count,
			.members = team_size(team),
			.exact = needs_double(s)};
	const size_t wave = (size_t)j.members * WAVE * BATCH, ats = (size_t)s->ats;
	struct err own = {0};
	bool ok;

	if (s->sum)
		*s->sum = (struct search_sum){0};
	j.member = mem_zero((size_t)j.members, sizeof(*j.member));
	for (int k = 0; k < j.members; k++)
		j.member[k].fit = mem_zero(ats + 1, sizeof(bool));
	j.look = mem_zero((size_t)j.members * LOOKS, sizeof(*j.look));
	j.hit = mem_zero(wave, sizeof(*j.hit));
	j.empty = mem_zero(wave, sizeof(*j.empty));
	j.fits = mem_zero(ats + 1, sizeof(*j.fits));
	ok = run_waves(&j, team, found, arg, &own) && fitted(&j, &own);
	if (!ok && err)
		*err = own;
	if (s->fits)
		memcpy(s->fits, j.fits, ats * sizeof(*j.fits));
	release(&j);
	return ok;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stops over many texts: several at once, values that change, where a search begins and ends, what it counts. */
#include "engine/math/blas.h"
#include "engine/survey/search.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

enum { TEXTS = 600, HITS = 8000, STOPS = 3 };

struct corpus_of {
	struct encoder *e;
	struct corpus *c;
	struct snapshot *s;
	struct examples ex;
};

static struct corpus_of make(const struct cell_ops *cell, int layers, int dirs)
{
	const struct model_spec spec = {
		.cell = cell, .embed = 4, .hidden = 6, .layers = layers, .dirs = dirs};
	struct corpus_of m = {0};

	m.e = toy_encoder_of(&spec, true, 50, &m.c, NULL);
	m.s = snapshot_new(m.e, toy_weights(&m.e->model, 5), 0, 0);
	toy_examples(&m.ex, TEXTS, 9);
	m.ex.at[3].text_len = m.ex.at[TEXTS - 1].text_len = 0;
	return m;
}

static void unmake(struct corpus_of *m)
{
	examples_release(&m->ex);
	snapshot_unref(m->s);
	corpus_unref(m->c);
	encoder_unref(m->e);
}

struct found {
	int text[HITS], t[HITS], count, most;
};

static bool take(void *arg, int text, int t, const struct trace *trace)
{
	struct found *f = arg;

	(void)trace;
	f->text[f->count] = text;
	f->t[f->count++] = t;
	return f->count < f->most;
}

/* The first hit of a text by the words of stop.h alone; -1: none. */
static int first_hit(const struct search *s, const struct trace *t)
{
	const struct trace_run *r = &t->run[s->run];
	struct expr_value now = {0}, was = {0};
	int found = -1;

	for (int k = 0; found < 0 && k < r->T; k++) {
		const int at = r->backward ? r->T - 1 - k : k,
			  before = r->backward ? at + 1 : at - 1;

		for (int n = 0; n < s->ats; n++) {
			const struct expr *e = s->at[n].expr;

			assert_true(expr_eval(e, &(struct expr_place){t, s->run, at}, &now, NULL));
			if (!s->at[n].changes) {
				found = expr_true(&now) ? at : found;
				continue;
			}
			if (!k)
				continue;
			assert_true(
				expr_eval(e, &(struct expr_place){t, s->run, before}, &was, NULL));
			if (now.text ? now.n != was.n || memcmp(now.text, was.text, now.n)
				     : fabs(*now.v - *was.v) > 1e-12)
				found = at;
		}
	}
	expr_value_release(&now);
	expr_value_release(&was);
	return found;
}

static void compare(const struct corpus_of *m, struct search *s)
{
	static struct found want, got;
	struct team *team = team_new(2, NULL);
	struct search_sum sum;

	want = got = (struct found){.most = HITS};
	s->sum = &sum;
	for (int k = s->from; k < TEXTS; k++) {
		struct trace *t = trace_new(m->s, m->ex.at[k].text, m->ex.at[k].text_len, NULL);
		const int at = first_hit(s, t);

		if (at >= 0)
			take(&want, k, at, t);
		trace_free(t);
	}
	assert_true(search_texts(team, s, m->ex.at, TEXTS, take, &got, NULL));
	assert_int_equal(got.count, want.count);
	assert_memory_equal(got.text, want.text, sizeof(got.text));
	assert_memory_equal(got.t, want.t, sizeof(got.t));
	assert_int_equal(sum.texts, TEXTS - s->from);
	assert_int_equal(sum.empty, s->from > 3 ? 1 : 2);
	assert_true(want.count > 5);
	team_free(team);
}

/* Two breakpoints, watched conditions, numbers and words, from the start and from the middle, in both
 * directions. */
static void all_stops_are_looked_at(void **state)
{
	static const struct {
		const char *text;
		bool changes;
	} stop[][STOPS] = {
		{{"f[3] > 0.6 && word == \"not\"", false}, {"word == 'bad' && t > 3", false}},
		{{"h[1] > 0", true}, {"false", false}},
		{{"c[2]", true}},
		{{"mean(f) > 0.7", true}, {"word == \"not\"", true}},
		{{"T", true}, {"argmax(h) == 2", true}, {"t == 7", false}},
		{{"p(pos) > 0.5", true}, {"z_f[2] > 1 && x[1] > 0", false}},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(stop) / sizeof(stop[0]); k++)
		for (int dirs = 1; dirs < 3; dirs++) {
			struct corpus_of m =
				make(k % 2 ? &cell_gru_after : &cell_standard, 1, dirs);
			struct stop at[STOPS];
			struct search s = {.snapshot = m.s,
					   .at = at,
					   .run = dirs - 1,
					   .reading = true,
					   .each = 1,
					   .from = k % 3 ? 130 : 0};
			char text[80];

			for (; s.ats < STOPS && stop[k][s.ats].text; s.ats++) {
				snprintf(text, sizeof(text), "%s", stop[k][s.ats].text);
				if (k % 2) /* the same of what a GRU has */
					for (char *c = text; *c; c++)
						*c = *c == 'f' && c[1] != 'a' && c[1] != ' ' ? 'z'
											     : *c;
				at[s.ats].expr = expr_parse(text, NULL);
				at[s.ats].changes = stop[k][s.ats].changes;
				assert_non_null(at[s.ats].expr);
			}
			compare(&m, &s);
			for (int n = 0; n < s.ats; n++)
				expr_free((struct expr *)at[n].expr);
			unmake(&m);
		}
}

/* What stays the same in float32 and moves in double, as a gate does that is wide open, is no reason to pass a
 * text over. */
static void a_small_change_is_one(void **state)
{
	struct corpus_of m = make(&cell_standard, 1, 1);
	struct expr *e = expr_parse("f[1]", NULL);
	const struct stop at = {e, true};
	struct search s = {.snapshot = m.s, .at = &at, .ats = 1, .reading = true, .each = 1};

	(void)state;
	m.s->weights[m.e->model.stack.run[0].at.b + 6 + 1] = 19; /* of f, unit 1 */
	compare(&m, &s);
	expr_free(e);
	unmake(&m);
}

static bool smooth(const char *text)
{
	struct expr *e = expr_parse(text, NULL);
	const bool is = expr_is_smooth(e);

	expr_free(e);
	return is;
}

static void conditions_are_not_smooth(void **state)
{
	(void)state;
	assert_true(smooth("f[1]"));
	assert_true(smooth("-mean(c) * 2 + t"));
	assert_true(smooth("prev(p(pos))"));
	assert_false(smooth("f[1] > 0.5"));
	assert_false(smooth("!f[1]"));
	assert_false(smooth("argmax(c)"));
	assert_false(smooth("word"));
	assert_false(smooth("t * 2"));
	assert_false(smooth("(f[1] > 0.5) + (c[2] > 0)"));
}

struct told {
	int calls, last;
};

static void tell(void *arg, int done)
{
	struct told *t = arg;

	assert_true(done > t->last);
	t->calls++;
	t->last = done;
}

/* What fits no text is told only if nothing else does; a step that short texts lack is none of theirs. */
static void what_does_not_fit_hits_nothing(void **state)
{
	struct corpus_of m = make(&cell_standard, 1, 1);
	struct team *team = team_new(2, NULL);
	struct expr *bad = expr_parse("f[6] > 0", NULL), *late = expr_parse("h[1]@8 < 9", NULL);
	const struct stop at[] = {{bad, false}, {late, false}};
	int fits[2], eight = 0;
	struct told told = {0};
	struct found f = {.most = HITS};
	struct search s = {.snapshot = m.s,
			   .at = at,
			   .ats = 2,
			   .each = 1,
			   .fits = fits,
			   .tell = tell,
			   .tell_arg = &told};
	struct err err = {0};

	(void)state;
	assert_true(search_texts(team, &s, m.ex.at, TEXTS, take, &f, &err));
	for (int k = 0; k < TEXTS; k++) {
		struct trace *t = trace_new(m.s, m.ex.at[k].text, m.ex.at[k].text_len, NULL);

		eight += t->T >= 8;
		trace_free(t);
	}
	assert_int_equal(f.count, eight);
	assert_true(eight > 5 && eight < TEXTS - 5);
	assert_int_equal(fits[0], 0);
	assert_true(fits[1] > 0);
	assert_int_equal(told.last, TEXTS);
	assert_true(told.calls > 1);
	s.ats = 1;
	s.tell = NULL;
	assert_false(search_texts(team, &s, m.ex.at, TEXTS, take, &f, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "units 0 to 5"));
	expr_free(bad);
	expr_free(late);
	team_free(team);
	unmake(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_stops_are_looked_at),
		cmocka_unit_test(a_small_change_is_one),
		cmocka_unit_test(conditions_are_not_smooth),
		cmocka_unit_test(what_does_not_fit_hits_nothing),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

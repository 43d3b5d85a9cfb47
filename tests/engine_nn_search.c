/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searches through many texts: the fast way finds what tracing each text in double finds. */
#include "engine/inspect/whatif.h"
#include "engine/math/blas.h"
#include "engine/survey/search.h"
#include "tests/toy.h"
#include "tests/unit.h"

enum { TEXTS = 700, HITS = 8000 };

struct found {
	int text[HITS], t[HITS], count, most;
};

static bool take(void *arg, int text, int t, const struct trace *trace)
{
	struct found *f = arg;

	assert_true(trace->prob); /* of the look in double */
	f->text[f->count] = text;
	f->t[f->count++] = t;
	return f->count < f->most;
}

/* One by one. */
static void trace_all(const struct search *s, const struct examples *ex, struct found *f)
{
	struct expr_value v = {0};

	for (size_t k = 0; k < ex->count; k++) {
		struct trace *t = trace_new(s->snapshot, ex->at[k].text, ex->at[k].text_len, NULL);
		bool more = true;

		for (int step = 0; more && step < t->run[s->run].T; step++) {
			const struct expr_place at = {t, s->run, step};

			assert_true(expr_check(s->at->expr, &at, NULL));
			assert_true(expr_eval(s->at->expr, &at, &v, NULL));
			if (!expr_true(&v))
				continue;
			take(f, (int)k, step, t);
			more = !s->each;
		}
		trace_free(t);
	}
	expr_value_release(&v);
}

static void search(int threads, const struct search *s, const struct examples *ex, struct found *f)
{
	struct team *team = team_new(threads, NULL);

	assert_true(search_texts(team, s, ex->at, (int)ex->count, take, f, NULL));
	team_free(team);
}

static void the_fast_way_finds_the_same(void **state)
{
	static const char *const text[] = {"f[3] > 0.6 && word == \"not\"",
					   "d(h[1]) > 0.05",
					   "mean(i) < 0.5",
					   "p(pos) > 0.5 && t > 2",
					   "prev(word) == 'so' && c[2] < 0",
					   "T - t == 3",
					   "abs(x[1]) > 0.2 && z_f[2] > 0.9",
					   "false"};

	(void)state;
	for (size_t k = 0; k < sizeof(text) / sizeof(text[0]); k++) {
		const bool mask = k % 2;
		const struct model_spec spec = {.cell = &cell_standard,
						.embed = 4,
						.hidden = 6,
						.layers = 1 + (int)k % 2,
						.dirs = 1 + (int)k / 4};
		struct corpus *c;
		struct encoder *e = toy_encoder_of(&spec, mask, 50, &c, NULL);
		struct snapshot *snap = snapshot_new(e, toy_weights(&e->model, 5), 0, 0);
		struct examples ex;

		toy_examples(&ex, TEXTS, 9);
		for (int each = 0; each < 2; each++) {
			const struct stop at = {.expr = expr_parse(text[k], NULL)};
			struct search s = {.snapshot = snap,
					   .at = &at,
					   .ats = 1,
					   .run = (int)k % e->model.stack.runs,
					   .each = each};
			struct found want = {.most = HITS}, one = want, three = want;

			trace_all(&s, &ex, &want);
			search(1, &s, &ex, &one);
			search(3, &s, &ex, &three);
			if (one.count != want.count)
				fail_msg("%s: %d, not %d", text[k], one.count, want.count);
			assert_memory_equal(one.text, want.text, sizeof(one.text));
			assert_memory_equal(one.t, want.t, sizeof(one.t));
			assert_memory_equal(three.text, want.text, sizeof(one.text));
			if (k + 1 < sizeof(text) / sizeof(text[0]) ? want.count < 6 : want.count)
				fail_msg("%s: %d found", text[k], want.count);
			expr_free((struct expr *)at.expr);
		}
		examples_release(&ex);
		snapshot_unref(snap);
		corpus_unref(c);
		encoder_unref(e);
	}
}

static void a_search_ends_where_it_is_told(void **state)
{
	struct corpus *c;
	struct encoder *e = toy_encoder(&cell_standard, 4, 6, true, 50, &c, NULL);
	struct snapshot *snap = snapshot_new(e, toy_weights(&e->model, 5), 0, 0);
	struct team *team = team_new(2, NULL);
	struct expr *all = expr_parse("true", NULL), *bad = expr_parse("f[6] > 1", NULL);
	const struct stop always = {.expr = all}, unfit = {.expr = bad};
	struct search s = {.snapshot = snap, .at = &always, .ats = 1, .each = 1};
	struct found f = {.most = 3};
	const int stop = 1;
	struct examples ex;
	struct err err = {0};

	(void)state;
	toy_examples(&ex, TEXTS, 9);
	assert_true(search_texts(team, &s, ex.at, TEXTS, take, &f, NULL));
	assert_int_equal(f.count, 3);
	assert_int_equal(f.text[2], 2);
	s.stop = &stop;
	assert_false(search_texts(team, &s, ex.at, TEXTS, take, &f, &err));
	assert_int_equal(err.code, ERR_CANCELLED);
	s = (struct search){.snapshot = snap, .at = &unfit, .ats = 1};
	assert_false(search_texts(team, &s, ex.at, TEXTS, take, &f, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "units 0 to 5"));
	expr_free(all);
	expr_free(bad);
	team_free(team);
	examples_release(&ex);
	snapshot_unref(snap);
	corpus_unref(c);
	encoder_unref(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fast_way_finds_the_same),
		cmocka_unit_test(a_search_ends_where_it_is_told),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

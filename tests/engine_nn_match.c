/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the same units are on: a case made by hand, and many against plain loops over traces. */
#include "engine/survey/match.h"
#include "tests/world.h"

static void place_is(const struct match *m, int k, size_t text, int from, int to, int both,
		     int either)
{
	assert_true(k < m->count);
	assert_int_equal(m->place[k].text, text);
	assert_int_equal(m->place[k].from, from);
	assert_int_equal(m->place[k].to, to);
	assert_int_equal(m->place[k].both, both);
	assert_int_equal(m->place[k].either, either);
}

/* h is on at a word alone: unit 0 at "the" and "film", unit 1 at "film" and "is". */
static void matches_of_a_case_made_by_hand(void **state)
{
	static const char *const text[] = {"the film is good",   "so film film",
					   "film the film film", "",
					   "is is is",           "good bad today"};
	const bool both[2] = {true, true}, first[2] = {true, false};
	struct world w = made_world(text, 6, -30);
	struct match_rules rules = {.threshold = 0.3, .chosen = both, .most = 50};
	struct match m;
	struct replay *r;
	bool on[2];

	(void)state;
	write_at(&w, 0, "the");
	write_at(&w, 0, "film");
	write_at(&w, 1, "film");
	write_at(&w, 1, "is");
	assert_true(match_run(&m, w.team[1], w.m.s, w.ex.at, w.ex.count, &rules, NULL));
	assert_int_equal(m.at_least, 1);
	assert_int_equal(m.candidates, 5);
	assert_int_equal(m.count, 5);
	place_is(&m, 0, 1, 1, 2, 2, 2);
	place_is(&m, 1, 2, 2, 3, 2, 2);
	place_is(&m, 2, 2, 0, 3, 1, 2);
	place_is(&m, 3, 4, 0, 2, 1, 2);
	place_is(&m, 4, 0, 0, 2, 0, 2);
	match_release(&m);
	rules.off_left = true; /* "the film film": unit 0 is on before it */
	assert_true(match_run(&m, w.team[0], w.m.s, w.ex.at, w.ex.count, &rules, NULL));
	place_is(&m, 0, 1, 1, 2, 2, 2);
	place_is(&m, 1, 2, 0, 3, 1, 2);
	match_release(&m);
	rules.off_left = false;
	rules.chosen = first;
	rules.most = 1;
	assert_true(match_run(&m, w.team[0], w.m.s, w.ex.at, w.ex.count, &rules, NULL));
	assert_int_equal(m.count, 1);
	place_is(&m, 0, 2, 0, 3, 1, 1);
	match_release(&m);
	r = replay_new(w.m.s, text[0], strlen(text[0]), NULL);
	assert_int_equal(match_pattern(r, &rules, 0, 1, on), 1);
	assert_true(on[0] && !on[1]);
	assert_int_equal(match_pattern(r, &rules, 0, 3, on), 0);
	assert_int_equal(match_pattern(r, &rules, 1, 2, on), 1);
	rules.off_left = true;
	assert_int_equal(match_pattern(r, &rules, 1, 1, on), 1);
	assert_true(!on[0] && on[1]);
	replay_free(r);
	world_release(&w);
}

/* How many of the chosen units are on at each word of a text: its words. */
static int plain_counts(const struct world *w, const struct match_rules *r, size_t text, int *on)
{
	struct trace *t = trace_text(w, text);
	const double *v = signal_of(t, r->run, r->cell ? "c" : "h");
	int n = 0;

	for (int k = 0; k < t->T; k++) {
		if (t->token[k] < 0)
			continue;
		on[n] = 0;
		for (int u = 0; u < H; u++) {
			const double x = r->cell ? tanh(v[k * H + u]) : v[k * H + u];

			assert_true(fabs(x - r->threshold) > 1e-7); /* else float32 may differ */
			on[n] += r->chosen[u] && x > r->threshold;
		}
		n++;
	}
	trace_free(t);
	return n;
}

/* The runs with at least so many on that are not there with more. */
static int64_t plain_candidates(const struct world *w, const struct match_rules *r, int level)
{
	int64_t count = 0;

	for (size_t k = 0; k < w->ex.count; k++) {
		int on[64];
		const int n = plain_counts(w, r, k, on);

		for (int from = 0; from < n; from++) {
			int to = from, least = INT32_MAX;

			if (on[from] < level || (from && on[from - 1] >= level))
				continue;
			for (; to < n && on[to] >= level; to++)
				least = on[to] < least ? on[to] : least;
			count += to - from >= 2 && least == level;
		}
	}
	return count;
}

static void check_match(const struct model_spec *spec, bool mask, int run, bool cell)
{
	const bool chosen[H] = {true, false, true, true, true};
	struct world w = world_of(spec, mask, 1200);
	const struct match_rules rules = {
		.run = run, .cell = cell, .threshold = 0.0203, .chosen = chosen, .most = 100000};
	struct match m[2];
	int64_t sum = 0;
	int level = 4;

	for (int k = 0; k < 2; k++)
		assert_true(match_run(&m[k], w.team[k], w.m.s, w.ex.at, w.ex.count, &rules, NULL));
	assert_int_equal(m[0].count, m[1].count);
	for (int k = 0; k < m[0].count; k++) {
		const struct match_place *a = &m[0].place[k], *b = &m[1].place[k];

		place_is(&m[0], k, b->text, b->from, b->to, b->both, b->either);
		assert_true(!k || a[-1].both > a->both ||
			    (a[-1].both == a->both && a[-1].either <= a->either));
	}
	for (; level > 0; level--) {
		sum += plain_candidates(&w, &rules, level);
		if (sum >= MATCH_CANDIDATES || level == 1)
			break;
	}
	assert_int_equal(m[0].at_least, level);
	assert_int_equal(m[0].candidates, sum);
	assert_int_equal(m[0].count, sum);
	match_release(&m[0]);
	match_release(&m[1]);
	world_release(&w);
}

static void matches_are_those_of_traces(void **state)
{
	const struct model_spec plain = {.cell = &cell_standard, .embed = 3, .hidden = H};
	const struct model_spec two = {.cell = &cell_NP, .embed = 3, .hidden = H, .dirs = 2};
	(void)state;

	check_match(&plain, true, 0, false);
	check_match(&two, false, 1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_of_a_case_made_by_hand),
		cmocka_unit_test(matches_are_those_of_traces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

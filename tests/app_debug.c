/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The debugger without a screen: how it goes through a trace, where it stops, and its stack of edits. */
#include "app/debug.h"
#include "engine/inspect/whatif.h"
#include "engine/math/blas.h"
#include "tests/traced.h"

#include <math.h>

static struct made make(int layers, int dirs, bool padded)
{
	const struct model_spec spec = {.task = TASK_CLASSIFY,
					.cell = cell_find("standard"),
					.embed = 4,
					.hidden = 5,
					.layers = layers,
					.dirs = dirs};

	return made_of(&spec, !padded, "the film is not so good today");
}

static struct expr_place at(const struct made *m, int run, int t)
{
	return (struct expr_place){m->t, run, t};
}

static int add(struct debug *d, enum debug_kind kind, const char *text)
{
	struct err err = {0};
	const struct debug_item *i = debug_add(d, kind, text, NULL, &err);

	if (!i)
		fail_msg("%s: %s", text, err.msg);
	return i->number;
}

/* --- moving --- */

static void steps_follow_the_layer(void **state)
{
	struct made m = make(1, 2, false);
	const int last = m.t->T - 1;
	struct expr_place p = at(&m, 0, 2);

	(void)state;
	assert_int_equal(m.t->T, 7);
	assert_int_equal(debug_step(&p, 1), 3);
	assert_int_equal(debug_step(&p, -2), 0);
	assert_int_equal(debug_step(&p, -3), 0); /* no further */
	assert_int_equal(debug_step(&p, 100), last);
	assert_int_equal(debug_step(&p, 2147483647), last);
	p = at(&m, 1, 2); /* this one reads from the end */
	assert_true(m.t->run[1].backward);
	assert_int_equal(debug_step(&p, 1), 1);
	assert_int_equal(debug_step(&p, 9), 0);
	assert_int_equal(debug_step(&p, -2), 4);
	assert_int_equal(debug_step(&p, -2147483647), last);
	p.t = 1;
	assert_int_equal(debug_next_word(&p), 0);
	p.t = 0;
	assert_int_equal(debug_next_word(&p), -1);
	unmake(&m);
}

static void words_come_behind_padding(void **state)
{
	struct made m = make(1, 1, true);
	struct expr_place p = at(&m, 0, 0);

	(void)state;
	assert_int_equal(m.t->T, 10);
	assert_int_equal(debug_step(&p, 1), 1);
	for (int want = 3; want < 10; want++) { /* seven words behind three of padding */
		p.t = debug_next_word(&p);
		assert_int_equal(p.t, want);
		assert_true(m.t->token[p.t] >= 0);
	}
	assert_int_equal(debug_next_word(&p), -1);
	unmake(&m);
}

static int until(const struct made *m, const char *text, int run, int t, struct err *err)
{
	const struct expr_place p = at(m, run, t);
	struct expr *e = expr_parse(text, err);
	int found;

	assert_non_null(e);
	found = debug_until(e, &p, err);
	expr_free(e);
	return found;
}

static void until_goes_on_to_the_first(void **state)
{
	struct made m = make(1, 2, false);
	struct err err = {0};

	(void)state;
	assert_int_equal(until(&m, "word == \"not\"", 0, 0, &err), 3);
	assert_int_equal(until(&m, "word == \"not\"", 0, 3, &err), -1); /* from the next one on */
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(until(&m, "word == \"not\"", 1, 6, &err), 3);
	assert_int_equal(until(&m, "word == \"not\"", 1, 2, &err), -1);
	assert_int_equal(until(&m, "t >= 2", 0, 0, &err), 1);
	assert_int_equal(until(&m, "f[9] > 0", 0, 0, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "column 1: "));
	assert_int_equal(until(&m, "t > 1 && word + 1", 0, 0, &err), -1); /* shows on the way */
	assert_int_equal(err.code, ERR_USAGE);
	unmake(&m);
}

/* --- stopping --- */

static int go_on(struct debug *d, struct expr_place *p, const char *says)
{
	struct buf b = {0};
	const int to = debug_continue(d, p, &b);

	if (to >= 0)
		p->t = to;
	if (says && !strstr(buf_str(&b), says))
		fail_msg("'%s' instead of '%s'", buf_str(&b), says);
	buf_release(&b);
	return to;
}

static void it_stops_where_something_holds(void **state)
{
	struct made m = make(2, 1, false);
	const double *f = signal_of(m.t, 1, "f");
	struct expr_place p = at(&m, 1, 0);
	struct debug d = {0};
	char text[64];
	double level = f[4 * m.t->H + 2]; /* what some steps are below, and some not */
	int hits = 0;

	(void)state;
	snprintf(text, sizeof(text), "f[2] <= %.17g", level);
	assert_int_equal(add(&d, DEBUG_BREAK, text), 1);
	assert_int_equal(add(&d, DEBUG_BREAK, "word == \"good\""), 2);
	assert_int_equal(add(&d, DEBUG_BREAK, "q[1] > 0"), 3); /* no such gate: passed over */
	assert_int_equal(add(&d, DEBUG_DISPLAY, "t > 0"), 4);  /* never stops */
	for (int t = 1; t < m.t->T; t++) {
		const bool low = f[t * m.t->H + 2] <= level, good = t == 5;

		if (!low && !good)
			continue;
		hits += low;
		assert_int_equal(go_on(&d, &p, low ? "break 1: f[2] <= " : "break 2: word"), t);
		assert_true(debug_hits(&d.item[0], &p) == low);
		assert_true(debug_hits(&d.item[1], &p) == good);
		assert_false(debug_hits(&d.item[2], &p));
		assert_false(debug_hits(&d.item[3], &p));
	}
	assert_int_equal(go_on(&d, &p, NULL), -1);
	assert_true(hits > 0);
	assert_int_equal(d.item[0].hits, hits);
	assert_int_equal(d.item[1].hits, 1);
	assert_int_equal(d.item[2].hits, 0);
	assert_int_equal(d.item[3].hits, 0);
	debug_release(&d);
	unmake(&m);
}

static void it_stops_where_a_value_changes(void **state)
{
	struct made m = make(1, 1, true);
	struct expr_place p = at(&m, 0, 0);
	struct debug d = {0};

	(void)state;
	add(&d, DEBUG_WATCH, "word");
	add(&d, DEBUG_WATCH, "T");
	assert_false(debug_hits(&d.item[0], &p)); /* nothing comes before */
	assert_int_equal(go_on(&d, &p, "watch 1: word was “<pad>”, is “the”"), 3);
	assert_true(debug_hits(&d.item[0], &p));
	assert_int_equal(go_on(&d, &p, "watch 1: word was “the”, is “film”"), 4);
	assert_true(debug_delete(&d, 1));
	assert_int_equal(go_on(&d, &p, NULL), -1); /* T stays */
	add(&d, DEBUG_WATCH, "h");                 /* a vector: any of its numbers */
	assert_int_equal(go_on(&d, &p, "watch 3: h was "), 5);
	assert_int_equal(d.item[1].hits, 1);
	add(&d, DEBUG_WATCH, "0.9e-12 * t"); /* by less than counts */
	add(&d, DEBUG_WATCH, "1.1e-12 * t");
	debug_delete(&d, 3);
	assert_int_equal(go_on(&d, &p, "watch 5: "), 6);
	assert_int_equal(d.item[1].hits, 0);
	debug_release(&d);
	unmake(&m);
}

static void numbers_are_used_once(void **state)
{
	struct made m = make(1, 1, false);
	const struct expr_place p = at(&m, 0, 1);
	struct debug d = {0};
	struct err err = {0};

	(void)state;
	add(&d, DEBUG_BREAK, "t == 1");
	add(&d, DEBUG_DISPLAY, "t");
	assert_true(debug_delete(&d, 2));
	assert_false(debug_delete(&d, 2));
	assert_int_equal(add(&d, DEBUG_WATCH, "t"), 3);
	assert_null(debug_add(&d, DEBUG_BREAK, "f[", NULL, &err));
	assert_non_null(strstr(err.msg, "column 3: "));
	assert_null(debug_add(&d, DEBUG_BREAK, "1 + f[9]", &p, &err));
	assert_non_null(strstr(err.msg, "column 5: "));
	assert_int_equal(d.items, 2);
	assert_int_equal(debug_set(&d, "f[1] = 0", &p, &err)->number, 4);
	assert_int_equal(debug_find_set(&d, 4), 0);
	assert_int_equal(debug_find_set(&d, 3), -1);
	debug_release(&d);
	unmake(&m);
}

/* --- edits --- */

static void edits_are_a_stack(void **state)
{
	struct made m = make(1, 1, false);
	const struct expr_place p = at(&m, 0, 2);
	struct expr_place far = at(&m, 0, 4);
	struct debug d = {0};
	struct err err = {0};
	struct edit *all;
	struct trace *t;
	int n;

	(void)state;
	assert_string_equal(debug_set(&d, "f[1,3] = 0.5 ", &p, &err)->text, "f[1,3] = 0.5 @3");
	assert_string_equal(debug_set(&d, "c[1] = 2 @4..6", &p, &err)->text, "c[1] = 2 @4..6");
	assert_null(debug_set(&d, "f[1] := 2", &p, &err));
	assert_non_null(strstr(err.msg, "column 6: "));
	assert_null(debug_set(&d, "f[1] = 2 @9", &p, &err));
	assert_non_null(strstr(err.msg, "column 10: steps are 1 to 7"));
	assert_int_equal(d.sets, 2);
	all = debug_edits(&d, &n);
	assert_int_equal(n, 3);
	assert_int_equal(all[1].unit, 3);
	assert_int_equal(all[2].kind, EDIT_C);
	t = whatif(m.t, all, n, &err);
	assert_non_null(t);
	assert_true(edit_sets(t, p.run, p.t, 1, EDIT_GATE, all[0].gate));
	assert_false(edit_sets(t, p.run, p.t, 2, EDIT_GATE, all[0].gate));
	assert_false(edit_sets(t, p.run, p.t, 1, EDIT_GATE, all[0].gate + 1));
	assert_false(edit_sets(t, p.run, p.t, 1, EDIT_C, 0)); /* from step 4 on */
	assert_true(edit_sets(t, far.run, far.t, 1, EDIT_C, 0));
	assert_false(edit_sets(t, far.run, far.t, 1, EDIT_H, 0));
	assert_false(edit_sets(m.t, p.run, p.t, 1, EDIT_GATE, all[0].gate));
	trace_free(t);
	free(all);
	debug_unset(&d, 0);
	assert_string_equal(d.set[0].text, "c[1] = 2 @4..6");
	debug_unset_all(&d);
	free(debug_edits(&d, &n));
	assert_int_equal(n, 0);
	debug_release(&d);
	unmake(&m);
}

static void values_fit_their_room(void **state)
{
	double v[] = {0.25, -1.5, 3, (double)NAN, 2e-9, -0.0, 1e12};
	struct expr_value one = {.v = v, .count = 1}, all = {.v = v, .count = 7, .vector = true};
	struct buf b = {0};

	(void)state;
	debug_value(&b, &one, 0); /* one number always */
	assert_string_equal(buf_str(&b), "0.250000");
	buf_clear(&b);
	debug_value(&b, &all, 200);
	assert_string_equal(buf_str(&b), "0.250000 -1.500000 3 nan 2e-09 0 1e+12");
	for (int cols = 17; cols < 38; cols++) {
		buf_clear(&b);
		buf_text(&b, "x = ");
		debug_value(&b, &all, cols);
		assert_non_null(strstr(buf_str(&b), " … of 7"));
		assert_true(b.len - 4 - 2 <= (size_t)cols); /* … has three bytes */
	}
	buf_clear(&b);
	debug_value(&b, &(struct expr_value){.text = "notable", .n = 3}, 10);
	assert_string_equal(buf_str(&b), "“not”");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_follow_the_layer),
		cmocka_unit_test(words_come_behind_padding),
		cmocka_unit_test(until_goes_on_to_the_first),
		cmocka_unit_test(it_stops_where_something_holds),
		cmocka_unit_test(it_stops_where_a_value_changes),
		cmocka_unit_test(numbers_are_used_once),
		cmocka_unit_test(edits_are_a_stack),
		cmocka_unit_test(values_fit_their_room),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

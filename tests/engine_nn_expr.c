/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expressions over traces: their values against the trace's own arrays, and what is wrong with bad ones. */
#include "engine/inspect/expr.h"
#include "engine/math/blas.h"
#include "tests/traced.h"

#include <math.h>

static struct made make(const struct cell_ops *cell, int layers, int dirs)
{
	const struct model_spec spec = {
		.cell = cell, .embed = 4, .hidden = 6, .layers = layers, .dirs = dirs};

	return made_of(&spec, true, "the film is not good today");
}

/* The number at a step of a run; NaN too. */
static double number(const struct made *m, int run, int t, const char *text)
{
	const struct expr_place at = {m->t, run, t};
	struct expr_value v = {0};
	struct err err = {0};
	struct expr *e = expr_parse(text, &err);
	double got;

	if (!e || !expr_check(e, &at, &err) || !expr_eval(e, &at, &v, &err))
		fail_msg("%s: %s", text, err.msg);
	assert_string_equal(expr_text(e), text);
	assert_true(!v.text && v.count == 1 && !v.vector);
	got = v.v[0];
	expr_value_release(&v);
	expr_free(e);
	return got;
}

static void same(const struct made *m, int run, int t, const char *text, double want)
{
	const double got = number(m, run, t, text);

	if (!(got == want || (isnan(got) && isnan(want))))
		fail_msg("%s at step %d of run %d: %.17g, not %.17g", text, t + 1, run, got, want);
}

/* Signal k of a run, unit u at position t. */
static double of(const struct made *m, int run, const char *name, int t, int u)
{
	return signal_of(m->t, run, name)[t * m->t->H + u];
}

static void signals_are_those_of_the_trace(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct made m = make(cell_at(k), 2, 2);

		for (int run = 0; run < m.t->runs; run++)
			for (int j = 0; j < m.t->run[run].signals; j++) {
				const char *name = m.t->run[run].signal[j].name;
				char text[64];

				for (int t = 0; t < m.t->T; t++) {
					snprintf(text, sizeof(text), "%s[3]", name);
					same(&m, run, t, text, of(&m, run, name, t, 3));
					snprintf(text, sizeof(text), "l%d.%s.%s[5]@%d", run / 2,
						 run % 2 ? "bw" : "fw", name, t + 1);
					same(&m, 0, 0, text, of(&m, run, name, t, 5));
				}
			}
		unmake(&m);
	}
}

static void steps_before_are_those_of_the_run(void **state)
{
	struct made m = make(&cell_standard, 1, 2);
	const int last = m.t->T - 1;

	(void)state;
	same(&m, 0, 3, "prev(c[2])", of(&m, 0, "c", 2, 2));
	same(&m, 0, 3, "prev(prev(f[1]))", of(&m, 0, "f", 1, 1));
	same(&m, 0, 3, "d(h[2])", of(&m, 0, "h", 3, 2) - of(&m, 0, "h", 2, 2));
	same(&m, 0, 0, "prev(c[2])", 0); /* the initial state */
	same(&m, 0, 4, "c[2]@0", 0);
	same(&m, 0, 4, "prev(h[2]@3)", of(&m, 0, "h", 1, 2));
	same(&m, 0, 4, "prev(h[2]@1)", 0);
	same(&m, 0, 0, "prev(f[1])", NAN);
	same(&m, 0, 0, "prev(f[1]) < 2", 0);
	same(&m, 1, 3, "prev(c[2])", of(&m, 1, "c", 4, 2)); /* it goes the other way */
	same(&m, 1, last, "prev(h[2])", 0);
	same(&m, 1, last, "prev(o[2])", NAN);
	unmake(&m);
}

static void operators_follow_their_order(void **state)
{
	struct made m = make(&cell_standard, 1, 1);

	(void)state;
	same(&m, 0, 0, "1 + 2 * 3 - 4 / 2", 5);
	same(&m, 0, 0, "(1 + 2) * -3", -9);
	same(&m, 0, 0, "10 - 3 - 2", 5);
	same(&m, 0, 0, "1 < 2 && 2 < 1 || 3 != 4", 1);
	same(&m, 0, 0, "!(1 == 1) || !0", 1);
	same(&m, 0, 0, "0 && f[0] / 0", 0);
	same(&m, 0, 0, ".5e1 >= 5 == true", 1);
	same(&m, 0, 2, "t", 3);
	same(&m, 0, 2, "T", 6);
	same(&m, 0, 2, "layer", 0);
	same(&m, 0, 3, "word == \"not\" && t == 4", 1);
	same(&m, 0, 3, "prev(word) != 'is'", 0);
	same(&m, 0, 3, "unknown", 0);
	unmake(&m);
}

static void vectors_are_gathered(void **state)
{
	struct made m = make(&cell_standard, 1, 1);
	double sum = 0, square = 0, most = -1, open = 0, step = 0;
	int at = 0;

	(void)state;
	for (int u = 0; u < 6; u++) {
		const double h = of(&m, 0, "h", 2, u), i = of(&m, 0, "i", 2, u);

		sum += h;
		square += h * h;
		open += i > 0.5;
		step += h - of(&m, 0, "h", 1, u);
		at = h > most ? u : at;
		most = fmax(most, h);
	}
	same(&m, 0, 2, "sum(h)", sum);
	same(&m, 0, 2, "mean(h)", sum / 6);
	same(&m, 0, 2, "norm(h)", sqrt(square));
	same(&m, 0, 2, "max(h)", most);
	same(&m, 0, 2, "argmax(h)", at);
	same(&m, 0, 2, "mean(i > 0.5)", open / 6);
	same(&m, 0, 2, "sum(d(h))", step);
	same(&m, 0, 2, "sum(h * i - i * h)", 0);
	same(&m, 0, 2, "abs(min(h) + max(-h)) < 1e-15", 1);
	unmake(&m);
}

static void outcomes_are_by_label(void **state)
{
	struct made m = make(&cell_standard, 1, 1);

	(void)state;
	for (int t = 0; t < m.t->T; t++) {
		same(&m, 0, t, "p(neg)", m.t->prob[t * 2]);
		same(&m, 0, t, "p(\"pos\")", m.t->prob[t * 2 + 1]);
		same(&m, 0, t, "argmax(p)", m.t->prob[t * 2] < m.t->prob[t * 2 + 1]);
	}
	same(&m, 0, 0, "prev(p(pos))", NAN);
	unmake(&m);
}

/* Each with the column that it is told of. */
static void what_is_wrong_is_told_with_its_column(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", "column 1: the expression ends too early"},
		{"f[12] < ", "column 9: the expression ends too early"},
		{"f[12 < 1", "column 6: ']' is missing"},
		{"f[x]", "column 3: a whole number from 0 is missing"},
		{"(f[1] > 2", "column 10: ')' is missing"},
		{"f[1] = 2", "column 6: one = sets, two compare"},
		{"word == \"not", "column 9: the quote is not closed"},
		{"f[1] 2", "column 6: this is one part too many"},
		{"foo(f)", "column 1: there is no such function"},
		{"f[1] > $", "column 8: this is no part of an expression"},
		{"q[1]", "column 1: this cell has no 'q'; it has i f g o c h"},
		{"1 + f[6]", "column 5: f has units 0 to 5, not 6"},
		{"l3.f[1]", "column 1: the run has no such layer"},
		{"f[1]@9", "column 1: there are 6 steps, no step 9"},
		{"p(bad)", "column 1: there is no class 'bad'"},
		{"1 + word", "column 3: a text can only be compared with a text"},
		{"word == 1", "column 6: a text can only be compared with a text"},
		{"x + h > 0", "column 3: these have 4 and 6 numbers"},
		{"-word", "column 1: a text has no sign"},
		{"\"不好\" == foo", "column 9: this cell has no 'foo'"},
	};
	struct made m = make(&cell_standard, 1, 1);
	const struct expr_place at = {m.t, 0, 1};

	(void)state;
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		struct err err = {0};
		struct expr_value v = {0};
		struct expr *e = expr_parse(bad[k].text, &err);

		if (e && expr_check(e, &at, &err) && expr_eval(e, &at, &v, &err))
			fail_msg("%s was taken", bad[k].text);
		assert_int_equal(err.code, ERR_USAGE);
		if (strncmp(err.msg, bad[k].says, strlen(bad[k].says)) != 0)
			fail_msg("%s: '%s', not '%s'", bad[k].text, err.msg, bad[k].says);
		expr_value_release(&v);
		expr_free(e);
	}
	unmake(&m);
}

static void brackets_have_a_limit(void **state)
{
	char text[2000];
	struct err err = {0};

	(void)state;
	memset(text, '(', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_null(expr_parse(text, &err));
	assert_non_null(strstr(err.msg, "too many brackets"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_those_of_the_trace),
		cmocka_unit_test(steps_before_are_those_of_the_run),
		cmocka_unit_test(operators_follow_their_order),
		cmocka_unit_test(vectors_are_gathered),
		cmocka_unit_test(outcomes_are_by_label),
		cmocka_unit_test(what_is_wrong_is_told_with_its_column),
		cmocka_unit_test(brackets_have_a_limit),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The classes after each word of a text that is read in two directions are those of the text that ends there. */
#include "tests/traced.h"

#include <math.h>

enum { WORDS = 300, LONGEST = 8 * WORDS };

static const double tol = sizeof(real) == 8 ? 1e-12 : 1e-5;

/* The first n words of a text of WORDS. */
static size_t words(char *text, int n)
{
	static const char *const word[] = {"the ", "film ", "is ", "not ", "so ", "good ", "bad "};
	struct rng r;

	*text = '\0';
	rng_seed(&r, 3, 1);
	for (int k = 0; k < n; k++)
		strcat(text, word[rng_below(&r, 7)]);
	return strlen(text);
}

static void check(const struct model_spec *spec)
{
	static const int part[] = {1, 2, 119, 120, 121, 229, 230, 299};
	char text[LONGEST];
	struct made m;
	double least = 1, most = 0;

	words(text, WORDS);
	m = made_of(spec, true, text);
	assert_int_equal(m.t->T, WORDS);
	for (size_t k = 0; k < sizeof(part) / sizeof(part[0]); k++) {
		struct trace *p = trace_new(m.s, text, words(text, part[k]), NULL);
		const double *of_whole = m.t->prob + (size_t)(part[k] - 1) * (size_t)m.t->C,
			     *of_part = p->prob + (size_t)(part[k] - 1) * (size_t)m.t->C;

		for (int c = 0; c < m.t->C; c++)
			assert_true(fabs(of_whole[c] - of_part[c]) < tol);
		least = fmin(least, *of_part);
		most = fmax(most, *of_part);
		trace_free(p);
	}
	assert_true(most - least > 1e-4); /* they are not all the same */
	unmake(&m);
}

static void each_beginning_has_the_classes_of_its_text(void **state)
{
	static const struct cell_ops *const cell[] = {&cell_standard, &cell_gru_after,
						      &cell_article};

	(void)state;
	for (int pool = 0; pool < POOL_COUNT; pool++)
		for (int shape = 0; shape < 6; shape++)
			check(&(struct model_spec){.cell = cell[shape % 3],
						   .embed = shape % 2 ? 0 : 5,
						   .hidden = 6,
						   .layers = 1 + shape / 5,
						   .dirs = 2,
						   .merge = (enum merge)(shape / 3),
						   .pool = (enum pool)pool,
						   .learned = shape % 4 > 1});
}

static void a_trace_stops_where_it_is_told(void **state)
{
	const struct model_spec spec = {.cell = &cell_standard, .embed = 5, .hidden = 6, .dirs = 2};
	struct made m = made_of(&spec, true, "not so good");
	const int stop = 1, go = 0;
	struct err err = {0};
	struct trace *t = trace_new_until(m.s, "not so good", 11, &go, &err);

	(void)state;
	assert_non_null(t);
	assert_memory_equal(t->prob, m.t->prob, (size_t)(t->T * t->C) * sizeof(double));
	trace_free(t);
	assert_null(trace_new_until(m.s, "not so good", 11, &stop, &err));
	assert_int_equal(err.code, ERR_CANCELLED);
	unmake(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_beginning_has_the_classes_of_its_text),
		cmocka_unit_test(a_trace_stops_where_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numeric golden cases in tests/golden, by kind. */
#include "engine/math/blas.h"
#include "tests/golden/cases.h"
#include "tests/unit.h"

#include <glob.h>

static void run(const char *pattern, int at_least)
{
	glob_t files;
	int bad = 0;

	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	assert_true((int)files.gl_pathc >= at_least);
	for (size_t k = 0; k < files.gl_pathc; k++) {
		struct golden g;
		struct err err;

		if (!golden_read(&g, files.gl_pathv[k], &err))
			fail_msg("%s", err.msg);
		bad += case_run(&g, files.gl_pathv[k]) != CASE_PASS;
		golden_release(&g);
	}
	globfree(&files);
	assert_int_equal(bad, 0);
}

static void cells(void **state)
{
	(void)state;
	run("tests/golden/cell_*.txt", 38);
}

static void layouts(void **state)
{
	(void)state;
	run("tests/golden/layout_*.txt", 2);
}

static void classifiers(void **state)
{
	(void)state;
	run("tests/golden/classifier_*.txt", 5);
}

static void stacks(void **state)
{
	(void)state;
	run("tests/golden/stack_*.txt", 4);
}

static void language_models(void **state)
{
	(void)state;
	run("tests/golden/lm_*.txt", 2);
}

static void pairs(void **state)
{
	(void)state;
	run("tests/golden/seq2seq_*.txt", 8);
}

static void optimizers(void **state)
{
	(void)state;
	run("tests/golden/optim_*.txt", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells),           cmocka_unit_test(layouts),
		cmocka_unit_test(classifiers),     cmocka_unit_test(stacks),
		cmocka_unit_test(language_models), cmocka_unit_test(optimizers),
		cmocka_unit_test(pairs),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

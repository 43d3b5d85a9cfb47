/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every tests/golden/text_* case, exactly. */
#include "tests/golden/cases.h"
#include "tests/unit.h"

#include <glob.h>

static void run_case(void **state)
{
	const char *path = *state;
	struct err err = {0};
	struct golden g;

	if (!golden_read(&g, path, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(g.kind, GOLDEN_TEXT);
	assert_int_equal(case_text(&g, path), CASE_PASS);
	golden_release(&g);
}

static void a_broken_case_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  "golden 0 2 kind 0 6 end 0 0",
					  "golden 0 1 kind 0 6 x",
					  "golden 0 1 kind 0 6 x 1 3 1 2",
					  "golden 0 1 kind 0 6 x 9",
					  "golden 0 1 kind 0 6 x 2 99999 99999 1"};
	char path[] = P_tmpdir "/sluice-golden-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	fclose(fdopen(fd, "w"));
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		FILE *f = fopen(path, "w");
		struct err err = {0};
		struct golden g;

		fputs(bad[k], f);
		fclose(f);
		assert_false(golden_read(&g, path, &err));
		assert_non_null(strstr(err.msg, path));
	}
	remove(path);
}

int main(void)
{
	struct CMUnitTest tests[64] = {cmocka_unit_test(a_broken_case_is_refused)};
	size_t count = 1;
	glob_t found;
	int failed;

	if (glob("tests/golden/text_*.txt", 0, NULL, &found)) {
		printf("not ok - no tests/golden/text_*.txt; start this from the top folder\n");
		return 1;
	}
	for (; count <= found.gl_pathc && count < 64; count++)
		tests[count] = (struct CMUnitTest){found.gl_pathv[count - 1], run_case, NULL, NULL,
						   found.gl_pathv[count - 1]};
	failed = _cmocka_run_group_tests("text_golden", tests, count, NULL, NULL);
	globfree(&found);
	return failed;
}

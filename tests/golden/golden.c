/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs golden files given as arguments; the last line counts: N passed, N failed, N skipped. */
#include "engine/math/blas.h"
#include "tests/golden/cases.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	int passed = 0, failed = 0, skipped = 0;

	blas_single_thread();
	for (int k = 1; k < argc; k++) {
		struct golden g;
		struct err err;
		int result;

		if (!golden_read(&g, argv[k], &err)) {
			printf("# %s\n", err.msg);
			failed++;
			continue;
		}
		result = case_run(&g, argv[k]);
		passed += result == CASE_PASS;
		failed += result == CASE_FAIL;
		skipped += result == CASE_SKIP;
		golden_release(&g);
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed != 0;
}

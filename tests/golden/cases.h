/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running golden cases: one function for each kind of case. */
#ifndef SLUICE_TESTS_GOLDEN_CASES_H
#define SLUICE_TESTS_GOLDEN_CASES_H

#include "tests/golden/golden_file.h"

enum { CASE_PASS = 0, CASE_FAIL = 1, CASE_SKIP = -1 };

/* Runs a case and, unless it passes, prints one line with path and reason on standard output. */
int case_text(const struct golden *g, const char *path);

#endif

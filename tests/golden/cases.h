/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running golden cases: one function for each kind of case. */
#ifndef SLUICE_TESTS_GOLDEN_CASES_H
#define SLUICE_TESTS_GOLDEN_CASES_H

#include "tests/golden/golden_file.h"

enum { CASE_PASS = 0, CASE_FAIL = 1, CASE_SKIP = -1 };

/* Each runs a case and, unless it passes, prints one line with path and reason on standard output. */
int case_text(const struct golden *g, const char *path);
int case_layers(const struct golden *g, const char *path);
int case_layout(const struct golden *g, const char *path);
int case_classifier(const struct golden *g, const char *path);
int case_lm(const struct golden *g, const char *path);
int case_seq2seq(const struct golden *g, const char *path);
int case_optim(const struct golden *g, const char *path);

/* By the case's kind; CASE_SKIP for a kind, a cell or an optimizer that is not known. */
int case_run(const struct golden *g, const char *path);

/* For the numeric ones: compares values with the file's array `name`, |d| <= tol (1 + |ref|), only
 * where keep (or NULL: everywhere) is not 0. Remembers the worst and prints it by case_done. */
struct compare {
	const struct golden *g;
	const char *path;
	char worst[GOLDEN_NAME];
	double excess, got, want; /* excess: |d| / allowed */
	bool missing;
};
void compare_values(struct compare *c, const char *name, const double *got, size_t n, double tol,
		    const double *keep);
/* The same with values that are not in the file as they are; the name is for people. */
void compare_arrays(struct compare *c, const char *name, const double *want, const double *got,
		    size_t n, double tol, const double *keep);
int compare_done(const struct compare *c);

#endif

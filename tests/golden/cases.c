/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/golden/cases.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void compare_arrays(struct compare *c, const char *name, const double *want, const double *got,
		    size_t n, double tol, const double *keep)
{
	for (size_t k = 0; k < n && !c->missing; k++) {
		const double excess = fabs(got[k] - want[k]) / (tol * (1 + fabs(want[k])));

		if ((keep && keep[k] == 0) || excess <= c->excess)
			continue; /* a NaN is no smaller than anything, so it falls through */
		c->excess = isnan(excess) ? INFINITY : excess;
		c->got = got[k];
		c->want = want[k];
		snprintf(c->worst, sizeof(c->worst), "%s", name);
	}
}

void compare_values(struct compare *c, const char *name, const double *got, size_t n, double tol,
		    const double *keep)
{
	const struct golden_array *want = golden_find(c->g, name);

	if (want && want->count == n) {
		compare_arrays(c, name, want->v, got, n, tol, keep);
		return;
	}
	c->missing = true;
	snprintf(c->worst, sizeof(c->worst), "%s", name);
}

int compare_done(const struct compare *c)
{
	if (c->missing) {
		printf("# %s: %s is not in the file, or not of that size, or not in that place\n",
		       c->path, c->worst);
		return CASE_FAIL;
	}
	if (c->excess <= 1)
		return CASE_PASS;
	printf("# %s: %s is %.9g, not %.9g (%.1f times the tolerance)\n", c->path, c->worst, c->got,
	       c->want, c->excess);
	return CASE_FAIL;
}

int case_run(const struct golden *g, const char *path)
{
	switch (g->kind) {
	case GOLDEN_TEXT:
		return case_text(g, path);
	case GOLDEN_CELL:
	case GOLDEN_STACK:
		return case_layers(g, path);
	case GOLDEN_LAYOUT:
		return case_layout(g, path);
	case GOLDEN_CLASSIFIER:
		return case_classifier(g, path);
	case GOLDEN_LM:
		return case_lm(g, path);
	case GOLDEN_SEQ2SEQ:
		return case_seq2seq(g, path);
	case GOLDEN_OPTIM:
		return case_optim(g, path);
	default:
		return CASE_SKIP;
	}
}

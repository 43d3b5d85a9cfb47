/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Vectors of length D seen from the directions in which they differ most: principal components (Pearson 1901),
 * the eigenvectors of their covariance, in double.
 */
#ifndef SLUICE_ENGINE_SURVEY_PROJECT_H
#define SLUICE_ENGINE_SURVEY_PROJECT_H

#include "engine/base/err.h"
#include "engine/math/real.h"

#include <stdbool.h>
#include <stddef.h>

struct projection {
	int D;
	size_t n;          /* vectors */
	double *mean;      /* (D) */
	double *component; /* (D, D) row k: of length 1, its largest |number| above 0 */
	double *variance;  /* (D) along each component, largest first: of n - 1 */
	double total;      /* the sum of the variances of the D numbers, by itself */
	double residual;   /* what that is more than the variances along the components */
};

/* Of n rows (n, D). ERR_INPUT for fewer than 2, and where they are all equal or not finite; ERR_FAILED without
 * memory. Any thread. Release in any case. */
bool projection_fit(struct projection *p, const real *row, size_t n, int D, struct err *err);
void projection_release(struct projection *p);

/* Where a vector lies along the first k components, from the mean. */
void projection_of(const struct projection *p, const real *v, int k, double *at);
void projection_of_double(const struct projection *p, const double *v, int k, double *at);
/* The share of the total variance that lies along a component. */
double projection_share(const struct projection *p, int component);

#endif

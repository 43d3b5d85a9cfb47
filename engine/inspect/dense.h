/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Products of a matrix of weights (float32) with vectors in double, and of two vectors, added to what is there:
 * what explanations spend their time on. W and M are (rows, cols), row by row.
 *
 *     dense_add      y (rows) += W x        x (cols)
 *     dense_add_t    x (cols) += W' y       y (rows)
 *     dense_outer    M += y x'              M in double
 *
 * The order of summation depends on the level of vector instructions alone. Any thread.
 */
#ifndef SLUICE_ENGINE_INSPECT_DENSE_H
#define SLUICE_ENGINE_INSPECT_DENSE_H

#include "engine/math/real.h"

#include <stddef.h>

void dense_add(double *y, const real *W, const double *x, size_t rows, size_t cols);
void dense_add_t(double *x, const real *W, const double *y, size_t rows, size_t cols);
void dense_outer(double *M, const double *y, const double *x, size_t rows, size_t cols);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Matrix products, and eigenvalues: the only file that sees CBLAS and LAPACK. Matrices are borrowed views in row-major order;
 * element (r, c) is data[r * stride + c]. Shapes are the caller's responsibility and are asserted.
 * Any thread may call; the library itself is kept on one thread (blas_single_thread).
 */
#ifndef SLUICE_ENGINE_MATH_BLAS_H
#define SLUICE_ENGINE_MATH_BLAS_H

#include "engine/math/real.h"

#include <stdbool.h>

struct mat {
	real *data;
	int rows, cols, stride;
};

struct cmat {
	const real *data;
	int rows, cols, stride;
};

static inline struct mat mat_of(real *data, int rows, int cols)
{
	return (struct mat){data, rows, cols, cols};
}

static inline struct cmat cmat_of(const real *data, int rows, int cols)
{
	return (struct cmat){data, rows, cols, cols};
}

/* The columns first .. first + count of a matrix. */
static inline struct mat mat_cols(struct mat m, int first, int count)
{
	return (struct mat){m.data + first, m.rows, count, m.stride};
}

static inline struct cmat cmat_cols(struct cmat m, int first, int count)
{
	return (struct cmat){m.data + first, m.rows, count, m.stride};
}

static inline struct cmat mat_const(struct mat m)
{
	return (struct cmat){m.data, m.rows, m.cols, m.stride};
}

/* out = a b' + beta out:  (m,n) = (m,k) (n,k)' */
void mat_mul_nt(struct mat out, struct cmat a, struct cmat b, real beta);
/* out = a b + beta out:   (m,n) = (m,k) (k,n) */
void mat_mul_nn(struct mat out, struct cmat a, struct cmat b, real beta);
/* out = a' b + beta out:  (m,n) = (k,m)' (k,n) */
void mat_mul_tn(struct mat out, struct cmat a, struct cmat b, real beta);

/* The same library in double, whatever real is. sum += a' a for the lower triangle of sum (cols, cols), that is,
 * its elements (r, c) with c <= r; a is (rows, cols). */
void blas_gram(double *sum, const double *a, int rows, int cols);
/* Eigenvalues of a symmetric matrix (n, n), smallest first, and its eigenvectors, of length 1: row k of a belongs
 * to value[k]. The lower triangle is read, and a is written over. By LAPACK's dsyevd. false without memory, and
 * where it does not converge. */
bool blas_eigen(double *a, int n, double *value);

/* Keeps the library on one thread: the parallelism is ours, with a fixed order of summation. */
void blas_single_thread(void);

/* The library's own description of its build, such as "OpenBLAS 0.3.21 ... SkylakeX". */
const char *blas_description(void);

#endif

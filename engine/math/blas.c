/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/math/blas.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <cblas.h>
#include <stdlib.h>

#ifdef SLUICE_DOUBLE
#define GEMM cblas_dgemm
#define GEMV cblas_dgemv
#else
#define GEMM cblas_sgemm
#define GEMV cblas_sgemv
#endif

void mat_mul_nt(struct mat out, struct cmat a, struct cmat b, real beta)
{
	assert(out.rows == a.rows && out.cols == b.rows && a.cols == b.cols);
	if (!out.rows || !out.cols)
		return;
	if (out.rows == 1) /* one sentence: a matrix-vector product is the right routine */
		GEMV(CblasRowMajor, CblasNoTrans, b.rows, b.cols, 1, b.data, b.stride, a.data, 1,
		     beta, out.data, 1);
	else
		GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, out.rows, out.cols, a.cols, 1, a.data,
		     a.stride, b.data, b.stride, beta, out.data, out.stride);
}

void mat_mul_nn(struct mat out, struct cmat a, struct cmat b, real beta)
{
	assert(out.rows == a.rows && out.cols == b.cols && a.cols == b.rows);
	if (!out.rows || !out.cols)
		return;
	if (out.rows == 1)
		GEMV(CblasRowMajor, CblasTrans, b.rows, b.cols, 1, b.data, b.stride, a.data, 1,
		     beta, out.data, 1);
	else
		GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, out.rows, out.cols, a.cols, 1,
		     a.data, a.stride, b.data, b.stride, beta, out.data, out.stride);
}

void mat_mul_tn(struct mat out, struct cmat a, struct cmat b, real beta)
{
	assert(out.rows == a.cols && out.cols == b.cols && a.rows == b.rows);
	if (!out.rows || !out.cols)
		return;
	GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, out.rows, out.cols, a.rows, 1, a.data,
	     a.stride, b.data, b.stride, beta, out.data, out.stride);
}

void blas_gram(double *sum, const double *a, int rows, int cols)
{
	cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, cols, rows, 1, a, cols, 1, sum, cols);
}

/* OpenBLAS has LAPACK in it, and no header of it; the last two are what Fortran passes beside its texts. */
void dsyevd_(const char *job, const char *triangle, const blasint *n, double *a, const blasint *lda,
	     double *value, double *work, const blasint *work_size, blasint *ints,
	     const blasint *ints_size, blasint *info, size_t job_length, size_t triangle_length);

bool blas_eigen(double *a, int n, double *value)
{
	/* By columns, as Fortran has it, the lower triangle is the upper one. */
	const size_t N = (size_t)n, size = 1 + 6 * N + 2 * N * N;
	const blasint order = n, work_size = (blasint)size, ints_size = 3 + 5 * order;
	double *work = mem_block(size, sizeof(*work));
	blasint *ints = mem_block((size_t)ints_size, sizeof(*ints)), info = 1;

	if (work && ints)
		dsyevd_("V", "U", &order, a, &order, value, work, &work_size, ints, &ints_size,
			&info, 1, 1);
	free(work);
	free(ints);
	return !info;
}

void blas_single_thread(void)
{
	openblas_set_num_threads(1);
}

const char *blas_description(void)
{
	return openblas_get_config();
}

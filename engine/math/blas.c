/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/math/blas.h"

#include <assert.h>
#include <cblas.h>

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

void blas_single_thread(void)
{
	openblas_set_num_threads(1);
}

const char *blas_description(void)
{
	return openblas_get_config();
}

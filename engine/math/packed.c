/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/math/packed.h"

#include <assert.h>
#include <string.h>

/* A vector register, or as many as it takes; the compiler has the instructions. */
enum { LANES = 64 / sizeof(real) };
typedef real vec __attribute__((vector_size(64), aligned(sizeof(real)), may_alias));

/* Rows that a kernel holds in registers: two vectors each, of 32 registers, or of 16 half as wide. */
#ifdef __AVX512F__
enum { ROWS = 12 };
#else
enum { ROWS = 3 };
#endif

size_t packed_size(int K, int cols)
{
	const size_t panels = ((size_t)cols + PACKED_WIDTH - 1) / PACKED_WIDTH;

	return panels * (size_t)K * PACKED_WIDTH;
}

static int width_at(int cols, int first)
{
	return cols - first < PACKED_WIDTH ? cols - first : PACKED_WIDTH;
}

struct packed packed_of(struct cmat b, real *room)
{
	real *to = room;

	for (int first = 0; first < b.cols; first += PACKED_WIDTH) {
		const size_t width = (size_t)width_at(b.cols, first);

		for (int k = 0; k < b.rows; k++, to += PACKED_WIDTH) {
			memcpy(to, b.data + (size_t)k * (size_t)b.stride + first,
			       width * sizeof(real));
			memset(to + width, 0, (PACKED_WIDTH - width) * sizeof(real));
		}
	}
	return (struct packed){room, b.rows, b.cols};
}

struct packed packed_of_transposed(struct cmat b, real *room)
{
	const size_t K = (size_t)b.cols;

	for (int first = 0; first < b.rows; first += PACKED_WIDTH) {
		real *panel = room + (size_t)first * K;
		const int width = width_at(b.rows, first);

		if (width < PACKED_WIDTH)
			memset(panel, 0, K * PACKED_WIDTH * sizeof(real));
		for (size_t k = 0; k < K; k += LANES) { /* a cache line of each row at a time */
			const size_t end = k + LANES < K ? k + LANES : K;

			for (int j = 0; j < width; j++) {
				const real *from = b.data + (size_t)(first + j) * (size_t)b.stride;

				for (size_t at = k; at < end; at++)
					panel[at * PACKED_WIDTH + (size_t)j] = from[at];
			}
		}
	}
	return (struct packed){room, b.cols, b.rows};
}

/* n rows of a times one panel; out is a full panel wide. Inlined with n known, so that the sums stay in
 * registers. */
static inline __attribute__((always_inline)) void
rows_times_panel(int n, real *out, size_t out_stride, const real *a, size_t a_stride,
		 const real *panel, int K, real beta)
{
	vec sum[ROWS][2];

	for (int r = 0; r < n; r++)
		for (size_t v = 0; v < 2; v++)
			sum[r][v] =
				beta != 0 ? *(const vec *)(out + (size_t)r * out_stride + v * LANES)
					  : (vec){0};
	for (size_t k = 0; k < (size_t)K; k++) {
		const vec left = *(const vec *)(panel + k * PACKED_WIDTH);
		const vec right = *(const vec *)(panel + k * PACKED_WIDTH + LANES);

		for (int r = 0; r < n; r++) {
			const real x = a[(size_t)r * a_stride + k];

			sum[r][0] += x * left;
			sum[r][1] += x * right;
		}
	}
	for (int r = 0; r < n; r++)
		for (size_t v = 0; v < 2; v++)
			*(vec *)(out + (size_t)r * out_stride + v * LANES) = sum[r][v];
}

static void rows_kernel(int n, real *out, size_t out_stride, const real *a, size_t a_stride,
			const real *panel, int K, real beta)
{
#define CASE(rows)                                                                                 \
	case rows:                                                                                 \
		rows_times_panel(rows, out, out_stride, a, a_stride, panel, K, beta);              \
		break
	switch (n) {
		CASE(1);
		CASE(2);
		CASE(3);
#ifdef __AVX512F__
		CASE(4);
		CASE(5);
		CASE(6);
		CASE(7);
		CASE(8);
		CASE(9);
		CASE(10);
		CASE(11);
		CASE(12);
#endif
	}
#undef CASE
}

/* The last panel's columns through a buffer, because a kernel writes whole panels. */
static void narrow_kernel(int n, real *out, size_t stride, int width, const real *a,
			  size_t a_stride, const real *panel, int K, real beta)
{
	real full[ROWS * PACKED_WIDTH] = {0};

	for (size_t r = 0; beta != 0 && r < (size_t)n; r++)
		memcpy(full + r * PACKED_WIDTH, out + r * stride, (size_t)width * sizeof(real));
	rows_kernel(n, full, PACKED_WIDTH, a, a_stride, panel, K, 1);
	for (size_t r = 0; r < (size_t)n; r++)
		memcpy(out + r * stride, full + r * PACKED_WIDTH, (size_t)width * sizeof(real));
}

void packed_mul(struct mat out, struct cmat a, const struct packed *b, real beta)
{
	const int blocks = (a.rows + ROWS - 1) / ROWS;
	const size_t stride = (size_t)out.stride, a_stride = (size_t)a.stride;

	assert(out.rows == a.rows && out.cols == b->cols && a.cols == b->K);
	for (int first = 0; first < b->cols; first += PACKED_WIDTH) {
		const real *panel = b->panel + (size_t)first * (size_t)b->K;
		const int width = width_at(b->cols, first);

		for (int block = 0, r = 0; block < blocks; block++) { /* as even as can be */
			const int n = (a.rows - r + blocks - block - 1) / (blocks - block);
			real *to = out.data + (size_t)r * stride + first;
			const real *from = a.data + (size_t)r * a_stride;

			if (width == PACKED_WIDTH)
				rows_kernel(n, to, stride, from, a_stride, panel, b->K, beta);
			else
				narrow_kernel(n, to, stride, width, from, a_stride, panel, b->K,
					      beta);
			r += n;
		}
	}
}

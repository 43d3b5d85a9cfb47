/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compiled at every level: see level.h. */
#include "engine/math/packed.h"

#include <assert.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* Vector registers, and the rows of a tile two of them wide that leaves room for both factors. */
#if defined(__AVX512F__)
enum { VECTOR = 64, ROWS = 12 };
#elif defined(__AVX2__)
enum { VECTOR = 32, ROWS = 6 };
#else
enum { VECTOR = 16, ROWS = 4 };
#endif
enum { LANES = VECTOR / sizeof(real), TILE = 2 * LANES };
typedef real vec __attribute__((vector_size(VECTOR), aligned(sizeof(real)), may_alias));

/* Depth of a block, whose panel stays in the second-level cache, and the rows that run over its panels
 * one after the other. How far ahead panels are prefetched: a page, where the processor's own gives
 * up. */
enum { DEPTH = 512, RUN = 96, AHEAD = 4096 / sizeof(real) };

static int least(int a, int b)
{
	return a < b ? a : b;
}

static struct packed pack(struct cmat b, real *room)
{
	real *to = room;

	for (int first = 0; first < b.cols; first += PACKED_WIDTH) {
		const size_t width = (size_t)least(PACKED_WIDTH, b.cols - first);

		for (int k = 0; k < b.rows; k++, to += PACKED_WIDTH) {
			const real *from = b.data + (size_t)k * (size_t)b.stride + first;

			if (width == PACKED_WIDTH) {
				memcpy(to, from, PACKED_WIDTH * sizeof(real));
				continue;
			}
			memcpy(to, from, width * sizeof(real));
			memset(to + width, 0, (PACKED_WIDTH - width) * sizeof(real));
		}
	}
	return (struct packed){room, b.rows, b.cols};
}

static struct packed pack_transposed(struct cmat b, real *room)
{
	const size_t K = (size_t)b.cols;
	enum { LINE = 64 / sizeof(real) };

	for (int first = 0; first < b.rows; first += PACKED_WIDTH) {
		real *panel = room + (size_t)first * K;
		const int width = least(PACKED_WIDTH, b.rows - first);

		if (width < PACKED_WIDTH)
			memset(panel, 0, K * PACKED_WIDTH * sizeof(real));
		for (size_t k = 0; k < K; k += LINE) { /* a cache line of each row at a time */
			const size_t end = k + LINE < K ? k + LINE : K;

			for (int j = 0; j < width; j++) {
				const real *from = b.data + (size_t)(first + j) * (size_t)b.stride;

				for (size_t at = k; at < end; at++)
					panel[at * PACKED_WIDTH + (size_t)j] = from[at];
			}
		}
	}
	return (struct packed){room, b.cols, b.rows};
}

/* A tile of n rows and so many vectors: out = start + a panel. Inlined with n and vectors known, so that
 * the sums stay in registers. */
INLINE void tile(int n, int vectors, real *out, size_t out_stride, const real *start,
		 size_t start_stride, const real *a, size_t a_stride, const real *panel, int K)
{
	vec sum[ROWS][2];

	for (int r = 0; r < n; r++)
		for (int v = 0; v < vectors; v++)
			sum[r][v] = start ? *(const vec *)(start + (size_t)r * start_stride +
							   (size_t)v * LANES)
					  : (vec){0};
	for (size_t k = 0; k < (size_t)K; k++) {
		vec b[2];

		for (int v = 0; v < vectors; v++)
			b[v] = *(const vec *)(panel + k * PACKED_WIDTH + (size_t)v * LANES);
		__builtin_prefetch(panel + k * PACKED_WIDTH + AHEAD, 0, 2);
		for (int r = 0; r < n; r++) {
			const real x = a[(size_t)r * a_stride + k];

			for (int v = 0; v < vectors; v++)
				sum[r][v] += x * b[v];
		}
	}
	for (int r = 0; r < n; r++)
		for (int v = 0; v < vectors; v++)
			*(vec *)(out + (size_t)r * out_stride + (size_t)v * LANES) = sum[r][v];
}

static void any_tile(int n, int vectors, real *out, size_t out_stride, const real *start,
		     size_t start_stride, const real *a, size_t a_stride, const real *panel, int K)
{
#define CASE(rows)                                                                                 \
	case rows:                                                                                 \
		if (vectors == 2)                                                                  \
			tile(rows, 2, out, out_stride, start, start_stride, a, a_stride, panel,    \
			     K);                                                                   \
		else                                                                               \
			tile(rows, 1, out, out_stride, start, start_stride, a, a_stride, panel,    \
			     K);                                                                   \
		break
	switch (n) {
		CASE(1);
		CASE(2);
		CASE(3);
		CASE(4);
#if defined(__AVX2__)
		CASE(5);
		CASE(6);
#endif
#if defined(__AVX512F__)
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

/* The last columns through a buffer, because a tile is whole vectors wide. */
static void narrow_tile(int n, int width, real *out, size_t out_stride, const real *start,
			size_t start_stride, const real *a, size_t a_stride, const real *panel,
			int K)
{
	const int vectors = width > LANES ? 2 : 1;
	real full[ROWS * TILE] = {0};

	for (size_t r = 0; start && r < (size_t)n; r++)
		memcpy(full + r * TILE, start + r * start_stride, (size_t)width * sizeof(real));
	any_tile(n, vectors, full, TILE, full, TILE, a, a_stride, panel, K);
	for (size_t r = 0; r < (size_t)n; r++)
		memcpy(out + r * out_stride, full + r * TILE, (size_t)width * sizeof(real));
}

/* n rows of a times the first `width` columns of a panel. */
static void times_panel(int n, int width, real *out, size_t out_stride, const real *start,
			size_t start_stride, const real *a, size_t a_stride, const real *panel,
			int K)
{
	for (int c = 0; c < width; c += TILE) {
		const real *from = start ? start + c : NULL;

		if (width - c == LANES || width - c >= TILE)
			any_tile(n, width - c > LANES ? 2 : 1, out + c, out_stride, from,
				 start_stride, a, a_stride, panel + c, K);
		else
			narrow_tile(n, width - c, out + c, out_stride, from, start_stride, a,
				    a_stride, panel + c, K);
	}
}

/* Rows r .. end over one panel, as even as can be. */
static void run_panel(struct mat out, struct cmat a, int r, int end, int width, const real *start,
		      size_t stride, const real *panel, int depth)
{
	const size_t out_stride = (size_t)out.stride, a_stride = (size_t)a.stride;

	for (int blocks = (end - r + ROWS - 1) / ROWS; blocks; blocks--) {
		const int n = (end - r + blocks - 1) / blocks;

		times_panel(n, width, out.data + (size_t)r * out_stride, out_stride,
			    start ? start + (size_t)r * stride : NULL, stride,
			    a.data + (size_t)r * a_stride, a_stride, panel, depth);
		r += n;
	}
}

static void mul(struct mat out, struct cmat a, const struct packed *b, const real *start,
		size_t stride)
{
	assert(out.rows == a.rows && out.cols == b->cols && a.cols == b->K);
	for (int r = 0; r < a.rows; r += RUN) {
		const int end = least(r + RUN, a.rows);

		for (int k = 0; k < b->K || !k; k += DEPTH) {
			const int depth = least(DEPTH, b->K - k);
			const real *from = k ? out.data : start;
			const size_t from_stride = k ? (size_t)out.stride : stride;

			for (int c = 0; c < b->cols; c += PACKED_WIDTH)
				run_panel(mat_cols(out, c, 0), cmat_cols(a, k, 0), r, end,
					  least(PACKED_WIDTH, b->cols - c), from ? from + c : NULL,
					  from_stride,
					  b->panel + (size_t)c * (size_t)b->K +
						  (size_t)k * PACKED_WIDTH,
					  depth);
		}
	}
}

static size_t panel_size(int K)
{
	return (size_t)K * PACKED_WIDTH;
}

const struct packed_ops AT_LEVEL(packed_ops) = {panel_size, pack, pack_transposed, mul};

#ifdef LEVEL_ONCE

size_t packed_size(int K, int cols)
{
	const size_t panels = ((size_t)cols + PACKED_WIDTH - 1) / PACKED_WIDTH;
	const size_t depth = ((size_t)K + 15) / 16 * 16; /* half of 32: see packed_bf16.c */

	return panels * depth * PACKED_WIDTH;
}

#endif

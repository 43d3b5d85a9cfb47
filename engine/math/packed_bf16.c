/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compiled for AVX-512 BF16 and AMX, whatever the rest is compiled for: nothing here runs before
 * bf16_unit has looked. A pair is two neighbours in k, the earlier in the lower half of a word.
 */
#include "engine/math/packed_bf16.h"

#include "engine/math/tiles.h"

#include <assert.h>
#include <immintrin.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INLINE static inline __attribute__((always_inline))

/* Rows of a block, and how deep: they are rounded into a buffer that stays in the second-level cache.
 * Rows of a register tile; depth of an AMX tile in pairs. */
enum { RUN = 96, DEPTH = 1024, ROWS = 12, PAIRS = 16, TILE_ROWS = 16 };
enum { WORDS = DEPTH / 2 };

static bool has_amx;

static int least(int a, int b)
{
	return a < b ? a : b;
}

static int round_up(int n, int to)
{
	return (n + to - 1) / to * to;
}

/* Rounded to bfloat16, in the upper half. A NaN's lower half may hold all that makes it one. */
INLINE uint32_t rounded(float x)
{
	uint32_t u;

	memcpy(&u, &x, sizeof(u));
	return x == x ? u + 0x7fff + (u >> 16 & 1) : u | 0x400000;
}

INLINE uint32_t pair(float first, float second)
{
	return rounded(first) >> 16 | (rounded(second) & 0xffff0000u);
}

/* Words of a panel of depth K. */
static size_t panel_words(int K)
{
	return (size_t)round_up(K, 2 * PAIRS) / 2 * PACKED_WIDTH;
}

/* Sixteen pairs of two rows. */
INLINE void pair_16(uint32_t *restrict to, const float *restrict first,
		    const float *restrict second)
{
	for (int j = 0; j < 16; j++)
		to[j] = pair(first[j], second[j]);
}

/* Pairs of two rows, `width` of so many columns; second NULL: 0. */
static void pair_rows(uint32_t *restrict to, const float *first, const float *second, int width,
		      int columns)
{
	int j = 0;

	for (; second && j + 16 <= width; j += 16)
		pair_16(to + j, first + j, second + j);
	for (; j < width; j++)
		to[j] = pair(first[j], second ? second[j] : 0);
	for (; j < columns; j++)
		to[j] = 0;
}

static struct packed pack(struct cmat b, real *room)
{
	uint32_t *to = (uint32_t *)(void *)room;
	const int deep = round_up(b.rows, 2 * PAIRS);

	for (int first = 0; first < b.cols; first += PACKED_WIDTH) {
		const int width = least(PACKED_WIDTH, b.cols - first);

		for (int k = 0; k < deep; k += 2, to += PACKED_WIDTH) {
			const float *row = b.data + (size_t)k * (size_t)b.stride + first;

			if (k < b.rows)
				pair_rows(to, row, k + 1 < b.rows ? row + b.stride : NULL, width,
					  PACKED_WIDTH);
			else
				memset(to, 0, PACKED_WIDTH * sizeof(*to));
		}
	}
	return (struct packed){room, b.rows, b.cols};
}

/* Turns a block of 16 by 16 words over: row r of `from` becomes column r of `to`. */
static void transpose(uint32_t *to, size_t to_stride, const uint32_t *from, size_t from_stride)
{
	__m512i a[16], b[16];

	for (size_t r = 0; r < 16; r++)
		a[r] = _mm512_loadu_si512(from + r * from_stride);
	for (size_t r = 0; r < 16; r += 2) {
		b[r] = _mm512_unpacklo_epi32(a[r], a[r + 1]);
		b[r + 1] = _mm512_unpackhi_epi32(a[r], a[r + 1]);
	}
	for (size_t r = 0; r < 16; r += 4)
		for (size_t h = 0; h < 2; h++) {
			a[r + 2 * h] = _mm512_unpacklo_epi64(b[r + h], b[r + 2 + h]);
			a[r + 2 * h + 1] = _mm512_unpackhi_epi64(b[r + h], b[r + 2 + h]);
		}
	for (size_t r = 0; r < 16; r += 8) /* quarters of 128 bits */
		for (size_t q = 0; q < 4; q++) {
			b[r + q] = _mm512_shuffle_i32x4(a[r + q], a[r + 4 + q], 0x88);
			b[r + 4 + q] = _mm512_shuffle_i32x4(a[r + q], a[r + 4 + q], 0xdd);
		}
	for (size_t q = 0; q < 8; q++) {
		_mm512_storeu_si512(to + q * to_stride, _mm512_shuffle_i32x4(b[q], b[8 + q], 0x88));
		_mm512_storeu_si512(to + (8 + q) * to_stride,
				    _mm512_shuffle_i32x4(b[q], b[8 + q], 0xdd));
	}
}

/* The pairs of a row, filled with 0 to so many words. */
static void pair_row(uint32_t *restrict to, const float *restrict from, int n, int words)
{
	for (int k = 0; k < n / 2; k++)
		to[k] = pair(from[2 * k], from[2 * k + 1]);
	for (int k = n / 2; k < words; k++)
		to[k] = 2 * k < n ? pair(from[2 * k], 0) : 0;
}

static struct packed pack_transposed(struct cmat b, real *room)
{
	uint32_t rows[16][WORDS];

	for (int first = 0; first < b.rows; first += 16) {
		uint32_t *panel = (uint32_t *)(void *)room +
				  (size_t)(first / PACKED_WIDTH) * panel_words(b.cols) +
				  first % PACKED_WIDTH;

		for (int k = 0; k < b.cols; k += DEPTH) {
			const int depth = least(DEPTH, b.cols - k);
			const int words = round_up(depth, 2 * PAIRS) / 2;

			for (int r = 0; r < 16; r++)
				if (first + r < b.rows)
					pair_row(rows[r],
						 b.data + (size_t)(first + r) * (size_t)b.stride +
							 k,
						 depth, words);
				else
					memset(rows[r], 0, (size_t)words * sizeof(uint32_t));
			for (int w = 0; w < words; w += 16)
				transpose(panel + (size_t)(k / 2 + w) * PACKED_WIDTH, PACKED_WIDTH,
					  rows[0] + w, WORDS);
		}
	}
	if (b.rows % PACKED_WIDTH > 0 && b.rows % PACKED_WIDTH <= 16) { /* half a panel is left */
		uint32_t *panel = (uint32_t *)(void *)room +
				  (size_t)(b.rows / PACKED_WIDTH) * panel_words(b.cols) + 16;

		for (size_t w = 0; w < panel_words(b.cols); w += PACKED_WIDTH)
			memset(panel + w, 0, 16 * sizeof(uint32_t));
	}
	return (struct packed){room, b.cols, b.rows};
}

/* A tile of the result: out = start + left panel, n rows and 16 or 32 columns. */
struct place {
	real *out;
	const real *start;
	size_t out_stride, start_stride;
	const uint32_t *left; /* pairs: (n, words) */
	size_t left_stride;
	const uint32_t *panel; /* (words, PACKED_WIDTH) */
	int words;
};

INLINE void dot_tile(int n, int vectors, const struct place *p)
{
	__m512 sum[ROWS][2];

	for (int r = 0; r < n; r++)
		for (int v = 0; v < vectors; v++)
			sum[r][v] = p->start ? _mm512_loadu_ps(p->start +
							       (size_t)r * p->start_stride + 16 * v)
					     : _mm512_setzero_ps();
	for (size_t w = 0; w < (size_t)p->words; w++) {
		__m512bh b[2];

		for (int v = 0; v < vectors; v++)
			b[v] = (__m512bh)_mm512_loadu_si512(p->panel + w * PACKED_WIDTH + 16 * v);
		for (int r = 0; r < n; r++) {
			const __m512bh a = (__m512bh)_mm512_set1_epi32(
				(int)p->left[(size_t)r * p->left_stride + w]);

			for (int v = 0; v < vectors; v++)
				sum[r][v] = _mm512_dpbf16_ps(sum[r][v], a, b[v]);
		}
	}
	for (int r = 0; r < n; r++)
		for (int v = 0; v < vectors; v++)
			_mm512_storeu_ps(p->out + (size_t)r * p->out_stride + 16 * v, sum[r][v]);
}

static void any_dot_tile(int n, int vectors, const struct place *p)
{
#define CASE(rows)                                                                                 \
	case rows:                                                                                 \
		if (vectors == 2)                                                                  \
			dot_tile(rows, 2, p);                                                      \
		else                                                                               \
			dot_tile(rows, 1, p);                                                      \
		break
	switch (n) {
		CASE(1);
		CASE(2);
		CASE(3);
		CASE(4);
		CASE(5);
		CASE(6);
		CASE(7);
		CASE(8);
		CASE(9);
		CASE(10);
		CASE(11);
		CASE(12);
	}
#undef CASE
}

/* Two by two tiles of the result, of up to 32 rows, each 16 columns; a second row or column of them
 * where there is one. The tiles are configured for it. */
INLINE void amx_tiles(bool two_rows, bool two_cols, const struct place *p)
{
	const size_t out = p->out_stride * sizeof(real), from = p->start_stride * sizeof(real);
	const size_t left = p->left_stride * sizeof(uint32_t);
	const size_t panel = PACKED_WIDTH * sizeof(uint32_t);
	real *const below = p->out + TILE_ROWS * p->out_stride;

	if (p->start) {
		const real *const start_below = p->start + TILE_ROWS * p->start_stride;

		tile_load(0, p->start, from);
		if (two_cols)
			tile_load(1, p->start + 16, from);
		if (two_rows)
			tile_load(2, start_below, from);
		if (two_rows && two_cols)
			tile_load(3, start_below + 16, from);
	} else {
		tile_zero(0);
		tile_zero(1);
		tile_zero(2);
		tile_zero(3);
	}
	for (size_t w = 0; w < (size_t)p->words; w += PAIRS) {
		const uint32_t *b = p->panel + w * PACKED_WIDTH;

		tile_load(4, p->left + w, left);
		tile_load(6, b, panel);
		tile_dot(0, 4, 6);
		if (two_cols) {
			tile_load(7, b + 16, panel);
			tile_dot(1, 4, 7);
		}
		if (two_rows) {
			tile_load(5, p->left + TILE_ROWS * p->left_stride + w, left);
			tile_dot(2, 5, 6);
		}
		if (two_rows && two_cols)
			tile_dot(3, 5, 7);
	}
	tile_store(0, p->out, out);
	if (two_cols)
		tile_store(1, p->out + 16, out);
	if (two_rows)
		tile_store(2, below, out);
	if (two_rows && two_cols)
		tile_store(3, below + 16, out);
}

/* Tiles 0 to 3 for the sums, 4 and 5 for rows, 6 and 7 for columns. */
static void configure(int n)
{
	struct tile_shape s = {.palette = 1};
	const uint8_t first = (uint8_t)least(n, TILE_ROWS);
	const uint8_t second = (uint8_t)(n > TILE_ROWS ? n - TILE_ROWS : TILE_ROWS);
	const uint8_t rows[8] = {first, first, second, second, first, second, PAIRS, PAIRS};

	for (int t = 0; t < 8; t++) {
		s.rows[t] = rows[t];
		s.row_bytes[t] = 64;
	}
	tile_configure(&s);
}

static void any_amx_tiles(int n, int vectors, const struct place *p)
{
	if (n > TILE_ROWS && vectors == 2)
		amx_tiles(true, true, p);
	else if (n > TILE_ROWS)
		amx_tiles(true, false, p);
	else if (vectors == 2)
		amx_tiles(false, true, p);
	else
		amx_tiles(false, false, p);
}

/* n rows, `width` columns of a panel; through a buffer where those are no whole vectors. */
static void times_panel(int n, int width, const struct place *p)
{
	void (*const tiles)(int, int, const struct place *) =
		has_amx ? any_amx_tiles : any_dot_tile;
	real full[2 * TILE_ROWS * PACKED_WIDTH];
	struct place q = *p;

	if (width % 16 == 0) {
		tiles(n, width / 16, p);
		return;
	}
	memset(full, 0, sizeof(full));
	for (size_t r = 0; p->start && r < (size_t)n; r++)
		memcpy(full + r * PACKED_WIDTH, p->start + r * p->start_stride,
		       (size_t)width * sizeof(real));
	q.out = full;
	q.start = full;
	q.out_stride = q.start_stride = PACKED_WIDTH;
	tiles(n, width > 16 ? 2 : 1, &q);
	for (size_t r = 0; r < (size_t)n; r++)
		memcpy(p->out + r * p->out_stride, full + r * PACKED_WIDTH,
		       (size_t)width * sizeof(real));
}

/* Rows of pairs times the panels of a block; `at` is where the block begins, in words. Rows are split
 * as evenly as can be. */
static void times_block(struct mat out, const uint32_t *left, const real *start, size_t stride,
			const struct packed *b, int at, int words)
{
	const int most = has_amx ? 2 * TILE_ROWS : ROWS;
	int shaped = 0; /* rows that the tiles are configured for */

	for (int c = 0; c < b->cols; c += PACKED_WIDTH) {
		const uint32_t *panel = (const uint32_t *)(const void *)b->panel +
					(size_t)(c / PACKED_WIDTH) * panel_words(b->K) +
					(size_t)at * PACKED_WIDTH;

		for (int r = 0, blocks = (out.rows + most - 1) / most; blocks; blocks--) {
			const int n = (out.rows - r + blocks - 1) / blocks;
			const size_t row = (size_t)r;

			if (has_amx && n != shaped)
				configure(shaped = n);
			times_panel(n, least(PACKED_WIDTH, b->cols - c),
				    &(struct place){
					    .out = out.data + row * (size_t)out.stride + c,
					    .out_stride = (size_t)out.stride,
					    .start = start ? start + row * stride + c : NULL,
					    .start_stride = stride,
					    .left = left + row * WORDS,
					    .left_stride = WORDS,
					    .panel = panel,
					    .words = words,
				    });
			r += n;
		}
	}
	if (shaped)
		tile_release();
}

static void mul(struct mat out, struct cmat a, const struct packed *b, const real *start,
		size_t stride)
{
	uint32_t left[RUN * WORDS] __attribute__((aligned(64)));

	assert(out.rows == a.rows && out.cols == b->cols && a.cols == b->K);
	for (int r = 0; r < a.rows; r += RUN) {
		const struct mat part = {out.data + (size_t)r * (size_t)out.stride,
					 least(RUN, a.rows - r), out.cols, out.stride};
		const real *from = start ? start + (size_t)r * stride : NULL;
		size_t from_stride = stride;

		for (int k = 0; k < b->K; k += DEPTH) {
			const int depth = least(DEPTH, b->K - k);
			const int words = round_up(depth, 2 * PAIRS) / 2;

			for (size_t j = 0; j < (size_t)part.rows; j++)
				pair_row(left + j * WORDS,
					 a.data + ((size_t)r + j) * (size_t)a.stride + k, depth,
					 words);
			times_block(part, left, from, from_stride, b, k / 2, words);
			from = part.data; /* what follows is added */
			from_stride = (size_t)part.stride;
		}
	}
}

/* Rows of pairs (count, WORDS) from `count` columns of a. */
static void left_of_columns(uint32_t *left, struct cmat a, int words)
{
	for (int m = 0; m < a.cols; m += 16)
		for (int w = 0; w < words; w += 16) {
			uint32_t block[16][16];

			for (int j = 0; j < 16; j++) {
				const int k = 2 * (w + j), width = least(16, a.cols - m);
				const real *row = a.data + (size_t)k * (size_t)a.stride + m;

				if (k < a.rows)
					pair_rows(block[j], row,
						  k + 1 < a.rows ? row + a.stride : NULL, width,
						  16);
				else
					memset(block[j], 0, sizeof(block[j]));
			}
			transpose(left + (size_t)m * WORDS + w, WORDS, block[0], 16);
		}
}

void packed_bf16_cross(struct mat out, struct cmat a, struct cmat b, real *room)
{
	uint32_t left[RUN * WORDS] __attribute__((aligned(64)));

	assert(out.rows == a.cols && out.cols == b.cols && a.rows == b.rows);
	for (int k = 0; k < a.rows; k += DEPTH) {
		const int depth = least(DEPTH, a.rows - k);
		const int words = round_up(depth, 2 * PAIRS) / 2;
		const struct packed right =
			pack((struct cmat){b.data + (size_t)k * (size_t)b.stride, depth, b.cols,
					   b.stride},
			     room);

		for (int m = 0; m < a.cols; m += RUN) {
			const int count = least(RUN, a.cols - m);
			const struct mat part = {out.data + (size_t)m * (size_t)out.stride, count,
						 out.cols, out.stride};

			left_of_columns(left,
					(struct cmat){a.data + (size_t)k * (size_t)a.stride + m,
						      depth, count, a.stride},
					words);
			times_block(part, left, part.data, (size_t)part.stride, &right, 0, words);
		}
	}
}

size_t packed_bf16_cross_size(int n)
{
	return packed_size(DEPTH, n);
}

const struct packed_ops packed_bf16 = {panel_words, pack, pack_transposed, mul};

/* Whether the processor has the tiles and the system lets us use them (Linux asks to be asked). */
static bool may_use_amx(void)
{
#ifdef SLUICE_TILES_IN_C
	return true;
#else
	enum { LEAF = 7, TILE_BF16 = 1 << 22, TILES = 1 << 24 };
	enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
	unsigned a = LEAF, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return (d & TILE_BF16) && (d & TILES) &&
	       !syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA);
#endif
}

const char *bf16_unit(void)
{
	static atomic_int looked; /* 1: nothing, 2: AVX-512 BF16, 3: AMX */
	int found = atomic_load(&looked);

	if (!found) {
		found = level_now() < LEVEL_AVX512             ? 1
			: may_use_amx()                        ? 3
			: __builtin_cpu_supports("avx512bf16") ? 2
							       : 1;
		has_amx = found == 3;
		atomic_store(&looked, found);
	}
	return found == 3 ? "AMX" : found == 2 ? "AVX-512 BF16" : NULL;
}

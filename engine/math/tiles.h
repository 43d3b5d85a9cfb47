/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tile unit of x86 processors (AMX): eight registers of up to 16 rows of 64 bytes. Numbers of
 * tiles are constants. With SLUICE_TILES_IN_C the same in plain C, as Intel's manual describes the
 * instructions: tests run the tile kernels with it where there is no such unit.
 */
#ifndef SLUICE_ENGINE_MATH_TILES_H
#define SLUICE_ENGINE_MATH_TILES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What the configuration register holds. */
struct tile_shape {
	uint8_t palette, start_row, reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
} __attribute__((packed));

#ifndef SLUICE_TILES_IN_C

#include <immintrin.h>

#define tile_configure(shape) _tile_loadconfig(shape)
#define tile_release() _tile_release()
#define tile_load(tile, from, stride) _tile_loadd(tile, from, stride)
#define tile_store(tile, to, stride) _tile_stored(tile, to, stride)
#define tile_zero(tile) _tile_zero(tile)
#define tile_dot(sum, a, b) _tile_dpbf16ps(sum, a, b)

#else

static _Thread_local struct tile_shape tile_shape_now;
static _Thread_local uint32_t tile_register[8][16][16];

static inline void tile_configure(const struct tile_shape *shape)
{
	tile_shape_now = *shape;
	memset(tile_register, 0, sizeof(tile_register));
}

static inline void tile_release(void)
{
	tile_shape_now = (struct tile_shape){0};
}

static inline void tile_zero(int t)
{
	memset(tile_register[t], 0, sizeof(tile_register[t]));
}

static inline void tile_load(int t, const void *from, size_t stride)
{
	tile_zero(t);
	for (size_t r = 0; r < tile_shape_now.rows[t]; r++)
		memcpy(tile_register[t][r], (const char *)from + r * stride,
		       tile_shape_now.row_bytes[t]);
}

static inline void tile_store(int t, void *to, size_t stride)
{
	for (size_t r = 0; r < tile_shape_now.rows[t]; r++)
		memcpy((char *)to + r * stride, tile_register[t][r], tile_shape_now.row_bytes[t]);
}

/* sum (M, N) += a (M, K pairs) b (K pairs, N) */
static inline void tile_dot(int sum, int a, int b)
{
	for (int m = 0; m < tile_shape_now.rows[sum]; m++)
		for (int k = 0; k < tile_shape_now.row_bytes[a] / 4; k++)
			for (int n = 0; n < tile_shape_now.row_bytes[sum] / 4; n++)
				for (int half = 0; half < 2; half++) {
					const uint32_t mask = half ? 0xffff0000u : 0xffffu;
					const int up = half ? 0 : 16;
					const uint32_t x = (tile_register[a][m][k] & mask) << up;
					const uint32_t y = (tile_register[b][k][n] & mask) << up;
					float s, u, v;

					memcpy(&s, &tile_register[sum][m][n], 4);
					memcpy(&u, &x, 4);
					memcpy(&v, &y, 4);
					s += u * v;
					memcpy(&tile_register[sum][m][n], &s, 4);
				}
}

#endif

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels at every level of vector instructions that this processor has, against plain ones. */
#include "tests/unit.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/math/kernels.h"
#include "engine/math/product.h"
#include "engine/nn/cell.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 4096 };

/* Runs a test once for each level there is. */
static void at_levels(void (*test)(void))
{
	const enum level now = level_now();

	for (int l = 0; l < LEVEL_COUNT; l++)
		if (level_use((enum level)l))
			test();
	assert_true(level_use(now));
}

/* The gates of the standard cell for pre-activations x: sigma(x) in i, tanh(x) in g. */
static void gates_of(const float *x, float *sigmoid, float *tanh_x)
{
	static float z[4 * CHUNK], c[CHUNK], h[CHUNK], zero[CHUNK];

	for (int q = 0; q < 4; q++)
		memcpy(z + q * CHUNK, x, CHUNK * sizeof(*x));
	cell_work(&cell_standard)
		->forward(&(struct cell_step){.n = 1,
					      .H = CHUNK,
					      .z = z,
					      .c_prev = zero,
					      .h_prev = zero,
					      .h_carry = zero,
					      .c = c,
					      .h = h});
	memcpy(sigmoid, z, CHUNK * sizeof(*z));
	memcpy(tanh_x, z + 2 * CHUNK, CHUNK * sizeof(*z));
}

/* Units in the last place of `exact` that `got` is away; numbers that are not normal may be 0. */
static double ulps(float got, double exact)
{
	int exponent;

	if (fabs(exact) < FLT_MIN && got == 0)
		return 0;
	frexp(exact, &exponent);
	return fabs((double)got - exact) / ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

/* Every bit pattern in steps of a prime, so that all exponents and all kinds of mantissas come by. */
static void check_gates(void)
{
	static float x[CHUNK], s[CHUNK], t[CHUNK];
	const uint32_t step = 1021;
	uint64_t bits = 0;
	double worst_s = 0, worst_t = 0;

	while (bits <= UINT32_MAX) {
		for (int k = 0; k < CHUNK; k++, bits += step) {
			const uint32_t u = (uint32_t)bits;

			memcpy(&x[k], &u, sizeof(u));
			x[k] = isnan(x[k]) ? 0 : x[k];
		}
		gates_of(x, s, t);
		for (int k = 0; k < CHUNK; k++) {
			worst_s = fmax(worst_s, ulps(s[k], 1 / (1 + exp(-(double)x[k]))));
			worst_t = fmax(worst_t, ulps(t[k], tanh((double)x[k])));
		}
	}
	assert_true(worst_s <= 4);
	assert_true(worst_t <= 4);
}

static void sigmoid_and_tanh_are_within_4_ulp(void **state)
{
	(void)state;
	at_levels(check_gates);
}

static void check_nan(void)
{
	static float x[CHUNK], s[CHUNK], t[CHUNK];

	for (int k = 0; k < CHUNK; k++)
		x[k] = k % 5 ? 1 : NAN;
	gates_of(x, s, t);
	for (int k = 0; k < CHUNK; k++) {
		assert_int_equal(isnan(s[k]) != 0, k % 5 == 0);
		assert_int_equal(isnan(t[k]) != 0, k % 5 == 0);
	}
}

static void nan_goes_through_the_gates(void **state)
{
	(void)state;
	at_levels(check_nan);
}

static real *draw(struct rng *rng, size_t n)
{
	real *p = mem_block(n + 1, sizeof(*p));

	for (size_t k = 0; k < n; k++)
		p[k] = (real)(rng_uniform(rng) - 0.5);
	return p;
}

/* start + a w, or start + a w', in double. */
static double exact(const real *start, size_t stride, const real *a, const real *w, bool transposed,
		    int r, int c, int K, int cols)
{
	double sum = start ? (double)start[(size_t)r * stride + (size_t)c] : 0;

	for (int k = 0; k < K; k++)
		sum += (double)a[r * K + k] * (double)(transposed ? w[c * K + k] : w[k * cols + c]);
	return sum;
}

/* Shapes with whole panels, parts of one, parts of a tile, and more depth than a block holds. */
static const int shapes[][3] = {{1, 1, 1},      {1, 40, 33},   {2, 3, 16},    {5, 7, 17},
				{12, 64, 32},   {13, 33, 48},  {33, 31, 96},  {50, 9, 131},
				{97, 100, 200}, {3, 1100, 40}, {100, 530, 36}};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* The largest difference of a product, of all ways that a factor can be used, in units of the size
 * that its sums have. */
static double product_error(struct arithmetic how, const int *shape)
{
	const int rows = shape[0], K = shape[1], cols = shape[2];
	struct rng rng;
	real *a, *w, *bias, *out, *room = mem_block(factor_size(K, cols) + 1, sizeof(*room));
	double worst = 0;

	rng_seed(&rng, 1, (uint64_t)(rows + 1000 * K + cols));
	a = draw(&rng, (size_t)(rows * K));
	w = draw(&rng, (size_t)(K * cols));
	bias = draw(&rng, (size_t)cols);
	out = draw(&rng, (size_t)(rows * cols));
	for (int way = 0; way < 12; way++) {
		const bool transposed = way % 2;
		const struct cmat m = transposed ? cmat_of(w, cols, K) : cmat_of(w, K, cols);
		const struct factor f = factor_of(how, way / 2 % 2 ? FACTOR_STEPS : FACTOR_ONCE, m,
						  transposed, room);
		const real *start = way / 4 == 0 ? NULL : way / 4 == 1 ? bias : out;
		const size_t stride = start == out ? (size_t)cols : 0;
		double *want = mem_alloc((size_t)(rows * cols) * sizeof(*want));

		for (int r = 0; r < rows; r++)
			for (int c = 0; c < cols; c++)
				want[r * cols + c] =
					exact(start, stride, a, w, transposed, r, c, K, cols);
		factor_mul(mat_of(out, rows, cols), cmat_of(a, rows, K), &f, start, stride);
		for (int k = 0; k < rows * cols; k++)
			worst = fmax(worst, fabs((double)out[k] - want[k]) / sqrt(1 + K / 100.0));
		free(want);
	}
	free(a);
	free(w);
	free(bias);
	free(out);
	free(room);
	return worst;
}

static double cross_error(struct arithmetic how, const int *shape)
{
	const int K = shape[0], m = shape[1], n = shape[2];
	real *room = mem_block(cross_size(how, n) + 1, sizeof(*room)), *a, *b, *out;
	double worst = 0;
	struct rng rng;

	rng_seed(&rng, 2, (uint64_t)(K + 1000 * m + n));
	a = draw(&rng, (size_t)(K * m));
	b = draw(&rng, (size_t)(K * n));
	out = draw(&rng, (size_t)(m * n));
	double *want = mem_alloc((size_t)(m * n) * sizeof(*want));

	for (int r = 0; r < m; r++)
		for (int c = 0; c < n; c++) {
			want[r * n + c] = (double)out[r * n + c];
			for (int k = 0; k < K; k++)
				want[r * n + c] += (double)a[k * m + r] * (double)b[k * n + c];
		}
	cross_add(how, mat_of(out, m, n), cmat_of(a, K, m), cmat_of(b, K, n), room);
	for (int k = 0; k < m * n; k++)
		worst = fmax(worst, fabs((double)out[k] - want[k]) / sqrt(1 + K / 100.0));
	free(want);
	free(a);
	free(b);
	free(out);
	free(room);
	return worst;
}

static void check_products(void)
{
	const int deep[] = {1100, 20, 35};

	for (int k = 0; k < SHAPES; k++) {
		assert_true(product_error((struct arithmetic){0}, shapes[k]) < 2e-5);
		assert_true(cross_error((struct arithmetic){0}, shapes[k]) < 2e-6);
	}
	assert_true(cross_error((struct arithmetic){0}, deep) < 1e-5);
}

static void products_are_right(void **state)
{
	(void)state;
	at_levels(check_products);
}

/* A factor of bfloat16 has 8 bits: an error of 2^-9 in each of two factors of up to a half. */
static void products_of_bfloat16_are_right_but_for_rounding(void **state)
{
	const struct arithmetic how = {.precision = PRECISION_BF16};
	const int deep[] = {1100, 20, 35};

	(void)state;
	if (!precision_has(PRECISION_BF16)) {
		skip();
		return;
	}
	for (int k = 0; k < SHAPES; k++) {
		assert_true(product_error(how, shapes[k]) < 8e-3);
		assert_true(cross_error(how, shapes[k]) < 8e-3);
	}
	assert_true(cross_error(how, deep) < 2e-2);
}

/* Small whole numbers are exact in bfloat16, and so are their sums in float32. */
static void whole_numbers_stay_whole(void **state)
{
	enum { M = 50, K = 67, N = 45 };
	struct arithmetic how = {0};
	real a[M * K], w[K * N], out[M * N];
	real *room = mem_block(factor_size(K, N) + 1, sizeof(*room));

	(void)state;
	for (int k = 0; k < M * K; k++)
		a[k] = (real)(k * 7 % 31 - 15);
	for (int k = 0; k < K * N; k++)
		w[k] = (real)(k * 5 % 29 - 14);
	for (int p = 0; p < PRECISION_COUNT; p++) {
		if (!precision_has((enum precision)p))
			continue;
		how.precision = (enum precision)p;
		const struct factor f = factor_of(how, FACTOR_STEPS, cmat_of(w, K, N), false, room);

		factor_mul(mat_of(out, M, N), cmat_of(a, M, K), &f, NULL, 0);
		for (int r = 0; r < M; r++)
			for (int c = 0; c < N; c++)
				assert_true((double)out[r * N + c] ==
					    exact(NULL, 0, a, w, false, r, c, K, N));
	}
	free(room);
}

/* How rows are split changes no bit; nor does it who computes which columns. */
static void splitting_changes_no_bit(void **state)
{
	enum { ROWS = 53, K = 70, COLS = 150 };
	struct team *team = team_new(3, NULL);
	real *room = mem_block(factor_size(K, COLS) + 1, sizeof(*room));
	real *whole = mem_block(ROWS * COLS, sizeof(*whole)),
	     *part = mem_block(ROWS * COLS, sizeof(*part));
	struct rng rng;
	real *a, *w;

	(void)state;
	rng_seed(&rng, 3, 3);
	a = draw(&rng, ROWS * K);
	w = draw(&rng, K * COLS);
	for (int p = 0; p < PRECISION_COUNT; p++) {
		struct arithmetic how = {.precision = (enum precision)p};
		struct factor f;

		if (!precision_has(how.precision))
			continue;
		f = factor_of(how, FACTOR_STEPS, cmat_of(w, COLS, K), true, room);
		factor_mul(mat_of(whole, ROWS, COLS), cmat_of(a, ROWS, K), &f, NULL, 0);
		for (int r = 0, n = 1; r < ROWS; r += n, n = n % 17 + 1) {
			n = n < ROWS - r ? n : ROWS - r;
			factor_mul(mat_of(part + r * COLS, n, COLS), cmat_of(a + r * K, n, K), &f,
				   NULL, 0);
		}
		assert_memory_equal(part, whole, ROWS * COLS * sizeof(*part));
		memset(part, 0, ROWS * COLS * sizeof(*part));
		how.team = team;
		f = factor_of(how, FACTOR_STEPS, cmat_of(w, COLS, K), true, room);
		factor_mul(mat_of(part, ROWS, COLS), cmat_of(a, ROWS, K), &f, NULL, 0);
		assert_memory_equal(part, whole, ROWS * COLS * sizeof(*part));
	}
	team_free(team);
	free(a);
	free(w);
	free(room);
	free(whole);
	free(part);
}

static void a_nan_stays_one_in_bfloat16(void **state)
{
	const uint32_t bits = 0x7f800001; /* what makes it one is all in the lower half */
	const struct arithmetic how = {.precision = PRECISION_BF16};
	real a[4] = {1, 1, 1, 1}, w[4] = {0, 0, 0, 0}, out[1];
	real *room = mem_block(factor_size(4, 1) + 1, sizeof(*room));

	(void)state;
	memcpy(&w[2], &bits, sizeof(bits));
	if (!precision_has(PRECISION_BF16)) {
		free(room);
		skip();
		return;
	}
	const struct factor f = factor_of(how, FACTOR_ONCE, cmat_of(w, 4, 1), false, room);

	factor_mul(mat_of(out, 1, 1), cmat_of(a, 1, 4), &f, NULL, 0);
	assert_true(isnan(out[0]));
	free(room);
}

static void a_level_can_be_held_down(void **state)
{
	(void)state;
	assert_true(level_has(LEVEL_PORTABLE));
	assert_true(level_use(LEVEL_PORTABLE));
	assert_int_equal(level_now(), LEVEL_PORTABLE);
	assert_string_equal(level_name(level_now()), "portable");
	for (int l = LEVEL_COUNT - 1; l >= 0; l--)
		if (level_has((enum level)l)) {
			assert_true(level_use((enum level)l));
			break;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sigmoid_and_tanh_are_within_4_ulp),
		cmocka_unit_test(nan_goes_through_the_gates),
		cmocka_unit_test(products_are_right),
		cmocka_unit_test(products_of_bfloat16_are_right_but_for_rounding),
		cmocka_unit_test(whole_numbers_stay_whole),
		cmocka_unit_test(splitting_changes_no_bit),
		cmocka_unit_test(a_nan_stays_one_in_bfloat16),
		cmocka_unit_test(a_level_can_be_held_down),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/mem.h"
#include "engine/exchange/layout.h"
#include "tests/unit.h"

enum { E = 3, H = 2, BEFORE = 5 };
static const struct layout_layer LAYER = {.E = E, .H = H};

/* A block whose weights are all different, and none of them 0. */
static real *numbered(const struct cell_layout *at)
{
	real *w = mem_zero(BEFORE + at->size, sizeof(*w));

	for (size_t k = 0; k < at->size; k++)
		w[BEFORE + k] = (real)(k + 1) / 8;
	return w;
}

static void round_trip_gives_the_same_bytes(void **state)
{
	const struct cell_layout at = cell_layout(&cell_standard, E, H, BEFORE);

	(void)state;
	assert_non_null(layout_at(0));
	for (int k = 0; layout_at(k); k++) {
		const struct layout_ops *l = layout_at(k);
		const size_t n = layout_lay(l, &LAYER, NULL, NULL);
		real *w = numbered(&at), *back = mem_zero(BEFORE + at.size, sizeof(*back));
		real *block = mem_alloc(n * sizeof(*block)), *again = mem_zero(n, sizeof(*again));
		real *tensor[LAYOUT_MAX_TENSORS], *twice[LAYOUT_MAX_TENSORS];

		layout_lay(l, &LAYER, block, tensor);
		layout_lay(l, &LAYER, again, twice);
		memset(block, 0xff, n * sizeof(*block)); /* NaN: whatever is not written shows */
		memset(again, 0xff, n * sizeof(*again));
		layout_export(l, w, &at, tensor);
		layout_import(l, (const real *const *)tensor, back, &at);
		assert_memory_equal(back, w, (BEFORE + at.size) * sizeof(*w));
		layout_export(l, back, &at, twice);
		assert_memory_equal(again, block, n * sizeof(*block));
		free(w);
		free(back);
		free(block);
		free(again);
	}
}

/* What the tables of all programs must have: every gate once, and room for all weights. */
static void tables_are_complete(void **state)
{
	const struct cell_layout at = cell_layout(&cell_standard, E, H, 0);

	(void)state;
	for (int k = 0; layout_at(k); k++) {
		const struct layout_ops *l = layout_at(k);
		struct layout_tensor t;
		size_t first = 0, second = 0;
		int j = 0;

		assert_ptr_equal(layout_find(l->name), l);
		assert_int_equal(strlen(l->order), LAYOUT_GATES);
		for (int q = 0; q < LAYOUT_GATES; q++)
			assert_non_null(strchr(l->order, cell_standard.gate[q].name[0]));
		for (; layout_tensor(l, &LAYER, j, &t); j++) {
			const size_t n = (size_t)t.dim[0] * (size_t)t.dim[1] * (size_t)t.dim[2];

			first += t.part == LAYOUT_B_MORE ? 0 : n;
			second += t.part == LAYOUT_B_MORE ? n : 0;
			if (t.part == LAYOUT_B_BOTH) {
				first -= n / 2;
				second += n / 2;
			}
		}
		assert_true(j <= LAYOUT_MAX_TENSORS);
		assert_int_equal(first, at.size);
		assert_true(second == 0 || second == 4 * H);
		assert_int_equal(first + second, layout_lay(l, &LAYER, NULL, NULL));
	}
	assert_null(layout_find("none"));
	assert_null(layout_at(-1));
}

static void check_tensor(const char *program, const struct layout_layer *layer, int k,
			 const char *name, int rank, int rows, int cols)
{
	struct layout_tensor t;

	assert_true(layout_tensor(layout_find(program), layer, k, &t));
	assert_string_equal(t.name, name);
	assert_int_equal(t.rank, rank);
	assert_int_equal(t.dim[rank - 2], rows);
	assert_int_equal(t.dim[rank - 1], cols);
	for (int d = 0; d < rank - 2; d++)
		assert_int_equal(t.dim[d], 1);
}

static void names_and_shapes(void **state)
{
	const struct layout_layer second = {.E = E, .H = H, .number = 1, .reverse = true};
	struct layout_tensor t;

	(void)state;
	check_tensor("keras", &LAYER, 0, "kernel", 2, E, 4 * H);
	check_tensor("keras", &second, 1, "recurrent_kernel", 2, H, 4 * H);
	check_tensor("torch", &LAYER, 0, "weight_ih_l0", 2, 4 * H, E);
	check_tensor("torch", &second, 1, "weight_hh_l1_reverse", 2, 4 * H, H);
	check_tensor("onnx", &LAYER, 0, "W", 3, 4 * H, E);
	check_tensor("onnx", &LAYER, 2, "B", 2, 1, 8 * H);
	check_tensor("kann", &LAYER, 0, "W_i", 2, H, E);
	check_tensor("kann", &LAYER, 10, "U_g", 2, H, H);
	assert_true(layout_tensor(layout_find("kann"), &LAYER, 8, &t));
	assert_string_equal(t.name, "b_o");
	assert_int_equal(t.rank, 1);
	assert_int_equal(t.dim[0], H);
	assert_false(layout_tensor(layout_find("kann"), &LAYER, 12, &t));
	assert_false(layout_tensor(layout_find("keras"), &LAYER, 3, &t));
	assert_false(layout_tensor(layout_find("torch"), &LAYER, 4, &t));
}

/* Two biases: theirs add up to ours; ours goes out as the first, zeros as the second. */
static void check_bias(const char *program, int first, int second, size_t offset)
{
	const struct cell_layout at = cell_layout(&cell_standard, E, H, BEFORE);
	const struct layout_ops *l = layout_find(program);
	const real *b;
	real *w = numbered(&at), *tensor[LAYOUT_MAX_TENSORS];
	real *block = mem_zero(layout_lay(l, &LAYER, NULL, NULL), sizeof(*block));

	b = w + at.b;
	layout_lay(l, &LAYER, block, tensor);
	layout_export(l, w, &at, tensor);
	for (int j = 0; j < H; j++) {
		assert_true(tensor[first][j] == b[j]); /* gate i comes first everywhere */
		assert_true(tensor[second][offset + (size_t)j] == 0);
		tensor[second][offset + (size_t)j] = 100;
	}
	layout_import(l, (const real *const *)tensor, w, &at);
	for (size_t j = 0; j < (size_t)4 * H; j++)
		assert_true(b[j] == (real)(at.b - BEFORE + j + 1) / 8 + (j < H ? 100 : 0));
	free(w);
	free(block);
}

static void second_biases_add_up(void **state)
{
	(void)state;
	check_bias("torch", 2, 3, 0);
	check_bias("onnx", 2, 2, 4 * (size_t)H);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_gives_the_same_bytes),
		cmocka_unit_test(tables_are_complete),
		cmocka_unit_test(names_and_shapes),
		cmocka_unit_test(second_biases_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

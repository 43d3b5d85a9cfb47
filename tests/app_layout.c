/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/layout.h"
#include "tests/unit.h"

static void sizes_add_up(void **state)
{
	const struct pane pane[] = {{3, 0, 0}, {4, 2, 0}, {4, 1, 0}};
	int size[3];

	(void)state;
	for (int space = 11; space < 200; space++) {
		layout_split(space, pane, 3, size);
		assert_int_equal(size[0] + size[1] + size[2], space);
		assert_int_equal(size[0], 3);
		assert_true(size[1] >= size[2] && size[2] >= 4);
	}
	layout_split(41, pane, 3, size);
	assert_int_equal(size[1], 24);
	assert_int_equal(size[2], 14);
}

static void panes_give_way_in_order(void **state)
{
	const struct pane pane[] = {{10, 1, 3}, {10, 1, 1}, {10, 1, 1}, {5, 0, 2}};
	const int want[][5] = {
		{35, 10, 10, 10, 5}, {34, 15, 14, 0, 5}, {25, 10, 10, 0, 5},
		{24, 19, 0, 0, 5},   {15, 10, 0, 0, 5},  {14, 14, 0, 0, 0},
		{9, 0, 0, 0, 0},     {0, 0, 0, 0, 0},    {-3, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
		int size[4];

		layout_split(want[k][0], pane, 4, size);
		for (int j = 0; j < 4; j++)
			assert_int_equal(size[j], want[k][j + 1]);
	}
}

static void a_pane_without_min_lives_on_the_rest(void **state)
{
	const struct pane pane[] = {{0, 1, 0}, {5, 0, 1}};
	int size[2];

	(void)state;
	layout_split(8, pane, 2, size);
	assert_int_equal(size[0], 3);
	layout_split(5, pane, 2, size);
	assert_int_equal(size[0], 0);
	assert_int_equal(size[1], 5);
}

static void rectangles_touch(void **state)
{
	const struct pane pane[] = {{5, 1, 1}, {50, 1, 0}, {5, 1, 1}};
	const struct rect r = {2, 3, 20, 31};
	struct rect out[3];

	(void)state;
	layout_rows(r, pane, 3, out);
	assert_int_equal(out[0].row, 2);
	assert_int_equal(out[0].rows, 10);
	assert_int_equal(out[1].rows, 0);
	assert_int_equal(out[2].row, 12);
	assert_int_equal(out[2].rows, 10);
	assert_int_equal(out[2].cols, 31);
	layout_columns(r, pane, 3, out);
	assert_int_equal(out[2].col + out[2].cols, 34);
	assert_int_equal(out[0].col + out[0].cols, out[2].col);
	assert_int_equal(out[2].rows, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_add_up),
		cmocka_unit_test(panes_give_way_in_order),
		cmocka_unit_test(a_pane_without_min_lives_on_the_rest),
		cmocka_unit_test(rectangles_touch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

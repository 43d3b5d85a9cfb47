/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/table.h"
#include "engine/base/rng.h"
#include "tests/drawn.h"

#include <limits.h>
#include <locale.h>

static void expect(struct canvas *c, const char *want)
{
	char *text = dump(c);

	canvas_release(c);
	assert_string_equal(text, want);
	free(text);
}

static const struct table_column columns[] = {
	{"name", -1, 6, 14, 0}, {"cell", -1, 0, 0, 3}, {"steps", 1, 5, 0, 2},
	{"valid", 1, 5, 0, 1},  {"note", -1, 4, 0, 4},
};

static const char *cell(void *data, int row, int col)
{
	static const char *const names[] = {"sst2-bi-max", "论文-lstm", "a-long-name-of-a-run"};
	static char text[32];

	(void)data;
	switch (col) {
	case 0:
		return names[row % 3];
	case 1:
		return row % 2 ? "standard" : "article";
	case 2:
		snprintf(text, sizeof text, "%d", 70 * (row + 1));
		return text;
	case 3:
		snprintf(text, sizeof text, "%.3f", 0.823 - 0.01 * row);
		return text;
	default:
		return row == 1 ? "max pooling over time" : NULL;
	}
}

static bool marked(void *data, int row)
{
	(void)data;
	return row == 1 || row == 3;
}

static enum role role(void *data, int row, int col)
{
	(void)data;
	return (enum role)((row + col) % ROLE_COUNT);
}

static struct table runs(int rows)
{
	return (struct table){.column = columns,
			      .cols = 5,
			      .rows = rows,
			      .cell = cell,
			      .marked = marked,
			      .sort_col = 3,
			      .descending = true};
}

static void draw(struct canvas *c, struct table *tb, int rows, int cols, bool ascii)
{
	struct theme t;

	theme_default(&t);
	canvas_init(c, rows, cols);
	c->ascii = ascii;
	table_draw(c, canvas_rect(c), &t, tb, true);
}

static void test_wide(void **state)
{
	struct table tb = runs(4);
	struct canvas c;

	(void)state;
	draw(&c, &tb, 6, 80, false);
	expect(&c, "    name            cell      steps  valid↓  note\n"
		   " ▸  sst2-bi-max     article      70   0.823\n"
		   "  ● 论文-lstm       standard    140   0.813  max pooling over time\n"
		   "    a-long-name-o…  article     210   0.803\n"
		   "  ● sst2-bi-max     standard    280   0.793\n"
		   "\n");
}

static void test_narrow(void **state)
{
	struct table tb = runs(20);
	struct canvas c;

	(void)state;
	tb.selected = 9;
	tb.descending = false;
	draw(&c, &tb, 6, 40, true);
	expect(&c, "    name        cell      steps  valid^\n"
		   "    sst2-bi-m~  article     490   0.763\n"
		   "    ? ? -lstm   standard    560   0.753\n"
		   "    a-long-na~  article     630   0.743\n"
		   " >  sst2-bi-m~  standard    700   0.733\n"
		   "                             7-10 of 20\n");
	assert_int_equal(tb.first, 6);
}

static void test_scrolled(void **state)
{
	struct table tb = runs(2);
	struct canvas c;

	(void)state;
	tb.left = 2;
	draw(&c, &tb, 4, 60, false);
	expect(&c, "    name         valid↓  note\n"
		   " ▸  sst2-bi-max   0.823\n"
		   "  ● 论文-lstm     0.813  max pooling over time\n"
		   "\n");
	tb = runs(0);
	tb.empty = "no runs";
	draw(&c, &tb, 5, 30, false);
	expect(&c, "    name    steps  valid↓\n"
		   "\n"
		   "           no runs\n"
		   "\n"
		   "\n");
}

static void test_selected_style(void **state)
{
	struct table tb = runs(4);
	struct theme t;
	struct canvas c;

	(void)state;
	tb.selected = 2;
	theme_default(&t);
	draw(&c, &tb, 6, 80, false);
	for (int col = 0; col < 80; col++) {
		const struct style *s = &c.cell[3 * 80 + col].style;

		assert_int_equal(s->bg, theme_style(&t, ROLE_selected).bg);
		assert_int_equal(s->attr, theme_style(&t, ROLE_selected).attr);
	}
	canvas_release(&c);
}

static void test_move(void **state)
{
	struct table tb = runs(30);

	(void)state;
	table_move(&tb, 1, 0);
	assert_int_equal(tb.selected, 1);
	table_move(&tb, 1, 10);
	assert_int_equal(tb.selected, 11);
	table_move(&tb, -1, 20);
	assert_int_equal(tb.selected, 0);
	table_move(&tb, INT_MAX, INT_MAX);
	assert_int_equal(tb.selected, 29);
	table_to(&tb, -5);
	assert_int_equal(tb.selected, 0);
	table_to(&tb, 12);
	assert_int_equal(tb.selected, 12);
	tb.rows = 0;
	table_move(&tb, 1, 0);
	assert_int_equal(tb.selected, 0);
	assert_int_equal(table_page(&tb, 0), 0);
	tb.rows = 10;
	assert_int_equal(table_page(&tb, 11), 10);
	assert_int_equal(table_page(&tb, 10), 8);
}

static void test_fuzz(void **state)
{
	struct theme t;
	struct rng r;

	(void)state;
	theme_default(&t);
	rng_seed(&r, 3, 3);
	for (int round = 0; round < 4000; round++) {
		int rows = 1 + (int)rng_below(&r, 30), cols = 1 + (int)rng_below(&r, 100);
		struct rect in = {(int)rng_below(&r, (uint32_t)rows),
				  (int)rng_below(&r, (uint32_t)cols), 0, 0};
		struct table tb = runs((int)rng_below(&r, 60));
		struct canvas c;

		in.rows = (int)rng_below(&r, (uint32_t)(rows - in.row) + 1);
		in.cols = (int)rng_below(&r, (uint32_t)(cols - in.col) + 1);
		tb.cols = (int)rng_below(&r, 6);
		tb.selected = (int)rng_below(&r, 80) - 10;
		tb.first = (int)rng_below(&r, 80) - 10;
		tb.left = (int)rng_below(&r, 9) - 2;
		tb.sort_col = (int)rng_below(&r, 7) - 1;
		tb.role = round % 2 ? role : NULL;
		canvas_init(&c, rows, cols);
		c.ascii = rng_below(&r, 2);
		canvas_fill(&c, canvas_rect(&c), theme_style(&t, ROLE_text), '~');
		table_draw(&c, in, &t, &tb, round % 3);
		if (in.rows >= 2 && in.cols > 4 && tb.cols && tb.rows) {
			assert_in_range(tb.selected, 0, tb.rows - 1);
			assert_in_range(tb.selected, tb.first,
					tb.first + table_page(&tb, in.rows) - 1);
		}
		untouched_outside(&c, in, '~');
		canvas_release(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wide),     cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_scrolled), cmocka_unit_test(test_selected_style),
		cmocka_unit_test(test_move),     cmocka_unit_test(test_fuzz),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/plot.h"
#include "app/tui/ticks.h"
#include "engine/base/rng.h"
#include "tests/drawn.h"

#include <locale.h>
#include <math.h>

static char *drawn(const struct plot *p, int rows, int cols, bool ascii)
{
	struct theme t;
	struct canvas c;
	char *text;

	theme_default(&t);
	canvas_init(&c, rows, cols);
	c.ascii = ascii;
	plot_draw(&c, canvas_rect(&c), &t, p, false);
	text = dump(&c);
	canvas_release(&c);
	return text;
}

static void expect(const struct plot *p, int rows, int cols, bool ascii, const char *want)
{
	char *got = drawn(p, rows, cols, ascii);

	assert_string_equal(got, want);
	free(got);
}

static void contains(const struct plot *p, int rows, int cols, const char *want)
{
	char *got = drawn(p, rows, cols, false);

	if (!strstr(got, want))
		fail_msg("no `%s` in\n%s", want, got);
	free(got);
}

static const double count[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
static const double slope[] = {1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1};

/* Points that nothing joins, on both sides of 0, one of them marked. */
static void test_apart(void **state)
{
	static const double x[] = {1, -1, 0.5, NAN}, y[] = {-2, -1, -1.5, 0};
	struct plot_series s = {"pos", x, y, 4, .role = ROLE_train, .apart = true, .decimals = -1};
	struct plot p = {.title = "pc", .x_label = "pc1", .series = &s, .series_count = 1, .at = 2};

	(void)state;
	expect(&p, 8, 40, true,
	       "+ pc --------------------------- * pos +\n"
	       "| -1.0 +*                              |\n"
	       "|      |                               |\n"
	       "| -1.5 +                       *       |\n"
	       "|      |                               |\n"
	       "| -2.0 +                              *|\n"
	       "|      ++--------------+--------------+|\n"
	       "+--------1-------------0---------- pc1 +\n");
}

static void test_line(void **state)
{
	struct plot_series s = {"loss", count, slope, 10, .role = ROLE_train, .decimals = 3};
	struct plot p = {.title = "train", .x_label = "epoch", .series = &s, .series_count = 1};

	(void)state;
	expect(&p, 8, 40, false,
	       "╭ train ───────────────── ━ loss 0.100 ╮\n"
	       "│ 1.0 ┤⠤⠤⣀⣀⡀                           │\n"
	       "│     │    ⠈⠉⠑⠒⠒⠤⠤⢄⣀⡀                  │\n"
	       "│ 0.5 ┤             ⠈⠉⠒⠒⠤⠤⢄⣀⣀          │\n"
	       "│     │                      ⠉⠉⠒⠒⠢⠤⠤⣀⣀ │\n"
	       "│ 0.0 ┤                               ⠉│\n"
	       "│     └┬──────┬──────┬──────┬──────┬───│\n"
	       "╰──────0──────2──────4──────6─── epoch ╯\n");
	expect(&p, 8, 40, true,
	       "+ train ----------------- - loss 0.100 +\n"
	       "| 1.0 +.....                           |\n"
	       "|     |    '''''.....                  |\n"
	       "| 0.5 +             ''''.....          |\n"
	       "|     |                      '''':.... |\n"
	       "| 0.0 +                               '|\n"
	       "|     ++------+------+------+------+---|\n"
	       "+------0------2------4------6--- epoch +\n");
}

/* What lies above y_most leaves the plot at its top: the rest has all the rows. */
static void test_most(void **state)
{
	static const double fall[] = {60, 8, 7, 6, 5, 4, 4, 3, 3, 2};
	struct plot_series s = {"p", count, fall, 10, .role = ROLE_train, .decimals = 1};
	struct plot p = {.series = &s, .series_count = 1, .y_most = 8};

	(void)state;
	contains(&p, 10, 40, "8 ┤");
	contains(&p, 10, 40, "↑ 60.0");
	p.y_most = 0;
	contains(&p, 10, 40, "60 ┤");
	p.y_most = 60; /* no curve goes beyond it */
	contains(&p, 10, 40, "60 ┤");
	p.y_most = 1; /* below them all: as if it were not there */
	contains(&p, 10, 40, "60 ┤");
}

static void test_points(void **state)
{
	struct plot_series s[] = {
		{"a", count, slope, 4, .role = ROLE_train, .points = true, .decimals = 1},
		{"b", count, slope + 3, 6, .role = ROLE_valid, .points = true, .decimals = 1},
	};
	struct plot p = {.title = "runs", .series = s, .series_count = 2};

	(void)state;
	contains(&p, 10, 60, "◆ a 0.7  ● b 0.2");
	p.end_labels = true;
	contains(&p, 10, 60, "◆ 0.7 a");
	contains(&p, 10, 60, "● 0.2 b");
}

/* Points too many for marks have them all the same where colours cannot tell the series apart. */
static void test_apart_without_colours(void **state)
{
	enum { MANY = 400 };
	double x[MANY], y[MANY], low[MANY];
	struct plot_series s[] = {
		{"pos", x, y, MANY, .role = ROLE_train, .apart = true, .decimals = -1},
		{"neg", x, low, MANY, .role = ROLE_valid, .apart = true, .decimals = -1},
	};
	struct plot p = {.title = "pc", .series = s, .series_count = 2};
	struct theme t;

	(void)state;
	for (int k = 0; k < MANY; k++) {
		x[k] = k;
		y[k] = 1;
		low[k] = -1;
	}
	theme_default(&t);
	for (int colours = 0; colours <= 256; colours += 256) {
		struct canvas c;
		char *text;

		canvas_init(&c, 10, 60);
		c.colours = colours;
		plot_draw(&c, canvas_rect(&c), &t, &p, false);
		text = dump(&c);
		canvas_release(&c);
		assert_int_equal(strstr(text, "◆◆◆") != NULL, !colours);
		assert_int_equal(strstr(text, "●●●") != NULL, !colours);
		free(text);
	}
}

static void test_legend_gives_way(void **state)
{
	struct plot_series s = {"training", count, slope, 10, .role = ROLE_train, .decimals = 3};
	struct plot p = {.title = "loss", .series = &s, .series_count = 1};

	(void)state;
	contains(&p, 6, 40, "━ training 0.100");
	contains(&p, 6, 20, "━ 0.100");
	contains(&p, 6, 12, "loss");
}

/* Names have a line of their own where the title leaves them no room, and as many as fit. */
static void test_legend_has_its_own_line(void **state)
{
	struct plot_series s[] = {
		{"first", count, slope, 10, .role = ROLE_train, .decimals = -1},
		{"second", count, slope, 10, .role = ROLE_valid, .decimals = -1},
		{"third", count, slope, 10, .role = ROLE_train, .decimals = -1},
	};
	struct plot p = {.title = "what a long title this is", .series = s, .series_count = 3};

	(void)state;
	contains(&p, 12, 40, "│           ━ first  ━ second  ━ third │");
	contains(&p, 12, 29, "│ ━ first  ━ second  1 more │");
	contains(&p, 8, 40, "╭ what a long title this is ── ━  ━  ━ ╮");
}

/* The axis begins with a number, also where that is wider than one column. */
static void test_first_tick(void **state)
{
	static const double x[] = {0, 1}, y[] = {-1, 1};
	struct plot_series s = {"a", x, y, 2, .role = ROLE_train, .decimals = -1};
	struct plot p = {.title = "t", .series = &s, .series_count = 1, .x_max = 1};

	(void)state;
	contains(&p, 10, 40, "─0.0──");
	contains(&p, 10, 40, "−1 ┤");
}

static void test_empty(void **state)
{
	static const double nan_y[] = {NAN, INFINITY, -INFINITY};
	struct plot_series s = {"none", count, nan_y, 3, .role = ROLE_train};
	struct plot p = {.title = "t", .series = &s, .series_count = 1, .empty = "nothing"};

	(void)state;
	expect(&p, 3, 15, false, "╭ t ──────────╮\n│   nothing   │\n╰─────────────╯\n");
	p.series_count = 0;
	p.empty = NULL;
	contains(&p, 5, 30, "no values yet");
}

static void test_gap(void **state)
{
	double y[200], x[200];
	struct plot_series s = {"gap", x, y, 200, .role = ROLE_train};
	struct plot p = {.title = "", .series = &s, .series_count = 1, .fixed_y = true, .y_max = 1};
	char *text, *row;

	(void)state;
	for (int i = 0; i < 200; i++) {
		x[i] = i;
		y[i] = i >= 80 && i < 120 ? NAN : 0.5;
	}
	text = drawn(&p, 9, 60, true);
	row = strstr(text, "0.5 +");
	assert_non_null(row);
	row += 5;
	row[strcspn(row, "|\n")] = '\0';
	row[strcspn(row, " ")] = '\0'; /* the line up to the gap */
	assert_in_range(strlen(row), 19, 22);
	row += strlen(row) + 1;
	assert_in_range(strspn(row, " "), 8, 11);
	assert_in_range(strlen(row + strspn(row, " ")), 19, 22);
	free(text);
}

static void test_single_and_constant(void **state)
{
	static const double same[] = {3, 3, 3, 3};
	struct plot_series s = {"one", count + 1, same, 1, .role = ROLE_train};
	struct plot p = {.title = "t", .series = &s, .series_count = 1};

	(void)state;
	contains(&p, 9, 40, "•");
	s.count = 4;
	contains(&p, 9, 40, "3.0 ┤");
}

static void test_ticks(void **state)
{
	struct ticks k = {0, 30000, 10000};
	char text[TICKS_TEXT];

	(void)state;
	assert_true(fabs(ticks_nice(0.3) - 0.5) < 1e-12);
	assert_true(fabs(ticks_nice(20) - 20) < 1e-12);
	assert_true(fabs(ticks_nice(7e6) - 1e7) < 1e-3);
	ticks_text(text, &k, 20000);
	assert_string_equal(text, "20k");
	k = (struct ticks){0, 3e6, 5e5};
	ticks_text(text, &k, 1.5e6);
	assert_string_equal(text, "1.5M");
	k = (struct ticks){-0.2, 0.2, 0.05};
	ticks_text(text, &k, -1e-18);
	assert_string_equal(text, "0.00");
	for (int rows = 1; rows < 60; rows++) {
		struct ticks w = {0.13, 0.77, 0};
		double n;

		ticks_widen(&w, rows);
		assert_true(w.lo <= 0.13 + 1e-9 && w.hi >= 0.77 - 1e-9);
		if (rows < 3)
			continue;
		n = w.step / (w.hi - w.lo) * (rows - 1);
		assert_true(fabs(n - round(n)) < 1e-6);
	}
}

static double odd_value(struct rng *r)
{
	static const double odd[] = {NAN,  INFINITY, -INFINITY, 1e300, -1e300,
				     1e99, 1e-300,   0,         -0.0};
	uint32_t k = rng_below(r, 40);

	return k < sizeof odd / sizeof *odd ? odd[k] : rng_normal(r);
}

/* Any rectangle, any values: nothing is drawn outside, and no sanitizer complains. */
static void test_fuzz(void **state)
{
	struct rng r;
	struct theme t;

	(void)state;
	theme_default(&t);
	rng_seed(&r, 20, 1);
	for (int round = 0; round < 3000; round++) {
		double x[3][64], y[3][64];
		struct plot_series s[3];
		struct plot p = {.title = round % 3 ? "a title" : NULL,
				 .x_label = round % 2 ? "step" : NULL,
				 .series = s,
				 .series_count = (int)rng_below(&r, 4),
				 .fixed_y = rng_below(&r, 3) == 0,
				 .y_most = rng_below(&r, 3) == 0 ? (double)rng_below(&r, 9) : 0,
				 .y_min = odd_value(&r),
				 .y_max = odd_value(&r),
				 .x_max = rng_below(&r, 2) ? 0 : odd_value(&r),
				 .end_labels = rng_below(&r, 2)};
		int rows = 1 + (int)rng_below(&r, 40), cols = 1 + (int)rng_below(&r, 130);
		struct rect in = {(int)rng_below(&r, (uint32_t)rows),
				  (int)rng_below(&r, (uint32_t)cols), 0, 0};
		struct canvas c;

		in.rows = (int)rng_below(&r, (uint32_t)(rows - in.row) + 1);
		in.cols = (int)rng_below(&r, (uint32_t)(cols - in.col) + 1);
		for (int k = 0; k < 3; k++) {
			bool plain = rng_below(&r, 2);

			for (int i = 0; i < 64; i++) {
				x[k][i] = plain ? i : odd_value(&r);
				y[k][i] = plain ? rng_normal(&r) : odd_value(&r);
			}
			s[k] = (struct plot_series){"论文-series",
						    x[k],
						    y[k],
						    (int)rng_below(&r, 65),
						    .role = ROLE_train,
						    .points = rng_below(&r, 2),
						    .apart = rng_below(&r, 3) == 0,
						    .decimals = (int)rng_below(&r, 5)};
		}
		canvas_init(&c, rows, cols);
		c.ascii = rng_below(&r, 2);
		canvas_fill(&c, canvas_rect(&c), theme_style(&t, ROLE_text), '~');
		plot_draw(&c, in, &t, &p, round % 2);
		untouched_outside(&c, in, '~');
		canvas_release(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_apart_without_colours),
		cmocka_unit_test(test_legend_gives_way),
		cmocka_unit_test(test_legend_has_its_own_line),
		cmocka_unit_test(test_first_tick),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_single_and_constant),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_fuzz),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/heat.h"
#include "engine/base/rng.h"
#include "tests/drawn.h"

#include <locale.h>
#include <math.h>

static const char *const words[] = {"the", "film", "is",    "not", "good",
				    ",",   "but",  "never", "dull"};
static const bool unknown[] = {false, false, false, true, false, false, false, false, false};

static void expect(struct canvas *c, const char *want)
{
	char *text = dump(c);

	canvas_release(c);
	assert_string_equal(text, want);
	free(text);
}

/* Unit u of word t in steps from 0 to 1 (to -1 for odd words when signed). */
static void values(double *v, int T, int H, bool is_signed)
{
	for (int t = 0; t < T; t++)
		for (int u = 0; u < H; u++)
			v[t * H + u] = (is_signed && t % 2 ? -1.0 : 1.0) * u / (H - 1);
}

static void test_fit(void **state)
{
	struct heat_axis a = {.T = 9, .token = words, .unknown = unknown};
	int sum = 0;

	(void)state;
	heat_axis_fit(&a, 100, 7, 3);
	assert_int_equal(a.first, 0);
	assert_int_equal(a.shown, 9);
	for (int t = 0; t < 9; t++) {
		assert_in_range(a.width[t], 2, 12);
		sum += a.width[t];
	}
	assert_true(sum <= 93);
	heat_axis_fit(&a, 27, 7, 8);
	assert_int_equal(a.first + a.shown, 9);
	assert_in_range(a.first, 1, 8);
	heat_axis_fit(&a, 27, 7, 0);
	assert_int_equal(a.first, 0);
	heat_axis_fit(&a, 8, 7, 4);
	assert_int_equal(a.shown, 0);
	heat_axis_fit(&a, 10, 7, 4);
	assert_int_equal(a.first, 4);
	assert_int_equal(a.shown, 1);
	heat_axis_release(&a);
}

static void test_dense(void **state)
{
	double v[9 * 12];
	struct heat_axis a = {.T = 9, .token = words, .unknown = unknown};
	struct heat h = {.name = "f",
			 .title = "forget gate",
			 .v = v,
			 .H = 12,
			 .cursor_t = 3,
			 .cursor_u = 6,
			 .first_u = 4,
			 .limit = 1,
			 .role = ROLE_gate_f};
	struct theme t;
	struct canvas c;

	(void)state;
	theme_default(&t);
	values(v, 9, 12, false);
	heat_axis_fit(&a, 58, HEAT_LABEL_COLS, 3);
	canvas_init(&c, 7, 60);
	c.colours = 8;
	heat_draw(&c, canvas_rect(&c), &t, &a, &h);
	expect(&c, "╭ f  forget gate ──────────────────── f 0.545  0   ░▒▓██ 1 ╮\n"
		   "│        the  film  is ▸not? good  ,   but  never dull     │\n"
		   "│     4  ░░░░ ░░░░ ░░░░ ░░░░ ░░░░ ░░░░ ░░░░ ░░░░░ ░░░░     │\n"
		   "│     5  ▒▒▒▒ ▒▒▒▒ ▒▒▒▒ ▒▒▒▒ ▒▒▒▒ ▒▒▒▒ ▒▒▒▒ ▒▒▒▒▒ ▒▒▒▒     │\n"
		   "│   ▸ 6  ▒▒▒▒ ▒▒▒▒ ▒▒▒▒[▒▒▒] ▒▒▒▒ ▒▒▒▒ ▒▒▒▒ ▒▒▒▒▒ ▒▒▒▒     │\n"
		   "│     7  ▓▓▓▓ ▓▓▓▓ ▓▓▓▓ ▓▓▓▓ ▓▓▓▓ ▓▓▓▓ ▓▓▓▓ ▓▓▓▓▓ ▓▓▓▓     │\n"
		   "╰─ ↑ 4  ↓ 4 more ──────────────────────────────────────────╯\n");
	values(v, 9, 12, true);
	h.is_signed = true;
	h.limit = 1.8;
	canvas_init(&c, 7, 60);
	c.colours = 0;
	c.ascii = true;
	heat_draw(&c, canvas_rect(&c), &t, &a, &h);
	expect(&c, "+ f  forget gate ------------- f -0.545  -1.8 @#: :#@ +1.8 +\n"
		   "|        the  film  is >not? good  ,   but  never dull     |\n"
		   "|     4   ... -...  ... -...  ... -...  ... -....  ...     |\n"
		   "|     5   ::: -:::  ::: -:::  ::: -:::  ::: -::::  :::     |\n"
		   "|   > 6   ::: -:::  :::[-::]  ::: -:::  ::: -::::  :::     |\n"
		   "|     7   ::: -:::  ::: -:::  ::: -:::  ::: -::::  :::     |\n"
		   "+- ^ 4  v 4 more ------------------------------------------+\n");
	heat_axis_release(&a);
}

/* Rows with names, and numbers all along the row or the column at the cursor: 1.00 and .33 in three
 * columns too; what is printed may be rounded elsewhere. */
static void test_named_rows(void **state)
{
	static const char *const name[] = {"Mann", "außerordentlich", "好"};
	static const double v[] = {1, 0.335, 0, 0, 0.33, 0.5, 0, 0.335, 0.5};
	static const double printed[] = {0.34, 0.33, 0.33};
	struct heat_axis a = {.T = 3, .token = words, .least = 5};
	struct heat h = {.name = "a",
			 .v = v,
			 .title = "map",
			 .H = 3,
			 .cursor_t = 1,
			 .cursor_u = 1,
			 .limit = 1,
			 .row = name,
			 .numbers = HEAT_IN_ROW,
			 .printed = printed};
	struct theme t;
	struct canvas c;

	(void)state;
	theme_default(&t);
	heat_axis_fit(&a, 28, 12, 1);
	canvas_init(&c, 6, 30);
	c.colours = 8;
	heat_draw(&c, canvas_rect(&c), &t, &a, &h);
	expect(&c, "╭ a  map ─────── 0   ░▒▓██ 1 ╮\n"
		   "│             the ▸film  is  │\n"
		   "│  Mann       ████           │\n"
		   "│▸ außerord…  0.34[.33] 0.33 │\n"
		   "│  好              ▒▒▒▒ ▒▒▒▒ │\n"
		   "╰────────────────────────────╯\n");
	h.numbers = HEAT_IN_COLUMN;
	h.cursor_t = h.cursor_u = 0;
	h.printed = NULL;
	canvas_init(&c, 6, 30);
	c.colours = 8;
	heat_draw(&c, canvas_rect(&c), &t, &a, &h);
	expect(&c, "╭ a  map ─────── 0   ░▒▓██ 1 ╮\n"
		   "│            ▸the  film  is  │\n"
		   "│▸ Mann      [1.0]           │\n"
		   "│  außerord…  0.34 ░░░░ ░░░░ │\n"
		   "│  好         0.00 ▒▒▒▒ ▒▒▒▒ │\n"
		   "╰────────────────────────────╯\n");
	heat_axis_release(&a);
}

static void test_colours(void **state)
{
	double v[9 * 12];
	struct heat_axis a = {.T = 9, .token = words, .unknown = unknown};
	struct heat h = {.name = "f", .v = v, .H = 12, .cursor_t = 3, .cursor_u = 6, .limit = 1};
	struct theme t;
	struct canvas c;
	const struct cell *cell;

	(void)state;
	theme_default(&t);
	values(v, 9, 12, false);
	heat_axis_fit(&a, 78, HEAT_LABEL_COLS, 3);
	canvas_init(&c, 15, 80);
	heat_draw(&c, canvas_rect(&c), &t, &a, &h);
	for (int u = 0; u < 12; u++) { /* row u + 2: below the frame and the words */
		cell = &c.cell[(u + 2) * 80 + 1 + HEAT_LABEL_COLS + 1];
		assert_int_equal(cell->ch[0], ' ');
		assert_int_equal(cell->style.bg, theme_unit(&t, u / 11.0));
	}
	cell = &c.cell[8 * 80 + 1 + HEAT_LABEL_COLS + a.width[0] + a.width[1] + a.width[2]];
	assert_int_equal(cell[0].ch[0], '[');
	assert_int_equal(cell[a.width[3] - 1].ch[0], ']');
	assert_int_equal(cell->style.fg, theme_ink(theme_unit(&t, 6 / 11.0)));
	canvas_release(&c);
	heat_axis_release(&a);
}

static void test_cursor_stays_visible(void **state)
{
	double v[9 * 40];
	struct heat_axis a = {.T = 9, .token = words};
	struct heat h = {.name = "c", .v = v, .H = 40, .is_signed = true, .limit = 1};
	struct theme t;
	struct canvas c;

	(void)state;
	theme_default(&t);
	values(v, 9, 40, true);
	for (int rows = 3; rows < 50; rows++)
		for (int u = 0; u < 40; u += 13) {
			int shown = rows - 2 - (rows >= 4);

			h.cursor_u = u;
			h.first_u = 20;
			heat_axis_fit(&a, 48, HEAT_LABEL_COLS, 0);
			canvas_init(&c, rows, 50);
			heat_draw(&c, canvas_rect(&c), &t, &a, &h);
			assert_true(h.first_u <= u && u < h.first_u + shown);
			canvas_release(&c);
		}
	heat_axis_release(&a);
}

static void test_strip(void **state)
{
	static const double p[] = {0.52, 0.55, 0.54, 0.21, 0.33, 0.35, 0.44, 0.3, NAN};
	struct heat_axis a = {.T = 9, .token = words, .unknown = unknown};
	struct theme t;
	struct canvas c;

	(void)state;
	theme_default(&t);
	heat_axis_fit(&a, 70, 10, 3);
	canvas_init(&c, 2, 70);
	heat_tokens(&c, canvas_rect(&c), &t, &a, 3, 0);
	heat_strip(&c, canvas_rect(&c), &t, &a, "p(pos)", p, false, 1, 1);
	expect(&c, "            the  film   is  ▸not?  good    ,    but  never dull\n"
		   " p(pos)    0.52  0.55  0.54  0.21  0.33  0.35  0.44  0.30  nan\n");
	heat_axis_release(&a);
}

static void test_fuzz(void **state)
{
	static const char *const odd[] = {
		"", "a", "论文", "unbelievably", "\xff\xfe", "a\tb", "e\u0301", "论", "é", "x y"};
	struct heat_axis a = {0};
	const char *token[20];
	bool unk[20];
	double v[20 * 30];
	struct theme t;
	struct rng r;

	(void)state;
	theme_default(&t);
	rng_seed(&r, 7, 2);
	for (int i = 0; i < 20 * 30; i++)
		v[i] = i % 17 ? rng_normal(&r) : i % 2 ? NAN : i % 4 ? INFINITY : -1e300;
	for (int i = 0; i < 20; i++) {
		token[i] = odd[rng_below(&r, 10)];
		unk[i] = rng_below(&r, 2);
	}
	for (int round = 0; round < 4000; round++) {
		static const int depth[] = {0, 8, 16, 256, 1 << 24};
		int rows = 1 + (int)rng_below(&r, 30), cols = 1 + (int)rng_below(&r, 100);
		struct rect in = {(int)rng_below(&r, (uint32_t)rows),
				  (int)rng_below(&r, (uint32_t)cols), 0, 0};
		struct heat h = {.name = round % 5 ? "f" : NULL,
				 .title = round % 3 ? "论文 gate" : NULL,
				 .v = v,
				 .is_signed = rng_below(&r, 2),
				 .limit = (int)rng_below(&r, 3),
				 .cursor_u = (int)rng_below(&r, 32) - 1,
				 .first_u = (int)rng_below(&r, 60) - 20,
				 .focused = rng_below(&r, 2),
				 .role = ROLE_gate_i};
		struct canvas c;

		in.rows = (int)rng_below(&r, (uint32_t)(rows - in.row) + 1);
		in.cols = (int)rng_below(&r, (uint32_t)(cols - in.col) + 1);
		a.T = (int)rng_below(&r, 21);
		a.token = token;
		a.unknown = round % 4 ? unk : NULL;
		h.H = a.T ? (int)rng_below(&r, 31) : 0;
		h.cursor_t = (int)rng_below(&r, (uint32_t)a.T + 1) - 1;
		heat_axis_fit(&a, in.cols - 2, (int)rng_below(&r, 12), h.cursor_t);
		if (h.cursor_t >= 0 && a.shown)
			assert_in_range(h.cursor_t, a.first, a.first + a.shown - 1);
		canvas_init(&c, rows, cols);
		c.ascii = rng_below(&r, 2);
		c.colours = depth[rng_below(&r, 5)];
		canvas_fill(&c, canvas_rect(&c), theme_style(&t, ROLE_text), 'w');
		heat_draw(&c, in, &t, &a, &h);
		heat_strip(&c, in, &t, &a, "label", v, h.is_signed, h.limit, (int)rng_below(&r, 5));
		heat_tokens(&c, in, &t, &a, h.cursor_t, 0);
		untouched_outside(&c, in, 'w');
		canvas_release(&c);
	}
	heat_axis_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_dense),
		cmocka_unit_test(test_named_rows),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_cursor_stays_visible),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_fuzz),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

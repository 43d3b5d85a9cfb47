/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/canvas.h"
#include "tests/unit.h"

#include <locale.h>

static const struct style plain = {COLOUR_DEFAULT, COLOUR_DEFAULT, 0}, red = {1, 2, ATTR_BOLD};

/* What the canvas shows, compared with want. */
static void assert_shows(const struct canvas *c, const char *want)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	canvas_dump(c, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

/* What text is on one row of cols columns. */
static void assert_row(bool ascii, int cols, int col, const char *text, const char *want)
{
	struct canvas c;

	canvas_init(&c, 1, cols);
	c.ascii = ascii;
	canvas_text(&c, canvas_rect(&c), 0, col, plain, text);
	assert_shows(&c, want);
	canvas_release(&c);
}

static void text_is_clipped(void **state)
{
	struct canvas c;

	(void)state;
	assert_row(false, 4, -2, "abcdefgh", "cdef\n");
	assert_row(false, 4, 9, "abc", "\n");
	canvas_init(&c, 3, 6);
	assert_int_equal(canvas_text(&c, (struct rect){1, 1, 1, 3}, 0, 0, red, "abcdef"), 6);
	canvas_text(&c, (struct rect){1, 1, 1, 3}, 1, 0, red, "below");
	canvas_text(&c, (struct rect){1, 1, 1, 3}, -1, 0, red, "above");
	canvas_text(&c, (struct rect){-5, -5, 100, 100}, 5, 9, red, "xy");
	canvas_text(&c, (struct rect){0, 0, 0, 0}, 0, 0, red, "none");
	assert_shows(&c, "    xy\n abc\n\n");
	assert_int_equal(c.cell[7].style.fg, 1);
	assert_int_equal(c.cell[10].style.fg, COLOUR_DEFAULT);
	canvas_resize(&c, 1, 2);
	assert_shows(&c, "\n");
	canvas_resize(&c, 0, 5);
	canvas_text(&c, canvas_rect(&c), 0, 0, plain, "a");
	assert_shows(&c, "");
	canvas_release(&c);
}

static void wide_characters_are_whole_or_blank(void **state)
{
	struct canvas c;

	(void)state;
	assert_row(false, 6, 0, "电影好", "电影好\n");
	assert_row(false, 5, 0, "电影好", "电影\n");
	assert_row(false, 4, -1, "电影好", " 影\n");
	assert_row(false, 5, 0, "a😀b", "a😀b\n");
	canvas_init(&c, 1, 6);
	canvas_text(&c, canvas_rect(&c), 0, 0, plain, "电影好");
	assert_int_equal(c.cell[1].ch[0], 0);
	canvas_text(&c, canvas_rect(&c), 0, 1, plain, "x");
	assert_shows(&c, " x影好\n");
	canvas_text(&c, canvas_rect(&c), 0, 2, plain, "y");
	assert_shows(&c, " xy 好\n");
	canvas_text(&c, canvas_rect(&c), 0, 3, plain, "大");
	assert_shows(&c, " xy大\n");
	canvas_fill(&c, (struct rect){0, 4, 1, 1}, plain, '.');
	assert_shows(&c, " xy .\n");
	canvas_release(&c);
}

static void combining_marks_stay_with_their_letter(void **state)
{
	struct canvas c;

	(void)state;
	assert_row(false, 3, 0, "e\xcc\x81x", "e\xcc\x81x\n");
	assert_row(false, 3, -1, "e\xcc\x81x", "x\n");
	assert_row(false, 3, 0, "\xcc\x81x", "x\n");
	assert_row(true, 3, 0, "e\xcc\x81x", "ex\n");
	assert_int_equal(canvas_width("e\xcc\x81x"), 2);
	canvas_init(&c, 1, 2);
	canvas_text(&c, canvas_rect(&c), 0, 0, plain,
		    "a\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86z");
	assert_int_equal(c.cell[0].ch[CELL_CHARS - 1], 0x304);
	assert_int_equal(c.cell[1].ch[0], 'z');
	canvas_release(&c);
}

static void untrusted_text_is_made_visible(void **state)
{
	(void)state;
	assert_row(false, 20, 0, "a\tb\x1b[31m\x7f", "a^Ib^[[31m^?\n");
	assert_row(false, 20, 0, "\xff\xc0\xaf\xe4\xb8", "?????\n");
	assert_row(false, 20, 0, "\xed\xa0\x80|\xf4\x90\x80\x80|\xe0\x80\x80", "???|????|???\n");
	assert_row(false, 20, 0,
		   "\xc2\x9b"
		   "31m",
		   "?31m\n");
	assert_row(false, 20, 0,
		   "a\xe2\x80\xae"
		   "b",
		   "a?b\n");
	assert_row(false, 3, -1, "\x01\x02", "A^B\n");
	assert_int_equal(canvas_width("a\tb\xff"), 5);
	assert_int_equal(canvas_width_n("电影", 3), 2);
	assert_int_equal(canvas_width_n("电影", 2), 2);
}

static void ascii_keeps_the_width(void **state)
{
	(void)state;
	assert_row(true, 40, 0, "╭─╮│╰╯┤├┼█▓▒░", "+-+|+++++#%+.\n");
	assert_row(true, 40, 0, "←↑→↓▸●◆−·…✓", "<^>v>**-.~v\n");
	assert_row(true, 40, 0, "σ tanh αβγδωΣΔ", "s tanh abgdoSD\n");
	assert_row(true, 40, 0, "c₃x²“é”", "c3x2\"e\"\n");
	assert_row(true, 40, 0, "⠀⠁⣀⠒⣿⡇", " '.-#:\n");
	assert_row(true, 40, 0, "电影|Ａ|ж", "? ? |A |?\n");
	for (unsigned k = 0x2500; k < 0x2900; k++) {
		const char s[] = {(char)(0xe0 | k >> 12), (char)(0x80 | (k >> 6 & 63)),
				  (char)(0x80 | (k & 63)), 0};
		struct canvas c;

		canvas_init(&c, 1, 2);
		c.ascii = true;
		assert_int_equal(canvas_text(&c, canvas_rect(&c), 0, 0, plain, s), canvas_width(s));
		assert_in_range(c.cell[0].ch[0], ' ', '~');
		canvas_release(&c);
	}
}

static void assert_field(bool ascii, int width, int align, const char *text, const char *want)
{
	struct canvas c;

	canvas_init(&c, 1, 12);
	c.ascii = ascii;
	canvas_fill(&c, canvas_rect(&c), plain, '#');
	canvas_field(&c, canvas_rect(&c), 0, 1, width, align, plain, text);
	canvas_text(&c, canvas_rect(&c), 0, 10, plain, "||");
	assert_shows(&c, want);
	canvas_release(&c);
}

static void fields_have_their_width(void **state)
{
	(void)state;
	assert_field(false, 5, -1, "ab", "#ab   ####||\n");
	assert_field(false, 5, 1, "ab", "#   ab####||\n");
	assert_field(false, 5, 0, "ab", "# ab  ####||\n");
	assert_field(false, 5, -1, "abcde", "#abcde####||\n");
	assert_field(false, 5, 1, "abcdef", "#abcd…####||\n");
	assert_field(true, 5, 1, "abcdef", "#abcd~####||\n");
	assert_field(false, 4, -1, "电影好", "#电… #####||\n");
	assert_field(false, 1, -1, "电影好", "#…########||\n");
	assert_field(false, 0, -1, "ab", "##########||\n");
	assert_field(false, 5, -1, "", "#     ####||\n");
}

static void frames_hold_their_titles(void **state)
{
	struct canvas c;
	struct rect in;

	(void)state;
	canvas_init(&c, 3, 16);
	in = canvas_frame(&c, canvas_rect(&c), plain, red, "loss", "0.3");
	assert_shows(&c, "╭ loss ─── 0.3 ╮\n│              │\n╰──────────────╯\n");
	assert_true(in.row == 1 && in.col == 1 && in.rows == 1 && in.cols == 14);
	canvas_clear(&c, plain);
	canvas_frame(&c, canvas_rect(&c), plain, red, "a title too long", "0.3");
	assert_shows(&c, "╭ a title too… ╮\n│              │\n╰──────────────╯\n");
	canvas_clear(&c, plain);
	c.ascii = true;
	canvas_frame(&c, (struct rect){0, 0, 2, 2}, plain, red, "a", "b");
	in = canvas_frame(&c, (struct rect){0, 4, 1, 9}, plain, red, "a", NULL);
	assert_int_equal(in.rows, 0);
	assert_shows(&c, "++\n++\n\n");
	canvas_frame(&c, (struct rect){1, 10, 9, 90}, plain, red, NULL, NULL);
	assert_shows(&c, "++\n++        +-----\n          |\n");
	canvas_release(&c);
}

static void printf_and_restyle(void **state)
{
	struct canvas c;

	(void)state;
	canvas_init(&c, 1, 300);
	assert_int_equal(canvas_printf(&c, canvas_rect(&c), 0, 0, plain, "%280d|", 7), 281);
	assert_int_equal(c.cell[279].ch[0], '7');
	assert_int_equal(canvas_printf(&c, canvas_rect(&c), 0, 0, plain, "%s", ""), 0);
	canvas_restyle(&c, (struct rect){0, 279, 5, 1}, red);
	assert_int_equal(c.cell[279].ch[0], '7');
	assert_int_equal(c.cell[279].style.attr, ATTR_BOLD);
	assert_int_equal(c.cell[280].style.attr, 0);
	canvas_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_clipped),
		cmocka_unit_test(wide_characters_are_whole_or_blank),
		cmocka_unit_test(combining_marks_stay_with_their_letter),
		cmocka_unit_test(untrusted_text_is_made_visible),
		cmocka_unit_test(ascii_keeps_the_width),
		cmocka_unit_test(fields_have_their_width),
		cmocka_unit_test(frames_hold_their_titles),
		cmocka_unit_test(printf_and_restyle),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _XOPEN_SOURCE 700 /* wcwidth */
/* The prompt without a terminal: whatever is typed, it stays within its columns. */
#include "app/tui/prompt.h"
#include "tests/unit.h"

#include <locale.h>
#include <unistd.h>
#include <wchar.h>

static struct key key(const char *name)
{
	struct key k;

	assert_true(keymap_parse(name, &k));
	return k;
}

static void type(const char *text)
{
	struct key k;

	for (size_t n = strlen(text), used; n; n -= used, text += used) {
		used = keymap_decode(text, n, true, &k);
		prompt_key(k);
	}
}

static int columns(const char *text)
{
	wchar_t wide[1024];
	const size_t n = mbstowcs(wide, text, 1024);
	int sum = 0;

	assert_true(n < 1024);
	for (size_t k = 0; k < n; k++)
		sum += wide[k] < 0x20 || wide[k] == 0x7f ? 2 : wcwidth(wide[k]);
	return sum;
}

static struct prompt_view look(int cols)
{
	struct prompt_view v;

	prompt_look(cols, &v);
	assert_in_range(v.cursor, columns(v.label), cols - 1);
	assert_in_range(columns(v.label) + columns(v.text), 0, cols);
	return v;
}

static void a_line_comes_out(void **state)
{
	const struct prompt_spec spec = {.label = "> ", .text = "given"};

	(void)state;
	prompt_open(&spec);
	assert_true(prompt_is_open());
	assert_string_equal(look(40).text, "given");
	assert_int_equal(look(40).cursor, 7);
	type(" and typed");
	assert_int_equal(prompt_key(key("F1")), PROMPT_IGNORED);
	assert_int_equal(prompt_key(key("PgUp")), PROMPT_IGNORED);
	assert_int_equal(prompt_key(key("C-z")), PROMPT_IGNORED);
	assert_int_equal(prompt_key(key("Enter")), PROMPT_DONE);
	assert_string_equal(prompt_line(), "given and typed");
	assert_false(prompt_is_open());
	assert_int_equal(prompt_key(key("a")), PROMPT_IGNORED);
	prompt_open(&spec);
	prompt_close();
	assert_false(prompt_is_open());
}

static void long_lines_scroll(void **state)
{
	const struct prompt_spec spec = {.label = ": "};

	(void)state;
	prompt_open(&spec);
	for (int k = 0; k < 100; k++) {
		type(k % 3 ? "ab" : "中e\xcc\x81");
		look(20);
		look(80);
	}
	assert_int_equal(look(20).text[0], '<');
	for (int k = 0; k < 210; k++) {
		prompt_key(key("Left"));
		look(20);
		look(7);
	}
	assert_string_not_equal(look(20).text, "");
	assert_int_equal(look(20).cursor, 2);
	prompt_close();
}

static const char *const keys[] = {
	"Tab",  "C-r", "C-s", "C-w",    "C-y",  "M-y",     "C-k",       "Up",
	"Down", "M-b", "M-f", "C-t",    "M-t",  "M-u",     "C-Right",   "C-_",
	"C-v",  "M-.", "M-5", "C-x",    "C-q",  "C-M-h",   "Backspace", "Del",
	"Home", "End", "C-u", "C-]",    "M-#",  "M-*",     "M-?",       "C-g",
	"M-<",  "M->", "é",   "C-Left", "M-\\", "M-Space", "M-~",       "C-Space"};

static char **candidates(void *data, const char *line, size_t start, size_t end)
{
	char **all = calloc(30, sizeof(*all));

	assert_ptr_equal(data, (void *)(uintptr_t)keys);
	assert_true(start <= end && end <= strlen(line));
	for (int k = 0; k < 29; k++) {
		all[k] = malloc(8);
		snprintf(all[k], 8, "%c%c", 'a' + k % 26, k % 2 ? 'x' : '/');
	}
	return all;
}

static void whatever_is_typed(void **state)
{
	const struct prompt_spec spec = {
		.label = ": ", .complete = candidates, .data = (void *)(uintptr_t)keys};
	unsigned seed = 1;

	(void)state;
	prompt_open(&spec);
	for (int k = 0; k < 20000; k++) {
		struct key some = {K_CHAR, 0, 0};

		seed = seed * 1103515245 + 12345;
		if (seed >> 16 & 1) {
			assert_true(keymap_parse(
				keys[(seed >> 17) % (sizeof(keys) / sizeof(*keys))], &some));
		} else {
			some.ch = 0x20 + (seed >> 17) % 95;
			some.mods = seed >> 25 & 7 ? 0 : MOD_PASTE;
		}
		if (prompt_key(some) != PROMPT_EDITING && !prompt_is_open())
			prompt_open(&spec);
		look(k % 7 ? 60 : 160);
	}
	prompt_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_comes_out),
		cmocka_unit_test(long_lines_scroll),
		cmocka_unit_test(whatever_is_typed),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

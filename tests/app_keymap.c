/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/keymap.h"
#include "tests/unit.h"

static void names_go_both_ways(void **state)
{
	static const char *const good[] = {
		"a",   "A",         "+",        "-",       "é",        "中",    "Space",
		"Up",  "PgDn",      "S-Tab",    "C-c",     "M-b",      "C-M-x", "F1",
		"F12", "Enter",     "Esc",      "C-Space", "C-S-Left", "M--",   "C-_",
		"F",   "Backspace", "C-M-S-F5", "C",       "C--",      "Del",   "M-S-Up"};
	static const char *const bad[] = {
		"",    "ab", "Pgdn", "C-",   "S-a", "M-C-x", "S-C-Up", "C-C-c", "F13",   "F0",
		"X-a", " ",  "\t",   "\xff", "F01", "Up ",   "C-M-",   "\xc3",  "S-S-Up"};

	(void)state;
	for (size_t k = 0; k < sizeof(good) / sizeof(*good); k++) {
		char name[KEYMAP_NAME];
		struct key key;

		if (!keymap_parse(good[k], &key))
			fail_msg("%s is not taken for a key", good[k]);
		assert_string_equal(keymap_name(key, name), good[k]);
	}
	for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
		struct key key;

		if (keymap_parse(bad[k], &key))
			fail_msg("'%s' is taken for a key", bad[k]);
	}
}

static void bytes_become_keys(void **state)
{
	static const struct {
		const char *bytes, *name;
	} cases[] = {
		{"a", "a"},
		{" ", "Space"},
		{"\r", "Enter"},
		{"\n", "C-j"},
		{"\t", "Tab"},
		{"\x7f", "Backspace"},
		{"\b", "Backspace"},
		{"\x03", "C-c"},
		{"\x1c", "C-\\"},
		{"\x1f", "C-_"},
		{"\xc3\xa9", "é"},
		{"\xe4\xb8\xad", "中"},
		{"\xf0\x9f\x9a\x80", "🚀"},
		{"\x1b[A", "Up"},
		{"\x1bOA", "Up"},
		{"\x1b[1;5D", "C-Left"},
		{"\x1b[1;2A", "S-Up"},
		{"\x1b[H", "Home"},
		{"\x1b[1~", "Home"},
		{"\x1b[7~", "Home"},
		{"\x1b[4~", "End"},
		{"\x1b[5~", "PgUp"},
		{"\x1b[6;5~", "C-PgDn"},
		{"\x1b[3~", "Del"},
		{"\x1b[Z", "S-Tab"},
		{"\x1bOP", "F1"},
		{"\x1b[[E", "F5"},
		{"\x1b[15~", "F5"},
		{"\x1b[24~", "F12"},
		{"\x1b[1;6P", "C-S-F1"},
		{"\x1b[97;5u", "C-a"},
		{"\x1b[13;3u", "M-Enter"},
		{"\x1b[32;5u", "C-Space"},
		{"\x1b"
		 "b",
		 "M-b"},
		{"\x1b\x7f", "M-Backspace"},
		{"\x1b\xc3\xa9", "M-é"},
		{"\x1b[999z", ""},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		size_t n = strlen(cases[k].bytes);
		char name[KEYMAP_NAME];
		struct key key;

		assert_int_equal(keymap_decode(cases[k].bytes, n, false, &key), n);
		assert_string_equal(keymap_name(key, name), cases[k].name);
		for (size_t cut = 1; cut < n; cut++) /* every beginning waits for the rest */
			assert_int_equal(keymap_decode(cases[k].bytes, cut, false, &key), 0);
	}
}

static void esc_alone_and_rubbish(void **state)
{
	struct key key;

	(void)state;
	assert_int_equal(keymap_decode("\x1b", 1, false, &key), 0);
	assert_int_equal(keymap_decode("\x1b", 1, true, &key), 1);
	assert_int_equal(key.code, K_ESC);
	assert_int_equal(keymap_decode("\x1b\x1b[A", 4, false, &key), 1);
	assert_int_equal(key.code, K_ESC);
	assert_int_equal(keymap_decode("\x1b[", 2, true, &key), 2);
	assert_int_equal(key.ch, '[');
	assert_int_equal(key.mods, MOD_ALT);
	assert_int_equal(keymap_decode("\xff", 1, false, &key), 1);
	assert_int_equal(key.ch, 0xfffd);
	assert_int_equal(keymap_decode("\xe4\xb8x", 3, false, &key), 2);
	assert_int_equal(key.ch, 0xfffd);
	assert_int_equal(keymap_decode("\xe4\xb8", 2, true, &key), 2);
	assert_int_equal(key.ch, 0xfffd);
	assert_int_equal(keymap_decode("\xed\xa0\x80", 3, false, &key), 3); /* a surrogate */
	assert_int_equal(key.ch, 0xfffd);
	assert_int_equal(keymap_decode("\x1b[99999999999999999999;9999999999u", 34, false, &key),
			 34);
	/* Whatever comes, decoding goes on and stays within its bytes. */
	for (unsigned seed = 1, round = 0; round < 20000; round++) {
		char text[8], name[KEYMAP_NAME];
		size_t n = sizeof(text);

		for (size_t k = 0; k < n; k++)
			text[k] = (char)((seed = seed * 1103515245 + 12345) >> 16);
		text[0] = round % 2 ? '\x1b' : text[0];
		text[1] = round % 4 == 1 ? '[' : text[1];
		for (size_t at = 0, used; at < n; at += used) {
			used = keymap_decode(text + at, n - at, true, &key);
			assert_in_range(used, 1, n - at);
			assert_true(strlen(keymap_name(key, name)) < KEYMAP_NAME);
		}
	}
}

static void bindings_are_found(void **state)
{
	static const struct binding table[] = {
		{"Up k", "move up", "one up"},
		{"Space", "pause", "pause"},
		{"C-l", "redraw", "draw again"},
		{"+", "rate up", "faster"},
		{NULL, NULL, NULL},
	};
	const struct key k = {K_CHAR, 'k', 0}, up = {K_UP, 0, 0}, other = {K_CHAR, 'U', 0};
	struct key space = {K_CHAR, ' ', 0};

	(void)state;
	assert_ptr_equal(keymap_find(table, k), &table[0]);
	assert_ptr_equal(keymap_find(table, up), &table[0]);
	assert_ptr_equal(keymap_find(table, space), &table[1]);
	assert_null(keymap_find(table, other));
	space.mods = MOD_PASTE;
	assert_null(keymap_find(table, space));
	assert_null(keymap_find(table, (struct key){K_NONE, 0, 0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(bytes_become_keys),
		cmocka_unit_test(esc_alone_and_rubbish),
		cmocka_unit_test(bindings_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

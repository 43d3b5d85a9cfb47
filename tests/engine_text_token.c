/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/mem.h"
#include "engine/text/token.h"
#include "engine/text/utf8.h"
#include "tests/unit.h"

/* Splits text and compares with the expected tokens, written with a bar after each. */
static void check_n(struct token_rules rules, const char *text, size_t n, const char *want)
{
	struct tokens t = {0};
	struct buf got = {0};

	token_split(&rules, text, n, &t);
	for (size_t k = 0; k < t.count; k++) {
		size_t len;
		const char *s = tokens_at(&t, k, &len);

		buf_add(&got, s, len);
		buf_byte(&got, '|');
	}
	assert_string_equal(buf_str(&got), want);
	tokens_release(&t);
	buf_release(&got);
}

static void check(struct token_rules rules, const char *text, const char *want)
{
	check_n(rules, text, strlen(text), want);
}

static void words(void **state)
{
	const struct token_rules r = {.kind = TOKENIZER_WORD};

	(void)state;
	check(r, "", "");
	check(r, " \t\n\xe3\x80\x80", "");
	check(r, "It's well-made, U.S. fun...", "It's|well-made|,|U.S|.|fun|.|.|.|");
	check(r, "'quoted' -5 3.14 a- b", "'|quoted|'|-|5|3.14|a|-|b|");
	check(r, "don’t (x_y)", "don’t|(|x|_|y|)|");
	check(r, "我爱LSTM，3个。", "我|爱|LSTM|，|3|个|。|");
	check(r, "中.文 a.中", "中|.|文|a|.|中|");
	check(r, "naïve Größe привет สวัสดี", "naïve|Größe|привет|สวัสดี|");
	check(r, "ok👩‍👩‍👧👍🏽🇩🇪1️⃣!",
	      "ok|👩‍👩‍👧|👍🏽|🇩🇪|1️⃣|!|");
}

static void words_are_normalised(void **state)
{
	const struct token_rules r = {.kind = TOKENIZER_WORD, .lower = true};

	(void)state;
	check(r, "Cafe\xcc\x81 CAF\xc3\x89", "caf\xc3\xa9|caf\xc3\xa9|");
	check(r, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c|"); /* Hangul jamo */
}

static void characters(void **state)
{
	const struct token_rules r = {.kind = TOKENIZER_CHAR};

	(void)state;
	check(r, "a b\n", "a| |b|\n|");
	check(r, "x\r\ny", "x|\r\n|y|");
	check(r, "e\xcc\x81q\xcc\x81👩‍👧中", "é|q\xcc\x81|👩‍👧|中|");
	check(r, "🇩🇪🇫🇷", "🇩🇪|🇫🇷|");
}

static void spaces(void **state)
{
	const struct token_rules r = {.kind = TOKENIZER_SPACE};

	(void)state;
	check(r,
	      "  a <unk>\tb-c\xc2\xa0"
	      "d\xe3\x80\x80 e ",
	      "a|<unk>|b-c|d|e|");
	check(r, "   ", "");
}

static void keras(void **state)
{
	const struct token_rules lower = {.kind = TOKENIZER_KERAS, .lower = true};
	const struct token_rules wide = {.kind = TOKENIZER_KERAS, .filters = "。!", .split = "--"};
	const struct token_rules points = {.kind = TOKENIZER_KERAS, .char_level = true};

	(void)state;
	check(lower, "Don't stop!Now\tOK\r\n(x)", "don't|stop|now|ok\r|x|");
	check(lower,
	      "a\xc2\xa0"
	      "b",
	      "a\xc2\xa0"
	      "b|"); /* only the split character cuts */
	check(wide, "a。b!c--d e-f", "a|b|c|d e-f|");
	check(points, "e\xcc\x81 !", "e|\xcc\x81| |!|");
}

static void a_nul_is_an_ordinary_character(void **state)
{
	struct tokens t = {0};
	const struct token_rules r[] = {{.kind = TOKENIZER_WORD, .lower = true},
					{.kind = TOKENIZER_CHAR},
					{.kind = TOKENIZER_SPACE},
					{.kind = TOKENIZER_KERAS}};
	const size_t want[] = {3, 3, 1, 1};

	(void)state;
	for (int k = 0; k < 4; k++) {
		tokens_clear(&t);
		token_split(&r[k], "a\0b", 3, &t);
		assert_int_equal(t.count, want[k]);
		tokens_clear(&t);
		token_split(&r[k], "\xc3\xa9\0b", 4, &t);
		assert_int_equal(t.count, want[k]);
	}
	tokens_release(&t);
}

static void lower_casing_is_full(void **state)
{
	static const struct {
		const char *text, *want;
	} c[] = {
		{"ABC xyz [@", "abc xyz [@"},
		{"ÀÉ ÑŠ ЖЯ ΑΩ", "àé ñš жя αω"},
		{"İI", "i\xcc\x87i"},
		{"ΟΔΟΣ ΣΟΦΟΣ, Σ", "οδος σοφος, σ"},
		{"ΑΣ'Α ΑΣ' Α\xcc\x81Σ", "ασ'α ας' α\xcc\x81ς"},
		{"ǅ ẞ ℵ Ⅷ", "ǆ ß ℵ ⅷ"},
		{"", ""},
	};
	struct buf b = {0};

	(void)state;
	for (size_t k = 0; k < sizeof(c) / sizeof(c[0]); k++) {
		buf_clear(&b);
		utf8_lower(&b, c[k].text, strlen(c[k].text));
		assert_string_equal(buf_str(&b), c[k].want);
	}
	buf_release(&b);
}

static void bad_bytes_are_replaced(void **state)
{
	static const struct {
		const char *text, *want;
		size_t bad, first;
	} c[] = {
		{"plain 中文", "plain 中文", 0, 99},
		{"a\xff"
		 "b\xc3",
		 "a�b�", 2, 1},
		{"\xed\xa0\x80", "���", 3, 0},                /* a surrogate */
		{"\xc0\xaf\xf4\x90\x80\x80", "������", 6, 0}, /* overlong; above U+10FFFF */
		{"x\xe4\xbd", "x��", 2, 1},                   /* cut */
	};
	struct buf b = {0};

	(void)state;
	for (size_t k = 0; k < sizeof(c) / sizeof(c[0]); k++) {
		size_t first = 99;

		buf_clear(&b);
		assert_int_equal(utf8_repair(&b, c[k].text, strlen(c[k].text), &first), c[k].bad);
		assert_string_equal(buf_str(&b), c[k].want);
		assert_int_equal(first, c[k].first);
	}
	buf_release(&b);
}

static void messages_become_one_line(void **state)
{
	char s[] = "a\tb\nc \xe4\xbd\xa0\x7f \xe4\xbd";

	(void)state;
	utf8_line(s);
	assert_string_equal(s, "a b c \xe4\xbd\xa0  ");
}

static void names_lead_back(void **state)
{
	(void)state;
	for (int k = 0; k < TOKENIZER_COUNT; k++)
		assert_int_equal(tokenizer_find(tokenizer_name((enum tokenizer)k)), k);
	assert_int_equal(tokenizer_find("words"), -1);
	assert_int_equal(strlen(token_keras_filters), 33);
}

static void a_megabyte_in_one_token(void **state)
{
	enum { MANY = 1 << 20 };
	const struct token_rules r = {.kind = TOKENIZER_WORD, .lower = true};
	char *text = mem_alloc(MANY);
	struct tokens t = {0};

	(void)state;
	memset(text, 'A', MANY);
	token_split(&r, text, MANY, &t);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.end[0], MANY);
	tokens_release(&t);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(words_are_normalised),
		cmocka_unit_test(characters),
		cmocka_unit_test(spaces),
		cmocka_unit_test(keras),
		cmocka_unit_test(a_nul_is_an_ordinary_character),
		cmocka_unit_test(lower_casing_is_full),
		cmocka_unit_test(bad_bytes_are_replaced),
		cmocka_unit_test(messages_become_one_line),
		cmocka_unit_test(names_lead_back),
		cmocka_unit_test(a_megabyte_in_one_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

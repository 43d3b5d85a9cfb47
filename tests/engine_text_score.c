/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Written texts by their references. Where a number is published, a comment says where; the others follow
 * from the definitions as worked out beside them.
 */
#include "engine/text/bleu.h"
#include "engine/text/overlap.h"
#include "engine/text/rouge.h"
#include "tests/unit.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define assert_near(got, want, within) assert_true(fabs((got) - (want)) < (within))

static void add(struct bleu *b, struct bleu_rules rules, const char *hyp, const char *ref)
{
	bleu_add(b, &rules, hyp, strlen(hyp), ref, strlen(ref));
}

static double score(struct bleu_rules rules, const char *hyp, const char *ref)
{
	struct bleu b = {0};

	add(&b, rules, hyp, ref);
	return bleu_of(&b).score;
}

/* The tokens, a bar after each. */
static void check_tokens(struct tokens *t, const char *want)
{
	struct buf got = {0};

	for (size_t k = 0; k < t->count; k++) {
		size_t n;
		const char *s = tokens_at(t, k, &n);

		buf_add(&got, s, n);
		buf_byte(&got, '|');
	}
	assert_string_equal(buf_str(&got), want);
	buf_release(&got);
	tokens_release(t);
}

static void check_bleu_tokens(struct bleu_rules rules, const char *text, const char *want)
{
	struct tokens t = {0};

	bleu_split(&rules, text, strlen(text), &t);
	check_tokens(&t, want);
}

static void check_rouge_tokens(enum rouge_tokens tokens, const char *text, const char *want)
{
	struct tokens t = {0};

	rouge_split(tokens, text, strlen(text), &t);
	check_tokens(&t, want);
}

static void tokens_of_13a(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{" \n", ""},
		{"Yes, they're here.", "Yes|,|they're|here|.|"},
		{"$1,234.56 (or 2.5%)!", "$|1,234.56|(|or|2.5|%|)|!|"},
		{"1990-95 well-known a-1 1-a", "1990|-|95|well-known|a-1|1|-|a|"},
		{"1--2", "1|-|-2|"},
		{"a.b 1.b a.1 .5 5. v1.2.", "a|.|b|1|.|b|a|.|1|.|5|5|.|v1.2|.|"},
		{"so...", "so|.|.|.|"},
		{"1,,2 1.,2", "1|,|,|2|1|.|,|2|"},
		{"é.É,", "é|.|É|,|"},
		{"[a]{b}_c^d`e~f|g\\h", "[|a|]|{|b|}|_|c|^|d|`|e|~|f|||g|\\|h|"},
		{"x=y;z:@#*+/<>?", "x|=|y|;|z|:|@|#|*|+|/|<|>|?|"},
		{"“a” — b…", "“a”|—|b…|"}, /* marks beyond ASCII stay */
		{"&quot;A&amp;B&quot; &lt;&gt;", "\"|A|&|B|\"|<|>|"},
		{"&amp;lt; &amp;quot; &amp &", "<|&|quot|;|&|amp|&|"}, /* one after the other */
		{"<skipped>one<skipped> <skip", "one|<|skip|"},
		{"two-\nfold\nthree-\n", "twofold|three-|"}, /* the last end is cut first */
		{"a\u00a0b\u3000c\u2028d\x1c"
		 "e\tf",
		 "a|b|c|d|e|f|"},
	};

	(void)state;
	for (size_t k = 0; k < COUNT(cases); k++)
		check_bleu_tokens((struct bleu_rules){BLEU_13A, false}, cases[k][0], cases[k][1]);
}

static void tokens_of_zh(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"我们在学习。", "我|们|在|学|习|。|"},
		{"他买了3.5公斤,花了12元!", "他|买|了|3.5|公|斤|,|花|了|12|元|!|"},
		{"LSTM很well-known,2019-20", "LSTM|很|well-known|,|2019|-|20|"},
		{"　全角ＡＢ　", "全|角|Ａ|Ｂ|"},
		{"“好”——是…→", "“|好|”|—|—|是|…|→|"}, /* U+2001 to U+2A6D */
		/* The first two characters of extension B, beyond its ranges. */
		{"\U00020000\U00020001", "\U00020000\U00020001|"},
		{"ひらがなと漢字", "ひらがなと|漢|字|"}, /* nor are kana in them */
		{" .5 第5. ", ".5|第|5.|"},              /* nothing before, nothing behind */
		{"&quot;", "&|quot|;|"},
	};

	(void)state;
	for (size_t k = 0; k < COUNT(cases); k++)
		check_bleu_tokens((struct bleu_rules){BLEU_ZH, false}, cases[k][0], cases[k][1]);
}

static void tokens_of_char_and_none(void **state)
{
	(void)state;
	check_bleu_tokens((struct bleu_rules){BLEU_CHAR, false}, " ab, é\n中\u3000!",
			  "a|b|,|é|中|!|");
	check_bleu_tokens((struct bleu_rules){BLEU_CHAR, false}, "e\u0301", "e|\u0301|");
	check_bleu_tokens((struct bleu_rules){BLEU_NONE, false}, "  a,b  &lt; 中文。\r\n c ",
			  "a,b|&lt;|中文。|c|");
	check_bleu_tokens((struct bleu_rules){BLEU_NONE, false}, "", "");
}

static void all_letters_are_lowered(void **state)
{
	(void)state;
	check_bleu_tokens((struct bleu_rules){BLEU_13A, true}, "ÄRGER ΟΔΟΣ, ЖУК İ ẞ",
			  "ärger|οδος|,|жук|i\u0307|ß|");
	check_bleu_tokens((struct bleu_rules){BLEU_ZH, true}, "ＡÉ中", "ａ|é|中|");
	assert_true(score((struct bleu_rules){BLEU_13A, true}, "Über ALLE Wipfel ging",
			  "üBER alle wIPFEL GING") > 99.999);
	assert_true(score((struct bleu_rules){BLEU_13A, false}, "Über ALLE Wipfel ging",
			  "üBER alle wIPFEL GING") == 0);
}

static void names_are_found(void **state)
{
	(void)state;
	for (int k = 0; k < BLEU_TOKENS_COUNT; k++)
		assert_int_equal(bleu_tokens_find(bleu_tokens_name((enum bleu_tokens)k)), k);
	for (int k = 0; k < ROUGE_TOKENS_COUNT; k++)
		assert_int_equal(rouge_tokens_find(rouge_tokens_name((enum rouge_tokens)k)), k);
	assert_int_equal(bleu_tokens_find("13"), -1);
	assert_int_equal(rouge_tokens_find(""), -1);
}

/* sacreBLEU, test/test_bleu.py: test_case_statistics. */
static void counts_are_clipped(void **state)
{
	const uint64_t match[] = {4, 2, 1, 0}, total[] = {6, 5, 4, 3};
	struct bleu b = {0};

	(void)state;
	add(&b, (struct bleu_rules){BLEU_NONE, false}, "am I am a character sequence",
	    "I am a symbol string sequence a a");
	assert_memory_equal(b.match, match, sizeof(match));
	assert_memory_equal(b.total, total, sizeof(total));
	assert_int_equal(b.hyp_len, 6);
	assert_int_equal(b.ref_len, 8);
}

/* Those of sacreBLEU's sentence scores that have all four orders are what a corpus of one text has. */
static void published_bleu_of_one_text(void **state)
{
	/* test/test_sentence_bleu.py, with the smoothing `exp`; the t's of the two differ. */
	static const char hyp[] = "Producția de zahăr primă va fi exprimată în ceea ce privește "
				  "zahărul alb;";
	static const char ref[] = "producţia de zahăr brut se exprimă în zahăr alb;";

	(void)state;
	assert_near(score((struct bleu_rules){BLEU_13A, false}, hyp, ref), 8.493, 1e-3);
	assert_near(score((struct bleu_rules){BLEU_NONE, false}, hyp, ref), 7.347, 1e-3);
	assert_near(score((struct bleu_rules){BLEU_CHAR, false}, hyp, ref), 40.8759, 1e-3);
	assert_near(score((struct bleu_rules){BLEU_CHAR, true}, hyp, ref), 42.0267, 1e-3);
	assert_true(score((struct bleu_rules){BLEU_13A, false}, "this is a cat", "okay thanks") ==
		    0);
	/* test/test_bleu.py: test_raw_bleu_cases. */
	assert_near(
		score((struct bleu_rules){BLEU_NONE, false}, "this is a test", "this is a test"),
		100, 1e-6);
	/* Joey NMT, test/unit/test_metric.py: test_bleu_13a. */
	assert_near(
		score((struct bleu_rules){BLEU_13A, false}, "this is a test.", "this is a tezt."),
		42.729, 1e-3);
}

/* Hugging Face evaluate, metrics/sacrebleu/README.md: what it prints for its second example, whose second
 * references add neither matches nor a closer length. */
static void published_bleu_of_two_texts(void **state)
{
	const uint64_t match[] = {6, 4, 2, 1}, total[] = {10, 8, 6, 4};
	const double precision[] = {60, 50, 33.333333333333336, 25};
	const struct bleu_rules rules = {BLEU_13A, false};
	struct bleu_score s;
	struct bleu b = {0};

	(void)state;
	add(&b, rules, "hello there general kenobi", "hello there general kenobi");
	add(&b, rules, "on our way to ankh morpork", "goodbye ankh morpork");
	assert_memory_equal(b.match, match, sizeof(match));
	assert_memory_equal(b.total, total, sizeof(total));
	assert_int_equal(b.hyp_len, 10);
	assert_int_equal(b.ref_len, 7);
	s = bleu_of(&b);
	assert_near(s.score, 39.76353643835252, 1e-9);
	for (int k = 0; k < BLEU_ORDERS; k++)
		assert_near(s.precision[k], precision[k], 1e-9);
	assert_true(s.brevity == 1);
	assert_near(s.ratio, 10.0 / 7, 1e-12);
}

/* sacreBLEU, test/test_bleu.py: test_case_scoring, and those of test_case_degenerate_stats without matches. */
static void published_bleu_of_counts(void **state)
{
	const struct bleu good = {{9, 7, 5, 3}, {10, 8, 6, 4}, 11, 11};
	const struct bleu none[] = {{{0}, {4, 4, 2, 1}, 0, 1},
				    {{0}, {10, 11, 12, 0}, 14, 10},
				    {{0}, {0}, 0, 0},
				    {{0}, {0}, 1, 5}};

	(void)state;
	assert_near(bleu_of(&good).score, 83.75922397, 1e-6);
	for (size_t k = 0; k < COUNT(none); k++)
		assert_true(bleu_of(&none[k]).score == 0);
}

static void orders_without_match_are_smoothed(void **state)
{
	const struct bleu_rules rules = {BLEU_NONE, false};
	struct bleu b = {0};
	struct bleu_score s;

	(void)state;
	/* 3/4, 1/3, 1/(2 * 2), 1/(4 * 1): their product is 1/64, its fourth root 2^-1.5. */
	add(&b, rules, "a b x c", "a b y c");
	s = bleu_of(&b);
	assert_near(s.score, 35.35533905932738, 1e-9);
	assert_near(s.precision[2], 25, 1e-9);
	assert_near(s.precision[3], 25, 1e-9);
	/* The same behind a penalty of e^(1 - 8/4). */
	b = (struct bleu){0};
	add(&b, rules, "a b x c", "a b y c d e f g");
	s = bleu_of(&b);
	assert_near(s.brevity, 0.36787944117144233, 1e-12);
	assert_near(s.score, 35.35533905932738 * 0.36787944117144233, 1e-9);
	assert_near(s.ratio, 0.5, 1e-12);
	/* Orders that nothing is long enough for are not: the score is 0. */
	b = (struct bleu){0};
	add(&b, rules, "a b c", "a b c");
	s = bleu_of(&b);
	assert_near(s.precision[2], 100, 1e-9);
	assert_true(s.precision[3] == 0 && s.score == 0);
}

static void bleu_of_chinese(void **state)
{
	struct bleu b = {0};

	(void)state;
	/* 我|喜|欢|读|书|。 by 我|很|喜|欢|读|书|。: 6/6, 4/5, 3/4, 2/3, their product 2/5, and a penalty of
	 * e^(1 - 7/6). */
	add(&b, (struct bleu_rules){BLEU_ZH, false}, "我喜欢读书。", "我很喜欢读书。");
	assert_int_equal(b.match[0], 6);
	assert_int_equal(b.match[1], 4);
	assert_int_equal(b.match[2], 3);
	assert_int_equal(b.match[3], 2);
	assert_near(bleu_of(&b).score, 100 * 0.7952707287670506 * 0.8464817248906141, 1e-9);
}

static void empty_texts_score_nothing(void **state)
{
	const struct bleu_rules rules = {BLEU_13A, false};
	struct bleu b = {0};
	struct bleu_score s = bleu_of(&b);
	struct rouge r = {0};

	(void)state;
	assert_true(s.score == 0 && s.brevity == 1 && s.ratio == 0);
	assert_true(rouge_of(&r).of[ROUGE_L].f1 == 0);
	bleu_add(&b, &rules, NULL, 0, NULL, 0);
	assert_true(bleu_of(&b).score == 0);
	add(&b, rules, "", "a b c d e");
	s = bleu_of(&b);
	assert_true(s.score == 0 && s.brevity == 0 && s.ratio == 0);
	add(&b, rules, "a b c d e f", "");
	assert_int_equal(b.total[3], 3);
	assert_int_equal(b.ref_len, 5);
	assert_true(bleu_of(&b).score == 0);
	for (int k = 0; k < ROUGE_TOKENS_COUNT; k++) {
		rouge_add(&r, (enum rouge_tokens)k, NULL, 0, NULL, 0);
		/* rouge_scorer_test.py: testRougeEmpty. */
		rouge_add(&r, (enum rouge_tokens)k, "", 0, "testing one two", 15);
		rouge_add(&r, (enum rouge_tokens)k, "w1", 2, "", 0);
		rouge_add(&r, (enum rouge_tokens)k, "/", 1, "w1", 2);
	}
	for (int k = 0; k < ROUGE_KINDS; k++)
		assert_true(rouge_of(&r).of[k].precision == 0 && rouge_of(&r).of[k].recall == 0 &&
			    rouge_of(&r).of[k].f1 == 0);
	assert_int_equal(r.count, 8);
}

static void check_part(const struct rouge *r, enum rouge_kind kind, double precision, double recall,
		       double f1)
{
	const struct rouge_part p = rouge_of(r).of[kind];

	assert_near(p.precision, precision, 5.1e-6);
	assert_near(p.recall, recall, 5.1e-6);
	assert_near(p.f1, f1, 5.1e-6);
}

static struct rouge rouge(enum rouge_tokens tokens, const char *hyp, const char *ref)
{
	struct rouge r = {0};

	rouge_add(&r, tokens, hyp, strlen(hyp), ref, strlen(ref));
	return r;
}

static void tokens_of_rouge(void **state)
{
	(void)state;
	check_rouge_tokens(ROUGE_LATIN, "One\n Two \nthree-4,5_don't", "one|two|three|4|5|don|t|");
	check_rouge_tokens(ROUGE_LATIN, "Käse 中文 \u212a\u0130x", "k|se|ki|x|"); /* a kelvin */
	check_rouge_tokens(ROUGE_UNICODE, "One\n Two \nthree-4,5_don't",
			   "one|two|three|4|5|don|t|");
	check_rouge_tokens(ROUGE_UNICODE, "KA\u0308SE, ΟΔΟΣ: ½ ЖУК!", "käse|οδος|½|жук|");
	check_rouge_tokens(ROUGE_UNICODE, "我用LSTM学2种语言。", "我|用|lstm|学|2|种|语|言|");
	check_rouge_tokens(ROUGE_UNICODE, "\u0301\U00020000々かな한글 ☀\ufe0f हिन्दी",
			   "\U00020000|々|かな한글|हिन्दी|");
}

/* google-research, rouge/rouge_scorer_test.py: testRouge1, testRouge2, testRougeL... */
static void published_rouge_of_words(void **state)
{
	struct rouge r = rouge(ROUGE_LATIN, "testing", "testing one two");

	(void)state;
	check_part(&r, ROUGE_1, 1, 1.0 / 3, 1.0 / 2);
	r = rouge(ROUGE_LATIN, "testing one", "testing one two");
	check_part(&r, ROUGE_1, 1, 2.0 / 3, 4.0 / 5);
	check_part(&r, ROUGE_2, 1, 1.0 / 2, 2.0 / 3);
	check_part(&r, ROUGE_L, 1, 2.0 / 3, 4.0 / 5);
	r = rouge(ROUGE_LATIN, "testing two", "testing one two");
	check_part(&r, ROUGE_L, 1, 2.0 / 3, 4.0 / 5);
	check_part(&r, ROUGE_2, 0, 0, 0);
}

/* The same file, ...AgainstRouge155: lines 1 and 2 of its testdata, with the marks as they stand there
 * but each word replaced by its number. The numbers are those of ROUGE 1.5.5. */
static void published_rouge_of_lines(void **state)
{
	const enum rouge_tokens tokens[] = {ROUGE_LATIN, ROUGE_UNICODE};

	(void)state;
	for (size_t k = 0; k < COUNT(tokens); k++) {
		struct rouge r =
			rouge(tokens[k],
			      "W28 W11-W12 W29,W14'W15 W16'W30 W31 W19,W20 .W21-'W22 W23-W24'W32\n",
			      "w1 w2 w3',-w4 w5 w6 w7-w8.-w9.w10 w11-w12 w13,w14'w15 w16'w17 w18 "
			      "w19,w20 .w21-'w22 w23-w24'w25 w26 w27\n");

		check_part(&r, ROUGE_1, 0.68750, 0.40741, 0.51163);
		check_part(&r, ROUGE_2, 0.53333, 0.30769, 0.39024);
		check_part(&r, ROUGE_L, 0.68750, 0.40741, 0.51163);
		r = rouge(tokens[k],
			  "W43 W5-W6 W7 W8 W9 W10 W11 W44 W45 W14 W15 W16 W46 W47 W19,W20,W21 W48 "
			  ",W23 W24'W25'W49 W27.W50 W51\n",
			  "w1 w2-w3 w4 w5-w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 "
			  "w19,w20,w21 w22 ,w23 w24'w25'w26 w27.w28 w29 w30 w31 w32 w33 w34'w35 "
			  "w36 w37'w38 w39,w40,w41 w42\n");
		check_part(&r, ROUGE_1, 0.65385, 0.40476, 0.50000);
		check_part(&r, ROUGE_2, 0.48000, 0.29268, 0.36364);
		check_part(&r, ROUGE_L, 0.65385, 0.40476, 0.50000);
	}
}

/* google-research, rouge/scoring_test.py: the middle of testConsistentPercentiles; and its scoring.py. */
static void rouge_is_a_mean(void **state)
{
	struct rouge r = rouge(ROUGE_LATIN, "testing", "testing one two"), s;

	(void)state;
	s = rouge(ROUGE_LATIN, "x", "y");
	rouge_merge(&r, &s);
	s = rouge(ROUGE_LATIN, "x", "x");
	rouge_merge(&r, &s);
	check_part(&r, ROUGE_1, 2.0 / 3, 4.0 / 9, 3.0 / 6);
	r = rouge(ROUGE_LATIN, "one two", "one two three");
	rouge_add(&r, ROUGE_LATIN, "seven eight", 11, "one two five six", 16);
	check_part(&r, ROUGE_1, 0.5, 1.0 / 3, 0.4);
	check_part(&r, ROUGE_L, 0.5, 1.0 / 3, 0.4);
}

static void rouge_of_chinese(void **state)
{
	/* 我|喜|欢|nlp and 我|很|喜|欢|nlp; pairs: 喜欢 and 欢nlp of 3 and of 4. */
	struct rouge r = rouge(ROUGE_UNICODE, "我喜欢NLP。", "我很喜欢nlp");

	(void)state;
	check_part(&r, ROUGE_1, 1, 4.0 / 5, 8.0 / 9);
	check_part(&r, ROUGE_2, 2.0 / 3, 2.0 / 4, 4.0 / 7);
	check_part(&r, ROUGE_L, 1, 4.0 / 5, 8.0 / 9);
	r = rouge(ROUGE_LATIN, "我喜欢NLP。", "我很喜欢nlp");
	check_part(&r, ROUGE_1, 1, 1, 1);
	/* The longest common subsequence is 一二. */
	r = rouge(ROUGE_UNICODE, "三一二", "一二三");
	check_part(&r, ROUGE_1, 1, 1, 1);
	check_part(&r, ROUGE_2, 0.5, 0.5, 0.5);
	check_part(&r, ROUGE_L, 2.0 / 3, 2.0 / 3, 2.0 / 3);
}

static void merging_is_adding(void **state)
{
	static const char *const texts[][2] = {{"a b c d e", "a b c d f"},
					       {"the cat. The mat!", "The cat, the mat"},
					       {"", "a"},
					       {"x y", "x y z"},
					       {"中文 text", "中国 text"}};
	const struct bleu_rules rules = {BLEU_ZH, true};
	struct bleu all = {0}, part[2] = {0};
	struct rouge sum = {0}, half[2] = {0};

	(void)state;
	for (size_t k = 0; k < COUNT(texts); k++) {
		const char *hyp = texts[k][0], *ref = texts[k][1];

		add(&all, rules, hyp, ref);
		add(&part[k % 2], rules, hyp, ref);
		rouge_add(&sum, ROUGE_UNICODE, hyp, strlen(hyp), ref, strlen(ref));
		rouge_add(&half[k % 2], ROUGE_UNICODE, hyp, strlen(hyp), ref, strlen(ref));
	}
	bleu_merge(&part[0], &part[1]);
	assert_memory_equal(&part[0], &all, sizeof(all));
	rouge_merge(&half[0], &half[1]);
	assert_int_equal(half[0].count, COUNT(texts));
	for (int k = 0; k < ROUGE_KINDS; k++)
		assert_near(rouge_of(&half[0]).of[k].f1, rouge_of(&sum).of[k].f1, 1e-12);
}

/* Appends words of the numbers from .. to - 1. */
static void number_words(struct buf *b, int from, int to)
{
	for (int k = from; k < to; k++)
		buf_printf(b, "w%d ", k);
}

static void long_texts_are_no_trouble(void **state)
{
	enum { LONG = 5000, HALF = LONG / 2 };
	const struct bleu_rules rules = {BLEU_13A, false};
	struct buf hyp = {0}, ref = {0};
	struct bleu b = {0};
	struct rouge r;

	(void)state;
	number_words(&hyp, 0, LONG);
	number_words(&ref, HALF, LONG);
	number_words(&ref, 0, HALF);
	bleu_add(&b, &rules, hyp.data, hyp.len, ref.data, ref.len);
	for (int k = 0; k < BLEU_ORDERS; k++) {
		/* A run of k + 1 words goes over the seam in k places. */
		assert_int_equal(b.total[k], LONG - k);
		assert_int_equal(b.match[k], LONG - 2 * k);
	}
	r = rouge(ROUGE_LATIN, hyp.data, ref.data);
	check_part(&r, ROUGE_1, 1, 1, 1);
	check_part(&r, ROUGE_L, 0.5, 0.5, 0.5);

	/* One word all over. */
	buf_clear(&hyp);
	buf_clear(&ref);
	for (int k = 0; k < LONG; k++)
		buf_text(k < HALF ? &hyp : &ref, "x ");
	for (int k = 0; k < LONG; k++)
		buf_text(&ref, "x ");
	r = rouge(ROUGE_UNICODE, hyp.data, ref.data);
	check_part(&r, ROUGE_1, 1, 1.0 / 3, 0.5);
	check_part(&r, ROUGE_L, 1, 1.0 / 3, 0.5);
	buf_release(&hyp);
	buf_release(&ref);
}

/* The textbook's table, a row at a time. */
static size_t plain_lcs(const struct overlap *o)
{
	size_t row[300] = {0};

	assert_true(o->m < COUNT(row));
	for (size_t i = 0; i < o->n; i++) {
		size_t corner = 0;

		for (size_t j = 0; j < o->m; j++) {
			const size_t above = row[j + 1];

			if (o->a[i] == o->b[j])
				row[j + 1] = corner + 1;
			else if (row[j] > above)
				row[j + 1] = row[j];
			corner = above;
		}
	}
	return row[o->m];
}

/* How many pairs of neighbours match, by looking at all of them. */
static uint64_t plain_pairs(const struct overlap *o)
{
	bool taken[300] = {false};
	uint64_t match = 0;

	for (size_t i = 0; i + 1 < o->n; i++) {
		for (size_t j = 0; j + 1 < o->m; j++) {
			if (taken[j] || o->a[i] != o->b[j] || o->a[i + 1] != o->b[j + 1])
				continue;
			taken[j] = true;
			match++;
			break;
		}
	}
	return match;
}

static void overlaps_are_those_of_plain_code(void **state)
{
	static const size_t lengths[] = {0, 1, 2, 63, 64, 65, 127, 128, 129, 200, 256, 257};
	uint32_t seed = 1;

	(void)state;
	for (size_t k = 0; k < 2 * COUNT(lengths) * COUNT(lengths); k++) {
		const size_t pair = k / 2, kinds = k % 2 ? 3 : 40;
		const size_t n[] = {lengths[pair % COUNT(lengths)], lengths[pair / COUNT(lengths)]};
		struct tokens t[2] = {0};
		uint64_t match[2];
		struct overlap o;

		for (int side = 0; side < 2; side++) {
			for (size_t j = 0; j < n[side]; j++) {
				char word;

				seed = seed * 1664525 + 1013904223;
				word = (char)('A' + (seed >> 16) % kinds);
				tokens_add(&t[side], &word, 1);
			}
		}
		overlap_init(&o, &t[0], &t[1]);
		overlap_ngrams(&o, 2, match);
		assert_int_equal(overlap_lcs(&o), plain_lcs(&o));
		assert_int_equal(match[1], plain_pairs(&o));
		overlap_release(&o);
		tokens_release(&t[0]);
		tokens_release(&t[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_of_13a),
		cmocka_unit_test(tokens_of_zh),
		cmocka_unit_test(tokens_of_char_and_none),
		cmocka_unit_test(all_letters_are_lowered),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(counts_are_clipped),
		cmocka_unit_test(published_bleu_of_one_text),
		cmocka_unit_test(published_bleu_of_two_texts),
		cmocka_unit_test(published_bleu_of_counts),
		cmocka_unit_test(orders_without_match_are_smoothed),
		cmocka_unit_test(bleu_of_chinese),
		cmocka_unit_test(empty_texts_score_nothing),
		cmocka_unit_test(tokens_of_rouge),
		cmocka_unit_test(published_rouge_of_words),
		cmocka_unit_test(published_rouge_of_lines),
		cmocka_unit_test(rouge_is_a_mean),
		cmocka_unit_test(rouge_of_chinese),
		cmocka_unit_test(merging_is_adding),
		cmocka_unit_test(long_texts_are_no_trouble),
		cmocka_unit_test(overlaps_are_those_of_plain_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

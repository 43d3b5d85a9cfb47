/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts as one stream of ids: end marks, and the cut in two. */
#include "engine/base/mem.h"
#include "engine/text/intake.h"
#include "tests/unit.h"

/* Every line of text as a row. */
static struct examples lines(const char *text)
{
	struct examples ex = {.file = {.format = DATA_TEXT,
				       .path = mem_text("-"),
				       .bytes = (int64_t)strlen(text)}};

	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		size_t n = (size_t)(end - text), k = ex.count++;

		ex.at = mem_grow(ex.at, &ex.cap, ex.count, sizeof(*ex.at));
		ex.at[k] = (struct example){mem_bytes(text, n), n, NULL, ex.count};
	}
	return ex;
}

/* A vocabulary with an end mark of these texts. */
static struct vocab *marked(const struct examples *ex, enum tokenizer kind)
{
	struct vocab_spec spec = {.rules.kind = kind, .min_count = 1, .end = true};
	struct vocab_builder *b = vocab_builder_new(&spec);

	for (size_t k = 0; k < ex->count; k++)
		vocab_builder_add(b, ex->at[k].text, ex->at[k].text_len);
	return vocab_build(b);
}

/* Compares the ids of a corpus without labels, then where its texts begin. */
static void check_stream(const struct examples *ex, enum tokenizer kind, int max_len,
			 const char *want_ids, const char *want_start)
{
	struct vocab *v = marked(ex, kind);
	struct corpus *c = corpus_new(ex, v, NULL, max_len, false, NULL);
	struct buf ids = {0}, start = {0};

	for (int64_t k = 0; k < c->tokens; k++)
		buf_printf(&ids, "%s%d", k ? " " : "", c->ids[k]);
	for (int k = 0; k <= c->count; k++)
		buf_printf(&start, "%s%zu", k ? " " : "", c->start[k]);
	assert_string_equal(buf_str(&ids), want_ids);
	assert_string_equal(buf_str(&start), want_start);
	buf_release(&ids);
	buf_release(&start);
	corpus_unref(c);
	vocab_unref(v);
}

static void texts_end_in_a_mark(void **state)
{
	struct examples ex = lines("good good film\n \nbad <eos> good\n");
	struct vocab *v = marked(&ex, TOKENIZER_SPACE);
	struct corpus *c = corpus_new(&ex, v, NULL, 0, false, NULL);

	(void)state;
	assert_int_equal(c->tokens, 9);
	assert_int_equal(c->unknown, 1);
	assert_int_equal(c->max_len, 4);
	assert_int_equal(c->characters, 14 + 1 + 14 + 3);
	corpus_unref(c);
	vocab_unref(v);
	check_stream(&ex, TOKENIZER_SPACE, 0, "3 3 4 2 2 5 1 3 2", "0 4 5 9");
	check_stream(&ex, TOKENIZER_SPACE, 1, "3 2 2 5 2", "0 2 3 5");
	check_stream(&ex, TOKENIZER_KERAS, 2, "1 1 0 0 3 4 0", "0 3 4 7");
	examples_release(&ex);
}

static void characters_are_code_points(void **state)
{
	struct examples ex = lines("人之初\ne\xcc\x81 \xf0\x9f\x99\x82\n");
	struct vocab *v = marked(&ex, TOKENIZER_CHAR);
	struct corpus *c = corpus_new(&ex, v, NULL, 1, false, NULL);

	(void)state;
	/* As read: decomposed, and with what max_len leaves out. */
	assert_int_equal(c->characters, 4 + 5);
	assert_int_equal(c->tokens, 4);
	corpus_unref(c);
	vocab_unref(v);
	check_stream(&ex, TOKENIZER_CHAR, 0, "3 4 5 2 6 7 8 2", "0 4 8");
	examples_release(&ex);
}

static void chinese_streams_are_cut_into_characters(void **state)
{
	struct examples ex = lines("人之初,\n\n 性本善。\n人\n");
	struct vocab *v = marked(&ex, TOKENIZER_CHAR);
	struct corpus *c = corpus_new(&ex, v, NULL, 0, false, NULL);

	(void)state;
	assert_int_equal(c->characters, 5 + 1 + 6 + 2);
	assert_int_equal(c->tokens, c->characters);
	assert_int_equal(vocab_count(v, VOCAB_EOS), 4);
	corpus_unref(c);
	vocab_unref(v);
	check_stream(&ex, TOKENIZER_CHAR, 0, "3 4 5 6 2 2 7 8 9 10 11 2 3 2", "0 5 6 12 14");
	examples_release(&ex);
}

/* The lines taken in, to be cut. */
static struct intake taken(const char *text, struct vocab_builder **words)
{
	const struct vocab_spec spec = {.rules.kind = TOKENIZER_CHAR, .min_count = 1, .end = true};
	struct examples ex = lines(text);
	struct intake in;

	*words = vocab_builder_new(&spec);
	intake_take(&in, &ex, *words);
	examples_release(&ex);
	return in;
}

/* Cuts the lines and compares how many are kept and held; together they are what they were. */
static void check_cut(const char *text, double share, size_t kept, size_t held)
{
	struct vocab_builder *words;
	struct intake in = taken(text, &words);
	struct corpus *part[2];
	struct vocab *v;
	struct buf got = {0};
	struct err err = {0};

	assert_true(intake_cut(&in, share, &err));
	vocab_builder_count(words, in.numbers.at, in.numbers.count);
	v = vocab_of(words);
	assert_true(intake_finish(&in, v, NULL, 0, false, &part[0], &part[1], &err));
	assert_int_equal(part[0]->count, kept);
	assert_int_equal(part[1]->count, held);
	assert_ptr_equal(part[1]->ids, part[0]->ids + part[0]->tokens);
	intake_release(&in);
	vocab_builder_free(words);
	for (int p = 0; p < 2; p++)
		for (int64_t t = 0; t < part[p]->tokens; t++) {
			size_t n;
			const char *s = vocab_token(v, part[p]->ids[t], &n);

			if (part[p]->ids[t] == vocab_end(v))
				buf_byte(&got, '\n');
			else
				buf_add(&got, s, n);
		}
	assert_string_equal(buf_str(&got), text);
	buf_release(&got);
	vocab_unref(v);
	corpus_unref(part[0]);
	corpus_unref(part[1]);
}

static void cuts_keep_the_order_and_count_bytes(void **state)
{
	const char *ten = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
	struct vocab_builder *words;
	struct intake one = taken("one\n", &words);
	struct err err = {0};

	(void)state;
	for (int k = 1; k < 10; k++)
		check_cut(ten, k / 10.0, (size_t)(10 - k), (size_t)k);
	check_cut(ten, 0.05, 9, 1); /* 19 of 20 bytes end inside the last one, which must stay */
	check_cut(ten, 0.15, 9, 1);
	check_cut(ten, 0.16, 9, 1);
	check_cut(ten, 0.21, 8, 2);
	check_cut(ten, 0, 9, 1);
	check_cut(ten, 1, 1, 9);
	check_cut("a long first line\nb\n\nc\n", 0.5, 1, 3);
	check_cut("b\n\nc\nthe long last line\n", 0.5, 3, 1);
	check_cut("甲乙\nabcdef\n", 0.5, 1, 1);
	check_cut("甲\n\n\n\n\n", 0.5, 1, 4); /* 4 bytes and 4 line ends */
	assert_false(intake_cut(&one, 0.5, &err));
	assert_non_null(strstr(err.msg, "1 row cannot be split"));
	assert_int_equal(one.held_count, 0);
	intake_release(&one);
	vocab_builder_free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_end_in_a_mark),
		cmocka_unit_test(characters_are_code_points),
		cmocka_unit_test(chinese_streams_are_cut_into_characters),
		cmocka_unit_test(cuts_keep_the_order_and_count_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/pad.h"
#include "engine/text/vocab.h"
#include "tests/unit.h"

static struct vocab *build(struct vocab_spec spec, const char *const texts[])
{
	struct vocab_builder *b = vocab_builder_new(&spec);

	for (int k = 0; texts[k]; k++)
		vocab_builder_add(b, texts[k], strlen(texts[k]));
	return vocab_build(b);
}

/* The tokens in id order, a bar after each. */
static void check_tokens(const struct vocab *v, const char *want)
{
	struct buf got = {0};

	for (int id = 0; id < vocab_total(v); id++) {
		size_t n;
		const char *s = vocab_token(v, id, &n);

		buf_add(&got, s, n);
		buf_byte(&got, '|');
	}
	assert_string_equal(buf_str(&got), want);
	buf_release(&got);
}

static void check_ids(const struct vocab *v, const char *text, size_t count, const int32_t *want)
{
	struct encoding e = {0};

	vocab_encode(v, text, strlen(text), &e);
	assert_int_equal(e.count, count);
	assert_int_equal(e.tokens.count, count);
	if (count)
		assert_memory_equal(e.ids, want, count * sizeof(*want));
	encoding_release(&e);
}

#define IDS(...)                                                                                   \
	sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t), (const int32_t[])                \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static const char *const abc[] = {"b a b", "c b a d", NULL};

static void ids_go_by_count_then_by_appearance(void **state)
{
	struct vocab *v = build((struct vocab_spec){.min_count = 1}, abc);

	(void)state;
	check_tokens(v, "<pad>|<unk>|b|a|c|d|");
	assert_int_equal(vocab_size(v), 6);
	assert_int_equal(vocab_count(v, 2), 3);
	assert_int_equal(vocab_count(v, VOCAB_UNK), 0);
	assert_int_equal(vocab_find(v, "d", 1), 5);
	assert_int_equal(vocab_find(v, "dd", 2), -1);
	check_ids(v, "a x b", IDS(3, 1, 2));
	vocab_unref(vocab_ref(v));
	vocab_unref(v);
	vocab_unref(NULL);
}

static void rare_tokens_and_large_vocabularies_are_cut(void **state)
{
	struct vocab *v = build((struct vocab_spec){.min_count = 2}, abc);
	struct vocab *w = build((struct vocab_spec){.min_count = 1, .max_size = 3}, abc);

	(void)state;
	check_tokens(v, "<pad>|<unk>|b|a|");
	assert_int_equal(vocab_count(v, VOCAB_UNK), 2);
	check_tokens(w, "<pad>|<unk>|b|");
	assert_int_equal(vocab_count(w, VOCAB_UNK), 4);
	vocab_unref(v);
	vocab_unref(w);
}

static void texts_cannot_name_the_reserved_ids(void **state)
{
	static const char *const texts[] = {"<unk> a <pad> <unk>", NULL};
	struct vocab_spec spec = {.rules.kind = TOKENIZER_SPACE, .min_count = 1};
	struct vocab *v = build(spec, texts);
	struct encoding e = {0};

	(void)state;
	check_tokens(v, "<pad>|<unk>|a|");
	assert_int_equal(vocab_count(v, VOCAB_UNK), 3);
	vocab_encode(v, "<pad> a <unk>", 13, &e);
	assert_int_equal(e.ids[0], VOCAB_UNK);
	assert_int_equal(e.ids[2], VOCAB_UNK);
	assert_true(e.unknown[0] && !e.unknown[1] && e.unknown[2]);
	encoding_release(&e);
	vocab_unref(v);
}

static void an_end_mark_has_its_id(void **state)
{
	static const char *const texts[] = {"a <eos> b a", "", "<pad> <unk> a", NULL};
	static const char *const play[] = {"<eos>", "ab", NULL};
	struct vocab_spec spec = {.rules.kind = TOKENIZER_SPACE, .min_count = 1, .end = true};
	struct vocab *v = build(spec, texts), *w;
	struct encoding e = {0};

	(void)state;
	check_tokens(v, "<pad>|<unk>|<eos>|a|b|");
	assert_int_equal(vocab_end(v), 2);
	assert_int_equal(vocab_count(v, 2), 3);
	assert_int_equal(vocab_count(v, VOCAB_UNK), 3);
	assert_int_equal(vocab_count(v, VOCAB_PAD), 0);
	vocab_encode(v, "b <eos> <unk> <pad> a", 21, &e);
	assert_int_equal(e.count, 5);
	assert_memory_equal(e.ids, ((const int32_t[]){4, 1, 1, 1, 3}), 5 * sizeof(int32_t));
	assert_true(!e.unknown[0] && e.unknown[1] && e.unknown[2] && e.unknown[3] && !e.unknown[4]);
	encoding_release(&e);
	vocab_unref(v);

	/* The sizes count all ids, the mark among them. */
	spec.max_size = 4;
	v = build(spec, texts);
	check_tokens(v, "<pad>|<unk>|<eos>|a|");
	assert_int_equal(vocab_size(v), 4);
	assert_int_equal(vocab_count(v, VOCAB_UNK), 4);
	vocab_unref(v);

	/* Characters never spell it; without a mark its name is a word like any other. */
	v = build((struct vocab_spec){.rules.kind = TOKENIZER_CHAR, .min_count = 1, .end = true},
		  play);
	check_tokens(v, "<pad>|<unk>|<eos>|<|e|o|s|>|a|b|");
	check_ids(v, "<eos>", IDS(3, 4, 5, 6, 7));
	w = build((struct vocab_spec){.rules.kind = TOKENIZER_SPACE, .min_count = 1}, play);
	check_tokens(w, "<pad>|<unk>|<eos>|ab|");
	assert_int_equal(vocab_end(w), -1);
	check_ids(w, "<eos>", IDS(2));
	vocab_unref(v);
	vocab_unref(w);
}

static void with_keras_padding_is_the_end_mark(void **state)
{
	struct vocab_spec spec = {.rules = {.kind = TOKENIZER_KERAS, .filters = ""}, .end = true};
	static const char *const texts[] = {"<eos> <pad> b b b", NULL};
	struct vocab *v = build(spec, texts), *w;

	(void)state;
	check_tokens(v, "<pad>|b|<eos>|<pad>|");
	assert_int_equal(vocab_end(v), VOCAB_PAD);
	assert_int_equal(vocab_count(v, VOCAB_PAD), 1);
	check_ids(v, "b <eos> <pad>", IDS(1, 2, 3));
	vocab_unref(v);
	spec.end = false;
	spec.oov = "?";
	w = build(spec, texts);
	assert_int_equal(vocab_end(w), -1);
	assert_int_equal(vocab_count(w, VOCAB_PAD), 0);
	vocab_unref(w);
}

static void keras_drops_or_marks_unknown_words(void **state)
{
	struct vocab_spec spec = {.rules = {.kind = TOKENIZER_KERAS, .lower = true}, .max_size = 3};
	struct vocab *v = build(spec, abc), *w;
	struct encoding e = {0};
	size_t n;

	(void)state;
	check_tokens(v, "<pad>|b|a|c|d|");
	assert_int_equal(vocab_size(v), 3);
	assert_int_equal(vocab_total(v), 5);
	assert_int_equal(vocab_find(v, "d", 1), 4);
	assert_int_equal(vocab_find(v, "<pad>", 5), -1);
	vocab_encode(v, "c A x b", 7, &e);
	assert_int_equal(e.count, 2);
	assert_int_equal(e.ids[0], 2);
	assert_int_equal(e.ids[1], 1);
	assert_memory_equal(tokens_at(&e.tokens, 1, &n), "b", 1);
	assert_int_equal(e.dropped.count, 2);
	assert_memory_equal(tokens_at(&e.dropped, 1, &n), "x", 1);
	encoding_release(&e);
	vocab_unref(v);

	spec.oov = "<OOV>";
	w = build(spec, abc);
	check_tokens(w, "<pad>|<OOV>|b|a|c|d|");
	check_ids(w, "c A x b", IDS(1, 1, 1, 2));
	vocab_unref(w);
}

static void encodings_are_cut_at_either_end(void **state)
{
	struct vocab *v = build((struct vocab_spec){.min_count = 1}, abc);
	struct encoding e = {0};
	size_t n;

	(void)state;
	vocab_encode(v, "a b c d", 7, &e);
	encoding_truncate(&e, 9, true);
	assert_int_equal(e.count, 4);
	encoding_truncate(&e, 3, true);
	assert_int_equal(e.ids[0], 2);
	assert_memory_equal(tokens_at(&e.tokens, 0, &n), "b", 1);
	assert_memory_equal(tokens_at(&e.tokens, 2, &n), "d", 1);
	encoding_truncate(&e, 1, false);
	assert_int_equal(e.count, 1);
	assert_int_equal(e.tokens.count, 1);
	assert_memory_equal(tokens_at(&e.tokens, 0, &n), "b", 1);
	vocab_encode(v, "", 0, &e);
	assert_int_equal(e.count, 0);
	encoding_release(&e);
	vocab_unref(v);
}

static void restored_vocabularies_encode_alike(void **state)
{
	struct vocab_spec spec = {
		.rules = {.kind = TOKENIZER_KERAS, .lower = true, .filters = "!é"},
		.max_size = 4,
		.oov = "\"?\""};
	struct vocab_spec back;
	struct vocab *v = build(spec, abc), *w;
	struct tokens tokens = {0};
	struct buf json = {0};
	struct err err = {0};

	(void)state;
	for (int id = 0; id < vocab_total(v); id++) {
		size_t n;
		const char *s = vocab_token(v, id, &n);

		tokens_add(&tokens, s, n);
	}
	vocab_spec_json(vocab_rules(v), &json);
	assert_true(vocab_spec_parse(&back, buf_str(&json), &err));
	assert_string_equal(back.rules.filters, "!é");
	assert_null(back.rules.split);
	w = vocab_restore(&back, &tokens, NULL, &err);
	assert_non_null(w);
	assert_int_equal(vocab_size(w), vocab_size(v));
	check_tokens(w, "<pad>|\"?\"|b|a|c|d|");
	check_ids(w, "Aéb!x d", IDS(3, 2, 1, 1));
	vocab_unref(w);
	vocab_spec_release(&back);
	vocab_unref(v);
	tokens_release(&tokens);
	buf_release(&json);
}

/* A vocabulary with what a store keeps of it. */
static struct vocab *restore(const char *json, const char *const list[], struct err *err)
{
	struct vocab_spec spec;
	struct tokens tokens = {0};
	struct vocab *v;

	assert_true(vocab_spec_parse(&spec, json, err));
	for (int k = 0; list[k]; k++)
		tokens_add(&tokens, list[k], strlen(list[k]));
	v = vocab_restore(&spec, &tokens, NULL, err);
	vocab_spec_release(&spec);
	tokens_release(&tokens);
	return v;
}

static void end_marks_are_restored(void **state)
{
	static const char *const marked[] = {"<pad>", "<unk>", "<eos>", "a", NULL};
	static const char *const plain[] = {"<pad>", "<unk>", "a", "<eos>", NULL};
	static const char *const short_of_one[] = {"<pad>", "<unk>", NULL};
	static const char *const words[] = {"<pad>", "a", NULL};
	/* As stores from before the end mark have it. */
	const char *old = "{\"tokenizer\":\"space\",\"lower\":false,\"min_count\":1,\"max_size\":0,"
			  "\"filters\":null,\"split\":null,\"char_level\":false,\"oov\":null}";
	struct vocab_spec spec = {.rules.kind = TOKENIZER_SPACE, .min_count = 1, .end = true};
	struct buf json = {0};
	struct err err = {0};
	struct vocab *v;

	(void)state;
	vocab_spec_json(&spec, &json);
	v = restore(buf_str(&json), marked, &err);
	assert_non_null(v);
	assert_int_equal(vocab_end(v), 2);
	check_ids(v, "a <eos>", IDS(3, 1));
	vocab_unref(v);
	assert_null(restore(buf_str(&json), plain, &err));
	assert_int_equal(err.code, ERR_CORRUPT);
	assert_string_equal(err.msg, "the vocabulary: token 2 is 'a' instead of '<eos>'");
	assert_null(restore(buf_str(&json), short_of_one, &err));
	assert_string_equal(err.msg, "the vocabulary has no <eos>");

	v = restore(old, plain, &err);
	assert_non_null(v);
	assert_int_equal(vocab_end(v), -1);
	check_ids(v, "a <eos>", IDS(2, 3));
	vocab_unref(v);

	spec.rules.kind = TOKENIZER_KERAS;
	buf_clear(&json);
	vocab_spec_json(&spec, &json);
	v = restore(buf_str(&json), words, &err);
	assert_non_null(v);
	assert_int_equal(vocab_end(v), VOCAB_PAD);
	check_ids(v, "a", IDS(1));
	vocab_unref(v);
	buf_release(&json);
}

static void damaged_vocabularies_are_refused(void **state)
{
	static const char *const rules[] = {
		"", "[]", "{}", "{\"tokenizer\":\"word\"}",
		"{\"tokenizer\":\"none\",\"lower\":true,\"min_count\":1,"
		"\"max_size\":0,\"filters\":null,\"split\":null,"
		"\"char_level\":false,\"oov\":null}"};
	static const char *const lists[][4] = {
		{NULL}, {"<pad>", NULL}, {"<unk>", "<pad>"}, {"<pad>", "<unk>", "a", "a"}};
	struct vocab_spec spec;
	struct err err = {0};

	(void)state;
	for (size_t k = 0; k < sizeof(rules) / sizeof(rules[0]); k++) {
		assert_false(vocab_spec_parse(&spec, rules[k], &err));
		assert_int_equal(err.code, ERR_CORRUPT);
	}
	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		struct tokens t = {0};

		for (int j = 0; j < 4 && lists[k][j]; j++)
			tokens_add(&t, lists[k][j], strlen(lists[k][j]));
		assert_null(vocab_restore(&spec, &t, NULL, &err));
		assert_int_equal(err.code, ERR_CORRUPT);
		tokens_release(&t);
	}
}

static void many_tokens_keep_their_ids(void **state)
{
	enum { MANY = 20000 };
	struct vocab_spec spec = {.rules.kind = TOKENIZER_SPACE, .min_count = 1};
	struct vocab_builder *b = vocab_builder_new(&spec);
	struct vocab *v;
	char s[32];

	(void)state;
	for (int k = 0; k < MANY; k++)
		vocab_builder_add(b, s, (size_t)snprintf(s, sizeof(s), "t%d", k));
	v = vocab_build(b);
	assert_int_equal(vocab_size(v), MANY + 2);
	for (int k = 0; k < MANY; k++)
		assert_int_equal(vocab_find(v, s, (size_t)snprintf(s, sizeof(s), "t%d", k)), k + 2);
	vocab_unref(v);
}

/* A vocabulary that goes on from `old` with some more texts. */
static struct vocab *extend(const struct vocab *old, struct vocab_growth how,
			    const char *const texts[])
{
	struct vocab_builder *b = vocab_builder_new(vocab_rules(old));
	struct vocab *v;

	for (int k = 0; texts[k]; k++)
		vocab_builder_add(b, texts[k], strlen(texts[k]));
	v = vocab_extend(old, b, &how);
	vocab_builder_free(b);
	return v;
}

static const char *const more[] = {"z y z d b", "<eos> <pad> y d e z", NULL};

static void new_tokens_follow_the_old_ones(void **state)
{
	const struct vocab_spec plain = {.rules.kind = TOKENIZER_SPACE, .min_count = 1};
	struct vocab *old = build(plain, abc), *v;
	const struct {
		struct vocab_growth how;
		const char *tokens;
		int64_t unknown;
	} table[] = {
		{{.grow = false}, "<pad>|<unk>|b|a|c|d|", 8},
		{{.grow = true, .min_count = 1}, "<pad>|<unk>|b|a|c|d|z|y|<eos>|e|", 1},
		{{.grow = true, .min_count = 3}, "<pad>|<unk>|b|a|c|d|z|", 5},
		{{.grow = true, .min_count = 1, .max_size = 8}, "<pad>|<unk>|b|a|c|d|z|y|", 3},
		{{.grow = true, .min_count = 1, .max_size = 3}, "<pad>|<unk>|b|a|c|d|", 8},
		{{.end = true}, "<pad>|<unk>|<eos>|b|a|c|d|", 8},
		{{.end = true, .grow = true, .min_count = 2}, "<pad>|<unk>|<eos>|b|a|c|d|z|y|", 3},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
		const bool end = table[k].how.end;

		v = extend(old, table[k].how, more);
		check_tokens(v, table[k].tokens);
		assert_int_equal(vocab_end(v), end ? VOCAB_EOS : -1);
		assert_int_equal(vocab_count(v, VOCAB_UNK), table[k].unknown);
		assert_int_equal(vocab_count(v, vocab_find(v, "d", 1)), 2);
		assert_int_equal(vocab_count(v, vocab_find(v, "a", 1)), 0);
		if (end)
			assert_int_equal(vocab_count(v, VOCAB_EOS), 2);
		check_ids(v, "d b q", IDS(5 + end, 2 + end, 1));
		vocab_unref(v);
	}
	vocab_unref(old);
}

static void an_end_mark_stays(void **state)
{
	const struct vocab_spec spec = {.rules.kind = TOKENIZER_SPACE, .min_count = 1, .end = true};
	static const char *const named[] = {"a <eos> b a", NULL};
	const struct vocab_spec plain = {.rules.kind = TOKENIZER_SPACE, .min_count = 1};
	struct vocab *old = build(spec, abc), *v = extend(old, (struct vocab_growth){0}, more);

	(void)state;
	check_tokens(v, "<pad>|<unk>|<eos>|b|a|c|d|");
	assert_int_equal(vocab_end(v), VOCAB_EOS);
	vocab_unref(v);
	vocab_unref(old);

	/* A word that is written like a new mark is the mark from then on. */
	old = build(plain, named);
	check_tokens(old, "<pad>|<unk>|a|<eos>|b|");
	v = extend(old, (struct vocab_growth){.end = true}, abc);
	check_tokens(v, "<pad>|<unk>|<eos>|a|b|");
	check_ids(v, "a <eos> b", IDS(3, 1, 4));
	vocab_unref(v);
	vocab_unref(old);
}

static void keras_words_follow_too(void **state)
{
	const struct vocab_spec all = {.rules.kind = TOKENIZER_KERAS, .rules.lower = true};
	struct vocab_spec few = all;
	struct vocab *old = build(all, abc), *v;

	(void)state;
	v = extend(old, (struct vocab_growth){.grow = true, .min_count = 9, .end = true}, more);
	check_tokens(v, "<pad>|b|a|c|d|z|y|eos|pad|e|");
	assert_int_equal(vocab_size(v), 10);
	assert_int_equal(vocab_end(v), VOCAB_PAD);
	vocab_unref(v);
	v = extend(old, (struct vocab_growth){.grow = true, .max_size = 7}, more);
	assert_int_equal(vocab_size(v), 7); /* num_words */
	check_ids(v, "b y z", IDS(1, 6, 5));
	check_ids(v, "b e z", IDS(1, 5));
	vocab_unref(v);
	v = extend(old, (struct vocab_growth){.grow = true, .max_size = 2}, more);
	assert_int_equal(vocab_size(v), 5);
	vocab_unref(v);
	vocab_unref(old);

	few.max_size = 3;
	few.oov = "oov";
	old = build(few, abc);
	check_tokens(old, "<pad>|oov|b|a|c|d|");
	v = extend(old, (struct vocab_growth){.grow = false}, more);
	assert_int_equal(vocab_size(v), 3);
	assert_int_equal(vocab_unknown(v), 1);
	vocab_unref(v);
	v = extend(old, (struct vocab_growth){.grow = true}, more); /* all of them now */
	check_tokens(v, "<pad>|oov|b|a|c|d|z|y|eos|pad|e|");
	assert_int_equal(vocab_size(v), 11);
	check_ids(v, "q c z", IDS(1, 4, 6));
	vocab_unref(v);
	vocab_unref(old);
}

static void padding(void **state)
{
	const int32_t ids[] = {1, 2, 3, 4, 5};
	const size_t start[] = {0, 1, 1, 5};
	const int32_t pre[] = {9, 9, 1, 9, 9, 9, 3, 4, 5}, post[] = {1, 9, 9, 9, 9, 9, 2, 3, 4};
	int32_t out[9];

	(void)state;
	assert_int_equal(pad_longest(start, 3), 4);
	pad_sequences(ids, start, 3, 3, true, true, 9, out);
	assert_memory_equal(out, pre, sizeof(pre));
	pad_sequences(ids, start, 3, 3, false, false, 9, out);
	assert_memory_equal(out, post, sizeof(post));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_go_by_count_then_by_appearance),
		cmocka_unit_test(rare_tokens_and_large_vocabularies_are_cut),
		cmocka_unit_test(texts_cannot_name_the_reserved_ids),
		cmocka_unit_test(an_end_mark_has_its_id),
		cmocka_unit_test(with_keras_padding_is_the_end_mark),
		cmocka_unit_test(keras_drops_or_marks_unknown_words),
		cmocka_unit_test(encodings_are_cut_at_either_end),
		cmocka_unit_test(restored_vocabularies_encode_alike),
		cmocka_unit_test(end_marks_are_restored),
		cmocka_unit_test(damaged_vocabularies_are_refused),
		cmocka_unit_test(many_tokens_keep_their_ids),
		cmocka_unit_test(new_tokens_follow_the_old_ones),
		cmocka_unit_test(an_end_mark_stays),
		cmocka_unit_test(keras_words_follow_too),
		cmocka_unit_test(padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

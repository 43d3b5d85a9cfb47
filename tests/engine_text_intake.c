/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files as they are taken in: the same ids as from whole texts, wherever the reading is cut. */
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/text/intake.h"
#include "tests/unit.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Writes bytes to a new file; the path is to be freed. */
static char *write_file(const char *bytes, size_t n)
{
	char *path = mem_printf("%s/sluice-XXXXXX", P_tmpdir);
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	return path;
}

/* How texts are read and encoded, and which of them are held out. */
struct way {
	struct vocab_spec spec;
	int max_len;
	bool front;
	double cut, split; /* 0: none is held out so */
};

/* What a text becomes, by itself. */
static void encode(const struct vocab *v, const struct example *e, const struct way *w,
		   struct numbers *ids, int64_t *words, int64_t *unknown)
{
	const bool keras = w->spec.rules.kind == TOKENIZER_KERAS && !w->spec.oov;
	struct encoding x = {0};

	vocab_encode(v, e->text, e->text_len, &x);
	*words += (int64_t)x.dropped.count;
	*unknown += (int64_t)x.dropped.count;
	if (w->max_len)
		encoding_truncate(&x, w->max_len, w->front);
	*words += (int64_t)x.count;
	numbers_room(ids, x.count + 1);
	for (size_t k = 0; k < x.count; k++) {
		ids->at[ids->count++] = x.ids[k];
		*unknown += x.unknown[k];
	}
	if (vocab_end(v) >= 0)
		ids->at[ids->count++] = vocab_end(v);
	else if (!x.count)
		ids->at[ids->count++] = keras ? VOCAB_PAD : VOCAB_UNK;
	encoding_release(&x);
}

/* Compares a corpus with those of the texts whose `held` is so. */
static void check_part(const struct corpus *c, const struct examples *ex, const bool *held,
		       bool side, const struct vocab *v, const struct way *w)
{
	struct numbers ids = {0};
	int64_t words = 0, unknown = 0, characters = 0;
	int count = 0, longest = 0;

	for (size_t k = 0; k < ex->count; k++) {
		const size_t before = ids.count;

		if (held[k] != side)
			continue;
		encode(v, &ex->at[k], w, &ids, &words, &unknown);
		if ((int)(ids.count - before) > longest)
			longest = (int)(ids.count - before);
		for (size_t n = 0; n < ex->at[k].text_len; n++)
			characters += ((unsigned char)ex->at[k].text[n] & 0xc0) != 0x80;
		characters++;
		count++;
		if (c->start)
			assert_int_equal(c->start[count], ids.count);
	}
	assert_int_equal(c->count, count);
	assert_int_equal(c->tokens, ids.count);
	assert_memory_equal(c->ids, ids.at, ids.count * sizeof(*ids.at));
	assert_int_equal(c->max_len, longest);
	assert_int_equal(c->words, words);
	assert_int_equal(c->unknown, unknown);
	assert_int_equal(c->characters, characters);
	free(ids.at);
}

/* A vocabulary of the texts that are not held out, each given to it whole. */
static struct vocab *vocab_from(const struct examples *ex, const bool *held, const struct way *w)
{
	struct vocab_builder *b = vocab_builder_new(&w->spec);

	for (size_t k = 0; k < ex->count; k++)
		if (!held[k])
			vocab_builder_add(b, ex->at[k].text, ex->at[k].text_len);
	return vocab_build(b);
}

static void same_vocab(const struct vocab *v, const struct vocab *want)
{
	assert_int_equal(vocab_total(v), vocab_total(want));
	for (int k = 0; k < vocab_total(v); k++) {
		size_t n, m;
		const char *s = vocab_token(v, k, &n), *t = vocab_token(want, k, &m);

		assert_int_equal(n, m);
		assert_memory_equal(s, t, n);
		assert_int_equal(vocab_count(v, k), vocab_count(want, k));
	}
}

/* Takes a file in and compares all that comes of it with what its texts, read whole, give. */
static void check_file(const char *bytes, size_t n, const struct read_options *opt,
		       const struct way *w)
{
	char *path = write_file(bytes, n);
	struct vocab_builder *words = vocab_builder_new(&w->spec);
	struct intake in;
	struct examples ex;
	struct corpus *part[2];
	struct err err = {0};
	struct vocab *v, *want;
	bool *held;

	assert_true(examples_read(&ex, path, opt, &err));
	assert_true(intake_read(&in, path, opt, words, &err));
	assert_int_equal(in.count, ex.count);
	assert_int_equal(in.file.bytes, n);
	assert_memory_equal(in.file.sha256, ex.file.sha256, SHA256_BYTES);
	assert_int_equal(in.file.bad_bytes, ex.file.bad_bytes);
	assert_int_equal(in.file.skipped_lines, ex.file.skipped_lines);
	assert_string_equal(buf_str(&in.file.warnings), buf_str(&ex.file.warnings));
	if (w->cut > 0)
		assert_true(intake_cut(&in, w->cut, &err));
	if (w->split > 0)
		assert_true(intake_split(&in, w->split, 3, &err));
	held = mem_zero(ex.count, sizeof(*held));
	for (size_t k = 0; k < ex.count; k++)
		held[k] = in.held ? in.held[k] : k >= in.count - in.held_count;
	intake_count(&in);
	v = vocab_of(words);
	want = vocab_from(&ex, held, w);
	same_vocab(v, want);
	assert_true(intake_finish(&in, v, NULL, w->max_len, w->front, &part[0], &part[1], &err));
	assert_int_equal(part[1] != NULL, w->cut > 0 || w->split > 0);
	check_part(part[0], &ex, held, false, want, w);
	if (part[1])
		check_part(part[1], &ex, held, true, want, w);
	corpus_unref(part[0]); /* the other one may have its ids */
	corpus_unref(part[1]);
	vocab_unref(v);
	vocab_unref(want);
	vocab_builder_free(words);
	intake_release(&in);
	examples_release(&ex);
	remove(path);
	free(path);
	free(held);
}

/* Every tokenizer with some of the rest. */
static const struct way ways[] = {
	{.spec = {.rules = {TOKENIZER_WORD, .lower = true}, .min_count = 1, .end = true}},
	{.spec = {.rules = {TOKENIZER_WORD}, .min_count = 2, .end = true}, .cut = 0.3},
	{.spec = {.rules = {TOKENIZER_CHAR}, .min_count = 1}, .split = 0.4, .max_len = 3},
	{.spec = {.rules = {TOKENIZER_SPACE, .lower = true}, .min_count = 1, .max_size = 9},
	 .split = 0.2,
	 .max_len = 4,
	 .front = true},
	{.spec = {.rules = {TOKENIZER_KERAS, .lower = true}, .max_size = 6, .end = true},
	 .max_len = 5,
	 .front = true,
	 .cut = 0.5},
	{.spec = {.rules = {TOKENIZER_KERAS}, .max_size = 6, .oov = "OOV"}, .split = 0.3},
	{.spec = {.rules = {TOKENIZER_KERAS, .split = "ab"}}, .max_len = 2},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static const struct read_options stream = {.stream = true}, lines = {.format = DATA_TEXT};

static void check_all(const char *bytes, size_t n)
{
	for (int k = 0; k < WAYS; k++) {
		check_file(bytes, n, &stream, &ways[k]);
		check_file(bytes, n, &lines, &ways[k]);
	}
}

static void odd_files_give_the_ids_of_their_texts(void **state)
{
	static const char *const text[] = {
		"the cat sat\n\nThe mat, the cat\n<eos> <pad> the <unk> OOV\n \nit's well-known.\n",
		"a b\r\n\r\nc d\r\n  \r\na\tb",
		"\xef\xbb\xbf甲乙 丙。\nÉcole e\xcc\x81té ΟΔΟΣ\n\n한국어 か\xe3\x82\x99 "
		"👩‍🔬 "
		"1️⃣",
		"old\rmac ab ab\r\rlines\r",
		"caf\xe9 ol\xe9\n\xff\xfe x\n\xed\xa0\x80 \xe4\xb8\ncab abba\n\xf4\x90\x80\x80",
	};
	static const char zeros[] = "a\0b c\n\0\n d\0";

	(void)state;
	for (size_t k = 0; k < sizeof(text) / sizeof(text[0]); k++)
		check_all(text[k], strlen(text[k]));
	check_all(zeros, sizeof(zeros) - 1);
}

/* Characters, bad bytes and line ends at every place around the ends of what is read at once. */
static void a_border_may_fall_anywhere(void **state)
{
	static const char *const around = "wörter 世界\r\nend\xe4\xb8 x\n👩‍🔬 ";
	struct buf b = {0};

	(void)state;
	for (int shift = 0; shift < 34; shift++) {
		buf_clear(&b);
		while (b.len < (1 << 18) - 40)
			buf_text(&b, "these are some words of a line\n");
		while (b.len < (size_t)(1 << 18) - (size_t)shift)
			buf_byte(&b, 'x');
		buf_text(&b, around);
		buf_text(&b, "and more");
		check_file(b.data, b.len, &stream, &ways[shift % 2]);
	}
	buf_release(&b);
}

/* Adds about so many bytes of one line that give every kind of place to cut it. */
static void add_long(struct buf *b, size_t n, struct rng *r)
{
	static const char *const bit[] = {
		"word ",     "The ",
		"x1 y ",     "世",
		"界",        "人",
		"，",        "e\xcc\x81 ",
		"ΟΔΟΣ ",     "Σ",
		"it's ",     "👩‍🔬",
		"\xff",      "a-b. ",
		"  ",        "か\xe3\x82\x99",
		" \xcc\x81", "\xef\xb8\x8f",
		"世 a ",     "ab",
	};
	const size_t end = b->len + n;

	while (b->len < end)
		buf_text(b, bit[rng_below(r, sizeof(bit) / sizeof(bit[0]))]);
}

static void very_long_lines_are_read_in_pieces(void **state)
{
	struct buf b = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 5, 0);
	buf_text(&b, "short\n");
	add_long(&b, 1200000, &r);
	buf_text(&b, "\nand short\n\n");
	add_long(&b, 600000, &r);
	for (int k = 0; k < WAYS; k++)
		check_file(b.data, b.len, &stream, &ways[k]);
	buf_clear(&b);
	for (int k = 0; k < 1200000; k++) /* nowhere to cut */
		buf_byte(&b, "xyz-"[k * 7 % 4]);
	check_file(b.data, b.len, &stream, &ways[0]);
	buf_release(&b);
}

static void labels_and_lines_stay_with_their_texts(void **state)
{
	const struct read_options opt = {.need_labels = true};
	const struct vocab_spec spec = {.rules.kind = TOKENIZER_SPACE, .min_count = 1};
	const char *text = "b\tone two\n\na\tthree\n\n\nb\tone\nc\tfour\n";
	char a[] = "a", b[] = "b", *names[] = {a, b};
	struct classes two = {names, 2}, all;
	struct vocab_builder *words = vocab_builder_new(&spec);
	char *path = write_file(text, strlen(text));
	struct corpus *c, *none;
	struct intake in;
	struct err err = {0};
	struct vocab *v;

	(void)state;
	assert_true(intake_read(&in, path, &opt, words, &err));
	assert_int_equal(in.file.skipped_lines, 3);
	assert_true(intake_classes(&in, &all, &err));
	assert_int_equal(all.count, 3);
	intake_count(&in);
	v = vocab_of(words);
	assert_false(intake_finish(&in, v, &two, 0, false, &c, &none, &err));
	assert_null(c);
	assert_non_null(strstr(err.msg, ":7: the label 'c' is none of the 2 classes"));
	assert_true(intake_finish(&in, v, &all, 0, false, &c, &none, &err));
	assert_int_equal(c->label[0], 1);
	assert_int_equal(c->label[1], 0);
	assert_int_equal(c->label[3], 2);
	assert_int_equal(c->start[4], 5);
	corpus_unref(c);
	vocab_unref(v);
	classes_release(&all);
	intake_release(&in);
	vocab_builder_free(words);
	remove(path);
	free(path);
}

static void what_does_not_fit_is_refused(void **state)
{
	const struct vocab_spec spec = {.rules.kind = TOKENIZER_CHAR, .min_count = 1};
	struct read_options opt = {.stream = true, .most_bytes = 31};
	struct vocab_builder *words = vocab_builder_new(&spec);
	char *path = write_file("abc\nabc\nabc\n", 12);
	struct intake in;
	struct err err = {0};

	(void)state;
	assert_false(intake_read(&in, path, &opt, words, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_memory_equal(err.msg, path, strlen(path));
	assert_non_null(strstr(err.msg, ":3: the tokens up to here take"));
	opt.most_bytes = 64;
	assert_true(intake_read(&in, path, &opt, words, &err));
	intake_release(&in);
	vocab_builder_free(words);
	remove(path);
	free(path);
}

/* KiB that the process had at most. */
static long peak(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

/* Takes a large file in, in a process of its own; exits with 0 if it grew by 4 bytes a token and a
 * fixed rest. */
static void take_large(const char *path)
{
	enum { REST = 12 * 1024 }; /* KiB: a chunk, lines, the vocabulary, the notes */
	const struct vocab_spec spec = {
		.rules = {TOKENIZER_WORD, .lower = true}, .min_count = 1, .end = true};
	struct vocab_builder *words = vocab_builder_new(&spec);
	const long before = peak();
	struct corpus *part[2];
	struct intake in;
	struct vocab *v;
	long grown;

	if (!intake_read(&in, path, &stream, words, NULL) || !intake_cut(&in, 0.1, NULL))
		_exit(2);
	intake_count(&in);
	v = vocab_of(words);
	if (!intake_finish(&in, v, NULL, 0, false, &part[0], &part[1], NULL))
		_exit(3);
	grown = peak() - before;
	if (grown > (long)((part[0]->tokens + part[1]->tokens) * 4 / 1024) + REST)
		_exit(4);
	_exit(part[0]->tokens < 3000000);
}

static void a_token_takes_four_bytes(void **state)
{
	struct buf b = {0};
	struct rng r;
	int status;
	pid_t pid;
	char *path;

	(void)state;
	if (SANITIZED)
		skip();
	rng_seed(&r, 1, 0);
	while (b.len < 32000000) {
		buf_printf(&b, "%sord%u", rng_below(&r, 12) ? " w" : ".\nW", rng_below(&r, 5000));
	}
	path = write_file(b.data, b.len);
	buf_release(&b);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		take_large(path);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	remove(path);
	free(path);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_files_give_the_ids_of_their_texts),
		cmocka_unit_test(a_border_may_fall_anywhere),
		cmocka_unit_test(very_long_lines_are_read_in_pieces),
		cmocka_unit_test(labels_and_lines_stay_with_their_texts),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(a_token_takes_four_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

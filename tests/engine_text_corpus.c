/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/mem.h"
#include "engine/text/intake.h"
#include "tests/unit.h"

#include <unistd.h>

/* Writes bytes to a new file with that ending; the path is to be freed. */
static char *write_file(const char *bytes, size_t n, const char *ending)
{
	char *path = mem_printf("%s/sluice-XXXXXX%s", P_tmpdir, ending);
	int fd = mkstemps(path, (int)strlen(ending));

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	return path;
}

static bool read_bytes(struct examples *ex, const char *bytes, size_t n, const char *ending,
		       struct read_options opt, struct err *err)
{
	char *path = write_file(bytes, n, ending);
	bool ok = examples_read(ex, path, &opt, err);

	/* Messages name the file and are one line. */
	if (!ok) {
		assert_int_equal(err->code, ERR_INPUT);
		assert_memory_equal(err->msg, path, strlen(path));
		assert_null(strchr(err->msg, '\n'));
		memmove(err->msg, err->msg + strlen(path), strlen(err->msg + strlen(path)) + 1);
	}
	remove(path);
	free(path);
	return ok;
}

/* Reads text and compares format and rows, written "LABEL=TEXT|" or "TEXT|". */
static void check(const char *text, const char *ending, struct read_options opt,
		  enum data_format format, const char *want)
{
	struct buf got = {0};
	struct examples ex;
	struct err err = {0};

	if (!read_bytes(&ex, text, strlen(text), ending, opt, &err))
		fail_msg("%s", err.msg);
	for (size_t k = 0; k < ex.count; k++) {
		if (ex.at[k].label)
			buf_printf(&got, "%s=", ex.at[k].label);
		buf_printf(&got, "%s|", ex.at[k].text);
	}
	assert_string_equal(buf_str(&got), want);
	assert_string_equal(data_format_name(ex.file.format), data_format_name(format));
	buf_release(&got);
	examples_release(&ex);
}

/* The classes of all rows. */
static bool classes_in(const struct examples *ex, struct classes *c, struct err *err)
{
	const struct vocab_spec spec = {.min_count = 1};
	struct vocab_builder *b = vocab_builder_new(&spec);
	struct intake in;
	bool ok;

	intake_take(&in, ex, b);
	ok = intake_classes(&in, c, err);
	intake_release(&in);
	vocab_builder_free(b);
	return ok;
}

/* Expects a refusal whose message, behind the path, begins and goes on like this. */
static void refuse_n(const char *text, size_t n, struct read_options opt, const char *begin,
		     const char *part)
{
	struct examples ex;
	struct err err = {0};

	assert_false(read_bytes(&ex, text, n, "", opt, &err));
	if (strncmp(err.msg, begin, strlen(begin)) != 0 || !strstr(err.msg, part))
		fail_msg("'%s' instead of '%s ... %s'", err.msg, begin, part);
	assert_null(ex.at);
}

static void refuse(const char *text, struct read_options opt, const char *begin, const char *part)
{
	refuse_n(text, strlen(text), opt, begin, part);
}

static const struct read_options any = {0}, labels = {.need_labels = true};

static void formats_are_found(void **state)
{
	(void)state;
	check("pos\tgood film\nneg\tbad film\n", "", labels, DATA_LABEL_TAB_TEXT,
	      "pos=good film|neg=bad film|");
	check("good film\t1\nbad film\t0\nbad film\t0\n", "", labels, DATA_TEXT_TAB_LABEL,
	      "1=good film|0=bad film|0=bad film|");
	check("1\ta\tb\n0\tc d\n", "", labels, DATA_LABEL_TAB_TEXT, "1=a\tb|0=c d|");
	check("1 good film\n0 bad one\n1 fine", "", labels, DATA_LABEL_TEXT,
	      "1=good film|0=bad one|1=fine|");
	check("label,review\n1,\"很好, \"\"真\"\"的\n好\"\n0,差\n", "", labels, DATA_CSV,
	      "1=很好, \"真\"的\n好|0=差|");
	check("\"3\",\"Title\",\"a longer text\"\n\"4\",\"Other\",\"and, another\"\n", "", labels,
	      DATA_CSV, "3=a longer text|4=and, another|");
	check("id;Text;Class\n1;so gut;a\n2;na ja;b\n", "", labels, DATA_CSV, "a=so gut|b=na ja|");
	check("{\"text\":\"a\\u0062\",\"label\":1}\n\n{\"label\":0,\"text\":\"c\"}\n", "", labels,
	      DATA_JSONL, "1=ab|0=c|");
	check("{\"id\":3,\"text\":\"long text\",\"summaries\":[\"short\",\"x\"]}\n", "", any,
	      DATA_JSONL, "short=long text|");
	check("Hello there, you.\nHow are you?\n\nFine, thanks, and, so, on.\n", "", any, DATA_TEXT,
	      "Hello there, you.|How are you?|Fine, thanks, and, so, on.|");
	check("how are you\twie geht es dir\nI am well\tmir geht es gut\n", "", any, DATA_PARALLEL,
	      "wie geht es dir=how are you|mir geht es gut=I am well|");
	check("sentence\tlabel\nfine work\t1\nno good\t0\n", "", labels, DATA_TEXT_TAB_LABEL,
	      "1=fine work|0=no good|");
	check("__label__a so it is\n__label__b so it was\n", "", labels, DATA_LABEL_TEXT,
	      "__label__a=so it is|__label__b=so it was|");
	check("积极\t很好\n消极\t太差了\n积极\t不错\n", "", labels, DATA_LABEL_TAB_TEXT,
	      "积极=很好|消极=太差了|积极=不错|");
	check("text\nonly texts\nin here\n", ".csv", any, DATA_CSV, "only texts|in here|");
}

static void numbered_rows_are_not_labels(void **state)
{
	(void)state;
	check("1\tgood\tpos\n2\tnot good\tneg\n3\tgood again\tpos\n4\tbad\tneg\n", "", labels,
	      DATA_TEXT_TAB_LABEL, "pos=good|neg=not good|pos=good again|neg=bad|");
	check("index\tsentence\n0\tone two\n1\ta b\n", "", any, DATA_TEXT, "one two|a b|");
	check("1\ta b\n2\tc\n3\td\n4\te f\n5\tg\n6\th\n", "", any, DATA_TEXT, "a b|c|d|e f|g|h|");
	refuse("1\ta b\n2\tc\n3\td\n4\te f\n5\tg\n6\th\n", labels, ": no column of labels", "set");
}

/* Many labels, few and repeated texts: counts alone must not decide. */
static void labels_are_the_column_of_few_short_values(void **state)
{
	struct buf b = {0};
	struct examples ex;
	struct classes c;
	struct err err = {0};

	(void)state;
	for (int k = 0; k < 600; k++)
		buf_printf(&b, "intent_%d\twhat is the number %d of these %s\n", k * 5 % 77,
			   k % 300, k % 2 ? "things" : "words");
	assert_true(read_bytes(&ex, b.data, b.len, "", labels, &err));
	assert_int_equal(ex.file.format, DATA_LABEL_TAB_TEXT);
	assert_true(classes_in(&ex, &c, &err));
	assert_int_equal(c.count, 77);
	classes_release(&c);
	examples_release(&ex);
	buf_clear(&b);
	for (int k = 0; k < 600; k++)
		buf_printf(&b, "%s\t%d\n", k % 3 ? "it was really good" : "not at all", k % 5);
	assert_true(read_bytes(&ex, b.data, b.len, "", labels, &err));
	assert_int_equal(ex.file.format, DATA_TEXT_TAB_LABEL);
	examples_release(&ex);
	buf_release(&b);
}

static void columns_can_be_asked_for(void **state)
{
	const char *csv = "a,b,c\nx,the first,1\ny,the second,0\n";
	const struct read_options by_name = {.label_column = "A", .text_column = "b"};
	const struct read_options by_number = {.label_column = "3", .text_column = "2"};
	const struct read_options unknown = {.label_column = "d"};
	const struct read_options far = {.text_column = "9", .no_header = true};
	struct read_options two = {
		.format = DATA_PARALLEL, .text_column = "3", .label_column = "1"};

	(void)state;
	check(csv, "", by_name, DATA_CSV, "x=the first|y=the second|");
	check(csv, "", by_number, DATA_CSV, "1=the first|0=the second|");
	refuse(csv, unknown, ": no column 'd'", "it has a, b, c");
	refuse("1,one two\n0,three\n", far, ": no column '9'", "2 columns");
	refuse("one line\nand another\n", by_name, ": no column 'A'", "data_format");
	check("a b\tc d\te f\n", "", two, DATA_PARALLEL, "a b=e f|");
	refuse("{\"text\":\"a\"}\n", labels, ": no label column among text", "set label_column");
	refuse("{\"a\":\"b\"}\n", any, ": no text column among a", "set text_column");
}

static void formats_can_be_forced(void **state)
{
	struct read_options o = {.format = DATA_TEXT};

	(void)state;
	check("1 a\n0 b\n", "", o, DATA_TEXT, "1 a|0 b|");
	o.format = DATA_TEXT_TAB_LABEL;
	check("a\tb\tx\nc\ty\n", "", o, DATA_TEXT_TAB_LABEL, "x=a\tb|y=c|");
	o.format = DATA_LABEL_TAB_TEXT;
	check("x\ta\tb\n", "", o, DATA_LABEL_TAB_TEXT, "x=a\tb|");
	refuse("x\ta\nb\n", o, ":2: no tab", "");
	o.format = DATA_LABEL_TEXT;
	check("good one two\n", "", o, DATA_LABEL_TEXT, "good=one two|");
	refuse("1 a\n\nb\n", o, ":3: no text behind the label", "");
	o.format = DATA_CSV;
	o.no_header = true;
	o.label_column = "1";
	check("label,text\n1,b c\n", "", o, DATA_CSV, "label=text|1=b c|");
	for (int k = 0; k < DATA_FORMAT_COUNT; k++)
		assert_int_equal(data_format_find(data_format_name((enum data_format)k)), k);
	assert_int_equal(data_format_find("tsv"), -1);
}

static void line_ends_marks_and_nuls_are_taken(void **state)
{
	struct examples ex;
	struct err err = {0};

	(void)state;
	check("\xef\xbb\xbf"
	      "1\tgood\r\n0\tbad\r\n",
	      "", labels, DATA_LABEL_TAB_TEXT, "1=good|0=bad|");
	check("old\rmac\r", "", any, DATA_TEXT, "old|mac|");
	assert_true(read_bytes(&ex, "1\ta\0b\n\n \n0\tc\n", 13, "", labels, &err));
	assert_string_equal(ex.at[0].text, "a\xef\xbf\xbd"
					   "b"); /* no text holds a zero byte */
	assert_int_equal(ex.file.bad_bytes, 1);
	assert_int_equal(ex.file.skipped_lines, 2);
	assert_int_equal(ex.at[1].line, 4);
	assert_int_equal(ex.file.bytes, 13);
	examples_release(&ex);
}

static void bad_bytes_are_reported_by_line(void **state)
{
	struct buf b = {0};
	struct examples ex;
	struct err err = {0};
	size_t lines = 0;

	(void)state;
	for (int k = 0; k < 9; k++)
		buf_text(&b, "1\tcaf\xe9 ol\xe9 for everyone in here\n0\tgood and plain text\n");
	assert_true(read_bytes(&ex, b.data, b.len, "", labels, &err));
	assert_int_equal(ex.file.bad_bytes, 18);
	assert_string_equal(ex.at[0].text, "caf\xef\xbf\xbd ol\xef\xbf\xbd for everyone in here");
	for (const char *s = ex.file.warnings.data; (s = strchr(s, '\n')); s++)
		lines++;
	assert_int_equal(lines, 6);
	assert_non_null(strstr(ex.file.warnings.data, ":3: 2 bytes are not UTF-8"));
	assert_non_null(strstr(ex.file.warnings.data, ": 8 bytes on 4 more lines"));
	examples_release(&ex);
	buf_release(&b);
}

static void a_long_line_is_read(void **state)
{
	struct buf b = {0};
	struct examples ex;
	struct err err = {0};

	(void)state;
	buf_text(&b, "label,text\n1,\"");
	for (int k = 0; k < 1 << 18; k++)
		buf_text(&b, "word");
	buf_text(&b, "\"\n0,short\n");
	assert_true(read_bytes(&ex, b.data, b.len, "", labels, &err));
	assert_int_equal(ex.at[0].text_len, 1 << 20);
	examples_release(&ex);
	buf_release(&b);
}

static void what_is_no_text_is_refused(void **state)
{
	struct read_options opt = {0};
	struct examples ex;
	struct err err = {0};
	char junk[4096];

	(void)state;
	refuse("", any, ": is empty", "");
	refuse(" \n\t\n", any, ": has no text in it", "");
	refuse_n("\xff\xfe"
		 "a\0b\0",
		 6, any, ": is UTF-16", "iconv");
	refuse_n("h\0e\0l\0l\0o\0\n\0", 12, any, ": is UTF-16", "iconv");
	for (int k = 0; k < 4096; k++)
		junk[k] = (char)(k * k * 31 >> 3);
	refuse_n(junk, sizeof(junk), any, ": is not text but binary data", "");
	for (int k = 0; k < 4096; k++)
		junk[k] = (char)(0xb0 + k % 40);
	refuse_n(junk, sizeof(junk), any, ": is not UTF-8", "GB18030");
	assert_false(examples_read(&ex, "no/such/file", &opt, &err));
	assert_string_equal(err.msg, "no/such/file: cannot be read: no such file or directory");
	assert_false(examples_read(&ex, "/", &opt, &err));
	assert_string_equal(err.msg, "/: is a directory; name a file in it");
}

static void broken_rows_are_refused_by_line(void **state)
{
	(void)state;
	refuse("{\"text\":\"a\",\"label\":1}\n\n{\"text\":", labels, ":3: broken JSON", "");
	refuse("{\"text\":\"a\",\"label\":1}\n[1]\n", labels, ":2: not a JSON object", "");
	refuse("{\"text\":\"a\",\"label\":1}\n{\"text\":5,\"label\":1}\n", labels,
	       ":2: 'text' is not", "");
	refuse("{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\"}\n", labels, ":2: the label is empty",
	       "");
	refuse("{\"text\":\"a\",\"label\":{}}\n", any, ":1: 'label' is no label", "");
	refuse("[\n{\"text\":\"a\"}\n]\n", any, ": is one JSON array", "jq");
	refuse("label,text\n1,a\n0,b,c\n", labels, ":3: 3 columns", "quotes");
	refuse("label,text\n1,a\n0\n", labels, ":3: 1 column where 2", "");
	refuse("label,text\n1,a\n,b\n", labels, ":3: the label is empty", "");
	refuse("label,text\n1,a\n0,\"b\n1,c\n", labels, ":3: the quote opened", "");
	refuse("label,text\n", (struct read_options){.format = DATA_CSV, .label_column = "label"},
	       ": has a line of names and no rows", "");
	refuse("just\nsome\nlines\n", labels, ": no column of labels found", "data_format");
}

static struct examples rows_of(const char *text, struct read_options opt)
{
	struct examples ex;
	struct err err = {0};

	if (!read_bytes(&ex, text, strlen(text), "", opt, &err))
		fail_msg("%s", err.msg);
	return ex;
}

static struct examples rows(const char *text)
{
	return rows_of(text, any);
}

static const struct read_options stream = {.stream = true};

static void streams_keep_every_line(void **state)
{
	struct examples ex = rows_of("\n\na\n\n", stream);

	(void)state;
	assert_int_equal(ex.count, 4);
	assert_int_equal(ex.file.skipped_lines, 0);
	assert_int_equal(ex.at[2].line, 3);
	assert_string_equal(ex.at[2].text, "a");
	examples_release(&ex);
	check("a\n\n b \n", "", stream, DATA_TEXT, "a|| b |");
	check("a\n\nb", "", stream, DATA_TEXT, "a||b|");
	check("a\r\n\r\n\tb  \r\n \r\n", "", stream, DATA_TEXT, "a||\tb  | |");
	check("\xef\xbb\xbf\n甲\r\n乙", "", stream, DATA_TEXT, "|甲|乙|");
	refuse("\n \n\r\n", stream, ": has no text in it", "blank lines");
	refuse("", stream, ": is empty", "");
}

static void streams_are_not_looked_at(void **state)
{
	struct read_options opt = stream;

	(void)state;
	check("1 a\n0 b\n", "", stream, DATA_TEXT, "1 a|0 b|");
	check("pos\tgood\nneg\tbad\n", "", stream, DATA_TEXT, "pos\tgood|neg\tbad|");
	check("label,text\n1,\"a\n", ".csv", stream, DATA_TEXT, "label,text|1,\"a|");
	check("{\"text\":\"a\"}\n", "", stream, DATA_TEXT, "{\"text\":\"a\"}|");
	check("[\n", ".json", stream, DATA_TEXT, "[|");
	opt.text_column = "text";
	refuse("label,text\n1,a\n", opt, ": no column 'text': every line is a text", "data_format");
	opt.format = DATA_CSV;
	check("label,text\n1,a\n\n0,b\n", "", opt, DATA_CSV, "a|b|");
	opt.format = DATA_JSONL;
	check("{\"text\":\"a\",\"label\":{}}\n\n{\"text\":\"\"}\n", "", opt, DATA_JSONL, "a||");
	opt = (struct read_options){.format = DATA_LABEL_TAB_TEXT, .stream = true};
	check("pos\tgood\n\nneg\tbad\n", "", opt, DATA_LABEL_TAB_TEXT, "good|bad|");
	opt.format = DATA_TEXT;
	check("1 a\n\n0 b\n", "", opt, DATA_TEXT, "1 a||0 b|");
}

static void classes_are_sorted(void **state)
{
	struct examples ex = rows("10\ta b\n9\tc d\n-1\te f\n10\tg h\n");
	struct examples named = rows("b\tx y\nB\tx z\n10\ty z\nb\tz z\n");
	struct examples one = rows("1\ta b c\n1\td e f\n1\tg h\n");
	struct classes c;
	struct err err = {0};

	(void)state;
	assert_true(classes_in(&ex, &c, &err));
	assert_int_equal(c.count, 3);
	assert_string_equal(c.name[0], "-1");
	assert_string_equal(c.name[1], "9");
	assert_int_equal(classes_find(&c, "10"), 2);
	assert_int_equal(classes_find(&c, "1"), -1);
	classes_release(&c);
	assert_true(classes_in(&named, &c, &err));
	assert_string_equal(c.name[0], "10");
	assert_string_equal(c.name[1], "B");
	classes_release(&c);
	assert_false(classes_in(&one, &c, &err));
	assert_non_null(strstr(err.msg, "every row has the label '1'"));
	examples_release(&ex);
	examples_release(&named);
	examples_release(&one);
}

/* Holds out a fifth of rows "LABEL<TAB>tK"; the ids of both parts, written down. */
static char *split_rows(const char *text, struct corpus *part[2])
{
	const struct vocab_spec spec = {.min_count = 1};
	struct vocab_builder *b = vocab_builder_new(&spec);
	struct examples ex = rows(text);
	struct intake in;
	struct vocab *v;
	struct buf out = {0};

	intake_take(&in, &ex, b);
	assert_true(intake_split(&in, 0.2, 7, NULL));
	vocab_builder_count(b, in.numbers.at, in.numbers.count);
	v = vocab_of(b);
	assert_true(intake_finish(&in, v, NULL, 0, false, &part[0], &part[1], NULL));
	for (int p = 0; p < 2; p++)
		for (int64_t t = 0; t < part[p]->tokens; t++)
			buf_printf(&out, "%d ", part[p]->ids[t]);
	examples_release(&ex);
	intake_release(&in);
	vocab_builder_free(b);
	vocab_unref(v);
	return buf_take(&out);
}

static void splits_are_seeded_and_lose_nothing(void **state)
{
	const struct vocab_spec spec = {.min_count = 1};
	struct vocab_builder *words = vocab_builder_new(&spec);
	struct corpus *part[2][2];
	bool seen[100] = {0};
	char *got[2];
	struct buf b = {0};
	struct examples one = rows("1\tone row\n");
	struct intake in;
	struct err err = {0};

	(void)state;
	for (int k = 0; k < 100; k++)
		buf_printf(&b, "%d\tt%d\n", k % 2, k);
	for (int k = 0; k < 2; k++) {
		got[k] = split_rows(b.data, part[k]);
		assert_int_equal(part[k][0]->count, 80);
		assert_int_equal(part[k][1]->count, 20);
	}
	assert_string_equal(got[0], got[1]);
	for (int j = 0; j < 2; j++) {
		const struct corpus *c = part[0][j];

		for (int k = 0; k < c->count; k++) {
			assert_int_equal(c->start[k], k);
			assert_true(!k || c->ids[k] > c->ids[k - 1]); /* in the order of the file */
			seen[c->ids[k] - 2] = true;
		}
	}
	for (int k = 0; k < 100; k++)
		assert_true(seen[k]);
	for (int k = 0; k < 2; k++) {
		corpus_unref(part[k][0]);
		corpus_unref(part[k][1]);
		free(got[k]);
	}
	intake_take(&in, &one, words);
	assert_false(intake_split(&in, 0.2, 7, &err));
	assert_non_null(strstr(err.msg, "1 row cannot be split"));
	examples_release(&one);
	intake_release(&in);
	vocab_builder_free(words);
	buf_release(&b);
}

static void corpora_hold_ids_and_classes(void **state)
{
	struct examples ex = rows("pos\tgood good film\nneg\t \nneg\tbad film now\n");
	struct examples other = rows("pos\tgood film\nnew\tbad film\n");
	struct vocab_spec spec = {.min_count = 1, .max_size = 4};
	struct vocab_builder *b = vocab_builder_new(&spec);
	struct vocab *v;
	struct classes classes;
	struct corpus *c;
	struct err err = {0};
	const int32_t ids[] = {2, 3, 1, 3, 1}; /* good film; nothing; film now */

	(void)state;
	for (size_t k = 0; k < ex.count; k++)
		vocab_builder_add(b, ex.at[k].text, ex.at[k].text_len);
	v = vocab_build(b);
	assert_true(classes_in(&ex, &classes, &err));
	c = corpus_new(&ex, v, &classes, 2, true, &err);
	assert_int_equal(c->count, 3);
	assert_int_equal(c->classes, 2);
	assert_int_equal(c->max_len, 2);
	assert_int_equal(c->tokens, 5);
	assert_int_equal(c->unknown, 1);
	assert_int_equal(c->start[3], 5);
	assert_memory_equal(c->ids, ids, sizeof(ids));
	assert_int_equal(c->label[0], 1);
	assert_int_equal(c->label[1], 0);
	corpus_unref(corpus_ref(c));
	corpus_unref(c);
	corpus_unref(NULL);
	assert_null(corpus_new(&other, v, &classes, 0, true, &err));
	assert_non_null(strstr(err.msg, ":2: the label 'new' is none of the 2 classes"));
	c = corpus_new(&other, v, NULL, 0, false, &err);
	assert_null(c->label);
	assert_int_equal(c->tokens, 4);
	corpus_unref(c);
	classes_release(&classes);
	vocab_unref(v);
	examples_release(&ex);
	examples_release(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_found),
		cmocka_unit_test(numbered_rows_are_not_labels),
		cmocka_unit_test(labels_are_the_column_of_few_short_values),
		cmocka_unit_test(columns_can_be_asked_for),
		cmocka_unit_test(formats_can_be_forced),
		cmocka_unit_test(line_ends_marks_and_nuls_are_taken),
		cmocka_unit_test(bad_bytes_are_reported_by_line),
		cmocka_unit_test(a_long_line_is_read),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(broken_rows_are_refused_by_line),
		cmocka_unit_test(streams_keep_every_line),
		cmocka_unit_test(streams_are_not_looked_at),
		cmocka_unit_test(classes_are_sorted),
		cmocka_unit_test(splits_are_seeded_and_lose_nothing),
		cmocka_unit_test(corpora_hold_ids_and_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pairs of texts: how files are read as such, and what becomes of them. */
#include "engine/base/mem.h"
#include "engine/text/batch.h"
#include "engine/text/intake_pairs.h"
#include "tests/unit.h"

#include <unistd.h>

/* Writes bytes to a new file whose name ends so; the path is to be freed. */
static char *write_file(const char *bytes, size_t n, const char *ending)
{
	char *path = mem_printf("%s/sluice-XXXXXX%s", P_tmpdir, ending);
	const int fd = mkstemps(path, (int)strlen(ending));

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	return path;
}

static void drop(char *path)
{
	if (path)
		remove(path);
	free(path);
}

/* Puts words where paths stand: they are never the same. */
static void hide(char *s, const char *path, const char *word)
{
	char *at;

	while (path && (at = strstr(s, path))) {
		memmove(at + strlen(word), at + strlen(path), strlen(at + strlen(path)) + 1);
		memcpy(at, word, strlen(word));
	}
}

/* Reads one file, or two (target not NULL), and gives "SOURCE=TARGET|" and the warnings, the files called
 * S and T in them; where it fails the message stands for the rows. Both to be freed. */
static bool read_pairs(const char *source, size_t n, const char *ending, const char *target,
		       struct read_options opt, char **rows, char **warnings)
{
	char *path = write_file(source, n, ending),
	     *other = target ? write_file(target, strlen(target), "") : NULL;
	struct buf got = {0}, told = {0};
	struct examples ex;
	struct err err = {0};
	bool ok;

	opt.need_pairs = true;
	opt.target_path = other;
	ok = examples_read(&ex, path, &opt, &err);
	for (size_t k = 0; ok && k < ex.count; k++)
		buf_printf(&got, "%s=%s|", ex.at[k].text, ex.at[k].label);
	if (ok) {
		assert_int_equal(ex.target.path != NULL, target != NULL);
		buf_text(&told, buf_str(&ex.file.warnings));
		buf_text(&told, buf_str(&ex.target.warnings));
		examples_release(&ex);
	} else {
		assert_null(strchr(err.msg, '\n'));
		assert_int_equal(err.code, ERR_INPUT);
		buf_text(&got, err.msg);
	}
	*rows = mem_text(buf_str(&got));
	*warnings = mem_text(buf_str(&told));
	hide(*rows, path, "S");
	hide(*rows, other, "T");
	hide(*warnings, path, "S");
	hide(*warnings, other, "T");
	buf_release(&got);
	buf_release(&told);
	drop(path);
	drop(other);
	return ok;
}

static void check(const char *source, const char *ending, const char *target,
		  struct read_options opt, const char *want, const char *warned)
{
	char *rows, *warnings;

	if (!read_pairs(source, strlen(source), ending, target, opt, &rows, &warnings))
		fail_msg("'%s' refused: %s", source, rows);
	assert_string_equal(rows, want);
	assert_string_equal(warnings, warned);
	free(rows);
	free(warnings);
}

static void refuse_n(const char *source, size_t n, const char *target, struct read_options opt,
		     const char *says)
{
	char *rows, *warnings;

	if (read_pairs(source, n, "", target, opt, &rows, &warnings) || !strstr(rows, says))
		fail_msg("'%s': '%s' does not say '%s'", source, rows, says);
	free(rows);
	free(warnings);
}

static void refuse(const char *source, const char *target, struct read_options opt,
		   const char *says)
{
	refuse_n(source, strlen(source), target, opt, says);
}

static const struct read_options any = {0};

static void formats_are_found(void **state)
{
	(void)state;
	check("how are you\twie geht es\ngood\tgut\n", "", NULL, any,
	      "how are you=wie geht es|good=gut|", "");
	check("晚风摇树树还挺\t晨露润花花更红\r\n愿景天成无墨迹\t万方乐奏有于阗\r\n", "", NULL, any,
	      "晚风摇树树还挺=晨露润花花更红|愿景天成无墨迹=万方乐奏有于阗|", "");
	check("{\"text\":\"a b\",\"summaries\":[\"c\",\"d\"]}\n", "", NULL, any, "a b=c|", "");
	check("{\"title\":\"t\",\"abstract\":\"long\"}\n", "", NULL, any, "long=t|", "");
	check("{\"id\":1,\"de\":\"ja\",\"en\":\"yes\"}\n", "", NULL, any, "ja=yes|", "");
	check("id,article,highlights\n1,\"a, b\",c\n2,d,e\n", "", NULL, any, "a, b=c|d=e|", "");
	check("摘要;标题\n长;短\n", "", NULL, any, "长=短|", "");
	check("上联\t下联\n天\t地\n", "", NULL, any, "天=地|", "");
	check("title\tdescription\nfew\tmany words\n", "", NULL, any, "many words=few|", "");
	check("abstract,article\nfew,many\n", "", NULL, any, "many=few|", "");
	check("en,zh\nHi.,嗨。\n", "", NULL, any, "Hi.=嗨。|", "");
	check("zh,en\n嗨。,Hi.\n", "", NULL, any, "嗨。=Hi.|", "");
	check("a b,c\nd,e f\n", ".csv", NULL, any, "a b=c|d=e f|", "");
	check("\"a \"\"b\"\"\n\",\"c\"\n\"d\",\"e\"\n", ".csv", NULL, any, "a \"b\"\n=c|d=e|", "");
	check("12+30\t42\n1+1\t2\n", "", NULL, any, "12+30=42|1+1=2|", "");
}

static void more_columns_than_two_are_told_of(void **state)
{
	(void)state;
	check("Hi.\t嗨。\tCC-BY 1\nRun.\t跑。\tCC-BY 2\n", "", NULL, any, "Hi.=嗨。|Run.=跑。|",
	      "S: of 3 columns 1 is taken for the source, 2 for the target (set source_column and "
	      "target_column for others)\n");
	check("to title\t长的\t短\nto title\t更长\t小\n", "", NULL, any, "长的=短|更长=小|",
	      "S: of 3 columns 2 is taken for the source, 3 for the target (set source_column and "
	      "target_column for others)\n");
}

static void columns_can_be_asked_for(void **state)
{
	const char *news = "\"3\",\"Title\",\"a longer text\"\n\"4\",\"Other\",\"and, more\"\n";
	const char *tabs = "a\tb\tc\nd\te\tf\n";
	struct read_options opt = {.source_column = "3", .target_column = "2"};
	const struct read_options one = {.source_column = "3"};

	(void)state;
	refuse(news, NULL, any, "which of its 3 columns is the source");
	check(news, "", NULL, opt, "a longer text=Title|and, more=Other|", "");
	check(tabs, "", NULL, opt, "c=b|f=e|", "");
	check(tabs, "", NULL, one, "c=a|f=d|",
	      "S: of 3 columns 3 is taken for the source, 1 for the target (set source_column and "
	      "target_column for others)\n");
	opt = (struct read_options){.source_column = "y", .target_column = "X"};
	check("x,y\n1 a,b\n", "", NULL, opt, "b=1 a|", "");
	refuse("{\"x\":\"1\",\"y\":[\"2\"]}\n", NULL, opt, "no target column 'X' among x, y");
	opt.target_column = "x";
	check("{\"x\":\"1\",\"y\":[\"2\"]}\n", "", NULL, opt, "2=1|", "");
}

static void asked_for_wrongly(void **state)
{
	const char *tabs = "a\tb\tc\nd\te\tf\n", *named = "text,other,more\na,b,c\n";
	struct read_options opt = {.source_column = "4"};

	(void)state;
	refuse(tabs, NULL, opt, "S: no column '4'; it has no line of names and 3 columns");
	opt = (struct read_options){.source_column = "2", .target_column = "2"};
	refuse(tabs, NULL, opt, "both column 2");
	opt = (struct read_options){.target_column = "title"};
	refuse(named, NULL, opt, "S: no column 'title'; it has text, other, more");
	opt = (struct read_options){.source_column = "text"};
	refuse(named, NULL, opt, "S: no column of the target among text, other, more (set target_");
	refuse("{\"text\":\"a\"}\n", NULL, any,
	       "S: no target column among text (set target_column)");
	refuse("{\"b\":\"a\"}\n", NULL, any, "S: no source column among b (set source_column)");
	opt = (struct read_options){.format = DATA_TEXT};
	refuse(tabs, NULL, opt, "data_format=text has no pairs");
	opt = (struct read_options){.format = DATA_CSV};
	refuse("a\nb\n", NULL, opt, "its lines are no pairs");
}

/* With the older names, and where nothing needs pairs. */
static void older_names_hold(void **state)
{
	const struct read_options old = {.text_column = "2", .label_column = "1"};
	struct read_options plain = {.format = DATA_PARALLEL, .source_column = "3"};
	char *path = write_file("a b\tc d\te f\n", 12, "");
	struct examples ex;
	struct err err = {0};

	(void)state;
	check("a\tb\n", "", NULL, old, "b=a|", "");
	plain.target_column = "1";
	assert_true(examples_read(&ex, path, &plain, &err));
	assert_string_equal(ex.at[0].text, "e f");
	assert_string_equal(ex.at[0].label, "a b");
	examples_release(&ex);
	drop(path);
}

static void two_files_go_line_by_line(void **state)
{
	struct read_options opt = {.format = DATA_TEXT};

	(void)state;
	check("a\tb\nc\n", "", "d, e\r\nf\r\n", any, "a\tb=d, e|c=f|", "");
	check("a\nb", "", "甲\n乙\n", opt, "a=甲|b=乙|", "");
	check("a\n\nb\n\n", "", "c\n\nd\n\n", any, "a=c|b=d|", "");
	check("{\"x\":1}\n[\n", "", "1\n2\n", any, "{\"x\":1}=1|[=2|", "");
	check("a\n\nb\nc\n", "", "d\ne\n \nf\n", any, "a=d|c=f|",
	      "S:2: the source is empty, so the pair is left out\n"
	      "T:3: the target is empty, so the pair is left out\n");
	refuse("a\nb\n", "c\n", any, "S has 2 lines and T has 1; line n");
	refuse("a\n", "b\nc\nd\n\n", any, "S has 1 lines and T has 4; line n");
	refuse("a\n", "", any, "T: is empty");
	refuse("\n", "\n", any, "only blank lines");
	refuse("a\n", "\n", any, "S: every pair has an empty side");
	opt.format = DATA_CSV;
	refuse("a\n", "b\n", opt, "data_format=csv");
	opt = (struct read_options){.target_column = "2"};
	refuse("a\n", "b\n", opt, "S: no column '2'");
}

static void a_second_file_that_is_not_there(void **state)
{
	struct read_options opt = {.need_pairs = true, .target_path = "no/such/file"};
	char *path = write_file("a\n", 2, "");
	struct examples ex;
	struct err err = {0};

	(void)state;
	assert_false(examples_read(&ex, path, &opt, &err));
	assert_string_equal(err.msg, "no/such/file: cannot be read: no such file or directory");
	opt.target_path = "-";
	assert_false(examples_read(&ex, "-", &opt, &err));
	assert_int_equal(err.code, ERR_USAGE);
	drop(path);
}

static void empty_sides_are_left_out(void **state)
{
	struct buf b = {0};

	(void)state;
	check("a\tb\n\tc\n\nd\t \ne\tf\n", "", NULL, any, "a=b|e=f|",
	      "S:2: the source is empty, so the pair is left out\n"
	      "S:4: the target is empty, so the pair is left out\n");
	check("{\"text\":\"a\",\"summaries\":[\"b\"]}\n{\"text\":\"c\",\"summaries\":[]}\n"
	      "{\"text\":\"d\",\"summaries\":null}\n",
	      "", NULL, any, "a=b|",
	      "S:2: the target is empty, so the pair is left out\n"
	      "S:3: the target is empty, so the pair is left out\n");
	buf_text(&b, "source,target\na,b\n");
	for (int k = 0; k < 7; k++)
		buf_text(&b, "x,\n");
	check(b.data, "", NULL, any, "a=b|",
	      "S:3: the target is empty, so the pair is left out\n"
	      "S:4: the target is empty, so the pair is left out\n"
	      "S:5: the target is empty, so the pair is left out\n"
	      "S:6: the target is empty, so the pair is left out\n"
	      "S:7: the target is empty, so the pair is left out\n"
	      "S: 2 more pairs with an empty side are left out, 7 in all\n");
	buf_release(&b);
	refuse("source,target\na,\n,b\n", NULL, any, "S: every pair has an empty side");
}

static void what_is_no_pairs_is_refused(void **state)
{
	const struct read_options tabs = {.format = DATA_PARALLEL}, csv = {.format = DATA_CSV};
	struct buf b = {0};

	(void)state;
	refuse("", NULL, any, "S: is empty");
	refuse(" \n\t\n", NULL, any, "S: has no text in it");
	refuse_n("h\0e\0l\0l\0o\0\n\0", 12, NULL, any, "S: is UTF-16");
	refuse("one line\nand another\n", NULL, any, "S: its lines are no pairs");
	refuse("a\tb\nc\td\ne\n", NULL, tabs, "S:3: 1 column where 2 are needed");
	refuse("source,target\n", NULL, any, "a line of names and no rows");
	refuse("source,target\na,b\nc,\"d\n", NULL, any, "S:3: the quote opened in this row");
	refuse("source,target\na,b\nc,d,e\n", NULL, csv,
	       "S:3: 3 columns where the first row has 2");
	refuse("[\n{\"text\":\"a\"}\n]\n", NULL, any, "is one JSON array");
	refuse("{\"text\":\"a\",\"title\":\"b\"}\n{\"text\":\"a\"}\n", NULL, any,
	       "S:2: 'title' is missing");
	refuse("{\"text\":\"a\",\"title\":7}\n", NULL, any, "S:1: 'title' is neither a string nor");
	refuse("{\"text\":\"a\",\"title\":[[]]}\n", NULL, any, "S:1: 'title' is neither");
	refuse("{\"text\":\"a\",\"title\":\n", NULL, any, "S:1: broken JSON");
	for (int k = 0; k < 100; k++)
		buf_printf(&b, "sentence number %d\t%d\n", k, k % 2);
	refuse(b.data, NULL, any, "which of its 2 columns");
	buf_release(&b);
}

/* --- what becomes of them --- */

/* Pair k is "s<k> x" and "t<k> y z" for every k that is no multiple of 7: there the target is blank. */
static void many(struct buf *source, struct buf *target, int count)
{
	for (int k = 0; k < count; k++) {
		buf_printf(source, "s%d x\n", k);
		if (k % 7)
			buf_printf(target, "T%d  y, z\n", k);
		else
			buf_text(target, "\n");
	}
}

static void token_of(const struct vocab *v, int32_t id, char *out, size_t size)
{
	size_t n;
	const char *s = vocab_token(v, id, &n);

	snprintf(out, size, "%.*s", (int)n, s);
}

/* Every target belongs to its source, ends in its mark, and is there as written. */
static void in_step(const struct corpus *c, const struct vocab *s, const struct vocab *t)
{
	const struct corpus *to = c->target;

	assert_int_equal(c->count, to->count);
	for (int k = 0; k < c->count; k++) {
		char a[32], b[32], want[48];
		size_t n;

		token_of(s, c->ids[c->start[k]], a, sizeof(a));
		token_of(t, to->ids[to->start[k]], b, sizeof(b));
		assert_string_equal(a + 1, b + 1);
		assert_int_equal(to->ids[to->start[k + 1] - 1], vocab_end(t));
		assert_int_equal(c->start[k + 1] - c->start[k], 2);
		assert_int_equal(to->start[k + 1] - to->start[k], 5);
		if (!to->raw)
			continue;
		snprintf(want, sizeof(want), "T%s  y, z", a + 1);
		assert_memory_equal(tokens_at(to->raw, (size_t)k, &n), want, strlen(want));
		assert_int_equal(n, strlen(want));
	}
}

static const struct vocab_spec source_spec = {.rules = {TOKENIZER_WORD, .lower = true},
					      .min_count = 1},
			       target_spec = {.rules = {TOKENIZER_WORD, .lower = true},
					      .min_count = 1,
					      .end = true};

/* Reads the files, holds a part out in one of two ways, and looks at what comes of it. */
static void hold_out(const char *path, const struct read_options *opt, size_t bytes, bool cut)
{
	struct vocab_builder *s = vocab_builder_new(&source_spec),
			     *t = vocab_builder_new(&target_spec);
	struct pair_intake in;
	struct corpus *kept, *held;
	struct vocab *v, *w;
	struct err err = {0};

	assert_true(pairs_read(&in, path, opt, s, t, true, &err));
	assert_int_equal(in.source.count, 120);
	assert_int_equal(in.target.count, 120);
	assert_int_equal(in.target.file.bytes, bytes);
	pairs_count(&in); /* so early that every word is known: they tell the pairs apart */
	assert_true(cut ? pairs_cut(&in, 0.25, &err) : pairs_split(&in, 0.25, 3, &err));
	v = vocab_of(s);
	w = vocab_of(t);
	pairs_finish(&in, v, w, &(struct pair_limits){0}, &kept, &held);
	assert_int_equal(kept->count + held->count, 120);
	assert_true(held->count >= 25 && held->count <= 31);
	assert_null(kept->target->raw);
	assert_int_equal(held->target->raw->count, held->count);
	in_step(kept, v, w);
	in_step(held, v, w);
	corpus_unref(kept);
	corpus_unref(held);
	pairs_release(&in);
	vocab_unref(v);
	vocab_unref(w);
	vocab_builder_free(s);
	vocab_builder_free(t);
}

static void the_same_pairs_are_held_out(void **state)
{
	struct buf a = {0}, b = {0};
	struct read_options opt = {0};
	char *path, *other;

	(void)state;
	many(&a, &b, 140);
	path = write_file(a.data, a.len, "");
	opt.target_path = other = write_file(b.data, b.len, "");
	hold_out(path, &opt, b.len, false);
	hold_out(path, &opt, b.len, true);
	buf_release(&a);
	buf_release(&b);
	drop(path);
	drop(other);
}

/* Makes the corpora of pairs in memory, written "source" and "target" in turn; nothing is held out. */
static struct corpus *corpus_of(const char *const text[], int count, const struct vocab_spec *sp,
				const struct vocab_spec *tp, const struct pair_limits *limits,
				bool raw, struct vocab *v[2])
{
	struct example *at = mem_zero((size_t)count, sizeof(*at));
	const struct examples ex = {.at = at, .count = (size_t)count};
	struct vocab_builder *s = vocab_builder_new(sp), *t = tp ? vocab_builder_new(tp) : s;
	struct pair_intake in;
	struct corpus *kept, *held;

	for (int k = 0; k < count; k++) {
		at[k].text = mem_text(text[2 * k]);
		at[k].text_len = strlen(text[2 * k]);
		at[k].label = mem_text(text[2 * k + 1]);
	}
	pairs_take(&in, &ex, s, t, raw);
	pairs_count(&in);
	v[0] = vocab_of(s);
	v[1] = tp ? vocab_of(t) : vocab_ref(v[0]);
	pairs_finish(&in, v[0], v[1], limits, &kept, &held);
	assert_null(held);
	pairs_release(&in);
	vocab_builder_free(s);
	if (tp)
		vocab_builder_free(t);
	for (int k = 0; k < count; k++) {
		free(at[k].text);
		free(at[k].label);
	}
	free(at);
	return kept;
}

static void release(struct corpus *c, struct vocab *v[2])
{
	corpus_unref(c);
	vocab_unref(v[0]);
	vocab_unref(v[1]);
}

/* "a b|c|" of a corpus, marks as ". */
static void check_ids(const struct corpus *c, const struct vocab *v, const char *want)
{
	struct buf b = {0};

	for (int k = 0; k < c->count; k++) {
		for (size_t at = c->start[k]; at < c->start[k + 1]; at++) {
			char token[32];

			token_of(v, c->ids[at], token, sizeof(token));
			buf_printf(&b, "%s%s", at > c->start[k] ? " " : "",
				   c->ids[at] == vocab_end(v) ? "\"" : token);
		}
		buf_byte(&b, '|');
	}
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static const char *const texts[] = {"我 爱 你", "I love you so", "你 好", "Hi", "?", "you"};

static void each_side_is_cut_by_its_own_limit(void **state)
{
	struct vocab *v[2];
	struct corpus *c = corpus_of(texts, 3, &source_spec, &target_spec,
				     &(struct pair_limits){2, 3, true}, true, v);

	(void)state;
	check_ids(c, v[0], "爱 你|你 好|?|");
	check_ids(c->target, v[1], "i love you \"|hi \"|you \"|");
	assert_int_equal(c->max_len, 2);
	assert_int_equal(c->target->max_len, 4);
	assert_int_equal(c->target->raw->count, 3);
	assert_int_equal(vocab_end(v[0]), -1);
	release(c, v);
	c = corpus_of(texts, 3, &source_spec, &target_spec, &(struct pair_limits){2, 0, false},
		      false, v);
	check_ids(c, v[0], "我 爱|你 好|?|");
	check_ids(c->target, v[1], "i love you so \"|hi \"|you \"|");
	assert_null(c->target->raw);
	corpus_unref(corpus_ref(c));
	assert_int_equal(c->target->count, 3);
	release(c, v);
}

static void one_vocabulary_counts_both_sides(void **state)
{
	static const char *const pair[] = {"b a b", "b", "c a", "c d"};
	const struct batch_rules rules = {.mask = true, .marked = true};
	const int32_t both[] = {0, 1};
	struct batch batch = {0};
	struct vocab *v[2];
	struct corpus *c =
		corpus_of(pair, 2, &target_spec, NULL, &(struct pair_limits){0}, true, v);

	(void)state;
	assert_int_equal(vocab_count(v[0], vocab_find(v[0], "b", 1)), 3);
	assert_int_equal(vocab_count(v[0], vocab_find(v[0], "a", 1)), 2);
	assert_int_equal(vocab_count(v[0], vocab_find(v[0], "c", 1)), 2);
	assert_int_equal(vocab_count(v[0], vocab_find(v[0], "d", 1)), 1);
	assert_int_equal(vocab_count(v[0], vocab_end(v[0])), 4);
	check_ids(c, v[0], "b a b \"|c a \"|");
	check_ids(c->target, v[0], "b \"|c d \"|");
	/* A batch of sources has no marks, one of targets has. */
	batch_build(&batch, c, both, 2, 1, &rules);
	assert_int_equal(batch.steps.N, 5);
	batch_targets(&batch, c->target, both, 2, 1);
	assert_int_equal(batch.steps.N, 5);
	assert_int_equal(batch.next[batch.steps.offset[2]], vocab_end(v[0]));
	batch_release(&batch);
	release(c, v);
}

/* A side of no tokens is not left out: rows stay in step. */
static void sides_without_tokens_stay(void **state)
{
	static const char *const pair[] = {"...", "!!", "a", "b"};
	const struct vocab_spec s = {.rules = {TOKENIZER_KERAS}, .oov = "OOV"},
				t = {.rules = {TOKENIZER_KERAS}, .end = true};
	struct vocab *v[2];
	struct corpus *c = corpus_of(pair, 2, &s, &t, &(struct pair_limits){0}, true, v);
	size_t n;

	(void)state;
	assert_int_equal(c->count, 2);
	assert_int_equal(c->start[1], 1);
	check_ids(c->target, v[1], "\"|b \"|");
	assert_memory_equal(tokens_at(c->target->raw, 0, &n), "!!", 2);
	release(c, v);
}

static void memory_is_counted_for_both_sides(void **state)
{
	struct read_options opt = {.most_bytes = 200};
	struct vocab_builder *s = vocab_builder_new(&source_spec),
			     *t = vocab_builder_new(&target_spec);
	const char *twelve =
		"a\tb\na\tb\na\tb\na\tb\na\tb\na\tb\na\tb\na\tb\na\tb\na\tb\na\tb\na\tb\n";
	char *path = write_file(twelve, strlen(twelve), "");
	struct pair_intake in;
	struct err err = {0};

	(void)state;
	assert_true(pairs_read(&in, path, &opt, s, t, false, &err)); /* 12 * 2 * 2 numbers */
	pairs_release(&in);
	assert_false(pairs_read(&in, path, &opt, s, t, true, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "take less text"));
	opt.most_bytes = 150;
	assert_false(pairs_read(&in, path, &opt, s, t, false, &err));
	vocab_builder_free(s);
	vocab_builder_free(t);
	drop(path);
}

static void one_pair_cannot_be_split(void **state)
{
	const struct read_options opt = {0};
	struct vocab_builder *s = vocab_builder_new(&target_spec);
	char *path = write_file("a\tb\n", 4, "");
	struct pair_intake in;
	struct err err = {0};

	(void)state;
	assert_true(pairs_read(&in, path, &opt, s, s, false, &err));
	assert_false(pairs_split(&in, 0.5, 1, &err));
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.msg, "1 row cannot be split in two"));
	assert_false(pairs_cut(&in, 0.5, &err));
	pairs_release(&in);
	vocab_builder_free(s);
	drop(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_found),
		cmocka_unit_test(more_columns_than_two_are_told_of),
		cmocka_unit_test(columns_can_be_asked_for),
		cmocka_unit_test(asked_for_wrongly),
		cmocka_unit_test(older_names_hold),
		cmocka_unit_test(two_files_go_line_by_line),
		cmocka_unit_test(a_second_file_that_is_not_there),
		cmocka_unit_test(empty_sides_are_left_out),
		cmocka_unit_test(what_is_no_pairs_is_refused),
		cmocka_unit_test(the_same_pairs_are_held_out),
		cmocka_unit_test(each_side_is_cut_by_its_own_limit),
		cmocka_unit_test(one_vocabulary_counts_both_sides),
		cmocka_unit_test(sides_without_tokens_stay),
		cmocka_unit_test(memory_is_counted_for_both_sides),
		cmocka_unit_test(one_pair_cannot_be_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/settings.h"
#include "tests/unit.h"

#include <unistd.h>

static void every_default_reads_back(void **state)
{
	struct settings s, t;
	struct buf text = {0};

	(void)state;
	settings_default(&s);
	settings_default(&t);
	for (int k = 0; setting_at(k); k++) {
		buf_clear(&text);
		if (!settings_get(&s, setting_at(k), &text)) {
			assert_null(setting_at(k)->value);
			continue;
		}
		assert_string_equal(buf_str(&text), setting_at(k)->value);
		assert_true(settings_set(&t, setting_at(k)->name, buf_str(&text), NULL));
	}
	buf_release(&text);
	settings_release(&s);
	settings_release(&t);
}

static void refused(struct settings *s, const char *assignment, const char *says)
{
	struct err err = {0};

	if (settings_assign(s, assignment, &err))
		fail_msg("%s was taken", assignment);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, says))
		fail_msg("%s: '%s' does not say '%s'", assignment, err.msg, says);
}

static void wrong_ones_are_refused_with_the_nearest_right_one(void **state)
{
	struct settings s;

	(void)state;
	settings_default(&s);
	refused(&s, "hiden=5", "did you mean hidden?");
	refused(&s, "zzz=5", "help settings");
	refused(&s, "cell=articel", "did you mean article?");
	refused(&s, "cell=x", "one of: standard, article");
	refused(&s, "hidden=0", "the nearest is 1");
	refused(&s, "hidden=1.5", "whole number");
	refused(&s, "hidden=0x10", "whole number");
	refused(&s, "lr=nan", "a number");
	refused(&s, "lr=1e99", "the nearest is 1e+38");
	refused(&s, "dropout=1", "the nearest is 0.95");
	refused(&s, "mask=maybe", "true or false");
	refused(&s, "hidden", "name=value");
	assert_int_equal(s.hidden, 128);
	assert_true(settings_assign(&s, "mask=off", NULL) && !s.mask);
	assert_true(settings_assign(&s, "oov=", NULL) && !s.oov);
	settings_release(&s);
}

/* Writes an INI file, loads it, and compares the message (NULL: none). */
static void load(const char *text, const char *says, struct settings *s)
{
	char path[] = "/tmp/sluice-settings-test.ini";
	struct err err = {0};
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	settings_default(s);
	if (settings_load(s, path, &err) != !says)
		fail_msg("'%s': %s", text, says ? "was taken" : err.msg);
	if (says && !strstr(err.msg, says))
		fail_msg("'%s' does not say '%s'", err.msg, says);
	unlink(path);
}

static void files_are_read_with_line_numbers(void **state)
{
	static char longest[5000];
	struct settings s;

	(void)state;
	load("; a comment\n# another\nhidden = 7\n\ncell = article ; behind\ndata = x.tsv\n", NULL,
	     &s);
	assert_int_equal(s.hidden, 7);
	assert_string_equal(settings_cell(&s)->name, "article");
	assert_string_equal(s.data, "/tmp/x.tsv"); /* relative to the file */
	settings_release(&s);
	load("data = /abs/x.tsv\n", NULL, &s);
	assert_string_equal(s.data, "/abs/x.tsv");
	settings_release(&s);
	load("hidden = 7\nhiden = 8\n",
	     "test.ini:2: there is no setting 'hiden'; did you mean hidden?", &s);
	settings_release(&s);
	load("\n\nlr = fast\n", "test.ini:3: lr takes a number", &s);
	settings_release(&s);
	load("[model]\nlr = 1\n", "no sections", &s);
	settings_release(&s);
	load("hidden\n", "test.ini:1: not of the form", &s);
	settings_release(&s);
	memset(longest, 'x', sizeof(longest) - 1);
	load(longest, "longer than", &s);
	settings_release(&s);
	settings_default(&s);
	assert_false(settings_load(&s, "/tmp/there/is/none.ini", NULL));
	settings_release(&s);
}

/* Numbers whose default is the method's own. */
static void some_numbers_can_be_unset(void **state)
{
	static const char *const name[] = {"init_range", "forget_bias", "beta1",
					   "beta2",      "eps",         "weight_decay"};
	struct settings s;
	struct buf text = {0};

	(void)state;
	settings_default(&s);
	for (size_t k = 0; k < sizeof(name) / sizeof(name[0]); k++) {
		const struct setting *w = setting_find(name[k]);

		assert_false(settings_get(&s, w, &text));
		assert_true(settings_set(&s, name[k], "0.25", NULL));
		assert_true(settings_get(&s, w, &text));
		assert_string_equal(buf_str(&text), "0.25");
		buf_clear(&text);
		assert_true(settings_set(&s, name[k], "", NULL));
		assert_false(settings_get(&s, w, &text));
	}
	assert_true(s.beta1 != s.beta1);
	refused(&s, "lr=", "a number");
	refused(&s, "beta1=nan", "a number");
	refused(&s, "beta1=1", "the nearest is 0.999999");
	refused(&s, "eps=0", "the nearest is 1e-30");
	buf_release(&text);
	settings_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_default_reads_back),
		cmocka_unit_test(wrong_ones_are_refused_with_the_nearest_right_one),
		cmocka_unit_test(some_numbers_can_be_unset),
		cmocka_unit_test(files_are_read_with_line_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

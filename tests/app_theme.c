/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/theme.h"
#include "tests/unit.h"

#include <locale.h>
#include <math.h>
#include <unistd.h>

/* Loads text as a theme file; the path of it in messages is cut off. */
static bool load(struct theme *t, const char *text, struct err *err)
{
	char path[] = "/tmp/sluice-theme-XXXXXX";
	const int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	bool ok;

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	ok = theme_load(t, path, err);
	unlink(path);
	if (!ok) {
		assert_int_equal(strncmp(err->msg, path, strlen(path)), 0);
		memmove(err->msg, err->msg + strlen(path), strlen(err->msg + strlen(path)) + 1);
	}
	return ok;
}

static void refused(const char *text, const char *want)
{
	struct theme t, before;
	struct err err = {0};

	memset(&t, 0x5a, sizeof(t));
	before = t;
	assert_false(load(&t, text, &err));
	assert_string_equal(err.msg, want);
	assert_int_equal(err.code, ERR_INPUT);
	assert_memory_equal(&t, &before, sizeof(t));
}

static bool same_ramp(const struct ramp *a, const struct ramp *b)
{
	return a->count == b->count && !memcmp(a->at, b->at, (size_t)a->count * sizeof(a->at[0]));
}

static void default_theme_is_the_file(void **state)
{
	struct theme t, file;
	struct err err = {0};

	(void)state;
	theme_default(&t);
	if (!theme_load(&file, "themes/default.theme", &err))
		fail_msg("%s", err.msg);
	assert_string_equal(file.name, t.name);
	for (int k = 0; k < ROLE_COUNT; k++) {
		const struct style a = theme_style(&t, (enum role)k),
				   b = theme_style(&file, (enum role)k);

		if (a.fg != b.fg || a.bg != b.bg || a.attr != b.attr)
			fail_msg("%s differs", role_name((enum role)k));
	}
	assert_true(same_ramp(&t.heat_unit, &file.heat_unit));
	assert_true(same_ramp(&t.heat_signed, &file.heat_signed));
	assert_true(same_ramp(&t.series, &file.series));
	assert_true(t.heat_unit.count >= 12 && t.heat_signed.count >= 12 && t.series.count >= 6);
}

static void shipped_themes_load_and_name_every_role(void **state)
{
	static const char *const name[] = {"default", "dark", "light", "mono"};

	(void)state;
	for (size_t k = 0; k < sizeof(name) / sizeof(name[0]); k++) {
		char path[64], line[256], key[64];
		unsigned long long seen = 0;
		struct theme t;
		struct err err = {0};
		FILE *f;

		snprintf(path, sizeof(path), "themes/%s.theme", name[k]);
		if (!theme_load(&t, path, &err))
			fail_msg("%s", err.msg);
		assert_string_equal(t.name, name[k]);
		f = fopen(path, "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f))
			for (int j = 0; j < ROLE_COUNT; j++)
				if (sscanf(line, "%63s =", key) == 1 &&
				    !strcmp(key, role_name((enum role)j)))
					seen |= 1ULL << j;
		fclose(f);
		assert_true(seen == (1ULL << ROLE_COUNT) - 1);
	}
}

static void words_of_a_theme(void **state)
{
	struct theme t;
	struct err err = {0};

	(void)state;
	assert_true(
		load(&t,
		     "# comment\n\n\tframe = bright_blue #01aBff dim italic\r\n  text = 7 ; data\n"
		     "series = red 255 #000000\nheat_signed: 1 2 3",
		     &err));
	assert_int_equal(t.style[ROLE_frame].fg, 12);
	assert_int_equal(t.style[ROLE_frame].bg, COLOUR_RGB(0x01abff));
	assert_int_equal(t.style[ROLE_frame].attr, ATTR_DIM | ATTR_ITALIC);
	assert_int_equal(t.style[ROLE_text].fg, 7);
	assert_int_equal(t.style[ROLE_text].bg, COLOUR_DEFAULT);
	assert_int_equal(t.series.count, 3);
	assert_int_equal(t.heat_signed.at[2], 3);
	assert_int_equal(t.style[ROLE_strong].attr, ATTR_BOLD); /* not named: as built in */
}

static void errors_name_line_and_key(void **state)
{
	char text[400];
	struct theme t;
	struct err err = {0};

	(void)state;
	refused("text = 1\nfram = red\n", ":2: a theme has no role 'fram'; did you mean frame?");
	refused("qwertyuiop = red\n", ":1: a theme has no role 'qwertyuiop'");
	refused("\n\ntext = gren\n",
		":3: text has no colour or attribute 'gren'; did you mean green?");
	refused("text = 256\n", ":1: text has no colour or attribute '256'");
	refused("text = -1\n", ":1: text has no colour or attribute '-1'");
	refused("text = #12345\n", ":1: text has no colour or attribute '#12345'");
	refused("text = 1 2 3\n", ":1: text has a third colour, '3'; two are enough");
	refused("text = bold\n", ":1: text begins with a colour; `default` is the terminal's own");
	refused("text =\n", ":1: text begins with a colour; `default` is the terminal's own");
	refused("text = 1 bold 2\n", ":1: text: the colour '2' comes before attributes");
	refused("text\n", ":1: not of the form role = colours");
	refused("[colours]\ntext = 1\n", ":2: text: a theme has no sections; remove [colours]");
	refused("heat_unit = 1\n", ":1: heat_unit takes two colours or more");
	refused("heat_unit = 1 default\n", ":1: heat_unit takes colours of its own, not `default`");
	refused("heat_signed = 1 2\n",
		":1: heat_signed takes an odd number of colours, its middle is 0; not 2");
	refused("series = 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
		":1: series has more than 32 colours");
	memset(text, ' ', sizeof(text));
	memcpy(text, "\ntext = red", 11);
	text[398] = '\n';
	text[399] = '\0';
	assert_false(load(&t, text, &err));
	assert_int_equal(strncmp(err.msg, ":2: the line is longer than", 27), 0);
	assert_false(theme_load(&t, "/nowhere/x.theme", &err));
	assert_string_equal(err.msg,
			    "cannot read the theme /nowhere/x.theme: No such file or directory");
	assert_false(theme_load(&t, "/tmp", &err));
	assert_false(theme_load(&t, "/tmp", NULL));
}

static void ramps_clamp_and_centre(void **state)
{
	struct theme t;

	(void)state;
	theme_default(&t);
	assert_int_equal(theme_unit(&t, -3), t.heat_unit.at[0]);
	assert_int_equal(theme_unit(&t, INFINITY), t.heat_unit.at[t.heat_unit.count - 1]);
	assert_int_equal(theme_unit(&t, 1), t.heat_unit.at[t.heat_unit.count - 1]);
	assert_int_equal(theme_unit(&t, NAN), t.heat_unit.at[t.heat_unit.count / 2]);
	assert_int_equal(theme_signed(&t, 0), t.heat_signed.at[t.heat_signed.count / 2]);
	assert_int_equal(theme_signed(&t, NAN), theme_signed(&t, 0));
	assert_int_equal(theme_signed(&t, -INFINITY), t.heat_signed.at[0]);
	assert_int_equal(theme_signed(&t, 1), t.heat_signed.at[t.heat_signed.count - 1]);
}

/* Relative luminance of 0xrrggbb. */
static double light(int rgb)
{
	const double weight[] = {0.2126, 0.7152, 0.0722};
	double sum = 0;

	for (int k = 0; k < 3; k++) {
		const double v = (rgb >> (16 - 8 * k) & 0xff) / 255.0;

		sum += weight[k] * (v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
	}
	return sum;
}

static void heat_is_ordered_and_readable(void **state)
{
	struct theme t;

	(void)state;
	theme_default(&t);
	for (int k = 0; k < t.heat_unit.count; k++) {
		const int rgb = t.heat_unit.at[k] & 0xffffff,
			  ink = theme_ink(t.heat_unit.at[k]) & 0xffffff;
		const double a = light(rgb), b = light(ink);

		assert_true((fmax(a, b) + 0.05) / (fmin(a, b) + 0.05) >= 4.5);
		assert_true(!k || a > light(t.heat_unit.at[k - 1] & 0xffffff));
	}
	for (int k = 1; k < t.heat_signed.count; k++) {
		const double step = light(t.heat_signed.at[k] & 0xffffff) -
				    light(t.heat_signed.at[k - 1] & 0xffffff);

		assert_true(k <= t.heat_signed.count / 2 ? step < 0 : step > 0);
	}
	assert_int_equal(theme_ink(COLOUR_DEFAULT), COLOUR_DEFAULT);
	assert_int_equal(theme_ink(231), COLOUR_RGB(0));
	assert_int_equal(theme_ink(16), COLOUR_RGB(0xffffff));
}

static void nearest_of_256(void **state)
{
	(void)state;
	for (int pass = 0; pass < 2; pass++) /* what was found before is found again */
		for (int k = 16; k < 256; k++)
			assert_int_equal(theme_rgb256(theme_nearest256(theme_rgb256(k))),
					 theme_rgb256(k));
	assert_int_equal(theme_nearest256(0), 16);
	assert_int_equal(theme_nearest256(0xffffff), 231);
	assert_int_equal(theme_nearest256(0x015e88), 24);
	assert_int_equal(theme_rgb256(9), 0xff0000);
	assert_int_equal(theme_rgb256(300), 0);
}

static void roles_have_names(void **state)
{
	(void)state;
	assert_string_equal(role_name(ROLE_gate_f), "gate_f");
	assert_string_equal(role_help(ROLE_gate_f), "forget gate");
	assert_string_equal(role_name(ROLE_COUNT), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_theme_is_the_file),
		cmocka_unit_test(shipped_themes_load_and_name_every_role),
		cmocka_unit_test(words_of_a_theme),
		cmocka_unit_test(errors_name_line_and_key),
		cmocka_unit_test(ramps_clamp_and_centre),
		cmocka_unit_test(heat_is_ordered_and_readable),
		cmocka_unit_test(nearest_of_256),
		cmocka_unit_test(roles_have_names),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

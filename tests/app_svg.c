/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures as SVG: well formed whatever the names are, every number once, nothing that is not there. */
#include "app/answer/output.h"
#include "app/answer/svg.h"
#include "tests/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int count(const char *text, const char *what)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

/* Every element is closed in its place, and no bare sign stands in a text. */
static void assert_well_formed(const char *xml)
{
	char open[16][16];
	int depth = 0;

	while (*xml) {
		if (*xml != '<') {
			assert_true((unsigned char)*xml >= 0x20 || *xml == '\n');
			assert_int_not_equal(*xml, '>');
			if (*xml == '&')
				assert_true(!strncmp(xml, "&lt;", 4) || !strncmp(xml, "&gt;", 4) ||
					    !strncmp(xml, "&amp;", 5) ||
					    !strncmp(xml, "&quot;", 6));
			xml++;
			continue;
		}
		const char *end = strchr(xml, '>');
		const bool close = xml[1] == '/', empty = end[-1] == '/';
		const char *name = xml + 1 + close;
		const int n = (int)strcspn(name, " />\n");

		assert_non_null(end);
		if (close) {
			assert_true(depth > 0);
			depth--;
			assert_int_equal(strlen(open[depth]), n);
			assert_memory_equal(open[depth], name, n);
		} else if (!empty) {
			assert_true(depth < 16 && n < 16);
			snprintf(open[depth++], 16, "%.*s", n, name);
		}
		xml = end + 1;
	}
	assert_int_equal(depth, 0);
}

static void heat_maps_are_drawn(void **state)
{
	struct figure *f = figure_heat(2, 3, "a <title> & more");
	struct buf out = {0};
	(void)state;

	figure_name_col(f, 0, "<pad>", 5);
	figure_name_col(f, 1, "不\"好", 7);
	figure_name_col(f, 2, "a\tb", 3);
	f->is_signed = true;
	f->v[0] = -0.5;
	f->v[1] = 0.25;
	f->v[5] = 2;
	assert_true(figure_limit(f) == 2);
	svg_write(&out, &f, 1);
	assert_well_formed(buf_str(&out));
	assert_int_equal(count(buf_str(&out), "a &lt;title&gt; &amp; more"), 1);
	assert_int_equal(count(buf_str(&out), "</title></rect>"), 6);
	assert_int_equal(count(buf_str(&out), ": none</title>"), 3);
	assert_int_equal(count(buf_str(&out), "1 · 2: 2</title>") +
				 count(buf_str(&out), "1 · a b: 2</title>"),
			 1);
	assert_int_equal(count(buf_str(&out), "不&quot;好"), 3); /* above, and in two tooltips */
	assert_null(strchr(buf_str(&out), '\t'));
	buf_release(&out);
	figure_free(f);
}

static void plots_are_drawn(void **state)
{
	struct figure *f = figure_plot("share open", "share shut", "f"), *both[2];
	struct buf out = {0};
	double lo, hi;
	(void)state;

	assert_false(figure_range_x(f, &lo, &hi));
	svg_write(&out, &f, 1);
	assert_well_formed(buf_str(&out));
	assert_int_equal(count(buf_str(&out), "no numbers to draw"), 1);
	buf_clear(&out);
	figure_series(f, "l0.fw", false);
	figure_series(f, "path", true);
	figure_point(f, 0, 0.5, 0.25, "f[3]");
	figure_point(f, 0, NAN, 0.25, "f[4]");
	figure_point(f, 1, -1, 3, NULL);
	figure_point(f, 1, 2, INFINITY, NULL);
	figure_point(f, 1, 2, -3, NULL);
	assert_true(figure_range_x(f, &lo, &hi) && lo == -1 && hi == 2);
	assert_true(figure_range_y(f, &lo, &hi) && lo == -3 && hi == 3);
	both[0] = f;
	both[1] = figure_heat(1, 1, "below it");
	svg_write(&out, both, 2);
	assert_well_formed(buf_str(&out));
	assert_int_equal(count(buf_str(&out), "r=\"3\""), 3); /* what is finite */
	assert_int_equal(count(buf_str(&out), ">f[3]: 0.500, 0.250<"), 1);
	assert_int_equal(count(buf_str(&out), ">l0.fw</text>"), 1);
	assert_int_equal(count(buf_str(&out), "below it"), 1);
	assert_null(strstr(buf_str(&out), "nan"));
	assert_null(strstr(buf_str(&out), "inf"));
	buf_release(&out);
	figure_free(f);
	figure_free(both[1]);
}

static char *written(bool picture, bool *ok, struct err *err)
{
	struct output o;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	output_open(&o, OUTPUT_SVG, f, NULL);
	assert_true(output_has_pictures(&o));
	output_columns(&o, (const char *const[]){"a"}, 1);
	output_row(&o, (struct value[]){value_int(1)});
	output_figure(&o, picture ? figure_heat(1, 1, "one") : NULL);
	*ok = output_close(&o, err);
	fclose(f);
	return text;
}

static void answers_have_pictures(void **state)
{
	struct err err = {0};
	bool ok;
	char *text = written(true, &ok, &err);
	(void)state;

	assert_true(ok);
	assert_int_equal(strncmp(text, "<svg ", 5), 0);
	free(text);
	text = written(false, &ok, &err);
	assert_false(ok);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(text, "");
	free(text);
}

/* Minus signs are those of formulas, what is 0 as printed has none; a map of zeros has a scale. */
static void numbers_are_readable(void **state)
{
	struct figure *f = figure_heat(1, 2, "zeros");
	struct buf out = {0};
	(void)state;

	f->is_signed = true;
	f->v[0] = f->v[1] = 0;
	svg_write(&out, &f, 1);
	assert_int_equal(count(buf_str(&out), ">−1</text>"), 1);
	assert_null(strstr(buf_str(&out), "e-"));
	buf_clear(&out);
	f->v[0] = -1e-4;
	f->v[1] = -0.75;
	svg_write(&out, &f, 1);
	assert_int_equal(count(buf_str(&out), ">0.000</text>"), 1);
	assert_int_equal(count(buf_str(&out), ">−0.750</text>"),
			 2); /* in its cell, and at the scale */
	buf_release(&out);
	figure_free(f);
}

/* Of names that would lie on each other the first is written. */
static void names_keep_off_each_other(void **state)
{
	struct figure *f = figure_plot("x", "y", "f");
	struct buf out = {0};
	(void)state;

	figure_series(f, "a", false);
	figure_point(f, 0, 0, 0, "left");
	figure_point(f, 0, 0.001, 0, "hidden");
	figure_point(f, 0, 1, 1, "right");
	svg_write(&out, &f, 1);
	assert_int_equal(count(buf_str(&out), ">left</text>"), 1);
	assert_int_equal(count(buf_str(&out), ">hidden</text>"), 0);
	assert_int_equal(count(buf_str(&out), ">hidden: "), 1); /* it is told at the point */
	assert_int_equal(count(buf_str(&out), ">right</text>"), 1);
	buf_release(&out);
	figure_free(f);
}

static void pictures_are_shared(void **state)
{
	struct figure *f = figure_heat(1, 1, "%d of %d", 1, 2);
	(void)state;

	assert_string_equal(f->title, "1 of 2");
	figure_free(figure_ref(f)); /* that reference alone */
	f->v[0] = 1;
	assert_true(figure_limit(f) == 1);
	figure_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heat_maps_are_drawn),       cmocka_unit_test(plots_are_drawn),
		cmocka_unit_test(answers_have_pictures),     cmocka_unit_test(numbers_are_readable),
		cmocka_unit_test(names_keep_off_each_other), cmocka_unit_test(pictures_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* examples_read: from the cells of a grid, or from the objects of a JSON lines file. */
#include "engine/base/mem.h"
#include "engine/text/corpus.h"
#include "engine/text/detect.h"
#include "engine/text/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[DATA_FORMAT_COUNT] = {
	"auto", "label-tab-text", "text-tab-label", "label-text",
	"csv",  "jsonl",          "text",           "parallel"};

const char *data_format_name(enum data_format f)
{
	return names[f];
}

int data_format_find(const char *name)
{
	for (int k = 0; k < DATA_FORMAT_COUNT; k++)
		if (!strcmp(names[k], name))
			return k;
	return -1;
}

static void add(struct examples *ex, const char *text, size_t n, char *label, size_t line)
{
	ex->at = mem_grow(ex->at, &ex->cap, ex->count + 1, sizeof(*ex->at));
	ex->at[ex->count++] = (struct example){mem_bytes(text, n), n, label, line};
}

/* The bytes without white space around them, owned; NULL if nothing is left. */
static char *trimmed(const char *s, size_t n)
{
	while (n && strchr(" \t\r\n", s[n - 1]))
		n--;
	while (n && strchr(" \t\r\n", *s)) {
		s++;
		n--;
	}
	return n ? mem_bytes(s, n) : NULL;
}

static bool no_label(const char *name, size_t line, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s:%zu: the label is empty", name, line);
}

/* Why a row has no cell where the text or the label should be. */
static bool short_row(const struct input *in, const struct plan *p, size_t line, int width,
		      struct err *err)
{
	int last = p->label > p->text ? p->label : p->text;

	if (p->cut == CUT_FIRST_SPACE)
		return err_set(err, ERR_INPUT,
			       "%s:%zu: no text behind the label (LABEL, a space, TEXT)", in->name,
			       line);
	if (p->cut == CUT_FIRST_TAB || p->cut == CUT_LAST_TAB)
		return err_set(err, ERR_INPUT, "%s:%zu: no tab between label and text", in->name,
			       line);
	return err_set(err, ERR_INPUT, "%s:%zu: %d column%s where %d are needed", in->name, line,
		       width, width == 1 ? "" : "s", last + 1);
}

static bool take_grid(struct examples *ex, const struct input *in, const struct plan *p,
		      const struct read_options *opt, const struct grid *g, struct err *err)
{
	for (size_t r = p->header; r < g->rows; r++) {
		size_t line = g->row[r].line;
		int width = grid_width(g, r);
		char *label = NULL;
		struct cell c;

		if (p->label >= width || p->text >= width)
			return short_row(in, p, line, width, err);
		if (p->format == DATA_CSV && width > grid_width(g, 0))
			return err_set(
				err, ERR_INPUT,
				"%s:%zu: %d columns where the first row has %d; a text with a "
				"separator in it needs quotes around it",
				in->name, line, width, grid_width(g, 0));
		if (p->label >= 0 && !opt->stream) {
			c = grid_cell(g, r, p->label);
			label = trimmed(c.s, c.n);
			if (!label && opt->need_labels)
				return no_label(in->name, line, err);
		}
		c = grid_cell(g, r, p->text);
		add(ex, c.s, c.n, label, line);
	}
	return true;
}

/* The label a JSON value stands for, owned; of a list its first element. NULL if it is none. */
static char *json_label(const json_t *v)
{
	if (json_is_array(v))
		v = json_array_get(v, 0);
	if (json_is_string(v))
		return trimmed(json_string_value(v), json_string_length(v));
	if (json_is_integer(v))
		return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	if (json_is_real(v))
		return mem_printf("%.15g", json_real_value(v));
	if (json_is_boolean(v))
		return mem_text(json_is_true(v) ? "true" : "false");
	return NULL;
}

/* The usual name that an object has, or NULL. */
static const char *usual_key(const json_t *row, const char *const list[])
{
	for (int k = 0; list[k]; k++)
		if (json_object_get(row, list[k]))
			return list[k];
	return NULL;
}

/* "a, b, c": the names in an object. */
static void list_keys(json_t *row, struct buf *out)
{
	const char *key;
	json_t *value;

	json_object_foreach(row, key, value) buf_printf(out, "%s%.40s", out->len ? ", " : "", key);
}

/* Chooses the names of text and label from the first row. */
static bool choose_keys(const struct input *in, const struct read_options *opt, json_t *row,
			const char **text, const char **label, struct err *err)
{
	const char *const *missing = NULL;
	struct buf all = {0};

	*text = opt->text_column ? opt->text_column : usual_key(row, usual_texts);
	*label = opt->stream         ? NULL
		 : opt->label_column ? opt->label_column
				     : usual_key(row, usual_labels);
	if (!*text || !json_object_get(row, *text))
		missing = text;
	else if (*label ? !json_object_get(row, *label) : opt->need_labels)
		missing = label;
	if (!missing)
		return true;
	list_keys(row, &all);
	err_set(err, ERR_INPUT, "%s: no %s column%s%s%s among %.200s (set %s_column)", in->name,
		missing == text ? "text" : "label", *missing ? " '" : "", *missing ? *missing : "",
		*missing ? "'" : "", buf_str(&all), missing == text ? "text" : "label");
	buf_release(&all);
	return false;
}

static bool take_row(struct examples *ex, const struct input *in, const struct read_options *opt,
		     const json_t *row, size_t line, const char *text_key, const char *label_key,
		     struct err *err)
{
	const json_t *text = json_object_get(row, text_key), *value;
	char *label;

	if (!json_is_string(text))
		return err_set(err, ERR_INPUT, "%s:%zu: '%.40s' is %s", in->name, line, text_key,
			       text ? "not a string" : "missing");
	value = label_key ? json_object_get(row, label_key) : NULL;
	label = json_label(value);
	if (!label && value && !json_is_null(value) && !json_is_string(value))
		return err_set(err, ERR_INPUT,
			       "%s:%zu: '%.40s' is no label: not a string or number", in->name,
			       line, label_key);
	if (!label && opt->need_labels)
		return no_label(in->name, line, err);
	add(ex, json_string_value(text), json_string_length(text), label, line);
	return true;
}

static bool read_json(struct examples *ex, const struct input *in, const struct read_options *opt,
		      struct err *err)
{
	const char *text = NULL, *label = NULL;
	struct line l = {0};
	bool ok = true;

	while (ok && input_next_filled(in, &l)) {
		json_error_t why;
		json_t *row = json_loadb(l.s, l.n, JSON_ALLOW_NUL, &why);

		if (!row)
			ok = err_set(
				err, ERR_INPUT,
				"%s:%zu: broken JSON: %s (column %d); one object a line is wanted",
				in->name, l.number, why.text, why.column);
		else if (!json_is_object(row))
			ok = err_set(err, ERR_INPUT, "%s:%zu: not a JSON object", in->name,
				     l.number);
		else if (!text)
			ok = choose_keys(in, opt, row, &text, &label, err);
		if (ok)
			ok = take_row(ex, in, opt, row, l.number, text, label, err);
		json_decref(row);
	}
	return ok;
}

static bool read_plan(struct examples *ex, const struct input *in, const struct plan *p,
		      const struct read_options *opt, struct err *err)
{
	struct grid g = {0};
	bool ok;

	if (p->format == DATA_JSONL)
		return read_json(ex, in, opt, err);
	if (opt->need_labels && p->label < 0)
		return err_set(err, ERR_INPUT,
			       "%s: no column of labels found (set label_column, or data_format)",
			       in->name);
	ok = grid_read(&g, in, p->cut, SIZE_MAX, err) && take_grid(ex, in, p, opt, &g, err);
	grid_release(&g);
	if (ok && !ex->count)
		ok = err_set(err, ERR_INPUT, "%s: has a line of names and no rows", in->name);
	return ok;
}

bool examples_read(struct examples *ex, const char *path, const struct read_options *opt,
		   struct err *err)
{
	struct input in;
	struct line l = {0};
	struct plan p = {0};
	bool ok;

	*ex = (struct examples){0};
	ok = input_read(&in, path, err) && detect(&in, opt, &p, err) &&
	     read_plan(ex, &in, &p, opt, err);
	if (ok) {
		size_t filled = 0;

		while (input_next_filled(&in, &l))
			filled++;
		ex->skipped_lines = p.cut == CUT_LINES ? 0 : l.number - filled;
		ex->format = p.format;
		ex->path = mem_text(path);
		ex->bytes = in.bytes;
		ex->bad_bytes = in.bad_bytes;
		memcpy(ex->sha256, in.sha256, SHA256_BYTES);
		ex->warnings = in.warnings;
		in.warnings = (struct buf){0};
	} else {
		examples_release(ex);
		if (err)
			utf8_line(err->msg);
	}
	input_release(&in);
	return ok;
}

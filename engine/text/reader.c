/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows from the cells of a grid, or from the objects of a JSON lines file. */
#include "engine/text/reader.h"

#include "engine/base/mem.h"
#include "engine/text/columns.h"
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

/* Where rows go. */
struct sink {
	row_fn *take;
	void *arg;
	size_t count;
};

/* Gives a row away; the label is freed. */
static bool give(struct sink *to, const struct row *row, char *label, struct err *err)
{
	bool ok;

	to->count++;
	ok = to->take(to->arg, row, err);
	free(label);
	return ok;
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

/* Takes the one row of the grid. */
static bool take_cells(struct sink *to, const struct input *in, const struct plan *p,
		       const struct read_options *opt, const struct grid *g, int first_width,
		       struct err *err)
{
	const size_t line = g->row[0].line;
	const int width = grid_width(g, 0);
	char *label = NULL;
	struct cell c;

	if (p->label >= width || p->text >= width)
		return short_row(in, p, line, width, err);
	if (p->format == DATA_CSV && width > first_width)
		return err_set(err, ERR_INPUT,
			       "%s:%zu: %d columns where the first row has %d; a text with a "
			       "separator in it needs quotes around it",
			       in->name, line, width, first_width);
	if (p->label >= 0 && !opt->stream) {
		c = grid_cell(g, 0, p->label);
		label = trimmed(c.s, c.n);
		if (!label && opt->need_labels)
			return no_label(in->name, line, err);
	}
	c = grid_cell(g, 0, p->text);
	return give(to, &(struct row){c.s, c.n, label, line, g->line.open}, label, err);
}

static bool read_grid(struct sink *to, struct input *in, const struct plan *p,
		      const struct read_options *opt, struct err *err)
{
	bool ok = true, header = p->header;
	int first_width = 0;
	struct grid g;

	grid_open(&g, in, p->cut);
	for (; ok && grid_next(&g); grid_forget(&g)) {
		if (!first_width)
			first_width = grid_width(&g, 0);
		if (!header)
			ok = take_cells(to, in, p, opt, &g, first_width, err);
		header = false;
	}
	ok = ok && grid_whole(&g, err);
	grid_release(&g);
	return ok;
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

static bool take_object(struct sink *to, const struct input *in, const struct read_options *opt,
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
	return give(to,
		    &(struct row){json_string_value(text), json_string_length(text), label, line,
				  false},
		    label, err);
}

static bool read_json(struct sink *to, struct input *in, const struct read_options *opt,
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
			ok = take_object(to, in, opt, row, l.number, text, label, err);
		json_decref(row);
	}
	return ok;
}

static bool read_plan(struct sink *to, struct input *in, const struct plan *p,
		      const struct read_options *opt, struct err *err)
{
	input_walk(in);
	if (p->format == DATA_JSONL)
		return read_json(to, in, opt, err);
	if (opt->need_labels && p->label < 0)
		return err_set(err, ERR_INPUT,
			       "%s: no column of labels found (set label_column, or data_format)",
			       in->name);
	return read_grid(to, in, p, opt, err) &&
	       (to->count ||
		err_set(err, ERR_INPUT, "%s: has a line of names and no rows", in->name));
}

bool data_read(struct data_file *f, const char *path, const struct read_options *opt,
	       enum pieces pieces, row_fn *take, void *arg, struct err *err)
{
	struct sink to = {take, arg, 0};
	struct plan p = {0};
	struct input in;
	bool ok;

	*f = (struct data_file){0};
	ok = input_open(&in, path, err);
	if (ok) {
		const bool lines =
			opt->stream && (opt->format == DATA_AUTO || opt->format == DATA_TEXT);

		in.pieces = lines ? pieces : PIECES_NONE;
		ok = detect(&in, opt, &p, err) && read_plan(&to, &in, &p, opt, err);
		/* Lines that could not be read are behind any other trouble. */
		if (ok || in.error)
			ok = input_close(&in, f->sha256, err);
	}
	if (ok) {
		f->format = p.format;
		f->path = mem_text(path);
		f->bytes = in.bytes;
		f->bad_bytes = in.bad_bytes;
		f->skipped_lines = p.cut == CUT_LINES ? 0 : in.blank;
		f->warnings = in.warnings;
		in.warnings = (struct buf){0};
	} else if (err) {
		utf8_line(err->msg);
	}
	input_release(&in);
	return ok;
}

/* Texts that are kept, of a path. */
struct keeping {
	struct examples *ex;
	const char *path;
	int64_t bytes;
};

static bool keep(void *arg, const struct row *row, struct err *err)
{
	const int64_t most = (int64_t)2 << 30;
	struct keeping *k = arg;
	struct examples *ex = k->ex;

	k->bytes += (int64_t)row->n + 1;
	if (k->bytes > most)
		return err_set(err, ERR_INPUT, "%s: larger than 2 GiB; split it",
			       data_path_name(k->path));
	ex->at = mem_grow(ex->at, &ex->cap, ex->count + 1, sizeof(*ex->at));
	ex->at[ex->count++] = (struct example){mem_bytes(row->text, row->n), row->n,
					       row->label ? mem_text(row->label) : NULL, row->line};
	return true;
}

bool examples_read(struct examples *ex, const char *path, const struct read_options *opt,
		   struct err *err)
{
	struct keeping k = {ex, path, 0};

	*ex = (struct examples){0};
	if (data_read(&ex->file, path, opt, PIECES_NONE, keep, &k, err))
		return true;
	examples_release(ex);
	return false;
}

void examples_release(struct examples *ex)
{
	for (size_t k = 0; k < ex->count; k++) {
		free(ex->at[k].text);
		free(ex->at[k].label);
	}
	free(ex->at);
	data_file_release(&ex->file);
	*ex = (struct examples){0};
}

void data_file_release(struct data_file *f)
{
	free(f->path);
	buf_release(&f->warnings);
	*f = (struct data_file){0};
}

const char *data_file_name(const struct data_file *f)
{
	return f->path ? data_path_name(f->path) : "the data";
}

const char *data_path_name(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

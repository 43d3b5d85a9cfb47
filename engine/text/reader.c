/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows from the cells of a grid, from JSON objects, or from the lines of two files. */
#include "engine/text/reader.h"

#include "engine/base/mem.h"
#include "engine/text/detect.h"
#include "engine/text/sink.h"
#include "engine/text/utf8.h"

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
static bool take_cells(struct sink *to, struct input *in, const struct plan *p,
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
	if (opt->need_pairs) {
		const struct cell target = grid_cell(g, 0, p->label);

		c = grid_cell(g, 0, p->text);
		return sink_pair(to, in, in,
				 &(struct row){.text = c.s,
					       .n = c.n,
					       .line = line,
					       .target = target.s,
					       .target_n = target.n},
				 err);
	}
	if (p->label >= 0 && !opt->stream) {
		c = grid_cell(g, 0, p->label);
		label = text_trimmed(c.s, c.n);
		if (!label && opt->need_labels)
			return sink_no_label(in->name, line, err);
	}
	c = grid_cell(g, 0, p->text);
	return sink_give(to, &(struct row){c.s, c.n, label, line, g->line.open, NULL, 0}, label,
			 err);
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

static bool read_plan(struct sink *to, struct input *in, const struct plan *p,
		      const struct read_options *opt, struct err *err)
{
	input_walk(in);
	if (p->format == DATA_JSONL)
		return read_json(to, in, opt, err) && sink_end(to, in, err);
	if (opt->need_labels && p->label < 0)
		return err_set(err, ERR_INPUT,
			       "%s: no column of labels found (set label_column, or data_format)",
			       in->name);
	return read_grid(to, in, p, opt, err) && sink_end(to, in, err) &&
	       (to->count ||
		err_set(err, ERR_INPUT, "%s: has a line of names and no rows", in->name));
}

/* What is remembered of an input that came to its end; takes its warnings. */
static void remember(struct data_file *f, struct input *in, const char *path)
{
	f->path = mem_text(path);
	f->bytes = in->bytes;
	f->bad_bytes = in->bad_bytes;
	f->warnings = in->warnings;
	in->warnings = (struct buf){0};
}

static bool read_one(struct data_file *f, struct sink *to, const char *path,
		     const struct read_options *opt, enum pieces pieces, struct err *err)
{
	struct plan p = {0};
	struct input in;
	bool ok = input_open(&in, path, err);

	if (ok) {
		const bool lines =
			opt->stream && (opt->format == DATA_AUTO || opt->format == DATA_TEXT);

		in.pieces = lines ? pieces : PIECES_NONE;
		ok = detect(&in, opt, &p, err) && read_plan(to, &in, &p, opt, err);
		/* Lines that could not be read are behind any other trouble. */
		if (ok || in.error)
			ok = input_close(&in, f->sha256, err);
	}
	if (ok) {
		f->format = p.format;
		f->skipped_lines = p.cut == CUT_LINES ? 0 : in.blank;
		remember(f, &in, path);
	}
	input_release(&in);
	return ok;
}

/* Gives away line n of one input with line n of the other: both have as many. */
static bool read_lines(struct sink *to, struct input in[2], struct err *err)
{
	struct line l[2] = {{0}};
	bool more[2], ok = true;

	for (int k = 0; k < 2; k++)
		input_walk(&in[k]);
	for (;;) {
		for (int k = 0; k < 2; k++)
			more[k] = input_next(&in[k], &l[k]);
		if (!more[0] || !more[1] || !ok)
			break;
		if (!input_blank(l[0].s, l[0].n) || !input_blank(l[1].s, l[1].n))
			ok = sink_pair(to, &in[0], &in[1],
				       &(struct row){.text = l[0].s,
						     .n = l[0].n,
						     .line = l[0].number,
						     .target = l[1].s,
						     .target_n = l[1].n},
				       err);
	}
	for (int k = 0; ok && k < 2; k++)
		while (more[k] && input_next(&in[k], &l[k]))
			;
	if (!ok || in[0].error || in[1].error)
		return ok;
	if (l[0].number != l[1].number)
		return err_set(err, ERR_INPUT,
			       "%.180s has %zu lines and %.180s has %zu; line n of the second must "
			       "be the target of line n of the first",
			       in[0].name, l[0].number, in[1].name, l[1].number);
	return sink_end(to, &in[0], err) &&
	       (to->count ||
		err_set(err, ERR_INPUT, "%s: has no text in it, only blank lines", in[0].name));
}

static bool goes_with_target(const char *path, const struct read_options *opt, struct err *err)
{
	if (!strcmp(path, "-") && !strcmp(opt->target_path, "-"))
		return err_set(err, ERR_USAGE,
			       "source and target cannot both be standard input: name a file");
	if (opt->format != DATA_AUTO && opt->format != DATA_TEXT)
		return err_set(err, ERR_INPUT,
			       "%s: its targets are in %s, so every line is a text; that is not "
			       "data_format=%s",
			       data_path_name(path), data_path_name(opt->target_path),
			       data_format_name(opt->format));
	if (opt->text_column || opt->label_column)
		return err_set(err, ERR_INPUT,
			       "%s: no column '%s': its targets are in %s, so every line is a text",
			       data_path_name(path),
			       opt->text_column ? opt->text_column : opt->label_column,
			       data_path_name(opt->target_path));
	return true;
}

static bool read_two(struct data_file *f, struct data_file *target, struct sink *to,
		     const char *path, const struct read_options *opt, struct err *err)
{
	const char *const name[] = {path, opt->target_path};
	struct data_file *const file[] = {f, target};
	struct input in[2] = {{0}};
	bool ok = goes_with_target(path, opt, err);

	for (int k = 0; k < 2 && ok; k++)
		ok = input_open(&in[k], name[k], err);
	ok = ok && read_lines(to, in, err);
	for (int k = 0; k < 2; k++)
		if (ok || in[k].error)
			ok = input_close(&in[k], file[k]->sha256, err) && ok;
	for (int k = 0; k < 2; k++) {
		if (ok) {
			file[k]->format = DATA_TEXT;
			file[k]->skipped_lines = in[k].blank;
			remember(file[k], &in[k], name[k]);
		}
		input_release(&in[k]);
	}
	return ok;
}

bool data_read(struct data_file *f, struct data_file *target, const char *path,
	       const struct read_options *opt, enum pieces pieces, row_fn *take, void *arg,
	       struct err *err)
{
	struct read_options own = *opt;
	struct sink to = {.take = take, .arg = arg};
	bool ok;

	*f = *target = (struct data_file){0};
	if (opt->source_column)
		own.text_column = opt->source_column;
	if (opt->target_column)
		own.label_column = opt->target_column;
	ok = opt->need_pairs && opt->target_path ? read_two(f, target, &to, path, &own, err)
						 : read_one(f, &to, path, &own, pieces, err);
	if (!ok && err)
		utf8_line(err->msg);
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

	k->bytes += (int64_t)(row->n + row->target_n) + 1;
	if (k->bytes > most)
		return err_set(err, ERR_INPUT, "%s: larger than 2 GiB; split it",
			       data_path_name(k->path));
	ex->at = mem_grow(ex->at, &ex->cap, ex->count + 1, sizeof(*ex->at));
	ex->at[ex->count++] = (struct example){mem_bytes(row->text, row->n), row->n,
					       row->target  ? mem_bytes(row->target, row->target_n)
					       : row->label ? mem_text(row->label)
							    : NULL,
					       row->line};
	return true;
}

bool examples_read(struct examples *ex, const char *path, const struct read_options *opt,
		   struct err *err)
{
	struct keeping k = {ex, path, 0};

	*ex = (struct examples){0};
	if (data_read(&ex->file, &ex->target, path, opt, PIECES_NONE, keep, &k, err))
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
	data_file_release(&ex->target);
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

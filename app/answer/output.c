/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/answer/output.h"

#include "app/answer/svg.h"
#include "app/tui/canvas.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const format_name[] = {"auto", "table", "csv", "tsv", "json", "ndjson", "svg"};

const char *output_format_name(int index)
{
	return index >= 0 && index <= OUTPUT_SVG ? format_name[index] : NULL;
}

int output_format_find(const char *name)
{
	for (int k = 0; k <= OUTPUT_SVG; k++)
		if (!strcmp(format_name[k], name))
			return k;
	return -1;
}

struct value value_null(void)
{
	return (struct value){.type = VALUE_NULL};
}

struct value value_bytes(const char *s, size_t n)
{
	return (struct value){.type = VALUE_TEXT, .text = s, .n = n};
}

struct value value_text(const char *s)
{
	return s ? value_bytes(s, strlen(s)) : value_null();
}

struct value value_int(int64_t i)
{
	return (struct value){.type = VALUE_INT, .i = i};
}

struct value value_real(double r, int decimals)
{
	if (isnan(r))
		return value_null();
	return (struct value){.type = VALUE_REAL, .r = r, .decimals = decimals};
}

struct value value_power(double r, int decimals)
{
	struct value out = value_real(r, decimals);

	out.power = true;
	return out;
}

struct value value_f32(float v)
{
	struct value out = value_real((double)v, -1);

	out.n = 9;
	return out;
}

void answer_release(struct answer *g)
{
	for (int k = 0; k < g->cols; k++)
		free(g->column[k]);
	for (int k = 0; k < g->rows * g->cols; k++)
		free(g->cell[k].text);
	for (int k = 0; k < g->figures; k++)
		figure_free(g->figure[k]);
	free(g->column);
	free(g->cell);
	free(g->figure);
	*g = (struct answer){0};
}

const struct answer_cell *answer_at(const struct answer *g, int row, int col)
{
	return &g->cell[(size_t)row * (size_t)g->cols + (size_t)col];
}

struct value answer_value(const struct answer *g, int row, int col)
{
	const struct answer_cell *c = answer_at(g, row, col);
	struct value v = c->exact;

	if (v.type == VALUE_TEXT)
		v.text = c->text;
	return v;
}

/* A value as plain text; exact unless for a table. */
static void add_value(struct buf *b, const struct value *v, bool table)
{
	char number[40];

	switch (v->type) {
	case VALUE_NULL:
		break;
	case VALUE_TEXT:
		buf_add(b, v->text, v->n);
		break;
	case VALUE_INT:
		buf_printf(b, "%lld", (long long)v->i);
		break;
	case VALUE_REAL:
		if (table && v->decimals >= 0) {
			buf_printf(b, v->power ? "%.*e" : "%.*f", v->decimals, v->r);
			break;
		}
		snprintf(number, sizeof(number), "%.*g", table ? 6 : v->n ? (int)v->n : 15, v->r);
		if (!table && !v->n && strtod(number, NULL) != v->r)
			snprintf(number, sizeof(number), "%.17g", v->r);
		buf_text(b, number);
		break;
	}
}

void output_open(struct output *o, enum output_format format, FILE *file, struct answer *answer)
{
	*o = (struct output){.format = format, .file = file, .answer = answer};
	if (!file)
		o->format = OUTPUT_TABLE;
	else if (format == OUTPUT_AUTO)
		o->format = isatty(fileno(file)) ? OUTPUT_TABLE : OUTPUT_TSV;
	if (!o->answer)
		o->answer = &o->own;
}

static void csv_field(struct buf *b, const char *s, size_t n)
{
	bool quote = n && (memchr(s, '"', n) || memchr(s, ',', n) || memchr(s, '\n', n) ||
			   memchr(s, '\r', n));

	if (!quote) {
		buf_add(b, s, n);
		return;
	}
	buf_byte(b, '"');
	for (size_t k = 0; k < n; k++) {
		if (s[k] == '"')
			buf_byte(b, '"');
		buf_byte(b, s[k]);
	}
	buf_byte(b, '"');
}

/* tsv has no quoting: what would break a line or a column is shown as an escape. */
static void tsv_field(struct buf *b, const char *s, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		const char *escape = s[k] == '\t'   ? "\\t"
				     : s[k] == '\n' ? "\\n"
				     : s[k] == '\r' ? "\\r"
				     : s[k] == '\\' ? "\\\\"
						    : NULL;

		if (escape)
			buf_text(b, escape);
		else
			buf_byte(b, s[k]);
	}
}

static void plain_field(struct output *o, int col, const char *s, size_t n)
{
	if (col)
		buf_byte(&o->buf, o->format == OUTPUT_CSV ? ',' : '\t');
	if (o->format == OUTPUT_CSV)
		csv_field(&o->buf, s, n);
	else
		tsv_field(&o->buf, s, n);
}

void output_columns(struct output *o, const char *const *name, int cols)
{
	o->cols = cols;
	o->column = mem_zero((size_t)cols + 1, sizeof(char *));
	for (int k = 0; k < cols; k++) {
		int same = 1;

		for (int j = 0; j < k; j++)
			same += !strcmp(name[j], name[k]);
		o->column[k] = same > 1 ? mem_printf("%s_%d", name[k], same) : mem_text(name[k]);
	}
	if (o->format == OUTPUT_TABLE) {
		o->answer->cols = cols;
		o->answer->column = mem_zero((size_t)cols + 1, sizeof(char *));
		for (int k = 0; k < cols; k++)
			o->answer->column[k] = mem_text(o->column[k]);
	} else if (o->format == OUTPUT_CSV || o->format == OUTPUT_TSV) {
		for (int k = 0; k < cols; k++)
			plain_field(o, k, o->column[k], strlen(o->column[k]));
		buf_byte(&o->buf, '\n');
	} else if (o->format == OUTPUT_JSON) {
		buf_byte(&o->buf, '[');
	}
}

static void answer_row(struct answer *g, const struct value *v)
{
	const size_t used = (size_t)g->rows * (size_t)g->cols;

	g->cell = mem_grow(g->cell, &g->cap, used + (size_t)g->cols, sizeof(*g->cell));
	for (int k = 0; k < g->cols; k++) {
		struct buf b = {0};

		add_value(&b, &v[k], true);
		g->cell[used + (size_t)k] = (struct answer_cell){
			b.data ? buf_take(&b) : mem_text(""), v[k].type >= VALUE_INT, v[k]};
		g->cell[used + (size_t)k].exact.text = NULL;
	}
	g->rows++;
}

void value_json(struct json_writer *j, const struct value *v)
{
	if (v->type == VALUE_TEXT)
		jw_text_n(j, v->text, v->n);
	else if (v->type == VALUE_INT)
		jw_int(j, v->i);
	else if (v->type == VALUE_NULL)
		jw_null(j);
	else if (v->n)
		jw_f32(j, (float)v->r);
	else
		jw_f64(j, v->r);
}

static void json_row(struct output *o, const struct value *v)
{
	struct json_writer j = jw_to(&o->buf);

	if (o->format == OUTPUT_JSON)
		buf_text(&o->buf, o->rows ? ",\n " : "\n ");
	jw_object(&j);
	for (int k = 0; k < o->cols; k++) {
		jw_key(&j, o->column[k]);
		value_json(&j, &v[k]);
	}
	jw_object_end(&j);
	if (o->format == OUTPUT_NDJSON)
		buf_byte(&o->buf, '\n');
}

void output_row(struct output *o, const struct value *v)
{
	if (o->format == OUTPUT_SVG)
		return;
	if (o->format == OUTPUT_TABLE) {
		answer_row(o->answer, v);
	} else if (o->format == OUTPUT_CSV || o->format == OUTPUT_TSV) {
		for (int k = 0; k < o->cols; k++) {
			struct buf b = {0};

			add_value(&b, &v[k], false);
			plain_field(o, k, buf_str(&b), b.len);
			buf_release(&b);
		}
		buf_byte(&o->buf, '\n');
	} else {
		json_row(o, v);
	}
	o->rows++;
	if (o->file && o->buf.len > 1 << 16)
		output_flush(o->file, &o->buf, NULL);
}

bool output_has_pictures(const struct output *o)
{
	return !o->file || o->format == OUTPUT_SVG;
}

void output_figure(struct output *o, struct figure *f)
{
	struct answer *g = o->answer;

	if (!f)
		return;
	g->figure = mem_grow(g->figure, &g->figure_cap, (size_t)g->figures + 1, sizeof(void *));
	g->figure[g->figures++] = f;
}

/* A table for a terminal: two spaces between columns, numbers to the right, the last column free. */
static void print_table(struct output *o)
{
	const struct answer *g = o->answer;
	int *width = mem_zero((size_t)g->cols + 1, sizeof(*width));
	bool *number = mem_zero((size_t)g->cols + 1, sizeof(*number));

	for (int k = 0; k < g->cols; k++) {
		width[k] = canvas_width(g->column[k]);
		for (int r = 0; r < g->rows; r++) {
			int w = canvas_width(answer_at(g, r, k)->text);

			width[k] = w > width[k] ? w : width[k];
			number[k] |= answer_at(g, r, k)->number && !o->left;
		}
	}
	for (int r = -1; r < g->rows; r++) {
		for (int k = 0; k < g->cols; k++) {
			const char *text = r < 0 ? g->column[k] : answer_at(g, r, k)->text;
			const int room = width[k] - canvas_width(text);

			if (number[k])
				buf_printf(&o->buf, "%*s", room, "");
			for (const char *p = text; *p; p++)
				buf_byte(&o->buf,
					 (unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p);
			if (k + 1 < g->cols)
				buf_printf(&o->buf, "%*s", (number[k] ? 0 : room) + 2, "");
		}
		buf_byte(&o->buf, '\n');
	}
	free(width);
	free(number);
}

bool output_flush(FILE *file, struct buf *b, struct err *err)
{
	bool ok = fwrite(buf_str(b), 1, b->len, file) == b->len && fflush(file) == 0;

	buf_clear(b);
	if (ok || errno == EPIPE)
		return true;
	return err_set(err, ERR_FAILED, "cannot write the answer: %s", strerror(errno));
}

bool output_close(struct output *o, struct err *err)
{
	bool ok = true;

	if (o->format == OUTPUT_SVG) {
		if (o->answer->figures)
			svg_write(&o->buf, o->answer->figure, o->answer->figures);
		ok = o->answer->figures
			     ? output_flush(o->file, &o->buf, err)
			     : !err || err_set(err, ERR_USAGE,
					       "this answer has no picture, and so no svg: "
					       "csv, tsv and json have its rows");
	} else if (o->file && (err || o->rows)) {
		if (o->format == OUTPUT_TABLE)
			print_table(o);
		else if (o->format == OUTPUT_JSON)
			buf_text(&o->buf, o->rows ? "\n]\n" : "]\n");
		ok = output_flush(o->file, &o->buf, err);
	}
	for (int k = 0; k < o->cols; k++)
		free(o->column[k]);
	free(o->column);
	buf_release(&o->buf);
	answer_release(&o->own);
	return ok;
}

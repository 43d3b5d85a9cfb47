/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/outcome.h"

#include "app/answer/svg.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void outcome_release(struct outcome *o)
{
	free(o->file);
	free(o->line);
	buf_release(&o->says);
	buf_release(&o->screen);
	*o = (struct outcome){0};
}

void outcome_say(struct outcome *o, const char *text)
{
	if (o->said)
		buf_byte(&o->says, '\n');
	buf_text(&o->says, text);
	o->said = true;
}

void outcome_where(const struct outcome *o, struct buf *out)
{
	buf_printf(out, "%s:%d", o->file, o->number);
}

static void screen_json(struct json_writer *j, const struct buf *screen)
{
	jw_key(j, "screen");
	jw_array(j);
	for (const char *at = buf_str(screen); *at;) {
		const size_t n = strcspn(at, "\n");

		jw_text_n(j, at, n);
		at += n + (at[n] == '\n');
	}
	jw_array_end(j);
}

static void answer_json(struct json_writer *j, const struct answer *g)
{
	jw_key(j, "columns");
	jw_array(j);
	for (int k = 0; k < g->cols; k++)
		jw_text(j, g->column[k]);
	jw_array_end(j);
	jw_key(j, "rows");
	jw_array(j);
	for (int r = 0; r < g->rows; r++) {
		jw_array(j);
		for (int k = 0; k < g->cols; k++) {
			const struct value v = answer_value(g, r, k);

			value_json(j, &v);
		}
		jw_array_end(j);
	}
	jw_array_end(j);
}

static void as_json(const struct outcome *o, const struct answer *answer, struct buf *to)
{
	struct json_writer j = jw_to(to);

	jw_object(&j);
	if (o->nested) {
		jw_key(&j, "file");
		jw_text(&j, o->file);
	}
	jw_key(&j, "line");
	jw_int(&j, o->number);
	jw_key(&j, "command");
	jw_text(&j, o->line);
	if (o->said) {
		jw_key(&j, "says");
		jw_text(&j, buf_str(&o->says));
	}
	if (o->answered)
		answer_json(&j, answer);
	if (o->screen.len)
		screen_json(&j, &o->screen);
	if (o->err.code) {
		jw_key(&j, "error");
		jw_text(&j, o->err.msg);
		jw_key(&j, "exit");
		jw_int(&j, err_exit_code(o->err.code));
	}
	jw_object_end(&j);
	buf_byte(to, '\n');
}

static bool tell_rows(const struct answer *g, enum output_format format, FILE *out, struct err *err)
{
	struct value *row = mem_zero((size_t)g->cols + 1, sizeof(*row));
	struct output o;

	output_open(&o, format, out, NULL);
	output_columns(&o, (const char *const *)g->column, g->cols);
	for (int r = 0; r < g->rows; r++) {
		for (int k = 0; k < g->cols; k++)
			row[k] = answer_value(g, r, k);
		output_row(&o, row);
	}
	free(row);
	return output_close(&o, err);
}

static bool tell_pictures(const struct answer *g, FILE *out, struct err *err)
{
	struct buf b = {0};
	bool ok;

	if (!g->figures)
		return err_set(err, ERR_USAGE, "this answer has no picture, and so no svg");
	svg_write(&b, g->figure, g->figures);
	ok = output_flush(out, &b, err);
	buf_release(&b);
	return ok;
}

bool outcome_tell(const struct outcome *o, const struct answer *answer, enum output_format format,
		  FILE *out, struct err *err)
{
	const bool json = format == OUTPUT_JSON || format == OUTPUT_NDJSON;
	struct buf b = {0};
	bool ok = true;

	if (o->format && !json)
		format = o->format;
	errno = 0;
	if (json) {
		as_json(o, answer, &b);
	} else {
		if (o->answered && format == OUTPUT_SVG)
			ok = tell_pictures(answer, out, err);
		else if (o->answered)
			ok = tell_rows(answer, format, out, err);
		buf_add(&b, buf_str(&o->says), o->says.len);
		if (o->said)
			buf_byte(&b, '\n');
		buf_add(&b, buf_str(&o->screen), o->screen.len);
	}
	ok = ok && output_flush(out, &b, err);
	buf_release(&b);
	return ok && !ferror(out);
}

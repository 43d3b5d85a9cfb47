/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/trace.h"
#include "app/archive.h"
#include "app/command/command.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/inspect/trace.h"
#include "engine/text/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_trace[] = {
	{"--text", "TEXT", "the text to look at"},
	{"--layer", "LAYER",
	 "in a table: the layer and direction, such as l0.fw or l1.bw (default: the top one)"},
	{"--unit", "N", "in a table: the gates of this unit instead of the mean over all units"},
	{NULL, NULL, NULL},
};

static void json_matrix(struct json_writer *j, const double *v, int rows, int cols)
{
	jw_array(j);
	for (int r = 0; r < rows; r++) {
		jw_array(j);
		for (int k = 0; k < cols; k++)
			jw_f32(j, (float)v[r * cols + k]);
		jw_array_end(j);
	}
	jw_array_end(j);
}

static void json_tokens(struct json_writer *j, const struct trace *t)
{
	jw_key(j, "tokens");
	jw_array(j);
	for (int s = 0; s < t->T; s++) {
		size_t n;
		const char *token = trace_token(t, 0, s, &n);

		jw_text_n(j, token, n);
	}
	jw_array_end(j);
	jw_key(j, "ids");
	jw_array(j);
	for (int s = 0; s < t->T; s++)
		jw_int(j, t->ids[s]);
	jw_array_end(j);
	jw_key(j, "unknown");
	jw_array(j);
	for (int s = 0; s < t->T; s++)
		if (trace_unknown(t, 0, s))
			jw_int(j, s);
	jw_array_end(j);
	jw_key(j, "dropped");
	jw_array(j);
	for (size_t k = 0; k < t->encoding.dropped.count; k++) {
		size_t n;
		const char *word = tokens_at(&t->encoding.dropped, k, &n);

		jw_text_n(j, word, n);
	}
	jw_array_end(j);
}

static void json_trace(struct buf *b, const struct loaded *l, const struct trace *t)
{
	const struct encoder *e = l->snapshot->encoder;
	struct json_writer j = jw_to(b);

	jw_object(&j);
	jw_key(&j, "run");
	jw_text(&j, l->id);
	jw_key(&j, "name");
	jw_text(&j, l->name);
	jw_key(&j, "cell");
	jw_text(&j, e->model.spec.cell->name);
	jw_key(&j, "text");
	jw_text(&j, t->text);
	json_tokens(&j, t);
	jw_key(&j, "layers");
	jw_array(&j);
	for (int r = 0; r < t->runs; r++) {
		const struct trace_run *run = &t->run[r];

		jw_object(&j);
		jw_key(&j, "layer");
		jw_int(&j, run->layer);
		jw_key(&j, "direction");
		jw_text(&j, run->backward ? "bw" : "fw");
		for (int k = 0; k < run->signals; k++) {
			jw_key(&j, run->signal[k].name);
			json_matrix(&j, run->signal[k].v, t->T, t->H);
		}
		jw_object_end(&j);
	}
	jw_array_end(&j);
	jw_key(&j, "probabilities");
	json_matrix(&j, t->prob, t->T, t->C);
	jw_key(&j, "classes");
	jw_array(&j);
	for (int k = 0; k < t->C; k++)
		jw_text(&j, e->classes.name[k]);
	jw_array_end(&j);
	jw_object_end(&j);
	buf_byte(b, '\n');
}

void trace_rows(struct output *o, const struct trace *t)
{
	const int signals = t->run->signals;
	const char *column[5 + TRACE_SIGNALS] = {"layer", "direction", "t", "token", "unit"};
	struct value row[5 + TRACE_SIGNALS];

	for (int k = 0; k < signals; k++)
		column[5 + k] = t->run->signal[k].name;
	output_columns(o, column, 5 + signals);
	for (int r = 0; r < t->runs; r++)
		for (int at = 0; at < t->T * t->H; at++) {
			const struct trace_run *run = &t->run[r];
			size_t n;
			const char *token = trace_token(t, r, at / t->H, &n);

			row[0] = value_int(run->layer);
			row[1] = value_text(run->backward ? "bw" : "fw");
			row[2] = value_int(at / t->H + 1);
			row[3] = value_bytes(token, n);
			row[4] = value_int(at % t->H);
			for (int k = 0; k < signals; k++)
				row[5 + k] = value_f32((float)run->signal[k].v[at]);
			output_row(o, row);
		}
}

static double mean_of(const double *v, int n, bool absolute)
{
	double sum = 0;

	for (int k = 0; k < n; k++)
		sum += absolute ? fabs(v[k]) : v[k];
	return sum / n;
}

/* For reading: a row a step; one unit's gates, or means (of the absolute values where a signal has
 * both signs), and the classes if the text ended there. */
static void rows_steps(struct output *o, const struct trace *t, const struct trace_run *run,
		       int unit)
{
	const struct classes *classes = &t->snapshot->encoder->classes;
	const int signals = run->signals, cols = 3 + signals + t->C;
	const char **column = mem_zero((size_t)cols, sizeof(*column));
	struct value *row = mem_zero((size_t)cols, sizeof(*row));
	char **made = mem_zero((size_t)signals + (size_t)t->C, sizeof(*made));

	column[0] = "t";
	column[1] = "token";
	column[2] = "known";
	for (int k = 0; k < signals; k++) {
		const char *name = run->signal[k].name;

		made[k] = unit >= 0 ? mem_printf("%s[%d]", name, unit)
				    : mem_printf(run->signal[k].is_signed ? "mean |%s|" : "mean %s",
						 name);
		column[3 + k] = made[k];
	}
	for (int k = 0; k < t->C; k++)
		column[3 + signals + k] = made[signals + k] = mem_printf("p(%s)", classes->name[k]);
	output_columns(o, column, cols);
	for (int s = 0; s < t->T; s++) {
		size_t n;
		const char *token = trace_token(t, 0, s, &n);

		row[0] = value_int(s + 1);
		row[1] = value_bytes(token, n);
		row[2] = value_text(trace_unknown(t, 0, s) ? "no" : "yes");
		for (int k = 0; k < signals; k++) {
			const double *v = run->signal[k].v + (size_t)s * (size_t)t->H;

			row[3 + k] = value_real(
				unit >= 0 ? v[unit] : mean_of(v, t->H, run->signal[k].is_signed),
				3);
		}
		for (int k = 0; k < t->C; k++)
			row[3 + signals + k] = value_real(t->prob[s * t->C + k], 3);
		output_row(o, row);
	}
	for (int k = 0; k < signals + t->C; k++)
		free(made[k]);
	free(made);
	free(column);
	free(row);
}

static bool report(struct context *c, const struct args *a, const struct loaded *l,
		   const struct trace *t, struct err *err)
{
	const char *unit = args_value(a, "--unit"), *layer = args_value(a, "--layer");
	const struct trace_run *run = NULL;
	struct buf b = {0};
	struct output o;
	char *end;
	long u = -1;
	bool ok;

	if (unit) {
		u = strtol(unit, &end, 10);
		if (*end || end == unit || u < 0 || u >= t->H)
			return err_set(err, ERR_USAGE, "--unit is from 0 to %d, not '%s'", t->H - 1,
				       unit);
	}
	for (int k = 0; k < t->runs && !run; k++) {
		char prefix[16];

		stack_prefix(&t->snapshot->encoder->model.stack, k, prefix);
		prefix[strlen(prefix) - 1] = '\0';
		if (!layer ? t->run[k].layer == t->run[t->runs - 1].layer : !strcmp(prefix, layer))
			run = &t->run[k];
	}
	if (!run)
		return err_set(err, ERR_USAGE,
			       "this run has no layer '%s'; they are called l0.fw, l1.bw and so on",
			       layer);
	if (c->format == OUTPUT_JSON || c->format == OUTPUT_NDJSON) {
		json_trace(&b, l, t);
		ok = output_flush(c->out, &b, err);
		buf_release(&b);
		return ok;
	}
	output_open(&o, c->format, c->out, c->answer);
	if (o.format == OUTPUT_TABLE)
		rows_steps(&o, t, run, (int)u);
	else
		trace_rows(&o, t);
	return output_close(&o, err);
}

bool command_trace(struct context *c, const struct args *a, struct err *err)
{
	const char *text = args_value(a, "--text");
	struct loaded l = {0};
	struct buf clean = {0};
	struct trace *t;
	bool ok;

	if (!text)
		return err_set(err, ERR_USAGE, "trace needs --text TEXT");
	if (!context_load(c, a->pos[0], &l, err))
		return false;
	utf8_repair(&clean, text, strlen(text), NULL);
	t = trace_new(l.snapshot, buf_str(&clean), clean.len, err);
	ok = t && report(c, a, &l, t, err);
	trace_free(t);
	buf_release(&clean);
	loaded_release(&l);
	return ok;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/trace.h"

#include "app/answer/pictures.h"
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
	 "in a table: the layer and direction, such as l0.fw, l1.bw or dec.l0 (default: the top "
	 "one "
	 "that reads the text)"},
	{"--unit", "N", "in a table: the gates of this unit instead of the mean over all units"},
	{NULL, NULL, NULL},
};

/* How many tokens JSON tells that may follow, and that the decoder might have written instead. */
enum { NEXT_TOP = 10, ALTERNATIVES = 5 };

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

static void json_text(struct json_writer *j, const char *key, const char *text)
{
	jw_key(j, key);
	jw_text(j, text);
}

/* The runs over the text, or those of the decoder. */
static void json_runs(struct json_writer *j, const struct trace *t, const char *key, bool decoder)
{
	jw_key(j, key);
	jw_array(j);
	for (int r = 0; r < t->runs; r++) {
		const struct trace_run *run = &t->run[r];

		if (run->decoder != decoder)
			continue;
		jw_object(j);
		jw_key(j, "layer");
		jw_int(j, run->layer);
		json_text(j, "direction", run->backward ? "bw" : "fw");
		for (int k = 0; k < run->signals; k++) {
			jw_key(j, run->signal[k].name);
			json_matrix(j, run->signal[k].v, run->T, t->H);
		}
		jw_object_end(j);
	}
	jw_array_end(j);
}

static void json_choice(struct json_writer *j, const struct trace *t, int id, double p)
{
	size_t n;
	const char *token = vocab_token(t->snapshot->encoder->target, id, &n);

	jw_key(j, "token");
	jw_text_n(j, token, n);
	jw_key(j, "probability");
	jw_f32(j, (float)p);
}

/* The likeliest outcomes of a row of probabilities, but not the token `but`. */
static void json_top(struct json_writer *j, const struct trace *t, int step, int most, int but)
{
	struct choice best[NEXT_TOP + 1];
	const int n = trace_top(t, step, best, most + (but >= 0));

	jw_array(j);
	for (int k = 0; k < n && most; k++) {
		if (best[k].id == but)
			continue;
		most--;
		jw_object(j);
		json_choice(j, t, best[k].id, best[k].p);
		jw_object_end(j);
	}
	jw_array_end(j);
}

/* What the decoder had: the text's vector, or, for each of its steps, what it looked at. */
static void json_read(struct json_writer *j, const struct trace *t)
{
	if (!t->vector) {
		jw_key(j, "attention");
		json_matrix(j, t->attention, t->attention ? t->written : 0, t->T);
		return;
	}
	jw_key(j, "vector");
	jw_array(j);
	for (int k = 0; k < t->D; k++)
		jw_f32(j, (float)t->vector[k]);
	jw_array_end(j);
}

static void json_written(struct json_writer *j, const struct trace *t)
{
	jw_key(j, "written");
	jw_array(j);
	for (int k = 0; k < t->written; k++) {
		const int id = t->writes[k];

		jw_object(j);
		json_choice(j, t, id, t->prob[(size_t)k * (size_t)t->C + (size_t)id]);
		jw_key(j, "alternatives");
		json_top(j, t, k, ALTERNATIVES, id);
		jw_object_end(j);
	}
	jw_array_end(j);
}

static void json_outcome(struct json_writer *j, const struct trace *t)
{
	const struct encoder *e = t->snapshot->encoder;

	if (task_table[e->model.spec.task].decoder) {
		json_runs(j, t, "encoder", false);
		json_runs(j, t, "decoder", true);
		json_read(j, t);
		json_written(j, t);
		return;
	}
	json_runs(j, t, "layers", false);
	if (e->model.spec.task == TASK_GENERATE) {
		jw_key(j, "next");
		jw_array(j);
		for (int s = 0; s < t->T; s++)
			json_top(j, t, s, NEXT_TOP, -1);
		jw_array_end(j);
		return;
	}
	jw_key(j, "probabilities");
	json_matrix(j, t->prob, t->T, t->C);
	jw_key(j, "classes");
	jw_array(j);
	for (int k = 0; k < t->C; k++)
		jw_text(j, e->classes.name[k]);
	jw_array_end(j);
}

static void json_trace(struct buf *b, const struct loaded *l, const struct trace *t)
{
	struct json_writer j = jw_to(b);

	jw_object(&j);
	json_text(&j, "run", l->id);
	json_text(&j, "name", l->name);
	json_text(&j, "cell", l->snapshot->encoder->model.spec.cell->name);
	json_text(&j, "text", t->text);
	json_tokens(&j, t);
	json_outcome(&j, t);
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
		for (int at = 0; at < t->run[r].T * t->H; at++) {
			const struct trace_run *run = &t->run[r];
			size_t n;
			const char *token = trace_token(t, r, at / t->H, &n);

			row[0] = value_int(run->layer);
			row[1] = value_text(run->decoder ? "dec" : run->backward ? "bw" : "fw");
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

/* What a table says of the outcome: every class; the token that follows, with its probability, and what
 * the decoder looked at most before it; or nothing. */
enum outcome { OUTCOME_NONE, OUTCOME_CLASSES, OUTCOME_NEXT, OUTCOME_LOOKS };

static enum outcome outcome_of(const struct trace *t, const struct trace_run *run)
{
	const struct task_ops *task = &task_table[t->snapshot->encoder->model.spec.task];

	if (task->labels)
		return OUTCOME_CLASSES;
	if (!task->decoder)
		return OUTCOME_NEXT;
	if (!run->decoder)
		return OUTCOME_NONE;
	return t->attention && t->T ? OUTCOME_LOOKS : OUTCOME_NEXT;
}

static int outcome_columns(const struct trace *t, enum outcome what)
{
	static const int columns[] = {[OUTCOME_NEXT] = 2, [OUTCOME_LOOKS] = 4};

	return what == OUTCOME_CLASSES ? t->C : columns[what];
}

static void row_outcome(const struct trace *t, enum outcome what, int step, struct value *row)
{
	struct choice best;
	size_t n;

	for (int k = 0; what == OUTCOME_CLASSES && k < t->C; k++)
		row[k] = value_real(t->prob[step * t->C + k], 3);
	if (what < OUTCOME_NEXT)
		return;
	if (t->written)
		best = (struct choice){
			t->writes[step],
			t->prob[(size_t)step * (size_t)t->C + (size_t)t->writes[step]]};
	else
		trace_top(t, step, &best, 1);
	row[0].text = vocab_token(t->snapshot->encoder->target, best.id, &n);
	row[0] = value_bytes(row[0].text, n);
	row[1] = value_real(best.p, 3);
	if (what != OUTCOME_LOOKS)
		return;
	trace_looks(t, step, &best, 1);
	row[2].text = trace_token(t, 0, best.id, &n);
	row[2] = value_bytes(row[2].text, n);
	row[3] = value_real(best.p, 3);
}

/* The names of a table's columns, one text each, to be freed. */
static char **table_columns(const struct trace *t, const struct trace_run *run, int unit,
			    enum outcome what, int cols)
{
	char **name = mem_zero((size_t)cols, sizeof(*name));
	int n = 0;

	name[n++] = mem_text("t");
	name[n++] = mem_text("token");
	name[n++] = mem_text("known");
	for (int k = 0; k < run->signals; k++) {
		const struct trace_signal *s = &run->signal[k];

		name[n++] = unit >= 0 ? mem_printf("%s[%d]", s->name, unit)
				      : mem_printf(s->is_signed ? "mean |%s|" : "mean %s", s->name);
	}
	for (int k = 0; what == OUTCOME_CLASSES && k < t->C; k++)
		name[n++] = mem_printf("p(%s)", t->snapshot->encoder->classes.name[k]);
	if (what >= OUTCOME_NEXT) {
		name[n++] = mem_text("next");
		name[n++] = mem_text("p(next)");
	}
	if (what == OUTCOME_LOOKS) {
		name[n++] = mem_text("looks at");
		name[n++] = mem_text("share");
	}
	return name;
}

/* For reading: a row a step; one unit's gates, or means (of the absolute values where a signal has
 * both signs), and the outcome if the text ended there. */
static void rows_steps(struct output *o, const struct trace *t, int r, int unit)
{
	const struct trace_run *run = &t->run[r];
	const enum outcome what = outcome_of(t, run);
	const int signals = run->signals, cols = 3 + signals + outcome_columns(t, what);
	char **column = table_columns(t, run, unit, what, cols);
	struct value *row = mem_zero((size_t)cols, sizeof(*row));

	output_columns(o, (const char *const *)column, cols);
	for (int s = 0; s < run->T; s++) {
		size_t n;
		const char *token = trace_token(t, r, s, &n);

		row[0] = value_int(s + 1);
		row[1] = value_bytes(token, n);
		row[2] = value_text(trace_unknown(t, r, s) ? "no" : "yes");
		for (int k = 0; k < signals; k++) {
			const double *v = run->signal[k].v + (size_t)s * (size_t)t->H;

			row[3 + k] = value_real(
				unit >= 0 ? v[unit] : mean_of(v, t->H, run->signal[k].is_signed),
				3);
		}
		row_outcome(t, what, s, row + 3 + signals);
		output_row(o, row);
	}
	for (int k = 0; k < cols; k++)
		free(column[k]);
	free(column);
	free(row);
}

/* "l0.fw", "l1.bw", "dec.l0": also where a run needs no name among its own. */
static void layer_name(const struct trace_run *r, char name[24])
{
	if (r->decoder)
		snprintf(name, 24, "dec.l%d", r->layer);
	else
		snprintf(name, 24, "l%d.%s", r->layer, r->backward ? "bw" : "fw");
}

int trace_find_layer(const struct trace *t, const char *layer, struct err *err)
{
	const struct stack *s = &t->snapshot->encoder->model.stack;
	struct buf list = {0};
	char name[24];

	if (!layer)
		return s->runs - s->spec.dirs;
	for (int k = 0; k < t->runs; k++) {
		layer_name(&t->run[k], name);
		buf_printf(&list, "%s%s", k ? ", " : "", name);
		if (!strcmp(name, layer) || (*layer && !strcmp(trace_name(t, k, name), layer))) {
			buf_release(&list);
			return k;
		}
	}
	err_set(err, ERR_USAGE, "this run has no layer '%s'; it has %s", layer, buf_str(&list));
	buf_release(&list);
	return -1;
}

static bool report(struct context *c, const struct args *a, const struct loaded *l,
		   const struct trace *t, struct err *err)
{
	const char *unit = args_value(a, "--unit");
	const int run = trace_find_layer(t, args_value(a, "--layer"), err);
	struct buf b = {0};
	struct output o;
	char *end;
	long u = -1;
	bool ok;

	if (run < 0)
		return false;
	if (unit) {
		u = strtol(unit, &end, 10);
		if (*end || end == unit || u < 0 || u >= t->H)
			return err_set(err, ERR_USAGE, "--unit is from 0 to %d, not '%s'", t->H - 1,
				       unit);
	}
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
	pictures_of_run(&o, t, run, -1);
	pictures_of_attention(&o, t);
	return output_close(&o, err);
}

struct trace *trace_of_text(const struct context *c, struct snapshot *s, const char *text,
			    struct err *err)
{
	struct buf clean = {0};
	struct trace *t;

	utf8_repair(&clean, text, strlen(text), NULL);
	t = trace_new_until(s, buf_str(&clean), clean.len, c->cancel, err);
	buf_release(&clean);
	return t;
}

bool command_trace(struct context *c, const struct args *a, struct err *err)
{
	const char *text = args_value(a, "--text");
	struct loaded l = {0};
	struct trace *t;
	bool ok;

	if (!text)
		return err_set(err, ERR_USAGE, "trace needs --text TEXT");
	if (!context_load(c, a->pos[0], &l, err))
		return false;
	t = trace_of_text(c, l.snapshot, text, err);
	ok = t && report(c, a, &l, t, err);
	trace_free(t);
	loaded_release(&l);
	return ok;
}

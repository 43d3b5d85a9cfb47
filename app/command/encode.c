/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts as vectors of one length: written out, or compared with one text's. */
#include "app/archive.h"
#include "app/command/command.h"
#include "app/command/telling.h"
#include "app/command/texts.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/exchange/safetensors.h"
#include "engine/survey/vectors.h"
#include "engine/text/utf8.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_encode[] = {
	{"--data", "FILE", "a text a line; - is standard input"},
	{"--text", "TEXT", "this text alone"},
	{"--to", "FILE", "write the vectors to a safetensors file, as a tensor named vectors"},
	{"--data-format", "FORMAT", "of a file of another kind, or auto"},
	{"--label-column", "NAME", "by name or number from 1"},
	{"--text-column", "NAME", "by name or number from 1"},
	{"--no-header", NULL, "the first line of a csv file is data"},
	{NULL, NULL, NULL},
};

const struct option options_near[] = {
	{"--text", "TEXT", "the text to be compared with"},
	{"--data", "FILE", "the texts to look among (default: what the run was trained on)"},
	{"--count", "N", "so many of them (default 10)"},
	TEXTS_OPTIONS,
	{NULL, NULL, NULL},
};

enum {
	BATCH_TOKENS = 8192, /* about so many at a time */
	TABLE_NUMBERS = 8,   /* of a vector, in a table for reading */
	NEAREST = 10
};

/* What a run makes of texts. */
struct reading {
	struct context *c;
	struct loaded run;
	struct examples texts;
	struct encoding encoding[VECTORS_MOST];
	struct vectors vectors;
};

static void reading_release(struct reading *r)
{
	for (int k = 0; k < VECTORS_MOST; k++)
		encoding_release(&r->encoding[k]);
	vectors_release(&r->vectors);
	examples_release(&r->texts);
	loaded_release(&r->run);
}

static int width(const struct reading *r)
{
	return r->run.snapshot->encoder->model.D;
}

/* The text of the command line as the only one. */
static void one_text(struct examples *ex, const char *text)
{
	struct buf clean = {0};

	utf8_repair(&clean, text, strlen(text), NULL);
	*ex = (struct examples){.at = mem_zero(1, sizeof(*ex->at)), .count = 1, .cap = 1};
	ex->file.path = mem_text("--text");
	ex->at[0].text_len = clean.len;
	ex->at[0].text = clean.data ? buf_take(&clean) : mem_text("");
}

/* Takes the vectors (count, D) of the texts from number `first` on. */
typedef bool take_fn(void *arg, const struct reading *r, size_t first, int count, const real *row,
		     struct err *err);

static bool run_texts(struct reading *r, take_fn *take, void *arg, struct err *err)
{
	const struct encoder *e = r->run.snapshot->encoder;
	const int *cancel = r->c->cancel;
	struct telling telling;

	telling_begin(&telling, r->c, "texts", (int64_t)r->texts.count);
	for (size_t first = 0; first < r->texts.count;) {
		size_t tokens = 0;
		const real *row;
		int n = 0;

		while (n < VECTORS_MOST && first + (size_t)n < r->texts.count &&
		       tokens < BATCH_TOKENS) {
			const struct example *x = &r->texts.at[first + (size_t)n];

			encoder_encode(e, x->text, x->text_len, &r->encoding[n]);
			tokens += r->encoding[n++].count + 1;
		}
		telling_at(&telling, (int64_t)first);
		if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED))
			return err_set(err, ERR_CANCELLED, "cancelled");
		row = vectors_of(&r->vectors, r->run.snapshot, r->encoding, n);
		if (!row)
			return err_set(err, ERR_FAILED,
				       "not enough memory for a text of %zu tokens", tokens);
		if (!take(arg, r, first, n, row, err))
			return false;
		first += (size_t)n;
	}
	telling_end(&telling);
	return true;
}

/* --- encode -------------------------------------------------------------------------------------- */

struct encoded {
	struct output rows;
	struct buf json;
	char **column;
	struct value *value;
	real *block; /* --to: all of them */
};

static void json_text(struct buf *out, const struct example *x, const struct encoding *e,
		      const real *v, int D)
{
	struct json_writer j = jw_to(out);

	jw_object(&j);
	jw_key(&j, "text");
	jw_text_n(&j, x->text, x->text_len);
	jw_key(&j, "tokens");
	jw_array(&j);
	for (size_t k = 0; k < e->count; k++) {
		size_t n;
		const char *token = tokens_at(&e->tokens, k, &n);

		jw_text_n(&j, token, n);
	}
	jw_array_end(&j);
	jw_key(&j, "vector");
	jw_array(&j);
	for (int k = 0; k < D; k++)
		jw_f32(&j, (float)v[k]);
	jw_array_end(&j);
	jw_object_end(&j);
}

static bool take_json(void *arg, const struct reading *r, size_t first, int count, const real *row,
		      struct err *err)
{
	struct encoded *x = arg;
	const int D = width(r);
	const bool lines = r->c->format == OUTPUT_NDJSON;

	for (int k = 0; k < count; k++) {
		if (!lines)
			buf_text(&x->json, first + (size_t)k ? ",\n " : "\n ");
		json_text(&x->json, &r->texts.at[first + (size_t)k], &r->encoding[k],
			  row + (size_t)k * (size_t)D, D);
		if (lines)
			buf_byte(&x->json, '\n');
	}
	return output_flush(r->c->out, &x->json, err) && !ferror(r->c->out);
}

static bool encode_json(struct reading *r, struct err *err)
{
	const bool lines = r->c->format == OUTPUT_NDJSON;
	struct encoded x = {0};
	bool ok;

	if (!lines)
		buf_byte(&x.json, '[');
	ok = run_texts(r, take_json, &x, err);
	if (ok && !lines)
		buf_text(&x.json, "\n]\n");
	if (ok)
		ok = output_flush(r->c->out, &x.json, err);
	buf_release(&x.json);
	return ok || (err->code == ERR_NONE && ferror(r->c->out)); /* the reader has gone */
}

static double norm(const real *v, int D)
{
	double sum = 0;

	for (int k = 0; k < D; k++)
		sum += (double)v[k] * (double)v[k];
	return sqrt(sum);
}

/* In a table, to be read: how many tokens, how long the vector is, and how it begins. */
static bool take_rows(void *arg, const struct reading *r, size_t first, int count, const real *row,
		      struct err *err)
{
	struct encoded *x = arg;
	const bool table = x->rows.format == OUTPUT_TABLE;
	const int D = width(r), shown = table && D > TABLE_NUMBERS ? TABLE_NUMBERS : D;

	(void)err;
	for (int k = 0; k < count; k++) {
		const struct example *t = &r->texts.at[first + (size_t)k];
		const real *v = row + (size_t)k * (size_t)D;
		struct value *to = x->value;

		*to++ = value_bytes(t->text, t->text_len);
		if (table) {
			*to++ = value_int((int64_t)r->encoding[k].count);
			*to++ = value_real(norm(v, D), 4);
		}
		for (int d = 0; d < shown; d++, to++) {
			*to = value_f32((float)v[d]);
			to->decimals = 4;
		}
		output_row(&x->rows, x->value);
	}
	return !r->c->out || !ferror(r->c->out);
}

static bool encode_rows(struct reading *r, struct err *err)
{
	struct encoded x = {0};
	const char **name;
	const int D = width(r);
	int shown, cols = 0;
	bool ok;

	output_open(&x.rows, r->c->format, r->c->out, r->c->answer);
	shown = x.rows.format == OUTPUT_TABLE && D > TABLE_NUMBERS ? TABLE_NUMBERS : D;
	x.column = mem_zero((size_t)D, sizeof(*x.column));
	x.value = mem_zero((size_t)D + 3, sizeof(*x.value));
	name = mem_zero((size_t)D + 3, sizeof(*name));
	name[cols++] = "text";
	if (x.rows.format == OUTPUT_TABLE) {
		name[cols++] = "tokens";
		name[cols++] = "norm";
	}
	for (int k = 0; k < shown; k++)
		name[cols++] = x.column[k] = mem_printf("v%d", k);
	output_columns(&x.rows, name, cols);
	ok = run_texts(r, take_rows, &x, err) || err->code == ERR_NONE;
	ok = output_close(&x.rows, ok ? err : NULL) && ok;
	for (int k = 0; k < shown; k++)
		free(x.column[k]);
	free(x.column);
	free(x.value);
	free(name);
	return ok;
}

static bool take_block(void *arg, const struct reading *r, size_t first, int count, const real *row,
		       struct err *err)
{
	struct encoded *x = arg;
	const size_t D = (size_t)width(r);

	(void)err;
	memcpy(x->block + first * D, row, (size_t)count * D * sizeof(*row));
	return true;
}

static bool encode_file(struct reading *r, const char *path, struct err *err)
{
	const size_t N = r->texts.count;
	const int D = width(r);
	struct encoded x = {.block = N > INT_MAX ? NULL : mem_block(N * (size_t)D, sizeof(real))};
	bool ok;

	if (!x.block)
		return err_set(err, ERR_FAILED, "not enough memory for %zu vectors of %d numbers",
			       N, D);
	ok = run_texts(r, take_block, &x, err) &&
	     safetensors_write_matrix("vectors", x.block, (int)N, D,
				      (struct meta[]){{"program", "sluice " SLUICE_VERSION},
						      {"run", r->run.id},
						      {"name", r->run.name}},
				      3, path, err);
	if (ok && !r->c->quiet)
		context_say(r->c, "%s: %zu vector%s of %d numbers from %s (%s)", path, N,
			    N == 1 ? "" : "s", D, r->run.id, r->run.name);
	free(x.block);
	return ok;
}

bool command_encode(struct context *c, const struct args *a, struct err *err)
{
	const char *data = args_value(a, "--data"), *text = args_value(a, "--text");
	const char *to = args_value(a, "--to");
	struct reading r = {.c = c};
	bool ok;

	if (!data == !text)
		return err_set(err, ERR_USAGE,
			       data ? "encode takes --data FILE or --text TEXT, not "
				      "both"
				    : "encode needs --data FILE or --text TEXT");
	if (!texts_options(a, err))
		return false;
	if (to && c->format != OUTPUT_AUTO)
		return err_set(err, ERR_USAGE, "--to writes a safetensors file: leave --%s out",
			       c->format == OUTPUT_JSON  ? "json"
			       : c->format == OUTPUT_CSV ? "csv"
							 : "output");
	if (to && !context_overwrite(c, to, err))
		return false;
	ok = context_load(c, a->pos[0], &r.run, err);
	if (ok && text)
		one_text(&r.texts, text);
	else if (ok)
		ok = texts_file(c, a, true, &r.texts, err);
	if (ok && to)
		ok = encode_file(&r, to, err);
	else if (ok && c->out && (c->format == OUTPUT_JSON || c->format == OUTPUT_NDJSON))
		ok = encode_json(&r, err);
	else if (ok)
		ok = encode_rows(&r, err);
	reading_release(&r);
	return ok;
}

/* --- near ---------------------------------------------------------------------------------------- */

struct neighbour {
	double cosine; /* to six digits, so that equal texts are equally near; NaN: none */
	size_t at;
};

struct search {
	real *from; /* D */
	struct neighbour *all;
};

static bool take_cosine(void *arg, const struct reading *r, size_t first, int count,
			const real *row, struct err *err)
{
	struct search *s = arg;
	const int D = width(r);

	(void)err;
	for (int k = 0; k < count; k++) {
		const double c = vectors_cosine(s->from, row + (size_t)k * (size_t)D, D);

		s->all[first + (size_t)k] =
			(struct neighbour){round(c * 1e6) / 1e6, first + (size_t)k};
	}
	return true;
}

/* Nearest first, then as they stand in the file; what has no cosine is last. */
static int by_nearness(const void *a, const void *b)
{
	const struct neighbour *x = a, *y = b;

	if (isnan(x->cosine) != isnan(y->cosine))
		return isnan(x->cosine) ? 1 : -1;
	if (!isnan(x->cosine) && x->cosine != y->cosine)
		return x->cosine > y->cosine ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static bool report_near(const struct reading *r, const struct neighbour *all, size_t count,
			struct err *err)
{
	static const char *const column[] = {"rank", "cosine", "text", "label"};
	struct output o;
	bool labels = false;

	for (size_t k = 0; k < r->texts.count; k++)
		labels |= r->texts.at[k].label != NULL;
	output_open(&o, r->c->format, r->c->out, r->c->answer);
	output_columns(&o, column, labels ? 4 : 3);
	for (size_t k = 0; k < count && k < r->texts.count; k++) {
		const struct example *x = &r->texts.at[all[k].at];

		output_row(&o, (struct value[]){
				       value_int((int64_t)k + 1),
				       value_real(round(all[k].cosine * 1e4) / 1e4 + 0.0, 4),
				       value_bytes(x->text, x->text_len),
				       value_text(x->label),
			       });
	}
	return output_close(&o, err);
}

/* The vector of the text that the others are compared with. */
static real *vector_of(struct reading *r, const char *text, struct err *err)
{
	const size_t D = (size_t)width(r);
	struct buf clean = {0};
	const real *row;
	real *copy;

	utf8_repair(&clean, text, strlen(text), NULL);
	encoder_encode(r->run.snapshot->encoder, buf_str(&clean), clean.len, &r->encoding[0]);
	buf_release(&clean);
	row = vectors_of(&r->vectors, r->run.snapshot, r->encoding, 1);
	if (!row) {
		err_set(err, ERR_FAILED, "not enough memory for a text of %zu tokens",
			r->encoding[0].count);
		return NULL;
	}
	if (!r->encoding[0].count) {
		err_set(err, ERR_USAGE, "there is no token in the text, and so nothing is near it");
		return NULL;
	}
	copy = mem_alloc(D * sizeof(*copy));
	memcpy(copy, row, D * sizeof(*copy));
	return copy;
}

bool command_near(struct context *c, const struct args *a, struct err *err)
{
	const char *text = args_value(a, "--text");
	struct reading r = {.c = c};
	struct search s = {0};
	int64_t count = NEAREST;
	bool ok;

	if (!text)
		return err_set(err, ERR_USAGE, "near needs --text TEXT");
	if (!texts_options(a, err) || !args_number(a, "--count", INT_MAX, &count, err))
		return false;
	ok = context_load(c, a->pos[0], &r.run, err);
	if (ok && args_has(a, "--data")) /* as train would read it */
		ok = texts_file(c, a, task_table[r.run.snapshot->encoder->model.spec.task].stream,
				&r.texts, err);
	else if (ok)
		ok = texts_trained(c, &r.run, &r.texts, err);
	ok = ok && (s.from = vector_of(&r, text, err));
	if (ok) {
		s.all = mem_zero(r.texts.count, sizeof(*s.all));
		ok = run_texts(&r, take_cosine, &s, err);
	}
	if (ok) {
		qsort(s.all, r.texts.count, sizeof(*s.all), by_nearness);
		ok = report_near(&r, s.all, (size_t)count, err);
	}
	free(s.from);
	free(s.all);
	reading_release(&r);
	return ok;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The vectors of many texts along their principal components, and the path of one text. */
#include "app/command/explain.h"
#include "app/command/telling.h"
#include "app/command/texts.h"

#include "engine/base/mem.h"
#include "engine/survey/project.h"
#include "engine/survey/vectors.h"
#include "engine/text/utf8.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_project[] = {
	{"--text", "TEXT", "the path of this text, word by word, in the same plane"},
	{"--data", "FILE", "the texts (default: what the run was trained on)"},
	{"--limit", "N", "so many of them at most, spread evenly over the file"},
	{"--state", "KIND", "vector, as encode gives it (default), or the last h or c of a layer"},
	{"--layer", "LAYER", "of h and c: l0.fw, l1.bw and so on (default: the top one forward)"},
	{"--components", "N", "so many components, up to 10 (default 2)"},
	TEXTS_OPTIONS,
	{NULL, NULL, NULL},
};

enum { BATCH_TOKENS = 8192, COMPONENTS_MAX = 10, SERIES_MAX = 10, DECIMALS = 4 };
enum state { STATE_VECTOR, STATE_H, STATE_C };

static const char *const state_name[] = {"vector", "h", "c"};

/* The text whose path is drawn: where it is after each of its steps, in the order of reading. */
struct path {
	struct buf text; /* repaired UTF-8 */
	struct replay *replay;
	struct encoding encoding;
	int steps;
	int *t;     /* steps: the position, from 0 */
	double *at; /* (steps, K) */
};

struct view {
	struct context *c;
	struct loaded run;
	struct examples texts;
	struct vectors vectors;
	struct encoding encoding[VECTORS_MOST];
	struct projection p;
	struct path path;
	enum state state;
	int layer, D, K, shown; /* K: components that are computed; shown: in rows */
	size_t *text;           /* n: which of the texts a vector is of */
	size_t n, left_out;     /* left out: texts without a word */
	real *row;              /* (n, D) */
	double *at;             /* (n, K) */
};

static const struct encoder *encoder_of(const struct view *v)
{
	return v->run.snapshot->encoder;
}

static void view_release(struct view *v)
{
	for (int k = 0; k < VECTORS_MOST; k++)
		encoding_release(&v->encoding[k]);
	vectors_release(&v->vectors);
	projection_release(&v->p);
	replay_free(v->path.replay);
	encoding_release(&v->path.encoding);
	buf_release(&v->path.text);
	free(v->path.t);
	free(v->path.at);
	free(v->text);
	free(v->row);
	free(v->at);
	examples_release(&v->texts);
	loaded_release(&v->run);
}

static bool is_cancelled(const struct view *v, struct err *err)
{
	if (!v->c->cancel || !__atomic_load_n(v->c->cancel, __ATOMIC_RELAXED))
		return false;
	err_set(err, ERR_CANCELLED, "cancelled");
	return true;
}

/* --- vectors ----------------------------------------------------------------------------------------- */

static const real *vectors_for(struct view *v, const struct encoding *text, int count)
{
	if (v->state == STATE_VECTOR)
		return vectors_of(&v->vectors, v->run.snapshot, text, count);
	return vectors_last(&v->vectors, v->run.snapshot, text, count, v->layer,
			    v->state == STATE_C);
}

/* Encodes the next texts of those that are chosen, as many as fit: their number, and how many were looked
 * at. */
static int next_texts(struct view *v, const size_t *chosen, size_t count, size_t *looked)
{
	size_t tokens = 0;
	int n = 0;

	for (*looked = 0; n < VECTORS_MOST && *looked < count && tokens < BATCH_TOKENS;
	     (*looked)++) {
		const struct example *x = &v->texts.at[chosen[*looked]];

		encoder_encode(encoder_of(v), x->text, x->text_len, &v->encoding[n]);
		if (!v->encoding[n].count) {
			v->left_out++;
			continue;
		}
		tokens += v->encoding[n].count;
		v->text[v->n + (size_t)n++] = chosen[*looked];
	}
	return n;
}

static bool run_texts(struct view *v, const size_t *chosen, size_t count, struct err *err)
{
	const size_t D = (size_t)v->D;
	struct telling telling;
	size_t looked;

	v->row = mem_block(count * D + 1, sizeof(*v->row));
	v->text = mem_zero(count + 1, sizeof(*v->text));
	if (!v->row)
		return err_set(err, ERR_FAILED,
			       "not enough memory for %zu vectors of %d numbers: take fewer with "
			       "--limit",
			       count, v->D);
	telling_begin(&telling, v->c, "texts", (int64_t)count);
	for (size_t from = 0; from < count; from += looked) {
		const int n = next_texts(v, chosen + from, count - from, &looked);
		const real *row = n ? vectors_for(v, v->encoding, n) : NULL;

		telling_at(&telling, (int64_t)from);
		if (is_cancelled(v, err))
			return false;
		if (n && !row)
			return err_set(err, ERR_FAILED, "not enough memory to run the texts");
		if (n)
			memcpy(v->row + v->n * D, row, (size_t)n * D * sizeof(*row));
		v->n += (size_t)n;
	}
	telling_end(&telling);
	return true;
}

/* Reads the texts and runs those that --limit leaves. */
static bool collect(struct view *v, const struct args *a, struct err *err)
{
	const bool stream = task_table[encoder_of(v)->model.spec.task].stream;
	int64_t limit = INT_MAX;
	size_t *chosen, count;
	bool ok;

	if (!args_number(a, "--limit", INT_MAX, &limit, err))
		return false;
	if (args_has(a, "--data"))
		ok = texts_file(v->c, a, stream, &v->texts, err);
	else
		ok = texts_trained(v->c, &v->run, &v->texts, err);
	if (!ok)
		return false;
	count = v->texts.count < (size_t)limit ? v->texts.count : (size_t)limit;
	chosen = mem_zero(count + 1, sizeof(*chosen));
	for (size_t k = 0; k < count; k++)
		chosen[k] = (size_t)((double)k * (double)v->texts.count / (double)count);
	ok = run_texts(v, chosen, count, err);
	free(chosen);
	return ok;
}

/* --- the path ---------------------------------------------------------------------------------------- */

/* Whether a text's vector is nothing but the state at its end: then the path is that of one reading. */
static bool is_one_reading(const struct view *v)
{
	const struct model *m = &encoder_of(v)->model;

	return v->state != STATE_VECTOR || (m->stack.spec.dirs == 1 && m->spec.pool == POOL_LAST);
}

static void walk(struct view *v)
{
	struct path *p = &v->path;
	const struct trace_run *r = &p->replay->run[v->layer];
	const double *s = v->state == STATE_C ? r->c : r->h;

	for (int k = 0; k < p->steps; k++) {
		p->t[k] = replay_turn(r, k);
		projection_of_double(&v->p, s + (size_t)(k + 1) * (size_t)v->D, v->K,
				     p->at + (size_t)k * (size_t)v->K);
	}
}

/* The vectors of all beginnings of the text. */
static bool walk_beginnings(struct view *v, struct err *err)
{
	struct path *p = &v->path;
	struct encoding part[VECTORS_MOST];

	for (int from = 0; from < p->steps;) {
		const real *row;
		size_t tokens = 0;
		int n = 0;

		for (; n < VECTORS_MOST && from + n < p->steps && tokens < BATCH_TOKENS; n++) {
			part[n] = (struct encoding){.ids = p->encoding.ids,
						    .count = (size_t)(from + n) + 1};
			tokens += part[n].count;
			p->t[from + n] = from + n;
		}
		row = vectors_for(v, part, n);
		if (is_cancelled(v, err))
			return false;
		if (!row)
			return err_set(err, ERR_FAILED, "not enough memory for the path");
		for (int k = 0; k < n; k++)
			projection_of(&v->p, row + (size_t)k * (size_t)v->D, v->K,
				      p->at + (size_t)(from + k) * (size_t)v->K);
		from += n;
	}
	return true;
}

static bool find_path(struct view *v, const struct args *a, struct err *err)
{
	const char *text = args_value(a, "--text");
	struct path *p = &v->path;

	if (!text)
		return true;
	utf8_repair(&p->text, text, strlen(text), NULL);
	encoder_encode(encoder_of(v), buf_str(&p->text), p->text.len, &p->encoding);
	if (!p->encoding.count)
		return err_set(err, ERR_USAGE, "the text has no word that %s reads", v->run.name);
	if (is_one_reading(v)) {
		p->replay = replay_new(v->run.snapshot, buf_str(&p->text), p->text.len, err);
		if (!p->replay)
			return false;
	}
	p->steps = p->replay ? p->replay->T : (int)p->encoding.count;
	p->t = mem_zero((size_t)p->steps + 1, sizeof(*p->t));
	p->at = mem_zero((size_t)p->steps * (size_t)v->K + 1, sizeof(*p->at));
	if (!p->replay)
		return walk_beginnings(v, err);
	walk(v);
	return true;
}

static struct value path_token(const struct view *v, int k)
{
	const struct path *p = &v->path;
	const char *token;
	size_t n;

	token = p->replay ? replay_token(p->replay, p->t[k], &n)
			  : tokens_at(&p->encoding.tokens, (size_t)p->t[k], &n);
	return value_bytes(token, n);
}

/* --- rows -------------------------------------------------------------------------------------------- */

/* The label of a text; of pairs that would be the other text. */
static const char *label_of(const struct view *v, size_t k)
{
	if (task_table[encoder_of(v)->model.spec.task].pairs)
		return NULL;
	return v->texts.at[v->text[k]].label;
}

static bool has_labels(const struct view *v)
{
	for (size_t k = 0; k < v->n; k++)
		if (label_of(v, k))
			return true;
	return false;
}

static void put_point(struct output *o, const struct view *v, const struct value *first, int n,
		      const double *at, struct value text)
{
	struct value row[6 + COMPONENTS_MAX];

	memcpy(row, first, (size_t)n * sizeof(*row));
	for (int k = 0; k < v->shown; k++)
		row[n++] = value_real(at[k], DECIMALS);
	row[n++] = text;
	output_row(o, row);
}

static void put_rows(struct output *o, const struct view *v)
{
	const struct path *p = &v->path;
	const bool labels = has_labels(v), path = p->steps > 0;
	const char *name[6 + COMPONENTS_MAX];
	char component[COMPONENTS_MAX][16];
	struct value first[4];
	int n = 0;

	if (path) {
		name[n++] = "t";
		name[n++] = "token";
	}
	name[n++] = "line";
	if (labels)
		name[n++] = "label";
	for (int k = 0; k < v->shown; k++) {
		snprintf(component[k], sizeof(component[k]), "pc%d", k + 1);
		name[n++] = component[k];
	}
	name[n++] = "text";
	output_columns(o, name, n);
	n -= v->shown + 1;
	for (int k = 0; k < p->steps; k++) {
		const struct value at[4] = {value_int(p->t[k] + 1), path_token(v, k)};

		put_point(o, v, at, n, p->at + (size_t)k * (size_t)v->K, value_null());
	}
	for (size_t k = 0; k < v->n; k++) {
		const struct example *x = &v->texts.at[v->text[k]];

		first[0] = first[1] = value_null();
		first[path ? 2 : 0] = value_int((int64_t)x->line);
		first[path ? 3 : 1] = value_text(label_of(v, k));
		put_point(o, v, first, n, v->at + k * (size_t)v->K,
			  value_bytes(x->text, x->text_len));
	}
}

/* --- the picture ------------------------------------------------------------------------------------- */

/* The series of a label: the first labels have their own, the others share one. */
static int series_for(struct figure *f, const char *label, int *other)
{
	for (int k = 0; k < f->series_count; k++)
		if (k != *other && !strcmp(f->series[k].name, label))
			return k;
	if (f->series_count < SERIES_MAX)
		return figure_series(f, label, false);
	if (*other < 0)
		*other = figure_series(f, "others", false);
	return *other;
}

static struct figure *picture(const struct view *v)
{
	const struct path *p = &v->path;
	char axis[2][48];
	struct figure *f;
	int other = -1;

	if (v->D < 2)
		return NULL;
	for (int k = 0; k < 2; k++)
		snprintf(axis[k], sizeof(axis[k]), "pc%d, %.1f %%", k + 1,
			 100 * projection_share(&v->p, k));
	f = figure_plot(axis[0], axis[1], "%s of %zu texts", state_name[v->state], v->n);
	for (size_t k = 0; k < v->n; k++) {
		const char *label = label_of(v, k);
		const double *at = v->at + k * (size_t)v->K;

		figure_point(f, series_for(f, label ? label : "texts", &other), at[0], at[1], NULL);
	}
	if (p->steps) {
		const int series = figure_series(f, buf_str(&p->text), true);

		for (int k = 0; k < p->steps; k++) {
			const double *at = p->at + (size_t)k * (size_t)v->K;
			const struct value token = path_token(v, k);
			char *name = mem_bytes(token.text, token.n);

			figure_point(f, series, at[0], at[1], name);
			free(name);
		}
	}
	return f;
}

static bool report_rows(const struct view *v, struct err *err)
{
	struct output o;

	output_open(&o, v->c->format, v->c->out, v->c->answer);
	put_rows(&o, v);
	if (output_has_pictures(&o))
		output_figure(&o, picture(v));
	return output_close(&o, err);
}

static void remark(const struct view *v)
{
	struct buf b = {0};

	for (int k = 0; k < v->shown; k++)
		buf_printf(&b, "%spc%d %.1f %%", k ? ", " : "", k + 1,
			   100 * projection_share(&v->p, k));
	buf_printf(&b, " of the variance of %zu texts, which is %.4g", v->n, v->p.total);
	if (v->left_out)
		buf_printf(&b, "; %zu without a word left out", v->left_out);
	buf_printf(&b, "; all %d together miss it by %.0e", v->D, fabs(v->p.residual));
	explain_remark(v->c, "%s", buf_str(&b));
	buf_release(&b);
}

/* --- JSON -------------------------------------------------------------------------------------------- */

static void json_components(struct json_writer *j, const struct view *v)
{
	explain_json_number(j, "total_variance", v->p.total);
	explain_json_numbers(j, "variance", v->p.variance, v->D);
	explain_json_number(j, "residual", v->p.residual);
	explain_json_numbers(j, "mean", v->p.mean, v->D);
	jw_key(j, "components");
	jw_array(j);
	for (int k = 0; k < v->shown; k++) {
		jw_object(j);
		explain_json_number(j, "variance", v->p.variance[k]);
		explain_json_number(j, "share", projection_share(&v->p, k));
		explain_json_numbers(j, "vector", v->p.component + (size_t)k * (size_t)v->D, v->D);
		jw_object_end(j);
	}
	jw_array_end(j);
}

static void json_points(struct json_writer *j, const struct view *v)
{
	jw_key(j, "points");
	jw_array(j);
	for (size_t k = 0; k < v->n; k++) {
		const struct example *x = &v->texts.at[v->text[k]];

		jw_object(j);
		jw_key(j, "line");
		jw_int(j, (int64_t)x->line);
		explain_json_text(j, "label", label_of(v, k));
		jw_key(j, "text");
		jw_text_n(j, x->text, x->text_len);
		explain_json_numbers(j, "at", v->at + k * (size_t)v->K, v->shown);
		jw_object_end(j);
	}
	jw_array_end(j);
}

static void json_path(struct json_writer *j, const struct view *v)
{
	const struct path *p = &v->path;

	jw_key(j, "path");
	if (!p->steps) {
		jw_null(j);
		return;
	}
	jw_object(j);
	jw_key(j, "text");
	jw_text_n(j, buf_str(&p->text), p->text.len);
	jw_key(j, "points");
	jw_array(j);
	for (int k = 0; k < p->steps; k++) {
		const struct value token = path_token(v, k);

		jw_object(j);
		jw_key(j, "t");
		jw_int(j, p->t[k] + 1);
		jw_key(j, "token");
		jw_text_n(j, token.text, token.n);
		explain_json_numbers(j, "at", p->at + (size_t)k * (size_t)v->K, v->shown);
		jw_object_end(j);
	}
	jw_array_end(j);
	jw_object_end(j);
}

static bool report_json(const struct view *v, struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);
	char name[24];

	jw_object(&j);
	explain_json_text(&j, "run", v->run.id);
	explain_json_text(&j, "name", v->run.name);
	explain_json_text(&j, "cell", encoder_of(v)->model.spec.cell->name);
	explain_json_text(&j, "data", data_file_name(&v->texts.file));
	explain_json_text(&j, "state", state_name[v->state]);
	explain_json_text(&j, "layer",
			  v->state == STATE_VECTOR
				  ? NULL
				  : explain_layer_name(&encoder_of(v)->model, v->layer, name));
	jw_key(&j, "texts");
	jw_int(&j, (int64_t)v->n);
	jw_key(&j, "left_out");
	jw_int(&j, (int64_t)v->left_out);
	json_components(&j, v);
	json_points(&j, v);
	json_path(&j, v);
	jw_object_end(&j);
	return explain_json_end(v->c, &b, err);
}

/* --- the command ------------------------------------------------------------------------------------- */

static bool read_state(struct view *v, const struct args *a, struct err *err)
{
	const struct model *m = &encoder_of(v)->model;
	const char *name = args_value(a, "--state");
	int64_t components = 2;
	int most;

	for (v->state = STATE_VECTOR; name && v->state <= STATE_C; v->state++)
		if (!strcmp(name, state_name[v->state]))
			break;
	if (v->state > STATE_C)
		return err_set(err, ERR_USAGE, "--state is vector, h or c, not '%s'", name);
	if (v->state == STATE_C && m->spec.cell->carries_h)
		return err_set(err, ERR_USAGE, "the cell %s has no c: --state h is what it carries",
			       m->spec.cell->name);
	if (v->state == STATE_VECTOR && args_has(a, "--layer"))
		return err_set(err, ERR_USAGE, "--layer is of --state h or c");
	v->layer = explain_layer(m, a, err);
	if (v->layer < 0)
		return false;
	v->D = v->state == STATE_VECTOR ? m->D : m->spec.hidden;
	most = v->D < COMPONENTS_MAX ? v->D : COMPONENTS_MAX;
	components = most < 2 ? most : 2;
	if (!args_number(a, "--components", most, &components, err))
		return false;
	v->shown = (int)components;
	v->K = v->shown < 2 && most >= 2 ? 2 : v->shown;
	return true;
}

static bool project(struct view *v, const struct args *a, struct err *err)
{
	if (!collect(v, a, err) || !projection_fit(&v->p, v->row, v->n, v->D, err))
		return false;
	v->at = mem_zero(v->n * (size_t)v->K + 1, sizeof(*v->at));
	for (size_t k = 0; k < v->n; k++)
		projection_of(&v->p, v->row + k * (size_t)v->D, v->K, v->at + k * (size_t)v->K);
	return find_path(v, a, err);
}

bool command_project(struct context *c, const struct args *a, struct err *err)
{
	struct view v = {.c = c};
	bool ok = texts_options(a, err) && context_load(c, a->pos[0], &v.run, err) &&
		  read_state(&v, a, err) && project(&v, a, err);

	if (ok)
		ok = explain_is_json(c) ? report_json(&v, err) : report_rows(&v, err);
	if (ok && !explain_is_json(c))
		remark(&v);
	view_release(&v);
	return ok;
}

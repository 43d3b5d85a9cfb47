/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text padded before, padded behind and masked: what padding writes into the state. */
#include "app/command/explain.h"
#include "app/command/signal.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_padding[] = {
	{"--text", "TEXT", "the text to look at"},
	{"--length", "N",
	 "pad to N tokens (default: as the run learned, or else 6 more than the text has)"},
	{"--layer", "LAYER", "l0.fw, l1.bw and so on (default: the top one that goes forward)"},
	{"--unit", "N", "this unit as well; pictures show it alone"},
	{"--signal", "NAME", "what pictures show: a gate, c or h (default: c; of a GRU h)"},
	{NULL, NULL, NULL},
};

enum { PRE, POST, MASKED, WAYS, DECIMALS = 4, MORE = 6, LENGTH_MAX = 100000 };

static const char *const way_name[WAYS] = {"pre", "post", "masked"};

/* Rows lie beside each other by word: first the padding before the first word, then the words, then
 * the padding behind them. */
struct view {
	struct explained *x;
	struct replay *way[WAYS];
	struct signal signal;
	int run, unit; /* unit -1: none */
	int words, length, rows;
	int *at[WAYS]; /* rows: the position of each row, -1 where there is none */
};

static const struct encoder *encoder_of(const struct view *v)
{
	return v->x->run.snapshot->encoder;
}

static const struct trace_run *run_of(const struct view *v, int way)
{
	return &v->way[way]->run[v->run];
}

/* --- the three ways --------------------------------------------------------------------------------- */

static bool read_length(struct view *v, const struct args *a, struct err *err)
{
	const int learned = encoder_of(v)->rules.mask ? 0 : encoder_of(v)->rules.pad_to;
	int64_t length = learned > v->words ? learned : v->words + MORE;

	if (!args_number(a, "--length", LENGTH_MAX, &length, err))
		return false;
	if (length < v->words)
		return err_set(err, ERR_USAGE,
			       "--length is at least the text's %d tokens, not %lld", v->words,
			       (long long)length);
	v->length = (int)length;
	v->rows = 2 * v->length - v->words;
	return true;
}

static bool run_ways(struct view *v, struct err *err)
{
	const bool ragged = encoder_of(v)->rules.ragged;
	const struct batch_rules rules[WAYS] = {
		[PRE] = {.pad_to = v->length, .pad_front = true},
		[POST] = {.pad_to = v->length},
		[MASKED] = {.mask = !ragged, .ragged = ragged},
	};

	for (int k = 0; k < WAYS; k++) {
		v->way[k] = replay_padded(v->x->run.snapshot, buf_str(&v->x->text), v->x->text.len,
					  &rules[k], err);
		if (!v->way[k])
			return false;
	}
	return true;
}

/* Which position of each way stands in which row. */
static void align(struct view *v)
{
	const int before = v->length - v->words;

	for (int k = 0; k < WAYS; k++) {
		v->at[k] = mem_alloc(((size_t)v->rows + 1) * sizeof(*v->at[k]));
		for (int row = 0; row < v->rows; row++)
			v->at[k][row] = -1;
		for (int t = 0; t < v->way[k]->T; t++) {
			const int word = v->way[k]->token[t];

			v->at[k][word >= 0 ? before + word : k == PRE ? t : before + t] = t;
		}
	}
}

static void view_release(struct view *v)
{
	for (int k = 0; k < WAYS; k++) {
		replay_free(v->way[k]);
		free(v->at[k]);
	}
}

/* How many steps a layer takes before it reads a word. */
static int padding_before(const struct view *v, int way)
{
	const struct replay *r = v->way[way];
	int k = 0;

	while (k < r->T && r->token[replay_turn(run_of(v, way), k)] < 0)
		k++;
	return k;
}

static const double *state(const struct view *v, int way, bool c, int step)
{
	const struct trace_run *r = run_of(v, way);

	return (c ? r->c : r->h) + (size_t)step * (size_t)v->way[way]->H;
}

/* How far the last state is from the masked one: the largest difference of a unit, and the norm. */
static double distance(const struct view *v, int way, bool c, bool largest)
{
	const struct replay *r = v->way[way], *masked = v->way[MASKED];
	const double *a = state(v, way, c, r->T), *b = state(v, MASKED, c, masked->T);
	double most = 0, squares = 0;

	for (int u = 0; u < r->H; u++) {
		most = fmax(most, fabs(a[u] - b[u]));
		squares += (a[u] - b[u]) * (a[u] - b[u]);
	}
	return largest ? most : sqrt(squares);
}

/* --- rows ------------------------------------------------------------------------------------------- */

/* Of a row: words are numbered from 1, padding before them 0, -1 and so on. */
static int number_of(const struct view *v, int row)
{
	return row - (v->length - v->words) + 1;
}

static struct value token_of(const struct view *v, int row)
{
	for (int k = 0; k < WAYS; k++)
		if (v->at[k][row] >= 0)
			return explain_token(v->way[k], v->at[k][row]);
	return value_null();
}

static void put(struct output *o, const char *of, struct value t, struct value token,
		const double n[WAYS])
{
	output_row(o, (struct value[]){value_text(of), t, token, value_real(n[PRE], DECIMALS),
				       value_real(n[POST], DECIMALS),
				       value_real(n[MASKED], DECIMALS)});
}

/* A row for each position: the norm of a state, or one unit of it. */
static void rows_state(struct output *o, const struct view *v, bool c, int unit)
{
	char name[32];

	if (unit < 0)
		snprintf(name, sizeof(name), "|%s|", c ? "c" : "h");
	else
		snprintf(name, sizeof(name), "%s[%d]", c ? "c" : "h", unit);
	for (int row = 0; row < v->rows; row++) {
		double n[WAYS] = {NAN, NAN, NAN};

		for (int k = 0; k < WAYS; k++)
			if (v->at[k][row] >= 0) {
				const int step = replay_turn(run_of(v, k), v->at[k][row]) + 1;
				const double *s = state(v, k, c, step);

				n[k] = unit < 0 ? signal_norm(s, v->way[k]->H) : s[unit];
			}
		put(o, name, value_int(number_of(v, row)), token_of(v, row), n);
	}
}

/* What padding had written when the first word was read, and what is left of it at the end. */
static void rows_sums(struct output *o, const struct view *v, bool c)
{
	double before[WAYS], largest[WAYS], norm[WAYS];

	for (int k = 0; k < WAYS; k++) {
		before[k] = signal_norm(state(v, k, c, padding_before(v, k)), v->way[k]->H);
		largest[k] = distance(v, k, c, true);
		norm[k] = distance(v, k, c, false);
	}
	put(o, c ? "|c| before a word" : "|h| before a word", value_null(), value_null(), before);
	put(o, c ? "last c - masked, largest" : "last h - masked, largest", value_null(),
	    value_null(), largest);
	put(o, c ? "|last c - masked|" : "|last h - masked|", value_null(), value_null(), norm);
}

static void rows_classes(struct output *o, const struct view *v)
{
	for (int class = 0; class < v->way[MASKED]->C; class ++) {
		char *name = mem_printf("p(%s)", encoder_of(v)->classes.name[class]);
		double p[WAYS];

		for (int k = 0; k < WAYS; k++)
			p[k] = v->way[k]->prob[class];
		put(o, name, value_null(), value_null(), p);
		free(name);
	}
}

/* Units by positions, the three below each other, words above words. */
static struct figure *picture(const struct view *v, int way)
{
	const struct replay *r = v->way[way];
	const int rows = v->unit < 0 ? r->H : 1;
	struct figure *f = figure_heat(rows, v->rows, "%s, %s", v->signal.name,
				       way == PRE    ? "padded before the text"
				       : way == POST ? "padded behind the text"
						     : "masked");

	f->is_signed = v->signal.is_signed;
	f->limit = v->signal.is_bounded ? 1 : 0;
	for (int u = 0; u < rows; u++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", v->unit < 0 ? u : v->unit);
		figure_name_row(f, u, name, strlen(name));
	}
	for (int col = 0; col < v->rows; col++) {
		const struct value token = token_of(v, col);
		const int t = v->at[way][col];

		figure_name_col(f, col, token.text, token.n);
		for (int u = 0; t >= 0 && u < rows; u++)
			f->v[u * v->rows + col] = signal_at(&v->signal, run_of(v, way), r->H,
							    t)[v->unit < 0 ? u : v->unit];
	}
	return f;
}

/* The same colours in all three. */
static void add_pictures(struct output *o, const struct view *v)
{
	struct figure *f[WAYS];
	double limit = 0;

	for (int k = 0; k < WAYS; k++) {
		f[k] = picture(v, k);
		limit = fmax(limit, figure_limit(f[k]));
	}
	for (int k = 0; k < WAYS; k++) {
		f[k]->limit = limit;
		output_figure(o, f[k]);
	}
}

static bool report_rows(struct context *c, const struct view *v, struct err *err)
{
	static const char *const column[] = {"of", "t", "token", "pre", "post", "masked"};
	struct output o;

	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, 6);
	for (int is_c = run_of(v, PRE)->c != NULL; is_c >= 0; is_c--) {
		rows_state(&o, v, is_c, -1);
		if (v->unit >= 0)
			rows_state(&o, v, is_c, v->unit);
	}
	for (int is_c = run_of(v, PRE)->c != NULL; is_c >= 0; is_c--)
		rows_sums(&o, v, is_c);
	rows_classes(&o, v);
	if (output_has_pictures(&o))
		add_pictures(&o, v);
	return output_close(&o, err);
}

/* --- JSON ------------------------------------------------------------------------------------------- */

static void json_state(struct json_writer *j, const struct view *v, int way, bool c)
{
	const struct replay *r = v->way[way];
	const int before = padding_before(v, way);

	explain_json_numbers(j, c ? "c_before" : "h_before", state(v, way, c, before), r->H);
	explain_json_number(j, c ? "c_before_norm" : "h_before_norm",
			    signal_norm(state(v, way, c, before), r->H));
	explain_json_number(j, c ? "c_difference_largest" : "h_difference_largest",
			    distance(v, way, c, true));
	explain_json_number(j, c ? "c_difference_norm" : "h_difference_norm",
			    distance(v, way, c, false));
	jw_key(j, c ? "c" : "h");
	jw_array(j);
	for (int t = 0; t < r->T; t++) {
		const double *s = state(v, way, c, replay_turn(run_of(v, way), t) + 1);

		jw_array(j);
		for (int u = 0; u < r->H; u++)
			if (v->unit < 0 || u == v->unit)
				jw_f64(j, s[u]);
		jw_array_end(j);
	}
	jw_array_end(j);
}

static void json_way(struct json_writer *j, const struct view *v, int way)
{
	const struct replay *r = v->way[way];

	jw_object(j);
	explain_json_text(j, "padding", way_name[way]);
	jw_key(j, "tokens");
	jw_array(j);
	for (int t = 0; t < r->T; t++) {
		size_t n;
		const char *token = replay_token(r, t, &n);

		jw_text_n(j, token, n);
	}
	jw_array_end(j);
	jw_key(j, "padding_read_before_a_word");
	jw_int(j, padding_before(v, way));
	for (int is_c = run_of(v, way)->c != NULL; is_c >= 0; is_c--)
		json_state(j, v, way, is_c);
	if (r->C)
		explain_json_numbers(j, "probabilities", r->prob, r->C);
	jw_object_end(j);
}

static bool report_json(struct context *c, const struct view *v, struct err *err)
{
	const struct batch_rules *rules = &encoder_of(v)->rules;
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	explain_json(&j, v->x);
	explain_json_text(&j, "learned_with",
			  rules->ragged || rules->mask ? "masked"
			  : rules->pad_front           ? "pre"
						       : "post");
	jw_key(&j, "learned_length");
	jw_int(&j, rules->ragged || rules->mask ? 0 : rules->pad_to);
	jw_key(&j, "length");
	jw_int(&j, v->length);
	jw_key(&j, "layer");
	jw_int(&j, run_of(v, PRE)->layer);
	explain_json_text(&j, "direction", run_of(v, PRE)->backward ? "bw" : "fw");
	jw_key(&j, "unit");
	if (v->unit >= 0)
		jw_int(&j, v->unit);
	else
		jw_null(&j);
	if (v->way[PRE]->C) {
		jw_key(&j, "classes");
		jw_array(&j);
		for (int k = 0; k < v->way[PRE]->C; k++)
			jw_text(&j, encoder_of(v)->classes.name[k]);
		jw_array_end(&j);
	}
	jw_key(&j, "ways");
	jw_array(&j);
	for (int k = 0; k < WAYS; k++)
		json_way(&j, v, k);
	jw_array_end(&j);
	jw_object_end(&j);
	return explain_json_end(c, &b, err);
}

/* --- the command ------------------------------------------------------------------------------------ */

/* How the run learned, for that decides which of the three it knows. */
static void remark(struct context *c, const struct view *v)
{
	const struct batch_rules *rules = &encoder_of(v)->rules;
	const char *name = v->x->run.name;

	if (rules->ragged && vocab_end(encoder_of(v)->vocab) == VOCAB_PAD)
		explain_remark(c, "%s learned from a stream, in which <pad> ends a text", name);
	else if (rules->ragged || rules->mask)
		explain_remark(c,
			       "%s learned %s: it has never read <pad>, whose vector is untrained",
			       name, rules->ragged ? "from a stream" : "with mask=true");
	else
		explain_remark(c, "%s learned with padding=%s to %d tokens", name,
			       rules->pad_front ? "pre" : "post", rules->pad_to);
}

bool command_padding(struct context *c, const struct args *a, struct err *err)
{
	struct explained x = {0};
	struct view v = {.x = &x, .unit = -1};
	bool ok = explain_open(&x, c, a, false, err);

	if (ok && !x.replay->encoding.count)
		ok = err_set(err, ERR_USAGE, "the text has no word that %s reads", x.run.name);
	if (ok) {
		const struct model *m = &encoder_of(&v)->model;

		v.words = (int)x.replay->encoding.count;
		v.run = explain_layer(m, a, err);
		ok = v.run >= 0 && explain_unit(a, x.replay->H, &v.unit, err) &&
		     signal_read(&v.signal, a, m->spec.cell, err) && read_length(&v, a, err) &&
		     run_ways(&v, err);
	}
	if (ok) {
		align(&v);
		ok = explain_is_json(c) ? report_json(c, &v, err) : report_rows(c, &v, err);
	}
	if (ok && !explain_is_json(c))
		remark(c, &v);
	view_release(&v);
	explain_release(&x);
	return ok;
}

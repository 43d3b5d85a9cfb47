/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which words speak for a class and which against it, as several methods say, and whether they agree. */
#include "app/command/explain.h"
#include "app/command/telling.h"

#include "engine/base/mem.h"
#include "engine/explain/attribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_attribute[] = {
	{"--text", "TEXT", "the text to explain"},
	{"--class", "NAME", "the class whose score (logit) is explained (default: the likeliest)"},
	{"--method", "LIST",
	 "gradient, integrated, lrp, cd, occlusion, unk: these alone, however long they take "
	 "(default: all but unk that take less than about a minute)"},
	{"--unk", NULL, "also the score with <unk> in a word's place"},
	{"--bias-factor", "A",
	 "lrp: the share of what biases take that is handed out to words, from 0 (0) to 1"},
	{NULL, NULL, NULL},
};

/* Multiplications that methods may take which go over the text once a word. */
#define MOST_WORK 5e10
enum { DECIMALS = 4 };

/* Reads --method, names parted by commas. */
static bool read_methods(const struct args *a, struct attribution_rules *rules, struct err *err)
{
	const char *list = args_value(a, "--method");
	char *copy, *save = NULL;
	bool ok = true;

	rules->methods = (1u << METHOD_COUNT) - 1 - (1u << METHOD_UNK);
	rules->most_work = MOST_WORK;
	if (list) {
		rules->methods = 0;
		rules->most_work = 0;
		copy = mem_text(list);
		for (char *w = strtok_r(copy, ", ", &save); w && ok;
		     w = strtok_r(NULL, ", ", &save)) {
			const int m = method_find(w);

			ok = m >= 0 ||
			     err_set(err, ERR_USAGE,
				     "there is no method '%s'; there are gradient, integrated, "
				     "lrp, cd, occlusion and unk",
				     w);
			rules->methods |= ok ? 1u << m : 0;
		}
		free(copy);
		if (ok && !rules->methods)
			return err_set(err, ERR_USAGE, "--method names no method");
	}
	if (args_has(a, "--unk"))
		rules->methods |= 1u << METHOD_UNK;
	return ok && args_real(a, "--bias-factor", 0, 1, &rules->bias_factor, err);
}

/* --- rows ------------------------------------------------------------------------------------------ */

static void row_of(struct output *o, const struct attribution *a, struct value *row,
		   const char *name, double (*of)(const struct verdict *v), int decimals)
{
	int n = 0;

	row[n++] = value_null();
	row[n++] = value_text(name);
	for (int m = 0; m < METHOD_COUNT; m++)
		if (a->verdict[m].asked)
			row[n++] = a->verdict[m].there ? value_real(of(&a->verdict[m]), decimals)
						       : value_null();
	output_row(o, row);
}

/* What is left over, and which methods promise that nothing is. */
static void row_rule(const struct context *c, struct output *o, const struct attribution *a,
		     struct value *row)
{
	int n = 2;

	row[0] = value_null();
	row[1] = value_text("residual");
	for (int m = 0; m < METHOD_COUNT; m++)
		if (a->verdict[m].asked)
			row[n++] = a->verdict[m].there ? explain_residual(c, a->verdict[m].residual)
						       : value_null();
	output_row(o, row);
	n = 2;
	row[1] = value_text("adds up by rule");
	for (int m = 0; m < METHOD_COUNT; m++)
		if (a->verdict[m].asked)
			row[n++] = value_text(!a->verdict[m].there        ? NULL
					      : method_table[m].conserves ? "yes"
									  : "no");
	output_row(o, row);
}

static double sum_of(const struct verdict *v)
{
	return v->sum;
}

static double elsewhere_of(const struct verdict *v)
{
	return v->elsewhere;
}

static double total_of(const struct verdict *v)
{
	return v->total;
}

static double should_of(const struct verdict *v)
{
	return v->should;
}

/* What the columns add up to, and how they agree. */
static void rows_below(const struct context *c, struct output *o, const struct attribution *a,
		       struct value *row)
{
	row_of(o, a, row, "sum of words", sum_of, DECIMALS);
	row_of(o, a, row, "elsewhere", elsewhere_of, DECIMALS);
	row_of(o, a, row, "total", total_of, DECIMALS);
	row_of(o, a, row, "should be", should_of, DECIMALS);
	row_rule(c, o, a, row);
	for (int m = 0; m < METHOD_COUNT; m++) {
		char name[64];
		int n = 0;

		if (!a->verdict[m].there)
			continue;
		snprintf(name, sizeof(name), "ranks as %s", method_table[m].name);
		row[n++] = value_null();
		row[n++] = value_text(name);
		for (int k = 0; k < METHOD_COUNT; k++)
			if (a->verdict[k].asked)
				row[n++] = value_real(a->agreement[m][k], 3);
		output_row(o, row);
	}
}

/* A row a method: each as a part of its own largest, for what they say is not in one unit. */
static struct figure *picture(const struct explained *x, const struct attribution *a)
{
	struct figure *f =
		figure_heat(METHOD_COUNT, a->T, "for and against %s; each row by its own largest",
			    x->run.snapshot->encoder->classes.name[a->class]);
	int rows = 0;

	f->is_signed = true;
	f->limit = 1;
	for (int m = 0; m < METHOD_COUNT; m++) {
		double most = 0;

		if (!a->verdict[m].there)
			continue;
		for (int t = 0; t < a->T; t++)
			most = fmax(most, fabs(a->verdict[m].score[t]));
		for (int t = 0; t < a->T; t++)
			f->v[rows * a->T + t] = most > 0 ? a->verdict[m].score[t] / most : 0;
		figure_name_row(f, rows++, method_table[m].name, strlen(method_table[m].name));
	}
	f->rows = rows;
	explain_name_words(f, x->replay);
	return f;
}

static bool report_rows(struct context *c, const struct explained *x, const struct attribution *a,
			struct err *err)
{
	const char *name[2 + METHOD_COUNT] = {"t", "token"};
	struct value row[2 + METHOD_COUNT];
	double *shown[METHOD_COUNT] = {NULL};
	struct output o;
	int cols = 2;

	for (int m = 0; m < METHOD_COUNT; m++)
		if (a->verdict[m].asked) {
			name[cols++] = method_table[m].name;
			shown[m] = explain_rounded(c, a->verdict[m].score, a->T, DECIMALS);
		}
	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, name, cols);
	for (int t = 0; t < a->T; t++) {
		int n = 0;

		row[n++] = value_int(t + 1);
		row[n++] = explain_token(x->replay, t);
		for (int m = 0; m < METHOD_COUNT; m++)
			if (a->verdict[m].asked)
				row[n++] = a->verdict[m].there ? value_real(shown[m][t], DECIMALS)
							       : value_null();
		output_row(&o, row);
	}
	rows_below(c, &o, a, row);
	for (int m = 0; m < METHOD_COUNT; m++)
		free(shown[m]);
	if (output_has_pictures(&o))
		output_figure(&o, picture(x, a));
	return output_close(&o, err);
}

/* What a table cannot say: of which score, from where, and how exactly. */
static void say_more(struct context *c, const struct explained *x, const struct attribution *a)
{
	const char *class = x->run.snapshot->encoder->classes.name[a->class];

	if (explain_is_table(c)) {
		context_say(c, "score of %s: %.4f; of zero vectors %.4f, of no words %.4f", class,
			    a->F, a->F_zero, a->F_empty);
		if (a->verdict[METHOD_INTEGRATED].there)
			context_say(c, "integrated: %d nodes", a->nodes);
		if (a->verdict[METHOD_LRP].there)
			context_say(c,
				    "lrp: %.4f to biases, %.4f to the stabiliser, %.4f to initial "
				    "states; bias factor %g",
				    a->bias, a->epsilon, a->initial, a->bias_factor);
		if (a->verdict[METHOD_CD].there)
			context_say(c, "cd: total is what a word brought in and the rest, of the "
				       "word where that is farthest off");
	}
	for (int m = 0; m < METHOD_COUNT; m++)
		if (*a->verdict[m].why)
			explain_remark(c, "%s: %s", method_table[m].title, a->verdict[m].why);
	if (a->verdict[METHOD_INTEGRATED].there && !a->reached)
		explain_remark(c,
			       "integrated: after %d nodes the error is still %.2g of %.4f, more "
			       "than 1 %%",
			       a->nodes, a->verdict[METHOD_INTEGRATED].residual,
			       a->verdict[METHOD_INTEGRATED].should);
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static void json_method(struct json_writer *j, const struct attribution *a, int m)
{
	const struct verdict *v = &a->verdict[m];

	jw_object(j);
	explain_json_text(j, "method", method_table[m].name);
	explain_json_text(j, "source", method_table[m].source);
	if (!v->there) {
		explain_json_text(j, "left_out", v->why);
		jw_object_end(j);
		return;
	}
	explain_json_numbers(j, "words", v->score, a->T);
	explain_json_number(j, "sum", v->sum);
	explain_json_number(j, "elsewhere", v->elsewhere);
	explain_json_number(j, "total", v->total);
	explain_json_number(j, "should_be", v->should);
	explain_json_number(j, "residual", v->residual);
	jw_key(j, "conserves");
	jw_bool(j, method_table[m].conserves);
	if (m == METHOD_INTEGRATED) {
		jw_key(j, "nodes");
		jw_int(j, a->nodes);
		jw_key(j, "reached");
		jw_bool(j, a->reached);
	}
	if (m == METHOD_LRP) {
		explain_json_number(j, "bias_factor", a->bias_factor);
		explain_json_number(j, "biases", a->bias);
		explain_json_number(j, "stabiliser", a->epsilon);
		explain_json_number(j, "initial_states", a->initial);
	}
	jw_object_end(j);
}

static bool report_json(struct context *c, const struct explained *x, const struct attribution *a,
			struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	explain_json(&j, x);
	explain_json_text(&j, "class", x->run.snapshot->encoder->classes.name[a->class]);
	explain_json_number(&j, "score", a->F);
	explain_json_number(&j, "score_of_zero", a->F_zero);
	explain_json_number(&j, "score_of_no_word", a->F_empty);
	explain_json_number(&j, "head_bias", a->head_bias);
	jw_key(&j, "methods");
	jw_array(&j);
	for (int m = 0; m < METHOD_COUNT; m++)
		if (a->verdict[m].asked)
			json_method(&j, a, m);
	jw_array_end(&j);
	jw_key(&j, "agreement");
	jw_object(&j);
	for (int m = 0; m < METHOD_COUNT; m++) {
		if (!a->verdict[m].there)
			continue;
		jw_key(&j, method_table[m].name);
		jw_object(&j);
		for (int k = 0; k < METHOD_COUNT; k++)
			if (a->verdict[k].there)
				explain_json_number(&j, method_table[k].name, a->agreement[m][k]);
		jw_object_end(&j);
	}
	jw_object_end(&j);
	jw_object_end(&j);
	return explain_json_end(c, &b, err);
}

static void tell(void *arg, int t)
{
	telling_at(arg, t);
}

bool command_attribute(struct context *c, const struct args *args, struct err *err)
{
	const char *class = args_value(args, "--class");
	struct telling telling;
	struct attribution_rules rules = {.cancel = c->cancel, .tell = tell, .arg = &telling};
	struct explained x = {0};
	struct attribution a = {0};
	bool ok = read_methods(args, &rules, err) && explain_open(&x, c, args, true, err);

	if (ok) {
		rules.class = class ? explain_class(x.run.snapshot->encoder, class, err)
				    : explain_likeliest(x.replay);
		telling_begin(&telling, c, "words", x.replay->T);
		ok = rules.class >= 0 && attribution_run(&a, x.replay, &rules, err);
		telling_end(&telling);
	}
	if (ok && explain_is_json(c))
		ok = report_json(c, &x, &a, err);
	else if (ok) {
		ok = report_rows(c, &x, &a, err);
		if (ok)
			say_more(c, &x, &a);
	}
	attribution_release(&a);
	explain_release(&x);
	return ok;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/explain.h"

#include "engine/base/mem.h"
#include "engine/text/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool explain_open(struct explained *x, struct context *c, const struct args *a, bool classes,
		  struct err *err)
{
	const char *text = args_value(a, "--text");
	const struct task_ops *task;

	if (!text)
		return err_set(err, ERR_USAGE, "%s needs --text TEXT", a->command->name);
	if (!context_load(c, a->pos[0], &x->run, err))
		return false;
	task = &task_table[x->run.snapshot->encoder->model.spec.task];
	if (classes && !task->labels)
		return err_set(err, ERR_USAGE,
			       "%s explains a class, and %s has none, its task is %s; ledger and "
			       "saturation work for it",
			       a->command->name, x->run.name, task->name);
	utf8_repair(&x->text, text, strlen(text), NULL);
	x->replay = replay_new(x->run.snapshot, buf_str(&x->text), x->text.len, err);
	if (x->replay && !x->replay->T)
		return err_set(err, ERR_USAGE, "the text has no word that %s reads", x->run.name);
	return x->replay;
}

void explain_release(struct explained *x)
{
	replay_free(x->replay);
	buf_release(&x->text);
	loaded_release(&x->run);
}

const char *explain_layer_name(const struct model *m, int run, char name[24])
{
	snprintf(name, 24, "l%d.%s", run / m->stack.spec.dirs,
		 run % m->stack.spec.dirs ? "bw" : "fw");
	return name;
}

int explain_layer(const struct model *m, const struct args *a, struct err *err)
{
	const char *layer = args_value(a, "--layer");
	struct buf list = {0};
	char name[24];

	if (!layer)
		return m->stack.runs - m->stack.spec.dirs;
	for (int k = 0; k < m->stack.runs; k++) {
		buf_printf(&list, "%s%s", k ? ", " : "", explain_layer_name(m, k, name));
		if (!strcmp(name, layer)) {
			buf_release(&list);
			return k;
		}
	}
	err_set(err, ERR_USAGE, "there is no layer '%s' that reads the text; there %s %s", layer,
		m->stack.runs > 1 ? "are" : "is", buf_str(&list));
	buf_release(&list);
	return -1;
}

bool explain_unit(const struct args *a, int H, int *unit, struct err *err)
{
	const char *text = args_value(a, "--unit");
	char *end;
	long u;

	if (!text)
		return true;
	u = strtol(text, &end, 10);
	if (*end || end == text || u < 0 || u >= H)
		return err_set(err, ERR_USAGE, "--unit is from 0 to %d, not '%s'", H - 1, text);
	*unit = (int)u;
	return true;
}

int explain_class(const struct encoder *e, const char *name, struct err *err)
{
	const int class = classes_find(&e->classes, name);
	struct buf list = {0};

	if (class >= 0)
		return class;
	for (int k = 0; k < e->classes.count && k < 12; k++)
		buf_printf(&list, "%s%s", k ? ", " : "", e->classes.name[k]);
	err_set(err, ERR_USAGE, "there is no class '%s'; there are %s%s", name, buf_str(&list),
		e->classes.count > 12 ? ", ..." : "");
	buf_release(&list);
	return -1;
}

int explain_likeliest(const struct replay *r)
{
	int best = 0;

	for (int k = 1; k < r->C; k++)
		best = r->logit[k] > r->logit[best] ? k : best;
	return best;
}

bool explain_is_table(const struct context *c)
{
	if (!c->out)
		return !c->exact;
	return c->format == OUTPUT_TABLE || (c->format == OUTPUT_AUTO && isatty(fileno(c->out)));
}

bool explain_is_json(const struct context *c)
{
	return c->out && (c->format == OUTPUT_JSON || c->format == OUTPUT_NDJSON);
}

void explain_json_text(struct json_writer *j, const char *key, const char *text)
{
	jw_key(j, key);
	jw_text(j, text);
}

void explain_json_number(struct json_writer *j, const char *key, double v)
{
	jw_key(j, key);
	jw_f64(j, v);
}

void explain_json_numbers(struct json_writer *j, const char *key, const double *v, int n)
{
	jw_key(j, key);
	jw_array(j);
	for (int k = 0; k < n; k++)
		jw_f64(j, v[k]);
	jw_array_end(j);
}

void explain_json(struct json_writer *j, const struct explained *x)
{
	jw_object(j);
	explain_json_text(j, "run", x->run.id);
	explain_json_text(j, "name", x->run.name);
	explain_json_text(j, "cell", x->replay->m->spec.cell->name);
	jw_key(j, "text");
	jw_text_n(j, buf_str(&x->text), x->text.len);
	jw_key(j, "tokens");
	jw_array(j);
	for (int t = 0; t < x->replay->T; t++) {
		size_t n;
		const char *token = replay_token(x->replay, t, &n);

		jw_text_n(j, token, n);
	}
	jw_array_end(j);
}

bool explain_json_end(struct context *c, struct buf *b, struct err *err)
{
	bool ok;

	buf_byte(b, '\n');
	ok = output_flush(c->out, b, err);
	buf_release(b);
	return ok;
}

double *explain_rounded(const struct context *c, const double *v, int n, int decimals)
{
	double *copy = mem_alloc(((size_t)n + 1) * sizeof(*copy));

	for (int k = 0; k < n; k++)
		copy[k] = v[k];
	if (explain_is_table(c))
		round_to_sum(copy, n, decimals);
	return copy;
}

struct value explain_residual(const struct context *c, double v)
{
	enum { DECIMALS = 4 }; /* as the numbers beside it have */
	char digit[32];

	if (explain_is_table(c) && fabs(v) >= 1e-4)
		return value_real(v, DECIMALS);
	snprintf(digit, sizeof(digit), "%.0e", v);
	return value_real(explain_is_table(c) ? strtod(digit, NULL) : v, -1);
}

struct value explain_token(const struct replay *r, int t)
{
	size_t n;
	const char *token = replay_token(r, t, &n);

	return value_bytes(token, n);
}

void explain_name_words(struct figure *f, const struct replay *r)
{
	for (int t = 0; t < r->T; t++) {
		size_t n;
		const char *token = replay_token(r, t, &n);

		figure_name_col(f, t, token, n);
	}
}

void explain_remark(struct context *c, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (!c->out)
		context_say(c, "%s", line);
	else if (!c->quiet)
		fprintf(stderr, "sluice: %s\n", line);
}

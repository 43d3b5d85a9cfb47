/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How good a run is on a file, and what it says of single lines. */
#include "app/archive.h"
#include "app/command/command.h"
#include "app/prepare.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/text/utf8.h"
#include "engine/train/eval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option options_eval[] = {
	{"--data", "FILE", "labelled texts; - is standard input"},
	{"--data-format", "FORMAT", "where it is not plain to see"},
	{"--label-column", "NAME", "by name or number from 1"},
	{"--text-column", "NAME", "by name or number from 1"},
	{"--no-header", NULL, "the first line of a csv file is data"},
	{NULL, NULL, NULL},
};

const struct option options_predict[] = {
	{"--data", "FILE", "a text a line; - is standard input, which is also the default"},
	{NULL, NULL, NULL},
};

static bool read_data(const struct args *a, struct examples *ex, struct err *err)
{
	const char *format = args_value(a, "--data-format"), *path = args_value(a, "--data");
	struct read_options opt = {
		.label_column = args_value(a, "--label-column"),
		.text_column = args_value(a, "--text-column"),
		.no_header = args_has(a, "--no-header"),
		.need_labels = true,
	};
	int found = format ? data_format_find(format) : DATA_AUTO;

	if (!path)
		return err_set(err, ERR_USAGE, "eval needs --data FILE");
	if (found < 0)
		return err_set(err, ERR_USAGE,
			       "there is no data format '%s'; see 'sluice help settings'", format);
	opt.format = (enum data_format)found;
	return examples_read(ex, path, &opt, err);
}

static bool report_json(struct context *c, const struct loaded *l, const struct measures *m,
			struct err *err)
{
	const struct classes *classes = &l->snapshot->encoder->classes;
	struct buf b = {0};
	struct json_writer j = jw_to(&b);
	bool ok;

	jw_object(&j);
	jw_key(&j, "run");
	jw_text(&j, l->id);
	jw_key(&j, "examples");
	jw_int(&j, m->examples);
	jw_key(&j, "loss");
	jw_f64(&j, m->loss);
	jw_key(&j, "accuracy");
	jw_f64(&j, m->accuracy);
	jw_key(&j, "macro_f1");
	jw_f64(&j, m->macro_f1);
	jw_key(&j, "confusion");
	jw_array(&j);
	for (int r = 0; r < m->classes; r++) {
		jw_array(&j);
		for (int k = 0; k < m->classes; k++)
			jw_int(&j, m->confusion[r * m->classes + k]);
		jw_array_end(&j);
	}
	jw_array_end(&j);
	jw_key(&j, "classes");
	jw_array(&j);
	for (int k = 0; k < m->classes; k++)
		jw_text(&j, classes->name[k]);
	jw_array_end(&j);
	jw_object_end(&j);
	buf_byte(&b, '\n');
	ok = output_flush(c->out, &b, err);
	buf_release(&b);
	return ok;
}

/* A row a class: what was guessed for its texts. */
static bool report_rows(struct context *c, const struct loaded *l, const struct measures *m,
			struct err *err)
{
	const struct classes *classes = &l->snapshot->encoder->classes;
	const int C = m->classes, cols = 6 + C;
	const char **column = mem_zero((size_t)cols, sizeof(*column));
	struct value *row = mem_zero((size_t)cols, sizeof(*row));
	char **guessed = mem_zero((size_t)C, sizeof(*guessed));
	struct output o;
	bool ok;

	column[0] = "run";
	column[1] = "examples";
	column[2] = "loss";
	column[3] = "accuracy";
	column[4] = "macro_f1";
	column[5] = "class";
	for (int k = 0; k < C; k++)
		column[6 + k] = guessed[k] = mem_printf("as_%s", classes->name[k]);
	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, cols);
	for (int r = 0; r < C; r++) {
		row[0] = value_text(l->id);
		row[1] = value_int(m->examples);
		row[2] = value_real(m->loss, 4);
		row[3] = value_real(m->accuracy, 4);
		row[4] = value_real(m->macro_f1, 4);
		row[5] = value_text(classes->name[r]);
		for (int k = 0; k < C; k++)
			row[6 + k] = value_int(m->confusion[r * C + k]);
		output_row(&o, row);
	}
	ok = output_close(&o, err);
	for (int k = 0; k < C; k++)
		free(guessed[k]);
	free(guessed);
	free(column);
	free(row);
	return ok;
}

bool command_eval(struct context *c, const struct args *a, struct err *err)
{
	struct examples ex = {0};
	struct loaded l = {0};
	struct measures m = {0};
	struct corpus *corpus = NULL;
	struct team *team = NULL;
	const struct encoder *e;
	bool ok = read_data(a, &ex, err) && context_load(c, a->pos[0], &l, err);

	if (ok) {
		e = l.snapshot->encoder;
		if (!c->quiet && c->out)
			fputs(buf_str(&ex.warnings), stderr);
		corpus = corpus_new(&ex, e->vocab, &e->classes, e->max_len, e->truncate_front, err);
		team = corpus ? team_new(default_threads(), err) : NULL;
		ok = team && eval_corpus(team,
					 &(struct evaluation){.model = &e->model,
							      .weights = l.snapshot->weights,
							      .corpus = corpus,
							      .rules = &e->rules,
							      .end = vocab_end(e->vocab),
							      .stop = c->cancel},
					 &m, err);
	}
	if (ok)
		ok = c->out && (c->format == OUTPUT_JSON || c->format == OUTPUT_NDJSON)
			     ? report_json(c, &l, &m, err)
			     : report_rows(c, &l, &m, err);
	measures_release(&m);
	team_free(team);
	corpus_unref(corpus);
	loaded_release(&l);
	examples_release(&ex);
	return ok;
}

struct predictor {
	struct context *c;
	const struct snapshot *s;
	struct encoding encoding;
	struct work work;
	struct buf text, out;
};

static bool predict_line(struct predictor *p, const char *line, size_t n, struct err *err)
{
	const struct encoder *e = p->s->encoder;
	const int C = e->classes.count;
	int best = 0;

	buf_clear(&p->text);
	utf8_repair(&p->text, line, n, NULL);
	encoder_encode(e, buf_str(&p->text), p->text.len, &p->encoding);
	batch_of_ids(&p->work.in.batch, p->encoding.ids, (int)p->encoding.count, &e->rules);
	if (!model_pass(&e->model, p->s->weights, &p->work, &(struct pass){0}, &(struct tally){0}))
		return err_set(err, ERR_FAILED, "not enough memory for a line of %zu tokens",
			       p->encoding.count);
	for (int k = 1; k < C; k++)
		best = p->work.prob[k] > p->work.prob[best] ? k : best;
	if (p->c->format == OUTPUT_JSON || p->c->format == OUTPUT_NDJSON) {
		struct json_writer j = jw_to(&p->out);

		jw_object(&j);
		jw_key(&j, "text");
		jw_text_n(&j, buf_str(&p->text), p->text.len);
		jw_key(&j, "label");
		jw_text(&j, e->classes.name[best]);
		jw_key(&j, "probabilities");
		jw_object(&j);
		for (int k = 0; k < C; k++) {
			jw_key(&j, e->classes.name[k]);
			jw_f32(&j, (float)p->work.prob[k]);
		}
		jw_object_end(&j);
		jw_object_end(&j);
	} else {
		buf_printf(&p->out, "%s\t%.9g", e->classes.name[best], (double)p->work.prob[best]);
	}
	buf_byte(&p->out, '\n');
	return output_flush(p->c->out, &p->out, err);
}

bool command_predict(struct context *c, const struct args *a, struct err *err)
{
	const char *path = args_value(a, "--data");
	const bool standard = !path || !strcmp(path, "-");
	struct loaded l = {0};
	struct predictor p = {.c = c};
	size_t cap = 0;
	char *line = NULL;
	ssize_t n;
	FILE *in;
	bool ok = context_load(c, a->pos[0], &l, err);

	if (!ok)
		return false;
	p.s = l.snapshot;
	in = standard ? stdin : fopen(path, "r");
	if (!in)
		ok = err_set(err, ERR_INPUT, "cannot read %s: %s", path, strerror(errno));
	while (ok && (n = getline(&line, &cap, in)) >= 0) {
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		ok = predict_line(&p, line, (size_t)n, err);
		if (ferror(c->out))
			break; /* the reader has gone */
	}
	if (ok && ferror(in))
		ok = err_set(err, ERR_INPUT, "cannot read %s: %s",
			     standard ? "standard input" : path, strerror(errno));
	if (in && !standard)
		fclose(in);
	free(line);
	buf_release(&p.text);
	buf_release(&p.out);
	work_release(&p.work);
	encoding_release(&p.encoding);
	loaded_release(&l);
	return ok;
}

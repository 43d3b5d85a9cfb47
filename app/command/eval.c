/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How good a run is on a file. */
#include "app/archive.h"
#include "app/budget.h"
#include "app/command/command.h"
#include "app/prepare.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/text/intake.h"
#include "engine/train/eval.h"

#include <stdlib.h>
#include <string.h>

const struct option options_eval[] = {
	{"--data", "FILE", "texts, labelled where the run's task is classify; - is standard input"},
	{"--data-format", "FORMAT", "where it is not plain to see"},
	{"--label-column", "NAME", "by name or number from 1"},
	{"--text-column", "NAME", "by name or number from 1"},
	{"--no-header", NULL, "the first line of a csv file is data"},
	{NULL, NULL, NULL},
};

/* Reads the texts as the run's task needs them. */
static bool read_data(const struct args *a, const struct task_ops *task, struct intake *in,
		      struct vocab_builder *words, struct err *err)
{
	const char *format = args_value(a, "--data-format"), *path = args_value(a, "--data");
	struct read_options opt = {
		.label_column = args_value(a, "--label-column"),
		.text_column = args_value(a, "--text-column"),
		.no_header = args_has(a, "--no-header"),
		.need_labels = task->labels,
		.stream = task->stream,
		.most_bytes = budget_available(""),
	};
	int found = format ? data_format_find(format) : DATA_AUTO;

	if (found < 0)
		return err_set(err, ERR_USAGE,
			       "there is no data format '%s'; see 'sluice help settings'", format);
	opt.format = (enum data_format)found;
	return intake_read(in, path, &opt, words, err);
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

/* The measures of a task without classes: one row, or one object. */
static bool report_measures(struct context *c, const struct loaded *l, const struct measures *m,
			    struct err *err)
{
	const bool texts = task_table[l->snapshot->encoder->model.spec.task].decoder;
	const struct {
		const char *name;
		struct value v;
		bool shown;
	} field[] = {
		{"run", value_text(l->id), true},
		{"examples", value_int(m->examples), texts},
		{"tokens", value_int(m->targets), true},
		{"loss", value_real(m->loss, 4), true},
		{"accuracy", value_real(m->accuracy, 4), texts},
		{"exact", value_real(m->exact, 4), texts},
		{"perplexity", value_real(m->perplexity, 4), true},
		{"bits_per_character", value_real(m->bits_per_character, 4), !texts},
	};
	const char *column[sizeof(field) / sizeof(field[0])];
	struct value row[sizeof(field) / sizeof(field[0])];
	struct output o;
	int n = 0;

	for (size_t k = 0; k < sizeof(field) / sizeof(field[0]); k++)
		if (field[k].shown) {
			column[n] = field[k].name;
			row[n++] = field[k].v;
		}
	output_open(&o, c->format == OUTPUT_JSON ? OUTPUT_NDJSON : c->format, c->out, c->answer);
	output_columns(&o, column, n);
	output_row(&o, row);
	return output_close(&o, err);
}

static bool report(struct context *c, const struct loaded *l, const struct measures *m,
		   struct err *err)
{
	if (!m->classes)
		return report_measures(c, l, m, err);
	if (c->out && (c->format == OUTPUT_JSON || c->format == OUTPUT_NDJSON))
		return report_json(c, l, m, err);
	return report_rows(c, l, m, err);
}

static void warn_unknown(const struct context *c, const struct intake *in,
			 const struct corpus *corpus)
{
	if (corpus->unknown && !c->quiet && c->out)
		fprintf(stderr, "sluice: %s: %lld of %lld tokens are unknown to the run\n",
			data_file_name(&in->file), (long long)corpus->unknown,
			(long long)corpus->words);
}

static bool measure(struct context *c, const struct loaded *l, struct intake *in,
		    struct measures *m, struct err *err)
{
	const struct encoder *e = l->snapshot->encoder;
	const struct classes *labels = task_table[e->model.spec.task].labels ? &e->classes : NULL;
	struct corpus *corpus, *none;
	struct team *team;
	bool ok;

	if (!c->quiet && c->out)
		fputs(buf_str(&in->file.warnings), stderr);
	intake_finish(in, e->vocab, labels, e->max_len, e->truncate_front, &corpus, &none, err);
	team = corpus ? team_new(default_threads(), err) : NULL;
	ok = team;
	if (ok) {
		warn_unknown(c, in, corpus);
		ok = eval_corpus(team,
				 &(struct evaluation){.model = &e->model,
						      .weights = l->snapshot->weights,
						      .corpus = corpus,
						      .rules = &e->rules,
						      .target = e->target,
						      .stop = c->cancel},
				 m, err);
	}
	team_free(team);
	corpus_unref(corpus);
	return ok;
}

bool command_eval(struct context *c, const struct args *a, struct err *err)
{
	struct vocab_builder *words = NULL;
	struct intake in = {0};
	struct loaded l = {0};
	struct measures m = {0};
	bool ok;

	if (!args_value(a, "--data"))
		return err_set(err, ERR_USAGE, "eval needs --data FILE");
	ok = context_load(c, a->pos[0], &l, err);
	if (ok) {
		const struct encoder *e = l.snapshot->encoder;

		words = vocab_builder_new(vocab_rules(e->vocab));
		ok = read_data(a, &task_table[e->model.spec.task], &in, words, err) &&
		     measure(c, &l, &in, &m, err) && report(c, &l, &m, err);
	}
	measures_release(&m);
	loaded_release(&l);
	intake_release(&in);
	vocab_builder_free(words);
	return ok;
}

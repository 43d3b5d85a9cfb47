/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How good a run is on a file. */
#include "app/archive.h"
#include "app/budget.h"
#include "app/command/command.h"
#include "app/prepare.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/nn/beam.h"
#include "engine/text/intake_pairs.h"
#include "engine/train/eval.h"

#include <stdlib.h>
#include <string.h>

const struct option options_eval[] = {
	{"--data", "FILE", "texts, labelled where the run's task is classify; - is standard input"},
	{"--data-target", "FILE", "of pairs in two files: the targets of --data, line by line"},
	{"--data-format", "FORMAT", "where it is not plain to see"},
	{"--label-column", "NAME", "by name or number from 1"},
	{"--text-column", "NAME", "by name or number from 1"},
	{"--source-column", "NAME", "of pairs, by name or number from 1"},
	{"--target-column", "NAME", "of pairs, by name or number from 1"},
	{"--no-header", NULL, "the first line of a csv file is data"},
	{"--beam", "N", "pairs: answers under way at once (1: greedy)"},
	{"--length-penalty", "A", "pairs: how much longer answers are forgiven, from 0 (1)"},
	{"--unknown", NULL, "pairs: <unk> may be written"},
	{"--cased", NULL,
	 "pairs: BLEU tells A from a, also where the run's words are all lower-case"},
	{NULL, NULL, NULL},
};

/* What a file is measured as. Where its texts are no pairs only the sources are used. */
struct measured {
	struct vocab_builder *words, *target_words;
	struct pair_intake in;
};

static void measured_release(struct measured *d)
{
	pairs_release(&d->in);
	vocab_builder_free(d->words);
	vocab_builder_free(d->target_words);
}

/* The options go with the task: pairs have no labels, and other texts no targets. */
static bool fits_task(const struct args *a, const struct task_ops *task, struct err *err)
{
	int64_t beam = 1;

	static const char *const pairs[] = {"--data-target",   "--source-column", "--target-column",
					    "--beam",          "--unknown",       "--cased",
					    "--length-penalty"};
	static const char *const texts[] = {"--label-column", "--text-column"};

	for (int k = 0; k < 7 && !task->pairs; k++)
		if (args_has(a, pairs[k]))
			return err_set(err, ERR_USAGE,
				       "%s is for pairs of texts, and the run's task is %s",
				       pairs[k], task->name);
	for (int k = 0; k < 2 && task->pairs; k++)
		if (args_value(a, texts[k]))
			return err_set(
				err, ERR_USAGE,
				"the run's task is %s: set --source-column and --target-column, "
				"not %s",
				task->name, texts[k]);
	if (!args_number(a, "--beam", DECODE_MOST_BEAM, &beam, err))
		return false;
	if (beam == 1 && args_has(a, "--length-penalty"))
		return err_set(err, ERR_USAGE,
			       "--length-penalty is for a search among several answers: add "
			       "--beam N, with 2 or more");
	return true;
}

/* Reads the texts as the run's task needs them. */
static bool read_data(const struct args *a, const struct encoder *e, struct measured *d,
		      struct err *err)
{
	const struct task_ops *task = &task_table[e->model.spec.task];
	const char *format = args_value(a, "--data-format"), *path = args_value(a, "--data");
	struct read_options opt = {
		.label_column = args_value(a, "--label-column"),
		.text_column = args_value(a, "--text-column"),
		.source_column = args_value(a, "--source-column"),
		.target_column = args_value(a, "--target-column"),
		.target_path = args_value(a, "--data-target"),
		.no_header = args_has(a, "--no-header"),
		.need_labels = task->labels,
		.need_pairs = task->pairs,
		.stream = task->stream,
		.most_bytes = budget_available(""),
	};
	int found = format ? data_format_find(format) : DATA_AUTO;

	if (found < 0)
		return err_set(err, ERR_USAGE,
			       "there is no data format '%s'; see 'sluice help settings'", format);
	opt.format = (enum data_format)found;
	if (!fits_task(a, task, err))
		return false;
	d->words = vocab_builder_new(vocab_rules(e->vocab));
	if (!task->pairs)
		return intake_read(&d->in.source, path, &opt, d->words, err);
	if (e->target != e->vocab)
		d->target_words = vocab_builder_new(vocab_rules(e->target));
	return pairs_read(&d->in, path, &opt, d->words,
			  d->target_words ? d->target_words : d->words, true, err);
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
	const struct task_ops *task = &task_table[l->snapshot->encoder->model.spec.task];
	const bool pairs = task->pairs, texts = task->decoder && !pairs;
	const struct {
		const char *name;
		struct value v;
		bool shown;
	} field[] = {
		{"run", value_text(l->id), true},
		{"examples", value_int(m->examples), task->decoder},
		{"tokens", value_int(m->targets), true},
		{"loss", value_real(m->loss, 4), true},
		{"accuracy", value_real(m->accuracy, 4), texts},
		{"exact", value_real(m->exact, 4), texts},
		{"perplexity", value_real(m->perplexity, 4), true},
		{"bits_per_character", value_real(m->bits_per_character, 4), !task->decoder},
		{"bleu", value_real(m->bleu.score, 2), pairs},
		{"bleu_tokens", value_text(bleu_tokens_name(m->bleu_rules.tokens)), pairs},
		{"bleu_case", value_text(m->bleu_rules.lower ? "lower" : "as written"), pairs},
		{"brevity", value_real(m->bleu.brevity, 4), pairs},
		{"rouge1", value_real(m->rouge.of[ROUGE_1].f1, 4), pairs},
		{"rouge2", value_real(m->rouge.of[ROUGE_2].f1, 4), pairs},
		{"rougeL", value_real(m->rouge.of[ROUGE_L].f1, 4), pairs},
		{"lead_words", value_int(m->lead_words), m->lead_words > 0},
		{"lead_rouge1", value_real(m->lead.of[ROUGE_1].f1, 4), m->lead_words > 0},
		{"lead_rouge2", value_real(m->lead.of[ROUGE_2].f1, 4), m->lead_words > 0},
		{"lead_rougeL", value_real(m->lead.of[ROUGE_L].f1, 4), m->lead_words > 0},
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

/* The corpus of what was read; NULL with err. */
static struct corpus *corpus_of(struct measured *d, const struct encoder *e, struct err *err)
{
	const struct task_ops *task = &task_table[e->model.spec.task];
	struct corpus *corpus, *none;

	if (task->pairs)
		pairs_finish(&d->in, e->vocab, e->target,
			     &(struct pair_limits){e->max_len, 0, e->truncate_front}, &corpus,
			     &none);
	else
		intake_finish(&d->in.source, e->vocab, task->labels ? &e->classes : NULL,
			      e->max_len, e->truncate_front, &corpus, &none, err);
	return corpus;
}

static bool measure(struct context *c, const struct args *a, const struct loaded *l,
		    struct measured *d, struct measures *m, struct err *err)
{
	const struct encoder *e = l->snapshot->encoder;
	struct corpus *corpus;
	struct team *team;
	int64_t beam = 1;
	double penalty = DECODE_PENALTY;
	bool ok;

	if (!args_number(a, "--beam", DECODE_MOST_BEAM, &beam, err) ||
	    !args_real(a, "--length-penalty", 0, 10, &penalty, err))
		return false;
	if (!c->quiet && c->out) {
		fputs(buf_str(&d->in.source.file.warnings), stderr);
		fputs(buf_str(&d->in.target.file.warnings), stderr);
	}
	corpus = corpus_of(d, e, err);
	team = corpus ? team_new(default_threads(), err) : NULL;
	ok = team;
	if (ok) {
		warn_unknown(c, &d->in.source, corpus);
		if (corpus->target && d->in.target.file.path)
			warn_unknown(c, &d->in.target, corpus->target);
		ok = eval_corpus(team,
				 &(struct evaluation){.model = &e->model,
						      .weights = l->snapshot->weights,
						      .corpus = corpus,
						      .rules = &e->rules,
						      .target = e->target,
						      .beam = (int)beam,
						      .penalty = penalty,
						      .unknown = args_has(a, "--unknown"),
						      .cased = args_has(a, "--cased"),
						      .stop = c->cancel},
				 m, err);
	}
	team_free(team);
	corpus_unref(corpus);
	return ok;
}

bool command_eval(struct context *c, const struct args *a, struct err *err)
{
	struct measured d = {0};
	struct loaded l = {0};
	struct measures m = {0};
	bool ok;

	if (!args_value(a, "--data"))
		return err_set(err, ERR_USAGE, "eval needs --data FILE");
	ok = context_load(c, a->pos[0], &l, err) && read_data(a, l.snapshot->encoder, &d, err) &&
	     measure(c, a, &l, &d, &m, err) && report(c, &l, &m, err);
	measures_release(&m);
	loaded_release(&l);
	measured_release(&d);
	return ok;
}

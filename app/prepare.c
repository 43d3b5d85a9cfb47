/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/prepare.h"

#include "app/budget.h"
#include "engine/base/mem.h"
#include "engine/text/intake.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Half-width of the fresh embedding: between what Keras (0.05) and PyTorch (variance 1) take. */
static const double EMBED_RANGE = 0.25;

int default_threads(void)
{
	const int n = budget_processors("");

	return n > THREADS_MAX ? THREADS_MAX : n;
}

static void remember(struct prepared *p, struct source *s, const struct intake *in)
{
	s->path = mem_text(in->file.path);
	memcpy(s->sha256, in->file.sha256, sizeof(s->sha256));
	s->bytes = in->file.bytes;
	s->rows = (int)in->count;
	s->format = in->file.format;
	buf_add(&p->warnings, buf_str(&in->file.warnings), in->file.warnings.len);
}

/* The texts on their way to corpora. */
struct texts {
	struct vocab_builder *words;
	struct intake train, valid; /* valid: of a file of its own */
};

static void texts_release(struct texts *t)
{
	intake_release(&t->train);
	intake_release(&t->valid);
	vocab_builder_free(t->words);
}

/* Reads what fits into so many bytes. */
static bool read_texts(struct prepared *p, struct texts *t, int64_t available, struct err *err)
{
	const struct settings *s = &p->settings;
	const struct vocab_spec vocab = settings_vocab(s);
	struct read_options opt;

	if (!s->data)
		return err_set(err, ERR_USAGE,
			       "no training data: give --data FILE, or data in a settings file");
	if (s->valid && !strcmp(s->data, "-") && !strcmp(s->valid, "-"))
		return err_set(err, ERR_USAGE, "data and valid cannot both be standard input");
	settings_read_options(s, &opt);
	opt.most_bytes = available > 0 ? available : 1;
	t->words = vocab_builder_new(&vocab);
	if (!intake_read(&t->train, s->data, &opt, t->words, err))
		return false;
	remember(p, &p->train_source, &t->train);
	if (s->valid) {
		opt.format = t->train.file.format; /* both files are of one kind */
		if (!intake_read(&t->valid, s->valid, &opt, t->words, err))
			return false;
		remember(p, &p->valid_source, &t->valid);
	} else if (s->valid_split > 0 && task_table[s->task].stream) {
		return intake_cut(&t->train, s->valid_split, err);
	} else if (s->valid_split > 0) {
		return intake_split(&t->train, s->valid_split, (uint64_t)s->seed, err);
	}
	return true;
}

/* The corpora of what was read, with a vocabulary of what is to be learnt from. */
static struct vocab *encode_texts(struct prepared *p, struct texts *t, const struct classes *labels,
				  struct err *err)
{
	const struct settings *s = &p->settings;
	const bool front = s->truncating == 0;
	struct corpus *none;
	struct vocab *v;

	intake_count(&t->train);
	v = vocab_of(t->words);
	if (intake_finish(&t->train, v, labels, s->max_len, front, &p->train, &p->valid, err) &&
	    (!t->valid.count ||
	     intake_finish(&t->valid, v, labels, s->max_len, front, &p->valid, &none, err)))
		return v;
	vocab_unref(v);
	return NULL;
}

static bool build(struct prepared *p, struct texts *t, struct err *err)
{
	const struct settings *s = &p->settings;
	const struct task_ops *task = &task_table[s->task];
	const struct model_spec model = {
		.task = (enum task)s->task,
		.cell = settings_cell(s),
		.embed = s->embed,
		.hidden = s->hidden,
		.layers = s->layers,
		.dirs = s->bidirectional ? 2 : 1,
		.merge = s->bidirectional == 2 ? MERGE_SUM : MERGE_CONCAT,
		.pool = (enum pool)s->pool,
		.tied = s->tied,
		.learned = s->learned_state,
	};
	struct batch_rules rules = {.mask = s->mask,
				    .pad_front = s->padding == 0,
				    .ragged = task->stream,
				    .marked = task->decoder};
	struct classes classes = {0};
	struct vocab *vocab;

	if (task->labels && !intake_classes(&t->train, &classes, err))
		return false;
	vocab = encode_texts(p, t, task->labels ? &classes : NULL, err);
	if (!vocab) {
		classes_release(&classes);
		return false;
	}
	rules.pad_to = s->mask ? 0 : s->max_len ? s->max_len : p->train->max_len - task->decoder;
	p->encoder = encoder_new(&model, vocab, NULL, &classes, &rules,
				 s->mask || task->stream ? s->max_len : rules.pad_to,
				 s->truncating == 0, err);
	return p->encoder;
}

static struct init init_of(const struct settings *s)
{
	const bool given = !isnan(s->init_range);

	return (struct init){.kind = (enum init_kind)s->init,
			     .forget_bias = s->forget_bias,
			     .embed_range = given ? s->init_range : EMBED_RANGE,
			     .range = given ? s->init_range : 0};
}

/* The optimizer's numbers that are set; one that it does not have is refused. */
static bool tune(const struct settings *s, struct optim_tune *out, struct err *err)
{
	static const char *const name[] = {"beta1", "beta2", "eps", "weight_decay"};
	const double value[] = {s->beta1, s->beta2, s->eps, s->weight_decay};
	const struct optim_ops *ops = settings_optim(s);

	for (int k = 0; k < OPTIM_NUMBERS; k++) {
		if (isnan(value[k]))
			continue;
		if (!optim_takes(ops, (enum optim_number)k))
			return err_set(err, ERR_USAGE,
				       "%s has no use for %s; leave it out, or unset it with %s=",
				       ops->name, name[k], name[k]);
		out->given[k] = true;
		out->value[k] = value[k];
	}
	return true;
}

static bool goes_together(const struct settings *s, struct err *err)
{
	const struct schedule_ops *schedule = schedule_at(s->schedule);

	if (s->embedding_updates == 1 && s->tied)
		return err_set(
			err, ERR_USAGE,
			"embedding_updates=lazy does not go with tied: the output's gradient "
			"reaches every row");
	if (s->embedding_updates == 1 && !s->embed)
		return err_set(err, ERR_USAGE,
			       "embedding_updates=lazy needs an embedding: embed is 0");
	if (schedule->rises && s->warmup)
		return err_set(err, ERR_USAGE,
			       "schedule=%s rises by itself: it goes with warmup=0 only",
			       schedule->name);
	return true;
}

/* A stream fills its rows. */
static bool is_long_enough(const struct prepared *p, struct err *err)
{
	const struct settings *s = &p->settings;

	if (!task_table[s->task].stream)
		return true;
	if (!batch_windows(p->train->tokens, s->batch, s->window))
		return err_set(
			err, ERR_INPUT,
			"%s has %lld tokens to learn from, too few for %d rows (batch); lower "
			"batch",
			p->train_source.path, (long long)p->train->tokens, s->batch);
	if (p->valid && p->valid->tokens < 2)
		return err_set(err, ERR_INPUT,
			       "the validation text has no two tokens; raise valid_split");
	return true;
}

/* What takes a validation has one. */
static bool is_validated(const struct prepared *p, struct err *err)
{
	const struct schedule_ops *schedule = p->spec.schedule.ops;

	if (p->valid)
		return true;
	if (p->settings.patience)
		return err_set(err, ERR_USAGE,
			       "patience needs validation: give valid or valid_split");
	if (schedule->validates)
		return err_set(err, ERR_USAGE,
			       "schedule=%s needs validation: give valid or valid_split",
			       schedule->name);
	return true;
}

/* What SQLite's cache, OpenBLAS's buffers and the queue of the recorder come to once it trains. */
static const int64_t PROGRAM_GROWS = 5000000;

/* Counts what it costs; ERR_USAGE for what does not fit. */
static bool is_affordable(struct prepared *p, int64_t available, struct err *err)
{
	struct cost *c = &p->cost;
	int64_t resident;

	cost_of_model(c, &p->encoder->model, p->spec.learn.optim, p->spec.learn.threads);
	cost_add_texts(c, &p->spec, p->encoder, p->train, p->valid);
	resident = budget_resident();
	if (resident > c->memory[COST_TEXTS])
		c->memory[COST_PROGRAM] = resident - c->memory[COST_TEXTS] + PROGRAM_GROWS;
	return budget_check(c, available, err);
}

/* Where the processor has no unit for it the run is one in float32, and says so. */
static void settle_precision(struct prepared *p)
{
	const enum precision wanted = (enum precision)p->settings.precision;

	if (precision_has(wanted))
		return;
	p->settings.precision = PRECISION_F32;
	buf_printf(&p->warnings,
		   "precision=%s: this processor or build has neither AMX nor AVX-512 BF16; "
		   "products are computed in float32\n",
		   precision_name(wanted));
}

bool prepare(const struct settings *s, struct prepared *out, struct err *err)
{
	return prepare_within(s, budget_available(""), out, err);
}

bool prepare_within(const struct settings *s, int64_t available, struct prepared *out,
		    struct err *err)
{
	struct texts texts = {0};
	bool ok;

	*out = (struct prepared){0};
	settings_copy(&out->settings, s);
	if (!out->settings.threads)
		out->settings.threads = default_threads();
	settle_precision(out);
	s = &out->settings;
	out->spec = (struct train_spec){
		.learn.optim = settings_optim(s),
		.learn.lr = s->lr,
		.schedule = settings_schedule(s),
		.learn.clip = s->clip,
		.learn.clip_value = s->clip_value,
		.learn.lazy = s->embedding_updates == 1,
		.learn.dropout = s->dropout,
		.learn.recurrent = s->recurrent_dropout,
		.learn.smoothing = s->label_smoothing,
		.init = init_of(s),
		.epochs = s->epochs,
		.batch = s->batch,
		.window = s->window,
		.learn.threads = s->threads,
		.learn.precision = (enum precision)s->precision,
		.patience = s->patience,
		.seed = (uint64_t)s->seed,
	};
	ok = tune(s, &out->spec.learn.tune, err) && goes_together(s, err);
	ok = ok && read_texts(out, &texts, available, err) && build(out, &texts, err);
	ok = ok && is_long_enough(out, err) && is_validated(out, err);
	texts_release(&texts);
	ok = ok && is_affordable(out, available, err);
	if (!ok)
		prepared_release(out);
	return ok;
}

void prepared_release(struct prepared *p)
{
	settings_release(&p->settings);
	encoder_unref(p->encoder);
	corpus_unref(p->train);
	corpus_unref(p->valid);
	free(p->train_source.path);
	free(p->valid_source.path);
	buf_release(&p->warnings);
	*p = (struct prepared){0};
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/prepare.h"

#include "app/budget.h"
#include "engine/base/mem.h"
#include "engine/text/intake_pairs.h"

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

const char *source_role_name(enum source_role r)
{
	static const char *const name[SOURCE_ROLES] = {
		[SOURCE_TRAIN] = "train",
		[SOURCE_VALID] = "valid",
		[SOURCE_TRAIN_TARGET] = "train_target",
		[SOURCE_VALID_TARGET] = "valid_target",
	};

	return name[r];
}

static void remember(struct prepared *p, enum source_role role, const struct intake *in)
{
	struct source *s = &p->source[role];

	if (!in->file.path)
		return;
	s->path = mem_text(in->file.path);
	memcpy(s->sha256, in->file.sha256, sizeof(s->sha256));
	s->bytes = in->file.bytes;
	s->rows = (int)in->count;
	s->format = in->file.format;
	buf_add(&p->warnings, buf_str(&in->file.warnings), in->file.warnings.len);
}

/* The texts on their way to corpora. Where they are no pairs only the sources are used. */
struct texts {
	const struct base *base;                    /* NULL: nothing comes before */
	struct vocab_builder *words, *target_words; /* the latter NULL: there is one vocabulary */
	struct pair_intake train, valid;            /* valid: of files of its own */
};

static void texts_release(struct texts *t)
{
	pairs_release(&t->train);
	pairs_release(&t->valid);
	vocab_builder_free(t->words);
	vocab_builder_free(t->target_words);
}

static const struct task_ops *task_of(const struct settings *s)
{
	return &task_table[s->task];
}

static void start_words(const struct settings *s, struct texts *t)
{
	struct vocab_spec spec = settings_vocab(s);

	if (t->base) /* also what no setting says, such as Keras's filters */
		spec.rules = vocab_rules(t->base->encoder->vocab)->rules;
	t->words = vocab_builder_new(&spec);
	if (!task_of(s)->pairs || task_of(s)->one_vocab)
		return;
	spec.end = true;
	t->target_words = vocab_builder_new(&spec);
}

/* Reads a file, or two, of texts to learn from (SOURCE_TRAIN) or to validate with. */
static bool read_file(struct prepared *p, struct texts *t, enum source_role role,
		      const struct read_options *opt, struct err *err)
{
	const struct settings *s = &p->settings;
	const bool valid = role == SOURCE_VALID;
	struct pair_intake *in = valid ? &t->valid : &t->train;
	const char *path = valid ? s->valid : s->data;
	/* What is written is measured against the targets as they are. */
	const bool keep = valid || (!s->valid && s->valid_split > 0);

	if (!task_of(s)->pairs) {
		if (!intake_read(&in->source, path, opt, t->words, err))
			return false;
	} else if (!pairs_read(in, path, opt, t->words,
			       t->target_words ? t->target_words : t->words, keep, err)) {
		return false;
	}
	remember(p, role, &in->source);
	remember(p, valid ? SOURCE_VALID_TARGET : SOURCE_TRAIN_TARGET, &in->target);
	return true;
}

static bool split_texts(const struct settings *s, struct texts *t, struct err *err)
{
	if (task_of(s)->stream)
		return intake_cut(&t->train.source, s->valid_split, err);
	if (task_of(s)->pairs)
		return pairs_split(&t->train, s->valid_split, (uint64_t)s->seed, err);
	return intake_split(&t->train.source, s->valid_split, (uint64_t)s->seed, err);
}

/* There is a file, and standard input is read once. */
static bool has_files(const struct settings *s, struct err *err)
{
	static const char *const name[] = {"data", "valid", "data_target", "valid_target"};
	const char *const path[] = {s->data, s->valid, s->data_target, s->valid_target};
	int before = -1;

	if (!s->data)
		return err_set(err, ERR_USAGE,
			       "no training data: give --data FILE, or data in a settings file");
	for (int k = 0; k < 4; k++) {
		if (!path[k] || strcmp(path[k], "-") != 0)
			continue;
		if (before >= 0)
			return err_set(err, ERR_USAGE, "%s and %s cannot both be standard input",
				       name[before], name[k]);
		before = k;
	}
	return true;
}

/* Reads what fits into so many bytes. */
static bool read_texts(struct prepared *p, struct texts *t, int64_t available, struct err *err)
{
	const struct settings *s = &p->settings;
	struct read_options opt;

	if (!has_files(s, err))
		return false;
	settings_read_options(s, &opt);
	opt.most_bytes = available > 0 ? available : 1;
	start_words(s, t);
	if (!read_file(p, t, SOURCE_TRAIN, &opt, err))
		return false;
	if (!s->valid)
		return s->valid_split <= 0 || split_texts(s, t, err);
	if (!s->data_target == !s->valid_target)
		opt.format = t->train.source.file.format; /* both are of one kind */
	opt.target_path = s->valid_target;
	return read_file(p, t, SOURCE_VALID, &opt, err);
}

/* The vocabularies of what is to be learnt from; target is NULL where there is one. */
struct vocabs {
	struct vocab *source, *target;
};

static void vocabs_release(struct vocabs *v)
{
	vocab_unref(v->source);
	vocab_unref(v->target);
	*v = (struct vocabs){0};
}

/* The vocabulary of what was counted, which goes on from an older one where there is one. */
static struct vocab *vocab_after(const struct settings *s, const struct base *base,
				 const struct vocab *old, const struct vocab_builder *b)
{
	const struct vocab_growth how = {.end = vocab_builder_rules(b)->end,
					 .grow = base && base->grow,
					 .min_count = s->min_count,
					 .max_size = s->max_vocab};

	return old ? vocab_extend(old, b, &how) : vocab_of(b);
}

/* The vocabularies of all that was counted. */
static void make_vocabs(const struct settings *s, const struct texts *t, struct vocabs *v)
{
	const struct encoder *e = t->base ? t->base->encoder : NULL;
	const struct vocab *target = e && e->target != e->vocab ? e->target : NULL;

	v->source = vocab_after(s, t->base, e ? e->vocab : NULL, t->words);
	if (t->target_words)
		v->target = vocab_after(s, t->base, target, t->target_words);
}

/* The corpora of pairs. */
static void encode_pairs(struct prepared *p, struct texts *t, struct vocabs *v)
{
	const struct settings *s = &p->settings;
	const struct pair_limits limits = {s->max_len, s->max_target_len, s->truncating == 0};
	const struct vocab *target;
	struct corpus *none;

	pairs_count(&t->train);
	make_vocabs(s, t, v);
	target = v->target ? v->target : v->source;
	pairs_finish(&t->train, v->source, target, &limits, &p->train, &p->valid);
	if (t->valid.source.count)
		pairs_finish(&t->valid, v->source, target, &limits, &p->valid, &none);
}

/* The corpora of what was read, and the vocabularies. */
static bool encode_texts(struct prepared *p, struct texts *t, const struct classes *labels,
			 struct vocabs *v, struct err *err)
{
	const struct settings *s = &p->settings;
	struct intake *train = &t->train.source, *valid = &t->valid.source;
	const bool front = s->truncating == 0;
	struct corpus *none;

	if (task_of(s)->pairs) {
		encode_pairs(p, t, v);
		return true;
	}
	intake_count(train);
	make_vocabs(s, t, v);
	if (intake_finish(train, v->source, labels, s->max_len, front, &p->train, &p->valid, err) &&
	    (!valid->count ||
	     intake_finish(valid, v->source, labels, s->max_len, front, &p->valid, &none, err)))
		return true;
	vocabs_release(v);
	return false;
}

static bool build(struct prepared *p, struct texts *t, struct err *err)
{
	const struct settings *s = &p->settings;
	const struct task_ops *task = task_of(s);
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
		.attention = (enum attention)s->attention,
		.feed = s->input_feeding,
	};
	struct batch_rules rules = {
		.mask = s->mask, .pad_front = s->padding == 0, .ragged = task->stream};
	struct classes classes = {0};
	struct vocabs v = {0};

	if (task->labels && !intake_classes(&t->train.source, &classes, err))
		return false;
	if (!encode_texts(p, t, task->labels ? &classes : NULL, &v, err)) {
		classes_release(&classes);
		return false;
	}
	rules.marked = !task->stream && vocab_end(v.source) >= 0;
	rules.pad_to = s->mask ? 0 : s->max_len ? s->max_len : p->train->max_len - rules.marked;
	p->encoder = encoder_new(&model, v.source, v.target, &classes, &rules,
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
static bool optimizer_numbers(const struct settings *s, struct optim_tune *out, struct err *err)
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

/* "translate, summarize": the tasks that read pairs. */
static void pair_tasks(struct buf *out)
{
	for (int k = 0; k < TASK_COUNT; k++)
		if (task_table[k].pairs)
			buf_printf(out, "%s%s", out->len ? ", " : "", task_table[k].name);
}

/* Whether a choice is the one that nobody has to make. */
static bool is_default(const char *name, int place)
{
	const struct setting *s = setting_find(name);

	return !strcmp(s->choice(place), s->value);
}

/* Texts alone have no second file, and pairs no labels. */
static bool fits_task(const struct settings *s, struct err *err)
{
	const struct task_ops *task = task_of(s);
	const struct {
		const char *name;
		bool set, pairs; /* pairs: only they have it */
		const char *instead;
	} only[] = {
		{"data_target", s->data_target, true, ""},
		{"valid_target", s->valid_target, true, ""},
		{"source_column", s->source_column, true, "; set text_column"},
		{"target_column", s->target_column, true, task->labels ? "; set label_column" : ""},
		{"max_target_len", s->max_target_len, true, "; set max_len"},
		{"attention", !is_default("attention", s->attention), true, ""},
		{"input_feeding", s->input_feeding, true, ""},
		{"teacher_forcing", s->teacher_forcing < 1, true, ""},
		{"teacher_schedule", s->teacher_schedule, true, ""},
		{"pool", s->pool, false, "; the decoder has the last states"},
		{"text_column", s->text_column, false, "; set source_column"},
		{"label_column", s->label_column, false, "; set target_column"}};
	struct buf tasks = {0};

	for (size_t k = 0; k < sizeof(only) / sizeof(only[0]); k++) {
		if (!only[k].set || only[k].pairs == task->pairs)
			continue;
		pair_tasks(&tasks);
		err_set(err, ERR_USAGE, "task=%s has no use for %s%s%s%s%s", task->name,
			only[k].name, only[k].pairs ? ", which is for pairs of texts (" : "",
			only[k].pairs ? buf_str(&tasks) : "", only[k].pairs ? ")" : "",
			only[k].instead);
		buf_release(&tasks);
		return false;
	}
	if (s->valid_target && !s->valid)
		return err_set(err, ERR_USAGE,
			       "valid_target needs valid, the file of the sources it belongs to");
	return true;
}

/* Only a stream is cut into windows. */
static bool fits_stream(const struct settings *s, struct err *err)
{
	const char *usual = setting_find("window")->value;

	return task_of(s)->stream || s->window == (int)strtol(usual, NULL, 10) ||
	       err_set(err, ERR_USAGE,
		       "task=%s has no use for window, which is for a stream of tokens "
		       "(generate); leave it out, or set it to %s",
		       task_of(s)->name, usual);
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
	return fits_task(s, err) && fits_stream(s, err);
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
			p->source[SOURCE_TRAIN].path, (long long)p->train->tokens, s->batch);
	if (p->valid && p->valid->tokens < 2)
		return err_set(err, ERR_INPUT,
			       "the validation text has no two tokens; raise valid_split");
	return true;
}

/* The groups that rules name are the model's. */
static bool has_groups(const struct prepared *p, struct err *err)
{
	struct groups g;

	model_groups(&p->encoder->model, &g);
	return rates_check(&p->spec.rates, &g, p->spec.epochs, err);
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

static struct train_spec spec_of(const struct settings *s)
{
	return (struct train_spec){
		.learn.optim = settings_optim(s),
		.learn.lr = s->lr,
		.schedule = settings_schedule(s),
		.forcing = {(enum forcing_kind)s->teacher_schedule, s->teacher_forcing,
			    s->teacher_last},
		.rates.gradual = s->gradual,
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
}

static bool prepare_all(const struct settings *s, const struct base *base, int64_t available,
			struct prepared *out, struct err *err)
{
	struct texts texts = {.base = base};
	bool ok;

	*out = (struct prepared){0};
	settings_copy(&out->settings, s);
	if (!out->settings.threads)
		out->settings.threads = default_threads();
	settle_precision(out);
	s = &out->settings;
	out->spec = spec_of(s);
	ok = base || s->extend_vocab ||
	     err_set(err, ERR_USAGE,
		     "extend_vocab=false is for tune: a new run has no words but those of its "
		     "texts");
	ok = ok && optimizer_numbers(s, &out->spec.learn.tune, err) && goes_together(s, err) &&
	     rates_factors(&out->spec.rates, s->lr_factors, err) &&
	     rates_freeze(&out->spec.rates, s->freeze, err);
	ok = ok && read_texts(out, &texts, available, err) && build(out, &texts, err);
	ok = ok && has_groups(out, err) && is_long_enough(out, err) && is_validated(out, err);
	texts_release(&texts);
	ok = ok && is_affordable(out, available, err);
	if (!ok)
		prepared_release(out);
	return ok;
}

bool prepare(const struct settings *s, struct prepared *out, struct err *err)
{
	return prepare_all(s, NULL, budget_available(""), out, err);
}

bool prepare_on(const struct settings *s, const struct base *base, struct prepared *out,
		struct err *err)
{
	return prepare_all(s, base, budget_available(""), out, err);
}

bool prepare_within(const struct settings *s, int64_t available, struct prepared *out,
		    struct err *err)
{
	return prepare_all(s, NULL, available, out, err);
}

void prepared_release(struct prepared *p)
{
	settings_release(&p->settings);
	encoder_unref(p->encoder);
	corpus_unref(p->train);
	corpus_unref(p->valid);
	for (int k = 0; k < SOURCE_ROLES; k++)
		free(p->source[k].path);
	buf_release(&p->warnings);
	*p = (struct prepared){0};
}

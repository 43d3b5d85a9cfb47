/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/settings.h"

#include "engine/base/mem.h"
#include "engine/nn/init.h"
#include "store/find.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *task_choice(int k)
{
	return k < TASK_COUNT ? task_table[k].name : NULL;
}

static const char *cell_choice(int k)
{
	return cell_at(k) ? cell_at(k)->name : NULL;
}

static const char *tokenizer_choice(int k)
{
	return k < TOKENIZER_COUNT ? tokenizer_name((enum tokenizer)k) : NULL;
}

static const char *optimizer_choice(int k)
{
	return optim_at(k) ? optim_at(k)->name : NULL;
}

static const char *schedule_choice(int k)
{
	return schedule_at(k) ? schedule_at(k)->name : NULL;
}

static const char *keep_choice(int k)
{
	static const char *const name[] = {"all", "best", "last"};

	return k < 3 ? name[k] : NULL;
}

static const char *updates_choice(int k)
{
	static const char *const name[] = {"dense", "lazy"};

	return k < 2 ? name[k] : NULL;
}

static const char *precision_choice(int k)
{
	return k < PRECISION_COUNT ? precision_name((enum precision)k) : NULL;
}

static const char *side_choice(int k)
{
	static const char *const name[] = {"pre", "post"};

	return k < 2 ? name[k] : NULL;
}

static const char *pool_choice(int k)
{
	return k < POOL_COUNT ? pool_name((enum pool)k) : NULL;
}

static const char *attention_choice(int k)
{
	return k < ATTENTION_COUNT ? attention_table[k].name : NULL;
}

static const char *forcing_choice(int k)
{
	return k < FORCING_COUNT ? forcing_name((enum forcing_kind)k) : NULL;
}

static const char *init_choice(int k)
{
	return k < INIT_COUNT ? init_name((enum init_kind)k) : NULL;
}

/* The place is the number of directions less one, and one more for their sum. */
static const char *both_choice(int k)
{
	static const char *const name[] = {"false", "concat", "sum"};

	return k < 3 ? name[k] : NULL;
}

static const char *format_choice(int k)
{
	return k < DATA_FORMAT_COUNT ? data_format_name((enum data_format)k) : NULL;
}

// clang-format off
#define AT(field) offsetof(struct settings, field)
static const struct setting table[] = {
	{"task",        "what is learned", SETTING_CHOICE, AT(task), 0, 0, "classify", task_choice},
	{"cell",        "the recurrent cell", SETTING_CHOICE, AT(cell), 0, 0, "standard", cell_choice},
	{"embed",       "numbers a token is turned into; 0: one-hot, as many as tokens", SETTING_INT, AT(embed), 0, 8192, "100", NULL},
	{"hidden",      "units of the LSTM, in each direction", SETTING_INT, AT(hidden), 1, 8192, "128", NULL},
	{"layers",      "LSTMs on top of each other", SETTING_INT, AT(layers), 1, STACK_MAX_RUNS, "1", NULL},
	{"bidirectional", "also from the end to the beginning (true: concat)", SETTING_CHOICE, AT(bidirectional), 0, 0, "false", both_choice},
	{"pool",        "how the steps become one vector", SETTING_CHOICE, AT(pool), 0, 0, "last", pool_choice},
	{"attention",   "of pairs: how the decoder weighs the text's words at each step", SETTING_CHOICE, AT(attention), 0, 0, "general", attention_choice},
	{"input_feeding", "dot, general, concat: the decoder reads what attention made of the step before", SETTING_BOOL, AT(input_feeding), 0, 1, "false", NULL},
	{"tied",        "the output's matrix is the embedding", SETTING_BOOL, AT(tied), 0, 1, "false", NULL},
	{"learned_state", "the states before the first token are learned; false: 0", SETTING_BOOL, AT(learned_state), 0, 1, "false", NULL},
	{"dropout",     "share of inputs, between layers, and of the vector dropped in training", SETTING_REAL, AT(dropout), 0, 0.95, "0.5", NULL},
	{"recurrent_dropout", "share of the state that the gates do not see in training", SETTING_REAL, AT(recurrent_dropout), 0, 0.95, "0", NULL},
	{"init",        "how weights begin", SETTING_CHOICE, AT(init), 0, 0, "glorot", init_choice},
	{"init_range",  "half-width of what is drawn: with uniform everything, else the embedding", SETTING_REAL, AT(init_range), 1e-6, 100, NULL, NULL},
	{"forget_bias", "the forget gate's bias to begin with; unset: 1, but with uniform drawn", SETTING_REAL, AT(forget_bias), -100, 100, NULL, NULL},
	{"tokenizer",   "how text is cut into tokens", SETTING_CHOICE, AT(tokenizer), 0, 0, "word", tokenizer_choice},
	{"lower",       "fold case", SETTING_BOOL, AT(lower), 0, 1, "true", NULL},
	{"min_count",   "rarer tokens become <unk>", SETTING_INT, AT(min_count), 1, INT_MAX, "1", NULL},
	{"max_vocab",   "most tokens in the vocabulary; 0: all (keras: num_words)", SETTING_INT, AT(max_vocab), 0, INT_MAX, "0", NULL},
	{"extend_vocab", "tune: words that the run does not know are added; false: <unk>", SETTING_BOOL, AT(extend_vocab), 0, 1, "true", NULL},
	{"max_len",     "longer texts are cut; 0: never", SETTING_INT, AT(max_len), 0, INT_MAX, "0", NULL},
	{"max_target_len", "of pairs: longer targets lose their end; 0: never", SETTING_INT, AT(max_target_len), 0, INT_MAX, "0", NULL},
	{"padding",     "without mask: <pad> in front (pre) or behind (post)", SETTING_CHOICE, AT(padding), 0, 0, "pre", side_choice},
	{"truncating",  "too long texts lose their beginning (pre) or end (post)", SETTING_CHOICE, AT(truncating), 0, 0, "post", side_choice},
	{"mask",        "skip padding; false: pad to one length and run over it", SETTING_BOOL, AT(mask), 0, 1, "true", NULL},
	{"oov",         "keras: the word that stands for unknown ones", SETTING_TEXT, AT(oov), 0, 0, NULL, NULL},
	{"optimizer",   "how gradients become updates", SETTING_CHOICE, AT(optimizer), 0, 0, "adam", optimizer_choice},
	{"beta1",       "share of the mean of gradients that is kept: Adam's, or the momentum", SETTING_REAL, AT(beta1), 0, 0.999999, NULL, NULL},
	{"beta2",       "share of the mean of squares that is kept: Adam's, or RMSprop's", SETTING_REAL, AT(beta2), 0, 0.999999, NULL, NULL},
	{"eps",         "the optimizer's guard against division by 0", SETTING_REAL, AT(eps), 1e-30, 1, NULL, NULL},
	{"weight_decay","adamw: share of a weight, times lr, that goes at each step", SETTING_REAL, AT(weight_decay), 0, 100, NULL, NULL},
	{"embedding_updates", "lazy: a word that is not in the batch keeps its numbers", SETTING_CHOICE, AT(embedding_updates), 0, 0, "dense", updates_choice},
	{"lr",          "learning rate", SETTING_REAL, AT(lr), 1e-12, 1e38, "0.001", NULL},
	{"schedule",    "how the rate goes on", SETTING_CHOICE, AT(schedule), 0, 0, "constant", schedule_choice},
	{"decay",       "step, exponential, plateau: what the rate is multiplied by", SETTING_REAL, AT(decay), 1e-6, 1, "0.5", NULL},
	{"decay_after", "step, exponential, plateau: epochs before that begins", SETTING_INT, AT(decay_after), 0, 1000000, "0", NULL},
	{"decay_every", "step, exponential: epochs it takes; plateau: without a lower loss", SETTING_INT, AT(decay_every), 1, 1000000, "1", NULL},
	{"warmup",      "steps in which the rate rises to its own; 0: none", SETTING_INT64, AT(warmup), 0, 1e12, "0", NULL},
	{"epochs",      "passes over the training texts", SETTING_INT, AT(epochs), 1, 1000000, "10", NULL},
	{"batch",       "texts an update learns from; generate: rows of the stream", SETTING_INT, AT(batch), 1, 65536, "32", NULL},
	{"window",      "generate: tokens through which gradients go back", SETTING_INT, AT(window), 1, 100000, "64", NULL},
	{"teacher_forcing", "of pairs: how often the decoder reads the right word in training", SETTING_REAL, AT(teacher_forcing), 0.001, 1, "1", NULL},
	{"teacher_schedule", "how that share goes on", SETTING_CHOICE, AT(teacher_schedule), 0, 0, "constant", forcing_choice},
	{"teacher_last", "the share at the last step, where it changes", SETTING_REAL, AT(teacher_last), 0.001, 1, "0.5", NULL},
	{"freeze",      "groups of weights that stay as they are: GROUP[@EPOCHS], ...", SETTING_TEXT, AT(freeze), 0, 0, NULL, NULL},
	{"lr_factors",  "what groups multiply the rate by: GROUP:FACTOR, ...", SETTING_TEXT, AT(lr_factors), 0, 0, NULL, NULL},
	{"gradual",     "unfreeze one group an epoch, from the head down", SETTING_BOOL, AT(gradual), 0, 1, "false", NULL},
	{"label_smoothing", "share of the target that is spread over all classes or tokens", SETTING_REAL, AT(label_smoothing), 0, 0.9, "0", NULL},
	{"clip",        "largest norm of the gradient; 0: no limit", SETTING_REAL, AT(clip), 0, 1e12, "5", NULL},
	{"clip_value",  "largest element of the gradient, cut before its norm is; 0: no limit", SETTING_REAL, AT(clip_value), 0, 1e12, "0", NULL},
	{"patience",    "epochs without a better validation before stopping; 0: never", SETTING_INT, AT(patience), 0, 1000000, "0", NULL},
	{"valid_split", "share held out where there is no validation file", SETTING_REAL, AT(valid_split), 0, 0.9, "0.1", NULL},
	{"seed",        "of weights, split, order and dropout", SETTING_INT64, AT(seed), 0, 9e15, "1", NULL},
	{"threads",     "of training; 0: one for each processor there is", SETTING_INT, AT(threads), 0, THREADS_MAX, "0", NULL},
	{"precision",   "of the products in training; bf16 sums in f32 and keeps weights so", SETTING_CHOICE, AT(precision), 0, 0, "f32", precision_choice},
	{"keep",        "which epochs' weights stay in the store", SETTING_CHOICE, AT(keep), 0, 0, "all", keep_choice},
	{"data",        "training texts", SETTING_PATH, AT(data), 0, 0, NULL, NULL},
	{"valid",       "validation texts", SETTING_PATH, AT(valid), 0, 0, NULL, NULL},
	{"data_target", "pairs in two files: the targets, line by line, of data", SETTING_PATH, AT(data_target), 0, 0, NULL, NULL},
	{"valid_target", "... of valid", SETTING_PATH, AT(valid_target), 0, 0, NULL, NULL},
	{"data_format", "of both files", SETTING_CHOICE, AT(data_format), 0, 0, "auto", format_choice},
	{"header",      "whether a csv file may begin with the columns' names", SETTING_BOOL, AT(header), 0, 1, "true", NULL},
	{"label_column","name, or number from 1", SETTING_TEXT, AT(label_column), 0, 0, NULL, NULL},
	{"text_column", "name, or number from 1", SETTING_TEXT, AT(text_column), 0, 0, NULL, NULL},
	{"source_column", "of pairs: name, or number from 1", SETTING_TEXT, AT(source_column), 0, 0, NULL, NULL},
	{"target_column", "of pairs: name, or number from 1", SETTING_TEXT, AT(target_column), 0, 0, NULL, NULL},
};
// clang-format on

enum { TABLE_SIZE = sizeof(table) / sizeof(table[0]) };

const struct setting *setting_at(int index)
{
	return index >= 0 && index < TABLE_SIZE ? &table[index] : NULL;
}

const struct setting *setting_find(const char *name)
{
	for (int k = 0; k < TABLE_SIZE; k++)
		if (!strcmp(table[k].name, name))
			return &table[k];
	return NULL;
}

void nearest_try(struct nearest *n, const char *name)
{
	const size_t len = strlen(n->to);
	int d = edit_distance(n->to, name);

	if (len >= 3 && !strncmp(n->to, name, len))
		d = 1; /* a beginning */
	if (!n->best || d < n->distance) {
		n->best = name;
		n->distance = d;
	}
}

const char *nearest_name(const struct nearest *n)
{
	const size_t letters = strlen(n->to + strspn(n->to, "-"));
	const int limit = letters > 7 ? 3 : letters > 3 ? 2 : 1;

	return n->best && n->distance <= limit && n->distance < (int)strlen(n->best) ? n->best
										     : NULL;
}

static void *field(const struct settings *s, const struct setting *w)
{
	return (char *)s + w->at;
}

static bool refuse_choice(const struct setting *w, const char *value, struct err *err)
{
	struct nearest n = {.to = value};
	struct buf names = {0};

	for (int k = 0; w->choice(k); k++) {
		nearest_try(&n, w->choice(k));
		buf_printf(&names, "%s%s", k ? ", " : "", w->choice(k));
	}
	if (nearest_name(&n))
		err_set(err, ERR_USAGE, "%s has no value '%s'; did you mean %s? (%s)", w->name,
			value, nearest_name(&n), buf_str(&names));
	else
		err_set(err, ERR_USAGE, "%s has no value '%s'; one of: %s", w->name, value,
			buf_str(&names));
	buf_release(&names);
	return false;
}

static bool out_of_range(const struct setting *w, double v, const char *value, struct err *err)
{
	const double nearest = v < w->min ? w->min : w->max;

	if (w->type == SETTING_REAL)
		return err_set(err, ERR_USAGE, "%s is from %g to %g, not %.*s%s; the nearest is %g",
			       w->name, w->min, w->max, err_width(value), value, err_more(value),
			       nearest);
	return err_set(err, ERR_USAGE, "%s is from %.0f to %.0f, not %.*s%s; the nearest is %.0f",
		       w->name, w->min, w->max, err_width(value), value, err_more(value), nearest);
}

static bool set_number(struct settings *s, const struct setting *w, const char *value,
		       struct err *err)
{
	char *end;
	double v;

	if (!*value && !w->value && w->type == SETTING_REAL) {
		*(double *)field(s, w) = NAN;
		return true;
	}
	errno = 0;
	v = strtod(value, &end);
	if (end == value || *end || isnan(v) || strpbrk(value, "xX") ||
	    (w->type != SETTING_REAL && v != floor(v)))
		return err_set(err, ERR_USAGE, "%s takes a %s, not '%s'", w->name,
			       w->type == SETTING_REAL ? "number" : "whole number", value);
	if (v < w->min || v > w->max)
		return out_of_range(w, v, value, err);
	if (w->type == SETTING_REAL)
		*(double *)field(s, w) = v;
	else if (w->type == SETTING_INT)
		*(int *)field(s, w) = (int)v;
	else
		*(int64_t *)field(s, w) = (int64_t)v;
	return true;
}

static bool set_bool(struct settings *s, const struct setting *w, const char *value,
		     struct err *err)
{
	static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no",
										    "off", "0"};

	for (int k = 0; k < 4; k++) {
		if (!strcmp(value, yes[k]) || !strcmp(value, no[k])) {
			*(bool *)field(s, w) = !strcmp(value, yes[k]);
			return true;
		}
	}
	return err_set(err, ERR_USAGE, "%s is true or false, not '%s'", w->name, value);
}

static void set_text(struct settings *s, const struct setting *w, const char *value)
{
	char **text = field(s, w), *copy = value && *value ? mem_text(value) : NULL;

	free(*text);
	*text = copy;
}

static bool set_value(struct settings *s, const struct setting *w, const char *value,
		      struct err *err)
{
	switch (w->type) {
	case SETTING_INT:
	case SETTING_INT64:
	case SETTING_REAL:
		return set_number(s, w, value, err);
	case SETTING_BOOL:
		return set_bool(s, w, value, err);
	case SETTING_CHOICE:
		if (w->choice == both_choice) /* a yes or no at heart */
			value = !strcmp(value, "true") ? "concat" : value;
		for (int k = 0; w->choice(k); k++)
			if (!strcmp(w->choice(k), value)) {
				*(int *)field(s, w) = k;
				return true;
			}
		return refuse_choice(w, value, err);
	case SETTING_TEXT:
	case SETTING_PATH:
		set_text(s, w, value);
		return true;
	}
	return false;
}

bool settings_set(struct settings *s, const char *name, const char *value, struct err *err)
{
	const struct setting *w = setting_find(name);
	struct nearest n = {.to = name};

	if (w)
		return set_value(s, w, value, err);
	for (int k = 0; k < TABLE_SIZE; k++)
		nearest_try(&n, table[k].name);
	if (nearest_name(&n))
		return err_set(err, ERR_USAGE, "there is no setting '%s'; did you mean %s?", name,
			       nearest_name(&n));
	return err_set(err, ERR_USAGE,
		       "there is no setting '%s'; 'sluice help settings' lists them", name);
}

bool settings_assign(struct settings *s, const char *text, struct err *err)
{
	const char *eq = strchr(text, '=');
	char *name;
	bool ok;

	if (!eq || eq == text)
		return err_set(err, ERR_USAGE, "'%s' is not name=value", text);
	name = mem_bytes(text, (size_t)(eq - text));
	ok = settings_set(s, name, eq + 1, err);
	free(name);
	return ok;
}

bool settings_get(const struct settings *s, const struct setting *w, struct buf *out)
{
	char number[40];

	switch (w->type) {
	case SETTING_INT:
		buf_printf(out, "%d", *(int *)field(s, w));
		break;
	case SETTING_INT64:
		buf_printf(out, "%lld", (long long)*(int64_t *)field(s, w));
		break;
	case SETTING_REAL:
		if (isnan(*(double *)field(s, w)))
			return false;
		snprintf(number, sizeof(number), "%.15g", *(double *)field(s, w));
		if (strtod(number, NULL) != *(double *)field(s, w))
			snprintf(number, sizeof(number), "%.17g", *(double *)field(s, w));
		buf_text(out, number);
		break;
	case SETTING_BOOL:
		buf_text(out, *(bool *)field(s, w) ? "true" : "false");
		break;
	case SETTING_CHOICE:
		buf_text(out, w->choice(*(int *)field(s, w)));
		break;
	case SETTING_TEXT:
	case SETTING_PATH:
		if (!*(char **)field(s, w))
			return false;
		buf_text(out, *(char **)field(s, w));
		break;
	}
	return true;
}

void settings_default(struct settings *s)
{
	*s = (struct settings){0};
	for (int k = 0; k < TABLE_SIZE; k++)
		if (table[k].value || table[k].type == SETTING_REAL)
			set_value(s, &table[k], table[k].value ? table[k].value : "", NULL);
}

void settings_reset(struct settings *s, const char *name)
{
	const struct setting *w = setting_find(name);

	set_value(s, w, w->value ? w->value : "", NULL);
}

void settings_copy(struct settings *to, const struct settings *from)
{
	*to = *from;
	for (int k = 0; k < TABLE_SIZE; k++)
		if (table[k].type == SETTING_TEXT || table[k].type == SETTING_PATH) {
			char **text = field(to, &table[k]);

			*text = *text ? mem_text(*text) : NULL;
		}
}

void settings_release(struct settings *s)
{
	for (int k = 0; k < TABLE_SIZE; k++)
		if (table[k].type == SETTING_TEXT || table[k].type == SETTING_PATH)
			free(*(char **)field(s, &table[k]));
	*s = (struct settings){0};
}

/* inih calls the handler without a line number and cuts long lines: so the lines are handed over
 * by a reader that counts them and refuses what would be cut. */
struct ini_state {
	struct settings *s;
	const char *path;
	FILE *file;
	int line, set_at[TABLE_SIZE]; /* lines */
	struct err err;
};

static char *ini_line(char *text, int size, void *arg)
{
	struct ini_state *st = arg;
	size_t blank;

	if (st->err.code || !fgets(text, size, st->file))
		return NULL;
	st->line++;
	blank = strspn(text, " \t");
	if (!strchr(text, '\n') && strlen(text) + 1 < (size_t)size && !feof(st->file))
		err_set(&st->err, ERR_INPUT, "%s:%d: has a zero byte in it", st->path, st->line);
	else if (!strchr(text, '\n') && !feof(st->file))
		err_set(&st->err, ERR_INPUT, "%s:%d: the line is longer than %d bytes", st->path,
			st->line, size - 2);
	else if (text[blank] == '[')
		err_set(&st->err, ERR_INPUT,
			"%s:%d: settings files have no sections; remove this line", st->path,
			st->line);
	if (st->err.code)
		return NULL;
	/* To inih an indented line goes on with the setting before it. */
	return memmove(text, text + blank, strlen(text + blank) + 1);
}

/* A path in a file is relative to that file. */
static char *beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (*path == '/' || !slash || !strcmp(path, "-") || !*path)
		return mem_text(path);
	return mem_printf("%.*s/%s", (int)(slash - file), file, path);
}

static int ini_value(void *arg, const char *section, const char *name, const char *value)
{
	struct ini_state *st = arg;
	const struct setting *w = setting_find(name);
	char *path = w && w->type == SETTING_PATH ? beside(st->path, value) : NULL;
	struct err err = {0};

	(void)section;
	if (w && st->set_at[w - table])
		err_set(&err, ERR_INPUT, "%s is set already on line %d", name,
			st->set_at[w - table]);
	else
		settings_set(st->s, name, path ? path : value, &err);
	if (w)
		st->set_at[w - table] = st->line;
	free(path);
	if (!err.code)
		return 1;
	err_set(&st->err, ERR_INPUT, "%s:%d: %s", st->path, st->line, err.msg);
	return 0;
}

bool settings_load(struct settings *s, const char *path, struct err *err)
{
	struct ini_state st = {.s = s, .path = path, .file = fopen(path, "r")};
	int bad;

	if (!st.file)
		return err_set(err, ERR_INPUT, "cannot read the settings file %s: %s", path,
			       strerror(errno));
	bad = ini_parse_stream(ini_line, &st, ini_value, &st);
	if (ferror(st.file) && !st.err.code)
		err_set(&st.err, ERR_INPUT, "cannot read the settings file %s: %s", path,
			strerror(errno));
	if (bad && !st.err.code)
		err_set(&st.err, ERR_INPUT, "%s:%d: not of the form name = value", path, bad);
	fclose(st.file);
	if (!st.err.code)
		return true;
	if (err)
		*err = st.err;
	return false;
}

const struct cell_ops *settings_cell(const struct settings *s)
{
	return cell_at(s->cell);
}

const struct optim_ops *settings_optim(const struct settings *s)
{
	return optim_at(s->optimizer);
}

struct schedule settings_schedule(const struct settings *s)
{
	return (struct schedule){.ops = schedule_at(s->schedule),
				 .decay = s->decay,
				 .after = s->decay_after,
				 .every = s->decay_every,
				 .warmup = s->warmup};
}

void settings_read_options(const struct settings *s, struct read_options *out)
{
	*out = (struct read_options){
		.format = (enum data_format)s->data_format,
		.label_column = s->label_column,
		.text_column = s->text_column,
		.source_column = s->source_column,
		.target_column = s->target_column,
		.target_path = s->data_target,
		.no_header = !s->header,
		.need_labels = task_table[s->task].labels,
		.need_pairs = task_table[s->task].pairs,
		.stream = task_table[s->task].stream,
	};
}

struct vocab_spec settings_vocab(const struct settings *s)
{
	const struct task_ops *task = &task_table[s->task];

	return (struct vocab_spec){
		.rules = {.kind = (enum tokenizer)s->tokenizer, .lower = s->lower},
		.min_count = s->min_count,
		.max_size = s->max_vocab,
		.oov = s->oov,
		.end = !task->labels && (!task->pairs || task->one_vocab),
	};
}

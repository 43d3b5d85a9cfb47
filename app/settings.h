/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The settings of a run: one table, from which INI files, --set, completion, help and the params
 * rows of the store all follow.
 */
#ifndef SLUICE_APP_SETTINGS_H
#define SLUICE_APP_SETTINGS_H

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/nn/model.h"
#include "engine/text/corpus.h"
#include "engine/train/optim.h"
#include "engine/train/schedule.h"

#include <stdbool.h>
#include <stdint.h>

enum { THREADS_MAX = 64 };

struct settings {
	int task, cell, tokenizer, optimizer, data_format; /* places in their tables */
	int keep;                                          /* enum keep of store/weights.h */
	int padding, truncating;                           /* 0 pre, 1 post */
	int layers, bidirectional, pool, init; /* the last three: places in their tables */
	int embed, hidden, epochs, batch, window, patience, threads, precision;
	int min_count, max_vocab, max_len, max_target_len;
	int attention, teacher_schedule;        /* places in their tables */
	int embedding_updates;                  /* 0 dense, 1 lazy */
	int schedule, decay_after, decay_every; /* a place in its table; epochs */
	int64_t seed, warmup;
	double decay, label_smoothing, teacher_forcing, teacher_last;
	double dropout, recurrent_dropout, lr, clip, clip_value, valid_split;
	double forget_bias, init_range, beta1, beta2, eps, weight_decay; /* NaN: the method's own */
	bool lower, mask, header, tied, learned_state, input_feeding, gradual, extend_vocab;
	char *freeze, *lr_factors; /* lists; owned */
	/* Owned; NULL where not given. */
	char *oov, *data, *valid, *data_target, *valid_target;
	char *label_column, *text_column, *source_column, *target_column;
};

enum setting_type {
	SETTING_INT,
	SETTING_INT64,
	SETTING_REAL,
	SETTING_BOOL,
	SETTING_CHOICE,
	SETTING_TEXT,
	SETTING_PATH
};

struct setting {
	const char *name, *help;
	enum setting_type type;
	size_t at;                        /* offset in struct settings */
	double min, max;                  /* of numbers, both allowed */
	const char *value;                /* the default, as text; NULL: none, a number is NaN */
	const char *(*choice)(int index); /* names of a SETTING_CHOICE; NULL past the end */
};

const struct setting *setting_at(int index); /* NULL past the end */
const struct setting *setting_find(const char *name);

void settings_default(struct settings *s);
void settings_reset(struct settings *s, const char *name); /* one, to its default */
void settings_copy(struct settings *to, const struct settings *from);
void settings_release(struct settings *s);

/* Sets one from text; the empty one unsets what has no default. ERR_USAGE names the setting, what is allowed, and the nearest right name. */
bool settings_set(struct settings *s, const char *name, const char *value, struct err *err);
/* "name=value" as --set takes it. */
bool settings_assign(struct settings *s, const char *text, struct err *err);
/* Appends the value as text; false if it is unset. */
bool settings_get(const struct settings *s, const struct setting *which, struct buf *out);

/* Reads an INI file over s; paths in it are relative to it. Errors name file and line. */
bool settings_load(struct settings *s, const char *path, struct err *err);

const struct cell_ops *settings_cell(const struct settings *s);
const struct optim_ops *settings_optim(const struct settings *s);
struct schedule settings_schedule(const struct settings *s);
/* How the training texts are read; borrows. The validation texts have another target_path. */
void settings_read_options(const struct settings *s, struct read_options *out);
/* The rules of the texts' vocabulary that follow from the settings; borrows. A target's own keeps an end
 * mark beside them. */
struct vocab_spec settings_vocab(const struct settings *s);

/* The nearest of several names to a mistyped one, or NULL if none is near. */
struct nearest {
	const char *to, *best;
	int distance;
};
void nearest_try(struct nearest *n, const char *name);
const char *nearest_name(const struct nearest *n);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fine-tuning: a new run, of any task and on other texts, that begins with the vocabulary, embedding and
 * encoder of a stored one (engine/train/transfer.h says with what else).
 *
 * Its settings begin as those of the run, but for the texts (valid_split too), extend_vocab, freeze, lr_factors
 * and gradual, which begin anew, and what the new task has no use for (tied, pool, attention and what goes
 * with it). What makes the encoder what it is cannot change: cell embed hidden layers bidirectional learned_state tokenizer lower oov.
 */
#ifndef SLUICE_APP_TUNE_H
#define SLUICE_APP_TUNE_H

#include "app/archive.h"
#include "app/recorder.h"

/* What changes the settings; it is called more than once, and over other settings each time. */
struct changes {
	bool (*put)(const void *arg, struct settings *s, struct err *err);
	const void *arg;
};

/* A run to tune. It must outlive the training. */
struct tuned {
	struct loaded parent; /* its snapshot only until the training is prepared */
	struct settings was, settings;
	struct snapshot *first; /* of the new run */
	int64_t step;           /* of the parent */
	struct buf origin;      /* what was taken over, as one line */
};

/* Opens RUN (without @ its best checkpoint) and settles the settings. ERR_NO_RUN, ERR_USAGE, ERR_CORRUPT. */
bool tune_open(struct tuned *t, const char *store, const char *run, const struct changes *c,
	       struct err *err);
void tune_release(struct tuned *t);

/* Prepares the training. Fills in of intro what ties the two runs together. Errors as of prepare. */
bool tune_prepare(struct tuned *t, struct prepared *p, struct run_intro *intro, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trainer: a thread that owns a learner and runs epochs. Requests come in from any thread and
 * are read between two steps; what happens goes out through a sink, called on the trainer's thread.
 *
 * Order of examples and dropout are drawn from one generator: one draw an epoch, one a step. A stream
 * is read in order, window by window, in `batch` rows that begin each epoch with fresh states. A
 * snapshot's `progress` holds all it takes to go on from there.
 */
#ifndef SLUICE_ENGINE_TRAIN_TRAINER_H
#define SLUICE_ENGINE_TRAIN_TRAINER_H

#include "engine/nn/init.h"
#include "engine/train/encoder.h"
#include "engine/train/learner.h"
#include "engine/train/rates.h"
#include "engine/train/schedule.h"
#include "engine/train/share.h"

#include <stdbool.h>
#include <stdint.h>

/* One epoch's result. */
struct epoch_stats {
	int epoch;
	int64_t step;
	/* Means over the epoch's targets, with dropout. Accuracies are NaN where the task has none. */
	double train_loss, train_accuracy;
	double valid_loss, valid_accuracy, valid_f1; /* NaN without validation */
	double valid_bleu;                           /* of pairs; likewise */
	double valid_rouge;                          /* ROUGE-L, F1 */
	double valid_lead;  /* summarize: that of each text's first words (eval.h) */
	double valid_exact; /* share of texts that come back word for word; likewise */
	bool best;          /* the best so far: see trainer.c */
};

struct train_spec {
	struct learner_spec learn;
	struct schedule schedule; /* of learn.lr; zeroed: constant */
	struct forcing forcing;   /* of pairs; zeroed counts as always */
	struct rates rates;       /* of groups */
	struct init init;         /* of the first weights */
	int epochs, batch;
	int window;   /* steps of a window over a stream, whose rows are `batch` */
	int patience; /* epochs without a better validation before stopping; 0: never */
	uint64_t seed;
	bool paused; /* wait for trainer_resume before the first step */
	/* Borrowed: weights to go on from, exactly where there is progress, else with a fresh optimizer;
	 * NULL: fresh weights. And the best epoch so far, or NULL. */
	struct snapshot *from;
	const struct epoch_stats *best;
};

enum train_state {
	TRAIN_READY, /* not a step taken yet */
	TRAIN_RUNNING,
	TRAIN_PAUSED,
	TRAIN_FINISHED, /* all epochs, or patience ran out */
	TRAIN_STOPPED,  /* on request */
	TRAIN_DIVERGED, /* NaN or infinity */
	TRAIN_FAILED    /* out of memory */
};
const char *train_state_name(enum train_state s);
bool train_state_over(enum train_state s);

struct train_gauge {
	enum train_state state;
	int epoch, epochs;                    /* the epoch under way, from 1 */
	int64_t step, steps;                  /* taken; planned */
	double loss, accuracy, grad_norm, lr; /* of the last step */
	double seconds;                       /* spent training, pauses left out */
	double forcing;                       /* of the last step */
	double factor[MODEL_MAX_GROUPS];      /* of each group's rate; 0: frozen */
	double tokens_per_s;                  /* over the last second or so */
	double eta; /* seconds left, by the steps' average; NaN before the first */
};

enum train_event_type {
	TRAIN_EVENT_STEP,       /* gauge */
	TRAIN_EVENT_EPOCH,      /* epoch_stats */
	TRAIN_EVENT_CHECKPOINT, /* snapshot with progress; `best` says whether it is the best */
	TRAIN_EVENT_SNAPSHOT,   /* snapshot that someone asked for */
	TRAIN_EVENT_STATE,      /* a new state; message says why where it is not plain */
	TRAIN_EVENT_LR,   /* the learning rate changed, by hand or on a plateau; gauge has it */
	TRAIN_EVENT_RATES /* a group was frozen, or learns again, or at another rate; gauge has it */
};

struct train_event {
	enum train_event_type type;
	const struct train_gauge *gauge; /* always */
	const struct epoch_stats *epoch;
	struct snapshot *snapshot; /* borrowed: take a reference to keep it */
	bool best;
	const char *message; /* borrowed, or NULL */
};

struct train_sink {
	void (*emit)(void *arg, const struct train_event *event);
	void *arg;
};

struct trainer;

/* Draws the weights and starts the thread. Takes references to e, train and valid (which may be
 * NULL). ERR_FAILED without memory or threads. The first event is a snapshot of step 0. */
struct trainer *trainer_new(const struct train_spec *spec, struct encoder *e, struct corpus *train,
			    struct corpus *valid, struct train_sink sink, struct err *err);
/* Stops, waits and frees. NULL is ignored. */
void trainer_free(struct trainer *t);

/* Requests: any thread; they return at once. */
void trainer_pause(struct trainer *t);
void trainer_resume(struct trainer *t);
void trainer_one_batch(struct trainer *t); /* pauses and takes one step */
void trainer_stop(struct trainer *t);      /* after the step under way, with a checkpoint */
/* The rate as it is used now: a schedule goes on from there. */
void trainer_set_lr(struct trainer *t, double lr);
/* The factor of some groups' rate from now on, in place of what the rules say; 0 freezes them. The name is
 * one of group_matches. */
void trainer_set_factor(struct trainer *t, const char *name, double factor);
void trainer_want_snapshot(struct trainer *t);
/* Whether all that was asked of it is done, but for training itself: it goes on (then *rests is false), or
 * waits for somebody to ask. A stop is not done before the end. */
bool trainer_has_done(struct trainer *t, bool *rests);

/* Waits for the end; the final state, and for TRAIN_DIVERGED and TRAIN_FAILED a message in err. */
enum train_state trainer_wait(struct trainer *t, struct err *err);

#endif

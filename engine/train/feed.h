/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The feed: what a training thread shows to whoever watches. The trainer's side puts events in, the
 * watcher's side takes a consistent copy when something is new. Nobody waits for the other beyond
 * a short lock; history is kept at a bounded size by merging neighbours.
 */
#ifndef SLUICE_ENGINE_TRAIN_FEED_H
#define SLUICE_ENGINE_TRAIN_FEED_H

#include "engine/train/trainer.h"

enum { CURVE_MAX = 2048 };

/* A curve of bounded length: once it is full, neighbours are averaged in pairs. */
struct curve {
	double x[CURVE_MAX], y[CURVE_MAX];
	int count;
	int stride; /* values a point stands for */
	int held;   /* values in the sums below */
	double x_sum, y_sum;
};

void curve_clear(struct curve *c);
void curve_add(struct curve *c, double x, double y);

enum feed_curve {
	FEED_TRAIN_LOSS,
	FEED_TRAIN_ACCURACY,
	FEED_VALID_LOSS,
	FEED_VALID_ACCURACY,
	FEED_VALID_BLEU, /* of pairs; so is the next one */
	FEED_VALID_ROUGE,
	FEED_CURVES
};

/* What the store calls it: "train/loss". */
const char *feed_curve_name(enum feed_curve c);

/* A copy of everything; x is in epochs (2.5: in the middle of the third). */
struct feed_view {
	uint64_t version;
	struct train_gauge gauge;
	struct curve curve[FEED_CURVES];
	struct epoch_stats last, best; /* epoch 0: none yet */
	char message[256];             /* the last state's explanation */
};

struct feed;

/* wake, where given, is called (the trainer's thread, under no lock) when something new is there: at
 * every event, but at steps only some 50 times a second. */
struct feed *feed_new(void (*wake)(void *arg), void *arg);
void feed_free(struct feed *f);

/* What came before, of a run that goes on: its curves and its last and best epochs. */
void feed_begin(struct feed *f, const struct feed_view *past);

/* For the trainer's sink. */
void feed_put(struct feed *f, const struct train_event *event);

/* Copies into view if there is anything newer than view->version; false if not. */
bool feed_read(struct feed *f, struct feed_view *view);
/* The newest snapshot with a reference for the caller, or NULL if it is `have`. */
struct snapshot *feed_snapshot(struct feed *f, const struct snapshot *have);

#endif

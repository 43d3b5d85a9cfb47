/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What other threads ask of a trainer, which takes it between two steps. */
#ifndef SLUICE_ENGINE_TRAIN_REQUESTS_H
#define SLUICE_ENGINE_TRAIN_REQUESTS_H

#include "engine/train/rates.h"

#include <pthread.h>

struct requests {
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t wake;
	bool pause, snapshot, waits; /* waits: the trainer has nothing to do */
	int one_batch;
	int stop;  /* also read without the lock, atomically, while validating */
	double lr; /* 0: none */
	struct by_hand factors;
};

/* What was asked for, once. */
struct asked {
	bool go, stop, snapshot; /* go: take the next step */
	double lr;               /* 0: none */
	struct by_hand factors;
};

void requests_open(struct requests *r, bool paused);
void requests_close(struct requests *r);

/* Any thread. */
void requests_pause(struct requests *r, bool pause);
void requests_one_batch(struct requests *r); /* pauses, and lets one step go */
void requests_stop(struct requests *r);
void requests_snapshot(struct requests *r);
void requests_lr(struct requests *r, double lr);
void requests_factor(struct requests *r, const struct groups *g, const char *name, double factor);
/* Whether nothing is left of what was asked for: it goes on training, or has come to rest. */
bool requests_met(struct requests *r, bool *rests);

/* The trainer's thread: what has been asked for since. With `waits` it waits for something while paused. */
struct asked requests_take(struct requests *r, bool waits);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The learning rates of groups of weights (model_groups): each has a factor of the rate, and 0 freezes it.
 *
 * Rules are lists, separated by commas. NAME is a group, "encoder", "decoder" or "all"; epochs count from 1
 * and are all where none are given; of several rules for a group the last one holds.
 *
 *     freeze       NAME[@EPOCHS]     EPOCHS: 3, 2-4, -3 (up to it), 4- (from it on)
 *     lr_factors   NAME:FACTOR
 *
 * Gradual unfreezing (Howard and Ruder, arXiv 1801.06146, section 3.3): in the first epoch only the last
 * group learns, the head, and with each epoch one more from there.
 */
#ifndef SLUICE_ENGINE_TRAIN_RATES_H
#define SLUICE_ENGINE_TRAIN_RATES_H

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/nn/model.h"

enum { RATES_MOST = 32 };

struct rate_rule {
	char name[GROUP_NAME];
	int from, to; /* epochs */
	double factor;
};

/* Zeroed: all groups learn at the same rate. */
struct rates {
	struct rate_rule rule[RATES_MOST];
	int count;
	bool gradual;
};

/* Adds the rules of a list; NULL is an empty one. ERR_USAGE. Factors come first: what is frozen later in the
 * rules is so whatever its factor. */
bool rates_freeze(struct rates *r, const char *list, struct err *err);
bool rates_factors(struct rates *r, const char *list, struct err *err);
/* Whether every name stands for a group of the model, and some group is learnt in each epoch. ERR_USAGE. */
bool rates_check(const struct rates *r, const struct groups *g, int epochs, struct err *err);
/* The factors of an epoch: of g->count groups, 0 for the others of MODEL_MAX_GROUPS. */
void rates_at(const struct rates *r, const struct groups *g, int epoch, double *factor);

/* Factors set by hand, in place of what rules say. */
struct by_hand {
	double factor[MODEL_MAX_GROUPS]; /* NaN: the rules hold */
};
struct by_hand by_hand_none(void);
bool by_hand_any(const struct by_hand *h);
/* A name as group_matches has it. */
void by_hand_set(struct by_hand *h, const struct groups *g, const char *name, double factor);
/* Puts those that are set over factors, or over others. */
void by_hand_put(const struct by_hand *h, double *factor);

/* Whether all learn at the plain rate; and in words: "embedding frozen, l0 ×0.3, head ×1". */
bool rates_plain(const struct groups *g, const double *factor);
void rates_say(const struct groups *g, const double *factor, struct buf *out);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Schedules: what the learning rate is multiplied by at a step; one table entry each. With e the
 * epoch from 1, s the step from 0, n the steps of an epoch, S all steps planned and x = s / n:
 *
 * constant     1
 * step         decay^ceil(max(0, e - after) / every): the first rate for `after` epochs, then
 *              smaller from the next one on
 * exponential  decay^(max(0, x - after) / every), at every step
 * cosine       (1 + cos(pi p)) / 2 with p the share of the steps after warm-up that are done
 *              (Loshchilov and Hutter, arXiv 1608.03983, without restarts)
 * plateau      times decay whenever `every` epochs have passed without a lower validation loss; the
 *              first `after` epochs are not counted
 * triangle     up for a tenth of the steps from 1/32, down for the rest, not below 1/32: slanted
 *              triangular rates (Howard and Ruder, arXiv 1801.06146, equation 3)
 *
 * Warm-up multiplies by (s + 1) / warmup over the first `warmup` steps, in all but triangle.
 */
#ifndef SLUICE_ENGINE_TRAIN_SCHEDULE_H
#define SLUICE_ENGINE_TRAIN_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct schedule;

/* What plateau remembers; begins as schedule_fresh. */
struct schedule_memory {
	double factor, best; /* best: the lowest validation loss so far */
	int waited;          /* epochs since then, or since the last decay */
};
extern const struct schedule_memory schedule_fresh;

/* Where training is. */
struct schedule_now {
	int64_t step, steps;  /* before this one, from 0; planned */
	int epoch, per_epoch; /* from 1; steps of one */
	struct schedule_memory memory;
};

struct schedule_ops {
	const char *name;
	double (*factor)(const struct schedule *s, const struct schedule_now *now);
	bool rises;     /* by itself: takes no warm-up */
	bool validates; /* needs a validation loss */
};

struct schedule {
	const struct schedule_ops *ops; /* NULL: constant */
	double decay;
	int after, every; /* epochs */
	int64_t warmup;   /* steps; 0: none */
};

const struct schedule_ops *schedule_at(int index); /* NULL past the end */
const struct schedule_ops *schedule_find(const char *name);

/*
 * Teacher forcing (nn/decoder.h): how often a decoder reads what it should have said, from `first` at the
 * first step to `last` at the last one, with p the share of the steps that are done (Bengio et al., arXiv
 * 1506.03099, section 2.4):
 *
 * constant      first
 * linear        first + (last - first) p
 * exponential   first (last / first)^p
 * sigmoid       along 1 / (1 + e^(10 (p - 1/2))), stretched to begin and end exactly there
 */
enum forcing_kind {
	FORCING_CONSTANT,
	FORCING_LINEAR,
	FORCING_EXPONENTIAL,
	FORCING_SIGMOID,
	FORCING_COUNT
};
const char *forcing_name(enum forcing_kind kind);
struct forcing {
	enum forcing_kind kind;
	double first, last;
};
/* Whether it is ever below 1. Zeroed it is not. */
bool forcing_lets_go(const struct forcing *f);
double forcing_rate(const struct forcing *f, int64_t step, int64_t steps);

double schedule_factor(const struct schedule *s, const struct schedule_now *now);

/* Tells the memory of an epoch that has ended; true: its factor has become smaller. */
bool schedule_epoch(const struct schedule *s, struct schedule_memory *memory, int epoch,
		    double valid_loss);

#endif

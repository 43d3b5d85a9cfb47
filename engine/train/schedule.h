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

double schedule_factor(const struct schedule *s, const struct schedule_now *now);

/* Tells the memory of an epoch that has ended; true: its factor has become smaller. */
bool schedule_epoch(const struct schedule *s, struct schedule_memory *memory, int epoch,
		    double valid_loss);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sizes that are measured, and our side of the measurement. */
#ifndef SLUICE_TESTS_BENCH_OURS_H
#define SLUICE_TESTS_BENCH_OURS_H

#include "engine/train/learner.h"

/* Random tokens, every row of full length. */
struct size {
	const char *name;
	enum task task;
	int V, E, H, L, B, T;
	int C;      /* classes; outcomes where the task is generate are V */
	bool infer; /* one text, forward only, every gate kept */
};
const struct size *size_at(int index); /* NULL past the end */
const struct size *size_find(const char *name);

/* How it is run. */
struct setting {
	int threads;
	bool bf16, lazy; /* lazy: rows of the embedding that a batch does not hold are left alone */
};

struct ours;
struct ours *ours_new(const struct size *s, const struct setting *how);
void ours_free(struct ours *o);
/* Trains, or infers, for about so long; tokens a second. */
double ours_run(struct ours *o, double seconds);
/* The matrix products of a step alone, by CBLAS on one thread, at their shapes: tokens a second. */
double ours_limit(const struct size *s, double seconds);
/* Floating-point operations of the products of a token. */
double size_flop(const struct size *s);

double bench_now(void); /* seconds */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Toy classifiers of every shape, and their texts, for the tests of explanations. */
#ifndef SLUICE_TESTS_EXPLAIN_H
#define SLUICE_TESTS_EXPLAIN_H

#include "engine/explain/replay.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

#define TEXT "the film is not so good never"

static inline struct snapshot *toy_snapshot(const struct model_spec *spec, bool mask)
{
	struct corpus *c;
	struct encoder *e = toy_encoder_of(spec, mask, 30, &c, NULL);
	struct snapshot *s = snapshot_new(e, toy_weights(&e->model, 8), 0, 0);
	struct rng rng;

	/* Nothing is 0 or equal: biases, peepholes and initial states neither. */
	rng_seed(&rng, 5, 5);
	for (size_t k = 0; k < e->model.size; k++)
		s->weights[k] += (real)(0.3 * rng_normal(&rng));
	corpus_unref(c);
	encoder_unref(e);
	return s;
}

/* A text through a new toy; the snapshot is the replay's alone. */
static inline struct replay *toy_replay(const struct model_spec *spec, bool mask, const char *text)
{
	struct snapshot *s = toy_snapshot(spec, mask);
	struct replay *r = replay_new(s, text, strlen(text), NULL);

	snapshot_unref(s);
	assert_non_null(r);
	return r;
}

/* Shapes: number `shape` of SHAPES for a cell. Layers, directions, merges, pools, inputs. */
enum { SHAPES = 12 };
static inline struct model_spec toy_shape(const struct cell_ops *cell, int shape)
{
	return (struct model_spec){.cell = cell,
				   .embed = shape % 5 == 4 ? 0 : 5,
				   .hidden = 4,
				   .layers = 1 + shape / 4 % 3 % 2 + (shape == 11),
				   .dirs = 1 + shape / 2 % 2,
				   .merge = shape % 4 == 3 ? MERGE_SUM : MERGE_CONCAT,
				   .pool = (enum pool)((shape + shape / 4) % POOL_COUNT),
				   .learned = shape % 3 != 1};
}

static inline bool near_to(double a, double b, double tolerance)
{
	return fabs(a - b) <= tolerance * (1 + fabs(a) + fabs(b));
}

#endif

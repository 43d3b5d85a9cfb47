/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gradients through time, in double: how much a class's score, or the loss of a label, changes with
 * every state and every input of the latest replay_run. One way back for all cells: it follows from the
 * table's terms and activations, and from carry and write, which are affine in each gate alone, so that
 * their derivative by a gate is their difference between that gate at 1 and at 0.
 *
 * The gradients are total: dF/dh_t is what F changes by when h_t alone is moved and everything behind it
 * follows; likewise c_t. (FGR's gates of step t, which step t+1 reads, stay as they are.)
 */
#ifndef SLUICE_ENGINE_EXPLAIN_GRADIENT_H
#define SLUICE_ENGINE_EXPLAIN_GRADIENT_H

#include "engine/explain/replay.h"

/* A gradient has vanished below this share of the run's largest, and has exploded above so many times
 * the largest that comes in from above the run (from the pool, or the layer above). */
#define GRADIENT_VANISHED 1e-3
#define GRADIENT_EXPLODED 1e3

struct gradient {
	/* (steps + 1, H) of every run: row k for the state before its step k, so that row k + 1 is that of
	 * step k. dc is NULL in a GRU. */
	double *dh[STACK_MAX_RUNS], *dc[STACK_MAX_RUNS];
	double entry[STACK_MAX_RUNS]; /* the largest |dF/dh| that comes in from above, of a step */
	/* (steps): dF/dx_t . x_t, with the input as the text has it, whatever it was scaled by. */
	double *score;
	double *dx; /* (steps, E) where asked for, else NULL */

	/* The rest is gradient's own. */
	double *dy[STACK_MAX_RUNS]; /* of each layer's output: (steps, D) */
	double *value, *later, *dz, *room, *dvector, *block;
};

/* Makes room for what r can run. inputs: dx as well. false without memory. Release in both cases. */
bool gradient_open(struct gradient *g, const struct replay *r, bool inputs);
void gradient_release(struct gradient *g);

/* Goes back from dF/dlogit (C) through the latest replay_run of a classifier. */
void gradient_run(struct gradient *g, const struct replay *r, const double *dlogit);

/* dF/dlogit (C) where F is the score of a class, and where it is the loss -ln p of a label. */
void gradient_of_class(const struct replay *r, int class, double *dlogit);
void gradient_of_loss(const struct replay *r, int label, double *dlogit);

/* The Euclidean norm. */
double gradient_norm(const double *v, int n);
/* Whether a norm has vanished beside the largest of its run, and whether it has exploded. */
bool gradient_vanished(double norm, double largest);
bool gradient_exploded(const struct gradient *g, int run, double norm);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stack of one direction, one time step at a time, every layer before the next step: for a decoder
 * that reads at a step what came of the step before. The last `fed` columns of the first layer's input
 * are filled in when their step has come; the others are known at the beginning.
 */
#ifndef SLUICE_ENGINE_NN_STEPWISE_H
#define SLUICE_ENGINE_NN_STEPWISE_H

#include "engine/nn/stack.h"

struct stepwise {
	const struct stack *stack;
	const real *weights;
	struct stack_tape *tape;
	int fed;
	struct recur_pass run[STACK_MAX_RUNS];
	struct factor in[STACK_MAX_RUNS]; /* of each run's columns that are not known */
	real *room[STACK_MAX_RUNS];       /* of those factors */
};

/* Elements that stepwise_lay takes for B rows; it puts what the tape's runs share side by side. After
 * stack_lay. */
size_t stepwise_size(const struct stack *s, struct arithmetic how, size_t B);
void stepwise_lay(struct stepwise *w, const struct stack *s, struct stack_tape *t, real **at);

/* Begins with x in the tape, but for its fed columns, and the initial states. */
void stepwise_begin(struct stepwise *w, const real *weights, int fed);
/* One step; its rows of the tape's y are filled. */
void stepwise_step(struct stepwise *w, int t);

/* The way back: dy_t are gradients of the step's rows of y, and dh and dc in the tape those of the last
 * states. dx_fed (n, fed; its rows `stride` apart) is written, unless it is NULL. */
void stepwise_begin_back(struct stepwise *w, real *grad);
void stepwise_step_back(struct stepwise *w, int t, const real *dy_t, real *dx_fed, size_t stride);
/* Adds the weights' gradients to grad and writes dx (N, E) but for the fed columns. */
void stepwise_end_back(struct stepwise *w, real *grad, real *dx);

#endif

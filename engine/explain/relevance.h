/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Layer-wise relevance propagation for LSTMs (Arras et al. 2017, W17-5221; "LRP-all" of Arras et al.
 * 2019, arXiv 1904.11829): a class's score is handed down to the words.
 *
 *     linear    z_j = sum_i w_ij x_i + b_j
 *               R_i = sum_j (w_ij x_i + bf (b_j + eps sgn z_j) / N) / (z_j + eps sgn z_j) R_j
 *     product   gate (.) signal: all to the signal, nothing to the gate
 *
 * sgn(0) = 1, N is the number of inputs, bf the bias factor: 0 keeps what biases and eps take from the
 * words, 1 hands it out to all inputs alike, so that relevance is conserved. A peephole and a gate's
 * view of other gates lead into gates only and get nothing. Pooling is linear: the mean and attention
 * with their weights as constants, the maximum as a choice of steps.
 */
#ifndef SLUICE_ENGINE_EXPLAIN_RELEVANCE_H
#define SLUICE_ENGINE_EXPLAIN_RELEVANCE_H

#include "engine/explain/replay.h"

#define RELEVANCE_EPSILON 1e-3

struct relevance_rules {
	double epsilon, bias_factor;
};

struct relevance {
	double start;   /* the class's score F, which is handed down */
	double *word;   /* (steps) */
	double initial; /* what the initial states of all runs got */
	/* What went into biases and into eps, summed over all layers. With a bias factor it was handed out
	 * again: so much of it. */
	double bias, epsilon;
	/* start - (words + initial + (1 - bf) (bias + epsilon)): rounding, and nothing else */
	double residual;
};

/* Why a cell is not covered, as a line; NULL where it is. Covered are the standard cell and all nine of
 * Greff et al. */
const char *relevance_lacks(const struct cell_ops *cell);
/* Whether the candidate gates the old state, as in the article's cell. */
bool relevance_gates_by_candidate(const struct cell_ops *cell);

/* Of a class, for the latest replay_run of a classifier whose cell is covered. false without memory.
 * Release in both cases. */
bool relevance_run(struct relevance *out, const struct replay *r, int class,
		   const struct relevance_rules *rules);
void relevance_release(struct relevance *v);

#endif

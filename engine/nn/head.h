/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The softmax head: rows of K numbers to probabilities of C outcomes, their cross entropy with the
 * targets, and its gradients. It goes over the rows in blocks, so that the scores of all rows are
 * never in memory at once.
 *
 *     p = softmax(W x + b)      loss = -(1 - s) log p[target] - s mean_k log p[k]
 *
 * s is label smoothing (Szegedy et al., arXiv 1512.00567, section 7).
 */
#ifndef SLUICE_ENGINE_NN_HEAD_H
#define SLUICE_ENGINE_NN_HEAD_H

#include "engine/math/product.h"

#include <stddef.h>
#include <stdint.h>

/* What a pass counted: sums over its targets. */
struct tally {
	double loss;            /* nats */
	int64_t correct, count; /* targets that were likeliest; targets */
};

struct head {
	const real *W, *b; /* (C, K), (C) */
	int C, K;
};

struct head_pass {
	int rows;
	const real *x;         /* (rows, K) */
	const int32_t *target; /* (rows); -1: none; NULL: none at all */
	real smoothing;
	real *prob;            /* (rows, C) to be kept, or NULL */
	real *block;           /* (head_rows(C), C) where prob is NULL */
	struct arithmetic how; /* of the products */
	real *room;            /* head_room elements, aligned to 64 bytes */
	/* Backward, with loss = scale * sum: dx (rows, K) is written, dW and db are added to, and prob
	 * does not survive. dx NULL: forward only. */
	real scale;
	real *dx, *dW, *db;
};

/* Rows that a block holds at most: scores of C outcomes for at most 14 MB, all who compute together. */
int head_rows(int C, struct arithmetic how);
/* Elements that W made ready for its products takes. */
size_t head_room(int C, int K, struct arithmetic how);

/* Adds to tally. */
void head_run(const struct head *h, const struct head_pass *p, struct tally *tally);

#endif

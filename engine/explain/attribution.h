/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the words of a text have to do with one class, as several methods say, each with what its numbers
 * should add up to. F is the class's score before the softmax (logit), in double.
 *
 *     gradient    x_t . dF/dx_t. Adds up to F(x) - F(0) only where F is linear
 *     integrated  x_t . the mean of dF/dx_t from 0 to x (Sundararajan et al. 2017, arXiv 1703.01365): adds up
 *                 to F(x) - F(0). Gauss-Legendre nodes, doubled from 20 to at most 320 until the error is
 *                 below 1 % of that. 0 is the zero vector at every step; initial states stay
 *     lrp         relevance.h: adds up to F with what biases, eps and the initial states got
 *     cd          decompose.h, each word as a phrase: beta; beta + gamma is F without the head's bias
 *     occlusion   F(x) - F(without the word), padded again as the run pads (Zeiler and Fergus 2014, arXiv
 *                 1311.2901; Li et al. 2016, arXiv 1612.08220). Adds up to F(x) - F(no word) only where
 *                 words do not interact
 *     unk         the same with <unk> in the word's place, and F of <unk> alone
 */
#ifndef SLUICE_ENGINE_EXPLAIN_ATTRIBUTION_H
#define SLUICE_ENGINE_EXPLAIN_ATTRIBUTION_H

#include "engine/explain/replay.h"

enum method {
	METHOD_GRADIENT,
	METHOD_INTEGRATED,
	METHOD_LRP,
	METHOD_CD,
	METHOD_OCCLUSION,
	METHOD_UNK,
	METHOD_COUNT
};

/* A method; conserves: its total must be what it should be, but for rounding (integrated: and the error
 * of its nodes). */
struct method_ops {
	const char *name, *title, *source;
	bool conserves;
};
extern const struct method_ops method_table[METHOD_COUNT];
int method_find(const char *name); /* -1 if there is none */

enum { NODES_FIRST = 20, NODES_MOST = 320 };

struct attribution_rules {
	int class;          /* whose score F is */
	unsigned methods;   /* bits 1 << enum method */
	double bias_factor; /* of LRP */
	/* Methods that take more multiplications than this are left out, and integrated gradients take no
	 * more nodes than it allows (but at least the first 20); 0: no limit. */
	double most_work;
	const int *cancel;              /* looked at between runs, or NULL */
	void (*tell)(void *arg, int t); /* or NULL: what takes a run for each word is at this one */
	void *arg;
};

struct verdict {
	bool there, asked;
	char why[128]; /* asked for and not there: why not, in words */
	double *score; /* (T) */
	double sum;    /* of the scores */
	/* total = sum + elsewhere, elsewhere being what biases, eps and initial states kept of lrp, else 0.
	 * But cd makes no sum of words: total is beta + gamma of the word where it is farthest off, and
	 * elsewhere NaN. residual = should - total. */
	double elsewhere, total, should, residual;
};

struct attribution {
	int T, class;
	double F, F_zero, F_empty; /* of the text; of zero vectors; without any word */
	double head_bias;
	struct verdict verdict[METHOD_COUNT];
	double agreement[METHOD_COUNT][METHOD_COUNT]; /* Spearman's; NaN where there is none */
	int nodes;                                    /* of integrated gradients */
	bool reached;                                 /* their error is below 1 % */
	double initial, bias, epsilon;                /* of LRP: see relevance.h */
	double bias_factor;
};

/* Explains a text of at least one step; r is run anew, and whole at the end. ERR_FAILED without memory,
 * ERR_CANCELLED. Release in all cases. */
bool attribution_run(struct attribution *a, struct replay *r, const struct attribution_rules *rules,
		     struct err *err);
void attribution_release(struct attribution *a);

/* The multiplications that a method takes on a text, about. */
double attribution_work(const struct replay *r, enum method m);

/* Spearman's rank correlation of n pairs; equal numbers share their mean rank. NaN where one side is all
 * equal, or n < 2. */
double spearman(const double *a, const double *b, int n);

/* Nodes and weights of Gauss and Legendre on 0 .. 1. */
void gauss_legendre(int n, double *node, double *weight);

#endif

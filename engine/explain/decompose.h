/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Contextual decomposition (Murdoch, Liu and Yu 2018, arXiv 1801.05453): every state is split into what
 * a phrase brought in and the rest, h = beta + gamma and c = beta_c + gamma_c, and so is a class's score.
 *
 *     z = rel + irr + b: U beta' (and p (.) beta_c'), with W x in the phrase, is rel; what is left is irr
 *     act(rel + irr + b) in three parts: rel*, irr*, b* = act(b), the mean over the two orders in which
 *         rel and irr are added to b
 *     beta_c  = (f_rel + f_b) beta_c' + i_rel (g_rel + g_b) + i_b g_rel + [in the phrase] i_b g_b
 *     gamma_c = all else of f c' + i g        beta = o (.) L(beta_c)        gamma = o (.) L(gamma_c)
 *     L in two parts likewise; o is left whole
 *
 * The phrase takes i_b g_b at its own steps, the last one included, in every layer. An upper layer reads
 * beta and gamma of the one below at all steps. A gate that is lacking is 1, all of it bias; coupled, f
 * is 1 - i part by part. Weights of attention and the choice of the maximum are held fixed.
 */
#ifndef SLUICE_ENGINE_EXPLAIN_DECOMPOSE_H
#define SLUICE_ENGINE_EXPLAIN_DECOMPOSE_H

#include "engine/explain/replay.h"

struct decompose {
	const struct replay *r;
	double *beta, *gamma; /* (C): they add up to the scores without the head's biases */

	/* The rest is decompose's own. */
	double *out_rel[STACK_MAX_RUNS], *out_irr[STACK_MAX_RUNS]; /* (steps, D) of each layer */
	double *bias[STACK_MAX_RUNS];                              /* (G*H) act(b) */
	double *h_rel, *h_irr, *c_rel, *c_irr;                     /* (H) the states under way */
	double *z_rel;                                             /* (G*H) */
	double *v_rel, *v_irr;                                     /* (D) */
	double *block;
};

/* Why a cell is not covered, as a line; NULL where it is. Covered are the standard cell and those of
 * Greff et al. but FGR, whose gates read the output gate, which is left whole. */
const char *decompose_lacks(const struct cell_ops *cell);

/* Makes room for the latest replay_run of a classifier whose cell is covered; r stays as it is while d is
 * in use. false without memory. Release in both cases. */
bool decompose_open(struct decompose *d, const struct replay *r);
void decompose_release(struct decompose *d);
/* Fills beta and gamma for the phrase of the positions from .. to, both included. */
void decompose_run(struct decompose *d, int from, int to);

#endif

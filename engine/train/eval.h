/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How good a classifier is on a corpus. */
#ifndef SLUICE_ENGINE_TRAIN_EVAL_H
#define SLUICE_ENGINE_TRAIN_EVAL_H

#include "engine/nn/model.h"
#include "engine/train/team.h"

struct measures {
	int examples, classes;
	double loss;     /* mean cross entropy, nats */
	double accuracy; /* share of examples whose likeliest class is the label */
	double macro_f1; /* mean over classes of 2pr/(p+r); a class neither there nor guessed counts 0 */
	int *confusion; /* (classes, classes): row = label, column = guess */
	float *prob;    /* (examples, classes) in the corpus's order, if asked for */
};

void measures_release(struct measures *m);

/*
 * Runs the whole corpus. Sums are taken in a fixed order, whatever the team's size. A corpus
 * without labels gets probabilities only. `stop`, where given, is looked at between batches.
 * ERR_FAILED without memory, ERR_CANCELLED when stopped.
 */
bool eval_corpus(struct team *team, const struct model *m, const real *weights,
		 const struct corpus *c, const struct batch_rules *rules, bool keep_prob,
		 const int *stop, struct measures *out, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a team shares a training step: a table over shapes, never over what a clock says, so that the
 * same settings give the same bits.
 */
#ifndef SLUICE_ENGINE_TRAIN_SHARE_H
#define SLUICE_ENGINE_TRAIN_SHARE_H

#include "engine/nn/model.h"

enum share_kind {
	SHARE_ALONE,  /* the first member does all of it */
	SHARE_ROWS,   /* each member has rows of the batch, from ids to gradients */
	SHARE_COLUMNS /* the first does the pass, all share the columns of each product */
};

struct share_rule {
	enum share_kind kind;
	const char *name, *reason;
};

/* For batches of so many rows with so many tokens in all. */
const struct share_rule *share_of(const struct model *m, int rows, int64_t tokens, int members);

struct train_spec;
struct encoder;
struct corpus;
/* Tokens of a usual batch; spec->learn with what follows from it; how the team shares it (share.h). */
int64_t train_tokens(const struct train_spec *spec, const struct encoder *e,
		     const struct corpus *train);
struct learner_spec train_learning(const struct train_spec *spec, const struct encoder *e,
				   const struct corpus *train);
const struct share_rule *train_share(const struct train_spec *spec, const struct encoder *e,
				     const struct corpus *train);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a trained encoder to the first weights of another one, of the same or another task: its embedding and
 * layers go on, and so does whatever else of the model fits. Group by group (model_groups):
 *
 * layers, bridge, attention, pool    taken over as they are, where every tensor of the group has its like in
 *                                    the other model; else they are new
 * embeddings                         row by row, by token: a token's numbers keep their bytes wherever its
 *                                    id is now. A new token's are drawn around the mean of the old rows, normal
 *                                    with their deviation, column by column (after Hewitt 2021, "Initializing
 *                                    New Word Embeddings for Pretrained Language Models")
 * one-hot input (embed 0)            the same with the columns of the first layer's matrices
 * head                               over classes: taken over where the task is classify on both sides and the
 *                                    classes have the same names; over tokens: row by row, as embeddings,
 *                                    where what is written has one vocabulary with the texts on
 *                                    both sides, or one of its own on both; else it is new
 *
 * What is new is as init_weights draws it.
 */
#ifndef SLUICE_ENGINE_TRAIN_TRANSFER_H
#define SLUICE_ENGINE_TRAIN_TRANSFER_H

#include "engine/nn/init.h"
#include "engine/train/encoder.h"

/* What became of a group. */
struct transfer {
	struct groups groups; /* of the new model */
	struct transferred {
		bool taken; /* false: it is new */
		int rows,
			added; /* tokens whose numbers were taken over, and new ones; 0, 0: not of tokens */
	} of[MODEL_MAX_GROUPS];
};

/* The first weights of `to`, at step 0, from a snapshot; seed and init are for what is new. The two
 * encoders have vocabularies of one tokenizer. NULL without memory. Any thread. */
struct snapshot *transfer_weights(const struct snapshot *from, struct encoder *to, uint64_t seed,
				  const struct init *init, struct transfer *report);

/* Appends "taken over: embedding (14,830 rows, 212 new), l0; new: head". */
void transfer_say(const struct transfer *t, struct buf *out);

#endif

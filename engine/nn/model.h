/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The classifier: embedding, one recurrent layer, the last state as the vector of the text, a
 * linear softmax head. A model is the plan of a flat block of weights (name, place, shape); the
 * block itself belongs to whoever trains or holds it, and gradients and optimizer state mirror it.
 *
 *     x_t = emb[id_t] (.) drop_x      h = cell(x)      logits = D_W (h_T (.) drop_v) + D_b
 *
 * In training, dropout draws one mask a text for the embedded input, kept over its steps (Gal and
 * Ghahramani, arXiv 1512.05287), and one for the vector. Both carry the factor 1/(1-p).
 */
#ifndef SLUICE_ENGINE_NN_MODEL_H
#define SLUICE_ENGINE_NN_MODEL_H

#include "engine/base/err.h"
#include "engine/nn/recur.h"

#include <stdint.h>

struct model_spec {
	const struct cell_ops *cell;
	int vocab, embed, hidden, classes;
};

struct param {
	char name[24];  /* "embedding", "l0.fw.W_i", "head.W" */
	size_t at;      /* offset in the block */
	int rows, cols; /* cols 0: a vector */
};

enum { MODEL_MAX_PARAMS = 3 * CELL_MAX_GATES + CELL_MAX_EXTRAS + 3 };

struct model {
	struct model_spec spec;
	struct recur recur;
	size_t head_W, head_b; /* (C, H), (C) */
	size_t dense;          /* everything before the embedding, which comes last: (V, E) */
	size_t embedding;
	size_t size;
	int params;
	struct param param[MODEL_MAX_PARAMS];
};

/* Plans the block. ERR_USAGE for a size that is not positive or a block too large to address. */
bool model_plan(struct model *m, const struct model_spec *spec, struct err *err);

size_t param_size(const struct param *p);
const struct param *model_param(const struct model *m, const char *name); /* NULL if none */

/* A fresh block: Glorot uniform W and head, orthogonal U (a matrix a gate), forget bias as given,
 * other biases 0, embedding uniform with half-width embed_range. NULL without memory. */
real *model_weights(const struct model *m, uint64_t seed, double forget_bias, double embed_range);

/* Dropout of one pass. Masks depend on the key and on the text's place in the whole batch
 * (first + stride * row), not on how the batch was split. */
struct dropout {
	double rate;
	uint64_t key;
	int first, stride;
};

/* The workspace of one thread: a batch and every array of a pass over it. Zeroed is empty. */
struct work {
	struct batch batch;
	struct recur_tape tape;
	real *x, *dx;           /* (N, E) */
	real *drop_x, *drop_v;  /* (B, E), (B, H) */
	real *vector, *dvector; /* (B, H) the text's vector, after dropout; its gradient */
	real *dc;               /* (B, H) */
	real *prob;             /* (B, C) */
	bool dropped;
	real *block; /* all of the above */
	size_t cap;
};

void work_release(struct work *w);

/*
 * Runs work->batch. The caller built the batch. Leaves the probabilities in work->prob and every
 * gate in work->tape. Returns the summed cross entropy in nats (rows without label count 0);
 * *correct, where given, gets the number of rows whose likeliest class is the label.
 * drop is NULL outside training. ERR_FAILED without memory: returns NaN.
 */
double model_forward(const struct model *m, const real *weights, struct work *work,
		     const struct dropout *drop, int *correct);

/*
 * Backward after model_forward with loss = scale * sum. Adds to grad, a block of m->dense elements;
 * the embedding's gradient stays in work->dx for model_scatter, because threads share its rows.
 */
void model_backward(const struct model *m, const real *weights, struct work *work, real scale,
		    real *grad);

/* Adds work->dx to the embedding's part of a whole gradient block. */
void model_scatter(const struct model *m, const struct work *work, real *grad);
/* Sets the embedding rows that the batch touched to zero again. */
void model_unscatter(const struct model *m, const struct work *work, real *grad);

#endif

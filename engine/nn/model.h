/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The classifier: embedding, a stack of recurrent layers, a vector pooled from its output, a linear
 * softmax head. A model is the plan of a flat block of weights (name, place, shape); the block
 * itself belongs to whoever trains or holds it, and gradients and optimizer state mirror it.
 *
 *     x_t = emb[id_t] (.) drop_x      y = stack(x)      v = pool(y)
 *     logits = D_W (v (.) drop_v) + D_b
 *
 * pool is the last state of each direction, the mean or the maximum over the steps, or a weighted
 * sum with the softmax of w_a . y_t as weights. With embed 0 there is no embedding: x_t is one-hot.
 *
 * In training, dropout draws masks for a text that are kept over its steps (Gal and Ghahramani, arXiv
 * 1512.05287): for the embedded input, between layers, for the vector, and, at a rate of its own, for
 * the state that the gates see. All carry the factor 1/(1-p).
 */
#ifndef SLUICE_ENGINE_NN_MODEL_H
#define SLUICE_ENGINE_NN_MODEL_H

#include "engine/base/err.h"
#include "engine/nn/stack.h"

#include <stdint.h>

enum pool { POOL_LAST, POOL_MEAN, POOL_MAX, POOL_ATTENTION, POOL_COUNT };
const char *pool_name(enum pool p);

struct model_spec {
	const struct cell_ops *cell;
	int vocab, embed, hidden, classes;
	int layers, dirs; /* 0 counts as 1 */
	enum merge merge;
	enum pool pool;
};

struct param {
	char name[32];  /* "embedding", "l0.fw.W_i", "head.W" */
	size_t at;      /* offset in the block */
	int rows, cols; /* cols 0: a vector */
};

enum { MODEL_MAX_PARAMS = STACK_MAX_RUNS * (3 * CELL_MAX_GATES + CELL_MAX_EXTRAS) + 4 };

struct model {
	struct model_spec spec;
	struct stack stack;
	int E, D;              /* width of the input, of the stack's output and the vector */
	size_t pool_w;         /* (D), where pooling is by attention */
	size_t head_W, head_b; /* (C, D), (C) */
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

/* Dropout of one pass. Masks depend on the key and on the text's place in the whole batch
 * (first + stride * row), not on how the batch was split. */
struct dropout {
	double rate, recurrent;
	uint64_t key;
	int first, stride;
};

/* The workspace of one thread: a batch and every array of a pass over it. Zeroed is empty. */
struct work {
	struct batch batch;
	struct stack_tape tape;
	real *x, *dx;                                          /* (N, E) */
	real *drop_x, *drop_v;                                 /* (B, E), (B, D) */
	real *drop_y[STACK_MAX_RUNS], *drop_h[STACK_MAX_RUNS]; /* (B, D) a layer, (B, H) a run */
	real *vector, *dvector; /* (B, D) the text's vector, after dropout; its gradient */
	real *score, *dy;       /* (N) attention's weights; (N, D) */
	int *top;               /* (B, D): the packed row that holds a maximum */
	real *prob;             /* (B, C) */
	bool dropped;
	real *block; /* all of the above but the last one's memory */
	size_t cap, top_cap;
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A model is the plan of a flat block of weights (name, place, shape) and what a task makes of it;
 * the block itself belongs to whoever trains or holds it, and gradients and optimizer state mirror
 * it. Embedding (or one-hot input, where embed is 0), a stack of recurrent layers, and:
 *
 *     classify      y = stack(x)   v = pool(y)   p = head(v): one of C classes for a text
 *     generate      y = stack(x)   p_t = head(y_t): the token that follows token t;  the text's vector
 *                   is the last y_t, all that the model knows of it
 *     reconstruct   v = pool(stack(x)): the text's vector;  s_t = decoder([x'_t ; v])
 *                   p_t = head(s_t): the text's token t; x'_t is the token before it
 *
 * Tied: the head's matrix is the embedding (Press and Wolf, arXiv 1608.05859). For dropout see side.h.
 */
#ifndef SLUICE_ENGINE_NN_MODEL_H
#define SLUICE_ENGINE_NN_MODEL_H

#include "engine/base/err.h"
#include "engine/nn/head.h"
#include "engine/nn/pool.h"
#include "engine/nn/side.h"

#include <stdint.h>

enum task {
	TASK_CLASSIFY,
	TASK_GENERATE,
	TASK_RECONSTRUCT,
	TASK_TRANSLATE,
	TASK_SUMMARIZE,
	TASK_COUNT
};

struct task_ops {
	const char *name, *title;
	bool labels;    /* texts have labels */
	bool stream;    /* texts are one stream, read in windows with carried states */
	bool decoder;   /* a second stack turns the vector into text */
	bool pairs;     /* a text's answer is another text */
	bool one_vocab; /* ... in the words, and with the embedding, of the first */
	bool accuracy;  /* of what is likeliest; else perplexity is the measure */
};
extern const struct task_ops task_table[TASK_COUNT];
int task_find(const char *name); /* -1 if there is none */

struct model_spec {
	enum task task;
	const struct cell_ops *cell;
	int vocab, embed, hidden;
	int target;       /* ids of the decoder, where they are not those of the text; else 0 */
	int classes;      /* outcomes of the head; set from target or vocab but for classify */
	int layers, dirs; /* 0 counts as 1 */
	enum merge merge;
	enum pool pool;
	bool tied, learned; /* learned: the initial states are weights */
};

struct param {
	char name[32];  /* "embedding", "l0.fw.W_i", "dec.l0.fw.W_i", "head.W" */
	size_t at;      /* offset in the block */
	int rows, cols; /* cols 0: a vector */
};

enum {
	MODEL_RUN_PARAMS = 3 * CELL_MAX_GATES + CELL_MAX_EXTRAS + 2,
	MODEL_MAX_PARAMS = 2 * STACK_MAX_RUNS * MODEL_RUN_PARAMS + 4
};

struct model {
	struct model_spec spec;
	struct stack stack, dec; /* dec.runs is 0 where there is no decoder */
	int E, D;                /* width of the input, of the stack's output and the vector */
	int K;                   /* width of what the head reads */
	size_t pool_w;           /* (D), where pooling is by attention */
	size_t head_W, head_b;   /* (C, K), (C) */
	size_t embedding;        /* (V, E), the last part of the block */
	size_t dense; /* threads share what comes behind: the embedding, but not where it is tied */
	size_t size;
	int params;
	struct param param[MODEL_MAX_PARAMS];
};

/* Plans the block. ERR_USAGE for sizes that do not go together or a block too large to address. */
bool model_plan(struct model *m, const struct model_spec *spec, struct err *err);

size_t param_size(const struct param *p);
const struct param *model_param(const struct model *m, const char *name); /* NULL if none */

/* The workspace of one thread: batches and every array of a pass over them. Zeroed is empty. */
struct work {
	struct side in, out; /* the text; the decoder's */
	struct pool_tape pool;
	real *vector, *dvector; /* (B, D) the text's vector, after dropout; its gradient */
	real *prob;             /* classify: (B, C); where they are kept: (N, C) */
	real *dy, *block;       /* (N, K) gradient of what the head reads; the head's block */
	real *ready;            /* the head's weights, made ready for its products */
	int *place;             /* B: the text's row of each row of the decoder */
	size_t vector_cap, dvector_cap, prob_cap, dy_cap, block_cap, ready_cap, place_cap;
};

void work_release(struct work *w);

/* Bytes of numbers that the workspace takes once a pass has run over B texts of N steps, out_N of
 * them the decoder's (or 0), being the largest so far; and those that one has now. */
size_t work_size(const struct model *m, struct arithmetic how, size_t B, size_t N, size_t out_N);
size_t work_bytes(const struct work *w);

/* What a pass is for. */
struct pass {
	const struct dropout *drop; /* NULL outside training */
	real smoothing;             /* of the targets */
	struct arithmetic how;      /* of the products with weights */
	bool keep;                  /* leave the probabilities of every step in prob */
	/* Backward, with loss = scale * sum: adds to grad, a block of m->dense elements; the
	 * embedding's gradient stays in the sides for model_scatter, because threads share its rows.
	 * NULL: forward only. */
	real *grad;
	real scale;
};

/*
 * Runs the batch that the caller built in w->in (and, for reconstruct, w->out). Leaves every gate in
 * the sides' tapes (but backward overwrites them) and adds loss and right answers to tally. Targets
 * are the batch's labels (classify), or `next` of the side that the head reads. false without
 * memory.
 */
bool model_pass(const struct model *m, const real *weights, struct work *w, const struct pass *p,
		struct tally *tally);

/* Runs the text's side only, as far as its vector: w->vector (B, D), row r for batch row r. false
 * without memory. */
bool model_vector(const struct model *m, const real *weights, struct work *w,
		  const struct dropout *drop);

/* Adds the sides' dx to the embedding's part of a whole gradient block. */
void model_scatter(const struct model *m, const struct work *w, real *grad);
/* Sets the embedding rows that the batch touched to zero again. */
void model_unscatter(const struct model *m, const struct work *w, real *grad);

#endif

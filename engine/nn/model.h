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
 *     translate     k = stack(x);  the decoder begins with the encoder's last states (bridge.h), reads its
 *     summarize     own last token, and attends to k at every step (attention.h): p_t = head(s_t)
 *
 * Tied: the head's matrix is the embedding (Press and Wolf, arXiv 1608.05859). For dropout see side.h.
 */
#ifndef SLUICE_ENGINE_NN_MODEL_H
#define SLUICE_ENGINE_NN_MODEL_H

#include "engine/base/err.h"
#include "engine/nn/attention.h"
#include "engine/nn/bridge.h"
#include "engine/nn/pool.h"

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
	/* Of pairs. att_size: numbers that additive scores are taken from, 0: hidden; embed_target: width of
	 * the decoder's own embedding, 0: embed. */
	enum attention attention;
	bool feed; /* the decoder reads what the head read a step earlier */
	int att_size, embed_target;
};

struct param {
	char name[32];  /* "embedding", "l0.fw.W_i", "dec.l0.fw.W_i", "head.W" */
	size_t at;      /* offset in the block */
	int rows, cols; /* cols 0: a vector */
};

enum {
	MODEL_RUN_PARAMS = 3 * CELL_MAX_GATES + CELL_MAX_EXTRAS + 2,
	MODEL_MAX_PARAMS = 2 * STACK_MAX_RUNS * MODEL_RUN_PARAMS + 4 * STACK_MAX_RUNS + 10
};

/* An embedding: rows ids of so many numbers. */
struct id_table {
	size_t at;
	int rows, width;
};
enum { MODEL_TABLES = 2 };

struct model {
	struct model_spec spec;
	struct stack stack, dec; /* dec.runs is 0 where there is no decoder */
	int E, D;                /* width of the input, of the stack's output and the vector */
	int K;                   /* width of what the head reads */
	/* The decoder's: width and number of the ids it reads, and how much beside them it reads at each
	 * step: the text's vector, or what attention gives it. */
	int out_E, out_V, beside;
	struct attend attend; /* of pairs */
	struct bridge bridge;
	size_t pool_w;         /* (D), where pooling is by attention */
	size_t head_W, head_b; /* (C, K), (C) */
	/* The embeddings are the last part of the block, those first that are tied. The text's is the
	 * first of the tables, the decoder's the one numbered out_table. None where the input is one-hot. */
	size_t embedding;
	struct id_table table[MODEL_TABLES];
	int tables, out_table;
	size_t dense; /* threads share what comes behind: embeddings, but no tied one */
	size_t size;
	int params;
	struct param param[MODEL_MAX_PARAMS];
};

/* Plans the block. ERR_USAGE for sizes that do not go together or a block too large to address. */
bool model_plan(struct model *m, const struct model_spec *spec, struct err *err);

size_t param_size(const struct param *p);

/* Groups of weights, in the order in which a text goes through the model: "embedding", "l0", "pool",
 * "dec.embedding", "bridge", "dec.l0", "attention", "head". */
enum { GROUP_NAME = 16, MODEL_MAX_GROUPS = 2 * STACK_MAX_RUNS + 8 };
struct groups {
	int count;
	char name[MODEL_MAX_GROUPS][GROUP_NAME];
	size_t size[MODEL_MAX_GROUPS]; /* weights */
	int of[MODEL_MAX_PARAMS];      /* the group of each parameter */
};
void model_groups(const struct model *m, struct groups *g);
/* Whether a name stands for a group: its own; "encoder" for embedding, layers and pool; "decoder" for
 * "bridge", "dec.embedding", "dec.l0" and so on; "all". */
bool group_matches(const char *name, const char *group);

const struct param *model_param(const struct model *m, const char *name); /* NULL if none */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attention: at each of its steps a decoder looks at all of the encoder's outputs k_j (D), weighs them by
 * a score, and reads their weighted sum, the context.
 *
 *     a = softmax over j of score(q, k_j)      context = sum_j a_j k_j
 *
 *     dot        q . k                            Luong et al., arXiv 1508.04025
 *     general    q' W k
 *     concat     v . tanh(W [q; k])
 *     bahdanau   v . tanh(W_q q + W_k k + b)      Bahdanau et al., arXiv 1409.0473
 *
 * Luong's three come after the cell: q is the decoder's new h_t (of its top layer), and what the head
 * reads is h~_t = tanh(C [context; h_t]). With input feeding the cell reads [x_t; h~_{t-1}], 0 before
 * the first step. Bahdanau's comes before it: q is the old h_{t-1}, the cell reads [x_t; context], and
 * the head [h_t; context]. Weights are [out, in]: W of general is (H, D), of concat (A, H + D), W_q and
 * W_k (A, H) and (A, D), C (H, D + H).
 */
#ifndef SLUICE_ENGINE_NN_ATTENTION_H
#define SLUICE_ENGINE_NN_ATTENTION_H

#include "engine/nn/side.h"

enum attention {
	ATTENTION_NONE, /* the decoder has the encoder's last state, and nothing else */
	ATTENTION_DOT,
	ATTENTION_GENERAL,
	ATTENTION_CONCAT,
	ATTENTION_BAHDANAU,
	ATTENTION_COUNT
};

struct attention_ops {
	const char *name, *equation; /* equation: of the score */
	bool additive;               /* v . tanh(...), of A numbers */
	bool early;                  /* before the cell */
};
extern const struct attention_ops attention_table[ATTENTION_COUNT];
int attention_find(const char *name); /* -1 if there is none */

/* Where the weights lie in a block. */
struct attend {
	const struct attention_ops *ops;
	enum attention kind;
	int H, D,
		A; /* of the query, the keys, and what both are brought to: A where additive, else H */
	size_t W, Wk; /* W: general's, concat's, or bahdanau's W_q */
	size_t b, v, C;
	size_t size;
};

/* Plans the weights from offset `at` on; A is 0 for H. */
void attention_plan(struct attend *a, enum attention kind, int H, int D, int A, size_t at);
/* The name of tensor k, its place, rows and columns (0: a vector). NULL past the end. */
const char *attention_tensor(const struct attend *a, int k, size_t *at, int *rows, int *cols);
/* The matrix that projects the query, and the one that projects the keys; data NULL: none. */
struct cmat attention_query(const struct attend *a, const real *weights);
struct cmat attention_keys(const struct attend *a, const real *weights);

/*
 * What a decoder can look at: the outputs of the encoder for some texts, text after text, as they are
 * and as the score takes them. Zeroed is empty.
 */
struct memory {
	int texts, rows, widest; /* rows: of all texts; widest: of one */
	int *start;              /* texts + 1: text p has the rows start[p] .. start[p+1] */
	int *from;               /* rows: the packed row of the encoder's output */
	real *keys, *ready;      /* (rows, D), (rows, A): brought to A numbers; dot: the keys */
	real *dkeys, *dready;    /* their gradients */
	real *block, *room;
	size_t start_cap, from_cap, cap;
};

void memory_release(struct memory *m);
/* Elements for texts with so many steps in all. */
size_t memory_size(const struct attend *a, struct arithmetic how, size_t rows);
/* From the outputs y (N, D) of a side; text p is the batch's row p. false without memory. */
bool memory_build(struct memory *m, const struct attend *a, struct arithmetic how,
		  const real *weights, const struct batch *b, const real *y);
/* The gradients that were gathered, to dy (N, D), which is written, and to the weights. */
void memory_back(struct memory *m, const struct attend *a, struct arithmetic how,
		 const real *weights, real *dy, real *grad);

/* The decoder's steps, as they attend. The arrays are the caller's, N rows each. */
struct attending {
	const struct attend *a;
	const real *weights;
	struct memory *memory;
	const struct steps *steps;
	const int *text; /* B: which text each row of the decoder looks at */
	real *u, *du;    /* (N, A) additive: the query as the score takes it, and its gradient */
	real *weight;    /* (N, widest) */
	real *score;     /* (widest) room */
};

/* Of step t: from q (n, H), its rows H apart, to the context (n, D), its rows `stride` apart. */
void attention_step(const struct attending *p, int t, const real *q, real *context, size_t stride);
/* The way back: from dcontext to dq (n, H), which is added to; in the memory gradients are gathered, and
 * those of v and b in grad. That of the query's matrix is the caller's: see attention_query_back. */
void attention_step_back(const struct attending *p, int t, const real *q, const real *dcontext,
			 size_t stride, real *dq, real *grad);
/* Adds du' q of all N steps to the gradient of the query's matrix. */
void attention_query_back(const struct attending *p, struct arithmetic how, const real *q,
			  real *grad, real *room);

#endif

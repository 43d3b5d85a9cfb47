/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an expression is between parsing and looking: for expr.c and expr_parse.c only. */
#ifndef SLUICE_ENGINE_INSPECT_EXPR_TREE_H
#define SLUICE_ENGINE_INSPECT_EXPR_TREE_H

#include "engine/inspect/expr.h"

enum expr_kind {
	EXPR_NUMBER,
	EXPR_TEXT,
	EXPR_SIGNAL,
	EXPR_T,
	EXPR_STEPS,
	EXPR_LAYER,
	EXPR_WORD,
	EXPR_UNKNOWN,
	EXPR_OUTCOME,
	EXPR_UNARY,
	EXPR_BINARY,
	EXPR_CALL
};

enum expr_op {
	EXPR_OR,
	EXPR_AND,
	EXPR_EQ,
	EXPR_NE,
	EXPR_LT,
	EXPR_LE,
	EXPR_GT,
	EXPR_GE,
	EXPR_ADD,
	EXPR_SUB,
	EXPR_MUL,
	EXPR_DIV,
	EXPR_NOT,
	EXPR_MINUS
};

enum expr_fn {
	EXPR_PREV,
	EXPR_DELTA,
	EXPR_ABS,
	EXPR_MEAN,
	EXPR_SUM,
	EXPR_MAX,
	EXPR_MIN,
	EXPR_NORM,
	EXPR_ARGMAX,
	EXPR_FNS
};

enum { EXPR_NAME = 16, EXPR_WORD_MAX = 128 };

struct expr_node {
	enum expr_kind kind;
	int column; /* from 1 */
	enum expr_op op;
	enum expr_fn fn;
	int a, b; /* nodes */
	double number;
	char name[EXPR_NAME];     /* of a signal */
	char text[EXPR_WORD_MAX]; /* a text, or a class's label */
	int unit, step;           /* -1: none */
	bool placed, decoder, backward;
	int layer; /* placed: -1 for the first there is */
};

struct expr {
	char *text;
	struct expr_node *node;
	int nodes, root;
	size_t cap;
};

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One unit at one step of a trace as the lines of its cell's equations, with the numbers put in, in the order
 * in which they are computed: each gate's pre-activation z with what it is added up from, the gate, then the
 * state, the gates that see the new state, and what is put out.
 *
 *     z_f = W_f·x + U_f·h' + p_f·c' + b_f       f = σ(z_f)       c = f·c' + i·g       h = o·tanh(c)
 *
 * All follows from the cell's table. A gate that the cell lacks has a line too, i = 1 or f = 1 − i. A number that is
 * set by hand stands as it is, beside what the line comes to.
 */
#ifndef SLUICE_ENGINE_INSPECT_EQUATIONS_H
#define SLUICE_ENGINE_INSPECT_EQUATIONS_H

#include "engine/inspect/trace.h"

enum {
	EQUATION_TERMS = 5,
	EQUATION_LINES = 2 * CELL_MAX_GATES + 2,
	EQUATION_NAME = 16,  /* room for a name, */
	EQUATION_LABEL = 40, /* for a term, */
	EQUATION_RIGHT = 128 /* and for a line's right side */
};

enum equation_kind {
	EQUATION_SUM,     /* z_f: a sum of terms */
	EQUATION_GATE,    /* f: its activation */
	EQUATION_WITHOUT, /* a gate that the cell lacks */
	EQUATION_STATE,   /* c, in a GRU h: what is kept and what is written */
	EQUATION_OUTPUT   /* h: a product */
};

/* What a term is made of, by name: "x[3]", "h[31]", "f". */
struct equation_part {
	char name[EQUATION_NAME];
	double value;
};

/* A summand. Its parts are the largest contributions to it, largest first, and what the others come to; or, of
 * a state, all factors of a product. */
struct equation_term {
	char label[EQUATION_LABEL];  /* "W·x", as there is room in a panel */
	char symbol[EQUATION_LABEL]; /* "W_f·x" */
	double value;
	bool product;
	struct equation_part *part;
	int parts, others; /* others: contributions that are not listed */
	double rest;       /* their sum */
	double residual;   /* value less the parts and the rest */
};

struct equation {
	enum equation_kind kind;
	int gate;                   /* its place in the cell's table; -1: none */
	char left[EQUATION_NAME];   /* "z_f" */
	char right[EQUATION_RIGHT]; /* in symbols; what was before is primed */
	struct equation_term term[EQUATION_TERMS];
	int terms;
	double value;    /* as it stands in the trace */
	double comes_to; /* of the terms */
	double residual; /* value - comes_to */
	bool set;        /* by hand: then the residual is what that has changed */
};

struct equations {
	const struct cell_ops *cell;
	struct equation line[EQUATION_LINES];
	int lines;
	double old, state; /* c' and c; in a GRU h' and h */
};

/* Of a unit at a position (from 0) of a run, with at most `top` contributions a term: those that are not 0. Any
 * thread. Release. */
void equations_fill(struct equations *e, const struct trace *t, int run, int position, int unit,
		    int top);
void equations_release(struct equations *e);

/* How many lines a cell has, and what stands left in one of them. */
int equations_count(const struct cell_ops *cell);
const char *equations_left(const struct cell_ops *cell, int line, char left[EQUATION_NAME]);

/* The line of that name, or NULL. */
const struct equation *equations_find(const struct equations *e, const char *left);

/* Rounds all numbers to so many decimals so that what is printed can be added by hand: parts and rest make up
 * their term, terms their line. */
void equations_round(struct equations *e, int decimals);

#endif

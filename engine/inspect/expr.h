/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expressions over a trace: what breakpoints wait for, and what print prints.
 *
 *     f[12] < 0.1 && word == "not"        mean(i) > 0.9        d(c[3]) > 0.5        p(pos) < 0.5
 *
 *     numbers    1  0.5  1e-3  true  false      texts   "not"
 *     signals    i f g o c h (r z n h of a GRU), x (the input), z_i z_f ... (a gate before its activation)
 *     place      SIGNAL[UNIT]  SIGNAL@T  l1.bw.SIGNAL  dec.SIGNAL: unit and layer from 0, t from 1; without
 *                a place those of the step that is looked at (of the other side of an encoder-decoder only
 *                with @T); c@0 and h@0 are the initial states
 *     step       t  T (steps in all)  layer  word  unknown (the word became <unk>)
 *     outcome    p(LABEL): the class's probability if the text ended at this step; p: of all classes
 *     functions  prev(E): E one step earlier; d(E) = E - prev(E); abs  mean  sum  max  min  norm  argmax
 *     operators  || && ! == != < <= > >= + - * / ( )
 *
 * A signal without a unit is a vector. Operators take vectors number by number (of one length, or with a
 * number); a condition on a vector is one of 0s and 1s, and holds as a whole if any is not 0. What is not
 * there, such as the gate before the first step, is NaN: every comparison with it fails but !=.
 */
#ifndef SLUICE_ENGINE_INSPECT_EXPR_H
#define SLUICE_ENGINE_INSPECT_EXPR_H

#include "engine/inspect/trace.h"

struct expr;

/* Parses text. ERR_USAGE: "column 7: ..." where 1 is the first character. Free with expr_free. */
struct expr *expr_parse(const char *text, struct err *err);
void expr_free(struct expr *e);              /* NULL is ignored */
const char *expr_text(const struct expr *e); /* as it was written; borrowed */

/* Whether its value may change by however little: it comes from numbers of the trace, and no comparison stands
 * between them and it. */
bool expr_is_smooth(const struct expr *e);

/* Where an expression is looked at: a step of a run of a trace, both from 0. */
struct expr_place {
	const struct trace *trace;
	int run, t;
};

/* What names it uses are there: signals of the cell, units, layers, classes. ERR_USAGE with the column. */
bool expr_check(const struct expr *e, const struct expr_place *at, struct err *err);

/* Computes in a trace of a pass in float32 (see runs.h) what an expression that expr_check found good asks for and
 * is not there: x, z_... and p. run: that it is looked at. Zeroed work is empty; its room is kept from call to call.
 * false without memory. */
bool expr_fill(const struct expr *e, struct trace *t, int run, struct work *room);

struct expr_value {
	const char *text; /* n bytes of a text, borrowed; NULL: it is numbers */
	size_t n;
	double *v; /* count of them; 1: a number */
	int count;
	bool vector;
	size_t cap;
};
void expr_value_release(struct expr_value *v); /* zeroed is empty */

/* The value at a place that expr_check found good; room in out is kept from call to call. ERR_USAGE for
 * what only shows now (texts that are added up, vectors of different lengths, a step that is not there). */
bool expr_eval(const struct expr *e, const struct expr_place *at, struct expr_value *out,
	       struct err *err);
/* Whether a value counts as true: a number that is neither 0 nor NaN, or a vector with one; a text that is
 * not empty. */
bool expr_true(const struct expr_value *v);

#endif

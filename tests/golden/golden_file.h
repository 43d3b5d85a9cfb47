/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Golden cases: named arrays of numbers, one case a file.
 *
 * A file is a sequence of records "NAME RANK D0 .. D(RANK-1)" followed by the product of the sizes
 * values in row-major order, all separated by white space. The first is `golden 0 1`, the second
 * `kind 0 K`, the last `end 0 0`. Prefixes: cfg. settings, par. parameters, in. inputs, out.
 * results, grad. gradients, step1. and final. parameters after one and after all updates. A list
 * of strings X is X_len [n] and X_bytes, all bytes one after the other.
 */
#ifndef SLUICE_TESTS_GOLDEN_FILE_H
#define SLUICE_TESTS_GOLDEN_FILE_H

#include "engine/base/err.h"
#include "engine/text/token.h"

enum { GOLDEN_RANK = 4, GOLDEN_NAME = 64 };

enum golden_kind {
	GOLDEN_CELL = 1,
	GOLDEN_STACK,
	GOLDEN_CLASSIFIER,
	GOLDEN_LM,
	GOLDEN_SEQ2SEQ,
	GOLDEN_TEXT,
	GOLDEN_LAYOUT,
	GOLDEN_OPTIM
};

struct golden_array {
	char name[GOLDEN_NAME];
	int rank;
	size_t dim[GOLDEN_RANK]; /* 1 behind rank */
	size_t count;            /* their product; 1 for a scalar */
	double *v;
};

struct golden {
	enum golden_kind kind;
	struct golden_array *at; /* in file order, golden, kind and end left out */
	size_t count, cap;
};

bool golden_read(struct golden *g, const char *path, struct err *err);
void golden_release(struct golden *g);

/* The array of that name, or NULL. */
const struct golden_array *golden_find(const struct golden *g, const char *name);

/* The first value of an array; `missing` where there is none. */
double golden_number(const struct golden *g, const char *name, double missing);
int golden_int(const struct golden *g, const char *name, int missing);

/* Fills out with the list of strings NAME_len, NAME_bytes; false if there is none. */
bool golden_strings(const struct golden *g, const char *name, struct tokens *out);

/* String k of a list as a C string, to be freed; NULL if there is none. */
char *golden_string(const struct golden *g, const char *name, size_t k);

#endif

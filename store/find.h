/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How people name a run and one of its checkpoints:
 *
 *	3f9c02ab  3f9c  NAME  last  last~2  best:valid/loss     and then  @last  @best  @STEP
 *
 * A full id comes before a name, a name before the beginning of an id. last is the run made last.
 */
#ifndef SLUICE_STORE_FIND_H
#define SLUICE_STORE_FIND_H

#include "store/run.h"

enum checkpoint_pick { PICK_BEST, PICK_LAST, PICK_STEP };

struct run_ref {
	int64_t run; /* rowid */
	char id[RUN_ID_SIZE];
	char name[RUN_NAME_SIZE];
	enum checkpoint_pick pick; /* what was asked for */
	int64_t checkpoint;        /* rowid; 0 when the run has none */
	int64_t step;              /* of the checkpoint; -1 when the run has none */
};

/*
 * Finds the run and the checkpoint that text names. Without a suffix that is the best checkpoint:
 * highest validation accuracy, ties by lower loss; without accuracy lowest validation loss; without
 * validation the last. ERR_NO_RUN when there is none, with the nearest names, or when several
 * match, with a list; also when the run has no checkpoint at STEP. ERR_USAGE for a bad form.
 */
bool store_run_find(struct store *s, const char *text, struct run_ref *ref, struct err *err);

/* The same among deleted runs, to restore one. */
bool store_run_find_deleted(struct store *s, const char *text, struct run_ref *ref,
			    struct err *err);

/* The number of single-byte changes that lead from a to b; longer texts compare by their beginning. */
int edit_distance(const char *a, const char *b);

#endif

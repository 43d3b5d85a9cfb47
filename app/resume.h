/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going on with a stored run: what a training needs that begins where another one was. */
#ifndef SLUICE_APP_RESUME_H
#define SLUICE_APP_RESUME_H

#include "app/archive.h"
#include "app/recorder.h"
#include "store/list.h"

/* A run to go on with. It must outlive the training. */
struct resumed {
	struct loaded loaded;
	struct run_row *row;
	struct settings settings; /* of the run, changed as asked for */
	struct epoch_stats best;  /* so far; epoch 0: none */
	bool lr_given;
};

/* Opens RUN (without @ its last checkpoint) with its optimizer, and changes settings: "name=value",
 * count of them, of those that training alone depends on. ERR_NO_RUN, ERR_USAGE, ERR_CORRUPT. */
bool resume_open(struct resumed *r, const char *store, const char *run,
		 const char *const *assignments, int count, struct err *err);
void resume_release(struct resumed *r);

/* Prepares the training: as if the run had never stopped, or as a new run (fork). Fills in of intro
 * what ties the two together. ERR_USAGE where there is nothing left to do, ERR_INPUT where the texts
 * are not those of then. */
bool resume_prepare(struct resumed *r, const char *store, bool fork, struct prepared *p,
		    struct run_intro *intro, struct err *err);

#endif

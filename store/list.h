/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs as rows: what the list of runs and the page of one run show. */
#ifndef SLUICE_STORE_LIST_H
#define SLUICE_STORE_LIST_H

#include "store/run.h"

struct run_row {
	int64_t run;                                  /* rowid */
	char id[RUN_ID_SIZE], parent_id[RUN_ID_SIZE]; /* parent_id is "" without one */
	char *name, *task, *cell, *note, *tags /* a,b,c */, *message;
	char *data, *valid_data; /* as the user named them; "" when none is noted */
	char *spec, *machine, *build, *version, *command, *host;
	enum run_status status;
	bool deleted;
	int hidden, layers, embed, threads;
	int64_t parameters, seed, parent_step, pid;
	int64_t created_ms, started_ms, ended_ms, heartbeat_ms; /* 0: not yet */
	double seconds;                                         /* spent running */
	int64_t steps;                                          /* the last step recorded */
	double epochs;
	double train_loss;               /* the last; NaN when there is none, as for the next two */
	double best_loss, best_accuracy; /* of the best validation */
	int64_t best_step;               /* -1 without validation */
	double best_epoch;
};

/* Columns to order by: created name task cell hidden layers embed status steps epochs loss valid
 * accuracy seconds data. Missing values come last whichever way. */
struct run_list {
	const char *order;  /* NULL: created */
	bool ascending;     /* false: the highest, newest first */
	const char *filter; /* text to be found in id, name, task, cell, status, tags, note or data,
			       whatever the case; NULL: all */
	bool with_deleted, only_deleted;
	int limit; /* 0: none */
};

/* The runs that match; the array belongs to the caller (store_runs_free). ERR_USAGE for an unknown
 * column, with the nearest one. */
bool store_runs(struct store *s, const struct run_list *list, struct run_row **rows, size_t *count,
		struct err *err);
void store_runs_free(struct run_row *rows, size_t count);

/* One run, deleted or not; free with store_runs_free(row, 1). NULL with err set on failure. */
struct run_row *store_run_get(struct store *s, int64_t run, struct err *err);

/* The columns to order by, from 0; NULL past the end. */
const char *run_list_column(int index);

#endif

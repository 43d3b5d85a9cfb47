/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of a run: made, running, ended; and what people change about it afterwards. A run is
 * named by its rowid (int64_t run, never 0) inside the program and by 8 hex digits outside. Every
 * change here writes an event. ERR_NO_RUN when there is no run with that rowid.
 */
#ifndef SLUICE_STORE_RUN_H
#define SLUICE_STORE_RUN_H

#include "store/store.h"

#include <stddef.h>

enum {
	RUN_ID_SIZE = 9,    /* 8 hex digits and the end */
	RUN_NAME_SIZE = 128 /* bytes of UTF-8 and the end */
};

enum run_status {
	RUN_CREATED,
	RUN_RUNNING,
	RUN_PAUSED,
	RUN_FINISHED,
	RUN_STOPPED,  /* by the user */
	RUN_FAILED,   /* by an error */
	RUN_DIVERGED, /* NaN or infinity */
	RUN_CRASHED,  /* its process ended without a word */
	RUN_STATUS_COUNT
};

const char *run_status_name(enum run_status status);
enum run_status run_status_of(const char *name); /* RUN_STATUS_COUNT when there is none */

/* What is known when a run begins. Texts may be NULL. */
struct run_new {
	const char *name; /* NULL: TASK-CELL */
	const char *task, *cell, *note;
	int hidden, layers, embed, threads;
	int64_t parameters, seed;
	const char *spec;    /* the model as the engine describes it */
	const char *machine; /* processor */
	const char *build;   /* libraries with versions */
	const char *version; /* of this program */
	const char *command; /* the command line */
	int64_t parent;      /* rowid of the run this one goes on from, or 0 */
	int64_t parent_step;
};

/*
 * Adds a run owned by this process, in state created. A name that another run has gains -2, -3 and
 * so on. Returns its rowid and fills id; 0 with err set on failure.
 */
int64_t store_run_add(struct store *s, const struct run_new *r, char id[RUN_ID_SIZE],
		      struct err *err);

/*
 * Moves a run to a state; message (or NULL) says why. Running makes this process the owner. The
 * ends of a run are safe against the loss of power when the outermost transaction commits.
 */
bool store_run_status(struct store *s, int64_t run, enum run_status status, const char *message,
		      struct err *err);

/* Notes that the run is alive at this step and epoch. No event. */
bool store_run_heartbeat(struct store *s, int64_t run, int64_t step, double epoch, struct err *err);

/*
 * Marks as crashed the created, running and paused runs whose process on this machine has ended;
 * runs of other machines are left alone. store_open does it when it opens for writing. *count may
 * be NULL.
 */
bool store_mark_crashed(struct store *s, int *count, struct err *err);

/* A name is refused when another run has it or when it could be taken for another way to say RUN. */
bool store_run_rename(struct store *s, int64_t run, const char *name, struct err *err);
bool store_run_note(struct store *s, int64_t run, const char *note, struct err *err);

/* Adding a tag twice and removing one that is not there change nothing. Tags have no commas. */
bool store_tag_add(struct store *s, int64_t run, const char *tag, struct err *err);
bool store_tag_remove(struct store *s, int64_t run, const char *tag, struct err *err);

/* Deleting hides a run and frees its name; store_collect removes it for good. A running run of a
 * living process is refused. Restoring gives a name that was taken meanwhile -2, -3 and so on. */
bool store_run_remove(struct store *s, int64_t run, struct err *err);
bool store_run_restore(struct store *s, int64_t run, struct err *err);

/* Whether text can name a run; ERR_USAGE with the reason. */
bool run_name_check(const char *name, struct err *err);
bool run_tag_check(const char *tag, struct err *err); /* the same for a tag */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The job thread: what would keep the screen waiting is done here, one job after the other. A job
 * works on things of its own or on immutable ones; its result goes back to the thread that calls
 * jobs_collect.
 */
#ifndef SLUICE_APP_JOBS_H
#define SLUICE_APP_JOBS_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct job {
	void (*run)(struct job *j); /* on the job thread; looks at cancel if it takes long */
	void (*done)(struct job *j,
		     void *owner);      /* on the collector's thread, also when cancelled */
	void (*release)(struct job *j); /* frees the job itself */
	const char *what;               /* for the screen: "query", "loading" */
	bool visible;                   /* the user waits for it and may cancel it */
	int cancel;                     /* set atomically */
	struct jobs *jobs;              /* that it was posted to */
	int64_t at, of;                 /* how far it is, with jobs_tell; of 0: it does not say */
	bool ok;
	struct err err;
	struct job *next;
};

struct jobs;

/* wake is called from the job thread when a job is done. NULL where no thread can be had. */
struct jobs *jobs_new(void (*wake)(void *arg), void *arg, struct err *err);
/* Cancels everything, waits, releases without `done`. NULL is ignored. */
void jobs_free(struct jobs *js);

void jobs_post(struct jobs *js, struct job *j);
/* Calls `done` for what is done, and releases it. false: there was nothing. */
bool jobs_collect(struct jobs *js, void *owner);
/* Cancels the visible jobs; false if there are none. */
bool jobs_cancel(struct jobs *js);
/* Whether there is no job at all, nor one to be collected. */
bool jobs_none(struct jobs *js);
/* What the user is waiting for, or NULL; how far that is, where it says so, else *of is 0 (both may be NULL). */
const char *jobs_waiting(struct jobs *js, int64_t *at, int64_t *of);
/* From a job's run: it is done with so many of all. Wakes the collector, some times a second. */
void jobs_tell(struct job *j, int64_t at, int64_t of);
/* Whether a job has told something since the last call. */
bool jobs_told(struct jobs *js);

#endif

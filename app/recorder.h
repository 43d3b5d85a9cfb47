/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The recorder: a thread with a store handle of its own that writes what a trainer reports. The
 * queue is bounded: a full one makes the trainer wait, and the waits are counted; nothing is lost.
 * A transaction ends every 250 ms or 2,000 items, and at once for a state or a checkpoint. When the
 * store cannot be written (ERR_STORE: a full disk, a busy file) the items are kept and tried again
 * every second, until it works or the recorder is closed. Any other error is final: the run has
 * failed, what that error concerns is left out, and everything else is still written.
 */
#ifndef SLUICE_APP_RECORDER_H
#define SLUICE_APP_RECORDER_H

#include "app/prepare.h"
#include "engine/train/trainer.h"

/* What the run's row needs beyond the settings. Texts may be NULL. */
struct run_intro {
	const char *name, *note, *command;
	const char *const *tags;
	int tag_count;
	/* A run that goes on: its id; what it recorded after the step is dropped. NULL: a new run, which
	 * may come from another one's step. */
	const char *resume;
	int64_t step;
	int64_t parent;     /* rowid, 0: none */
	const char *origin; /* what it took over from there, for the log; or NULL */
};

struct recorder;

/* Opens the store for writing and starts the thread; the run's row is made when training starts.
 * Copies what it needs of p and intro. */
struct recorder *recorder_new(const char *store, const struct prepared *p,
			      const struct run_intro *intro, struct err *err);

/* From the trainer's thread. false: an error is final, and training should stop. */
bool recorder_put(struct recorder *r, const struct train_event *event);

/* Any thread. The last step that is safely in the store; 0: none. */
int64_t recorder_recorded(struct recorder *r);
/* The run's id and name once it has a row; false before. name has RUN_NAME_SIZE bytes or is NULL. */
bool recorder_run(struct recorder *r, char id[9], char *name);
/* Waits until everything handed over so far is written, or cannot be; then as recorder_run. */
bool recorder_flush(struct recorder *r, char id[9], char *name);
/* Why nothing can be written at the moment; false when all is well. */
bool recorder_trouble(struct recorder *r, struct err *err);
/* How often the trainer had to wait for the queue. */
int64_t recorder_waits(struct recorder *r);

/* After trouble: one last try, then whatever is put is dropped and recorder_close fails. */
void recorder_give_up(struct recorder *r);

/* Writes what is left, ends the thread and frees. false, with the reason, if something could not be
 * written. NULL is ignored. */
bool recorder_close(struct recorder *r, struct err *err);

#endif

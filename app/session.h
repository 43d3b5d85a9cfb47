/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A training session: a trainer, the recorder that writes it down, and the feed that shows it. The
 * same one serves the command line and the workbench.
 */
#ifndef SLUICE_APP_SESSION_H
#define SLUICE_APP_SESSION_H

#include "app/recorder.h"
#include "engine/train/feed.h"

struct session_spec {
	const char *store;
	struct run_intro intro;
	bool paused;             /* wait for trainer_resume */
	void (*wake)(void *arg); /* something new is in the feed; any thread; may be NULL */
	void (*observe)(void *arg,
			const struct train_event *event); /* on the trainer's thread; may be NULL */
	void *arg;
};

struct session {
	struct prepared prepared;
	struct trainer *trainer;
	struct recorder *recorder;
	struct feed *feed;
	void (*observe)(void *arg, const struct train_event *event);
	void *arg;
};

/* Takes over the contents of p, also when it fails. */
struct session *session_start(struct prepared *p, const struct session_spec *spec, struct err *err);

/* Waits for the trainer to end and for the last row to be written. The trainer's state; a message in
 * err where it diverged, or failed, or could not be written (then the state is TRAIN_FAILED). */
enum train_state session_finish(struct session *s, struct err *err);
void session_free(struct session *s); /* stops what still runs; NULL is ignored */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The desk of the workbench: what is open, and the jobs that fetch it. Everything here is called on
 * the workbench's thread; jobs carry what they need with them and bring back what they made.
 */
#ifndef SLUICE_APP_DESK_DESK_H
#define SLUICE_APP_DESK_DESK_H

#include "app/workbench.h"

enum { CURVE_POINTS = 1500 }; /* of a curve from the store */

void desk_open(struct workbench *w, const char *run); /* from the store, as the open run */
/* The curves of a stored run as far as a step. Any thread. */
struct store;
void desk_load_curves(struct store *s, int64_t run, int64_t last, struct feed_view *out);
void desk_open_live(struct workbench *w);
/* Opens another checkpoint of the open run, with everything else as it is: the one at a step, the first, last or
 * best, or so many on (n) from where it is. ERR_USAGE without a run in the store. */
enum { TRAVEL_TRIES = 5 };
enum travel { TRAVEL_STEP, TRAVEL_FIRST, TRAVEL_LAST, TRAVEL_BEST, TRAVEL_BY };
bool desk_travel(struct workbench *w, enum travel where, int64_t n, struct err *err);
/* Which of the checkpoints that is, seen from a step: its index; count where it is past the last. -1 with
 * ERR_USAGE where there is none at the step, and ERR_NO_RUN where there are none at all. Any thread. */
int desk_travel_to(const struct checkpoint_row *row, int count, enum travel where, int64_t n,
		   int64_t from, struct err *err);
/* desk_open with such a checkpoint of a run, by its id. */
void desk_open_at(struct workbench *w, const char *id, enum travel where, int64_t n, int64_t from);
/* Which of the open run's checkpoints is looked at; -1 where that is none of them, or there are none. */
int desk_checkpoint(const struct workbench *w);
/* Prepares a session with these settings, and starts it if asked to. */
void desk_train(struct workbench *w, const struct settings *s, bool start);
/* Goes on with a run, or from it as a new one (fork), with settings as resume_open takes them. */
void desk_resume(struct workbench *w, const char *run, bool fork, const char *const *assignments,
		 int count);
/* Trains a new run from one's encoder, with settings files and "name=value". */
void desk_tune(struct workbench *w, const char *run, const char *const *files, int file_count,
	       const char *const *assignments, int count);
void desk_forget_origin(struct workbench *w); /* the run that the session went on from */
void desk_feed(struct workbench *w);          /* takes what the session has to tell */
void desk_sentence(struct workbench *w, const char *text);
void desk_pin(struct workbench *w, const char *text);
void desk_refresh(struct workbench *w); /* traces anew whatever is stale and shown */
void desk_weights_changed(struct workbench *w);
/* The tokens of a sentence's trace, as they are shown. */
void desk_name_tokens(struct workbench *w, struct sentence *s);
/* Holds the edits against random ones, in the background, a few at a time; what was held before is forgotten. */
void desk_control(struct workbench *w);
void desk_control_forget(struct workbench *w);
/* Traces the sentence anew under the edits of the debugger, in the background where that takes long, and
 * without any shows the trace as it was. Not while one is pending. ERR_USAGE where the run cannot be
 * edited. */
bool desk_edit(struct workbench *w, struct err *err);
/* Goes through a corpus from its first text on, in the background, until a breakpoint or watched value is hit:
 * then that text is the sentence, and Gates stands where it was. words: those of the command line, the first one
 * being the command's name; without --data FILE the texts that the open run was trained on. ERR_USAGE where there
 * is nothing to stop at, or no run that it could be done with. */
bool desk_walk(struct workbench *w, const char *const *words, int count, struct err *err);
/* The same behind the text that it last came to. */
bool desk_walk_on(struct workbench *w, struct err *err);
/* Whether the sentence is the one that it last came to. */
bool desk_walk_is_here(const struct workbench *w);
/* "text 812 of 67,349 (line 813), FILE"; appended. */
void desk_walk_place(const struct workbench *w, struct buf *out);
/* Runs a command line when the sentence has been traced, as it is now or under its edits. */
void desk_later(struct workbench *w, const char *line);
void desk_run_later(
	struct workbench *w); /* those that had to wait, as far as they need not any more */
void desk_forget_edits(struct workbench *w); /* and says so, if there were any */
void desk_close_run(struct open_run *o);
void desk_runs(struct workbench *w);   /* reads the runs again */
void desk_curves(struct workbench *w); /* of the marked runs */
void desk_unmark(struct marked *m);    /* frees its curve */
void desk_events(struct workbench *w);
void desk_notes(struct workbench *w); /* reads the notes of the open run's units again */
/* Shows rows in the view Query, under the line that asked for them; takes both. */
void desk_answer(struct workbench *w, struct answer *answer, char *line);
/* Runs a command that answers with rows; the answer goes to the view Query. */
void desk_command(struct workbench *w, const struct command *cmd, int argc, char **argv);
/* Writes on from a prompt, or a text again, with the open run's newest weights, in the background;
 * what was being written is left. ERR_USAGE where the run does not write. */
bool desk_write(struct workbench *w, const char *prompt, struct err *err);
void desk_write_stop(struct workbench *w); /* keeps what there is */
void desk_write_forget(struct workbench *w);
/* Whether the text was written by the run that is open. */
bool desk_write_is_open(const struct workbench *w);
/* Appends a token of those that the encoder writes as it is shown: what cannot be seen becomes a sign. */
void desk_token(struct buf *out, const struct encoder *e, int id, bool ascii);
void desk_release(struct workbench *w);
int64_t desk_now_ms(void);

#endif

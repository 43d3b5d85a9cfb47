/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Command files: lines of the console's grammar that the workbench runs one after the other, on its screen or
 * without one. A line is finished when nothing that it began is under way any more, but for a training: then the
 * next one begins, and sees what came of it. Keys that a line presses are taken in the same way.
 *
 * All of it on the workbench's thread. A loop that has drawn calls script_go_on as long as script_is_ready, and
 * waits for what script_timeout and script_fd tell.
 */
#ifndef SLUICE_APP_SCRIPT_H
#define SLUICE_APP_SCRIPT_H

#include "app/tui/keymap.h"
#include "app/tui/theme.h"
#include "app/workbench.h"

#include <stdio.h>

enum {
	SCRIPT_DEPTH = 16
}; /* command files that may be open at once, each read by the one before */

struct script;

/* out: where outcomes go, as the context's options say; NULL: there is a screen. strict: there has to be a run
 * before the first line. */
struct script *script_new(const struct context *c, FILE *out, bool strict);
void script_free(struct script *s); /* NULL is ignored */

/* Reads on in a command file; `-` is standard input. A path that is not absolute counts from the folder of the file
 * that names it. ERR_INPUT, ERR_USAGE. */
bool script_source(struct script *s, const char *file, struct err *err);

/* Whether there is a line to run or to finish, or a key to press. */
bool script_is_active(const struct script *s);
/* Whether it can go on now: nothing is under way, and nobody is waited for. */
bool script_is_ready(struct workbench *w);
/* Presses a key, finishes a line, or begins one. false: it has to wait for something. */
bool script_go_on(struct workbench *w);
/* ms until it is worth while to look again; -1: only when something happens. */
int script_timeout(struct workbench *w);
int script_fd(const struct script
		      *s); /* where its next line will come from, if it has to wait; else -1 */
/* Finishes the line at which the workbench is left. */
void script_end(struct workbench *w);
void script_drop(struct workbench *w);     /* leaves all command files, as they are */
int script_status(const struct script *s); /* the exit code that it ends with */

/* A key of the user's that is meant for the command file: to go on behind a pause, or to leave it. */
bool script_key(struct workbench *w, struct key k);
/* Leaves the command file, if there is one under way. */
bool script_leave(struct workbench *w);
bool script_is_paused(const struct script *s);

/* What the workbench tells: code is ERR_NONE unless something went wrong. */
void script_said(struct script *s, enum role role, enum err_code code, const char *text);
void script_answered(struct script *s, enum output_format format);
/* A training has begun. Without a screen its end, however soon it comes, is left until the next line, so that every
 * replay tells it at the same one. */
void script_hold(struct script *s);
bool script_holds(const struct script *s);
/* Whether answers are for programs: numbers are not rounded. */
bool script_is_exact(const struct script *s);

/* What the verbs of command files do; see ui_script.c. */
void script_press(struct script *s, struct key k, bool typed); /* typed: only into a question */
void script_pause(struct script *s);
void script_wait_training(struct script *s);
void script_wait_text(struct script *s, const char *text, double seconds);
bool script_has_file(const struct script *s);
void script_screen(struct workbench *w); /* the line's outcome has what the screen shows */

#endif

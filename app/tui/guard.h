/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What keeps the terminal whole when things go wrong: signals as events through a pipe, fatal signals
 * of any thread that restore the terminal before the process dies of them, and stray output caught
 * before it reaches the screen. Only tui/term uses it; it knows no curses.
 */
#ifndef SLUICE_APP_TUI_GUARD_H
#define SLUICE_APP_TUI_GUARD_H

#include "engine/base/err.h"

#include <stdbool.h>

/*
 * Arms the guard for the terminal tty, whose settings now are those to restore. The private
 * descriptor *screen is where the screen is to be drawn.
 */
bool guard_open(int tty, int *screen, struct err *err);
void guard_close(void);

/* The bytes that undo what the screen has set (copied). */
void guard_undo(const char *bytes);

void guard_send(const char *bytes); /* to the screen, at once */
/* Between the two what is written to fd, another one of the screen's, and what is sent is held back, to
 * be written in one go: curses has dozens of pieces in a frame. */
void guard_hold(int fd);
void guard_release(int fd);

/* Before the screen is entered and after it is left. While it is on, output to stdout and stderr goes
 * into a pipe, where those are terminals; when it goes off what nobody has read is written to them. */
void guard_screen(bool on);

int guard_signal_fd(void);
int guard_signal(void);          /* the next signal that came, or 0 */
void guard_signal_push(int sig); /* as if it had come */
int guard_output_fd(void);       /* the pipe's end to read from; does not block */

/* Stops the whole process group as ^Z does, and returns when it is continued. */
void guard_stop(void);

#endif

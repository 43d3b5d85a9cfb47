/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal, the only file that knows curses. There is one, so there is no handle; all calls come
 * from one thread, after setlocale. While it is open, stdout and stderr do not reach the screen (what
 * is written to them can be read from term_output_fd, and the rest appears when the terminal is left),
 * and however the process ends, the terminal is put back as it was.
 *
 * A loop polls term_fd, term_signal_fd and term_output_fd, calls term_signal and term_key until they
 * have nothing more, and shows a canvas when something has changed.
 */
#ifndef SLUICE_APP_TUI_TERM_H
#define SLUICE_APP_TUI_TERM_H

#include "app/tui/canvas.h"
#include "app/tui/keymap.h"
#include "engine/base/err.h"

#include <stdbool.h>

enum term_event {
	TERM_NOTHING,
	TERM_RESIZED,   /* term_size has changed: draw again */
	TERM_CONTINUED, /* the process had been stopped: draw again; the size may have changed */
	TERM_STOP,      /* asked to stop (SIGTSTP): call term_suspend. The key ^Z comes as "C-z". */
	TERM_INTERRUPT, /* SIGINT; the key ^C comes as "C-c" */
	TERM_TERMINATE, /* SIGTERM; a second one ends the process at once */
	TERM_HANGUP     /* SIGHUP, or the terminal is gone */
};

/* Takes the terminal over. Fails, having touched nothing, when standard input or output is none, or
 * when TERM names no terminal that can place the cursor. */
bool term_open(struct err *err);
void term_close(void); /* also at exit */

void term_size(int *rows, int *cols);
/* What a canvas for this terminal should be set to. */
int term_colours(void); /* 0 (also with NO_COLOR), 8, 16, 256, or 1 << 24 */
bool term_ascii(void);  /* the locale's characters are not UTF-8 */

/* Brings the screen to what the canvas (of term_size) holds, sending only what differs: nothing for the
 * same again. */
void term_show(const struct canvas *c);
/* The next term_show draws everything, whatever the screen looks like now (^L). */
void term_redraw(void);

/* The next key, if there is one. Waits only after an Esc that may be the beginning of a key, at most
 * ESCDELAY (of the environment, else 25) ms. Keys within a bracketed paste have MOD_PASTE. */
bool term_key(struct key *k);
enum term_event term_signal(void);

int term_fd(void); /* -1 when the terminal is gone */
int term_signal_fd(void);
int term_output_fd(void); /* does not block */

/* Leaves the screen, stops the process group as ^Z does and returns in the foreground again, with the
 * screen to be drawn anew at a size that may have changed. */
void term_suspend(void);

#endif

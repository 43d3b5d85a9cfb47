/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Screen tests: a program runs in a pseudo-terminal, libvterm is the terminal, and the test reads its
 * cells. Waiting is always for something, never for a time; what does not come within the time limit
 * (10 s, times SLUICE_SLOW of the environment) fails the test and prints the screen.
 */
#ifndef SLUICE_TESTS_SCREEN_SCREEN_H
#define SLUICE_TESTS_SCREEN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct screen;

/*
 * Starts argv (NULL-terminated; `{build}` in a word stands for the build folder) in a terminal of that
 * size. env, which may be NULL, lists "NAME=value", and "NAME" to remove it; before that the child has
 * TERM=xterm-256color, LC_ALL=C.UTF-8, no colour or size variables and no inputrc. One screen at a time:
 * an earlier one that a failed test has left is closed.
 */
struct screen *screen_start(int rows, int cols, const char *const *env, const char *const *argv);
void screen_close(struct screen *s); /* kills what still runs */

/* Input. Names of keys are those of app/tui/keymap. */
void screen_send(struct screen *s, const char *bytes);
void screen_key(struct screen *s, const char *name);
void screen_keys(struct screen *s, const char *names); /* several, with blanks between */
void screen_resize(struct screen *s, int rows, int cols);
void screen_signal(struct screen *s, int sig); /* to the program started */
void screen_hangup(struct screen *s);          /* the terminal is gone */

/* Waiting. */
void screen_wait(struct screen *s, const char *text); /* until it stands somewhere on one row */
void screen_wait_gone(struct screen *s, const char *text);
void screen_wait_row(struct screen *s, int row, const char *text); /* until that row holds it */
void screen_wait_for(struct screen *s, bool (*holds)(struct screen *, void *), void *data,
		     const char *what);
/* Reads for ms and returns how many bytes came. */
size_t screen_listen(struct screen *s, int ms);
/* Waits for the program's end; its status as from waitpid. */
int screen_end(struct screen *s);

/* Looking. Rows and columns count from 0; texts are borrowed until the next call. */
const char *screen_text(struct screen *s, int row); /* trailing blanks cut */
bool screen_contains(struct screen *s, const char *text);
bool screen_find(struct screen *s, const char *text, int *row, int *col);
void screen_size(const struct screen *s, int *rows, int *cols);
void screen_cursor(struct screen *s, int *row, int *col);
bool screen_cursor_visible(const struct screen *s);
bool screen_alternate(const struct screen *s);

struct screen_cell {
	char text[32]; /* UTF-8; "" for a blank never written */
	int width;
	int fg, bg; /* -1 default, 0..255 palette, 0x1000000 | rgb */
	bool bold, underline, reverse, italic;
};
struct screen_cell screen_cell(struct screen *s, int row, int col);

/* Everything the program has written so far. */
const char *screen_bytes(const struct screen *s, size_t *n);
bool screen_sent(const struct screen *s, const char *sequence); /* among those bytes */

pid_t screen_pid(const struct screen *s);
long screen_cpu_ticks(const struct screen *s); /* user and system time of the program so far */

/* Fails unless the terminal is as it was before: its modes, normal screen, cursor, no pasting marks. */
void screen_check_restored(struct screen *s);
void screen_print(struct screen *s); /* to stderr, as TAP comments */

#endif

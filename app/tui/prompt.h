/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line of input with readline's editing, the only file that knows readline. Readline gets keys and
 * gives back a line; it never touches the terminal, signals or the environment. There is one prompt
 * at a time, used from one thread. In a locale that is not UTF-8 only ASCII can be typed.
 */
#ifndef SLUICE_APP_TUI_PROMPT_H
#define SLUICE_APP_TUI_PROMPT_H

#include "app/tui/keymap.h"

#include <stdbool.h>
#include <stddef.h>

struct prompt_spec {
	const char *label;   /* what stands before the line, ": " */
	const char *text;    /* what the line begins with, or NULL */
	const char *history; /* a file, made with mode 0600 when it is not there; or NULL */
	/*
	 * Candidates for the word line[start..end), the cursor being at end: a NULL-terminated array from
	 * malloc of texts from malloc, or NULL. Those that do not begin with the word are left out. A
	 * single one is put in with a blank after it, unless it ends in `/` or `=`. May be NULL.
	 */
	char **(*complete)(void *data, const char *line, size_t start, size_t end);
	void *data;
};

enum prompt_state {
	PROMPT_IGNORED, /* the key means nothing here: the caller may use it */
	PROMPT_EDITING,
	PROMPT_DONE,     /* Enter: prompt_line holds the line; the prompt is closed */
	PROMPT_CANCELLED /* Esc, ^C, or ^D on an empty line; the prompt is closed */
};

void prompt_open(const struct prompt_spec *spec); /* label, history, data: borrowed until closed */
void prompt_close(void);                          /* without a line */
bool prompt_is_open(void);

enum prompt_state prompt_key(struct key k);
const char *prompt_line(void); /* borrowed until the next prompt_open */

/* How the prompt looks in cols columns: `label` then `text`, with `<` and `>` where the line goes on
 * beyond the edges; borrowed until the next call. */
struct prompt_view {
	const char *label, *text;
	int cursor;              /* its column, counted from the label's beginning */
	const char *const *list; /* candidates to show, or NULL */
	size_t listed;
};
void prompt_look(int cols, struct prompt_view *out);

#endif

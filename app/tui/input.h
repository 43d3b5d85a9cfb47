/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys from a terminal's bytes as they come in; knows time, but no curses. */
#ifndef SLUICE_APP_TUI_INPUT_H
#define SLUICE_APP_TUI_INPUT_H

#include "app/tui/keymap.h"

#include <stdbool.h>
#include <stddef.h>

struct input_string {
	const char *bytes; /* what this terminal sends; "" when unknown */
	struct key key;
};

struct input {
	int fd, delay;                     /* ms that an Esc may be the beginning of a key */
	const struct input_string *string; /* this terminal's own, borrowed */
	size_t strings, len;
	char bytes[1024];
	bool paste, gone; /* gone: nothing will ever come again */
};

/* A delay out of 1..1000 ms becomes 25. */
void input_init(struct input *in, int fd, int delay, const struct input_string *s, size_t strings);

/* The next key; see term_key. */
bool input_key(struct input *in, struct key *k);

#endif

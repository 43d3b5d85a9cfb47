/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys: what a terminal sends, what a key is called, and which command it is bound to.
 *
 * Names are "a", "é", "+", "Space", "Up", "PgDn", "F5", with the prefixes C- (control), M- (alt) and
 * S- (shift) in this order: "C-c", "M-b", "S-Tab", "C-S-Left". A character has no S- of its own:
 * its shifted form is another character.
 */
#ifndef SLUICE_APP_TUI_KEYMAP_H
#define SLUICE_APP_TUI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_code {
	K_NONE,
	K_CHAR, /* key.ch holds the character; control keys are the small letter with MOD_CTRL */
	K_ENTER,
	K_TAB,
	K_ESC,
	K_BACKSPACE,
	K_UP,
	K_DOWN,
	K_LEFT,
	K_RIGHT,
	K_HOME,
	K_END,
	K_PGUP,
	K_PGDN,
	K_INS,
	K_DEL,
	K_F1, /* K_F1 + 1 is F2, and so on to F12 */
	K_F12 = K_F1 + 11,
	K_PASTE_BEGIN, /* seen by tui/term only: it marks the keys between with MOD_PASTE */
	K_PASTE_END
};

enum key_mod {
	MOD_SHIFT = 1,
	MOD_ALT = 2,
	MOD_CTRL = 4,
	MOD_PASTE = 8 /* part of pasted text: bound to nothing, only good for typing into a line */
};

struct key {
	enum key_code code;
	uint32_t ch;
	unsigned mods; /* bits of enum key_mod */
};

enum { KEYMAP_NAME = 32 }; /* room for any key's name */

/* Writes the key's name into name[KEYMAP_NAME] and returns it. */
const char *keymap_name(struct key k, char *name);
/* The key of that name; false when there is none. The whole text must be one name. */
bool keymap_parse(const char *name, struct key *k);
bool keymap_same(struct key a, struct key b);

/*
 * Decodes one key from the n bytes a terminal sent, as xterm and its many kin write them. Returns the
 * number of bytes used, or 0 when they are only the beginning of a key and more may come (last is
 * false). An unknown sequence is used up and gives K_NONE. Bytes that are not UTF-8 give U+FFFD.
 */
size_t keymap_decode(const char *bytes, size_t n, bool last, struct key *k);

/* A binding; key may list several names with blanks between ("Up k"). A table ends in a key of NULL. */
struct binding {
	const char *key;
	const char *command; /* a line of the console's grammar */
	const char *help;
};

/* The binding of k in a table, or NULL. */
const struct binding *keymap_find(const struct binding *table, struct key k);

#endif

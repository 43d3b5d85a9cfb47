/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/keymap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	struct key key;
} names[] = {
	{"Enter", {K_ENTER, 0, 0}}, {"Tab", {K_TAB, 0, 0}},      {"Esc", {K_ESC, 0, 0}},
	{"Up", {K_UP, 0, 0}},       {"Down", {K_DOWN, 0, 0}},    {"Left", {K_LEFT, 0, 0}},
	{"Right", {K_RIGHT, 0, 0}}, {"Home", {K_HOME, 0, 0}},    {"End", {K_END, 0, 0}},
	{"PgUp", {K_PGUP, 0, 0}},   {"PgDn", {K_PGDN, 0, 0}},    {"Ins", {K_INS, 0, 0}},
	{"Del", {K_DEL, 0, 0}},     {"Space", {K_CHAR, ' ', 0}}, {"Backspace", {K_BACKSPACE, 0, 0}},
};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

bool keymap_same(struct key a, struct key b)
{
	return a.code == b.code && a.mods == b.mods && (a.code != K_CHAR || a.ch == b.ch);
}

static size_t utf8_put(char *out, uint32_t ch)
{
	size_t n = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)ch;
		return 1;
	}
	for (size_t k = n - 1; k > 0; k--, ch >>= 6)
		out[k] = (char)(0x80 | (ch & 0x3f));
	out[0] = (char)((0xf00u >> n) | ch);
	return n;
}

/* The character that begins at s. Returns its bytes, 0 when s ends too early (and it is not the last
 * input); a byte that begins no well-formed character is U+FFFD. */
static size_t utf8_get(const char *s, size_t n, bool last, uint32_t *ch)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

	*ch = 0xfffd;
	if (!len || u[0] > 0xf4)
		return 1;
	if (len == 1) {
		*ch = u[0];
		return 1;
	}
	uint32_t v = u[0] & (0xffu >> (len + 1));

	for (size_t k = 1; k < len; k++) {
		if (k == n)
			return last ? n : 0;
		if ((u[k] & 0xc0) != 0x80)
			return k;
		v = v << 6 | (u[k] & 0x3f);
	}
	if (v >= least[len] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff))
		*ch = v;
	return len;
}

const char *keymap_name(struct key k, char *name)
{
	size_t n = 0;

	name[0] = '\0';
	if (k.mods & MOD_CTRL)
		n += (size_t)snprintf(name + n, KEYMAP_NAME - n, "C-");
	if (k.mods & MOD_ALT)
		n += (size_t)snprintf(name + n, KEYMAP_NAME - n, "M-");
	if (k.mods & MOD_SHIFT)
		n += (size_t)snprintf(name + n, KEYMAP_NAME - n, "S-");
	for (size_t i = 0; i < NAMES; i++)
		if (names[i].key.code == k.code && names[i].key.ch == k.ch) {
			snprintf(name + n, KEYMAP_NAME - n, "%s", names[i].name);
			return name;
		}
	if (k.code >= K_F1 && k.code <= K_F12)
		snprintf(name + n, KEYMAP_NAME - n, "F%d", (int)k.code - K_F1 + 1);
	else if (k.code == K_CHAR)
		name[n + utf8_put(name + n, k.ch)] = '\0';
	return name;
}

bool keymap_parse(const char *name, struct key *k)
{
	unsigned mods = 0;
	size_t n;

	for (int p = 0; p < 3; p++) /* in this order, each once */
		if (name[0] == "CMS"[p] && name[1] == '-' && name[2]) {
			mods |= p == 0 ? MOD_CTRL : p == 1 ? MOD_ALT : MOD_SHIFT;
			name += 2;
		}
	*k = (struct key){K_NONE, 0, mods};
	for (size_t i = 0; i < NAMES; i++)
		if (!strcmp(names[i].name, name)) {
			k->code = names[i].key.code;
			k->ch = names[i].key.ch;
			return true;
		}
	if (name[0] == 'F' && name[1]) {
		char *end;
		long f = strtol(name + 1, &end, 10);

		k->code = (enum key_code)(K_F1 + f - 1);
		return !*end && name[1] != '0' && f >= 1 && f <= 12;
	}
	n = strlen(name);
	k->code = K_CHAR;
	return n && utf8_get(name, n, true, &k->ch) == n && k->ch > 0x20 && k->ch != 0xfffd &&
	       !(mods & MOD_SHIFT);
}

/* A byte below 0x20, or 0x7f. */
static struct key control_key(unsigned char b)
{
	switch (b) {
	case '\r':
		return (struct key){K_ENTER, 0, 0};
	case '\t':
		return (struct key){K_TAB, 0, 0};
	case 0x1b:
		return (struct key){K_ESC, 0, 0};
	case 0x7f:
	case 0x08:
		return (struct key){K_BACKSPACE, 0, 0};
	case 0:
		return (struct key){K_CHAR, ' ', MOD_CTRL};
	}
	return (struct key){K_CHAR, b < 0x1b ? b + 0x60u : b + 0x40u, MOD_CTRL};
}

/* xterm's modifier parameter: 1 + shift + 2 alt + 4 control, which are enum key_mod's bits. */
static unsigned mods_of(int parameter)
{
	return parameter > 1 ? (unsigned)(parameter - 1) & (MOD_SHIFT | MOD_ALT | MOD_CTRL) : 0;
}

static enum key_code letter_code(char final)
{
	static const char letters[] = "ABCDHFPQRSM";
	static const enum key_code codes[] = {K_UP, K_DOWN,   K_RIGHT,  K_LEFT,   K_HOME, K_END,
					      K_F1, K_F1 + 1, K_F1 + 2, K_F1 + 3, K_ENTER};
	const char *at = final ? strchr(letters, final) : NULL;

	return at ? codes[at - letters] : K_NONE;
}

static enum key_code number_code(int number)
{
	static const enum key_code low[] = {K_NONE, K_HOME, K_INS,  K_DEL, K_END,
					    K_PGUP, K_PGDN, K_HOME, K_END};

	if (number >= 0 && number <= 8)
		return low[number];
	if (number >= 11 && number <= 15)
		return (enum key_code)(K_F1 + number - 11);
	if (number >= 17 && number <= 21)
		return (enum key_code)(K_F1 + number - 12);
	if (number == 23 || number == 24)
		return (enum key_code)(K_F1 + number - 13);
	return number == 200 ? K_PASTE_BEGIN : number == 201 ? K_PASTE_END : K_NONE;
}

/* ESC [ parameters intermediates final; s begins after the bracket. Returns bytes used of s. */
static size_t decode_csi(const char *s, size_t n, bool last, struct key *k)
{
	int parameter[2] = {0, 0}, count = 0;
	size_t at = 0;

	if (n && s[0] == '[') { /* Linux console: ESC [ [ A is F1 */
		if (n > 1 && s[1] >= 'A' && s[1] <= 'E')
			k->code = (enum key_code)(K_F1 + s[1] - 'A');
		return n > 1 ? 2 : last ? n : 0;
	}
	for (; at < n && s[at] >= 0x20 && s[at] < 0x40; at++) {
		if (s[at] >= '0' && s[at] <= '9' && count < 2 && parameter[count] < 100000000)
			parameter[count] = parameter[count] * 10 + s[at] - '0';
		else if (s[at] == ';')
			count++;
	}
	if (at == n)
		return last ? n : 0;
	k->mods = mods_of(parameter[1]);
	if (s[at] == '~') {
		k->code = number_code(parameter[0]);
	} else if (s[at] == 'Z') {
		*k = (struct key){K_TAB, 0, MOD_SHIFT};
	} else if (s[at] == 'u' && parameter[0] > 0x20 && parameter[0] != 0x7f) {
		k->code = parameter[0] <= 0x10ffff ? K_CHAR : K_NONE;
		k->ch = (uint32_t)parameter[0];
	} else if (s[at] == 'u') {
		unsigned mods = k->mods;

		*k = control_key((unsigned char)parameter[0]);
		if (parameter[0] == ' ')
			*k = (struct key){K_CHAR, ' ', 0};
		k->mods |= mods;
	} else {
		k->code = letter_code(s[at]);
	}
	return at + 1;
}

size_t keymap_decode(const char *bytes, size_t n, bool last, struct key *k)
{
	size_t used;

	*k = (struct key){K_NONE, 0, 0};
	if (!n)
		return 0;
	if (bytes[0] != 0x1b) {
		if ((unsigned char)bytes[0] < 0x20 || bytes[0] == 0x7f) {
			*k = control_key((unsigned char)bytes[0]);
			return 1;
		}
		k->code = K_CHAR;
		return utf8_get(bytes, n, last, &k->ch);
	}
	if (n == 1) {
		k->code = K_ESC;
		return last;
	}
	if (bytes[1] == '[' && (n > 2 || !last)) {
		used = decode_csi(bytes + 2, n - 2, last, k);
		return used ? used + 2 : 0;
	}
	if (bytes[1] == 'O' && (n > 2 || !last)) {
		if (n > 2)
			k->code = letter_code(bytes[2]);
		return n > 2 ? 3 : 0;
	}
	if (bytes[1] == 0x1b) { /* two strokes of Esc; the second may begin another key */
		k->code = K_ESC;
		return 1;
	}
	used = keymap_decode(bytes + 1, n - 1, last, k);
	k->mods |= MOD_ALT;
	return used ? used + 1 : 0;
}

const struct binding *keymap_find(const struct binding *table, struct key k)
{
	char name[KEYMAP_NAME];
	size_t n;

	if (k.code == K_NONE || k.mods & MOD_PASTE)
		return NULL;
	n = strlen(keymap_name(k, name));
	for (; table->key; table++)
		for (const char *at = table->key; *at; at += strspn(at, " ")) {
			size_t len = strcspn(at, " ");

			if (len == n && !memcmp(at, name, n))
				return table;
			at += len;
		}
	return NULL;
}

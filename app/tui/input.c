/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/input.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void input_init(struct input *in, int fd, int delay, const struct input_string *s, size_t strings)
{
	*in = (struct input){.fd = fd, .delay = delay, .string = s, .strings = strings};
	if (delay < 1 || delay > 1000)
		in->delay = 25;
}

/* Reads what has come within ms; false when nothing has. */
static bool fill(struct input *in, int ms)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};
	ssize_t n;

	if (in->gone || poll(&p, 1, ms) <= 0)
		return false;
	n = read(in->fd, in->bytes + in->len, sizeof(in->bytes) - in->len);
	if (n > 0)
		in->len += (size_t)n;
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		in->gone = true;
	return n > 0;
}

/* As keymap_decode, but what the terminal's entry says comes first. */
static size_t decode(const struct input *in, bool last, struct key *k)
{
	for (size_t i = 0; i < in->strings; i++) {
		const size_t n = strlen(in->string[i].bytes);

		if (n > 1 && n <= in->len && !memcmp(in->string[i].bytes, in->bytes, n)) {
			*k = in->string[i].key;
			return n;
		}
	}
	return keymap_decode(in->bytes, in->len, last, k);
}

bool input_key(struct input *in, struct key *k)
{
	for (;;) {
		size_t used;

		if (!in->len && !fill(in, 0))
			return false;
		used = decode(in, in->len == sizeof(in->bytes), k);
		if (!used) {
			if (fill(in, in->delay))
				continue;
			used = decode(in, true, k);
		}
		in->len -= used;
		memmove(in->bytes, in->bytes + used, in->len);
		if (k->code == K_PASTE_BEGIN || k->code == K_PASTE_END)
			in->paste = k->code == K_PASTE_BEGIN;
		else if (k->code != K_NONE)
			break;
	}
	if (in->paste)
		k->mods |= MOD_PASTE;
	return true;
}

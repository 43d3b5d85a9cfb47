/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/script_file.h"

#include "engine/base/mem.h"
#include "engine/text/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MOST = 1 << 20 }; /* bytes */

static char *path_from(const char *name, const struct script_file *from)
{
	const char *slash = from ? strrchr(from->name, '/') : NULL;

	if (!slash || *name == '/' || !strcmp(name, "-"))
		return mem_text(name);
	return mem_printf("%.*s%s", (int)(slash + 1 - from->name), from->name, name);
}

static bool cannot_read(const char *name, struct err *err)
{
	return err_set(err, ERR_INPUT, "cannot read %s: %s", name, strerror(errno));
}

bool script_file_open(struct script_file *f, const char *name, const struct script_file *from,
		      struct err *err)
{
	*f = (struct script_file){.name = path_from(name, from), .fd = STDIN_FILENO};
	if (strcmp(name, "-") != 0)
		f->fd = open(f->name, O_RDONLY | O_CLOEXEC);
	if (f->fd >= 0 && read(f->fd, f->name, 0) == 0)
		return true;
	cannot_read(f->name, err); /* not there, or a folder */
	script_file_close(f);
	return false;
}

void script_file_close(struct script_file *f)
{
	if (f->fd > STDIN_FILENO)
		close(f->fd);
	free(f->name);
	buf_release(&f->text);
	*f = (struct script_file){.fd = -1};
}

/* Reads what there is; false: nothing yet, or it has failed. */
static bool fill(struct script_file *f, struct err *err)
{
	struct pollfd p = {.fd = f->fd, .events = POLLIN};
	char part[4096];
	ssize_t n;

	if (poll(&p, 1, 0) <= 0)
		return false;
	n = read(f->fd, part, sizeof(part));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n < 0)
		return cannot_read(f->name, err);
	f->end = !n;
	buf_add(&f->text, part, (size_t)n);
	return true;
}

static char *cleaned(struct script_file *f, const char *line, size_t n, struct err *err)
{
	struct buf clean = {0};
	size_t blank;
	char *text;

	if (f->line == 1 && n >= 3 && !memcmp(line, "\xef\xbb\xbf", 3)) {
		line += 3; /* a byte order mark */
		n -= 3;
	}
	if (memchr(line, 0, n)) {
		err_set(err, ERR_INPUT, "there is a zero byte: this is no text");
		return NULL;
	}
	while (n && strchr(" \t\r", line[n - 1]))
		n--;
	for (blank = 0; blank < n && strchr(" \t", line[blank]);)
		blank++;
	utf8_repair(&clean, line + blank, n - blank, NULL);
	text = mem_text(buf_str(&clean));
	buf_release(&clean);
	return text;
}

char *script_file_line(struct script_file *f, struct err *err)
{
	for (;;) {
		const char *from = buf_str(&f->text) + f->at;
		const size_t left = f->text.len - f->at;
		const char *stop = left ? memchr(from, '\n', left) : NULL;
		const size_t n = stop ? (size_t)(stop - from) : left;
		char *line;

		if (n > LINE_MOST) {
			f->line++;
			err_set(err, ERR_INPUT, "this line is longer than 1 MiB");
			return NULL;
		}
		if (stop || (f->end && left)) {
			f->line++;
			line = cleaned(f, from, n, err);
			f->at += n + (stop != NULL);
			if (f->at == f->text.len) {
				buf_clear(&f->text);
				f->at = 0;
			}
			return line;
		}
		if (f->end || !fill(f, err))
			return NULL;
	}
}

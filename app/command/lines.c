/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/lines.h"

#include "engine/base/mem.h"
#include "engine/text/input.h"
#include "engine/text/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Looks at the beginning of a file, and goes back to it. A pipe has nothing to look at yet. */
static bool is_text(struct lines *l, struct err *err)
{
	const off_t at = ftello(l->in);
	char *start = mem_alloc(INPUT_LOOKED_AT);
	const size_t n = fread(start, 1, INPUT_LOOKED_AT, l->in);
	bool ok = input_is_text(start, n, l->name, err);

	free(start);
	if (ok && (ferror(l->in) || at < 0 || fseeko(l->in, at, SEEK_SET)))
		ok = err_set(err, ERR_INPUT, "cannot read %s: %s", l->name, strerror(errno));
	return ok;
}

bool lines_open(struct lines *l, const char *path, bool quiet, struct err *err)
{
	const bool standard = !path || !strcmp(path, "-");
	struct stat st;

	*l = (struct lines){.in = standard ? stdin : fopen(path, "r"),
			    .name = standard ? "standard input" : path,
			    .quiet = quiet};
	if (!l->in)
		return err_set(err, ERR_INPUT, "cannot read %s: %s", path, strerror(errno));
	l->file = !fstat(fileno(l->in), &st) && S_ISREG(st.st_mode);
	return !l->file || is_text(l, err);
}

void lines_close(struct lines *l)
{
	if (l->in && l->in != stdin)
		fclose(l->in);
	buf_release(&l->text);
	free(l->raw);
	*l = (struct lines){0};
}

/* Once a file, however many lines there are. */
static void warn(struct lines *l, size_t bad)
{
	if (!l->warned && !l->quiet)
		fprintf(stderr, "%s:%zu: %zu byte%s not UTF-8 text, replaced by U+FFFD\n", l->name,
			l->number, bad, bad == 1 ? " is" : "s are");
	l->warned = true;
}

bool lines_next(struct lines *l, struct err *err)
{
	ssize_t n = getline(&l->raw, &l->cap, l->in);
	const char *s = l->raw;
	size_t bad;

	if (n < 0 && ferror(l->in))
		return err_set(err, ERR_INPUT, "cannot read %s: %s", l->name, strerror(errno));
	if (n < 0)
		return false;
	while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r'))
		n--;
	if (!l->number++ && n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) {
		s += 3;
		n -= 3;
	}
	buf_clear(&l->text);
	bad = utf8_repair(&l->text, s, (size_t)n, NULL);
	if (bad)
		warn(l, bad);
	return true;
}

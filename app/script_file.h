/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command file's lines, as they come: a pipe's may come one by one. */
#ifndef SLUICE_APP_SCRIPT_FILE_H
#define SLUICE_APP_SCRIPT_FILE_H

#include "engine/base/buf.h"
#include "engine/base/err.h"

#include <stdbool.h>

struct script_file {
	char *name; /* its path; "-" for standard input */
	int fd, line;
	struct buf text; /* what has been read */
	size_t at;       /* up to where it has been taken */
	bool end;
};

/* from, which may be NULL, is the file that names it. ERR_INPUT. */
bool script_file_open(struct script_file *f, const char *name, const struct script_file *from,
		      struct err *err);
void script_file_close(struct script_file *f);
/* The next line without blanks around it, to be freed; NULL where it has not come yet, or the file has ended (then
 * `end` is set), or with ERR_INPUT. Bytes that are not UTF-8 become U+FFFD. */
char *script_file_line(struct script_file *f, struct err *err);

#endif

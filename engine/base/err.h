/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors as values. A function that can fail returns bool or a pointer and takes a struct err *
 * last; on failure it fills one line in lower case, without a full stop, that names the thing, the
 * cause and, where there is one, the remedy. Callers add context with err_wrap, once a layer.
 */
#ifndef SLUICE_ENGINE_BASE_ERR_H
#define SLUICE_ENGINE_BASE_ERR_H

#include <stdbool.h>

enum err_code {
	ERR_NONE,
	ERR_FAILED,    /* anything without a code of its own (exit 1) */
	ERR_USAGE,     /* the user's words (exit 2) */
	ERR_NO_RUN,    /* no such run, or an ambiguous one (exit 3) */
	ERR_STORE,     /* store not writable, busy, or of another version (exit 4) */
	ERR_CORRUPT,   /* store damaged (exit 5) */
	ERR_CANCELLED, /* query cancelled or out of time (exit 6) */
	ERR_DIVERGED,  /* training reached NaN or infinity (exit 7) */
	ERR_INPUT,     /* a bad input file (exit 8) */
};

struct err {
	enum err_code code;
	char msg[512];
};

/* Fills err (which may be NULL) and returns false, so that callers write `return err_set(...)`. Of what stands
 * between single quotes the first ERR_WORD bytes are kept. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* For a word of the user's without quotes, as "%.*s%s": the bytes of it, and "…" where those are not all. */
enum { ERR_WORD = 60 };
int err_width(const char *word);
const char *err_more(const char *word);

/* Puts "PREFIX: " before the message, keeping the code; returns false. */
bool err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The process exit code documented for an error code. */
int err_exit_code(enum err_code code);

#endif

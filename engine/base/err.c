/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return false;
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->msg)], prefix[sizeof(err->msg)];
	va_list ap;
	size_t n;

	if (!err)
		return false;
	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	n = strlen(prefix);
	if (n + 2 < sizeof(err->msg)) {
		memcpy(err->msg, prefix, n);
		memcpy(err->msg + n, ": ", 2);
		n += 2;
		memcpy(err->msg + n, inner, sizeof(err->msg) - n); /* what does not fit is cut */
		err->msg[sizeof(err->msg) - 1] = '\0';
	}
	return false;
}

int err_exit_code(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return 0;
	case ERR_USAGE:
		return 2;
	case ERR_NO_RUN:
		return 3;
	case ERR_STORE:
		return 4;
	case ERR_CORRUPT:
		return 5;
	case ERR_CANCELLED:
		return 6;
	case ERR_DIVERGED:
		return 7;
	case ERR_INPUT:
		return 8;
	case ERR_FAILED:
		break;
	}
	return 1;
}

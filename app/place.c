/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/place.h"

#include "engine/base/mem.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_folders(char *path)
{
	for (char *p = path + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			if (mkdir(path, 0700) && errno != EEXIST) {
				*p = '/';
				return false;
			}
			*p = '/';
		}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* $variable/sluice, or ~/fallback/sluice, made. */
static char *user_folder(const char *variable, const char *fallback)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	char *folder;

	if (base && *base == '/')
		folder = mem_printf("%s/sluice", base);
	else if (home && *home == '/')
		folder = mem_printf("%s/%s/sluice", home, fallback);
	else
		return NULL;
	if (make_folders(folder))
		return folder;
	free(folder);
	return NULL;
}

char *place_store(const char *given, struct err *err)
{
	const char *named = given ? given : getenv("SLUICE_STORE");
	char *folder, *path;

	if (named && *named)
		return mem_text(named);
	if (access("sluice.db", F_OK) == 0)
		return mem_text("sluice.db");
	folder = user_folder("XDG_DATA_HOME", ".local/share");
	if (!folder) {
		err_set(err, ERR_STORE,
			"no place for a store: HOME is not set or not writable; give --store FILE");
		return NULL;
	}
	path = mem_printf("%s/sluice.db", folder);
	free(folder);
	return path;
}

char *place_shared(const char *folder, const char *name)
{
	char program[PATH_MAX], whole[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash, *path;

	if (n <= 0)
		return mem_printf("%s/%s", folder, name);
	program[n] = '\0';
	slash = strrchr(program, '/');
	if (slash)
		*slash = '\0';
	path = mem_printf("%s/../%s/%s", program, folder, name);
	if (realpath(path, whole)) {
		free(path);
		return mem_text(whole);
	}
	free(path);
	return mem_printf("%s/../share/sluice/%s/%s", program, folder, name);
}

char *place_state(const char *name)
{
	char *folder = user_folder("XDG_STATE_HOME", ".local/state");
	char *path = folder ? mem_printf("%s/%s", folder, name) : NULL;

	free(folder);
	return path;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/owner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_line(const char *path, char *out, int size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(out, size, f))
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (f)
		fclose(f);
}

/* Field 22 of /proc/PID/stat; the second, the program's name, may hold spaces and brackets. -1 for
 * a process that has ended and whose parent has not noticed. */
static int64_t start_of(int64_t pid)
{
	char path[64], line[1024], *p;

	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	read_line(path, line, sizeof(line));
	p = strrchr(line, ')');
	if (p && strncmp(p, ") Z", 3) == 0)
		return -1;
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoll(p, NULL, 10) : 0;
}

struct owner owner_self(void)
{
	struct owner o = {.pid = getpid()};

	if (gethostname(o.host, sizeof(o.host) - 1) != 0)
		o.host[0] = '\0';
	read_line("/proc/sys/kernel/random/boot_id", o.boot, sizeof(o.boot));
	o.start = start_of(o.pid);
	return o;
}

bool owner_is_dead(const struct owner *o)
{
	struct owner self = owner_self();
	int64_t start;

	if (strcmp(o->host, self.host) != 0)
		return false;
	if (strcmp(o->boot, self.boot) != 0)
		return true;
	if (o->pid <= 0 || o->pid != (pid_t)o->pid)
		return true;
	if (kill((pid_t)o->pid, 0) != 0 && errno == ESRCH)
		return true;
	start = start_of(o->pid);
	return start && o->start && start != o->start;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* sched_getaffinity */
#include "app/budget.h"

#include "engine/base/mem.h"

#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number behind a word of a file ("" : the first thing in it); -1 if there is none. */
static int64_t number_in(const char *root, const char *path, const char *word)
{
	char *name = mem_printf("%s%s", root, path), line[256];
	FILE *f = fopen(name, "r");
	const size_t n = strlen(word);
	int64_t found = -1;

	while (f && found < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, word, n) && sscanf(line + n, "%" SCNd64, &found) != 1)
			found = -1;
	if (f)
		fclose(f);
	free(name);
	return found;
}

/* How the two versions of control groups call things; the second has one hierarchy without a name. */
struct hierarchy {
	const char *controller, *mount, *limit, *usage, *cache;
	/* What a group leaves; INT64_MAX without a limit. */
	int64_t (*left)(const char *root, const struct hierarchy *h, const char *group);
};

static int64_t group_number(const char *root, const struct hierarchy *h, const char *group,
			    const char *file, const char *word)
{
	char *path = mem_printf("%s%s/%s", h->mount, group, file);
	const int64_t n = number_in(root, path, word);

	free(path);
	return n;
}

static int64_t memory_left(const char *root, const struct hierarchy *h, const char *group)
{
	const int64_t limit = group_number(root, h, group, h->limit, "");
	const int64_t used = group_number(root, h, group, h->usage, "");
	const int64_t cache = group_number(root, h, group, "memory.stat", h->cache);
	int64_t busy;

	if (limit < 0 || used < 0)
		return INT64_MAX;
	busy = used - (cache > 0 && cache < used ? cache : 0);
	return limit > busy ? limit - busy : 0;
}

/* Processors, rounded up: so much time in each period, which version 2 has in the same line. */
static int64_t processors_left(const char *root, const struct hierarchy *h, const char *group)
{
	const int64_t quota = group_number(root, h, group, h->limit, "");
	char first[32];
	int64_t period;

	snprintf(first, sizeof(first), "%" PRId64 " ", quota);
	period = group_number(root, h, group, h->usage, h->usage == h->limit ? first : "");
	return quota > 0 && period > 0 ? (quota + period - 1) / period : INT64_MAX;
}

/* What a group and those above it leave. In a container its own path may not be there to see: then the
 * mount is the group. */
static int64_t left_by_groups(const char *root, const struct hierarchy *h, char *group)
{
	int64_t least = INT64_MAX;

	for (;;) {
		const int64_t left = h->left(root, h, group);

		least = left < least ? left : least;
		if (!*group)
			return least;
		*strrchr(group, '/') = '\0';
	}
}

/* Whether a word is in a list with commas. */
static bool lists(const char *list, const char *word)
{
	const size_t n = strlen(word);

	for (;;) {
		const size_t length = strcspn(list, ",");

		if (length == n && !strncmp(list, word, n))
			return true;
		if (!list[length])
			return false;
		list += length + 1;
	}
}

/* The least that is left in one of two hierarchies, those of version 1 and 2. */
static int64_t left_by_limits(const char *root, const struct hierarchy h[2])
{
	char *name = mem_printf("%s/proc/self/cgroup", root), line[4096];
	FILE *f = fopen(name, "r");
	int64_t least = INT64_MAX;

	while (f && fgets(line, sizeof(line), f)) {
		char *kind = strchr(line, ':'), *group = kind ? strchr(kind + 1, ':') : NULL;

		if (!group || group[1] != '/')
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		if (!group[1])
			*group = '\0'; /* "/": the mount itself */
		for (int k = 0; k < 2; k++)
			if (lists(kind + 1, h[k].controller)) {
				const int64_t left = left_by_groups(root, &h[k], group);

				least = left < least ? left : least;
			}
	}
	if (f)
		fclose(f);
	free(name);
	return least;
}

int64_t budget_available(const char *root)
{
	static const struct hierarchy memory[] = {
		{"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
		 "memory.usage_in_bytes", "total_inactive_file ", memory_left},
		{"", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file ",
		 memory_left}};
	const int64_t kib = number_in(root, "/proc/meminfo", "MemAvailable:");
	const int64_t limits = left_by_limits(root, memory);

	return kib >= 0 && kib * 1024 < limits ? kib * 1024 : limits;
}

int budget_processors(const char *root)
{
	static const char max[] = "cpu.max";
	static const struct hierarchy time[] = {
		{"cpu", "/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us", NULL,
		 processors_left},
		{"", "/sys/fs/cgroup", max, max, NULL, processors_left}};
	const int64_t limit = left_by_limits(root, time);
	int64_t n = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	n = n > limit ? limit : n;
	return n < 1 ? 1 : (int)n;
}

int64_t budget_resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	int64_t pages = 0;

	if (f && fscanf(f, "%*d %" SCNd64, &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/* What to lower where a part is too large. */
static const char *remedy(const struct cost *c, enum cost_part part)
{
	int64_t largest = 0;
	const char *group = "";

	if (part == COST_ACTIVATIONS)
		return "batch, or max_len (of a stream: window)";
	if (part == COST_VALIDATION)
		return "max_len or threads";
	for (int k = 0; k < c->groups; k++)
		if (c->group[k].parameters > largest) {
			largest = c->group[k].parameters;
			group = c->group[k].name;
		}
	if (part == COST_GRADIENTS && c->memory[part] > 2 * c->bytes)
		return "threads, or hidden and embed";
	if (!strcmp(group, "embedding"))
		return "embed or max_vocab";
	return !strcmp(group, "head") ? "hidden or max_vocab" : "hidden, embed or layers";
}

bool budget_check(const struct cost *c, int64_t available, struct err *err)
{
	const int64_t there = c->memory[COST_TEXTS] + c->memory[COST_PROGRAM];
	const int64_t need = cost_memory(c) - there;
	enum cost_part most = COST_WEIGHTS;
	char text[4][16], count[32];

	for (int k = 0; k < COST_TEXTS; k++)
		if (c->memory[k] > c->memory[most])
			most = (enum cost_part)k;
	if (need <= available)
		return true;
	return err_set(
		err, ERR_USAGE,
		"training %s parameters (%s) needs %s of memory, most of it (%s) for %s, and "
		"there are %s: lower %s",
		budget_count(c->parameters, count), budget_bytes((double)c->bytes, text[0]),
		budget_bytes((double)need, text[1]), budget_bytes((double)c->memory[most], text[2]),
		cost_part_name(most), budget_bytes((double)available, text[3]), remedy(c, most));
}

/* Three digits or so and a prefix of thousands. */
static const char *with_prefix(double v, const char *unit, char text[16])
{
	static const char *const prefix[] = {"", "k", "M", "G", "T", "P", "E"};
	int k = 0;

	while (v >= 999.5 && k < 6) {
		v /= 1000;
		k++;
	}
	snprintf(text, 16, "%.*f %s%s", k && v < 9.95 ? 1 : 0, v, prefix[k], unit);
	return text;
}

const char *budget_bytes(double bytes, char text[16])
{
	return with_prefix(bytes, "B", text);
}

const char *budget_flop(double flop, char text[16])
{
	return with_prefix(flop, "FLOP", text);
}

const char *budget_count(int64_t n, char text[32])
{
	char digits[24];
	const int len = snprintf(digits, sizeof(digits), "%" PRId64, n);
	char *to = text;

	for (int k = 0; k < len; k++) {
		if (k && (len - k) % 3 == 0)
			*to++ = ',';
		*to++ = digits[k];
	}
	*to = '\0';
	return text;
}

void budget_line(const struct cost *c, struct buf *out)
{
	char count[32], text[3][16];

	buf_printf(out, "%s parameters (%s) · %s a token · %s of memory",
		   budget_count(c->parameters, count), budget_bytes((double)c->bytes, text[0]),
		   budget_flop((double)(c->forward.token + c->backward.token), text[1]),
		   budget_bytes((double)cost_memory(c), text[2]));
}

void budget_machine(char *out, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(out, size, "unknown processor");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
			snprintf(out, size, "%s", strchr(line, ':') + 2);
			out[strcspn(out, "\n")] = '\0';
			break;
		}
	if (f)
		fclose(f);
}

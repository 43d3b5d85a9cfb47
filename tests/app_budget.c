/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the machine can give, read from files of its making, and what is said of a cost. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "app/budget.h"
#include "app/prepare.h"
#include "tests/unit.h"

#include "engine/base/mem.h"

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/sluice-budget-XXXXXX";

/* Writes a file below root, with its folders. */
static void put_file(const char *path, const char *text)
{
	char *name = mem_printf("%s%s", root, path);
	FILE *f;

	for (char *p = name + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(name, 0700);
	}
	f = fopen(name, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(name);
}

static int make_root(void **state)
{
	(void)state;
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char *command = mem_printf("rm -rf %s", root);
	const int status = system(command);

	(void)state;
	free(command);
	return status;
}

static void nothing_known_is_no_limit(void **state)
{
	(void)state;
	assert_true(budget_available(root) == INT64_MAX);
	put_file("/proc/meminfo", "MemTotal: 100 kB\nMemFree: 20 kB\nMemAvailable:      50 kB\n");
	assert_int_equal(budget_available(root), 50 * 1024);
	put_file("/proc/self/cgroup", "0::/\n");
	assert_int_equal(budget_available(root), 50 * 1024);
}

static void groups_of_version_2_limit(void **state)
{
	(void)state;
	put_file("/proc/meminfo", "MemAvailable: 1000 kB\n");
	put_file("/proc/self/cgroup", "0::/a/b\n");
	put_file("/sys/fs/cgroup/a/b/memory.max", "max\n");
	put_file("/sys/fs/cgroup/a/b/memory.current", "700\n");
	assert_int_equal(budget_available(root), 1000 * 1024);
	put_file("/sys/fs/cgroup/a/memory.max", "5000\n");
	put_file("/sys/fs/cgroup/a/memory.current", "3000\n");
	assert_int_equal(budget_available(root), 2000);
	/* what was read of files can be given back */
	put_file("/sys/fs/cgroup/a/memory.stat", "anon 900\nactive_file 5\ninactive_file 1000\n");
	assert_int_equal(budget_available(root), 3000);
	put_file("/sys/fs/cgroup/a/b/memory.max", "600\n");
	assert_int_equal(budget_available(root), 0);
	/* in a container the mount is the group */
	put_file("/proc/self/cgroup", "0::/elsewhere/c\n");
	put_file("/sys/fs/cgroup/memory.max", "4096\n");
	put_file("/sys/fs/cgroup/memory.current", "96\n");
	assert_int_equal(budget_available(root), 4000);
}

static void groups_of_version_1_limit(void **state)
{
	(void)state;
	put_file("/proc/meminfo", "MemAvailable: 1000 kB\n");
	put_file("/proc/self/cgroup",
		 "9:name=systemd:/x\n4:cpu,memory:/box\n3:cpuset:/\nbroken\n0::/\n");
	put_file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put_file("/sys/fs/cgroup/memory/memory.usage_in_bytes", "5000\n");
	assert_int_equal(budget_available(root), 1000 * 1024);
	put_file("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9000\n");
	put_file("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "8000\n");
	put_file("/sys/fs/cgroup/memory/box/memory.stat",
		 "inactive_file 1\ntotal_inactive_file 500\n");
	assert_int_equal(budget_available(root), 1500);
}

static void processors_are_counted_within_limits(void **state)
{
	const int all = budget_processors(root);

	(void)state;
	assert_in_range(all, 1, sysconf(_SC_NPROCESSORS_CONF));
	put_file("/proc/self/cgroup", "0::/a/b\n");
	put_file("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	assert_int_equal(budget_processors(root), all);
	put_file("/sys/fs/cgroup/a/cpu.max", "10000000000 100000\n");
	assert_int_equal(budget_processors(root), all);
	put_file("/sys/fs/cgroup/a/cpu.max", "50000 100000\n"); /* half of one */
	assert_int_equal(budget_processors(root), 1);
	put_file("/proc/self/cgroup", "3:cpuset:/box\n2:cpuacct,cpu:/box\n");
	assert_int_equal(budget_processors(root), all);
	put_file("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
	put_file("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
	assert_int_equal(budget_processors(root), all);
	put_file("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "100000\n");
	assert_int_equal(budget_processors(root), 1);
}

/* Runs on one processor see one. */
static void processors_are_those_it_is_bound_to(void **state)
{
	cpu_set_t was, one;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(was), &was), 0);
	CPU_ZERO(&one);
	for (int k = 0; !CPU_COUNT(&one); k++)
		if (CPU_ISSET(k, &was))
			CPU_SET(k, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(budget_processors(""), 1);
	assert_int_equal(default_threads(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(was), &was), 0);
	assert_in_range(default_threads(), 1, THREADS_MAX);
}

static void this_machine_says_something(void **state)
{
	(void)state;
	assert_true(budget_resident() > 100000);
	assert_true(budget_available("") > 1000000);
}

static void numbers_are_in_words(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(budget_count(0, text), "0");
	assert_string_equal(budget_count(999, text), "999");
	assert_string_equal(budget_count(124610, text), "124,610");
	assert_string_equal(budget_count(1614561282, text), "1,614,561,282");
	assert_string_equal(budget_bytes(264, text), "264 B");
	assert_string_equal(budget_bytes(999.4, text), "999 B");
	assert_string_equal(budget_bytes(999.5, text), "1.0 kB");
	assert_string_equal(budget_bytes(93448, text), "93 kB");
	assert_string_equal(budget_bytes(6376024, text), "6.4 MB");
	assert_string_equal(budget_bytes(9.223e18, text), "9.2 EB");
	assert_string_equal(budget_flop(700416, text), "700 kFLOP");
}

static struct cost cost_of(enum cost_part part, int64_t bytes, const char *group)
{
	struct cost c = {.groups = 1, .parameters = 250000000, .bytes = 1000000000};

	snprintf(c.group[0].name, sizeof(c.group[0].name), "%s", group);
	c.group[0].parameters = c.parameters;
	c.memory[COST_WEIGHTS] = c.bytes;
	c.memory[COST_TEXTS] = c.memory[COST_PROGRAM] = 400000000; /* there already */
	c.memory[part] = bytes;
	return c;
}

static void what_does_not_fit_is_refused_with_its_numbers(void **state)
{
	static const struct {
		enum cost_part part;
		const char *group, *lower;
	} table[] = {
		{COST_SNAPSHOTS, "embedding", "lower embed or max_vocab"},
		{COST_OPTIMIZER, "l0", "lower hidden, embed or layers"},
		{COST_SNAPSHOTS, "head", "lower hidden or max_vocab"},
		{COST_GRADIENTS, "l0", "lower threads, or hidden and embed"},
		{COST_ACTIVATIONS, "l0", "lower batch, or max_len (of a stream: window)"},
		{COST_VALIDATION, "l0", "lower max_len or threads"},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
		const struct cost c = cost_of(table[k].part, 3000000000, table[k].group);
		struct err err = {0};

		assert_true(budget_check(&c, 4000000000, &err));
		assert_false(budget_check(&c, 3999999999, &err));
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(strstr(err.msg, "250,000,000 parameters (1.0 GB) needs 4.0 GB"));
		assert_non_null(strstr(err.msg, "most of it (3.0 GB) for "));
		assert_non_null(strstr(err.msg, cost_part_name(table[k].part)));
		assert_non_null(strstr(err.msg, "there are 4.0 GB"));
		assert_non_null(strstr(err.msg, table[k].lower));
	}
}

static void threads_default_to_the_processors(void **state)
{
	char *data = mem_printf("%s/six.tsv", root);
	struct settings s;
	struct prepared p;

	(void)state;
	put_file("/six.tsv", "pos\tgood day\nneg\tbad day\npos\tvery good\nneg\tvery bad\n");
	settings_default(&s);
	assert_true(settings_set(&s, "data", data, NULL));
	assert_true(prepare(&s, &p, NULL));
	assert_int_equal(p.settings.threads, default_threads());
	assert_int_equal(p.spec.learn.threads, default_threads());
	prepared_release(&p);
	assert_true(settings_set(&s, "threads", "3", NULL));
	assert_true(prepare(&s, &p, NULL));
	assert_int_equal(p.spec.learn.threads, 3);
	prepared_release(&p);
	settings_release(&s);
	free(data);
}

static void a_preparation_refuses_before_it_draws_weights(void **state)
{
	struct settings s;
	struct prepared p;
	struct err err = {0};
	char *data = mem_printf("%s/six.tsv", root);
	int64_t before, need;

	(void)state;
	put_file("/six.tsv", "pos\tgood day\nneg\tbad day\npos\tvery good\nneg\tvery bad\n");
	settings_default(&s);
	assert_true(settings_set(&s, "data", data, NULL));
	assert_true(settings_set(&s, "threads", "2", NULL));
	assert_true(settings_set(&s, "valid_split", "0", NULL));
	assert_true(prepare_within(&s, INT64_MAX, &p, &err));
	need = cost_memory(&p.cost) - p.cost.memory[COST_TEXTS] - p.cost.memory[COST_PROGRAM];
	assert_int_equal(p.cost.texts, 4);
	assert_int_equal(p.cost.tokens, 8);
	prepared_release(&p);
	assert_true(prepare_within(&s, need, &p, &err));
	prepared_release(&p);
	assert_false(prepare_within(&s, need - 1, &p, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(p.encoder);

	assert_true(settings_set(&s, "hidden", "4096", NULL)); /* 1.1 GB of weights */
	assert_true(settings_set(&s, "embed", "4096", NULL));
	assert_true(settings_set(&s, "layers", "2", NULL));
	before = budget_resident();
	assert_false(prepare_within(&s, 2000000000, &p, &err));
	assert_true(budget_resident() < before + 100000000);
	settings_release(&s);
	free(data);
}

int main(void)
{
#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		IN_ROOT(nothing_known_is_no_limit),
		IN_ROOT(groups_of_version_2_limit),
		IN_ROOT(groups_of_version_1_limit),
		IN_ROOT(processors_are_counted_within_limits),
		cmocka_unit_test(processors_are_those_it_is_bound_to),
		IN_ROOT(threads_default_to_the_processors),
		cmocka_unit_test(this_machine_says_something),
		cmocka_unit_test(numbers_are_in_words),
		cmocka_unit_test(what_does_not_fit_is_refused_with_its_numbers),
		IN_ROOT(a_preparation_refuses_before_it_draws_weights),
	};

	return cmocka_run_group_tests_name("app_budget", tests, NULL, NULL);
}

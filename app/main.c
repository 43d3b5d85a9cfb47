/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/command.h"
#include "app/place.h"
#include "app/settings.h"
#include "app/workbench.h"

#include "engine/math/blas.h"
#include "engine/math/level.h"
#include "store/find.h"

#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const struct err *err)
{
	fflush(stdout);
	fprintf(stderr, "sluice: %s\n", err->msg[0] ? err->msg : "it failed");
	return err_exit_code(err->code);
}

static int run_command(const struct command *cmd, int argc, char **argv, struct context *c)
{
	struct err err = {0};
	struct args args;
	char *store = NULL;
	int status = 0;

	if (!args_parse(cmd, argc, argv, c, &args, &err))
		return complain(&err);
	if (cmd->run != command_help) {
		store = place_store(c->store, &err);
		c->store = store;
	}
	if (err.code || !cmd->run(c, &args, &err))
		status = complain(&err);
	free(store);
	if (fflush(stdout) && errno != EPIPE &&
	    !status) { /* a reader that has gone is no failure */
		err_set(&err, ERR_FAILED, "cannot write the answer: %s", strerror(errno));
		status = complain(&err);
	}
	return status;
}

/* Whether the store can be read, and has the run in it where one is named. */
static bool is_there(const char *path, const char *run, struct err *err)
{
	struct stat st;
	struct err command = {0}, first;
	struct run_ref ref;
	struct store *s;
	bool ok;

	if (!run && (stat(path, &st) || (S_ISREG(st.st_mode) && !st.st_size)))
		return true; /* the workbench makes one */
	s = store_open_current(path, err);
	ok = s && (!run || store_run_find(s, run, &ref, err));
	store_close(s);
	if (ok || !run || command_unknown(run, CMD_SHELL, &command) ||
	    (err->code != ERR_NO_RUN && !(err->code == ERR_STORE && stat(path, &st))))
		return ok;
	first = *err;
	return err_set(err, ERR_NO_RUN, "%.220s; and %.220s", first.msg, command.msg);
}

/* Runs it, on the terminal or, with a command file alone, without one. */
static int open_workbench(struct context *c, const struct args *a)
{
	const char *run = a->pos_count ? a->pos[0] : NULL, *script = args_value(a, "--script");
	const bool headless = script && !args_has(a, "--tui"), given = args_has(a, "-c");
	struct settings settings;
	struct err err = {0};
	char *store;
	int status;

	settings_default(&settings);
	store = place_store(c->store, &err);
	c->store = store;
	if (!store || !is_there(store, run, &err) ||
	    (given && !settings_load(&settings, args_value(a, "-c"), &err)))
		status = complain(&err);
	else if (headless)
		status = workbench_run_headless(c, run, given ? &settings : NULL, script);
	else
		status = workbench_run(c, run, given ? &settings : NULL, script);
	settings_release(&settings);
	free(store);
	return status;
}

/* Says that a command comes first, where there is one behind an option. */
static void turned_round(int argc, char **argv, struct err *err)
{
	for (int k = 2; k < argc; k++)
		if (command_find(argv[k], CMD_SHELL)) {
			err_set(err, ERR_USAGE,
				"%.40s stands before the command; write 'sluice %s' first, "
				"its options after it",
				argv[1], argv[k]);
			return;
		}
}

/* sluice [RUN] [-c FILE]: the workbench, where there is a terminal, or for a command file. */
static int without_command(int argc, char **argv, struct context *c)
{
	static const struct option options[] = {
		{"-c", "FILE.ini", "settings to train with"},
		{"--script", "FILE", "run the commands of a file; - is standard input"},
		{"--tui", NULL, "on the screen"},
		{NULL, NULL, NULL}};
	static const struct command workbench = {"sluice",
						 "[RUN] [-c FILE.ini] [--script FILE [--tui]]",
						 "The workbench",
						 CMD_SHELL,
						 0,
						 1,
						 options,
						 NULL,
						 NULL};
	const bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	char word[] = "help", *help[] = {word, NULL};
	struct err err = {0};
	struct args a;

	if (!args_parse(&workbench, argc, argv, c, &a, &err) ||
	    (a.pos_count && command_find(a.pos[0], CMD_SHELL))) {
		turned_round(argc, argv, &err);
		return complain(&err);
	}
	if (args_has(&a, "--tui") && !args_has(&a, "--script")) {
		err_set(&err, ERR_USAGE,
			"--tui is for a command file: add --script FILE, or leave it out");
		return complain(&err);
	}
	if (args_has(&a, "--script"))
		return open_workbench(c, &a);
	if (!terminal && a.pos_count) {
		command_unknown(a.pos[0], CMD_SHELL, &err);
		return complain(&err);
	}
	if (!terminal) {
		c->out = stderr;
		run_command(command_find("help", CMD_SHELL), 1, help, c);
		return 2;
	}
	return open_workbench(c, &a);
}

/* A level of vector instructions that is held down to, but is none. */
static void check_level(void)
{
	const char *wanted = getenv("SLUICE_SIMD");
	bool known = !wanted || !*wanted;

	for (int l = 0; l < LEVEL_COUNT; l++)
		known |= wanted && !strcmp(wanted, level_name((enum level)l));
	if (!known)
		fprintf(stderr,
			"sluice: SLUICE_SIMD is %s, %s or %s, not '%.40s': left out of account\n",
			level_name(LEVEL_PORTABLE), level_name(LEVEL_AVX2),
			level_name(LEVEL_AVX512), wanted);
}

int main(int argc, char **argv)
{
	struct context c = {.out = stdout, .program = argv[0], .argc = argc, .argv = argv};
	const char *first = argc > 1 ? argv[1] : NULL;
	const struct command *cmd = first ? command_find(first, CMD_SHELL) : NULL;
	char help_word[] = "help", *help[] = {help_word, NULL, NULL};

#ifdef M_MMAP_THRESHOLD
	/* Weights come and go with every checkpoint; the default lets the heap keep their room. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	signal(SIGPIPE, SIG_IGN);
	blas_single_thread();
	check_level();
	if (first && !strcmp(first, "--version")) {
		printf("sluice %s\n", SLUICE_VERSION);
		return 0;
	}
	if (first && (!strcmp(first, "--help") || !strcmp(first, "-h")))
		return run_command(command_find("help", CMD_SHELL), 1, help, &c);
	if (cmd && cmd->flags & CMD_SHELL) {
		for (int k = 2; k < argc; k++)
			if (!strcmp(argv[k], "--help")) {
				help[1] = argv[1];
				return run_command(command_find("help", CMD_SHELL), 2, help, &c);
			}
		return run_command(cmd, argc - 1, argv + 1, &c);
	}
	return without_command(argc, argv, &c);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands: one table for shell, console and keys. A command is one entry and one function; help,
 * completion and option parsing follow from the entry.
 *
 * Commands that answer with rows run on any thread and open what they need themselves; in the
 * workbench they run on the job thread. Commands that steer the workbench run on its own thread.
 */
#ifndef SLUICE_APP_COMMAND_COMMAND_H
#define SLUICE_APP_COMMAND_COMMAND_H

#include "app/answer/output.h"
#include "engine/base/buf.h"
#include "engine/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct workbench;

struct option {
	const char *name;  /* "--data" */
	const char *value; /* what follows it, or NULL for a flag */
	const char *help;
};

enum command_flags {
	CMD_SHELL = 1,    /* sluice NAME ... */
	CMD_CONSOLE = 2,  /* :NAME ..., answers in the workbench */
	CMD_UI = 4,       /* steers the workbench: runs on its thread */
	CMD_REST = 8,     /* in the console the last argument takes the rest of the line */
	CMD_RUN = 16,     /* in the console the first argument, a RUN, may be left out */
	CMD_PICTURE = 32, /* its answer has a picture, which --svg writes */
	CMD_TEXT = 64, /* in the console --text may be left out: then it is the sentence of Gates */
	CMD_JOIN = 128,  /* in the console its expression needs no quotes */
	CMD_ASKED = 1024 /* in a command file it may stand where a question waits for its answer */
};

struct args;
struct context;

struct command {
	const char *name, *usage, *help;
	unsigned flags;
	int min_pos, max_pos;         /* positional arguments; max -1: any number */
	const struct option *options; /* ended by a NULL name; NULL: none */
	bool (*run)(struct context *c, const struct args *a, struct err *err);
	const char *(*complete)(int index); /* first argument's names, or NULL */
};

/* What a command may use. */
struct context {
	const char *store;   /* path of the store */
	const char *program; /* argv[0] */
	int argc;
	char **argv; /* the whole command line, for the run's record; NULL in the console */
	enum output_format format;
	bool quiet, yes;
	FILE *out;    /* NULL in the console: rows go to answer */
	bool exact;   /* those are not for a table: numbers as they are */
	bool untimed; /* the same answer every time: what the clock says is left out */
	struct answer *answer;
	struct buf *text;     /* the console's one-line answers */
	struct workbench *ui; /* NULL headless */
	const char *open_run; /* the console's open run, or NULL */
	const int *cancel;    /* set when the user gave up, or NULL */
	struct job *job;      /* the console's, which tells how far it is, or NULL */
};

/* Parsed arguments. */
enum { ARGS_MAX = 256 };
struct args {
	const struct command *command;
	int pos_count;
	const char *pos[ARGS_MAX];
	int option_count;
	const char *option[ARGS_MAX], *value[ARGS_MAX];
};

const struct command *command_at(int index); /* NULL past the end */
/* The command of that name among those with the flag: CMD_SHELL or CMD_CONSOLE. */
const struct command *command_find(const char *name, unsigned flag);
/* ERR_USAGE for a name that command_find does not know, with the nearest one that it does. */
bool command_unknown(const char *name, unsigned flag, struct err *err);
/* Options that every shell command takes. */
extern const struct option command_common[];

/* Parses argv[1..]; argv[0] is the command's name. Common options go into c. ERR_USAGE. */
bool args_parse(const struct command *cmd, int argc, char **argv, struct context *c,
		struct args *out, struct err *err);
const char *args_value(const struct args *a, const char *option); /* the last given, or NULL */
bool args_has(const struct args *a, const char *option);
/* The option's whole number from 1 to max; *n stays as it is where the option is not given. */
bool args_number(const struct args *a, const char *option, int64_t max, int64_t *n,
		 struct err *err);

/* The option's number between two others, likewise. */
bool args_real(const struct args *a, const char *option, double min, double max, double *v,
	       struct err *err);

/* Splits a console line into words: blanks separate, quotes hold together. The words lie in one
 * block to be freed with free(*block). ERR_USAGE for an open quote. */
bool words_split(const char *line, char **words, int max, int *count, char **block,
		 struct err *err);

/* One line of answer: to standard output, or to the console's message. */
void context_say(struct context *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Asks before something is destroyed; ERR_USAGE where nobody can be asked. */
bool context_confirm(struct context *c, const char *question, struct err *err);
/* The same before a file is written over, if there is one. */
bool context_overwrite(struct context *c, const char *path, struct err *err);

/* Opens the store that the command line means. NULL with err set. */
struct store;
struct store *context_store(struct context *c, bool write, struct err *err);

/* Opens a store to list its runs: runs whose process has died are marked as crashed on the way, if
 * the store can be written. */
struct store *store_open_current(const char *path, struct err *err);

/* Loads the checkpoint that RUN names. */
struct loaded;
bool context_load(struct context *c, const char *run, struct loaded *out, struct err *err);

/* The commands, one file each (or one a family). */
bool command_train(struct context *c, const struct args *a, struct err *err);
bool command_cost(struct context *c, const struct args *a, struct err *err);
bool command_resume(struct context *c, const struct args *a, struct err *err);
bool command_fork(struct context *c, const struct args *a, struct err *err);
bool command_tune(struct context *c, const struct args *a, struct err *err);
bool command_eval(struct context *c, const struct args *a, struct err *err);
bool command_predict(struct context *c, const struct args *a, struct err *err);
bool command_trace(struct context *c, const struct args *a, struct err *err);
bool command_generate(struct context *c, const struct args *a, struct err *err);
bool command_translate(struct context *c, const struct args *a, struct err *err);
bool command_encode(struct context *c, const struct args *a, struct err *err);
bool command_near(struct context *c, const struct args *a, struct err *err);
bool command_print(struct context *c, const struct args *a, struct err *err);
bool command_equations(struct context *c, const struct args *a, struct err *err);
bool command_search(struct context *c, const struct args *a, struct err *err);
bool command_whatif(struct context *c, const struct args *a, struct err *err);
bool command_ledger(struct context *c, const struct args *a, struct err *err);
bool command_diff(struct context *c, const struct args *a, struct err *err);
bool command_gradient(struct context *c, const struct args *a, struct err *err);
bool command_attribute(struct context *c, const struct args *a, struct err *err);
bool command_saturation(struct context *c, const struct args *a, struct err *err);
bool command_travel(struct context *c, const struct args *a, struct err *err);
bool command_padding(struct context *c, const struct args *a, struct err *err);
bool command_project(struct context *c, const struct args *a, struct err *err);
bool command_unit(struct context *c, const struct args *a, struct err *err);
bool command_match(struct context *c, const struct args *a, struct err *err);
bool command_runs(struct context *c, const struct args *a, struct err *err);
bool command_show(struct context *c, const struct args *a, struct err *err);
bool command_query(struct context *c, const struct args *a, struct err *err);
bool command_export(struct context *c, const struct args *a, struct err *err);
bool command_rename(struct context *c, const struct args *a, struct err *err);
bool command_note(struct context *c, const struct args *a, struct err *err);
bool command_tag(struct context *c, const struct args *a, struct err *err);
bool command_untag(struct context *c, const struct args *a, struct err *err);
bool command_rm(struct context *c, const struct args *a, struct err *err);
bool command_restore(struct context *c, const struct args *a, struct err *err);
bool command_help(struct context *c, const struct args *a, struct err *err);

extern const struct option options_train[], options_cost[], options_resume[], options_fork[],
	options_eval[], options_trace[], options_predict[], options_generate[], options_translate[],
	options_encode[], options_near[], options_print[], options_equations[], options_search[],
	options_whatif[], options_ledger[], options_diff[], options_gradient[], options_attribute[],
	options_saturation[], options_travel[], options_padding[], options_project[],
	options_unit[], options_match[], options_note[], options_runs[], options_query[];

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of the console's grammar: SQL, a command whose words are split, or one that takes some of it as it stands. */
#include "app/desk/desk.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_sql(const char *line)
{
	static const char *const begin[] = {"select", "with", "values", "explain"};

	for (size_t k = 0; k < sizeof(begin) / sizeof(begin[0]); k++) {
		const size_t n = strlen(begin[k]);

		if (!strncasecmp(line, begin[k], n) &&
		    (line[n] == ' ' || line[n] == '\t' || line[n] == '('))
			return true;
	}
	return false;
}

static void run_words(struct workbench *w, const struct command *cmd, int argc, char **argv)
{
	struct context c = w->context;
	struct err err = {0};
	struct args args;

	if (!(cmd->flags & CMD_UI)) {
		desk_command(w, cmd, argc, argv);
		return;
	}
	c.ui = w;
	if (!args_parse(cmd, argc, argv, &c, &args, &err) || !cmd->run(&c, &args, &err))
		workbench_err(w, &err);
}

/* Whether a word is an option of the command, so that the rest of the line is no text. */
static bool is_option(const struct command *cmd, const char *word)
{
	const struct option *const list[] = {cmd->options, command_common};

	for (int k = 0; k < 2; k++)
		for (const struct option *o = list[k]; o && o->name; o++)
			if (!strcmp(o->name, word))
				return true;
	return !strncmp(word, "--", 2);
}

/* A command whose last argument is the rest of the line, as it stands there: quotes belong to it, and there may be
 * any number of words. false: it is none, or nothing or an option stands behind it. */
static bool run_rest(struct workbench *w, const char *line)
{
	const size_t n = strcspn(line, " \t"), at = n + strspn(line + n, " \t");
	char *name = mem_bytes(line, n), *next = mem_bytes(line + at, strcspn(line + at, " \t"));
	const struct command *cmd = command_find(name, CMD_CONSOLE);
	const bool is = cmd && cmd->flags & CMD_REST && *next && !is_option(cmd, next);

	if (is) {
		char *rest = mem_text(line + n + 1), end[] = "--";
		char *all[] = {name, end, rest}, *plain[] = {name, rest};
		const bool dash = *rest == '-';

		run_words(w, cmd, dash ? 3 : 2, dash ? all : plain);
		free(rest);
	}
	free(name);
	free(next);
	return is;
}

/* Whether a word in front of an expression is a RUN: no part of one, and no operator behind it. */
static bool is_run(const char *word, const char *behind)
{
	static const char *const edit[] = {"ablate", "word", "insert", "remove"};

	for (size_t k = 0; k < sizeof(edit) / sizeof(edit[0]); k++)
		if (!strcmp(word, edit[k]))
			return false;
	return *behind && !strpbrk(word, "[(<>=!&|,") && !strchr("<>=!+*/&|@", *behind) &&
	       strncmp(behind, "- ", 2) != 0;
}

/* Where the options behind an expression begin: at " --", but in no text. */
static size_t expression_length(const char *text)
{
	bool quoted = false;
	size_t n = 0;

	for (; text[n]; n++) {
		quoted ^= text[n] == '"';
		if (!quoted && !strncmp(text + n, " --", 3))
			break;
	}
	return n;
}

/* A command that takes an expression, which needs no quotes where no RUN stands before it. false: it is none, or has
 * quotes, and its words are to be split. */
static bool run_expression(struct workbench *w, const char *line)
{
	const size_t n = strcspn(line, " \t"), at = n + strspn(line + n, " \t");
	char *name = mem_bytes(line, n), *first = mem_bytes(line + at, strcspn(line + at, " \t"));
	const char *behind = line + at + strlen(first);
	const struct command *cmd = command_find(name, CMD_CONSOLE);
	char *words[ARGS_MAX], *block = NULL, *expression;
	size_t length = expression_length(line + at);
	struct err err = {0};
	int count = 0;
	bool is = cmd && cmd->flags & CMD_JOIN && *first && !strchr("'\"-", *first);

	behind += strspn(behind, " \t");
	is = is && !is_run(first, behind);
	free(first);
	if (is && !words_split(line + at + length, words + 2, ARGS_MAX - 2, &count, &block, &err)) {
		workbench_err(w, &err);
	} else if (is) {
		words[0] = name;
		words[1] = expression = mem_bytes(line + at, length);
		run_words(w, cmd, count + 2, words);
		free(expression);
	}
	free(block);
	free(name);
	return is;
}

void workbench_line(struct workbench *w, const char *line)
{
	char *words[ARGS_MAX], *block = NULL;
	const struct command *cmd;
	struct err err = {0};
	int count;

	while (*line == ' ' || *line == '\t')
		line++;
	if (!*line)
		return;
	if (is_sql(line)) {
		char query[] = "query", *copy = mem_text(line);
		char *argv[] = {query, copy};

		run_words(w, command_find("query", CMD_CONSOLE), 2, argv);
		free(copy);
		return;
	}
	if (run_rest(w, line) || run_expression(w, line))
		return;
	if (!words_split(line, words, ARGS_MAX, &count, &block, &err)) {
		workbench_err(w, &err);
		return;
	}
	cmd = command_find(words[0], CMD_CONSOLE);
	if (cmd) {
		run_words(w, cmd, count, words);
	} else {
		command_unknown(words[0], CMD_CONSOLE, &err);
		workbench_err(w, &err);
	}
	free(block);
}

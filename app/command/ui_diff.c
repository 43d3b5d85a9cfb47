/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui_diff.h"

#include "app/desk/desk.h"
#include "engine/base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct words {
	char *at[ARGS_MAX];
	int count;
};

static void add(struct words *w, const char *word)
{
	if (w->count < ARGS_MAX)
		w->at[w->count++] = mem_text(word);
}

/* Runs them in the background, and releases them. What they leave out is the run that is open and the
 * sentence that is looked at. */
static void run(struct workbench *ui, struct words *w)
{
	desk_command(ui, command_find("diff", CMD_SHELL), w->count, w->at);
	while (w->count)
		free(w->at[--w->count]);
}

static void compare_with(struct workbench *ui, const char *with)
{
	struct words w = {0};

	add(&w, "diff");
	add(&w, "--with");
	add(&w, with + strspn(with, " "));
	run(ui, &w);
}

/* Whether an option stands in a line. */
static bool has_option(const char *line)
{
	for (const char *at = line; (at = strstr(at, " --")); at += 3)
		if (isalpha((unsigned char)at[3]))
			return true;
	return false;
}

/* A line with options is the shell's. */
static bool run_options(struct workbench *ui, const struct args *a, const char *rest,
			struct err *err)
{
	char *own[ARGS_MAX], *block = NULL;
	struct words w = {0};
	int n = 0;

	if (rest && !words_split(rest, own, ARGS_MAX, &n, &block, err))
		return false;
	add(&w, "diff");
	for (int k = 0; k < a->option_count; k++) {
		const struct option *o = options_diff;

		while (strcmp(o->name, a->option[k]) != 0)
			o++;
		add(&w, o->name);
		if (o->value)
			add(&w, a->value[k]);
	}
	for (int k = 0; k < (rest ? n : a->pos_count); k++)
		add(&w, rest ? own[k] : a->pos[k]);
	run(ui, &w);
	free(block);
	return true;
}

bool ui_diff(struct context *c, const struct args *a, struct err *err)
{
	if (a->option_count)
		return run_options(c->ui, a, NULL, err);
	if (a->pos_count && has_option(a->pos[0]))
		return run_options(c->ui, a, a->pos[0], err);
	if (!c->ui->current.text)
		return err_set(err, ERR_USAGE, "there is no sentence to compare: i asks for one");
	if (!c->ui->open || !*c->ui->open->id)
		return err_set(err, ERR_USAGE,
			       "diff compares what is stored, and this run has no checkpoint yet");
	if (a->pos_count)
		compare_with(c->ui, a->pos[0]);
	else
		workbench_ask(c->ui, ASK_DIFF, "compare with (a text, or a RUN): ", NULL);
	return true;
}

void ui_answer_diff(struct workbench *w, const char *line)
{
	if (line[strspn(line, " ")])
		compare_with(w, line);
}

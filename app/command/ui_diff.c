/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui_diff.h"

#include "app/desk.h"
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

static void insert(struct words *w, int index, const char *word)
{
	add(w, word);
	for (int k = w->count - 1; k > index; k--) {
		char *other = w->at[k];

		w->at[k] = w->at[k - 1];
		w->at[k - 1] = other;
	}
}

static void words_release(struct words *w)
{
	while (w->count)
		free(w->at[--w->count]);
}

/* Whether an option stands in a line. */
static bool has_option(const char *line)
{
	for (const char *at = line; (at = strstr(at, " --")); at += 3)
		if (isalpha((unsigned char)at[3]))
			return true;
	return false;
}

/* What was typed, as the shell's command has it; a line without options is one text, or a run. */
static bool read_words(struct words *w, const struct args *a, struct err *err)
{
	char *own[ARGS_MAX], *block = NULL;
	int n = 0;

	add(w, "diff");
	for (int k = 0; k < a->option_count; k++) {
		add(w, a->option[k]);
		if (strcmp(a->option[k], "--no-header") != 0)
			add(w, a->value[k]);
	}
	if (a->pos_count == 1 && !has_option(a->pos[0])) {
		add(w, "--with");
		add(w, a->pos[0] + strspn(a->pos[0], " "));
		return true;
	}
	if (a->pos_count == 1 && !words_split(a->pos[0], own, ARGS_MAX - 8, &n, &block, err))
		return false;
	for (int k = 0; k < (n ? n : a->pos_count); k++)
		add(w, n ? own[k] : a->pos[k]);
	free(block);
	return true;
}

/* The weights that are looked at, as RUN@STEP; those in training as they were kept last. NULL with err set. */
static char *open_run(const struct workbench *w, struct err *err)
{
	const struct open_run *o = w->open;

	if (!o) {
		err_set(err, ERR_USAGE, "open a run first");
		return NULL;
	}
	if (!*o->id) {
		err_set(err, ERR_USAGE, "diff compares what is in the store, and %s is not yet",
			o->name);
		return NULL;
	}
	if (o->live || !o->snapshot)
		return mem_printf("%s@last", o->id);
	return mem_printf("%s@%lld", o->id, (long long)o->snapshot->step);
}

/* What the line leaves out: the sentence, and the run that is open. */
static bool complete_words(struct words *w, struct workbench *ui, struct err *err)
{
	const struct command *shell = command_find("diff", CMD_SHELL);
	struct command any = *shell;
	struct context c = ui->context;
	struct args a;
	char *run;
	int texts = 0;

	any.min_pos = 0;
	if (!args_parse(&any, w->count, w->at, &c, &a, err))
		return false;
	for (int k = 0; k < a.option_count; k++)
		texts += !strcmp(a.option[k], "--text");
	if (!texts && !ui->current.text)
		return err_set(err, ERR_USAGE, "there is no sentence to compare: i asks for one");
	if (!texts) {
		insert(w, 1, "--text");
		insert(w, 2, ui->current.text);
		texts = 1;
	}
	if (a.pos_count > 1 || (a.pos_count && (texts > 1 || args_has(&a, "--with"))))
		return true;
	run = open_run(ui, err);
	if (run)
		insert(w, 1, run);
	free(run);
	return run;
}

/* Runs the words in the background, and releases them. */
static bool run(struct workbench *ui, struct words *w, struct err *err)
{
	const bool ok = complete_words(w, ui, err);

	if (ok)
		desk_command(ui, command_find("diff", CMD_SHELL), w->count, w->at);
	words_release(w);
	return ok;
}

bool ui_diff(struct context *c, const struct args *a, struct err *err)
{
	struct words w = {0};

	if (!a->pos_count && !a->option_count) {
		if (!c->ui->current.text)
			return err_set(err, ERR_USAGE,
				       "there is no sentence to compare: i asks for one");
		workbench_ask(c->ui, ASK_DIFF, "compare with (a text, or a RUN): ", NULL);
		return true;
	}
	if (read_words(&w, a, err))
		return run(c->ui, &w, err);
	words_release(&w);
	return false;
}

void ui_answer_diff(struct workbench *w, const char *line)
{
	const char *with = line + strspn(line, " ");
	struct words words = {0};
	struct err err = {0};

	if (!*with)
		return;
	add(&words, "diff");
	add(&words, "--with");
	add(&words, with);
	run(w, &words, &err);
	if (err.code)
		workbench_say(w, ROLE_error, "%s", err.msg);
}

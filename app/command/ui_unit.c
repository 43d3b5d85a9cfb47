/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui_unit.h"

#include "app/command/explain.h"
#include "app/desk/desk.h"
#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A command line of the shell, put together. */
struct line {
	char *word[ARGS_MAX];
	int count;
};

static void add(struct line *l, const char *word)
{
	if (l->count < ARGS_MAX)
		l->word[l->count++] = mem_text(word);
}

static bool takes_value(const struct command *cmd, const char *option)
{
	const struct option *const list[] = {cmd->options, command_common};

	for (int k = 0; k < 2; k++)
		for (const struct option *o = list[k]; o && o->name; o++)
			if (!strcmp(o->name, option))
				return o->value;
	return false;
}

/* The command and the words behind it. */
static void begin(struct line *l, const struct args *a)
{
	l->count = 0;
	add(l, a->command->name);
	for (int k = 0; k < a->pos_count; k++)
		add(l, a->pos[k]);
}

/* The options that were given. */
static void add_options(struct line *l, const struct args *a)
{
	for (int k = 0; k < a->option_count; k++) {
		add(l, a->option[k]);
		if (takes_value(a->command, a->option[k]))
			add(l, a->value[k]);
	}
}

/* In the background; the answer is shown in Query. */
static void run(struct workbench *w, struct line *l)
{
	desk_command(w, command_find(l->word[0], CMD_SHELL), l->count, l->word);
	while (l->count)
		free(l->word[--l->count]);
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* The layer that Gates shows, where none is named. */
static void add_layer(struct line *l, const struct workbench *w, const struct args *a)
{
	const struct trace *t = w->current.trace;
	char name[24];

	if (!t || args_has(a, "--layer") || t->run[w->gates.run].decoder)
		return;
	add(l, "--layer");
	add(l, explain_layer_name(&t->snapshot->encoder->model, w->gates.run, name));
}

/* The sentence that Gates shows, where no text is given. */
static void add_text(struct line *l, const struct workbench *w, const struct args *a)
{
	if (!w->current.text || args_has(a, "--text"))
		return;
	add(l, "--text");
	add(l, w->current.text);
}

/* `unit`, `unit 12` of the open run, or `unit RUN 12`. */
bool ui_unit(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	const struct trace *t = w->current.trace;
	struct line l;
	char number[16];

	if (!a->pos_count && (!t || !t->T))
		return err_set(err, ERR_USAGE,
			       "unit needs a number, or a sentence in Gates and a unit there");
	if (!a->pos_count && t->run[w->gates.run].decoder)
		return err_set(err, ERR_USAGE,
			       "unit looks at layers that read the text: ] and [ turn to them");
	begin(&l, a);
	if (!a->pos_count) {
		snprintf(number, sizeof(number), "%d", w->gates.unit);
		add(&l, number);
	}
	add_options(&l, a);
	if (!a->pos_count || (a->pos_count == 1 && is_number(a->pos[0])))
		add_layer(&l, w, a);
	run(w, &l);
	return true;
}

bool ui_match(struct context *c, const struct args *a, struct err *err)
{
	const bool here =
		a->pos_count && (!strcmp(a->pos[0], "t") || !strncmp(a->pos[0], "unit", 4));
	struct line l;

	if (here && (!c->ui->open || !*c->ui->open->id))
		return err_set(err, ERR_USAGE, "open a run of the store first");
	begin(&l, a);
	add_options(&l, a);
	if (here)
		add_layer(&l, c->ui, a);
	add_text(&l, c->ui, a);
	run(c->ui, &l);
	return true;
}

/* `note unit 12 TEXT` of the open run, in the layer that Gates shows; else what the shell's command does. */
bool ui_note(struct context *c, const struct args *a, struct err *err)
{
	const bool unit = a->pos_count > 1 && !strcmp(a->pos[0], "unit") && is_number(a->pos[1]);
	struct line l;

	if (unit && (!c->ui->open || !*c->ui->open->id))
		return err_set(err, ERR_USAGE, "open a run of the store first");
	begin(&l, a);
	add_options(&l, a);
	if (unit)
		add_layer(&l, c->ui, a);
	run(c->ui, &l);
	return true;
}

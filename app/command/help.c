/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/command.h"
#include "app/settings.h"

#include <string.h>

static const char *const exit_codes[] = {
	"0 ok",
	"1 failed",
	"2 usage",
	"3 no such run, or more than one",
	"4 store not writable, busy or of another version",
	"5 store damaged",
	"6 query out of time or cancelled",
	"7 training diverged",
	"8 bad input file",
	"130, 143 by signal",
};

static const char *const expressions[] = {
	"Expressions (print, search, break, watch, until, display); the shell wants quotes:",
	"",
	"  f[12] < 0.1 && word == \"not\"    mean(i) > 0.9    d(c[3]) > 0.5    l1.bw.h[2]@4 > 0",
	"",
	"  i f g o c h, of a GRU r z n h    with a unit in brackets, or all of them as a vector",
	"  z_i, z_f ...                     a gate before its activation",
	"  x                                what the layer reads",
	"  @T                               behind a signal: at that step, from 1",
	"  l1. bw. dec.                     before it: of that layer, direction or side",
	"  word, unknown, t, T, layer       the word, if the run knows it not, and where it is",
	"  p(LABEL)                         the class's probability, if the text ended there",
	"  prev(E), d(E)                    the value a step before, and the change since",
	"  abs mean sum max min norm argmax",
	"  + - * / < <= > >= == != && || !  as in C; a vector holds if any of its numbers is not 0",
	"",
	"Edits (whatif, set); where no step is named set means the one here, whatif all:",
	"",
	"  f[12] = 0 @3..5                  a gate, or h or c, of a unit or of several (f[3,17])",
	"  f = 1 @2                         a whole gate",
	"  ablate 3,17                      c and h of these units held at 0",
	"  word @4 = so                     another word",
	"  insert @3 = very                 a word put in front of step 3",
	"  remove @1                        a word taken out",
};

/* Without --svg, unless there are pictures. */
static void list_options(struct context *c, const struct option *o, bool pictures)
{
	char left[64];

	for (; o && o->name; o++) {
		if (!pictures && !strcmp(o->name, "--svg"))
			continue;
		snprintf(left, sizeof(left), "%s%s%s", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		fprintf(c->out, "  %-22s %s\n", left, o->help);
	}
}

static void help_all(struct context *c)
{
	fprintf(c->out,
		"Sluice %s: a workbench for LSTM encoders\n\n"
		"  sluice [RUN] [-c FILE.ini]    the workbench, on a terminal\n"
		"  sluice [RUN] --script FILE    a file of its commands, headless (with --tui on "
		"the "
		"terminal)\n"
		"  sluice COMMAND ...            one command, headless\n\nCommands:\n",
		SLUICE_VERSION);
	for (int k = 0; command_at(k); k++)
		if (command_at(k)->flags & CMD_SHELL)
			fprintf(c->out, "  %-10s %s\n", command_at(k)->name, command_at(k)->help);
	fprintf(c->out, "\nRUN is an id (8 hex digits, or at least 4 of them), a name, last, "
			"last~2 or best:METRIC;\n"
			"it means the run's best checkpoint. RUN@last and RUN@STEP name "
			"others.\n\nOptions of every command:\n");
	list_options(c, command_common, true);
	fprintf(c->out, "\nMore: sluice help COMMAND, sluice help console, sluice help settings, "
			"sluice help expressions, sluice help exit\n");
}

static void help_console(struct context *c)
{
	fprintf(c->out, "Commands of the console (after :) and of command files:\n\n");
	for (int k = 0; command_at(k); k++)
		if (command_at(k)->flags & CMD_CONSOLE)
			fprintf(c->out, "  %s%s%s\n      %s\n", command_at(k)->name,
				*command_at(k)->usage ? " " : "", command_at(k)->usage,
				command_at(k)->help);
	fprintf(c->out, "  SELECT ...\n      Ask the store in SQL\n");
}

static void help_settings(struct context *c)
{
	fprintf(c->out,
		"Settings: --set name=value, or a line 'name = value' in a settings file.\n\n");
	for (int k = 0; setting_at(k); k++) {
		const struct setting *s = setting_at(k);

		fprintf(c->out, "  %-13s %s%s%s%s", s->name, s->help, s->value ? " (default " : "",
			s->value ? s->value : "", s->value ? ")" : "");
		for (int j = 0; s->choice && s->choice(j); j++)
			fprintf(c->out, "%s%s", j ? ", " : ": ", s->choice(j));
		fputc('\n', c->out);
	}
}

static void help_command(struct context *c, const struct command *cmd)
{
	fprintf(c->out, "sluice %s %s\n\n%s.\n", cmd->name, cmd->usage, cmd->help);
	if (strstr(cmd->usage, "EXPRESSION") || strstr(cmd->usage, "EDIT"))
		fprintf(c->out, "What %s is: sluice help expressions.\n",
			strstr(cmd->usage, "EDIT") ? "an edit" : "an expression");
	if (cmd->options) {
		fprintf(c->out, "\nOptions:\n");
		list_options(c, cmd->options, true);
	}
	fprintf(c->out, "\nOptions of every command:\n");
	list_options(c, command_common, cmd->flags & CMD_PICTURE);
}

bool command_help(struct context *c, const struct args *a, struct err *err)
{
	const char *topic = a->pos_count ? a->pos[0] : NULL;
	const struct command *cmd = topic ? command_find(topic, CMD_SHELL) : NULL;

	if (!topic) {
		help_all(c);
	} else if (!strcmp(topic, "settings")) {
		help_settings(c);
	} else if (!strcmp(topic, "console")) {
		help_console(c);
	} else if (!strcmp(topic, "exit")) {
		for (size_t k = 0; k < sizeof(exit_codes) / sizeof(exit_codes[0]); k++)
			fprintf(c->out, "  %s\n", exit_codes[k]);
	} else if (!strcmp(topic, "expressions")) {
		for (size_t k = 0; k < sizeof(expressions) / sizeof(expressions[0]); k++)
			fprintf(c->out, "%s\n", expressions[k]);
	} else if (cmd) {
		help_command(c, cmd);
	} else {
		return command_unknown(topic, CMD_SHELL, err);
	}
	return true;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of commands. */
#include "app/command/command.h"
#include "app/command/ui.h"

#include <string.h>

static const struct option options_none[] = {{NULL, NULL, NULL}};

// clang-format off
static const struct command shell[] = {
	{"train",   "[-c FILE] [--set name=value]... --data FILE", "Train an encoder", CMD_SHELL, 0, 0, options_train, command_train, NULL},
	{"cost",    "[-c FILE] [--set name=value]... --data FILE", "Say what a training would cost: parameters, arithmetic, memory, time", CMD_SHELL, 0, 0, options_cost, command_cost, NULL},
	{"resume",  "RUN[@STEP]", "Go on training a run as if it had never stopped", CMD_SHELL, 1, 1, options_resume, command_resume, NULL},
	{"fork",    "RUN[@STEP]", "Go on from a run's checkpoint as a new run", CMD_SHELL, 1, 1, options_fork, command_fork, NULL},
	{"tune",    "RUN[@STEP] [-c FILE] [--set name=value]... --data FILE", "Train on from a run's encoder: other texts, other classes, another task", CMD_SHELL, 1, 1, options_train, command_tune, NULL},
	{"eval",    "RUN --data FILE", "Measure a run on texts", CMD_SHELL | CMD_CONSOLE | CMD_RUN, 1, 1, options_eval, command_eval, NULL},
	{"predict", "RUN [--data FILE]", "Classify texts, write them again, or answer them, one a line", CMD_SHELL, 1, 1, options_predict, command_predict, NULL},
	{"trace",   "RUN --text TEXT", "Every gate of every step for a text", CMD_SHELL | CMD_PICTURE, 1, 1, options_trace, command_trace, NULL},
	{"generate", "RUN [--text PROMPT]", "Write text: on from a prompt, or a text again from its vector", CMD_SHELL | CMD_CONSOLE | CMD_RUN, 1, 1, options_generate, command_generate, NULL},
	{"translate", "RUN [--text TEXT | --data FILE]", "Translate texts, one a line", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_REST, 1, 1, options_translate, command_translate, NULL},
	{"summarize", "RUN [--text TEXT | --data FILE]", "Summarize texts, one a line", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_REST, 1, 1, options_translate, command_translate, NULL},
	{"encode",  "RUN [--data FILE | --text TEXT]", "Texts as vectors", CMD_SHELL | CMD_CONSOLE | CMD_RUN, 1, 1, options_encode, command_encode, NULL},
	{"near",    "RUN --text TEXT", "The texts whose vectors are nearest to a text's", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_TEXT, 1, 1, options_near, command_near, NULL},
	{"print",   "RUN EXPRESSION... --text TEXT", "What expressions over gates are at each step of a text", CMD_SHELL | CMD_RUN | CMD_PICTURE | CMD_TEXT | CMD_JOIN, 2, -1, options_print, command_print, NULL},
	{"equations", "RUN --text TEXT --unit N", "A unit's equations at one step, with the numbers put in", CMD_SHELL | CMD_RUN | CMD_TEXT, 1, 1, options_equations, command_equations, NULL},
	{"search",  "RUN EXPRESSION [--data FILE]", "Where in many texts an expression over gates holds", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_JOIN, 2, 2, options_search, command_search, NULL},
	{"whatif",  "RUN EDIT... --text TEXT", "What becomes of the classes where gates or states are set by hand", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_JOIN | CMD_TEXT, 2, -1, options_whatif, command_whatif, NULL},
	{"ledger",  "RUN --text TEXT", "What each word of a text wrote into the memory, and what is left of it", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_PICTURE | CMD_TEXT, 1, 1, options_ledger, command_ledger, NULL},
	{"diff",    "RUN [RUN] --text TEXT [--text TEXT]", "Two texts, checkpoints, runs or cells beside each other, and where they part", CMD_SHELL | CMD_RUN | CMD_PICTURE | CMD_TEXT, 1, 2, options_diff, command_diff, NULL},
	{"gradient", "RUN --text TEXT", "How far a class's score reaches back through the words of a text", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_PICTURE | CMD_TEXT, 1, 1, options_gradient, command_gradient, NULL},
	{"attribute", "RUN --text TEXT", "Which words speak for a class, as five methods say, and how far they agree", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_PICTURE | CMD_TEXT, 1, 1, options_attribute, command_attribute, NULL},
	{"saturation", "RUN [--data FILE]", "How often each unit's gates are open and shut over many texts", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_PICTURE, 1, 1, options_saturation, command_saturation, NULL},
	{"travel",  "RUN --text TEXT", "A text under the weights of every stored checkpoint of a run", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_PICTURE | CMD_TEXT, 1, 1, options_travel, command_travel, NULL},
	{"padding", "RUN --text TEXT", "A text padded before, padded behind and masked: what padding writes into the state", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_PICTURE | CMD_TEXT, 1, 1, options_padding, command_padding, NULL},
	{"project", "RUN [--data FILE] [--text TEXT]", "The vectors of many texts along their principal components, and the path of one", CMD_SHELL | CMD_CONSOLE | CMD_RUN | CMD_PICTURE | CMD_TEXT, 1, 1, options_project, command_project, NULL},
	{"unit",    "RUN N [--data FILE]", "One unit over many texts: where it is on, what it knows of the labels, what is lost without it", CMD_SHELL | CMD_RUN | CMD_PICTURE, 2, 2, options_unit, command_unit, NULL},
	{"match",   "RUN [units 3,17] [t 2..4] [--text TEXT]", "Where in many texts the same units are on as in a text", CMD_SHELL | CMD_RUN, 1, -1, options_match, command_match, NULL},
	{"runs",    "", "List the runs", CMD_SHELL | CMD_CONSOLE, 0, 0, options_runs, command_runs, NULL},
	{"show",    "RUN", "Everything the store knows of one run", CMD_SHELL | CMD_CONSOLE | CMD_RUN, 1, 1, options_none, command_show, NULL},
	{"query",   "SQL | -f FILE | --list", "Ask the store in SQL, read-only", CMD_SHELL | CMD_CONSOLE | CMD_REST, 0, -1, options_query, command_query, NULL},
	{"export",  "weights RUN FILE.safetensors", "Write a run's weights to a file", CMD_SHELL | CMD_CONSOLE, 3, 3, options_none, command_export, NULL},
	{"rename",  "RUN NAME", "Give a run another name", CMD_SHELL | CMD_CONSOLE | CMD_RUN, 2, 2, options_none, command_rename, NULL},
	{"note",    "RUN [unit N] TEXT", "Write a remark on a run, or on one unit of it (an empty one deletes)", CMD_SHELL | CMD_RUN, 2, -1, options_note, command_note, NULL},
	{"tag",     "RUN TAG", "Add a tag to a run", CMD_SHELL | CMD_CONSOLE | CMD_RUN, 2, 2, options_none, command_tag, NULL},
	{"untag",   "RUN TAG", "Take a tag off a run", CMD_SHELL | CMD_CONSOLE | CMD_RUN, 2, 2, options_none, command_untag, NULL},
	{"rm",      "RUN", "Delete a run (restore brings it back)", CMD_SHELL | CMD_CONSOLE, 1, 1, options_none, command_rm, NULL},
	{"restore", "RUN", "Bring a deleted run back", CMD_SHELL | CMD_CONSOLE, 1, 1, options_none, command_restore, NULL},
	{"help",    "[COMMAND]", "Say how things are done", CMD_SHELL, 0, 1, options_none, command_help, NULL},
};
// clang-format on

enum { SHELL_SIZE = sizeof(shell) / sizeof(shell[0]) };

const struct command *command_at(int index)
{
	return index < SHELL_SIZE ? &shell[index] : ui_command_at(index - SHELL_SIZE);
}

const struct command *command_find(const char *name, unsigned flag)
{
	for (int k = 0; command_at(k); k++)
		if (command_at(k)->flags & flag && !strcmp(command_at(k)->name, name))
			return command_at(k);
	return NULL;
}

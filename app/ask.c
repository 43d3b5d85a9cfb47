/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the workbench asks for in its prompt, and what may complete a command there. */
#include "app/settings.h"
#include "app/tui/prompt.h"
#include "app/workbench.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

static void candidate(char ***list, size_t *count, size_t *cap, const char *name)
{
	*list = mem_grow(*list, cap, *count + 2, sizeof(**list));
	(*list)[(*count)++] = mem_text(name);
	(*list)[*count] = NULL;
}

/* Commands first; then what the command's arguments may be. */
static char **complete(void *data, const char *line, size_t start, size_t end)
{
	struct workbench *w = data;
	size_t count = 0, cap = 0, first = strspn(line, " ");
	const struct command *cmd;
	char **list = NULL, *name;
	(void)end;

	if (w->ask != ASK_CONSOLE)
		return NULL;
	if (start <= first) {
		for (int k = 0; command_at(k); k++)
			if (command_at(k)->flags & CMD_CONSOLE)
				candidate(&list, &count, &cap, command_at(k)->name);
		return list;
	}
	name = mem_bytes(line + first, strcspn(line + first, " "));
	cmd = command_find(name, CMD_CONSOLE);
	free(name);
	if (cmd && cmd->complete)
		for (int k = 0; cmd->complete(k); k++)
			candidate(&list, &count, &cap, cmd->complete(k));
	else
		for (size_t k = 0; k < w->runs.count; k++) {
			candidate(&list, &count, &cap, w->runs.row[k].name);
			candidate(&list, &count, &cap, w->runs.row[k].id);
		}
	for (const struct option *o = cmd ? cmd->options : NULL; o && o->name; o++)
		candidate(&list, &count, &cap, o->name);
	for (int k = 0; cmd && cmd->run != command_query && setting_at(k); k++) {
		const struct setting *one = setting_at(k);
		char *assign = mem_printf("%s=", one->name);
		const bool chosen = !strncmp(line + start, assign, strlen(assign));

		candidate(&list, &count, &cap, assign);
		for (int j = 0; chosen && one->choice && one->choice(j); j++) {
			char *value = mem_printf("%s%s", assign, one->choice(j));

			candidate(&list, &count, &cap, value);
			free(value);
		}
		free(assign);
	}
	return list;
}

void workbench_ask(struct workbench *w, enum ask what, const char *label, const char *text)
{
	static char kept[256];
	struct prompt_spec spec = {.label = kept, .text = text, .complete = complete, .data = w};

	snprintf(kept, sizeof(kept), "%s", label);
	if (what == ASK_CONSOLE)
		spec.history = w->history;
	w->ask = what;
	prompt_open(&spec);
	w->dirty = true;
}

void workbench_unask(struct workbench *w, enum ask what)
{
	if (w->ask != what)
		return;
	prompt_close();
	w->ask = ASK_NONE;
	w->dirty = true;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive.h"
#include "app/command/command.h"

#include "engine/exchange/safetensors.h"

#include <string.h>
#include <unistd.h>

static const char *const things[] = {"weights"};

bool command_export(struct context *c, const struct args *a, struct err *err)
{
	const char *run = a->pos[1], *path = a->pos[2];
	struct loaded l = {0};
	char step[24];
	bool ok;

	if (strcmp(a->pos[0], things[0]) != 0)
		return err_set(err, ERR_USAGE, "export knows '%s', not '%s'", things[0], a->pos[0]);
	if (access(path, F_OK) == 0 &&
	    !context_confirm(c, "The file is there already. Overwrite it?", err))
		return false;
	if (!context_load(c, run, &l, err))
		return false;
	snprintf(step, sizeof(step), "%lld", (long long)l.snapshot->step);
	ok = safetensors_write(
		l.snapshot,
		(struct meta[]){
			{"program", "sluice " SLUICE_VERSION},
			{"run", l.id},
			{"name", l.name},
			{"step", step},
			{"task", task_table[l.snapshot->encoder->model.spec.task].name},
			{"cell", l.snapshot->encoder->model.spec.cell->name},
			{"tokenizer",
			 tokenizer_name(vocab_rules(l.snapshot->encoder->vocab)->rules.kind)},
		},
		7, path, err);
	if (ok && !c->quiet)
		context_say(c, "%s: weights of %s (%s) at step %s", path, l.id, l.name, step);
	loaded_release(&l);
	return ok;
}

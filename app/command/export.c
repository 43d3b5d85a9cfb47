/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive.h"
#include "app/command/command.h"

#include "engine/exchange/safetensors.h"

#include <string.h>

static const char *const things[] = {"weights"};

/* What the file says of itself. */
static bool write_weights(const struct loaded *l, const char *step, const char *path,
			  struct err *err)
{
	const struct encoder *e = l->snapshot->encoder;
	const struct model_spec *spec = &e->model.spec;
	const struct meta meta[] = {
		{"program", "sluice " SLUICE_VERSION},
		{"run", l->id},
		{"name", l->name},
		{"step", step},
		{"task", task_table[spec->task].name},
		{"cell", spec->cell->name},
		{"tokenizer", tokenizer_name(vocab_rules(e->vocab)->rules.kind)},
		{"attention", attention_table[spec->attention].name},
		{"input_feeding", spec->feed ? "true" : "false"},
	};
	const int count = (int)(sizeof(meta) / sizeof(meta[0]));

	return safetensors_write(l->snapshot, meta,
				 task_table[spec->task].pairs ? count : count - 2, path, err);
}

bool command_export(struct context *c, const struct args *a, struct err *err)
{
	const char *run = a->pos[1], *path = a->pos[2];
	struct loaded l = {0};
	char step[24];
	bool ok;

	if (strcmp(a->pos[0], things[0]) != 0)
		return err_set(err, ERR_USAGE, "export knows '%s', not '%s'", things[0], a->pos[0]);
	if (!context_overwrite(c, path, err))
		return false;
	if (!context_load(c, run, &l, err))
		return false;
	snprintf(step, sizeof(step), "%lld", (long long)l.snapshot->step);
	ok = write_weights(&l, step, path, err);
	if (ok && !c->quiet)
		context_say(c, "%s: weights of %s (%s) at step %s", path, l.id, l.name, step);
	loaded_release(&l);
	return ok;
}

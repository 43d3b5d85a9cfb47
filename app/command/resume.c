/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going on with a run: `resume` as if it had never stopped, `fork` as a run of its own. */
#include "app/resume.h"
#include "app/command/train.h"

#include "engine/math/product.h"

#include <string.h>

const struct option options_resume[] = {
	{"--set", "name=value", "a setting of training, such as epochs=20"},
	{"--progress", "FORMAT", "bar, lines or ndjson on standard error"},
	{NULL, NULL, NULL},
};

const struct option options_fork[] = {
	{"--set", "name=value", "a setting of training, such as lr=0.0005"},
	{"--name", "NAME", "what the new run is called"},
	{"--note", "TEXT", "a remark"},
	{"--progress", "FORMAT", "bar, lines or ndjson on standard error"},
	{NULL, NULL, NULL},
};

static void warn_elsewhere(const struct context *c, const struct run_row *row)
{
	char here[256];

	product_description(here, sizeof(here));
	if (!c->quiet && row->build && *row->build && strcmp(row->build, here) != 0)
		fprintf(stderr,
			"sluice: the run was trained with other matrix products (%s) than there "
			"are "
			"here (%s): the last bits may differ\n",
			row->build, here);
}

static bool begin(struct context *c, const struct args *a, bool fork, struct err *err)
{
	struct run_intro intro = {.name = args_value(a, "--name"), .note = args_value(a, "--note")};
	const char *set[ARGS_MAX];
	struct prepared p = {0};
	struct resumed r;
	int sets = 0;
	bool ok;

	for (int k = 0; k < a->option_count; k++)
		if (!strcmp(a->option[k], "--set"))
			set[sets++] = a->value[k];
	if (intro.name && !run_name_check(intro.name, err))
		return false;
	if (!resume_open(&r, c->store, a->pos[0], set, sets, err))
		return false;
	ok = resume_prepare(&r, c->store, fork, &p, &intro, err);
	if (ok) {
		warn_elsewhere(c, r.row);
		ok = train_prepared(c, a, &p, &intro, err);
	}
	resume_release(&r);
	return ok;
}

bool command_resume(struct context *c, const struct args *a, struct err *err)
{
	return begin(c, a, false, err);
}

bool command_fork(struct context *c, const struct args *a, struct err *err)
{
	return begin(c, a, true, err);
}

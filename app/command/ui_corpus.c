/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui_corpus.h"
#include "app/command/texts.h"
#include "app/command/ui_debug.h"

#include "app/desk/desk.h"

#include <string.h>

const struct option options_run[] = {
	{"--data", "FILE", "the texts, as FILE alone"},
	TEXTS_OPTIONS,
	{NULL, NULL, NULL},
};

/* `run FILE`, `run corpus FILE`, and either without FILE. */
bool ui_run(struct context *c, const struct args *a, struct err *err)
{
	const int at = a->pos_count > 0 && !strcmp(a->pos[0], "corpus");
	const char *word[ARGS_MAX] = {"run"};
	int n = 1;

	if (a->pos_count > at + 1)
		return err_set(err, ERR_USAGE,
			       "run takes one file: quotes hold a name with blanks");
	if (a->pos_count > at && args_has(a, "--data"))
		return err_set(err, ERR_USAGE, "run takes FILE or --data FILE, not both");
	for (int k = 0; k < a->option_count && n + 4 < ARGS_MAX; k++) {
		word[n++] = a->option[k];
		if (a->value[k])
			word[n++] = a->value[k];
	}
	if (a->pos_count > at) {
		word[n++] = "--data";
		word[n++] = a->pos[at];
	} else if (!texts_options(a, err)) {
		return false;
	}
	return desk_walk(c->ui, word, n, err);
}

bool ui_continue(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	const int to = ui_continue_here(w, err);
	(void)a;

	if (to)
		return to > 0;
	if (desk_walk_is_here(w))
		return desk_walk_on(w, err);
	return err_set(err, ERR_USAGE, "nothing is hit behind this step");
}

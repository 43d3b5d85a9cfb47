/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new run from the encoder of another one. */
#include "app/tune.h"
#include "app/command/train.h"

static bool put_options(const void *arg, struct settings *s, struct err *err)
{
	return train_changes(s, arg, err);
}

bool command_tune(struct context *c, const struct args *a, struct err *err)
{
	const struct changes changes = {put_options, a};
	const char *tags[ARGS_MAX];
	struct run_intro intro;
	struct prepared p = {0};
	struct tuned t;
	bool ok;

	if (!train_intro(c, a, &intro, tags, err) ||
	    !tune_open(&t, c->store, a->pos[0], &changes, err))
		return false;
	ok = tune_prepare(&t, &p, &intro, err) && train_prepared(c, a, &p, &intro, err);
	tune_release(&t);
	return ok;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui_travel.h"

#include "app/desk/desk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum travel where;
	int n;
} word[] = {
	{"previous", TRAVEL_BY, -1}, {"next", TRAVEL_BY, 1},   {"first", TRAVEL_FIRST, 0},
	{"last", TRAVEL_LAST, 0},    {"best", TRAVEL_BEST, 0},
};

const char *checkpoint_word(int index)
{
	return (size_t)index < sizeof(word) / sizeof(word[0]) ? word[index].name : NULL;
}

bool ui_checkpoint(struct context *c, const struct args *a, struct err *err)
{
	long long step;
	char *end;

	for (int k = 0; checkpoint_word(k); k++)
		if (!strcmp(checkpoint_word(k), a->pos[0]))
			return desk_travel(c->ui, word[k].where, word[k].n, err);
	errno = 0;
	step = strtoll(a->pos[0], &end, 10);
	if (end == a->pos[0] || *end || errno || step < 0)
		return err_set(err, ERR_USAGE,
			       "checkpoint takes first, last, best, previous, next or a step, not "
			       "'%s'",
			       a->pos[0]);
	return desk_travel(c->ui, TRAVEL_STEP, step, err);
}

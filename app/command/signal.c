/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/signal.h"

#include <math.h>
#include <string.h>

static bool no_signal(const struct cell_ops *cell, const char *name, struct err *err)
{
	struct buf list = {0};

	for (int q = 0; q < cell->gates; q++)
		buf_printf(&list, "%s, ", cell->gate[q].name);
	err_set(err, ERR_USAGE, "the cell %s has no '%s'; it has %s%s", cell->name, name,
		buf_str(&list), cell->carries_h ? "h" : "c, h");
	buf_release(&list);
	return false;
}

bool signal_read(struct signal *s, const struct args *a, const struct cell_ops *cell,
		 struct err *err)
{
	const char *given = args_value(a, "--signal");
	const char *name = given ? given : cell->carries_h ? "h" : "c";
	enum activation act = cell->carries_h ? ACT_TANH : cell->output; /* of an h */

	*s = (struct signal){.name = name, .gate = cell_gate(cell, name)};
	if (s->gate >= 0)
		act = cell->gate[s->gate].act;
	else if (!strcmp(name, "c") && !cell->carries_h)
		s->is_c = true;
	else if (strcmp(name, "h") != 0)
		return no_signal(cell, name, err);
	s->is_signed = act != ACT_SIGMOID;
	s->is_bounded = act != ACT_IDENTITY && !s->is_c;
	return true;
}

const double *signal_at(const struct signal *s, const struct trace_run *r, int H, int t)
{
	const size_t k = (size_t)replay_turn(r, t), width = (size_t)H;

	if (s->gate >= 0)
		return r->gate[s->gate] + k * width;
	return (s->is_c ? r->c : r->h) + (k + 1) * width;
}

double signal_norm(const double *v, int n)
{
	double sum = 0;

	for (int k = 0; k < n; k++)
		sum += v[k] * v[k];
	return sqrt(sum);
}

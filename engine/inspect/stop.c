/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/stop.h"

#include <math.h>
#include <string.h>

static const double least_change = 1e-12;

void stop_values_release(struct stop_values *v)
{
	expr_value_release(&v->before);
	expr_value_release(&v->now);
}

static bool number_differs(double a, double b)
{
	return isnan(a) || isnan(b) ? !isnan(a) != !isnan(b) : fabs(a - b) > least_change;
}

bool stop_differs(const struct expr_value *a, const struct expr_value *b)
{
	if (a->text || b->text)
		return !a->text || !b->text || a->n != b->n || memcmp(a->text, b->text, a->n) != 0;
	if (a->count != b->count)
		return true;
	for (int k = 0; k < a->count; k++)
		if (number_differs(a->v[k], b->v[k]))
			return true;
	return false;
}

bool stop_hits(const struct stop *s, const struct expr_place *before, const struct expr_place *now,
	       struct stop_values *v, struct err *err)
{
	if (!s->changes)
		return expr_eval(s->expr, now, &v->now, err) && expr_true(&v->now);
	return before && expr_eval(s->expr, before, &v->before, err) &&
	       expr_eval(s->expr, now, &v->now, err) && stop_differs(&v->before, &v->now);
}

int stop_step(const struct expr_place *at, int by)
{
	const struct trace_run *r = &at->trace->run[at->run];
	const long long to = (long long)at->t + (r->backward ? -(long long)by : by);

	return to < 0 || to >= r->T ? -1 : (int)to;
}

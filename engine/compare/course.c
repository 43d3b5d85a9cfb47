/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/compare/course.h"

#include "engine/base/mem.h"
#include "engine/inspect/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool stopped(const int *cancel)
{
	return cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED);
}

static void take_top(struct course *c, int t, const double *p)
{
	int best = 0;

	for (int k = 1; k < c->C; k++)
		best = p[k] > p[best] ? k : best;
	c->top[t] = best;
	c->p[t] = p[best];
}

/* The classes after each step; the whole text comes last, and stays. */
static void fill_classes(struct course *c, struct replay *r, const int *cancel)
{
	const bool both = r->m->stack.spec.dirs == 2;
	const int first = both && replay_work(r) * (r->T + 1) / 2 > COURSE_WORK ? r->T - 1 : 0;

	for (int t = first; t < r->T && !stopped(cancel); t++) {
		if (both)
			replay_run(r, NULL, t + 1, 1);
		else
			replay_classes(r, t + 1);
		memcpy(c->prob + (size_t)t * (size_t)c->C, r->prob,
		       (size_t)c->C * sizeof(*r->prob));
		take_top(c, t, r->prob);
	}
}

/* The token that follows each step. */
static void fill_tokens(struct course *c, const struct replay *r, double *p, const int *cancel)
{
	const struct model *m = r->m;
	const real *w = r->snapshot->weights;
	const double *y = r->y[m->stack.spec.layers - 1];

	for (int t = 0; t < r->T && !stopped(cancel); t++) {
		double most = -INFINITY, sum = 0;

		for (int k = 0; k < c->C; k++)
			p[k] = (double)w[m->head_b + (size_t)k];
		dense_add(p, w + m->head_W, y + (size_t)t * (size_t)m->K, (size_t)c->C,
			  (size_t)m->K);
		for (int k = 0; k < c->C; k++)
			most = fmax(most, p[k]);
		for (int k = 0; k < c->C; k++)
			sum += p[k] = exp(p[k] - most);
		for (int k = 0; k < c->C; k++)
			p[k] /= sum;
		take_top(c, t, p);
	}
}

bool course_fill(struct course *c, struct replay *r, const int *cancel, struct err *err)
{
	const struct task_ops *task = &task_table[r->m->spec.task];
	const size_t T = (size_t)r->T, C = (size_t)r->m->spec.classes;
	double *room;

	*c = (struct course){0};
	if (!task->labels && !task->stream)
		return true;
	c->T = r->T;
	c->C = r->m->spec.classes;
	c->top = mem_zero(T + 1, sizeof(*c->top));
	c->p = mem_zero(T + 1, sizeof(*c->p));
	room = mem_block((task->labels ? T : 1) * C + 1, sizeof(*room));
	if (!room)
		return err_set(err, ERR_FAILED, "not enough memory for %d classes of %d steps",
			       c->C, c->T);
	for (int t = 0; t < c->T; t++) {
		c->top[t] = -1;
		c->p[t] = NAN;
	}
	if (task->labels) {
		c->prob = room;
		for (size_t k = 0; k < T * C; k++)
			room[k] = NAN;
		fill_classes(c, r, cancel);
	} else {
		fill_tokens(c, r, room, cancel);
		free(room);
	}
	return !stopped(cancel) || err_set(err, ERR_CANCELLED, "cancelled");
}

void course_release(struct course *c)
{
	free(c->top);
	free(c->p);
	free(c->prob);
	*c = (struct course){0};
}

const char *course_name(const struct replay *r, int outcome, size_t *n)
{
	const struct encoder *e = r->snapshot->encoder;

	if (r->m->spec.task != TASK_CLASSIFY)
		return vocab_token(e->target, outcome, n);
	*n = strlen(e->classes.name[outcome]);
	return e->classes.name[outcome];
}

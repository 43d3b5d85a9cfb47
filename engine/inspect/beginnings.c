/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/beginnings.h"

#include "engine/base/mem.h"
#include "engine/inspect/outcome.h"

#include <stdlib.h>
#include <string.h>

/* Steps of a batch of beginnings, as a rule: room for a long text's takes no more. */
enum { STEPS = 1 << 14 };

/* Some of a text's beginnings, the longest of them first. */
struct part {
	int longest, count;
};

/* As many as there is room for, and one at least; those that are shorter than so many positions. */
static struct part next_part(int below)
{
	struct part p = {.longest = below - 1};

	for (int steps = 0; p.count < p.longest; p.count++) {
		steps += p.longest - p.count;
		if (p.count && steps > STEPS)
			break;
	}
	return p;
}

/* The ids of a batch: beginning k of the part begins at ids + k * by. */
static void build(struct batch *b, const struct part *p, const int32_t *ids, int by)
{
	const struct batch_rules rules = {.ragged = true};
	const int32_t **text = mem_alloc((size_t)p->count * sizeof(*text));
	int *n = mem_alloc((size_t)p->count * sizeof(*n));

	for (int k = 0; k < p->count; k++) {
		text[k] = ids + (ptrdiff_t)k * by;
		n[k] = p->longest - k;
	}
	batch_of_texts(b, text, n, p->count, &rules);
	free(text);
	free(n);
}

static bool run_both(struct trace *t, struct work *w, const struct part *p)
{
	const struct encoder *e = t->snapshot->encoder;
	const size_t C = (size_t)t->C;

	build(&w->in.batch, p, t->ids, 0);
	if (!model_pass(&e->model, t->snapshot->weights, w, &(struct pass){0}, &(struct tally){0}))
		return false;
	for (size_t k = 0; k < (size_t)p->count * C; k++)
		t->prob[((size_t)p->longest - 1 - k / C) * C + k % C] = (double)w->prob[k];
	return true;
}

/* The backward run of the only layer, as a stack that reads the text turned round. */
static struct stack backward_alone(const struct stack *both)
{
	struct stack s = *both;

	s.spec.dirs = s.runs = 1;
	s.D = s.spec.H;
	s.run[0] = both->run[1];
	s.h0[0] = both->h0[1];
	s.c0[0] = both->c0[1];
	return s;
}

/* The forward state at a position, as the trace has it, and the backward one after a step of batch row r. */
static void join(const struct trace *t, const struct side *s, int r, int position, int step,
		 double *to)
{
	const struct steps *steps = &s->batch.steps;
	const size_t H = (size_t)t->H;
	const real *back = s->tape.run[0].h + (size_t)(steps->B + steps->offset[step] + r) * H;
	const bool beside = t->snapshot->encoder->model.stack.spec.merge == MERGE_CONCAT;

	memcpy(to, t->run[0].h + ((size_t)position + 1) * H, H * sizeof(double));
	for (size_t u = 0; u < H; u++) {
		if (beside)
			to[H + u] = (double)back[u];
		else
			to[u] += (double)back[u];
	}
}

/* The vector of the beginning in batch row r; y: room for the outputs at its positions. */
static void pool_row(struct trace *t, const struct side *s, int r, double *y)
{
	const int n = s->batch.len[r];

	if (t->snapshot->encoder->model.spec.pool == POOL_LAST) {
		join(t, s, r, n - 1, n - 1, t->vector);
		return;
	}
	for (int k = 0; k < n; k++)
		join(t, s, r, k, n - 1 - k, y + (size_t)k * (size_t)t->D);
	outcome_pool(t, y, n, t->vector);
}

/* turned: the whole text's ids, the last one first; y: room for its outputs. */
static bool run_backward(struct trace *t, const struct stack *alone, struct side *s,
			 const struct part *p, const int32_t *turned, double *y)
{
	const struct model *m = &t->snapshot->encoder->model;
	const real *w = t->snapshot->weights;
	const struct id_table *table = &m->table[0];

	build(&s->batch, p, turned + (t->T - p->longest), 1);
	if (!side_room(s, alone, m->E, alone->D))
		return false;
	side_masks(s, alone, NULL);
	side_embed(s, m->tables ? w + table->at : NULL, table->width, table->rows);
	side_forward(s, alone, w);
	for (int r = 0; r < p->count; r++) {
		pool_row(t, s, r, y);
		outcome_head(t, t->vector, t->prob + (size_t)(s->batch.len[r] - 1) * (size_t)t->C);
	}
	return true;
}

bool beginnings_run(struct trace *t, struct work *room, const int *stop)
{
	const struct stack *both = &t->snapshot->encoder->model.stack;
	const bool single = both->spec.layers == 1;
	const struct stack alone = backward_alone(both);
	const size_t T = (size_t)t->T;
	int32_t *turned = mem_alloc((T + 1) * sizeof(*turned));
	double *y = mem_alloc((T * (size_t)t->D + 1) * sizeof(*y));
	bool ok = true;

	for (size_t k = 0; k < T; k++)
		turned[k] = t->ids[T - 1 - k];
	for (int below = t->T + 1; ok && below > 1;) {
		const struct part p = next_part(below);

		ok = !(stop && __atomic_load_n(stop, __ATOMIC_RELAXED));
		ok = ok && (single ? run_backward(t, &alone, &room->in, &p, turned, y)
				   : run_both(t, room, &p));
		below -= p.count;
	}
	free(turned);
	free(y);
	return ok;
}

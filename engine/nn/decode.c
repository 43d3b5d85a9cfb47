/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/decode.h"

#include "engine/base/mem.h"
#include "engine/math/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct stack *stack_of(const struct model *m)
{
	return m->dec.runs ? &m->dec : &m->stack;
}

bool stepper_begin(struct stepper *s, const struct model *m, const real *weights, int rows,
		   const real *vector)
{
	const size_t size = (size_t)rows * (size_t)m->spec.classes;

	*s = (struct stepper){.m = m, .weights = weights, .rows = rows, .vector = vector};
	s->side.carries = true;
	s->prob = mem_block(size + 1, sizeof(real));
	return s->prob;
}

void stepper_release(struct stepper *s)
{
	side_release(&s->side);
	free(s->prob);
	*s = (struct stepper){0};
}

const real *stepper_feed(struct stepper *s, const int32_t *ids)
{
	const struct model *m = s->m;
	const struct stack *st = stack_of(m);
	const struct head head = {s->weights + m->head_W, s->weights + m->head_b, m->spec.classes,
				  m->K};
	const size_t E = (size_t)m->E, D = m->dec.runs ? (size_t)m->D : 0;
	struct tally tally = {0};

	batch_column(&s->side.batch, ids, s->rows);
	if (!side_room(&s->side, st, (int)(E + D)))
		return NULL;
	side_masks(&s->side, st, NULL);
	side_embed(&s->side, m->spec.embed ? s->weights + m->embedding : NULL, m->spec.embed,
		   m->spec.vocab);
	for (size_t r = 0; D && r < (size_t)s->rows; r++)
		memcpy(s->side.x + r * (E + D) + E, s->vector + r * D, D * sizeof(real));
	side_forward(&s->side, st, s->weights);
	head_run(&head, &(struct head_pass){.rows = s->rows, .x = s->side.tape.y, .prob = s->prob},
		 &tally);
	return s->prob;
}

static int likeliest(const real *p, int V)
{
	int best = 0;

	for (int k = 1; k < V; k++)
		best = p[k] > p[best] ? k : best;
	return best;
}

bool decode_greedy(const struct model *m, const real *weights, const real *vector, int rows,
		   int end, int max_len, int32_t *ids, int *len)
{
	int32_t *now = mem_alloc((size_t)rows * sizeof(*now));
	bool *over = mem_zero((size_t)rows + 1, sizeof(*over));
	struct stepper s;
	bool ok = stepper_begin(&s, m, weights, rows, vector);
	int left = rows;

	for (int r = 0; r < rows; r++) {
		now[r] = end;
		len[r] = 0;
	}
	for (int t = 0; ok && left && t < max_len; t++) {
		const real *p = stepper_feed(&s, now);

		ok = p;
		for (int r = 0; ok && r < rows; r++) {
			now[r] =
				likeliest(p + (size_t)r * (size_t)m->spec.classes, m->spec.classes);
			if (over[r])
				continue;
			over[r] = now[r] == end;
			left -= over[r];
			if (!over[r])
				ids[(size_t)r * (size_t)max_len + (size_t)len[r]++] = now[r];
		}
	}
	stepper_release(&s);
	free(now);
	free(over);
	return ok;
}

int decode_limit(int steps)
{
	return 2 * steps + 8;
}

/* Larger probability first, then smaller id. */
static bool before(const struct choice *a, const struct choice *b)
{
	return a->p != b->p ? a->p > b->p : a->id < b->id;
}

static int by_rank(const void *a, const void *b)
{
	return before(a, b) ? -1 : before(b, a);
}

int choice_rank(struct choice *best, int count, int n, struct choice c)
{
	int at = count < n ? count++ : n;

	for (; at > 0 && before(&c, &best[at - 1]); at--)
		if (at < n)
			best[at] = best[at - 1];
	if (at < n)
		best[at] = c;
	return count;
}

int decode_top(const real *prob, int V, struct choice *best, int n)
{
	int count = 0;

	for (int k = 0; k < V; k++)
		count = choice_rank(best, count, n, (struct choice){k, (double)prob[k]});
	return count;
}

int decode_sample(const real *prob, int V, const struct sampling *how, const bool *never,
		  struct rng *rng, struct choice *scratch)
{
	const bool greedy = how->temperature <= 0 || how->top_k == 1;
	double sum = 0, most = 0, at;
	int count = 0, kept;

	for (int k = 0; k < V; k++)
		if (!never || !never[k]) {
			scratch[count++] = (struct choice){k, (double)prob[k]};
			most = fmax(most, (double)prob[k]);
		}
	if (!count)
		return 0;
	qsort(scratch, (size_t)count, sizeof(*scratch), by_rank);
	if (greedy || !(most > 0))
		return scratch[0].id;
	kept = how->top_k > 0 && how->top_k < count ? how->top_k : count;
	for (int k = 0; k < kept; k++) /* the ratio to the largest neither overflows nor vanishes */
		sum += scratch[k].p = pow(scratch[k].p / most, 1 / how->temperature);
	if (how->top_p < 1) {
		double share = 0;
		int k = 0;

		while (k < kept && (k == 0 || share < how->top_p * sum))
			share += scratch[k++].p;
		kept = k;
		sum = share;
	}
	at = rng_uniform(rng) * sum;
	for (int k = 0; k < kept; k++)
		if ((at -= scratch[k].p) < 0)
			return scratch[k].id;
	return scratch[kept - 1].id;
}

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

static bool begin(struct stepper *s, const struct model *m, const real *weights, int rows)
{
	*s = (struct stepper){.m = m, .weights = weights, .rows = rows};
	s->side.carries = true;
	s->text = mem_grow(s->text, &s->text_cap, (size_t)rows + 1, sizeof(int));
	for (int r = 0; r < rows; r++)
		s->text[r] = r;
	s->prob_cap = (size_t)rows * (size_t)m->spec.classes + 1;
	s->prob = mem_block(s->prob_cap, sizeof(real));
	return s->prob;
}

bool stepper_begin(struct stepper *s, const struct model *m, const real *weights, int rows,
		   const real *vector)
{
	const bool ok = begin(s, m, weights, rows);

	s->vector = vector;
	return ok;
}

bool stepper_begin_pair(struct stepper *s, const struct model *m, const real *weights,
			struct work *w)
{
	const int B = w->in.batch.steps.B;
	const size_t H = (size_t)m->dec.spec.H, rows = (size_t)B;
	size_t width;

	if (!begin(s, m, weights, B))
		return false;
	s->memory = &w->memory;
	s->side.carry = mem_zero(stack_carry_size(&m->dec, rows) + 1, sizeof(real));
	s->side.carry_cap = stack_carry_size(&m->dec, rows);
	s->side.carried = B;
	for (int l = 0; l < m->dec.runs; l++)
		for (int part = 0; part < (m->bridge.cells ? 2 : 1); part++)
			memcpy(s->side.carry + stack_carry_at(&m->dec, B, l, part, 0, &width),
			       bridge_first(&w->bridge, &m->bridge, rows, l, part),
			       rows * H * sizeof(real));
	s->feed = mem_zero(rows * H + 1, sizeof(real));
	s->feed_cap = rows * H + 1;
	return true;
}

void stepper_release(struct stepper *s)
{
	side_release(&s->side);
	decoder_release(&s->decoder);
	free(s->text);
	free(s->feed);
	free(s->other);
	free(s->prob);
	*s = (struct stepper){0};
}

/* A step of a pair's decoder; what the head reads of it. */
static const real *step_pair(struct stepper *s)
{
	const struct model *m = s->m;
	struct decoder *d = &s->decoder;
	const size_t H = (size_t)m->dec.spec.H, rows = (size_t)s->rows;

	if (!decoder_room(d, m, &s->side, s->memory, s->text, false))
		return NULL;
	memcpy(d->feed, s->feed, rows * H * sizeof(real));
	decoder_forward(d, s->weights, NULL);
	side_keep(&s->side, &m->dec);
	if (m->spec.feed)
		memcpy(s->feed, d->out, rows * H * sizeof(real));
	return d->said;
}

const real *stepper_feed(struct stepper *s, const int32_t *ids)
{
	const struct model *m = s->m;
	const struct stack *st = stack_of(m);
	const struct head head = {s->weights + m->head_W, s->weights + m->head_b, m->spec.classes,
				  m->K};
	const struct id_table *table = &m->table[m->dec.runs ? m->out_table : 0];
	const size_t E = (size_t)table->width, W = E + (size_t)m->beside;
	const real *said;
	struct tally tally = {0};

	batch_column(&s->side.batch, ids, s->rows);
	if (!side_room(&s->side, st, (int)W, m->K))
		return NULL;
	side_masks(&s->side, st, NULL);
	side_embed(&s->side, m->tables ? s->weights + table->at : NULL, table->width, table->rows);
	if (s->memory) {
		said = step_pair(s);
		if (!said)
			return NULL;
	} else {
		for (size_t r = 0; m->beside && r < (size_t)s->rows; r++)
			memcpy(s->side.x + r * W + E, s->vector + (size_t)s->text[r] * (size_t)m->D,
			       (size_t)m->D * sizeof(real));
		side_forward(&s->side, st, s->weights);
		said = s->side.tape.y;
	}
	head_run(&head, &(struct head_pass){.rows = s->rows, .x = said, .prob = s->prob}, &tally);
	return s->prob;
}

/* Brings the carried states into another order. */
static void select_states(struct stepper *s, const int *from, int rows)
{
	const struct stack *st = stack_of(s->m);
	size_t cap = s->side.before_cap, width;
	real *to = mem_grow(s->side.before, &cap, stack_carry_size(st, (size_t)rows) + 1,
			    sizeof(real));

	for (int run = 0; run < st->runs && s->side.carried; run++)
		for (int part = 0; part < STACK_CARRY_PARTS; part++)
			for (int r = 0; r < rows; r++) {
				const size_t old = stack_carry_at(st, s->side.carried, run, part,
								  from[r], &width);
				const size_t at = stack_carry_at(st, rows, run, part, r, &width);

				memcpy(to + at, s->side.carry + old, width * sizeof(real));
			}
	s->side.before = s->side.carry;
	s->side.before_cap = s->side.carry_cap;
	s->side.carry = to;
	s->side.carry_cap = cap;
	s->side.carried = s->side.carried ? rows : 0;
}

void stepper_select(struct stepper *s, const int *from, int rows)
{
	const size_t H = (size_t)stack_of(s->m)->spec.H, V = (size_t)s->m->spec.classes;
	int *text = mem_alloc(((size_t)rows + 1) * sizeof(*text));
	real *feed = s->feed;

	select_states(s, from, rows);
	if (s->memory) {
		s->other = mem_grow(s->other, &s->other_cap, (size_t)rows * H + 1, sizeof(real));
		for (size_t r = 0; r < (size_t)rows; r++)
			memcpy(s->other + r * H, feed + (size_t)from[r] * H, H * sizeof(real));
		s->feed = s->other;
		s->other = feed;
		const size_t cap = s->feed_cap;

		s->feed_cap = s->other_cap;
		s->other_cap = cap;
	}
	for (int r = 0; r < rows; r++)
		text[r] = s->text[from[r]];
	free(s->text);
	s->text = text;
	s->text_cap = (size_t)rows + 1;
	s->prob = mem_grow(s->prob, &s->prob_cap, (size_t)rows * V + 1, sizeof(real));
	s->rows = rows;
}

const real *stepper_attention(const struct stepper *s, int row, int *count)
{
	const int text = s->text[row];

	*count = 0;
	if (!s->memory || !s->m->spec.attention)
		return NULL;
	*count = s->memory->start[text + 1] - s->memory->start[text];
	return s->decoder.at.weight + (size_t)row * (size_t)s->memory->widest;
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

bool *decode_never(const struct vocab *v, bool unknown)
{
	const int V = vocab_size(v);
	bool *never = mem_zero((size_t)V, sizeof(*never));

	if (vocab_end(v) == VOCAB_PAD)
		return never;
	never[VOCAB_PAD] = true;
	never[VOCAB_UNK] = !unknown && V > 3;
	return never;
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

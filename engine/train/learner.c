/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/learner.h"

#include "engine/base/mem.h"
#include "engine/math/kernels.h"
#include "engine/train/share.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct member {
	struct work work;
	real *grad; /* m->dense; the first member's is the learner's whole block */
	struct tally tally;
	int tokens; /* of the texts */
	bool failed;
};

/* Rows of the embedding that are updated at a time; chunks of the weights for each member: one whose core
 * another program wants takes fewer of them. */
enum { NO_GRAD = 16, CHUNKS = 4 };

struct learner {
	const struct model *m;
	struct team *team;
	struct member *member;
	int members;
	int passes;         /* the first members, among whom rows are dealt */
	int chunks;         /* of the weights; whoever is free takes the next one */
	double *square_sum; /* chunks: of their gradients */
	struct arithmetic how;
	real *weights, *grad;
	struct optim optim;
	struct learner_spec spec;
	/* The embedding's gradient is all zero but for the rows that a batch holds. NULL where there is
	 * no embedding, or it is tied: then it is one of the dense weights. */
	int32_t *touched; /* the ids of the batch, each once */
	bool *seen;       /* whether an id is among them */
	int touched_count;
	real *no_grad; /* NO_GRAD rows of zeros: the gradient of any others */

	/* the step under way: its tasks are numbered, and what each does depends on its number alone */
	void (*task)(void *arg, int number);
	int tasks;
	atomic_int next;
	const struct lesson *lesson;
	real scale;
};

static void settle_sharing(struct learner *l)
{
	const struct learner_spec *spec = &l->spec;
	const enum share_kind kind =
		spec->rows ? share_of(l->m, spec->rows, spec->tokens, l->members)->kind
			   : SHARE_ROWS;

	l->passes = kind == SHARE_ROWS ? l->members : 1;
	l->how = (struct arithmetic){.precision = spec->precision,
				     .team = kind == SHARE_COLUMNS ? l->team : NULL,
				     .others = l->passes - 1};
	l->chunks = kind == SHARE_ALONE ? 1 : CHUNKS * l->members;
	l->square_sum = mem_zero((size_t)l->chunks, sizeof(*l->square_sum));
}

struct learner *learner_new(const struct model *m, real *weights, const struct learner_spec *spec,
			    struct err *err)
{
	struct learner *l = mem_zero(1, sizeof(*l));
	bool ok;

	l->m = m;
	l->weights = weights;
	l->spec = *spec;
	l->team = team_new(spec->threads, err);
	if (!l->team) {
		learner_free(l);
		return NULL;
	}
	l->members = team_size(l->team);
	settle_sharing(l);
	l->member = mem_zero((size_t)l->members, sizeof(*l->member));
	for (int k = 0; k < l->members; k++)
		l->member[k].work.in.carries = task_table[m->spec.task].stream;
	l->grad = mem_block(m->size, sizeof(real));
	ok = weights && l->grad && optim_init(&l->optim, spec->optim, spec->lr, m->size);
	l->member[0].grad = l->grad;
	if (m->spec.embed && m->dense < m->size) {
		l->touched = mem_zero((size_t)m->spec.vocab, sizeof(*l->touched));
		l->seen = mem_zero((size_t)m->spec.vocab, sizeof(*l->seen));
		l->no_grad = mem_zero((size_t)NO_GRAD * (size_t)m->spec.embed, sizeof(*l->no_grad));
	}
	for (int k = 1; k < l->passes && ok; k++)
		ok = (l->member[k].grad = mem_block(m->dense, sizeof(real)));
	optim_tune(&l->optim, &spec->tune);
	if (ok)
		return l;
	err_set(err, ERR_FAILED, "not enough memory for a model of %zu weights", m->size);
	learner_free(l);
	return NULL;
}

void learner_free(struct learner *l)
{
	if (!l)
		return;
	for (int k = 0; k < l->members; k++) {
		work_release(&l->member[k].work);
		if (k)
			free(l->member[k].grad);
	}
	team_free(l->team);
	optim_release(&l->optim);
	free(l->touched);
	free(l->seen);
	free(l->no_grad);
	free(l->square_sum);
	free(l->member);
	free(l->grad);
	free(l->weights);
	free(l);
}

/* How many of so many rows are dealt to a member. */
static int dealt(const struct learner *l, int rows, int k)
{
	return k < l->passes && rows > k ? (rows - k + l->passes - 1) / l->passes : 0;
}

static void build_rows(const struct learner *l, struct work *w, int k)
{
	const struct lesson *x = l->lesson;
	const int count = dealt(l, x->count, k);

	if (task_table[l->m->spec.task].stream) {
		batch_window(&w->in.batch, x->corpus->ids, x->corpus->tokens, x->count, k,
			     l->passes, x->at, x->steps);
		return;
	}
	batch_build(&w->in.batch, x->corpus, x->example + k, count, l->passes, x->rules);
	if (l->m->dec.runs)
		batch_targets(&w->out.batch, x->corpus, x->example + k, count, l->passes);
}

static void run_pass(void *arg, int k)
{
	struct learner *l = arg;
	struct member *me = &l->member[k];
	struct work *w = &me->work;
	const struct dropout drop = {l->spec.dropout, l->spec.recurrent, l->lesson->key, k,
				     l->passes};

	me->tally = (struct tally){0};
	me->tokens = w->in.batch.steps.N = w->out.batch.steps.N = 0;
	me->failed = false;
	if (!dealt(l, l->lesson->count, k))
		return;
	build_rows(l, w, k);
	me->tokens = w->in.batch.steps.N;
	me->failed = !model_pass(l->m, l->weights, w,
				 &(struct pass){.drop = &drop,
						.smoothing = (real)l->spec.smoothing,
						.how = l->how,
						.grad = me->grad,
						.scale = l->scale},
				 &me->tally);
	if (me->failed)
		w->in.batch.steps.N = w->out.batch.steps.N = 0; /* there is nothing to scatter */
}

/* Chunk k of n elements, in multiples of 64. */
static void chunk_of(const struct learner *l, int k, size_t n, size_t *first, size_t *end)
{
	const size_t blocks = (n + 63) / 64, size = (size_t)l->chunks, at = (size_t)k;

	*first = blocks * at / size * 64;
	*end = blocks * (at + 1) / size * 64;
	*first = *first > n ? n : *first;
	*end = *end > n ? n : *end;
}

static void clamp(real *g, size_t n, real value)
{
	for (size_t k = 0; k < n; k++)
		if (fabs(g[k]) > value && isfinite(g[k]))
			g[k] = g[k] > 0 ? value : -value;
}

/* Where the gradient of an id's embedding begins. */
static size_t row_at(const struct learner *l, int32_t id)
{
	return l->m->embedding + (size_t)id * (size_t)l->m->spec.embed;
}

/* Clamps a part of the gradient; the sum of its squares. */
static double settle(const struct learner *l, real *g, size_t n)
{
	if ((real)l->spec.clip_value > 0)
		clamp(g, n, (real)l->spec.clip_value);
	return vec_square_sum(g, n);
}

/* Adds the members' gradients up over one part of the dense weights, clamps it, and adds up its squares;
 * likewise some of the embedding's rows. */
static void reduce(void *arg, int k)
{
	struct learner *l = arg;
	double *sum = &l->square_sum[k];
	size_t first, end;

	chunk_of(l, k, l->m->dense, &first, &end);
	for (int j = 1; j < l->passes; j++)
		vec_add(l->grad + first, l->member[j].grad + first, 1, end - first);
	*sum = settle(l, l->grad + first, end - first);
	for (int j = k; j < l->touched_count; j += l->chunks)
		*sum += settle(l, l->grad + row_at(l, l->touched[j]), (size_t)l->m->spec.embed);
}

static void touch(struct learner *l, const struct batch *b)
{
	for (int n = 0; n < b->steps.N; n++)
		if (!l->seen[b->ids[n]]) {
			l->seen[b->ids[n]] = true;
			l->touched[l->touched_count++] = b->ids[n];
		}
}

static void find_touched(struct learner *l)
{
	for (int k = 0; l->touched && k < l->passes; k++) {
		touch(l, &l->member[k].work.in.batch);
		touch(l, &l->member[k].work.out.batch);
	}
}

static void forget_touched(struct learner *l)
{
	for (int k = 0; k < l->touched_count; k++)
		l->seen[l->touched[k]] = false;
	l->touched_count = 0;
}

/* The embedding's rows first .. end. An id that the batch does not hold has a gradient of zero, and where
 * updates are lazy it has none. */
static void update_rows(struct learner *l, size_t first, size_t end)
{
	const size_t E = (size_t)l->m->spec.embed;

	for (size_t id = first, next; id < end; id = next) {
		const bool seen = l->seen[id];
		const size_t at = row_at(l, (int32_t)id);

		next = id + 1;
		while (next < end && next < id + NO_GRAD && l->seen[next] == seen)
			next++;
		if (seen || !l->spec.lazy)
			optim_update(&l->optim, l->weights + at, at, l->scale, (next - id) * E,
				     seen ? l->grad + at : l->no_grad);
	}
}

static void update(void *arg, int k)
{
	struct learner *l = arg;
	size_t first, end;

	chunk_of(l, k, l->m->dense, &first, &end);
	optim_update(&l->optim, l->weights + first, first, l->scale, end - first, l->grad + first);
	if (!l->touched)
		return;
	chunk_of(l, k, (size_t)l->m->spec.vocab, &first, &end);
	update_rows(l, first, end);
}

static void clear(struct learner *l)
{
	for (int k = 0; k < l->passes; k++) {
		memset(l->member[k].grad, 0, l->m->dense * sizeof(real));
		model_unscatter(l->m, &l->member[k].work, l->grad);
	}
	forget_touched(l);
}

static void take_tasks(void *arg, int member)
{
	struct learner *l = arg;

	(void)member;
	for (int k; (k = atomic_fetch_add(&l->next, 1)) < l->tasks;)
		l->task(l, k);
}

/* Does so many tasks, by the team where there is more than one. */
static void run(struct learner *l, void (*task)(void *arg, int number), int tasks)
{
	l->task = task;
	l->tasks = tasks;
	atomic_store(&l->next, 0);
	if (tasks > 1)
		team_run(l->team, take_tasks, l);
	else
		take_tasks(l, 0);
}

/* How many targets the lesson has: what its loss is a mean over. */
static int64_t targets(const struct learner *l, const struct lesson *x)
{
	const struct task_ops *task = &task_table[l->m->spec.task];
	int64_t n = 0;

	if (task->stream) {
		const int64_t rest = (x->corpus->tokens - 1) / x->count - x->at;

		return x->count * (rest < x->steps ? rest : (int64_t)x->steps);
	}
	if (!task->decoder || !x->example)
		return x->count;
	for (int k = 0; k < x->count; k++)
		n += (int64_t)(x->corpus->start[x->example[k] + 1] -
			       x->corpus->start[x->example[k]]);
	return n;
}

struct step_stats learner_gradient(struct learner *l, const struct lesson *lesson)
{
	struct step_stats s = {0};
	double square_sum = 0;
	int64_t count = 0, correct = 0;
	bool failed = false;

	if (lesson->example)
		batch_sort(lesson->corpus, lesson->example, lesson->count);
	l->lesson = lesson;
	l->scale = (real)(1.0 / (double)targets(l, lesson));
	run(l, run_pass, l->passes);
	for (int k = 0; k < l->members; k++) {
		struct member *me = &l->member[k];

		model_scatter(l->m, &me->work, l->grad);
		failed |= me->failed;
		s.loss += me->tally.loss;
		correct += me->tally.correct;
		count += me->tally.count;
		s.tokens += me->tokens;
	}
	find_touched(l);
	run(l, reduce, l->chunks);
	for (int k = 0; k < l->chunks; k++)
		square_sum += l->square_sum[k];
	s.loss = failed ? NAN : s.loss / (double)count;
	s.targets = count;
	s.accuracy = (double)correct / (double)count;
	s.grad_norm = sqrt(square_sum);
	s.finite = isfinite(s.loss) && isfinite(s.grad_norm);
	s.no_memory = failed;
	return s;
}

void learner_update(struct learner *l, const struct step_stats *s)
{
	l->scale = l->spec.clip > 0 && s->grad_norm > l->spec.clip
			   ? (real)(l->spec.clip / s->grad_norm)
			   : 1;
	optim_begin(&l->optim);
	run(l, update, l->chunks);
	clear(l);
}

struct step_stats learner_step(struct learner *l, const struct lesson *lesson)
{
	struct step_stats s = learner_gradient(l, lesson);

	if (s.finite)
		learner_update(l, &s);
	else
		clear(l);
	return s;
}

void learner_carry_clear(struct learner *l)
{
	for (int k = 0; k < l->members; k++)
		l->member[k].work.in.carried = 0;
}

/* Copies every carried row between the members and one block of all rows. */
static void copy_carry(const struct learner *l, int rows, real *out, const real *in)
{
	const struct stack *st = &l->m->stack;
	size_t width;

	for (int run = 0; run < st->runs; run++)
		for (int part = 0; part < STACK_CARRY_PARTS; part++)
			for (int r = 0; r < rows; r++) {
				const struct side *s = &l->member[r % l->passes].work.in;
				const size_t all = stack_carry_at(st, rows, run, part, r, &width);
				const size_t own = stack_carry_at(st, s->carried, run, part,
								  r / l->passes, &width);

				if (out)
					memcpy(out + all, s->carry + own, width * sizeof(real));
				else
					memcpy(s->carry + own, in + all, width * sizeof(real));
			}
}

void learner_carry_get(const struct learner *l, int rows, real *carry)
{
	copy_carry(l, rows, carry, NULL);
}

void learner_carry_set(struct learner *l, int rows, const real *carry)
{
	for (int k = 0; k < l->members; k++) {
		struct side *s = &l->member[k].work.in;

		s->carried = dealt(l, rows, k);
		s->carry = mem_grow(s->carry, &s->carry_cap,
				    stack_carry_size(&l->m->stack, (size_t)s->carried) + 1,
				    sizeof(real));
	}
	copy_carry(l, rows, NULL, carry);
}

real *learner_weights(struct learner *l)
{
	return l->weights;
}

const real *learner_grad(struct learner *l)
{
	return l->grad;
}

size_t learner_bytes(const struct learner *l)
{
	const size_t others = (size_t)l->passes - 1;
	size_t n = (2 + (size_t)l->optim.ops->slots) * l->m->size + others * l->m->dense;

	n *= sizeof(real);
	for (int k = 0; k < l->members; k++)
		n += work_bytes(&l->member[k].work);
	return n;
}

struct optim *learner_optim(struct learner *l)
{
	return &l->optim;
}

struct team *learner_team(struct learner *l)
{
	return l->team;
}

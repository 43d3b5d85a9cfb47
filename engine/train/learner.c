/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/learner.h"

#include "engine/base/mem.h"
#include "engine/math/kernels.h"
#include "engine/nn/pass.h"
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

/* An embedding whose rows are looked at one by one. */
struct sparse {
	const struct id_table *table; /* NULL: it is one of the dense weights */
	int group;
	int32_t *touched; /* the ids of the batch, each once */
	bool *seen;       /* whether an id is among them */
	int count;
};

/* Dense weights of one group. */
struct span {
	size_t first, end;
	int group;
};

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
	struct span span[MODEL_MAX_PARAMS]; /* in order */
	int spans;
	double factor[MODEL_MAX_GROUPS]; /* of each group's rate */
	/* The gradient of an embedding that is not tied is all zero but for the rows that a batch holds. */
	struct sparse sparse[MODEL_TABLES];
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

static int by_place(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static void plan_groups(struct learner *l)
{
	const struct model *m = l->m;
	struct groups g;
	int n = 0;

	model_groups(m, &g);
	for (int k = 0; k < g.count; k++)
		l->factor[k] = 1;
	for (int k = 0; k < m->params; k++) {
		const size_t first = m->param[k].at, end = first + param_size(&m->param[k]);

		if (first < m->dense)
			l->span[l->spans++] = (struct span){first, end, g.of[k]};
		for (int j = 0; j < m->tables; j++)
			if (m->table[j].at == first && first >= m->dense)
				l->sparse[j].group = g.of[k];
	}
	qsort(l->span, (size_t)l->spans, sizeof(*l->span), by_place);
	for (int k = 1; k < l->spans; k++)
		if (l->span[k].group == l->span[n].group)
			l->span[n].end = l->span[k].end;
		else
			l->span[++n] = l->span[k];
	l->spans = n + 1;
}

void learner_set_factors(struct learner *l, const double *factor)
{
	memcpy(l->factor, factor, sizeof(l->factor));
}

static void plan_sparse(struct learner *l)
{
	const struct model *m = l->m;
	int widest = 0;

	for (int k = 0; k < m->tables; k++) {
		const struct id_table *t = &m->table[k];

		if (t->at < m->dense)
			continue;
		l->sparse[k].table = t;
		l->sparse[k].touched = mem_zero((size_t)t->rows, sizeof(int32_t));
		l->sparse[k].seen = mem_zero((size_t)t->rows, sizeof(bool));
		widest = t->width > widest ? t->width : widest;
	}
	l->no_grad = mem_zero((size_t)NO_GRAD * (size_t)widest, sizeof(*l->no_grad));
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
	plan_groups(l);
	plan_sparse(l);
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
	for (int k = 0; k < MODEL_TABLES; k++) {
		free(l->sparse[k].touched);
		free(l->sparse[k].seen);
	}
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
		batch_targets(&w->out.batch, corpus_target(x->corpus), x->example + k, count,
			      l->passes);
}

static void run_pass(void *arg, int k)
{
	struct learner *l = arg;
	struct member *me = &l->member[k];
	struct work *w = &me->work;
	const struct dropout drop = {l->spec.dropout, l->spec.recurrent, l->lesson->key, k,
				     l->passes};

	const struct teacher teacher = {.rate = 1 - l->lesson->own,
					.key = l->lesson->key ^ 0x7eac4e5,
					.first = k,
					.stride = l->passes};

	me->tally = (struct tally){0};
	me->tokens = w->in.batch.steps.N = w->out.batch.steps.N = 0;
	me->failed = false;
	if (!dealt(l, l->lesson->count, k))
		return;
	build_rows(l, w, k);
	me->tokens = w->in.batch.steps.N;
	me->failed = !model_pass(l->m, l->weights, w,
				 &(struct pass){.drop = &drop,
						.teacher = &teacher,
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

/* Where an id's embedding begins. */
static size_t row_at(const struct sparse *s, int32_t id)
{
	return s->table->at + (size_t)id * (size_t)s->table->width;
}

/* Clamps a part of the gradient; the sum of its squares. */
static double settle(const struct learner *l, real *g, size_t n)
{
	if ((real)l->spec.clip_value > 0)
		clamp(g, n, (real)l->spec.clip_value);
	return vec_square_sum(g, n);
}

/* The part of a span between two places that is to be learnt; false: there is none. */
static bool part_of(const struct learner *l, const struct span *s, size_t *first, size_t *end)
{
	*first = *first > s->first ? *first : s->first;
	*end = *end < s->end ? *end : s->end;
	return *first < *end && l->factor[s->group] > 0;
}

/* Adds the members' gradients up over one part of the dense weights, clamps it, and adds up its squares;
 * likewise some of the embedding's rows. */
static void reduce(void *arg, int k)
{
	struct learner *l = arg;
	double *sum = &l->square_sum[k];
	size_t from, to;

	*sum = 0;
	chunk_of(l, k, l->m->dense, &from, &to);
	for (int j = 1; j < l->passes; j++)
		vec_add(l->grad + from, l->member[j].grad + from, 1, to - from);
	for (const struct span *s = l->span; s < l->span + l->spans; s++) {
		size_t first = from, end = to;

		if (part_of(l, s, &first, &end))
			*sum += settle(l, l->grad + first, end - first);
	}
	for (const struct sparse *s = l->sparse; s < l->sparse + MODEL_TABLES; s++)
		for (int j = k; j < s->count && l->factor[s->group] > 0; j += l->chunks)
			*sum += settle(l, l->grad + row_at(s, s->touched[j]),
				       (size_t)s->table->width);
}

static void touch(struct sparse *s, const struct batch *b)
{
	for (int n = 0; s->table && n < b->steps.N; n++)
		if (!s->seen[b->ids[n]]) {
			s->seen[b->ids[n]] = true;
			s->touched[s->count++] = b->ids[n];
		}
}

static void find_touched(struct learner *l)
{
	for (int k = 0; k < l->passes; k++) {
		touch(&l->sparse[0], &l->member[k].work.in.batch);
		touch(&l->sparse[l->m->out_table], &l->member[k].work.out.batch);
	}
}

static void forget_touched(struct learner *l)
{
	for (struct sparse *s = l->sparse; s < l->sparse + MODEL_TABLES; s++) {
		for (int k = 0; k < s->count; k++)
			s->seen[s->touched[k]] = false;
		s->count = 0;
	}
}

/* An embedding's rows first .. end. An id that the batch does not hold has a gradient of zero, and where
 * updates are lazy it has none. */
static void update_rows(struct learner *l, const struct optim *o, const struct sparse *s,
			size_t first, size_t end)
{
	const size_t E = (size_t)s->table->width;

	for (size_t id = first, next; id < end; id = next) {
		const bool seen = s->seen[id];
		const size_t at = row_at(s, (int32_t)id);

		next = id + 1;
		while (next < end && next < id + NO_GRAD && s->seen[next] == seen)
			next++;
		if (seen || !l->spec.lazy)
			optim_update(o, l->weights + at, at, l->scale, (next - id) * E,
				     seen ? l->grad + at : l->no_grad);
	}
}

/* The optimizer at a group's own rate. */
static struct optim optim_at_rate(const struct learner *l, int group)
{
	struct optim o = l->optim;

	o.lr *= l->factor[group];
	return o;
}

static void update(void *arg, int k)
{
	struct learner *l = arg;
	size_t from, to;

	chunk_of(l, k, l->m->dense, &from, &to);
	for (const struct span *s = l->span; s < l->span + l->spans; s++) {
		const struct optim o = optim_at_rate(l, s->group);
		size_t first = from, end = to;

		if (part_of(l, s, &first, &end))
			optim_update(&o, l->weights + first, first, l->scale, end - first,
				     l->grad + first);
	}
	for (const struct sparse *s = l->sparse; s < l->sparse + MODEL_TABLES; s++) {
		const struct optim o = optim_at_rate(l, s->group);

		if (!s->table || !(l->factor[s->group] > 0))
			continue;
		chunk_of(l, k, (size_t)s->table->rows, &from, &to);
		update_rows(l, &o, s, from, to);
	}
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
	for (int k = 0; k < x->count; k++) {
		const size_t *start = corpus_target(x->corpus)->start + x->example[k];

		n += (int64_t)(start[1] - start[0]);
	}
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

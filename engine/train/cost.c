/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/cost.h"

#include "engine/base/mem.h"
#include "engine/nn/pass.h"
#include "engine/train/eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The last checkpoint stays until the next one is made. */
enum { SNAPSHOTS = 2 };

static const char *const part_name[COST_PARTS] = {
	[COST_WEIGHTS] = "weights",
	[COST_GRADIENTS] = "gradients",
	[COST_OPTIMIZER] = "optimizer",
	[COST_SNAPSHOTS] = "snapshots",
	[COST_ACTIVATIONS] = "activations",
	[COST_VALIDATION] = "validation",
	[COST_TEXTS] = "texts",
	[COST_PROGRAM] = "program",
};

const char *cost_part_name(enum cost_part p)
{
	return part_name[p];
}

static void add_groups(struct cost *c, const struct model *m)
{
	struct groups g;

	model_groups(m, &g);
	for (c->groups = 0; c->groups < g.count; c->groups++) {
		memcpy(c->group[c->groups].name, g.name[c->groups], GROUP_NAME);
		c->group[c->groups].parameters = (int64_t)g.size[c->groups];
	}
}

/* Adds a stack's arithmetic; `down`: gradients reach its input. */
static void add_stack(const struct stack *st, bool down, int64_t *forward, int64_t *backward)
{
	const struct cell_ops *cell = st->spec.cell;
	const int64_t H = st->spec.H;
	int64_t square = cell->h_gates;

	for (int k = 0; k < cell->extras; k++)
		square += cell->extra[k].cols != 0;
	for (int run = 0; run < st->runs; run++) {
		const int64_t input = 2 * H * cell->x_gates * st->run[run].at.E;
		const int64_t all = input + 2 * H * H * square;

		*forward += all;
		*backward += 2 * all - (down || run >= st->spec.dirs ? 0 : input);
	}
}

/* What attention multiplies with matrices: keys for each token of the text, queries and h~ for each that
 * is written. Scores and contexts, of 2(A + D) for each pair of tokens, are little beside that. */
static void add_attention(struct cost *c, const struct model *m)
{
	const struct attend *a = &m->attend;
	const int64_t A = a->A, H = a->H, D = a->D;
	const int64_t keys = a->kind >= ATTENTION_GENERAL ? 2 * A * D : 0;
	int64_t step = a->kind && a->ops->additive ? 2 * A * H : 0;

	if (a->kind && !a->ops->early)
		step += 2 * H * (D + H);
	c->forward.token += keys;
	c->backward.token += 2 * keys;
	c->forward.text += step;
	c->backward.text += 2 * step;
}

static void add_flop(struct cost *c, const struct model *m)
{
	const struct task_ops *task = &task_table[m->spec.task];
	const int64_t head = 2 * (int64_t)m->spec.classes * m->K;

	add_stack(&m->stack, m->spec.embed > 0, &c->forward.token, &c->backward.token);
	if (!task->stream && !task->pairs && m->spec.pool == POOL_ATTENTION) {
		c->forward.token += 4 * (int64_t)m->D;
		c->backward.token += 10 * (int64_t)m->D;
	}
	if (m->dec.runs)
		add_stack(&m->dec, true, &c->forward.text, &c->backward.text);
	if (task->pairs)
		add_attention(c, m);
	c->forward.text += head;
	c->backward.text += 2 * head;
	if (m->spec.task != TASK_CLASSIFY) { /* every token is a target */
		c->forward.token += c->forward.text;
		c->backward.token += c->backward.text;
	}
	if (task->stream)
		c->forward.text = c->backward.text = 0;
}

/* The workspace for a text of n tokens, whose answer is as long. */
static size_t of_tokens(const struct model *m, size_t n)
{
	return work_size(m, (struct arithmetic){0},
			 (struct work_shape){.B = 1, .N = n, .T = 1, .out_N = n});
}

void cost_of_model(struct cost *c, const struct model *m, const struct optim_ops *optim,
		   int threads)
{
	const int64_t size = (int64_t)(m->size * sizeof(real));
	const int64_t dense = (int64_t)(m->dense * sizeof(real));
	const size_t many = 1000; /* what an array has to spare is little against that */

	*c = (struct cost){.parameters = (int64_t)m->size, .bytes = size};
	add_groups(c, m);
	add_flop(c, m);
	c->memory[COST_WEIGHTS] = size;
	c->memory[COST_GRADIENTS] = size + (threads - 1) * dense;
	c->memory[COST_OPTIMIZER] = optim->slots * size;
	c->memory[COST_SNAPSHOTS] = (int64_t)SNAPSHOTS * (1 + optim->slots) * size;
	c->activations_token = (int64_t)((of_tokens(m, 2 * many) - of_tokens(m, many)) / many);
}

/* Members among whom rows are dealt. */
static int passes_of(const struct train_spec *spec, const struct encoder *e, const struct corpus *c)
{
	return train_share(spec, e, c)->kind == SHARE_ROWS ? spec->learn.threads : 1;
}

static struct arithmetic how_of(const struct train_spec *spec, int passes)
{
	return (struct arithmetic){.precision = spec->learn.precision, .others = passes - 1};
}

/* The largest workspace of each thread, while all batches of an epoch are looked at. */
struct survey {
	const struct encoder *e;
	const struct corpus *corpus;
	struct arithmetic how;
	bool own;         /* the decoder reads its own words in part */
	struct work work; /* its batches only */
	size_t *largest;  /* by thread */
	int64_t tokens;
};

static void look_at(struct survey *s, int thread)
{
	const struct steps *in = &s->work.in.batch.steps, *out = &s->work.out.batch.steps;
	const size_t n = work_size(&s->e->model, s->how,
				   (struct work_shape){(size_t)in->B, (size_t)in->N, (size_t)in->T,
						       (size_t)out->N, s->own});

	s->largest[thread] = n > s->largest[thread] ? n : s->largest[thread];
	s->tokens += in->N;
}

/* A batch as `threads` share it. */
static void look_at_batch(struct survey *s, const int32_t *example, int count, int threads)
{
	for (int k = 0; k < threads && k < count; k++) {
		const int rows = (count - k + threads - 1) / threads;

		batch_build(&s->work.in.batch, s->corpus, example + k, rows, threads, &s->e->rules);
		if (s->e->model.dec.runs)
			batch_targets(&s->work.out.batch, corpus_target(s->corpus), example + k,
				      rows, threads);
		look_at(s, k);
	}
}

/* The batches of one epoch in some order, dealt as the learner does. */
static int64_t survey_train(struct survey *s, const struct train_spec *spec)
{
	const struct corpus *c = s->corpus;
	int32_t *order = mem_alloc((size_t)c->count * sizeof(*order));
	struct rng rng;
	const int passes = passes_of(spec, s->e, c);
	int64_t bytes = 0;

	s->largest = mem_zero((size_t)spec->learn.threads, sizeof(*s->largest));
	rng_seed(&rng, spec->seed, 1);
	batch_order(c, order, spec->batch, &rng);
	for (int at = 0; at < c->count; at += spec->batch) {
		const int left = c->count - at;
		const int count = left < spec->batch ? left : spec->batch;

		look_at_batch(s, order + at, count, passes);
	}
	for (int k = 0; k < spec->learn.threads; k++)
		bytes += (int64_t)s->largest[k];
	free(order);
	return bytes;
}

/* The validation's batches: longest first, one a thread. */
static int64_t survey_valid(struct survey *s, const struct train_spec *spec)
{
	const struct corpus *c = s->corpus;
	const struct model *m = &s->e->model;
	int32_t *order = mem_alloc((size_t)c->count * sizeof(*order));
	int64_t bytes = 0;

	s->largest = mem_zero((size_t)spec->learn.threads, sizeof(*s->largest));
	for (int k = 0; k < c->count; k++)
		order[k] = k;
	batch_sort(c, order, c->count);
	for (int k = 0; k * EVAL_BATCH < c->count; k++) {
		const int left = c->count - k * EVAL_BATCH;

		batch_build(&s->work.in.batch, c, order + (size_t)k * EVAL_BATCH,
			    left < EVAL_BATCH ? left : EVAL_BATCH, 1, &s->e->rules);
		if (m->dec.runs)
			batch_targets(&s->work.out.batch, corpus_target(c),
				      order + (size_t)k * EVAL_BATCH,
				      left < EVAL_BATCH ? left : EVAL_BATCH, 1);
		look_at(s, k % spec->learn.threads);
		if (m->dec.runs && k < spec->learn.threads) /* it writes the texts, step by step */
			bytes += (int64_t)((side_size(&m->dec, (struct arithmetic){0},
						      m->out_E + m->beside, m->K, EVAL_BATCH, 1) *
						    5 / 4 +
					    EVAL_BATCH * (size_t)m->spec.classes) *
					   sizeof(real));
	}
	for (int k = 0; k < spec->learn.threads; k++)
		bytes += (int64_t)s->largest[k];
	free(order);
	return bytes;
}

static void survey_end(struct survey *s)
{
	work_release(&s->work);
	free(s->largest);
	s->largest = NULL;
}

static int64_t corpus_bytes(const struct corpus *c)
{
	const size_t text = (c->start ? sizeof(size_t) : 0) + (c->label ? sizeof(int32_t) : 0);

	return c->tokens * (int64_t)sizeof(int32_t) + c->count * (int64_t)text +
	       (c->target ? corpus_bytes(c->target) : 0);
}

/* A stream's windows are all alike. */
static void add_stream(struct cost *c, const struct train_spec *spec, const struct encoder *e,
		       const struct corpus *train, const struct corpus *valid)
{
	const int passes = passes_of(spec, e, train);

	for (int k = 0; k < passes && k < spec->batch; k++) {
		const size_t rows = (size_t)(spec->batch - k + passes - 1) / (size_t)passes;

		c->memory[COST_ACTIVATIONS] += (int64_t)work_size(
			&e->model, how_of(spec, passes),
			(struct work_shape){.B = rows, .N = rows * (size_t)spec->window});
	}
	if (valid)
		c->memory[COST_VALIDATION] =
			spec->learn.threads *
			(int64_t)work_size(&e->model, (struct arithmetic){0},
					   (struct work_shape){.B = 1, .N = EVAL_STEPS});
	c->tokens = (train->tokens - 1) / spec->batch * spec->batch;
	c->valid_tokens = valid ? valid->tokens - 1 : 0;
}

void cost_add_texts(struct cost *c, const struct train_spec *spec, const struct encoder *e,
		    const struct corpus *train, const struct corpus *valid)
{
	const int passes = passes_of(spec, e, train);
	struct survey s = {.e = e,
			   .corpus = train,
			   .how = how_of(spec, passes),
			   .own = forcing_lets_go(&spec->forcing)};

	c->memory[COST_TEXTS] = corpus_bytes(train) + (valid ? corpus_bytes(valid) : 0);
	c->memory[COST_GRADIENTS] -=
		(spec->learn.threads - passes) * (int64_t)(e->model.dense * sizeof(real));
	if (task_table[e->model.spec.task].stream) {
		add_stream(c, spec, e, train, valid);
		return;
	}
	c->memory[COST_TEXTS] += train->count * (int64_t)sizeof(int32_t); /* their order */
	c->memory[COST_ACTIVATIONS] = survey_train(&s, spec);
	c->texts = train->count;
	c->tokens = s.tokens;
	survey_end(&s);
	if (!valid)
		return;
	s = (struct survey){.e = e, .corpus = valid};
	c->memory[COST_VALIDATION] = survey_valid(&s, spec);
	c->valid_texts = valid->count;
	c->valid_tokens = s.tokens;
	survey_end(&s);
}

int64_t cost_not_at_once(const struct cost *c)
{
	const int64_t snapshot = c->memory[COST_SNAPSHOTS] / SNAPSHOTS;
	const int64_t validation = c->memory[COST_VALIDATION];

	return validation < snapshot ? validation : snapshot;
}

int64_t cost_memory(const struct cost *c)
{
	int64_t sum = 0;

	for (int k = 0; k < COST_PARTS; k++)
		sum += c->memory[k];
	return sum - cost_not_at_once(c);
}

static double flop(struct cost_flop f, int64_t tokens, int64_t texts)
{
	return (double)f.token * (double)tokens + (double)f.text * (double)texts;
}

double cost_train_flop(const struct cost *c)
{
	return flop(c->forward, c->tokens, c->texts) + flop(c->backward, c->tokens, c->texts);
}

double cost_valid_flop(const struct cost *c)
{
	return flop(c->forward, c->valid_tokens, c->valid_texts);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* The texts of a measurement, in the order of a shuffled epoch, again and again. */
struct course {
	const struct train_spec *spec;
	const struct corpus *corpus;
	bool stream;
	int32_t *order;
	int64_t batches, at;
};

/* Takes a step and adds to what was seen. */
static bool take_step(struct course *c, struct learner *l, const struct encoder *e,
		      struct cost_speed *seen, struct err *err)
{
	const int64_t k = c->at++ % c->batches, first = k * c->spec->batch;
	const int64_t left = c->corpus->count - first;
	struct lesson lesson = {.corpus = c->corpus,
				.rules = &e->rules,
				.count = c->spec->batch,
				.key = (uint64_t)k};
	struct step_stats s;

	if (c->stream) {
		if (!k)
			learner_carry_clear(l);
		lesson.steps = c->spec->window;
		lesson.at = k * c->spec->window;
	} else {
		lesson.example = c->order + first;
		lesson.count = left < c->spec->batch ? (int)left : c->spec->batch;
	}
	s = learner_step(l, &lesson);
	seen->steps++;
	seen->tokens += s.tokens;
	seen->texts += c->stream ? 0 : lesson.count;
	if (s.no_memory)
		return err_set(err, ERR_FAILED,
			       "not enough memory for a step; lower hidden, embed or batch");
	return true;
}

static void begin_course(struct course *c, const struct train_spec *spec, const struct encoder *e,
			 const struct corpus *train)
{
	struct rng rng;

	*c = (struct course){.spec = spec, .corpus = train};
	c->stream = task_table[e->model.spec.task].stream;
	c->batches = c->stream ? batch_windows(train->tokens, spec->batch, spec->window)
			       : (train->count + spec->batch - 1) / spec->batch;
	if (c->stream)
		return;
	c->order = mem_alloc((size_t)train->count * sizeof(*c->order));
	rng_seed(&rng, spec->seed, 1);
	batch_order(train, c->order, spec->batch, &rng);
}

bool cost_measure(struct cost_speed *out, double seconds, const struct train_spec *spec,
		  const struct encoder *e, const struct corpus *train, struct err *err)
{
	const struct learner_spec learn = train_learning(spec, e, train);
	struct learner *l;
	struct course course;
	double begin;
	bool ok = true, over = false;

	*out = (struct cost_speed){0};
	l = learner_new(&e->model, init_weights(&e->model, spec->seed, &spec->init), &learn, err);
	if (!l)
		return false;
	begin_course(&course, spec, e, train);
	team_flush_denormals();
	begin = now();
	for (int k = 0; ok && !over; k++) {
		ok = take_step(&course, l, e, out, err);
		out->seconds = now() - begin;
		over = out->seconds >= (k < 3 ? 3 * seconds : seconds);
		if (!k && !over) {
			*out = (struct cost_speed){0};
			begin = now();
		}
	}
	out->bytes = learner_bytes(l);
	free(course.order);
	learner_free(l);
	return ok;
}

double cost_epoch_seconds(const struct cost *c, const struct cost_speed *s)
{
	const double measured =
		flop(c->forward, s->tokens, s->texts) + flop(c->backward, s->tokens, s->texts);

	return s->seconds / measured * (cost_train_flop(c) + cost_valid_flop(c));
}

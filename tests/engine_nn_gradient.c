/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gradients of models that write: every weight against central differences of its loss. */
#include "engine/math/blas.h"
#include "engine/nn/pass.h"
#include "engine/train/learner.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

#ifdef SLUICE_DOUBLE
static const double STEP = 1e-4, GRAD_TOL = 1e-8;
#else
static const double STEP = 4e-3, GRAD_TOL = 2e-3;
#endif

enum { TEXTS = 6, ROWS = 3, STEPS = 4 };

struct probe {
	struct model_spec spec;
	bool mask;      /* reconstruct */
	bool later;     /* generate: a window that goes on where another one ended */
	double dropout; /* of states half as much */
	double own;     /* pairs: what the decoder reads of its own */
	int32_t *read;  /* what it read; so it does not change in the differences */
	double smoothing;
	int threads;

	struct encoder *e;
	struct corpus *c;
	struct work *work; /* of the differences */
	real *carry;       /* the states that the later window begins with */
};

static void build_batch(const struct probe *p, struct work *w, bool later)
{
	int32_t order[TEXTS];

	if (task_table[p->spec.task].stream) {
		batch_window(&w->in.batch, p->c->ids, p->c->tokens, ROWS, 0, 1, later ? STEPS : 0,
			     STEPS);
		assert_int_equal(w->in.batch.steps.N, ROWS * STEPS);
		return;
	}
	for (int k = 0; k < TEXTS; k++)
		order[k] = k;
	batch_sort(p->c, order, TEXTS);
	batch_build(&w->in.batch, p->c, order, TEXTS, 1, &p->e->rules);
	batch_targets(&w->out.batch, corpus_target(p->c), order, TEXTS, 1);
}

static double loss_of(const struct probe *p, const real *weights)
{
	const struct dropout drop = {
		.rate = p->dropout, .recurrent = p->dropout / 2, .key = 7, .stride = 1};
	const size_t size = stack_carry_size(&p->e->model.stack, ROWS);
	struct work *w = p->work;
	struct tally tally = {0};

	build_batch(p, w, p->later);
	if (p->read)
		memcpy(w->out.batch.ids, p->read, (size_t)w->out.batch.steps.N * sizeof(*p->read));
	if (p->later) {
		w->in.carries = true;
		w->in.carried = ROWS;
		w->in.carry = mem_grow(w->in.carry, &w->in.carry_cap, size, sizeof(real));
		memcpy(w->in.carry, p->carry, size * sizeof(real));
	}
	assert_true(model_pass(&p->e->model, weights, w,
			       &(struct pass){.drop = &drop, .smoothing = (real)p->smoothing},
			       &tally));
	return tally.loss / (double)tally.count;
}

/* What the decoder reads, with its own words among them: some of those are others than it was given. */
static int32_t *own_words(const struct probe *p, const real *weights)
{
	const struct dropout drop = {
		.rate = p->dropout, .recurrent = p->dropout / 2, .key = 7, .stride = 1};
	const struct teacher teacher = {.rate = 1 - p->own, .key = 7 ^ 0x7eac4e5, .stride = 1};
	struct work w = {0};
	int32_t *ids, *given;
	int others = 0;

	build_batch(p, &w, false);
	given = (int32_t *)mem_bytes((char *)w.out.batch.ids,
				     (size_t)w.out.batch.steps.N * sizeof(*given));
	assert_true(model_pass(&p->e->model, weights, &w,
			       &(struct pass){.drop = &drop, .teacher = &teacher},
			       &(struct tally){0}));
	ids = w.out.batch.ids;
	w.out.batch.ids = NULL;
	w.out.batch.ids_cap = 0;
	for (int n = 0; n < w.out.batch.steps.N; n++)
		others += ids[n] != given[n];
	assert_in_range(others, 3, w.out.batch.steps.N - 3);
	work_release(&w);
	free(given);
	return ids;
}

/* The states after the first window. */
static real *first_states(const struct probe *p, const real *weights)
{
	struct work w = {.in.carries = true};
	real *carry;

	build_batch(p, &w, false);
	assert_true(model_pass(&p->e->model, weights, &w, &(struct pass){0}, &(struct tally){0}));
	carry = w.in.carry;
	w.in.carry = NULL;
	work_release(&w);
	return carry;
}

static void compare(const struct probe *p, real *w, const real *grad)
{
	const struct model *m = &p->e->model;
	double largest = 0;

	for (size_t k = 0; k < m->size; k++) {
		static const int at[] = {1, -1, 2, -2};
		const real old = w[k];
		double loss[4], g;

		for (int j = 0; j < 4; j++) {
			w[k] = old + (real)(at[j] * STEP);
			loss[j] = loss_of(p, w);
		}
		w[k] = old;
		g = (8 * (loss[0] - loss[1]) - (loss[2] - loss[3])) / (12 * STEP);
		largest = fmax(largest, fabs(g));
		if (!(fabs(g - (double)grad[k]) <= GRAD_TOL * (1 + fabs(g))))
			fail_msg("%s, %s, attention %s, feed %d, own %g, drop %g, embed %d, layers "
				 "%d, dirs %d, tied %d, learned %d, later "
				 "%d: weight %zu: %.10g by differences, %.10g backward",
				 task_table[p->spec.task].name, p->spec.cell->name,
				 attention_table[p->spec.attention].name, p->spec.feed, p->own,
				 p->dropout, p->spec.embed, p->spec.layers, p->spec.dirs,
				 p->spec.tied, p->spec.learned, p->later, k, g, (double)grad[k]);
	}
	assert_true(largest > 0.01); /* there was something to compare */
}

static void check_gradient(struct probe p)
{
	const struct learner_spec spec = {.optim = optim_find("adam"),
					  .lr = 0.01,
					  .dropout = p.dropout,
					  .recurrent = p.dropout / 2,
					  .smoothing = p.smoothing,
					  .threads = p.threads};
	int32_t order[TEXTS] = {0, 1, 2, 3, 4, 5};
	struct lesson lesson = {.count = TEXTS, .example = order, .key = 7, .own = p.own};
	struct work work = {0};
	struct learner *l;

	p.e = toy_encoder_of(&p.spec, p.mask, TEXTS, &p.c, NULL);
	assert_non_null(p.e);
	p.work = &work;
	l = learner_new(&p.e->model, toy_weights(&p.e->model, 3), &spec, NULL);
	lesson.corpus = p.c;
	lesson.rules = &p.e->rules;
	if (task_table[p.spec.task].stream) {
		lesson.example = NULL;
		lesson.count = ROWS;
		lesson.steps = STEPS;
	}
	if (p.later) {
		lesson.at = STEPS;
		p.carry = first_states(&p, learner_weights(l));
		learner_carry_set(l, ROWS, p.carry);
	}
	if (p.own > 0)
		p.read = own_words(&p, learner_weights(l));
	assert_true(fabs(learner_gradient(l, &lesson).loss - loss_of(&p, learner_weights(l))) <
		    1e-5);
	compare(&p, learner_weights(l), learner_grad(l));
	learner_free(l);
	work_release(&work);
	free(p.carry);
	free(p.read);
	corpus_unref(p.c);
	encoder_unref(p.e);
}

/* Each cell writes on from a prompt: a stack whose head is its embedding, and one-hot input in a
 * window that begins with given states. */
static void gradients_of_generate(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct probe p = {.spec = {.task = TASK_GENERATE,
					   .cell = cell_at(k),
					   .embed = 3,
					   .hidden = 3,
					   .layers = 2,
					   .tied = true,
					   .learned = true},
				  .smoothing = 0.1,
				  .threads = 1};

		check_gradient(p);
		p.later = true;
		p.dropout = 0.4;
		p.threads = 2;
		check_gradient(p);
		p.spec.tied = false;
		p.spec.embed = 0;
		p.spec.layers = 1;
		check_gradient(p);
	}
}

/* Each cell says a text again from its vector. */
static void gradients_of_reconstruct(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct probe p = {.spec = {.task = TASK_RECONSTRUCT,
					   .cell = cell_at(k),
					   .embed = 3,
					   .hidden = 3,
					   .tied = true,
					   .learned = true},
				  .mask = true,
				  .dropout = 0.4,
				  .smoothing = 0.1,
				  .threads = 2};

		check_gradient(p);
		p.spec.tied = false;
		p.spec.embed = 2;
		p.spec.layers = 2;
		p.spec.dirs = 2;
		p.spec.merge = k % 2 ? MERGE_CONCAT : MERGE_SUM;
		p.spec.pool = k % 2 ? POOL_ATTENTION : POOL_MEAN;
		p.dropout = 0;
		p.mask = k % 2;
		check_gradient(p);
	}
}

/* Each cell answers a text, with each kind of attention. */
static void gradients_of_pairs(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int way = 0; way < 2; way++) {
			const enum attention attention =
				(enum attention)((k + 3 * way) % ATTENTION_COUNT);
			const bool both = (k + way) % 2, late = attention >= ATTENTION_DOT &&
								attention <= ATTENTION_CONCAT;
			struct probe p = {.spec = {.task = way ? TASK_SUMMARIZE : TASK_TRANSLATE,
						   .cell = cell_at(k),
						   .embed = 3,
						   .hidden = 3,
						   .layers = 1 + way,
						   .dirs = 1 + both,
						   .merge = attention == ATTENTION_DOT
								    ? MERGE_SUM
								    : MERGE_CONCAT,
						   .attention = attention,
						   .feed = late && way},
					  .mask = true,
					  .dropout = way ? 0.3 : 0,
					  .smoothing = way ? 0 : 0.1,
					  .threads = 1 + way};

			check_gradient(p);
		}
}

/* Every way of attending with every other choice. */
static void gradients_of_attention(void **state)
{
	const int stride = sizeof(real) == sizeof(double) ? 1 : 3; /* in double it is all of them */

	(void)state;
	for (int bits = 0; bits < ATTENTION_COUNT * 32; bits += stride) {
		const enum attention attention = (enum attention)(bits / 32);
		const bool late = attention >= ATTENTION_DOT && attention <= ATTENTION_CONCAT;
		const bool tied = bits & 16 && attention != ATTENTION_BAHDANAU;
		const struct probe p = {
			.spec = {.task = bits & 1 ? TASK_SUMMARIZE : TASK_TRANSLATE,
				 .cell = cell_find(bits % 3 ? "standard" : "gru_before"),
				 .embed = tied       ? 3
					  : bits % 4 ? 2
						     : 0,
				 .hidden = 3,
				 .dirs = 1 + (bits % 5 == 1),
				 .merge = bits % 2 || attention == ATTENTION_DOT ? MERGE_SUM
										 : MERGE_CONCAT,
				 .tied = tied,
				 .learned = bits & 2,
				 .attention = attention,
				 .att_size = 4,
				 .feed = bits & 2 && late},
			.mask = bits % 7,
			.own = bits & 4 ? 0.5 : 0,
			.dropout = bits & 8 ? 0.3 : 0,
			.threads = 1 + bits % 2};

		check_gradient(p);
	}
}

/* Every choice with every other, for one cell with c and one without. */
static void gradients_of_every_choice(void **state)
{
	(void)state;
	for (int bits = 0; bits < 64; bits++) {
		const bool one_hot = bits & 1, tied = bits & 2, learned = bits & 4;
		const bool stream = bits & 32;
		const struct probe p = {
			.spec = {.task = stream ? TASK_GENERATE : TASK_RECONSTRUCT,
				 .cell = cell_find(bits % 3 ? "standard" : "gru_before"),
				 .embed = one_hot ? 0 : 3,
				 .hidden = 3,
				 .tied = tied,
				 .learned = learned},
			.mask = bits % 5,
			.later = stream && bits % 7 > 3,
			.smoothing = bits & 8 ? 0.2 : 0,
			.dropout = bits & 16 ? 0.3 : 0,
			.threads = 1 + bits % 2};

		if (!(one_hot && tied))
			check_gradient(p);
	}
}

/* Nothing flows back into learned states from a window that begins with others. */
static void given_states_are_no_weights(void **state)
{
	struct probe p = {.spec = {.task = TASK_GENERATE,
				   .cell = &cell_standard,
				   .embed = 3,
				   .hidden = 3,
				   .learned = true}};
	struct learner *l;
	const real *h0;

	(void)state;
	p.e = toy_encoder_of(&p.spec, true, TEXTS, &p.c, NULL);
	l = learner_new(&p.e->model, toy_weights(&p.e->model, 3),
			&(struct learner_spec){.optim = optim_find("sgd"), .lr = 0.1, .threads = 1},
			NULL);
	h0 = learner_grad(l) + model_param(&p.e->model, "l0.fw.h0")->at;
	learner_gradient(l, &(struct lesson){.corpus = p.c, .count = ROWS, .steps = STEPS});
	assert_true(fabs((double)h0[0]) > 1e-6);
	learner_carry_clear(l);
	learner_step(l, &(struct lesson){.corpus = p.c, .count = ROWS, .steps = STEPS});
	learner_gradient(
		l, &(struct lesson){.corpus = p.c, .count = ROWS, .at = STEPS, .steps = STEPS});
	for (int k = 0; k < 2 * p.spec.hidden; k++) /* h0 and c0 behind it */
		assert_true(h0[k] == 0);
	learner_free(l);
	corpus_unref(p.c);
	encoder_unref(p.e);
}

static double loss_in_order(const struct encoder *e, const struct corpus *c, const real *weights,
			    const int32_t *order)
{
	struct work w = {0};
	struct tally tally = {0};

	batch_build(&w.in.batch, c, order, TEXTS, 1, &e->rules);
	batch_targets(&w.out.batch, c, order, TEXTS, 1);
	assert_true(model_pass(&e->model, weights, &w, &(struct pass){0}, &tally));
	work_release(&w);
	return tally.loss / (double)tally.count;
}

/* Each decoder has its own text's vector, also where padding keeps the texts in another order than
 * what is to be said. */
static void the_order_of_texts_is_no_matter(void **state)
{
	static const int32_t up[] = {0, 1, 2, 3, 4, 5}, mixed[] = {5, 3, 1, 0, 4, 2};

	(void)state;
	for (int mask = 0; mask < 2; mask++) {
		const struct model_spec spec = {
			.task = TASK_RECONSTRUCT, .cell = &cell_standard, .embed = 3, .hidden = 3};
		struct corpus *c;
		struct encoder *e = toy_encoder_of(&spec, mask, TEXTS, &c, NULL);
		real *w = toy_weights(&e->model, 3);
		double one = 0, all = loss_in_order(e, c, w, up) * (double)c->tokens;

		assert_true(fabs(loss_in_order(e, c, w, mixed) * (double)c->tokens - all) < 1e-4);
		for (int k = 0; k < TEXTS; k++) {
			struct work work = {0};
			struct tally tally = {0};

			batch_build(&work.in.batch, c, &up[k], 1, 1, &e->rules);
			batch_targets(&work.out.batch, c, &up[k], 1, 1);
			model_pass(&e->model, w, &work, &(struct pass){0}, &tally);
			one += tally.loss;
			work_release(&work);
		}
		assert_true(fabs(one - all) < 1e-4);
		free(w);
		corpus_unref(c);
		encoder_unref(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_of_generate),
		cmocka_unit_test(gradients_of_reconstruct),
		cmocka_unit_test(gradients_of_pairs),
		cmocka_unit_test(gradients_of_attention),
		cmocka_unit_test(gradients_of_every_choice),
		cmocka_unit_test(given_states_are_no_weights),
		cmocka_unit_test(the_order_of_texts_is_no_matter),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

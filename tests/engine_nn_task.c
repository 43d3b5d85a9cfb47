/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How good models without labels are: a stream's perplexity, and texts that come back. */
#include "engine/math/blas.h"
#include "engine/nn/decode.h"
#include "engine/nn/pass.h"
#include "engine/train/eval.h"
#include "engine/train/learner.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

static const double TOL = sizeof(real) == sizeof(double) ? 1e-12 : 1e-5;

struct toy {
	struct encoder *e;
	struct corpus *c;
	real *w;
};

static struct toy toy_new(enum task task, int dirs, int count)
{
	const struct model_spec spec = {
		.task = task, .cell = &cell_standard, .embed = 5, .hidden = 16, .dirs = dirs};
	struct toy t = {0};

	t.e = toy_encoder_of(&spec, true, count, &t.c, NULL);
	t.w = toy_weights(&t.e->model, 3);
	return t;
}

static void toy_free(struct toy *t)
{
	free(t->w);
	corpus_unref(t->c);
	encoder_unref(t->e);
}

static struct measures measure(const struct toy *t, int threads)
{
	struct team *team = team_new(threads, NULL);
	struct measures m;

	assert_true(eval_corpus(team,
				&(struct evaluation){.model = &t->e->model,
						     .weights = t->w,
						     .corpus = t->c,
						     .rules = &t->e->rules,
						     .target = t->e->target},
				&m, NULL));
	team_free(team);
	return m;
}

/* Short enough for one row: fed token by token, it is the same text. */
static void perplexity_is_that_of_the_whole_text(void **state)
{
	struct toy t = toy_new(TASK_GENERATE, 1, 100);
	const struct measures m = measure(&t, 1);
	const int V = t.e->model.spec.classes;
	struct stepper s;
	double loss = 0;

	(void)state;
	assert_in_range(t.c->tokens, 300, 1999);
	assert_true(stepper_begin(&s, &t.e->model, t.w, 1, NULL));
	for (int64_t k = 0; k + 1 < t.c->tokens; k++) {
		const real *p = stepper_feed(&s, &t.c->ids[k]);

		loss -= log((double)p[t.c->ids[k + 1]]);
	}
	stepper_release(&s);
	loss /= (double)(t.c->tokens - 1);
	assert_int_equal(m.targets, t.c->tokens - 1);
	assert_true(fabs(m.loss - loss) < TOL);
	assert_true(m.loss > 0 && m.loss < 2 * log(V));
	assert_true(m.perplexity == exp(m.loss));
	assert_true(fabs(m.bits_per_character * log(2) * (double)t.c->characters -
			 m.loss * (double)t.c->tokens) < 1e-6);
	assert_true(isnan(m.accuracy) && isnan(m.exact) && isnan(m.macro_f1));
	toy_free(&t);
}

static void perplexity_has_the_same_bits_on_any_team(void **state)
{
	struct toy t = toy_new(TASK_GENERATE, 1, 2000);
	const struct measures one = measure(&t, 1);

	(void)state;
	assert_true(t.c->tokens > 8000); /* several rows */
	for (int threads = 2; threads < 5; threads++) {
		const struct measures m = measure(&t, threads);

		assert_int_equal(m.targets, one.targets);
		assert_true(m.loss == one.loss && m.perplexity == one.perplexity &&
			    m.bits_per_character == one.bits_per_character);
	}
	toy_free(&t);
}

/* Until some texts come back. */
static void train(struct toy *t, int steps)
{
	struct learner *l = learner_new(
		&t->e->model, t->w,
		&(struct learner_spec){.optim = optim_find("adam"), .lr = 0.02, .threads = 2},
		NULL);
	real *copy = mem_alloc(t->e->model.size * sizeof(*copy));
	int32_t order[30];

	for (int step = 0; step < steps; step++) {
		for (int k = 0; k < 30; k++)
			order[k] = (step * 7 + k * 4) % t->c->count;
		assert_true(learner_step(l, &(struct lesson){.corpus = t->c,
							     .rules = &t->e->rules,
							     .example = order,
							     .count = 30,
							     .own = step % 2 ? 0.5 : 0,
							     .key = (uint64_t)step})
				    .finite);
	}
	memcpy(copy, learner_weights(l), t->e->model.size * sizeof(*copy));
	learner_free(l);
	t->w = copy;
}

/* Counts what comes back text by text, and on several threads. */
static void texts_that_come_back_are_counted(void **state)
{
	(void)state;
	for (int dirs = 1; dirs < 3; dirs++) {
		struct toy t = toy_new(TASK_RECONSTRUCT, dirs, 150);
		const int end = vocab_end(t.e->vocab);
		struct measures one, two;
		struct work w = {0};
		int64_t right = 0, exact = 0;

		train(&t, 150);
		for (int k = 0; k < t.c->count; k++) {
			const int32_t *text = t.c->ids + t.c->start[k];
			const int n = (int)(t.c->start[k + 1] - t.c->start[k]) - 1;
			int32_t ids[32];
			int len;

			batch_of_ids(&w.in.batch, text, n, &t.e->rules);
			assert_true(model_vector(&t.e->model, t.w, &w, NULL));
			assert_true(
				decode_greedy(&t.e->model, t.w, w.vector, 1, end, 32, ids, &len));
			for (int j = 0; j < n && j < len; j++)
				right += ids[j] == text[j];
			exact += len == n && !memcmp(ids, text, (size_t)n * sizeof(*ids));
		}
		one = measure(&t, 1);
		two = measure(&t, 2);
		assert_int_equal(one.examples, 150);
		assert_int_equal(one.targets, t.c->tokens);
		assert_true(exact > 0 && exact < 150);
		assert_true(fabs(one.accuracy - (double)right / (double)(t.c->tokens - 150)) <
			    1e-12);
		assert_true(fabs(one.exact - (double)exact / 150) < 1e-12);
		assert_true(two.loss == one.loss && two.accuracy == one.accuracy &&
			    two.exact == one.exact && two.perplexity == one.perplexity);
		work_release(&w);
		toy_free(&t);
	}
}

static void a_stream_of_one_token_is_refused(void **state)
{
	struct toy t = toy_new(TASK_GENERATE, 1, 4);
	struct corpus one = *t.c;
	struct team *team = team_new(1, NULL);
	struct measures m;
	struct err err = {0};

	(void)state;
	one.tokens = 1;
	assert_false(eval_corpus(team,
				 &(struct evaluation){.model = &t.e->model,
						      .weights = t.w,
						      .corpus = &one,
						      .rules = &t.e->rules,
						      .target = t.e->target},
				 &m, &err));
	assert_int_equal(err.code, ERR_INPUT);
	team_free(team);
	toy_free(&t);
}

/* Texts turned round are learnt word for word by every way of attending, and without; with half of what
 * the decoder reads its own. Counts are the same on any team, and a wider beam writes no worse. */
static void answers_are_learnt(void **state)
{
	(void)state;
	for (int k = 0; k < ATTENTION_COUNT; k++) {
		const struct model_spec spec = {.task = k % 2 ? TASK_SUMMARIZE : TASK_TRANSLATE,
						.cell = &cell_standard,
						.embed = 12,
						.hidden = 24,
						.dirs = 2,
						.merge = MERGE_SUM,
						.attention = (enum attention)k,
						.feed = k == ATTENTION_GENERAL};
		struct toy t = {.e = toy_encoder_of(&spec, true, 60, &t.c, NULL)};
		struct measures one, two;

		t.w = toy_weights(&t.e->model, 3);
		one = measure(&t, 1);
		assert_true(one.bleu.score < 40 && one.rouge.of[ROUGE_L].f1 < 0.7);
		train(&t, 400);
		one = measure(&t, 1);
		two = measure(&t, 3);
		assert_int_equal(one.examples, 60);
		assert_int_equal(one.targets, t.c->target->tokens);
		if (!(one.bleu.score > 90 && one.rouge.of[ROUGE_1].f1 > 0.9))
			fail_msg("%s: BLEU %g, perplexity %g", attention_table[k].name,
				 one.bleu.score, one.perplexity);
		assert_true(two.loss == one.loss && two.bleu.score == one.bleu.score &&
			    two.rouge.of[ROUGE_L].f1 == one.rouge.of[ROUGE_L].f1);
		assert_true(isnan(one.accuracy) && one.perplexity == exp(one.loss));
		toy_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_learnt),
		cmocka_unit_test(perplexity_is_that_of_the_whole_text),
		cmocka_unit_test(perplexity_has_the_same_bits_on_any_team),
		cmocka_unit_test(texts_that_come_back_are_counted),
		cmocka_unit_test(a_stream_of_one_token_is_refused),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

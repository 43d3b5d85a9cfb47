/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How tokens are drawn, and models that are run step by step. */
#include "engine/math/blas.h"
#include "engine/nn/decode.h"
#include "engine/nn/pass.h"
#include "engine/survey/vectors.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

#ifdef SLUICE_DOUBLE
static const double SAME_TOL = 1e-13;
#else
static const double SAME_TOL = 2e-6;
#endif

enum { MAX_IDS = 8, DRAWS = 100000 };

/* How often each of V ids comes in so many draws. */
static void count_draws(const real *prob, int V, struct sampling how, const bool *never, int *count)
{
	struct choice scratch[MAX_IDS];
	struct rng rng;

	rng_seed(&rng, 5, 0);
	memset(count, 0, (size_t)V * sizeof(*count));
	for (int k = 0; k < DRAWS; k++) {
		const int id = decode_sample(prob, V, &how, never, &rng, scratch);

		assert_in_range(id, 0, V - 1);
		count[id]++;
	}
}

/* Within three standard deviations of the shares, which need not add up to 1. */
static void assert_shares(const int *count, const double *share, int V)
{
	double sum = 0;

	for (int k = 0; k < V; k++)
		sum += share[k];
	for (int k = 0; k < V; k++) {
		const double p = share[k] / sum, sd = sqrt(DRAWS * p * (1 - p));

		if (fabs(count[k] - DRAWS * p) > 3 * sd)
			fail_msg("id %d: %d draws, not %.0f +- %.0f", k, count[k], DRAWS * p, sd);
		if (p <= 0)
			assert_int_equal(count[k], 0);
	}
}

static void draws_follow_the_probabilities(void **state)
{
	static const real prob[] = {(real)0.1, (real)0.4, (real)0.05, (real)0.3, (real)0.15, 0};
	int count[6];

	(void)state;
	for (int half = 0; half < 2; half++) {
		const double T = half ? 0.5 : 1;
		double share[6];

		for (int k = 0; k < 6; k++)
			share[k] = pow((double)prob[k], 1 / T);
		count_draws(prob, 6, (struct sampling){.temperature = T, .top_p = 1}, NULL, count);
		assert_shares(count, share, 6);
	}
}

static void top_k_keeps_exactly_so_many(void **state)
{
	/* 3, 0 and 4 are equal: the smaller ids come first */
	static const real prob[] = {(real)0.2, (real)0.1, (real)0.3, (real)0.2, (real)0.2};
	static const int rank[] = {2, 0, 3, 4, 1};
	int count[5];

	(void)state;
	for (int k = 1; k <= 6; k++) {
		double share[5] = {0};

		for (int j = 0; j < k && j < 5; j++)
			share[rank[j]] = (double)prob[rank[j]];
		count_draws(prob, 5, (struct sampling){.temperature = 1, .top_p = 1, .top_k = k},
			    NULL, count);
		assert_shares(count, share, 5);
	}
}

/* kept: how many of the likeliest are drawn, each by its share. */
static void assert_nucleus(struct sampling how, int kept)
{
	static const real prob[] = {0.0625, 0.5, 0.125, 0.25, 0.0625};
	static const int rank[] = {1, 3, 2, 0, 4};
	double share[5] = {0};
	int count[5];

	how.temperature = 1;
	for (int j = 0; j < kept; j++)
		share[rank[j]] = (double)prob[rank[j]];
	count_draws(prob, 5, how, NULL, count);
	assert_shares(count, share, 5);
}

static void top_p_keeps_the_fewest_that_reach_it(void **state)
{
	(void)state;
	assert_nucleus((struct sampling){.top_p = 1e-9}, 1);
	assert_nucleus((struct sampling){.top_p = 0.5}, 1);
	assert_nucleus((struct sampling){.top_p = 0.51}, 2);
	assert_nucleus((struct sampling){.top_p = 0.75}, 2);
	assert_nucleus((struct sampling){.top_p = 0.9}, 4);
	assert_nucleus((struct sampling){.top_p = 0.9375}, 4);
	assert_nucleus((struct sampling){.top_p = 1}, 5);
	/* its share is of what top_k has kept: 1/2 of 3/4 */
	assert_nucleus((struct sampling){.top_p = 0.6, .top_k = 2}, 1);
	assert_nucleus((struct sampling){.top_p = 0.7, .top_k = 2}, 2);
}

static void what_is_never_to_come_never_comes(void **state)
{
	static const real prob[] = {(real)0.6, (real)0.1, (real)0.2, (real)0.1};
	static const bool never[] = {true, false, false, true}, all[] = {true, true, true, true};
	static const double share[] = {0, 1, 2, 0}, likeliest[] = {0, 0, 1, 0};
	int count[4];

	(void)state;
	count_draws(prob, 4, (struct sampling){.temperature = 1, .top_p = 1}, never, count);
	assert_shares(count, share, 4);
	count_draws(prob, 4, (struct sampling){.temperature = 1, .top_p = 1, .top_k = 1}, never,
		    count);
	assert_shares(count, likeliest, 4);
	count_draws(prob, 4, (struct sampling){.top_p = 1}, never, count);
	assert_shares(count, likeliest, 4);
	count_draws(prob, 4, (struct sampling){.temperature = 1, .top_p = 0.1}, never, count);
	assert_shares(count, likeliest, 4);
	/* where nothing may come it is id 0, and nothing outside */
	count_draws(prob, 4, (struct sampling){.temperature = 1, .top_p = 1}, all, count);
	assert_int_equal(count[0], DRAWS);
}

static void no_temperature_takes_the_likeliest(void **state)
{
	static const real prob[] = {(real)0.2, (real)0.29, (real)0.31, (real)0.2};
	static const real ties[] = {(real)0.1, (real)0.4, (real)0.1, (real)0.4};
	static const double third[] = {0, 0, 1, 0}, second[] = {0, 1, 0, 0};
	int count[4];

	(void)state;
	for (double T = 0; T<1e-3; T = T> 0 ? T * 10 : 1e-300) {
		count_draws(prob, 4, (struct sampling){.temperature = T, .top_p = 1}, NULL, count);
		assert_shares(count, third, 4);
	}
	count_draws(ties, 4, (struct sampling){.top_p = 1}, NULL, count);
	assert_shares(count, second, 4);
	count_draws(ties, 4, (struct sampling){.temperature = 1, .top_p = 1, .top_k = 1}, NULL,
		    count);
	assert_shares(count, second, 4);
}

static void the_best_come_in_order(void **state)
{
	static const real prob[] = {(real)0.1, (real)0.3, (real)0.1, (real)0.4, (real)0.1};
	static const int rank[] = {3, 1, 0, 2, 4};
	struct choice best[7];

	(void)state;
	for (int n = 0; n <= 7; n++) {
		const int count = decode_top(prob, 5, best, n);

		assert_int_equal(count, n < 5 ? n : 5);
		for (int k = 0; k < count; k++) {
			assert_int_equal(best[k].id, rank[k]);
			assert_true(best[k].p == (double)prob[rank[k]]);
		}
	}
}

struct made {
	struct corpus *c;
	struct encoder *e;
	real *w;
};

static struct made make(enum task task, const struct cell_ops *cell)
{
	const struct model_spec spec = {
		.task = task, .cell = cell, .embed = 5, .hidden = 6, .layers = 2, .learned = true};
	struct made m;

	m.e = toy_encoder_of(&spec, true, 6, &m.c, NULL);
	m.w = toy_weights(&m.e->model, 4);
	for (size_t k = 0; k < m.e->model.size; k++)
		m.w[k] *= 3;                          /* livelier */
	for (int k = 0; k < m.e->model.params; k++) { /* learned states begin as zeros */
		const struct param *p = &m.e->model.param[k];
		const char *last = p->name + strlen(p->name) - 3;

		for (size_t j = 0; (!strcmp(last, ".h0") || !strcmp(last, ".c0")) && j < 6; j++)
			m.w[p->at + j] = (real)0.1 * (real)(j + 1);
	}
	return m;
}

static void unmake(struct made *m)
{
	free(m->w);
	corpus_unref(m->c);
	encoder_unref(m->e);
}

/* Feeds a side's batch, all of whose rows are equally long, step by step, and compares with the
 * probabilities (N, V) of a whole pass. */
static void assert_steps(const struct made *m, const struct batch *b, const real *vector,
			 const real *whole)
{
	const int V = m->e->model.spec.classes;
	struct stepper s;

	assert_true(stepper_begin(&s, &m->e->model, m->w, b->steps.B, vector));
	for (int t = 0; t < b->steps.T; t++) {
		const size_t at = (size_t)b->steps.offset[t];
		const real *p = stepper_feed(&s, b->ids + at);

		assert_int_equal(b->steps.active[t], b->steps.B);
		for (int k = 0; k < b->steps.B * V; k++)
			if (!(fabs((double)(p[k] - whole[at * (size_t)V + (size_t)k])) < SAME_TOL))
				fail_msg("%s: step %d, %d: %.9g, whole %.9g",
					 m->e->model.spec.cell->name, t, k, (double)p[k],
					 (double)whole[at * (size_t)V + (size_t)k]);
	}
	stepper_release(&s);
}

static void steps_are_a_whole_pass(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct made m = make(TASK_GENERATE, cell_at(k));
		struct work w = {0};

		batch_window(&w.in.batch, m.c->ids, m.c->tokens, 2, 0, 1, 0, 100);
		assert_true(w.in.batch.steps.T > 8);
		assert_true(model_pass(&m.e->model, m.w, &w, &(struct pass){.keep = true},
				       &(struct tally){0}));
		assert_steps(&m, &w.in.batch, NULL, w.prob);
		work_release(&w);
		unmake(&m);
	}
}

static void steps_of_a_decoder_are_a_whole_pass(void **state)
{
	static const int32_t first[] = {0};

	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct made m = make(TASK_RECONSTRUCT, cell_at(k));
		struct work w = {0};

		batch_build(&w.in.batch, m.c, first, 1, 1, &m.e->rules);
		batch_targets(&w.out.batch, m.c, first, 1, 1);
		assert_true(model_pass(&m.e->model, m.w, &w, &(struct pass){.keep = true},
				       &(struct tally){0}));
		assert_steps(&m, &w.out.batch, w.vector, w.prob);
		work_release(&w);
		unmake(&m);
	}
}

/* One text at a time, by hand. */
static int by_hand(const struct made *m, const real *vector, int max, int32_t *ids)
{
	const int V = m->e->model.spec.classes, end = vocab_end(m->e->vocab);
	int32_t now = end;
	struct stepper s;
	int n = 0;

	assert_true(stepper_begin(&s, &m->e->model, m->w, 1, vector));
	while (n < max) {
		struct choice best;

		decode_top(stepper_feed(&s, &now), V, &best, 1);
		if (best.id == end)
			break;
		ids[n++] = now = best.id;
	}
	stepper_release(&s);
	return n;
}

static void greedy_is_stepping_by_hand(void **state)
{
	enum { MAX = 7 };
	static const int32_t order[] = {0, 1, 2, 3, 4, 5};
	int full = 0, ended = 0;

	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct made m = make(TASK_RECONSTRUCT, cell_at(k));
		struct work w = {0};
		const size_t D = (size_t)m.e->model.D;
		int32_t ids[6 * MAX], own[MAX];
		int len[6];

		if (k % 2) /* some texts end early */
			m.w[m.e->model.head_b + VOCAB_EOS] += (real)1.5;
		batch_build(&w.in.batch, m.c, order, 6, 1, &m.e->rules);
		assert_true(model_vector(&m.e->model, m.w, &w, NULL));
		assert_true(decode_greedy(&m.e->model, m.w, w.vector, 6, vocab_end(m.e->vocab), MAX,
					  ids, len));
		for (size_t r = 0; r < 6; r++) {
			assert_int_equal(len[r], by_hand(&m, w.vector + r * D, MAX, own));
			assert_memory_equal(ids + r * MAX, own, (size_t)len[r] * sizeof(*own));
			full += len[r] == MAX;
			ended += len[r] < MAX;
		}
		work_release(&w);
		unmake(&m);
	}
	assert_true(full && ended); /* both were seen */
}

/* What a language model would go on from: the state that stepping leaves in its top layer. */
static void assert_last_state(const struct made *m, const struct encoding *text, const real *vector)
{
	struct stepper s;

	assert_true(stepper_begin(&s, &m->e->model, m->w, 1, NULL));
	for (size_t k = 0; k < text->count; k++)
		assert_non_null(stepper_feed(&s, &text->ids[k]));
	for (int k = 0; k < m->e->model.D; k++)
		assert_true(fabs((double)(s.side.tape.y[k] - vector[k])) < SAME_TOL);
	stepper_release(&s);
}

static void a_text_has_one_vector(void **state)
{
	static const char *const text[] = {
		"the film", "not good", "",     "a very long film is not bad",
		"the film", "today",    "zzz y"};
	enum { COUNT = sizeof(text) / sizeof(text[0]) };

	(void)state;
	for (int task = 0; task < TASK_COUNT; task++)
		for (int k = 0; cell_at(k); k++) {
			struct made m = make((enum task)task, cell_at(k));
			struct snapshot *s = snapshot_copy(m.e, m.w, 0, 0);
			const size_t D = (size_t)m.e->model.D;
			struct encoding e[COUNT] = {0};
			struct vectors many = {0}, one = {0};
			const real *all, *own;

			for (int j = 0; j < COUNT; j++)
				encoder_encode(m.e, text[j], strlen(text[j]), &e[j]);
			all = vectors_of(&many, s, e, COUNT);
			assert_memory_equal(all, all + 4 * D, D * sizeof(*all));
			for (size_t j = 0; j < COUNT; j++) {
				own = vectors_of(&one, s, &e[j], 1);
				for (size_t d = 0; d < D; d++)
					assert_true(fabs((double)(own[d] - all[j * D + d])) <
						    SAME_TOL);
				if (task == TASK_GENERATE)
					assert_last_state(&m, &e[j], own);
			}
			for (int j = 0; j < COUNT; j++)
				encoding_release(&e[j]);
			vectors_release(&many);
			vectors_release(&one);
			snapshot_unref(s);
			unmake(&m);
		}
}

static void cosines_are_between_minus_one_and_one(void **state)
{
	static const real a[] = {3, 4, 0}, b[] = {-6, -8, 0}, c[] = {0, 0, 2}, zero[3] = {0};
	const real bad[] = {1, (real)NAN, 0};

	(void)state;
	assert_true(vectors_cosine(a, a, 3) == 1);
	assert_true(vectors_cosine(a, b, 3) == -1);
	assert_true(vectors_cosine(a, c, 3) == 0);
	assert_true(isnan(vectors_cosine(a, zero, 3)) && isnan(vectors_cosine(zero, zero, 3)));
	assert_true(isnan(vectors_cosine(bad, a, 3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_follow_the_probabilities),
		cmocka_unit_test(top_k_keeps_exactly_so_many),
		cmocka_unit_test(top_p_keeps_the_fewest_that_reach_it),
		cmocka_unit_test(what_is_never_to_come_never_comes),
		cmocka_unit_test(no_temperature_takes_the_likeliest),
		cmocka_unit_test(the_best_come_in_order),
		cmocka_unit_test(steps_are_a_whole_pass),
		cmocka_unit_test(steps_of_a_decoder_are_a_whole_pass),
		cmocka_unit_test(greedy_is_stepping_by_hand),
		cmocka_unit_test(a_text_has_one_vector),
		cmocka_unit_test(cosines_are_between_minus_one_and_one),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

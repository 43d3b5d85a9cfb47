/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/math/blas.h"
#include "engine/math/kernels.h"
#include "engine/nn/pass.h"
#include "engine/train/eval.h"
#include "engine/train/learner.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

#ifdef SLUICE_DOUBLE
static const double STEP = 1e-4, GRAD_TOL = 1e-8, SAME_TOL = 1e-12;
#else
static const double STEP = 1e-2, GRAD_TOL = 2e-3, SAME_TOL = 2e-6;
#endif

static double loss_of(struct learner *l, const struct model *m, const struct corpus *c, int n,
		      const struct batch_rules *rules, double dropout)
{
	const struct dropout drop = {
		.rate = dropout, .recurrent = dropout / 2, .key = 7, .stride = 1};
	struct work w = {0};
	struct tally tally = {0};
	int32_t order[64];

	for (int k = 0; k < n; k++)
		order[k] = k;
	batch_sort(c, order, n);
	batch_build(&w.in.batch, c, order, n, 1, rules);
	if (m->dec.runs)
		batch_targets(&w.out.batch, c, order, n, 1);
	assert_true(model_pass(m, learner_weights(l), &w, &(struct pass){.drop = &drop}, &tally));
	work_release(&w);
	return tally.loss / (double)tally.count;
}

/* Every weight of the whole model against central differences of its loss. */
static void check_gradient(const struct model_spec *spec, bool mask, double dropout, int threads)
{
	struct corpus *c;
	struct encoder *e = toy_encoder_of(spec, mask, 6, &c, NULL);
	const struct model *m = &e->model;
	struct learner *l = learner_new(m, toy_weights(m, 3),
					&(struct learner_spec){.optim = optim_find("adam"),
							       .lr = 0.01,
							       .dropout = dropout,
							       .recurrent = dropout / 2,
							       .threads = threads},
					NULL);
	/* A maximum has kinks, which a short step is likely to miss. */
	const double step = spec->pool == POOL_MAX ? STEP / 100 : STEP;
	const double tol = spec->pool == POOL_MAX ? GRAD_TOL * 100 : GRAD_TOL;
	int32_t order[6] = {0, 1, 2, 3, 4, 5};
	real *w = learner_weights(l);

	learner_gradient(
		l,
		&(struct lesson){
			.corpus = c, .rules = &e->rules, .example = order, .count = 6, .key = 7});
	for (size_t k = 0; k < m->size; k++) {
		static const int at[] = {1, -1, 2, -2};
		const real old = w[k];
		double loss[4], g;

		for (int j = 0; j < 4; j++) {
			w[k] = old + (real)(at[j] * step);
			loss[j] = loss_of(l, m, c, 6, &e->rules, dropout);
		}
		w[k] = old; /* central differences of fourth order */
		g = (8 * (loss[0] - loss[1]) - (loss[2] - loss[3])) / (12 * step);
		if (fabs(g - (double)learner_grad(l)[k]) > tol * (1 + fabs(g)))
			fail_msg("%s: weight %zu: %.10g by differences, %.10g backward",
				 spec->cell->name, k, g, (double)learner_grad(l)[k]);
	}
	learner_free(l);
	corpus_unref(c);
	encoder_unref(e);
}

static void gradients_of_whole_model(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		const struct model_spec one = {.cell = cell_at(k), .embed = 3, .hidden = 4};

		check_gradient(&one, true, 0, 1);
		check_gradient(&one, true, 0.4, 2);
		check_gradient(&one, false, 0, 2);
	}
}

static void gradients_of_stacks_and_pools(void **state)
{
	(void)state;
	for (int pool = 0; pool < POOL_COUNT; pool++)
		for (int dirs = 1; dirs <= 2; dirs++)
			for (int merge = 0; merge < dirs; merge++) {
				const struct model_spec s = {.cell = cell_at((pool + dirs) % 2),
							     .embed = pool % 2 ? 0 : 3,
							     .hidden = 3,
							     .layers = 1 + (pool + dirs) % 2,
							     .dirs = dirs,
							     .merge = (enum merge)merge,
							     .pool = (enum pool)pool};

				if (pool == POOL_MAX && sizeof(real) == sizeof(float))
					continue; /* its kinks are wider than differences in float32 can be narrow */
				check_gradient(&s, true, 0, 1);
				if (pool ==
				    POOL_MAX) /* dropped units are 0 and padded ones hardly move: all kinks */
					check_gradient(&s, true, 0, 2);
				else
					check_gradient(&s, pool % 2, 0.4, 2);
			}
}

/* A text has the same probabilities alone and in a batch, and padding that is masked costs nothing. */
static void batch_equals_single_rows(void **state)
{
	struct corpus *c;
	struct encoder *e = toy_encoder(cell_at(0), 5, 7, true, 20, &c, NULL);
	real *w = toy_weights(&e->model, 1);
	struct work all = {0}, one = {0};
	int32_t order[20];
	int tokens = 0;

	(void)state;
	for (int k = 0; k < 20; k++)
		order[k] = k;
	batch_build(&all.in.batch, c, order, 20, 1, &e->rules);
	model_pass(&e->model, w, &all, &(struct pass){0}, &(struct tally){0});
	for (int r = 0; r < 20; r++) {
		batch_build(&one.in.batch, c, &order[all.in.batch.row[r]], 1, 1, &e->rules);
		model_pass(&e->model, w, &one, &(struct pass){0}, &(struct tally){0});
		tokens += one.in.batch.steps.N;
		for (int k = 0; k < 2; k++)
			assert_true(fabs((double)(one.prob[k] - all.prob[r * 2 + k])) < SAME_TOL);
	}
	assert_int_equal(tokens, all.in.batch.steps.N);
	assert_int_equal(tokens, c->tokens);
	work_release(&all);
	work_release(&one);
	free(w);
	corpus_unref(c);
	encoder_unref(e);
}

static real *train_some(const struct encoder *e, const struct corpus *c, int threads)
{
	struct learner *l = learner_new(&e->model, toy_weights(&e->model, 5),
					&(struct learner_spec){.optim = optim_find("adam"),
							       .lr = 0.01,
							       .clip = 1,
							       .dropout = 0.3,
							       .recurrent = 0.2,
							       .threads = threads},
					NULL);
	real *copy = mem_alloc(e->model.size * sizeof(*copy));

	for (int step = 0; step < 12; step++) {
		int32_t order[10];

		for (int k = 0; k < 10; k++)
			order[k] = (step * 7 + k * 3) % c->count;
		assert_true(learner_step(l, &(struct lesson){.corpus = c,
							     .rules = &e->rules,
							     .example = order,
							     .count = 10,
							     .key = (uint64_t)step})
				    .finite);
	}
	memcpy(copy, learner_weights(l), e->model.size * sizeof(*copy));
	learner_free(l);
	return copy;
}

static void same_seed_and_threads_same_bytes(void **state)
{
	struct corpus *c;
	struct encoder *e = toy_encoder(cell_at(1), 6, 9, true, 40, &c, NULL);
	real *a = train_some(e, c, 2), *b = train_some(e, c, 2), *one = train_some(e, c, 1);

	(void)state;
	assert_memory_equal(a, b, e->model.size * sizeof(*a));
	for (size_t k = 0; k < e->model.size;
	     k++) /* the order of additions differs: not the same bytes */
		assert_true(fabs((double)(a[k] - one[k])) < 2e-3);
	free(a);
	free(b);
	free(one);
	corpus_unref(c);
	encoder_unref(e);
}

/* The largest distance of W W' (or W' W, where there are fewer columns) from the unit matrix. */
static double from_orthogonal(const real *w, int rows, int cols)
{
	const int n = rows < cols ? rows : cols, m = rows < cols ? cols : rows;
	double worst = 0;

	for (int a = 0; a < n; a++)
		for (int b = 0; b <= a; b++) {
			double sum = 0;

			for (int k = 0; k < m; k++)
				sum += rows < cols
					       ? (double)w[a * cols + k] * (double)w[b * cols + k]
					       : (double)w[k * cols + a] * (double)w[k * cols + b];
			worst = fmax(worst, fabs(sum - (a == b)));
		}
	return worst;
}

static void fresh_weights_are_what_they_are_called(void **state)
{
	const struct model_spec spec = {
		.cell = &cell_standard, .vocab = 10, .embed = 8, .hidden = 33, .classes = 2};
	struct model m;

	(void)state;
	assert_true(model_plan(&m, &spec, NULL));
	for (int kind = 0; kind < INIT_COUNT; kind++) {
		const struct init init = {
			.kind = (enum init_kind)kind, .forget_bias = NAN, .embed_range = 0.5};
		real *w = init_weights(&m, 9, &init);
		const struct param *U = model_param(&m, "l0.fw.U_g"),
				   *W = model_param(&m, "l0.fw.W_i");
		const real *b_f = w + model_param(&m, "l0.fw.b_f")->at,
			   *b_i = w + model_param(&m, "l0.fw.b_i")->at;
		double largest = 0, squares = 0;

		for (size_t k = 0; k < param_size(W); k++) {
			largest = fmax(largest, fabs((double)w[W->at + k]));
			squares +=
				(double)w[W->at + k] * (double)w[W->at + k] / (double)param_size(W);
		}
		if (kind == INIT_GLOROT || kind == INIT_ORTHOGONAL)
			assert_true(from_orthogonal(w + U->at, 33, 33) < 1e-6);
		if (kind == INIT_ORTHOGONAL)
			assert_true(from_orthogonal(w + W->at, 33, 8) < 1e-6);
		if (kind == INIT_GLOROT)
			assert_true(largest <= sqrt(6.0 / 41) && largest > 0.9 * sqrt(6.0 / 41));
		if (kind == INIT_UNIFORM)
			assert_true(largest <= 1 / sqrt(33) && fabs((double)b_i[0]) > 0 &&
				    fabs((double)b_f[0]) > 0 && fabs((double)b_f[0]) < 0.18);
		if (kind == INIT_NORMAL)
			assert_true(fabs(squares * 8 - 1) < 0.3);
		if (kind != INIT_UNIFORM)
			assert_true(b_f[0] == 1 && b_i[0] == 0);
		free(w);
	}
}

/* Sizes beyond what is worked on at a time, and what no whole group or part is left of. */
static void large_matrices_are_orthogonal_too(void **state)
{
	static const int sizes[][2] = {{32, 36}, {101, 70}, {257, 261}, {263, 530}};
	const struct init init = {.kind = INIT_ORTHOGONAL, .forget_bias = NAN, .embed_range = 0.5};

	(void)state;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		const int H = sizes[k][0], E = sizes[k][1];
		const struct model_spec spec = {
			.cell = &cell_standard, .vocab = 10, .embed = E, .hidden = H, .classes = 2};
		struct model m;
		real *w, *again;

		assert_true(model_plan(&m, &spec, NULL));
		w = init_weights(&m, 9, &init);
		again = init_weights(&m, 9, &init);
		assert_true(from_orthogonal(w + model_param(&m, "l0.fw.U_i")->at, H, H) < 1e-6);
		assert_true(from_orthogonal(w + model_param(&m, "l0.fw.W_o")->at, H, E) < 1e-6);
		assert_memory_equal(w, again, m.size * sizeof(*w));
		free(w);
		free(again);
	}
}

static void dropout_keeps_its_share(void **state)
{
	struct corpus *c;
	struct encoder *e = toy_encoder(cell_at(0), 64, 3, true, 64, &c, NULL);
	real *w = toy_weights(&e->model, 1);
	struct work work = {0};
	int32_t order[64];
	size_t kept = 0, all = 0;

	(void)state;
	for (int k = 0; k < 64; k++)
		order[k] = k;
	batch_build(&work.in.batch, c, order, 64, 1, &e->rules);
	for (uint64_t key = 0; all < 1000000; key++) {
		const struct dropout drop = {.rate = 0.3, .key = key, .stride = 1};

		model_pass(&e->model, w, &work, &(struct pass){.drop = &drop}, &(struct tally){0});
		for (size_t k = 0; k < 64 * 64; k++, all++) {
			assert_true(work.in.drop_x[k] == 0 ||
				    fabs((double)work.in.drop_x[k] - 1 / 0.7) < 1e-6);
			kept += work.in.drop_x[k] != 0;
		}
	}
	assert_true(fabs((double)kept / (double)all - 0.7) < 0.002);
	work_release(&work);
	free(w);
	corpus_unref(c);
	encoder_unref(e);
}

static void sizes_are_checked(void **state)
{
	struct model m;
	struct err err;

	(void)state;
	assert_false(model_plan(
		&m,
		&(struct model_spec){
			.cell = &cell_standard, .vocab = 10, .embed = 3, .hidden = 0, .classes = 2},
		&err));
	assert_false(model_plan(
		&m,
		&(struct model_spec){
			.cell = &cell_standard, .vocab = 10, .embed = 3, .hidden = 3, .classes = 1},
		&err));
	assert_false(model_plan(&m,
				&(struct model_spec){.cell = &cell_standard,
						     .vocab = 1 << 30,
						     .embed = 8192,
						     .hidden = 8192,
						     .classes = 2},
				&err));
	assert_int_equal(err.code, ERR_USAGE);
}

static void evaluation_counts_right(void **state)
{
	struct corpus *c;
	struct encoder *e = toy_encoder(cell_at(0), 6, 8, true, 200, &c, NULL);
	real *w = toy_weights(&e->model, 1);
	struct team *one = team_new(1, NULL), *two = team_new(2, NULL);
	struct evaluation all = {.model = &e->model,
				 .weights = w,
				 .corpus = c,
				 .rules = &e->rules,
				 .keep_prob = true};
	struct measures a, b;
	int right = 0, sum = 0;

	(void)state;
	assert_true(eval_corpus(one, &all, &a, NULL));
	all.keep_prob = false;
	assert_true(eval_corpus(two, &all, &b, NULL));
	for (int k = 0; k < 200; k++)
		right += (a.prob[2 * k + 1] > a.prob[2 * k]) == c->label[k];
	for (int k = 0; k < 4; k++)
		sum += a.confusion[k];
	assert_int_equal(sum, 200);
	assert_int_equal(right, a.confusion[0] + a.confusion[3]);
	assert_true(fabs(a.accuracy - right / 200.0) < 1e-12);
	assert_true(a.loss == b.loss &&
		    a.macro_f1 == b.macro_f1); /* the same bits on two threads */
	measures_release(&a);
	measures_release(&b);
	team_free(one);
	team_free(two);
	free(w);
	corpus_unref(c);
	encoder_unref(e);
}

static void functions_are_exact_enough(void **state)
{
	double worst = 0;

	(void)state;
	for (double x = -30; x <= 30; x += 0.001) {
		worst = fmax(worst, fabs((double)real_tanh((real)x) - tanh((double)(real)x)));
		worst = fmax(worst,
			     fabs((double)real_sigmoid((real)x) - 1 / (1 + exp(-(double)(real)x))));
	}
	assert_true(worst < 2.5e-7);
	assert_true(isnan((double)real_tanh((real)NAN)) && isnan((double)real_sigmoid((real)NAN)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_exact_enough),
		cmocka_unit_test(gradients_of_whole_model),
		cmocka_unit_test(gradients_of_stacks_and_pools),
		cmocka_unit_test(batch_equals_single_rows),
		cmocka_unit_test(same_seed_and_threads_same_bytes),
		cmocka_unit_test(fresh_weights_are_what_they_are_called),
		cmocka_unit_test(large_matrices_are_orthogonal_too),
		cmocka_unit_test(dropout_keeps_its_share),
		cmocka_unit_test(sizes_are_checked),
		cmocka_unit_test(evaluation_counts_right),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a step is shared, and the ways round arithmetic that must change nothing but its rounding. */
#include "engine/math/blas.h"
#include "engine/nn/pass.h"
#include "engine/train/learner.h"
#include "engine/train/share.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

static const bool is_double = sizeof(real) == sizeof(double);

static void the_table_goes_by_shapes(void **state)
{
	static const struct {
		int embed, hidden, rows, members;
		int64_t tokens;
		const char *how;
	} cases[] = {
		{50, 50, 4, 2, 40, "alone"},      {100, 128, 32, 2, 1280, "rows"},
		{100, 128, 32, 1, 1280, "alone"}, {300, 512, 1, 2, 40, "columns"},
		{300, 512, 7, 2, 280, "columns"}, {300, 512, 8, 2, 320, "rows"},
		{20, 64, 2, 2, 2000, "rows"}, /* few rows, but small weights */
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		const struct model_spec spec = {.cell = &cell_standard,
						.vocab = 100,
						.embed = cases[k].embed,
						.hidden = cases[k].hidden,
						.classes = 2};
		const struct share_rule *rule;
		struct model m;

		assert_true(model_plan(&m, &spec, NULL));
		rule = share_of(&m, cases[k].rows, cases[k].tokens, cases[k].members);
		assert_string_equal(rule->name, cases[k].how);
		assert_true(strlen(rule->reason) > 10);
	}
}

struct toy {
	struct encoder *e;
	struct corpus *c;
	int32_t *order;
};

static struct toy toy_new(enum task task, const struct cell_ops *cell, int embed, int hidden,
			  int dirs)
{
	const struct model_spec spec = {.task = task,
					.cell = cell,
					.embed = embed,
					.hidden = hidden,
					.layers = 2,
					.dirs = dirs};
	struct toy t = {0};

	t.e = toy_encoder_of(&spec, true, 60, &t.c, NULL);
	t.order = mem_alloc((size_t)t.c->count * sizeof(*t.order));
	for (int k = 0; k < t.c->count; k++)
		t.order[k] = k;
	return t;
}

static void toy_free(struct toy *t)
{
	free(t->order);
	corpus_unref(t->c);
	encoder_unref(t->e);
}

static struct learner_spec spec_of(int threads, int rows, int64_t tokens)
{
	return (struct learner_spec){.optim = optim_find("adam"),
				     .lr = 0.01,
				     .clip = 1,
				     .threads = threads,
				     .rows = rows,
				     .tokens = tokens};
}

/* The weights after some steps, and the last loss. */
static real *train(const struct toy *t, const struct learner_spec *spec, int rows, double *loss)
{
	const struct model *m = &t->e->model;
	struct learner *l = learner_new(m, toy_weights(m, 5), spec, NULL);
	real *w = mem_alloc(m->size * sizeof(*w));

	for (int k = 0; k < 6; k++) {
		struct lesson lesson = {.corpus = t->c, .rules = &t->e->rules, .count = rows};
		struct step_stats s;

		if (task_table[m->spec.task].stream) {
			lesson.at = (int64_t)k * 7;
			lesson.steps = 7;
		} else {
			lesson.example = t->order + k * rows;
		}
		s = learner_step(l, &lesson);
		assert_true(s.finite);
		*loss = s.loss;
	}
	memcpy(w, learner_weights(l), m->size * sizeof(*w));
	learner_free(l);
	return w;
}

static double farthest(const real *a, const real *b, size_t n)
{
	double most = 0;

	for (size_t k = 0; k < n; k++)
		most = fmax(most, fabs((double)a[k] - (double)b[k]));
	return most;
}

/* However a step is shared, it is the same step but for the order of its sums; with the same team it is
 * the same to the bit. Adam's first steps are as large for small gradients as for large ones, so
 * weights agree less well than losses do. */
static void sharing_changes_the_rounding_alone(void **state)
{
	static const enum task tasks[] = {TASK_CLASSIFY, TASK_GENERATE, TASK_RECONSTRUCT};

	(void)state;
	for (size_t k = 0; k < sizeof(tasks) / sizeof(tasks[0]); k++)
		for (int c = 0; c < 2; c++) {
			struct toy t = toy_new(tasks[k], c ? &cell_article : &cell_standard, 24, 40,
					       tasks[k] == TASK_GENERATE ? 1 : 2);
			const size_t n = t.e->model.size;
			/* alone; by rows; and as if it were for one row of many tokens: alone, too */
			const struct learner_spec ways[] = {spec_of(1, 0, 0), spec_of(3, 0, 0),
							    spec_of(3, 6, 1)};
			double loss, other;
			real *one = train(&t, &ways[0], 6, &loss);

			for (int way = 1; way < 3; way++) {
				real *w = train(&t, &ways[way], 6, &other);
				real *again = train(&t, &ways[way], 6, &other);

				assert_memory_equal(w, again, n * sizeof(*w));
				assert_true(fabs(loss - other) < (is_double ? 1e-10 : 1e-4));
				assert_true(farthest(one, w, n) < (is_double ? 1e-6 : 1e-2));
				free(w);
				free(again);
			}
			free(one);
			toy_free(&t);
		}
}

/* A layer of more than a MiB of weights, and two rows: by columns. */
static void columns_are_shared_to_the_same_sums(void **state)
{
	struct toy t = toy_new(TASK_CLASSIFY, &cell_standard, 64, 300, 1);
	const struct learner_spec alone = spec_of(1, 2, 2000), two = spec_of(2, 2, 2000);
	double loss, other;
	real *one, *w, *again;

	(void)state;
	assert_string_equal(share_of(&t.e->model, 2, 2000, 2)->name, "columns");
	one = train(&t, &alone, 2, &loss);
	w = train(&t, &two, 2, &other);
	again = train(&t, &two, 2, &other);
	assert_memory_equal(w, again, t.e->model.size * sizeof(*w));
	assert_true(fabs(loss - other) < (is_double ? 1e-10 : 1e-4));
	assert_true(farthest(one, w, t.e->model.size) < (is_double ? 1e-6 : 1e-2));
	free(one);
	free(w);
	free(again);
	toy_free(&t);
}

/* Runs a pass over one batch; the gradient of everything, and whether rows were picked. */
static real *gradient(const struct toy *t, const int32_t *example, int rows, double *loss,
		      bool *picked)
{
	const struct model *m = &t->e->model;
	real *weights = toy_weights(m, 5), *grad = mem_block(m->size, sizeof(*grad));
	struct work w = {0};
	struct tally tally = {0};

	batch_build(&w.in.batch, t->c, example, rows, 1, &t->e->rules);
	assert_true(model_pass(m, weights, &w, &(struct pass){.grad = grad, .scale = 1}, &tally));
	model_scatter(m, &w, grad);
	*loss = tally.loss;
	*picked = w.in.tape.pick != NULL;
	work_release(&w);
	free(weights);
	return grad;
}

/* Texts one at a time have hardly a word twice; all together they have each word often, and are read by
 * distinct words. The gradients add up to the same. */
static void words_that_come_again_are_computed_once(void **state)
{
	enum { ROWS = 40 };

	(void)state;
	for (int way = 0; way < 4; way++) {
		/* one-hot or embedded, one direction or two */
		struct toy t =
			toy_new(TASK_CLASSIFY, &cell_standard, way % 2 ? 7 : 0, 9, 1 + way / 2);
		const size_t n = t.e->model.size;
		double loss, sum = 0, one;
		bool picked;
		real *together = gradient(&t, t.order, ROWS, &loss, &picked);
		real *apart = mem_block(n, sizeof(*apart));

		assert_true(picked);
		for (int k = 0; k < ROWS; k++) {
			real *g = gradient(&t, t.order + k, 1, &one, &picked);

			assert_false(picked);
			for (size_t j = 0; j < n; j++)
				apart[j] += g[j];
			sum += one;
			free(g);
		}
		assert_true(fabs(loss - sum) < (is_double ? 1e-9 : 1e-3));
		assert_true(farthest(together, apart, n) < (is_double ? 1e-10 : 1e-4));
		free(together);
		free(apart);
		toy_free(&t);
	}
}

/* bfloat16 keeps 8 bits of each factor: losses stay close, and weights are float32 numbers. */
static void bfloat16_learns_much_the_same(void **state)
{
	struct toy t = toy_new(TASK_GENERATE, &cell_standard, 40, 64, 1);
	struct learner_spec spec = spec_of(2, 0, 0);
	double loss, rounded;
	real *w, *v;

	(void)state;
	if (!precision_has(PRECISION_BF16)) {
		toy_free(&t);
		skip();
		return;
	}
	w = train(&t, &spec, 6, &loss);
	spec.precision = PRECISION_BF16;
	v = train(&t, &spec, 6, &rounded);
	assert_true(loss != rounded);
	assert_true(fabs(loss - rounded) < 0.02 * loss);
	free(w);
	free(v);
	toy_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_goes_by_shapes),
		cmocka_unit_test(sharing_changes_the_rounding_alone),
		cmocka_unit_test(columns_are_shared_to_the_same_sums),
		cmocka_unit_test(words_that_come_again_are_computed_once),
		cmocka_unit_test(bfloat16_learns_much_the_same),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

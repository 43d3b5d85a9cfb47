/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of gradients: the numbers of an optimizer, limits, rows that are left alone. And what
 * can be chosen of the weights that it all begins with. */
#include "engine/math/blas.h"
#include "engine/train/learner.h"
#include "engine/train/trainer.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

static const double TOL = sizeof(real) == sizeof(double) ? 1e-12 : 1e-6;

static void every_number_is_taken_where_it_is_of_use(void **state)
{
	static const struct {
		const char *name;
		bool takes[OPTIM_NUMBERS]; /* beta1, beta2, eps, decay */
	} table[] = {
		{"adam", {true, true, true, false}},
		{"adam_keras", {true, true, true, false}},
		{"adamw", {true, true, true, true}},
		{"sgd", {false, false, false, false}},
		{"momentum", {true, false, false, false}},
		{"nesterov", {true, false, false, false}},
		{"rmsprop", {false, true, true, false}},
		{"rmsprop_keras", {false, true, true, false}},
		{"adagrad", {false, false, true, false}},
		{"adagrad_keras", {false, false, true, false}},
	};
	size_t k;

	(void)state;
	for (k = 0; optim_at((int)k); k++) {
		assert_true(k < sizeof(table) / sizeof(table[0]));
		assert_string_equal(optim_at((int)k)->name, table[k].name);
		for (int j = 0; j < OPTIM_NUMBERS; j++)
			assert_int_equal(optim_takes(optim_at((int)k), (enum optim_number)j),
					 table[k].takes[j]);
	}
	assert_int_equal(k, sizeof(table) / sizeof(table[0]));
}

/* One weight of 2 after gradients 0.5 and -0.25, with all numbers chosen. */
static double two_updates(const char *name)
{
	const struct optim_tune tune = {{true, true, true, true}, {0.8, 0.7, 0.01, 0.3}};
	struct optim o;
	real w[1] = {2}, g[2] = {(real)0.5, (real)-0.25};

	assert_true(optim_init(&o, optim_find(name), 0.1, 1));
	optim_tune(&o, &tune);
	for (int k = 0; k < 2; k++) {
		optim_begin(&o);
		optim_update(&o, w, 0, 1, 1, g + k);
	}
	optim_release(&o);
	return (double)w[0];
}

static void chosen_numbers_reach_the_update(void **state)
{
	const double m1 = 0.2 * 0.5, v1 = 0.3 * 0.25;
	const double m2 = 0.8 * m1 - 0.2 * 0.25, v2 = 0.7 * v1 + 0.3 * 0.0625;
	const double step1 = 0.1 * (m1 / 0.2) / (sqrt(v1 / 0.3) + 0.01);
	const double step2 = 0.1 * (m2 / (1 - 0.64)) / (sqrt(v2 / (1 - 0.49)) + 0.01);
	const double keep = 1 - 0.1 * 0.3;

	(void)state;
	assert_true(fabs(two_updates("adam") - (2 - step1 - step2)) < TOL);
	assert_true(fabs(two_updates("adamw") - ((2 * keep - step1) * keep - step2)) < TOL);
	assert_true(fabs(two_updates("momentum") - (2 - 0.1 * 0.5 - 0.1 * (0.8 * 0.5 - 0.25))) <
		    TOL);
	assert_true(fabs(two_updates("rmsprop") - (2 - 0.1 * 0.5 / (sqrt(v1) + 0.01) +
						   0.1 * 0.25 / (sqrt(v2) + 0.01))) < TOL);
	assert_true(fabs(two_updates("adagrad") - (2 - 0.1 * 0.5 / (sqrt(0.25) + 0.01) +
						   0.1 * 0.25 / (sqrt(0.3125) + 0.01))) < TOL);
}

/* The gradient of 8 texts stays in l. */
static struct step_stats gradient_of(const struct encoder *e, const struct corpus *c,
				     struct learner *l)
{
	int32_t order[] = {0, 1, 2, 3, 4, 5, 6, 7};

	return learner_gradient(
		l, &(struct lesson){.corpus = c, .rules = &e->rules, .example = order, .count = 8});
}

static void elements_are_clamped_before_the_norm(void **state)
{
	const double limit = 0.004, clip = 0.01;
	struct corpus *c;
	struct encoder *e = toy_encoder(cell_at(0), 4, 5, true, 8, &c, NULL);
	const struct model *m = &e->model;
	real *w = toy_weights(m, 3), *old = toy_weights(m, 3);
	struct learner *plain = learner_new(
		m, toy_weights(m, 3),
		&(struct learner_spec){.optim = optim_find("sgd"), .lr = 1, .threads = 2}, NULL);
	struct learner *l = learner_new(m, w,
					&(struct learner_spec){.optim = optim_find("sgd"),
							       .lr = 1,
							       .clip = clip,
							       .clip_value = limit,
							       .threads = 2},
					NULL);
	size_t cut[2] = {0}; /* of the dense part, of the embedding */
	double squares = 0, *g = mem_zero(m->size, sizeof(*g));
	struct step_stats s;

	(void)state;
	gradient_of(e, c, plain);
	s = gradient_of(e, c, l);
	for (size_t k = 0; k < m->size; k++) {
		g[k] = (double)learner_grad(plain)[k];
		cut[k >= m->embedding] += fabs(g[k]) > limit;
		g[k] = fmax(-limit, fmin(limit, g[k]));
		squares += g[k] * g[k];
		assert_true(fabs((double)learner_grad(l)[k] - g[k]) < 1e-9);
	}
	assert_true(cut[0] > 0 && cut[1] > 0);
	assert_true(fabs(s.grad_norm - sqrt(squares)) < TOL && s.grad_norm > clip);
	learner_update(l, &s);
	for (size_t k = 0; k < m->size; k++)
		assert_true(fabs((double)w[k] - ((double)old[k] - g[k] * clip / sqrt(squares))) <
			    TOL);
	free(g);
	free(old);
	learner_free(plain);
	learner_free(l);
	corpus_unref(c);
	encoder_unref(e);
}

/* After some steps, each over a few texts: from 7 on, from 6 on and down. */
static struct learner *steps_of(const struct encoder *e, struct corpus *c, const char *optim,
				bool lazy, int texts, int steps)
{
	struct learner *l = learner_new(&e->model, toy_weights(&e->model, 3),
					&(struct learner_spec){.optim = optim_find(optim),
							       .lr = 0.1,
							       .clip = 1,
							       .lazy = lazy,
							       .threads = 2},
					NULL);

	for (int32_t k = 0; k < steps; k++) {
		int32_t order[6]; /* text 6 lacks words of text 7 */

		for (int j = 0; j < texts; j++)
			order[j] = 7 - k + 5 * j;
		assert_true(learner_step(l, &(struct lesson){.corpus = c,
							     .rules = &e->rules,
							     .example = order,
							     .count = texts})
				    .finite);
	}
	return l;
}

static bool holds(const struct corpus *c, int text, int32_t id)
{
	for (size_t n = c->start[text]; n < c->start[text + 1]; n++)
		if (c->ids[n] == id)
			return true;
	return false;
}

static void lazy_rows_stay_where_they_are(void **state)
{
	static const char *const name[] = {"adam", "adamw", "momentum", "rmsprop"};
	struct corpus *c;
	struct encoder *e = toy_encoder(cell_at(0), 5, 4, true, 40, &c, NULL);
	const struct model *m = &e->model;

	(void)state;
	for (size_t j = 0; j < sizeof(name) / sizeof(name[0]); j++) {
		struct learner *one = steps_of(e, c, name[j], true, 1, 1),
			       *two = steps_of(e, c, name[j], true, 1, 2),
			       *dense = steps_of(e, c, name[j], false, 1, 2);
		int stayed = 0, moved = 0;

		for (int id = 0; id < m->spec.vocab; id++) {
			const size_t at = m->embedding + (size_t)id * 5, bytes = 5 * sizeof(real);
			const bool same = !memcmp(learner_weights(one) + at,
						  learner_weights(two) + at, bytes);

			assert_int_equal(same, !holds(c, 6, id));
			if (!same)
				continue;
			stayed++;
			moved += memcmp(learner_weights(one) + at, learner_weights(dense) + at,
					bytes) != 0;
			for (int k = 0; k < learner_optim(one)->ops->slots; k++)
				assert_memory_equal(learner_optim(one)->slot[k] + at,
						    learner_optim(two)->slot[k] + at, bytes);
		}
		assert_true(stayed > 0);
		assert_int_equal(moved > 0, strcmp(name[j], "rmsprop") != 0);
		learner_free(one);
		learner_free(two);
		learner_free(dense);
	}
	corpus_unref(c);
	encoder_unref(e);
}

static void lazy_changes_nothing_else(void **state)
{
	static const struct {
		const char *name;
		int steps; /* after which an untouched row is as it was */
	} table[] = {{"sgd", 5}, {"adam", 1}, {"adagrad", 5}};
	struct corpus *c;
	struct encoder *e = toy_encoder(cell_at(0), 5, 4, true, 40, &c, NULL);
	const size_t bytes = e->model.size * sizeof(real);

	(void)state;
	for (size_t j = 0; j < sizeof(table) / sizeof(table[0]); j++) {
		struct learner *lazy = steps_of(e, c, table[j].name, true, 6, table[j].steps),
			       *dense = steps_of(e, c, table[j].name, false, 6, table[j].steps);

		assert_memory_equal(learner_weights(lazy), learner_weights(dense), bytes);
		for (int k = 0; k < learner_optim(lazy)->ops->slots; k++)
			assert_memory_equal(learner_optim(lazy)->slot[k],
					    learner_optim(dense)->slot[k], bytes);
		learner_free(lazy);
		learner_free(dense);
	}
	corpus_unref(c);
	encoder_unref(e);
}

static void keep_last(void *arg, const struct train_event *e)
{
	struct snapshot **last = arg;

	if (e->type != TRAIN_EVENT_CHECKPOINT)
		return;
	snapshot_unref(*last);
	*last = snapshot_ref(e->snapshot);
}

/* The weights at the end. */
static struct snapshot *trained(const struct train_spec *spec, struct encoder *e, struct corpus *c)
{
	struct snapshot *last = NULL;
	struct trainer *t =
		trainer_new(spec, e, c, NULL, (struct train_sink){keep_last, &last}, NULL);

	assert_int_equal(trainer_wait(t, NULL), TRAIN_FINISHED);
	trainer_free(t);
	assert_non_null(last);
	return last;
}

static void a_trainer_passes_them_on(void **state)
{
	struct train_spec spec = {.learn.optim = optim_find("adamw"),
				  .learn.tune = {{false, false, true, true}, {0, 0, 0.5, 2}},
				  .learn.lr = 0.1,
				  .learn.clip_value = 0.01,
				  .init = {.forget_bias = 1, .embed_range = 0.5},
				  .epochs = 1,
				  .batch = 8,
				  .learn.threads = 1,
				  .seed = 3};
	struct corpus *c;
	struct encoder *e = toy_encoder(cell_at(0), 4, 5, true, 8, &c, NULL);
	real *w = toy_weights(&e->model, 3);
	struct snapshot *got = trained(&spec, e, c);
	struct learner *l = learner_new(
		&e->model, w, &(struct learner_spec){.optim = optim_find("sgd"), .threads = 1},
		NULL); /* for g */

	(void)state;
	gradient_of(e, c, l);
	for (size_t k = 0; k < e->model.size; k++) {
		const double g = fmax(-0.01, fmin(0.01, (double)learner_grad(l)[k]));
		const double want = (double)w[k] * (1 - 0.1 * 2) - 0.1 * g / (fabs(g) + 0.5);

		if (fabs((double)got->weights[k] - want) > 1e-6)
			fail_msg("weight %zu: %.9g, by hand %.9g", k, (double)got->weights[k],
				 want);
	}
	learner_free(l);
	snapshot_unref(got);
	corpus_unref(c);
	encoder_unref(e);
}

static void a_trainer_can_be_lazy(void **state)
{
	static const char *const name[] = {"adam", "sgd"};
	struct corpus *c;
	struct encoder *e = toy_encoder(cell_at(0), 4, 5, true, 40, &c, NULL);

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct train_spec spec = {.learn.optim = optim_find(name[k]),
					  .learn.lr = 0.1,
					  .init = {.forget_bias = 1, .embed_range = 0.5},
					  .epochs = 1,
					  .batch = 2,
					  .learn.threads = 2,
					  .seed = 3};
		struct snapshot *dense = trained(&spec, e, c), *lazy;

		spec.learn.lazy = true;
		lazy = trained(&spec, e, c);
		assert_int_equal(
			!memcmp(dense->weights, lazy->weights, e->model.size * sizeof(real)),
			k == 1);
		snapshot_unref(dense);
		snapshot_unref(lazy);
	}
	corpus_unref(c);
	encoder_unref(e);
}

/* The largest size in a parameter, and how much of it is `same`. */
static double largest(const struct model *m, const real *w, const char *name, double same,
		      size_t *count)
{
	const struct param *p = model_param(m, name);
	double most = 0;

	*count = 0;
	for (size_t k = 0; k < param_size(p); k++) {
		most = fmax(most, fabs((double)w[p->at + k]));
		*count += (double)w[p->at + k] == same;
	}
	return most;
}

static void first_weights_have_what_was_chosen(void **state)
{
	const struct model_spec spec = {
		.cell = &cell_standard, .vocab = 40, .embed = 8, .hidden = 33, .classes = 2};
	struct init init = {.kind = INIT_UNIFORM, .forget_bias = NAN, .embed_range = 0.5};
	struct model m;
	size_t same;
	real *w;

	(void)state;
	assert_true(model_plan(&m, &spec, NULL));
	init.embed_range = init.range = 0.04;
	w = init_weights(&m, 9, &init);
	for (int k = 0; k < m.params; k++) {
		const double most = largest(&m, w, m.param[k].name, 0, &same);

		assert_true(most <= 0.04 && most > 0 && same == 0);
	}
	free(w);
	init.forget_bias = 1.5; /* holds for what is drawn too */
	w = init_weights(&m, 9, &init);
	assert_true(largest(&m, w, "l0.fw.b_f", 1.5, &same) == 1.5 && same == 33);
	assert_true(largest(&m, w, "l0.fw.b_i", 1.5, &same) <= 0.04 && same == 0);
	free(w);
	init = (struct init){.kind = INIT_GLOROT, .forget_bias = NAN, .embed_range = 0.04};
	w = init_weights(&m, 9, &init);
	assert_true(largest(&m, w, "l0.fw.b_f", 1, &same) == 1 && same == 33);
	assert_true(largest(&m, w, "embedding", 0, &same) <= 0.04 && same == 0);
	assert_true(largest(&m, w, "l0.fw.W_i", 0, &same) > 0.2);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_is_taken_where_it_is_of_use),
		cmocka_unit_test(chosen_numbers_reach_the_update),
		cmocka_unit_test(elements_are_clamped_before_the_norm),
		cmocka_unit_test(lazy_rows_stay_where_they_are),
		cmocka_unit_test(lazy_changes_nothing_else),
		cmocka_unit_test(a_trainer_passes_them_on),
		cmocka_unit_test(a_trainer_can_be_lazy),
		cmocka_unit_test(first_weights_have_what_was_chosen),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

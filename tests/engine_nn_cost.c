/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a model costs: counts by hand, and sizes against those really allocated. */
#include "engine/nn/pass.h"
#include "engine/train/cost.h"
#include "tests/toy.h"
#include "tests/unit.h"

static struct cost cost_of(const struct model_spec *spec, struct model *m)
{
	struct cost c;

	assert_true(model_plan(m, spec, NULL));
	cost_of_model(&c, m, optim_find("adam"), 1);
	return c;
}

/* E 3, H 4, two classes or a vocabulary of 7. */
static void arithmetic_is_as_counted_by_hand(void **state)
{
	static const struct {
		const char *cell;
		struct model_spec spec;
		int64_t forward, backward, forward_text, backward_text;
	} table[] = {
		/* 2 4 (4 3 + 4 4); the head 2 2 4 */
		{"standard", {.embed = 3}, 224, 448, 16, 32},
		/* three gates look at x; W_o is a matrix more: 2 4 (3 3 + 4 4 + 4) */
		{"article", {.embed = 3}, 232, 464, 16, 32},
		/* 2 4 (3 3 + 2 4 + 4), U_n being an extra */
		{"gru_after", {.embed = 3}, 168, 336, 16, 32},
		/* nine matrices from gate to gate: 2 4 (4 3 + 4 4 + 9 4) */
		{"FGR", {.embed = 3}, 512, 1024, 16, 32},
		/* peepholes are vectors */
		{"V", {.embed = 3}, 224, 448, 16, 32},
		/* twice 224, and twice 2 4 (4 8 + 4 4) above; the head 2 2 8 */
		{"standard", {.embed = 3, .layers = 2, .dirs = 2}, 1216, 2432, 32, 64},
		/* summed, the upper layer reads 4: 448 and twice 2 4 (4 4 + 4 4) */
		{"standard",
		 {.embed = 3, .layers = 2, .dirs = 2, .merge = MERGE_SUM},
		 960,
		 1920,
		 16,
		 32},
		/* one-hot: 2 4 (4 7 + 4 4), and no gradient of x: 2 4 4 7 less */
		{"standard", {.embed = 0}, 352, 480, 16, 32},
		{"standard", {.embed = 3, .pool = POOL_ATTENTION}, 240, 488, 16, 32},
		/* every token has a head of 2 7 4 */
		{"standard", {.task = TASK_GENERATE, .embed = 3}, 280, 560, 0, 0},
		{"standard", {.task = TASK_GENERATE, .embed = 4, .tied = true}, 312, 624, 0, 0},
		/* 224 to read; 2 4 (4 (3 + 4) + 4 4) and 2 7 4 to write, and so the end mark */
		{"standard", {.task = TASK_RECONSTRUCT, .embed = 3}, 632, 1264, 408, 816},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
		struct model_spec spec = table[k].spec;
		struct model m;
		struct cost c;

		spec.cell = cell_find(table[k].cell);
		spec.vocab = 7;
		spec.classes = 2;
		spec.hidden = 4;
		c = cost_of(&spec, &m);
		assert_int_equal(c.forward.token, table[k].forward);
		assert_int_equal(c.backward.token, table[k].backward);
		assert_int_equal(c.forward.text, table[k].forward_text);
		assert_int_equal(c.backward.text, table[k].backward_text);
	}
}

static void groups_hold_every_parameter_once(void **state)
{
	static const char *const name[] = {"embedding", "l0",     "l1",  "pool",
					   "dec.l0",    "dec.l1", "head"};

	(void)state;
	for (int k = 0; cell_at(k); k++) {
		const struct model_spec spec = {.task = TASK_RECONSTRUCT,
						.cell = cell_at(k),
						.vocab = 50,
						.embed = 6,
						.hidden = 5,
						.layers = 2,
						.dirs = 2,
						.pool = POOL_ATTENTION,
						.learned = k % 2};
		struct model m;
		const struct cost c = cost_of(&spec, &m);
		int64_t sum = 0;

		assert_int_equal(c.groups, 7);
		for (int g = 0; g < c.groups; g++) {
			assert_string_equal(c.group[g].name, name[g]);
			sum += c.group[g].parameters;
		}
		assert_int_equal(sum, m.size);
		assert_int_equal(c.parameters, m.size);
		assert_int_equal(c.bytes, m.size * sizeof(real));
		assert_int_equal(c.group[0].parameters, 50 * 6);
		assert_int_equal(c.group[3].parameters, 10);
		assert_int_equal(c.group[6].parameters, 50 * 5 + 50);
	}
}

/* A model that is too large is told by its number of weights, not by more than it has. */
static void only_more_than_2e9_weights_are_refused(void **state)
{
	struct model_spec spec = {.cell = &cell_standard,
				  .vocab = 10,
				  .classes = 2,
				  .embed = 8192,
				  .hidden = 8192,
				  .layers = 3};
	struct err err = {0};
	struct model m;

	(void)state;
	assert_true(model_plan(&m, &spec, &err));
	assert_true(m.size > 1600000000 && m.size < 1700000000);
	spec.layers = 4;
	assert_false(model_plan(&m, &spec, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "2e9"));
}

enum { V = 30, TEXTS = 6, LEN = 9 };

/* Texts of 9, 8 ... tokens, each with its end mark 1. */
static void make_corpus(struct corpus *c, size_t *start, int32_t *ids, int32_t *label)
{
	int n = 0;

	for (int k = 0; k < TEXTS; k++) {
		start[k] = (size_t)n;
		label[k] = k % 2;
		for (int t = 0; t < LEN - k; t++)
			ids[n + t] = 2 + (n + t) * 7 % (V - 2);
		n += LEN - k;
		ids[n - 1] = 1;
	}
	start[TEXTS] = (size_t)n;
	*c = (struct corpus){.count = TEXTS,
			     .classes = 2,
			     .max_len = LEN,
			     .tokens = n,
			     .start = start,
			     .ids = ids,
			     .label = label};
}

static void a_workspace_is_as_large_as_foretold(void **state)
{
	size_t start[TEXTS + 1];
	int32_t ids[TEXTS * LEN], label[TEXTS], example[TEXTS] = {0, 1, 2, 3, 4, 5};
	struct corpus c;

	(void)state;
	make_corpus(&c, start, ids, label);
	for (int task = 0; task < TASK_COUNT; task++)
		for (int k = 0; cell_at(k); k++) {
			const bool stream = task_table[task].stream;
			const struct batch_rules rules = {.mask = true,
							  .marked = task_table[task].decoder};
			const struct model_spec spec = {
				.task = (enum task)task,
				.cell = cell_at(k),
				.vocab = V,
				.classes = 2,
				.embed = k % 3 ? 16 : 0,
				.hidden = 8,
				.layers = 1 + k % 2,
				.dirs = stream ? 1 : 1 + k % 2,
				.merge = MERGE_SUM,
				.pool = (enum pool)(k % POOL_COUNT),
				.attention = (enum attention)(k % ATTENTION_COUNT)};
			struct work w = {.in = {.carries = stream}};
			struct tally tally = {0};
			struct model m;
			real *weights, *grad;

			assert_true(model_plan(&m, &spec, NULL));
			weights = toy_weights(&m, 1);
			grad = mem_block(m.size, sizeof(real));
			for (int pass = 0; pass < 2; pass++) {
				if (stream)
					batch_window(&w.in.batch, ids, c.tokens, 3, 0, 1, 0, 5);
				else
					batch_build(&w.in.batch, &c, example, TEXTS, 1, &rules);
				if (m.dec.runs)
					batch_targets(&w.out.batch, &c, example, TEXTS, 1);
				assert_true(model_pass(&m, weights, &w,
						       &(struct pass){.grad = grad, .scale = 1},
						       &tally));
			}
			assert_int_equal(
				work_bytes(&w),
				work_size(&m, (struct arithmetic){0},
					  (struct work_shape){(size_t)w.in.batch.steps.B,
							      (size_t)w.in.batch.steps.N,
							      (size_t)w.in.batch.steps.T,
							      (size_t)w.out.batch.steps.N, false}));
			work_release(&w);
			free(weights);
			free(grad);
		}
}

static struct train_spec train_spec(int batch, int threads)
{
	return (struct train_spec){.learn.optim = optim_find("adam"),
				   .learn.lr = 0.01,
				   .learn.clip = 5,
				   .learn.dropout = 0.2,
				   .batch = batch,
				   .learn.threads = threads,
				   .seed = 3,
				   .epochs = 1};
}

/* After an epoch of other batches: arrays that grew have up to a quarter to spare. */
static void a_learner_takes_what_was_foretold(void **state)
{
	(void)state;
	for (int k = 0; k < 4; k++) {
		const bool mask = k % 2;
		const int threads = 1 + k / 2;
		const struct model_spec spec = {
			.cell = &cell_standard, .embed = 24, .hidden = 64, .layers = 2};
		const struct train_spec train = train_spec(16, threads);
		struct corpus *texts;
		struct encoder *e = toy_encoder_of(&spec, mask, 200, &texts, NULL);
		const struct learner_spec learn = train_learning(&train, e, texts);
		struct learner *l = learner_new(&e->model, toy_weights(&e->model, 1), &learn, NULL);
		int32_t order[200];
		struct rng rng;
		struct cost c;
		double foretold = 0, taken;

		for (int j = 0; j < 200; j++)
			order[j] = j;
		rng_seed(&rng, 11, 0);
		rng_shuffle(&rng, order, 200);
		for (int at = 0; at < 200; at += 16) {
			const struct lesson lesson = {.corpus = texts,
						      .rules = &e->rules,
						      .example = order + at,
						      .count = at + 16 > 200 ? 200 - at : 16,
						      .key = (uint64_t)at};

			assert_true(learner_step(l, &lesson).finite);
		}
		cost_of_model(&c, &e->model, train.learn.optim, threads);
		for (int p = COST_WEIGHTS; p <= COST_OPTIMIZER; p++)
			foretold += (double)c.memory[p];
		assert_int_equal(foretold, ((3 + threads) * e->model.size -
					    (threads - 1) * (e->model.size - e->model.dense)) *
						   sizeof(real));
		cost_add_texts(&c, &train, e, texts, NULL);
		foretold += (double)c.memory[COST_ACTIVATIONS];
		taken = (double)learner_bytes(l);
		assert_true(taken < 1.1 * foretold && taken > 0.8 * foretold);
		assert_true(c.memory[COST_ACTIVATIONS] > c.memory[COST_WEIGHTS]);
		assert_int_equal(c.texts, 200);
		assert_int_equal(c.tokens, mask ? texts->tokens : 200 * 10);
		assert_int_equal(c.memory[COST_VALIDATION], 0);
		learner_free(l);
		encoder_unref(e);
		corpus_unref(texts);
	}
}

static void a_validation_counts_its_longest_batches(void **state)
{
	const struct model_spec spec = {.cell = &cell_article, .embed = 8, .hidden = 8};
	struct corpus *train, *valid;
	struct encoder *e = toy_encoder_of(&spec, true, 200, &train, &valid);
	struct cost one, two;

	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct train_spec s = train_spec(16, k + 1);

		cost_of_model(k ? &two : &one, &e->model, s.learn.optim, s.learn.threads);
		cost_add_texts(k ? &two : &one, &s, e, train, valid);
	}
	assert_int_equal(one.valid_texts, 200);
	assert_int_equal(one.valid_tokens, valid->tokens);
	assert_true(one.memory[COST_VALIDATION] > one.memory[COST_ACTIVATIONS]); /* 64 of 16 */
	assert_true(two.memory[COST_VALIDATION] > one.memory[COST_VALIDATION] * 3 / 2);
	assert_int_equal(two.memory[COST_GRADIENTS], e->model.size * sizeof(real)); /* unshared */
	assert_true(cost_memory(&two) > cost_memory(&one));
	assert_int_equal(cost_train_flop(&one),
			 (one.forward.token + one.backward.token) * train->tokens +
				 (one.forward.text + one.backward.text) * 200);
	encoder_unref(e);
	corpus_unref(train);
	corpus_unref(valid);
}

static void a_measurement_really_trains(void **state)
{
	const struct model_spec spec = {.cell = &cell_standard, .embed = 8, .hidden = 8};
	const struct train_spec s = train_spec(16, 2);
	struct corpus *train;
	struct encoder *e = toy_encoder_of(&spec, true, 100, &train, NULL);
	struct cost_speed speed;
	struct cost c;

	(void)state;
	cost_of_model(&c, &e->model, s.learn.optim, s.learn.threads);
	cost_add_texts(&c, &s, e, train, NULL);
	assert_true(cost_measure(&speed, 0, &s, e, train, NULL)); /* no time: one step */
	assert_int_equal(speed.steps, 1);
	assert_int_equal(speed.texts, 16);
	assert_true(speed.tokens >= 2 * 16 && speed.tokens <= 8 * 16);
	assert_true(speed.bytes > (4 * e->model.size + e->model.dense) * sizeof(real));
	assert_true(speed.seconds > 0 && cost_epoch_seconds(&c, &speed) > speed.seconds);
	assert_true(cost_measure(&speed, 0.05, &s, e, train, NULL));
	assert_true(speed.steps >= 1 && speed.texts <= 16 * speed.steps);
	encoder_unref(e);
	corpus_unref(train);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic_is_as_counted_by_hand),
		cmocka_unit_test(groups_hold_every_parameter_once),
		cmocka_unit_test(only_more_than_2e9_weights_are_refused),
		cmocka_unit_test(a_workspace_is_as_large_as_foretold),
		cmocka_unit_test(a_learner_takes_what_was_foretold),
		cmocka_unit_test(a_validation_counts_its_longest_batches),
		cmocka_unit_test(a_measurement_really_trains),
	};

	return cmocka_run_group_tests_name("engine_nn_cost", tests, NULL, NULL);
}

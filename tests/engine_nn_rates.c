/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rates of groups of weights: what is frozen keeps every byte, what has a factor learns at that rate, and
 * rules, hands and training that goes on agree on which is which. */
#include "engine/base/mem.h"
#include "engine/math/blas.h"
#include "engine/train/trainer.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>
#include <pthread.h>

static const double TOL = sizeof(real) == sizeof(double) ? 1e-12 : 1e-6;

static const struct model_spec shapes[] = {
	{.task = TASK_CLASSIFY,
	 .embed = 5,
	 .hidden = 4,
	 .layers = 2,
	 .dirs = 2,
	 .pool = POOL_ATTENTION},
	{.task = TASK_CLASSIFY, .embed = 0, .hidden = 4},
	{.task = TASK_GENERATE, .embed = 4, .hidden = 4, .tied = true, .learned = true},
	{.task = TASK_RECONSTRUCT, .embed = 5, .hidden = 4},
	{.task = TASK_TRANSLATE,
	 .embed = 5,
	 .hidden = 4,
	 .dirs = 2,
	 .attention = ATTENTION_GENERAL},
	{.task = TASK_SUMMARIZE, .embed = 5, .hidden = 4, .attention = ATTENTION_BAHDANAU},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static struct encoder *encoder_at(int k, struct corpus **c)
{
	struct model_spec spec = shapes[k];

	spec.cell = cell_at(0);
	return toy_encoder_of(&spec, true, 24, c, NULL);
}

static struct learner *learner_of(const struct model *m, const char *optim, double clip,
				  double decay)
{
	struct learner_spec spec = {
		.optim = optim_find(optim), .lr = 1, .clip = clip, .threads = 2};

	spec.tune.given[OPTIM_DECAY] = decay > 0;
	spec.tune.value[OPTIM_DECAY] = decay;
	return learner_new(m, toy_weights(m, 3), &spec, NULL);
}

/* The gradient of some texts, or of a window of the stream. */
static struct step_stats gradient(struct learner *l, const struct encoder *e, struct corpus *c,
				  int k)
{
	int32_t order[] = {k, k + 3, k + 6, k + 9, k + 12};
	struct lesson x = {.corpus = c, .rules = &e->rules, .example = order, .count = 5};

	if (task_table[e->model.spec.task].stream)
		x = (struct lesson){
			.corpus = c, .rules = &e->rules, .count = 3, .at = 4 * k, .steps = 4};
	return learner_gradient(l, &x);
}

static void step(struct learner *l, const struct encoder *e, struct corpus *c, int k)
{
	const struct step_stats s = gradient(l, e, c, k);

	assert_true(s.finite);
	learner_update(l, &s);
}

static real *copy_of(const real *w, size_t n)
{
	real *copy = mem_alloc(n * sizeof(*w));

	memcpy(copy, w, n * sizeof(*w));
	return copy;
}

/* Whether each group's numbers are the same bytes in two blocks, but for those listed. */
static void check_groups(const struct model *m, const real *a, const real *b, const bool *same)
{
	struct groups g;
	bool moved[MODEL_MAX_GROUPS] = {false};

	model_groups(m, &g);
	for (int k = 0; k < m->params; k++)
		if (memcmp(a + m->param[k].at, b + m->param[k].at,
			   param_size(&m->param[k]) * sizeof(*a)))
			moved[g.of[k]] = true;
	for (int k = 0; k < g.count; k++)
		if (moved[k] == same[k])
			fail_msg("%s: group %s has %s", task_table[m->spec.task].name, g.name[k],
				 same[k] ? "moved" : "not moved");
}

/* Two steps with all, three with one group frozen: of weights and moments none of its bytes move. */
static void check_frozen(const struct encoder *e, struct corpus *c, const char *optim, double decay,
			 int group)
{
	const struct model *m = &e->model;
	struct learner *l = learner_of(m, optim, 1, decay);
	const struct optim *o = learner_optim(l);
	double factor[MODEL_MAX_GROUPS];
	bool same[MODEL_MAX_GROUPS] = {false};
	real *was, *slot[OPTIM_MAX_SLOTS];

	for (int k = 0; k < MODEL_MAX_GROUPS; k++)
		factor[k] = k != group;
	same[group] = true;
	step(l, e, c, 0);
	step(l, e, c, 1);
	learner_set_factors(l, factor);
	was = copy_of(learner_weights(l), m->size);
	for (int k = 0; k < o->ops->slots; k++)
		slot[k] = copy_of(o->slot[k], m->size);
	for (int k = 2; k < 5; k++)
		step(l, e, c, k);
	check_groups(m, was, learner_weights(l), same);
	for (int k = 0; k < o->ops->slots; k++) {
		check_groups(m, slot[k], o->slot[k], same);
		free(slot[k]);
	}
	factor[group] = 1;
	learner_set_factors(l, factor);
	step(l, e, c, 5);
	same[group] = false;
	check_groups(m, was, learner_weights(l), same); /* it thaws */
	free(was);
	learner_free(l);
}

static void frozen_groups_keep_their_bytes(void **state)
{
	static const struct {
		const char *optim;
		double decay;
	} how[] = {{"adam", 0}, {"adamw", 0.5}, {"momentum", 0}};

	(void)state;
	for (int k = 0; k < SHAPES; k++) {
		struct corpus *c;
		struct encoder *e = encoder_at(k, &c);
		struct groups g;

		model_groups(&e->model, &g);
		for (size_t j = 0; j < sizeof(how) / sizeof(how[0]); j++)
			for (int group = 0; group < g.count; group++)
				check_frozen(e, c, how[j].optim, how[j].decay, group);
		corpus_unref(c);
		encoder_unref(e);
	}
}

/* Factors 0, 1/2, 1 and 3/2 in turn. */
static void some_factors(double *factor)
{
	for (int k = 0; k < MODEL_MAX_GROUPS; k++)
		factor[k] = 0.5 * (double)((k + 1) % 4);
}

/* After a step of gradient descent each weight has moved by factor * lr * g, and by clip / norm of it where
 * the norm, without what is frozen, is larger. */
static void check_moves(const struct encoder *e, struct corpus *c, double clip)
{
	const struct model *m = &e->model;
	struct learner *l = learner_of(m, "sgd", clip, 0);
	real *w = copy_of(learner_weights(l), m->size), *g;
	double factor[MODEL_MAX_GROUPS], squares = 0, scale;
	struct step_stats s;
	struct groups groups;
	int compared = 0;

	model_groups(m, &groups);
	some_factors(factor);
	learner_set_factors(l, factor);
	s = gradient(l, e, c, 0);
	g = copy_of(learner_grad(l), m->size);
	for (int k = 0; k < m->params; k++)
		for (size_t j = 0; j < param_size(&m->param[k]) && factor[groups.of[k]] > 0; j++)
			squares += pow((double)g[m->param[k].at + j], 2);
	assert_true(fabs(s.grad_norm - sqrt(squares)) <= TOL * sqrt(squares));
	scale = clip > 0 && sqrt(squares) > clip ? clip / sqrt(squares) : 1;
	assert_int_equal(scale<1, clip> 0);
	learner_update(l, &s);
	for (int k = 0; k < m->params; k++)
		for (size_t j = 0; j < param_size(&m->param[k]); j++) {
			const size_t at = m->param[k].at + j;
			const double want =
				(double)w[at] - factor[groups.of[k]] * scale * (double)g[at];

			assert_true(fabs((double)learner_weights(l)[at] - want) < TOL);
			compared += fabs(want - (double)w[at]) > 100 * TOL;
		}
	assert_true(compared > 20);
	free(w);
	free(g);
	learner_free(l);
}

static void a_factor_is_one_of_the_rate(void **state)
{
	(void)state;
	for (int k = 0; k < SHAPES; k++) {
		struct corpus *c;
		struct encoder *e = encoder_at(k, &c);

		check_moves(e, c, 0);
		check_moves(e, c, 0.01);
		corpus_unref(c);
		encoder_unref(e);
	}
}

static const char *const names[] = {"embedding", "l0",     "l1",        "pool", "dec.embedding",
				    "bridge",    "dec.l0", "attention", "head"};

static struct groups some_groups(void)
{
	struct groups g = {.count = sizeof(names) / sizeof(names[0])};

	for (int k = 0; k < g.count; k++)
		strcpy(g.name[k], names[k]);
	return g;
}

/* The factors of an epoch as digits: 0 frozen, 1 plain, 2 for a half. */
static void factors_are(const struct rates *r, int epoch, const char *want)
{
	const struct groups g = some_groups();
	double factor[MODEL_MAX_GROUPS];
	char got[MODEL_MAX_GROUPS + 1] = "";

	rates_at(r, &g, epoch, factor);
	for (int k = 0; k < g.count; k++)
		got[k] = factor[k] == 0 ? '0' : factor[k] == 1 ? '1' : factor[k] == 0.5 ? '2' : '?';
	assert_string_equal(got, want);
}

static struct rates rates_of(const char *freeze, const char *factors)
{
	struct rates r = {0};
	struct err err = {0};

	if (!rates_factors(&r, factors, &err) || !rates_freeze(&r, freeze, &err))
		fail_msg("%s", err.msg);
	return r;
}

static void rules_name_groups_and_epochs(void **state)
{
	struct rates r = rates_of(NULL, NULL);

	(void)state;
	factors_are(&r, 1, "111111111");
	r = rates_of("", " , ");
	factors_are(&r, 1, "111111111");
	r = rates_of("embedding, l0@2-3 ,head@-2,bridge@4-,pool@3", NULL);
	factors_are(&r, 1, "011111110");
	factors_are(&r, 2, "001111110");
	factors_are(&r, 3, "001011111");
	factors_are(&r, 4, "011110111");
	factors_are(&r, 1000, "011110111");
	r = rates_of("encoder@1,decoder@2", "all:0.5,head:1");
	factors_are(&r, 1, "000022221"); /* of several rules the last one holds */
	factors_are(&r, 2, "222200021");
	factors_are(&r, 3, "222222221");
	r = rates_of("encoder@1,decoder@2", NULL);
	factors_are(&r, 1, "000011111");
	factors_are(&r, 2, "111100011");
	r = rates_of(NULL, "dec.l0:5e-1,\tattention:0 , encoder:0.5");
	factors_are(&r, 7, "222211201");
}

static void groups_thaw_from_the_head_down(void **state)
{
	struct rates r = rates_of("l1@3", "embedding:0.5,head:0.5");

	(void)state;
	r.gradual = true;
	factors_are(&r, 1, "000000002");
	factors_are(&r, 2, "000000012");
	factors_are(&r, 3, "000000112");
	factors_are(&r, 8, "011111112");
	factors_are(&r, 9, "211111112");
	factors_are(&r, 99, "211111112");
	r.rule[r.count++] = (struct rate_rule){.name = "l1", .from = 1, .to = 8};
	factors_are(&r, 8, "010111112"); /* what is frozen otherwise stays so */
	factors_are(&r, 9, "211111112");
}

static void refused(const char *freeze, const char *factors, int epochs, const char *says)
{
	const struct groups g = some_groups();
	struct rates r = {0};
	struct err err = {0};

	assert_false(rates_freeze(&r, freeze, &err) && rates_factors(&r, factors, &err) &&
		     rates_check(&r, &g, epochs, &err));
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, says))
		fail_msg("'%s' does not say '%s'", err.msg, says);
}

static void bad_rules_are_told(void **state)
{
	static const char *const epochs[] = {"l0@",    "l0@0",          "l0@-",   "l0@x",
					     "l0@3-2", "l0@1-x",        "l0@2 3", "l0@1.5",
					     "l0@-0",  "l0@99999999999"};
	static const char *const forms[] = {"l0",     "l0:",    "l0=1",       "l0:x",   "l0:-1",
					    "l0:1:2", "l0:nan", "l0:2000000", "l0:inf", "l0:1 2"};
	struct buf many = {0};
	struct rates r = {0};
	const struct groups g = some_groups();

	(void)state;
	for (size_t k = 0; k < sizeof(epochs) / sizeof(epochs[0]); k++)
		refused(epochs[k], NULL, 1, "names no epochs; write l0@3");
	for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++)
		refused(NULL, forms[k], 1, "is not of the form GROUP:FACTOR");
	refused("@3", NULL, 1, "'' is no group of weights");
	refused(NULL, ":1", 1, "'' is no group of weights");
	refused("a.very.long.name.of.a.group", NULL, 1, "is no group of weights");
	refused("l7", NULL, 1, "no group 'l7'; it has embedding l0 l1 pool");
	refused("l", NULL, 1, "no group 'l'");
	refused("all@2", NULL, 2, "freeze leaves nothing to learn in epoch 2");
	refused(NULL, "all:0", 1, "nothing to learn in epoch 1");
	assert_true(rates_freeze(&r, "all@2", NULL) && rates_check(&r, &g, 1, NULL));
	for (int k = 0; k < RATES_MOST + 1; k++)
		buf_text(&many, "l0,");
	refused(buf_str(&many), NULL, 1, "more than 32 rules");
	buf_release(&many);
}

/* What a trainer told. */
struct watch {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int steps, rates, saved;
	enum train_state state;
	double factor[256][MODEL_MAX_GROUPS]; /* of each step */
	double now[MODEL_MAX_GROUPS];
	struct snapshot *at[8]; /* first, and of each checkpoint */
};

static void emit(void *arg, const struct train_event *e)
{
	struct watch *w = arg;

	pthread_mutex_lock(&w->lock);
	w->state = e->gauge->state;
	memcpy(w->now, e->gauge->factor, sizeof(w->now));
	w->rates += e->type == TRAIN_EVENT_RATES;
	if (e->type == TRAIN_EVENT_STEP && w->steps < 256)
		memcpy(w->factor[w->steps++], e->gauge->factor, sizeof(w->factor[0]));
	if (e->snapshot && w->saved < 8)
		w->at[w->saved++] = snapshot_ref(e->snapshot);
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

#define WAIT_FOR(w, condition)                                                                     \
	do {                                                                                       \
		pthread_mutex_lock(&(w)->lock);                                                    \
		while (!(condition))                                                               \
			pthread_cond_wait(&(w)->changed, &(w)->lock);                              \
		pthread_mutex_unlock(&(w)->lock);                                                  \
	} while (0)

static struct watch *watch_new(void)
{
	struct watch *w = mem_zero(1, sizeof(*w));

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	return w;
}

static void watch_free(struct watch *w)
{
	for (int k = 0; k < w->saved; k++)
		snapshot_unref(w->at[k]);
	free(w);
}

static struct train_spec spec_of(int epochs)
{
	return (struct train_spec){.learn.optim = optim_find("adam"),
				   .learn.lr = 0.01,
				   .learn.dropout = 0.2,
				   .init = {.forget_bias = 1, .embed_range = 0.5},
				   .epochs = epochs,
				   .batch = 4,
				   .learn.threads = 2,
				   .seed = 4};
}

/* Groups: embedding l0 l1 pool head; six steps an epoch. */
static void a_trainer_follows_the_rules(void **state)
{
	static const char want[4][6] = {"00001", "11110", "00211", "00211"};
	struct train_spec spec = spec_of(4);
	struct watch *w = watch_new();
	struct corpus *c;
	struct encoder *e = encoder_at(0, &c);
	struct trainer *t;

	(void)state;
	rates_freeze(&spec.rates, "encoder@1,head@2,embedding@3-,l0@3-", NULL);
	rates_factors(&spec.rates, NULL, NULL);
	spec.rates.rule[spec.rates.count++] =
		(struct rate_rule){.name = "l1", .from = 3, .to = 9, .factor = 0.5};
	t = trainer_new(&spec, e, c, NULL, (struct train_sink){emit, w}, NULL);
	assert_int_equal(trainer_wait(t, NULL), TRAIN_FINISHED);
	trainer_free(t);
	assert_int_equal(w->steps, 24);
	assert_int_equal(w->rates, 3); /* one for each change */
	assert_int_equal(w->saved, 5);
	for (int k = 0; k < 24; k++)
		for (int g = 0; g < 5; g++) {
			const char digit = want[k / 6][g];

			assert_true(w->factor[k][g] == (digit == '2' ? 0.5 : digit - '0'));
		}
	for (int k = 0; k < 4; k++) {
		bool same[MODEL_MAX_GROUPS];

		for (int g = 0; g < 5; g++)
			same[g] = want[k][g] == '0';
		check_groups(&e->model, w->at[k]->weights, w->at[k + 1]->weights, same);
	}
	watch_free(w);
	corpus_unref(c);
	encoder_unref(e);
}

/* Pauses after `at` steps and sets rates by hand: the encoder is frozen, the head at half its rate. Stops
 * after `stop` steps, which 0 never does. */
static struct snapshot *by_hand(struct train_spec spec, struct encoder *e, struct corpus *c, int at,
				int stop)
{
	struct watch *w = watch_new();
	struct snapshot *last;
	struct trainer *t;

	spec.paused = at > 0;
	t = trainer_new(&spec, e, c, NULL, (struct train_sink){emit, w}, NULL);
	for (int k = 0; k < at; k++)
		trainer_one_batch(t);
	if (at) {
		WAIT_FOR(w, w->steps == at && w->state == TRAIN_PAUSED);
		trainer_set_factor(t, "encoder", 0);
		WAIT_FOR(w, w->now[0] == 0 && w->now[3] == 0);
		trainer_set_factor(t, "head", 0.5);
		WAIT_FOR(w, w->now[4] == 0.5);
		trainer_set_factor(t, "nothing", 3);
	}
	for (int k = at; k < stop; k++)
		trainer_one_batch(t);
	if (stop) {
		WAIT_FOR(w, w->steps == stop && w->state == TRAIN_PAUSED);
		trainer_stop(t);
	} else if (at) {
		trainer_resume(t);
	}
	assert_int_equal(trainer_wait(t, NULL), stop ? TRAIN_STOPPED : TRAIN_FINISHED);
	trainer_free(t);
	last = snapshot_ref(w->at[w->saved - 1]);
	for (int k = at; k < w->steps; k++) {
		assert_true(w->factor[k][0] == 0);
		assert_true(w->factor[k][4] == 0.5);
	}
	watch_free(w);
	return last;
}

/* Whether a snapshot that was on its way with other rates ends as the whole training does. */
static void hands_are_remembered(void **state)
{
	static const char *const freeze[] = {NULL, "l0@2,head@1-2", "encoder@1"};
	struct corpus *c;
	struct encoder *e = encoder_at(0, &c);

	(void)state;
	for (size_t k = 0; k < sizeof(freeze) / sizeof(freeze[0]); k++) {
		struct train_spec spec = spec_of(3);
		struct snapshot *whole, *part, *end;

		rates_freeze(&spec.rates, freeze[k], NULL);
		whole = by_hand(spec, e, c, 5, 0);
		part = by_hand(spec, e, c, 5, 8);
		assert_int_equal(part->step, 8);
		assert_non_null(part->progress->factor);
		spec.from = part;
		end = by_hand(spec, e, c, 0, 0);
		assert_int_equal(end->step, whole->step);
		assert_memory_equal(end->weights, whole->weights, e->model.size * sizeof(real));
		for (int j = 0; j < 2; j++)
			assert_memory_equal(end->progress->slot[j], whole->progress->slot[j],
					    e->model.size * sizeof(real));
		snapshot_unref(whole);
		snapshot_unref(part);
		snapshot_unref(end);
	}
	corpus_unref(c);
	encoder_unref(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frozen_groups_keep_their_bytes),
		cmocka_unit_test(a_factor_is_one_of_the_rate),
		cmocka_unit_test(rules_name_groups_and_epochs),
		cmocka_unit_test(groups_thaw_from_the_head_down),
		cmocka_unit_test(bad_rules_are_told),
		cmocka_unit_test(a_trainer_follows_the_rules),
		cmocka_unit_test(hands_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning rates: every schedule at every step against its formula, alone and as a trainer uses it. */
#include "engine/math/blas.h"
#include "engine/train/trainer.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

static void close_to(const char *what, int64_t step, double got, double want)
{
	if (!(fabs(got - want) <= 1e-12 * fabs(want)))
		fail_msg("%s at step %lld: %.17g, not %.17g", what, (long long)step, got, want);
}

/* Factors written out anew, by what they are called. */
static double expected(const struct schedule *s, int step, int steps, int n)
{
	const char *name = s->ops->name;
	const int epoch = step / n + 1;
	double f = 1;

	if (!strcmp(name, "step")) {
		for (int e = s->after + 1; e <= epoch; e += s->every)
			f *= s->decay;
	} else if (!strcmp(name, "exponential")) {
		if (step > s->after * n)
			f = exp(log(s->decay) * (step - s->after * n) / (n * s->every));
	} else if (!strcmp(name, "cosine")) {
		if (step > s->warmup)
			f = pow(cos(M_PI / 2 * (double)(step - s->warmup) /
				    (double)(steps - s->warmup)),
				2);
	} else if (!strcmp(name, "triangle")) {
		const int cut = steps / 10;
		const double p = step < cut ? (double)step / cut : 1 - (step - cut) / (9.0 * cut);

		return (1 + p * 31) / 32;
	}
	return step < s->warmup ? f * (step + 1) / (double)s->warmup : f;
}

static void every_step_has_its_rate(void **state)
{
	static const struct schedule shape[] = {
		{.decay = 0.5, .every = 1},
		{.decay = 0.8, .every = 3, .after = 2, .warmup = 17},
		{.decay = 1, .every = 1, .after = 30, .warmup = 1},
	};
	const int n = 7, epochs = 10;

	(void)state;
	for (int k = 0; schedule_at(k); k++)
		for (size_t j = 0; j < sizeof(shape) / sizeof(shape[0]); j++) {
			struct schedule s = shape[j];
			struct schedule_now now = {
				.steps = n * epochs, .per_epoch = n, .memory = schedule_fresh};

			s.ops = schedule_at(k);
			assert_ptr_equal(schedule_find(s.ops->name), s.ops);
			for (int step = 0; step < n * epochs; step++) {
				now.step = step;
				now.epoch = step / n + 1;
				close_to(s.ops->name, step, schedule_factor(&s, &now),
					 expected(&s, step, n * epochs, n));
			}
		}
	assert_null(schedule_find("steps"));
}

/* Of 12 epochs with losses as they are, on a plateau of 2 epochs. */
static void a_plateau_is_waited_for(void **state)
{
	static const double loss[] = {3, 2, 2, 1.9, 2, 2.5, 1.9, 1.95, 1, 2, 3, 4};
	static const double from_first[] = {1,   1,    1,    1,    1,     0.5,
					    0.5, 0.25, 0.25, 0.25, 0.125, 0.125};
	static const double from_sixth[] = {1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25};
	struct schedule s = {.ops = schedule_find("plateau"), .decay = 0.5, .every = 2};

	(void)state;
	for (int after = 0; after <= 5; after += 5) {
		struct schedule_memory m = schedule_fresh;

		s.after = after;
		for (int e = 0; e < 12; e++) {
			const double before = m.factor;
			const bool fell = schedule_epoch(&s, &m, e + 1, loss[e]);
			const struct schedule_now now = {.steps = 12, .per_epoch = 1, .memory = m};

			close_to("plateau", e, schedule_factor(&s, &now),
				 after ? from_sixth[e] : from_first[e]);
			assert_int_equal(fell, m.factor < before);
		}
	}
	s.ops = schedule_find("step"); /* others remember nothing */
	assert_false(schedule_epoch(&s, &(struct schedule_memory){0}, 9, 9));
}

static void short_runs_have_rates_above_0(void **state)
{
	const struct schedule s = {.ops = schedule_find("triangle"), .decay = 0.5, .every = 1};

	(void)state;
	for (int steps = 1; steps < 60; steps++)
		for (int step = 0; step < steps; step++) {
			const struct schedule_now now = {
				.step = step, .steps = steps, .epoch = 1, .per_epoch = steps};
			const double f = schedule_factor(&s, &now);

			assert_true(f >= 1.0 / 32 && f <= 1);
		}
}

enum { STEPS_MAX = 512 };

struct seen_rates {
	double rate[STEPS_MAX]; /* of each step */
	double loss[64];        /* validation of each epoch, from 1 */
	int changes;
	struct trainer *trainer;
	int set_after, stop_after; /* steps; 0: never */
	double set_to;
	struct snapshot *last;
};

static void note(void *arg, const struct train_event *e)
{
	struct seen_rates *r = arg;

	if (e->type == TRAIN_EVENT_STEP) {
		r->rate[e->gauge->step - 1] = e->gauge->lr;
		if (e->gauge->step == r->set_after)
			trainer_set_lr(r->trainer, r->set_to);
		if (e->gauge->step == r->stop_after)
			trainer_stop(r->trainer);
	}
	if (e->type == TRAIN_EVENT_EPOCH)
		r->loss[e->epoch->epoch] = e->epoch->valid_loss;
	r->changes += e->type == TRAIN_EVENT_LR;
	if (e->type == TRAIN_EVENT_CHECKPOINT) {
		snapshot_unref(r->last);
		r->last = snapshot_ref(e->snapshot);
	}
}

/* A corpus of 40 texts: 5 steps an epoch, 12 epochs. */
struct toy {
	struct corpus *train, *valid;
	struct encoder *e;
	struct train_spec spec;
};

static struct toy toy_of(const char *schedule)
{
	struct toy toy = {.spec = {.learn.optim = optim_find("adam"),
				   .learn.lr = 0.02,
				   .learn.clip = 5,
				   .learn.dropout = 0.1,
				   .schedule = {schedule_find(schedule), .decay = 0.7, .every = 1},
				   .init = {.forget_bias = 1, .embed_range = 0.5},
				   .epochs = 12,
				   .batch = 8,
				   .learn.threads = 1,
				   .seed = 4,
				   .paused = true}};

	toy.e = toy_encoder(cell_at(0), 4, 5, true, 40, &toy.train, &toy.valid);
	return toy;
}

static void toy_release(struct toy *toy)
{
	corpus_unref(toy->train);
	corpus_unref(toy->valid);
	encoder_unref(toy->e);
}

static enum train_state run(const struct toy *toy, struct seen_rates *r)
{
	enum train_state end;

	r->trainer = trainer_new(&toy->spec, toy->e, toy->train, toy->valid,
				 (struct train_sink){note, r}, NULL);
	trainer_resume(r->trainer);
	end = trainer_wait(r->trainer, NULL);
	trainer_free(r->trainer);
	return end;
}

static void a_trainer_uses_them(void **state)
{
	static const char *const name[] = {"step", "cosine", "exponential", "triangle"};

	(void)state;
	for (size_t k = 0; k < sizeof(name) / sizeof(name[0]); k++) {
		struct toy toy = toy_of(name[k]);
		struct seen_rates *r = mem_zero(1, sizeof(*r));

		toy.spec.schedule.warmup = k < 2 ? 8 : 0;
		assert_int_equal(run(&toy, r), TRAIN_FINISHED);
		for (int step = 0; step < 60; step++)
			close_to(name[k], step, r->rate[step],
				 0.02 * expected(&toy.spec.schedule, step, 60, 5));
		assert_int_equal(r->changes, 0);
		snapshot_unref(r->last);
		free(r);
		toy_release(&toy);
	}
}

static void a_plateau_is_found_in_training(void **state)
{
	struct toy toy = toy_of("plateau");
	struct seen_rates *r = mem_zero(1, sizeof(*r));
	double best = INFINITY, rate = 1;
	int falls = 0;

	(void)state;
	toy.spec.learn.lr = 1; /* jumps about */
	assert_int_equal(run(&toy, r), TRAIN_FINISHED);
	for (int e = 1; e <= 12; e++) {
		for (int step = 0; step < 5; step++)
			close_to("plateau", (e - 1) * 5 + step, r->rate[(e - 1) * 5 + step], rate);
		if (r->loss[e] < best) {
			best = r->loss[e];
		} else {
			rate *= 0.7;
			falls++;
		}
	}
	assert_true(falls > 0);
	assert_int_equal(r->changes, falls);
	snapshot_unref(r->last);
	free(r);
	toy_release(&toy);
}

static void a_rate_set_by_hand_is_gone_on_from(void **state)
{
	struct toy toy = toy_of("cosine");
	struct seen_rates *r = mem_zero(1, sizeof(*r));

	(void)state;
	r->set_after = 20;
	r->set_to = 0.005;
	assert_int_equal(run(&toy, r), TRAIN_FINISHED);
	assert_int_equal(r->changes, 1);
	close_to("before", 19, r->rate[19], 0.02 * expected(&toy.spec.schedule, 19, 60, 5));
	for (int step = 20; step < 60; step++)
		close_to("after", step, r->rate[step],
			 0.005 * expected(&toy.spec.schedule, step, 60, 5) /
				 expected(&toy.spec.schedule, 20, 60, 5));
	snapshot_unref(r->last);
	free(r);
	toy_release(&toy);
}

/* Stopped after any step, the last of an epoch (before it is validated) included, it goes on as if
 * it had not been, with the rate that was set by hand. */
static void stopped_anywhere_it_goes_on_the_same(void **state)
{
	static const char *const name[] = {"plateau", "cosine"};

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct toy toy = toy_of(name[k]);
		struct seen_rates *whole = mem_zero(1, sizeof(*whole));

		toy.spec.learn.lr = 0.5;
		toy.spec.schedule.warmup = 4;
		whole->set_after = 7;
		whole->set_to = 0.9;
		assert_int_equal(run(&toy, whole), TRAIN_FINISHED);
		for (int stop = 8; stop < 60; stop++) {
			struct seen_rates *part = mem_zero(1, sizeof(*part));
			struct train_spec *spec = &toy.spec;

			part->set_after = whole->set_after;
			part->set_to = whole->set_to;
			part->stop_after = stop;
			assert_int_equal(run(&toy, part), TRAIN_STOPPED);
			part->stop_after = 0;
			spec->from = snapshot_ref(part->last);
			spec->learn.lr = part->last->progress->lr;
			assert_int_equal(run(&toy, part), TRAIN_FINISHED);
			assert_memory_equal(part->rate, whole->rate, sizeof(whole->rate));
			assert_memory_equal(part->loss, whole->loss, sizeof(whole->loss));
			assert_memory_equal(part->last->weights, whole->last->weights,
					    toy.e->model.size * sizeof(real));
			snapshot_unref(spec->from);
			spec->from = NULL;
			spec->learn.lr = 0.5;
			snapshot_unref(part->last);
			free(part);
		}
		snapshot_unref(whole->last);
		free(whole);
		toy_release(&toy);
	}
}

/* Written out anew: it begins and ends where it should, and falls between. */
static void the_teacher_lets_go_as_planned(void **state)
{
	const int steps = 41;

	(void)state;
	for (int k = 0; k < FORCING_COUNT; k++) {
		const struct forcing f = {(enum forcing_kind)k, 0.9, 0.2};
		double before = 1;

		assert_true(forcing_lets_go(&f));
		for (int s = 0; s < steps; s++) {
			const double p = s / 40.0, rate = forcing_rate(&f, s, steps);
			const double top = 1 / (1 + exp(-5)), low = 1 / (1 + exp(5));
			const double want[FORCING_COUNT] = {
				0.9, 0.9 - 0.7 * p, 0.9 * exp(p * log(0.2 / 0.9)),
				0.2 + 0.7 * (1 / (1 + exp(10 * p - 5)) - low) / (top - low)};

			close_to(forcing_name(f.kind), s, rate, want[k]);
			assert_true(rate <= before + 1e-12);
			before = rate;
		}
		if (k != FORCING_CONSTANT)
			close_to("the last", 40, forcing_rate(&f, 40, steps), 0.2);
	}
	assert_false(forcing_lets_go(&(struct forcing){0}));
	assert_false(forcing_lets_go(&(struct forcing){FORCING_CONSTANT, 1, 0.5}));
	assert_true(forcing_lets_go(&(struct forcing){FORCING_LINEAR, 1, 0.5}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_teacher_lets_go_as_planned),
		cmocka_unit_test(every_step_has_its_rate),
		cmocka_unit_test(a_plateau_is_waited_for),
		cmocka_unit_test(short_runs_have_rates_above_0),
		cmocka_unit_test(a_trainer_uses_them),
		cmocka_unit_test(a_plateau_is_found_in_training),
		cmocka_unit_test(a_rate_set_by_hand_is_gone_on_from),
		cmocka_unit_test(stopped_anywhere_it_goes_on_the_same),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

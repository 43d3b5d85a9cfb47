/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/mem.h"
#include "engine/math/blas.h"
#include "engine/train/feed.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>
#include <pthread.h>

/* Collects what a trainer reports; waits for conditions. */
struct watch {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int steps, epochs, checkpoints, snapshots;
	enum train_state state;
	double lr;
	struct snapshot *last, *best;
	struct feed *feed;
};

static void emit(void *arg, const struct train_event *e)
{
	struct watch *w = arg;

	pthread_mutex_lock(&w->lock);
	w->steps += e->type == TRAIN_EVENT_STEP;
	w->epochs += e->type == TRAIN_EVENT_EPOCH;
	w->snapshots += e->type == TRAIN_EVENT_SNAPSHOT;
	w->lr = e->gauge->lr;
	w->state = e->gauge->state;
	if (e->type == TRAIN_EVENT_CHECKPOINT) {
		w->checkpoints++;
		snapshot_unref(w->last);
		w->last = snapshot_ref(e->snapshot);
		if (e->best) {
			snapshot_unref(w->best);
			w->best = snapshot_ref(e->snapshot);
		}
	}
	feed_put(w->feed, e);
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

static void watch_init(struct watch *w)
{
	*w = (struct watch){.feed = feed_new(NULL, NULL)};
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
}

static void watch_release(struct watch *w)
{
	snapshot_unref(w->last);
	snapshot_unref(w->best);
	feed_free(w->feed);
}

static struct train_spec spec_of(int epochs)
{
	return (struct train_spec){.learn.optim = optim_find("adam"),
				   .learn.lr = 0.01,
				   .learn.clip = 5,
				   .learn.dropout = 0.1,
				   .init = {.forget_bias = 1, .embed_range = 0.5},
				   .epochs = epochs,
				   .batch = 8,
				   .learn.threads = 2,
				   .seed = 4};
}

static void learns_and_repeats_itself(void **state)
{
	struct train_spec spec = spec_of(12);
	struct corpus *train, *valid;
	struct encoder *e = toy_encoder(cell_at(0), 8, 12, true, 160, &train, &valid);
	struct watch w[2];
	struct feed_view *view = mem_zero(1, sizeof(*view));

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct trainer *t;

		watch_init(&w[k]);
		t = trainer_new(&spec, e, train, valid, (struct train_sink){emit, &w[k]}, NULL);
		assert_int_equal(trainer_wait(t, NULL), TRAIN_FINISHED);
		trainer_free(t);
	}
	assert_int_equal(w[0].steps, 12 * 20);
	assert_int_equal(w[0].epochs, 12);
	assert_int_equal(w[0].checkpoints, 12);
	assert_memory_equal(w[0].last->weights, w[1].last->weights, e->model.size * sizeof(real));
	assert_memory_equal(w[0].last->progress->slot[1], w[1].last->progress->slot[1],
			    e->model.size * sizeof(real));
	assert_memory_equal(&w[0].last->progress->rng, &w[1].last->progress->rng,
			    sizeof(struct rng));

	assert_true(feed_read(w[0].feed, view));
	assert_false(feed_read(w[0].feed, view));
	assert_true(view->best.valid_accuracy > 0.9);
	assert_int_equal(view->curve[FEED_VALID_LOSS].count, 12);
	assert_int_equal(view->curve[FEED_TRAIN_LOSS].count, 240);
	free(view);
	watch_release(&w[0]);
	watch_release(&w[1]);
	corpus_unref(train);
	corpus_unref(valid);
	encoder_unref(e);
}

/* Trains to the end of the epochs, stopping on the way after so many steps (0: not at all). */
static struct snapshot *trained(struct train_spec spec, struct encoder *e, struct corpus *train,
				int stop)
{
	struct train_sink sink = {.emit = emit};
	struct snapshot *halfway = NULL, *end;

	for (int part = stop ? 0 : 1; part < 2; part++) {
		struct watch w;
		struct trainer *t;

		watch_init(&w);
		sink.arg = &w;
		spec.paused = !part;
		spec.from = halfway;
		t = trainer_new(&spec, e, train, NULL, sink, NULL);
		for (int k = 0; !part && k < stop; k++)
			trainer_one_batch(t);
		if (!part) {
			WAIT_FOR(&w, w.steps == stop && w.state == TRAIN_PAUSED);
			trainer_stop(t);
		}
		assert_int_equal(trainer_wait(t, NULL), part ? TRAIN_FINISHED : TRAIN_STOPPED);
		trainer_free(t);
		end = snapshot_ref(w.last);
		halfway = part ? halfway : end;
		watch_release(&w);
	}
	snapshot_unref(halfway);
	return end;
}

/* Mid-epoch the order of the batches is made again: 41 of them, sorted in parts, the last one short. */
static void goes_on_with_the_same_batches(void **state)
{
	static const int stops[] = {1, 7, 40, 41, 42, 81};
	struct train_spec spec = spec_of(3);
	struct corpus *train;
	struct encoder *e = toy_encoder(cell_at(0), 4, 6, true, 163, &train, NULL);
	struct snapshot *whole;

	(void)state;
	spec.batch = 4;
	whole = trained(spec, e, train, 0);
	assert_int_equal(whole->step, 3 * 41);
	for (int k = 0; k < 6; k++) {
		struct snapshot *parts = trained(spec, e, train, stops[k]);

		assert_int_equal(parts->step, whole->step);
		assert_memory_equal(parts->weights, whole->weights, e->model.size * sizeof(real));
		snapshot_unref(parts);
	}
	snapshot_unref(whole);
	corpus_unref(train);
	encoder_unref(e);
}

static void obeys_requests(void **state)
{
	struct train_spec spec = spec_of(100000);
	struct corpus *train;
	struct encoder *e = toy_encoder(cell_at(1), 4, 5, true, 64, &train, NULL);
	struct watch w;
	struct trainer *t;
	int steps;

	(void)state;
	watch_init(&w);
	spec.paused = true;
	t = trainer_new(&spec, e, train, NULL, (struct train_sink){emit, &w}, NULL);
	WAIT_FOR(&w, w.snapshots == 1); /* there is something to look at before the first step */
	assert_int_equal(w.steps, 0);
	trainer_one_batch(t);
	WAIT_FOR(&w, w.steps == 1 && w.state == TRAIN_PAUSED);
	trainer_one_batch(t);
	trainer_one_batch(t);
	WAIT_FOR(&w, w.steps == 3 && w.state == TRAIN_PAUSED);
	trainer_set_lr(t, 0.5);
	WAIT_FOR(&w, w.lr == 0.5);
	trainer_want_snapshot(t);
	WAIT_FOR(&w, w.snapshots == 2);
	trainer_resume(t);
	WAIT_FOR(&w, w.steps > 10 && w.state == TRAIN_RUNNING);
	trainer_pause(t);
	WAIT_FOR(&w, w.state == TRAIN_PAUSED);
	steps = w.steps;
	trainer_want_snapshot(t);
	WAIT_FOR(&w, w.snapshots == 3);
	assert_int_equal(w.steps, steps);
	trainer_stop(t);
	assert_int_equal(trainer_wait(t, NULL), TRAIN_STOPPED);
	assert_int_equal(w.last->step, w.steps);
	assert_int_equal(w.last->progress->batch, w.steps % 8);
	trainer_free(t);
	watch_release(&w);
	corpus_unref(train);
	encoder_unref(e);
}

static void runaway_numbers_stop_it(void **state)
{
	struct train_spec spec = spec_of(50);
	struct corpus *train, *valid;
	struct encoder *e = toy_encoder(cell_at(0), 4, 5, true, 64, &train, &valid);
	struct err err = {0};
	struct trainer *t;
	struct watch w;

	(void)state;
	watch_init(&w);
	spec.learn.lr = sizeof(real) == sizeof(double) ? 1e308 : 3e38;
	spec.learn.clip = 0;
	t = trainer_new(&spec, e, train, valid, (struct train_sink){emit, &w}, &err);
	assert_int_equal(trainer_wait(t, &err), TRAIN_DIVERGED);
	assert_int_equal(err.code, ERR_DIVERGED);
	assert_non_null(strstr(err.msg, "weights of step"));
	assert_non_null(w.last);
	for (size_t k = 0; k < e->model.size; k++)
		assert_true(isfinite((double)w.last->weights[k]));
	trainer_free(t);
	watch_release(&w);
	corpus_unref(train);
	corpus_unref(valid);
	encoder_unref(e);
}

static void patience_ends_it_with_the_best_kept(void **state)
{
	struct train_spec spec = spec_of(500);
	struct corpus *train, *valid;
	struct encoder *e = toy_encoder(cell_at(0), 8, 12, true, 160, &train, &valid);
	struct feed_view *view = mem_zero(1, sizeof(*view));
	struct trainer *t;
	struct watch w;

	(void)state;
	watch_init(&w);
	spec.patience = 3;
	t = trainer_new(&spec, e, train, valid, (struct train_sink){emit, &w}, NULL);
	assert_int_equal(trainer_wait(t, NULL), TRAIN_FINISHED);
	assert_true(w.epochs < 500);
	feed_read(w.feed, view);
	assert_int_equal(view->best.epoch, w.epochs - 3);
	assert_int_equal(w.best->step, view->best.step);
	assert_non_null(strstr(view->message, "no better validation"));
	trainer_free(t);
	free(view);
	watch_release(&w);
	corpus_unref(train);
	corpus_unref(valid);
	encoder_unref(e);
}

static void curves_keep_a_bounded_size(void **state)
{
	struct curve *c = mem_zero(1, sizeof(*c));

	(void)state;
	for (int k = 0; k < 100000; k++)
		curve_add(c, k, k % 2);
	assert_true(c->count <= CURVE_MAX && c->count > CURVE_MAX / 4);
	for (int k = 1; k < c->count; k++)
		assert_true(c->x[k] > c->x[k - 1]);
	assert_true(fabs(c->y[c->count / 2] - 0.5) < 1e-9);
	free(c);
}

static void count_wake(void *arg)
{
	++*(int *)arg;
}

/* Steps come by the thousand; a watcher is woken for some, and for everything else. */
static void watchers_are_woken_now_and_then(void **state)
{
	struct train_gauge g = {.steps = 5000, .epochs = 5};
	struct feed_view *v = mem_zero(1, sizeof(*v));
	int woken = 0, steps;
	struct feed *f = feed_new(count_wake, &woken);

	(void)state;
	for (g.step = 1; g.step <= 1000; g.step++) {
		g.seconds = (double)g.step / 1000;
		g.loss = (double)g.step;
		feed_put(f, &(struct train_event){.type = TRAIN_EVENT_STEP, .gauge = &g});
		if (g.step % 300)
			continue;
		assert_true(feed_read(f, v));
		assert_false(feed_read(f, v));
		assert_int_equal(v->gauge.step, g.step);
		assert_int_equal(v->curve[FEED_TRAIN_LOSS].count, g.step);
		for (int k = 0; k < g.step; k++)
			assert_true(v->curve[FEED_TRAIN_LOSS].y[k] == k + 1);
	}
	assert_in_range(woken, 30, 51);
	steps = woken;
	g.state = TRAIN_PAUSED;
	feed_put(f, &(struct train_event){.type = TRAIN_EVENT_STATE, .gauge = &g});
	feed_put(f, &(struct train_event){.type = TRAIN_EVENT_LR, .gauge = &g});
	assert_int_equal(woken, steps + 2);
	g.seconds = 30; /* a step that took long */
	feed_put(f, &(struct train_event){.type = TRAIN_EVENT_STEP, .gauge = &g});
	assert_int_equal(woken, steps + 3);
	feed_free(f);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learns_and_repeats_itself),
		cmocka_unit_test(goes_on_with_the_same_batches),
		cmocka_unit_test(obeys_requests),
		cmocka_unit_test(runaway_numbers_stop_it),
		cmocka_unit_test(patience_ends_it_with_the_best_kept),
		cmocka_unit_test(curves_keep_a_bounded_size),
		cmocka_unit_test(watchers_are_woken_now_and_then),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

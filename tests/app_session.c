/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From settings through training to the store and back. */
#include "app/archive.h"
#include "app/session.h"
#include "engine/inspect/trace.h"
#include "engine/math/blas.h"
#include "store/event.h"
#include "store/list.h"
#include "store/metric.h"
#include "store/param.h"
#include "tests/store_fixture.h"
#include "tests/unit.h"

/* The last checkpoint, as it left the trainer. */
struct seen {
	struct snapshot *last, *best;
	int steps;
};

static void observe(void *arg, const struct train_event *e)
{
	struct seen *s = arg;

	s->steps += e->type == TRAIN_EVENT_STEP;
	if (e->type != TRAIN_EVENT_CHECKPOINT)
		return;
	snapshot_unref(s->last);
	s->last = snapshot_ref(e->snapshot);
	if (!e->best)
		return;
	snapshot_unref(s->best);
	s->best = snapshot_ref(e->snapshot);
}

static void train(const char *store, const char *const *set, struct seen *seen)
{
	static const char *const tags[] = {"one", "two"};
	const struct session_spec spec = {.store = store,
					  .observe = observe,
					  .arg = seen,
					  .intro = {"a run", "a note", "a command", tags, 2}};
	struct settings s;
	struct prepared p;
	struct session *session;
	struct err err = {0};

	settings_default(&s);
	assert_true(settings_load(&s, "samples/english.ini", &err));
	for (; *set; set++)
		assert_true(settings_assign(&s, *set, &err));
	if (!prepare(&s, &p, &err))
		fail_msg("%s", err.msg);
	settings_release(&s);
	session = session_start(&p, &spec, &err);
	if (!session)
		fail_msg("%s", err.msg);
	assert_int_equal(session_finish(session, &err), TRAIN_FINISHED);
	session_free(session);
}

static void same_weights(const struct snapshot *a, const struct snapshot *b)
{
	assert_int_equal(a->step, b->step);
	assert_int_equal(a->encoder->model.size, b->encoder->model.size);
	assert_memory_equal(a->weights, b->weights, a->encoder->model.size * sizeof(real));
}

static void round_trip(const struct folder *f, const char *const *set)
{
	struct seen seen = {0};
	struct loaded best, last;
	struct store *s;
	struct trace *a, *b;
	struct err err;

	train(f->db, set, &seen);
	s = store_open(f->db, STORE_READ, &err);
	assert_non_null(s);
	assert_true(archive_load(s, "last", &best, &err));
	assert_true(archive_load(s, "last@last", &last, &err));
	same_weights(best.snapshot, seen.best);
	same_weights(last.snapshot, seen.last);
	assert_int_equal(best.snapshot->epoch, seen.best->epoch);

	/* A text means the same to the encoder that was stored: tokens, padding, classes. */
	a = trace_new(seen.best, "The food was not good at all, zebra.", 36, &err);
	b = trace_new(best.snapshot, "The food was not good at all, zebra.", 36, &err);
	assert_int_equal(a->T, b->T);
	assert_memory_equal(a->ids, b->ids, (size_t)a->T * sizeof(*a->ids));
	assert_memory_equal(a->prob, b->prob, (size_t)(a->T * a->C) * sizeof(*a->prob));
	assert_string_equal(best.snapshot->encoder->classes.name[1], "pos");
	trace_free(a);
	trace_free(b);
	loaded_release(&best);
	loaded_release(&last);
	snapshot_unref(seen.best);
	snapshot_unref(seen.last);
	store_close(s);
}

static void weights_and_encoder_come_back(void **state)
{
	const struct folder *f = *state;

	round_trip(f, (const char *const[]){"epochs=4", NULL});
	round_trip(f, (const char *const[]){"epochs=3", "cell=article", "tokenizer=keras",
					    "mask=false", "max_len=20", "padding=post",
					    "truncating=pre", "max_vocab=200", "oov=<oov>", NULL});
	round_trip(f, (const char *const[]){"epochs=2", "tokenizer=char", "max_len=30", NULL});
}

static void the_run_tells_what_happened(void **state)
{
	const struct folder *f = *state;
	struct seen seen = {0};
	struct run_row *rows;
	struct param_row *params;
	struct event_row *events;
	struct metric_curve curve;
	struct store *s;
	struct err err;
	size_t n;
	bool found = false;

	train(f->db, (const char *const[]){"epochs=3", "lr=0.004", NULL}, &seen);
	s = store_open(f->db, STORE_READ, &err);
	assert_true(store_runs(s, &(struct run_list){0}, &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].name, "a run");
	assert_string_equal(rows[0].note, "a note");
	assert_string_equal(rows[0].tags, "one,two");
	assert_int_equal(rows[0].status, RUN_FINISHED);
	assert_int_equal(rows[0].steps, seen.steps);
	assert_int_equal(rows[0].parameters, seen.last->encoder->model.size);
	assert_true(store_metric_curve(s, rows[0].run, "train/loss", 0, &curve, &err));
	assert_int_equal(curve.count, seen.steps);
	metric_curve_release(&curve);
	assert_true(store_metric_curve(s, rows[0].run, "valid/accuracy", 0, &curve, &err));
	assert_int_equal(curve.count, 3);
	metric_curve_release(&curve);
	assert_true(store_params(s, rows[0].run, &params, &n, &err));
	for (size_t k = 0; k < n; k++)
		found |= !strcmp(params[k].name, "lr") && !strcmp(params[k].value, "0.004");
	assert_true(found);
	store_params_free(params, n);
	assert_true(store_events(s, rows[0].run, 0, 10, &events, &n, &err));
	assert_true(n >= 3);
	store_events_free(events, n);
	store_runs_free(rows, 1);
	store_close(s);
	snapshot_unref(seen.best);
	snapshot_unref(seen.last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(weights_and_encoder_come_back, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(the_run_tells_what_happened, folder_make,
						folder_remove),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several processes on one store: killed, racing, and at the same moment. */
#include "engine/base/rng.h"
#include "store/metric.h"
#include "store/query.h"
#include "tests/store_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { KILLS = 100 };

/* Writes batches of three metrics for ever and reports each committed step through the pipe. */
static void train(const struct folder *f, int out)
{
	struct err err = {0};
	struct store *s = store_open(f->db, STORE_WRITE, &err);
	const struct run_new r = {.task = "classify", .cell = "V"};
	char id[RUN_ID_SIZE];
	int64_t run = s ? store_run_add(s, &r, id, &err) : 0;

	if (!run || !store_run_status(s, run, RUN_RUNNING, NULL, &err))
		_exit(1);
	for (int64_t step = 1;; step++) {
		const struct metric_point p[] = {{run, "train/loss", step, 0, 0.5},
						 {run, "valid/loss", step, 0, 0.5},
						 {run, "lr", step, 0, 0.1}};
		const int64_t said[2] = {run, step};
		const float w[4] = {(float)step};
		const struct store_tensor t = {"w", TENSOR_WEIGHT, TENSOR_F32, 1, {4}, w, 16};
		const struct checkpoint_new c = {step, 0, "epoch"};

		if (!store_begin(s, &err) || !store_metric_add(s, p, 3, &err) ||
		    (step % 16 == 0 && !store_checkpoint_add(s, run, &c, &t, 1, &err)) ||
		    !store_commit(s, &err) || write(out, said, sizeof(said)) != sizeof(said))
			_exit(1);
	}
}

/* Kills the child after it has reported some steps; returns its run and the last step it said. */
static void kill_after(pid_t child, int in, uint32_t reports, int64_t said[2])
{
	int64_t got[2];

	while (reports-- && read(in, got, sizeof(got)) == sizeof(got))
		memcpy(said, got, sizeof(got));
	kill(child, SIGKILL);
	while (read(in, got, sizeof(got)) == sizeof(got))
		memcpy(said, got, sizeof(got));
	close(in);
	waitpid(child, NULL, 0);
}

static void killed_writers_lose_nothing(void **state)
{
	const struct folder *f = *state;
	char sql[200];
	int64_t steps = 0;
	struct rng r;

	rng_seed(&r, 3, 0);
	for (int round = 0; round < KILLS; round++) {
		int64_t said[2] = {0};
		int p[2];
		pid_t child;

		assert_int_equal(pipe(p), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			close(p[0]);
			train(f, p[1]);
		}
		close(p[1]);
		kill_after(child, p[0], 1 + rng_below(&r, 80), said);
		assert_true(said[1] > 0);
		steps += said[1];
		store_close(open_store(f, STORE_WRITE));
		assert_int_equal(ask(f->db, "PRAGMA integrity_check"), 1);
		snprintf(sql, sizeof(sql),
			 "SELECT count(*)=3 AND min(n_)=max(n_) AND min(n_)>=%lld FROM (SELECT"
			 " count(*) AS n_ FROM metric WHERE run_id=%lld GROUP BY key_id)",
			 (long long)said[1], (long long)said[0]);
		assert_int_equal(ask(f->db, sql), 1);
		snprintf(sql, sizeof(sql),
			 "SELECT status='crashed' AND step>=%lld FROM run WHERE run_id=%lld",
			 (long long)said[1], (long long)said[0]);
		assert_int_equal(ask(f->db, sql), 1);
	}
	assert_int_equal(ask(f->db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM events WHERE kind='crashed'"), KILLS);
	printf("# %d kills, %lld acknowledged steps\n", KILLS, (long long)steps);
}

enum { EACH = 150 };

static void write_some(const struct folder *f)
{
	struct err err = {0};
	struct store *s = store_open(f->db, STORE_WRITE, &err);
	const struct run_new r = {.name = "same", .task = "classify", .cell = "V"};
	char id[RUN_ID_SIZE];
	int64_t run = s ? store_run_add(s, &r, id, &err) : 0;

	for (int64_t step = 0; run && step < EACH; step++) {
		const struct metric_point p = {run, "train/loss", step, 0, 0.5};

		if (!store_metric_add(s, &p, 1, &err))
			run = 0;
	}
	if (!run)
		fprintf(stderr, "%s\n", err.msg);
	store_close(s);
	_exit(run ? 0 : 1);
}

/* They also race to make the file. */
static void two_processes_write(void **state)
{
	const struct folder *f = *state;
	pid_t child[3];
	int status;

	for (int k = 0; k < 3; k++) {
		child[k] = fork();
		assert_true(child[k] >= 0);
		if (child[k] == 0)
			write_some(f);
	}
	for (int k = 0; k < 3; k++) {
		assert_int_equal(waitpid(child[k], &status, 0), child[k]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(ask(f->db, "SELECT count(*) FROM metrics"), 3 * EACH);
	assert_int_equal(ask(f->db, "SELECT count(DISTINCT name) FROM runs"), 3);
	assert_int_equal(ask(f->db, "PRAGMA integrity_check"), 1);
}

struct worker {
	const struct folder *f;
	int failed;
};

static void *write_in_thread(void *arg)
{
	struct worker *w = arg;
	struct err err = {0};
	struct store *s = store_open(w->f->db, STORE_WRITE, &err);
	const struct run_new r = {.name = "t", .task = "classify", .cell = "V"};
	char id[RUN_ID_SIZE];
	int64_t run = s ? store_run_add(s, &r, id, &err) : 0;

	for (int64_t step = 0; run && step < EACH; step++) {
		const struct metric_point p = {run, "train/loss", step, 0, 0.5};

		w->failed += !store_metric_add(s, &p, 1, &err);
	}
	w->failed += !run;
	store_close(s);
	return NULL;
}

static bool one_row(void *ctx, const struct query_cell *cells, int count)
{
	(void)count;
	*(int64_t *)ctx = cells[0].i;
	return true;
}

static bool no_names(void *ctx, const char *const *names, int count)
{
	(void)ctx;
	(void)names;
	(void)count;
	return true;
}

/* One process, three handles: two writers, and a reader that never sees a number fall. */
static void threads_with_their_own_handles(void **state)
{
	const struct folder *f = *state;
	struct worker w[2] = {{f, 0}, {f, 0}};
	int64_t seen = 0, last = 0;
	const struct query_sink sink = {&seen, no_names, one_row};
	struct err err = {0};
	pthread_t t[2];
	struct query *q;

	store_close(open_store(f, STORE_WRITE));
	q = query_open(f->db, (struct query_limits){10, 5000}, &err);
	assert_ok(q, err);
	for (int k = 0; k < 2; k++)
		assert_int_equal(pthread_create(&t[k], NULL, write_in_thread, &w[k]), 0);
	while (seen < 2 * EACH) {
		assert_ok(query_run(q, "SELECT count(*) FROM metrics", &sink, NULL, &err), err);
		assert_true(seen >= last);
		last = seen;
	}
	for (int k = 0; k < 2; k++) {
		pthread_join(t[k], NULL);
		assert_int_equal(w[k].failed, 0);
	}
	query_close(q);
	assert_int_equal(ask(f->db, "PRAGMA integrity_check"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(killed_writers_lose_nothing),
		T(two_processes_write),
		T(threads_with_their_own_handles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

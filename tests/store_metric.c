/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/rng.h"
#include "store/metric.h"
#include "tests/store_fixture.h"

#include <math.h>
#include <time.h>

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void nan_and_infinity_are_never_best(void **state)
{
	const double v[] = {0.5, NAN, INFINITY, 0.25, -INFINITY, 0.75};
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	struct metric_summary m;
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t run = add_run(s, "a", id);

	for (int k = 0; k < 6; k++)
		add_metric(s, run, "valid/loss", k * 10, v[k]);
	assert_ok(store_metric_summary(s, run, "valid/loss", &m, &err), err);
	assert_int_equal(m.points, 6);
	assert_int_equal(m.nan, 1);
	assert_int_equal(m.nonfinite, 3);
	assert_int_equal(m.first_nonfinite_step, 10);
	assert_true(m.min.value == 0.25 && m.min.step == 30);
	assert_true(m.max.value == 0.75 && m.max.step == 50 && m.last.value == 0.75);
	assert_int_equal(ask(f->db, "SELECT best_step FROM runs_overview"), 30);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM metrics WHERE value IS NULL"), 1);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM metrics WHERE value<0.6"), 3);
	assert_ok(store_metric_summary(s, run, "none", &m, &err), err);
	assert_int_equal(m.points, 0);
	assert_false(store_metric_add(s, &(struct metric_point){99, "x", 1, 0, 0}, 1, &err));
	assert_int_equal(err.code, ERR_NO_RUN);
	assert_false(store_metric_add(s, &(struct metric_point){run, "", 1, 0, 0}, 1, &err));
	assert_false(store_metric_add(s, &(struct metric_point){run, "x", -1, 0, 0}, 1, &err));
	assert_int_equal(ask(f->db, "SELECT count(*) FROM metrics"), 6);
	store_close(s);
}

/* Random writes, in and out of order, with cuts: the summaries equal a full scan. */
static void summaries_equal_a_scan(void **state)
{
	static const char *const names[] = {"valid/loss", "valid/accuracy", "lr"};
	static const char differ[] =
		"SELECT count(*) FROM metric_summary s LEFT JOIN (SELECT run_id, key_id, count(*) "
		"AS n,"
		" sum(value IS NULL) AS nan, sum(value IS NULL OR abs(value)=9e999) AS nonfinite,"
		" min(iif(value IS NULL OR abs(value)=9e999, step, NULL)) AS first,"
		" max(step) AS last, min(iif(abs(value)<9e999, value, NULL)) AS low,"
		" max(iif(abs(value)<9e999, value, NULL)) AS high FROM metric GROUP BY 1, 2) m"
		" USING(run_id, key_id) WHERE (s.n, s.n_nan, s.n_nonfinite, s.first_nonfinite_step,"
		" s.last_step, s.min_value, s.max_value) IS NOT (m.n, m.nan, m.nonfinite, m.first,"
		" m.last, m.low, m.high)";
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	struct metric_point p[50];
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t run[2] = {add_run(s, "a", id), add_run(s, "b", id)};
	struct rng r;

	rng_seed(&r, 1, 0);
	for (int round = 0; round < 60; round++) {
		for (int k = 0; k < 50; k++) {
			uint32_t odd = rng_below(&r, 20);

			p[k] = (struct metric_point){run[rng_below(&r, 2)], names[rng_below(&r, 3)],
						     rng_below(&r, 50) + round * 10, 0,
						     odd == 0   ? NAN
						     : odd == 1 ? INFINITY
								: rng_uniform(&r)};
		}
		assert_ok(store_metric_add(s, p, 50, &err), err);
		if (round % 10 == 9)
			assert_ok(store_metric_cut(s, run[0], round * 10, &err), err);
		assert_int_equal(ask(f->db, differ), 0);
	}
	assert_ok(store_metric_cut(s, run[1], -1, &err), err);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM metric_summary WHERE run_id=2"), 0);
	assert_int_equal(ask(f->db, "SELECT best_step IS NULL FROM run WHERE run_id=2"), 1);
	store_close(s);
}

static void thin_curves_keep_spikes(void **state)
{
	struct store *s = open_store(*state, STORE_WRITE);
	struct metric_point *p = mem_zero(10000, sizeof(*p));
	struct metric_curve c;
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t run = add_run(s, "a", id);
	double low = 1, high = 0;

	for (int k = 0; k < 10000; k++)
		p[k] = (struct metric_point){run, "train/loss", k, k / 1000.0,
					     k == 5001  ? 9
					     : k == 777 ? -9
					     : k == 3   ? NAN
							: 0.5};
	assert_ok(store_metric_add(s, p, 10000, &err), err);
	assert_ok(store_metric_curve(s, run, "train/loss", 0, &c, &err), err);
	assert_int_equal(c.count, 10000);
	assert_true(isnan(c.value[3]) && c.epoch[1234] == 1.234 && c.step[9999] == 9999);
	metric_curve_release(&c);
	for (size_t max = 1; max < 300; max += 7) {
		assert_ok(store_metric_curve(s, run, "train/loss", max, &c, &err), err);
		assert_true(c.count <= (max < 2 ? 2 : max) && c.count > 0);
		assert_int_equal(c.total, 10000);
		for (size_t k = 0; k < c.count; k++) {
			low = fmin(low, c.value[k]);
			high = fmax(high, c.value[k]);
			assert_true(!k || c.step[k] > c.step[k - 1]);
		}
		assert_true(low == -9 && high == 9);
		metric_curve_release(&c);
	}
	assert_ok(store_metric_curve(s, run, "none", 5, &c, &err), err);
	assert_int_equal(c.count, 0);
	free(p);
	store_close(s);
}

/* Prints what a million points cost; asserts their room, which does not depend on the machine. */
static void a_point_takes_little_room(void **state)
{
	enum { BATCH = 2000, BATCHES = 100, NAMES = 8 };
	static const char *const names[NAMES] = {
		"train/loss", "train/accuracy", "valid/loss2", "lr",
		"grad_norm",  "tokens_per_s",   "a",           "b"};
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	struct metric_point *p = mem_zero(BATCH, sizeof(*p));
	struct metric_curve c;
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t run = add_run(s, "a", id);
	double began = seconds(), wrote, read;
	struct stat st;
	struct rng r;

	rng_seed(&r, 2, 0);
	for (int b = 0; b < BATCHES; b++) {
		for (int k = 0; k < BATCH; k++) {
			int64_t step = (int64_t)b * (BATCH / NAMES) + k / NAMES;

			p[k] = (struct metric_point){run, names[k % NAMES], step,
						     (double)step / 2500, rng_uniform(&r)};
		}
		assert_ok(store_metric_add(s, p, BATCH, &err), err);
	}
	wrote = seconds() - began;
	began = seconds();
	assert_ok(store_metric_curve(s, run, "lr", 0, &c, &err), err);
	read = seconds() - began;
	assert_int_equal(c.count, BATCH * BATCHES / NAMES);
	metric_curve_release(&c);
	store_close(s);
	free(p);
	assert_int_equal(stat(f->db, &st), 0);
	printf("# %.0f points/s, %.1f bytes a point, %d points read in %.2f ms\n",
	       BATCH * BATCHES / wrote, (double)st.st_size / (BATCH * BATCHES),
	       BATCH * BATCHES / NAMES, read * 1e3);
	assert_true(st.st_size < 36L * BATCH * BATCHES);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nan_and_infinity_are_never_best),
		T(summaries_equal_a_scan),
		T(thin_curves_keep_spikes),
		T(a_point_takes_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

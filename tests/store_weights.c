/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/rng.h"
#include "store/weights.h"
#include "tests/store_fixture.h"

#include <signal.h>
#include <sys/resource.h>

enum { BIG = (9 << 20) / 4 }; /* floats: two whole chunks and one in part */

static float *noise(uint64_t seed)
{
	float *p = mem_alloc(BIG * sizeof(*p));
	struct rng r;

	rng_seed(&r, seed, 0);
	for (int k = 0; k < BIG; k++)
		p[k] = (float)rng_uniform(&r);
	return p;
}

static int64_t put(struct store *s, int64_t run, int64_t step, const float *big,
		   const uint64_t *generator)
{
	const struct store_tensor t[] = {
		{"embedding", TENSOR_WEIGHT, TENSOR_F32, 2, {BIG / 3, 3}, big, BIG * sizeof(*big)},
		{"adam.m", TENSOR_STATE, TENSOR_F32, 1, {100}, big + 5, 400},
		{"rng", TENSOR_STATE, TENSOR_U64, 1, {4}, generator, 32},
		{"scale", TENSOR_WEIGHT, TENSOR_F32, 0, {0}, big + 7, 4},
		{"none", TENSOR_WEIGHT, TENSOR_BYTES, 2, {0, 5}, NULL, 0},
	};
	const struct checkpoint_new c = {step, 0.5, "epoch"};
	struct err err = {0};
	int64_t id = store_checkpoint_add(s, run, &c, t, 5, &err);

	assert_ok(id, err);
	return id;
}

static void tensors_come_back_and_are_shared(void **state)
{
	const struct folder *f = *state;
	const uint64_t generator[4] = {1, UINT64_MAX, 3, 4}, later[4] = {5};
	struct store *s = open_store(f, STORE_WRITE);
	float *big = noise(1);
	struct checkpoint_row *rows;
	struct store_freed freed;
	struct store_tensor *t;
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t a = add_run(s, "a", id), b = add_run(s, "b", id), first, second;
	size_t n;

	first = put(s, a, 1, big, generator);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM chunk"), 6);
	put(s, b, 1, big, generator);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM chunk"), 6);
	big[BIG - 1] = 2; /* only the last chunk differs */
	second = put(s, a, 2, big, later);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM chunk"), 8);
	assert_ok(store_checkpoint_load(s, first, TENSOR_STATE, &t, &n, &err), err);
	assert_int_equal(n, 0);
	store_tensors_free(t, n);
	assert_ok(store_checkpoint_load(s, second, TENSOR_STATE, &t, &n, &err), err);
	assert_int_equal(n, 2);
	assert_memory_equal(t[1].data, later, 32);
	store_tensors_free(t, n);
	assert_ok(store_checkpoint_load(s, second, TENSOR_WEIGHT, &t, &n, &err), err);
	assert_int_equal(n, 3);
	assert_string_equal(t[0].name, "embedding");
	assert_int_equal(t[0].shape[0], BIG / 3);
	assert_memory_equal(t[0].data, big, BIG * sizeof(*big));
	assert_int_equal((uintptr_t)t[0].data % MEM_ALIGN, 0);
	assert_true(t[1].bytes == 0 && t[1].rank == 2 && t[2].rank == 0);
	store_tensors_free(t, n);
	assert_ok(store_checkpoint_list(s, a, &rows, &n, &err), err);
	assert_int_equal(n, 2);
	assert_true(!rows[0].resumable && rows[1].resumable && rows[1].best && !rows[0].best);
	assert_int_equal(rows[1].bytes, BIG * 4 + 400 + 32 + 4);
	free(rows);
	put(s, a, 2, big, later); /* replaces itself */
	assert_int_equal(ask(f->db, "SELECT count(*) FROM checkpoints"), 3);
	assert_ok(store_checkpoint_drop(s, first, &err), err);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM chunk"), 8);
	assert_ok(store_run_remove(s, b, &err), err);
	assert_ok(store_collect(s, store_now_ms() + 1, &freed, &err), err);
	assert_int_equal(freed.runs, 1);
	assert_int_equal(freed.chunks, 2);
	assert_int_equal(freed.bytes, (1 << 20) + 32);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM chunk"), 6);
	store_close(s);
	free(big);
	assert_int_equal(ask(f->db, "PRAGMA integrity_check"), 1);
}

static void wrong_shapes_are_refused(void **state)
{
	struct store *s = open_store(*state, STORE_WRITE);
	const float v[4] = {0};
	const struct store_tensor bad[] = {
		{"w", TENSOR_WEIGHT, TENSOR_F32, 1, {5}, v, 16},
		{"w", TENSOR_WEIGHT, TENSOR_F32, 2, {INT64_MAX / 2, 8}, v, 16},
		{"w", TENSOR_WEIGHT, TENSOR_F32, 2, {-2, -2}, v, 16},
		{"w", TENSOR_WEIGHT, TENSOR_F32, 9, {4}, v, 16},
	};
	const struct checkpoint_new c = {1, 0, "epoch"};
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t run = add_run(s, "a", id);

	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		assert_int_equal(store_checkpoint_add(s, run, &c, &bad[k], 1, &err), 0);
	assert_int_equal(store_checkpoint_add(s, 99, &c, NULL, 0, &err), 0);
	assert_int_equal(err.code, ERR_NO_RUN);
	assert_int_equal(ask(store_path(s), "SELECT count(*) FROM checkpoint"), 0);
	store_close(s);
}

static void damage_names_the_tensor(void **state)
{
	static const char *const hurt[] = {
		"UPDATE chunk SET data=zeroblob(length(data)) WHERE chunk_id=1",
		"UPDATE chunk SET data=substr(data, 1, 8) WHERE chunk_id=1",
		"UPDATE tensor SET shape='[2,9223372036854775807]'",
		"UPDATE tensor SET bytes=9223372036854775807",
		"UPDATE tensor SET shape='[2,2'",
		"UPDATE tensor SET sha256=x'00'",
		"DELETE FROM tensor_chunk",
	};
	const struct folder *f = *state;
	char id[RUN_ID_SIZE];
	struct store *s = open_store(f, STORE_WRITE);
	struct store_tensor *t;
	struct err err = {0};
	size_t n, length;
	char *whole;

	add_checkpoint(s, add_run(s, "a", id), 1, 1);
	store_close(s);
	whole = file_bytes(f->db, &length);
	for (size_t k = 0; k < sizeof(hurt) / sizeof(hurt[0]); k++) {
		write_file(f->db, whole, length);
		change(f->db, hurt[k]);
		s = open_store(f, STORE_READ);
		assert_false(store_checkpoint_load(s, 1, TENSOR_WEIGHT, &t, &n, &err));
		assert_int_equal(err.code, ERR_CORRUPT);
		assert_non_null(strstr(err.msg, "tensor w"));
		assert_null(t);
		store_close(s);
	}
	free(whole);
}

static void policies_keep_the_best_and_the_last(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t run = add_run(s, "a", id);
	int dropped;

	for (int k = 1; k <= 20; k++) {
		add_checkpoint(s, run, k, (float)k);
		add_metric(s, run, "valid/loss", k, k == 7 ? 0.1 : 0.5);
	}
	assert_ok(store_checkpoint_keep(s, run, KEEP_ALL, 0, &dropped, &err), err);
	assert_int_equal(dropped, 0);
	assert_ok(store_checkpoint_keep(s, run, KEEP_ALL, 16 * 6, &dropped, &err), err);
	assert_int_equal(dropped, 14);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM checkpoint WHERE step IN(7,20)"), 2);
	assert_true(ask(f->db, "SELECT max(gap) FROM (SELECT step-lag(step, 1, 0) OVER"
			       " (ORDER BY step) AS gap FROM checkpoint)") <= 6);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM chunk"), 6);
	assert_ok(store_checkpoint_keep(s, run, KEEP_BEST, 0, &dropped, &err), err);
	assert_int_equal(ask(f->db, "SELECT sum(step) FROM checkpoints"), 27);
	assert_ok(store_checkpoint_keep(s, run, KEEP_LAST, 0, &dropped, &err), err);
	assert_int_equal(ask(f->db, "SELECT sum(step) FROM checkpoints"), 20);
	store_close(s);
}

/* A file that may not grow stands for a full disk: a clear error, and nothing is lost. */
static void full_disk_is_an_error(void **state)
{
	const struct folder *f = *state;
	const uint64_t generator[4] = {0};
	struct store *s = open_store(f, STORE_WRITE);
	struct rlimit was, low;
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t run = add_run(s, "a", id);
	float *big = noise(3);
	const struct store_tensor t = {"w",   TENSOR_WEIGHT, TENSOR_F32,        1,
				       {BIG}, big,           BIG * sizeof(*big)};
	const struct checkpoint_new c = {1, 0, "epoch"};

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	low = was;
	low.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	assert_int_equal(store_checkpoint_add(s, run, &c, &t, 1, &err), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(err.code, ERR_STORE);
	printf("# %s\n", err.msg);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM checkpoint"), 0);
	put(s, run, 1, big, generator);
	store_close(s);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM checkpoint"), 1);
	assert_int_equal(ask(f->db, "PRAGMA integrity_check"), 1);
	free(big);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(tensors_come_back_and_are_shared),
		T(wrong_shapes_are_refused),
		T(damage_names_the_tensor),
		T(full_disk_is_an_error),
		T(policies_keep_the_best_and_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

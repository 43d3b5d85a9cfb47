/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows of a stream. */
#include "engine/text/batch.h"
#include "tests/unit.h"

enum { MOST = 64 };

/* A stream whose ids are their own places. */
static const int32_t *places(void)
{
	static int32_t ids[MOST];

	for (int k = 0; k < MOST; k++)
		ids[k] = k;
	return ids;
}

/* Compares a window with B, T and its ids, step by step. */
static void check(const struct batch *b, int B, int T, const int32_t *want)
{
	assert_int_equal(b->steps.B, B);
	assert_int_equal(b->steps.T, T);
	assert_int_equal(b->steps.N, B * T);
	for (int t = 0; t < T; t++) {
		assert_int_equal(b->steps.active[t], B);
		assert_int_equal(b->steps.offset[t], t * B);
	}
	for (int n = 0; n < B * T; n++) {
		assert_int_equal(b->ids[n], want[n]);
		assert_int_equal(b->next[n], want[n] + 1);
	}
	for (int r = 0; r < B; r++) {
		assert_int_equal(b->len[r], T);
		assert_int_equal(b->row[r], r);
		assert_int_equal(b->label[r], -1);
	}
}

static void windows_go_along_the_rows(void **state)
{
	const int32_t *ids = places();
	struct batch b = {0};

	(void)state;
	/* 12 inputs in 3 rows of 4: 0 1 2 3 | 4 5 6 7 | 8 9 10 11, and 12 is only predicted. */
	assert_int_equal(batch_windows(13, 3, 2), 2);
	batch_window(&b, ids, 13, 3, 0, 1, 0, 2);
	check(&b, 3, 2, (const int32_t[]){0, 4, 8, 1, 5, 9});
	batch_window(&b, ids, 13, 3, 0, 1, 2, 2);
	check(&b, 3, 2, (const int32_t[]){2, 6, 10, 3, 7, 11});

	/* 15 inputs in 4 rows of 3; the last three are left over. The second window is short. */
	assert_int_equal(batch_windows(16, 4, 2), 2);
	batch_window(&b, ids, 16, 4, 0, 1, 0, 2);
	check(&b, 4, 2, (const int32_t[]){0, 3, 6, 9, 1, 4, 7, 10});
	batch_window(&b, ids, 16, 4, 0, 1, 2, 2);
	check(&b, 4, 1, (const int32_t[]){2, 5, 8, 11});
	batch_window(&b, ids, 16, 4, 0, 1, 3, 2);
	check(&b, 4, 0, NULL);
	batch_release(&b);
}

/* Steps and threads of every sort read each input once, with the id behind it. */
static void dealt_rows_are_covered_once(void **state)
{
	enum { LENGTH = 60 };
	const int32_t *ids = places();
	struct batch b = {0};

	(void)state;
	for (int rows = 1; rows <= 8; rows++)
		for (int stride = 1; stride <= 9; stride++)
			for (int steps = 1; steps <= 11; steps++) {
				int64_t count = batch_windows(LENGTH, rows, steps);
				int seen[MOST] = {0}, n = (LENGTH - 1) / rows;

				for (int64_t w = 0; w < count * stride; w++) {
					int first = (int)(w % stride);

					batch_window(&b, ids, LENGTH, rows, first, stride,
						     w / stride * steps, steps);
					assert_int_equal(b.steps.B == 0, first >= rows);
					for (int k = 0; k < b.steps.N; k++) {
						int r = first + k % b.steps.B * stride;

						seen[b.ids[k]]++;
						assert_int_equal(b.ids[k] / n, r);
						assert_int_equal(b.next[k], b.ids[k] + 1);
					}
				}
				for (int k = 0; k < MOST; k++)
					assert_int_equal(seen[k], k < rows * n);
			}
	batch_release(&b);
}

static void short_streams_have_no_windows(void **state)
{
	struct batch b = {0};

	(void)state;
	assert_int_equal(batch_windows(0, 1, 4), 0);
	assert_int_equal(batch_windows(1, 1, 4), 0);
	assert_int_equal(batch_windows(2, 1, 4), 1);
	assert_int_equal(batch_windows(5, 5, 4), 0);
	assert_int_equal(batch_windows(6, 5, 4), 1);
	assert_int_equal(batch_windows(5, 1, 4), 1);
	assert_int_equal(batch_windows(6, 1, 4), 2);
	assert_int_equal(batch_windows(INT64_C(3) << 31, 1, 1), (INT64_C(3) << 31) - 1);
	batch_window(&b, places(), 5, 5, 0, 1, 0, 4);
	check(&b, 5, 0, NULL);
	batch_window(&b, places(), 0, 5, 0, 2, 0, 4);
	check(&b, 3, 0, NULL);
	batch_window(&b, places(), 40, 2, 2, 3, 0, 4);
	check(&b, 0, 0, NULL);
	batch_release(&b);
}

/* Rows with a last id of their own: window w reads w*T .. w*T+T-1, predicts w*T+1 .. w*T+T. */
static void rows_of_a_grid_are_read_in_step(void **state)
{
	enum { ROWS = 3, T = 4, WINDOWS = 2, WIDTH = WINDOWS * T + 1 };
	const int32_t *ids = places();
	struct batch b = {0};

	(void)state;
	for (int w = 0; w < WINDOWS; w++) {
		batch_window(&b, ids, ROWS * WIDTH + 1, ROWS, 0, 1, w * T, T);
		for (int t = 0; t < T; t++)
			for (int r = 0; r < ROWS; r++) {
				assert_int_equal(b.ids[t * ROWS + r], r * WIDTH + w * T + t);
				assert_int_equal(b.next[t * ROWS + r], r * WIDTH + w * T + t + 1);
			}
	}
	batch_release(&b);
}

/* A batch is used for windows and for texts in turn. */
static void batches_are_used_again(void **state)
{
	const struct batch_rules rules = {.ragged = true};
	const int32_t *ids = places();
	struct batch b = {0};

	(void)state;
	batch_window(&b, ids, 13, 3, 0, 1, 0, 2);
	batch_of_ids(&b, ids + 20, 30, &rules);
	assert_int_equal(b.steps.N, 30);
	assert_int_equal(b.ids[29], 49);
	batch_window(&b, ids, 50, 1, 0, 1, 9, 40);
	assert_int_equal(b.steps.T, 40);
	assert_int_equal(b.next[39], 49);
	batch_window(&b, ids, 13, 3, 1, 2, 0, 3);
	check(&b, 1, 3, (const int32_t[]){4, 5, 6});
	batch_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_go_along_the_rows),
		cmocka_unit_test(dealt_rows_are_covered_once),
		cmocka_unit_test(short_streams_have_no_windows),
		cmocka_unit_test(rows_of_a_grid_are_read_in_step),
		cmocka_unit_test(batches_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

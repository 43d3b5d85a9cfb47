/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows of a stream, and the order of an epoch. */
#include "engine/base/mem.h"
#include "engine/text/batch.h"
#include "tests/unit.h"

#include <math.h>

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

/* Texts of lengths like SST-2's: 2 to 53 words, 19 in the mean; or all alike. */
struct texts {
	struct corpus c;
	int32_t *order;
};

static struct texts texts_of(int count, bool alike)
{
	struct texts x = {
		.c = {.count = count, .start = mem_zero((size_t)count + 1, sizeof(*x.c.start))},
		.order = mem_zero((size_t)count + 1, sizeof(*x.order))};
	struct rng r;

	rng_seed(&r, 1, 0);
	for (int k = 0; k < count; k++) {
		double n = alike ? 19 : 19 + 9.3 * rng_normal(&r);

		n = n < 2 ? 2 : n > 53 ? 53 : n;
		x.c.start[k + 1] = x.c.start[k] + (size_t)n;
	}
	return x;
}

static void texts_release(struct texts *x)
{
	free(x->c.start);
	free(x->order);
}

static int words(const struct texts *x, int at)
{
	const int32_t e = x->order[at];

	return (int)(x->c.start[e + 1] - x->c.start[e]);
}

static double mean_words(const struct texts *x, int from, int count)
{
	double sum = 0;

	for (int k = 0; k < count; k++)
		sum += words(x, from + k);
	return sum / count;
}

static void order(struct texts *x, int batch, uint64_t seed)
{
	struct rng r;

	rng_seed(&r, seed, 0);
	batch_order(&x->c, x->order, batch, &r);
}

/* Whatever the sizes; and within each batch the longest come first. */
static void every_example_comes_once(void **state)
{
	static const int counts[] = {0, 1, 2, 7, 8, 31, 32, 33, 100, 1000, 6920};
	static const int batches[] = {1, 2, 7, 32, 64, 999, 65536};

	(void)state;
	for (int n = 0; n < 11; n++)
		for (int b = 0; b < 7; b++) {
			struct texts x = texts_of(counts[n], false);
			bool *seen = mem_zero((size_t)counts[n] + 1, sizeof(*seen));

			order(&x, batches[b], 5);
			for (int k = 0; k < counts[n]; k++) {
				assert_in_range(x.order[k], 0, counts[n] - 1);
				assert_false(seen[x.order[k]]);
				seen[x.order[k]] = true;
				if (k % batches[b])
					assert_true(words(&x, k) <= words(&x, k - 1));
			}
			free(seen);
			texts_release(&x);
		}
}

static void an_order_is_its_seeds(void **state)
{
	enum { COUNT = 1000 };
	struct texts x = texts_of(COUNT, false), y = texts_of(COUNT, false);
	const size_t bytes = COUNT * sizeof(*x.order);
	struct rng r;

	(void)state;
	order(&x, 8, 3);
	order(&y, 8, 3);
	assert_memory_equal(x.order, y.order, bytes);
	order(&y, 8, 4);
	assert_memory_not_equal(x.order, y.order, bytes);
	rng_seed(&r, 3, 0);
	batch_order(&y.c, y.order, 8, &r);
	assert_memory_equal(x.order, y.order, bytes);
	batch_order(&y.c, y.order, 8, &r); /* whatever was there before */
	assert_memory_not_equal(x.order, y.order, bytes);
	texts_release(&x);
	texts_release(&y);
}

/* Few places are empty in batches as long as their longest texts. */
static void texts_of_a_batch_are_about_equally_long(void **state)
{
	static const int batches[] = {16, 32, 64};

	(void)state;
	for (int b = 0; b < 3; b++) {
		const int batch = batches[b];
		struct texts x = texts_of(6912, false);
		double places = 0;

		order(&x, batch, 7);
		for (int at = 0; at < x.c.count; at += batch)
			places += batch * words(&x, at);
		assert_true((double)x.c.start[x.c.count] > 0.93 * places);
		texts_release(&x);
	}
}

/* Two texts are rarely in one batch twice, and the lengths of batches are in no order. */
static void epochs_mix_batches_anew(void **state)
{
	enum { COUNT = 6400, BATCH = 32, BATCHES = COUNT / BATCH, EPOCHS = 20 };
	struct texts x = texts_of(COUNT, false);
	int *last = mem_zero(COUNT, sizeof(*last)), up = 0;
	double again = 0, first = 0;

	(void)state;
	for (int epoch = 0; epoch < EPOCHS; epoch++) {
		int together[BATCHES];

		order(&x, BATCH, (uint64_t)epoch);
		first += mean_words(&x, 0, BATCH) / EPOCHS;
		for (int b = 0; b < BATCHES; b++) {
			const int at = b * BATCH;

			up += b && words(&x, at) > words(&x, at - BATCH);
			memset(together, 0, sizeof(together));
			for (int k = 0; k < BATCH; k++) /* pairs that were together before */
				again += together[last[x.order[at + k]]]++;
		}
		for (int k = 0; k < COUNT; k++)
			last[x.order[k]] = k / BATCH;
		again = epoch ? again : 0;
	}
	again /= (EPOCHS - 1) * BATCHES * (BATCH * (BATCH - 1) / 2.0);
	assert_true(again < 0.15);
	assert_true(up > 0.4 * EPOCHS * BATCHES && up < 0.6 * EPOCHS * BATCHES);
	assert_true(fabs(first - 19) < 5);
	free(last);
	texts_release(&x);
}

/* Equal lengths: as any shuffle, half of all neighbours go up. */
static void ties_are_not_in_the_files_order(void **state)
{
	struct texts x = texts_of(6400, true);
	int up = 0, own = 0;

	(void)state;
	order(&x, 32, 9);
	for (int k = 1; k < x.c.count; k++) {
		up += x.order[k] > x.order[k - 1];
		own += x.order[k] / 32 == k / 32;
	}
	assert_in_range(up, 3000, 3400);
	assert_true(own < 100);
	texts_release(&x);
}

/* It is neither of the longest nor of the shortest, but of any. */
static void the_short_batch_is_drawn_before_sorting(void **state)
{
	enum { COUNT = 2580, BATCH = 64, REST = COUNT % BATCH, EPOCHS = 50 };
	struct texts x = texts_of(COUNT, false);
	double mean = 0, spread = 0;

	(void)state;
	for (int epoch = 0; epoch < EPOCHS; epoch++) {
		order(&x, BATCH, (uint64_t)epoch);
		mean += mean_words(&x, COUNT - REST, REST) / EPOCHS;
		spread += (words(&x, COUNT - REST) - words(&x, COUNT - 1)) / (double)EPOCHS;
	}
	assert_true(fabs(mean - mean_words(&x, 0, COUNT)) < 1);
	assert_true(spread > 25);
	texts_release(&x);
}

/* As few batches as that are as the shuffle left them, each sorted by itself. */
static void few_batches_are_only_shuffled(void **state)
{
	enum { COUNT = 250, BATCH = 8 };
	struct texts x = texts_of(COUNT, false), y = texts_of(COUNT, false);
	struct rng r;

	(void)state;
	order(&x, BATCH, 6);
	rng_seed(&r, 6, 0);
	for (int k = 0; k < COUNT; k++)
		y.order[k] = k;
	rng_shuffle(&r, y.order, COUNT);
	for (int at = 0; at < COUNT; at += BATCH)
		batch_sort(&y.c, y.order + at, COUNT - at < BATCH ? COUNT - at : BATCH);
	assert_memory_equal(x.order, y.order, COUNT * sizeof(*x.order));
	texts_release(&x);
	texts_release(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_go_along_the_rows),
		cmocka_unit_test(dealt_rows_are_covered_once),
		cmocka_unit_test(short_streams_have_no_windows),
		cmocka_unit_test(rows_of_a_grid_are_read_in_step),
		cmocka_unit_test(batches_are_used_again),
		cmocka_unit_test(every_example_comes_once),
		cmocka_unit_test(an_order_is_its_seeds),
		cmocka_unit_test(texts_of_a_batch_are_about_equally_long),
		cmocka_unit_test(epochs_mix_batches_anew),
		cmocka_unit_test(ties_are_not_in_the_files_order),
		cmocka_unit_test(the_short_batch_is_drawn_before_sorting),
		cmocka_unit_test(few_batches_are_only_shuffled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/trace.h"
#include "engine/math/blas.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

#ifdef SLUICE_DOUBLE
static const double FAST_TOL = 1e-12;
#else
static const double FAST_TOL = 1e-5;
#endif

static struct trace *trace_of_spec(const struct model_spec *spec, bool mask, const char *text)
{
	struct corpus *c;
	struct encoder *e = toy_encoder_of(spec, mask, 30, &c, NULL);
	struct snapshot *s = snapshot_new(e, toy_weights(&e->model, 8), 0, 0);
	struct trace *t = trace_new(s, text, strlen(text), NULL);

	corpus_unref(c);
	snapshot_unref(s);
	encoder_unref(e);
	return t;
}

static struct trace *trace_of(const struct cell_ops *cell, bool mask, const char *text)
{
	return trace_of_spec(&(struct model_spec){.cell = cell, .embed = 6, .hidden = 9}, mask,
			     text);
}

static void agrees_with_the_fast_path(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int mask = 0; mask < 2; mask++) {
			struct trace *t =
				trace_of(cell_at(k), mask, "the film is not so good never");

			assert_int_equal(t->T, mask ? 7 : 10);
			assert_true(t->distance < FAST_TOL);
			assert_true(t->distance > 0 || sizeof(real) == 8);
			trace_free(t);
		}
}

/* Every shape of stack; in two directions the classes after each word are those of the text that ends
 * there. */
static void agrees_in_every_stack(void **state)
{
	static const char *const part[] = {"the", "the film", "the film is", "the film is not",
					   "the film is not good"};

	(void)state;
	for (int pool = 0; pool < POOL_COUNT; pool++)
		for (int shape = 0; shape < 6; shape++) {
			const struct model_spec s = {.cell = cell_at(shape % 3),
						     .embed = shape % 2 ? 0 : 5,
						     .hidden = 6,
						     .layers = 1 + shape % 2,
						     .dirs = 1 + (shape > 1),
						     .merge = (enum merge)(shape > 3),
						     .pool = (enum pool)pool};
			struct trace *t = trace_of_spec(&s, true, part[4]);

			assert_int_equal(t->runs, s.layers * s.dirs);
			assert_true(t->distance < FAST_TOL);
			for (int k = 0; k < 5; k++) {
				struct trace *p = trace_of_spec(&s, true, part[k]);

				for (int c = 0; c < t->C; c++)
					assert_true(fabs(t->prob[k * t->C + c] -
							 p->prob[k * t->C + c]) < FAST_TOL);
				trace_free(p);
			}
			trace_free(t);
		}
}

/* Tasks that write: every shape, and what the decoder wrote is what the fast path writes. */
static void agrees_where_tokens_come_out(void **state)
{
	(void)state;
	for (int shape = 0; shape < 12; shape++) {
		const struct model_spec s = {.task = shape % 2 ? TASK_GENERATE : TASK_RECONSTRUCT,
					     .cell = cell_at(shape),
					     .embed = shape % 3 ? 5 : 0,
					     .hidden = 6,
					     .layers = 1 + shape / 2 % 2,
					     .dirs = 1 + (shape % 4 == 2),
					     .pool = (enum pool)(shape % POOL_COUNT),
					     .learned = shape > 5};
		struct trace *t = trace_of_spec(&s, true, "the film is not");
		struct choice best[4];

		assert_int_equal(t->T, shape % 2 ? 5 : 4);
		assert_int_equal(t->C, t->snapshot->encoder->model.spec.vocab);
		assert_true(t->distance < FAST_TOL);
		assert_int_equal(trace_prob_steps(t), shape % 2 ? 5 : t->written);
		for (int k = 0; k < trace_prob_steps(t); k++) {
			double sum = 0, above = 0;

			assert_int_equal(trace_top(t, k, best, 4), 4);
			for (int c = 0; c < t->C; c++) {
				sum += t->prob[k * t->C + c];
				above += t->prob[k * t->C + c] > best[3].p;
			}
			assert_true(fabs(sum - 1) < 1e-12);
			assert_true(above == 3);
			for (int c = 1; c < 4; c++)
				assert_true(best[c].p <= best[c - 1].p);
			if (k + 1 < t->written)
				assert_int_equal(t->writes[k], best[0].id);
		}
		trace_free(t);
	}
}

static void sums_add_up(void **state)
{
	(void)state;
	for (int cell = 0; cell_at(cell); cell++) {
		struct trace *t = trace_of(cell_at(cell), true, "not a very good film");

		for (int step = 0; step < t->T; step++)
			for (int u = 0; u < t->H; u++) {
				struct unit_sum s;

				trace_explain(t, 0, step, u, &s);
				for (int q = 0; q < t->gates; q++) {
					const struct gate_sum *g = &s.gate[q];

					double sum = g->b;

					for (int k = 0; k < g->terms; k++) {
						const struct sum_term *m = &g->term[k];

						sum += m->value;
						for (int j = 1; j < m->count; j++)
							assert_true(fabs(m->top[j].value) <=
								    fabs(m->top[j - 1].value));
					}
					assert_true(fabs(sum - g->z) < 1e-9 * (1 + fabs(g->z)));
				}
				assert_true(fabs(s.kept + s.write - s.state) < 1e-12);
				assert_true(
					s.state ==
					(t->run->c ? t->run->c : t->run->h)[(step + 1) * t->H + u]);
			}
		trace_free(t);
	}
}

static void words_are_told_from_padding_and_unknown_ones(void **state)
{
	struct trace *t = trace_of(cell_at(0), false, "the zebra film");
	size_t n;

	(void)state;
	assert_int_equal(t->T, 10);
	assert_memory_equal(trace_token(t, 0, 0, &n), "<pad>", 5);
	assert_memory_equal(trace_token(t, 0, 8, &n), "zebra", 5);
	assert_true(trace_unknown(t, 0, 8));
	assert_false(trace_unknown(t, 0, 7));
	assert_int_equal(t->ids[8], VOCAB_UNK);
	trace_free(t);

	t = trace_of(cell_at(0), true, "");
	assert_int_equal(t->T, 0);
	trace_free(t);
}

static void rounding_keeps_the_sum(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 1);
	for (int trial = 0; trial < 2000; trial++) {
		double v[4], sum = 0, rounded = 0;

		for (int k = 0; k < 4; k++)
			sum += v[k] = rng_normal(&r);
		round_to_sum(v, 4, 3);
		for (int k = 0; k < 4; k++)
			rounded += v[k];
		assert_true(fabs(rounded - rint(sum * 1000) / 1000) < 1e-9);
	}
	for (int n = 0; n < 60; n++) {
		double v[60], sum = 0, rounded = 0;

		for (int k = 0; k < n; k++)
			sum += v[k] = 0.0004 + 0.001 * k;
		round_to_sum(v, n, 3);
		for (int k = 0; k < n; k++) {
			rounded += v[k];
			assert_true(fabs(v[k] - 0.0004 - 0.001 * k) < 0.001);
		}
		assert_true(fabs(rounded - rint(sum * 1000) / 1000) < 1e-9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_fast_path),
		cmocka_unit_test(agrees_in_every_stack),
		cmocka_unit_test(agrees_where_tokens_come_out),
		cmocka_unit_test(sums_add_up),
		cmocka_unit_test(words_are_told_from_padding_and_unknown_ones),
		cmocka_unit_test(rounding_keeps_the_sum),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/equations.h"
#include "engine/math/blas.h"
#include "engine/nn/beam.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>
#include <stdlib.h>

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

/* A pre-activation is the sum of its terms, a state of what is kept and written. */
static void check_sums(const struct trace *t, int run, int step, int u)
{
	struct equations e;

	equations_fill(&e, t, run, step, u, 2);
	for (int k = 0; k < e.lines; k++)
		assert_true(fabs(e.line[k].residual) < 1e-12);
	equations_release(&e);
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

/* --- pairs --- */

/* The answer that the fast path writes with a beam of one. */
static void check_written(const struct trace *t)
{
	const struct encoder *e = t->snapshot->encoder;
	bool *never = decode_never(e->target, false);
	const struct beam_spec spec = {.width = 1, .end = vocab_end(e->target), .never = never};
	const int max = decode_limit(t->T);
	struct work w = {0};
	struct stepper s;
	struct beam b;
	size_t n;

	batch_of_ids(&w.in.batch, t->encoding.ids, (int)t->encoding.count, &e->rules);
	assert_true(model_remember(&e->model, t->snapshot->weights, &w, &(struct pass){0}));
	assert_true(stepper_begin_pair(&s, &e->model, t->snapshot->weights, &w));
	assert_true(beam_search(&s, &spec, &max, &b));
	assert_int_equal(b.texts, 1);
	assert_int_equal(b.text->len + 1, t->written);
	assert_memory_equal(b.text->ids, t->writes, (size_t)b.text->len * sizeof(int32_t));
	assert_int_equal(t->writes[b.text->len], spec.end);
	for (int k = 0; k < t->written; k++) {
		assert_false(never[t->writes[k]]);
		assert_ptr_equal(
			trace_token(t, t->runs - 1, k, &n),
			vocab_token(e->target, k ? t->writes[k - 1] : spec.end, &(size_t){0}));
		assert_false(trace_unknown(t, t->runs - 1, k));
	}
	beam_release(&b);
	stepper_release(&s);
	work_release(&w);
	free(never);
}

/* The two largest shares of a row of the map, and of the column of the larger one. */
static void check_most(const struct trace *t, int step)
{
	const int rest = t->T > 2 ? t->T - 2 : 0;
	struct choice row[2], column[2];
	int below = 0;

	assert_int_equal(trace_looks(t, step, row, 2), t->attention && t->T ? 2 : 0);
	if (!t->attention || !t->T)
		return;
	for (int s = 0; s < t->T; s++)
		below += t->attention[step * t->T + s] <= row[1].p && s != row[0].id &&
			 s != row[1].id;
	assert_int_equal(below, rest);
	assert_true(row[0].p >= row[1].p && row[0].p == t->attention[step * t->T + row[0].id]);
	assert_int_equal(trace_looked_at(t, row[0].id, column, 2), t->written > 1 ? 2 : 1);
	assert_true(column[0].p >= row[0].p);
	assert_true(column[0].p == t->attention[column[0].id * t->T + row[0].id]);
}

/* Shares that add up to 1, and the outputs that they weigh; probabilities; what the head read. */
static void check_attention(const struct trace *t)
{
	const struct model *m = &t->snapshot->encoder->model;

	for (int k = 0; k < t->written; k++) {
		double sum = 0, p = 0;

		for (int c = 0; c < t->C; c++)
			p += t->prob[k * t->C + c];
		assert_true(fabs(p - 1) < 1e-12);
		for (int s = 0; t->attention && s < t->T; s++) {
			assert_true(t->attention[k * t->T + s] >= 0);
			sum += t->attention[k * t->T + s];
		}
		assert_true(!t->attention || !t->T || fabs(sum - 1) < 1e-12);
		check_most(t, k);
		for (int u = 0; u < m->K; u++)
			assert_true(isfinite(t->said[k * m->K + u]));
	}
	assert_int_equal(!t->attention, !m->spec.attention);
}

static void check_pair(const struct model_spec *s, bool mask)
{
	struct trace *t = trace_of_spec(s, mask, "the film is not good");
	const int decoders = s->layers;

	if (!(t->distance < FAST_TOL))
		fail_msg("%s, %s%s, %d layers, %d directions: %g", s->cell->name,
			 attention_table[s->attention].name, s->feed ? " fed" : "", s->layers,
			 s->dirs, t->distance);
	assert_true(t->distance > 0 || sizeof(real) == 8);
	assert_int_equal(t->T, mask ? 5 : 10);
	assert_int_equal(t->runs, s->layers * s->dirs + decoders);
	assert_int_equal(trace_prob_steps(t), t->written);
	assert_null(t->vector);
	check_written(t);
	check_attention(t);
	for (int run = t->runs - decoders; run < t->runs; run++) {
		assert_true(t->run[run].decoder);
		assert_int_equal(t->run[run].T, t->written);
		for (int step = 0; step < t->written; step++)
			for (int u = 0; u < t->H; u += 2)
				check_sums(t, run, step, u);
	}
	trace_free(t);
}

/* Every cell with every attention, fed or not, in stacks of every shape. */
static void pairs_agree_with_the_fast_path(void **state)
{
	(void)state;
	for (int cell = 0; cell_at(cell); cell++)
		for (int a = 0; a < ATTENTION_COUNT; a++)
			for (int shape = 0; shape < 12; shape++) {
				struct model_spec s = {.task = (cell + shape) % 2 ? TASK_TRANSLATE
										  : TASK_SUMMARIZE,
						       .cell = cell_at(cell),
						       .embed = (cell + a) % 4 ? 5 : 0,
						       .hidden = 6,
						       .layers = 1 + shape % 2,
						       .dirs = 1 + (shape / 2 % 3 > 0),
						       .merge = shape / 2 % 3 == 2 ? MERGE_SUM
										   : MERGE_CONCAT,
						       .attention = (enum attention)a,
						       .feed = shape > 5,
						       .att_size = shape % 3 ? 0 : 4,
						       .embed_target = 3,
						       .learned = shape % 5 == 1};

				if (s.feed && (!a || attention_table[a].early))
					continue;
				if (a == ATTENTION_DOT && s.dirs == 2 && s.merge == MERGE_CONCAT)
					continue;
				check_pair(&s, (cell + a + shape) % 4);
			}
}

/* Nothing to look at: the decoder writes from the first states alone. */
static void a_pair_without_words(void **state)
{
	(void)state;
	for (int a = 0; a < ATTENTION_COUNT; a++) {
		const struct model_spec s = {.task = TASK_TRANSLATE,
					     .cell = cell_at(0),
					     .embed = 5,
					     .hidden = 6,
					     .dirs = 1 + (a > 1),
					     .layers = 1,
					     .attention = (enum attention)a};
		struct trace *t = trace_of_spec(&s, true, "");

		assert_int_equal(t->T, 0);
		assert_true(t->written > 0);
		assert_true(t->distance < FAST_TOL);
		check_written(t);
		check_attention(t);
		trace_free(t);
	}
}

/* Counts the largest contributions to unit u's first gate that are of the token, and of what is beside it,
 * and looks each of them up: x of the decoder's second step is made of 2 numbers of the token and others. */
static void count_parts(const struct trace *t, int u, const char *letter, int *tokens, int *beside)
{
	const struct trace_run *r = &t->run[1];
	const real *W = t->snapshot->weights + r->stack->run[0].at.W + u * r->E;
	struct equations e;
	const struct equation_term *m = &e.line[0].term[0];

	equations_fill(&e, t, 1, 1, u, 4);
	assert_int_equal(m->parts, 4);
	for (int j = 0; j < m->parts; j++) {
		const char *name = m->part[j].name, *bracket = strchr(name, '[');
		const bool is_token = *name == 'x';
		const int at = (int)strtol(bracket + 1, NULL, 10) + (is_token ? 0 : 2);

		if (!is_token) {
			assert_int_equal(bracket - name, strlen(letter));
			assert_memory_equal(name, letter, strlen(letter));
		}
		assert_true(fabs((double)W[at] * r->x[r->E + at] - m->part[j].value) < 1e-12);
		*beside += !is_token;
		*tokens += is_token;
	}
	assert_int_equal(*e.line[0].term[1].part[0].name, 'h');
	equations_release(&e);
}

static void contributions_are_named(void **state)
{
	static const struct {
		enum task task;
		enum attention attention;
		bool feed;
		const char *letter;
	} kind[] = {{TASK_TRANSLATE, ATTENTION_BAHDANAU, false, "ctx"},
		    {TASK_TRANSLATE, ATTENTION_GENERAL, true, "h~"},
		    {TASK_RECONSTRUCT, ATTENTION_NONE, false, "v"}};

	(void)state;
	for (size_t k = 0; k < sizeof(kind) / sizeof(*kind); k++) {
		const struct model_spec s = {.task = kind[k].task,
					     .cell = cell_at(0),
					     .embed = 2,
					     .hidden = 9,
					     .layers = 1,
					     .attention = kind[k].attention,
					     .feed = kind[k].feed};
		struct trace *t = trace_of_spec(&s, true, "the film is not good");
		int beside = 0, tokens = 0;

		for (int u = 0; u < t->H; u++)
			count_parts(t, u, kind[k].letter, &tokens, &beside);
		assert_true(beside > 0 && tokens > 0);
		trace_free(t);
	}
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
	/* Shares of a long text: each alone would be rounded away. */
	for (int n = 2; n < 300; n += 7) {
		double v[300], sum = 0;

		for (int k = 0; k < n; k++)
			v[k] = 1.0 / n;
		round_to_sum(v, n, 2);
		for (int k = 0; k < n; k++) {
			assert_true(fabs(v[k] - 1.0 / n) < 0.01);
			sum += v[k];
		}
		assert_true(fabs(sum - 1) < 1e-9);
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
		cmocka_unit_test(words_are_told_from_padding_and_unknown_ones),
		cmocka_unit_test(pairs_agree_with_the_fast_path),
		cmocka_unit_test(a_pair_without_words),
		cmocka_unit_test(contributions_are_named),
		cmocka_unit_test(rounding_keeps_the_sum),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

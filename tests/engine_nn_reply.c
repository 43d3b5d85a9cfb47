/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers to texts, many at a time, or one token by token. */
#include "engine/inspect/reply.h"
#include "engine/inspect/writer.h"
#include "engine/math/blas.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

#ifdef SLUICE_DOUBLE
static const double SAME_TOL = 1e-12;
#else
static const double SAME_TOL = 3e-6;
#endif

enum { SHAPES = 8 };

static const char *const text[] = {"the film is not good", "", "zzz", "bad",
				   "so good today long a"};
enum { TEXTS = sizeof(text) / sizeof(text[0]) };

/* A toy with lively random weights; every other one runs over padding. */
static struct snapshot *make(int k)
{
	const struct model_spec spec = {.task = k % 3 ? TASK_TRANSLATE : TASK_SUMMARIZE,
					.cell = cell_at(k % 3 * 3),
					.embed = 5,
					.hidden = 6,
					.dirs = 1 + k / 4,
					.attention = k == 5  ? ATTENTION_NONE
						     : k % 2 ? ATTENTION_BAHDANAU
							     : ATTENTION_GENERAL,
					.feed = !(k % 2)};
	struct corpus *c;
	struct encoder *e = toy_encoder_of(&spec, k % 4 < 2, 6, &c, NULL);
	real *w = toy_weights(&e->model, (uint64_t)k + 1);
	struct snapshot *s;

	for (size_t j = 0; j < e->model.size; j++)
		w[j] *= 3;
	s = snapshot_new(e, w, 0, 0);
	corpus_unref(c);
	encoder_unref(e);
	return s;
}

static void encode(const struct snapshot *s, struct encoding *e)
{
	for (int k = 0; k < TEXTS; k++) {
		e[k] = (struct encoding){0};
		encoder_encode(s->encoder, text[k], strlen(text[k]), &e[k]);
	}
}

static void release(struct encoding *e)
{
	for (int k = 0; k < TEXTS; k++)
		encoding_release(&e[k]);
}

static struct writer *write(struct snapshot *s, int k, int beam)
{
	struct writer *w = writer_new(s,
				      &(struct writer_spec){.text = text[k],
							    .n = strlen(text[k]),
							    .beam = beam,
							    .penalty = 1,
							    .how = {.top_p = 1}},
				      NULL);

	assert_non_null(w);
	return w;
}

/* What a writer writes of a text is what a search finds among others, and it looks at the same. */
static void assert_written(struct snapshot *s, struct replies *r, int k, int beam, size_t n)
{
	struct writer *w = write(s, k, beam);
	const struct beam_text *best = r->of[k].text;
	struct written t;
	int steps, at = 0;
	const real *look = replies_look(r, s, k, n, &steps);
	double log_p = 0;

	assert_int_equal(look != NULL, s->encoder->model.spec.attention != ATTENTION_NONE);
	for (; writer_next(w, &t); at++) {
		const real *own = writer_look(w);
		double sum = 0;

		assert_int_equal(t.end, at == best->len);
		assert_int_equal(t.id, t.end ? vocab_end(s->encoder->target) : best->ids[at]);
		assert_int_equal(own != NULL, look != NULL);
		for (size_t j = 0; look && j < n; j++) {
			assert_true(fabs((double)(own[j] - look[(size_t)at * n + j])) < SAME_TOL);
			sum += (double)own[j];
		}
		assert_true(!look || !n || s->encoder->rules.pad_to || fabs(sum - 1) < 1e-5);
		assert_true(sum < 1 + 1e-5);
		assert_true(t.tops == WRITER_TOP && t.top[0].p >= t.p);
		log_p += log(t.p);
	}
	assert_int_equal(at, r->of[k].node[best->node].step);
	assert_true(!look || steps == at);
	assert_true(fabs(log_p - best->log_p) < 10 * SAME_TOL * (1 + fabs(log_p)));
	assert_true(writer_beam(w)->text[0].len == best->len);
	writer_free(w);
}

static void a_text_is_answered_as_among_others(void **state)
{
	(void)state;
	for (int shape = 0; shape < SHAPES; shape++)
		for (int beam = 1; beam < 6; beam += 2) {
			struct snapshot *s = make(shape);
			struct encoding e[TEXTS];
			struct replies r = {0};

			encode(s, e);
			for (int twice = 0; twice < 2; twice++)
				assert_true(replies_find(
					&r, s, e, TEXTS,
					&(struct reply_spec){.width = beam, .penalty = 1}));
			for (int k = 0; k < TEXTS; k++)
				assert_written(s, &r, k, beam, e[k].count);
			replies_release(&r);
			release(e);
			snapshot_unref(s);
		}
}

/* Padding stands before the tokens, and what was looked at there is no token's. */
static void padding_is_no_token(void **state)
{
	int padded = 0;

	(void)state;
	for (int shape = 0; shape < SHAPES; shape++) {
		struct snapshot *s = make(shape);
		const struct encoder *e = s->encoder;
		struct encoding texts[TEXTS];
		struct replies r = {0};

		encode(s, texts);
		assert_true(replies_find(&r, s, texts, TEXTS, &(struct reply_spec){.width = 1}));
		for (int k = 0; k < TEXTS && e->model.spec.attention; k++) {
			const size_t n = texts[k].count;
			struct stepper one;
			struct work w = {0};
			const real *raw, *look;
			int steps, wide;

			batch_of_ids(&w.in.batch, texts[k].ids, (int)n, &e->rules);
			assert_true(model_remember(&e->model, s->weights, &w, &(struct pass){0}));
			assert_true(stepper_begin_pair(&one, &e->model, s->weights, &w));
			assert_non_null(stepper_feed(&one, &(int32_t){vocab_end(e->target)}));
			raw = stepper_attention(&one, 0, &wide);
			look = replies_look(&r, s, k, n, &steps);
			for (size_t j = 0; j < n; j++)
				assert_true(fabs((double)(look[j] - raw[(size_t)wide - n + j])) <
					    SAME_TOL);
			padded += n && (size_t)wide > n;
			stepper_release(&one);
			work_release(&w);
		}
		replies_release(&r);
		release(texts);
		snapshot_unref(s);
	}
	assert_true(padded > 4);
}

static void drawing_the_likeliest_is_a_search_of_one(void **state)
{
	(void)state;
	for (int shape = 0; shape < SHAPES; shape++)
		for (int k = 0; k < TEXTS; k++) {
			struct snapshot *s = make(shape);
			struct writer *drawn = write(s, k, 0), *found = write(s, k, 1);
			struct written a, b;

			assert_null(writer_beam(drawn));
			assert_false(writer_search(drawn));
			while (writer_next(drawn, &a)) {
				assert_true(writer_next(found, &b));
				assert_int_equal(a.id, b.id);
				assert_true(a.p == b.p && a.bits == b.bits);
			}
			assert_false(writer_next(found, &b));
			writer_free(drawn);
			writer_free(found);
			snapshot_unref(s);
		}
}

/* Tokens drawn with a seed, as one text. */
static void draw(struct snapshot *s, uint64_t seed, int most, struct buf *out)
{
	struct writer *w = writer_new(s,
				      &(struct writer_spec){.text = text[0],
							    .n = strlen(text[0]),
							    .how = {.temperature = 1, .top_p = 1},
							    .seed = seed,
							    .most = most},
				      NULL);
	struct written t;

	buf_clear(out);
	while (writer_next(w, &t))
		buf_printf(out, "%d ", t.id);
	writer_free(w);
}

static void answers_can_be_drawn(void **state)
{
	struct buf a = {0}, b = {0};
	int others = 0;

	(void)state;
	for (uint64_t seed = 1; seed < 9; seed++) {
		struct snapshot *s = make(0);

		draw(s, seed, 0, &a);
		draw(s, seed, 0, &b);
		assert_string_equal(buf_str(&a), buf_str(&b));
		draw(s, seed + 1, 0, &b);
		others += strcmp(buf_str(&a), buf_str(&b)) != 0;
		draw(s, seed, 2, &b);
		assert_true(!strncmp(buf_str(&a), buf_str(&b), b.len));
		snapshot_unref(s);
	}
	assert_true(others);
	buf_release(&a);
	buf_release(&b);
}

static void answers_are_as_long_as_they_may_be(void **state)
{
	(void)state;
	for (int most = 1; most < 5; most++)
		for (int shape = 0; shape < SHAPES; shape++) {
			struct snapshot *s = make(shape);
			struct encoding e[TEXTS];
			struct replies r = {0};

			encode(s, e);
			assert_true(replies_find(
				&r, s, e, TEXTS,
				&(struct reply_spec){
					.width = 4, .penalty = 1, .best = 3, .most = most}));
			for (int k = 0; k < TEXTS; k++) {
				assert_true(r.of[k].texts >= 3);
				for (int j = 0; j < r.of[k].texts; j++)
					assert_true(r.of[k].text[j].len <= most);
			}
			replies_release(&r);
			release(e);
			snapshot_unref(s);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_answered_as_among_others),
		cmocka_unit_test(padding_is_no_token),
		cmocka_unit_test(drawing_the_likeliest_is_a_search_of_one),
		cmocka_unit_test(answers_can_be_drawn),
		cmocka_unit_test(answers_are_as_long_as_they_may_be),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

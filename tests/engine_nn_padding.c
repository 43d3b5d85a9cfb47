/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text under other rules of padding than its run's. */
#include "engine/nn/pass.h"
#include "tests/explain.h"

enum { WORDS = 7 }; /* of TEXT */

static struct replay *padded(struct snapshot *s, struct batch_rules rules)
{
	struct replay *r = replay_padded(s, TEXT, strlen(TEXT), &rules, NULL);

	assert_non_null(r);
	return r;
}

/* The same bits in every state, gate and probability. */
static bool same_bits(const struct replay *a, const struct replay *b)
{
	const size_t H = (size_t)a->H;
	bool same = a->T == b->T && !memcmp(a->prob, b->prob, (size_t)a->C * sizeof(*a->prob));

	for (int k = 0; same && k < a->m->stack.runs; k++) {
		const struct trace_run *x = &a->run[k], *y = &b->run[k];

		same = !memcmp(x->h, y->h, ((size_t)a->T + 1) * H * sizeof(double));
		for (int q = 0; same && q < a->G; q++)
			same = !memcmp(x->gate[q], y->gate[q], (size_t)a->T * H * sizeof(double));
	}
	return same;
}

/* What a run does without being asked is one of the three; and no padding at all is none, whatever it is
 * called. */
static void without_padding_all_ways_are_one(void **state)
{
	(void)state;
	for (int shape = 0; shape < SHAPES; shape++) {
		const struct model_spec spec = toy_shape(cell_at(shape), shape);
		const bool mask = shape % 2;
		struct snapshot *s = toy_snapshot(&spec, mask);
		const int own = mask ? WORDS : s->encoder->rules.pad_to;
		struct replay *run = replay_new(s, TEXT, strlen(TEXT), NULL);
		struct replay *masked = padded(s, (struct batch_rules){.mask = true});
		struct replay *pre =
			padded(s, (struct batch_rules){.pad_to = WORDS, .pad_front = true});
		struct replay *post = padded(s, (struct batch_rules){.pad_to = WORDS});
		struct replay *again =
			padded(s, (struct batch_rules){.pad_to = own, .pad_front = true});

		assert_int_equal(masked->T, WORDS);
		assert_true(same_bits(masked, pre));
		assert_true(same_bits(masked, post));
		assert_true(same_bits(run, mask ? masked : again));
		replay_free(run);
		replay_free(masked);
		replay_free(pre);
		replay_free(post);
		replay_free(again);
		snapshot_unref(s);
	}
}

/* A run that learned with padding before the text: its trace is the padded way. */
static void the_trace_is_the_padded_way(void **state)
{
	(void)state;
	for (int shape = 0; shape < SHAPES; shape++) {
		const struct model_spec spec = toy_shape(cell_at(shape), shape);
		struct snapshot *s = toy_snapshot(&spec, false);
		struct trace *t = trace_new(s, TEXT, strlen(TEXT), NULL);
		struct replay *pre =
			padded(s, (struct batch_rules){.pad_to = s->encoder->rules.pad_to,
						       .pad_front = true});

		assert_int_equal(t->T, pre->T);
		assert_true(t->T > WORDS);
		for (int k = 0; k < t->runs; k++)
			for (int n = 0; n < (t->T + 1) * t->H; n++)
				assert_true(near_to(t->run[k].h[n], pre->run[k].h[n], 1e-12));
		for (int c = 0; c < t->C && spec.dirs == 1; c++)
			assert_true(near_to(t->prob[(t->T - 1) * t->C + c], pre->prob[c], 1e-12));
		trace_free(t);
		replay_free(pre);
		snapshot_unref(s);
	}
}

/* Going forward, what stands behind the text changes nothing in front of it, and what stands before it does. */
static void padding_stands_where_it_is_said(void **state)
{
	const struct model_spec spec = {.cell = cell_find("standard"), .embed = 5, .hidden = 4};
	struct snapshot *s = toy_snapshot(&spec, true);
	struct replay *masked = padded(s, (struct batch_rules){.mask = true});
	struct replay *pre = padded(s, (struct batch_rules){.pad_to = 11, .pad_front = true});
	struct replay *post = padded(s, (struct batch_rules){.pad_to = 11});
	size_t n;
	(void)state;

	assert_int_equal(pre->T, 11);
	assert_int_equal(post->T, 11);
	for (int t = 0; t < 4; t++) {
		assert_int_equal(pre->token[t], -1);
		assert_int_equal(post->token[WORDS + t], -1);
	}
	assert_memory_equal(replay_token(pre, 0, &n), "<pad>", 5);
	assert_int_equal(n, 5);
	assert_memory_equal(post->run[0].c, masked->run[0].c, (WORDS + 1) * 4 * sizeof(double));
	assert_memory_not_equal(pre->run[0].c + (size_t)11 * 4,
				masked->run[0].c + (size_t)WORDS * 4, 4 * sizeof(double));
	assert_memory_not_equal(post->prob, masked->prob, sizeof(double));
	replay_free(masked);
	replay_free(pre);
	replay_free(post);
	snapshot_unref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_padding_all_ways_are_one),
		cmocka_unit_test(the_trace_is_the_padded_way),
		cmocka_unit_test(padding_stands_where_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

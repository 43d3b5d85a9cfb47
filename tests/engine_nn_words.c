/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words replaced, put in and taken out: the trace is that of the text they make, what nothing changes for is
 * copied, numbers that were set go along with their words; and what random edits of the same size do. */
#include "engine/base/rng.h"
#include "engine/inspect/control.h"
#include "engine/inspect/whatif.h"
#include "engine/inspect/wording.h"
#include "engine/math/blas.h"
#include "tests/traced.h"

#include <math.h>

static const char original[] = "the film is not so good";

enum padding { NONE, FRONT, BEHIND };

static struct made make(const struct cell_ops *cell, int layers, int dirs, enum padding pad)
{
	const struct model_spec spec = {.cell = cell,
					.embed = 4,
					.hidden = 5,
					.layers = layers,
					.dirs = dirs,
					.merge = dirs == 2 && layers == 2 ? MERGE_SUM
									  : MERGE_CONCAT};
	struct made m = made_of(&spec, pad == NONE, original);

	if (pad == BEHIND) {
		m.e->rules.pad_front = false;
		trace_free(m.t);
		m.t = trace_new(m.s, original, strlen(original), NULL);
	}
	return m;
}

/* Edits with " ; " between them, each read in the text as those before have made it. */
static struct trace *edited(const struct made *m, const char *lines)
{
	struct edit all[64];
	struct trace *now = NULL;
	char copy[256], *save = NULL;
	int n = 0;

	snprintf(copy, sizeof(copy), "%s", lines);
	for (char *line = strtok_r(copy, ";", &save); line; line = strtok_r(NULL, ";", &save)) {
		struct edit *some;
		struct err err = {0};
		int count;

		if (!edit_parse(now ? now : m->t, line, 0, -1, &some, &count, &err))
			fail_msg("%s: %s", line, err.msg);
		memcpy(all + n, some, (size_t)count * sizeof(*some));
		n += count;
		free(some);
		trace_free(now);
		now = whatif(m->t, all, n, &err);
		assert_non_null(now);
	}
	return now;
}

static struct trace *trace_text(const struct made *m, const char *text)
{
	struct trace *t = trace_new(m->s, text, strlen(text), NULL);

	assert_non_null(t);
	return t;
}

/* All bits of two traces, but what was copied for them. */
static void same_trace(const struct trace *a, const struct trace *b)
{
	assert_int_equal(a->T, b->T);
	assert_memory_equal(a->ids, b->ids, (size_t)a->T * sizeof(*a->ids));
	assert_memory_equal(a->token, b->token, (size_t)a->T * sizeof(*a->token));
	for (int run = 0; run < a->runs; run++)
		for (int k = 0; k < a->run[run].signals; k++)
			assert_memory_equal(a->run[run].signal[k].v, b->run[run].signal[k].v,
					    (size_t)(a->T * a->H) * sizeof(double));
	assert_memory_equal(a->prob, b->prob, (size_t)(a->T * a->C) * sizeof(double));
	assert_memory_equal(a->vector, b->vector, (size_t)a->D * sizeof(double));
}

/* The words that there are at the steps, without padding. */
static void words_are(const struct trace *t, const char *want)
{
	struct buf b = {0};

	for (int k = 0; k < t->T; k++) {
		size_t n;
		const char *token = trace_token(t, 0, k, &n);

		if (t->token[k] < 0)
			continue;
		buf_text(&b, b.len ? " " : "");
		buf_add(&b, token, n);
	}
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static void edit_and_type(const struct made *m, const char *lines, const char *text)
{
	struct trace *t = edited(m, lines), *typed = trace_text(m, text);

	words_are(t, text);
	assert_string_equal(t->text, text);
	same_trace(t, typed);
	trace_free(t);
	trace_free(typed);
}

static void edits_make_the_text_that_could_be_typed(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int shape = 0; shape < 4; shape++)
			for (int pad = NONE; pad <= BEHIND; pad++) {
				struct made m = make(cell_at(k), 1 + shape % 2, 1 + shape / 2,
						     (enum padding)pad);

				if (pad == FRONT) {
					edit_and_type(&m, "word @8 = \"today\"",
						      "the film is today so good");
					edit_and_type(&m, "insert @8=very long",
						      "the film is very long not so good");
					edit_and_type(&m, "remove @8", "the film is so good");
					edit_and_type(&m, "insert @1 = so",
						      "so the film is not so good");
					edit_and_type(&m, "insert @11 = bad;remove @4",
						      "film is not so good bad");
				} else {
					edit_and_type(&m, "word @4 = \"today\"",
						      "the film is today so good");
					edit_and_type(&m, "insert @4=very long",
						      "the film is very long not so good");
					edit_and_type(&m, "remove @4", "the film is so good");
					edit_and_type(&m, "remove @1;remove @1;insert @1 = a",
						      "a is not so good");
					edit_and_type(&m, "insert @7 = bad;word @7 = one",
						      "the film is not so good one");
					edit_and_type(&m, "word @6 = so bad so bad",
						      "the film is not so so bad so bad");
				}
				unmake(&m);
			}
}

/* Forward, steps before the word are copied; the others stand for what they stood for. */
static void steps_stand_for_those_of_the_original(void **state)
{
	static const int insert[] = {0, 1, 2, -1, 3, 4, 5}, remove_[] = {0, 1, 2, 4, 5},
			 word[] = {0, 1, 2, 3, -1, 4, 5},
			 behind[] = {0, 1, 2, -1, 3, 4, 5, 6, 7, 8};
	static const struct {
		const char *edit;
		enum padding pad;
		const int *origin;
		int T, differs;
	} one[] = {{"insert @4 = very", NONE, insert, 7, 3},
		   {"remove @4", NONE, remove_, 5, 3},
		   {"word @4 = very long", NONE, word, 7, 3},
		   {"insert @4 = very", BEHIND, behind, 10, 3},
		   {"remove @6", NONE, insert, 5, -1}}; /* all that is left is as it was */

	(void)state;
	for (size_t k = 0; k < sizeof(one) / sizeof(one[0]); k++) {
		struct made m = make(&cell_standard, 1, 1, one[k].pad);
		struct trace *t = edited(&m, one[k].edit);

		assert_int_equal(t->T, one[k].T);
		if (one[k].differs >= 0)
			assert_memory_equal(t->origin, one[k].origin,
					    (size_t)t->T * sizeof(*t->origin));
		assert_int_equal(whatif_differs(m.t, t, 0, 1e-9), one[k].differs);
		for (int step = 0; step < one[k].differs; step++)
			assert_memory_equal(signal_of(t, 0, "c") + step * t->H,
					    signal_of(m.t, 0, "c") + step * t->H,
					    (size_t)t->H * sizeof(double));
		trace_free(t);
		unmake(&m);
	}
}

/* One padded step less in front: those that are left stand for the first ones. */
static void padding_gives_way(void **state)
{
	static const int origin[] = {0, 1, 2, 4, 5, 6, -1, 7, 8, 9};
	struct made m = make(&cell_standard, 1, 1, FRONT);
	struct trace *t = edited(&m, "insert @8 = very");

	(void)state;
	assert_memory_equal(t->origin, origin, sizeof(origin));
	assert_int_equal(t->token[2], -1);
	assert_int_equal(t->token[3], 0);
	trace_free(t);
	unmake(&m);
}

static void same_edits(const struct made *m, const char *a, const char *b)
{
	struct trace *x = edited(m, a), *y = edited(m, b);

	same_trace(x, y);
	trace_free(x);
	trace_free(y);
}

static void numbers_go_with_their_words(void **state)
{
	(void)state;
	for (int pad = NONE; pad <= BEHIND; pad += BEHIND)
		for (int k = 0; cell_at(k); k++) {
			struct made m = make(cell_at(k), 1, 2, (enum padding)pad);

			same_edits(&m, "h[1] = 0.5 @5; insert @4 = very",
				   "insert @4 = very; h[1] = 0.5 @6");
			same_edits(&m, "h[1] = 0.5 @3; insert @4 = very",
				   "insert @4 = very; h[1] = 0.5 @3");
			same_edits(&m, "h[1] = 0.5 @3..5; insert @4 = very long",
				   "insert @4 = very long; h[1] = 0.5 @3..7");
			same_edits(&m, "h[1] = 0.5 @3..5; remove @4",
				   "remove @4; h[1] = 0.5 @3..4");
			same_edits(&m, "h[1] = 0.5 @4; remove @4", "remove @4");
			same_edits(&m, "h[1] = 0.5 @4; word @4 = bad bad",
				   "word @4 = bad bad; h[1] = 0.5 @4..5");
			same_edits(&m, "h[1] = 0.5; insert @1 = so", "insert @1 = so; h[1] = 0.5");
			same_edits(&m, "ablate 1,3; remove @2", "remove @2; ablate 1,3");
			same_edits(&m, "ablate 2",
				   cell_at(k)->carries_h ? "h[2] = 0" : "c[2] = 0; h[2] = 0");
			unmake(&m);
		}
}

static void refuses(const struct made *m, const char *text, int at, const char *why)
{
	struct edit *e;
	struct err err = {0};
	int n;

	assert_false(edit_parse(m->t, text, 0, at, &e, &n, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(e);
	if (!strstr(err.msg, why))
		fail_msg("%s: %s", text, err.msg);
}

static void what_does_not_fit_is_told(void **state)
{
	struct made m = make(&cell_standard, 1, 1, NONE), p = make(&cell_standard, 1, 1, FRONT);
	const struct edit late = {.kind = EDIT_REMOVE, .from = 6};
	struct err err = {0};
	struct edit *e;
	int n;

	(void)state;
	refuses(&m, "word @7 = bad", -1, "column 6: steps are 1 to 6");
	refuses(&m, "insert @8 = bad", -1, "steps are 1 to 6, and one more");
	refuses(&m, "remove @0", -1, "steps are 1 to 6");
	refuses(&m, "word = bad", -1, "column 6: say at which step");
	refuses(&m, "word @3 bad", -1, "column 9: this is no edit");
	refuses(&m, "word @3 =  ", -1, "this is no edit");
	refuses(&m, "remove @3 now", -1, "column 11: this is no edit");
	refuses(&m, "word @3 = \"  \"", -1, "there is no word");
	refuses(&m, "ablate", -1, "this is no edit");
	refuses(&m, "ablate 5", -1, "column 8: units are 0 to 4, not 5");
	refuses(&m, "ablate 1,", -1, "column 10: this is no edit");
	refuses(&m, "ablate 1 @7", -1, "column 10: steps are 1 to 6");
	refuses(&m, "ablate l3.1", -1, "column 8: the run has no such layer");
	refuses(&p, "remove @2", -1, "step 2 is padding, and no word");
	refuses(&p, "remove", 2, "step 3 is padding, and no word");
	assert_true(edit_parse(m.t, " remove ", 0, 2, &e, &n, &err)); /* at that step */
	assert_int_equal(e->from, 2);
	free(e);
	assert_null(whatif(m.t, &late, 1, &err));
	assert_int_equal(err.code, ERR_USAGE);
	trace_free(m.t);
	m.t = trace_text(&m, "good");
	refuses(&m, "remove @1", -1, "the only word");
	unmake(&m);
	unmake(&p);
}

/* A run that reads so many words and no more: what is put in pushes others out. */
static void a_limit_of_words_is_kept(void **state)
{
	for (int front = 0; front < 2; front++) {
		struct made m = make(&cell_standard, 1, 1, NONE);

		(void)state;
		m.e->max_len = 6;
		m.e->truncate_front = front;
		edit_and_type(&m, "insert @4 = very long",
			      front ? "is very long not so good" : "the film is very long not");
		same_edits(&m, "h[1] = 0.5 @4; insert @3 = very",
			   front ? "insert @3 = very; h[1] = 0.5 @4"
				 : "insert @3 = very; h[1] = 0.5 @5");
		unmake(&m);
	}
}

/* --- decoders ------------------------------------------------------------------------------------ */

static void same_answer(const struct trace *a, const struct trace *b)
{
	assert_int_equal(a->written, b->written);
	assert_memory_equal(a->writes, b->writes, (size_t)a->written * sizeof(*a->writes));
	assert_memory_equal(a->prob, b->prob, (size_t)(a->written * a->C) * sizeof(double));
	for (int run = 0; run < a->runs; run++)
		assert_memory_equal(signal_of(a, run, "h"), signal_of(b, run, "h"),
				    (size_t)(a->run[run].T * a->H) * sizeof(double));
	if (a->attention)
		assert_memory_equal(a->attention, b->attention,
				    (size_t)(a->written * a->T) * sizeof(double));
}

static void a_decoder_writes_anew(const struct model_spec *spec)
{
	struct made m = made_of(spec, true, original);
	struct trace *t = whatif(m.t, NULL, 0, NULL), *typed = trace_text(&m, "the film is good");

	same_answer(t, m.t);
	trace_free(t);
	t = edited(&m, "remove @4;remove @4");
	same_answer(t, typed);
	trace_free(t);
	trace_free(typed);
	t = edited(&m, "h = 0");
	assert_true(t->written > 0 && t->writes[t->written - 1] == vocab_end(m.e->target));
	for (int k = 0; k < t->T; k++)
		assert_true(signal_of(t, 0, "h")[k * t->H] == 0);
	if (t->vector)
		for (int k = 0; k < t->D; k++)
			assert_true(t->vector[k] == 0);
	trace_free(t);
	unmake(&m);
}

static void decoders_follow(void **state)
{
	(void)state;
	for (int k = 0; k < ATTENTION_COUNT; k++)
		for (int shape = 0; shape < 4; shape++)
			a_decoder_writes_anew(&(struct model_spec){.task = TASK_TRANSLATE,
								   .cell = &cell_standard,
								   .embed = 4,
								   .hidden = 5,
								   .layers = 1 + shape % 2,
								   .dirs = 1 + shape / 2,
								   .merge = MERGE_SUM,
								   .feed = k == ATTENTION_GENERAL,
								   .attention = (enum attention)k});
	for (int k = 0; cell_at(k); k++)
		a_decoder_writes_anew(&(struct model_spec){.task = TASK_RECONSTRUCT,
							   .cell = cell_at(k),
							   .embed = 4,
							   .hidden = 5,
							   .layers = 1 + k % 2,
							   .dirs = 1});
}

/* --- random edits -------------------------------------------------------------------------------- */

static double change_of(const struct trace *base, const struct trace *t, int class)
{
	return t->prob[(t->T - 1) * t->C + class] - base->prob[(base->T - 1) * base->C + class];
}

static struct control *run_control(const struct made *m, const char *line, int runs)
{
	struct err err = {0};
	struct control *c;
	struct edit *e;
	int n;

	assert_true(edit_parse(m->t, line, 0, -1, &e, &n, &err));
	c = control_new(m->s, original, e, n, runs, 1, &err);
	while (c && control_step(c, &err))
		;
	assert_int_equal(err.code, ERR_NONE);
	free(e);
	return c;
}

static void a_removal_is_held_against_each_other_word(void **state)
{
	struct made m = make(&cell_standard, 1, 1, FRONT);
	struct control *c = run_control(&m, "remove @8", 100);
	double sum = 0, square = 0;

	(void)state;
	assert_int_equal(c->done, 5);
	assert_string_equal(c->what, "other words taken out");
	for (int t = 4; t < 10; t++) {
		const struct edit e = {.kind = EDIT_REMOVE, .from = t};
		struct trace *one = whatif(m.t, &e, 1, NULL);
		const double d = change_of(m.t, one, 0);

		sum += t == 7 ? 0 : d;
		square += t == 7 ? 0 : d * d;
		trace_free(one);
	}
	assert_true(fabs(c->mean[0] - sum / 5) < 1e-12);
	assert_true(fabs(c->deviation[0] - sqrt(square / 5 - sum / 5 * sum / 5)) < 1e-9);
	assert_true(fabs(c->mean[0] + c->mean[1]) < 1e-12); /* of two classes */
	control_free(c);
	unmake(&m);
}

/* Of four of five units there are five sets. */
static void units_are_drawn_apart(void **state)
{
	struct made m = make(&cell_standard, 1, 1, NONE);
	struct control *four = run_control(&m, "ablate 0,1,2,3", 2000);
	double sum = 0;

	(void)state;
	for (int left = 0; left < 5; left++) {
		char line[64];
		struct trace *one;

		snprintf(line, sizeof(line), "ablate %d,%d,%d,%d", (left + 1) % 5, (left + 2) % 5,
			 (left + 3) % 5, (left + 4) % 5);
		one = edited(&m, line);
		sum += change_of(m.t, one, 0) / 5;
		trace_free(one);
	}
	assert_true(four->deviation[0] > 1e-5);
	assert_true(fabs(four->mean[0] - sum) < 5 * four->deviation[0] / sqrt(2000));
	control_free(four);
	unmake(&m);
}

static void what_can_be_drawn_is(void **state)
{
	static const char *const line[][2] = {{"insert @2 = very", "random vocabulary words"},
					      {"word @2 = very long", "random vocabulary words"},
					      {"f[1] = 0 @2", "random units"},
					      {"f[0,1,2,3] = 0 @2", "random units"},
					      {"f[0,1,2,3,4] = 0 @2", NULL}, /* no other five */
					      {"ablate 4,0,1,2,3", NULL},
					      {"f = 0 @2", NULL}};
	struct made m = make(&cell_standard, 1, 1, NONE);
	struct control *c, *again;

	(void)state;
	for (size_t k = 0; k < sizeof(line) / sizeof(line[0]); k++) {
		c = run_control(&m, line[k][0], 30);
		if (!line[k][1]) {
			assert_null(c);
			continue;
		}
		again = run_control(&m, line[k][0], 30);
		assert_string_equal(c->what, line[k][1]);
		assert_int_equal(c->done, 30);
		assert_true(c->deviation[0] > 0);
		assert_memory_equal(c->mean, again->mean, (size_t)c->C * sizeof(double));
		control_free(c);
		control_free(again);
	}
	unmake(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_make_the_text_that_could_be_typed),
		cmocka_unit_test(steps_stand_for_those_of_the_original),
		cmocka_unit_test(padding_gives_way),
		cmocka_unit_test(numbers_go_with_their_words),
		cmocka_unit_test(what_does_not_fit_is_told),
		cmocka_unit_test(a_limit_of_words_is_kept),
		cmocka_unit_test(decoders_follow),
		cmocka_unit_test(a_removal_is_held_against_each_other_word),
		cmocka_unit_test(units_are_drawn_apart),
		cmocka_unit_test(what_can_be_drawn_is),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two runs beside each other: what is aligned, paired and compared is what it should be. */
#include "engine/compare/assign.h"
#include "engine/compare/course.h"
#include "engine/compare/diff.h"
#include "engine/math/blas.h"
#include "tests/explain.h"

enum { WORDS = 6000 };

/* --- alignment ------------------------------------------------------------------------------------- */

/* The blank-separated words of a text. */
static int words_of(const char *text, struct align_token *w)
{
	int n = 0;

	while (*text) {
		const size_t len = strcspn(text, " ");

		if (len)
			w[n++] = (struct align_token){text, len};
		text += len + strspn(text + len, " ");
	}
	return n;
}

/* Two texts aligned, as "0-0 1-. .-1": positions side by side, a dot for none, = between equal ones. */
static void check_way(const char *a, const char *b, bool from_end, const char *want)
{
	static struct align_token x[WORDS], y[WORDS];
	struct alignment way;
	char got[400] = "";

	assert_true(align_tokens(&way, x, words_of(a, x), y, words_of(b, y), from_end, NULL));
	for (int k = 0; k < way.count; k++) {
		const struct align_pair *p = &way.at[k];
		char one[2][12] = {".", "."};

		if (p->a >= 0)
			snprintf(one[0], sizeof(one[0]), "%d", p->a);
		if (p->b >= 0)
			snprintf(one[1], sizeof(one[1]), "%d", p->b);
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s%s%s", k ? " " : "",
			 one[0], p->same ? "=" : "-", one[1]);
	}
	assert_string_equal(got, want);
	alignment_release(&way);
}

static void words_stand_beside_their_like(void **state)
{
	(void)state;
	check_way("", "", false, "");
	check_way("a", "", false, "0-.");
	check_way("", "a b", false, ".-0 .-1");
	check_way("a b c", "a b c", false, "0=0 1=1 2=2");
	check_way("a b c", "a x c", false, "0=0 1-1 2=2");
	check_way("not good", "good bad", false, "0-. 1=0 .-1"); /* an equal word is worth a gap */
	check_way("the film is good", "the film is not so good", false, "0=0 1=1 2=2 .-3 .-4 3=5");
	check_way("a a", "a", false, "0=0 1-.");
	check_way("a a", "a", true, "0-. 1=0");
	check_way("x a b y", "a b", false, "0-. 1=0 2=1 3-.");
	check_way("我 喜欢 这 部 电影", "我 不 喜欢 电影", false, "0=0 .-1 1=2 2-. 3-. 4=3");
	check_way("电影 好", "电 影 好", false, "0-0 .-1 1=2"); /* bytes in common are nothing */
	check_way("p q r s t", "u v w", false, "0-0 1-1 2-2 3-. 4-.");
	check_way("p q r s t", "u v w", true, "0-. 1-. 2-0 3-1 4-2");
}

/* What a way costs; its positions go on without a gap, and what is called equal is. */
static int cost_of(const struct alignment *way, const char *a, int n, const char *b, int m)
{
	int i = 0, j = 0, cost = 0;

	for (int k = 0; k < way->count; k++) {
		const struct align_pair *p = &way->at[k];

		assert_true(p->a < 0 || p->a == i);
		assert_true(p->b < 0 || p->b == j);
		assert_true(p->a >= 0 || p->b >= 0);
		assert_int_equal(p->same, p->a >= 0 && p->b >= 0 && a[i] == b[j]);
		i += p->a >= 0;
		j += p->b >= 0;
		cost += p->same ? 0 : p->a >= 0 && p->b >= 0 ? 3 : 2;
	}
	assert_int_equal(i, n);
	assert_int_equal(j, m);
	return cost;
}

/* The least cost, from the whole table. */
static int least_cost(const char *a, int n, const char *b, int m)
{
	int *row = mem_zero((size_t)m + 1, sizeof(*row)), cost;

	for (int j = 0; j <= m; j++)
		row[j] = 2 * j;
	for (int i = 1; i <= n; i++) {
		int corner = row[0];

		row[0] = 2 * i;
		for (int j = 1; j <= m; j++) {
			const int side = corner + (a[i - 1] == b[j - 1] ? 0 : 3);
			const int gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 2;

			corner = row[j];
			row[j] = side < gap ? side : gap;
		}
	}
	cost = row[m];
	free(row);
	return cost;
}

static struct alignment align_letters(const char *a, int n, const char *b, int m, bool from_end)
{
	struct align_token *x = mem_zero((size_t)n + 1, sizeof(*x));
	struct align_token *y = mem_zero((size_t)m + 1, sizeof(*y));
	struct alignment way;

	for (int k = 0; k < n; k++)
		x[k] = (struct align_token){a + k, 1};
	for (int k = 0; k < m; k++)
		y[k] = (struct align_token){b + k, 1};
	assert_true(align_tokens(&way, x, n, y, m, from_end, NULL));
	free(x);
	free(y);
	return way;
}

static void no_way_is_cheaper(void **state)
{
	static char a[200], b[200];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3, 3);
	for (int k = 0; k < 400; k++) {
		const int n = (int)rng_below(&rng, 90), letters = 2 + k % 9;
		const bool alike = k % 2;
		int m = 0;

		for (int i = 0; i < n; i++)
			a[i] = (char)('a' + rng_below(&rng, (uint32_t)letters));
		for (int i = 0; i < n; i++) { /* the same with changes, or anything */
			const uint32_t change = rng_below(&rng, 10);

			if (!alike || !change)
				b[m++] = (char)('a' + rng_below(&rng, (uint32_t)letters));
			if (alike && change)
				b[m++] = a[i];
			if (alike && change == 1)
				m--;
		}
		for (int end = 0; end < 2; end++) {
			struct alignment way = align_letters(a, n, b, m, end);

			assert_int_equal(cost_of(&way, a, n, b, m), least_cost(a, n, b, m));
			alignment_release(&way);
		}
	}
}

static void long_texts_are_aligned(void **state)
{
	static char a[WORDS], b[WORDS];
	const int n = 5000;
	struct alignment way;
	struct rng rng;
	int m = 0, same = 0;

	(void)state;
	rng_seed(&rng, 4, 4);
	for (int k = 0; k < n; k++)
		a[k] = (char)('a' + rng_below(&rng, 20));
	for (int k = 0; k < n; k++) {
		b[m++] = k % 1000 == 500 ? '!' : a[k];
		if (k == 2345)
			b[m++] = '?';
	}
	way = align_letters(a, n, b, m, false);
	for (int k = 0; k < way.count; k++)
		same += way.at[k].same;
	assert_int_equal(cost_of(&way, a, n, b, m), 5 * 3 + 2);
	assert_int_equal(same, n - 5);
	assert_int_equal(way.count, n + 1);
	alignment_release(&way);
	for (int k = 0; k < n; k++)
		b[k] = (char)('A' + rng_below(&rng, 20)); /* nothing in common */
	way = align_letters(a, n, b, n, false);
	assert_int_equal(cost_of(&way, a, n, b, n), 3 * n);
	assert_int_equal(way.count, n);
	alignment_release(&way);
}

/* --- units ----------------------------------------------------------------------------------------- */

/* The best of all assignments, one by one. */
static double best_of_all(const double *score, int n, int m, int row, unsigned used)
{
	double best = -INFINITY;

	if (row == n)
		return 0;
	for (int j = 0; j < m; j++)
		if (!(used >> j & 1))
			best = fmax(best, score[row * m + j] + best_of_all(score, n, m, row + 1,
									   used | 1U << j));
	return best;
}

static void no_assignment_is_better(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7, 7);
	for (int k = 0; k < 200; k++) {
		const int n = 1 + k % 6, m = n + k / 6 % 3;
		double score[48], sum = 0;
		unsigned used = 0;
		int to[6];

		for (int j = 0; j < n * m; j++) /* with ties */
			score[j] = k % 2 ? rng_uniform(&rng) : rng_below(&rng, 3);
		assert_true(assign_best(score, n, m, to, NULL));
		for (int i = 0; i < n; i++) {
			assert_true(to[i] >= 0 && to[i] < m && !(used >> to[i] & 1));
			used |= 1U << to[i];
			sum += score[i * m + to[i]];
		}
		assert_true(fabs(sum - best_of_all(score, n, m, 0, 0)) < 1e-12);
	}
}

static real *param_of(const struct snapshot *s, const char *name, int *rows, int *cols)
{
	const struct param *p = model_param(&s->encoder->model, name);

	assert_non_null(p);
	*rows = p->rows;
	*cols = p->cols ? p->cols : 1;
	return s->weights + p->at;
}

/* A matrix with its rows and columns in another order, and some with the other sign; unit u is at to[u]. NULL leaves
 * a side as it is. */
static void move_units(struct snapshot *s, const char *name, const int *row_to, const int *row_sign,
		       const int *col_to, const int *col_sign)
{
	int rows, cols;
	real *w = param_of(s, name, &rows, &cols);
	real *old = mem_alloc((size_t)(rows * cols) * sizeof(*old));

	memcpy(old, w, (size_t)(rows * cols) * sizeof(*old));
	for (int r = 0; r < rows; r++)
		for (int k = 0; k < cols; k++) {
			const int sign =
				(row_sign ? row_sign[r] : 1) * (col_sign ? col_sign[k] : 1);

			w[(row_to ? row_to[r] : r) * cols + (col_to ? col_to[k] : k)] =
				old[r * cols + k] * (real)sign;
		}
	free(old);
}

/* The same encoder with its units elsewhere, and some turned round: it says the same. */
static struct snapshot *moved(const struct snapshot *s, const int *to, const int *sign)
{
	static const char *const gate[] = {"i", "f", "g", "o"};
	struct snapshot *m = snapshot_copy(s->encoder, s->weights, 0, 0);
	char name[32];

	for (int q = 0; q < 4; q++) {
		const int *own = *gate[q] == 'g' ? sign : NULL;

		snprintf(name, sizeof(name), "l0.fw.W_%s", gate[q]);
		move_units(m, name, to, own, NULL, NULL);
		snprintf(name, sizeof(name), "l0.fw.U_%s", gate[q]);
		move_units(m, name, to, own, to, sign);
		snprintf(name, sizeof(name), "l0.fw.b_%s", gate[q]);
		move_units(m, name, to, own, NULL, NULL);
	}
	move_units(m, "head.W", NULL, NULL, to, sign);
	return m;
}

static const struct model_spec plain = {.cell = &cell_standard, .embed = 5, .hidden = 8};
static const int elsewhere[8] = {3, 0, 7, 1, 6, 2, 5, 4}, turned[8] = {1, -1, 1, 1, -1, 1, -1, 1};

static void a_moved_copy_is_found(void **state)
{
	struct snapshot *s = toy_snapshot(&plain, true), *m = moved(s, elsewhere, turned);
	const struct pairing_side side[2] = {{s, 0}, {m, 0}};
	struct replay *a = replay_new(s, TEXT, strlen(TEXT), NULL);
	struct replay *b = replay_new(m, TEXT, strlen(TEXT), NULL);
	const struct diff_side sides[2] = {{a, 0}, {b, 0}};
	struct diff_signal signal[DIFF_SIGNALS];
	struct alignment way;
	struct examples ex;
	struct pairing p[2];

	(void)state;
	toy_examples(&ex, 300, 5);
	for (int k = 0; k < 2; k++) { /* the team makes no difference */
		struct team *team = team_new(1 + 2 * k, NULL);

		assert_true(pairing_run(&p[k], team, side, ex.at, ex.count,
					&(struct pairing_rules){0}, NULL));
		team_free(team);
	}
	assert_memory_equal(p[0].pair, p[1].pair, 8 * sizeof(*p[0].pair));
	assert_true(p[0].chance == p[1].chance);
	assert_int_equal(p->count, 8);
	assert_int_equal(p->texts, 300);
	for (int u = 0; u < 8; u++) {
		assert_int_equal(p->pair[u].a, u);
		assert_int_equal(p->pair[u].b, elsewhere[u]);
		assert_true(fabs(p->pair[u].r - turned[u]) < 1e-9 + 1e-5 * (sizeof(real) == 4));
	}
	assert_true(p->mean > 0.99999 && p->chance < 0.2 && p->any < 0.9);
	assert_int_equal(p->at_home, 0);
	/* Then there is no difference in any signal. */
	assert_int_equal(diff_signals(sides, signal), 6);
	assert_true(diff_align(sides, &way, NULL));
	for (int k = 0; k < 6; k++) {
		double *x = diff_values(&sides[0], signal[k].name);
		double *y = diff_values(&sides[1], signal[k].name);
		struct diff_step step[16];

		diff_compare(x, 8, y, 8, signal[k].is_signed, &way, p, step);
		assert_int_equal(diff_first(step, way.count, 1e-9, false), -1);
		free(x);
		free(y);
	}
	for (int k = 0; k < a->C; k++)
		assert_true(near_to(a->prob[k], b->prob[k], 1e-9));
	alignment_release(&way);
	pairing_release(&p[0]);
	pairing_release(&p[1]);
	examples_release(&ex);
	replay_free(a);
	replay_free(b);
	snapshot_unref(s);
	snapshot_unref(m);
}

/* Other cells, other sizes, two directions: every unit of the smaller side has a partner of its own. */
static void other_sizes_are_paired(void **state)
{
	static const int size[3][2] = {{4, 7}, {7, 4}, {5, 5}};
	struct team *team = team_new(2, NULL);
	struct examples ex;

	(void)state;
	toy_examples(&ex, 80, 5);
	for (int k = 0; k < 3; k++) {
		const struct model_spec spec[2] = {
			{.cell = cell_at(k), .embed = 4, .hidden = size[k][0], .dirs = 2},
			{.cell = &cell_gru_after, .embed = 3, .hidden = size[k][1]}};
		const struct pairing_side side[2] = {{toy_snapshot(&spec[0], false), k % 2},
						     {toy_snapshot(&spec[1], true), 0}};
		const int stop = 1;
		unsigned used[2] = {0};
		struct pairing p;
		struct err err = {0};

		assert_true(pairing_run(&p, team, side, ex.at, ex.count,
					&(struct pairing_rules){.by_number = k == 2}, NULL));
		assert_int_equal(p.count, k == 2 ? 5 : 4);
		for (int u = 0; u < p.count; u++) {
			const struct unit_pair *q = &p.pair[u];

			assert_true(!u || q->a > p.pair[u - 1].a);
			assert_false((used[0] >> q->a & 1) || (used[1] >> q->b & 1));
			used[0] |= 1U << q->a;
			used[1] |= 1U << q->b;
			assert_true(fabs(q->r) <= 1 + 1e-9);
			assert_true(k != 2 || q->a == q->b);
		}
		assert_int_equal(isnan(p.same_number), k != 2);
		assert_true(k != 2 || near_to(p.same_number, p.mean, 1e-12));
		pairing_release(&p);
		assert_false(pairing_run(&p, team, side, ex.at, ex.count,
					 &(struct pairing_rules){.cancel = &stop}, &err));
		assert_int_equal(err.code, ERR_CANCELLED);
		pairing_release(&p);
		assert_false(
			pairing_run(&p, team, side, ex.at, 0, &(struct pairing_rules){0}, &err));
		assert_int_equal(err.code, ERR_INPUT);
		pairing_release(&p);
		snapshot_unref(side[0].snapshot);
		snapshot_unref(side[1].snapshot);
	}
	examples_release(&ex);
	team_free(team);
}

/* --- differences ----------------------------------------------------------------------------------- */

/* Both texts through one encoder, and h of one run compared. */
static int compare(struct snapshot *s, int run, const char *x, const char *y, struct alignment *way,
		   struct diff_step *step)
{
	struct replay *a = replay_new(s, x, strlen(x), NULL),
		      *b = replay_new(s, y, strlen(y), NULL);
	const struct diff_side side[2] = {{a, run}, {b, run}};
	struct diff_signal signal[DIFF_SIGNALS];
	const int signals = diff_signals(side, signal);
	const bool backward = a->run[run].backward;
	struct pairing units;
	int same = 99;

	pairing_same(&units, a->H);
	assert_true(diff_align(side, way, NULL));
	assert_string_equal(signal[signals - 1].name, "h");
	assert_int_equal(signals, s->encoder->model.spec.cell->carries_h ? 4 : 6);
	for (int k = 0; k < signals; k++) {
		double *p = diff_values(&side[0], signal[k].name);
		double *q = diff_values(&side[1], signal[k].name);
		int bits;

		diff_compare(p, a->H, q, b->H, signal[k].is_signed, way, &units, step);
		bits = diff_same_bits(step, way->count, backward);
		same = bits < same ? bits : same;
		free(p);
		free(q);
	}
	pairing_release(&units);
	replay_free(a);
	replay_free(b);
	return same;
}

static void what_is_read_before_has_the_same_bits(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int dirs = 1; dirs <= 2; dirs++) {
			const struct model_spec spec = {
				.cell = cell_at(k), .embed = 4, .hidden = 5, .dirs = dirs};
			struct snapshot *s = toy_snapshot(&spec, true);
			struct diff_step step[16];
			struct alignment way;
			int same;

			/* A text and itself. */
			same = compare(s, 0, TEXT, TEXT, &way, step);
			assert_int_equal(same, way.count);
			assert_int_equal(diff_first(step, way.count, 0, false), -1);
			for (int n = 0; n < way.count; n++)
				assert_true(step[n].max == 0 && step[n].norm == 0 &&
					    step[n].norm_a == step[n].norm_b);
			alignment_release(&way);
			/* Another word, one more, and a word that is unknown in place of such a one. */
			assert_int_equal(compare(s, 0, "the film is not good",
						 "the film is so good", &way, step),
					 3);
			assert_int_equal(diff_first(step, way.count, 1e-6, false), 3);
			assert_true(step[4].max > 1e-6);
			alignment_release(&way);
			assert_int_equal(
				compare(s, 0, "the film good", "the film not good", &way, step), 2);
			assert_true(isnan(step[2].max) && step[2].pair < 0);
			assert_int_equal(diff_first(step, way.count, 1e-6, false), 3);
			alignment_release(&way);
			assert_int_equal(compare(s, 0, "the zzz is", "the yyy is", &way, step), 3);
			assert_false(way.at[1].same);
			alignment_release(&way);
			if (dirs == 2) { /* a backward layer begins at the end */
				assert_int_equal(compare(s, 1, "the film is good",
							 "the long is good", &way, step),
						 2);
				assert_int_equal(diff_first(step, way.count, 1e-6, true), 1);
				alignment_release(&way);
			}
			snapshot_unref(s);
		}
}

/* --- what is said ---------------------------------------------------------------------------------- */

static void the_course_is_the_traces(void **state)
{
	(void)state;
	for (int shape = 0; shape < 3 * SHAPES; shape++) {
		struct model_spec spec = toy_shape(cell_at(shape % 4), shape % SHAPES);
		const double tolerance = spec.dirs == 2 && sizeof(real) == 4 ? 1e-5 : 1e-9;
		struct replay *r;
		struct trace *t;
		struct course c;

		if (shape >= 2 * SHAPES) {
			spec.task = TASK_GENERATE;
			spec.dirs = 1;
			spec.pool = POOL_LAST;
		}
		r = toy_replay(&spec, shape % 2, TEXT);
		t = trace_new(r->snapshot, TEXT, strlen(TEXT), NULL);
		assert_true(course_fill(&c, r, NULL, NULL));
		assert_int_equal(c.T, t->T);
		assert_int_equal(c.C, t->C);
		for (int k = 0; k < c.T; k++) {
			struct choice best;

			trace_top(t, k, &best, 1);
			assert_true(near_to(c.p[k], best.p, tolerance));
			for (int j = 0; c.prob && j < c.C; j++)
				assert_true(near_to(c.prob[k * c.C + j], t->prob[k * t->C + j],
						    tolerance));
		}
		assert_int_equal(!c.prob, spec.task == TASK_GENERATE);
		assert_int_equal(r->steps, r->T); /* the whole text is what is left */
		course_release(&c);
		trace_free(t);
		replay_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_stand_beside_their_like),
		cmocka_unit_test(no_way_is_cheaper),
		cmocka_unit_test(long_texts_are_aligned),
		cmocka_unit_test(no_assignment_is_better),
		cmocka_unit_test(a_moved_copy_is_found),
		cmocka_unit_test(other_sizes_are_paired),
		cmocka_unit_test(what_is_read_before_has_the_same_bits),
		cmocka_unit_test(the_course_is_the_traces),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

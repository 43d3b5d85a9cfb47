/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decoder of pairs at work: step by step, and the search for the likeliest texts. */
#include "engine/math/blas.h"
#include "engine/nn/beam.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

#ifdef SLUICE_DOUBLE
static const double SAME_TOL = 1e-12;
#else
static const double SAME_TOL = 3e-6;
#endif

enum { TEXTS = 6, MAX = 7 };

/* A toy with lively random weights, and its encoder's side run over all of its texts. */
struct made {
	struct corpus *c;
	struct encoder *e;
	const struct model *m;
	real *w;
	struct work work;
	bool *never;
	int end, V;
};

static const int32_t order[TEXTS] = {0, 1, 2, 3, 4, 5};

static void remember(struct made *m, const int32_t *example, int count)
{
	batch_build(&m->work.in.batch, m->c, example, count, 1, &m->e->rules);
	assert_true(model_remember(m->m, m->w, &m->work, &(struct pass){0}));
}

static void make(struct made *m, const struct model_spec *spec, double lively, uint64_t seed)
{
	*m = (struct made){0};
	m->e = toy_encoder_of(spec, true, TEXTS, &m->c, NULL);
	m->m = &m->e->model;
	m->w = toy_weights(m->m, seed);
	for (size_t k = 0; k < m->m->size; k++)
		m->w[k] *= (real)lively;
	m->never = decode_never(m->e->target, false);
	m->end = vocab_end(m->e->target);
	m->V = m->m->spec.classes;
	remember(m, order, TEXTS);
}

static void unmake(struct made *m)
{
	work_release(&m->work);
	free(m->never);
	free(m->w);
	corpus_unref(m->c);
	encoder_unref(m->e);
}

/* Of every cell one model for each attention, with and without input feeding. */
static bool spec_at(int index, struct model_spec *spec)
{
	const int kinds = 2 * ATTENTION_COUNT, cell = index / kinds, kind = index % kinds;

	if (!cell_at(cell))
		return false;
	*spec = (struct model_spec){.task = cell % 2 ? TASK_SUMMARIZE : TASK_TRANSLATE,
				    .cell = cell_at(cell),
				    .embed = 5,
				    .hidden = 6,
				    .layers = 1 + index % 2,
				    .dirs = 1 + cell % 2,
				    .attention = (enum attention)(kind / 2),
				    .att_size = cell % 3 ? 0 : 4};
	spec->merge = spec->attention == ATTENTION_DOT ? MERGE_SUM : MERGE_CONCAT;
	spec->feed = kind % 2 && spec->attention && !attention_table[spec->attention].early;
	return true;
}

static void begin(struct made *m, struct stepper *s)
{
	assert_true(stepper_begin_pair(s, m->m, m->w, &m->work));
}

static void assert_near(const struct made *m, const char *what, double got, double want)
{
	if (!(fabs(got - want) < SAME_TOL * (1 + fabs(want))))
		fail_msg("%s, %s%s: %s is %.9g, not %.9g", m->m->spec.cell->name,
			 attention_table[m->m->spec.attention].name, m->m->spec.feed ? ", fed" : "",
			 what, got, want);
}

static void assert_same(const struct made *m, const real *got, const real *want)
{
	for (int k = 0; k < m->V; k++)
		assert_near(m, "p", (double)got[k], (double)want[k]);
}

/* --- steps --------------------------------------------------------------------------------------- */

/* What each row looks at: shares of 1, one for each step of its text. */
static void assert_looks(const struct made *m, const struct stepper *s)
{
	for (int r = 0; r < s->rows; r++) {
		double sum = 0;
		int count;
		const real *share = stepper_attention(s, r, &count);

		if (!m->m->spec.attention) {
			assert_null(share);
			assert_int_equal(count, 0);
			continue;
		}
		assert_int_equal(count, m->work.in.batch.len[s->text[r]]);
		for (int k = 0; k < count; k++) {
			assert_true(share[k] >= 0);
			sum += (double)share[k];
		}
		if (count)
			assert_near(m, "the sum of the shares", sum, 1);
	}
}

static void steps_are_a_whole_pass(void **state)
{
	struct model_spec spec;
	int longer = 0;

	(void)state;
	for (int k = 0; spec_at(k, &spec); k++) {
		struct made m;
		struct stepper s;
		const struct batch *out;
		int from[TEXTS];

		make(&m, &spec, 3, (uint64_t)k + 1);
		batch_targets(&m.work.out.batch, m.c->target, order, TEXTS, 1);
		assert_true(model_pass(m.m, m.w, &m.work, &(struct pass){.keep = true},
				       &(struct tally){0}));
		out = &m.work.out.batch;
		begin(&m, &s);
		stepper_select(&s, m.work.place, TEXTS); /* in the order of the answers */
		for (int r = 0; r < TEXTS; r++)
			from[r] = r;
		for (int t = 0; t < out->steps.T; t++) {
			const size_t at = (size_t)out->steps.offset[t];
			const real *p;

			if (t && out->steps.active[t] < out->steps.active[t - 1])
				stepper_select(&s, from, out->steps.active[t]);
			p = stepper_feed(&s, out->ids + at);
			assert_non_null(p);
			assert_looks(&m, &s);
			for (size_t r = 0; r < (size_t)s.rows; r++)
				assert_same(&m, p + r * (size_t)m.V,
					    m.work.prob + (at + r) * (size_t)m.V);
			longer += s.rows > 1;
		}
		stepper_release(&s);
		unmake(&m);
	}
	assert_true(longer > 100); /* texts side by side were seen */
}

/* Row r, whatever else is there: the probabilities behind some tokens, from a stepper of its own. */
static void alone(struct made *m, int r, const int32_t *ids, int n, real *prob)
{
	struct stepper s;
	const real *p = NULL;

	begin(m, &s);
	stepper_select(&s, &r, 1);
	for (int k = 0; k < n; k++)
		p = stepper_feed(&s, &ids[k]);
	assert_non_null(p);
	memcpy(prob, p, (size_t)m->V * sizeof(*prob));
	stepper_release(&s);
}

static void rows_are_kept_apart(void **state)
{
	static const int from[] = {2, 0, 2, 5, 2, 1, 0}, again[] = {6, 2, 3};
	static const int32_t token[][7] = {{3, 4, 5, 6, 7, 3}, {8, 3, 4, 8, 9, 5, 6}, {5, 5, 4}};
	struct model_spec spec;

	(void)state;
	for (int k = 0; spec_at(k, &spec); k++) {
		struct made m;
		struct stepper s;
		real *want;
		const real *p;

		make(&m, &spec, 3, 5);
		want = mem_alloc((size_t)m.V * sizeof(*want));
		begin(&m, &s);
		assert_non_null(stepper_feed(&s, token[0]));
		stepper_select(&s, from, 7);
		assert_non_null(stepper_feed(&s, token[1]));
		stepper_select(&s, again, 3);
		assert_int_equal(s.rows, 3);
		p = stepper_feed(&s, token[2]);
		assert_looks(&m, &s);
		for (int r = 0; r < 3; r++) {
			const int second = again[r], first = from[second];
			const int32_t ids[] = {token[0][first], token[1][second], token[2][r]};

			assert_int_equal(s.text[r], first);
			alone(&m, first, ids, 3, want);
			assert_same(&m, p + r * m.V, want);
		}
		free(want);
		stepper_release(&s);
		unmake(&m);
	}
}

/* --- the search ---------------------------------------------------------------------------------- */

/* Searches for all texts of m; max tokens each. */
static void search(struct made *m, const struct beam_spec *given, int max, struct beam *out)
{
	struct beam_spec spec = *given;
	struct stepper s;
	int most[TEXTS];

	for (int r = 0; r < TEXTS; r++)
		most[r] = max;
	spec.end = m->end;
	spec.never = m->never;
	begin(m, &s);
	assert_true(beam_search(&s, &spec, most, out));
	stepper_release(&s);
}

static void release(struct beam *b, int count)
{
	for (int k = 0; k < count; k++)
		beam_release(&b[k]);
}

/* The likeliest token at every step, by hand: how many there are, and their log p with the mark's. */
static int greedy(struct made *m, int r, int max, int32_t *ids, double *log_p)
{
	int32_t now = m->end;
	struct stepper s;
	int n = 0;

	*log_p = 0;
	begin(m, &s);
	stepper_select(&s, &r, 1);
	for (int t = 0; t < max; t++) {
		const real *p = stepper_feed(&s, &now);

		now = -1;
		for (int k = 0; k < m->V; k++)
			if (!m->never[k] && (now < 0 || p[k] > p[now]))
				now = k;
		*log_p += log((double)p[now]);
		if (now == m->end)
			break;
		ids[n++] = now;
	}
	stepper_release(&s);
	return n;
}

static void one_at_a_time_is_greedy(void **state)
{
	struct model_spec spec;
	int full = 0, ended = 0;

	(void)state;
	for (int k = 0; spec_at(k, &spec); k++) {
		struct made m;
		struct beam beam[TEXTS];

		make(&m, &spec, 3, (uint64_t)k + 1);
		if (k % 2) /* some texts end early */
			m.w[m.m->head_b + (size_t)m.end] += (real)1.5;
		search(&m, &(struct beam_spec){.width = 1, .penalty = 1}, MAX, beam);
		for (int r = 0; r < TEXTS; r++) {
			int32_t ids[MAX];
			double log_p;
			const int n = greedy(&m, r, MAX, ids, &log_p);

			assert_int_equal(beam[r].texts, 1);
			assert_int_equal(beam[r].text->len, n);
			assert_memory_equal(beam[r].text->ids, ids, (size_t)n * sizeof(*ids));
			assert_near(&m, "log p", beam[r].text->log_p, log_p);
			full += n == MAX;
			ended += n < MAX;
		}
		release(beam, TEXTS);
		unmake(&m);
	}
	assert_true(full && ended); /* both were seen */
}

/* --- against all texts there are ----------------------------------------------------------------- */

enum { SHORT = 3 };

struct all {
	double *score;
	int32_t (*ids)[SHORT];
	int *len, count;
	size_t score_cap, ids_cap, len_cap;
};

static void add(struct all *a, const int32_t *ids, int len, double score)
{
	const size_t n = (size_t)a->count + 1;

	a->score = mem_grow(a->score, &a->score_cap, n, sizeof(*a->score));
	a->ids = mem_grow(a->ids, &a->ids_cap, n, sizeof(*a->ids));
	a->len = mem_grow(a->len, &a->len_cap, n, sizeof(*a->len));
	a->score[a->count] = score;
	a->len[a->count] = len;
	memcpy(a->ids[a->count++], ids, (size_t)len * sizeof(*ids));
}

/* Every text that begins with n tokens, whose log p is known: read is the end mark and they. */
static void enumerate(struct made *m, int r, double penalty, int32_t *read, int n, double log_p,
		      struct all *a)
{
	real *p = mem_alloc((size_t)m->V * sizeof(*p));

	alone(m, r, read, n + 1, p);
	for (int k = 0; k < m->V; k++) {
		const double sum = log_p + log((double)p[k]);

		if (m->never[k])
			continue;
		read[n + 1] = k;
		if (k == m->end || n + 1 == SHORT)
			add(a, read + 1, n + (k != m->end), sum / pow((6.0 + n) / 6, penalty));
		else
			enumerate(m, r, penalty, read, n + 1, sum, a);
	}
	free(p);
}

static int rank_of(const struct all *a, const struct beam_text *t)
{
	int rank = 0;

	for (int k = 0; k < a->count; k++)
		rank += a->score[k] > t->score + SAME_TOL * fabs(t->score);
	return rank;
}

static double score_in(const struct all *a, const struct beam_text *t)
{
	for (int k = 0; k < a->count; k++)
		if (a->len[k] == t->len &&
		    !memcmp(a->ids[k], t->ids, (size_t)t->len * sizeof(*t->ids)))
			return a->score[k];
	return NAN;
}

/* With room for all texts the search finds the best of all, and as many of the next as it should. */
static void assert_finds_all(struct made *m, int r, double penalty, int best)
{
	enum { WIDE = 4000 };
	int32_t read[SHORT + 1] = {(int32_t)m->end};
	struct beam beam[TEXTS];
	struct all all = {0};

	enumerate(m, r, penalty, read, 0, 0, &all);
	assert_true(all.count > 500 && all.count < WIDE);
	search(m, &(struct beam_spec){.width = WIDE, .penalty = penalty, .best = best}, SHORT,
	       beam);
	assert_true(beam[r].texts >= best);
	for (int k = 0; k < best; k++) {
		const struct beam_text *t = &beam[r].text[k];

		assert_near(m, "the score of a text", t->score, score_in(&all, t));
		assert_true(rank_of(&all, t) <= k);
		assert_true(!k || t->score <= t[-1].score);
	}
	free(all.score);
	free(all.ids);
	free(all.len);
	release(beam, TEXTS);
}

static void room_for_all_finds_the_best_of_all(void **state)
{
	static const double penalty[] = {0, 0.6, 1, 3, 10};
	struct model_spec spec;

	(void)state;
	for (int k = 0; spec_at(k, &spec); k += 3) {
		struct made m;

		make(&m, &spec, 4, (uint64_t)k + 1);
		m.w[m.m->head_b + (size_t)m.end] += (real)(k / 3 % 4); /* some would rather end */
		assert_finds_all(&m, k % TEXTS, penalty[k / 3 % 5], k % 2 ? 1 : 20);
		unmake(&m);
	}
}

static void a_penalty_makes_texts_longer(void **state)
{
	struct model_spec spec;
	int longer = 0;

	(void)state;
	for (int k = 0; spec_at(k, &spec); k++) {
		struct beam none[TEXTS], much[TEXTS];
		struct made m;

		make(&m, &spec, 2, (uint64_t)k + 1);
		search(&m, &(struct beam_spec){.width = 20}, MAX, none);
		search(&m, &(struct beam_spec){.width = 20, .penalty = 3}, MAX, much);
		for (int r = 0; r < TEXTS; r++) {
			assert_near(&m, "score", none[r].text->score, none[r].text->log_p);
			assert_true(much[r].text->len >= none[r].text->len);
			longer += much[r].text->len > none[r].text->len;
		}
		release(none, TEXTS);
		release(much, TEXTS);
		unmake(&m);
	}
	assert_true(longer);
}

static void texts_side_by_side_are_those_alone(void **state)
{
	struct model_spec spec;

	(void)state;
	for (int k = 0; spec_at(k, &spec); k++) {
		const struct beam_spec how = {.width = 3, .penalty = 1, .best = 2};
		struct beam many[TEXTS], one[TEXTS];
		int row[TEXTS];
		struct made m;

		make(&m, &spec, 3, (uint64_t)k + 1);
		search(&m, &how, MAX, many);
		memcpy(row, m.work.in.batch.row, sizeof(row));
		for (int r = 0; r < TEXTS; r++) {
			struct beam_spec own = how;
			struct stepper s;

			remember(&m, &order[row[r]], 1);
			begin(&m, &s);
			own.end = m.end;
			own.never = m.never;
			assert_true(beam_search(&s, &own, &(int){MAX}, one));
			assert_true(one->texts >= 2 && one->texts == many[r].texts);
			for (int j = 0; j < 2; j++) {
				const struct beam_text *a = &one->text[j], *b = &many[r].text[j];

				assert_near(&m, "score", b->score, a->score);
				assert_int_equal(a->len, b->len);
				assert_memory_equal(a->ids, b->ids,
						    (size_t)a->len * sizeof(*a->ids));
			}
			beam_release(one);
			stepper_release(&s);
		}
		release(many, TEXTS);
		unmake(&m);
	}
}

/* --- the tree ------------------------------------------------------------------------------------ */

/* Returns how many were dropped. */
static int assert_tree(const struct made *m, const struct beam *b, int width)
{
	int kept[MAX + 1] = {0}, ended = 0, dropped = 0;

	for (int k = 0; k < b->nodes; k++) {
		const struct beam_node *n = &b->node[k];
		const struct beam_node *p = n->parent < 0 ? NULL : &b->node[n->parent];

		assert_true(n->parent < k && n->p > 0 && n->p <= 1 && !m->never[n->id]);
		assert_int_equal(n->step, p ? p->step + 1 : 1);
		assert_true(!p || p->fate == BEAM_KEPT);
		assert_near(m, "a sum", n->log_p, (p ? p->log_p : 0) + log(n->p));
		assert_int_equal(n->fate == BEAM_KEPT && (n->id == m->end || n->step == MAX), 0);
		assert_int_equal(n->fate == BEAM_ENDED && n->id != m->end && n->step < MAX, 0);
		kept[n->step] += n->fate != BEAM_DROPPED;
		ended += n->fate == BEAM_ENDED;
		dropped += n->fate == BEAM_DROPPED;
		/* what was dropped was no likelier than what was kept at that step */
		for (int j = 0; n->fate == BEAM_DROPPED && j < b->nodes; j++)
			assert_true(b->node[j].step != n->step || b->node[j].fate == BEAM_DROPPED ||
				    b->node[j].log_p >= n->log_p);
	}
	for (int t = 1; t <= MAX; t++)
		assert_true(kept[t] <= width);
	assert_int_equal(b->texts, ended < width ? ended : width);
	for (int k = 0; k < b->texts; k++) {
		const struct beam_text *t = &b->text[k];
		int at = t->node, len = t->len;

		assert_int_equal(b->node[at].fate, BEAM_ENDED);
		assert_true(t->log_p == b->node[at].log_p);
		at = b->node[at].id == m->end ? b->node[at].parent : at;
		for (; at >= 0; at = b->node[at].parent)
			assert_int_equal(b->node[at].id, t->ids[--len]);
		assert_int_equal(len, 0);
	}
	return dropped;
}

static void the_tree_tells_what_was_kept(void **state)
{
	struct model_spec spec;
	int dropped = 0;

	(void)state;
	for (int k = 0; spec_at(k, &spec); k++) {
		struct beam tree[TEXTS], bare[TEXTS];
		const int width = 1 + k % 4;
		struct made m;

		make(&m, &spec, 3, (uint64_t)k + 1);
		search(&m, &(struct beam_spec){.width = width, .penalty = 1, .tree = true}, MAX,
		       tree);
		search(&m, &(struct beam_spec){.width = width, .penalty = 1}, MAX, bare);
		for (int r = 0; r < TEXTS; r++) {
			int kept = 0;

			dropped += assert_tree(&m, &tree[r], width);
			for (int j = 0; j < tree[r].nodes; j++)
				kept += tree[r].node[j].fate != BEAM_DROPPED;
			assert_int_equal(bare[r].nodes, kept); /* looking changes nothing */
			assert_true(bare[r].text->score == tree[r].text->score);
		}
		release(tree, TEXTS);
		release(bare, TEXTS);
		unmake(&m);
	}
	assert_true(dropped > 1000);
}

static void a_search_can_be_stopped(void **state)
{
	const struct model_spec spec = {.task = TASK_TRANSLATE,
					.cell = cell_at(0),
					.embed = 5,
					.hidden = 6,
					.attention = ATTENTION_GENERAL};
	int most[TEXTS] = {MAX, MAX, MAX, MAX, MAX, MAX}, stop = 0;
	struct beam beam[TEXTS];
	struct search *steps;
	struct stepper s;
	struct made m;

	(void)state;
	make(&m, &spec, 3, 1);
	begin(&m, &s);
	steps = search_new(
		&s, &(struct beam_spec){.width = 2, .end = m.end, .never = m.never, .stop = &stop},
		most, beam);
	assert_int_equal(search_step(steps), SEARCH_ON);
	assert_true(beam[0].nodes == 2);
	stop = 1;
	assert_int_equal(search_step(steps), SEARCH_OVER);
	assert_true(beam[0].nodes == 2);
	search_free(steps);
	search_free(NULL);
	stepper_release(&s);
	release(beam, TEXTS);
	unmake(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_a_whole_pass),
		cmocka_unit_test(rows_are_kept_apart),
		cmocka_unit_test(one_at_a_time_is_greedy),
		cmocka_unit_test(room_for_all_finds_the_best_of_all),
		cmocka_unit_test(a_penalty_makes_texts_longer),
		cmocka_unit_test(texts_side_by_side_are_those_alone),
		cmocka_unit_test(the_tree_tells_what_was_kept),
		cmocka_unit_test(a_search_can_be_stopped),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said of units over many texts, against plain loops over traces; and what it is of units that were
 * made to do something. */
#include "engine/inspect/whatif.h"
#include "engine/survey/ablation.h"
#include "engine/survey/dossier.h"
#include "engine/survey/selectivity.h"
#include "tests/world.h"

enum { TEXTS = 150 };

/* --- sums ------------------------------------------------------------------------------------------ */

/* What a plain loop over the traces of all texts comes to. */
struct plain {
	int64_t texts, steps, low[CELL_MAX_GATES], high[CELL_MAX_GATES];
	double sum, squares, least, most, carry, log_carry;
	double highest, lowest;
};

static const char *name_of(const struct world *w, int signal)
{
	return signal == DOSSIER_H   ? "h"
	       : signal == DOSSIER_C ? "c"
				     : w->m.e->model.spec.cell->gate[signal].name;
}

static void add_text(const struct world *w, const struct dossier_rules *r, struct plain *p,
		     const struct trace *t)
{
	const struct cell_ops *cell = w->m.e->model.spec.cell;
	const double *v = signal_of(t, r->run, name_of(w, r->signal));

	p->texts += t->T > 0;
	for (int k = 0; k < t->T; k++) {
		const double x = v[k * H + r->unit];
		double gate[CELL_MAX_GATES] = {0};

		p->sum += x;
		p->squares += x * x;
		p->least = p->steps ? fmin(p->least, x) : x;
		p->most = p->steps ? fmax(p->most, x) : x;
		p->steps++;
		for (int q = 0; q < cell->gates; q++) {
			const bool tanh_gate = cell->gate[q].act == ACT_TANH;

			gate[q] = signal_of(t, r->run, cell->gate[q].name)[k * H + r->unit];
			p->low[q] += gate[q] < r->low;
			p->high[q] += (tanh_gate ? fabs(gate[q]) : gate[q]) > r->high;
		}
		p->carry += fabs(cell->flow(gate).carry);
		p->log_carry += log(fabs(cell->flow(gate).carry));
		if (t->token[k] >= 0) {
			p->highest = fmax(p->highest, x);
			p->lowest = fmin(p->lowest, x);
		}
	}
}

static void same_sums(const struct dossier *d, const struct plain *p)
{
	const double n = (double)p->steps;

	assert_int_equal(d->texts, p->texts);
	assert_int_equal(d->steps, p->steps);
	near_to(d->mean, p->sum / n);
	near_to(d->deviation * d->deviation, p->squares / n - p->sum / n * (p->sum / n));
	near_to(d->least, p->least);
	near_to(d->most, p->most);
	near_to(d->carry, p->carry / n);
	near_to(d->log_carry, p->log_carry / n);
	for (int q = 0; q < d->G; q++) {
		assert_int_equal(d->low[q], p->low[q]);
		assert_int_equal(d->high[q], p->high[q]);
	}
	near_to((double)d->highest[0].value, p->highest);
	near_to((double)d->lowest[0].value, p->lowest);
}

/* The state that a run ends with. */
static void same_ends(const struct world *w, const struct dossier_rules *r, const struct dossier *d)
{
	for (size_t k = 0; k < w->ex.count; k++) {
		struct trace *t = trace_text(w, k);

		assert_int_equal(d->runs[k], t->T > 0);
		for (int u = 0; t->T && u < H; u++)
			near_to((double)d->last[(size_t)u * w->ex.count + k],
				t->run[r->run].h[t->T * H + u]);
		trace_free(t);
	}
}

static int by_number(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* All changes of h at one word, sorted: how many. */
static int changes_at(const struct world *w, const struct dossier_rules *r, int32_t id, double *out)
{
	int n = 0;

	for (size_t k = 0; k < w->ex.count; k++) {
		struct trace *t = trace_text(w, k);
		const struct trace_run *run = &t->run[r->run];

		for (int s = 0; s < t->T; s++) {
			const int position = run->backward ? t->T - 1 - s : s;

			if (t->ids[position] == id && t->token[position] >= 0)
				out[n++] = run->h[(s + 1) * H + r->unit] - run->h[s * H + r->unit];
		}
		trace_free(t);
	}
	qsort(out, (size_t)n, sizeof(*out), by_number);
	return n;
}

static void same_words(const struct world *w, const struct dossier_rules *r,
		       const struct dossier_word *word, int count)
{
	double *v = mem_alloc(w->ex.count * 16 * sizeof(*v));

	for (int k = 0; k < count; k++) {
		const int n = changes_at(w, r, word[k].id, v);
		double sum = 0;

		for (int i = 0; i < n; i++)
			sum += v[i];
		assert_int_equal(word[k].count, n);
		assert_true(n >= r->least);
		near_to(word[k].mean, sum / n);
		assert_true(word[k].p9 <= word[k].p25 && word[k].p25 <= word[k].p75);
		assert_true(v[0] - 1e-4 <= word[k].p9 && word[k].p91 <= v[n - 1] + 1e-4);
		near_to(word[k].p25,
			v[(n - 1) / 4] + ((n - 1) / 4.0 - (n - 1) / 4) *
						 (v[(n - 1) / 4 + (n > 1)] - v[(n - 1) / 4]));
		assert_true(!k || fabs(word[k].mean) <= fabs(word[k - 1].mean) + 1e-12);
	}
	free(v);
}

static void same_dossier(const struct dossier *a, const struct dossier *b)
{
	assert_int_equal(a->steps, b->steps);
	assert_memory_equal(&a->mean, &b->mean, sizeof(a->mean));
	assert_memory_equal(&a->deviation, &b->deviation, sizeof(a->mean));
	assert_memory_equal(&a->log_carry, &b->log_carry, sizeof(a->mean));
	assert_memory_equal(a->last, b->last, sizeof(real) * (size_t)a->H * a->count);
	assert_int_equal(a->places, b->places);
	assert_int_equal(a->ups, b->ups);
	for (int k = 0; k < a->places; k++) {
		assert_int_equal(a->highest[k].text, b->highest[k].text);
		assert_int_equal(a->lowest[k].word, b->lowest[k].word);
	}
	for (int k = 0; k < a->ups; k++) {
		assert_int_equal(a->up[k].id, b->up[k].id);
		assert_memory_equal(&a->up[k].mean, &b->up[k].mean, sizeof(double));
	}
}

static void check_dossier(const struct model_spec *spec, bool mask, int run, int signal)
{
	struct world w = world_of(spec, mask, TEXTS);
	const struct dossier_rules rules = {.run = run,
					    .unit = 2,
					    .signal = signal,
					    .places = 4,
					    .least = 5,
					    .low = 0.45,
					    .high = 0.55};
	struct plain p = {.highest = -INFINITY, .lowest = INFINITY};
	struct dossier d[2];
	struct err err = {0};

	for (int k = 0; k < 2; k++)
		assert_true(
			dossier_run(&d[k], w.team[k], w.m.s, w.ex.at, w.ex.count, &rules, &err));
	same_dossier(&d[0], &d[1]);
	for (size_t k = 0; k < w.ex.count; k++) {
		struct trace *t = trace_text(&w, k);

		add_text(&w, &rules, &p, t);
		trace_free(t);
	}
	same_sums(&d[0], &p);
	same_ends(&w, &rules, &d[0]);
	assert_true(d[0].ups + d[0].downs > 0);
	same_words(&w, &rules, d[0].up, d[0].ups);
	same_words(&w, &rules, d[0].down, d[0].downs);
	dossier_release(&d[0]);
	dossier_release(&d[1]);
	world_release(&w);
}

static void sums_are_those_of_traces(void **state)
{
	const struct model_spec plain = {.cell = &cell_standard, .embed = 3, .hidden = H};
	const struct model_spec two = {
		.cell = &cell_gru_after, .embed = 3, .hidden = H, .layers = 2, .dirs = 2};
	const struct model_spec article = {.cell = &cell_article, .embed = 3, .hidden = H};
	(void)state;

	check_dossier(&plain, true, 0, DOSSIER_H);
	check_dossier(&plain, true, 0, DOSSIER_C);
	check_dossier(&plain, false, 0, 1);
	check_dossier(&article, false, 0, DOSSIER_H);
	check_dossier(&two, true, 0, DOSSIER_H);
	check_dossier(&two, true, 3, DOSSIER_H);
	check_dossier(&two, false, 1, 0);
}

/* The words of the places are those of the text. */
static void places_have_their_words(void **state)
{
	const struct model_spec spec = {.cell = &cell_standard, .embed = 3, .hidden = H, .dirs = 2};
	struct world w = world_of(&spec, false, TEXTS);
	const struct dossier_rules rules = {
		.run = 1, .unit = 1, .signal = DOSSIER_H, .places = 6, .least = 1};
	struct dossier d;

	(void)state;
	assert_true(dossier_run(&d, w.team[0], w.m.s, w.ex.at, w.ex.count, &rules, NULL));
	assert_int_equal(d.places, 6);
	for (int k = 0; k < d.places; k++) {
		struct trace *t = trace_text(&w, d.highest[k].text);
		int at = 0;

		while (t->token[at] != d.highest[k].word)
			at++;
		near_to((double)d.highest[k].value, signal_of(t, 1, "h")[at * H + 1]);
		for (int j = 0; j < k; j++)
			assert_true(d.highest[j].text != d.highest[k].text &&
				    d.highest[j].value >= d.highest[k].value);
		trace_free(t);
	}
	dossier_release(&d);
	world_release(&w);
}

/* --- labels ---------------------------------------------------------------------------------------- */

enum { UNITS = 203, N = 240 };

static double plain_r(const real *v, const int32_t *label, int class)
{
	double x = 0, y = 0, xx = 0, yy = 0, xy = 0, n = 0;

	for (int k = 0; k < N; k++) {
		const double b = label[k] == class, a = (double)v[k];

		if (label[k] < 0)
			continue;
		n++;
		x += a;
		y += b;
		xx += a * a;
		yy += b * b;
		xy += a * b;
	}
	return (xy - x * y / n) / sqrt((xx - x * x / n) * (yy - y * y / n));
}

static double plain_auc(const real *v, const int32_t *label, int class)
{
	double wins = 0, pairs = 0;

	for (int k = 0; k < N; k++)
		for (int j = 0; j < N; j++)
			if (label[k] == class && label[j] >= 0 && label[j] != class) {
				wins += v[k] > v[j] ? 1 : v[k] == v[j] ? 0.5 : 0;
				pairs++;
			}
	return wins / pairs;
}

/* Unit 0 knows class 2 a little, unit 1 is always the same, unit 2 is no number; the others are drawn. */
static void labels_are_told_from_chance(void **state)
{
	struct team *team[2] = {team_new(1, NULL), team_new(3, NULL)};
	real *v = mem_alloc((size_t)UNITS * N * sizeof(*v));
	struct selectivity s[2];
	int32_t label[N];
	struct rng rng;
	int drawn = 0;

	(void)state;
	rng_seed(&rng, 3, 0);
	for (int k = 0; k < N; k++)
		label[k] = k % 17 ? (int32_t)rng_below(&rng, 3) : -1;
	for (int u = 0; u < UNITS; u++)
		for (int k = 0; k < N; k++)
			v[u * N + k] = u == 0   ? (real)(round(4 * rng_normal(&rng)) / 4 +
                                                       0.7 * (label[k] == 2))
				       : u == 1 ? (real)0.25
				       : u == 2 ? (real)NAN
						: (real)rng_normal(&rng);
	for (int k = 0; k < 2; k++)
		assert_true(selectivity_run(&s[k], team[k], v, UNITS, 0, label, N, 4, 200, 5, NULL,
					    NULL));
	assert_memory_equal(s[0].best, s[1].best, UNITS * sizeof(double));
	assert_memory_equal(s[0].best_chance, s[1].best_chance, UNITS * sizeof(double));
	assert_int_equal(s[0].beyond, s[1].beyond);
	assert_int_equal(s[0].texts, N - (N + 16) / 17);
	for (int c = 0; c < 3; c++) {
		assert_float_equal(s[0].of[c].r, plain_r(v, label, c), 1e-9);
		assert_float_equal(s[0].of[c].auc, plain_auc(v, label, c), 1e-9);
	}
	assert_true(isnan(s[0].of[3].r) && isnan(s[0].of[3].auc) && !s[0].of[3].count);
	assert_true(selectivity_beyond(fabs(s[0].of[2].r), s[0].of[2].r_chance));
	assert_true(selectivity_beyond(s[0].best[0], s[0].best_chance[0]));
	assert_float_equal(s[0].best[1], 0.5, 1e-12);
	assert_false(selectivity_beyond(s[0].best[1], s[0].best_chance[1]));
	assert_true(isnan(s[0].best[2]));
	for (int u = 3; u < UNITS; u++)
		drawn += selectivity_beyond(s[0].best[u], s[0].best_chance[u]);
	assert_true(drawn > 1 && drawn < 22); /* some 10 of 200 */
	for (int k = 0; k < 2; k++) {
		selectivity_release(&s[k]);
		team_free(team[k]);
	}
	free(v);
}

/* --- units that were made -------------------------------------------------------------------------- */

/* Unit 0 remembers "good", which is the label; unit 1 "today", which stands anywhere. */
static void a_unit_that_follows_a_label_is_found(void **state)
{
	static const char *const text[] = {"the good film", "the bad film today", "good film",
					   "so bad",        "good one today",     "film is bad",
					   "is so good",    "a bad film today"};
	const char *all[40];
	const struct dossier_rules rules = {
		.unit = 0, .signal = DOSSIER_H, .places = 3, .least = 3};
	struct dossier d;
	struct selectivity s;
	struct world w;

	(void)state;
	for (int k = 0; k < 40; k++)
		all[k] = text[k % 8];
	w = made_world(all, 40, 30);
	write_at(&w, 0, "good");
	write_at(&w, 1, "today");
	for (int k = 0; k < 40; k++)
		w.class_of[k] = strstr(all[k], "good") != NULL;
	assert_true(dossier_run(&d, w.team[1], w.m.s, w.ex.at, w.ex.count, &rules, NULL));
	assert_true(selectivity_run(&s, w.team[1], d.last, 2, 0, w.class_of, w.ex.count, 2, 100, 1,
				    NULL, NULL));
	assert_float_equal(s.of[1].r, 1, 1e-4);
	assert_float_equal(s.of[1].auc, 1, 1e-12);
	assert_float_equal(s.of[0].auc, 0, 1e-12);
	assert_int_equal(s.beyond, 1);
	assert_float_equal(s.best[1], 0.625, 1e-9); /* three in eight against one */
	assert_int_equal(d.ups, 1);
	assert_int_equal(d.up[0].id, vocab_find(w.m.e->vocab, "good", 4));
	assert_int_equal(d.up[0].count, 20);
	assert_float_equal(d.up[0].mean, tanh(1), 1e-4);
	assert_float_equal(d.up[0].p91 - d.up[0].p9, 0, 1e-4);
	assert_int_equal(d.highest[0].text, 0);
	assert_int_equal(d.highest[0].word, 1);
	dossier_release(&d);
	selectivity_release(&s);
	world_release(&w);
}

/* --- without a unit -------------------------------------------------------------------------------- */

/* A unit whose weights are taken away is one that is held at 0. */
static void check_removal(const struct cell_ops *cell, int layers, int dirs, bool learned,
			  enum merge merge)
{
	const struct model_spec spec = {.cell = cell,
					.embed = 3,
					.hidden = H,
					.layers = layers,
					.dirs = dirs,
					.learned = learned,
					.merge = merge};
	struct made m = made_of(&spec, true, "so good a film today");
	const int run = layers * dirs - 1;
	const struct edit edit = {.kind = cell->carries_h ? EDIT_H : EDIT_C,
				  .run = run,
				  .unit = 3,
				  .from = 0,
				  .to = m.t->T - 1,
				  .value = 0};
	struct trace *held = whatif(m.t, &edit, 1, NULL), *without;
	struct snapshot *s = snapshot_copy(m.e, m.s->weights, 0, 0);

	assert_non_null(held);
	ablation_remove(&m.e->model, s->weights, run, 3);
	without = trace_new(s, "so good a film today", 20, NULL);
	for (int k = 0; k < m.t->T * H; k++)
		assert_float_equal(signal_of(without, run, "h")[k], signal_of(held, run, "h")[k],
				   1e-12);
	for (int t = 0; t < m.t->T; t++)
		assert_true(signal_of(without, run, "h")[t * H + 3] == 0);
	for (int k = 0; k < m.t->C; k++)
		assert_float_equal(without->prob[(m.t->T - 1) * m.t->C + k],
				   held->prob[(m.t->T - 1) * m.t->C + k], 1e-12);
	assert_true(fabs(without->prob[(m.t->T - 1) * m.t->C] - m.t->prob[(m.t->T - 1) * m.t->C]) >
		    1e-9);
	trace_free(held);
	trace_free(without);
	snapshot_unref(s);
	unmake(&m);
}

static void a_unit_without_weights_is_one_held_at_0(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		check_removal(cell_at(k), 1, 1, false, MERGE_CONCAT);
	check_removal(&cell_standard, 2, 2, false, MERGE_CONCAT);
	check_removal(&cell_V, 2, 2, false, MERGE_SUM);
}

static void plain_score(const struct world *w, struct snapshot *s, double *accuracy, double *loss)
{
	double n = 0;

	*accuracy = *loss = 0;
	for (size_t k = 0; k < w->ex.count; k++) {
		struct trace *t;
		const double *p;

		if (w->class_of[k] < 0)
			continue;
		t = trace_new(s, w->ex.at[k].text, w->ex.at[k].text_len, NULL);
		p = t->prob + (t->T - 1) * t->C;
		*accuracy += p[w->class_of[k]] > p[!w->class_of[k]];
		*loss -= log(p[w->class_of[k]]);
		n++;
		trace_free(t);
	}
	*accuracy /= n;
	*loss /= n;
}

static void ablations_have_their_control(void **state)
{
	const struct model_spec spec = {.cell = &cell_standard, .embed = 3, .hidden = H};
	struct world w = world_of(&spec, true, 60);
	const struct ablation_rules rules = {.unit = 2, .others = 100, .seed = 1};
	double accuracy[H + 1], loss[H + 1], mean = 0, squares = 0;
	struct ablation a[2];
	int as_much = 0;

	(void)state;
	w.class_of[3] = -1; /* it has no step */
	w.class_of[5] = -1;
	for (int u = 0; u <= H; u++) {
		struct snapshot *s = snapshot_copy(w.m.e, w.m.s->weights, 0, 0);

		if (u < H)
			ablation_remove(&w.m.e->model, s->weights, 0, u);
		plain_score(&w, s, &accuracy[u], &loss[u]);
		snapshot_unref(s);
	}
	for (int k = 0; k < 2; k++)
		assert_true(ablation_run(&a[k], w.team[k], w.m.s, w.ex.at, w.class_of, w.ex.count,
					 &rules, NULL));
	assert_memory_equal(&a[0], &a[1], sizeof(a[0]));
	assert_int_equal(a[0].texts, 58);
	assert_int_equal(a[0].others, H - 1);
	near_to(a[0].accuracy, accuracy[H]);
	near_to(a[0].loss, loss[H]);
	near_to(a[0].d_accuracy, accuracy[2] - accuracy[H]);
	near_to(a[0].d_loss, loss[2] - loss[H]);
	for (int u = 0; u < H; u++) {
		if (u == 2)
			continue;
		mean += (loss[u] - loss[H]) / (H - 1);
		as_much += fabs(loss[u] - loss[H]) >= fabs(loss[2] - loss[H]);
	}
	for (int u = 0; u < H; u++)
		if (u != 2)
			squares += (loss[u] - loss[H] - mean) * (loss[u] - loss[H] - mean);
	near_to(a[0].mean_loss, mean);
	near_to(a[0].sd_loss, sqrt(squares / (H - 1)));
	assert_int_equal(a[0].beyond_loss, as_much);
	world_release(&w);
}

static void what_is_cancelled_says_so(void **state)
{
	const struct model_spec spec = {.cell = &cell_standard, .embed = 3, .hidden = H};
	struct world w = world_of(&spec, true, 60);
	const int cancel = 1;
	const struct dossier_rules rules = {
		.unit = 2, .signal = DOSSIER_H, .watch.cancel = &cancel};
	struct dossier d;
	struct err err = {0};

	(void)state;
	assert_false(dossier_run(&d, w.team[1], w.m.s, w.ex.at, w.ex.count, &rules, &err));
	assert_int_equal(err.code, ERR_CANCELLED);
	dossier_release(&d);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_of_traces),
		cmocka_unit_test(places_have_their_words),
		cmocka_unit_test(labels_are_told_from_chance),
		cmocka_unit_test(a_unit_that_follows_a_label_is_found),
		cmocka_unit_test(a_unit_without_weights_is_one_held_at_0),
		cmocka_unit_test(ablations_have_their_control),
		cmocka_unit_test(what_is_cancelled_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

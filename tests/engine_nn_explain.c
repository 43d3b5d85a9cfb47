/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What explanations are made of: a text run in double, the ledger, and the gradients. */
#include "engine/base/mem.h"
#include "engine/explain/gradient.h"
#include "engine/inspect/ledger.h"
#include "engine/math/blas.h"
#include "engine/survey/saturation.h"
#include "tests/explain.h"

static void replay_agrees_with_the_trace(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int shape = 0; shape < SHAPES; shape++) {
			const struct model_spec spec = toy_shape(cell_at(k), shape);
			struct replay *r = toy_replay(&spec, shape % 2, TEXT);
			struct trace *t = trace_new(r->snapshot, TEXT, strlen(TEXT), NULL);

			assert_int_equal(r->T, t->T);
			for (int s = 0; s < r->T; s++) {
				size_t n, m;
				const char *a = replay_token(r, s, &n);
				const char *b = trace_token(t, 0, s, &m);

				assert_int_equal(r->ids[s], t->ids[s]);
				assert_true(n == m && !memcmp(a, b, n));
			}
			for (int j = 0; j < t->runs; j++)
				for (int u = 0; u < (r->T + 1) * r->H; u++)
					assert_true(near_to(r->run[j].h[u], t->run[j].h[u], 1e-13));
			for (int c = 0; c < r->C; c++)
				assert_true(
					near_to(r->prob[c], t->prob[(r->T - 1) * t->C + c], 1e-13));
			trace_free(t);
			replay_free(r);
		}
}

/* Texts of the words that are left, through a trace of their own. */
static void words_can_be_left_out(void **state)
{
	static const char *const without[] = {"film is not so good never",
					      "the film is so good never",
					      "the film is not so good"};
	static const char *const replaced[] = {"zebra film is not so good never",
					       "the film is zebra so good never",
					       "the film is not so good zebra"};
	static const int word[] = {0, 3, 6};

	(void)state;
	for (int shape = 0; shape < SHAPES; shape++)
		for (int k = 0; k < 6; k++) {
			const struct model_spec spec = toy_shape(cell_at(shape % 3), shape);
			struct replay *r = toy_replay(&spec, shape % 2, TEXT);
			const char *text = k < 3 ? without[k] : replaced[k - 3];
			struct trace *t = trace_new(r->snapshot, text, strlen(text), NULL);
			int row[16];
			const int at = word[k % 3] + (shape % 2 ? 0 : 3);
			const int n = replay_without(r, at, k > 2, row);

			assert_int_equal(n, t->T);
			replay_run(r, row, n, 1);
			for (int c = 0; c < r->C; c++)
				assert_true(
					near_to(r->prob[c], t->prob[(n - 1) * t->C + c], 1e-13));
			trace_free(t);
			replay_free(r);
		}
}

static void check_ledger(const struct replay *r, int run, int steps)
{
	const struct cell_ops *cell = r->m->spec.cell;
	const size_t H = (size_t)r->H;
	struct ledger l;

	assert_true(ledger_fill(&l, cell, &r->run[run], r->H, steps));
	for (size_t u = 0; u < H; u++) {
		const double *states = cell->carries_h ? r->run[run].h : r->run[run].c;
		const double state = states[(size_t)steps * H + u];
		double sum = l.begin_row[u], size = fabs(state) + fabs(sum), logs = 0;

		for (size_t k = 0; k < (size_t)steps; k++) {
			double left = 1;

			for (size_t later = k + 1; later < (size_t)steps; later++)
				left *= l.carry[later * H + u];
			assert_true(near_to(l.kept[k * H + u], left, 1e-12));
			assert_true(near_to(l.row[k * H + u], left * l.write[k * H + u], 1e-12));
			sum += l.row[k * H + u];
			size += fabs(l.row[k * H + u]);
			logs += log(fabs(l.carry[k * H + u]));
		}
		assert_true(l.state[u] == state);
		assert_true(fabs(sum - state) <= 1e-9 * size);
		assert_true(fabs(l.residual[u]) <= 1e-9 * size);
		assert_true(near_to(l.sum[u], sum, 1e-12));
		if (logs < 0)
			assert_true(near_to(pow(exp(logs / steps), l.half_life[u]), 0.5, 1e-9));
		else
			assert_true(isinf(l.half_life[u]));
	}
	for (size_t u = 0; u < H; u++) { /* and of each unit alone the same */
		double *row = mem_alloc((size_t)steps * sizeof(*row));
		const struct ledger_unit one =
			ledger_of_unit(cell, &r->run[run], r->H, steps, (int)u, row);

		for (size_t k = 0; k < (size_t)steps; k++)
			assert_true(row[k] == l.row[k * H + u]);
		assert_true(one.state == l.state[u] && one.begin_row == l.begin_row[u]);
		assert_true(one.residual == l.residual[u] && one.sum == l.sum[u]);
		free(row);
	}
	ledger_release(&l);
}

static void ledgers_add_up(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int shape = 0; shape < SHAPES; shape++) {
			const struct model_spec spec = toy_shape(cell_at(k), shape);
			struct replay *r = toy_replay(&spec, shape % 2, TEXT);

			for (int run = 0; run < r->m->stack.runs; run++)
				for (int steps = 1; steps <= r->T; steps += 2)
					check_ledger(r, run, steps);
			replay_free(r);
		}
}

/* A standard cell's second step by hand. */
static void ledger_is_that_of_the_equations(void **state)
{
	const struct model_spec spec = {.cell = &cell_standard, .embed = 3, .hidden = 2};
	struct replay *r = toy_replay(&spec, true, "good film");
	double **g = r->run->gate;
	struct ledger l;

	(void)state;
	assert_true(ledger_fill(&l, &cell_standard, r->run, 2, 2));
	for (int u = 0; u < 2; u++) {
		assert_true(near_to(l.row[u], g[1][2 + u] * g[0][u] * g[2][u], 1e-14));
		assert_true(near_to(l.row[2 + u], g[0][2 + u] * g[2][2 + u], 1e-14));
		assert_true(l.kept[2 + u] == 1 && l.begin_row[u] == 0);
	}
	ledger_release(&l);
	replay_free(r);
	assert_true(fabs(ledger_half_life(log(0.9)) - 6.578813) < 1e-5);
	assert_true(ledger_half_life(-INFINITY) == 0 && isinf(ledger_half_life(0)) &&
		    isinf(ledger_half_life(0.1)));
}

/* --- gradients ------------------------------------------------------------------------------------- */

struct nudge {
	int run, k, unit;
	bool c;
	double by;
};

/* c before it is read, h when it is there. */
static void touch(void *arg, struct replay *r, int run, int k, bool done)
{
	const struct nudge *n = arg;

	if (run == n->run && k == n->k && done != n->c)
		(n->c ? r->run[run].c
		      : r->run[run].h)[(size_t)(k + 1) * (size_t)r->H + (size_t)n->unit] += n->by;
}

/* F: the score of class 1, or the loss of label 0. */
static double value_of(const struct replay *r, bool loss)
{
	return loss ? -log(r->prob[0]) : r->logit[1];
}

static double central(struct replay *r, struct nudge n, bool loss)
{
	const double e = 1e-5;
	double f[2];

	r->touch = touch;
	r->touch_arg = &n;
	for (int side = 0; side < 2; side++) {
		n.by = side ? e : -e;
		replay_run(r, NULL, r->T, 1);
		f[side] = value_of(r, loss);
	}
	r->touch = NULL;
	return (f[1] - f[0]) / (2 * e);
}

static void check_states(struct replay *r, const struct gradient *g, bool loss)
{
	for (int run = 0; run < r->m->stack.runs; run++)
		for (int k = 0; k < r->T; k += 2)
			for (int c = 0; c < (g->dc[run] ? 2 : 1); c++) {
				const int unit = (k / 2 + run) % r->H;
				const double *d = c ? g->dc[run] : g->dh[run];
				const struct nudge n = {.run = run, .k = k, .unit = unit, .c = c};

				assert_true(near_to(d[(k + 1) * r->H + unit], central(r, n, loss),
						    2e-9));
			}
}

/* The scores against the scale of the input, and, where weights are in double, dx against them. */
static void check_inputs(struct replay *r, const struct gradient *g, bool loss)
{
	const double e = 1e-5;
	double sum = 0, f[2];

	for (int t = 0; t < r->T; t++) {
		double x[64], score = 0;

		replay_input(r, t, x);
		for (int j = 0; j < r->m->E; j++)
			score += x[j] * g->dx[t * r->m->E + j];
		assert_true(near_to(score, g->score[t], 1e-12));
		sum += g->score[t];
	}
	for (int side = 0; side < 2; side++) {
		replay_run(r, NULL, r->T, side ? 1 + e : 1 - e);
		f[side] = value_of(r, loss);
	}
	assert_true(near_to(sum, (f[1] - f[0]) / (2 * e), 2e-9));
}

/* The last word's embedding, where it can be moved by little. No other step has that word. */
static void check_embedding(struct replay *r, const struct gradient *g, bool loss)
{
	const int t = r->T - 1, E = r->m->E;
	real *w = r->snapshot->weights + r->m->embedding + (size_t)r->ids[t] * (size_t)E;

	for (int j = 0; sizeof(real) == 8 && r->m->spec.embed && j < E; j++) {
		const double e = 1e-5;
		const real was = w[j];
		double f[2];

		for (int side = 0; side < 2; side++) {
			struct replay *moved;

			w[j] = was + (real)(side ? e : -e);
			moved = replay_new(r->snapshot, TEXT, strlen(TEXT), NULL);
			f[side] = value_of(moved, loss);
			replay_free(moved);
		}
		w[j] = was;
		assert_true(near_to(g->dx[t * E + j], (f[1] - f[0]) / (2 * e), 2e-9));
	}
}

static void gradients_are_central_differences(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int shape = 0; shape < SHAPES; shape++) {
			const struct model_spec spec = toy_shape(cell_at(k), shape);
			struct replay *r = toy_replay(&spec, shape % 2, TEXT);
			const bool loss = shape % 3 == 0;
			double dlogit[2];
			struct gradient g;

			assert_true(gradient_open(&g, r, true));
			if (loss)
				gradient_of_loss(r, 0, dlogit);
			else
				gradient_of_class(r, 1, dlogit);
			gradient_run(&g, r, dlogit);
			check_states(r, &g, loss);
			check_inputs(r, &g, loss);
			check_embedding(r, &g, loss);
			gradient_release(&g);
			replay_free(r);
		}
}

/* Where states stay near 0 nothing saturates: with large U_g a gradient grows from step to step; behind
 * shut forget gates nothing is left of it. */
static void gradients_explode_and_vanish(void **state)
{
	(void)state;
	for (int shut = 0; shut < 2; shut++) {
		const struct model_spec spec = {.cell = &cell_standard, .embed = 3, .hidden = 4};
		struct replay *r = toy_replay(&spec, true, TEXT);
		const struct cell_layout *at = &r->m->stack.run[0].at;
		double dlogit[2], first, last;
		struct gradient g;

		for (size_t k = 0; k < at->size; k++)
			r->snapshot->weights[at->W + k] = 0;
		for (size_t k = 0; k < 4; k++)
			r->snapshot->weights[at->b + 4 + k] = shut ? -20 : 1;
		for (size_t k = 0; k < 16 && !shut; k += 5)
			r->snapshot->weights[at->U + 2 * 16 + k] = 40;
		replay_run(r, NULL, r->T, 0);
		assert_true(gradient_open(&g, r, false));
		gradient_of_class(r, 0, dlogit);
		gradient_run(&g, r, dlogit);
		first = gradient_norm(g.dc[0] + 4, 4);
		last = gradient_norm(g.dc[0] + r->T * 4, 4);
		assert_true(gradient_vanished(first, last) == shut);
		assert_false(gradient_vanished(last, last));
		assert_true(gradient_exploded(&g, 0, first) == !shut);
		assert_false(gradient_exploded(&g, 0, last));
		gradient_release(&g);
		replay_free(r);
	}
}

/* --- saturation ------------------------------------------------------------------------------------ */

enum { TEXTS = 600 };

/* The same counted from traces, text by text. Gates so near a threshold that float32 may see them on
 * its other side are counted as doubtful. */
static void count_traces(const struct saturation *s, struct snapshot *snap,
			 const struct examples *ex)
{
	const struct cell_ops *cell = snap->encoder->model.spec.cell;
	const size_t n = (size_t)(s->runs * s->G * s->H);
	int64_t *low = mem_zero(n, sizeof(*low)), *high = mem_zero(n, sizeof(*high));
	int64_t *doubt = mem_zero(n, sizeof(*doubt)), steps = 0, all = 0;

	for (size_t k = 0; k < ex->count; k++) {
		struct trace *t = trace_new(snap, ex->at[k].text, ex->at[k].text_len, NULL);

		steps += t->T;
		for (int run = 0; run < s->runs; run++)
			for (int q = 0; q < s->G; q++)
				for (int at = 0; at < t->T * s->H; at++) {
					const double v = t->run[run].gate[q][at];
					const double x =
						cell->gate[q].act == ACT_TANH ? fabs(v) : v;
					const int to = (run * s->G + q) * s->H + at % s->H;

					low[to] += x < 0.3;
					high[to] += x > 0.6;
					doubt[to] += fabs(x - 0.3) < 1e-5 || fabs(x - 0.6) < 1e-5;
				}
		trace_free(t);
	}
	assert_true(s->steps == steps && s->texts == (int64_t)ex->count);
	for (size_t k = 0; k < n; k++) {
		assert_true(llabs(low[k] - s->low[k]) <= doubt[k]);
		assert_true(llabs(high[k] - s->high[k]) <= doubt[k]);
		all += low[k] + high[k];
	}
	assert_true(all > 0);
	free(low);
	free(high);
	free(doubt);
}

static void check_carry(const struct saturation *s, struct snapshot *snap,
			const struct examples *ex)
{
	const struct cell_ops *cell = snap->encoder->model.spec.cell;
	double *sum = mem_zero((size_t)(2 * s->runs * s->H), sizeof(*sum));
	double *logs = sum + s->runs * s->H;

	for (size_t k = 0; k < ex->count; k++) {
		struct trace *t = trace_new(snap, ex->at[k].text, ex->at[k].text_len, NULL);

		for (int run = 0; run < s->runs && t->T; run++) {
			struct ledger l;

			assert_true(ledger_fill(&l, cell, &t->run[run], t->H, t->T));
			for (int at = 0; at < t->T * t->H; at++) {
				sum[run * s->H + at % s->H] += fabs(l.carry[at]);
				logs[run * s->H + at % s->H] += log(fabs(l.carry[at]));
			}
			ledger_release(&l);
		}
		trace_free(t);
	}
	for (int k = 0; k < s->runs * s->H; k++) {
		assert_true(near_to(s->carry[k], sum[k] / (double)s->steps, 1e-5));
		assert_true(near_to(s->log_carry[k], logs[k] / (double)s->steps, 1e-4));
	}
	free(sum);
}

static void saturation_is_that_of_the_traces(void **state)
{
	struct team *two = team_new(2, NULL), *one = team_new(1, NULL);
	struct examples ex;

	(void)state;
	toy_examples(&ex, TEXTS, 7);
	for (int k = 0; cell_at(k); k++) {
		const struct model_spec spec = toy_shape(cell_at(k), k % SHAPES);
		struct snapshot *snap = toy_snapshot(&spec, k % 2);
		const struct saturation_rules rules = {.low = 0.3, .high = 0.6};
		struct saturation s, again;

		assert_true(saturation_run(&s, two, snap, ex.at, ex.count, &rules, NULL));
		assert_true(saturation_run(&again, one, snap, ex.at, ex.count, &rules, NULL));
		count_traces(&s, snap, &ex);
		check_carry(&s, snap, &ex);
		assert_memory_equal(s.log_carry, again.log_carry,
				    (size_t)(s.runs * s.H) * sizeof(double));
		for (int q = 0; q < s.G; q++) {
			const double x = saturation_high(&s, cell_at(k), 0, q, 1),
				     y = saturation_low(&s, cell_at(k), 0, q, 1);

			assert_true(isnan(x) == (cell_at(k)->gate[q].act == ACT_IDENTITY));
			assert_true(isnan(y) == (cell_at(k)->gate[q].act != ACT_SIGMOID));
			assert_true(isnan(x) || isnan(y) || x + y <= 1);
		}
		saturation_release(&s);
		saturation_release(&again);
		snapshot_unref(snap);
	}
	examples_release(&ex);
	team_free(two);
	team_free(one);
}

/* Other tasks are read by the same side. */
static void saturation_of_every_task(void **state)
{
	struct team *team = team_new(1, NULL);
	struct examples ex;

	(void)state;
	toy_examples(&ex, 40, 7);
	for (int task = 0; task < TASK_COUNT; task++) {
		const struct model_spec spec = {.task = (enum task)task,
						.cell = &cell_standard,
						.embed = 5,
						.hidden = 4,
						.dirs = task_table[task].pairs ? 2 : 1};
		struct snapshot *snap = toy_snapshot(&spec, true);
		const struct saturation_rules rules = {.low = 0.3, .high = 0.6};
		struct saturation s;

		assert_true(saturation_run(&s, team, snap, ex.at, ex.count, &rules, NULL));
		assert_true(s.steps > 0 && s.runs == spec.dirs);
		saturation_release(&s);
		assert_false(saturation_run(&s, team, snap, ex.at, 0, &rules, NULL));
		saturation_release(&s);
		snapshot_unref(snap);
	}
	examples_release(&ex);
	team_free(team);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay_agrees_with_the_trace),
		cmocka_unit_test(words_can_be_left_out),
		cmocka_unit_test(ledgers_add_up),
		cmocka_unit_test(ledger_is_that_of_the_equations),
		cmocka_unit_test(gradients_are_central_differences),
		cmocka_unit_test(gradients_explode_and_vanish),
		cmocka_unit_test(saturation_is_that_of_the_traces),
		cmocka_unit_test(saturation_of_every_task),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

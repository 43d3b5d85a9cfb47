/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attribution: each method adds up to what it should, and is what its equations say. */
#include "engine/explain/attribution.h"
#include "engine/explain/decompose.h"
#include "engine/explain/relevance.h"
#include "engine/math/blas.h"
#include "tests/explain.h"

static double sum_of(const double *v, int n)
{
	double sum = 0;

	for (int k = 0; k < n; k++)
		sum += v[k];
	return sum;
}

static void relevance_is_conserved(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int shape = 0; shape < SHAPES && !relevance_lacks(cell_at(k)); shape++) {
			const struct model_spec spec = toy_shape(cell_at(k), shape);
			struct replay *r = toy_replay(&spec, shape % 2, TEXT);

			for (int bf = 0; bf < 3; bf++) {
				const struct relevance_rules rules = {RELEVANCE_EPSILON, bf / 2.0};
				struct relevance v;
				double left;

				assert_true(relevance_run(&v, r, 1, &rules));
				assert_true(v.start == r->logit[1]);
				left = v.start - sum_of(v.word, r->T) - v.initial;
				/* All to words and states; or what is missing is what is printed. */
				assert_true(fabs(left - (1 - bf / 2.0) * (v.bias + v.epsilon)) <
					    1e-9 * (1 + fabs(v.bias) + fabs(v.epsilon)));
				assert_true(fabs(v.residual) <
					    1e-9 * (1 + fabs(v.bias) + fabs(v.epsilon)));
				if (bf == 2)
					assert_true(fabs(left) < 1e-9 * (1 + fabs(v.initial)));
				assert_true(fabs(v.bias) > 1e-6);
				relevance_release(&v);
			}
			replay_free(r);
		}
}

/* One word, one unit, by hand: the rule for the head, c, and g. */
static void relevance_follows_the_rules(void **state)
{
	const struct model_spec spec = {.cell = &cell_standard, .embed = 2, .hidden = 1};
	const struct relevance_rules rules = {1e-3, 0};
	struct replay *r = toy_replay(&spec, true, "good");
	const real *w = r->snapshot->weights;
	const struct gate_weights *g = &r->gate[0][2];
	double x[2], z = r->run->z[2][0], c = r->run->c[1], R = r->logit[0];
	struct relevance v;

	(void)state;
	replay_input(r, 0, x);
	R *= (double)w[r->m->head_W] * r->run->h[1] / (r->logit[0] + copysign(1e-3, r->logit[0]));
	R *= c / (c + copysign(1e-3, c));
	R *= ((double)g->W[0] * x[0] + (double)g->W[1] * x[1]) / (z + copysign(1e-3, z));
	assert_true(relevance_run(&v, r, 0, &rules));
	assert_true(near_to(v.word[0], R, 1e-12));
	assert_true(v.initial == 0);
	relevance_release(&v);
	replay_free(r);
}

static void parts_add_up_to_the_scores(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int shape = 0; shape < SHAPES && !decompose_lacks(cell_at(k)); shape++) {
			struct model_spec spec = toy_shape(cell_at(k), shape);
			struct decompose d;
			struct replay *r;

			spec.learned = false;
			r = toy_replay(&spec, shape % 2, TEXT);
			assert_true(decompose_open(&d, r));
			for (int from = 0; from < r->T; from++)
				for (int to = from; to < r->T; to++) {
					decompose_run(&d, from, to);
					for (int c = 0; c < r->C; c++) {
						const size_t b = r->m->head_b + (size_t)c;
						const double all = r->logit[c] -
								   (double)r->snapshot->weights[b];

						assert_true(
							near_to(d.beta[c] + d.gamma[c], all, 1e-9));
						/* The whole text from states of 0 is all there is. */
						if (to - from == r->T - 1)
							assert_true(fabs(d.gamma[c]) < 1e-9);
					}
				}
			decompose_release(&d);
			replay_free(r);
		}
}

static double logistic(double z)
{
	return 1 / (1 + exp(-z));
}

/* The three parts of act(rel + irr + b). */
static void three_parts(double (*act)(double), double rel, double irr, double b, double part[3])
{
	part[0] = (act(rel + b) - act(b) + act(rel + irr + b) - act(irr + b)) / 2;
	part[1] = (act(irr + b) - act(b) + act(rel + irr + b) - act(rel + b)) / 2;
	part[2] = act(b);
}

/* Two words, one unit, by hand: the second is the phrase. */
static void parts_follow_the_equations(void **state)
{
	const struct model_spec spec = {.cell = &cell_V, .embed = 1, .hidden = 1};
	struct replay *r = toy_replay(&spec, true, "good film");
	const struct trace_run *run = r->run;
	double x, i[3], f[3], g[3], c, gamma, beta;
	double *const part[3] = {i, f, g};
	struct decompose d;

	(void)state;
	replay_input(r, 1, &x);
	for (int q = 0; q < 3; q++) {
		const struct gate_weights *w = &r->gate[0][q];
		const double irr = (double)w->U[0] * run->h[1] +
				   (w->peep ? (double)w->peep[0] * run->c[1] : 0);

		three_parts(q == 2 ? tanh : logistic, (double)w->W[0] * x, irr, (double)w->b[0],
			    part[q]);
	}
	c = i[0] * (g[0] + g[2]) + i[2] * g[0] + i[2] * g[2];
	gamma = run->c[2] - c;
	beta = run->gate[3][1] * (tanh(c) + tanh(c + gamma) - tanh(gamma)) / 2;
	assert_true(decompose_open(&d, r));
	decompose_run(&d, 1, 1);
	for (int k = 0; k < r->C; k++)
		assert_true(near_to(d.beta[k],
				    beta * (double)r->snapshot->weights[r->m->head_W + (size_t)k],
				    1e-12));
	decompose_release(&d);
	replay_free(r);
}

static struct attribution court_of(struct replay *r, double work)
{
	struct attribution a;

	assert_true(attribution_run(&a, r,
				    &(struct attribution_rules){.class = 1,
								.methods = (1 << METHOD_COUNT) - 1,
								.most_work = work},
				    NULL));
	return a;
}

static void check_sums(const struct attribution *a, const struct replay *r)
{
	const struct cell_ops *cell = r->m->spec.cell;

	assert_true(a->F == r->logit[1]);
	for (int m = 0; m < METHOD_COUNT; m++) {
		const struct verdict *v = &a->verdict[m];
		const bool covered = (m != METHOD_LRP || !relevance_lacks(cell)) &&
				     (m != METHOD_CD || !decompose_lacks(cell));

		assert_true(v->there == covered && !*v->why == covered);
		if (!covered) {
			assert_true(isnan(a->agreement[m][0]));
			continue;
		}
		assert_true(near_to(v->sum, sum_of(v->score, a->T), 1e-12));
		assert_true(isnan(v->elsewhere) == (m == METHOD_CD));
		if (m != METHOD_CD)
			assert_true(near_to(v->sum + v->elsewhere, v->total, 1e-12));
		assert_true(fabs(v->should - v->total - v->residual) < 1e-12);
		if (method_table[m].conserves && m != METHOD_INTEGRATED)
			assert_true(fabs(v->residual) <
				    1e-9 * (1 + fabs(m == METHOD_LRP ? v->elsewhere : 0)));
		assert_true(a->agreement[m][m] == 1);
	}
	if (r->m->spec.pool != POOL_MAX) {
		assert_true(a->reached);
		assert_true(fabs(a->verdict[METHOD_INTEGRATED].residual) <
			    0.01 * fabs(a->F - a->F_zero));
	}
	assert_true(a->reached || a->nodes == NODES_MOST);
}

static void the_court_adds_up(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int shape = k % 3; shape < SHAPES; shape += 3) {
			const struct model_spec spec = toy_shape(cell_at(k), shape);
			struct replay *r = toy_replay(&spec, shape % 2, TEXT);
			struct attribution a = court_of(r, 0);

			check_sums(&a, r);
			attribution_release(&a);
			replay_free(r);
		}
}

/* Where nothing but the input's size counts: the nodes are exact, and the sum is that of a run at 0. */
static void integrated_gradients_are_complete(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		const struct model_spec spec = {
			.cell = cell_at(k), .embed = 5, .hidden = 4, .pool = POOL_MEAN};
		struct replay *r = toy_replay(&spec, true, TEXT);
		struct attribution a = court_of(r, 0);
		const struct verdict *v = &a.verdict[METHOD_INTEGRATED];

		replay_run(r, NULL, r->T, 0);
		assert_true(near_to(v->sum, a.F - r->logit[1], 1e-6));
		assert_int_equal(a.nodes, NODES_FIRST);
		attribution_release(&a);
		replay_free(r);
	}
}

/* The score without a word, from a text that is read anew. */
static void occlusion_is_a_run_without_the_word(void **state)
{
	static const char *const without[] = {
		"film is not so good never",  "the is not so good never",
		"the film not so good never", "the film is so good never",
		"the film is not good never", "the film is not so never",
		"the film is not so good"};
	(void)state;
	for (int shape = 0; shape < SHAPES; shape++) {
		const struct model_spec spec = toy_shape(cell_at(shape), shape);
		const int pads = shape % 2 ? 0 : 3;
		struct replay *r = toy_replay(&spec, shape % 2, TEXT);
		struct attribution a = court_of(r, 0);

		for (int k = 0; k < 7; k++) {
			struct replay *o =
				replay_new(r->snapshot, without[k], strlen(without[k]), NULL);

			assert_true(near_to(a.verdict[METHOD_OCCLUSION].score[pads + k],
					    r->logit[1] - o->logit[1], 1e-12));
			replay_free(o);
		}
		for (int k = 0; k < pads; k++)
			assert_true(a.verdict[METHOD_OCCLUSION].score[k] == 0);
		attribution_release(&a);
		replay_free(r);
	}
}

static void long_texts_leave_methods_out(void **state)
{
	const struct model_spec spec = {.cell = &cell_standard, .embed = 5, .hidden = 4};
	struct replay *r = toy_replay(&spec, true, TEXT);
	struct attribution a = court_of(r, attribution_work(r, METHOD_CD) - 1);

	(void)state;
	for (int m = 0; m < METHOD_COUNT; m++)
		assert_true(a.verdict[m].there == (m < METHOD_CD));
	assert_non_null(strstr(a.verdict[METHOD_CD].why, "7 words"));
	attribution_release(&a);
	replay_free(r);
}

static void ranks_are_compared(void **state)
{
	const double a[] = {1, 2, 3, 4, 5}, b[] = {5, 6, 7, 8, 7}, c[] = {9, 7, 5, 3, 1};
	const double tied[] = {1, 1, 2, 2, 3}, flat[] = {2, 2, 2, 2, 2};
	double node[20], weight[20], sum = 0;

	(void)state;
	assert_true(near_to(spearman(a, b, 5), 0.820783, 1e-6));
	assert_true(near_to(spearman(a, c, 5), -1, 1e-12));
	assert_true(near_to(spearman(a, tied, 5), 9 / sqrt(10 * 9.0), 1e-12));
	assert_true(isnan(spearman(a, flat, 5)) && isnan(spearman(a, b, 1)));
	gauss_legendre(20, node, weight);
	for (int k = 0; k < 20; k++)
		sum += weight[k] * pow(node[k], 39);
	assert_true(near_to(sum, 1 / 40.0, 1e-14));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relevance_is_conserved),
		cmocka_unit_test(relevance_follows_the_rules),
		cmocka_unit_test(parts_add_up_to_the_scores),
		cmocka_unit_test(parts_follow_the_equations),
		cmocka_unit_test(the_court_adds_up),
		cmocka_unit_test(integrated_gradients_are_complete),
		cmocka_unit_test(occlusion_is_a_run_without_the_word),
		cmocka_unit_test(long_texts_leave_methods_out),
		cmocka_unit_test(ranks_are_compared),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

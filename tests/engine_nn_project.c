/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Principal components of vectors, and what texts leave in the last states. */
#include "engine/survey/project.h"
#include "engine/survey/vectors.h"
#include "tests/explain.h"

#ifdef SLUICE_DOUBLE
static const double SAME_TOL = 1e-12;
#else
static const double SAME_TOL = 3e-6;
#endif

enum { N = 700, D = 5 }; /* more rows than a block has */

static struct projection fit(const real *row, size_t n, int width)
{
	struct projection p;

	assert_true(projection_fit(&p, row, n, width, NULL));
	return p;
}

/* Four points on two axes that are turned by 30 degrees: variances 8/3 and 2/3, nothing along the third. */
static void known_axes_are_found(void **state)
{
	const double co = sqrt(3) / 2, si = 0.5;
	const double along[4][2] = {{2, 0}, {-2, 0}, {0, 1}, {0, -1}};
	real row[4 * 3];
	struct projection p;
	(void)state;

	for (int k = 0; k < 4; k++) {
		row[3 * k] = (real)(7 + co * along[k][0] - si * along[k][1]);
		row[3 * k + 1] = (real)(-1 + si * along[k][0] + co * along[k][1]);
		row[3 * k + 2] = 4;
	}
	p = fit(row, 4, 3);
	assert_true(near_to(p.mean[0], 7, SAME_TOL) && near_to(p.mean[2], 4, SAME_TOL));
	assert_true(near_to(p.variance[0], 8.0 / 3, SAME_TOL));
	assert_true(near_to(p.variance[1], 2.0 / 3, SAME_TOL));
	assert_true(fabs(p.variance[2]) < 1e-12);
	assert_true(near_to(p.component[0], co, SAME_TOL) && near_to(p.component[1], si, SAME_TOL));
	assert_true(near_to(p.component[3], -si, SAME_TOL) &&
		    near_to(p.component[4], co, SAME_TOL));
	assert_true(near_to(p.component[8], 1, SAME_TOL));
	assert_true(near_to(projection_share(&p, 0), 0.8, SAME_TOL));
	for (int k = 0; k < 4; k++) {
		double at[3];

		projection_of(&p, row + 3 * k, 3, at);
		assert_true(near_to(at[0], along[k][0], SAME_TOL));
		assert_true(near_to(at[1], along[k][1], SAME_TOL));
		assert_true(fabs(at[2]) < 1e-12);
	}
	projection_release(&p);
}

static void draw_rows(real *row)
{
	struct rng rng;

	rng_seed(&rng, 3, 4);
	for (int k = 0; k < N; k++)
		for (int d = 0; d < D; d++) /* each has something of the one before */
			row[k * D + d] = (real)((d + 1) * rng_normal(&rng)) +
					 (d ? row[k * D + d - 1] / 2 : 100);
}

/* Of any rows: the components are orthonormal, and the variances along them are those of the points. */
static void variances_add_up(void **state)
{
	static real row[N * D];
	double sum[D] = {0}, square[D] = {0};
	struct projection p;
	(void)state;

	draw_rows(row);
	p = fit(row, N, D);
	for (int a = 0; a < D; a++)
		for (int b = 0; b < D; b++) {
			double dot = 0;

			for (int d = 0; d < D; d++)
				dot += p.component[a * D + d] * p.component[b * D + d];
			assert_true(fabs(dot - (a == b)) < 1e-12);
		}
	for (int k = 0; k < N; k++) {
		double at[D];

		projection_of(&p, row + (size_t)k * D, D, at);
		for (int d = 0; d < D; d++) {
			sum[d] += at[d];
			square[d] += at[d] * at[d];
		}
	}
	for (int d = 0; d < D; d++) {
		assert_true(fabs(sum[d]) < 1e-7);
		assert_true(near_to(square[d] / (N - 1), p.variance[d], 1e-10));
		assert_true(!d || p.variance[d] <= p.variance[d - 1]);
	}
	assert_true(p.total > 1 && fabs(p.residual) < 1e-12 * p.total);
	projection_release(&p);
}

static void what_has_no_components_is_refused(void **state)
{
	real row[4] = {1, 2, 1, 2};
	struct projection p;
	struct err err = {0};
	(void)state;

	assert_false(projection_fit(&p, row, 1, 2, &err));
	assert_non_null(strstr(err.msg, "at least 2"));
	projection_release(&p);
	assert_false(projection_fit(&p, row, 2, 2, &err));
	assert_non_null(strstr(err.msg, "equal"));
	projection_release(&p);
	row[1] = (real)NAN;
	assert_false(projection_fit(&p, row, 2, 2, &err));
	assert_non_null(strstr(err.msg, "finite"));
	projection_release(&p);
}

/* The fast path's last states are those at the end of a replay, of every run; where the vector is the top
 * layer's last h, it is that. */
static void last_states_end_a_path(void **state)
{
	static const char *const text[] = {"so good", TEXT, "the film", ""};
	enum { TEXTS = 4 };
	(void)state;

	for (int shape = 0; shape < SHAPES; shape++) {
		const struct cell_ops *cell = cell_at(shape);
		const struct model_spec spec = toy_shape(cell, shape);
		struct snapshot *s = toy_snapshot(&spec, shape % 2);
		const struct stack *stack = &s->encoder->model.stack;
		struct encoding e[TEXTS] = {{0}};
		struct vectors v = {0};

		for (int k = 0; k < TEXTS; k++)
			encoder_encode(s->encoder, text[k], strlen(text[k]), &e[k]);
		for (int at = 0; at < 2 * stack->runs; at++) {
			const int run = at / 2, c = at % 2;
			const real *last;

			if (c && cell->carries_h)
				continue;
			last = vectors_last(&v, s, e, TEXTS, run, c);
			for (int k = 0; k < TEXTS; k++) {
				struct replay *r = replay_new(s, text[k], strlen(text[k]), NULL);
				const double *want = (c ? r->run[run].c : r->run[run].h) +
						     (size_t)r->T * (size_t)r->H;

				for (int u = 0; u < r->H; u++)
					assert_true(near_to((double)last[k * r->H + u], want[u],
							    SAME_TOL));
				replay_free(r);
			}
		}
		for (int k = 0; k < TEXTS; k++)
			encoding_release(&e[k]);
		vectors_release(&v);
		snapshot_unref(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_axes_are_found),
		cmocka_unit_test(variances_add_up),
		cmocka_unit_test(what_has_no_components_is_refused),
		cmocka_unit_test(last_states_end_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces with numbers set by hand: what stays, what follows, and what cannot be set. */
#include "engine/inspect/whatif.h"
#include "engine/math/blas.h"
#include "tests/traced.h"

#include <math.h>

static struct made make(enum task task, const struct cell_ops *cell, int layers, int dirs)
{
	const struct model_spec spec = {.task = task,
					.cell = cell,
					.embed = 4,
					.hidden = 5,
					.layers = layers,
					.dirs = dirs,
					.merge = dirs == 2 && layers == 2 ? MERGE_SUM
									  : MERGE_CONCAT};

	return made_of(&spec, true, "the film is not so good today");
}

static struct trace *with(const struct made *m, const char *signal, int run, int unit, int from,
			  int to, double value)
{
	struct edit e;
	struct trace *t;

	assert_true(edit_of(m->t, signal, run, unit, from, to, value, &e, NULL));
	t = whatif(m->t, &e, 1, NULL);
	assert_non_null(t);
	return t;
}

static void same_bits(const struct trace *a, const struct trace *b, int run, int from, int to)
{
	for (int k = 0; k < a->run[run].signals; k++)
		if (from < to)
			assert_memory_equal(a->run[run].signal[k].v + from * a->H,
					    b->run[run].signal[k].v + from * a->H,
					    (size_t)((to - from) * a->H) * sizeof(double));
}

static void nothing_set_is_the_same_trace(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int shape = 0; shape < 4; shape++) {
			struct made m =
				make(TASK_CLASSIFY, cell_at(k), 1 + shape % 2, 1 + shape / 2);
			struct trace *t = whatif(m.t, NULL, 0, NULL);

			for (int run = 0; run < m.t->runs; run++)
				same_bits(t, m.t, run, 0, m.t->T);
			assert_memory_equal(t->prob + (t->T - 1) * t->C,
					    m.t->prob + (t->T - 1) * t->C,
					    (size_t)t->C * sizeof(double));
			trace_free(t);
			unmake(&m);
		}
}

/* A value set to what it is changes nothing, though all that follows is computed again. */
static void what_is_set_to_itself_changes_nothing(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct made m = make(TASK_CLASSIFY, cell_at(k), 2, 1);

		for (int j = 0; j < m.t->run[0].signals; j++) {
			const struct trace_signal *s = &m.t->run[0].signal[j];
			struct trace *t;

			if (s->gate < 0 && *s->name != 'c' && *s->name != 'h')
				continue;
			t = with(&m, s->name, 0, 3, 2, 2, s->v[2 * m.t->H + 3]);
			same_bits(t, m.t, 0, 0, m.t->T);
			same_bits(t, m.t, 1, 0, m.t->T);
			assert_memory_equal(t->prob, m.t->prob,
					    (size_t)(t->T * t->C) * sizeof(double));
			trace_free(t);
		}
		unmake(&m);
	}
}

/* What comes before has the same bits, in each direction and in the layers above; what was set is as it was
 * set; and what comes behind is not what it was. */
static void only_what_comes_later_changes(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (int dirs = 1; dirs < 3; dirs++) {
			struct made m = make(TASK_CLASSIFY, cell_at(k), 2, dirs);
			const int T = m.t->T;
			struct trace *t = with(&m, "h", 0, 1, 3, 4, 0.25);
			const double *h = signal_of(t, 0, "h");

			same_bits(t, m.t, 0, 0, 3);
			assert_true(h[3 * t->H + 1] == 0.25 && h[4 * t->H + 1] == 0.25);
			assert_int_equal(whatif_differs(t, m.t, 0, 1e-9), 3);
			if (dirs == 2)
				same_bits(t, m.t, 1, 0, T);
			else
				same_bits(t, m.t, 1, 0, 3);
			assert_int_equal(whatif_differs(t, m.t, dirs, 1e-9), 3);
			assert_true(t->prob[(T - 1) * t->C] != m.t->prob[(T - 1) * t->C]);
			trace_free(t);
			t = with(&m, "h", dirs - 1, -1, 2, 2, 0);
			for (int u = 0; u < t->H; u++)
				assert_true(signal_of(t, dirs - 1, "h")[2 * t->H + u] == 0);
			if (dirs == 2)
				same_bits(t, m.t, 1, 3, T);
			trace_free(t);
			unmake(&m);
		}
}

static double sigma(double z)
{
	return 1 / (1 + exp(-z));
}

/* One gate of the standard cell by hand. */
static double gate(const struct made *m, const char *name, int u, const double *x, const double *h)
{
	const struct model *model = &m->e->model;
	char tensor[24];
	double z;

	snprintf(tensor, sizeof(tensor), "l0.fw.b_%s", name);
	z = (double)m->s->weights[model_param(model, tensor)->at + (size_t)u];
	snprintf(tensor, sizeof(tensor), "l0.fw.W_%s", name);
	for (int j = 0; j < 4; j++)
		z += (double)m->s->weights[model_param(model, tensor)->at + (size_t)(u * 4 + j)] *
		     x[j];
	snprintf(tensor, sizeof(tensor), "l0.fw.U_%s", name);
	for (int j = 0; j < 5; j++)
		z += (double)m->s->weights[model_param(model, tensor)->at + (size_t)(u * 5 + j)] *
		     h[j];
	return *name == 'g' ? tanh(z) : sigma(z);
}

/* The standard cell written out anew, with its forget gate closed at some steps. */
static void a_closed_gate_is_computed_as_by_hand(void **state)
{
	struct made m = make(TASK_CLASSIFY, &cell_standard, 1, 1);
	struct trace *t = with(&m, "f", 0, -1, 2, 3, 0);
	double c[5] = {0}, h[5] = {0};

	(void)state;
	for (int step = 0; step < t->T; step++) {
		const real *row = m.s->weights + m.e->model.table[0].at + (size_t)t->ids[step] * 4;
		double x[4], before[5];

		memcpy(before, h, sizeof(h));
		for (int j = 0; j < 4; j++)
			x[j] = (double)row[j];
		for (int u = 0; u < 5; u++) {
			const double f = step == 2 || step == 3 ? 0 : gate(&m, "f", u, x, before);

			c[u] = f * c[u] + gate(&m, "i", u, x, before) * gate(&m, "g", u, x, before);
			h[u] = gate(&m, "o", u, x, before) * tanh(c[u]);
			assert_true(fabs(signal_of(t, 0, "c")[step * 5 + u] - c[u]) < 1e-12);
			assert_true(fabs(signal_of(t, 0, "h")[step * 5 + u] - h[u]) < 1e-12);
		}
	}
	trace_free(t);
	unmake(&m);
}

/* With nothing left of the last state the head has its biases alone; of several edits the last one wins. */
static void the_outcome_follows(void **state)
{
	struct made m = make(TASK_CLASSIFY, &cell_standard, 1, 1);
	const int last = m.t->T - 1;
	struct edit e[2];
	const real *b = m.s->weights + m.e->model.head_b;
	struct trace *t;

	(void)state;
	assert_true(edit_of(m.t, "h", 0, -1, last, last, 0.7, &e[0], NULL));
	assert_true(edit_of(m.t, "h", 0, -1, 0, last, 0, &e[1], NULL));
	t = whatif(m.t, e, 2, NULL);
	assert_true(fabs(t->prob[last * 2] / t->prob[last * 2 + 1] -
			 exp((double)b[0] - (double)b[1])) < 1e-12);
	assert_true(fabs(t->prob[last * 2] + t->prob[last * 2 + 1] - 1) < 1e-12);
	trace_free(t);
	unmake(&m);
	m = make(TASK_GENERATE, &cell_gru_after, 2, 1);
	t = with(&m, "z", 1, 2, 1, 1, 1);
	assert_memory_equal(t->prob, m.t->prob, (size_t)t->C * sizeof(double));
	assert_true(memcmp(t->prob + t->C, m.t->prob + t->C, (size_t)t->C * sizeof(double)) != 0);
	trace_free(t);
	unmake(&m);
}

static void refused(const struct made *m, const char *signal, int unit, int from, int to,
		    double value, const char *says)
{
	struct edit e;
	struct err err = {0};

	assert_false(edit_of(m->t, signal, 0, unit, from, to, value, &e, &err));
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, says))
		fail_msg("%s: '%s', not '%s'", signal, err.msg, says);
}

static void what_cannot_be_set_is_told(void **state)
{
	struct made m = make(TASK_CLASSIFY, &cell_CIFG, 1, 1);
	struct err err = {0};
	struct edit e;

	(void)state;
	refused(&m, "f", 0, 0, 0, 1, "it is 1 - i");
	refused(&m, "x", 0, 0, 0, 1, "no 'x' that could be set");
	refused(&m, "i", 5, 0, 0, 1, "units are 0 to 4, not 5");
	refused(&m, "i", 0, 3, 7, 1, "steps are 1 to 7");
	refused(&m, "i", 0, 3, 2, 1, "steps go up, not from 4 to 3");
	refused(&m, "i", 0, 0, 0, NAN, "a finite number is needed");
	refused(&m, "i", 0, 0, 0, HUGE_VAL, "a finite number is needed");
	unmake(&m);
	m = make(TASK_CLASSIFY, &cell_NIG, 1, 1);
	refused(&m, "i", 0, 0, 0, 1, "it is always 1");
	unmake(&m);
	m = make(TASK_RECONSTRUCT, &cell_standard, 1, 1);
	assert_false(edit_of(m.t, "f", 1, 0, 0, 0, 1, &e, &err));
	assert_non_null(strstr(err.msg, "what a decoder does cannot be set"));
	unmake(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_set_is_the_same_trace),
		cmocka_unit_test(what_is_set_to_itself_changes_nothing),
		cmocka_unit_test(only_what_comes_later_changes),
		cmocka_unit_test(a_closed_gate_is_computed_as_by_hand),
		cmocka_unit_test(the_outcome_follows),
		cmocka_unit_test(what_cannot_be_set_is_told),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equations with their numbers: every line of every cell is computed again from what it lists, and what is
 * printed adds up. */
#include "engine/inspect/equations.h"
#include "engine/inspect/whatif.h"
#include "engine/math/blas.h"
#include "tests/traced.h"

#include <math.h>
#include <stdlib.h>

enum { ALL = 1000 };
static const double exact = 1e-12;
static const char text[] = "not a very good film so today";

static struct made made_cell(const struct cell_ops *cell, int layers, int dirs)
{
	const struct model_spec spec = {
		.cell = cell, .embed = 6, .hidden = 9, .layers = layers, .dirs = dirs};

	return made_of(&spec, true, text);
}

static double value_of(const struct equations *e, const char *left)
{
	const struct equation *l = equations_find(e, left);

	assert_non_null(l);
	return l->value;
}

/* A number of a trace by the name that a contribution has, "h[3]"; before: of the step before. */
static double looked_up(const struct trace_run *r, const char *name, int H, int k, bool before)
{
	const int at = (int)strtol(strchr(name, '[') + 1, NULL, 10);

	switch (*name) {
	case 'x':
		return r->x[k * r->E + at];
	case 'h':
		return r->h[k * H + at];
	case 'c':
		return r->c[(k + !before) * H + at];
	default: { /* gates one step earlier */
		int q = 0;

		while (*name != (r->signal[q].gate >= 0 ? *r->signal[q].name : '\0'))
			q++;
		return r->gate[r->signal[q].gate][(k - 1) * H + at];
	}
	}
}

/* A tensor's row for a unit, by its plain name. */
static const real *row_of(const struct made *m, const struct trace_run *r, const char *tensor,
			  int u)
{
	size_t at;
	int rows, cols;

	assert_true(cell_tensor(m->e->model.spec.cell, &r->stack->run[r->number].at, tensor, &at,
				&rows, &cols));
	return m->s->weights + at + (size_t)u * (size_t)(cols ? cols : 1);
}

/* Each contribution is a weight of the tensor that the symbol names times a number that the trace has. */
static void check_part(const struct made *m, const struct trace_run *r,
		       const struct equation_term *t, const struct equation_part *p, char gate,
		       int u, int k)
{
	const int H = m->t->H;
	char tensor[8];
	double v;

	if (!strcmp(p->name, "bh")) {
		v = (double)*row_of(m, r, "bh_n", u) * r->gate[0][k * H + u];
		assert_true(fabs(v - p->value) < exact);
		return;
	}
	if (!strncmp(t->label, "R", 1))
		snprintf(tensor, sizeof(tensor), "R_%c%c", *p->name, gate);
	else
		snprintf(tensor, sizeof(tensor), "%c_%c", *p->name == 'h' ? 'U' : 'W', gate);
	v = (double)row_of(m, r, tensor, u)[strtol(strchr(p->name, '[') + 1, NULL, 10)] *
	    looked_up(r, p->name, H, k, false);
	if (!strcmp(t->label, "r·(U·h+b)"))
		v *= r->gate[0][k * H + u];
	if (!strcmp(t->label, "U·(r·h)"))
		v *= r->gate[0][k * H + strtol(strchr(p->name, '[') + 1, NULL, 10)];
	assert_true(fabs(v - p->value) < exact);
}

static void check_sum(const struct made *m, const struct trace_run *r, const struct equation *l,
		      int u, int k)
{
	double z = 0;

	for (int j = 0; j < l->terms; j++) {
		const struct equation_term *t = &l->term[j];
		double sum = t->rest;

		z += t->value;
		assert_true(fabs(t->residual) < exact);
		for (int i = 0; i < t->parts; i++) {
			sum += t->part[i].value;
			if (i)
				assert_true(fabs(t->part[i].value) <= fabs(t->part[i - 1].value));
			check_part(m, r, t, &t->part[i], l->left[2], u, k);
		}
		if (t->parts)
			assert_true(fabs(sum - t->value) < exact);
		assert_non_null(strstr(l->right, t->symbol));
	}
	assert_true(fabs(z - l->value) < exact);
}

static double factors(const struct equation_term *m)
{
	double v = 1;

	for (int k = 0; k < m->parts; k++)
		v *= m->part[k].value;
	return v;
}

static void check_gate(const struct equations *e, const struct equation *l)
{
	char z[EQUATION_NAME];
	double v;

	snprintf(z, sizeof(z), "z_%c", *l->left);
	v = value_of(e, z);
	if (strstr(l->right, "tanh"))
		v = tanh(v);
	else if (strcmp(l->right, z) != 0)
		v = 1 / (1 + exp(-v));
	assert_true(fabs(v - l->value) < exact);
}

static void check_line(const struct made *m, const struct trace_run *r, const struct equations *e,
		       const struct equation *l, int u, int k)
{
	assert_true(fabs(l->residual) < exact);
	assert_true(fabs(l->value - l->comes_to - l->residual) < exact);
	assert_false(l->set);
	switch (l->kind) {
	case EQUATION_SUM:
		check_sum(m, r, l, u, k);
		break;
	case EQUATION_GATE:
		check_gate(e, l);
		break;
	case EQUATION_WITHOUT:
		assert_true(strcmp(l->right, "1") ? fabs(1 - value_of(e, "i") - l->value) < exact
						  : l->value == 1);
		break;
	case EQUATION_STATE:
		assert_int_equal(l->terms, 2);
		assert_true(fabs(factors(&l->term[0]) + factors(&l->term[1]) - l->value) < exact);
		break;
	case EQUATION_OUTPUT:
		assert_true(fabs(factors(&l->term[0]) - l->value) < exact);
		break;
	}
}

static void check_unit(const struct made *m, int run, int position, int u, int top)
{
	const struct trace_run *r = &m->t->run[run];
	const int k = r->backward ? r->T - 1 - position : position;
	struct equations e;

	equations_fill(&e, m->t, run, position, u, top);
	assert_int_equal(e.lines, equations_count(e.cell));
	for (int j = 0; j < e.lines; j++) {
		char left[EQUATION_NAME];

		assert_string_equal(equations_left(e.cell, j, left), e.line[j].left);
		check_line(m, r, &e, &e.line[j], u, k);
	}
	assert_true(value_of(&e, "h") == r->h[(k + 1) * m->t->H + u]);
	equations_release(&e);
}

static void every_line_comes_to_its_value(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct made m = made_cell(cell_at(k), 1, 1);

		for (int t = 0; t < m.t->T; t++)
			for (int u = 0; u < m.t->H; u++)
				check_unit(&m, 0, t, u, u % 3 ? u : ALL);
		unmake(&m);
	}
}

static void layers_and_directions_do_too(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct made m = made_cell(cell_at(k), 2, 2);

		for (int run = 0; run < 4; run++)
			for (int t = 0; t < m.t->T; t += 2)
				check_unit(&m, run, t, t, 3);
		unmake(&m);
	}
}

/* The lines of a cell by their left sides. */
static const char *lefts(const char *cell)
{
	static char all[200];
	char left[EQUATION_NAME];

	*all = '\0';
	for (int k = 0; *equations_left(cell_find(cell), k, left); k++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", k ? " " : "", left);
	return all;
}

static void lines_come_in_the_order_of_computing(void **state)
{
	(void)state;
	assert_string_equal(lefts("standard"), "z_i i z_f f z_g g z_o o c h");
	assert_string_equal(lefts("article"), "z_i i z_f f z_g g c z_o o h");
	assert_string_equal(lefts("V"), "z_i i z_f f z_g g c z_o o h");
	assert_string_equal(lefts("NP"), "z_i i z_f f z_g g z_o o c h");
	assert_string_equal(lefts("NIG"), "i z_f f z_g g c z_o o h");
	assert_string_equal(lefts("NFG"), "z_i i f z_g g c z_o o h");
	assert_string_equal(lefts("NOG"), "z_i i z_f f z_g g o c h");
	assert_string_equal(lefts("CIFG"), "z_i i f z_g g c z_o o h");
	assert_string_equal(lefts("gru_after"), "z_r r z_z z z_n n h");
}

static void check_right(const char *cell, const char *left, const char *want)
{
	struct made m = made_cell(cell_find(cell), 1, 1);
	struct equations e;

	equations_fill(&e, m.t, 0, 2, 1, 2);
	assert_string_equal(equations_find(&e, left)->right, want);
	assert_null(equations_find(&e, "q"));
	equations_release(&e);
	unmake(&m);
}

static void lines_are_written_in_symbols(void **state)
{
	(void)state;
	check_right("standard", "z_f", "W_f·x + U_f·h' + b_f");
	check_right("standard", "f", "σ(z_f)");
	check_right("standard", "c", "f·c' + i·g");
	check_right("standard", "h", "o·tanh(c)");
	check_right("article", "c", "g·c' + (1−f)·i·g");
	check_right("article", "z_o", "U_o·h' + W_o·c + b_o");
	check_right("V", "z_f", "W_f·x + U_f·h' + p_f·c' + b_f");
	check_right("V", "z_o", "W_o·x + U_o·h' + p_o·c + b_o");
	check_right("NIG", "i", "1");
	check_right("NIG", "c", "f·c' + g");
	check_right("NFG", "c", "1·c' + i·g");
	check_right("NOG", "h", "tanh(c)");
	check_right("NIAF", "g", "z_g");
	check_right("NOAF", "h", "o·c");
	check_right("CIFG", "f", "1 − i");
	check_right("CIFG", "c", "(1−i)·c' + i·g");
	check_right("FGR", "z_f", "W_f·x + U_f·h' + p_f·c' + R_if·i' + R_ff·f' + R_of·o' + b_f");
	check_right("gru_after", "z_n", "W_n·x + r·(U_n·h' + bh_n) + b_n");
	check_right("gru_before", "z_n", "W_n·x + U_n·(r·h') + b_n");
	check_right("gru_after", "h", "z·h' + (1−z)·n");
}

static long in_units(double v, int decimals)
{
	const double u = v * pow(10, decimals);

	assert_true(fabs(u - rint(u)) < 1e-6);
	return (long)rint(u);
}

static void check_rounded(const struct equations *e, const struct equations *was, int decimals)
{
	for (int k = 0; k < e->lines; k++) {
		const struct equation *l = &e->line[k];
		long sum = 0;

		for (int j = 0; j < l->terms; j++) {
			const struct equation_term *m = &l->term[j];
			long parts = m->others ? in_units(m->rest, decimals) : 0;

			for (int i = 0; i < m->parts; i++) {
				parts += in_units(m->part[i].value, decimals);
				assert_true(fabs(m->part[i].value -
						 was->line[k].term[j].part[i].value) <
					    1.5001 * pow(10, -decimals));
			}
			if (m->parts && !m->product)
				assert_int_equal(parts, in_units(m->value, decimals));
			sum += in_units(m->value, decimals);
		}
		if (l->kind == EQUATION_SUM || l->kind == EQUATION_STATE)
			assert_int_equal(sum, in_units(l->value, decimals));
		assert_true(fabs(l->value - was->line[k].value) < 0.5001 * pow(10, -decimals));
	}
}

static void what_is_printed_adds_up(void **state)
{
	(void)state;
	for (int k = 0; cell_at(k); k++) {
		struct made m = made_cell(cell_at(k), 1, 1);

		for (int u = 0; u < m.t->H; u++)
			for (int decimals = 2; decimals < 5; decimals++)
				for (int top = 0; top < 8; top++) {
					struct equations e, was;

					equations_fill(&e, m.t, 0, u % m.t->T, u, top);
					equations_fill(&was, m.t, 0, u % m.t->T, u, top);
					equations_round(&e, decimals);
					check_rounded(&e, &was, decimals);
					equations_release(&e);
					equations_release(&was);
				}
		unmake(&m);
	}
}

/* What is set by hand stands, beside what its line comes to; what follows is computed from it. */
static void edits_stand_as_they_are(void **state)
{
	struct made m = made_cell(cell_find("V"), 1, 1);
	struct edit *edit;
	struct equations e;
	struct trace *t;
	int n;

	(void)state;
	assert_true(edit_parse(m.t, "f[2] = 0.25 @3", 0, -1, &edit, &n, NULL));
	t = whatif(m.t, edit, n, NULL);
	assert_non_null(t);
	equations_fill(&e, t, 0, 2, 2, 2);
	assert_true(equations_find(&e, "f")->set);
	assert_false(equations_find(&e, "i")->set);
	assert_false(equations_find(&e, "z_f")->set);
	assert_true(value_of(&e, "f") == 0.25);
	assert_true(fabs(equations_find(&e, "f")->comes_to - 1 / (1 + exp(-value_of(&e, "z_f")))) <
		    exact);
	assert_true(fabs(0.25 * e.old + value_of(&e, "i") * value_of(&e, "g") - value_of(&e, "c")) <
		    exact);
	equations_release(&e);
	equations_fill(&e, t, 0, 3, 2, 2);
	assert_false(equations_find(&e, "f")->set);
	equations_release(&e);
	trace_free(t);
	free(edit);
	assert_true(edit_parse(m.t, "c = 2", 0, -1, &edit, &n, NULL));
	t = whatif(m.t, edit, n, NULL);
	equations_fill(&e, t, 0, 1, 3, 2);
	assert_true(equations_find(&e, "c")->set);
	assert_true(value_of(&e, "c") == 2 && e.old == 2 && e.state == 2);
	assert_true(fabs(equations_find(&e, "c")->residual) > 0.1);
	assert_true(fabs(value_of(&e, "h") - value_of(&e, "o") * tanh(2)) < exact);
	equations_round(&e, 3);
	assert_true(value_of(&e, "c") == 2);
	equations_release(&e);
	trace_free(t);
	free(edit);
	unmake(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_comes_to_its_value),
		cmocka_unit_test(layers_and_directions_do_too),
		cmocka_unit_test(lines_come_in_the_order_of_computing),
		cmocka_unit_test(lines_are_written_in_symbols),
		cmocka_unit_test(what_is_printed_adds_up),
		cmocka_unit_test(edits_stand_as_they_are),
	};

	blas_single_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cases of kinds cell and stack: any mask, given initial states and dropout masks; every gradient. A
 * cell is a stack of one layer in one direction whose gates are compared too. */
#include "engine/base/mem.h"
#include "tests/golden/layers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double weighted(const struct layers *l, const char *name, const double *v, size_t n)
{
	const double *a = layers_values(l, name);
	double sum = 0;

	for (size_t k = 0; a && k < n; k++)
		sum += a[k] * v[k];
	return sum;
}

static void check_gates(struct layers *l, struct compare *c, double tol)
{
	const struct cell_ops *cell = l->s.spec.cell;
	const size_t BTH = l->B * l->T * l->H, G = (size_t)cell->gates;
	double *got;
	char name[GOLDEN_NAME];

	for (size_t q = 0; q < G; q++) {
		snprintf(name, sizeof(name), "out.gate_%s", cell->gate[q].name);
		got = layers_unpack(l, l->tape.run[0].z + q * l->H, G * l->H, l->H);
		compare_values(c, name, got, BTH, tol, l->keep);
		free(got);
	}
	if (cell->carries_h)
		return;
	got = layers_unpack(l, l->tape.run[0].c + l->B * l->H, l->H, l->H);
	compare_values(c, "out.c", got, BTH, tol, l->keep);
	free(got);
}

static void check_forward(struct layers *l, struct compare *c, double tol)
{
	const size_t BTD = l->B * l->T * l->D, all = (size_t)l->s.runs * l->B * l->H;
	struct layers_out out;
	double loss;

	layers_forward(l, &out);
	loss = weighted(l, "in.A_y", out.y, BTD) + weighted(l, "in.A_hT", out.hT, all) +
	       weighted(l, "in.A_cT", out.cT, all);
	compare_values(c, "out.loss", &loss, 1, tol, NULL);
	layers_compare(l, &out, c, tol);
	if (l->single)
		check_gates(l, c, tol);
	layers_out_release(&out);
}

struct grad_check {
	struct compare *c;
	double tol;
};

static void check_tensor(struct layers *l, const char *name, size_t at, size_t n, void *arg)
{
	const struct grad_check *check = arg;
	double *got = mem_alloc(n * sizeof(*got));

	for (size_t j = 0; j < n; j++)
		got[j] = (double)l->grad[at + j];
	compare_values(check->c, name, got, n, check->tol, NULL);
	free(got);
}

static void check_backward(struct layers *l, struct compare *c, double tol)
{
	const size_t all = (size_t)l->s.runs * l->B * l->H;
	double *h0 = mem_zero(all, sizeof(*h0)), *c0 = mem_zero(all, sizeof(*c0)), *dx;

	layers_pack(l, layers_values(l, "in.A_y"), l->D, l->dy);
	for (int k = 0; k < l->s.runs; k++) {
		layers_rows_in(l, "in.A_hT", k, l->tape.dh[k]);
		layers_rows_in(l, "in.A_cT", k, l->tape.dc[k]);
	}
	stack_backward(&l->s, l->weights, &l->tape, l->dy, l->grad, l->dx);
	layers_drop_input(l, l->dx);
	for (int k = 0; k < l->s.runs; k++) {
		layers_rows_out(l, l->tape.dh[k], k, h0);
		layers_rows_out(l, l->tape.dc[k], k, c0);
	}
	layers_each_tensor(l, "grad", check_tensor, &(struct grad_check){c, tol});
	dx = layers_unpack(l, l->dx, l->E, l->E);
	compare_values(c, "grad.x", dx, l->B * l->T * l->E, tol, NULL);
	compare_values(c, "grad.h0", h0, all, tol, NULL);
	if (!l->s.spec.cell->carries_h)
		compare_values(c, "grad.c0", c0, all, tol, NULL);
	free(dx);
	free(h0);
	free(c0);
}

/* Whether the gates sit in the flat parts of sigma, where float32 keeps fewer digits. */
static bool saturated(const struct golden *g)
{
	const struct golden_array *f = golden_find(g, "out.gate_f");
	double room = 0;

	for (size_t k = 0; f && k < f->count; k++)
		room += fmin(fabs(f->v[k]), fabs(1 - f->v[k]));
	return f && f->count && room / (double)f->count < 0.1;
}

int case_layers(const struct golden *g, const char *path)
{
	const bool exact = sizeof(real) == sizeof(double), flat = saturated(g);
	struct compare c = {.g = g, .path = path};
	struct layers l;

	if (!layers_open(&l, g))
		return CASE_SKIP;
	check_forward(&l, &c, exact ? 1e-8 : flat ? 2e-5 : 2e-6);
	check_backward(&l, &c, exact ? 1e-8 : flat ? 4e-5 : 1e-5);
	layers_release(&l);
	return compare_done(&c);
}

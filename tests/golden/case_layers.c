/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cases of kinds cell and stack: any mask, given initial states and dropout masks; every gradient. A
 * cell is a stack of one layer in one direction whose gates are compared too. */
#include "engine/base/mem.h"
#include "engine/nn/stack.h"
#include "tests/golden/cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct layers {
	const struct golden *g;
	struct stack s;
	size_t B, T, E, H, D, N;
	bool single; /* kind cell: names without a prefix */
	int *row;    /* B: which row of the file each packed row is, most steps first */
	int *when;   /* (B, T): the file's time of step k of packed row r */
	int *len;    /* B */
	struct steps steps;
	struct stack_tape tape;
	real *weights, *grad, *block, *x, *dy, *dx, *drop_h;
};

static const double *values(const struct layers *l, const char *name)
{
	const struct golden_array *a = golden_find(l->g, name);

	return a ? a->v : NULL;
}

/* A row runs over its unmasked steps; rows are sorted by their number. */
static void plan_rows(struct layers *l)
{
	const double *mask = values(l, "in.mask");
	int *count = mem_zero(l->B, sizeof(*count));

	l->row = mem_zero(l->B, sizeof(int));
	l->len = mem_zero(l->B, sizeof(int));
	l->when = mem_zero(l->B * l->T, sizeof(int));
	for (size_t b = 0; b < l->B; b++) {
		size_t at = b;

		for (size_t t = 0; t < l->T; t++)
			count[b] += !mask || mask[b * l->T + t] != 0;
		for (; at > 0 && count[l->row[at - 1]] < count[b]; at--)
			l->row[at] = l->row[at - 1];
		l->row[at] = (int)b;
	}
	for (size_t r = 0; r < l->B; r++) {
		const size_t b = (size_t)l->row[r];

		for (size_t t = 0; t < l->T; t++)
			if (!mask || mask[b * l->T + t] != 0)
				l->when[r * l->T + (size_t)l->len[r]++] = (int)t;
	}
	steps_build(&l->steps, l->len, (int)l->B);
	l->N = (size_t)l->steps.N;
	free(count);
}

/* The place in the file's (B, T) of step k of packed row r. */
static size_t place(const struct layers *l, size_t r, int k)
{
	return (size_t)l->row[r] * l->T + (size_t)l->when[r * l->T + (size_t)k];
}

/* Copies between the file's (B, T, width) and the packed (N, width). */
static void pack(const struct layers *l, const double *from, size_t width, real *to)
{
	for (size_t r = 0; from && r < l->B; r++)
		for (int k = 0; k < l->len[r]; k++)
			for (size_t j = 0; j < width; j++)
				to[((size_t)l->steps.offset[k] + r) * width + j] =
					(real)from[place(l, r, k) * width + j];
}

static double *unpack(const struct layers *l, const real *from, size_t stride, size_t width)
{
	double *to = mem_zero(l->B * l->T * width, sizeof(*to));

	for (size_t r = 0; r < l->B; r++)
		for (int k = 0; k < l->len[r]; k++)
			for (size_t j = 0; j < width; j++)
				to[place(l, r, k) * width + j] =
					(double)from[((size_t)l->steps.offset[k] + r) * stride + j];
	return to;
}

/* Copies between the file's (runs, B, H) and one run's (B, H). */
static void rows_in(const struct layers *l, const char *name, int run, real *to)
{
	const double *from = values(l, name);

	for (size_t r = 0; from && r < l->B; r++)
		for (size_t j = 0; j < l->H; j++)
			to[r * l->H + j] =
				(real)from[((size_t)run * l->B + (size_t)l->row[r]) * l->H + j];
}

static void rows_out(const struct layers *l, const real *from, int run, double *to)
{
	for (size_t r = 0; r < l->B; r++)
		for (size_t j = 0; j < l->H; j++)
			to[((size_t)run * l->B + (size_t)l->row[r]) * l->H + j] =
				(double)from[r * l->H + j];
}

/* Calls f for every tensor of every run with its name in the file. */
static void each_tensor(struct layers *l, const char *kind,
			void (*f)(struct layers *l, const char *name, size_t at, size_t n,
				  void *arg),
			void *arg)
{
	for (int run = 0; run < l->s.runs; run++) {
		char plain[16], prefix[16], name[GOLDEN_NAME];

		stack_prefix(&l->s, run, prefix);
		for (int k = 0; cell_tensor_name(l->s.spec.cell, k, plain); k++) {
			size_t at;
			int rows, cols;

			cell_tensor(l->s.spec.cell, &l->s.run[run].at, plain, &at, &rows, &cols);
			snprintf(name, sizeof(name), "%s.%s%s", kind, l->single ? "" : prefix,
				 plain);
			f(l, name, at, (size_t)(rows * (cols ? cols : 1)), arg);
		}
	}
}

static void load_tensor(struct layers *l, const char *name, size_t at, size_t n, void *arg)
{
	const double *v = values(l, name);
	(void)arg;

	for (size_t j = 0; v && j < n; j++)
		l->weights[at + j] = (real)v[j];
}

static void drop_input(const struct layers *l, real *x)
{
	const double *drop = values(l, "in.drop_x");

	for (size_t r = 0; drop && r < l->B; r++)
		for (int k = 0; k < l->len[r]; k++)
			for (size_t j = 0; j < l->E; j++)
				x[((size_t)l->steps.offset[k] + r) * l->E + j] *=
					(real)drop[(size_t)l->row[r] * l->E + j];
}

static void load(struct layers *l)
{
	real *at;

	l->weights = mem_zero(l->s.size, sizeof(real));
	l->grad = mem_zero(l->s.size, sizeof(real));
	l->block = at = mem_zero(stack_room(&l->s, l->B, l->N), sizeof(real));
	l->x = mem_zero(l->N * l->E, sizeof(real));
	l->dx = mem_zero(l->N * l->E, sizeof(real));
	l->dy = mem_zero(l->N * l->D, sizeof(real));
	l->drop_h = mem_zero(l->B * l->H, sizeof(real));
	each_tensor(l, "par", load_tensor, NULL);
	stack_lay(&l->s, &l->tape, &l->steps, &at);
	pack(l, values(l, "in.x"), l->E, l->x);
	drop_input(l, l->x);
	l->tape.x = l->x;
	rows_in(l, "in.drop_h", 0, l->drop_h);
	if (values(l, "in.drop_h"))
		l->tape.run[0].drop_h = l->drop_h;
	for (int k = 0; k < l->s.runs; k++) {
		rows_in(l, "in.h0", k, l->tape.run[k].h);
		rows_in(l, "in.c0", k, l->tape.run[k].c);
	}
}

static void release(struct layers *l)
{
	void *all[] = {l->row,   l->when, l->len, l->weights, l->grad,
		       l->block, l->x,    l->dx,  l->dy,      l->drop_h};

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		free(all[k]);
	steps_release(&l->steps);
	stack_tape_release(&l->tape);
}

static double weighted(const struct layers *l, const char *name, const double *v, size_t n)
{
	const double *a = values(l, name);
	double sum = 0;

	for (size_t k = 0; a && k < n; k++)
		sum += a[k] * v[k];
	return sum;
}

static void check_gates(struct layers *l, struct compare *c, double tol, const double *keep)
{
	const struct cell_ops *cell = l->s.spec.cell;
	const size_t BTH = l->B * l->T * l->H, G = (size_t)cell->gates;
	double *got;
	char name[GOLDEN_NAME];

	for (size_t q = 0; q < G; q++) {
		snprintf(name, sizeof(name), "out.gate_%s", cell->gate[q].name);
		got = unpack(l, l->tape.run[0].z + q * l->H, G * l->H, l->H);
		compare_values(c, name, got, BTH, tol, keep);
		free(got);
	}
	if (cell->carries_h)
		return;
	got = unpack(l, l->tape.run[0].c + l->B * l->H, l->H, l->H);
	compare_values(c, "out.c", got, BTH, tol, keep);
	free(got);
}

static void check_forward(struct layers *l, struct compare *c, double tol, const double *keep)
{
	const size_t BTD = l->B * l->T * l->D, BH = l->B * l->H, runs = (size_t)l->s.runs;
	real *last = mem_zero(BH, sizeof(*last));
	double *y = unpack(l, l->tape.y, l->D, l->D), *hT = mem_zero(runs * BH, sizeof(*hT));
	double *cT = mem_zero(runs * BH, sizeof(*cT)), loss;

	for (int k = 0; k < l->s.runs; k++) {
		recur_last(&l->steps, (int)l->H, l->tape.run[k].h, last);
		rows_out(l, last, k, hT);
		recur_last(&l->steps, (int)l->H, l->tape.run[k].c, last);
		rows_out(l, last, k, cT);
	}
	loss = weighted(l, "in.A_y", y, BTD) + weighted(l, "in.A_hT", hT, runs * BH) +
	       weighted(l, "in.A_cT", cT, runs * BH);
	compare_values(c, "out.loss", &loss, 1, tol, NULL);
	compare_values(c, "out.hT", hT, runs * BH, tol, NULL);
	compare_values(c, "out.y", y, BTD, tol, keep);
	if (!l->s.spec.cell->carries_h)
		compare_values(c, "out.cT", cT, runs * BH, tol, NULL);
	if (l->single)
		check_gates(l, c, tol, keep);
	free(y);
	free(hT);
	free(cT);
	free(last);
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

	pack(l, values(l, "in.A_y"), l->D, l->dy);
	for (int k = 0; k < l->s.runs; k++) {
		rows_in(l, "in.A_hT", k, l->tape.dh[k]);
		rows_in(l, "in.A_cT", k, l->tape.dc[k]);
	}
	stack_backward(&l->s, l->weights, &l->tape, l->dy, l->grad, l->dx);
	drop_input(l, l->dx);
	for (int k = 0; k < l->s.runs; k++) {
		rows_out(l, l->tape.dh[k], k, h0);
		rows_out(l, l->tape.dc[k], k, c0);
	}
	each_tensor(l, "grad", check_tensor, &(struct grad_check){c, tol});
	dx = unpack(l, l->dx, l->E, l->E);
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
	struct layers l = {.g = g, .single = g->kind == GOLDEN_CELL};
	struct compare c = {.g = g, .path = path};
	const double *mask = values(&l, "in.mask");
	const struct stack_spec spec = {.cell = cell_find_code(golden_int(g, "cfg.cell", -1)),
					.E = golden_int(g, "cfg.E", 0),
					.H = golden_int(g, "cfg.H", 0),
					.layers = golden_int(g, "cfg.layers", 1),
					.dirs = golden_int(g, "cfg.dirs", 1)};
	double *keep = NULL;

	if (!spec.cell || !stack_plan(&l.s, &spec, 0, NULL))
		return CASE_SKIP;
	l.B = (size_t)golden_int(g, "cfg.B", 0);
	l.T = (size_t)golden_int(g, "cfg.T", 0);
	l.E = (size_t)spec.E;
	l.H = (size_t)spec.H;
	l.D = (size_t)l.s.D;
	if (mask) {
		keep = mem_zero(l.B * l.T * l.D, sizeof(*keep));
		for (size_t k = 0; k < l.B * l.T * l.D; k++)
			keep[k] = mask[k / l.D];
	}
	plan_rows(&l);
	load(&l);
	stack_forward(&l.s, l.weights, &l.tape);
	check_forward(&l, &c, exact ? 1e-8 : flat ? 2e-5 : 2e-6, keep);
	check_backward(&l, &c, exact ? 1e-8 : flat ? 4e-5 : 1e-5);
	release(&l);
	free(keep);
	return compare_done(&c);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cell cases: one layer with any mask, given initial states and dropout masks; every gradient. */
#include "engine/base/mem.h"
#include "engine/nn/recur.h"
#include "tests/golden/cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct layer {
	const struct golden *g;
	struct recur r;
	size_t B, T, E, H, G, N;
	int *row;  /* B: which row of the file each packed row is, most steps first */
	int *when; /* (B, T): the file's time of step k of packed row r */
	int *len;  /* B */
	struct steps steps;
	real *weights, *grad;
	struct recur_tape tape;
	real *x, *z, *gates, *dy, *dx, *dh, *dc, *drop_h;
};

static const double *values(const struct layer *l, const char *name)
{
	const struct golden_array *a = golden_find(l->g, name);

	return a ? a->v : NULL;
}

/* A row runs over its unmasked steps; rows are sorted by their number. */
static void plan_rows(struct layer *l)
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

/* Copies between the file's (B, T, width) and the packed (N, width). */
static void pack(const struct layer *l, const double *from, size_t width, real *to)
{
	for (size_t r = 0; r < l->B; r++)
		for (int k = 0; k < l->len[r]; k++)
			for (size_t j = 0; j < width; j++)
				to[((size_t)l->steps.offset[k] + r) * width + j] =
					(real)from[((size_t)l->row[r] * l->T +
						    (size_t)l->when[r * l->T + (size_t)k]) *
							   width +
						   j];
}

static double *unpack(const struct layer *l, const real *from, size_t stride, size_t width)
{
	double *to = mem_zero(l->B * l->T * width, sizeof(*to));

	for (size_t r = 0; r < l->B; r++)
		for (int k = 0; k < l->len[r]; k++)
			for (size_t j = 0; j < width; j++)
				to[((size_t)l->row[r] * l->T +
				    (size_t)l->when[r * l->T + (size_t)k]) *
					   width +
				   j] = (double)from[((size_t)l->steps.offset[k] + r) * stride + j];
	return to;
}

static void rows_in(const struct layer *l, const char *name, real *to)
{
	const double *from = values(l, name);

	for (size_t r = 0; from && r < l->B; r++)
		for (size_t j = 0; j < l->H; j++)
			to[r * l->H + j] = (real)from[(size_t)l->row[r] * l->H + j];
}

static double *rows_out(const struct layer *l, const real *from)
{
	double *to = mem_zero(l->B * l->H, sizeof(*to));

	for (size_t r = 0; r < l->B; r++)
		for (size_t j = 0; j < l->H; j++)
			to[(size_t)l->row[r] * l->H + j] = (double)from[r * l->H + j];
	return to;
}

static void load_weights(struct layer *l)
{
	char plain[16], name[GOLDEN_NAME];

	l->weights = mem_zero(l->r.at.size, sizeof(real));
	l->grad = mem_zero(l->r.at.size, sizeof(real));
	for (int k = 0; cell_tensor_name(l->r.cell, k, plain); k++) {
		size_t at;
		int rows, cols;

		cell_tensor(l->r.cell, &l->r.at, plain, &at, &rows, &cols);
		snprintf(name, sizeof(name), "par.%s", plain);
		for (int j = 0; values(l, name) && j < rows * (cols ? cols : 1); j++)
			l->weights[at + (size_t)j] = (real)values(l, name)[j];
	}
}

static void drop_input(const struct layer *l, real *x)
{
	const double *drop = values(l, "in.drop_x");

	for (size_t r = 0; drop && r < l->B; r++)
		for (int k = 0; k < l->len[r]; k++)
			for (size_t j = 0; j < l->E; j++)
				x[((size_t)l->steps.offset[k] + r) * l->E + j] *=
					(real)drop[(size_t)l->row[r] * l->E + j];
}

static void load(struct layer *l)
{
	const size_t BN = l->B + l->N;

	load_weights(l);
	l->x = mem_zero(l->N * l->E, sizeof(real));
	l->z = mem_zero(l->N * l->G * l->H, sizeof(real));
	l->gates = mem_zero(l->N * l->G * l->H, sizeof(real));
	l->dy = mem_zero(l->N * l->H, sizeof(real));
	l->dx = mem_zero(l->N * l->E, sizeof(real));
	l->dh = mem_zero(l->B * l->H, sizeof(real));
	l->dc = mem_zero(l->B * l->H, sizeof(real));
	l->drop_h = mem_zero(l->B * l->H, sizeof(real));
	pack(l, values(l, "in.x"), l->E, l->x);
	drop_input(l, l->x);
	rows_in(l, "in.drop_h", l->drop_h);
	l->tape = (struct recur_tape){
		.steps = &l->steps,
		.x = l->x,
		.drop_h = values(l, "in.drop_h") ? l->drop_h : NULL,
		.z = l->z,
		.h_in = mem_zero(l->N * l->H, sizeof(real)),
		.c = mem_zero(BN * l->H, sizeof(real)),
		.scratch = mem_zero(l->B * (l->G + 1) * l->H, sizeof(real)),
		.h = mem_zero(BN * l->H, sizeof(real)),
	};
	rows_in(l, "in.h0", l->tape.h);
	rows_in(l, "in.c0", l->tape.c);
}

static void release(struct layer *l)
{
	void *all[] = {l->row,    l->when,      l->len,    l->weights, l->grad,        l->x,
		       l->z,      l->gates,     l->dy,     l->dx,      l->dh,          l->dc,
		       l->drop_h, l->tape.h_in, l->tape.c, l->tape.h,  l->tape.scratch};

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		free(all[k]);
	steps_release(&l->steps);
}

static void compare_free(struct compare *c, const char *name, double *got, size_t n, double tol,
			 const double *keep)
{
	compare_values(c, name, got, n, tol, keep);
	free(got);
}

static double loss_of(const struct layer *l, const double *y, const double *hT, const double *cT)
{
	const double *A_y = values(l, "in.A_y"), *A_h = values(l, "in.A_hT"),
		     *A_c = values(l, "in.A_cT");
	double loss = 0;

	for (size_t k = 0; k < l->B * l->T * l->H; k++)
		loss += A_y[k] * y[k];
	for (size_t k = 0; k < l->B * l->H; k++)
		loss += A_h[k] * hT[k] + (A_c ? A_c[k] * cT[k] : 0);
	return loss;
}

static void check_forward(struct layer *l, struct compare *c, double tol, const double *keep)
{
	const size_t BTH = l->B * l->T * l->H, BH = l->B * l->H;
	real *last = mem_zero(BH, sizeof(*last));
	double *y = unpack(l, l->tape.h + BH, l->H, l->H), *hT, *cT, loss;
	char name[GOLDEN_NAME];

	recur_last(&l->steps, (int)l->H, l->tape.h, last);
	hT = rows_out(l, last);
	recur_last(&l->steps, (int)l->H, l->tape.c, last);
	cT = rows_out(l, last);
	loss = loss_of(l, y, hT, cT);
	compare_values(c, "out.loss", &loss, 1, tol, NULL);
	compare_free(c, "out.hT", hT, BH, tol, NULL);
	compare_free(c, "out.y", y, BTH, tol, keep);
	if (!l->r.cell->carries_h) {
		compare_values(c, "out.cT", cT, BH, tol, NULL);
		compare_free(c, "out.c", unpack(l, l->tape.c + BH, l->H, l->H), BTH, tol, keep);
	}
	free(cT);
	for (size_t q = 0; q < l->G; q++) {
		snprintf(name, sizeof(name), "out.gate_%s", l->r.cell->gate[q].name);
		compare_free(c, name, unpack(l, l->z + q * l->H, l->G * l->H, l->H), BTH, tol,
			     keep);
	}
	free(last);
}

static void check_backward(struct layer *l, struct compare *c, double tol)
{
	char plain[16], name[GOLDEN_NAME];

	pack(l, values(l, "in.A_y"), l->H, l->dy);
	rows_in(l, "in.A_hT", l->dh);
	rows_in(l, "in.A_cT", l->dc);
	recur_backward(&l->r, l->weights, &l->tape, l->dy, l->dh, l->dc, l->grad, l->dx);
	drop_input(l, l->dx);
	for (int k = 0; cell_tensor_name(l->r.cell, k, plain); k++) {
		size_t at, n;
		int rows, cols;
		double *got;

		cell_tensor(l->r.cell, &l->r.at, plain, &at, &rows, &cols);
		n = (size_t)(rows * (cols ? cols : 1));
		got = mem_alloc(n * sizeof(*got));
		for (size_t j = 0; j < n; j++)
			got[j] = (double)l->grad[at + j];
		snprintf(name, sizeof(name), "grad.%s", plain);
		compare_free(c, name, got, n, tol, NULL);
	}
	compare_free(c, "grad.x", unpack(l, l->dx, l->E, l->E), l->B * l->T * l->E, tol, NULL);
	compare_free(c, "grad.h0", rows_out(l, l->dh), l->B * l->H, tol, NULL);
	if (!l->r.cell->carries_h)
		compare_free(c, "grad.c0", rows_out(l, l->dc), l->B * l->H, tol, NULL);
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

int case_cell(const struct golden *g, const char *path)
{
	const bool exact = sizeof(real) == sizeof(double), flat = saturated(g);
	struct layer l = {.g = g, .r.cell = cell_find_code(golden_int(g, "cfg.cell", -1))};
	struct compare c = {.g = g, .path = path};
	const double *mask = values(&l, "in.mask");
	double *keep = NULL;

	if (!l.r.cell)
		return CASE_SKIP;
	l.B = (size_t)golden_int(g, "cfg.B", 0);
	l.T = (size_t)golden_int(g, "cfg.T", 0);
	l.E = (size_t)golden_int(g, "cfg.E", 0);
	l.H = (size_t)golden_int(g, "cfg.H", 0);
	l.G = (size_t)l.r.cell->gates;
	l.r.at = cell_layout(l.r.cell, (int)l.E, (int)l.H, 0);
	if (mask) {
		keep = mem_zero(l.B * l.T * l.H, sizeof(*keep));
		for (size_t k = 0; k < l.B * l.T * l.H; k++)
			keep[k] = mask[k / l.H];
	}
	plan_rows(&l);
	load(&l);
	recur_forward(&l.r, l.weights, &l.tape);
	check_forward(&l, &c, exact ? 1e-8 : flat ? 2e-5 : 2e-6, keep);
	check_backward(&l, &c, exact ? 1e-8 : flat ? 4e-5 : 1e-5);
	release(&l);
	free(keep);
	return compare_done(&c);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/golden/layers.h"

#include "engine/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

const double *layers_values(const struct layers *l, const char *name)
{
	const struct golden_array *a = golden_find(l->g, name);

	return a ? a->v : NULL;
}

/* A row runs over its unmasked steps; rows are sorted by their number. */
static void plan_rows(struct layers *l)
{
	const double *mask = layers_values(l, "in.mask");
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

void layers_pack(const struct layers *l, const double *from, size_t width, real *to)
{
	for (size_t r = 0; from && r < l->B; r++)
		for (int k = 0; k < l->len[r]; k++)
			for (size_t j = 0; j < width; j++)
				to[((size_t)l->steps.offset[k] + r) * width + j] =
					(real)from[place(l, r, k) * width + j];
}

double *layers_unpack(const struct layers *l, const real *from, size_t stride, size_t width)
{
	double *to = mem_zero(l->B * l->T * width, sizeof(*to));

	for (size_t r = 0; r < l->B; r++)
		for (int k = 0; k < l->len[r]; k++)
			for (size_t j = 0; j < width; j++)
				to[place(l, r, k) * width + j] =
					(double)from[((size_t)l->steps.offset[k] + r) * stride + j];
	return to;
}

void layers_rows_in(const struct layers *l, const char *name, int run, real *to)
{
	const double *from = layers_values(l, name);

	for (size_t r = 0; from && r < l->B; r++)
		for (size_t j = 0; j < l->H; j++)
			to[r * l->H + j] =
				(real)from[((size_t)run * l->B + (size_t)l->row[r]) * l->H + j];
}

void layers_rows_out(const struct layers *l, const real *from, int run, double *to)
{
	for (size_t r = 0; r < l->B; r++)
		for (size_t j = 0; j < l->H; j++)
			to[((size_t)run * l->B + (size_t)l->row[r]) * l->H + j] =
				(double)from[r * l->H + j];
}

void layers_each_tensor(struct layers *l, const char *kind,
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
	const double *v = layers_values(l, name);
	(void)arg;

	for (size_t j = 0; v && j < n; j++)
		l->weights[at + j] = (real)v[j];
}

void layers_drop_input(const struct layers *l, real *x)
{
	const double *drop = layers_values(l, "in.drop_x");

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
	l->block = at =
		mem_zero(stack_room(&l->s, (struct arithmetic){0}, l->B, l->N), sizeof(real));
	l->x = mem_zero(l->N * l->E, sizeof(real));
	l->dx = mem_zero(l->N * l->E, sizeof(real));
	l->dy = mem_zero(l->N * l->D, sizeof(real));
	l->drop_h = mem_zero(l->B * l->H, sizeof(real));
	layers_each_tensor(l, "par", load_tensor, NULL);
	stack_lay(&l->s, &l->tape, &l->steps, &at);
	layers_pack(l, layers_values(l, "in.x"), l->E, l->x);
	layers_drop_input(l, l->x);
	l->tape.x = l->x;
	layers_rows_in(l, "in.drop_h", 0, l->drop_h);
	if (layers_values(l, "in.drop_h"))
		l->tape.run[0].drop_h = l->drop_h;
	for (int k = 0; k < l->s.runs; k++) {
		layers_rows_in(l, "in.h0", k, l->tape.run[k].h);
		layers_rows_in(l, "in.c0", k, l->tape.run[k].c);
	}
}

void layers_release(struct layers *l)
{
	void *all[] = {l->row, l->when, l->len, l->weights, l->grad, l->block,
		       l->x,   l->dx,   l->dy,  l->drop_h,  l->keep};

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		free(all[k]);
	steps_release(&l->steps);
	stack_tape_release(&l->tape);
}

bool layers_open(struct layers *l, const struct golden *g)
{
	const int standard = g->kind == GOLDEN_LAYOUT ? 0 : -1;
	const struct stack_spec spec = {.cell = cell_find_code(golden_int(g, "cfg.cell", standard)),
					.E = golden_int(g, "cfg.E", 0),
					.H = golden_int(g, "cfg.H", 0),
					.layers = golden_int(g, "cfg.layers", 1),
					.dirs = golden_int(g, "cfg.dirs", 1)};
	const double *mask;

	*l = (struct layers){.g = g, .single = g->kind != GOLDEN_STACK};
	if (!spec.cell || !stack_plan(&l->s, &spec, 0, NULL))
		return false;
	l->B = (size_t)golden_int(g, "cfg.B", 0);
	l->T = (size_t)golden_int(g, "cfg.T", 0);
	l->E = (size_t)spec.E;
	l->H = (size_t)spec.H;
	l->D = (size_t)l->s.D;
	mask = layers_values(l, "in.mask");
	if (mask) {
		l->keep = mem_zero(l->B * l->T * l->D, sizeof(*l->keep));
		for (size_t k = 0; k < l->B * l->T * l->D; k++)
			l->keep[k] = mask[k / l->D];
	}
	plan_rows(l);
	load(l);
	return true;
}

void layers_forward(struct layers *l, struct layers_out *out)
{
	const size_t BH = l->B * l->H, runs = (size_t)l->s.runs;
	real *last = mem_zero(BH, sizeof(*last));

	stack_forward(&l->s, l->weights, &l->tape);
	out->y = layers_unpack(l, l->tape.y, l->D, l->D);
	out->hT = mem_zero(runs * BH, sizeof(*out->hT));
	out->cT = mem_zero(runs * BH, sizeof(*out->cT));
	for (int k = 0; k < l->s.runs; k++) {
		recur_last(&l->steps, (int)l->H, l->tape.run[k].h, last);
		layers_rows_out(l, last, k, out->hT);
		recur_last(&l->steps, (int)l->H, l->tape.run[k].c, last);
		layers_rows_out(l, last, k, out->cT);
	}
	free(last);
}

void layers_compare(const struct layers *l, const struct layers_out *out, struct compare *c,
		    double tol)
{
	const size_t all = (size_t)l->s.runs * l->B * l->H;

	compare_values(c, "out.hT", out->hT, all, tol, NULL);
	compare_values(c, "out.y", out->y, l->B * l->T * l->D, tol, l->keep);
	if (!l->s.spec.cell->carries_h)
		compare_values(c, "out.cT", out->cT, all, tol, NULL);
}

void layers_out_release(struct layers_out *out)
{
	free(out->y);
	free(out->hT);
	free(out->cT);
}

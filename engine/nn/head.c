/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/head.h"

#include "engine/math/kernels.h"
#include "engine/math/lay.h"

#include <string.h>

int head_rows(int C, struct arithmetic how)
{
	const int rows = 3500000 / (1 + how.others) / C;

	return rows < 32 ? 32 : rows > 4096 ? 4096 : rows;
}

/* One row's scores to probabilities; what it adds to the tally. */
static void score_row(const struct head *h, real smoothing, real *p, int target, struct tally *t)
{
	const double hit = target >= 0 ? (double)p[target] : 0;
	struct softmax s;
	double sum = 0;

	for (int k = 0; smoothing > 0 && k < h->C; k++)
		sum += (double)p[k];
	s = softmax_row(p, h->C);
	if (target < 0)
		return;
	t->loss += s.log_sum - (1 - (double)smoothing) * hit - (double)smoothing * sum / h->C;
	t->correct += p[target] >= s.top;
	t->count++;
}

/* dL/d scores from the probabilities. */
static void into_scores(const struct head *h, const struct head_pass *p, real *d, int target)
{
	const real even = p->smoothing / (real)h->C * p->scale;

	if (target < 0) {
		memset(d, 0, (size_t)h->C * sizeof(real));
		return;
	}
	for (int k = 0; k < h->C; k++)
		d[k] = d[k] * p->scale - even;
	d[target] -= (1 - p->smoothing) * p->scale;
}

size_t head_room(int C, int K, struct arithmetic how)
{
	return how.precision == PRECISION_F32
		       ? 0
		       : 2 * lay_size(factor_size(C, K)) + cross_size(how, K);
}

/* W for the way there and back, and the room that is left. */
struct ready {
	struct factor there, back;
	real *room;
};

static struct ready make_ready(const struct head *h, const struct head_pass *p)
{
	const struct cmat W = cmat_of(h->W, h->C, h->K);
	const size_t size =
		p->how.precision == PRECISION_F32 ? 0 : lay_size(factor_size(h->C, h->K));
	struct ready r = {.room = p->room};

	r.there = factor_of(p->how, FACTOR_ONCE, W, true, r.room);
	if (p->dx)
		r.back = factor_of(p->how, FACTOR_ONCE, W, false, r.room + size);
	r.room += size ? 2 * size : 0;
	return r;
}

static void run_block(const struct head *h, const struct head_pass *p, const struct ready *ready,
		      int first, int rows, struct tally *tally)
{
	const size_t C = (size_t)h->C, K = (size_t)h->K, at = (size_t)first;
	real *z = p->prob ? p->prob + at * C : p->block;
	const struct cmat x = cmat_of(p->x + at * K, rows, h->K);
	const int32_t *target = p->target ? p->target + at : NULL;

	factor_mul(mat_of(z, rows, h->C), x, &ready->there, h->b, 0);
	for (int r = 0; r < rows; r++)
		score_row(h, p->smoothing, z + (size_t)r * C, target ? target[r] : -1, tally);
	if (!p->dx)
		return;
	for (int r = 0; r < rows; r++) {
		into_scores(h, p, z + (size_t)r * C, target ? target[r] : -1);
		vec_add(p->db, z + (size_t)r * C, 1, C);
	}
	cross_add(p->how, mat_of(p->dW, h->C, h->K), cmat_of(z, rows, h->C), x, ready->room);
	factor_mul(mat_of(p->dx + at * K, rows, h->K), cmat_of(z, rows, h->C), &ready->back, NULL,
		   0);
}

void head_run(const struct head *h, const struct head_pass *p, struct tally *tally)
{
	const int most = p->prob ? p->rows : head_rows(h->C, p->how);
	const struct ready ready = make_ready(h, p);
	int first = 0;

	for (int blocks = p->rows ? (p->rows + most - 1) / most : 0; blocks; blocks--) {
		const int rows = (p->rows - first + blocks - 1) / blocks; /* as even as can be */

		run_block(h, p, &ready, first, rows, tally);
		first += rows;
	}
}

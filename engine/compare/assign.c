/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/compare/assign.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Costs are -score. Rows and columns count from 1; row 0 is none, column 0 is where a path begins. */
struct table {
	const double *score;
	int n, m;
	double *u, *v; /* n + 1, m + 1: the potentials */
	int *row;      /* m + 1: of each column */
	int *way;      /* m + 1: the column before it on the path */
	double *least; /* m + 1 */
	bool *used;
};

/* One step of the path: the next column, which is nearest to those that are used. */
static int nearest(struct table *t, int column)
{
	const int i = t->row[column];
	double delta = INFINITY;
	int next = 0;

	t->used[column] = true;
	for (int j = 1; j <= t->m; j++) {
		double cost;

		if (t->used[j])
			continue;
		cost = -t->score[(i - 1) * t->m + j - 1] - t->u[i] - t->v[j];
		if (cost < t->least[j]) {
			t->least[j] = cost;
			t->way[j] = column;
		}
		if (t->least[j] < delta) {
			delta = t->least[j];
			next = j;
		}
	}
	for (int j = 0; j <= t->m; j++) {
		if (t->used[j]) {
			t->u[t->row[j]] += delta;
			t->v[j] -= delta;
		} else {
			t->least[j] -= delta;
		}
	}
	return next;
}

static void add_row(struct table *t, int i)
{
	int j = 0;

	t->row[0] = i;
	for (int k = 0; k <= t->m; k++) {
		t->least[k] = INFINITY;
		t->used[k] = false;
	}
	do
		j = nearest(t, j);
	while (t->row[j]);
	while (j) {
		const int before = t->way[j];

		t->row[j] = t->row[before];
		j = before;
	}
}

bool assign_best(const double *score, int n, int m, int *to, const int *cancel)
{
	const size_t cols = (size_t)m + 1;
	struct table t = {.score = score, .n = n, .m = m};
	bool ok = true;

	t.u = mem_zero((size_t)n + 1, sizeof(*t.u));
	t.v = mem_zero(cols, sizeof(*t.v));
	t.row = mem_zero(cols, sizeof(*t.row));
	t.way = mem_zero(cols, sizeof(*t.way));
	t.least = mem_zero(cols, sizeof(*t.least));
	t.used = mem_zero(cols, sizeof(*t.used));
	for (int i = 1; i <= n && ok; i++) {
		ok = !cancel || !__atomic_load_n(cancel, __ATOMIC_RELAXED);
		if (ok)
			add_row(&t, i);
	}
	for (int j = 1; j <= m && ok; j++)
		if (t.row[j])
			to[t.row[j] - 1] = j - 1;
	free(t.u);
	free(t.v);
	free(t.row);
	free(t.way);
	free(t.least);
	free(t.used);
	return ok;
}

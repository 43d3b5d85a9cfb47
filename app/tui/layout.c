/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/layout.h"

static int at_least_0(int v)
{
	return v > 0 ? v : 0;
}

/* Turns panes off until the mins of the others fit; returns what these add up to. */
static long long give_way(int space, const struct pane *pane, int n, bool *on)
{
	long long need = 0;

	for (int k = 0; k < n; k++) {
		on[k] = true;
		need += at_least_0(pane[k].min);
	}
	while (need > space) {
		int first = -1;

		for (int k = 0; k < n; k++)
			if (on[k] && pane[k].min > 0 &&
			    (first < 0 || pane[k].keep <= pane[first].keep))
				first = k;
		on[first] = false;
		need -= pane[first].min;
	}
	return need;
}

void layout_split(int space, const struct pane *pane, int n, int *size)
{
	bool on[LAYOUT_MAX];
	long long weight = 0, over, before = 0;

	n = n < LAYOUT_MAX ? n : LAYOUT_MAX;
	space = at_least_0(space);
	over = space - give_way(space, pane, n, on);
	for (int k = 0; k < n; k++)
		weight += on[k] ? at_least_0(pane[k].weight) : 0;
	for (int k = 0; k < n; k++) {
		size[k] = on[k] ? at_least_0(pane[k].min) : 0;
		if (on[k] && pane[k].weight > 0) {
			/* Differences of rounded running sums: nothing is lost to rounding. */
			const long long after = before + pane[k].weight;

			size[k] += (int)((over * after + weight / 2) / weight -
					 (over * before + weight / 2) / weight);
			before = after;
		}
	}
}

void layout_rows(struct rect r, const struct pane *pane, int n, struct rect *out)
{
	int size[LAYOUT_MAX] = {0}, at = r.row;

	layout_split(r.rows, pane, n, size);
	for (int k = 0; k < n; k++) {
		const int rows = k < LAYOUT_MAX ? size[k] : 0;

		out[k] = (struct rect){at, r.col, rows, r.cols};
		at += rows;
	}
}

void layout_columns(struct rect r, const struct pane *pane, int n, struct rect *out)
{
	int size[LAYOUT_MAX] = {0}, at = r.col;

	layout_split(r.cols, pane, n, size);
	for (int k = 0; k < n; k++) {
		const int cols = k < LAYOUT_MAX ? size[k] : 0;

		out[k] = (struct rect){r.row, at, r.rows, cols};
		at += cols;
	}
}

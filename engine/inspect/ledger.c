/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/ledger.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>

double ledger_half_life(double mean)
{
	return mean < 0 ? log(0.5) / mean : INFINITY;
}

static bool make_room(struct ledger *l)
{
	const size_t H = (size_t)l->H, n = (size_t)l->steps * H;
	double *at = mem_block(4 * n + 6 * H, sizeof(*at));

	if (!at)
		return false;
	l->block = at;
	l->carry = at;
	l->write = at + n;
	l->kept = at + 2 * n;
	l->row = at + 3 * n;
	at += 4 * n;
	l->begin = at;
	l->begin_row = at + H;
	l->sum = at + 2 * H;
	l->state = at + 3 * H;
	l->residual = at + 4 * H;
	l->half_life = at + 5 * H;
	return true;
}

static void fill_unit(struct ledger *l, size_t u)
{
	const size_t H = (size_t)l->H;
	double left = 1, sum = 0, logs = 0;

	for (size_t k = (size_t)l->steps; k-- > 0;) {
		const size_t at = k * H + u;

		l->kept[at] = left;
		l->row[at] = left * l->write[at];
		sum += l->row[at];
		logs += log(fabs(l->carry[at]));
		left *= l->carry[at];
	}
	l->begin_row[u] = left * l->begin[u];
	l->sum[u] = sum + l->begin_row[u];
	l->residual[u] = l->state[u] - l->sum[u];
	l->half_life[u] = ledger_half_life(logs / l->steps);
}

static struct cell_flow flow_at(const struct cell_ops *cell, const struct trace_run *r, size_t at)
{
	double gate[CELL_MAX_GATES] = {0};

	for (int q = 0; q < cell->gates; q++)
		gate[q] = r->gate[q][at];
	return cell->flow(gate);
}

struct ledger_unit ledger_of_unit(const struct cell_ops *cell, const struct trace_run *r, int H,
				  int steps, int unit, double *row)
{
	const double *state = cell->carries_h ? r->h : r->c;
	struct ledger_unit u = {.state = state[steps * H + unit]};
	double left = 1, logs = 0;

	for (int k = steps; k-- > 0;) {
		const struct cell_flow f = flow_at(cell, r, (size_t)k * (size_t)H + (size_t)unit);

		row[k] = left * f.write;
		u.sum += row[k];
		logs += log(fabs(f.carry));
		left *= f.carry;
	}
	u.begin_row = left * state[unit];
	u.sum += u.begin_row;
	u.residual = u.state - u.sum;
	u.half_life = ledger_half_life(logs / steps);
	return u;
}

bool ledger_fill(struct ledger *l, const struct cell_ops *cell, const struct trace_run *r, int H,
		 int steps)
{
	const double *state = cell->carries_h ? r->h : r->c;

	*l = (struct ledger){.steps = steps, .H = H};
	if (!make_room(l))
		return false;
	for (size_t k = 0; k < (size_t)steps * (size_t)H; k++) {
		const struct cell_flow f = flow_at(cell, r, k);

		l->carry[k] = f.carry;
		l->write[k] = f.write;
	}
	for (size_t u = 0; u < (size_t)H; u++) {
		l->begin[u] = state[u];
		l->state[u] = state[(size_t)steps * (size_t)H + u];
		fill_unit(l, u);
	}
	return true;
}

void ledger_release(struct ledger *l)
{
	free(l->block);
	*l = (struct ledger){0};
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/compare/diff.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- signals --------------------------------------------------------------------------------------- */

static const char *const names[] = {"i", "f", "g", "o", "r", "z", "n", "c", "h"};
enum { NAMES = sizeof(names) / sizeof(names[0]), LSTM_GATES = 4, GATES = 7 };

/* Whether a side has a signal, and whether that can be below 0. */
static bool has(const struct diff_side *side, int name, bool *is_signed)
{
	const struct cell_ops *cell = side->r->m->spec.cell;
	const int gate = name < GATES ? cell_gate(cell, names[name]) : -1;

	*is_signed = gate >= 0 ? cell->gate[gate].act != ACT_SIGMOID : name >= GATES;
	if (name >= GATES)
		return *names[name] == 'h' || !cell->carries_h;
	return gate >= 0 || (name < LSTM_GATES && !cell->carries_h);
}

int diff_signals(const struct diff_side side[2], struct diff_signal out[DIFF_SIGNALS])
{
	int n = 0;

	for (int k = 0; k < NAMES; k++) {
		bool a, b;

		if (has(&side[0], k, &a) && has(&side[1], k, &b))
			out[n++] = (struct diff_signal){names[k], a || b};
	}
	return n;
}

void diff_signal_names(const struct diff_side *side, struct buf *out)
{
	bool is_signed;

	for (int k = 0, n = 0; k < NAMES; k++)
		if (has(side, k, &is_signed))
			buf_printf(out, "%s%s", n++ ? ", " : "", names[k]);
}

double *diff_values(const struct diff_side *side, const char *name)
{
	const struct replay *r = side->r;
	const struct trace_run *run = &r->run[side->run];
	const struct cell_ops *cell = r->m->spec.cell;
	const size_t H = (size_t)r->H, T = (size_t)r->T;
	const int gate = cell_gate(cell, name);
	const double *from = gate >= 0 ? run->gate[gate] : NULL;
	bool is_signed;
	int k = 0;
	double *v;

	while (k < NAMES && strcmp(names[k], name) != 0)
		k++;
	if (k == NAMES || !has(side, k, &is_signed))
		return NULL;
	if (k >= GATES)
		from = (*name == 'c' ? run->c : run->h) + H;
	v = mem_alloc((T * H + 1) * sizeof(*v));
	for (size_t t = 0; t < T; t++) {
		const size_t at = (size_t)replay_turn(run, (int)t) * H;

		for (size_t u = 0; u < H; u++)
			v[t * H + u] = from            ? from[at + u]
				       : cell->coupled ? 1 - run->gate[0][at + u]
						       : 1;
	}
	return v;
}

/* --- steps ----------------------------------------------------------------------------------------- */

static bool same_bits(double x, double y)
{
	uint64_t a, b;

	memcpy(&a, &x, sizeof(a));
	memcpy(&b, &y, sizeof(b));
	return a == b;
}

static struct diff_step compare_step(const double *a, const double *b, bool is_signed,
				     const struct pairing *units)
{
	struct diff_step s = {.same_bits = true, .max = -1};

	for (int k = 0; k < units->count; k++) {
		const struct unit_pair *p = &units->pair[k];
		const double x = a[p->a], y = diff_turned(b[p->b], p, is_signed);
		const double d = x - y;

		s.same_bits &= same_bits(x, y);
		s.norm += d * d;
		s.norm_a += x * x;
		s.norm_b += y * y;
		if (fabs(d) > s.max || (isnan(d) && !isnan(s.max))) {
			s.max = fabs(d);
			s.pair = k;
		}
	}
	s.norm = sqrt(s.norm);
	s.norm_a = sqrt(s.norm_a);
	s.norm_b = sqrt(s.norm_b);
	return s;
}

void diff_compare(const double *a, int Ha, const double *b, int Hb, bool is_signed,
		  const struct alignment *way, const struct pairing *units, struct diff_step *step)
{
	for (int k = 0; k < way->count; k++) {
		const struct align_pair *p = &way->at[k];

		if (p->a < 0 || p->b < 0)
			step[k] = (struct diff_step){NAN, -1, NAN, NAN, NAN, false};
		else
			step[k] = compare_step(a + (size_t)p->a * (size_t)Ha,
					       b + (size_t)p->b * (size_t)Hb, is_signed, units);
	}
}

int diff_first(const struct diff_step *step, int count, double threshold, bool from_end)
{
	for (int n = 0; n < count; n++) {
		const int k = from_end ? count - 1 - n : n;

		if (step[k].pair >= 0 && !(step[k].max <= threshold))
			return k; /* what is no number differs, too */
	}
	return -1;
}

int diff_same_bits(const struct diff_step *step, int count, bool from_end)
{
	int n = 0;

	while (n < count && step[from_end ? count - 1 - n : n].same_bits)
		n++;
	return n;
}

static struct align_token *tokens_of(const struct replay *r)
{
	struct align_token *w = mem_alloc(((size_t)r->T + 1) * sizeof(*w));

	for (int t = 0; t < r->T; t++)
		w[t].s = replay_token(r, t, &w[t].n);
	return w;
}

bool diff_align(const struct diff_side side[2], struct alignment *way, struct err *err)
{
	struct align_token *a = tokens_of(side[0].r), *b = tokens_of(side[1].r);
	const bool ok = align_tokens(way, a, side[0].r->T, b, side[1].r->T,
				     side[0].r->run[side[0].run].backward, err);

	free(a);
	free(b);
	return ok;
}

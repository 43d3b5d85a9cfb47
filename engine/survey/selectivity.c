/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/survey/selectivity.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct job {
	struct selectivity *s;
	const real *value;
	size_t count; /* of a row of value */
	size_t *text; /* s->texts: those with a label */
	int unit;
	uint16_t *label; /* (1 + shuffles, texts): as they are, and shuffled */
	const struct sweep_watch *watch;
	int members;
	bool failed;
};

/* A member's room for one unit. */
struct room {
	struct ranked *ranked;
	double *number, *rank; /* texts */
	double *sum;           /* classes */
	double *chance;        /* (classes, shuffles), and room to sort one row */
	double *auc, *sorted;
};

struct ranked {
	real v;
	size_t at;
};

static int by_value(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->v < y->v ? -1 : x->v > y->v;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* What 95 of 100 numbers are not above. */
static double percentile(const double *v, int n, double *room)
{
	memcpy(room, v, (size_t)n * sizeof(*room));
	qsort(room, (size_t)n, sizeof(*room), by_size);
	return room[(int)ceil(0.95 * n) - 1];
}

/* The unit's numbers, less their mean, and their ranks from 1, equal ones sharing theirs. false: not all
 * are finite. */
static bool rank(const struct job *j, struct room *m, int unit)
{
	const real *value = j->value + (size_t)unit * j->count;
	const size_t n = (size_t)j->s->texts;
	double mean = 0;

	for (size_t k = 0; k < n; k++) {
		m->ranked[k] = (struct ranked){value[j->text[k]], k};
		m->number[k] = (double)m->ranked[k].v;
		mean += m->number[k] / (double)n;
		if (!isfinite(m->number[k]))
			return false;
	}
	for (size_t k = 0; k < n; k++)
		m->number[k] -= mean;
	qsort(m->ranked, n, sizeof(*m->ranked), by_value);
	for (size_t k = 0, end; k < n; k = end) {
		for (end = k; end < n && m->ranked[end].v == m->ranked[k].v; end++)
			;
		for (size_t i = k; i < end; i++)
			m->rank[m->ranked[i].at] = ((double)k + (double)end + 1) / 2;
	}
	return true;
}

/* Adds numbers up by label. */
static void sum_by_label(const struct job *j, const uint16_t *label, const double *v, double *sum)
{
	memset(sum, 0, (size_t)j->s->classes * sizeof(*sum));
	for (size_t k = 0; k < (size_t)j->s->texts; k++)
		sum[label[k]] += v[k];
}

static double auc_of(const struct job *j, int class, double rank_sum)
{
	const double n = (double)j->s->of[class].count, rest = (double)j->s->texts - n;

	return n > 0 && rest > 0 ? (rank_sum - n * (n + 1) / 2) / (n * rest) : (double)NAN;
}

/* r from the sum of the centred numbers of a class, and the sum of all their squares. */
static double r_of(const struct job *j, int class, double sum, double squares)
{
	const double N = (double)j->s->texts, n = (double)j->s->of[class].count;
	const double spread = squares * n * (N - n) / N;

	return spread > 0 ? sum / sqrt(spread) : (double)NAN;
}

static double away(double auc)
{
	return auc < 0.5 ? 1 - auc : auc;
}

static double largest(const double *auc, int n)
{
	double best = NAN;

	for (int k = 0; k < n; k++)
		best = fmax(best, away(auc[k])); /* fmax passes over NaN */
	return best;
}

/* The AUC of every class under every shuffling; and what the best one comes to. */
static void judge_ranks(const struct job *j, struct room *m, int unit)
{
	struct selectivity *s = j->s;
	const int C = s->classes, S = s->shuffles;
	double *best = m->auc + C;

	for (int k = 0; k <= S; k++) {
		sum_by_label(j, j->label + (size_t)k * (size_t)s->texts, m->rank, m->sum);
		for (int c = 0; c < C; c++)
			m->auc[c] = auc_of(j, c, m->sum[c]);
		if (k) {
			best[k - 1] = largest(m->auc, C);
			for (int c = 0; unit == j->unit && c < C; c++)
				m->chance[c * S + k - 1] = away(m->auc[c]);
			continue;
		}
		s->best[unit] = largest(m->auc, C);
		for (int c = 0; unit == j->unit && c < C; c++)
			s->of[c].auc = m->auc[c];
	}
	s->best_chance[unit] = percentile(best, S, m->sorted);
	for (int c = 0; unit == j->unit && c < C; c++)
		s->of[c].auc_chance = percentile(m->chance + (size_t)c * (size_t)S, S, m->sorted);
}

static void judge_numbers(const struct job *j, struct room *m)
{
	struct selectivity *s = j->s;
	const int C = s->classes, S = s->shuffles;
	double squares = 0;

	for (size_t k = 0; k < (size_t)s->texts; k++)
		squares += m->number[k] * m->number[k];
	for (int k = 0; k <= S; k++) {
		sum_by_label(j, j->label + (size_t)k * (size_t)s->texts, m->number, m->sum);
		for (int c = 0; c < C; c++) {
			const double r = r_of(j, c, m->sum[c], squares);

			if (k)
				m->chance[c * S + k - 1] = fabs(r);
			else
				s->of[c].r = r;
		}
	}
	for (int c = 0; c < C; c++)
		s->of[c].r_chance = percentile(m->chance + (size_t)c * (size_t)S, S, m->sorted);
}

static bool make_room(const struct job *j, struct room *m)
{
	const size_t n = (size_t)j->s->texts, C = (size_t)j->s->classes;
	const size_t S = (size_t)j->s->shuffles;

	*m = (struct room){.ranked = mem_block(n + 1, sizeof(*m->ranked)),
			   .number = mem_block(2 * n + 2 * C + C * S + 2 * S + 1, sizeof(double))};
	if (!m->ranked || !m->number)
		return false;
	m->rank = m->number + n;
	m->sum = m->rank + n;
	m->chance = m->sum + C;
	m->auc = m->chance + C * S; /* C, and S behind them */
	m->sorted = m->auc + C + S;
	return true;
}

static void judge_units(void *arg, int member)
{
	struct job *j = arg;
	struct room m;
	const bool ok = make_room(j, &m);

	if (!ok)
		__atomic_store_n(&j->failed, true, __ATOMIC_RELAXED);
	for (int u = member; ok && u < j->s->units && !sweep_stopped(j->watch); u += j->members) {
		if (!member && j->watch && j->watch->tell)
			j->watch->tell(j->watch->arg, (double)u / j->s->units);
		j->s->best[u] = j->s->best_chance[u] = NAN;
		if (!rank(j, &m, u))
			continue;
		judge_ranks(j, &m, u);
		if (u == j->unit)
			judge_numbers(j, &m);
	}
	free(m.ranked);
	free(m.number);
}

/* The labels as they are, and shuffled again and again. */
static bool shuffle(struct job *j, const int32_t *class_of, uint64_t seed)
{
	const size_t n = (size_t)j->s->texts;
	int32_t *now = mem_alloc((n + 1) * sizeof(*now));
	struct rng rng;

	j->label = mem_block(((size_t)j->s->shuffles + 1) * n + 1, sizeof(*j->label));
	rng_seed(&rng, seed, 0);
	for (size_t k = 0; k < n; k++)
		now[k] = class_of[j->text[k]];
	for (int s = 0; j->label && s <= j->s->shuffles; s++) {
		if (s)
			rng_shuffle(&rng, now, (int)n);
		for (size_t k = 0; k < n; k++)
			j->label[(size_t)s * n + k] = (uint16_t)now[k];
	}
	free(now);
	return j->label;
}

void selectivity_release(struct selectivity *s)
{
	free(s->of);
	free(s->best);
	free(s->best_chance);
	*s = (struct selectivity){0};
}

bool selectivity_run(struct selectivity *s, struct team *team, const real *value, int units,
		     int unit, const int32_t *class_of, size_t count, int classes, int shuffles,
		     uint64_t seed, const struct sweep_watch *watch, struct err *err)
{
	struct job j = {.s = s,
			.value = value,
			.count = count,
			.unit = unit,
			.watch = watch,
			.members = team_size(team)};

	*s = (struct selectivity){.classes = classes, .units = units, .shuffles = shuffles};
	s->of = mem_zero((size_t)classes + 1, sizeof(*s->of));
	s->best = mem_zero((size_t)units, sizeof(*s->best));
	s->best_chance = mem_zero((size_t)units, sizeof(*s->best_chance));
	j.text = mem_alloc((count + 1) * sizeof(*j.text));
	for (size_t k = 0; k < count; k++)
		if (class_of[k] >= 0) {
			j.text[s->texts++] = k;
			s->of[class_of[k]].count++;
		}
	for (int c = 0; c < classes; c++)
		s->of[c].r = s->of[c].r_chance = s->of[c].auc = s->of[c].auc_chance = NAN;
	j.failed = !shuffle(&j, class_of, seed);
	if (!j.failed && s->texts)
		team_run(team, judge_units, &j);
	for (int u = 0; s->texts && u < units; u++)
		s->beyond += selectivity_beyond(s->best[u], s->best_chance[u]);
	free(j.text);
	free(j.label);
	if (j.failed)
		return err_set(err, ERR_FAILED, "not enough memory to shuffle %lld labels",
			       (long long)s->texts);
	return !sweep_stopped(watch) || err_set(err, ERR_CANCELLED, "cancelled");
}

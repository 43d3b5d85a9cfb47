/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/survey/dossier.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One occurrence of a word, and by how much h changed at it. */
struct answer {
	int32_t id;
	real change;
};

struct lane {
	int64_t steps, low[CELL_MAX_GATES], high[CELL_MAX_GATES];
	double sum, squares, least, most, carry, log_carry;
	struct answer *answer;
	size_t answers, cap;
};

/* The highest and the lowest word of a text; -1: it has none. */
struct extremes {
	int high_word, low_word;
	real high, low;
};

struct job {
	struct dossier *d;
	const struct snapshot *snapshot;
	const struct dossier_rules *rules;
	struct extremes *extremes; /* a text */
	struct lane lane[SWEEP_LANES];
};

int dossier_signal(const struct cell_ops *cell, const char *name)
{
	const int q = cell_gate(cell, name);

	if (!strcmp(name, "h"))
		return DOSSIER_H;
	if (!strcmp(name, "c"))
		return cell->carries_h ? -3 : DOSSIER_C;
	return q < 0 ? -3 : q;
}

void dossier_release(struct dossier *d)
{
	free(d->highest);
	free(d->lowest);
	free(d->up);
	free(d->down);
	free(d->last);
	free(d->runs);
	*d = (struct dossier){0};
}

/* --- the pass -------------------------------------------------------------------------------------- */

static real signal_at(const struct job *j, const struct sweep_part *p, size_t n)
{
	const struct recur_tape *tape = &p->work->in.tape.run[j->rules->run];
	const size_t H = (size_t)j->d->H, u = (size_t)j->rules->unit;
	const size_t B = (size_t)p->work->in.batch.steps.B;

	if (j->rules->signal == DOSSIER_H)
		return tape->h[(B + n) * H + u];
	if (j->rules->signal == DOSSIER_C)
		return tape->c[(B + n) * H + u];
	return tape->z[(n * (size_t)j->d->G + (size_t)j->rules->signal) * H + u];
}

static void count_gates(struct lane *l, const struct job *j, const real *z)
{
	const struct cell_ops *cell = j->snapshot->encoder->model.spec.cell;
	double gate[CELL_MAX_GATES] = {0}, a;

	for (int q = 0; q < j->d->G; q++) {
		const double v = gate[q] = (double)z[(size_t)q * (size_t)j->d->H];

		l->low[q] += v < j->rules->low;
		l->high[q] += (cell->gate[q].act == ACT_TANH ? fabs(v) : v) > j->rules->high;
	}
	a = fabs(cell->flow(gate).carry);
	l->carry += a;
	l->log_carry += log(a);
}

static void count_value(struct lane *l, double v)
{
	l->sum += v;
	l->squares += v * v;
	l->least = l->steps && l->least < v ? l->least : v;
	l->most = l->steps && l->most > v ? l->most : v;
	l->steps++;
}

static void note_word(struct lane *l, struct extremes *x, int word, int32_t id, real v, real change)
{
	if (x->high_word < 0 || v > x->high) {
		x->high_word = word;
		x->high = v;
	}
	if (x->low_word < 0 || v < x->low) {
		x->low_word = word;
		x->low = v;
	}
	l->answer = mem_grow(l->answer, &l->cap, l->answers + 1, sizeof(*l->answer));
	l->answer[l->answers++] = (struct answer){id, change};
}

/* One text of a part. */
static void read_row(struct job *j, const struct sweep_part *p, int row)
{
	const struct encoder *e = j->snapshot->encoder;
	const struct batch *b = &p->work->in.batch;
	const struct recur_tape *tape = &p->work->in.tape.run[j->rules->run];
	const struct sweep_words w = sweep_words(p, &e->rules, row);
	const size_t H = (size_t)j->d->H, u = (size_t)j->rules->unit, B = (size_t)b->steps.B;
	const bool backward = j->rules->run % e->model.stack.spec.dirs;
	const size_t text = sweep_text(p, row);
	struct lane *l = &j->lane[p->lane];
	const int T = b->len[row];
	size_t before = (size_t)row; /* the row of the state before the step */

	for (int step = 0; step < T; step++) {
		const int word = (backward ? T - 1 - step : step) - w.pads;
		const size_t n = sweep_at(p, step, row);
		const real v = signal_at(j, p, n);

		count_gates(l, j, tape->z + n * (size_t)j->d->G * H + u);
		count_value(l, (double)v);
		if (word >= 0 && word < w.count)
			note_word(l, &j->extremes[text], word,
				  b->ids[sweep_at(p, word + w.pads, row)], v,
				  tape->h[(B + n) * H + u] - tape->h[before * H + u]);
		before = B + n;
	}
	j->d->runs[text] = T > 0;
	for (size_t k = 0; k < H; k++)
		j->d->last[k * j->d->count + text] = tape->h[before * H + k];
}

static void read_part(void *arg, const struct sweep_part *p)
{
	for (int row = 0; row < p->work->in.batch.steps.B; row++)
		read_row(arg, p, row);
}

/* --- what comes of it ------------------------------------------------------------------------------ */

static void add_lanes(struct dossier *d, const struct job *j)
{
	double sum = 0, squares = 0;

	for (int k = 0; k < SWEEP_LANES; k++) {
		const struct lane *l = &j->lane[k];

		if (!l->steps)
			continue;
		d->least = d->steps && d->least < l->least ? d->least : l->least;
		d->most = d->steps && d->most > l->most ? d->most : l->most;
		d->steps += l->steps;
		sum += l->sum;
		squares += l->squares;
		d->carry += l->carry;
		d->log_carry += l->log_carry;
		for (int q = 0; q < d->G; q++) {
			d->low[q] += l->low[q];
			d->high[q] += l->high[q];
		}
	}
	d->mean = sum / (double)d->steps;
	d->deviation = sqrt(fmax(0, squares / (double)d->steps - d->mean * d->mean));
	d->carry /= (double)d->steps;
	d->log_carry /= (double)d->steps;
	for (size_t k = 0; k < d->count; k++)
		d->texts += d->runs[k];
}

/* Puts a place among the best ones, of which there are n at most; equal ones as they stand in the file. */
static int rank_place(struct dossier_place *best, int count, int n, struct dossier_place p,
		      int sign)
{
	int at = count;

	while (at > 0 && (real)sign * p.value > (real)sign * best[at - 1].value)
		at--;
	if (at >= n)
		return count;
	count += count < n;
	memmove(best + at + 1, best + at, (size_t)(count - at - 1) * sizeof(*best));
	best[at] = p;
	return count;
}

static void rank_places(struct dossier *d, const struct job *j)
{
	const int n = j->rules->places;
	int highs = 0, lows = 0;

	d->highest = mem_zero((size_t)n + 1, sizeof(*d->highest));
	d->lowest = mem_zero((size_t)n + 1, sizeof(*d->lowest));
	for (size_t k = 0; k < d->count; k++) {
		const struct extremes *x = &j->extremes[k];

		if (x->high_word < 0)
			continue;
		highs = rank_place(d->highest, highs, n,
				   (struct dossier_place){k, x->high_word, x->high}, 1);
		lows = rank_place(d->lowest, lows, n,
				  (struct dossier_place){k, x->low_word, x->low}, -1);
	}
	d->places = highs;
}

static int by_word(const void *a, const void *b)
{
	const struct answer *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->change < y->change ? -1 : x->change > y->change;
}

static int by_mean(const void *a, const void *b)
{
	const struct dossier_word *x = a, *y = b;

	if (x->mean != y->mean)
		return x->mean > y->mean ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* The value that a share of n sorted ones is not above, between two of them where it falls there. */
static double quantile(const struct answer *a, size_t n, double share)
{
	const double at = share * (double)(n - 1);
	const size_t k = (size_t)at;
	const double low = (double)a[k].change;

	return k + 1 < n ? low + (at - (double)k) * ((double)a[k + 1].change - low) : low;
}

static struct dossier_word word_of(const struct answer *a, size_t n)
{
	struct dossier_word w = {.id = a->id,
				 .count = (int64_t)n,
				 .p9 = quantile(a, n, 0.09),
				 .p25 = quantile(a, n, 0.25),
				 .p75 = quantile(a, n, 0.75),
				 .p91 = quantile(a, n, 0.91)};

	for (size_t k = 0; k < n; k++)
		w.mean += (double)a[k].change;
	w.mean /= (double)n;
	return w;
}

/* The words whose mean is above 0, largest first; and those below, smallest first. */
static void rank_words(struct dossier *d, const struct job *j, const struct answer *all, size_t n)
{
	struct dossier_word *word = NULL;
	size_t cap = 0, count = 0, end;

	for (size_t k = 0; k < n; k = end) {
		for (end = k; end < n && all[end].id == all[k].id; end++)
			;
		if (end - k < (size_t)j->rules->least)
			continue;
		word = mem_grow(word, &cap, count + 1, sizeof(*word));
		word[count++] = word_of(all + k, end - k);
	}
	if (count)
		qsort(word, count, sizeof(*word), by_mean);
	d->words = (int64_t)count;
	d->up = mem_zero((size_t)j->rules->places + 1, sizeof(*d->up));
	d->down = mem_zero((size_t)j->rules->places + 1, sizeof(*d->down));
	for (size_t k = 0; k < count && d->ups < j->rules->places && word[k].mean > 0; k++)
		d->up[d->ups++] = word[k];
	for (size_t k = count; k > 0 && d->downs < j->rules->places && word[k - 1].mean < 0; k--)
		d->down[d->downs++] = word[k - 1];
	free(word);
}

static bool gather_words(struct dossier *d, const struct job *j, struct err *err)
{
	struct answer *all;
	size_t n = 0;

	for (int k = 0; k < SWEEP_LANES; k++)
		n += j->lane[k].answers;
	all = mem_block(n + 1, sizeof(*all));
	if (!all)
		return err_set(err, ERR_FAILED, "not enough memory for %zu words", n);
	n = 0;
	for (int k = 0; k < SWEEP_LANES; k++) {
		const struct lane *l = &j->lane[k];

		if (l->answers)
			memcpy(all + n, l->answer, l->answers * sizeof(*all));
		n += l->answers;
	}
	qsort(all, n, sizeof(*all), by_word);
	rank_words(d, j, all, n);
	free(all);
	return true;
}

bool dossier_run(struct dossier *d, struct team *team, const struct snapshot *snapshot,
		 const struct example *text, size_t count, const struct dossier_rules *rules,
		 struct err *err)
{
	const struct model *m = &snapshot->encoder->model;
	struct job j = {.d = d, .snapshot = snapshot, .rules = rules};
	bool ok;

	*d = (struct dossier){.H = m->spec.hidden, .G = m->spec.cell->gates, .count = count};
	d->last = mem_block((size_t)d->H * count + 1, sizeof(*d->last));
	if (!d->last)
		return err_set(err, ERR_FAILED, "not enough memory for the states of %zu texts",
			       count);
	d->runs = mem_zero(count + 1, sizeof(*d->runs));
	j.extremes = mem_alloc((count + 1) * sizeof(*j.extremes));
	for (size_t k = 0; k < count; k++)
		j.extremes[k] = (struct extremes){.high_word = -1, .low_word = -1};
	ok = sweep_texts(team, snapshot, text, count, &rules->watch, read_part, &j, err);
	if (ok) {
		add_lanes(d, &j);
		rank_places(d, &j);
		ok = d->steps ? gather_words(d, &j, err)
			      : err_set(err, ERR_INPUT, "none of the texts has a word");
	}
	for (int k = 0; k < SWEEP_LANES; k++)
		free(j.lane[k].answer);
	free(j.extremes);
	return ok;
}

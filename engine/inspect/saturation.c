/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/saturation.h"

#include "engine/base/mem.h"
#include "engine/nn/pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Texts are taken in parts, parts in lanes; a lane's sums are its own, and added up in order. */
enum { PART_TEXTS = 64, PART_TOKENS = 8192, LANES = 8 };

struct lane {
	struct saturation sum;
	struct work work;
	struct encoding encoding[PART_TEXTS];
	bool failed;
};

struct job {
	const struct snapshot *snapshot;
	const struct example *text;
	const struct saturation_rules *rules;
	size_t *order, *part; /* texts, shortest first; parts + 1: where each begins in it */
	size_t parts;
	struct lane *lane; /* LANES */
	int members;
};

static void make_sums(struct saturation *s, const struct model *m)
{
	const size_t n =
		(size_t)m->stack.runs * (size_t)m->spec.cell->gates * (size_t)m->spec.hidden;
	const size_t units = (size_t)m->stack.runs * (size_t)m->spec.hidden;

	*s = (struct saturation){
		.runs = m->stack.runs, .G = m->spec.cell->gates, .H = m->spec.hidden};
	s->low = mem_zero(n, sizeof(*s->low));
	s->high = mem_zero(n, sizeof(*s->high));
	s->carry = mem_zero(units, sizeof(*s->carry));
	s->log_carry = mem_zero(units, sizeof(*s->log_carry));
}

void saturation_release(struct saturation *s)
{
	free(s->low);
	free(s->high);
	free(s->carry);
	free(s->log_carry);
	*s = (struct saturation){0};
}

/* Counts the H units of one gate at one step. */
static void count(const real *v, size_t H, bool absolute, const struct saturation_rules *rules,
		  int64_t *low, int64_t *high)
{
	const real under = (real)rules->low, over = (real)rules->high;

	for (size_t u = 0; u < H; u++) {
		const real x = absolute && v[u] < 0 ? -v[u] : v[u];

		low[u] += x < under;
		high[u] += x > over;
	}
}

static void count_carry(const struct cell_ops *cell, const real *z, size_t H, double *carry,
			double *log_carry)
{
	for (size_t u = 0; u < H; u++) {
		double gate[CELL_MAX_GATES] = {0};
		double a;

		for (size_t q = 0; q < (size_t)cell->gates; q++)
			gate[q] = (double)z[q * H + u];
		a = fabs(cell->flow(gate).carry);
		carry[u] += a;
		log_carry[u] += log(a);
	}
}

static void count_steps(struct lane *l, const struct job *j)
{
	const struct model *m = &j->snapshot->encoder->model;
	const struct cell_ops *cell = m->spec.cell;
	const size_t H = (size_t)l->sum.H, G = (size_t)l->sum.G;
	const size_t N = (size_t)l->work.in.batch.steps.N;

	for (size_t run = 0; run < (size_t)l->sum.runs; run++)
		for (size_t n = 0; n < N; n++) {
			const real *z = l->work.in.tape.run[run].z + n * G * H;

			for (size_t q = 0; q < G; q++) {
				const size_t at = (run * G + q) * H;

				count(z + q * H, H, cell->gate[q].act == ACT_TANH, j->rules,
				      l->sum.low + at, l->sum.high + at);
			}
			count_carry(cell, z, H, l->sum.carry + run * H, l->sum.log_carry + run * H);
		}
	l->sum.steps += (int64_t)N;
}

static bool run_part(struct lane *l, const struct job *j, size_t part)
{
	const struct encoder *e = j->snapshot->encoder;
	const size_t from = j->part[part], n = j->part[part + 1] - from;
	const int32_t *ids[PART_TEXTS];
	int length[PART_TEXTS];

	for (size_t k = 0; k < n; k++) {
		const struct example *x = &j->text[j->order[from + k]];

		encoder_encode(e, x->text, x->text_len, &l->encoding[k]);
		ids[k] = l->encoding[k].ids;
		length[k] = (int)l->encoding[k].count;
	}
	batch_of_texts(&l->work.in.batch, ids, length, (int)n, &e->rules);
	if (task_table[e->model.spec.task].pairs
		    ? !model_remember(&e->model, j->snapshot->weights, &l->work, &(struct pass){0})
		    : !model_vector(&e->model, j->snapshot->weights, &l->work, NULL))
		return false;
	count_steps(l, j);
	l->sum.texts += (int64_t)n;
	return true;
}

static bool stopped(const struct job *j)
{
	return j->rules->cancel && __atomic_load_n(j->rules->cancel, __ATOMIC_RELAXED);
}

static void run_member(void *arg, int member)
{
	struct job *j = arg;

	for (size_t k = (size_t)member; k < LANES; k += (size_t)j->members)
		for (size_t part = k; part < j->parts && !stopped(j); part += LANES)
			j->lane[k].failed |= !run_part(&j->lane[k], j, part);
}

struct sized {
	size_t length, at;
};

static int by_length(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;

	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Texts of about one length beside each other, so many a part that it is not too large. */
static void deal(struct job *j, size_t count)
{
	struct sized *s = mem_alloc((count + 1) * sizeof(*s));
	size_t bytes = 0;

	for (size_t k = 0; k < count; k++)
		s[k] = (struct sized){j->text[k].text_len, k};
	qsort(s, count, sizeof(*s), by_length);
	j->order = mem_alloc((count + 1) * sizeof(*j->order));
	j->part = mem_alloc((count + 2) * sizeof(*j->part));
	for (size_t k = 0; k < count; k++) {
		const size_t in = j->parts ? k - j->part[j->parts - 1] : 0;

		j->order[k] = s[k].at;
		if (!k || in == PART_TEXTS || bytes + s[k].length > 4 * (size_t)PART_TOKENS) {
			j->part[j->parts++] = k;
			bytes = 0;
		}
		bytes += s[k].length;
	}
	j->part[j->parts] = count;
	free(s);
}

static void add_lane(struct saturation *to, const struct saturation *from)
{
	const size_t units = (size_t)to->runs * (size_t)to->H, n = units * (size_t)to->G;

	to->texts += from->texts;
	to->steps += from->steps;
	for (size_t k = 0; k < n; k++) {
		to->low[k] += from->low[k];
		to->high[k] += from->high[k];
	}
	for (size_t k = 0; k < units; k++) {
		to->carry[k] += from->carry[k];
		to->log_carry[k] += from->log_carry[k];
	}
}

static bool conclude(struct saturation *s, struct job *j, struct err *err)
{
	const size_t units = (size_t)s->runs * (size_t)s->H;
	bool failed = false;

	for (int k = 0; k < LANES; k++) {
		failed |= j->lane[k].failed;
		add_lane(s, &j->lane[k].sum);
	}
	if (failed)
		return err_set(err, ERR_FAILED, "not enough memory to run the texts");
	if (stopped(j))
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (!s->steps)
		return err_set(err, ERR_INPUT, "none of the texts has a word");
	for (size_t k = 0; k < units; k++) {
		s->carry[k] /= (double)s->steps;
		s->log_carry[k] /= (double)s->steps;
	}
	return true;
}

bool saturation_run(struct saturation *s, struct team *team, const struct snapshot *snapshot,
		    const struct example *text, size_t count, const struct saturation_rules *rules,
		    struct err *err)
{
	struct job j = {.snapshot = snapshot,
			.text = text,
			.rules = rules,
			.lane = mem_zero(LANES, sizeof(*j.lane)),
			.members = team_size(team)};
	bool ok;

	make_sums(s, &snapshot->encoder->model);
	for (int k = 0; k < LANES; k++)
		make_sums(&j.lane[k].sum, &snapshot->encoder->model);
	deal(&j, count);
	team_run(team, run_member, &j);
	ok = conclude(s, &j, err);
	for (int k = 0; k < LANES; k++) {
		saturation_release(&j.lane[k].sum);
		work_release(&j.lane[k].work);
		for (int n = 0; n < PART_TEXTS; n++)
			encoding_release(&j.lane[k].encoding[n]);
	}
	free(j.lane);
	free(j.order);
	free(j.part);
	return ok;
}

static double share(const struct saturation *s, const int64_t *of, int run, int gate, int unit)
{
	return (double)of[(run * s->G + gate) * s->H + unit] / (double)s->steps;
}

double saturation_low(const struct saturation *s, const struct cell_ops *cell, int run, int gate,
		      int unit)
{
	return cell->gate[gate].act == ACT_SIGMOID ? share(s, s->low, run, gate, unit) : NAN;
}

double saturation_high(const struct saturation *s, const struct cell_ops *cell, int run, int gate,
		       int unit)
{
	return cell->gate[gate].act == ACT_IDENTITY ? NAN : share(s, s->high, run, gate, unit);
}

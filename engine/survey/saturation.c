/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/survey/saturation.h"

#include "engine/base/mem.h"
#include "engine/survey/sweep.h"

#include <math.h>
#include <stdlib.h>

struct job {
	const struct model *model;
	const struct saturation_rules *rules;
	struct saturation sum[SWEEP_LANES];
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

static void count_part(void *arg, const struct sweep_part *p)
{
	struct job *j = arg;
	struct saturation *s = &j->sum[p->lane];
	const struct cell_ops *cell = j->model->spec.cell;
	const size_t H = (size_t)s->H, G = (size_t)s->G;
	const size_t N = (size_t)p->work->in.batch.steps.N;

	for (size_t run = 0; run < (size_t)s->runs; run++)
		for (size_t n = 0; n < N; n++) {
			const real *z = p->work->in.tape.run[run].z + n * G * H;

			for (size_t q = 0; q < G; q++) {
				const size_t at = (run * G + q) * H;

				count(z + q * H, H, cell->gate[q].act == ACT_TANH, j->rules,
				      s->low + at, s->high + at);
			}
			count_carry(cell, z, H, s->carry + run * H, s->log_carry + run * H);
		}
	s->steps += (int64_t)N;
	s->texts += p->work->in.batch.steps.B;
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

	for (int k = 0; k < SWEEP_LANES; k++)
		add_lane(s, &j->sum[k]);
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
	struct job j = {.model = &snapshot->encoder->model, .rules = rules};
	bool ok;

	make_sums(s, j.model);
	for (int k = 0; k < SWEEP_LANES; k++)
		make_sums(&j.sum[k], j.model);
	ok = sweep_texts(team, snapshot, text, count, &rules->watch, count_part, &j, err) &&
	     conclude(s, &j, err);
	for (int k = 0; k < SWEEP_LANES; k++)
		saturation_release(&j.sum[k]);
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/explain/attribution.h"

#include "engine/base/mem.h"
#include "engine/explain/decompose.h"
#include "engine/explain/gradient.h"
#include "engine/explain/relevance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct method_ops method_table[METHOD_COUNT] = {
	{"gradient", "gradient x input", "Simonyan et al. 2014, arXiv 1312.6034", false},
	{"integrated", "integrated gradients", "Sundararajan et al. 2017, arXiv 1703.01365", true},
	{"lrp", "layer-wise relevance propagation", "Arras et al. 2017, W17-5221", true},
	{"cd", "contextual decomposition", "Murdoch et al. 2018, arXiv 1801.05453", true},
	{"occlusion", "score without the word", "Li et al. 2016, arXiv 1612.08220", false},
	{"unk", "score with <unk> instead", "Li et al. 2016, arXiv 1612.08220", false},
};

int method_find(const char *name)
{
	for (int k = 0; k < METHOD_COUNT; k++)
		if (!strcmp(method_table[k].name, name))
			return k;
	return -1;
}

/* --- ranks ----------------------------------------------------------------------------------------- */

struct ranked {
	double value;
	int at;
};

static int by_value(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

/* The ranks of n numbers, equal ones sharing theirs; NULL where one is not a number. */
static double *ranks(const double *v, int n)
{
	struct ranked *r = mem_alloc((size_t)n * sizeof(*r));
	double *rank = mem_alloc((size_t)n * sizeof(*rank));
	bool numbers = true;

	for (int k = 0; k < n; k++) {
		r[k] = (struct ranked){v[k], k};
		numbers &= !isnan(v[k]);
	}
	qsort(r, (size_t)n, sizeof(*r), by_value);
	for (int from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && r[to].value == r[from].value;)
			to++;
		for (int k = from; k < to; k++)
			rank[r[k].at] = (from + to - 1) / 2.0;
	}
	free(r);
	if (numbers)
		return rank;
	free(rank);
	return NULL;
}

double spearman(const double *a, const double *b, int n)
{
	double *p = ranks(a, n), *q = ranks(b, n);
	const double mean = (n - 1) / 2.0;
	double pp = 0, qq = 0, pq = 0;

	for (int k = 0; p && q && k < n; k++) {
		pp += (p[k] - mean) * (p[k] - mean);
		qq += (q[k] - mean) * (q[k] - mean);
		pq += (p[k] - mean) * (q[k] - mean);
	}
	free(p);
	free(q);
	return pp > 0 && qq > 0 ? pq / sqrt(pp * qq) : NAN;
}

void gauss_legendre(int n, double *node, double *weight)
{
	for (int k = 0; k < n; k++) {
		double x = cos(acos(-1) * (k + 0.75) / (n + 0.5)), slope = 1;

		for (int turn = 0; turn < 100; turn++) {
			double p = 1, before = 0, step;

			for (int j = 1; j <= n; j++) {
				const double next = ((2 * j - 1) * x * p - (j - 1) * before) / j;

				before = p;
				p = next;
			}
			slope = n * (x * p - before) / (x * x - 1);
			step = p / slope;
			x -= step;
			if (fabs(step) < 1e-15)
				break;
		}
		node[k] = (1 + x) / 2;
		weight[k] = 1 / ((1 - x * x) * slope * slope);
	}
}

/* --- the methods ----------------------------------------------------------------------------------- */

struct court {
	struct attribution *a;
	struct replay *r;
	const struct attribution_rules *rules;
	struct gradient gradient;
	double *dlogit;
	int *row;
	struct err *err;
};

static bool cancelled(struct court *c)
{
	if (!c->rules->cancel || !__atomic_load_n(c->rules->cancel, __ATOMIC_RELAXED))
		return false;
	return !err_set(c->err, ERR_CANCELLED, "cancelled");
}

/* The same, and says where it is. */
static bool cancelled_at(struct court *c, int t)
{
	if (c->rules->tell)
		c->rules->tell(c->rules->arg, t);
	return cancelled(c);
}

static bool no_memory(struct court *c)
{
	return err_set(c->err, ERR_FAILED, "not enough memory to explain %d steps", c->r->T);
}

double attribution_work(const struct replay *r, enum method m)
{
	const double once = replay_work(r);

	switch (m) {
	case METHOD_GRADIENT:
	case METHOD_LRP:
		return 3 * once;
	case METHOD_INTEGRATED:
		return 3.0 * NODES_FIRST * once;
	default:
		return once * r->T;
	}
}

static double score(const struct court *c)
{
	return c->r->logit[c->a->class];
}

static void conclude(struct verdict *v, int T, double should)
{
	v->there = true;
	v->sum = 0;
	for (int t = 0; t < T; t++)
		v->sum += v->score[t];
	v->total = v->sum + v->elsewhere;
	v->should = should;
	v->residual = v->should - v->total;
}

static void run_gradient(struct court *c)
{
	struct verdict *v = &c->a->verdict[METHOD_GRADIENT];

	gradient_run(&c->gradient, c->r, c->dlogit);
	memcpy(v->score, c->gradient.score, (size_t)c->r->T * sizeof(*v->score));
	conclude(v, c->r->T, c->a->F - c->a->F_zero);
}

static bool integrate(struct court *c, int nodes)
{
	struct verdict *v = &c->a->verdict[METHOD_INTEGRATED];
	double node[NODES_MOST], weight[NODES_MOST];

	gauss_legendre(nodes, node, weight);
	memset(v->score, 0, (size_t)c->r->T * sizeof(*v->score));
	for (int k = 0; k < nodes; k++) {
		if (cancelled(c))
			return false;
		replay_run(c->r, NULL, c->r->T, node[k]);
		gradient_run(&c->gradient, c->r, c->dlogit);
		for (int t = 0; t < c->r->T; t++)
			v->score[t] += weight[k] * c->gradient.score[t];
	}
	conclude(v, c->r->T, c->a->F - c->a->F_zero);
	c->a->nodes = nodes;
	c->a->reached = fabs(v->residual) < 0.01 * fabs(v->should) || v->residual == 0;
	return true;
}

static bool run_integrated(struct court *c)
{
	const double once = attribution_work(c->r, METHOD_INTEGRATED) / NODES_FIRST;

	for (int nodes = NODES_FIRST; nodes <= NODES_MOST; nodes *= 2) {
		if (nodes > NODES_FIRST && c->rules->most_work > 0 &&
		    once * nodes > c->rules->most_work)
			break;
		if (!integrate(c, nodes))
			return false;
		if (c->a->reached)
			break;
	}
	replay_run(c->r, NULL, c->r->T, 1);
	return true;
}

static bool run_lrp(struct court *c)
{
	struct verdict *v = &c->a->verdict[METHOD_LRP];
	const struct relevance_rules rules = {RELEVANCE_EPSILON, c->rules->bias_factor};
	struct relevance x;

	if (!relevance_run(&x, c->r, c->a->class, &rules)) {
		relevance_release(&x);
		return no_memory(c);
	}
	memcpy(v->score, x.word, (size_t)c->r->T * sizeof(*v->score));
	c->a->initial = x.initial;
	c->a->bias = x.bias;
	c->a->epsilon = x.epsilon;
	v->elsewhere = x.initial + (1 - rules.bias_factor) * (x.bias + x.epsilon);
	conclude(v, c->r->T, c->a->F);
	relevance_release(&x);
	return true;
}

static bool run_cd(struct court *c)
{
	struct verdict *v = &c->a->verdict[METHOD_CD];
	const double should = c->a->F - c->a->head_bias;
	struct decompose d;
	double worst = should;
	bool ok = decompose_open(&d, c->r) || no_memory(c);

	for (int t = 0; ok && t < c->r->T; t++) {
		ok = !cancelled_at(c, t);
		if (ok) {
			const double beta = (decompose_run(&d, t, t), d.beta[c->a->class]);
			const double both = beta + d.gamma[c->a->class];

			v->score[t] = beta;
			worst = !t || fabs(both - should) > fabs(worst - should) ? both : worst;
		}
	}
	decompose_release(&d);
	if (!ok)
		return false;
	conclude(v, c->r->T, should);
	v->elsewhere = NAN; /* not a sum of words */
	v->total = worst;
	v->residual = should - worst;
	return true;
}

/* F where no word is left: left out, or all of them <unk>. */
static double score_of_none(struct court *c, enum method m)
{
	if (m == METHOD_OCCLUSION)
		return c->a->F_empty;
	for (int t = 0; t < c->r->T; t++)
		c->row[t] = c->r->token[t] < 0 ? c->r->T : c->r->T + 1;
	replay_run(c->r, c->row, c->r->T, 1);
	return score(c);
}

static bool run_occlusion(struct court *c, enum method m)
{
	struct verdict *v = &c->a->verdict[m];
	const double none = score_of_none(c, m);

	for (int t = 0; t < c->r->T; t++) {
		if (cancelled_at(c, t))
			return false;
		v->score[t] = 0;
		if (c->r->token[t] < 0)
			continue; /* without a <pad> another one takes its place */
		replay_run(c->r, c->row, replay_without(c->r, t, m == METHOD_UNK, c->row), 1);
		v->score[t] = c->a->F - score(c);
	}
	replay_run(c->r, NULL, c->r->T, 1);
	conclude(v, c->r->T, c->a->F - none);
	return true;
}

static bool run_method(struct court *c, enum method m)
{
	switch (m) {
	case METHOD_GRADIENT:
		run_gradient(c);
		return true;
	case METHOD_INTEGRATED:
		return run_integrated(c);
	case METHOD_LRP:
		return run_lrp(c);
	case METHOD_CD:
		return run_cd(c);
	default:
		return run_occlusion(c, m);
	}
}

/* Why a method has nothing to say here; "" where it has. */
static void exclude(const struct court *c, enum method m, char *why, size_t size)
{
	const struct cell_ops *cell = c->r->m->spec.cell;
	const char *lack = m == METHOD_LRP   ? relevance_lacks(cell)
			   : m == METHOD_CD  ? decompose_lacks(cell)
			   : m != METHOD_UNK ? NULL
			   : replay_has_unknown(c->r)
				   ? NULL
				   : "the run's words have no <unk>: unknown ones vanish";
	const double work = attribution_work(c->r, m);

	if (lack)
		snprintf(why, size, "%s", lack);
	else if (m >= METHOD_CD && c->rules->most_work > 0 && work > c->rules->most_work)
		snprintf(why, size,
			 "left out: %.0f billion multiplications for %d words; --method %s runs it "
			 "all the same",
			 work / 1e9, c->r->T, method_table[m].name);
}

static void compare(struct attribution *a)
{
	for (int m = 0; m < METHOD_COUNT; m++)
		for (int n = 0; n < METHOD_COUNT; n++)
			a->agreement[m][n] =
				a->verdict[m].there && a->verdict[n].there
					? spearman(a->verdict[m].score, a->verdict[n].score, a->T)
					: NAN;
}

static bool hear(struct court *c)
{
	struct attribution *a = c->a;

	replay_run(c->r, c->row, replay_without(c->r, -1, false, c->row), 1);
	a->F_empty = score(c);
	replay_run(c->r, NULL, c->r->T, 0);
	a->F_zero = score(c);
	replay_run(c->r, NULL, c->r->T, 1);
	a->F = score(c);
	for (int m = 0; m < METHOD_COUNT; m++) {
		struct verdict *v = &a->verdict[m];

		v->asked = c->rules->methods >> m & 1;
		if (!v->asked)
			continue;
		exclude(c, (enum method)m, v->why, sizeof(v->why));
		v->score = mem_zero((size_t)a->T, sizeof(*v->score));
		if (cancelled(c) || (!*v->why && !run_method(c, (enum method)m)))
			return false;
	}
	compare(a);
	return true;
}

bool attribution_run(struct attribution *a, struct replay *r, const struct attribution_rules *rules,
		     struct err *err)
{
	struct court c = {.a = a, .r = r, .rules = rules, .err = err};
	bool ok;

	*a = (struct attribution){
		.T = r->T, .class = rules->class, .bias_factor = rules->bias_factor};
	a->head_bias = (double)r->snapshot->weights[r->m->head_b + (size_t)rules->class];
	c.dlogit = mem_zero((size_t)r->C, sizeof(*c.dlogit));
	c.row = mem_zero((size_t)r->T + 1, sizeof(*c.row));
	gradient_of_class(r, rules->class, c.dlogit);
	ok = gradient_open(&c.gradient, r, false) ? hear(&c) : no_memory(&c);
	gradient_release(&c.gradient);
	free(c.dlogit);
	free(c.row);
	return ok;
}

void attribution_release(struct attribution *a)
{
	for (int m = 0; m < METHOD_COUNT; m++)
		free(a->verdict[m].score);
	*a = (struct attribution){0};
}

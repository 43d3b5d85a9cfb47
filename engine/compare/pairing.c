/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/compare/pairing.h"

#include "engine/base/mem.h"
#include "engine/compare/align.h"
#include "engine/compare/assign.h"
#include "engine/inspect/dense.h"
#include "engine/inspect/runs.h"
#include "engine/nn/pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PART_TEXTS = 32, PART_BYTES = 32768 };

/* States of both sides at the same steps: (steps, H) each. */
struct states {
	float *v[2];
	size_t steps, cap[2];
};

struct portion {
	size_t first, count; /* texts */
	struct states states;
};

struct member {
	struct work work[2];
	struct encoding encoding[2][PART_TEXTS];
	bool failed;
};

struct job {
	const struct pairing_side *side;
	const struct pairing_rules *rules;
	const struct example *text;
	size_t *take;             /* texts: those that are taken */
	size_t texts, text_steps; /* text_steps: of one text at most */
	struct portion *part;
	size_t parts;
	struct member *member;
	int members, H[2];
	struct states all;
	double *sum[2]; /* (H[0], H[1]): products of standardised states; of shuffled ones */
	int32_t *order; /* steps: how those of the second side are shuffled */
};

static bool stopped(const struct job *j)
{
	return j->rules->cancel && __atomic_load_n(j->rules->cancel, __ATOMIC_RELAXED);
}

/* --- states ---------------------------------------------------------------------------------------- */

static void add_step(struct states *s, const double *a, const double *b, const int H[2])
{
	const double *from[2] = {a, b};

	for (int k = 0; k < 2; k++) {
		const size_t n = (size_t)H[k];

		s->v[k] = mem_grow(s->v[k], &s->cap[k], (s->steps + 1) * n, sizeof(**s->v));
		for (size_t u = 0; u < n; u++)
			s->v[k][s->steps * n + u] = (float)from[k][u];
	}
	s->steps++;
}

/* The words at the positions of a trace, and where they are. */
static struct align_token *words_of(const struct trace *t, int **place, int *count)
{
	struct align_token *w = mem_alloc(((size_t)t->T + 1) * sizeof(*w));

	*place = mem_alloc(((size_t)t->T + 1) * sizeof(**place));
	*count = 0;
	for (int k = 0; k < t->T; k++) {
		if (t->token[k] < 0)
			continue;
		w[*count].s = trace_token(t, 0, k, &w[*count].n);
		(*place)[(*count)++] = k;
	}
	return w;
}

static const double *state_at(const struct trace *t, int run, int position)
{
	return t->run[run].signal[t->run[run].signals - 1].v + (size_t)position * (size_t)t->H;
}

/* One text: the steps at which both have read the same word, not too many of them. */
static bool take_text(const struct job *j, struct states *to, struct trace *const t[2])
{
	struct align_token *word[2];
	int *place[2], n[2], same = 0, taken = 0;
	struct alignment way = {0};
	bool ok;

	for (int k = 0; k < 2; k++)
		word[k] = words_of(t[k], &place[k], &n[k]);
	ok = align_tokens(&way, word[0], n[0], word[1], n[1], t[0]->run[j->side[0].run].backward,
			  NULL);
	for (int k = 0; k < way.count; k++)
		same += way.at[k].same;
	for (int k = 0, at = 0; ok && k < way.count; k++) {
		const struct align_pair *p = &way.at[k];
		const double most = (double)j->text_steps;

		if (!p->same)
			continue;
		if (same <= most || at * most / same >= taken) { /* evenly */
			add_step(to, state_at(t[0], j->side[0].run, place[0][p->a]),
				 state_at(t[1], j->side[1].run, place[1][p->b]), j->H);
			taken++;
		}
		at++;
	}
	for (int k = 0; k < 2; k++) {
		free(word[k]);
		free(place[k]);
	}
	alignment_release(&way);
	return ok;
}

/* Some texts through one side, in float32. */
static bool run_side(const struct job *j, struct member *me, const struct portion *p, int side)
{
	const struct snapshot *s = j->side[side].snapshot;
	const struct encoder *e = s->encoder;
	struct work *w = &me->work[side];
	const int32_t *ids[PART_TEXTS];
	int length[PART_TEXTS];

	for (size_t k = 0; k < p->count; k++) {
		const struct example *x = &j->text[j->take[p->first + k]];
		struct encoding *c = &me->encoding[side][k];

		encoder_encode(e, x->text, x->text_len, c);
		ids[k] = c->ids;
		length[k] = (int)c->count;
	}
	batch_of_texts(&w->in.batch, ids, length, (int)p->count, &e->rules);
	return task_table[e->model.spec.task].pairs
		       ? model_remember(&e->model, s->weights, w, &(struct pass){0})
		       : model_vector(&e->model, s->weights, w, NULL);
}

static int row_of_text(const struct work *w, int text, int rows)
{
	int row = 0;

	while (row < rows && w->in.batch.row[row] != text)
		row++;
	return row;
}

static bool run_part(const struct job *j, struct member *me, struct portion *p)
{
	const int rows = (int)p->count;

	if (!run_side(j, me, p, 0) || !run_side(j, me, p, 1))
		return false;
	for (int k = 0; k < rows; k++) {
		struct trace *t[2];
		bool ok;

		for (int s = 0; s < 2; s++)
			t[s] = trace_of_pass(j->side[s].snapshot, &me->encoding[s][k], &me->work[s],
					     row_of_text(&me->work[s], k, rows));
		ok = t[0] && t[1] && take_text(j, &p->states, t);
		trace_free(t[0]);
		trace_free(t[1]);
		if (!ok)
			return false;
	}
	return true;
}

static void run_member(void *arg, int member)
{
	struct job *j = arg;
	struct member *me = &j->member[member];

	for (size_t k = (size_t)member; k < j->parts && !me->failed && !stopped(j);
	     k += (size_t)j->members)
		me->failed = !run_part(j, me, &j->part[k]);
}

/* Which texts are taken, and in which parts. */
static void choose_texts(struct job *j, const struct example *text, size_t count)
{
	size_t bytes = 0;

	j->texts = count < PAIRING_TEXTS ? count : PAIRING_TEXTS;
	j->text = text;
	j->take = mem_zero(j->texts + 1, sizeof(*j->take));
	j->part = mem_zero(j->texts + 1, sizeof(*j->part));
	for (size_t k = 0; k < j->texts; k++) {
		struct portion *p = j->parts ? &j->part[j->parts - 1] : NULL;
		const size_t at = k * count / j->texts, length = text[at].text_len;

		j->take[k] = at;
		if (!p || p->count == PART_TEXTS || bytes + length > PART_BYTES) {
			p = &j->part[j->parts++];
			p->first = k;
			bytes = 0;
		}
		bytes += length;
		p->count++;
	}
}

/* The parts' states in order, so many of them, evenly. */
static void gather(struct job *j, size_t most)
{
	size_t total = 0, at = 0;

	for (size_t k = 0; k < j->parts; k++)
		total += j->part[k].states.steps;
	for (size_t k = 0; k < j->parts; k++) {
		struct states *s = &j->part[k].states;

		for (size_t n = 0; n < s->steps; n++, at++) {
			if (total > most && at * most / total < j->all.steps)
				continue;
			for (int side = 0; side < 2; side++) {
				const size_t H = (size_t)j->H[side];

				j->all.v[side] =
					mem_grow(j->all.v[side], &j->all.cap[side],
						 (j->all.steps + 1) * H, sizeof(**j->all.v));
				memcpy(j->all.v[side] + j->all.steps * H, s->v[side] + n * H,
				       H * sizeof(**s->v));
			}
			j->all.steps++;
		}
		for (int side = 0; side < 2; side++) {
			free(s->v[side]);
			s->v[side] = NULL;
		}
	}
}

/* --- correlations ---------------------------------------------------------------------------------- */

/* Of each unit of a side: the mean, and 1 / (standard deviation · √steps), or 0 where it never moves. */
static void moments(const struct job *j, int side, double *mean, double *scale)
{
	const size_t H = (size_t)j->H[side], n = j->all.steps;
	const float *v = j->all.v[side];

	for (size_t u = 0; u < H; u++)
		mean[u] = scale[u] = 0;
	for (size_t s = 0; s < n; s++)
		for (size_t u = 0; u < H; u++)
			mean[u] += (double)v[s * H + u];
	for (size_t u = 0; u < H; u++)
		mean[u] /= (double)n;
	for (size_t s = 0; s < n; s++)
		for (size_t u = 0; u < H; u++) {
			const double d = (double)v[s * H + u] - mean[u];

			scale[u] += d * d;
		}
	for (size_t u = 0; u < H; u++)
		scale[u] = scale[u] > 0 ? 1 / sqrt(scale[u]) : 0;
}

/* A member's rows of both tables of products: a share of the first side's units. */
static void correlate_member(void *arg, int member)
{
	struct job *j = arg;
	const size_t A = (size_t)j->H[0], B = (size_t)j->H[1];
	const size_t from = A * (size_t)member / (size_t)j->members;
	const size_t to = A * ((size_t)member + 1) / (size_t)j->members;
	double *at[2] = {mem_alloc(2 * A * sizeof(double)), mem_alloc(2 * B * sizeof(double))};
	double *a = mem_alloc((A + 1) * sizeof(*a)), *b = mem_alloc((B + 1) * sizeof(*b));

	for (int side = 0; side < 2; side++)
		moments(j, side, at[side], at[side] + j->H[side]);
	for (size_t s = 0; s < j->all.steps; s++) {
		if (s % 1024 == 0 && stopped(j))
			break;
		for (size_t u = from; u < to; u++)
			a[u] = ((double)j->all.v[0][s * A + u] - at[0][u]) * at[0][A + u];
		for (int which = 0; which < 2; which++) {
			const size_t row = which ? (size_t)j->order[s] : s;

			for (size_t u = 0; u < B; u++)
				b[u] = ((double)j->all.v[1][row * B + u] - at[1][u]) * at[1][B + u];
			dense_outer(j->sum[which] + from * B, a + from, b, to - from, B);
		}
	}
	free(at[0]);
	free(at[1]);
	free(a);
	free(b);
}

static void correlate(struct job *j, struct team *team)
{
	struct rng rng;

	rng_seed(&rng, 1, 1);
	j->order = mem_zero(j->all.steps + 1, sizeof(*j->order));
	for (size_t k = 0; k < j->all.steps; k++)
		j->order[k] = (int32_t)k;
	rng_shuffle(&rng, j->order, (int)j->all.steps);
	for (int k = 0; k < 2; k++)
		j->sum[k] = mem_zero((size_t)j->H[0] * (size_t)j->H[1], sizeof(*j->sum[k]));
	team_run(team, correlate_member, j);
}

/* --- pairs ----------------------------------------------------------------------------------------- */

/* The best pairing of a table of r, by the first side's units: the number of pairs, or -1 where cancelled. */
static int best_pairs(const struct job *j, const double *r, struct unit_pair *pair)
{
	const int A = j->H[0], B = j->H[1], n = A < B ? A : B, m = A < B ? B : A;
	double *score = mem_alloc((size_t)A * (size_t)B * sizeof(*score));
	int *to = mem_zero((size_t)m, sizeof(*to)), count = 0;
	bool ok;

	for (int a = 0; a < A; a++)
		for (int b = 0; b < B; b++)
			score[A <= B ? a * B + b : b * A + a] = fabs(r[a * B + b]);
	ok = assign_best(score, n, m, to, j->rules->cancel);
	for (int a = 0; ok && a < A; a++)
		for (int k = 0; k < n; k++) {
			const int b = A <= B ? to[a] : k;

			if (A <= B ? k == a : to[k] == a)
				pair[count++] = (struct unit_pair){a, b, r[a * B + b]};
		}
	free(score);
	free(to);
	return ok ? count : -1;
}

static double mean_of(const struct unit_pair *pair, int count)
{
	double sum = 0;

	for (int k = 0; k < count; k++)
		sum += fabs(pair[k].r);
	return sum / count;
}

static double mean_of_all(const struct job *j)
{
	const size_t n = (size_t)j->H[0] * (size_t)j->H[1];
	double sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += fabs(j->sum[0][k]);
	return sum / (double)n;
}

static bool make_pairs(struct pairing *p, struct job *j)
{
	const int n = j->H[0] < j->H[1] ? j->H[0] : j->H[1];
	struct unit_pair *shuffled = mem_zero((size_t)n, sizeof(*shuffled));
	bool ok;

	p->pair = mem_zero((size_t)n, sizeof(*p->pair));
	p->count = best_pairs(j, j->sum[0], p->pair);
	ok = p->count >= 0 && best_pairs(j, j->sum[1], shuffled) >= 0;
	p->same_number = j->H[0] == j->H[1] ? 0 : NAN;
	for (int u = 0; ok && u < n && j->H[0] == j->H[1]; u++) {
		p->same_number += fabs(j->sum[0][u * n + u]) / n;
		p->at_home += p->pair[u].b == u;
	}
	for (int u = 0; ok && u < n && j->rules->by_number; u++)
		p->pair[u] = (struct unit_pair){u, u, j->sum[0][u * n + u]};
	if (ok) {
		p->mean = mean_of(p->pair, n);
		p->any = mean_of_all(j);
		p->chance = mean_of(shuffled, n);
	}
	free(shuffled);
	return ok;
}

void pairing_same(struct pairing *p, int H)
{
	*p = (struct pairing){.pair = mem_zero((size_t)H, sizeof(*p->pair)),
			      .count = H,
			      .mean = NAN,
			      .any = NAN,
			      .chance = NAN,
			      .same_number = NAN};
	for (int u = 0; u < H; u++)
		p->pair[u] = (struct unit_pair){u, u, NAN};
}

void pairing_release(struct pairing *p)
{
	free(p->pair);
	*p = (struct pairing){0};
}

/* --- all of it ------------------------------------------------------------------------------------- */

static void release(struct job *j)
{
	for (int m = 0; m < j->members; m++)
		for (int s = 0; s < 2; s++) {
			work_release(&j->member[m].work[s]);
			for (int k = 0; k < PART_TEXTS; k++)
				encoding_release(&j->member[m].encoding[s][k]);
		}
	for (size_t k = 0; k < j->parts; k++) {
		free(j->part[k].states.v[0]);
		free(j->part[k].states.v[1]);
	}
	for (int s = 0; s < 2; s++) {
		free(j->all.v[s]);
		free(j->sum[s]);
	}
	free(j->order);
	free(j->member);
	free(j->part);
	free(j->take);
}

static bool collect(struct job *j, struct team *team, size_t most, struct err *err)
{
	bool failed = false;

	team_run(team, run_member, j);
	for (int k = 0; k < j->members; k++)
		failed |= j->member[k].failed;
	if (failed)
		return err_set(err, ERR_FAILED, "not enough memory to run the texts");
	if (stopped(j))
		return err_set(err, ERR_CANCELLED, "cancelled");
	gather(j, most);
	return j->all.steps > 1 ||
	       err_set(err, ERR_INPUT, "in none of the texts do both read the same words");
}

bool pairing_run(struct pairing *p, struct team *team, const struct pairing_side side[2],
		 const struct example *text, size_t count, const struct pairing_rules *rules,
		 struct err *err)
{
	struct job j = {.side = side, .rules = rules, .members = team_size(team)};
	size_t most;
	bool ok;

	*p = (struct pairing){0};
	for (int k = 0; k < 2; k++)
		j.H[k] = side[k].snapshot->encoder->model.spec.hidden;
	most = (size_t)fmin(PAIRING_STEPS, PAIRING_WORK / ((double)j.H[0] * j.H[1]));
	j.member = mem_zero((size_t)j.members, sizeof(*j.member));
	choose_texts(&j, text, count);
	j.text_steps = j.texts ? 2 * most / j.texts + 1 : 1;
	ok = collect(&j, team, most, err);
	if (ok) {
		correlate(&j, team);
		ok = make_pairs(p, &j) && !stopped(&j);
		if (!ok)
			err_set(err, ERR_CANCELLED, "cancelled");
	}
	p->texts = (int64_t)j.texts;
	p->steps = (int64_t)j.all.steps;
	release(&j);
	return ok;
}

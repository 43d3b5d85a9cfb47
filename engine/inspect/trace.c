/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/answer.h"
#include "engine/inspect/outcome.h"
#include "engine/inspect/runs.h"

#include "engine/base/mem.h"
#include "engine/nn/beam.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double farther(double distance, const double *a, const real *b, size_t n)
{
	for (size_t k = 0; k < n; k++)
		distance = fmax(distance, fabs(a[k] - (double)b[k]));
	return distance;
}

/* What a decoder of pairs looks at and says. */
static double compare_pair(const struct trace *t, const struct decoder *d, double distance)
{
	const struct model *m = &t->snapshot->encoder->model;
	const size_t n = (size_t)t->written, T = (size_t)t->T;

	distance = farther(distance, t->said, d->said, n * (size_t)m->K);
	if (t->attention)
		distance = farther(distance, t->attention, d->at.weight, n * T);
	return distance;
}

/* Gates and states of a run; its rows are single, so packed row k is its step k. */
static double compare_run(const struct trace *t, const struct trace_run *r,
			  const struct recur_tape *tape, double d)
{
	const size_t H = (size_t)t->H, G = (size_t)t->gates, T = (size_t)r->T;

	d = farther(d, r->h, tape->h, (T + 1) * H);
	if (r->c)
		d = farther(d, r->c, tape->c, (T + 1) * H);
	for (size_t s = 0; s < T; s++)
		for (size_t q = 0; q < G; q++)
			d = farther(d, r->gate[q] + s * H, tape->z + (s * G + q) * H, H);
	return d;
}

/* The same text through the fast path. */
static bool compare(struct trace *t, struct work *w)
{
	const struct model *m = &t->snapshot->encoder->model;
	const int steps = trace_prob_steps(t);
	double d = 0;

	if (!model_pass(m, t->snapshot->weights, w, &(struct pass){.keep = true},
			&(struct tally){0}))
		return false;
	for (int k = 0; k < t->runs; k++) {
		const struct trace_run *r = &t->run[k];

		d = compare_run(t, r, &(r->decoder ? &w->out : &w->in)->tape.run[r->number], d);
	}
	if (task_table[m->spec.task].pairs)
		d = compare_pair(t, &w->decoder, d);
	if (steps && m->spec.task == TASK_CLASSIFY)
		d = farther(d, t->prob + (size_t)(steps - 1) * (size_t)t->C, w->prob, (size_t)t->C);
	else if (steps)
		d = farther(d, t->prob, w->prob, (size_t)steps * (size_t)t->C);
	t->distance = d;
	return true;
}

/* What the decoder of a pair writes, taking the likeliest token at every step: len of max ids. */
static bool write_answer(const struct trace *t, struct work *w, int end, int max, int32_t *ids,
			 int *len)
{
	const struct encoder *e = t->snapshot->encoder;
	bool *never = decode_never(e->target, false);
	const struct beam_spec spec = {.width = 1, .end = end, .never = never};
	struct stepper s = {0};
	struct beam b = {0};
	const bool ok = model_remember(&e->model, t->snapshot->weights, w, &(struct pass){0}) &&
			stepper_begin_pair(&s, &e->model, t->snapshot->weights, w) &&
			beam_search(&s, &spec, &max, &b) && b.texts;

	*len = ok ? b.text->len : 0;
	if (ok)
		memcpy(ids, b.text->ids, (size_t)*len * sizeof(*ids));
	beam_release(&b);
	stepper_release(&s);
	free(never);
	return ok;
}

/* The same of a text that is written again from its vector. */
static bool write_again(const struct trace *t, struct work *w, int end, int max, int32_t *ids,
			int *len)
{
	const struct encoder *e = t->snapshot->encoder;

	return model_vector(&e->model, t->snapshot->weights, w, NULL) &&
	       decode_greedy(&e->model, t->snapshot->weights, w->vector, 1, end, max, ids, len);
}

/* Lets the decoder write, and makes a batch of what it wrote for the fast path. */
static bool write_text(struct trace *t, struct work *w)
{
	const struct encoder *e = t->snapshot->encoder;
	const int end = vocab_end(e->target), max = decode_limit(t->T);
	struct corpus c = {.count = 1};
	size_t start[2] = {0};
	int32_t *ids = mem_alloc(((size_t)max + 1) * sizeof(*ids));
	int len = 0;
	const bool ok = task_table[e->model.spec.task].pairs
				? write_answer(t, w, end, max, ids, &len)
				: write_again(t, w, end, max, ids, &len);

	ids[len] = end;
	t->written = len + 1;
	t->writes = ids;
	start[1] = (size_t)t->written;
	c.start = start;
	c.ids = ids;
	if (ok)
		batch_targets(&w->out.batch, &c, &(int32_t){0}, 1, 1);
	return ok;
}

/* What a trace is made for. */
struct aim {
	bool states; /* without what comes of them, but for a decoder, whose steps follow from it */
	const int *stop;
};

static bool run_all(struct trace *t, struct work *w, const struct aim *aim)
{
	const struct model *m = &t->snapshot->encoder->model;

	if (!runs_all(t, &m->stack, t->run, false, t->T))
		return false;
	if (aim->states && !m->dec.runs)
		return true;
	if (m->dec.runs && !write_text(t, w))
		return false;
	t->prob = mem_block((size_t)trace_prob_steps(t) * (size_t)t->C + 1, sizeof(*t->prob));
	if (!t->prob)
		return false;
	if (m->dec.runs)
		return answer_decode(t);
	if (m->spec.task == TASK_CLASSIFY)
		return outcome_classes(t, aim->stop);
	outcome_tokens(t, outcome_top(t));
	return true;
}

int trace_prob_steps(const struct trace *t)
{
	return t->written ? t->written : t->T;
}

int trace_top(const struct trace *t, int step, struct choice *best, int n)
{
	const double *p = t->prob + (size_t)step * (size_t)t->C;
	int count = 0;

	for (int k = 0; k < t->C; k++)
		count = choice_rank(best, count, n, (struct choice){k, p[k]});
	return count;
}

int trace_looks(const struct trace *t, int step, struct choice *most, int n)
{
	int count = 0;

	for (int k = 0; t->attention && k < t->T; k++)
		count = choice_rank(most, count, n,
				    (struct choice){k, t->attention[step * t->T + k]});
	return count;
}

int trace_looked_at(const struct trace *t, int position, struct choice *most, int n)
{
	int count = 0;

	for (int k = 0; t->attention && k < t->written; k++)
		count = choice_rank(most, count, n,
				    (struct choice){k, t->attention[k * t->T + position]});
	return count;
}

/* The steps of one row of a batch, as a run goes through them. */
static void take_row(struct trace *t, struct trace_run *r, const struct recur_tape *tape,
		     const struct steps *steps, int row)
{
	const size_t H = (size_t)t->H, G = (size_t)t->gates, B = (size_t)steps->B;

	for (size_t u = 0; u < H; u++) {
		r->h[u] = (double)tape->h[(size_t)row * H + u];
		if (r->c)
			r->c[u] = (double)tape->c[(size_t)row * H + u];
	}
	for (size_t s = 0; s < (size_t)r->T; s++) {
		const size_t n = (size_t)steps->offset[s] + (size_t)row;

		for (size_t u = 0; u < H; u++) {
			for (size_t q = 0; q < G; q++)
				r->gate[q][s * H + u] = (double)tape->z[(n * G + q) * H + u];
			r->h[(s + 1) * H + u] = (double)tape->h[(B + n) * H + u];
			if (r->c)
				r->c[(s + 1) * H + u] = (double)tape->c[(B + n) * H + u];
		}
	}
}

struct trace *trace_of_pass(struct snapshot *s, struct encoding *encoding, const struct work *w,
			    int r)
{
	const struct encoder *e = s->encoder;
	const struct stack *st = &e->model.stack;
	struct trace *t = mem_zero(1, sizeof(*t));
	bool ok;

	t->snapshot = snapshot_ref(s);
	t->H = e->model.spec.hidden;
	t->D = e->model.D;
	t->C = e->model.spec.classes;
	t->gates = e->model.spec.cell->gates;
	t->runs = st->runs;
	t->T = w->in.batch.len[r];
	t->encoding = *encoding;
	*encoding = (struct encoding){0};
	t->run = mem_zero((size_t)t->runs, sizeof(*t->run));
	t->ids = mem_alloc(((size_t)t->T + 1) * sizeof(*t->ids));
	for (int k = 0; k < t->T; k++)
		t->ids[k] = w->in.batch.ids[w->in.batch.steps.offset[k] + r];
	t->token = runs_tokens(&t->encoding, t->T, &e->rules);
	ok = runs_lay(t, st, t->run, false, t->T);
	for (int k = 0; ok && k < t->runs; k++)
		take_row(t, &t->run[k], &w->in.tape.run[k], &w->in.batch.steps, r);
	if (ok && runs_name(t, st, t->run))
		return t;
	trace_free(t);
	return NULL;
}

static struct trace *make(struct snapshot *s, const char *text, size_t n, const struct aim *aim,
			  struct err *err)
{
	const struct encoder *e = s->encoder;
	struct trace *t = mem_zero(1, sizeof(*t));
	struct work w = {0};
	bool ok;

	t->snapshot = snapshot_ref(s);
	t->text = mem_bytes(text, n);
	t->H = e->model.spec.hidden;
	t->D = e->model.D;
	t->C = e->model.spec.classes;
	t->gates = e->model.spec.cell->gates;
	t->runs = e->model.stack.runs + e->model.dec.runs;
	if (!task_table[e->model.spec.task].stream && !task_table[e->model.spec.task].pairs)
		t->vector = mem_zero((size_t)t->D, sizeof(*t->vector));
	t->run = mem_zero((size_t)t->runs, sizeof(*t->run));
	encoder_encode(e, text, n, &t->encoding);
	batch_of_ids(&w.in.batch, t->encoding.ids, (int)t->encoding.count, &e->rules);
	t->T = w.in.batch.steps.N;
	t->ids = mem_alloc(((size_t)t->T + 1) * sizeof(*t->ids));
	memcpy(t->ids, w.in.batch.ids, (size_t)t->T * sizeof(*t->ids));
	t->token = runs_tokens(&t->encoding, t->T, &e->rules);
	ok = run_all(t, &w, aim) && (!t->prob || compare(t, &w));
	work_release(&w);
	if (ok)
		return t;
	if (aim->stop && __atomic_load_n(aim->stop, __ATOMIC_RELAXED))
		err_set(err, ERR_CANCELLED, "cancelled");
	else
		err_set(err, ERR_FAILED, "not enough memory to trace %d steps", t->T);
	trace_free(t);
	return NULL;
}

struct trace *trace_new(struct snapshot *s, const char *text, size_t n, struct err *err)
{
	return make(s, text, n, &(struct aim){0}, err);
}

struct trace *trace_new_until(struct snapshot *s, const char *text, size_t n, const int *stop,
			      struct err *err)
{
	return make(s, text, n, &(struct aim){.stop = stop}, err);
}

struct trace *trace_states(struct snapshot *s, const char *text, size_t n, struct err *err)
{
	return make(s, text, n, &(struct aim){.states = true}, err);
}

void trace_free(struct trace *t)
{
	if (!t)
		return;
	for (int k = 0; k < t->runs; k++) {
		free(t->run[k].block);
		free(t->run[k].mirrored);
	}
	snapshot_unref(t->snapshot);
	encoding_release(&t->encoding);
	free(t->edit);
	free(t->origin);
	free(t->run);
	free(t->text);
	free(t->ids);
	free(t->token);
	free(t->writes);
	free(t->vector);
	free(t->attention);
	free(t->context);
	free(t->said);
	free(t->prob);
	free(t);
}

const char *trace_name(const struct trace *t, int run, char prefix[24])
{
	const struct trace_run *r = &t->run[run];

	*prefix = '\0';
	if (r->decoder)
		snprintf(prefix, 24, "dec.l%d", r->layer);
	else if (t->runs > 1)
		snprintf(prefix, 24, "%sl%d.%s", t->written ? "enc." : "", r->layer,
			 r->backward ? "bw" : "fw");
	return prefix;
}

const char *trace_token(const struct trace *t, int run, int step, size_t *n)
{
	const struct vocab *v = t->snapshot->encoder->target;

	if (t->run[run].decoder)
		return vocab_token(v, step ? t->writes[step - 1] : vocab_end(v), n);
	if (t->token[step] < 0) {
		*n = 5;
		return "<pad>";
	}
	return tokens_at(&t->encoding.tokens, (size_t)t->token[step], n);
}

bool trace_unknown(const struct trace *t, int run, int step)
{
	return !t->run[run].decoder && t->token[step] >= 0 && t->encoding.unknown[t->token[step]];
}

int trace_signal_find(const struct trace_run *r, const char *name)
{
	for (int k = 0; k < r->signals; k++)
		if (!strcmp(r->signal[k].name, name))
			return k;
	return -1;
}

double trace_signal_limit(const struct trace *t, int run, int signal)
{
	const struct trace_signal *s = &t->run[run].signal[signal];
	double limit = *s->name == 'c' ? 0 : 1;

	for (size_t k = 0; k < (size_t)t->run[run].T * (size_t)t->H; k++)
		limit = fabs(s->v[k]) > limit ? fabs(s->v[k]) : limit;
	return limit > 0 ? limit : 1;
}

void round_to_sum(double *v, int n, int decimals)
{
	double sum = 0;

	for (int k = 0; k < n; k++)
		sum += v[k];
	round_to_total(v, n, decimals, sum);
}

void round_to_total(double *v, int n, int decimals, double total)
{
	const double unit = pow(10, -decimals);
	bool *used = mem_zero((size_t)n + 1, sizeof(*used));
	double gap = rint(total / unit);
	int left;

	for (int k = 0; k < n; k++)
		gap -= rint(v[k] / unit);
	left = fabs(gap) <= n ? (int)gap : 0; /* not of nan */
	/* Whoever lost most by rounding gives or takes one unit, at most once each. */
	while (left) {
		int best = -1;
		double most = -INFINITY;

		for (int k = 0; k < n; k++) {
			double lost = (v[k] / unit - rint(v[k] / unit)) * (left > 0 ? 1 : -1);

			if (!used[k] && lost > most) {
				most = lost;
				best = k;
			}
		}
		if (best < 0)
			break;
		used[best] = true;
		v[best] = (rint(v[best] / unit) + (left > 0 ? 1 : -1)) * unit;
		left += left > 0 ? -1 : 1;
	}
	free(used);
	for (int k = 0; k < n; k++)
		v[k] = rint(v[k] / unit) * unit + 0.0; /* no -0 */
}

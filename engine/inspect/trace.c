/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/outcome.h"
#include "engine/inspect/terms.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cell_ops *cell_of(const struct trace *t)
{
	return t->snapshot->encoder->model.spec.cell;
}

static double activate(enum activation act, double z)
{
	return act == ACT_TANH ? tanh(z) : act == ACT_IDENTITY ? z : 1 / (1 + exp(-z));
}

static void run_gate(struct trace *t, struct trace_run *r, int step, int q)
{
	const struct gate_weights g = terms_weights(t, r, q);
	const size_t at = (size_t)step * (size_t)t->H;

	for (int u = 0; u < t->H; u++) {
		struct gate_sum sum;

		terms_sum(t, r, &g, q, step, u, false, &sum);
		r->z[q][at + (size_t)u] = sum.z;
		r->gate[q][at + (size_t)u] = activate(cell_of(t)->gate[q].act, sum.z);
	}
}

static struct cell_flow flow_of(const struct trace *t, const struct trace_run *r, size_t at)
{
	double gate[CELL_MAX_GATES] = {0};

	for (int q = 0; q < t->gates; q++)
		gate[q] = r->gate[q][at];
	return cell_of(t)->flow(gate);
}

static void run_step(struct trace *t, struct trace_run *r, int step)
{
	const struct cell_ops *cell = cell_of(t);
	const size_t H = (size_t)t->H, s = (size_t)step;
	const int o = cell_gate(cell, "o");
	double *state = cell->carries_h ? r->h : r->c;

	for (int q = 0; q < t->gates; q++)
		if (!(cell->gate[q].terms & (TERM_C_NEW | TERM_PEEP_NEW)))
			run_gate(t, r, step, q);
	for (size_t u = 0; u < H; u++) {
		const struct cell_flow f = flow_of(t, r, s * H + u);

		state[(s + 1) * H + u] = f.carry * state[s * H + u] + f.write;
	}
	for (int q = 0; q < t->gates; q++)
		if (cell->gate[q].terms & (TERM_C_NEW | TERM_PEEP_NEW))
			run_gate(t, r, step, q);
	for (size_t u = 0; u < H && !cell->carries_h; u++)
		r->h[(s + 1) * H + u] = (o < 0 ? 1 : r->gate[o][s * H + u]) *
					activate(cell->output, r->c[(s + 1) * H + u]);
}

static double farther(double distance, const double *a, const real *b, size_t n)
{
	for (size_t k = 0; k < n; k++)
		distance = fmax(distance, fabs(a[k] - (double)b[k]));
	return distance;
}

/* The same text through the fast path; its rows are single, so packed row k is a run's step k. */
static bool compare(struct trace *t, struct work *w)
{
	const struct model *m = &t->snapshot->encoder->model;
	const size_t H = (size_t)t->H, G = (size_t)t->gates;
	const int steps = trace_prob_steps(t);
	double d = 0;

	if (!model_pass(m, t->snapshot->weights, w, &(struct pass){.keep = true},
			&(struct tally){0}))
		return false;
	for (int k = 0; k < t->runs; k++) {
		const struct trace_run *r = &t->run[k];
		const struct recur_tape *tape =
			&(r->decoder ? &w->out : &w->in)->tape.run[r->number];
		const size_t T = (size_t)r->T;

		d = farther(d, r->h, tape->h, (T + 1) * H);
		if (r->c)
			d = farther(d, r->c, tape->c, (T + 1) * H);
		for (size_t s = 0; s < T; s++)
			for (size_t q = 0; q < G; q++)
				d = farther(d, r->gate[q] + s * H, tape->z + (s * G + q) * H, H);
	}
	if (steps && m->spec.task == TASK_CLASSIFY)
		d = farther(d, t->prob + (size_t)(steps - 1) * (size_t)t->C, w->prob, (size_t)t->C);
	else if (steps)
		d = farther(d, t->prob, w->prob, (size_t)steps * (size_t)t->C);
	t->distance = d;
	return true;
}

static bool make_room(struct trace *t, struct trace_run *r)
{
	const size_t T = (size_t)r->T, H = (size_t)t->H, G = (size_t)t->gates;
	double *at = mem_block(T * (size_t)r->E + (2 * G + 1) * T * H + 2 * (T + 1) * H + 1,
			       sizeof(double));

	if (!at)
		return false;
	r->block = r->x = at;
	at += T * (size_t)r->E;
	for (size_t q = 0; q < G; q++, at += 2 * T * H) {
		r->z[q] = at;
		r->gate[q] = at + T * H;
	}
	if (!cell_of(t)->carries_h)
		r->c = at;
	r->h = at + (T + 1) * H;
	return true;
}

static void add_signal(struct trace_run *r, const char *name, const char *title, const double *v,
		       int gate, bool is_signed)
{
	r->signal[r->signals++] = (struct trace_signal){name, title, v, gate, is_signed};
}

/* The gate that a variant lacks, in the room behind the states. */
static const double *lacking(const struct trace *t, struct trace_run *r)
{
	double *v = r->h + ((size_t)r->T + 1) * (size_t)t->H;

	for (size_t k = 0; k < (size_t)r->T * (size_t)t->H; k++)
		v[k] = cell_of(t)->coupled ? 1 - r->gate[0][k] : 1;
	return v;
}

/* A backward run's signals once more, row t at position t. */
static bool mirror(const struct trace *t, struct trace_run *r)
{
	const size_t T = (size_t)r->T, H = (size_t)t->H;

	r->mirrored = mem_block((size_t)r->signals * T * H + 1, sizeof(double));
	for (int k = 0; r->mirrored && k < r->signals; k++) {
		double *to = r->mirrored + (size_t)k * T * H;

		for (size_t s = 0; s < T; s++)
			memcpy(to + s * H, r->signal[k].v + (T - 1 - s) * H, H * sizeof(double));
		r->signal[k].v = to;
	}
	return r->mirrored;
}

static bool name_signals(struct trace *t, struct trace_run *r)
{
	static const char *const lstm[][2] = {{"i", "input gate"},
					      {"f", "forget gate"},
					      {"g", "candidate"},
					      {"o", "output gate"}};
	const struct cell_ops *cell = cell_of(t);

	if (cell->carries_h)
		for (int q = 0; q < t->gates; q++)
			add_signal(r, cell->gate[q].name, cell->gate[q].title, r->gate[q], q,
				   cell->gate[q].act != ACT_SIGMOID);
	for (int k = 0; k < 4 && !cell->carries_h; k++) {
		const int q = cell_gate(cell, lstm[k][0]);

		add_signal(r, lstm[k][0], lstm[k][1], q < 0 ? lacking(t, r) : r->gate[q], q,
			   q >= 0 && cell->gate[q].act != ACT_SIGMOID);
	}
	if (r->c)
		add_signal(r, "c", "cell state", r->c + t->H, -1, true);
	add_signal(r, "h", "hidden state", r->h + t->H, -1, true);
	return !r->backward || mirror(t, r);
}

/* One token, embedded. */
static void embed(const struct trace *t, int32_t id, double *x)
{
	const struct model *m = &t->snapshot->encoder->model;
	const size_t E = (size_t)m->E;
	const real *row = t->snapshot->weights + m->embedding + (size_t)id * E;

	if (!m->spec.embed)
		x[id] = 1;
	for (size_t j = 0; m->spec.embed && j < E; j++)
		x[j] = (double)row[j];
}

/* What a run reads: the embedded tokens, or what the layer below puts out, in its own order; in the
 * decoder the token before and the text's vector. */
static void read_input(struct trace *t, struct trace_run *r)
{
	const struct encoder *e = t->snapshot->encoder;
	const int below = (r->layer - 1) * r->stack->spec.dirs; /* its first run's number */

	for (int k = 0; k < r->T; k++) {
		const int position = r->backward ? r->T - 1 - k : k;
		double *x = r->x + (size_t)k * (size_t)r->E;

		if (r->layer) {
			outcome_output(t, r - r->number + below, position, x);
		} else if (!r->decoder) {
			embed(t, t->ids[position], x);
		} else {
			embed(t, k ? t->writes[k - 1] : vocab_end(e->vocab), x);
			memcpy(x + e->model.E, t->vector, (size_t)t->D * sizeof(double));
		}
	}
}

/* The state before the first step, where it is learned. */
static void begin(const struct trace *t, struct trace_run *r)
{
	const real *w = t->snapshot->weights;

	for (size_t u = 0; r->stack->spec.learned && u < (size_t)t->H; u++) {
		r->h[u] = (double)w[r->stack->h0[r->number] + u];
		if (r->c)
			r->c[u] = (double)w[r->stack->c0[r->number] + u];
	}
}

static bool run_stack(struct trace *t, const struct stack *s, struct trace_run *r, bool decoder,
		      int T)
{
	for (int k = 0; k < s->runs; k++, r++) {
		r->layer = k / s->spec.dirs;
		r->backward = k % s->spec.dirs;
		r->decoder = decoder;
		r->stack = s;
		r->number = k;
		r->T = T;
		r->E = s->run[k].at.E;
		if (!make_room(t, r))
			return false;
		read_input(t, r);
		begin(t, r);
		for (int step = 0; step < T; step++)
			run_step(t, r, step);
		if (!name_signals(t, r))
			return false;
	}
	return true;
}

/* Lets the decoder write, and makes a batch of what it wrote for the fast path. */
static bool write_text(struct trace *t, struct work *w)
{
	const struct encoder *e = t->snapshot->encoder;
	const int end = vocab_end(e->vocab), max = decode_limit(t->T);
	struct corpus c = {.count = 1};
	size_t start[2] = {0};
	int32_t *ids = mem_alloc(((size_t)max + 1) * sizeof(*ids));
	int len = 0;
	const bool ok =
		model_vector(&e->model, t->snapshot->weights, w, NULL) &&
		decode_greedy(&e->model, t->snapshot->weights, w->vector, 1, end, max, ids, &len);

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

static bool run_all(struct trace *t, struct work *w)
{
	const struct model *m = &t->snapshot->encoder->model;

	if (!run_stack(t, &m->stack, t->run, false, t->T))
		return false;
	if (m->dec.runs && !write_text(t, w))
		return false;
	t->prob = mem_zero((size_t)trace_prob_steps(t) * (size_t)t->C + 1, sizeof(*t->prob));
	if (m->spec.task == TASK_CLASSIFY)
		return outcome_classes(t);
	if (m->spec.task == TASK_GENERATE) {
		outcome_tokens(t, outcome_top(t));
		return true;
	}
	outcome_vector(t);
	if (!run_stack(t, &m->dec, t->run + m->stack.runs, true, t->written))
		return false;
	outcome_tokens(t, t->run + t->runs - 1);
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

/* Which token each step runs over: padding in front or behind, masked tokens left out. */
static void match_tokens(struct trace *t, const struct batch_rules *rules)
{
	const int n = (int)t->encoding.count, pad = rules->mask || rules->ragged ? 0 : t->T - n;
	int step = 0;

	t->token = mem_alloc((size_t)t->T * sizeof(*t->token));
	for (int k = 0; k < pad && rules->pad_front; k++)
		t->token[step++] = -1;
	for (int k = 0; k < n && step < t->T; k++)
		if (rules->ragged || !rules->mask || t->encoding.ids[k] != VOCAB_PAD)
			t->token[step++] = k;
	while (step < t->T)
		t->token[step++] = -1;
}

struct trace *trace_new(struct snapshot *s, const char *text, size_t n, struct err *err)
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
	t->vector = mem_zero((size_t)t->D, sizeof(*t->vector));
	t->run = mem_zero((size_t)t->runs, sizeof(*t->run));
	encoder_encode(e, text, n, &t->encoding);
	batch_of_ids(&w.in.batch, t->encoding.ids, (int)t->encoding.count, &e->rules);
	t->T = w.in.batch.steps.N;
	t->ids = mem_alloc(((size_t)t->T + 1) * sizeof(*t->ids));
	memcpy(t->ids, w.in.batch.ids, (size_t)t->T * sizeof(*t->ids));
	match_tokens(t, &e->rules);
	ok = run_all(t, &w) && compare(t, &w);
	work_release(&w);
	if (ok)
		return t;
	err_set(err, ERR_FAILED, "not enough memory to trace %d steps", t->T);
	trace_free(t);
	return NULL;
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
	free(t->run);
	free(t->text);
	free(t->ids);
	free(t->token);
	free(t->writes);
	free(t->vector);
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
	const struct vocab *v = t->snapshot->encoder->vocab;

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

void trace_explain(const struct trace *t, int run, int position, int unit, struct unit_sum *out)
{
	const struct trace_run *r = &t->run[run];
	const int step = r->backward ? r->T - 1 - position : position;
	const size_t H = (size_t)t->H, at = (size_t)step * H + (size_t)unit;
	const struct cell_flow f = flow_of(t, r, at);
	const double *state = r->c ? r->c : r->h;
	const int o = cell_gate(cell_of(t), "o");

	*out = (struct unit_sum){
		.carry = f.carry, .write = f.write, .o = o < 0 ? 1 : r->gate[o][at]};
	out->old = state[at];
	out->kept = f.carry * out->old;
	out->state = state[at + H];
	out->h = r->h[at + H];
	for (int q = 0; q < t->gates; q++) {
		const struct gate_weights g = terms_weights(t, r, q);

		terms_sum(t, r, &g, q, step, unit, true, &out->gate[q]);
		out->gate[q].z = r->z[q][at];
		out->gate[q].value = r->gate[q][at];
	}
}

void round_to_sum(double *v, int n, int decimals)
{
	const double unit = pow(10, -decimals);
	bool *used = mem_zero((size_t)n + 1, sizeof(*used));
	double sum = 0, rounded = 0;
	int left;

	for (int k = 0; k < n; k++)
		sum += v[k];
	for (int k = 0; k < n; k++)
		rounded += rint(v[k] / unit);
	left = (int)(rint(sum / unit) - rounded);
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/trace.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sum of a float row times a double vector, in a fixed order the compiler can vectorise. */
static double dot(const real *w, const double *x, int n)
{
	double part[8] = {0}, sum = 0;
	int k = 0;

	for (; k + 8 <= n; k += 8)
		for (int j = 0; j < 8; j++)
			part[j] += (double)w[k + j] * x[k + j];
	for (; k < n; k++)
		sum += (double)w[k] * x[k];
	for (int j = 0; j < 8; j++)
		sum += part[j];
	return sum;
}

/* The weights of gate q as the table and the layout place them; NULL for a term it has not. */
struct gate_weights {
	const real *W, *U, *Wc, *b;
};

static struct gate_weights weights_of(const struct trace *t, int q)
{
	const struct model *m = &t->snapshot->encoder->model;
	const struct cell_ops *cell = m->spec.cell;
	const struct cell_layout *at = &m->recur.at;
	const real *w = t->snapshot->weights;
	const size_t H = (size_t)t->H, E = (size_t)t->E, k = (size_t)q;
	struct gate_weights g = {0};

	if (cell->gate[q].terms & TERM_X)
		g.W = w + at->W + k * H * E;
	if (cell->gate[q].terms & TERM_H)
		g.U = w + at->U + k * H * H;
	g.b = w + at->b + k * H;
	for (int j = 0; j < cell->extras; j++)
		if (cell->extra[j].gate == q && cell->gate[q].terms & TERM_C_NEW)
			g.Wc = w + at->extra[j];
	return g;
}

static double activate(enum activation act, double z)
{
	return act == ACT_TANH ? tanh(z) : 1 / (1 + exp(-z));
}

static void run_gate(struct trace *t, int step, int q)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const struct gate_weights g = weights_of(t, q);
	const size_t H = (size_t)t->H, s = (size_t)step;
	const double *x = t->x + s * (size_t)t->E, *h = t->h + s * H, *c = t->c + (s + 1) * H;

	for (int u = 0; u < t->H; u++) {
		double z = (double)g.b[u];

		if (g.W)
			z += dot(g.W + (size_t)u * (size_t)t->E, x, t->E);
		if (g.U)
			z += dot(g.U + (size_t)u * H, h, t->H);
		if (g.Wc)
			z += dot(g.Wc + (size_t)u * H, c, t->H);
		t->z[q][s * H + (size_t)u] = z;
		t->gate[q][s * H + (size_t)u] = activate(cell->gate[q].act, z);
	}
}

static struct cell_flow flow_of(const struct trace *t, size_t at)
{
	double gate[CELL_MAX_GATES];

	for (int q = 0; q < t->gates; q++)
		gate[q] = t->gate[q][at];
	return t->snapshot->encoder->model.spec.cell->flow(gate);
}

static void run_step(struct trace *t, int step)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const size_t H = (size_t)t->H, s = (size_t)step;
	const int o = cell_gate(cell, "o");

	for (int q = 0; q < t->gates; q++)
		if (!(cell->gate[q].terms & TERM_C_NEW))
			run_gate(t, step, q);
		else
			memset(t->gate[q] + s * H, 0, H * sizeof(double));
	for (size_t u = 0; u < H; u++) {
		const struct cell_flow f = flow_of(t, s * H + u);

		t->c[(s + 1) * H + u] = f.carry * t->c[s * H + u] + f.write;
	}
	for (int q = 0; q < t->gates; q++)
		if (cell->gate[q].terms & TERM_C_NEW)
			run_gate(t, step, q);
	for (size_t u = 0; u < H; u++)
		t->h[(s + 1) * H + u] = t->gate[o][s * H + u] * tanh(t->c[(s + 1) * H + u]);
}

static void run_head(struct trace *t, int step)
{
	const struct model *m = &t->snapshot->encoder->model;
	const real *w = t->snapshot->weights;
	const size_t H = (size_t)t->H;
	double *p = t->prob + (size_t)step * (size_t)t->C, max = -INFINITY, sum = 0;

	for (int k = 0; k < t->C; k++) {
		p[k] = (double)w[m->head_b + (size_t)k] +
		       dot(w + m->head_W + (size_t)k * H, t->h + ((size_t)step + 1) * H, t->H);
		max = fmax(max, p[k]);
	}
	for (int k = 0; k < t->C; k++)
		sum += p[k] = exp(p[k] - max);
	for (int k = 0; k < t->C; k++)
		p[k] /= sum;
}

static double farther(double distance, const double *a, const real *b, size_t n)
{
	for (size_t k = 0; k < n; k++)
		distance = fmax(distance, fabs(a[k] - (double)b[k]));
	return distance;
}

/* The same text through the fast path; its rows are single, so packed row t is step t. */
static bool compare(struct trace *t, struct work *w)
{
	const struct model *m = &t->snapshot->encoder->model;
	const size_t H = (size_t)t->H, G = (size_t)t->gates, T = (size_t)t->T;
	double d = 0;

	if (isnan(model_forward(m, t->snapshot->weights, w, NULL, NULL)) && !w->block)
		return false;
	d = farther(d, t->h, w->tape.h, (T + 1) * H);
	d = farther(d, t->c, w->tape.c, (T + 1) * H);
	for (size_t s = 0; s < T; s++)
		for (size_t q = 0; q < G; q++)
			d = farther(d, t->gate[q] + s * H, w->tape.z + (s * G + q) * H, H);
	if (T)
		d = farther(d, t->prob + (T - 1) * (size_t)t->C, w->prob, (size_t)t->C);
	t->distance = d;
	return true;
}

static bool make_room(struct trace *t)
{
	const size_t T = (size_t)t->T, H = (size_t)t->H, G = (size_t)t->gates;
	double *at = mem_block(T * (size_t)t->E + 2 * G * T * H + 2 * (T + 1) * H + T * (size_t)t->C + 1,
			       sizeof(double));

	if (!at)
		return false;
	t->block = t->x = at;
	at += T * (size_t)t->E;
	for (size_t q = 0; q < G; q++, at += 2 * T * H) {
		t->z[q] = at;
		t->gate[q] = at + T * H;
	}
	t->c = at;
	t->h = at + (T + 1) * H;
	t->prob = t->h + (T + 1) * H;
	return true;
}

/* Which token each step runs over: padding in front or behind, masked tokens left out. */
static void match_tokens(struct trace *t, const struct batch_rules *rules)
{
	const int n = (int)t->encoding.count, pad = rules->mask ? 0 : t->T - n;
	int step = 0;

	t->token = mem_alloc((size_t)t->T * sizeof(*t->token));
	for (int k = 0; k < pad && rules->pad_front; k++)
		t->token[step++] = -1;
	for (int k = 0; k < n && step < t->T; k++)
		if (!rules->mask || t->encoding.ids[k] != VOCAB_PAD)
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
	t->E = e->model.spec.embed;
	t->H = e->model.spec.hidden;
	t->C = e->model.spec.classes;
	t->gates = e->model.spec.cell->gates;
	encoder_encode(e, text, n, &t->encoding);
	batch_of_ids(&w.batch, t->encoding.ids, (int)t->encoding.count, &e->rules);
	t->T = w.batch.steps.N;
	t->ids = mem_alloc(((size_t)t->T + 1) * sizeof(*t->ids));
	memcpy(t->ids, w.batch.ids, (size_t)t->T * sizeof(*t->ids));
	match_tokens(t, &e->rules);
	ok = make_room(t);
	for (int step = 0; ok && step < t->T; step++) {
		const real *row = s->weights + e->model.embedding + (size_t)t->ids[step] * (size_t)t->E;

		for (int k = 0; k < t->E; k++)
			t->x[(size_t)step * (size_t)t->E + (size_t)k] = (double)row[k];
		run_step(t, step);
		run_head(t, step);
	}
	ok = ok && compare(t, &w);
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
	snapshot_unref(t->snapshot);
	encoding_release(&t->encoding);
	free(t->text);
	free(t->ids);
	free(t->token);
	free(t->block);
	free(t);
}

const char *trace_token(const struct trace *t, int step, size_t *n)
{
	if (t->token[step] < 0) {
		*n = 5;
		return "<pad>";
	}
	return tokens_at(&t->encoding.tokens, (size_t)t->token[step], n);
}

bool trace_unknown(const struct trace *t, int step)
{
	return t->token[step] >= 0 && t->encoding.unknown[t->token[step]];
}

static const struct cell_ops *cell_of(const struct trace *t)
{
	return t->snapshot->encoder->model.spec.cell;
}

int trace_signals(const struct trace *t)
{
	return t->gates + 2;
}

const char *trace_signal_name(const struct trace *t, int signal)
{
	return signal < t->gates ? cell_of(t)->gate[signal].name : signal == t->gates ? "c" : "h";
}

const char *trace_signal_title(const struct trace *t, int signal)
{
	return signal < t->gates    ? cell_of(t)->gate[signal].title
	       : signal == t->gates ? "cell state"
				    : "hidden state";
}

bool trace_signal_signed(const struct trace *t, int signal)
{
	return signal >= t->gates || cell_of(t)->gate[signal].act == ACT_TANH;
}

const double *trace_signal(const struct trace *t, int signal)
{
	return signal < t->gates ? t->gate[signal] : (signal == t->gates ? t->c : t->h) + t->H;
}

int trace_signal_find(const struct trace *t, const char *name)
{
	for (int k = 0; k < trace_signals(t); k++)
		if (!strcmp(trace_signal_name(t, k), name))
			return k;
	return -1;
}

double trace_signal_limit(const struct trace *t, int signal)
{
	const double *v = trace_signal(t, signal);
	double limit = signal == t->gates ? 0 : 1;

	for (size_t k = 0; k < (size_t)t->T * (size_t)t->H; k++)
		limit = fmax(limit, fabs(v[k]));
	return limit > 0 ? limit : 1;
}

/* The largest products, and the sum of all. */
static double rank(const real *w, const double *x, int n, struct part *top, int *count)
{
	*count = 0;
	for (int k = 0; k < n; k++) {
		const struct part p = {k, (double)w[k] * x[k]};
		int at = *count;

		for (; at > 0 && fabs(top[at - 1].value) < fabs(p.value); at--)
			if (at < EXPLAIN_TOP)
				top[at] = top[at - 1];
		if (at < EXPLAIN_TOP)
			top[at] = p;
		*count += at < EXPLAIN_TOP && *count < EXPLAIN_TOP;
	}
	return dot(w, x, n);
}

void trace_explain(const struct trace *t, int step, int unit, struct unit_sum *out)
{
	const size_t H = (size_t)t->H, s = (size_t)step, u = (size_t)unit, at = s * H + u;
	const struct cell_flow f = flow_of(t, at);

	*out = (struct unit_sum){.carry = f.carry, .write = f.write};
	out->c_prev = t->c[at];
	out->kept = f.carry * out->c_prev;
	out->c = t->c[at + H];
	out->h = t->h[at + H];
	for (int q = 0; q < t->gates; q++) {
		const struct gate_weights g = weights_of(t, q);
		struct gate_sum *e = &out->gate[q];

		e->terms = cell_of(t)->gate[q].terms;
		if (g.W)
			e->wx = rank(g.W + u * (size_t)t->E, t->x + s * (size_t)t->E, t->E, e->x, &e->x_count);
		if (g.U)
			e->uh = rank(g.U + u * H, t->h + s * H, t->H, e->h, &e->h_count);
		if (g.Wc)
			e->wc = rank(g.Wc + u * H, t->c + (s + 1) * H, t->H, e->c, &e->c_count);
		e->b = (double)g.b[u];
		e->z = t->z[q][at];
		e->value = t->gate[q][at];
	}
}

void round_to_sum(double *v, int n, int decimals)
{
	const double unit = pow(10, -decimals);
	double sum = 0, rounded = 0;
	int left;

	for (int k = 0; k < n; k++)
		sum += v[k];
	for (int k = 0; k < n; k++)
		rounded += rint(v[k] / unit);
	left = (int)(rint(sum / unit) - rounded);
	/* Whoever lost most by rounding gives or takes one unit, at most once each. */
	for (bool used[16] = {false}; left && n <= 16;) {
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
	for (int k = 0; k < n; k++)
		v[k] = rint(v[k] / unit) * unit;
}

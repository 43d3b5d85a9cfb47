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

/* What is multiplied with the rows of which matrix for gate q of the table; the extras by name. */
struct gate_weights {
	const real *W, *U, *Wc, *peep, *b, *reset_b;
	const real *R[3];
	int from[3]; /* R[k] leads from this gate, one step earlier */
	int Rs;
};

static const struct cell_ops *cell_of(const struct trace *t)
{
	return t->snapshot->encoder->model.spec.cell;
}

static void add_extra(const struct trace *t, struct gate_weights *g, int k, unsigned terms)
{
	const struct cell_extra *e = &cell_of(t)->extra[k];
	const real *w = t->snapshot->weights + t->snapshot->encoder->model.recur.at.extra[k];
	const char from[2] = {e->name[2], '\0'};

	if (*e->name == 'p')
		g->peep = w;
	else if (*e->name == 'b')
		g->reset_b = w;
	else if (*e->name == 'U')
		g->U = w;
	else if (terms & TERM_C_NEW)
		g->Wc = w;
	else {
		g->from[g->Rs] = cell_gate(cell_of(t), from);
		g->R[g->Rs++] = w;
	}
}

static struct gate_weights weights_of(const struct trace *t, int q)
{
	const struct cell_ops *cell = cell_of(t);
	const struct cell_layout *at = &t->snapshot->encoder->model.recur.at;
	const real *w = t->snapshot->weights;
	const size_t H = (size_t)t->H, E = (size_t)t->E, k = (size_t)q;
	struct gate_weights g = {0};

	if (cell->gate[q].terms & TERM_X)
		g.W = w + at->W + k * H * E;
	if (cell->gate[q].terms & TERM_H)
		g.U = w + at->U + k * H * H;
	g.b = w + at->b + k * H;
	for (int j = 0; j < cell->extras; j++)
		if (cell->extra[j].gate == q)
			add_extra(t, &g, j, cell->gate[q].terms);
	return g;
}

static double activate(enum activation act, double z)
{
	return act == ACT_TANH ? tanh(z) : act == ACT_IDENTITY ? z : 1 / (1 + exp(-z));
}

/* The largest products, and the sum of all; mask (or NULL) multiplies x first. */
static double rank(const real *w, const double *x, const double *mask, int n, struct sum_term *term)
{
	double sum = 0;

	for (int k = 0; k < n; k++) {
		const struct part p = {k, (double)w[k] * x[k] * (mask ? mask[k] : 1)};
		int at = term->count;

		sum += p.value;
		for (; at > 0 && fabs(term->top[at - 1].value) < fabs(p.value); at--)
			if (at < EXPLAIN_TOP)
				term->top[at] = term->top[at - 1];
		if (at < EXPLAIN_TOP)
			term->top[at] = p;
		term->count += at < EXPLAIN_TOP && term->count < EXPLAIN_TOP;
	}
	return sum;
}

static struct sum_term *add_term(struct gate_sum *g, const char *label, const char *letter)
{
	g->term[g->terms] = (struct sum_term){.label = label, .letter = letter};
	return &g->term[g->terms++];
}

/* The terms of unit u's gate q at a step. Gates earlier in the table, and c where the gate sees the
 * new one, are there already. With ranks the largest contributions are found too. */
static void sum_gate(const struct trace *t, const struct gate_weights *g, int q, int step, int u,
		     bool ranks, struct gate_sum *out)
{
	const unsigned terms = cell_of(t)->gate[q].terms;
	const size_t H = (size_t)t->H, s = (size_t)step, row = (size_t)u;
	const double *x = t->x + s * (size_t)t->E, *h = t->h + s * H,
		     *c = t->c ? t->c + s * H : NULL;
	struct sum_term *m;

	*out = (struct gate_sum){.b = (double)g->b[u]};
	if (g->W) {
		m = add_term(out, "W·x", "x");
		m->value = ranks ? rank(g->W + row * (size_t)t->E, x, NULL, t->E, m)
				 : dot(g->W + row * (size_t)t->E, x, t->E);
	}
	if (terms & TERM_RESET_AFTER) {
		m = add_term(out, "r·(U·h+b)", "h");
		m->value = (rank(g->U + row * H, h, NULL, t->H, m) + (double)g->reset_b[u]) *
			   t->gate[0][s * H + row];
	} else if (terms & TERM_RESET_BEFORE) {
		m = add_term(out, "U·(r·h)", "h");
		m->value = rank(g->U + row * H, h, t->gate[0] + s * H, t->H, m);
	} else if (g->U) {
		m = add_term(out, "U·h", "h");
		m->value = ranks ? rank(g->U + row * H, h, NULL, t->H, m)
				 : dot(g->U + row * H, h, t->H);
	}
	if (g->Wc) {
		m = add_term(out, "W·c", "c");
		m->value = ranks ? rank(g->Wc + row * H, c + H, NULL, t->H, m)
				 : dot(g->Wc + row * H, c + H, t->H);
	}
	if (g->peep) {
		m = add_term(out, "p·c", "c");
		m->top[0] = (struct part){u, (double)g->peep[u] *
						     c[(terms & TERM_PEEP_NEW ? H : 0) + row]};
		m->value = m->top[0].value;
		m->count = 1;
	}
	if (g->Rs) {
		m = add_term(out, "R·gates", "");
		for (int k = 0; k < g->Rs && step; k++)
			m->value += dot(g->R[k] + row * H, t->gate[g->from[k]] + (s - 1) * H, t->H);
	}
	out->z = out->b;
	for (int k = 0; k < out->terms; k++)
		out->z += out->term[k].value;
}

static void run_gate(struct trace *t, int step, int q)
{
	const struct gate_weights g = weights_of(t, q);
	const size_t at = (size_t)step * (size_t)t->H;

	for (int u = 0; u < t->H; u++) {
		struct gate_sum sum;

		sum_gate(t, &g, q, step, u, false, &sum);
		t->z[q][at + (size_t)u] = sum.z;
		t->gate[q][at + (size_t)u] = activate(cell_of(t)->gate[q].act, sum.z);
	}
}

static struct cell_flow flow_of(const struct trace *t, size_t at)
{
	double gate[CELL_MAX_GATES] = {0};

	for (int q = 0; q < t->gates; q++)
		gate[q] = t->gate[q][at];
	return cell_of(t)->flow(gate);
}

static void run_step(struct trace *t, int step)
{
	const struct cell_ops *cell = cell_of(t);
	const size_t H = (size_t)t->H, s = (size_t)step;
	const int o = cell_gate(cell, "o");
	double *state = cell->carries_h ? t->h : t->c;

	for (int q = 0; q < t->gates; q++)
		if (!(cell->gate[q].terms & (TERM_C_NEW | TERM_PEEP_NEW)))
			run_gate(t, step, q);
	for (size_t u = 0; u < H; u++) {
		const struct cell_flow f = flow_of(t, s * H + u);

		state[(s + 1) * H + u] = f.carry * state[s * H + u] + f.write;
	}
	for (int q = 0; q < t->gates; q++)
		if (cell->gate[q].terms & (TERM_C_NEW | TERM_PEEP_NEW))
			run_gate(t, step, q);
	for (size_t u = 0; u < H && !cell->carries_h; u++)
		t->h[(s + 1) * H + u] = (o < 0 ? 1 : t->gate[o][s * H + u]) *
					activate(cell->output, t->c[(s + 1) * H + u]);
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
	if (t->c)
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
	double *at = mem_block(T * (size_t)t->E + (2 * G + 1) * T * H + 2 * (T + 1) * H +
				       T * (size_t)t->C + 1,
			       sizeof(double));

	if (!at)
		return false;
	t->block = t->x = at;
	at += T * (size_t)t->E;
	for (size_t q = 0; q < G; q++, at += 2 * T * H) {
		t->z[q] = at;
		t->gate[q] = at + T * H;
	}
	if (!cell_of(t)->carries_h)
		t->c = at;
	t->h = at + (T + 1) * H;
	t->prob = t->h + (T + 1) * H;
	return true;
}

static void add_signal(struct trace *t, const char *name, const char *title, const double *v,
		       int gate, bool is_signed)
{
	t->signal[t->signals++] = (struct trace_signal){name, title, v, gate, is_signed};
}

/* The gate that a variant lacks, in the room behind the probabilities. */
static const double *lacking(struct trace *t, double *v)
{
	for (size_t k = 0; k < (size_t)t->T * (size_t)t->H; k++)
		v[k] = cell_of(t)->coupled ? 1 - t->gate[0][k] : 1;
	return v;
}

static void name_signals(struct trace *t)
{
	static const char *const lstm[][2] = {{"i", "input gate"},
					      {"f", "forget gate"},
					      {"g", "candidate"},
					      {"o", "output gate"}};
	const struct cell_ops *cell = cell_of(t);

	if (cell->carries_h)
		for (int q = 0; q < t->gates; q++)
			add_signal(t, cell->gate[q].name, cell->gate[q].title, t->gate[q], q,
				   cell->gate[q].act != ACT_SIGMOID);
	for (int k = 0; k < 4 && !cell->carries_h; k++) {
		const int q = cell_gate(cell, lstm[k][0]);

		add_signal(t, lstm[k][0], lstm[k][1],
			   q < 0 ? lacking(t, t->prob + (size_t)t->T * (size_t)t->C) : t->gate[q],
			   q, q >= 0 && cell->gate[q].act != ACT_SIGMOID);
	}
	if (t->c)
		add_signal(t, "c", "cell state", t->c + t->H, -1, true);
	add_signal(t, "h", "hidden state", t->h + t->H, -1, true);
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
		const real *row =
			s->weights + e->model.embedding + (size_t)t->ids[step] * (size_t)t->E;

		for (int k = 0; k < t->E; k++)
			t->x[(size_t)step * (size_t)t->E + (size_t)k] = (double)row[k];
		run_step(t, step);
		run_head(t, step);
	}
	ok = ok && compare(t, &w);
	work_release(&w);
	if (ok) {
		name_signals(t);
		return t;
	}
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

int trace_signal_find(const struct trace *t, const char *name)
{
	for (int k = 0; k < t->signals; k++)
		if (!strcmp(t->signal[k].name, name))
			return k;
	return -1;
}

double trace_signal_limit(const struct trace *t, int signal)
{
	const struct trace_signal *s = &t->signal[signal];
	double limit = *s->name == 'c' ? 0 : 1;

	for (size_t k = 0; k < (size_t)t->T * (size_t)t->H; k++)
		limit = fmax(limit, fabs(s->v[k]));
	return limit > 0 ? limit : 1;
}

void trace_explain(const struct trace *t, int step, int unit, struct unit_sum *out)
{
	const size_t H = (size_t)t->H, at = (size_t)step * H + (size_t)unit;
	const struct cell_flow f = flow_of(t, at);
	const double *state = t->c ? t->c : t->h;
	const int o = cell_gate(cell_of(t), "o");

	*out = (struct unit_sum){
		.carry = f.carry, .write = f.write, .o = o < 0 ? 1 : t->gate[o][at]};
	out->old = state[at];
	out->kept = f.carry * out->old;
	out->state = state[at + H];
	out->h = t->h[at + H];
	for (int q = 0; q < t->gates; q++) {
		const struct gate_weights g = weights_of(t, q);

		sum_gate(t, &g, q, step, unit, true, &out->gate[q]);
		out->gate[q].z = t->z[q][at];
		out->gate[q].value = t->gate[q][at];
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
		v[k] = rint(v[k] / unit) * unit + 0.0; /* no -0 */
}

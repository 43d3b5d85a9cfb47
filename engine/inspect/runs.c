/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/runs.h"
#include "engine/inspect/dense.h"
#include "engine/inspect/outcome.h"
#include "engine/inspect/terms.h"

#include "engine/base/mem.h"

#include <math.h>
#include <string.h>

static const struct cell_ops *cell_of(const struct trace *t)
{
	return t->snapshot->encoder->model.spec.cell;
}

static double activate(enum activation act, double z)
{
	return act == ACT_TANH ? tanh(z) : act == ACT_IDENTITY ? z : 1 / (1 + exp(-z));
}

/* What was set by hand at a step of a run: of a gate, or of a state. */
static void set_by_hand(const struct trace *t, const struct trace_run *r, int step,
			enum edit_kind kind, int gate, double *v)
{
	const int position = r->backward ? r->T - 1 - step : step;

	for (int k = 0; k < t->edits; k++) {
		const struct edit *e = &t->edit[k];

		if (e->kind != kind || (kind == EDIT_GATE && e->gate != gate) ||
		    &t->run[e->run] != r || position < e->from || position > e->to)
			continue;
		for (int u = 0; u < t->H; u++)
			if (e->unit < 0 || e->unit == u)
				v[u] = e->value;
	}
}

/* z of a gate at a step, all units: the sum of its terms as in terms_sum, a matrix at a time. */
static void sum_gate(const struct trace *t, const struct trace_run *r, int step, int q)
{
	const struct gate_weights g = terms_weights(t, r, q);
	const unsigned terms = cell_of(t)->gate[q].terms;
	const size_t H = (size_t)t->H, E = (size_t)r->E, s = (size_t)step;
	const double *h = r->h + s * H, *c = r->c ? r->c + s * H : NULL;
	double *z = r->z[q] + s * H;

	for (size_t u = 0; u < H; u++)
		z[u] = terms & TERM_RESET_AFTER ? (double)g.reset_b[u] : 0;
	if (g.U)
		dense_add(z, g.U, h, H, H);
	for (size_t u = 0; u < H; u++)
		z[u] = (terms & TERM_RESET_AFTER ? r->gate[0][s * H + u] * z[u] : z[u]) +
		       (double)g.b[u];
	if (g.W)
		dense_add(z, g.W, r->x + s * E, H, E);
	if (g.Wc && c)
		dense_add(z, g.Wc, c + H, H, H);
	for (size_t u = 0; g.peep && c && u < H; u++)
		z[u] += (double)g.peep[u] * c[(terms & TERM_PEEP_NEW ? H : 0) + u];
	for (int k = 0; step && k < g.Rs; k++)
		dense_add(z, g.R[k], r->gate[g.from[k]] + (s - 1) * H, H, H);
}

/* z of one unit. */
static void sum_unit(const struct trace *t, const struct trace_run *r, int step, int q, int u)
{
	const struct gate_weights g = terms_weights(t, r, q);
	struct gate_sum sum;

	terms_sum(t, r, &g, q, step, u, &sum);
	r->z[q][(size_t)step * (size_t)t->H + (size_t)u] = sum.z;
}

/* z of a gate, of a unit or of all (-1); the terms of a reset that comes before are summed unit by unit. */
static void sum_terms(const struct trace *t, const struct trace_run *r, int step, int q, int unit)
{
	const bool single = unit >= 0 || cell_of(t)->gate[q].terms & TERM_RESET_BEFORE;

	if (!single)
		sum_gate(t, r, step, q);
	for (int u = unit < 0 ? 0 : unit; single && u < (unit < 0 ? t->H : unit + 1); u++)
		sum_unit(t, r, step, q, u);
}

static void run_gate(struct trace *t, struct trace_run *r, int step, int q)
{
	const size_t at = (size_t)step * (size_t)t->H;

	sum_terms(t, r, step, q, -1);
	for (size_t u = 0; u < (size_t)t->H; u++)
		r->gate[q][at + u] = activate(cell_of(t)->gate[q].act, r->z[q][at + u]);
	set_by_hand(t, r, step, EDIT_GATE, q, r->gate[q] + at);
}

struct cell_flow runs_flow(const struct trace *t, const struct trace_run *r, size_t at)
{
	double gate[CELL_MAX_GATES] = {0};

	for (int q = 0; q < t->gates; q++)
		gate[q] = r->gate[q][at];
	return cell_of(t)->flow(gate);
}

void runs_step(struct trace *t, struct trace_run *r, int step)
{
	const struct cell_ops *cell = cell_of(t);
	const size_t H = (size_t)t->H, s = (size_t)step;
	const int o = cell_gate(cell, "o");
	double *state = cell->carries_h ? r->h : r->c;

	for (int q = 0; q < t->gates; q++)
		if (!(cell->gate[q].terms & (TERM_C_NEW | TERM_PEEP_NEW)))
			run_gate(t, r, step, q);
	for (size_t u = 0; u < H; u++) {
		const struct cell_flow f = runs_flow(t, r, s * H + u);

		state[(s + 1) * H + u] = f.carry * state[s * H + u] + f.write;
	}
	set_by_hand(t, r, step, cell->carries_h ? EDIT_H : EDIT_C, 0, state + (s + 1) * H);
	for (int q = 0; q < t->gates; q++)
		if (cell->gate[q].terms & (TERM_C_NEW | TERM_PEEP_NEW))
			run_gate(t, r, step, q);
	for (size_t u = 0; u < H && !cell->carries_h; u++)
		r->h[(s + 1) * H + u] = (o < 0 ? 1 : r->gate[o][s * H + u]) *
					activate(cell->output, r->c[(s + 1) * H + u]);
	if (!cell->carries_h)
		set_by_hand(t, r, step, EDIT_H, 0, r->h + (s + 1) * H);
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

/* One token, embedded, by the table of the text or of the decoder. */
static void embed(const struct trace *t, bool out, int32_t id, double *x)
{
	const struct model *m = &t->snapshot->encoder->model;
	const struct id_table *table = &m->table[out ? m->out_table : 0];
	const size_t E = (size_t)table->width;
	const real *row = t->snapshot->weights + table->at + (size_t)id * E;

	if (!m->tables)
		x[id] = 1;
	for (size_t j = 0; m->tables && j < E; j++)
		x[j] = (double)row[j];
}

void runs_embed_written(const struct trace *t, int step, double *x)
{
	const int end = vocab_end(t->snapshot->encoder->target);

	embed(t, true, step ? t->writes[step - 1] : end, x);
}

/* What a run reads: the embedded tokens, or what the layer below puts out, in its own order; in the
 * decoder the token before and the text's vector. */
static void read_input(const struct trace *t, struct trace_run *r)
{
	const int below = (r->layer - 1) * r->stack->spec.dirs; /* its first run's number */

	for (int k = 0; k < r->T; k++) {
		const int position = r->backward ? r->T - 1 - k : k;
		double *x = r->x + (size_t)k * (size_t)r->E;

		if (r->layer) {
			outcome_output(t, r - r->number + below, position, x);
		} else if (!r->decoder) {
			embed(t, false, t->ids[position], x);
		} else {
			runs_embed_written(t, k, x);
			memcpy(x + t->snapshot->encoder->model.out_E, t->vector,
			       (size_t)t->D * sizeof(double));
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

bool runs_lay(struct trace *t, const struct stack *s, struct trace_run *r, bool decoder, int T)
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
		begin(t, r);
	}
	return true;
}

bool runs_name(struct trace *t, const struct stack *s, struct trace_run *r)
{
	for (int k = 0; k < s->runs; k++)
		if (!name_signals(t, r + k))
			return false;
	return true;
}

bool runs_all(struct trace *t, const struct stack *s, struct trace_run *r, bool decoder, int T)
{
	if (!runs_lay(t, s, r, decoder, T))
		return false;
	for (int k = 0; k < s->runs; k++) {
		read_input(t, r + k);
		for (int step = 0; step < T; step++)
			runs_step(t, r + k, step);
	}
	return runs_name(t, s, r);
}

void runs_fill_x(const struct trace *t, struct trace_run *r)
{
	read_input(t, r);
}

/* z from what the gate has made of it; NaN where that is too flat to tell: near 0 and 1. */
static double undone(enum activation act, double v)
{
	const double low = 0.02;

	if (act == ACT_IDENTITY)
		return v;
	if (act == ACT_TANH)
		v = (v + 1) / 2;
	v = v > low && v < 1 - low ? log(v / (1 - v)) : (double)NAN;
	return act == ACT_TANH ? v / 2 : v;
}

void runs_fill_z(const struct trace *t, struct trace_run *r, int gate, int unit)
{
	const size_t H = (size_t)t->H;

	read_input(t, r);
	for (int step = 0; step < r->T; step++) {
		const size_t at = (size_t)step * H;
		int flat = 0;

		if (unit >= 0) {
			sum_terms(t, r, step, gate, unit);
			continue;
		}
		for (size_t u = 0; u < H; u++) {
			r->z[gate][at + u] =
				undone(cell_of(t)->gate[gate].act, r->gate[gate][at + u]);
			flat += isnan(r->z[gate][at + u]);
		}
		if (flat > t->H / 4)
			sum_terms(t, r, step, gate, -1);
		for (int u = 0; flat <= t->H / 4 && u < t->H; u++)
			if (isnan(r->z[gate][at + (size_t)u]))
				sum_terms(t, r, step, gate, u);
	}
}

int *runs_tokens(const struct encoding *e, int T, const struct batch_rules *rules)
{
	const int n = (int)e->count, pad = rules->mask || rules->ragged ? 0 : T - n;
	int *token = mem_alloc(((size_t)T + 1) * sizeof(*token)), step = 0;

	for (int k = 0; k < pad && rules->pad_front; k++)
		token[step++] = -1;
	for (int k = 0; k < n && step < T; k++)
		if (rules->ragged || !rules->mask || e->ids[k] != VOCAB_PAD)
			token[step++] = k;
	while (step < T)
		token[step++] = -1;
	return token;
}

/* A step of a run at a position, and back. */
static int turned(const struct trace_run *r, int k)
{
	return r->backward ? r->T - 1 - k : k;
}

/* Whether a run's output is as it was at a position, where its first changed step is known. */
static bool is_as_before(const struct trace_run *r, int changed, int position)
{
	return turned(r, position) < changed;
}

/* So many of a run's first steps read words that stand at the same steps in base. */
static int same_words(const struct trace *t, const struct trace_run *r, const struct trace *base,
		      const struct trace_run *before)
{
	const int most = r->T < before->T ? r->T : before->T;
	int same = 0;

	while (same < most && t->ids[turned(r, same)] == base->ids[turned(before, same)])
		same++;
	return same;
}

/* The first step of a run that may differ from base; its T: none. */
static int first_change(const struct trace *t, const struct trace_run *r, const struct trace *base,
			const int *changed)
{
	const int below = (r->layer - 1) * r->stack->spec.dirs;
	int first = r->T;

	if (!r->layer)
		first = same_words(t, r, base, &base->run[r->number]);
	else if (r->stack->spec.dirs == 2 && t->T != base->T)
		return 0; /* what the two directions below put out meets at other steps */
	for (int k = 0; k < t->edits; k++)
		if (&t->run[t->edit[k].run] == r) {
			const int step = turned(r, r->backward ? t->edit[k].to : t->edit[k].from);

			first = step < first ? step : first;
		}
	for (int step = 0; r->layer && step < first; step++)
		for (int d = 0; d < r->stack->spec.dirs; d++)
			if (!is_as_before(&t->run[below + d], changed[below + d], turned(r, step)))
				first = step;
	return first;
}

/* Copies the first steps, and the states before and behind them. */
static void copy_steps(const struct trace *t, struct trace_run *r, const struct trace_run *from,
		       int steps)
{
	const size_t n = (size_t)steps, H = (size_t)t->H;

	memcpy(r->x, from->x, n * (size_t)r->E * sizeof(double));
	for (int q = 0; q < t->gates; q++) {
		memcpy(r->z[q], from->z[q], n * H * sizeof(double));
		memcpy(r->gate[q], from->gate[q], n * H * sizeof(double));
	}
	memcpy(r->h, from->h, (n + 1) * H * sizeof(double));
	if (r->c)
		memcpy(r->c, from->c, (n + 1) * H * sizeof(double));
}

bool runs_edited(struct trace *t, const struct trace *base)
{
	const struct stack *s = &t->snapshot->encoder->model.stack;
	int changed[STACK_MAX_RUNS];

	if (!runs_lay(t, s, t->run, false, t->T))
		return false;
	for (int k = 0; k < s->runs; k++) {
		struct trace_run *r = &t->run[k];

		changed[k] = first_change(t, r, base, changed);
		read_input(t, r);
		copy_steps(t, r, &base->run[k], changed[k]);
		for (int step = changed[k]; step < r->T; step++)
			runs_step(t, r, step);
	}
	return runs_name(t, s, t->run);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/model.h"

#include "engine/base/mem.h"
#include "engine/math/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct task_ops task_table[TASK_COUNT] = {
	[TASK_CLASSIFY] = {.name = "classify",
			   .title = "texts and their labels",
			   .labels = true,
			   .accuracy = true},
	[TASK_GENERATE] = {.name = "generate",
			   .title = "the next token of a running text",
			   .stream = true},
	[TASK_RECONSTRUCT] = {.name = "reconstruct",
			      .title = "a text from its own vector",
			      .decoder = true,
			      .accuracy = true},
	[TASK_TRANSLATE] = {.name = "translate",
			    .title = "a text in another language",
			    .decoder = true,
			    .pairs = true},
	[TASK_SUMMARIZE] = {.name = "summarize",
			    .title = "what a text says, in fewer words",
			    .decoder = true,
			    .pairs = true,
			    .one_vocab = true},
};

int task_find(const char *name)
{
	for (int k = 0; k < TASK_COUNT; k++)
		if (!strcmp(task_table[k].name, name))
			return k;
	return -1;
}

static void add_param(struct model *m, const char *prefix, const char *name, size_t at, int rows,
		      int cols)
{
	struct param *p = &m->param[m->params++];

	snprintf(p->name, sizeof(p->name), "%.14s%.15s", prefix, name);
	p->at = at;
	p->rows = rows;
	p->cols = cols;
}

static void add_stack(struct model *m, const struct stack *s, const char *side)
{
	char name[16], run_name[16], prefix[24];
	size_t at;
	int rows, cols;

	for (int run = 0; run < s->runs; run++) {
		stack_prefix(s, run, run_name);
		snprintf(prefix, sizeof(prefix), "%s%s", side, run_name);
		for (int k = 0; stack_tensor(s, run, k, name, &at, &rows, &cols); k++)
			add_param(m, prefix, name, at, rows, cols);
	}
}

/* A stack's weights, as a number that cannot overflow. */
static double count_stack(const struct model_spec *s, double E, double D, int dirs)
{
	const struct cell_ops *c = s->cell;
	const double H = s->hidden;
	const double states = !s->learned ? 0 : c->carries_h ? 1 : 2;
	double run = c->h_gates * H + c->gates + states;

	for (int k = 0; k < c->extras; k++)
		run += c->extra[k].cols ? H : 1;
	return dirs * H * (s->layers * run + c->x_gates * (E + (s->layers - 1) * D));
}

/* Weights in all, likewise. */
static double count_weights(const struct model *m)
{
	const struct model_spec *s = &m->spec;
	const double head = s->classes * ((s->tied ? 0 : (double)m->K) + 1);
	const double text = count_stack(s, m->E, m->D, s->dirs);
	const double decoder = count_stack(s, (double)m->E + m->D, s->hidden, 1);

	return (double)s->vocab * s->embed + head + text +
	       (task_table[s->task].decoder ? decoder : 0);
}

static bool check(const struct model *m, struct err *err)
{
	const struct model_spec *s = &m->spec;

	if (s->vocab < 1 || s->embed < 0 || s->hidden < 1 || s->classes < 2)
		return err_set(err, ERR_USAGE,
			       "a model needs a vocabulary, hidden of at least 1 and two classes");
	if (task_table[s->task].stream && s->dirs > 1)
		return err_set(
			err, ERR_USAGE,
			"task %s reads what comes before a token only: bidirectional must be "
			"false",
			task_table[s->task].name);
	if (s->tied && s->task == TASK_CLASSIFY)
		return err_set(err, ERR_USAGE,
			       "tied is for tasks whose output are tokens, not for classify");
	if (s->tied && s->embed != m->K)
		return err_set(err, ERR_USAGE,
			       "tied needs embed as wide as what the head reads: embed is %d, that "
			       "is %d",
			       s->embed, m->K);
	if (count_weights(m) > 2e9)
		return err_set(err, ERR_USAGE,
			       "the model would have more than 2e9 weights; lower embed, "
			       "hidden, layers or max_vocab");
	return true;
}

static bool plan_stacks(struct model *m, struct err *err)
{
	const struct model_spec *s = &m->spec;
	struct stack_spec stack = {s->cell, m->E,     s->hidden, s->layers,
				   s->dirs, s->merge, s->learned};

	if (!stack_plan(&m->stack, &stack, 0, err))
		return false;
	m->pool_w = m->stack.size;
	m->head_W = m->pool_w +
		    (!task_table[s->task].stream && s->pool == POOL_ATTENTION ? (size_t)m->D : 0);
	if (!task_table[s->task].decoder)
		return true;
	stack = (struct stack_spec){.cell = s->cell,
				    .E = m->E + m->D,
				    .H = s->hidden,
				    .layers = s->layers,
				    .dirs = 1,
				    .learned = s->learned};
	if (!stack_plan(&m->dec, &stack, m->head_W, err))
		return false;
	m->head_W += m->dec.size;
	return true;
}

bool model_plan(struct model *m, const struct model_spec *spec, struct err *err)
{
	const size_t V = (size_t)spec->vocab, E = (size_t)spec->embed;

	*m = (struct model){.spec = *spec};
	spec = &m->spec;
	m->spec.layers += !spec->layers;
	m->spec.dirs += !spec->dirs;
	if (spec->task != TASK_CLASSIFY)
		m->spec.classes = spec->target ? spec->target : spec->vocab;
	m->E = spec->embed ? spec->embed : spec->vocab;
	m->D = spec->dirs == 2 && spec->merge == MERGE_CONCAT ? 2 * spec->hidden : spec->hidden;
	m->K = task_table[spec->task].decoder ? spec->hidden : m->D;
	if (!check(m, err) || !plan_stacks(m, err))
		return false;
	m->head_b = m->head_W + (spec->tied ? 0 : (size_t)spec->classes * (size_t)m->K);
	m->embedding = m->head_b + (size_t)spec->classes;
	m->size = m->embedding + V * E;
	m->dense = spec->tied ? m->size : m->embedding;
	if (spec->tied)
		m->head_W = m->embedding;

	if (spec->embed)
		add_param(m, "", "embedding", m->embedding, spec->vocab, spec->embed);
	add_stack(m, &m->stack, "");
	if (!task_table[spec->task].stream && spec->pool == POOL_ATTENTION)
		add_param(m, "", "pool.w", m->pool_w, m->D, 0);
	add_stack(m, &m->dec, "dec.");
	if (!spec->tied)
		add_param(m, "head.", "W", m->head_W, spec->classes, m->K);
	add_param(m, "head.", "b", m->head_b, spec->classes, 0);
	return true;
}

size_t param_size(const struct param *p)
{
	return (size_t)p->rows * (size_t)(p->cols ? p->cols : 1);
}

const struct param *model_param(const struct model *m, const char *name)
{
	for (int k = 0; k < m->params; k++)
		if (!strcmp(m->param[k].name, name))
			return &m->param[k];
	return NULL;
}

void work_release(struct work *w)
{
	side_release(&w->in);
	side_release(&w->out);
	pool_release(&w->pool);
	free(w->vector);
	free(w->dvector);
	free(w->prob);
	free(w->dy);
	free(w->block);
	free(w->ready);
	free(w->place);
	*w = (struct work){0};
}

/* What room makes of n numbers: some to spare, as most batches differ in size. */
static size_t with_room(size_t n)
{
	return n + n / 4;
}

/* Makes an array of `some` numbers where there are less than n. false without memory. */
static bool room_for(real **at, size_t *cap, size_t n, size_t some)
{
	if (*at && n <= *cap)
		return true;
	free(*at);
	*cap = some;
	*at = mem_block(some, sizeof(real));
	return *at;
}

static bool room(real **at, size_t *cap, size_t n)
{
	return room_for(at, cap, n, with_room(n));
}

static size_t side_bytes(const struct stack *st, struct arithmetic how, int width, size_t B,
			 size_t N, bool carries)
{
	const size_t size = side_size(st, how, width, B, N);
	const size_t kept = carries ? 2 * stack_carry_size(st, B) : 0;

	return ((carries ? size : with_room(size)) + kept) * sizeof(real);
}

/* A few outcomes are not worth rounding for. */
static struct arithmetic head_how(const struct model *m, struct arithmetic how)
{
	if (m->spec.classes < PACKED_WIDTH)
		how.precision = PRECISION_F32;
	return how;
}

size_t work_size(const struct model *m, struct arithmetic how, size_t B, size_t N, size_t out_N)
{
	const struct task_ops *task = &task_table[m->spec.task];
	const size_t D = (size_t)m->D, C = (size_t)m->spec.classes, K = (size_t)m->K;
	const size_t rows = task->stream ? N : out_N,
		     block = (size_t)head_rows((int)C, head_how(m, how));
	const size_t scores = (rows < block ? rows : block) * C;
	const size_t ready = head_room(m->spec.classes, m->K, head_how(m, how));
	size_t n = side_bytes(&m->stack, how, m->E, B, N, task->stream);

	n += with_room(ready + 1) * sizeof(real);

	if (!task->stream) { /* two vectors, and what pooling takes */
		n += 2 * with_room(B * D + 1) * sizeof(real);
		n += ((N + 1) + (N * D + 1) + (B * D + 1)) * sizeof(real);
		n += (B * D + 1) * sizeof(int);
	}
	if (task->decoder)
		n += side_bytes(&m->dec, how, m->E + m->D, B, out_N, false);
	if (m->spec.task == TASK_CLASSIFY)
		return n + with_room(B * C + 1) * sizeof(real);
	return n + (with_room(rows * K + 1) + scores + 1) * sizeof(real);
}

size_t work_bytes(const struct work *w)
{
	const struct side *in = &w->in, *out = &w->out;
	const size_t sides = in->cap + in->carry_cap + in->before_cap + out->cap;
	const size_t pool = w->pool.score_cap + w->pool.dy_cap + w->pool.part_cap;
	const size_t rest = w->vector_cap + w->dvector_cap + w->prob_cap + w->dy_cap +
			    w->block_cap + w->ready_cap;

	return (sides + pool + rest) * sizeof(real) + w->pool.top_cap * sizeof(int);
}

static const real *embedding_of(const struct model *m, const real *weights)
{
	return m->spec.embed ? weights + m->embedding : NULL;
}

/* From ids to the outputs of the text's stack. */
static bool run_text(const struct model *m, const real *weights, struct side *s,
		     const struct dropout *drop)
{
	if (!side_room(s, &m->stack, m->E))
		return false;
	side_masks(s, &m->stack, drop);
	side_embed(s, embedding_of(m, weights), m->spec.embed, m->spec.vocab);
	side_drop_input(s, s->x);
	side_forward(s, &m->stack, weights);
	return true;
}

/* How steps become a vector. A language model has no pool: what it goes on from is its last state. */
static enum pool pool_of(const struct model *m)
{
	return task_table[m->spec.task].stream ? POOL_LAST : m->spec.pool;
}

bool model_vector(const struct model *m, const real *weights, struct work *w,
		  const struct dropout *drop)
{
	const size_t B = (size_t)w->in.batch.steps.B, D = (size_t)m->D;

	if (!run_text(m, weights, &w->in, drop) || !room(&w->vector, &w->vector_cap, B * D + 1) ||
	    !room(&w->dvector, &w->dvector_cap, B * D + 1))
		return false;
	pool_forward(pool_of(m), &m->stack, &w->in, weights + m->pool_w, &w->pool, w->vector);
	return true;
}

/* From the vector's gradient back to the embedded text. */
static void back_from_vector(const struct model *m, const real *weights, struct work *w, real *grad)
{
	const real *dy = pool_backward(m->spec.pool, &m->stack, &w->in, weights + m->pool_w,
				       &w->pool, w->dvector, grad + m->pool_w);

	stack_backward(&m->stack, weights, &w->in.tape, dy, grad, m->spec.embed ? w->in.dx : NULL);
	if (m->spec.embed)
		side_drop_input(&w->in, w->in.dx);
}

/* Runs the head over rows of x; dx is written where there is a way back. */
static bool run_head(const struct model *m, const real *weights, struct work *w,
		     const struct pass *p, int rows, const real *x, const int32_t *target,
		     bool keep, real *dx, struct tally *tally)
{
	const struct head head = {weights + m->head_W, weights + m->head_b, m->spec.classes, m->K};
	const struct arithmetic how = head_how(m, p->how);
	const size_t C = (size_t)m->spec.classes, block = (size_t)head_rows(head.C, how);
	const size_t scores = ((size_t)rows < block ? (size_t)rows : block) * C + 1;

	if (!room(&w->ready, &w->ready_cap, head_room(head.C, head.K, how) + 1))
		return false;
	if (keep ? !room(&w->prob, &w->prob_cap, (size_t)rows * C + 1)
		 : !room_for(&w->block, &w->block_cap, scores, scores))
		return false;
	head_run(&head,
		 &(struct head_pass){
			 .rows = rows,
			 .x = x,
			 .target = target,
			 .smoothing = p->smoothing,
			 .prob = keep ? w->prob : NULL,
			 .block = w->block,
			 .how = how,
			 .room = w->ready,
			 .scale = p->scale,
			 .dx = p->grad ? dx : NULL,
			 .dW = p->grad ? p->grad + m->head_W : NULL,
			 .db = p->grad ? p->grad + m->head_b : NULL,
		 },
		 tally);
	return true;
}

/* Masks one row a text: the dropout of a vector. */
static void drop_vector(const struct side *s, real *v, size_t D)
{
	for (size_t k = 0; s->dropped && k < (size_t)s->batch.steps.B * D; k++)
		v[k] *= s->drop_y[k];
}

static bool classify(const struct model *m, const real *weights, struct work *w,
		     const struct pass *p, struct tally *tally)
{
	if (!model_vector(m, weights, w, p->drop))
		return false;
	drop_vector(&w->in, w->vector, (size_t)m->D);
	if (!run_head(m, weights, w, p, w->in.batch.steps.B, w->vector, w->in.batch.label, true,
		      w->dvector, tally))
		return false;
	if (p->grad) {
		drop_vector(&w->in, w->dvector, (size_t)m->D);
		back_from_vector(m, weights, w, p->grad);
	}
	return true;
}

/* The head over every step of a side, and back through its stack. */
static bool run_steps(const struct model *m, const struct stack *st, const real *weights,
		      struct work *w, struct side *s, const struct pass *p, real *dx,
		      struct tally *tally)
{
	const int N = s->batch.steps.N;

	if (!room(&w->dy, &w->dy_cap, (size_t)N * (size_t)m->K + 1))
		return false;
	side_drop_output(s, s->tape.y, (size_t)m->K);
	if (!run_head(m, weights, w, p, N, s->tape.y, s->batch.next, p->keep, w->dy, tally))
		return false;
	if (p->grad) {
		side_drop_output(s, w->dy, (size_t)m->K);
		stack_backward(st, weights, &s->tape, w->dy, p->grad, dx);
		if (dx)
			side_drop_input(s, dx);
	}
	return true;
}

static bool generate(const struct model *m, const real *weights, struct work *w,
		     const struct pass *p, struct tally *tally)
{
	return run_text(m, weights, &w->in, p->drop) &&
	       run_steps(m, &m->stack, weights, w, &w->in, p, m->spec.embed ? w->in.dx : NULL,
			 tally);
}

/* Which row of the text each row of the decoder belongs to. */
static void match_rows(struct work *w)
{
	const int B = w->out.batch.steps.B;
	int *at;

	w->place = mem_grow(w->place, &w->place_cap, 2 * (size_t)B + 1, sizeof(int));
	at = w->place + B;
	for (int r = 0; r < B; r++)
		at[w->in.batch.row[r]] = r;
	for (int r = 0; r < B; r++)
		w->place[r] = at[w->out.batch.row[r]];
}

/* Puts each text's vector beside the tokens that its decoder reads; or adds up its gradient. */
static void feed_vector(const struct model *m, struct work *w, bool back)
{
	const struct steps *steps = &w->out.batch.steps;
	const size_t E = (size_t)m->E, D = (size_t)m->D, W = (size_t)w->out.width;

	for (int t = 0; t < steps->T; t++)
		for (int r = 0; r < steps->active[t]; r++) {
			const size_t n = (size_t)steps->offset[t] + (size_t)r;
			const size_t row = (size_t)w->place[r] * D;

			if (back)
				vec_add(w->dvector + row, w->out.dx + n * W + E, 1, D);
			else
				memcpy(w->out.x + n * W + E, w->vector + row, D * sizeof(real));
		}
}

static bool reconstruct(const struct model *m, const real *weights, struct work *w,
			const struct pass *p, struct tally *tally)
{
	struct dropout drop;
	struct side *s = &w->out;

	if (!model_vector(m, weights, w, p->drop) || !side_room(s, &m->dec, m->E + m->D))
		return false;
	if (p->drop) {
		drop = *p->drop;
		drop.key = ~drop.key; /* masks of its own */
	}
	side_masks(s, &m->dec, p->drop ? &drop : NULL);
	match_rows(w);
	side_embed(s, embedding_of(m, weights), m->spec.embed, m->spec.vocab);
	feed_vector(m, w, false);
	side_drop_input(s, s->x);
	side_forward(s, &m->dec, weights);
	if (!run_steps(m, &m->dec, weights, w, s, p, s->dx, tally))
		return false;
	if (p->grad) {
		memset(w->dvector, 0, (size_t)w->in.batch.steps.B * (size_t)m->D * sizeof(real));
		feed_vector(m, w, true);
		back_from_vector(m, weights, w, p->grad);
	}
	return true;
}

bool model_pass(const struct model *m, const real *weights, struct work *w, const struct pass *p,
		struct tally *tally)
{
	w->in.tape.how = w->out.tape.how = p->how;
	switch (m->spec.task) {
	case TASK_GENERATE:
		return generate(m, weights, w, p, tally);
	case TASK_RECONSTRUCT:
		return reconstruct(m, weights, w, p, tally);
	default:
		return classify(m, weights, w, p, tally);
	}
}

void model_scatter(const struct model *m, const struct work *w, real *grad)
{
	if (!m->spec.embed)
		return;
	side_scatter(&w->in, m->spec.embed, grad + m->embedding);
	if (m->dec.runs)
		side_scatter(&w->out, m->spec.embed, grad + m->embedding);
}

void model_unscatter(const struct model *m, const struct work *w, real *grad)
{
	if (!m->spec.embed)
		return;
	side_unscatter(&w->in, m->spec.embed, grad + m->embedding);
	if (m->dec.runs)
		side_unscatter(&w->out, m->spec.embed, grad + m->embedding);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/pass.h"

#include "engine/base/mem.h"
#include "engine/math/kernels.h"

#include <stdlib.h>
#include <string.h>

void work_release(struct work *w)
{
	side_release(&w->in);
	side_release(&w->out);
	pool_release(&w->pool);
	memory_release(&w->memory);
	bridge_release(&w->bridge);
	decoder_release(&w->decoder);
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

static size_t side_bytes(const struct stack *st, struct arithmetic how, int width, int out,
			 size_t B, size_t N, bool carries)
{
	const size_t size = side_size(st, how, width, out, B, N);
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

size_t work_size(const struct model *m, struct arithmetic how, struct work_shape shape)
{
	const size_t B = shape.B, N = shape.N, out_N = shape.out_N;
	const struct task_ops *task = &task_table[m->spec.task];
	const size_t D = (size_t)m->D, C = (size_t)m->spec.classes, K = (size_t)m->K;
	const size_t rows = task->stream ? N : out_N,
		     block = (size_t)head_rows((int)C, head_how(m, how));
	const size_t scores = (rows < block ? rows : block) * C;
	const size_t ready = head_room(m->spec.classes, m->K, head_how(m, how));
	size_t n = side_bytes(&m->stack, how, m->E, m->D, B, N, task->stream);

	n += with_room(ready + 1) * sizeof(real);

	if (task->pairs) {
		if (m->spec.attention)
			n += with_room(memory_size(&m->attend, how, N)) * sizeof(real);
		n += with_room(bridge_size(&m->bridge, &m->stack, B)) * sizeof(real);
		n += with_room(decoder_size(m, how, B, out_N, m->spec.attention ? shape.T : 0,
					    shape.own)) *
		     sizeof(real);
		n += m->spec.attention ? with_room(N * D + 1) * sizeof(real) : 0;
	} else if (!task->stream) { /* two vectors, and what pooling takes */
		n += 2 * with_room(B * D + 1) * sizeof(real);
		n += ((N + 1) + (N * D + 1) + (B * D + 1)) * sizeof(real);
		n += (B * D + 1) * sizeof(int);
	}
	if (task->decoder)
		n += side_bytes(&m->dec, how, m->out_E + m->beside, m->K, B, out_N, false);
	if (m->spec.task == TASK_CLASSIFY)
		return n + with_room(B * C + 1) * sizeof(real);
	return n + (with_room(rows * K + 1) + scores + 1) * sizeof(real);
}

size_t work_bytes(const struct work *w)
{
	const struct side *in = &w->in, *out = &w->out;
	const size_t sides = in->cap + in->carry_cap + in->before_cap + out->cap;
	const size_t pool = w->pool.score_cap + w->pool.dy_cap + w->pool.part_cap + w->memory.cap +
			    w->bridge.cap + w->decoder.cap;
	const size_t rest = w->vector_cap + w->dvector_cap + w->prob_cap + w->dy_cap +
			    w->block_cap + w->ready_cap;

	return (sides + pool + rest) * sizeof(real) + w->pool.top_cap * sizeof(int);
}

/* Embeds the ids that a side reads, by the table of the text or of the decoder. */
static void embed(const struct model *m, const real *weights, struct side *s, bool out)
{
	const struct id_table *t = &m->table[out ? m->out_table : 0];

	side_embed(s, m->tables ? weights + t->at : NULL, t->width, t->rows);
}

/* From ids to the outputs of the text's stack. */
static bool run_text(const struct model *m, const real *weights, struct side *s,
		     const struct dropout *drop)
{
	if (!side_room(s, &m->stack, m->E, m->D))
		return false;
	side_masks(s, &m->stack, drop);
	embed(m, weights, s, false);
	side_drop_input(s, s->x);
	side_forward(s, &m->stack, weights);
	return true;
}

/* How steps become a vector. A language model has no pool: what it goes on from is its last state; so it
 * is for a decoder of pairs. */
static enum pool pool_of(const struct model *m)
{
	const struct task_ops *task = &task_table[m->spec.task];

	return task->stream || task->pairs ? POOL_LAST : m->spec.pool;
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
	side_drop_output(s, s->tape.y);
	if (!run_head(m, weights, w, p, N, s->tape.y, s->batch.next, p->keep, w->dy, tally))
		return false;
	if (p->grad) {
		side_drop_output(s, w->dy);
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

	if (!model_vector(m, weights, w, p->drop) ||
	    !side_room(s, &m->dec, m->out_E + m->beside, m->K))
		return false;
	if (p->drop) {
		drop = *p->drop;
		drop.key = ~drop.key; /* masks of its own */
	}
	side_masks(s, &m->dec, p->drop ? &drop : NULL);
	match_rows(w);
	embed(m, weights, s, true);
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

bool model_remember(const struct model *m, const real *weights, struct work *w,
		    const struct pass *p)
{
	w->in.tape.how = p->how;
	if (!run_text(m, weights, &w->in, p->drop) ||
	    !bridge_forward(&w->bridge, &m->bridge, &m->stack, weights, &w->in))
		return false;
	side_drop_output(&w->in, w->in.tape.y);
	return !m->spec.attention ||
	       memory_build(&w->memory, &m->attend, p->how, weights, &w->in.batch, w->in.tape.y);
}

/* Each row of the decoder begins with the states of its text; or the way back. */
static void begin_decoder(const struct model *m, struct work *w, bool back)
{
	const size_t H = (size_t)m->dec.spec.H, B = (size_t)w->in.batch.steps.B;
	const int parts = m->bridge.cells ? 2 : 1;

	for (int l = 0; l < m->dec.runs; l++)
		for (int part = 0; part < parts; part++) {
			const struct recur_tape *run = &w->out.tape.run[l];
			const real *first = bridge_first(&w->bridge, &m->bridge, B, l, part);
			real *d = bridge_d(&w->bridge, &m->bridge, B, l, part);

			for (size_t r = 0; r < B; r++) {
				const size_t text = (size_t)w->place[r] * H;

				if (back)
					memcpy(d + text,
					       (part ? w->out.tape.dc : w->out.tape.dh)[l] + r * H,
					       H * sizeof(real));
				else
					memcpy((part ? run->c : run->h) + r * H, first + text,
					       H * sizeof(real));
			}
		}
}

/* From the decoder's gradients back to the embedded text. */
static bool back_to_text(const struct model *m, const real *weights, struct work *w, real *grad)
{
	const size_t N = (size_t)w->in.batch.steps.N, D = (size_t)m->D;
	real *dy = NULL;

	begin_decoder(m, w, true);
	bridge_back(&w->bridge, &m->bridge, &m->stack, weights, &w->in, grad);
	if (m->spec.attention) {
		if (!room(&w->dvector, &w->dvector_cap, N * D + 1))
			return false;
		dy = w->dvector;
		memory_back(&w->memory, &m->attend, w->in.tape.how, weights, dy, grad);
		side_drop_output(&w->in, dy);
	}
	stack_backward(&m->stack, weights, &w->in.tape, dy, grad, m->tables ? w->in.dx : NULL);
	if (m->tables)
		side_drop_input(&w->in, w->in.dx);
	return true;
}

static bool pair(const struct model *m, const real *weights, struct work *w, const struct pass *p,
		 struct tally *tally)
{
	const bool teaches = p->teacher && p->teacher->rate < 1;
	struct dropout drop;
	struct side *s = &w->out;
	struct decoder *d = &w->decoder;

	if (!model_remember(m, weights, w, p) || !side_room(s, &m->dec, m->out_E + m->beside, m->K))
		return false;
	if (p->drop) {
		drop = *p->drop;
		drop.key = ~drop.key; /* masks of its own */
	}
	side_masks(s, &m->dec, p->drop ? &drop : NULL);
	match_rows(w);
	s->single = teaches;
	embed(m, weights, s, true);
	side_drop_input(s, s->x);
	begin_decoder(m, w, false);
	if (!decoder_room(d, m, s, &w->memory, w->place, teaches) ||
	    !room(&w->dy, &w->dy_cap, (size_t)s->batch.steps.N * (size_t)m->K + 1))
		return false;
	decoder_forward(d, weights, p->teacher);
	if (!run_head(m, weights, w, p, s->batch.steps.N, d->said, s->batch.next, p->keep, w->dy,
		      tally))
		return false;
	if (!p->grad)
		return true;
	decoder_backward(d, weights, w->dy, p->grad);
	return back_to_text(m, weights, w, p->grad);
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
	case TASK_TRANSLATE:
	case TASK_SUMMARIZE:
		return pair(m, weights, w, p, tally);
	default:
		return classify(m, weights, w, p, tally);
	}
}

static const struct id_table *table_of(const struct model *m, bool out)
{
	return &m->table[out ? m->out_table : 0];
}

void model_scatter(const struct model *m, const struct work *w, real *grad)
{
	if (!m->tables)
		return;
	side_scatter(&w->in, table_of(m, false)->width, grad + table_of(m, false)->at);
	if (m->dec.runs)
		side_scatter(&w->out, table_of(m, true)->width, grad + table_of(m, true)->at);
}

void model_unscatter(const struct model *m, const struct work *w, real *grad)
{
	if (!m->tables)
		return;
	side_unscatter(&w->in, table_of(m, false)->width, grad + table_of(m, false)->at);
	if (m->dec.runs)
		side_unscatter(&w->out, table_of(m, true)->width, grad + table_of(m, true)->at);
}

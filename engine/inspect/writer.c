/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/writer.h"

#include "engine/base/mem.h"
#include "engine/inspect/reply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct writer {
	struct snapshot *snapshot;
	struct writer_spec spec;
	struct encoding prompt;
	struct work work; /* holds the vector */
	struct stepper stepper;
	const real *prob; /* of the next token; NULL: it is over */
	int last;         /* the token before it; -1: none */
	struct rng rng;
	bool *never;
	struct choice *scratch;

	/* Of pairs. */
	int most, count;       /* tokens of the answer; so far */
	struct search *search; /* NULL: none, or it is over */
	struct beam beam;
	real *look; /* a share for each token of the prompt */
};

/* Begins to write the answer to a text that has been read: by a search, or token by token. */
static bool begin_answer(struct writer *w, bool search)
{
	const struct encoder *e = w->snapshot->encoder;
	const struct beam_spec spec = {.width = w->spec.beam,
				       .penalty = w->spec.penalty,
				       .end = vocab_end(e->target),
				       .never = w->never,
				       .tree = true};

	stepper_release(&w->stepper);
	if (!stepper_begin_pair(&w->stepper, &e->model, w->snapshot->weights, &w->work))
		return false;
	if (search)
		w->search = search_new(&w->stepper, &spec, &w->most, &w->beam);
	else
		w->prob = stepper_feed(&w->stepper, &(int32_t){spec.end});
	return search || w->prob;
}

static bool read_pair(struct writer *w)
{
	const struct encoder *e = w->snapshot->encoder;

	batch_of_ids(&w->work.in.batch, w->prompt.ids, (int)w->prompt.count, &e->rules);
	if (!model_remember(&e->model, w->snapshot->weights, &w->work, &(struct pass){0}))
		return false;
	w->most = decode_limit(w->work.in.batch.len[0]);
	if (w->spec.most > 0 && w->spec.most < w->most)
		w->most = w->spec.most;
	if (e->model.spec.attention)
		w->look = mem_zero(w->prompt.count + 1, sizeof(*w->look));
	return begin_answer(w, w->spec.beam > 0);
}

static bool read_prompt(struct writer *w)
{
	const struct encoder *e = w->snapshot->encoder;
	const struct model *m = &e->model;
	const real *weights = w->snapshot->weights;

	if (task_table[m->spec.task].pairs)
		return read_pair(w);
	if (!m->dec.runs) {
		if (!stepper_begin(&w->stepper, m, weights, 1, NULL))
			return false;
		for (size_t k = 0; k < w->prompt.count; k++) {
			w->last = w->prompt.ids[k];
			w->prob = stepper_feed(&w->stepper, &w->prompt.ids[k]);
			if (!w->prob)
				return false;
		}
		return true;
	}
	batch_of_ids(&w->work.in.batch, w->prompt.ids, (int)w->prompt.count, &e->rules);
	if (!model_vector(m, weights, &w->work, NULL) ||
	    !stepper_begin(&w->stepper, m, weights, 1, w->work.vector))
		return false;
	w->prob = stepper_feed(&w->stepper, &(int32_t){vocab_end(e->vocab)});
	return w->prob;
}

struct writer *writer_new(struct snapshot *s, const struct writer_spec *spec, struct err *err)
{
	const struct encoder *e = s->encoder;
	const size_t V = (size_t)e->model.spec.classes;
	struct writer *w;

	if (e->model.spec.task == TASK_CLASSIFY) {
		err_set(err, ERR_USAGE,
			"this run's task is classify: it has labels for texts, but writes none");
		return NULL;
	}
	w = mem_zero(1, sizeof(*w));
	w->snapshot = snapshot_ref(s);
	w->spec = *spec;
	w->last = -1;
	w->never = decode_never(e->target, spec->unknown);
	w->scratch = mem_alloc(V * sizeof(*w->scratch));
	rng_seed(&w->rng, spec->seed, 0);
	encoder_encode(e, spec->text, spec->n, &w->prompt);
	if (read_prompt(w))
		return w;
	err_set(err, ERR_FAILED, "not enough memory for a text of %zu tokens", w->prompt.count);
	writer_free(w);
	return NULL;
}

const struct encoding *writer_prompt(const struct writer *w)
{
	return &w->prompt;
}

static double entropy(const real *p, int V)
{
	double bits = 0;

	for (int k = 0; k < V; k++)
		if (p[k] > 0)
			bits -= (double)p[k] * log2((double)p[k]);
	return bits;
}

bool writer_search(struct writer *w)
{
	enum search_state state;

	if (!w->search)
		return false;
	state = search_step(w->search);
	if (state == SEARCH_ON)
		return true;
	search_free(w->search);
	w->search = NULL;
	if (state == SEARCH_OVER) /* the best text, token by token */
		begin_answer(w, false);
	return false;
}

const struct beam *writer_beam(const struct writer *w)
{
	return w->spec.beam > 0 ? &w->beam : NULL;
}

const real *writer_look(const struct writer *w)
{
	return w->look;
}

/* The next token: of the best text that was found, or drawn. */
static int choose(struct writer *w, int V, int end)
{
	const struct beam_text *t = w->beam.text;

	if (w->beam.texts)
		return w->count < t->len ? t->ids[w->count] : end;
	return decode_sample(w->prob, V, &w->spec.how, w->never, &w->rng, w->scratch);
}

/* Keeps what the step looked at that says how likely the next token is. */
static void keep_look(struct writer *w)
{
	const size_t n = w->prompt.count;
	int steps;
	const real *share = w->look ? stepper_attention(&w->stepper, 0, &steps) : NULL;

	if (share)
		memcpy(w->look, share + reply_padding(w->snapshot->encoder, (size_t)steps, n),
		       n * sizeof(*share));
}

/* Lets the model read what it has written, unless that is all. */
static void go_on(struct writer *w, int id, bool end)
{
	const bool once = w->snapshot->encoder->model.dec.runs;

	w->count++;
	if ((end && once) || (w->most && w->count >= w->most))
		w->prob = NULL;
	else
		w->prob = stepper_feed(&w->stepper, &(int32_t){id});
}

bool writer_next(struct writer *w, struct written *out)
{
	const struct encoder *e = w->snapshot->encoder;
	const int V = e->model.spec.classes, end = vocab_end(e->target);
	size_t n = 0;
	const char *before;

	while (writer_search(w))
		;
	if (!w->prob)
		return false;
	*out = (struct written){.id = choose(w, V, end)};
	out->tops = decode_top(w->prob, V, out->top, WRITER_TOP);
	out->p = (double)w->prob[out->id];
	out->bits = entropy(w->prob, V);
	out->end = out->id == end;
	out->token = vocab_token(e->target, out->id, &out->n);
	before = w->last >= 0 && w->last != end ? vocab_token(e->target, w->last, &n) : "";
	out->gap = !out->end &&
		   token_gap(&vocab_rules(e->target)->rules, before, n, out->token, out->n);
	w->last = out->id;
	keep_look(w);
	go_on(w, out->id, out->end);
	return true;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	search_free(w->search);
	beam_release(&w->beam);
	snapshot_unref(w->snapshot);
	encoding_release(&w->prompt);
	work_release(&w->work);
	stepper_release(&w->stepper);
	free(w->look);
	free(w->never);
	free(w->scratch);
	free(w);
}

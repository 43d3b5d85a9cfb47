/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/writer.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>

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
};

static bool read_prompt(struct writer *w)
{
	const struct encoder *e = w->snapshot->encoder;
	const struct model *m = &e->model;
	const real *weights = w->snapshot->weights;

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

bool writer_next(struct writer *w, struct written *out)
{
	const struct encoder *e = w->snapshot->encoder;
	const int V = e->model.spec.classes, end = vocab_end(e->vocab);
	size_t n = 0;
	const char *before;

	if (!w->prob)
		return false;
	*out = (struct written){
		.id = decode_sample(w->prob, V, &w->spec.how, w->never, &w->rng, w->scratch)};
	out->tops = decode_top(w->prob, V, out->top, WRITER_TOP);
	out->p = (double)w->prob[out->id];
	out->bits = entropy(w->prob, V);
	out->end = out->id == end;
	out->token = vocab_token(e->vocab, out->id, &out->n);
	before = w->last >= 0 && w->last != end ? vocab_token(e->vocab, w->last, &n) : "";
	out->gap = !out->end &&
		   token_gap(&vocab_rules(e->vocab)->rules, before, n, out->token, out->n);
	w->last = out->id;
	if (out->end && e->model.dec.runs)
		w->prob = NULL;
	else
		w->prob = stepper_feed(&w->stepper, &(int32_t){out->id});
	return true;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	snapshot_unref(w->snapshot);
	encoding_release(&w->prompt);
	work_release(&w->work);
	stepper_release(&w->stepper);
	free(w->never);
	free(w->scratch);
	free(w);
}

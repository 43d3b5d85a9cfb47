/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/inspect/reply.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

static void forget(struct replies *r)
{
	for (int k = 0; k < r->count; k++)
		beam_release(&r->of[k]);
	r->count = 0;
}

void replies_release(struct replies *r)
{
	forget(r);
	work_release(&r->work);
	free(r->look);
	*r = (struct replies){0};
}

size_t reply_padding(const struct encoder *e, size_t steps, size_t n)
{
	return e->rules.pad_front && steps > n ? steps - n : 0;
}

/* Runs the encoder; text k is row r->row[k]. */
static bool read_texts(struct replies *r, const struct snapshot *s, const struct encoding *text,
		       int count)
{
	const int32_t *ids[REPLIES_MOST];
	int n[REPLIES_MOST];

	for (int k = 0; k < count; k++) {
		ids[k] = text[k].ids;
		n[k] = (int)text[k].count;
	}
	batch_of_texts(&r->work.in.batch, ids, n, count, &s->encoder->rules);
	for (int k = 0; k < count; k++)
		r->row[r->work.in.batch.row[k]] = k;
	return model_remember(&s->encoder->model, s->weights, &r->work, &(struct pass){0});
}

bool replies_find(struct replies *r, const struct snapshot *s, const struct encoding *text,
		  int count, const struct reply_spec *spec)
{
	const struct encoder *e = s->encoder;
	struct beam found[REPLIES_MOST];
	int most[REPLIES_MOST];
	struct stepper stepper = {0};
	bool *never;
	bool ok;

	forget(r);
	if (!read_texts(r, s, text, count))
		return false;
	memset(found, 0, sizeof(found));
	for (int k = 0; k < count; k++)
		most[k] = spec->most ? spec->most : decode_limit(r->work.in.batch.len[k]);
	never = decode_never(e->target, spec->unknown);
	ok = stepper_begin_pair(&stepper, &e->model, s->weights, &r->work) &&
	     beam_search(&stepper,
			 &(struct beam_spec){.width = spec->width,
					     .penalty = spec->penalty,
					     .end = vocab_end(e->target),
					     .never = never,
					     .best = spec->best,
					     .stop = spec->stop},
			 most, found);
	stepper_release(&stepper);
	free(never);
	for (int k = 0; k < count; k++)
		r->of[k] = found[r->row[k]];
	r->count = count;
	return ok;
}

const real *replies_look(struct replies *r, const struct snapshot *s, int k, size_t n, int *steps)
{
	const struct encoder *e = s->encoder;
	const struct beam *b = &r->of[k];
	struct stepper stepper = {0};
	int32_t now = vocab_end(e->target);
	bool ok;

	*steps = 0;
	if (!e->model.spec.attention || !b->texts)
		return NULL;
	*steps = b->node[b->text->node].step;
	r->look = mem_grow(r->look, &r->look_cap, (size_t)*steps * n + 1, sizeof(*r->look));
	ok = stepper_begin_pair(&stepper, &e->model, s->weights, &r->work);
	if (ok)
		stepper_select(&stepper, &r->row[k], 1);
	for (int t = 0, wide; ok && t < *steps; t++) {
		const real *share;

		ok = stepper_feed(&stepper, &now);
		share = ok ? stepper_attention(&stepper, 0, &wide) : NULL;
		if (share)
			memcpy(r->look + (size_t)t * n, share + reply_padding(e, (size_t)wide, n),
			       n * sizeof(*share));
		now = t < b->text->len ? b->text->ids[t] : now;
	}
	stepper_release(&stepper);
	return ok ? r->look : NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/encoder.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

static void ref(int *refs)
{
	__atomic_add_fetch(refs, 1, __ATOMIC_RELAXED);
}

static bool unref(int *refs)
{
	return __atomic_sub_fetch(refs, 1, __ATOMIC_ACQ_REL) == 0;
}

struct encoder *encoder_new(const struct model_spec *spec, struct vocab *vocab,
			    struct vocab *target, struct classes *classes,
			    const struct batch_rules *rules, int max_len, bool truncate_front,
			    struct err *err)
{
	struct encoder *e = mem_zero(1, sizeof(*e));
	struct model_spec s = *spec;

	e->refs = 1;
	e->vocab = vocab;
	e->target = target ? target : vocab_ref(vocab);
	e->classes = *classes;
	*classes = (struct classes){0};
	e->rules = *rules;
	e->max_len = max_len;
	e->truncate_front = truncate_front;
	s.vocab = vocab_size(vocab);
	s.target = target ? vocab_size(target) : 0;
	s.classes = e->classes.count; /* none but for classify */
	if (model_plan(&e->model, &s, err))
		return e;
	encoder_unref(e);
	return NULL;
}

struct encoder *encoder_ref(struct encoder *e)
{
	ref(&e->refs);
	return e;
}

void encoder_unref(struct encoder *e)
{
	if (!e || !unref(&e->refs))
		return;
	vocab_unref(e->vocab);
	vocab_unref(e->target);
	classes_release(&e->classes);
	free(e);
}

/* A stream's text line by line, each behind the end mark of the one before it. */
static void encode_lines(const struct encoder *e, const char *text, size_t n, struct encoding *out)
{
	const int end = vocab_end(e->vocab);
	struct encoding line = {0};
	size_t from = 0, mark;
	const char *name = vocab_token(e->vocab, end, &mark);

	encoding_clear(out);
	while (from <= n) {
		const char *stop = memchr(text + from, '\n', n - from);
		const size_t len = stop ? (size_t)(stop - text) - from : n - from;

		encoding_add(out, end, false, name, mark);
		vocab_encode(e->vocab, text + from, len, &line);
		for (size_t k = 0; k < line.count; k++) {
			size_t size;
			const char *token = tokens_at(&line.tokens, k, &size);

			encoding_add(out, line.ids[k], line.unknown[k], token, size);
		}
		for (size_t k = 0; k < line.dropped.count; k++) {
			size_t size;
			const char *word = tokens_at(&line.dropped, k, &size);

			tokens_add(&out->dropped, word, size);
		}
		from += len + 1;
	}
	encoding_release(&line);
}

void encoder_encode(const struct encoder *e, const char *text, size_t n, struct encoding *out)
{
	if (task_table[e->model.spec.task].stream) {
		encode_lines(e, text, n, out);
		return;
	}
	vocab_encode(e->vocab, text, n, out);
	if (e->max_len > 0)
		encoding_truncate(out, e->max_len, e->truncate_front);
}

struct snapshot *snapshot_new(struct encoder *e, real *weights, int64_t step, int epoch)
{
	struct snapshot *s = mem_zero(1, sizeof(*s));

	*s = (struct snapshot){.refs = 1, .encoder = encoder_ref(e), .weights = weights};
	s->step = step;
	s->epoch = epoch;
	return s;
}

struct snapshot *snapshot_copy(struct encoder *e, const real *weights, int64_t step, int epoch)
{
	real *copy = mem_block(e->model.size, sizeof(*copy));

	if (!copy)
		return NULL;
	memcpy(copy, weights, e->model.size * sizeof(*copy));
	return snapshot_new(e, copy, step, epoch);
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	ref(&s->refs);
	return s;
}

void snapshot_drop_progress(struct snapshot *s)
{
	struct progress *p = s->progress;

	if (!p)
		return;
	for (int k = 0; k < OPTIM_MAX_SLOTS; k++)
		free(p->slot[k]);
	free(p->carry);
	free(p->factor);
	free(p);
	s->progress = NULL;
}

void snapshot_unref(struct snapshot *s)
{
	if (!s || !unref(&s->refs))
		return;
	snapshot_drop_progress(s);
	free(s->weights);
	encoder_unref(s->encoder);
	free(s);
}

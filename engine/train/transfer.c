/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/transfer.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_STREAM = 0x70a5 /* of the generator, with the number of the parameter */ };

struct transferring {
	const struct encoder *from, *to;
	const real *old;
	real *new;
	int32_t *words; /* the old id of each id of a text, or -1 */
	int32_t *
		wrote; /* ... of what is written; NULL where the two have nothing to do with each other */
	uint64_t seed;
};

/* Numbers of tokens: number k of a token is `token` * id + `unit` * k elements behind `at`. */
struct rows {
	size_t at, token, unit;
};

static int32_t *old_ids(const struct vocab *from, const struct vocab *to)
{
	const int n = vocab_size(to);
	int32_t *id = mem_alloc((size_t)n * sizeof(*id));

	for (int k = 0; k < n; k++) {
		size_t len;
		const char *token = vocab_token(to, k, &len);
		const int old = k == VOCAB_PAD ? VOCAB_PAD : vocab_find(from, token, len);

		id[k] = old < vocab_size(from) ? old : -1;
	}
	return id;
}

/* Column k of tokens: old ones as they are, new ones around the mean. */
static void take_column(const int32_t *id, int count, const real *from, size_t from_step, real *to,
			size_t to_step, struct rng *rng)
{
	double sum = 0, squares = 0, mean, deviation;
	int n = 0;

	for (int j = 0; j < count; j++) {
		double v;

		if (id[j] < 0)
			continue;
		to[(size_t)j * to_step] = from[(size_t)id[j] * from_step];
		v = to[(size_t)j * to_step];
		sum += v;
		squares += v * v;
		n++;
	}
	if (n < 2)
		return; /* nothing to go by: they stay as they were drawn */
	mean = sum / n;
	deviation = sqrt(fmax(0, squares / n - mean * mean));
	for (int j = 0; j < count; j++)
		if (id[j] < 0)
			to[(size_t)j * to_step] = (real)(mean + deviation * rng_normal(rng));
}

/* `width` numbers of each token; key: of the generator. */
static void take_rows(const struct transferring *t, const int32_t *id, int count, struct rows from,
		      struct rows to, int width, uint64_t key)
{
	struct rng rng;

	rng_seed(&rng, t->seed, ROWS_STREAM + (key << 16));
	for (int k = 0; k < width; k++)
		take_column(id, count, t->old + from.at + from.unit * (size_t)k, from.token,
			    t->new + to.at + to.unit *(size_t)k, to.token, &rng);
}

static void note_rows(struct transferred *r, const int32_t *id, int count)
{
	r->taken = true;
	r->rows = r->added = 0;
	for (int k = 0; k < count; k++) {
		r->rows += id[k] >= 0;
		r->added += id[k] < 0;
	}
}

static struct rows of_table(size_t at, int width)
{
	return (struct rows){at, (size_t)width, 1};
}

static bool take_embedding(const struct transferring *t, int which, int key, struct transferred *r)
{
	const struct model *m = &t->to->model, *old = &t->from->model;
	const int32_t *id = which ? t->wrote : t->words;
	const struct id_table *a = &old->table[which], *b = &m->table[which];

	if (which >= old->tables || !id || a->width != b->width)
		return false;
	take_rows(t, id, b->rows, of_table(a->at, a->width), of_table(b->at, b->width), b->width,
		  (uint64_t)key);
	note_rows(r, id, b->rows);
	return true;
}

static bool same_classes(const struct classes *a, const struct classes *b)
{
	if (a->count != b->count)
		return false;
	for (int k = 0; k < a->count; k++)
		if (strcmp(a->name[k], b->name[k]) != 0)
			return false;
	return true;
}

static void copy(const struct transferring *t, size_t from, size_t to, size_t n)
{
	memcpy(t->new + to, t->old + from, n * sizeof(*t->new));
}

static bool take_head(const struct transferring *t, int key, struct transferred *r)
{
	const struct model *m = &t->to->model, *old = &t->from->model;
	const int C = m->spec.classes;

	if (m->K != old->K || task_table[m->spec.task].labels != task_table[old->spec.task].labels)
		return false;
	if (task_table[m->spec.task].labels) {
		if (!same_classes(&t->from->classes, &t->to->classes))
			return false;
		copy(t, old->head_W, m->head_W, (size_t)C * (size_t)m->K);
		copy(t, old->head_b, m->head_b, (size_t)C);
		r->taken = true;
		return true;
	}
	if (!t->wrote)
		return false;
	if (!m->spec.tied)
		take_rows(t, t->wrote, C, of_table(old->head_W, m->K), of_table(m->head_W, m->K),
			  m->K, (uint64_t)key);
	take_rows(t, t->wrote, C, of_table(old->head_b, 1), of_table(m->head_b, 1), 1,
		  (uint64_t)key + 1);
	note_rows(r, t->wrote, C);
	return true;
}

/* Whether a matrix is multiplied with one-hot vectors of tokens. */
static bool is_one_hot(const struct model *m, const struct param *p)
{
	const struct stack *s = strncmp(p->name, "dec.", 4) ? &m->stack : &m->dec;
	char name[16];
	size_t at;
	int rows, cols;

	for (int run = 0; run < s->spec.dirs && !m->spec.embed; run++)
		for (int k = 0; k < m->spec.cell->x_gates; k++)
			if (stack_tensor(s, run, k, name, &at, &rows, &cols) && at == p->at)
				return true;
	return false;
}

/* The old ids of the tokens that such a matrix reads; NULL where there are none. */
static const int32_t *ids_of(const struct transferring *t, const struct param *p)
{
	return strncmp(p->name, "dec.", 4) ? t->words : t->wrote;
}

/* What such a matrix reads beside the token. */
static int beside(const struct model *m, const struct param *p)
{
	return strncmp(p->name, "dec.", 4) ? 0 : m->beside;
}

static bool fits(const struct transferring *t, const struct param *p)
{
	const struct model *m = &t->to->model, *old = &t->from->model;
	const struct param *q = model_param(old, p->name);

	if (!q || q->rows != p->rows || old->spec.cell != m->spec.cell ||
	    !old->spec.embed != !m->spec.embed)
		return false;
	if (is_one_hot(m, p))
		return ids_of(t, p) && beside(m, p) == beside(old, q);
	return q->cols == p->cols;
}

static void take_param(const struct transferring *t, const struct param *p, int key,
		       struct transferred *r)
{
	const struct model *m = &t->to->model, *old = &t->from->model;
	const struct param *q = model_param(old, p->name);
	const int32_t *id = is_one_hot(m, p) ? ids_of(t, p) : NULL;
	const int more = beside(m, p), count = p->cols - more, before = q->cols - more;

	r->taken = true;
	if (!id) {
		copy(t, q->at, p->at, param_size(p));
		return;
	}
	take_rows(t, id, count, (struct rows){q->at, 1, (size_t)q->cols},
		  (struct rows){p->at, 1, (size_t)p->cols}, p->rows, (uint64_t)key);
	for (int k = 0; k < p->rows; k++)
		copy(t, q->at + (size_t)k * (size_t)q->cols + (size_t)before,
		     p->at + (size_t)k * (size_t)p->cols + (size_t)count, (size_t)more);
	note_rows(r, id, count);
}

/* A group whose tensors all have their like. */
static void take_group(const struct transferring *t, const struct groups *g, int group,
		       struct transferred *r)
{
	const struct model *m = &t->to->model;

	for (int k = 0; k < m->params; k++)
		if (g->of[k] == group && !fits(t, &m->param[k]))
			return;
	for (int k = 0; k < m->params; k++)
		if (g->of[k] == group)
			take_param(t, &m->param[k], k + 1, r);
}

static void take_all(const struct transferring *t, struct transfer *report)
{
	const struct groups *g = &report->groups;

	for (int k = 0; k < g->count; k++) {
		if (!strcmp(g->name[k], "embedding"))
			take_embedding(t, 0, MODEL_MAX_PARAMS + 1, &report->of[k]);
		else if (!strcmp(g->name[k], "dec.embedding"))
			take_embedding(t, 1, MODEL_MAX_PARAMS + 2, &report->of[k]);
		else if (!strcmp(g->name[k], "head"))
			take_head(t, MODEL_MAX_PARAMS + 3, &report->of[k]);
		else
			take_group(t, g, k, &report->of[k]);
	}
}

struct snapshot *transfer_weights(const struct snapshot *from, struct encoder *to, uint64_t seed,
				  const struct init *init, struct transfer *report)
{
	const struct encoder *old = from->encoder;
	const bool apart = old->target != old->vocab;
	struct transferring t = {.from = old, .to = to, .old = from->weights, .seed = seed};

	*report = (struct transfer){0};
	model_groups(&to->model, &report->groups);
	t.new = init_weights(&to->model, seed, init);
	if (!t.new)
		return NULL;
	t.words = old_ids(old->vocab, to->vocab);
	if (apart == (to->target != to->vocab))
		t.wrote = old_ids(old->target, to->target);
	take_all(&t, report);
	free(t.words);
	free(t.wrote);
	return snapshot_new(to, t.new, 0, 0);
}

/* 14830 as "14,830". */
static void put_count(struct buf *out, int n)
{
	if (n >= 1000) {
		put_count(out, n / 1000);
		buf_printf(out, ",%03d", n % 1000);
	} else {
		buf_printf(out, "%d", n);
	}
}

static void put_groups(const struct transfer *t, bool taken, const char *title, struct buf *out)
{
	int n = 0;

	for (int k = 0; k < t->groups.count; k++) {
		const struct transferred *r = &t->of[k];

		if (r->taken != taken)
			continue;
		buf_printf(out, "%s%s", n++ ? ", " : title, t->groups.name[k]);
		if (!r->rows)
			continue;
		buf_text(out, " (");
		put_count(out, r->rows);
		buf_text(out, " rows");
		if (r->added) {
			buf_text(out, ", ");
			put_count(out, r->added);
			buf_text(out, " new");
		}
		buf_text(out, ")");
	}
}

void transfer_say(const struct transfer *t, struct buf *out)
{
	const size_t before = out->len;

	put_groups(t, true, "taken over: ", out);
	put_groups(t, false, out->len > before ? "; new: " : "new: ", out);
}

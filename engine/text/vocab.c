/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/vocab.h"

#include "engine/base/mem.h"
#include "engine/text/table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct vocab_builder {
	struct vocab_spec spec;
	struct table table;
	/* Of each token: how often it was counted, and how many were counted before it was. */
	struct tally {
		int64_t count;
		size_t before;
	} * tally;
	size_t tallied, cap, counted; /* entries of tally in use; distinct tokens counted */
	struct tokens scratch;
	struct numbers numbers;
	int64_t texts;
};

struct vocab {
	struct vocab_spec spec;
	struct table table; /* in id order */
	int64_t *count;
	size_t cap;
	int size;
	int known; /* tokens from this id on are unknown */
	int oov;   /* the id of an unknown token, or -1 */
	int end;   /* the id of the end mark, or -1 */
	atomic_int refs;
};

static void push(struct vocab *v, const char *s, size_t n, int64_t count)
{
	const size_t id = v->table.tokens.count;

	v->count = mem_grow(v->count, &v->cap, id + 1, sizeof(*v->count));
	v->count[id] = count;
	table_push(&v->table, s, n);
}

static void vocab_free(struct vocab *v)
{
	vocab_spec_release(&v->spec);
	table_release(&v->table);
	free(v->count);
	free(v);
}

struct vocab_builder *vocab_builder_new(const struct vocab_spec *spec)
{
	struct vocab_builder *b = mem_zero(1, sizeof(*b));

	vocab_spec_copy(&b->spec, spec);
	return b;
}

void vocab_builder_free(struct vocab_builder *b)
{
	if (!b)
		return;
	vocab_spec_release(&b->spec);
	table_release(&b->table);
	tokens_release(&b->scratch);
	free(b->tally);
	free(b->numbers.at);
	free(b);
}

const struct vocab_spec *vocab_builder_rules(const struct vocab_builder *b)
{
	return &b->spec;
}

void numbers_room(struct numbers *list, size_t n)
{
	const size_t need = list->count + n;

	if (list->at && need <= list->cap)
		return;
	list->cap = need + need / 4 + 1024;
	list->at = mem_resize(list->at, list->cap, sizeof(*list->at));
}

void vocab_builder_take(struct vocab_builder *b, const char *text, size_t n, struct numbers *out)
{
	tokens_clear(&b->scratch);
	token_split(&b->spec.rules, text, n, &b->scratch);
	numbers_room(out, b->scratch.count);
	table_add_all(&b->table, &b->scratch, 1, out->at + out->count);
	out->count += b->scratch.count;
}

void vocab_builder_count(struct vocab_builder *b, const int32_t *numbers, size_t n)
{
	const size_t distinct = b->table.tokens.count;

	b->tally = mem_grow(b->tally, &b->cap, distinct, sizeof(*b->tally));
	for (; b->tallied < distinct; b->tallied++)
		b->tally[b->tallied] = (struct tally){0};
	for (size_t k = 0; k < n; k++) {
		struct tally *t;

		if (!numbers[k]) {
			b->texts++;
			continue;
		}
		t = &b->tally[numbers[k] - 1];
		if (!t->count++)
			t->before = b->counted++;
	}
}

void vocab_builder_add(struct vocab_builder *b, const char *text, size_t n)
{
	b->numbers.count = 0;
	vocab_builder_take(b, text, n, &b->numbers);
	vocab_builder_count(b, b->numbers.at, b->numbers.count);
	b->texts++;
}

static bool is_keras(const struct vocab *v)
{
	return v->spec.rules.kind == TOKENIZER_KERAS;
}

enum { MOST_RESERVED = 3 };

/* The tokens at the head of every vocabulary of that kind; returns how many. */
static int reserved(const struct vocab_spec *spec, const char *name[MOST_RESERVED])
{
	bool keras = spec->rules.kind == TOKENIZER_KERAS;
	int count = 0;

	name[count++] = "<pad>";
	if (!keras)
		name[count++] = "<unk>";
	else if (spec->oov)
		name[count++] = spec->oov;
	if (spec->end && !keras)
		name[count++] = "<eos>";
	return count;
}

/* Settles the sizes and the ids of unknown and end once all tokens are there. */
static struct vocab *finish(struct vocab *v)
{
	int total = vocab_total(v), max = v->spec.max_size;

	v->oov = VOCAB_UNK;
	v->known = total;
	if (is_keras(v)) {
		v->oov = v->spec.oov ? vocab_find(v, v->spec.oov, strlen(v->spec.oov)) : -1;
		if (max > 0 && max < total)
			v->known = max;
	}
	v->size = v->known > v->oov ? v->known : v->oov + 1;
	v->end = !v->spec.end ? -1 : is_keras(v) ? VOCAB_PAD : VOCAB_EOS;
	atomic_init(&v->refs, 1);
	return v;
}

struct ranked {
	int64_t count;
	size_t before, at;
};

static int by_count(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->before < y->before ? -1 : x->before > y->before;
}

/* Whether a token may be given an id of v; old: of what v goes on from, or NULL. */
static bool is_new(const struct vocab *v, const struct vocab *old, const char *s, size_t n)
{
	if (old && vocab_find(old, s, n) >= 0)
		return false;
	/* The reserved names in a text are no words of it. */
	return is_keras(v) || table_find(&v->table, s, n) < 0;
}

/* The tokens of b that may have an id of v, best first, and how many; `unknown` is the sum of the others. */
static struct ranked *rank_tokens(const struct vocab_builder *b, const struct vocab *v,
				  const struct vocab *old, size_t *kept, int64_t *unknown)
{
	struct ranked *rank = mem_alloc(b->counted * sizeof(*rank));

	*kept = 0;
	for (size_t k = 0; k < b->tallied; k++) {
		const int64_t count = b->tally[k].count;
		const char *s;
		size_t n;

		if (!count)
			continue;
		s = tokens_at(&b->table.tokens, k, &n);
		if ((!is_keras(v) && count < v->spec.min_count) || !is_new(v, old, s, n))
			*unknown += count;
		else
			rank[(*kept)++] = (struct ranked){count, b->tally[k].before, k};
	}
	qsort(rank, *kept, sizeof(*rank), by_count);
	return rank;
}

/* Appends the tokens of b that v may have, while there is room for them; how often the others were met. */
static int64_t push_tokens(struct vocab *v, const struct vocab_builder *b, const struct vocab *old)
{
	int64_t unknown = 0;
	size_t kept;
	struct ranked *rank = rank_tokens(b, v, old, &kept, &unknown);

	for (size_t k = 0; k < kept; k++) {
		size_t n;
		const char *s = tokens_at(&b->table.tokens, rank[k].at, &n);

		if (!is_keras(v) && v->spec.max_size > 0 && vocab_total(v) >= v->spec.max_size)
			unknown += rank[k].count;
		else
			push(v, s, n, rank[k].count);
	}
	free(rank);
	return unknown;
}

static void push_reserved(struct vocab *v)
{
	const char *name[MOST_RESERVED];

	for (int k = 0, count = reserved(&v->spec, name); k < count; k++)
		push(v, name[k], strlen(name[k]), 0);
}

struct vocab *vocab_of(const struct vocab_builder *b)
{
	struct vocab *v = mem_zero(1, sizeof(*v));
	int64_t unknown;

	vocab_spec_copy(&v->spec, &b->spec);
	push_reserved(v);
	unknown = push_tokens(v, b, NULL);
	if (!is_keras(v))
		v->count[VOCAB_UNK] = unknown;
	finish(v);
	if (v->end >= 0)
		v->count[v->end] = b->texts;
	return v;
}

/* The tokens of old without its reserved ones. One that is written like a new mark becomes the mark. */
static void push_old(struct vocab *v, const struct vocab *old)
{
	const char *name[MOST_RESERVED];

	for (int id = reserved(&old->spec, name); id < vocab_total(old); id++) {
		size_t n;
		const char *s = vocab_token(old, id, &n);

		if (is_keras(v) || table_find(&v->table, s, n) < 0)
			push(v, s, n, 0);
	}
}

/* How often b met each token of v. */
static void count_again(struct vocab *v, const struct vocab_builder *b)
{
	for (size_t k = 0; k < b->tallied; k++) {
		size_t n;
		const char *s = tokens_at(&b->table.tokens, k, &n);
		int id = vocab_find(v, s, n);

		if (id < 0 || (!is_keras(v) && (id == VOCAB_PAD || id == v->end)))
			id = v->oov;
		if (id >= 0)
			v->count[id] += b->tally[k].count;
	}
	if (v->end >= 0)
		v->count[v->end] = b->texts;
}

struct vocab *vocab_extend(const struct vocab *old, const struct vocab_builder *b,
			   const struct vocab_growth *how)
{
	struct vocab *v = mem_zero(1, sizeof(*v));
	const int most = how->max_size;

	vocab_spec_copy(&v->spec, &old->spec);
	v->spec.end |= how->end;
	if (how->grow) {
		v->spec.min_count = how->min_count;
		v->spec.max_size = most > 0 && most < old->size ? old->size : most;
	}
	push_reserved(v);
	push_old(v, old);
	if (how->grow)
		push_tokens(v, b, old);
	memset(v->count, 0, (size_t)vocab_total(v) * sizeof(*v->count));
	finish(v);
	count_again(v, b);
	return v;
}

struct vocab *vocab_build(struct vocab_builder *b)
{
	struct vocab *v = vocab_of(b);

	vocab_builder_free(b);
	return v;
}

struct vocab *vocab_restore(const struct vocab_spec *spec, const struct tokens *tokens,
			    const int64_t *counts, struct err *err)
{
	bool keras = spec->rules.kind == TOKENIZER_KERAS;
	const char *name[MOST_RESERVED];
	size_t names = (size_t)reserved(spec, name);
	struct vocab *v = mem_zero(1, sizeof(*v));

	vocab_spec_copy(&v->spec, spec);
	for (size_t k = 0; k < tokens->count; k++) {
		size_t n;
		const char *s = tokens_at(tokens, k, &n);
		const char *want = k < names ? name[k] : NULL;
		int same = table_find(&v->table, s, n);

		if (want && (n != strlen(want) || memcmp(s, want, n) != 0)) {
			err_set(err, ERR_CORRUPT,
				"the vocabulary: token %zu is '%.*s' instead of '%s'", k,
				(int)(n < 64 ? n : 64), s, want);
			goto fail;
		}
		/* With keras a word of the texts may be written like <pad> or like the oov token. */
		if (same >= 0 && !(keras && (same == 0 || (same == 1 && spec->oov)))) {
			err_set(err, ERR_CORRUPT,
				"the vocabulary: tokens %d and %zu are both '%.*s'", same, k,
				(int)(n < 64 ? n : 64), s);
			goto fail;
		}
		push(v, s, n, counts ? counts[k] : 0);
	}
	if (tokens->count < names) {
		err_set(err, ERR_CORRUPT, "the vocabulary has no %s", name[tokens->count]);
		goto fail;
	}
	return finish(v);
fail:
	vocab_free(v);
	return NULL;
}

struct vocab *vocab_ref(struct vocab *v)
{
	atomic_fetch_add(&v->refs, 1);
	return v;
}

void vocab_unref(struct vocab *v)
{
	if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	vocab_free(v);
}

const struct vocab_spec *vocab_rules(const struct vocab *v)
{
	return &v->spec;
}

int vocab_size(const struct vocab *v)
{
	return v->size;
}

int vocab_total(const struct vocab *v)
{
	return (int)v->table.tokens.count;
}

const char *vocab_token(const struct vocab *v, int id, size_t *n)
{
	return tokens_at(&v->table.tokens, (size_t)id, n);
}

int64_t vocab_count(const struct vocab *v, int id)
{
	return v->count[id];
}

int vocab_end(const struct vocab *v)
{
	return v->end;
}

int vocab_unknown(const struct vocab *v)
{
	return v->oov;
}

int vocab_find(const struct vocab *v, const char *token, size_t n)
{
	int id = table_find(&v->table, token, n);

	return id == VOCAB_PAD && is_keras(v) ? -1 : id;
}

/* What a token of a text becomes; -1 where it vanishes. */
static int id_of(const struct vocab *v, const char *s, size_t n)
{
	const int id = vocab_find(v, s, n);

	/* A text may name neither <pad>, which is masked, nor the end mark. */
	if (id < 0 || id >= v->known || (!is_keras(v) && (id == VOCAB_PAD || id == v->end)))
		return v->oov;
	return id;
}

int32_t *vocab_ids(const struct vocab *v, const struct vocab_builder *b)
{
	const struct tokens *t = &b->table.tokens;
	int32_t *id = mem_alloc((t->count + 1) * sizeof(*id));

	id[0] = v->end;
	for (size_t k = 0; k < t->count; k++) {
		size_t n;
		const char *s = tokens_at(t, k, &n);

		id[k + 1] = id_of(v, s, n);
	}
	return id;
}

void encoding_release(struct encoding *e)
{
	free(e->ids);
	free(e->unknown);
	tokens_release(&e->tokens);
	tokens_release(&e->dropped);
	*e = (struct encoding){0};
}

static void encoding_room(struct encoding *e, size_t count)
{
	if (e->ids && count <= e->cap)
		return;
	e->cap = count > 2 * e->cap ? count : 2 * e->cap;
	e->ids = mem_resize(e->ids, e->cap, sizeof(*e->ids));
	e->unknown = mem_resize(e->unknown, e->cap, sizeof(*e->unknown));
}

void encoding_clear(struct encoding *e)
{
	tokens_clear(&e->tokens);
	tokens_clear(&e->dropped);
	e->count = 0;
}

void encoding_add(struct encoding *e, int32_t id, bool unknown, const char *token, size_t n)
{
	encoding_room(e, e->count + 1);
	e->ids[e->count] = id;
	e->unknown[e->count++] = unknown;
	tokens_add(&e->tokens, token, n);
}

void vocab_encode(const struct vocab *v, const char *text, size_t n, struct encoding *e)
{
	size_t from = 0, to = 0; /* ends of token k as split, and of the last one kept */
	size_t count;

	encoding_clear(e);
	token_split(&v->spec.rules, text, n, &e->tokens);
	count = e->tokens.count;
	encoding_room(e, count);
	for (size_t k = 0; k < count; k++) {
		const char *s = e->tokens.text.data + from;
		size_t len = e->tokens.end[k] - from;
		int id = id_of(v, s, len);

		from += len;
		if (id < 0) {
			tokens_add(&e->dropped, s, len);
			continue;
		}
		memmove(e->tokens.text.data + to, s, len);
		to += len;
		e->tokens.end[e->count] = to;
		e->unknown[e->count] = id == v->oov;
		e->ids[e->count++] = id;
	}
	e->tokens.text.len = to;
	e->tokens.count = e->count;
}

void encoding_truncate(struct encoding *e, int max_len, bool from_front)
{
	size_t keep = (size_t)max_len, skip, bytes = 0;

	if (e->count <= keep)
		return;
	skip = from_front ? e->count - keep : 0;
	if (skip) {
		bytes = e->tokens.end[skip - 1];
		memmove(e->ids, e->ids + skip, keep * sizeof(*e->ids));
		memmove(e->unknown, e->unknown + skip, keep * sizeof(*e->unknown));
		memmove(e->tokens.text.data, e->tokens.text.data + bytes,
			e->tokens.text.len - bytes);
		for (size_t k = 0; k < keep; k++)
			e->tokens.end[k] = e->tokens.end[skip + k] - bytes;
	}
	e->count = e->tokens.count = keep;
	e->tokens.text.len = e->tokens.end[keep - 1];
}

void vocab_join(const struct vocab *v, const int32_t *ids, int n, struct buf *out)
{
	const char *last = "";
	size_t last_len = 0;

	for (int k = 0; k < n; k++) {
		size_t len;
		const char *token = vocab_token(v, ids[k], &len);

		if (token_gap(&v->spec.rules, last, last_len, token, len))
			buf_byte(out, ' ');
		buf_add(out, token, len);
		last = token;
		last_len = len;
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/vocab.h"

#include "engine/base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Distinct tokens with their counts; slot is an open-addressed hash table of indices + 1. */
struct table {
	struct tokens tokens;
	int64_t *count;
	size_t cap;
	uint32_t *slot;
	size_t slots; /* a power of two, more than half of them empty */
};

struct vocab_builder {
	struct vocab_spec spec;
	struct table table;
	struct tokens scratch;
	int64_t texts;
};

struct vocab {
	struct vocab_spec spec;
	struct table table; /* in id order */
	int size;
	int known; /* tokens from this id on are unknown */
	int oov;   /* the id of an unknown token, or -1 */
	int end;   /* the id of the end mark, or -1 */
	atomic_int refs;
};

static void table_release(struct table *t)
{
	tokens_release(&t->tokens);
	free(t->count);
	free(t->slot);
}

/* FNV-1a, 64 bits, folded. */
static uint64_t hash(const char *s, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t k = 0; k < n; k++)
		h = (h ^ (unsigned char)s[k]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

/* The slot of a token: the one that holds it, or the empty one where it belongs. */
static uint32_t *table_slot(const struct table *t, const char *s, size_t n)
{
	for (size_t k = hash(s, n) & (t->slots - 1);; k = (k + 1) & (t->slots - 1)) {
		size_t len;
		const char *token;

		if (!t->slot[k])
			return &t->slot[k];
		token = tokens_at(&t->tokens, t->slot[k] - 1, &len);
		if (len == n && !memcmp(token, s, n))
			return &t->slot[k];
	}
}

static void table_rehash(struct table *t)
{
	t->slots = t->slots ? t->slots * 2 : 256;
	free(t->slot);
	t->slot = mem_zero(t->slots, sizeof(*t->slot));
	for (size_t k = 0; k < t->tokens.count; k++) {
		size_t n;
		const char *s = tokens_at(&t->tokens, k, &n);

		*table_slot(t, s, n) = (uint32_t)k + 1;
	}
}

/* Appends a token. Of equal ones the last is found. */
static void table_push(struct table *t, const char *s, size_t n, int64_t count)
{
	size_t k = t->tokens.count;

	if (2 * (k + 1) > t->slots)
		table_rehash(t);
	t->count = mem_grow(t->count, &t->cap, k + 1, sizeof(*t->count));
	t->count[k] = count;
	tokens_add(&t->tokens, s, n);
	*table_slot(t, s, n) = (uint32_t)k + 1;
}

static int table_find(const struct table *t, const char *s, size_t n)
{
	return t->slots ? (int)*table_slot(t, s, n) - 1 : -1;
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
	free(b);
}

void vocab_builder_add(struct vocab_builder *b, const char *text, size_t n)
{
	b->texts++;
	tokens_clear(&b->scratch);
	token_split(&b->spec.rules, text, n, &b->scratch);
	for (size_t k = 0; k < b->scratch.count; k++) {
		size_t len;
		const char *s = tokens_at(&b->scratch, k, &len);
		int at = table_find(&b->table, s, len);

		if (at >= 0)
			b->table.count[at]++;
		else
			table_push(&b->table, s, len, 1);
	}
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
	size_t at;
};

static int by_count(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->at < y->at ? -1 : x->at > y->at;
}

struct vocab *vocab_build(struct vocab_builder *b)
{
	size_t distinct = b->table.tokens.count, kept = 0;
	struct ranked *rank = mem_alloc(distinct * sizeof(*rank));
	struct vocab *v = mem_zero(1, sizeof(*v));
	const char *name[MOST_RESERVED];
	int64_t unknown = 0, texts = b->texts;

	vocab_spec_copy(&v->spec, &b->spec);
	for (int k = 0, count = reserved(&v->spec, name); k < count; k++)
		table_push(&v->table, name[k], strlen(name[k]), 0);
	for (size_t k = 0; k < distinct; k++) {
		size_t n;
		const char *s = tokens_at(&b->table.tokens, k, &n);
		int64_t count = b->table.count[k];

		/* The reserved names in a text are no words of it. */
		if (!is_keras(v) && (count < v->spec.min_count || table_find(&v->table, s, n) >= 0))
			unknown += count;
		else
			rank[kept++] = (struct ranked){count, k};
	}
	qsort(rank, kept, sizeof(*rank), by_count);
	for (size_t k = 0; k < kept; k++) {
		size_t n;
		const char *s = tokens_at(&b->table.tokens, rank[k].at, &n);

		if (!is_keras(v) && v->spec.max_size > 0 && vocab_total(v) >= v->spec.max_size)
			unknown += rank[k].count;
		else
			table_push(&v->table, s, n, rank[k].count);
	}
	if (!is_keras(v))
		v->table.count[VOCAB_UNK] = unknown;
	free(rank);
	vocab_builder_free(b);
	finish(v);
	if (v->end >= 0)
		v->table.count[v->end] = texts;
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
		table_push(&v->table, s, n, counts ? counts[k] : 0);
	}
	if (tokens->count < names) {
		err_set(err, ERR_CORRUPT, "the vocabulary has no %s", name[tokens->count]);
		goto fail;
	}
	return finish(v);
fail:
	vocab_spec_release(&v->spec);
	table_release(&v->table);
	free(v);
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
	vocab_spec_release(&v->spec);
	table_release(&v->table);
	free(v);
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
	return v->table.count[id];
}

int vocab_end(const struct vocab *v)
{
	return v->end;
}

int vocab_find(const struct vocab *v, const char *token, size_t n)
{
	int id = table_find(&v->table, token, n);

	return id == VOCAB_PAD && is_keras(v) ? -1 : id;
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
		int id = vocab_find(v, s, len);

		from += len;
		/* A text may name neither <pad>, which is masked, nor the end mark. */
		if (id >= v->known || (!is_keras(v) && (id == VOCAB_PAD || id == v->end)))
			id = -1;
		if (id < 0)
			id = v->oov;
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

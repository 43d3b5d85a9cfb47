/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text cases: the word index, the sequences and the padded sequences of Keras, exactly. */
#include "engine/base/mem.h"
#include "engine/text/corpus.h"
#include "engine/text/pad.h"
#include "tests/golden/cases.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(const char *path, const char *fmt, ...)
{
	va_list ap;

	printf("# %s: ", path);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return CASE_FAIL;
}

static struct vocab *fit(const struct golden *g)
{
	char *filters = golden_string(g, "cfg.filters", 0),
	     *split = golden_string(g, "cfg.split", 0);
	char *oov = golden_int(g, "cfg.has_oov", 0) ? golden_string(g, "cfg.oov", 0) : NULL;
	struct vocab_spec spec = {
		.rules = {.kind = TOKENIZER_KERAS,
			  .lower = golden_int(g, "cfg.lower", 1),
			  .filters = filters,
			  .split = split,
			  .char_level = golden_int(g, "cfg.char_level", 0)},
		.max_size = golden_int(g, "cfg.num_words", 0),
		.oov = oov,
	};
	struct vocab_builder *b = vocab_builder_new(&spec);
	struct tokens texts = {0};

	golden_strings(g, "in.fit", &texts);
	for (size_t k = 0; k < texts.count; k++) {
		size_t n;
		const char *s = tokens_at(&texts, k, &n);

		vocab_builder_add(b, s, n);
	}
	tokens_release(&texts);
	free(filters);
	free(split);
	free(oov);
	return vocab_build(b);
}

/* The word index: element k of the expected words has id k + 1. */
static int compare_words(const struct golden *g, const struct vocab *v, const char *path)
{
	const struct golden_array *count = golden_find(g, "out.word_count");
	struct tokens want = {0};
	int status = CASE_PASS;

	golden_strings(g, "out.word", &want);
	if (!count || count->count != want.count || (size_t)vocab_total(v) != want.count + 1)
		status = fail(path, "%d words, %zu expected", vocab_total(v) - 1, want.count);
	for (size_t k = 0; count && k < want.count && status == CASE_PASS; k++) {
		size_t n, m;
		const char *s = tokens_at(&want, k, &n), *t = vocab_token(v, (int)k + 1, &m);

		if (n != m || memcmp(s, t, n) != 0 || vocab_find(v, s, n) != (int)k + 1)
			status = fail(path, "word %zu is '%.*s', '%.*s' expected", k + 1, (int)m, t,
				      (int)n, s);
		else if (vocab_count(v, (int)k + 1) != (int64_t)count->v[k])
			status = fail(path, "count of word %zu", k + 1);
	}
	tokens_release(&want);
	return status;
}

static int compare_ids(const struct golden *g, const char *name, const int32_t *got, size_t n,
		       const char *path)
{
	const struct golden_array *want = golden_find(g, name);

	if (!want || want->count != n)
		return fail(path, "%s: %zu values, %zu expected", name, n, want ? want->count : 0);
	for (size_t k = 0; k < n; k++)
		if (got[k] != (int32_t)want->v[k])
			return fail(path, "%s: value %zu is %d, %g expected", name, k, got[k],
				    want->v[k]);
	return CASE_PASS;
}

/* The four ways to pad the sequences ids[start[k] .. start[k+1]). */
static int compare_padding(const struct golden *g, const int32_t *ids, const size_t *start,
			   int count, const char *path)
{
	int longest = golden_int(g, "cfg.maxlen", 0), status = CASE_PASS;
	size_t size;
	int32_t *out;

	if (!longest)
		longest = pad_longest(start, count);
	size = (size_t)count * (size_t)longest;
	out = mem_alloc(size * sizeof(*out));
	for (int k = 0; k < 4 && status == CASE_PASS; k++) {
		char name[GOLDEN_NAME];

		snprintf(name, sizeof(name), "out.pad_%s_trunc_%s", k & 2 ? "post" : "pre",
			 k & 1 ? "post" : "pre");
		pad_sequences(ids, start, count, longest, !(k & 2), !(k & 1), 0, out);
		status = compare_ids(g, name, out, size, path);
	}
	free(out);
	return status;
}

static int compare_sequences(const struct golden *g, const struct vocab *v, const char *path)
{
	struct tokens texts = {0};
	struct encoding e = {0};
	size_t used = 0, cap = 0, *start;
	int32_t *ids = NULL, *lengths;
	int status;

	golden_strings(g, "in.text", &texts);
	start = mem_zero(texts.count + 1, sizeof(*start));
	lengths = mem_zero(texts.count, sizeof(*lengths));
	for (size_t k = 0; k < texts.count; k++) {
		size_t n;
		const char *s = tokens_at(&texts, k, &n);

		vocab_encode(v, s, n, &e);
		ids = mem_grow(ids, &cap, used + e.count + 1, sizeof(*ids));
		memcpy(ids + used, e.ids, e.count * sizeof(*ids));
		start[k + 1] = used += e.count;
		lengths[k] = (int32_t)e.count;
	}
	status = compare_ids(g, "out.seq_len", lengths, texts.count, path);
	if (status == CASE_PASS)
		status = compare_ids(g, "out.seq_ids", ids, used, path);
	if (status == CASE_PASS)
		status = compare_padding(g, ids, start, (int)texts.count, path);
	encoding_release(&e);
	tokens_release(&texts);
	free(start);
	free(ids);
	free(lengths);
	return status;
}

int case_text(const struct golden *g, const char *path)
{
	struct vocab *v = fit(g);
	int status = compare_words(g, v, path);

	if (status == CASE_PASS)
		status = compare_sequences(g, v, path);
	vocab_unref(v);
	return status;
}

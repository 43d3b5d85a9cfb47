/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/corpus.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/text/utf8.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 4096, SPLIT_STREAM = 0x5711 /* of the generator */ };

void examples_release(struct examples *ex)
{
	for (size_t k = 0; k < ex->count; k++) {
		free(ex->at[k].text);
		free(ex->at[k].label);
	}
	free(ex->at);
	free(ex->path);
	buf_release(&ex->warnings);
	*ex = (struct examples){0};
}

static const char *name_of(const struct examples *ex)
{
	return !ex->path ? "the data" : strcmp(ex->path, "-") ? ex->path : "standard input";
}

static bool can_split(const struct examples *ex, struct examples *held, struct err *err)
{
	*held = (struct examples){0};
	if (ex->count < 2 || ex->count > INT_MAX)
		return err_set(err, ERR_INPUT, "%s: %zu row%s cannot be split in two", name_of(ex),
			       ex->count, ex->count == 1 ? "" : "s");
	return true;
}

/* The same file, with room for some of its rows. */
static void start_held(const struct examples *ex, struct examples *held, size_t rows)
{
	held->format = ex->format;
	held->path = ex->path ? mem_text(ex->path) : NULL;
	held->bytes = ex->bytes;
	memcpy(held->sha256, ex->sha256, SHA256_BYTES);
	held->at = mem_grow(NULL, &held->cap, rows, sizeof(*held->at));
}

bool examples_split(struct examples *ex, double share, uint64_t seed, struct examples *held,
		    struct err *err)
{
	size_t count = ex->count, take = (size_t)(share * (double)count + 0.5), kept = 0;
	struct rng rng;
	int32_t *order;
	bool *chosen;

	if (!can_split(ex, held, err))
		return false;
	take = take < 1 ? 1 : take > count - 1 ? count - 1 : take;
	order = mem_alloc(count * sizeof(*order));
	chosen = mem_zero(count, sizeof(*chosen));
	for (size_t k = 0; k < count; k++)
		order[k] = (int32_t)k;
	rng_seed(&rng, seed, SPLIT_STREAM);
	rng_shuffle(&rng, order, (int)count);
	for (size_t k = 0; k < take; k++)
		chosen[order[k]] = true;
	start_held(ex, held, take);
	for (size_t k = 0; k < count; k++)
		if (chosen[k])
			held->at[held->count++] = ex->at[k];
		else
			ex->at[kept++] = ex->at[k];
	ex->count = kept;
	free(order);
	free(chosen);
	return true;
}

bool examples_cut(struct examples *ex, double share, struct examples *held, struct err *err)
{
	size_t bytes = 0, seen = 0, keep = 0, take;
	double want;

	if (!can_split(ex, held, err))
		return false;
	for (size_t k = 0; k < ex->count; k++)
		bytes += ex->at[k].text_len + 1;
	/* A little less, so that rounding does not pass over an end that lies right there. */
	want = (1 - share) * (double)bytes - 1e-6;
	while (keep < ex->count - 1 && (!keep || (double)seen < want))
		seen += ex->at[keep++].text_len + 1;
	take = ex->count - keep;
	start_held(ex, held, take);
	memcpy(held->at, ex->at + keep, take * sizeof(*held->at));
	held->count = take;
	ex->count = keep;
	return true;
}

static bool is_whole(const char *s)
{
	size_t n;

	s += *s == '-';
	n = strspn(s, "0123456789");
	return n > 0 && n < 19 && !s[n];
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_value(const void *a, const void *b)
{
	long long x = strtoll(*(char *const *)a, NULL, 10),
		  y = strtoll(*(char *const *)b, NULL, 10);

	return x != y ? (x > y) - (x < y) : by_bytes(a, b);
}

void classes_release(struct classes *c)
{
	for (int k = 0; k < c->count; k++)
		free(c->name[k]);
	free(c->name);
	*c = (struct classes){0};
}

int classes_find(const struct classes *c, const char *label)
{
	for (int k = 0; k < c->count; k++)
		if (!strcmp(c->name[k], label))
			return k;
	return -1;
}

bool classes_of(const struct examples *ex, struct classes *c, struct err *err)
{
	const char *path = name_of(ex);
	char **all = mem_alloc(ex->count * sizeof(*all));
	size_t count = 0, cap = 0, distinct = 0;
	bool whole = true;

	*c = (struct classes){0};
	for (size_t k = 0; k < ex->count; k++)
		if (ex->at[k].label)
			all[count++] = ex->at[k].label;
	qsort(all, count, sizeof(*all), by_bytes);
	for (size_t k = 0; k < count; k++) {
		if (k && !strcmp(all[k], all[k - 1]))
			continue;
		if (distinct++ >= MOST_CLASSES)
			continue;
		c->name = mem_grow(c->name, &cap, distinct, sizeof(*c->name));
		c->name[c->count++] = mem_text(all[k]);
		whole = whole && is_whole(all[k]);
	}
	free(all);
	if (whole && c->count)
		qsort(c->name, (size_t)c->count, sizeof(*c->name), by_value);
	if (distinct >= 2 && distinct <= MOST_CLASSES)
		return true;
	if (distinct > MOST_CLASSES)
		err_set(err, ERR_INPUT,
			"%s: %zu different labels, more than %d; is it the right column "
			"(set label_column)?",
			path, distinct, MOST_CLASSES);
	else if (distinct)
		err_set(err, ERR_INPUT,
			"%s: every row has the label '%.80s'; two classes are needed", path,
			c->name[0]);
	else
		err_set(err, ERR_INPUT, "%s: no row has a label (set label_column, or data_format)",
			path);
	if (err)
		utf8_line(err->msg);
	classes_release(c);
	return false;
}

/* The class numbers of all rows; NULL for a label that is no class. */
static int32_t *labels_of(const struct examples *ex, const struct classes *classes, struct err *err)
{
	int32_t *label = mem_alloc(ex->count * sizeof(*label));
	int class = -1;

	for (size_t k = 0; k < ex->count; k++) {
		const struct example *e = &ex->at[k];

		/* Most rows repeat the class of the row before or come from a handful. */
		if (!e->label || class < 0 || strcmp(classes->name[class], e->label) != 0)
			class = e->label ? classes_find(classes, e->label) : -1;
		if (class < 0) {
			if (e->label)
				err_set(err, ERR_INPUT,
					"%s:%zu: the label '%.80s' is none of the %d classes",
					name_of(ex), e->line, e->label, classes->count);
			else
				err_set(err, ERR_INPUT, "%s:%zu: the label is missing", name_of(ex),
					e->line);
			if (err)
				utf8_line(err->msg);
			free(label);
			return NULL;
		}
		label[k] = class;
	}
	return label;
}

/* Code points of valid UTF-8. */
static int64_t points(const char *s, size_t n)
{
	int64_t count = 0;

	for (size_t k = 0; k < n; k++)
		count += ((unsigned char)s[k] & 0xc0) != 0x80;
	return count;
}

struct corpus *corpus_new(const struct examples *ex, const struct vocab *v,
			  const struct classes *classes, int max_len, bool truncate_front,
			  struct err *err)
{
	bool empty_is_pad = vocab_rules(v)->rules.kind == TOKENIZER_KERAS && !vocab_rules(v)->oov;
	int end = vocab_end(v);
	struct corpus *c = mem_zero(1, sizeof(*c));
	struct encoding e = {0};
	size_t used = 0, cap = 0;

	c->refs = 1;
	c->count = (int)ex->count;
	c->start = mem_alloc((ex->count + 1) * sizeof(*c->start));
	c->start[0] = 0;
	if (classes) {
		c->classes = classes->count;
		c->label = labels_of(ex, classes, err);
		if (!c->label) {
			corpus_unref(c);
			return NULL;
		}
	}
	for (size_t k = 0; k < ex->count; k++) {
		vocab_encode(v, ex->at[k].text, ex->at[k].text_len, &e);
		c->unknown += (int64_t)e.dropped.count;
		c->words += (int64_t)e.dropped.count;
		c->characters += points(ex->at[k].text, ex->at[k].text_len) + 1;
		if (max_len > 0)
			encoding_truncate(&e, max_len, truncate_front);
		c->words += (int64_t)e.count;
		c->ids = mem_grow(c->ids, &cap, used + e.count + 1, sizeof(*c->ids));
		for (size_t t = 0; t < e.count; t++) {
			c->unknown += e.unknown[t];
			c->ids[used++] = e.ids[t];
		}
		if (end >= 0)
			c->ids[used++] = end;
		else if (!e.count)
			c->ids[used++] = empty_is_pad ? VOCAB_PAD : VOCAB_UNK;
		c->start[k + 1] = used;
		if (used - c->start[k] > (size_t)c->max_len)
			c->max_len = (int)(used - c->start[k]);
	}
	c->tokens = (int64_t)used;
	encoding_release(&e);
	return c;
}

struct corpus *corpus_ref(struct corpus *c)
{
	__atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

void corpus_unref(struct corpus *c)
{
	if (!c || __atomic_fetch_sub(&c->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	free(c->start);
	free(c->ids);
	free(c->label);
	free(c);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/corpus.h"

#include "engine/base/mem.h"
#include "engine/text/intake.h"
#include "engine/text/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 4096 };

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

bool classes_of(char **name, size_t count, const char *path, struct classes *c, struct err *err)
{
	bool whole = true;

	if (count >= 2 && count <= MOST_CLASSES) {
		for (size_t k = 0; k < count; k++)
			whole = whole && is_whole(name[k]);
		qsort(name, count, sizeof(*name), whole ? by_value : by_bytes);
		*c = (struct classes){name, (int)count};
		return true;
	}
	if (count > MOST_CLASSES)
		err_set(err, ERR_INPUT,
			"%s: %zu different labels, more than %d; is it the right column "
			"(set label_column), or are they pairs of texts (set task=translate)?",
			path, count, MOST_CLASSES);
	else if (count)
		err_set(err, ERR_INPUT,
			"%s: every row has the label '%.80s'; two classes are needed", path,
			name[0]);
	else
		err_set(err, ERR_INPUT, "%s: no row has a label (set label_column, or data_format)",
			path);
	if (err)
		utf8_line(err->msg);
	for (size_t k = 0; k < count; k++)
		free(name[k]);
	free(name);
	*c = (struct classes){0};
	return false;
}

struct corpus *corpus_new(const struct examples *ex, const struct vocab *v,
			  const struct classes *classes, int max_len, bool truncate_front,
			  struct err *err)
{
	struct vocab_builder *words = vocab_builder_new(vocab_rules(v));
	struct corpus *c, *none;
	struct intake in;

	intake_take(&in, ex, words);
	intake_finish(&in, v, classes, max_len, truncate_front, &c, &none, err);
	intake_release(&in);
	vocab_builder_free(words);
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
	if (c->owner)
		corpus_unref(c->owner);
	else
		free(c->ids);
	corpus_unref(c->target);
	if (c->raw)
		tokens_release(c->raw);
	free(c->raw);
	free(c->start);
	free(c->label);
	free(c);
}

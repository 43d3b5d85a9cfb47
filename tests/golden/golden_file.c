/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/golden/golden_file.h"

#include "engine/base/mem.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads the head of a record and its values. */
static bool read_array(FILE *f, struct golden_array *a, const char *path, struct err *err)
{
	if (fscanf(f, "%63s %d", a->name, &a->rank) != 2 || a->rank < 0 || a->rank > GOLDEN_RANK)
		return err_set(err, ERR_INPUT,
			       "%s: not a golden case: a name and a rank are wanted", path);
	a->count = 1;
	for (int k = 0; k < GOLDEN_RANK; k++) {
		a->dim[k] = 1;
		if (k < a->rank && fscanf(f, "%zu", &a->dim[k]) != 1)
			return err_set(err, ERR_INPUT, "%s: %s: a size is missing", path, a->name);
		if (a->dim[k] > INT32_MAX || a->count * a->dim[k] > INT32_MAX)
			return err_set(err, ERR_INPUT, "%s: %s: too large", path, a->name);
		a->count *= a->dim[k];
	}
	a->v = mem_alloc(a->count * sizeof(*a->v));
	for (size_t k = 0; k < a->count; k++)
		if (fscanf(f, "%lf", &a->v[k]) != 1)
			return err_set(err, ERR_INPUT, "%s: %s: %zu values, %zu are there", path,
				       a->name, a->count, k);
	return true;
}

/* Reads `golden 0 1` and `kind 0 K`. */
static bool read_kind(FILE *f, enum golden_kind *kind, const char *path, struct err *err)
{
	int version, k;

	if (fscanf(f, " golden 0 %d kind 0 %d", &version, &k) != 2)
		return err_set(err, ERR_INPUT, "%s: not a golden case", path);
	if (version != 1)
		return err_set(err, ERR_INPUT, "%s: version %d of golden cases, not 1", path,
			       version);
	*kind = (enum golden_kind)k;
	return true;
}

bool golden_read(struct golden *g, const char *path, struct err *err)
{
	FILE *f = fopen(path, "r");
	bool ok, end = false;

	*g = (struct golden){0};
	if (!f)
		return err_set(err, ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
	ok = read_kind(f, &g->kind, path, err);
	while (ok && !end) {
		struct golden_array a = {0};

		ok = read_array(f, &a, path, err);
		end = ok && !strcmp(a.name, "end");
		if (!ok || end) {
			free(a.v);
		} else {
			g->at = mem_grow(g->at, &g->cap, g->count + 1, sizeof(*g->at));
			g->at[g->count++] = a;
		}
	}
	fclose(f);
	if (!ok)
		golden_release(g);
	return ok;
}

void golden_release(struct golden *g)
{
	for (size_t k = 0; k < g->count; k++)
		free(g->at[k].v);
	free(g->at);
	*g = (struct golden){0};
}

const struct golden_array *golden_find(const struct golden *g, const char *name)
{
	for (size_t k = 0; k < g->count; k++)
		if (!strcmp(g->at[k].name, name))
			return &g->at[k];
	return NULL;
}

double golden_number(const struct golden *g, const char *name, double missing)
{
	const struct golden_array *a = golden_find(g, name);

	return a && a->count ? a->v[0] : missing;
}

int golden_int(const struct golden *g, const char *name, int missing)
{
	return (int)golden_number(g, name, missing);
}

bool golden_strings(const struct golden *g, const char *name, struct tokens *out)
{
	char full[GOLDEN_NAME + 8];
	const struct golden_array *len, *bytes;
	size_t at = 0;

	snprintf(full, sizeof(full), "%s_len", name);
	len = golden_find(g, full);
	snprintf(full, sizeof(full), "%s_bytes", name);
	bytes = golden_find(g, full);
	tokens_clear(out);
	if (!len || !bytes)
		return false;
	for (size_t k = 0; k < len->count; k++) {
		struct buf s = {0};

		for (size_t n = (size_t)len->v[k]; n && at < bytes->count; n--)
			buf_byte(&s, (char)(unsigned char)bytes->v[at++]);
		tokens_add(out, buf_str(&s), s.len);
		buf_release(&s);
	}
	return true;
}

char *golden_string(const struct golden *g, const char *name, size_t k)
{
	struct tokens list = {0};
	char *s = NULL;

	if (golden_strings(g, name, &list) && k < list.count) {
		size_t n;
		const char *bytes = tokens_at(&list, k, &n);

		s = mem_bytes(bytes, n);
	}
	tokens_release(&list);
	return s;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tree.h"

#include "engine/base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A run in the list; places in it, -1: none. */
struct node {
	const char *id;
	long at, parent, child, next; /* child: the first one; next: of the same parent */
	bool placed;
};

static int by_id(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static void find_parents(const struct run_row *rows, struct node *node, size_t count)
{
	struct node *sorted = mem_alloc(count * sizeof(*sorted));

	memcpy(sorted, node, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_id);
	for (size_t k = count; k-- > 0;) { /* from the end: a child is put before later ones */
		const struct node key = {.id = rows[k].parent_id};
		const struct node *found = bsearch(&key, sorted, count, sizeof(*sorted), by_id);

		if (!*key.id || !found || found->at == (long)k)
			continue;
		node[k].parent = found->at;
		node[k].next = node[found->at].child;
		node[found->at].child = (long)k;
	}
	free(sorted);
}

/* Puts a run and all that come from it into `to`; how many. */
static size_t place_family(struct node *node, long root, const struct run_row *rows,
			   struct run_row *to, int *depth)
{
	size_t n = 0;
	long at = root;
	int level = 0;

	for (;;) {
		node[at].placed = true;
		to[n] = rows[at];
		depth[n++] = level;
		if (node[at].child >= 0) {
			at = node[at].child;
			level++;
			continue;
		}
		for (; at != root && node[at].next < 0; level--)
			at = node[at].parent;
		if (at == root)
			return n;
		at = node[at].next;
	}
}

void runs_tree(struct run_row *rows, size_t count, int *depth)
{
	struct node *node;
	struct run_row *to;
	size_t n = 0;

	if (!count)
		return;
	node = mem_alloc(count * sizeof(*node));
	to = mem_alloc(count * sizeof(*to));
	for (size_t k = 0; k < count; k++)
		node[k] = (struct node){rows[k].id, (long)k, -1, -1, -1, false};
	find_parents(rows, node, count);
	for (size_t k = 0; k < count; k++) {
		long root = (long)k;

		if (node[k].placed)
			continue;
		while (node[root].parent >= 0)
			root = node[root].parent;
		n += place_family(node, root, rows, to + n, depth + n);
	}
	memcpy(rows, to, count * sizeof(*rows));
	free(node);
	free(to);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/branches.h"

#include "app/view/parts.h"
#include "engine/base/mem.h"

#include <stdlib.h>

void branches_forget(struct branches *b)
{
	free(b->node);
	free(b->text);
	free(b->open);
	free(b->heir);
	free(b->below);
	free(b->answer);
	free(b->line);
	*b = (struct branches){0};
}

/* --- which text goes straight down --------------------------------------------------------------- */

/* Whether node x leads further than y: to a better text, or, where neither has ended, to a later step or a
 * likelier text. reach: the last node that each leads to. */
static bool leads(const struct branches *b, const int *reach, int x, int y)
{
	const struct beam_node *p = &b->node[reach[x]], *q = &b->node[reach[y]];

	if (b->answer[x] != b->answer[y])
		return b->answer[y] < 0 || (b->answer[x] >= 0 && b->answer[x] < b->answer[y]);
	return p->step != q->step ? p->step > q->step : p->log_p > q->log_p;
}

static void find_heirs(struct branches *b)
{
	const size_t n = (size_t)b->nodes;
	int *reach = mem_alloc((n + 1) * sizeof(*reach));

	b->heir = mem_grow(b->heir, &b->heir_cap, n + 1, sizeof(*b->heir));
	b->below = mem_grow(b->below, &b->below_cap, n + 1, sizeof(*b->below));
	b->answer = mem_grow(b->answer, &b->answer_cap, n + 1, sizeof(*b->answer));
	b->heir[0] = -1;
	for (int k = 0; k < b->nodes; k++) {
		b->heir[k + 1] = b->answer[k] = -1;
		b->below[k] = 0;
		reach[k] = k;
	}
	for (int k = b->texts; k-- > 0;)
		b->answer[b->text[k].node] = k;
	for (int k = b->nodes; k-- > 0;) { /* children come behind their parents */
		const int up = b->node[k].parent;
		int *heir = &b->heir[up + 1];

		if (up >= 0)
			b->below[up] += b->below[k] + 1;
		if (b->node[k].fate == BEAM_DROPPED)
			continue;
		if (*heir < 0 || leads(b, reach, k, *heir))
			*heir = k;
		if (up >= 0 && *heir == k) {
			b->answer[up] = b->answer[k];
			reach[up] = reach[k];
		}
	}
	free(reach);
}

/* --- lines --------------------------------------------------------------------------------------- */

/* Children of every node as lists, in the order of their likelihood. */
struct family {
	int *first, *next; /* nodes + 1, [0] those of the beginning; nodes */
};

static struct family family_of(const struct branches *b)
{
	struct family f = {mem_alloc(((size_t)b->nodes + 1) * sizeof(int)),
			   mem_alloc(((size_t)b->nodes + 1) * sizeof(int))};

	for (int k = 0; k <= b->nodes; k++)
		f.first[k] = -1;
	for (int k = b->nodes; k-- > 0;) {
		int *first = &f.first[b->node[k].parent + 1];

		f.next[k] = *first;
		*first = k;
	}
	return f;
}

static void add_line(struct branches *b, struct branch_line line)
{
	b->line = mem_grow(b->line, &b->line_cap, (size_t)b->lines + 1, sizeof(*b->line));
	b->line[b->lines++] = line;
}

/* A node and what goes straight down from it, with all that hangs off. */
static void walk(struct branches *b, const struct family *f, int node, int depth)
{
	for (bool begins = depth > 0; node >= -1; begins = false) {
		const int heir = b->heir[node + 1];

		add_line(b, (struct branch_line){node, depth, begins, false});
		if (begins && !b->open[node])
			return;
		for (int k = f->first[node + 1]; k >= 0; k = f->next[k]) {
			if (k == heir)
				continue;
			if (b->node[k].fate != BEAM_DROPPED && depth + 1 < BRANCHES_DEEPEST)
				walk(b, f, k, depth + 1);
			else
				add_line(b, (struct branch_line){k, depth + 1, true, false});
		}
		if (heir < 0) {
			if (b->line[b->lines - 1].depth == depth + 1)
				b->line[b->lines - 1].last = true;
			return;
		}
		node = heir;
	}
}

void branches_lay(struct branches *b)
{
	const int at = b->cursor < b->lines ? b->line[b->cursor].node : -1;
	struct family f;

	if (b->laid || !b->nodes)
		return;
	find_heirs(b);
	f = family_of(b);
	b->lines = 0;
	walk(b, &f, -1, 0);
	free(f.first);
	free(f.next);
	b->cursor = 0;
	for (int k = 0; k < b->lines; k++)
		if (b->line[k].node == at)
			b->cursor = k;
	b->laid = true;
}

/* --- where the cursor is ------------------------------------------------------------------------- */

const struct branch_line *branches_at(const struct branches *b)
{
	return b->cursor < b->lines ? &b->line[b->cursor] : NULL;
}

bool branches_toggle(struct branches *b)
{
	const struct branch_line *l = branches_at(b);

	if (!l || !l->hangs || !b->below[l->node] || l->depth >= BRANCHES_DEEPEST)
		return false;
	b->open[l->node] = !b->open[l->node];
	b->laid = false;
	branches_lay(b);
	return true;
}

void branches_goto(struct branches *b, int step)
{
	int node = -1;

	branches_lay(b);
	if (!b->laid)
		return;
	while (step-- > 0 && b->heir[node + 1] >= 0)
		node = b->heir[node + 1];
	for (int k = 0; k < b->lines; k++)
		if (b->line[k].node == node)
			b->cursor = k;
}

int branches_leaf(const struct branches *b)
{
	int node = -1;

	while (b->laid && b->heir[node + 1] >= 0)
		node = b->heir[node + 1];
	return node;
}

int branches_step(const struct branches *b)
{
	const struct branch_line *l = branches_at(b);

	return l && !l->depth && l->node >= 0 ? b->node[l->node].step : 0;
}

/* Left closes, or goes to the line that this one hangs off; right opens, or goes into what is open. */
static void sideways(struct branches *b, bool right)
{
	const struct branch_line *l = branches_at(b);
	const bool open = l && l->hangs && b->open[l->node];
	int parent;

	if (!l || l->node < 0)
		return;
	if (right != open && branches_toggle(b))
		return;
	parent = b->node[l->node].parent;
	if (right && open)
		part_move(&b->cursor, b->lines, MOVE_DOWN, 1, 1);
	for (int k = b->cursor; !right && k-- > 0;)
		if (b->line[k].node == parent) {
			b->cursor = k;
			return;
		}
}

void branches_move(struct branches *b, enum move m, int count, int page)
{
	branches_lay(b);
	if (m == MOVE_LEFT || m == MOVE_RIGHT)
		sideways(b, m == MOVE_RIGHT);
	else
		part_move(&b->cursor, b->lines, m, count, page);
}

void branches_text(const struct encoder *e, const struct branches *b, int node, struct buf *out)
{
	const int n = node < 0 ? 0 : b->node[node].step;
	int32_t *ids = mem_alloc(((size_t)n + 1) * sizeof(*ids));
	int len = n;

	for (int k = node, at = n; at-- > 0; k = b->node[k].parent)
		ids[at] = b->node[k].id;
	len -= len > 0 && ids[len - 1] == vocab_end(e->target);
	vocab_join(e->target, ids, len, out);
	free(ids);
}

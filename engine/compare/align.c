/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/compare/align.h"

#include "engine/base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, OTHER = 3, BAND = 32, FAR = INT_MAX / 2 };
enum step { SIDE, ONLY_A, ONLY_B }; /* in the order in which ties are broken */

/* What is left to align, numbers instead of tokens, from its last token on: ways are found from there, and
 * walked from the beginning. */
struct table {
	const int *a, *b;
	int n, m;
	int reach; /* how far i - j may be from 0 */
	size_t width;
	unsigned char *step; /* (n + 1, width): step of (i, j) at i * width + j - i + reach */
	int *cost, *next;    /* width: a row of costs */
};

/* --- tokens as numbers ----------------------------------------------------------------------------- */

struct entry {
	struct align_token token;
	int at;
};

static int by_bytes(const void *x, const void *y)
{
	const struct align_token *a = &((const struct entry *)x)->token;
	const struct align_token *b = &((const struct entry *)y)->token;
	const int order = memcmp(a->s, b->s, a->n < b->n ? a->n : b->n);

	return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

/* Equal tokens get equal numbers: those of a, then those of b. */
static int *number(const struct align_token *a, int n, const struct align_token *b, int m)
{
	const int count = n + m;
	struct entry *e = mem_alloc(((size_t)count + 1) * sizeof(*e));
	int *id = mem_zero((size_t)count + 1, sizeof(*id));
	int ids = 0;

	for (int k = 0; k < count; k++)
		e[k] = (struct entry){k < n ? a[k] : b[k - n], k};
	qsort(e, (size_t)count, sizeof(*e), by_bytes);
	for (int k = 0; k < count; k++) {
		ids += k && by_bytes(&e[k - 1], &e[k]);
		id[e[k].at] = ids;
	}
	free(e);
	return id;
}

/* --- the cheapest way ------------------------------------------------------------------------------ */

/* The costs from (i, j) to the end, for one i; those of i + 1 are in next. */
static void fill_row(struct table *t, int i)
{
	unsigned char *step = t->step + (size_t)i * t->width;

	for (int d = 2 * t->reach; d >= 0; d--) {
		const int j = i + d - t->reach;
		int best = FAR, how = SIDE;

		t->cost[d] = FAR;
		if (j < 0 || j > t->m)
			continue;
		if (i == t->n && j == t->m)
			best = 0;
		if (i < t->n && j < t->m)
			best = t->next[d] + (t->a[i] == t->b[j] ? 0 : OTHER);
		if (i < t->n && d > 0 && t->next[d - 1] + GAP < best) {
			best = t->next[d - 1] + GAP;
			how = ONLY_A;
		}
		if (j < t->m && d < 2 * t->reach && t->cost[d + 1] + GAP < best) {
			best = t->cost[d + 1] + GAP;
			how = ONLY_B;
		}
		t->cost[d] = best;
		step[d] = (unsigned char)how;
	}
}

/* All rows, with this reach: the cost of the whole way, or -1 without memory. */
static int fill(struct table *t, int reach)
{
	t->reach = reach;
	t->width = 2 * (size_t)reach + 1;
	free(t->step);
	t->step = mem_block(((size_t)t->n + 1) * t->width, 1);
	if (!t->step)
		return -1;
	t->cost = mem_resize(t->cost, t->width, sizeof(*t->cost));
	t->next = mem_resize(t->next, t->width, sizeof(*t->next));
	for (size_t d = 0; d < t->width; d++)
		t->next[d] = FAR;
	for (int i = t->n; i >= 0; i--) {
		int *done = t->cost;

		fill_row(t, i);
		t->cost = t->next;
		t->next = done;
	}
	return t->next[reach];
}

/* A way that leaves the band costs two gaps for each step beyond it, there and back at most one each. */
static bool find_way(struct table *t)
{
	const int most = t->n > t->m ? t->n : t->m;
	const int apart = t->n > t->m ? t->n - t->m : t->m - t->n;

	for (int reach = apart + BAND;; reach *= 4) {
		const int used = reach < most ? reach : most;
		const int cost = fill(t, used);

		if (cost < 0)
			return false;
		if (used == most || cost < GAP * (used + 1))
			return true;
	}
}

static void walk(const struct table *t, int from, struct alignment *out)
{
	int i = 0, j = 0;

	while (i < t->n || j < t->m) {
		const int how = t->step[(size_t)i * t->width + (size_t)(j - i + t->reach)];
		const struct align_pair p = {how == ONLY_B ? -1 : from + i,
					     how == ONLY_A ? -1 : from + j,
					     how == SIDE && t->a[i] == t->b[j]};

		out->at[out->count++] = p;
		i += how != ONLY_B;
		j += how != ONLY_A;
	}
}

/* --- both texts ------------------------------------------------------------------------------------ */

static void reverse(int *v, int n)
{
	for (int k = 0; k < n / 2; k++) {
		const int other = v[n - 1 - k];

		v[n - 1 - k] = v[k];
		v[k] = other;
	}
}

static void turn(struct alignment *out, int n, int m)
{
	for (int k = 0; k < out->count; k++) {
		struct align_pair *p = &out->at[k];

		p->a = p->a < 0 ? -1 : n - 1 - p->a;
		p->b = p->b < 0 ? -1 : m - 1 - p->b;
	}
	for (int k = 0; k < out->count / 2; k++) {
		const struct align_pair other = out->at[out->count - 1 - k];

		out->at[out->count - 1 - k] = out->at[k];
		out->at[k] = other;
	}
}

static bool align_numbers(struct alignment *out, const int *a, int n, const int *b, int m)
{
	struct table t = {0};
	int head = 0, tail = 0;
	bool ok = true;

	while (head < n && head < m && a[head] == b[head])
		head++;
	while (tail < n - head && tail < m - head && a[n - 1 - tail] == b[m - 1 - tail])
		tail++;
	for (int k = 0; k < head; k++)
		out->at[out->count++] = (struct align_pair){k, k, true};
	t = (struct table){
		.a = a + head, .b = b + head, .n = n - head - tail, .m = m - head - tail};
	if (t.n || t.m)
		ok = find_way(&t);
	if (ok)
		walk(&t, head, out);
	for (int k = tail; k > 0; k--)
		out->at[out->count++] = (struct align_pair){n - k, m - k, true};
	free(t.step);
	free(t.cost);
	free(t.next);
	return ok;
}

bool align_tokens(struct alignment *out, const struct align_token *a, int n,
		  const struct align_token *b, int m, bool from_end, struct err *err)
{
	int *id = number(a, n, b, m);
	bool ok;

	*out = (struct alignment){.at = mem_zero((size_t)n + (size_t)m + 1, sizeof(*out->at))};
	if (from_end) {
		reverse(id, n);
		reverse(id + n, m);
	}
	ok = align_numbers(out, id, n, id + n, m);
	if (ok && from_end)
		turn(out, n, m);
	free(id);
	return ok || err_set(err, ERR_FAILED,
			     "not enough memory to compare texts of %d and %d words", n, m);
}

void alignment_release(struct alignment *a)
{
	free(a->at);
	*a = (struct alignment){0};
}

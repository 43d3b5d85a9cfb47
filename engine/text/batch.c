/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/batch.h"

#include "engine/base/mem.h"

#include <stdlib.h>

void steps_release(struct steps *s)
{
	free(s->active);
	free(s->offset);
	*s = (struct steps){0};
}

void steps_build(struct steps *s, const int *len, int B)
{
	int T = B ? len[0] : 0, rows = B;

	if ((size_t)T + 1 > s->cap) {
		s->cap = (size_t)T + 1;
		s->active = mem_resize(s->active, s->cap, sizeof(int));
		s->offset = mem_resize(s->offset, s->cap, sizeof(int));
	}
	s->B = B;
	s->T = T;
	s->N = 0;
	for (int t = 0; t < T; t++) {
		while (rows && len[rows - 1] <= t)
			rows--;
		s->active[t] = rows;
		s->offset[t] = s->N;
		s->N += rows;
	}
	if (s->offset)
		s->offset[T] = s->N;
}

void batch_release(struct batch *b)
{
	steps_release(&b->steps);
	free(b->len);
	free(b->row);
	free(b->ids);
	free(b->next);
	free(b->label);
	*b = (struct batch){0};
}

/* A stable insertion sort by length: batches are small and arrive sorted. */
static void sort_rows(struct batch *b, int count)
{
	for (int k = 1; k < count; k++) {
		int len = b->len[k], row = b->row[k], j = k;

		for (; j > 0 && b->len[j - 1] < len; j--) {
			b->len[j] = b->len[j - 1];
			b->row[j] = b->row[j - 1];
		}
		b->len[j] = len;
		b->row[j] = row;
	}
}

static void rows_room(struct batch *b, int count)
{
	if ((size_t)count <= b->rows_cap)
		return;
	b->rows_cap = (size_t)count;
	b->len = mem_resize(b->len, b->rows_cap, sizeof(int));
	b->row = mem_resize(b->row, b->rows_cap, sizeof(int));
	b->label = mem_resize(b->label, b->rows_cap, sizeof(int32_t));
}

/* Real tokens among n ids: what a masked row runs over. */
static int unmasked(const int32_t *ids, int n)
{
	int count = 0;

	for (int k = 0; k < n; k++)
		count += ids[k] != VOCAB_PAD;
	return count;
}

/* Puts one row's ids into its packed places. */
static void place(struct batch *b, int r, const int32_t *ids, int n,
		  const struct batch_rules *rules)
{
	int t = 0, pad = b->len[r] - n;

	if (rules->mask && !rules->ragged) {
		for (int k = 0; k < n; k++)
			if (ids[k] != VOCAB_PAD)
				b->ids[b->steps.offset[t++] + r] = ids[k];
		return;
	}
	for (int k = 0; rules->pad_front && k < pad; k++)
		b->ids[b->steps.offset[t++] + r] = VOCAB_PAD;
	for (int k = 0; k < n; k++)
		b->ids[b->steps.offset[t++] + r] = ids[k];
	while (t < b->len[r])
		b->ids[b->steps.offset[t++] + r] = VOCAB_PAD;
}

struct source {
	const int32_t *ids;
	int n;
};

static struct source text_of(const struct corpus *c, int32_t example,
			     const struct batch_rules *rules)
{
	return (struct source){c->ids + c->start[example],
			       (int)(c->start[example + 1] - c->start[example]) - rules->marked};
}

static int padded(struct source s, int longest, const struct batch_rules *rules)
{
	int to = rules->pad_to > longest ? rules->pad_to : longest;

	if (rules->ragged)
		return s.n;
	return rules->mask ? unmasked(s.ids, s.n) : to;
}

static void finish_steps(struct batch *b, int count)
{
	sort_rows(b, count);
	steps_build(&b->steps, b->len, count);
	b->ids = mem_grow(b->ids, &b->ids_cap, (size_t)b->steps.N + 1, sizeof(int32_t));
}

void batch_build(struct batch *b, const struct corpus *c, const int32_t *example, int count,
		 int stride, const struct batch_rules *rules)
{
	int longest = 0;

	rows_room(b, count);
	for (int k = 0; k < count; k++) {
		int n = text_of(c, example[(size_t)k * (size_t)stride], rules).n;

		longest = n > longest ? n : longest;
	}
	for (int k = 0; k < count; k++) {
		b->row[k] = k;
		b->len[k] = padded(text_of(c, example[(size_t)k * (size_t)stride], rules), longest,
				   rules);
	}
	finish_steps(b, count);
	for (int r = 0; r < count; r++) {
		int32_t e = example[(size_t)b->row[r] * (size_t)stride];
		struct source s = text_of(c, e, rules);

		place(b, r, s.ids, s.n, rules);
		b->label[r] = c->label ? c->label[e] : -1;
	}
}

void batch_of_ids(struct batch *b, const int32_t *ids, int n, const struct batch_rules *rules)
{
	batch_of_texts(b, &ids, &n, 1, rules);
}

void batch_of_texts(struct batch *b, const int32_t *const *ids, const int *n, int count,
		    const struct batch_rules *rules)
{
	int longest = 0;

	rows_room(b, count);
	for (int k = 0; k < count; k++)
		longest = n[k] > longest ? n[k] : longest;
	for (int k = 0; k < count; k++) {
		b->row[k] = k;
		b->len[k] = padded((struct source){ids[k], n[k]}, longest, rules);
		b->label[k] = -1;
	}
	finish_steps(b, count);
	for (int r = 0; r < count; r++)
		place(b, r, ids[b->row[r]], n[b->row[r]], rules);
}

static void next_room(struct batch *b)
{
	b->next = mem_grow(b->next, &b->next_cap, (size_t)b->steps.N + 1, sizeof(int32_t));
}

void batch_targets(struct batch *b, const struct corpus *c, const int32_t *example, int count,
		   int stride)
{
	const struct batch_rules whole = {.ragged = true};

	rows_room(b, count);
	for (int k = 0; k < count; k++) {
		b->row[k] = k;
		b->len[k] = text_of(c, example[(size_t)k * (size_t)stride], &whole).n;
	}
	finish_steps(b, count);
	next_room(b);
	for (int r = 0; r < count; r++) {
		const struct source s =
			text_of(c, example[(size_t)b->row[r] * (size_t)stride], &whole);

		b->label[r] = -1;
		for (int t = 0; t < s.n; t++) {
			b->ids[b->steps.offset[t] + r] = s.ids[t ? t - 1 : s.n - 1];
			b->next[b->steps.offset[t] + r] = s.ids[t];
		}
	}
}

void batch_column(struct batch *b, const int32_t *ids, int rows)
{
	rows_room(b, rows);
	for (int r = 0; r < rows; r++) {
		b->len[r] = 1;
		b->row[r] = r;
		b->label[r] = -1;
	}
	finish_steps(b, rows);
	for (int r = 0; r < rows; r++)
		b->ids[r] = ids[r];
}

/* The inputs of each row of a stream. */
static int64_t row_inputs(int64_t length, int rows)
{
	return length > 1 ? (length - 1) / rows : 0;
}

int64_t batch_windows(int64_t length, int rows, int steps)
{
	return (row_inputs(length, rows) + steps - 1) / steps;
}

void batch_window(struct batch *b, const int32_t *ids, int64_t length, int rows, int first,
		  int stride, int64_t at, int steps)
{
	int64_t n = row_inputs(length, rows), rest = n > at ? n - at : 0;
	int count = first < rows ? (rows - 1 - first) / stride + 1 : 0;
	int T = rest < steps ? (int)rest : steps;

	rows_room(b, count);
	for (int k = 0; k < count; k++) {
		b->len[k] = T;
		b->row[k] = k;
		b->label[k] = -1;
	}
	finish_steps(b, count);
	next_room(b);
	for (int k = 0; k < count; k++) {
		const int32_t *from = ids + (first + (int64_t)k * stride) * n + at;

		for (int t = 0; t < T; t++) {
			b->ids[b->steps.offset[t] + k] = from[t];
			b->next[b->steps.offset[t] + k] = from[t + 1];
		}
	}
}

static size_t length(const struct corpus *c, int32_t e)
{
	return c->start[e + 1] - c->start[e];
}

/* Merge sort: stable, and without a global for qsort to look at. */
static void merge_sort(const struct corpus *c, int32_t *v, int32_t *tmp, int n)
{
	int half = n / 2, a = 0, b = half, k = 0;

	if (n < 2)
		return;
	merge_sort(c, v, tmp, half);
	merge_sort(c, v + half, tmp, n - half);
	while (a < half && b < n)
		tmp[k++] = length(c, v[b]) > length(c, v[a]) ? v[b++] : v[a++];
	while (a < half)
		tmp[k++] = v[a++];
	while (b < n)
		tmp[k++] = v[b++];
	for (k = 0; k < n; k++)
		v[k] = tmp[k];
}

void batch_sort(const struct corpus *c, int32_t *example, int count)
{
	int32_t *tmp = mem_alloc((size_t)count * sizeof(*tmp));

	merge_sort(c, example, tmp, count);
	free(tmp);
}

/*
 * Batches that are sorted together, at most, and into how many such parts an epoch is cut, at least.
 * Of SST-2's lengths (2 to 53, 19 in the mean) in batches of 32, this share of the places in a batch
 * as long as its longest text stays empty: 52 % unsorted, 14 % with 8 batches, 8 % with 16, 4 % with
 * 32, 3 % with 64. From 32 on there is little left to gain, and the smaller the part, the more the
 * company of a text changes from epoch to epoch; for the same reason no part is more than a quarter,
 * and an epoch of fewer batches than FEW is left as it was shuffled: it is too short to mix them well.
 */
enum { PART_BATCHES = 32, LEAST_PARTS = 4, FEW = 32 };

static int parts_of(int whole)
{
	const int parts = whole / PART_BATCHES + (whole % PART_BATCHES != 0);

	if (whole < FEW)
		return whole;
	return parts > LEAST_PARTS ? parts : LEAST_PARTS;
}

static void swap_batches(int32_t *a, int32_t *b, int batch)
{
	for (int k = 0; k < batch; k++) {
		const int32_t swap = a[k];

		a[k] = b[k];
		b[k] = swap;
	}
}

/* Sorts each part of the first `whole` batches: parts that differ by one batch at most. */
static void sort_parts(const struct corpus *c, int32_t *order, int whole, int parts, int batch)
{
	for (int k = 0; k < parts; k++) {
		const int first = (int)((int64_t)whole * k / parts);
		const int end = (int)((int64_t)whole * (k + 1) / parts);

		batch_sort(c, order + (size_t)first * (size_t)batch, (end - first) * batch);
	}
}

void batch_order(const struct corpus *c, int32_t *order, int batch, struct rng *rng)
{
	const int whole = c->count / batch, parts = parts_of(whole);
	const size_t size = (size_t)batch;

	for (int k = 0; k < c->count; k++)
		order[k] = k;
	rng_shuffle(rng, order, c->count);
	sort_parts(c, order, whole, parts, batch);
	batch_sort(c, order + (size_t)whole * size, c->count - whole * batch);
	for (int k = whole - 1; k > 0 && parts < whole; k--)
		swap_batches(order + (size_t)k * size,
			     order + rng_below(rng, (uint32_t)k + 1) * size, batch);
}

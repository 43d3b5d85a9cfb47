/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Batches: several texts side by side, time-major and sorted by length, longest first, so that the
 * rows still active at a step are the first ones and padding is never computed.
 *
 * Packed row n of step t and batch row r is offset[t] + r; there are N, the sum of the lengths.
 */
#ifndef SLUICE_ENGINE_TEXT_BATCH_H
#define SLUICE_ENGINE_TEXT_BATCH_H

#include "engine/base/rng.h"
#include "engine/text/corpus.h"

#include <stdbool.h>
#include <stdint.h>

struct steps {
	int B, T, N;
	int *active; /* T: rows that have a step t; never increasing */
	int *offset; /* T + 1 */
	size_t cap;
};

void steps_release(struct steps *s);
/* From the rows' lengths (0 allowed), longest first. */
void steps_build(struct steps *s, const int *len, int B);
/* Where the states before step t begin, in an array of B initial rows and N packed ones. */
static inline int steps_before(const struct steps *s, int t)
{
	return t ? s->B + s->offset[t - 1] : 0;
}

/* How texts become rows. */
struct batch_rules {
	bool mask;      /* padding is skipped: only real tokens run */
	int pad_to;     /* without mask: every row is this long (0: as the longest of the batch) */
	bool pad_front; /* where the <pad> go */
	bool ragged;    /* rows are taken as they are, whatever the rest says */
	bool marked;    /* the corpus's texts end in a mark, which is not for these rows */
};

struct batch {
	struct steps steps;
	int *len;       /* B, longest first */
	int *row;       /* B: index in the caller's list of each row */
	int32_t *ids;   /* N, packed */
	int32_t *next;  /* N: the id that follows each one; of batch_window and batch_targets */
	int32_t *label; /* B; -1 without labels */
	size_t rows_cap, ids_cap, next_cap;
};

void batch_release(struct batch *b);

/*
 * Builds a batch of `count` examples: example[0], example[stride], example[2 * stride] ...; they
 * need not be sorted. Memory is kept from call to call.
 */
void batch_build(struct batch *b, const struct corpus *c, const int32_t *example, int count,
		 int stride, const struct batch_rules *rules);

/* The same for one text of n ids; and for several that are in no corpus, text k of n[k] ids, whatever
 * their order. */
void batch_of_ids(struct batch *b, const int32_t *ids, int n, const struct batch_rules *rules);
void batch_of_texts(struct batch *b, const int32_t *const *ids, const int *n, int count,
		    const struct batch_rules *rules);

/*
 * What a decoder reads and should say for the same examples: `ids` are the end mark and the text,
 * `next` the text and the end mark. The corpus's texts end in their mark.
 */
void batch_targets(struct batch *b, const struct corpus *c, const int32_t *example, int count,
		   int stride);

/* One step of so many rows, in order. */
void batch_column(struct batch *b, const int32_t *ids, int rows);

/*
 * A stream of `length` ids lies in `rows` rows (1 or more) of n = (length - 1) / rows inputs each,
 * row r from r * n on; what is left over is not read. A window takes the inputs at .. at+T-1 of the
 * rows first, first + stride ... (how rows are dealt to threads), T = min(steps, n - at); next
 * holds the ids one further on. Rows are equally long, in order (row[k] = k), without labels.
 */
void batch_window(struct batch *b, const int32_t *ids, int64_t length, int rows, int first,
		  int stride, int64_t at, int steps);

/* The windows of such a stream, ceil(n / steps); 0 where it is too short for one input a row. */
int64_t batch_windows(int64_t length, int rows, int steps);

/* Sorts examples by length, longest first; equal lengths stay in order. */
void batch_sort(const struct corpus *c, int32_t *example, int count);

/*
 * The order of an epoch, for batches of `batch` texts one behind the other: every example of the
 * corpus once, in `order` (room for c->count). Bucketing by length, as torchtext's and Hugging Face's
 * samplers do it: the examples are shuffled, cut into parts of several batches, sorted by length
 * within each part, and the batches are shuffled in turn.
 *
 * The texts of a batch are about equally long, so that few of its steps have only some of its rows;
 * a corpus of few batches is only shuffled. Either way the longest text of a batch comes first. What
 * a batch consists of, and where it comes, is drawn anew each time; equal lengths are in the order of
 * the shuffle. A short batch is the last, and its texts are of any length: they are set apart before
 * the sorting. The same generator and lengths give the same order.
 */
void batch_order(const struct corpus *c, int32_t *order, int batch, struct rng *rng);

#endif

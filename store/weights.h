/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checkpoints: the tensors of a run at a step. Their bytes are cut into chunks of 4 MiB that are
 * stored once each under their SHA-256, whichever runs share them. A tensor of role state (the
 * optimizer, a generator) is kept for the newest checkpoint of a run only.
 */
#ifndef SLUICE_STORE_WEIGHTS_H
#define SLUICE_STORE_WEIGHTS_H

#include "store/store.h"

#include <stddef.h>

enum { WEIGHTS_CHUNK = 4 << 20, TENSOR_RANK = 4 };

enum tensor_role { TENSOR_WEIGHT, TENSOR_STATE };
enum tensor_type { TENSOR_F32, TENSOR_U64, TENSOR_BYTES, TENSOR_TYPE_COUNT };

struct store_tensor {
	const char *name;
	enum tensor_role role;
	enum tensor_type type;
	int rank; /* 0 to TENSOR_RANK; a tensor of rank 0 has one element */
	int64_t shape[TENSOR_RANK];
	const void *data;
	size_t bytes; /* the product of shape and the size of an element */
};

struct checkpoint_new {
	int64_t step;
	double epoch;
	const char *kind; /* a word such as epoch, pause or final */
};

struct checkpoint_row {
	int64_t checkpoint; /* rowid */
	int64_t step, time_ms, bytes, tensors;
	double epoch;
	char kind[32];
	bool best, resumable;
};

/*
 * Stores a checkpoint; one of the same step is replaced, and the state tensors of the run's other
 * checkpoints are dropped. Returns its rowid, 0 with err set on failure. Once the outermost
 * transaction has been committed, it survives a loss of power.
 */
int64_t store_checkpoint_add(struct store *s, int64_t run, const struct checkpoint_new *c,
			     const struct store_tensor *tensors, size_t count, struct err *err);

/* A run's checkpoints by step; the array is to be freed with free(). */
bool store_checkpoint_list(struct store *s, int64_t run, struct checkpoint_row **rows,
			   size_t *count, struct err *err);

/*
 * Loads the tensors of one role in order of their names, checked against their hashes; what does
 * not match is ERR_CORRUPT and names the tensor. Data is aligned to MEM_ALIGN. Everything belongs
 * to the caller (store_tensors_free). No tensors of that role: *count is 0.
 */
bool store_checkpoint_load(struct store *s, int64_t checkpoint, enum tensor_role role,
			   struct store_tensor **tensors, size_t *count, struct err *err);
void store_tensors_free(struct store_tensor *tensors, size_t count);

/* Removes a checkpoint and the chunks that nothing else uses. */
bool store_checkpoint_drop(struct store *s, int64_t checkpoint, struct err *err);

enum keep { KEEP_ALL, KEEP_BEST, KEEP_LAST };

/* What `keep = all` may take for one run before its checkpoints are thinned. */
enum { KEEP_BYTES = 256 << 20 };

/*
 * Drops the checkpoints of a run that a policy does not keep: all but the last (KEEP_LAST), all but
 * the best and the last (KEEP_BEST), or, while they take more than limit bytes (0: KEEP_BYTES),
 * the one that leaves the smallest gap between its neighbours (KEEP_ALL, sparing the best and the
 * last). *dropped may be NULL.
 */
bool store_checkpoint_keep(struct store *s, int64_t run, enum keep keep, int64_t limit,
			   int *dropped, struct err *err);

/* Removes chunks that no tensor uses; adds to *chunks and *bytes. */
bool weights_collect(struct store *s, int64_t *chunks, int64_t *bytes, struct err *err);

const char *tensor_type_name(enum tensor_type type); /* f32, u64, bytes */

#endif

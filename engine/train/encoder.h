/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An encoder is what a run fixes once: the plan of its weights, its vocabulary, its classes and
 * how texts become rows. A snapshot is an encoder with one set of weights. Both are immutable and
 * reference-counted: any thread may read them, and the last one to let go frees them.
 */
#ifndef SLUICE_ENGINE_TRAIN_ENCODER_H
#define SLUICE_ENGINE_TRAIN_ENCODER_H

#include "engine/base/rng.h"
#include "engine/nn/model.h"
#include "engine/text/corpus.h"
#include "engine/text/vocab.h"
#include "engine/train/optim.h"
#include "engine/train/schedule.h"

struct encoder {
	int refs;
	struct model model;
	struct vocab *vocab; /* of the texts it reads */
	struct vocab *
		target; /* of those it writes: one of its own only where a pair has two, or `vocab` */
	struct classes classes;
	struct batch_rules rules;
	int max_len; /* 0: no limit */
	bool truncate_front;
};

/* Takes over vocab and target (one reference each; target NULL: what is written has the same words) and
 * the contents of classes, also when it fails. ERR_USAGE as model_plan; spec->vocab, target and classes
 * are set from them. */
struct encoder *encoder_new(const struct model_spec *spec, struct vocab *vocab,
			    struct vocab *target, struct classes *classes,
			    const struct batch_rules *rules, int max_len, bool truncate_front,
			    struct err *err);
struct encoder *encoder_ref(struct encoder *e);
void encoder_unref(struct encoder *e);

/* A text as the encoder's ids: tokenised, cut to max_len. For padding see batch_of_ids. A model of
 * streams reads the end mark first, and one for each line end in the text. */
void encoder_encode(const struct encoder *e, const char *text, size_t n, struct encoding *out);

/* What it takes to go on training exactly where a snapshot was made. */
struct progress {
	struct rng rng;   /* the generator, before the next draw */
	uint64_t shuffle; /* the draw that ordered this epoch */
	int64_t updates;  /* of the optimizer */
	int epoch, batch; /* 1-based epoch under way; batches of it that are done */
	double lr;        /* what the schedule multiplies, changes by hand included */
	struct schedule_memory schedule;
	const struct optim_ops *optim;
	real *slot[OPTIM_MAX_SLOTS]; /* the optimizer's state, owned by the snapshot */
	real *carry;                 /* the states of a stream's rows in the middle of an epoch */
	size_t carry_size;
	double *factor; /* of groups, where they were set by hand: MODEL_MAX_GROUPS, NaN for the others */
};

struct snapshot {
	int refs;
	struct encoder *encoder;
	real *weights;
	int64_t step;
	int epoch;                 /* epochs completed */
	struct progress *progress; /* NULL where it was not asked for */
};

/* Takes over weights; takes a reference to e. */
struct snapshot *snapshot_new(struct encoder *e, real *weights, int64_t step, int epoch);
/* Copies weights. NULL without memory. */
struct snapshot *snapshot_copy(struct encoder *e, const real *weights, int64_t step, int epoch);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL is ignored */
/* Of a snapshot that nobody else has yet. */
void snapshot_drop_progress(struct snapshot *s);

#endif

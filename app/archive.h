/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the engine and the store: what a snapshot is as rows, and back. */
#ifndef SLUICE_APP_ARCHIVE_H
#define SLUICE_APP_ARCHIVE_H

#include "app/settings.h"
#include "engine/train/encoder.h"
#include "store/find.h"
#include "store/store.h"
#include "store/weights.h"

/* The encoder's shape and rules as a JSON object, and back with vocabulary and classes (taken over,
 * also on failure). ERR_CORRUPT where the text is not such an object. */
void archive_spec(const struct encoder *e, struct buf *out);

/* Stores what a run fixes once: vocabulary and classes. */
bool archive_encoder(struct store *s, int64_t run, const struct encoder *e, struct err *err);

/* What archive_spec wrote of a run, with the vocabulary and classes that the store has: an encoder.
 * ERR_CORRUPT, ERR_FAILED for what this version does not know. */
struct encoder *archive_encoder_load(struct store *s, int64_t run, const char *spec,
				     struct err *err);

/* Stores a checkpoint, with progress where the snapshot has it, and drops what keep does not want. */
bool archive_save(struct store *s, int64_t run, const struct snapshot *snap, enum keep keep,
		  struct err *err);

/* The settings of a run, to be released; what it has none of has its default. */
bool archive_settings(struct store *s, int64_t run, struct settings *out, struct err *err);

/* A run opened for reading. */
struct loaded {
	int64_t run, checkpoint;
	char id[9];
	char *name;
	struct snapshot *snapshot;
};

/* Finds RUN (any form of CONTRACTS' grammar) in an open store and loads the checkpoint it means.
 * ERR_NO_RUN, ERR_CORRUPT. */
bool archive_load(struct store *s, const char *run, struct loaded *out, struct err *err);
/* The weights of another checkpoint of a run, with the encoder that is there already. ERR_CORRUPT. */
struct snapshot *archive_load_at(struct store *s, struct encoder *e,
				 const struct checkpoint_row *at, struct err *err);
/* Adds the optimizer, generator and cursor of the checkpoint, where the store still has them; the
 * snapshot must be nobody else's yet. false with err only for trouble. */
bool archive_load_progress(struct store *s, struct loaded *l, struct err *err);
void loaded_release(struct loaded *l);

#endif

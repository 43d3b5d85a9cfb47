/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From settings to everything a trainer needs: reads the texts, builds vocabulary and encoder. */
#ifndef SLUICE_APP_PREPARE_H
#define SLUICE_APP_PREPARE_H

#include "app/settings.h"
#include "engine/train/cost.h"

/* The files that texts come from; the last two where pairs are in two files. */
enum source_role {
	SOURCE_TRAIN,
	SOURCE_VALID,
	SOURCE_TRAIN_TARGET,
	SOURCE_VALID_TARGET,
	SOURCE_ROLES
};
const char *
source_role_name(enum source_role r); /* in the store: "train", "valid", "train_target" ... */

/* What is remembered of a file of texts. */
struct source {
	char *path; /* NULL: no such file */
	unsigned char sha256[SHA256_BYTES];
	int64_t bytes;
	int rows;
	enum data_format format;
};

struct prepared {
	struct settings settings;
	struct encoder *encoder;
	struct corpus *train, *valid; /* valid may be NULL */
	struct source source[SOURCE_ROLES];
	struct train_spec spec;
	struct cost cost;
	struct buf warnings; /* a line each */
};

/* ERR_INPUT for bad files, ERR_USAGE for settings that do not go together, or that make a model whose
 * training takes more memory than the machine can give: weights are drawn later. Any thread. */
bool prepare(const struct settings *s, struct prepared *out, struct err *err);
/* An encoder whose vocabularies and rules of splitting text a training goes on with; borrowed. */
struct base {
	const struct encoder *encoder;
	bool grow; /* new tokens of the texts are added, as min_count and max_vocab say */
};
/* The same on the ground of an encoder, with errors as of prepare. A vocabulary of targets goes on where both
 * sides have one of their own. The settings' tokenizer, lower and oov are those of the encoder. */
bool prepare_on(const struct settings *s, const struct base *base, struct prepared *out,
		struct err *err);
/* The same where so many bytes can be had. */
bool prepare_within(const struct settings *s, int64_t available, struct prepared *out,
		    struct err *err);
void prepared_release(struct prepared *p);

/* Threads that `threads = 0` means on this machine where the batch is large enough. */
int default_threads(void);

#endif

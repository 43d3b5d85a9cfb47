/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which kind of file an input is, and which of its columns hold what: found by looking at it. */
#ifndef SLUICE_ENGINE_TEXT_DETECT_H
#define SLUICE_ENGINE_TEXT_DETECT_H

#include "engine/text/corpus.h"
#include "engine/text/grid.h"

struct plan {
	enum data_format format;
	enum cut cut;
	int label, text; /* columns from 0; label is -1 where there is none */
	bool header;     /* the first row names the columns */
};

/* Fills plan, from the beginning of an input that is not walked yet. With DATA_JSONL only the format is set. */
bool detect(struct input *in, const struct read_options *opt, struct plan *plan, struct err *err);

/* The same for columns that hold pairs: `text` is the source, `label` the target. Tells in the input's
 * warnings which of more than two columns were guessed. */
bool detect_pairs(struct input *in, const struct read_options *opt, struct plan *plan,
		  struct err *err);

/* Fills what is -1 of side (source, target) with the place of the usual name among so many; of two
 * languages the first one is the source. Whether both are known then. */
bool pair_names(const struct cell *name, int count, int side[2]);

#endif

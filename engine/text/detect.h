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

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the reader: where the rows of a file go, whatever they are made from. Any thread. */
#ifndef SLUICE_ENGINE_TEXT_SINK_H
#define SLUICE_ENGINE_TEXT_SINK_H

#include "engine/text/reader.h"

struct sink {
	row_fn *take;
	void *arg;
	size_t count;
	size_t left_out; /* pairs with an empty side */
};

/* Gives a row away; the label is freed. */
bool sink_give(struct sink *to, const struct row *row, char *label, struct err *err);

/* Gives a pair away, or leaves it out where a side is blank: the first ones in a warning of source's, which
 * names a side after the input it is from. */
bool sink_pair(struct sink *to, struct input *source, const struct input *target,
	       const struct row *row, struct err *err);

/* The last word on pairs that were left out. ERR_INPUT where there is no other. */
bool sink_end(const struct sink *to, struct input *in, struct err *err);

/* Says that a row's label is empty; false. */
bool sink_no_label(const char *name, size_t line, struct err *err);

/* The bytes without white space around them, owned; NULL if nothing is left. */
char *text_trimmed(const char *s, size_t n);

/* The objects of a walked JSON lines file. ERR_INPUT for broken ones, and for names there are not. */
bool read_json(struct sink *to, struct input *in, const struct read_options *opt, struct err *err);

#endif

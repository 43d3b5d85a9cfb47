/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a file to corpora in 4 bytes a token: every text is split once, as it is read, and only the numbers
 * that a vocabulary builder gives to its tokens are kept. Once the vocabulary is there they become
 * ids, in place.
 *
 * In order: intake_read (several files may share a builder); intake_split or intake_cut, if a part is to be
 * held out; intake_classes; intake_count, which counts what is not held out; then, with a vocabulary,
 * intake_finish.
 */
#ifndef SLUICE_ENGINE_TEXT_INTAKE_H
#define SLUICE_ENGINE_TEXT_INTAKE_H

#include "engine/text/corpus.h"
#include "engine/text/table.h"

struct intake {
	struct data_file file;
	struct vocab_builder *words; /* borrowed */
	size_t count, held_count;    /* texts; of them held out */
	bool *held;                  /* count: which; NULL where it is the last ones, if any */
	struct numbers numbers;      /* of all tokens; a 0 ends each text */
	bool labelled, stream;
	struct table labels;  /* the different ones, where labels are taken */
	struct numbers label; /* of each text: one more than its place there; 0 for none */
	/* Of each text, in digits of 7 bits: twice its bytes; if that is made odd, those that begin no
	 * character; and where labels are taken, the lines since the text before. */
	struct buf notes;
	uint64_t bytes;                      /* of all texts, and one for each line end */
	size_t line, text_bytes, text_inner; /* last line noted; of the text that is open */
	int64_t most_bytes;                  /* of numbers; 0: no limit */
	const struct intake *beside; /* whose numbers count to that too; borrowed, may be NULL */
	const char *name;            /* for messages, while the file is read */
};

/* Reads path as examples_read does, for words to count. Labels are taken where opt needs them.
 * ERR_INPUT also for more texts than an int can number, ERR_USAGE for more tokens than memory for them. */
bool intake_read(struct intake *in, const char *path, const struct read_options *opt,
		 struct vocab_builder *words, struct err *err);
/* The same from texts in memory, with their labels. */
void intake_take(struct intake *in, const struct examples *ex, struct vocab_builder *words);
void intake_release(struct intake *in);

/* The same row by row: an empty intake, and one text more, which need not be a row of `path`. Errors as
 * of intake_read. */
struct row;
void intake_open(struct intake *in, const char *path, const struct read_options *opt,
		 struct vocab_builder *words);
bool intake_add(struct intake *in, const struct row *row, struct err *err);

/* Holds out a seeded, shuffled share (0 < share < 1; at least one text each side). */
bool intake_split(struct intake *in, double share, uint64_t seed, struct err *err);

/*
 * Holds out the end of the texts, in the order of the file: what lies behind the first end of a text
 * at or after 1 - share of all bytes (a line end counts as one), at least one text on each side.
 * ERR_INPUT for less than two texts.
 */
bool intake_cut(struct intake *in, double share, struct err *err);

bool intake_holds(const struct intake *in, size_t text); /* whether it is held out */

/* The labels of what is not held out. ERR_INPUT if there are fewer than two, or over 4096 of them. */
bool intake_classes(const struct intake *in, struct classes *c, struct err *err);

/* Counts what is not held out, with the builder. */
void intake_count(const struct intake *in);

/*
 * Makes the corpora: of what was not held out, and of what was (else NULL is set). Every text has at most
 * max_len tokens (0: no limit), cut as truncate_front says. classes may be NULL (no labels);
 * ERR_INPUT for a label that is not among them. A text without any token is kept, as one <unk>
 * (keras without oov: one <pad>), so that rows stay in step.
 *
 * Where v keeps an end mark every text ends in it, behind its max_len tokens; a text without any
 * token is the mark alone. The ids are then one stream: text, mark, text, mark ...
 */
bool intake_finish(struct intake *in, const struct vocab *v, const struct classes *classes,
		   int max_len, bool truncate_front, struct corpus **kept, struct corpus **held,
		   struct err *err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Corpora: from a file (or standard input) to labelled texts, and from there to ids.
 *
 * `examples` are the rows as read: repaired UTF-8 text and a label in its own words. A `corpus` is what
 * training sees: token ids and class numbers, immutable and reference-counted. An intake (intake.h) goes
 * from the one to the other without keeping the texts.
 */
#ifndef SLUICE_ENGINE_TEXT_CORPUS_H
#define SLUICE_ENGINE_TEXT_CORPUS_H

#include "engine/base/err.h"
#include "engine/base/sha256.h"
#include "engine/text/vocab.h"

#include <stdint.h>

enum data_format {
	DATA_AUTO,
	DATA_LABEL_TAB_TEXT, /* label<TAB>text */
	DATA_TEXT_TAB_LABEL, /* text<TAB>label */
	DATA_LABEL_TEXT,     /* label, one space, text (SST) */
	DATA_CSV,            /* RFC 4180, with or without a header */
	DATA_JSONL,          /* one object a line */
	DATA_TEXT,           /* one text a line, no label */
	DATA_PARALLEL,       /* source<TAB>target */
	DATA_FORMAT_COUNT
};

const char *data_format_name(enum data_format f);
int data_format_find(const char *name); /* -1 if there is none */

struct read_options {
	enum data_format format;
	/* Name, or number from 1; NULL for the usual one. */
	const char *label_column, *text_column;
	/* What the two are called where a row is a pair, or the format is DATA_PARALLEL: the target, which is
	 * the label, and the source, which is the text. Where set they hold. */
	const char *target_column, *source_column;
	bool no_header;
	bool need_labels; /* refuse a file whose rows have none */
	/* Every row is a text and its answer, another text; not with need_labels or stream. Of a JSON value
	 * that is a list its first string counts. A pair with an empty side is left out, with a warning. */
	bool need_pairs;
	/* Of pairs: the file of the targets; line n of it answers line n of the other one, and both are
	 * DATA_TEXT. NULL where one file has both. */
	const char *target_path;
	/* Every line is a text, blank ones too; no labels. DATA_AUTO is then DATA_TEXT, unlooked
	 * at; of the other formats blank lines are none and labels are not taken. */
	bool stream;
	/* What an intake may take for the numbers of all tokens; 0: no limit. */
	int64_t most_bytes;
};

/* What is remembered of a file that was read. */
struct data_file {
	enum data_format format; /* what the file turned out to be */
	char *path;              /* "-" for standard input */
	int64_t bytes;
	unsigned char sha256[SHA256_BYTES]; /* of the file's bytes */
	size_t bad_bytes, skipped_lines;    /* replaced bytes; empty lines passed over */
	struct buf warnings;                /* "FILE:LINE: ..." lines, a handful at most */
};

void data_file_release(struct data_file *f);
/* What messages call it, and a path. Borrowed. */
const char *data_file_name(const struct data_file *f);
const char *data_path_name(const char *path);

struct example {
	char *text; /* NUL-terminated; may hold NUL bytes, so use text_len */
	size_t text_len;
	char *label; /* NULL where the format has none; of a pair, and of DATA_PARALLEL, the target text */
	size_t line; /* in the file, from 1 */
};

struct examples {
	struct example *at;
	size_t count, cap;
	struct data_file file;
	struct data_file target; /* of pairs: the second file, if there is one; else zeroed */
};

void examples_release(struct examples *ex);

/*
 * Reads a file and keeps its texts; "-" is standard input. The format is found by looking at the file
 * unless it is given. Bad bytes are replaced and reported (file, line) in warnings; a BOM, CRLF, NUL
 * bytes and very long lines are taken as they come. ERR_INPUT, naming file and line, for: an empty
 * file, no label where labels are needed, an unknown column, a row short of columns, broken JSON,
 * texts of more than 2 GiB; of pairs two files that are not equally long, and columns that could be
 * more than one pair.
 */
bool examples_read(struct examples *ex, const char *path, const struct read_options *opt,
		   struct err *err);

/* The distinct labels, sorted (as numbers if all are whole numbers, else by bytes). */
struct classes {
	char **name;
	int count;
};

void classes_release(struct classes *c);
/* From the distinct labels of a file that messages call so; takes name and what is in it.
 * ERR_INPUT if there are fewer than two, or over 4096 of them. */
bool classes_of(char **name, size_t count, const char *path, struct classes *c, struct err *err);
int classes_find(const struct classes *c, const char *label); /* -1 if there is none */

/* Texts as ids. Immutable; any thread may read it. */
struct corpus {
	int count;
	int classes;    /* 0 without labels */
	int max_len;    /* of the longest text, its end mark counted */
	int64_t tokens; /* in all, end marks counted */
	int64_t words; /* what the tokenizer made of the texts, without marks; not what was cut off */
	int64_t unknown; /* of them: became <unk>, or vanished */
	/* Code points of the texts as read, and one for the end of each one's line. */
	int64_t characters;
	/* count + 1: text k is ids[start[k] .. start[k+1]), its end mark counted. NULL for the lines of
	 * a stream, where the marks alone tell. */
	size_t *start;
	int32_t *ids;
	int32_t *label;       /* count, or NULL without labels */
	struct corpus *owner; /* of the ids, where that is another corpus */
	/* The answers, one for each text in the same order, each with its end mark (one reference); NULL
	 * where texts have none. */
	struct corpus *target;
	/* count: the texts as read, where they were asked for; else NULL. */
	struct tokens *raw;
	int refs; /* atomic */
};

/* Encodes every example with v, as intake_finish does. */
struct corpus *corpus_new(const struct examples *ex, const struct vocab *v,
			  const struct classes *classes, int max_len, bool truncate_front,
			  struct err *err);
struct corpus *corpus_ref(struct corpus *c);
/* What a decoder should write for these texts: the answers, or, where there are none, the texts again. */
static inline const struct corpus *corpus_target(const struct corpus *c)
{
	return c->target ? c->target : c;
}
void corpus_unref(struct corpus *c);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pairs of texts on their way to corpora: two intakes that are fed by one reading, so that text k of the
 * one belongs to text k of the other. In the order of intake.h, and with the same parts held out.
 */
#ifndef SLUICE_ENGINE_TEXT_INTAKE_PAIRS_H
#define SLUICE_ENGINE_TEXT_INTAKE_PAIRS_H

#include "engine/text/intake.h"

/* Zeroed is empty. It may not be moved while it is read. */
struct pair_intake {
	struct intake source, target; /* target.file: of the second file, if there is one */
	bool keep;                    /* the texts as read */
	struct tokens raw[2];         /* ... which are here, sources and targets */
};

/*
 * Reads path, and opt->target_path where it is set, as pairs (need_pairs is taken as set). The two builders
 * may be the same one: both sides then share a vocabulary. With keep_raw the texts are also kept as they
 * were read, for pairs_finish. ERR_INPUT, ERR_USAGE as intake_read; opt->most_bytes is for both sides and
 * what is kept.
 */
bool pairs_read(struct pair_intake *p, const char *path, const struct read_options *opt,
		struct vocab_builder *source, struct vocab_builder *target, bool keep_raw,
		struct err *err);
/* The same from texts in memory: the target of each is its label. */
void pairs_take(struct pair_intake *p, const struct examples *ex, struct vocab_builder *source,
		struct vocab_builder *target, bool keep_raw);
void pairs_release(struct pair_intake *p);

/* As intake_split and intake_cut; the cut is where the sources say. */
bool pairs_split(struct pair_intake *p, double share, uint64_t seed, struct err *err);
bool pairs_cut(struct pair_intake *p, double share, struct err *err);

/* Counts what is not held out, each side with its builder. */
void pairs_count(const struct pair_intake *p);

/* How long texts are cut; 0: never. A target loses its end. */
struct pair_limits {
	int max_len, max_target_len;
	bool truncate_front; /* of sources */
};

/*
 * Makes the corpora, as intake_finish does: of what was not held out, and of what was (else NULL is set). They are
 * those of the sources; each has its targets as `target`, which goes with it. Texts as read become `raw`
 * of both where they are held out; where nothing is, of the only ones.
 *
 * target keeps an end mark, so that every target ends in it; sources do where source keeps one, too.
 */
void pairs_finish(struct pair_intake *p, const struct vocab *source, const struct vocab *target,
		  const struct pair_limits *limits, struct corpus **kept, struct corpus **held);

#endif

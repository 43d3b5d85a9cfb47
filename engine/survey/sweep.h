/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many texts through the side of a model that reads them, in float32, some dozens at a time. Texts of about
 * one length stand beside each other in a part; parts are dealt out to lanes, whose number does not depend on
 * the team's: what a lane adds up is its own, and lanes added in order make sums that no team changes.
 */
#ifndef SLUICE_ENGINE_SURVEY_SWEEP_H
#define SLUICE_ENGINE_SURVEY_SWEEP_H

#include "engine/base/team.h"
#include "engine/nn/pass.h"
#include "engine/text/corpus.h"
#include "engine/train/encoder.h"

enum { SWEEP_TEXTS = 64, SWEEP_LANES = 8 };

/* Who waits for it: cancel (or NULL) is looked at on the way; tell (or NULL) is called by the caller's thread
 * now and then, with a share from 0 to 1 of what is done. */
struct sweep_watch {
	const int *cancel;
	void (*tell)(void *arg, double share);
	void *arg;
};
bool sweep_stopped(const struct sweep_watch *w);

/* What one pass leaves: every gate and state of `work`, and for batch row r its text, that is
 * text[work->in.batch.row[r]], whose tokens are in the encoding of the same number. */
struct sweep_part {
	int lane;
	const struct work *work;
	const size_t *text;
	const struct encoding *encoding;
};

/* Called on the team's threads, for one part of a lane at a time and in order. */
typedef void sweep_fn(void *arg, const struct sweep_part *p);

/* ERR_FAILED without memory, ERR_CANCELLED. */
bool sweep_texts(struct team *team, const struct snapshot *snapshot, const struct example *text,
		 size_t count, const struct sweep_watch *watch, sweep_fn *each, void *arg,
		 struct err *err);

/* The text of a batch row; and its place among the steps of one: how many <pad> stand in front of its words,
 * and how many words there are (no padding is counted where the run passes over it). */
size_t sweep_text(const struct sweep_part *p, int row);
struct sweep_words {
	int pads, count;
};
struct sweep_words sweep_words(const struct sweep_part *p, const struct batch_rules *rules,
			       int row);

/* Packed row of a batch row's step, in an array of N; with B initial rows before them add B. */
static inline size_t sweep_at(const struct sweep_part *p, int step, int row)
{
	return (size_t)p->work->in.batch.steps.offset[step] + (size_t)row;
}

#endif

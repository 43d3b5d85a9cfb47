/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which unit of one model is like which unit of another: Pearson's correlation of their hidden states over the words
 * of many texts, and the one-to-one pairing whose |r| add up to most (Li, Yosinski, Clune, Lipson and
 * Hopcroft, "Convergent learning", ICLR 2016, pair neurons so). A pair whose r is below 0 is alike with the other sign:
 * an LSTM whose unit has g, c and h turned round computes the same.
 *
 * Pairing always finds something. What it is worth shows beside two other figures: how alike any two units
 * are, which have read the same words after all, and what pairing finds with the steps of one model shuffled
 * against those of the other, which is chance alone.
 *
 * States are float32 from the fast path; sums are in double. Only words that both read at the same place count (see
 * align.h), and no padding.
 */
#ifndef SLUICE_ENGINE_COMPARE_PAIRING_H
#define SLUICE_ENGINE_COMPARE_PAIRING_H

#include "engine/base/team.h"
#include "engine/text/corpus.h"
#include "engine/train/encoder.h"

enum { PAIRING_TEXTS = 2000, PAIRING_STEPS = 50000 };
/* Products of two numbers that a correlation may take: there are fewer steps where layers are wide. */
#define PAIRING_WORK 1.5e9

struct unit_pair {
	int a, b;
	double r; /* NaN where it was not measured */
};

struct pairing {
	struct unit_pair *pair; /* count, by a's units */
	int count;              /* units of the side that has fewer */
	int64_t texts, steps;   /* that r was measured on; 0: it was not */
	double mean;            /* of |r| */
	double any;             /* of |r| between any unit of a and any of b */
	double chance; /* of |r| with the steps shuffled, of the pairing that is best then */
	/* Of |r| between units of the same number, and how many pairs are such; NaN and 0 where the numbers of units
	 * differ. */
	double same_number;
	int at_home;
};

struct pairing_side {
	struct snapshot *snapshot;
	int run; /* of the stack that reads the text */
};

struct pairing_rules {
	bool by_number;    /* units of the same number are pairs, and r is measured all the same */
	const int *cancel; /* or NULL */
};

/* Runs both over the texts, PAIRING_TEXTS of them at most, taken evenly, dealt out to a team; nothing depends on its
 * size. by_number needs as many units on both sides. ERR_FAILED without memory, ERR_CANCELLED, ERR_INPUT where
 * both read no two words in common. Release in all cases. */
bool pairing_run(struct pairing *p, struct team *team, const struct pairing_side side[2],
		 const struct example *text, size_t count, const struct pairing_rules *rules,
		 struct err *err);
/* Units of the same number as pairs, unmeasured. */
void pairing_same(struct pairing *p, int H);
void pairing_release(struct pairing *p);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two runs over texts compared step by step: another text, other weights, another cell. Steps stand beside each other
 * as their tokens do (align.h), units as they are paired (pairing.h); what one side has alone is not
 * compared. Differences are a - b, of a signal that can be below 0 with the sign in which the units are
 * alike. In double.
 *
 * The first divergence is the first step, in the order in which the layer reads, at which some |a - b| is above a
 * threshold: DIFF_SAME where the weights are the same, so that only the words can make a difference, and DIFF_OTHER,
 * a tenth of what a state can be, where everything differs a little.
 */
#ifndef SLUICE_ENGINE_COMPARE_DIFF_H
#define SLUICE_ENGINE_COMPARE_DIFF_H

#include "engine/compare/align.h"
#include "engine/compare/pairing.h"
#include "engine/explain/replay.h"

#define DIFF_SAME 1e-6
#define DIFF_OTHER 0.1

struct diff_side {
	const struct replay *r;
	int run;
};

/* A signal that both have under this name: i f g o c h, r z n h. A gate that a variant lacks counts, as in a trace:
 * all 1, or 1 - i where it is coupled. */
struct diff_signal {
	const char *name;
	bool is_signed; /* on either side */
};
enum { DIFF_SIGNALS = 6 };
int diff_signals(const struct diff_side side[2], struct diff_signal out[DIFF_SIGNALS]);
/* The names that one side has, "i, f, g, o, c, h". */
void diff_signal_names(const struct diff_side *side, struct buf *out);

/* A signal as (T, H), row t at position t; NULL where the side has no such signal. Free with free. */
double *diff_values(const struct diff_side *side, const char *name);

struct diff_step {
	double max;  /* |a - b| at most; NaN where a side has no step here, as the others */
	int pair;    /* the first pair where it is; -1: no step */
	double norm; /* of a - b over all pairs */
	double norm_a, norm_b; /* of what is compared */
	bool same_bits;        /* every number has the same bits */
};

/* One signal, values as diff_values gives them: (step) takes way->count. */
void diff_compare(const double *a, int Ha, const double *b, int Hb, bool is_signed,
		  const struct alignment *way, const struct pairing *units, struct diff_step *step);
/* b's number as it is compared with a's. */
static inline double diff_turned(double b, const struct unit_pair *p, bool is_signed)
{
	return is_signed && p->r < 0 ? -b : b;
}

/* The first of the steps above the threshold, or -1; and how many agree bit by bit before one that does not, or that
 * one side has alone. from_end: as a backward layer reads. */
int diff_first(const struct diff_step *step, int count, double threshold, bool from_end);
int diff_same_bits(const struct diff_step *step, int count, bool from_end);

/* Aligns the tokens of both, padding being a token too. ERR_FAILED without memory. */
bool diff_align(const struct diff_side side[2], struct alignment *way, struct err *err);

#endif

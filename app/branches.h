/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A beam search as a tree of lines. The best text goes straight down; what else might have followed a
 * token hangs off it, above the one that did follow:
 *
 *     ● two           0.922   −0.08        on the way to the best text
 *     ├ × a           0.031   −3.47        dropped
 *     ├ + some        0.012   −4.41        kept, but others came to more; closed
 *     ● men           0.410   −0.97
 *     ■ ⏎             0.923   −0.61        a text ends
 *
 * What is below a + is shown once it is opened: then its own texts go straight down, one step in.
 */
#ifndef SLUICE_APP_BRANCHES_H
#define SLUICE_APP_BRANCHES_H

#include "app/workbench.h"

enum { BRANCHES_DEEPEST = 40 }; /* steps in: what is deeper cannot be opened */

struct branch_line {
	int node;         /* -1: the beginning */
	int depth;        /* steps in */
	bool hangs, last; /* it hangs off a line above; nothing follows there */
};

void branches_forget(struct branches *b); /* empties it */
/* Lays the lines out again if what they show has changed; the cursor stays at its node. */
void branches_lay(struct branches *b);
const struct branch_line *branches_at(const struct branches *b); /* the cursor's; NULL for none */
/* Up and down the lines; left and right close and open them. */
void branches_move(struct branches *b, enum move m, int count, int page);
/* Opens or closes what hangs off the line at the cursor; false where nothing does. */
bool branches_toggle(struct branches *b);
/* Puts the cursor on the best text's token at a step, from 1. */
void branches_goto(struct branches *b, int step);
/* The last node on the way straight down; -1 while there is none. */
int branches_leaf(const struct branches *b);
/* The step of the cursor's node, if it is on the way to the best text; else 0. */
int branches_step(const struct branches *b);
/* The tokens from the beginning to a node as one text; appended. */
void branches_text(const struct encoder *e, const struct branches *b, int node, struct buf *out);

#endif

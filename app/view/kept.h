/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of Gates' chosen unit at the chosen step: what is left in it of each word; see ledger.h. */
#ifndef SLUICE_APP_VIEW_KEPT_H
#define SLUICE_APP_VIEW_KEPT_H

#include "app/view/parts.h"

/* With its frame: the words, what is left of each, and the largest in a sum that adds up; with the least the
 * middle one alone. */
enum { KEPT_LEAST_ROWS = 3, KEPT_ROWS = 5 };

void kept_draw(struct workbench *w, struct rect r);

#endif

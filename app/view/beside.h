/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An edited sentence and what it was, one gate of both above each other, and their difference. */
#ifndef SLUICE_APP_VIEW_BESIDE_H
#define SLUICE_APP_VIEW_BESIDE_H

#include "app/view/parts.h"

/* Whether the sentence has edits, so that there are two to be shown. */
bool beside_is(const struct workbench *w);
/* Draws the chosen gate before the edits, after them, and the difference, over the words as they are now: one
 * that has been put in has nothing before. */
void beside_draw(struct workbench *w, struct rect r);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Equations that come one line at a time: what is still covered of the cell looked at in Gates. It belongs to
 * one place; wherever else the cursor goes all lines are there.
 */
#ifndef SLUICE_APP_REVEAL_H
#define SLUICE_APP_REVEAL_H

#include "app/workbench.h"

/* Lines of the cell; 0 without one. */
int reveal_lines(const struct workbench *w);
/* How many of them have come; -1 where they do not come one by one. */
int reveal_shown(const struct workbench *w);
/* Whether anything is covered; whether the line is whose left side that is, such as "f". */
bool reveal_covers_any(const struct workbench *w);
bool reveal_covers(const struct workbench *w, const char *left);
/* Shows so many lines at the cursor. */
void reveal_show(struct workbench *w, int shown);
void reveal_end(struct workbench *w);

#endif

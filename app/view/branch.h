/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pane of the view Text that shows a beam search: see app/branches.h. */
#ifndef SLUICE_APP_VIEW_BRANCH_H
#define SLUICE_APP_VIEW_BRANCH_H

#include "app/branches.h"

void branches_draw(struct workbench *w, struct rect r);
/* The next line with such a token, or the one before. */
bool branches_find(struct workbench *w, const char *text, int delta);
/* A row for each node. */
bool branches_rows(struct workbench *w, struct output *o);

#endif

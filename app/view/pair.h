/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the view Text shows of pairs: the text with what was looked at, the answer, and the search for it. */
#ifndef SLUICE_APP_VIEW_PAIR_H
#define SLUICE_APP_VIEW_PAIR_H

#include "app/view/panel.h"

/* The line above: how the next answer is looked for, and what has come of this one. */
void pair_head(struct workbench *w, struct rect r);
/* The three panes, one above the other. */
void pair_draw(struct workbench *w, struct rect r);
/* Beside them: the tokens of the text that the token at the cursor looked at most. */
void pair_looks(struct panel *s, int most);

#endif

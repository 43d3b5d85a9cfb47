/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the weights looked at stand among the checkpoints of their run. */
#ifndef SLUICE_APP_VIEW_SLIDER_H
#define SLUICE_APP_VIEW_SLIDER_H

#include "app/workbench.h"

/* "epoch 3 of 8 ──●───── step 69" in at most cols columns, as much of it as fits in `wanted` but at least its
 * bar; "" where there is one checkpoint, or no room. */
void slider_text(const struct workbench *w, int cols, int wanted, char *out, size_t size);

#endif

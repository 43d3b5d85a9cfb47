/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pinned sentence while its model learns: what the model makes of it, and the mean of every gate. */
#ifndef SLUICE_APP_VIEW_STRIP_H
#define SLUICE_APP_VIEW_STRIP_H

#include "app/view/parts.h"

void strip_draw(struct workbench *w, struct rect r);

#endif

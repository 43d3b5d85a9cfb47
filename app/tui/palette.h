/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Colours as a terminal with few of them has them. */
#ifndef SLUICE_APP_TUI_PALETTE_H
#define SLUICE_APP_TUI_PALETTE_H

#include "app/tui/canvas.h"

/*
 * The nearest to c among colours of them (8, 16, 256 or 1 << 24): -1 for the default, else a palette
 * index, or, for 1 << 24, 0xrrggbb from 0x100 on (below are palette indices; the darkest blues, which
 * nobody tells apart, give way to them).
 */
colour palette_reduce(colour c, int colours);

#endif

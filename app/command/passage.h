/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Some words of a text with those around them. */
#ifndef SLUICE_APP_COMMAND_PASSAGE_H
#define SLUICE_APP_COMMAND_PASSAGE_H

#include "engine/base/buf.h"
#include "engine/explain/replay.h"

/* The position of a word, from 0, padding not counted. */
int passage_position(const struct replay *r, int word);
/* Appends the tokens at the positions from .. to in brackets, a few before and behind them, and "…" where
 * more are left out. */
void passage_add(struct buf *out, const struct replay *r, int from, int to);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pictures as SVG 1.1, for slides and papers: white paper, one font, numbers of the scale beside it. Text stays
 * text, so that it can be found and edited; a heat cell and a point have their number as a tooltip (title).
 */
#ifndef SLUICE_APP_ANSWER_SVG_H
#define SLUICE_APP_ANSWER_SVG_H

#include "app/answer/figure.h"
#include "engine/base/buf.h"

/* Appends one document with the pictures below each other. */
void svg_write(struct buf *out, struct figure *const *figure, int count);

#endif

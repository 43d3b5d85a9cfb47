/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of an answer on the screen: heat maps and plots with a cursor in them. */
#ifndef SLUICE_APP_VIEW_PICTURE_H
#define SLUICE_APP_VIEW_PICTURE_H

#include "app/view/parts.h"

/* Draws a picture in a frame; with the focus a map tells the chosen number and a plot marks the chosen point.
 * The cursor is brought inside, and rows are scrolled so that it is in sight. */
void picture_draw(struct workbench *w, struct rect r, const struct figure *f,
		  struct picture_cursor *at, bool focused);

/* The chosen point of a plot in words; "" of a map, which tells it itself. */
void picture_says(const struct figure *f, struct picture_cursor *at, char *out, size_t size);

/* Left and right go along a row, or from point to point; up and down to another row, or series. */
void picture_move(const struct figure *f, struct picture_cursor *at, enum move m, int count);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people have noted of single units of a run. */
#ifndef SLUICE_STORE_NOTE_H
#define SLUICE_STORE_NOTE_H

#include "store/store.h"

#include <stddef.h>

enum { NOTE_LAYER_SIZE = 24 };

struct unit_note {
	char layer[NOTE_LAYER_SIZE]; /* "l0.fw" */
	int unit;
	char *text;
	int64_t time_ms;
};

/* Writes a note of a unit over the one that was there; an empty text deletes it. An event tells of it.
 * ERR_NO_RUN. */
bool store_unit_note(struct store *s, int64_t run, const char *layer, int unit, const char *text,
		     struct err *err);

/* The notes of a run by layer and unit; the array belongs to the caller (store_unit_notes_free) and is NULL
 * when there are none. */
bool store_unit_notes(struct store *s, int64_t run, struct unit_note **notes, size_t *count,
		      struct err *err);
void store_unit_notes_free(struct unit_note *notes, size_t count);

/* The text of one of them, or NULL. */
const char *unit_note_find(const struct unit_note *notes, size_t count, const char *layer,
			   int unit);

#endif

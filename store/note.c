/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/note.h"

#include "engine/base/mem.h"
#include "store/event.h"
#include "store/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool run_is_there(struct store *s, int64_t run, struct err *err)
{
	struct stmt *st = stmt_start(s, "SELECT 1 FROM run WHERE run_id=?", err);
	int64_t there;

	stmt_int(st, run);
	return stmt_value(st, &there, 0, err) && (there || err_set(err, ERR_NO_RUN, "no such run"));
}

static bool put(struct store *s, int64_t run, const char *layer, int unit, const char *text,
		struct err *err)
{
	struct stmt *st;

	if (*text) {
		st = stmt_start(s,
				"INSERT INTO unit_note(note, t_ms, run_id, layer, unit)"
				" VALUES(?,?,?,?,?) ON CONFLICT(run_id, layer, unit) DO UPDATE"
				" SET note=excluded.note, t_ms=excluded.t_ms",
				err);
		stmt_text(st, text);
		stmt_int(st, store_now_ms());
	} else {
		st = stmt_start(s, "DELETE FROM unit_note WHERE run_id=? AND layer=? AND unit=?",
				err);
	}
	stmt_int(st, run);
	stmt_text(st, layer);
	stmt_int(st, unit);
	return stmt_run(st, err);
}

bool store_unit_note(struct store *s, int64_t run, const char *layer, int unit, const char *text,
		     struct err *err)
{
	char *message;
	bool ok;

	if (!store_begin(s, err))
		return false;
	message = mem_printf("%s unit %d: %s", layer, unit, *text ? text : "no note any more");
	ok = run_is_there(s, run, err) && put(s, run, layer, unit, text, err) &&
	     store_event_add(s, run, EVENT_INFO, "note", message, err);
	free(message);
	return store_end(s, ok, err);
}

bool store_unit_notes(struct store *s, int64_t run, struct unit_note **notes, size_t *count,
		      struct err *err)
{
	struct stmt *st = stmt_start(s,
				     "SELECT layer, unit, note, t_ms FROM unit_note"
				     " WHERE run_id=? ORDER BY layer, unit",
				     err);
	size_t cap = 0;
	int more;

	*notes = NULL;
	*count = 0;
	stmt_int(st, run);
	while ((more = stmt_row(st, err)) > 0) {
		struct unit_note *n;

		*notes = mem_grow(*notes, &cap, *count + 1, sizeof(**notes));
		n = &(*notes)[(*count)++];
		*n = (struct unit_note){.unit = (int)stmt_int_at(st, 1),
					.text = stmt_copy_at(st, 2),
					.time_ms = stmt_int_at(st, 3)};
		snprintf(n->layer, sizeof(n->layer), "%s", stmt_text_at(st, 0));
	}
	if (!more)
		return true;
	store_unit_notes_free(*notes, *count);
	*notes = NULL;
	*count = 0;
	return false;
}

void store_unit_notes_free(struct unit_note *notes, size_t count)
{
	for (size_t k = 0; k < count; k++)
		free(notes[k].text);
	free(notes);
}

const char *unit_note_find(const struct unit_note *notes, size_t count, const char *layer, int unit)
{
	for (size_t k = 0; k < count; k++)
		if (notes[k].unit == unit && !strcmp(notes[k].layer, layer))
			return notes[k].text;
	return NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/event.h"

#include "engine/base/mem.h"
#include "store/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const levels[] = {"info", "warn", "error"};

const char *event_level_name(enum event_level level)
{
	return levels[level];
}

static enum event_level level_of(const char *name)
{
	return strcmp(name, "error") == 0  ? EVENT_ERROR
	       : strcmp(name, "warn") == 0 ? EVENT_WARN
					   : EVENT_INFO;
}

bool store_event_add(struct store *s, int64_t run, enum event_level level, const char *kind,
		     const char *message, struct err *err)
{
	struct stmt *st;
	bool ok;

	if (!store_begin(s, err))
		return false;
	st = stmt_start(
		s, "INSERT INTO event(run_id, t_ms, level, kind, message) VALUES(?,?,?,?,?)", err);
	stmt_id(st, run);
	stmt_int(st, store_now_ms());
	stmt_text(st, levels[level]);
	stmt_text(st, kind);
	stmt_text(st, message ? message : "");
	ok = stmt_run(st, err);
	return store_end(s, ok, err);
}

bool store_events(struct store *s, int64_t run, int64_t after, int limit, struct event_row **rows,
		  size_t *count, struct err *err)
{
	struct stmt *st;
	size_t cap = 0;
	int more;

	*rows = NULL;
	*count = 0;
	st = stmt_start(s,
			"SELECT e.event_id, e.t_ms, coalesce(e.run_id, 0), r.id, r.name, e.level,"
			" e.kind, e.message FROM (SELECT * FROM event WHERE event_id>?1"
			" AND (?2=0 OR run_id=?2) ORDER BY event_id DESC LIMIT ?3) e"
			" LEFT JOIN run r ON r.run_id=e.run_id ORDER BY e.event_id",
			err);
	stmt_int(st, after);
	stmt_int(st, run);
	stmt_int(st, limit > 0 ? limit : -1);
	while ((more = stmt_row(st, err)) > 0) {
		struct event_row *e;

		*rows = mem_grow(*rows, &cap, *count + 1, sizeof(**rows));
		e = &(*rows)[(*count)++];
		*e = (struct event_row){.id = stmt_int_at(st, 0),
					.time_ms = stmt_int_at(st, 1),
					.run = stmt_int_at(st, 2)};
		snprintf(e->run_id, sizeof(e->run_id), "%s", stmt_text_at(st, 3));
		e->run_name = stmt_copy_at(st, 4);
		e->level = level_of(stmt_text_at(st, 5));
		e->kind = stmt_copy_at(st, 6);
		e->message = stmt_copy_at(st, 7);
	}
	if (more == 0)
		return true;
	store_events_free(*rows, *count);
	*rows = NULL;
	*count = 0;
	return false;
}

void store_events_free(struct event_row *rows, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		free(rows[k].run_name);
		free(rows[k].kind);
		free(rows[k].message);
	}
	free(rows);
}

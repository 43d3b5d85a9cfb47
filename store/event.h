/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events: what happened to a run or to the store, in order. */
#ifndef SLUICE_STORE_EVENT_H
#define SLUICE_STORE_EVENT_H

#include "store/store.h"

#include <stddef.h>

enum event_level { EVENT_INFO, EVENT_WARN, EVENT_ERROR };

struct event_row {
	int64_t id, time_ms;
	int64_t run;    /* rowid, 0 for the store */
	char run_id[9]; /* "" for the store */
	char *run_name; /* "" for the store */
	enum event_level level;
	char *kind, *message;
};

/* Adds an event; run is a rowid or 0 for the store; kind is a word such as "status" or "note". */
bool store_event_add(struct store *s, int64_t run, enum event_level level, const char *kind,
		     const char *message, struct err *err);

/*
 * The newest limit events with an id above after (0: all), oldest first; run 0 means every run.
 * The array belongs to the caller (store_events_free) and is NULL when there are none.
 */
bool store_events(struct store *s, int64_t run, int64_t after, int limit, struct event_row **rows,
		  size_t *count, struct err *err);
void store_events_free(struct event_row *rows, size_t count);

const char *event_level_name(enum event_level level); /* info, warn, error */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The store: one SQLite file that holds runs, settings, metrics, weights, vocabularies and events.
 *
 * A handle belongs to one thread; any number of handles, threads and processes may use one file.
 * Every write happens in a transaction that holds the sidecar lock FILE.lock (flock), and so does
 * every checkpoint of the write-ahead log: SQLite before 3.51.3 can lose a commit that races with
 * a checkpoint of another connection. Times are milliseconds since 1970, UTC.
 *
 * Errors: ERR_STORE (missing, not writable, busy, full, foreign, of another version), ERR_CORRUPT
 * (damaged), ERR_NO_RUN, ERR_USAGE, ERR_FAILED. After an error the handle stays usable.
 */
#ifndef SLUICE_STORE_STORE_H
#define SLUICE_STORE_STORE_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

enum store_mode {
	STORE_READ,  /* the file must exist and have this version */
	STORE_WRITE, /* made when missing, migrated when older; marks dead runs as crashed */
};

/* How long a writer waits for another one before it gives up. */
enum { STORE_WAIT_MS = 10000 };

/*
 * Opens the store at path. A file that is not a store is refused and left as it is. A store of an
 * older version is copied to PATH.pre-vN before it is migrated. Missing folders are not made.
 * NULL with err set on failure. Close with store_close.
 */
struct store *store_open(const char *path, enum store_mode mode, struct err *err);

/* Rolls back what is open, empties the write-ahead log and frees the handle; NULL is allowed. */
void store_close(struct store *s);

const char *store_path(const struct store *s); /* borrowed */
int64_t store_now_ms(void);

/*
 * A transaction. It nests: an inner commit or rollback ends the inner part only, the outermost
 * commit makes everything durable against the end of the process (and, after a checkpoint or the
 * end of a run, against the loss of power). When commit fails everything is rolled back.
 */
bool store_begin(struct store *s, struct err *err);
bool store_commit(struct store *s, struct err *err);
void store_rollback(struct store *s);

/* Removes what nothing refers to, and for good the runs deleted before the given time (0: none). */
struct store_freed {
	int64_t runs, chunks, bytes, vocabularies;
};
bool store_collect(struct store *s, int64_t deleted_before_ms, struct store_freed *freed,
		   struct err *err);

#endif

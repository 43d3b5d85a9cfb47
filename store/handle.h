/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the store share: the handle itself. Not for other rooms. */
#ifndef SLUICE_STORE_HANDLE_H
#define SLUICE_STORE_HANDLE_H

#include "store/store.h"

#include <sqlite3.h>
#include <stddef.h>

struct stmt;

struct store {
	sqlite3 *db;
	char *path;
	enum store_mode mode;
	int lock;          /* descriptor of the sidecar file, -1 without one */
	int locked;        /* how often the sidecar lock is held */
	int64_t until_ms;  /* when whoever holds the lock gives up waiting for SQLite's */
	int depth;         /* of nested transactions; the lock is held while it is not 0 */
	bool sync_due;     /* the open transaction must survive a loss of power */
	int64_t sized_run; /* the run whose checkpoints take sized_bytes at most; 0: unknown */
	int64_t sized_bytes;
	int wal_frames; /* in the write-ahead log after the last commit */
	struct stmt **cache;
	size_t count, cap;
};

/* Commits when ok, rolls back otherwise; returns whether everything succeeded. */
bool store_end(struct store *s, bool ok, struct err *err);

/* Turns a result code of SQLite into an error; returns false. */
bool store_fail(struct store *s, int rc, struct err *err);

/* Runs SQL without parameters and results. */
bool store_exec(struct store *s, const char *sql, struct err *err);

#endif

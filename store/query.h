/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQL from people. A connection of its own that can only read: opened read-only, with an authorizer
 * that allows SELECT and nothing else, limits on size and depth, a limit on rows and a deadline.
 * A handle belongs to one thread; query_cancel alone may be called from another.
 */
#ifndef SLUICE_STORE_QUERY_H
#define SLUICE_STORE_QUERY_H

#include "engine/base/buf.h"
#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query;

struct query_limits {
	int64_t rows;        /* 0: no limit */
	int64_t deadline_ms; /* for one query; 0: none */
};

enum cell_type { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT, CELL_BLOB };

struct query_cell {
	enum cell_type type;
	int64_t i; /* CELL_INT */
	double r;  /* CELL_REAL */
	const char *
		p; /* CELL_TEXT (ends in a NUL, may hold others) and CELL_BLOB; until the next row */
	size_t n;  /* bytes */
};

/* Where a result goes. A function that returns false ends the query, which then succeeds. */
struct query_sink {
	void *ctx;
	bool (*columns)(void *ctx, const char *const *names, int count); /* once, before the rows */
	bool (*row)(void *ctx, const struct query_cell *cells, int count);
};

struct query_result {
	int64_t rows;   /* handed to the sink */
	bool truncated; /* there were more than the limit */
	double seconds;
};

/*
 * A table whose rows a layer above computes when they are asked for, to be read as
 * FROM NAME(ARGUMENT, ...); SQLite sees it as a virtual table that cannot be written to. Its functions
 * run on the thread of query_run, inside it, and must not use the same struct query.
 */
enum { QUERY_ARGS = 4, QUERY_COLUMNS = 24 };
#define QUERY_ANY INT64_MIN

struct query_text {
	const char *p; /* UTF-8, ends in a NUL, may hold others */
	size_t n;
};

struct query_column {
	const char *name, *type; /* as SQL has it: INTEGER, REAL, TEXT */
	bool key;                /* a whole number that open can look for */
};

struct query_table {
	const char *name;
	const struct query_column *column; /* at most QUERY_COLUMNS */
	int columns;
	const char *const *arg; /* names, also of the hidden columns behind the others */
	int args;               /* at most QUERY_ARGS; all of them must be given */
	void *ctx;
	/* The rows for these arguments, none of them NULL, in order; before the first of them. key[k] is
	 * what column k must be, or QUERY_ANY: rows that do not fit may be left out. *rows must not be NULL.
	 * What err says becomes the query's error, with its code. */
	bool (*open)(void *ctx, const struct query_text *arg, const int64_t *key, void **rows,
		     struct err *err);
	bool (*next)(void *rows); /* to the next row; false: there is none */
	struct query_cell (*cell)(const void *rows, int col); /* arguments after the columns */
	void (*close)(void *rows);
	/* May be NULL. After each statement: what was kept for its next call of open. */
	void (*forget)(void *ctx);
	void (*release)(void *ctx); /* may be NULL; when the query is closed */
};

/* Opens a store for queries; errors as store_open has them. Close with query_close. */
struct query *query_open(const char *path, struct query_limits limits, struct err *err);
void query_close(struct query *q); /* NULL is allowed */

/* Adds a table, which is copied but for its texts; ctx is the query's from here on, also on failure.
 * ERR_FAILED. */
bool query_add_table(struct query *q, const struct query_table *table, struct err *err);

/*
 * Runs one statement. ERR_USAGE with SQLite's words for what is not SQL, not a single statement or
 * not only reading; ERR_CANCELLED at the deadline or after query_cancel; ERR_CORRUPT, ERR_STORE.
 * result may be NULL.
 */
bool query_run(struct query *q, const char *sql, const struct query_sink *sink,
	       struct query_result *result, struct err *err);

/* Ends the query that is running now, if any, from any thread. */
void query_cancel(struct query *q);

/* The public views, from 0; false past the end. */
struct query_view {
	const char *name, *about;
};
bool query_view_at(int index, struct query_view *view);

/* Appends the columns of a view or table, "a, b, c", as the store has them. */
bool query_columns(struct query *q, const char *view, struct buf *out, struct err *err);

/* Ten worked questions, from 0; NULL past the end. */
struct query_question {
	const char *title, *sql;
};
const struct query_question *query_question_at(int index);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prepared statements, kept for the life of a handle. Values are bound one after another; what is
 * bound is borrowed until the statement ends. Every function takes NULL for a statement that
 * could not be prepared, so that one check at the end is enough:
 *
 *	st = stmt_start(s, "UPDATE run SET note=? WHERE run_id=?", err);
 *	stmt_text(st, note);
 *	stmt_int(st, run);
 *	return stmt_run(st, err);
 */
#ifndef SLUICE_STORE_STATEMENT_H
#define SLUICE_STORE_STATEMENT_H

#include "store/handle.h"

struct stmt {
	sqlite3_stmt *h;
	struct store *store;
	const char *sql; /* a literal, or text that lives as long as the handle */
	int at, rc;      /* the next parameter; the first error of a binding */
	bool busy;
};

/* A statement ready for its values; sql must be a literal. NULL with err set on failure. */
struct stmt *stmt_start(struct store *s, const char *sql, struct err *err);

void stmt_int(struct stmt *st, int64_t v);
void stmt_id(struct stmt *st, int64_t v);       /* 0 is stored as NULL */
void stmt_real(struct stmt *st, double v);      /* NaN is stored as NULL */
void stmt_text(struct stmt *st, const char *s); /* NULL is stored as NULL */
void stmt_blob(struct stmt *st, const void *p, size_t n);

/* 1 with a row to read, 0 at the end, -1 with err set; the statement has ended in the last two. */
int stmt_row(struct stmt *st, struct err *err);

/* Runs to the end, passing over rows. */
bool stmt_run(struct stmt *st, struct err *err);

/* Ends a statement before its last row. */
void stmt_end(struct stmt *st);

/* Columns of the current row, from 0. */
int64_t stmt_int_at(struct stmt *st, int col);
double stmt_real_at(struct stmt *st, int col);      /* NULL reads as NaN */
const char *stmt_text_at(struct stmt *st, int col); /* "" for NULL; valid until the next row */
char *stmt_copy_at(struct stmt *st, int col);       /* the same, to be freed */

/* The first column of the first row, or otherwise when there is none; false with err set on error. */
bool stmt_value(struct stmt *st, int64_t *value, int64_t otherwise, struct err *err);

void stmt_free_all(struct store *s);

#endif

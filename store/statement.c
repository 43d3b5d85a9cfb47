/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/statement.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An idle prepared statement with this text, or NULL. */
static struct stmt *idle(struct store *s, const char *sql)
{
	for (size_t k = 0; k < s->count; k++)
		if (s->cache[k]->sql == sql && !s->cache[k]->busy)
			return s->cache[k];
	return NULL;
}

struct stmt *stmt_start(struct store *s, const char *sql, struct err *err)
{
	struct stmt *st;
	sqlite3_stmt *h;
	int rc;

	/* SQLite has rolled back by itself: what follows must not commit alone. */
	if (s->depth && sqlite3_get_autocommit(s->db)) {
		err_set(err, ERR_STORE, "%s: the transaction was rolled back after an error",
			s->path);
		return NULL;
	}
	st = idle(s, sql);
	if (!st) {
		rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &h, NULL);
		if (rc != SQLITE_OK) {
			store_fail(s, rc, err);
			return NULL;
		}
		st = mem_zero(1, sizeof(*st));
		*st = (struct stmt){.h = h, .store = s, .sql = sql};
		s->cache = mem_grow(s->cache, &s->cap, s->count + 1, sizeof(struct stmt *));
		s->cache[s->count++] = st;
	}
	st->busy = true;
	st->at = 1;
	st->rc = SQLITE_OK;
	return st;
}

static void bound(struct stmt *st, int rc)
{
	st->at++;
	if (st->rc == SQLITE_OK)
		st->rc = rc;
}

void stmt_int(struct stmt *st, int64_t v)
{
	if (st)
		bound(st, sqlite3_bind_int64(st->h, st->at, v));
}

void stmt_id(struct stmt *st, int64_t v)
{
	if (v)
		stmt_int(st, v);
	else
		stmt_text(st, NULL);
}

void stmt_real(struct stmt *st, double v)
{
	if (!st)
		return;
	if (isnan(v))
		bound(st, sqlite3_bind_null(st->h, st->at));
	else
		bound(st, sqlite3_bind_double(st->h, st->at, v));
}

void stmt_text(struct stmt *st, const char *s)
{
	if (st)
		bound(st, sqlite3_bind_text64(st->h, st->at, s, s ? strlen(s) : 0, SQLITE_STATIC,
					      SQLITE_UTF8));
}

void stmt_blob(struct stmt *st, const void *p, size_t n)
{
	if (st)
		bound(st, sqlite3_bind_blob64(st->h, st->at, p ? p : "", n, SQLITE_STATIC));
}

void stmt_end(struct stmt *st)
{
	if (!st)
		return;
	sqlite3_reset(st->h);
	sqlite3_clear_bindings(st->h);
	st->busy = false;
}

int stmt_row(struct stmt *st, struct err *err)
{
	int rc;

	if (!st)
		return -1;
	rc = st->rc == SQLITE_OK ? sqlite3_step(st->h) : st->rc;
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		store_fail(st->store, rc, err);
	stmt_end(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

bool stmt_run(struct stmt *st, struct err *err)
{
	int more;

	while ((more = stmt_row(st, err)) > 0)
		;
	return more == 0;
}

int64_t stmt_int_at(struct stmt *st, int col)
{
	return sqlite3_column_int64(st->h, col);
}

double stmt_real_at(struct stmt *st, int col)
{
	return sqlite3_column_type(st->h, col) == SQLITE_NULL ? (double)NAN
							      : sqlite3_column_double(st->h, col);
}

const char *stmt_text_at(struct stmt *st, int col)
{
	const char *s = (const char *)sqlite3_column_text(st->h, col);

	return s ? s : "";
}

char *stmt_copy_at(struct stmt *st, int col)
{
	return mem_text(stmt_text_at(st, col));
}

bool stmt_value(struct stmt *st, int64_t *value, int64_t otherwise, struct err *err)
{
	int more = stmt_row(st, err);

	*value = otherwise;
	if (more > 0) {
		*value = stmt_int_at(st, 0);
		stmt_end(st);
	}
	return more >= 0;
}

void stmt_free_all(struct store *s)
{
	for (size_t k = 0; k < s->count; k++) {
		sqlite3_finalize(s->cache[k]->h);
		free(s->cache[k]);
	}
	free(s->cache);
	s->cache = NULL;
	s->count = s->cap = 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/param.h"

#include "engine/base/mem.h"
#include "store/statement.h"

#include <stdlib.h>
#include <string.h>

bool store_param_put(struct store *s, int64_t run, const char *name, const char *value,
		     struct err *err)
{
	struct stmt *st;
	bool ok;

	if (!store_begin(s, err))
		return false;
	/* JSON's grammar of numbers, whatever the locale says. */
	st = stmt_start(
		s,
		"INSERT INTO param(run_id, name, value, num) VALUES(?1, ?2, ?3,"
		" CASE WHEN json_valid(?3) AND json_type(?3) IN('integer','real','true','false')"
		" THEN CAST(json_extract(?3, '$') AS REAL) END)"
		" ON CONFLICT DO UPDATE SET value=excluded.value, num=excluded.num",
		err);
	stmt_int(st, run);
	stmt_text(st, name);
	stmt_text(st, value);
	ok = stmt_run(st, err);
	return store_end(s, ok, err);
}

bool store_params(struct store *s, int64_t run, struct param_row **rows, size_t *count,
		  struct err *err)
{
	struct stmt *st = stmt_start(
		s, "SELECT name, value, num FROM param WHERE run_id=? ORDER BY name", err);
	size_t cap = 0;
	int more;

	*rows = NULL;
	*count = 0;
	stmt_int(st, run);
	while ((more = stmt_row(st, err)) > 0) {
		*rows = mem_grow(*rows, &cap, *count + 1, sizeof(**rows));
		(*rows)[(*count)++] = (struct param_row){stmt_copy_at(st, 0), stmt_copy_at(st, 1),
							 stmt_real_at(st, 2)};
	}
	if (more == 0)
		return true;
	store_params_free(*rows, *count);
	*rows = NULL;
	*count = 0;
	return false;
}

void store_params_free(struct param_row *rows, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		free(rows[k].name);
		free(rows[k].value);
	}
	free(rows);
}

bool store_dataset_put(struct store *s, int64_t run, const struct dataset *d, struct err *err)
{
	struct stmt *st;
	bool ok;

	if (!store_begin(s, err))
		return false;
	st = stmt_start(s,
			"INSERT INTO dataset(run_id, role, name, sha256, bytes, rows)"
			" VALUES(?,?,?,?,?,?) ON CONFLICT DO UPDATE SET name=excluded.name,"
			" sha256=excluded.sha256, bytes=excluded.bytes, rows=excluded.rows",
			err);
	stmt_int(st, run);
	stmt_text(st, d->role);
	stmt_text(st, d->name);
	stmt_blob(st, d->sha256, SHA256_BYTES);
	stmt_int(st, d->bytes);
	stmt_int(st, d->rows);
	ok = stmt_run(st, err);
	return store_end(s, ok, err);
}

bool store_dataset_get(struct store *s, int64_t run, const char *role, char **name,
		       struct dataset *d, struct err *err)
{
	struct stmt *st = stmt_start(
		s, "SELECT name, bytes, rows, sha256 FROM dataset WHERE run_id=? AND role=?", err);
	int more;

	*name = NULL;
	*d = (struct dataset){.role = role};
	stmt_int(st, run);
	stmt_text(st, role);
	more = stmt_row(st, err);
	if (more <= 0)
		return more == 0;
	d->name = *name = stmt_copy_at(st, 0);
	d->bytes = stmt_int_at(st, 1);
	d->rows = stmt_int_at(st, 2);
	if (sqlite3_column_bytes(st->h, 3) == SHA256_BYTES)
		memcpy(d->sha256, sqlite3_column_blob(st->h, 3), SHA256_BYTES);
	stmt_end(st);
	return true;
}

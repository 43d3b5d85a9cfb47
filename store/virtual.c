/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An eponymous virtual table: it is there by its name alone, nothing makes it and nothing writes to it. */
#include "store/virtual.h"

#include "engine/base/buf.h"
#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* SQLite's own part comes first in both. */
struct vtab {
	sqlite3_vtab base;
	struct virtual_table *v;
};

struct cursor {
	sqlite3_vtab_cursor base;
	void *rows; /* NULL: none */
	bool more;
	sqlite3_int64 row;
};

static const struct query_table *table_of(const sqlite3_vtab *base)
{
	return &((const struct vtab *)(const void *)base)->v->table;
}

static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv,
			 sqlite3_vtab **out, char **message)
{
	struct virtual_table *v = aux;
	struct buf sql = {0};
	int rc;
	(void)argc;
	(void)argv;
	(void)message;

	buf_printf(&sql, "CREATE TABLE x(");
	for (int k = 0; k < v->table.columns; k++)
		buf_printf(&sql, "%s \"%s\" %s", k ? "," : "", v->table.column[k].name,
			   v->table.column[k].type);
	for (int k = 0; k < v->table.args; k++)
		buf_printf(&sql, ", \"%s\" HIDDEN", v->table.arg[k]);
	buf_printf(&sql, ")");
	rc = sqlite3_declare_vtab(db, buf_str(&sql));
	buf_release(&sql);
	if (rc != SQLITE_OK)
		return rc;
	/* A view in somebody's store must not set it to work. */
	sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
	struct vtab *t = mem_zero(1, sizeof(*t));

	t->v = v;
	*out = &t->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

/* The usable `column = value`, or -1; *barred where there is one that is not usable. */
static int equality(const sqlite3_index_info *info, int column, bool *barred)
{
	for (int k = 0; k < info->nConstraint; k++) {
		if (info->aConstraint[k].iColumn != column ||
		    info->aConstraint[k].op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		if (info->aConstraint[k].usable)
			return k;
		*barred = true;
	}
	return -1;
}

static int lacks_argument(sqlite3_vtab *base)
{
	const struct query_table *t = table_of(base);
	struct buf list = {0};

	for (int k = 0; k < t->args; k++)
		buf_printf(&list, "%s%s", k ? ", " : "", t->arg[k]);
	sqlite3_free(base->zErrMsg);
	base->zErrMsg = sqlite3_mprintf("%s needs its %d arguments: FROM %s(%s); a column among "
					"them has its table's name before it",
					t->name, t->args, t->name, buf_str(&list));
	buf_release(&list);
	return SQLITE_ERROR;
}

/* What xFilter gets: the arguments, then the keys that are given; idxNum has a bit for each of these. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct query_table *t = table_of(base);
	int given = 0, at;
	bool barred = false;

	info->estimatedRows = 1 << 20;
	info->idxNum = 0;
	for (int k = 0; k < t->args; k++) {
		at = equality(info, t->columns + k, &barred);
		if (at < 0)
			return barred ? SQLITE_CONSTRAINT : lacks_argument(base);
		info->aConstraintUsage[at].argvIndex = ++given;
		info->aConstraintUsage[at].omit = 1;
	}
	for (int k = 0; k < t->columns; k++) {
		at = t->column[k].key ? equality(info, k, &barred) : -1;
		if (at < 0)
			continue;
		info->aConstraintUsage[at].argvIndex = ++given;
		info->idxNum |= 1 << k;
		info->estimatedRows /= 16;
	}
	info->estimatedCost = 1e5 + (double)info->estimatedRows;
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct cursor *c = mem_zero(1, sizeof(*c));
	(void)base;

	*out = &c->base;
	return SQLITE_OK;
}

static void let_go(struct cursor *c)
{
	const struct query_table *t = table_of(c->base.pVtab);

	if (c->rows)
		t->close(c->rows);
	c->rows = NULL;
	c->more = false;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	let_go((struct cursor *)base);
	free(base);
	return SQLITE_OK;
}

/* A whole number limits the rows; what else a key may be compared with is left to SQLite. */
static int64_t key_of(sqlite3_value *v)
{
	double r;

	if (sqlite3_value_type(v) == SQLITE_INTEGER)
		return sqlite3_value_int64(v);
	if (sqlite3_value_type(v) != SQLITE_FLOAT)
		return QUERY_ANY;
	r = sqlite3_value_double(v);
	return r > -1e15 && r < 1e15 && (double)(int64_t)r == r ? (int64_t)r : QUERY_ANY;
}

static int filter(sqlite3_vtab_cursor *base, int index, const char *text, int argc,
		  sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct virtual_table *v = ((struct vtab *)base->pVtab)->v;
	const struct query_table *t = &v->table;
	struct query_text arg[QUERY_ARGS];
	int64_t key[QUERY_COLUMNS];
	int n = 0;
	(void)text;

	let_go(c);
	c->row = 0;
	if (v->stop(v->query))
		return SQLITE_INTERRUPT;
	for (; n < t->args; n++) {
		if (sqlite3_value_type(argv[n]) == SQLITE_NULL)
			return SQLITE_OK;
		arg[n].p = (const char *)sqlite3_value_text(argv[n]);
		arg[n].n = (size_t)sqlite3_value_bytes(argv[n]);
		if (!arg[n].p)
			return SQLITE_NOMEM;
	}
	for (int k = 0; k < t->columns; k++)
		key[k] = index & 1 << k && n < argc ? key_of(argv[n++]) : QUERY_ANY;
	if (!t->open(t->ctx, arg, key, &c->rows, v->failed)) {
		sqlite3_free(base->pVtab->zErrMsg);
		base->pVtab->zErrMsg = sqlite3_mprintf("%s", v->failed->msg);
		return SQLITE_ERROR;
	}
	c->more = t->next(c->rows);
	return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	c->more = table_of(base->pVtab)->next(c->rows);
	c->row++;
	return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
	return !((struct cursor *)base)->more;
}

static int column_value(sqlite3_vtab_cursor *base, sqlite3_context *out, int column)
{
	const struct cursor *c = (const struct cursor *)base;
	const struct query_cell v = table_of(base->pVtab)->cell(c->rows, column);

	switch (v.type) {
	case CELL_NULL:
		sqlite3_result_null(out);
		break;
	case CELL_INT:
		sqlite3_result_int64(out, v.i);
		break;
	case CELL_REAL:
		sqlite3_result_double(out, v.r);
		break;
	case CELL_TEXT:
		sqlite3_result_text64(out, v.p, v.n, SQLITE_TRANSIENT, SQLITE_UTF8);
		break;
	case CELL_BLOB:
		sqlite3_result_blob64(out, v.p, v.n, SQLITE_TRANSIENT);
		break;
	}
	return SQLITE_OK;
}

static int row_number(sqlite3_vtab_cursor *base, sqlite3_int64 *row)
{
	*row = ((const struct cursor *)base)->row;
	return SQLITE_OK;
}

static void destroy(void *virtual)
{
	struct virtual_table *v = virtual;

	if (v->table.release)
		v->table.release(v->table.ctx);
	free(v);
}

int virtual_register(sqlite3 *db, struct virtual_table *v)
{
	static const sqlite3_module module = {
		.xConnect = connect_table,
		.xBestIndex = best_index,
		.xDisconnect = disconnect_table,
		.xOpen = open_cursor,
		.xClose = close_cursor,
		.xFilter = filter,
		.xNext = next_row,
		.xEof = at_end,
		.xColumn = column_value,
		.xRowid = row_number,
	};
	char *name = mem_text(v->table.name), *sql;
	int rc = sqlite3_create_module_v2(db, name, &module, v, destroy);

	/* Its columns are declared at first use, which an authorizer would refuse later. */
	sql = mem_printf("SELECT count(*) FROM pragma_table_info('%s')", name);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	free(sql);
	free(name);
	return rc;
}

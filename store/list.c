/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/list.h"

#include "engine/base/mem.h"
#include "store/find.h"
#include "store/statement.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *sql;
} columns[] = {
	{"created", "r.created_ms"},
	{"name", "r.name COLLATE NOCASE"},
	{"task", "r.task"},
	{"cell", "r.cell"},
	{"hidden", "r.hidden"},
	{"layers", "r.layers"},
	{"embed", "r.embed"},
	{"status", "r.status"},
	{"steps", "r.step"},
	{"epochs", "r.epoch_u"},
	{"loss", "train_loss"},
	{"valid", "r.best_loss"},
	{"accuracy", "r.best_accuracy"},
	{"seconds", "seconds"},
	{"data", "data"},
};

enum { COLUMNS = (int)(sizeof(columns) / sizeof(columns[0])) };

const char *run_list_column(int index)
{
	return index >= 0 && index < COLUMNS ? columns[index].name : NULL;
}

static const char select_runs[] =
	"SELECT r.run_id, r.id, coalesce(p.id, ''), r.name, r.task, r.cell, r.note,"
	" (SELECT group_concat(tag, ',') FROM tag WHERE tag.run_id=r.run_id) AS tags, r.message,"
	" coalesce((SELECT name FROM dataset d WHERE d.run_id=r.run_id AND d.role='train'), '') AS "
	"data,"
	" (SELECT name FROM dataset d WHERE d.run_id=r.run_id AND d.role='valid') AS valid_data,"
	" r.spec, r.machine, r.build, r.version, r.command, r.host,"
	" r.status, r.deleted_ms IS NOT NULL, r.hidden, r.layers, r.embed, r.threads, r.parameters,"
	" r.seed, r.parent_step, r.pid, r.created_ms, r.started_ms, r.ended_ms, r.heartbeat_ms,"
	" (r.active_ms+coalesce(r.heartbeat_ms-r.since_ms, 0))/1000.0 AS seconds,"
	" r.step, r.epoch_u, (SELECT m.last_value FROM metric_summary m WHERE m.run_id=r.run_id"
	"  AND m.key_id=(SELECT key_id FROM metric_key WHERE name='train/loss')) AS train_loss,"
	" r.best_loss, r.best_accuracy, coalesce(r.best_step, -1), r.best_epoch_u"
	" FROM run r LEFT JOIN run p ON p.run_id=r.parent_id";

static void read_row(struct stmt *st, struct run_row *r)
{
	char **texts[] = {&r->name,    &r->task,    &r->cell,       &r->note, &r->tags,
			  &r->message, &r->data,    &r->valid_data, &r->spec, &r->machine,
			  &r->build,   &r->version, &r->command,    &r->host};
	int *ints[] = {&r->hidden, &r->layers, &r->embed, &r->threads};
	int64_t *longs[] = {&r->parameters, &r->seed,       &r->parent_step, &r->pid,
			    &r->created_ms, &r->started_ms, &r->ended_ms,    &r->heartbeat_ms};
	int col = 3;

	r->run = stmt_int_at(st, 0);
	snprintf(r->id, sizeof(r->id), "%s", stmt_text_at(st, 1));
	snprintf(r->parent_id, sizeof(r->parent_id), "%s", stmt_text_at(st, 2));
	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
		*texts[k] = stmt_copy_at(st, col++);
	r->status = run_status_of(stmt_text_at(st, col++));
	if (r->status == RUN_STATUS_COUNT)
		r->status = RUN_CREATED;
	r->deleted = stmt_int_at(st, col++) != 0;
	for (size_t k = 0; k < sizeof(ints) / sizeof(ints[0]); k++)
		*ints[k] = (int)stmt_int_at(st, col++);
	for (size_t k = 0; k < sizeof(longs) / sizeof(longs[0]); k++)
		*longs[k] = stmt_int_at(st, col++);
	r->seconds = stmt_real_at(st, col++);
	r->steps = stmt_int_at(st, col++);
	r->epochs = (double)stmt_int_at(st, col++) / 1e6;
	r->train_loss = stmt_real_at(st, col++);
	r->best_loss = stmt_real_at(st, col++);
	r->best_accuracy = stmt_real_at(st, col++);
	r->best_step = stmt_int_at(st, col++);
	r->best_epoch = (double)stmt_int_at(st, col) / 1e6;
}

static bool order_of(const char *name, const char **sql, struct err *err)
{
	int least = INT_MAX;
	const char *near = "";

	for (int k = 0; k < COLUMNS; k++) {
		int d = edit_distance(name, columns[k].name);

		if (d == 0) {
			*sql = columns[k].sql;
			return true;
		}
		if (d < least) {
			least = d;
			near = columns[k].name;
		}
	}
	return err_set(err, ERR_USAGE,
		       "%.*s%s: runs have no such column to order by: did you mean %s?",
		       err_width(name), name, err_more(name), near);
}

/* A statement for one listing: its order makes its text, so it is not kept. */
static bool run_list(struct store *s, const char *sql, const struct run_list *list,
		     struct run_row **rows, size_t *count, struct err *err)
{
	struct stmt st = {.store = s, .at = 1};
	size_t cap = 0;
	int more, rc = sqlite3_prepare_v2(s->db, sql, -1, &st.h, NULL);

	*rows = NULL;
	*count = 0;
	if (rc != SQLITE_OK)
		return store_fail(s, rc, err);
	stmt_int(&st, list->only_deleted);
	stmt_int(&st, list->with_deleted);
	stmt_text(&st, list->filter && *list->filter ? list->filter : NULL);
	stmt_int(&st, list->limit > 0 ? list->limit : -1);
	while ((more = stmt_row(&st, err)) > 0) {
		*rows = mem_grow(*rows, &cap, *count + 1, sizeof(**rows));
		read_row(&st, &(*rows)[(*count)++]);
	}
	sqlite3_finalize(st.h);
	if (more == 0)
		return true;
	store_runs_free(*rows, *count);
	*rows = NULL;
	*count = 0;
	return false;
}

bool store_runs(struct store *s, const struct run_list *list, struct run_row **rows, size_t *count,
		struct err *err)
{
	const char *order = columns[0].sql, *way = list->ascending ? "ASC" : "DESC";
	char *sql;
	bool ok;

	*rows = NULL;
	*count = 0;
	if (list->order && !order_of(list->order, &order, err))
		return false;
	sql = mem_printf(
		"%s WHERE iif(?1, r.deleted_ms IS NOT NULL, ?2 OR r.deleted_ms IS NULL)"
		" AND (?3 IS NULL OR instr(lower(r.id||' '||r.name||' '||r.task||' '||r.cell"
		"||' '||r.status||' '||coalesce(tags, '')||' '||r.note||' '||data), lower(?3)))"
		" ORDER BY %s %s NULLS LAST, r.created_ms %s, r.run_id %s LIMIT ?4",
		select_runs, order, way, way, way);
	ok = run_list(s, sql, list, rows, count, err);
	free(sql);
	return ok;
}

struct run_row *store_run_get(struct store *s, int64_t run, struct err *err)
{
	struct stmt st = {.store = s, .at = 1};
	struct run_row *row = NULL;
	char *sql = mem_printf("%s WHERE r.run_id=?", select_runs);
	int more, rc = sqlite3_prepare_v2(s->db, sql, -1, &st.h, NULL);

	free(sql);
	if (rc != SQLITE_OK) {
		store_fail(s, rc, err);
		return NULL;
	}
	stmt_int(&st, run);
	more = stmt_row(&st, err);
	if (more > 0) {
		row = mem_zero(1, sizeof(*row));
		read_row(&st, row);
	} else if (more == 0) {
		err_set(err, ERR_NO_RUN, "no such run");
	}
	sqlite3_finalize(st.h);
	return row;
}

void store_runs_free(struct run_row *rows, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		char *texts[] = {rows[k].name,    rows[k].task,       rows[k].cell,
				 rows[k].note,    rows[k].tags,       rows[k].message,
				 rows[k].data,    rows[k].valid_data, rows[k].spec,
				 rows[k].machine, rows[k].build,      rows[k].version,
				 rows[k].command, rows[k].host};

		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			free(texts[i]);
	}
	free(rows);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/query.h"

#include "engine/base/mem.h"
#include "store/handle.h"
#include "store/schema.h"
#include "store/virtual.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PROGRESS_OPS = 1000, /* instructions of SQLite between two looks at the clock */
	LONGEST_VALUE = 5 << 20,
};

struct query {
	struct store *store;
	struct query_limits limits;
	atomic_bool cancel;
	int64_t until_ms;  /* on the steady clock; 0: no deadline */
	bool late;         /* the deadline ended the query */
	struct err failed; /* of a computed table */
	struct virtual_table *tables;
};

static int64_t steady_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int look(void *query)
{
	struct query *q = query;

	if (q->until_ms && steady_us() / 1000 >= q->until_ms)
		q->late = true;
	return q->late || atomic_load(&q->cancel);
}

static bool is_in(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (sqlite3_stricmp(word, *list) == 0)
			return true;
	return false;
}

static bool pragma_allowed(const char *name, const char *value)
{
	static const char *const about[] = {"table_info",       "table_xinfo", "table_list",
					    "index_list",       "index_info",  "index_xinfo",
					    "foreign_key_list", NULL};
	static const char *const plain[] = {"application_id",
					    "user_version",
					    "schema_version",
					    "page_count",
					    "page_size",
					    "encoding",
					    "freelist_count",
					    "function_list",
					    "compile_options",
					    "collation_list",
					    NULL};

	return name && (is_in(name, about) || (!value && is_in(name, plain)));
}

/* Reading is allowed; so are functions, but not those that load code or make bytes from nothing. */
static int authorize(void *query, int action, const char *a, const char *b, const char *db,
		     const char *trigger)
{
	static const char *const barred[] = {"load_extension", "fts3_tokenizer", "zeroblob",
					     "randomblob", NULL};

	(void)query;
	(void)db;
	(void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return b && is_in(b, barred) ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_PRAGMA:
		return pragma_allowed(a, b) ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

/* Table-valued functions make their tables at first use, which the authorizer would refuse. */
static void warm_up(sqlite3 *db)
{
	static const char *const tables[] = {"json_each('[]')",
					     "json_tree('[]')",
					     "pragma_table_info('run')",
					     "pragma_table_xinfo('run')",
					     "pragma_table_list",
					     "pragma_index_list('run')",
					     "pragma_index_info('x')",
					     "pragma_index_xinfo('x')",
					     "pragma_foreign_key_list('run')",
					     "pragma_function_list",
					     "pragma_compile_options",
					     "pragma_collation_list"};
	char sql[128];

	for (size_t k = 0; k < sizeof(tables) / sizeof(tables[0]); k++) {
		snprintf(sql, sizeof(sql), "SELECT 1 FROM %s LIMIT 0", tables[k]);
		sqlite3_exec(db, sql, NULL, NULL, NULL);
	}
}

struct query *query_open(const char *path, struct query_limits limits, struct err *err)
{
	static const struct {
		int id, value;
	} limit[] = {
		{SQLITE_LIMIT_LENGTH, LONGEST_VALUE},
		{SQLITE_LIMIT_SQL_LENGTH, 100000},
		{SQLITE_LIMIT_EXPR_DEPTH, 100},
		{SQLITE_LIMIT_COMPOUND_SELECT, 50},
		{SQLITE_LIMIT_VDBE_OP, 25000},
		{SQLITE_LIMIT_ATTACHED, 0},
		{SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
		{SQLITE_LIMIT_WORKER_THREADS, 0},
	};
	struct store *s = store_open(path, STORE_READ, err);
	struct query *q;

	if (!s)
		return NULL;
	q = mem_zero(1, sizeof(*q));
	q->store = s;
	q->limits = limits;
	atomic_init(&q->cancel, false);
	for (size_t k = 0; k < sizeof(limit) / sizeof(limit[0]); k++)
		sqlite3_limit(s->db, limit[k].id, limit[k].value);
	warm_up(s->db);
	sqlite3_set_authorizer(s->db, authorize, q);
	sqlite3_progress_handler(s->db, PROGRESS_OPS, look, q);
	return q;
}

bool query_add_table(struct query *q, const struct query_table *table, struct err *err)
{
	sqlite3 *db = q->store->db;
	struct virtual_table *v = mem_zero(1, sizeof(*v));
	int rc;

	*v = (struct virtual_table){
		.table = *table, .stop = look, .query = q, .failed = &q->failed};
	sqlite3_set_authorizer(db, NULL, NULL);
	rc = virtual_register(db, v);
	sqlite3_set_authorizer(db, authorize, q);
	if (rc != SQLITE_OK)
		return err_set(err, ERR_FAILED, "the table %s cannot be added: %s", table->name,
			       sqlite3_errmsg(db));
	v->next = q->tables;
	q->tables = v;
	return true;
}

void query_close(struct query *q)
{
	if (!q)
		return;
	store_close(q->store);
	free(q);
}

void query_cancel(struct query *q)
{
	atomic_store(&q->cancel, true);
}

/* Turns a failure of the user's SQL into one line. */
static bool refuse(struct query *q, int rc, struct err *err)
{
	const char *msg = sqlite3_errmsg(q->store->db);

	if (q->failed.code && (rc & 0xff) == SQLITE_ERROR) {
		if (err)
			*err = q->failed;
		return false;
	}
	if (rc == SQLITE_ERROR && strstr(msg, "may not be modified"))
		rc = SQLITE_READONLY; /* a computed table */
	switch (rc & 0xff) {
	case SQLITE_AUTH:
	case SQLITE_READONLY:
		return err_set(
			err, ERR_USAGE,
			"queries only read: use SELECT, or commands such as note, tag and rm");
	case SQLITE_INTERRUPT:
		if (q->late)
			return err_set(
				err, ERR_CANCELLED,
				"the query ran longer than %lld ms: narrow it or raise the limit",
				(long long)q->limits.deadline_ms);
		return err_set(err, ERR_CANCELLED, "the query was cancelled");
	case SQLITE_TOOBIG:
		return err_set(err, ERR_USAGE, "a value in the query is longer than %d MiB",
			       LONGEST_VALUE >> 20);
	case SQLITE_ERROR:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return err_set(err, ERR_USAGE, "%s%s", msg,
			       strncmp(msg, "no such column", 14) == 0
				       ? " (text stands in 'single quotes')"
				       : "");
	default:
		return store_fail(q->store, rc, err);
	}
}

static bool only_statement(struct query *q, const char *tail, struct err *err)
{
	sqlite3_stmt *next = NULL;
	int rc = SQLITE_OK;

	while (*tail && rc == SQLITE_OK && !next)
		rc = sqlite3_prepare_v2(q->store->db, tail, -1, &next, &tail);
	sqlite3_finalize(next);
	return (rc == SQLITE_OK && !next) ||
	       err_set(err, ERR_USAGE, "one statement at a time: there is more after the first");
}

static sqlite3_stmt *prepare(struct query *q, const char *sql, struct err *err)
{
	sqlite3_stmt *h = NULL;
	const char *tail = sql;
	int rc = SQLITE_OK;

	/* An empty statement, such as a comment, makes no handle. */
	while (*tail && rc == SQLITE_OK && !h)
		rc = sqlite3_prepare_v2(q->store->db, tail, -1, &h, &tail);
	if (rc != SQLITE_OK)
		refuse(q, rc, err);
	else if (!h)
		err_set(err, ERR_USAGE, "nothing to run: write a SELECT");
	else if (sqlite3_bind_parameter_count(h))
		err_set(err, ERR_USAGE,
			"the query has a parameter without a value: write the value");
	else if (only_statement(q, tail, err))
		return h;
	sqlite3_finalize(h);
	return NULL;
}

static struct query_cell cell_of(sqlite3_stmt *h, int col)
{
	struct query_cell c = {0};

	switch (sqlite3_column_type(h, col)) {
	case SQLITE_INTEGER:
		c.type = CELL_INT;
		c.i = sqlite3_column_int64(h, col);
		break;
	case SQLITE_FLOAT:
		c.type = CELL_REAL;
		c.r = sqlite3_column_double(h, col);
		break;
	case SQLITE_TEXT:
		c.type = CELL_TEXT;
		c.p = (const char *)sqlite3_column_text(h, col);
		break;
	case SQLITE_BLOB:
		c.type = CELL_BLOB;
		c.p = sqlite3_column_blob(h, col);
		break;
	default:
		break;
	}
	if (c.type == CELL_TEXT || c.type == CELL_BLOB) {
		c.n = (size_t)sqlite3_column_bytes(h, col);
		if (!c.p)
			c.p = "";
	}
	return c;
}

/* Hands the rows over; returns the result code that ended them. */
static int deliver(struct query *q, sqlite3_stmt *h, const struct query_sink *sink,
		   struct query_result *result)
{
	int count = sqlite3_column_count(h), rc;
	const char **names = mem_zero((size_t)count, sizeof(*names));
	struct query_cell *cells = mem_zero((size_t)count, sizeof(*cells));
	bool more;

	for (int k = 0; k < count; k++) {
		names[k] = sqlite3_column_name(h, k);
		if (!names[k])
			names[k] = "";
	}
	more = sink->columns(sink->ctx, names, count);
	while ((rc = sqlite3_step(h)) == SQLITE_ROW && more) {
		if (q->limits.rows && result->rows == q->limits.rows) {
			result->truncated = true;
			break;
		}
		for (int k = 0; k < count; k++)
			cells[k] = cell_of(h, k);
		more = sink->row(sink->ctx, cells, count);
		result->rows++;
	}
	free(cells);
	free(names);
	return rc == SQLITE_ROW ? SQLITE_DONE : rc;
}

bool query_run(struct query *q, const char *sql, const struct query_sink *sink,
	       struct query_result *result, struct err *err)
{
	struct query_result r = {0};
	int64_t began = steady_us();
	sqlite3_stmt *h;
	int rc = SQLITE_DONE;
	bool ok;

	atomic_store(&q->cancel, false);
	q->late = false;
	q->failed = (struct err){0};
	q->until_ms = q->limits.deadline_ms ? began / 1000 + q->limits.deadline_ms : 0;
	h = prepare(q, sql, err);
	ok = h != NULL;
	if (ok)
		rc = deliver(q, h, sink, &r);
	if (rc != SQLITE_DONE)
		ok = refuse(q, rc, err);
	sqlite3_finalize(h);
	for (const struct virtual_table *v = q->tables; v; v = v->next)
		if (v->table.forget)
			v->table.forget(v->table.ctx);
	r.seconds = (double)(steady_us() - began) / 1e6;
	if (result)
		*result = r;
	return ok;
}

bool query_view_at(int index, struct query_view *view)
{
	const struct schema_view *v = schema_view_at(index);

	if (!v)
		return false;
	*view = (struct query_view){v->name, v->about};
	return true;
}

bool query_columns(struct query *q, const char *view, struct buf *out, struct err *err)
{
	sqlite3_stmt *h = NULL;
	int rc = sqlite3_prepare_v2(q->store->db, "SELECT name FROM pragma_table_info(?)", -1, &h,
				    NULL);
	const char *comma = "";

	atomic_store(&q->cancel, false);
	q->late = false;
	q->until_ms = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(h, 1, view, -1, SQLITE_STATIC);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(h);
		if (rc == SQLITE_ROW) {
			buf_printf(out, "%s%s", comma, (const char *)sqlite3_column_text(h, 0));
			comma = ", ";
		}
	}
	sqlite3_finalize(h);
	return rc == SQLITE_DONE || refuse(q, rc, err);
}

static const struct query_question questions[] = {
	{"Which runs are the best, by validation accuracy?",
	 "SELECT rank, run, name, round(best, 4) AS accuracy, step, epoch FROM best_runs"
	 " WHERE metric='valid/accuracy' ORDER BY rank, name LIMIT 10"},
	{"What did the last ten runs do?",
	 "SELECT run, name, cell, hidden, status, round(seconds, 1) AS seconds, created"
	 " FROM runs ORDER BY created_ms DESC LIMIT 10"},
	{"In which settings do the two latest runs differ?",
	 "WITH two AS (SELECT run, row_number() OVER (ORDER BY created_ms DESC) AS n FROM runs)"
	 " SELECT param, max(iif(n=2, value, NULL)) AS earlier, max(iif(n=1, value, NULL)) AS later"
	 " FROM params JOIN two USING(run) WHERE n<=2 GROUP BY param"
	 " HAVING count(*)<2 OR count(DISTINCT value)>1"},
	{"Which cell does best, on average over its runs?",
	 "SELECT cell, count(*) AS runs, round(avg(best_valid_accuracy), 4) AS accuracy,"
	 " round(avg(best_valid_loss), 4) AS loss FROM runs_overview GROUP BY cell"
	 " ORDER BY accuracy DESC NULLS LAST, loss"},
	{"How does the learning rate go with the validation loss?",
	 "SELECT p.number AS lr, count(*) AS runs, round(min(r.best_valid_loss), 4) AS lowest,"
	 " round(avg(r.best_valid_loss), 4) AS average FROM params p JOIN runs_overview r "
	 "USING(run)"
	 " WHERE p.param='lr' GROUP BY p.number ORDER BY p.number"},
	{"Which runs overfit: how far is the last validation loss above the lowest?",
	 "SELECT run, name, round(last_value-min_value, 4) AS rise, min_epoch AS best_epoch,"
	 " last_epoch FROM metrics_last WHERE metric='valid/loss' AND last_value>min_value"
	 " ORDER BY rise DESC LIMIT 10"},
	{"Where did NaN or infinity first appear?",
	 "SELECT run, name, metric, first_nonfinite_step AS step, nonfinite AS points"
	 " FROM metrics_last WHERE nonfinite>0 ORDER BY run, step"},
	{"How does the latest run's training loss go, epoch by epoch?",
	 "SELECT CAST(epoch AS INTEGER) AS epoch, count(*) AS points, round(avg(value), 4) AS loss"
	 " FROM metrics WHERE metric='train/loss'"
	 " AND run=(SELECT run FROM runs ORDER BY created_ms DESC LIMIT 1)"
	 " GROUP BY CAST(epoch AS INTEGER) ORDER BY 1"},
	{"What takes the space?",
	 "SELECT run, name, count(*) AS checkpoints, round(total(bytes)/1048576, 1) AS mebibytes"
	 " FROM checkpoints GROUP BY run, name ORDER BY total(bytes) DESC LIMIT 10"},
	{"Which words does the latest run know best?",
	 "SELECT token_id, token, count FROM vocabulary WHERE role='source'"
	 " AND run=(SELECT run FROM runs ORDER BY created_ms DESC LIMIT 1)"
	 " ORDER BY count DESC, token_id LIMIT 20"},
};

const struct query_question *query_question_at(int index)
{
	return index >= 0 && index < (int)(sizeof(questions) / sizeof(questions[0]))
		       ? &questions[index]
		       : NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/note.h"
#include "store/param.h"
#include "store/query.h"
#include "store/vocabulary.h"
#include "tests/store_fixture.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

/* A result as text: names and rows, one a line, cells between bars. */
struct table {
	struct buf text;
	int64_t stop_after;
	atomic_bool began;
};

static bool columns(void *ctx, const char *const *names, int count)
{
	struct table *t = ctx;

	for (int k = 0; k < count; k++)
		buf_printf(&t->text, "%s%s", k ? "|" : "", names[k]);
	buf_byte(&t->text, '\n');
	atomic_store(&t->began, true);
	return true;
}

static bool row(void *ctx, const struct query_cell *cells, int count)
{
	struct table *t = ctx;

	for (int k = 0; k < count; k++) {
		const struct query_cell *c = &cells[k];

		if (k)
			buf_byte(&t->text, '|');
		if (c->type == CELL_INT)
			buf_printf(&t->text, "%lld", (long long)c->i);
		else if (c->type == CELL_REAL)
			buf_printf(&t->text, "%g", c->r);
		else if (c->type == CELL_TEXT)
			buf_add(&t->text, c->p, c->n);
		else if (c->type == CELL_BLOB)
			buf_printf(&t->text, "<%zu>", c->n);
		else
			buf_byte(&t->text, '-');
	}
	buf_byte(&t->text, '\n');
	return --t->stop_after != 0;
}

static bool run(struct query *q, const char *sql, struct table *t, struct query_result *r,
		struct err *err)
{
	const struct query_sink sink = {t, columns, row};

	buf_clear(&t->text);
	atomic_store(&t->began, false);
	return query_run(q, sql, &sink, r, err);
}

static struct query *open_query(const struct folder *f, int64_t rows, int64_t deadline_ms)
{
	struct err err = {0};
	struct query *q = query_open(f->db, (struct query_limits){rows, deadline_ms}, &err);

	assert_ok(q, err);
	return q;
}

/* Three runs with something in every table. */
static void fill(const struct folder *f)
{
	struct store *s = open_store(f, STORE_WRITE);
	struct store_token t[] = {{"the", 3, 9}, {"a\0b", 3, 2}};
	const struct store_vocab v = {t, 2, "{}"};
	struct err err = {0};
	char id[RUN_ID_SIZE];

	for (int k = 1; k <= 3; k++) {
		int64_t r = add_run(s, "run", id);

		assert_ok(store_param_put(s, r, "lr", k == 1 ? "0.1" : "0.01", &err), err);
		assert_ok(store_param_put(s, r, "cell", "standard", &err), err);
		assert_ok(store_param_put(s, r, "seed", k == 3 ? "8" : "7", &err), err);
		assert_ok(store_vocab_put(s, r, "source", &v, &err), err);
		assert_ok(store_unit_note(s, r, "l0.fw", k, "negation?", &err), err);
		for (int step = 0; step <= 200; step += 100) {
			add_metric(s, r, "train/loss", step, step == 200 && k == 1 ? NAN : 0.5);
			add_metric(s, r, "valid/loss", step, 0.4 + step * 0.001);
			add_metric(s, r, "valid/accuracy", step, 0.7 + 0.01 * k);
			add_checkpoint(s, r, step, (float)k);
		}
	}
	store_close(s);
	change(f->db, "UPDATE run SET id='0000000'||run_id, created_ms=run_id*1000");
}

static void views_and_questions_work(void **state)
{
	const struct folder *f = *state;
	struct table t = {0};
	struct query_result r;
	struct query_view v;
	struct buf b = {0};
	struct err err = {0};
	struct query *q;
	char sql[128];
	int n = 0;

	fill(f);
	q = open_query(f, 1000, 0);
	for (; query_view_at(n, &v); n++) {
		snprintf(sql, sizeof(sql), "SELECT * FROM %s WHERE run='00000002'", v.name);
		assert_ok(run(q, sql, &t, &r, &err), err);
		assert_true(r.rows > 0);
		buf_clear(&b);
		assert_ok(query_columns(q, v.name, &b, &err), err);
		assert_true(b.len > 10 && *v.about);
	}
	assert_int_equal(n, 11);
	assert_string_equal(buf_str(&b), "run, name, layer, unit, note, time, time_ms");
	for (n = 0; query_question_at(n); n++) {
		if (!run(q, query_question_at(n)->sql, &t, &r, &err))
			fail_msg("%s: %s", query_question_at(n)->title, err.msg);
		if (r.rows == 0)
			fail_msg("%s: no rows", query_question_at(n)->title);
	}
	assert_int_equal(n, 10);
	assert_ok(run(q, query_question_at(2)->sql, &t, NULL, &err), err);
	assert_string_equal(buf_str(&t.text), "param|earlier|later\nseed|7|8\n");
	assert_ok(run(q, "SELECT time FROM metrics WHERE 0", &t, NULL, &err), err);
	assert_ok(run(q,
		      "SELECT created, step, best FROM runs JOIN checkpoints USING(run)"
		      " WHERE run='00000001' AND best",
		      &t, NULL, &err),
		  err);
	assert_string_equal(buf_str(&t.text), "created|step|best\n1970-01-01T00:00:01Z|0|1\n");
	query_close(q);
	buf_release(&b);
	buf_release(&t.text);
}

static void values_keep_their_types(void **state)
{
	const struct folder *f = *state;
	struct table t = {0};
	struct query_result r;
	struct err err = {0};
	struct query *q;

	fill(f);
	q = open_query(f, 2, 0);
	assert_ok(run(q, "SELECT 1, 1.5, 'a', x'0001', NULL, -9223372036854775808 AS m;\n-- end\n",
		      &t, &r, &err),
		  err);
	assert_non_null(strstr(buf_str(&t.text), "1|1.5|a|<2>|-|-9223372036854775808\n"));
	assert_true(r.rows == 1 && !r.truncated);
	assert_ok(run(q, "VALUES(1),(2)", &t, &r, &err), err);
	assert_true(r.rows == 2 && !r.truncated);
	assert_ok(run(q, "VALUES(1),(2),(3)", &t, &r, &err), err);
	assert_true(r.rows == 2 && r.truncated);
	t.stop_after = 1;
	assert_ok(run(q, "VALUES(1),(2),(3)", &t, &r, &err), err);
	assert_true(r.rows == 1 && !r.truncated);
	assert_ok(run(q, "SELECT value FROM json_each('[1,2]') WHERE value>1", &t, &r, &err), err);
	assert_ok(run(q, "SELECT name FROM pragma_table_info('runs') LIMIT 1", &t, &r, &err), err);
	assert_ok(run(q, "PRAGMA table_info(run)", &t, &r, &err), err);
	assert_ok(run(q, "EXPLAIN QUERY PLAN SELECT * FROM runs", &t, &r, &err), err);
	assert_ok(run(q,
		      "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n WHERE x<9)"
		      " SELECT sum(x) FROM n",
		      &t, &r, &err),
		  err);
	query_close(q);
	buf_release(&t.text);
}

static void attacks_are_refused(void **state)
{
	static const char *const attacks[] = {
		"DELETE FROM run",
		"UPDATE run SET name='x'",
		"INSERT INTO tag VALUES(1,'x')",
		"INSERT INTO tag VALUES(1,'x') RETURNING tag",
		"REPLACE INTO tag VALUES(1,'x')",
		"DROP TABLE run",
		"DROP VIEW runs",
		"CREATE TABLE t(x)",
		"CREATE TEMP TABLE t(x)",
		"CREATE VIEW v AS SELECT 1",
		"CREATE TEMP VIEW v AS SELECT 1",
		"CREATE INDEX i ON run(name)",
		"CREATE TRIGGER t AFTER INSERT ON run BEGIN SELECT 1; END",
		"CREATE TEMP TRIGGER t AFTER INSERT ON run BEGIN SELECT 1; END",
		"CREATE VIRTUAL TABLE t USING fts5(x)",
		"ALTER TABLE run RENAME TO r",
		"ALTER TABLE run ADD COLUMN x",
		"ATTACH 'evil.db' AS e",
		"ATTACH ':memory:' AS e",
		"DETACH main",
		"VACUUM",
		"VACUUM INTO 'evil.db'",
		"REINDEX",
		"ANALYZE",
		"BEGIN",
		"BEGIN IMMEDIATE",
		"COMMIT",
		"ROLLBACK",
		"SAVEPOINT a",
		"RELEASE a",
		"PRAGMA writable_schema=ON",
		"PRAGMA query_only=OFF",
		"PRAGMA journal_mode=DELETE",
		"PRAGMA journal_mode",
		"PRAGMA user_version=7",
		"PRAGMA application_id=7",
		"PRAGMA trusted_schema=ON",
		"PRAGMA wal_checkpoint(TRUNCATE)",
		"PRAGMA optimize",
		"PRAGMA temp_store_directory='/'",
		"PRAGMA database_list",
		"PRAGMA integrity_check",
		"PRAGMA schema_version=9",
		"PRAGMA mmap_size=1000000",
		"PRAGMA hard_heap_limit=1",
		"PRAGMA foreign_keys=OFF",
		"PRAGMA cache_size=1000000",
		"PRAGMA locking_mode=EXCLUSIVE",
		"SELECT load_extension('x')",
		"SELECT zeroblob(1000000000)",
		"SELECT randomblob(9)",
		"SELECT fts3_tokenizer('x')",
		"SELECT writefile('evil', 'x')",
		"SELECT readfile('/etc/passwd')",
		"SELECT edit('x')",
		"SELECT * FROM fsdir('/')",
		"SELECT * FROM pragma_database_list",
		"SELECT * FROM pragma_user_version('7')",
		"SELECT 1; DELETE FROM run",
		"SELECT 1; SELECT 2",
		"SELECT 1; garbage",
		";;DELETE FROM run",
		"/* c */ DELETE FROM run",
		"EXPLAIN DELETE FROM run",
		"WITH x AS (SELECT 1) DELETE FROM run",
		"SELECT * FROM run WHERE name=\"run\"",
		"SELECT ?",
		"SELECT :name",
		"",
		"   ",
		"-- nothing",
		"SELECT",
		"SELECT * FROM nothing",
		"UPDATE sqlite_schema SET sql=''",
		"SELECT 'open",
		"\xff\xfe",
		("WITH n(x, i) AS (SELECT 'x', 0 UNION ALL SELECT x||x, i+1 FROM n WHERE i<40)"
		 " SELECT length(x) FROM n"),
		"WITH a AS (SELECT 1) INSERT INTO tag SELECT 1,'x' FROM a",
	};
	const struct folder *f = *state;
	struct table t = {0};
	size_t n, m;
	char *before, *after, *deep;
	struct query *q;

	fill(f);
	before = file_bytes(f->db, &n);
	q = open_query(f, 100, 2000);
	for (size_t k = 0; k < sizeof(attacks) / sizeof(attacks[0]); k++) {
		struct err err = {0};

		if (run(q, attacks[k], &t, NULL, &err))
			fail_msg("'%s' ran: %s", attacks[k], buf_str(&t.text));
		if (err.code != ERR_USAGE || strchr(err.msg, '\n') || !*err.msg)
			fail_msg("'%s': code %d, '%s'", attacks[k], err.code, err.msg);
	}
	deep = mem_alloc(200001);
	memset(deep, '(', 200000);
	deep[200000] = '\0';
	memcpy(deep, "SELECT ", 7);
	assert_false(run(q, deep, &t, NULL, NULL));
	deep[5000] = '\0';
	assert_false(run(q, deep, &t, NULL, NULL));
	free(deep);
	query_close(q);
	after = file_bytes(f->db, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	assert_int_not_equal(access("evil.db", F_OK), 0);
	free(before);
	free(after);
	buf_release(&t.text);
}

static const char endless[] = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n)"
			      " SELECT count(*) FROM n";

static void deadlines_end_queries(void **state)
{
	const struct folder *f = *state;
	struct table t = {0};
	struct query_result r;
	struct err err = {0};
	struct query *q;

	fill(f);
	q = open_query(f, 0, 50);
	assert_false(run(q, endless, &t, &r, &err));
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_non_null(strstr(err.msg, "longer than 50 ms"));
	printf("# stopped %.1f ms after the deadline\n", r.seconds * 1e3 - 50);
	assert_false(run(q,
			 "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n)"
			 " SELECT x FROM n ORDER BY -x",
			 &t, &r, &err));
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_ok(run(q, "SELECT 1", &t, &r, &err), err);
	query_close(q);
	buf_release(&t.text);
}

struct canceller {
	struct query *q;
	struct table *t;
	atomic_bool done;
};

/* Cancels again and again until the query has ended: one that has not begun cannot be cancelled. */
static void *cancel(void *arg)
{
	struct canceller *c = arg;

	while (!atomic_load(&c->done))
		if (atomic_load(&c->t->began))
			query_cancel(c->q);
	return NULL;
}

static void another_thread_cancels(void **state)
{
	const struct folder *f = *state;
	struct table t = {0};
	struct canceller c = {.t = &t};
	struct err err = {0};
	pthread_t thread;

	fill(f);
	c.q = open_query(f, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, cancel, &c), 0);
	assert_false(run(c.q, endless, &t, NULL, &err));
	atomic_store(&c.done, true);
	pthread_join(thread, NULL);
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_string_equal(err.msg, "the query was cancelled");
	assert_ok(run(c.q, "SELECT 1", &t, NULL, &err), err);
	query_close(c.q);
	buf_release(&t.text);
}

/* A reader sees what a writer has committed since, and leaves no files behind. */
static void readers_follow_a_writer(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	struct table t = {0};
	struct err err = {0};
	char id[RUN_ID_SIZE], name[128];
	struct query *q = open_query(f, 0, 0);

	for (int k = 1; k <= 50; k++) {
		char want[32];

		add_run(s, "r", id);
		assert_ok(run(q, "SELECT count(*) AS n FROM runs", &t, NULL, &err), err);
		snprintf(want, sizeof(want), "n\n%d\n", k);
		assert_string_equal(buf_str(&t.text), want);
	}
	query_close(q);
	store_close(s);
	for (int k = 0; k < 2; k++) {
		snprintf(name, sizeof(name), "%s-wal", f->db);
		assert_int_not_equal(access(name, F_OK), 0);
		query_close(open_query(f, 0, 0));
	}
	buf_release(&t.text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(views_and_questions_work), T(values_keep_their_types), T(attacks_are_refused),
		T(deadlines_end_queries),    T(another_thread_cancels),  T(readers_follow_a_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

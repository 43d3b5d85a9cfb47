/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that a layer above computes, in queries. */
#include "engine/base/mem.h"
#include "store/query.h"
#include "tests/store_fixture.h"

/* counting(FROM, WHAT): the next three numbers, each with its halves 0 and 1. */
struct counting {
	int opened, open, forgotten;
	int *released;
	int64_t key[3]; /* of the latest call of open */
	struct query *cancel;
};

struct rows {
	struct counting *of;
	int64_t from, at; /* at counts halves */
	char what[16];
};

static bool open_rows(void *ctx, const struct query_text *arg, const int64_t *key, void **out,
		      struct err *err)
{
	struct counting *c = ctx;
	struct rows *r;

	if (!strcmp(arg[1].p, "nothing"))
		return err_set(err, ERR_NO_RUN, "there is no '%s'", arg[1].p);
	if (c->cancel)
		query_cancel(c->cancel);
	memcpy(c->key, key, sizeof(c->key));
	c->opened++;
	c->open++;
	r = mem_zero(1, sizeof(*r));
	*r = (struct rows){.of = c, .from = strtoll(arg[0].p, NULL, 10), .at = -1};
	snprintf(r->what, sizeof(r->what), "%s", arg[1].p);
	*out = r;
	return true;
}

static bool next_row(void *rows)
{
	return ++((struct rows *)rows)->at < 6;
}

static struct query_cell cell(const void *rows, int col)
{
	const struct rows *r = rows;

	switch (col) {
	case 0:
		return (struct query_cell){.type = CELL_INT, .i = r->from + r->at / 2};
	case 1:
		return (struct query_cell){.type = CELL_REAL, .r = 0.5 * (double)(r->at % 2)};
	case 2:
		return (struct query_cell){.type = CELL_NULL};
	case 3:
		return (struct query_cell){.type = CELL_INT, .i = r->from};
	default:
		return (struct query_cell){.type = CELL_TEXT, .p = r->what, .n = strlen(r->what)};
	}
}

static void close_rows(void *rows)
{
	((struct rows *)rows)->of->open--;
	free(rows);
}

static void forget(void *ctx)
{
	((struct counting *)ctx)->forgotten++;
}

static void release(void *ctx)
{
	++*((struct counting *)ctx)->released;
	free(ctx);
}

static bool columns(void *ctx, const char *const *names, int count)
{
	(void)names;
	(void)count;
	buf_clear(ctx);
	return true;
}

static bool row(void *ctx, const struct query_cell *cells, int count)
{
	for (int k = 0; k < count; k++) {
		const struct query_cell *c = &cells[k];

		if (c->type == CELL_INT)
			buf_printf(ctx, "%lld", (long long)c->i);
		else if (c->type == CELL_REAL)
			buf_printf(ctx, "%g", c->r);
		else
			buf_printf(ctx, "%s", c->type == CELL_NULL ? "-" : c->p);
		buf_byte(ctx, k + 1 < count ? '|' : ' ');
	}
	return true;
}

struct asked {
	struct query *q;
	struct counting *c;
	struct buf answer;
	struct err err;
	int released;
};

static void open_asked(const struct folder *f, struct asked *a)
{
	static const struct query_column column[] = {
		{"n", "INTEGER", true}, {"half", "REAL", true}, {"none", "TEXT", false}};
	static const char *const arg[] = {"start", "what"};
	struct query_table table = {.name = "counting",
				    .column = column,
				    .columns = 3,
				    .arg = arg,
				    .args = 2,
				    .open = open_rows,
				    .next = next_row,
				    .cell = cell,
				    .close = close_rows,
				    .forget = forget,
				    .release = release};

	store_close(open_store(f, STORE_WRITE));
	*a = (struct asked){.c = mem_zero(1, sizeof(*a->c))};
	a->c->released = &a->released;
	table.ctx = a->c;
	a->q = query_open(f->db, (struct query_limits){0}, &a->err);
	assert_ok(a->q, a->err);
	assert_ok(query_add_table(a->q, &table, &a->err), a->err);
}

static void close_asked(struct asked *a)
{
	assert_int_equal(a->c->open, 0);
	query_close(a->q);
	assert_int_equal(a->released, 1);
	buf_release(&a->answer);
}

static bool asks(struct asked *a, const char *sql)
{
	const struct query_sink sink = {&a->answer, columns, row};

	a->err = (struct err){0};
	buf_clear(&a->answer);
	return query_run(a->q, sql, &sink, NULL, &a->err);
}

static void answers(struct asked *a, const char *sql, const char *want)
{
	if (!asks(a, sql))
		fail_msg("%s: %s", sql, a->err.msg);
	assert_string_equal(buf_str(&a->answer), want);
	assert_int_equal(a->c->open, 0);
}

static void refuses(struct asked *a, const char *sql, enum err_code code, const char *part)
{
	if (asks(a, sql))
		fail_msg("'%s' ran: %s", sql, buf_str(&a->answer));
	if (a->err.code != code || !strstr(a->err.msg, part))
		fail_msg("'%s': code %d, '%s'", sql, a->err.code, a->err.msg);
}

static void rows_are_computed(void **state)
{
	struct asked a;
	struct buf names = {0};

	open_asked(*state, &a);
	answers(&a, "SELECT * FROM counting(7, 'x')", "7|0|- 7|0.5|- 8|0|- 8|0.5|- 9|0|- 9|0.5|- ");
	answers(&a, "SELECT start, what FROM counting(7, 'x') LIMIT 1", "7|x ");
	answers(&a, "SELECT n FROM counting WHERE what='y' AND start=3 AND half>0", "3 4 5 ");
	answers(&a, "SELECT count(*) FROM counting(NULL, 'x')", "0 ");
	answers(&a,
		"SELECT a.n, b.n FROM counting(1, 'a') a JOIN counting(3, 'b') b USING(n, half)",
		"3|3 3|3 ");
	answers(&a,
		"SELECT v.column1, sum(c.n) FROM (VALUES(1),(10)) v, counting(v.column1, 'x') c"
		" GROUP BY 1",
		"1|12 10|66 ");
	assert_ok(query_columns(a.q, "counting", &names, &a.err), a.err);
	assert_string_equal(buf_str(&names), "n, half, none");
	buf_release(&names);
	close_asked(&a);
}

/* What a table is told to look for is a help only: SQLite looks again. */
static void keys_are_handed_down(void **state)
{
	struct asked a;

	open_asked(*state, &a);
	answers(&a, "SELECT half FROM counting(1, 'x') WHERE n=2", "0 0.5 ");
	assert_true(a.c->key[0] == 2 && a.c->key[1] == QUERY_ANY && a.c->key[2] == QUERY_ANY);
	answers(&a, "SELECT n FROM counting(1, 'x') WHERE half=0.0 AND n='3'", "3 ");
	assert_true(a.c->key[0] == QUERY_ANY && a.c->key[1] == 0);
	answers(&a, "SELECT n FROM counting(1, 'x') WHERE half=0.5 AND n>1", "2 3 ");
	assert_true(a.c->key[0] == QUERY_ANY && a.c->key[1] == QUERY_ANY);
	a.c->opened = 0;
	answers(&a, "SELECT n FROM counting(1, 'x') WHERE n IN (3, 2) AND half=0", "2 3 ");
	assert_int_equal(a.c->opened, 2);
	close_asked(&a);
}

static void what_was_kept_is_forgotten_after_each_statement(void **state)
{
	struct asked a;

	open_asked(*state, &a);
	answers(&a, "SELECT count(*) FROM counting(1, 'a'), counting(2, 'b')", "36 ");
	assert_int_equal(a.c->forgotten, 1);
	refuses(&a, "SELECT * FROM counting(1, 'nothing')", ERR_NO_RUN, "there is no 'nothing'");
	assert_int_equal(a.c->forgotten, 2);
	answers(&a, "SELECT 1", "1 ");
	close_asked(&a);
}

static void misuse_is_told(void **state)
{
	struct asked a;

	open_asked(*state, &a);
	refuses(&a, "SELECT * FROM counting", ERR_USAGE, "FROM counting(start, what)");
	refuses(&a, "SELECT * FROM counting(1)", ERR_USAGE, "needs its 2 arguments");
	refuses(&a, "SELECT * FROM counting(1, 'x', 2)", ERR_USAGE, "too many arguments");
	refuses(&a, "INSERT INTO counting VALUES(1, 2, 3)", ERR_USAGE, "queries only read");
	refuses(&a, "UPDATE counting SET n=1", ERR_USAGE, "queries only read");
	refuses(&a, "DELETE FROM counting", ERR_USAGE, "queries only read");
	refuses(&a, "DROP TABLE counting", ERR_USAGE, "queries only read");
	refuses(&a, "CREATE VIRTUAL TABLE t USING counting", ERR_USAGE, "queries only read");
	refuses(&a, "SELECT missing FROM counting(1, 'x')", ERR_USAGE, "no such column");
	assert_int_equal(a.c->opened, 0);
	close_asked(&a);
}

/* Between two calls of open the query can be ended, however few instructions lie between. */
static void a_cancelled_query_opens_no_more(void **state)
{
	struct asked a;

	open_asked(*state, &a);
	a.c->cancel = a.q;
	refuses(&a, "SELECT c.n FROM (VALUES(1),(2)) v, counting(v.column1, 'x') c", ERR_CANCELLED,
		"cancelled");
	assert_int_equal(a.c->opened, 1);
	close_asked(&a);
}

/* A view that somebody left in the store cannot set a table to work. */
static void views_do_not_reach_them(void **state)
{
	const struct folder *f = *state;
	struct asked a;

	open_asked(f, &a);
	close_asked(&a);
	change(f->db, "CREATE VIEW sly AS SELECT * FROM json_each('[1]')");
	open_asked(f, &a);
	answers(&a, "SELECT value FROM sly", "1 ");
	close_asked(&a);
	change(f->db, "DROP VIEW sly; CREATE VIEW sly AS SELECT n FROM counting(1, 'x')");
	open_asked(f, &a);
	refuses(&a, "SELECT * FROM sly", ERR_USAGE, "unsafe use of virtual table");
	assert_int_equal(a.c->opened, 0);
	close_asked(&a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rows_are_computed),
		T(keys_are_handed_down),
		T(what_was_kept_is_forgotten_after_each_statement),
		T(misuse_is_told),
		T(a_cancelled_query_opens_no_more),
		T(views_do_not_reach_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/event.h"
#include "store/find.h"
#include "store/list.h"
#include "store/param.h"
#include "store/vocabulary.h"
#include "tests/store_fixture.h"

#include <math.h>

static void names_are_unique_and_plain(void **state)
{
	static const char *const bad[] = {"", "a@b", "last", "last~1", "best:x", "a\x1b[0m"};
	struct store *s = open_store(*state, STORE_WRITE);
	char id[RUN_ID_SIZE], other[RUN_ID_SIZE], text[300];
	struct run_ref ref;
	struct err err = {0};
	int64_t a = add_run(s, "a", id), b = add_run(s, "a", other), c = add_run(s, NULL, other);

	assert_int_equal(strspn(id, "0123456789abcdef"), 8);
	assert_ok(store_run_find(s, "a-2", &ref, &err), err);
	assert_int_equal(ref.run, b);
	assert_ok(store_run_find(s, "classify-standard", &ref, &err), err);
	assert_int_equal(ref.run, c);
	assert_false(store_run_rename(s, b, "a", &err));
	assert_int_equal(err.code, ERR_USAGE);
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		assert_false(store_run_rename(s, b, bad[k], &err));
	memset(text, 'x', sizeof(text));
	text[299] = '\0';
	assert_false(store_run_rename(s, b, text, &err));
	assert_ok(store_run_rename(s, b, "é 你", &err), err);
	assert_false(store_run_note(s, 999, "x", &err));
	assert_int_equal(err.code, ERR_NO_RUN);
	assert_ok(store_run_remove(s, a, &err), err);
	assert_ok(store_run_rename(s, b, "a", &err), err);
	assert_false(store_run_find(s, id, &ref, &err));
	assert_ok(store_run_find_deleted(s, "a", &ref, &err), err);
	assert_ok(store_run_restore(s, a, &err), err);
	assert_ok(store_run_find(s, id, &ref, &err), err);
	assert_string_equal(ref.name, "a-2");
	store_close(s);
}

static void a_run_from_start_to_end(void **state)
{
	struct store *s = open_store(*state, STORE_WRITE);
	struct dataset d = {.role = "train", .name = "x.tsv", .bytes = 10, .rows = 3};
	struct event_row *events;
	struct param_row *params;
	struct run_row *row;
	struct err err = {0};
	char id[RUN_ID_SIZE], *name;
	int64_t run = add_run(s, "a", id);
	size_t n;

	assert_ok(store_run_status(s, run, RUN_RUNNING, NULL, &err), err);
	assert_false(store_run_remove(s, run, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_ok(store_run_heartbeat(s, run, 12, 0.5, &err), err);
	assert_ok(store_param_put(s, run, "lr", "1e-3", &err), err);
	assert_ok(store_param_put(s, run, "lr", "0.01", &err), err);
	assert_ok(store_param_put(s, run, "cell", "V", &err), err);
	assert_ok(store_param_put(s, run, "bidirectional", "true", &err), err);
	assert_ok(store_dataset_put(s, run, &d, &err), err);
	assert_ok(store_tag_add(s, run, "b", &err), err);
	assert_ok(store_tag_add(s, run, "a", &err), err);
	assert_ok(store_tag_add(s, run, "a", &err), err);
	assert_ok(store_tag_remove(s, run, "b", &err), err);
	assert_ok(store_tag_remove(s, run, "b", &err), err);
	assert_false(store_tag_add(s, run, "a,b", &err));
	assert_ok(store_run_note(s, run, "it's", &err), err);
	assert_ok(store_run_status(s, run, RUN_DIVERGED, "NaN at step 12", &err), err);
	assert_ok(store_params(s, run, &params, &n, &err), err);
	assert_int_equal(n, 3);
	assert_string_equal(params[2].value, "0.01");
	assert_true(params[2].number == 0.01 && params[0].number == 1 && isnan(params[1].number));
	store_params_free(params, n);
	assert_ok(store_dataset_get(s, run, "train", &name, &d, &err), err);
	assert_string_equal(name, "x.tsv");
	assert_int_equal(d.rows, 3);
	free(name);
	row = store_run_get(s, run, &err);
	assert_ok(row, err);
	assert_int_equal(row->status, RUN_DIVERGED);
	assert_int_equal(row->steps, 12);
	assert_string_equal(row->tags, "a");
	assert_string_equal(row->data, "x.tsv");
	assert_true(row->epochs == 0.5 && row->seconds >= 0 && isnan(row->best_loss));
	assert_true(row->started_ms && row->ended_ms >= row->started_ms);
	store_runs_free(row, 1);
	assert_ok(store_events(s, run, 0, 0, &events, &n, &err), err);
	assert_int_equal(n, 7);
	assert_string_equal(events[6].message, "diverged: NaN at step 12");
	assert_int_equal(events[6].level, EVENT_ERROR);
	assert_string_equal(events[6].run_id, id);
	store_events_free(events, n);
	assert_ok(store_events(s, 0, 5, 1, &events, &n, &err), err);
	assert_int_equal(n, 1);
	assert_int_equal(events[0].id, 7);
	store_events_free(events, n);
	store_close(s);
}

static void finds(struct store *s, const char *text, const char *name, int64_t step)
{
	struct run_ref ref;
	struct err err = {0};

	assert_ok(store_run_find(s, text, &ref, &err), err);
	assert_string_equal(ref.name, name);
	assert_int_equal(ref.step, step);
	assert_true((ref.checkpoint != 0) == (step >= 0));
}

static void finds_not(struct store *s, const char *text, enum err_code code, const char *words)
{
	struct run_ref ref;
	struct err err = {0};

	assert_false(store_run_find(s, text, &ref, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.msg, words))
		fail_msg("'%s' does not say '%s'", err.msg, words);
}

static void the_run_grammar(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	char id[3][RUN_ID_SIZE], text[64];
	int64_t a, b, c;

	finds_not(s, "last", ERR_NO_RUN, "no run");
	finds_not(s, "x", ERR_NO_RUN, "sluice runs");
	a = add_run(s, "sst2-standard", id[0]);
	b = add_run(s, "sst2-article", id[1]);
	c = add_run(s, "beef", id[2]);
	change(f->db, "UPDATE run SET id='beef000'||run_id, created_ms=run_id");
	for (int64_t step = 100; step <= 300; step += 100) {
		add_checkpoint(s, a, step, (float)step);
		add_checkpoint(s, b, step, (float)step);
		add_checkpoint(s, c, step, (float)step);
		add_metric(s, a, "valid/accuracy", step, step == 300 ? 0.5 : 0.9);
		add_metric(s, a, "valid/loss", step, step == 200 ? 0.3 : 0.4);
		add_metric(s, b, "valid/loss", step, step == 200 ? NAN : step == 100 ? 0.2 : 0.3);
		add_metric(s, c, "lr", step, 0.1);
	}
	finds(s, "sst2-standard", "sst2-standard", 200);
	finds(s, "sst2-article", "sst2-article", 100);
	finds(s, "beef", "beef", 300); /* a name comes before the beginning of an id */
	finds(s, "BEEF0001", "sst2-standard", 200);
	finds(s, "beef0001@last", "sst2-standard", 300);
	finds(s, "beef0001@100", "sst2-standard", 100);
	finds(s, "last", "beef", 300);
	finds(s, "last~2@best", "sst2-standard", 200);
	finds(s, "best:valid/loss", "sst2-article", 100);
	finds(s, "best:valid/accuracy@last", "sst2-standard", 300);
	finds_not(s, "beef0", ERR_NO_RUN, "3 runs match (beef0001 sst2-standard, ");
	finds_not(s, "bee", ERR_NO_RUN, "did you mean beef?");
	finds_not(s, "sst2-standart", ERR_NO_RUN, "did you mean sst2-standard");
	finds_not(s, "zzzzzzzz", ERR_NO_RUN, "no such run");
	finds_not(s, "", ERR_NO_RUN, "no such run");
	finds_not(s, "last~9", ERR_NO_RUN, "there are 3");
	finds_not(s, "last~x", ERR_USAGE, "number");
	finds_not(s, "last~99999999999999999999", ERR_USAGE, "number");
	finds_not(s, "last@", ERR_USAGE, "after @");
	finds_not(s, "last@-1", ERR_USAGE, "after @");
	finds_not(s, "last@150", ERR_NO_RUN, "nearest are at 100, 200, 300");
	finds_not(s, "best:lr", ERR_USAGE, "direction");
	finds_not(s, "best:nope", ERR_NO_RUN, "nope");
	snprintf(text, sizeof(text), "%s", "a'; DROP TABLE run; --");
	finds_not(s, text, ERR_NO_RUN, "no such run");
	store_close(s);
}

static void runs_are_listed(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	struct run_list list = {.order = "accuracy"};
	struct run_row *rows;
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t a = add_run(s, "a", id), b = add_run(s, "b", id), c = add_run(s, "c", id);
	size_t n;

	add_metric(s, a, "valid/accuracy", 10, 0.5);
	add_metric(s, b, "valid/accuracy", 10, 0.6);
	add_metric(s, b, "valid/accuracy", 20, 0.6);
	add_metric(s, b, "valid/loss", 10, 0.5);
	add_metric(s, b, "valid/loss", 20, 0.4);
	add_metric(s, b, "train/loss", 25, 0.3);
	assert_ok(store_tag_add(s, c, "Quick", &err), err);
	assert_ok(store_runs(s, &list, &rows, &n, &err), err);
	assert_int_equal(n, 3);
	assert_string_equal(rows[0].name, "b");
	assert_string_equal(rows[2].name, "c");
	assert_int_equal(rows[0].best_step, 20);
	assert_true(rows[0].best_epoch == 0.2 && rows[0].best_loss == 0.4);
	assert_true(rows[0].train_loss == 0.3 && rows[0].steps == 25);
	assert_int_equal(rows[0].hidden, 32);
	assert_int_equal(rows[2].best_step, -1);
	store_runs_free(rows, n);
	list.ascending = true;
	list.limit = 2;
	assert_ok(store_runs(s, &list, &rows, &n, &err), err);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].name, "a");
	store_runs_free(rows, n);
	list = (struct run_list){.filter = "qUICK"};
	assert_ok(store_runs(s, &list, &rows, &n, &err), err);
	assert_int_equal(n, 1);
	store_runs_free(rows, n);
	assert_ok(store_run_remove(s, c, &err), err);
	assert_ok(store_runs(s, &list, &rows, &n, &err), err);
	assert_int_equal(n, 0);
	list.only_deleted = true;
	assert_ok(store_runs(s, &list, &rows, &n, &err), err);
	assert_int_equal(n, 1);
	assert_true(rows[0].deleted);
	store_runs_free(rows, n);
	for (int k = 0; (list.order = run_list_column(k)); k++) {
		list.only_deleted = false;
		list.filter = NULL;
		assert_ok(store_runs(s, &list, &rows, &n, &err), err);
		assert_int_equal(n, 2);
		store_runs_free(rows, n);
	}
	list.order = "accurcy";
	assert_false(store_runs(s, &list, &rows, &n, &err));
	assert_non_null(strstr(err.msg, "did you mean accuracy?"));
	store_close(s);
}

static void dead_processes_leave_crashed_runs(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	char id[RUN_ID_SIZE];
	struct err err = {0};
	int count;

	for (int k = 0; k < 5; k++) {
		int64_t run = add_run(s, "r", id);

		assert_ok(store_run_status(s, run, k == 4 ? RUN_FINISHED : RUN_RUNNING, NULL, &err),
			  err);
	}
	assert_ok(store_mark_crashed(s, &count, &err), err);
	assert_int_equal(count, 0);
	change(f->db, "UPDATE run SET boot='another' WHERE run_id=1;"
		      "UPDATE run SET pid_start=pid_start+1 WHERE run_id=2;"
		      "UPDATE run SET host='elsewhere', boot='x' WHERE run_id=3;"
		      "UPDATE run SET pid_start=1 WHERE run_id=5");
	assert_ok(store_mark_crashed(s, &count, &err), err);
	assert_int_equal(count, 2);
	assert_int_equal(ask(f->db, "SELECT sum(run_id) FROM run WHERE status='crashed'"), 3);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM events WHERE kind='crashed'"), 2);
	store_close(s);
}

static void vocabularies_come_back_byte_for_byte(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	struct store_token t[] = {{"<pad>", 5, 0}, {"a\0b", 3, 7}, {"", 0, 1}, {"\xff\xfe'", 3, 2}};
	const struct store_vocab v = {t, 4, "{\"lower\":true}"};
	struct store_vocab got;
	struct err err = {0};
	char id[RUN_ID_SIZE];
	int64_t a = add_run(s, "a", id), b = add_run(s, "b", id);

	assert_ok(store_vocab_put(s, a, "source", &v, &err), err);
	assert_ok(store_vocab_put(s, b, "source", &v, &err), err);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM vocab"), 1);
	t[3].count = 3;
	assert_ok(store_vocab_put(s, b, "classes", &v, &err), err);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM vocab"), 2);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM vocabulary"), 12);
	assert_ok(store_vocab_load(s, b, "classes", &got, &err), err);
	assert_int_equal(got.count, 4);
	assert_string_equal(got.spec, v.spec);
	for (size_t k = 0; k < 4; k++) {
		assert_int_equal(got.tokens[k].len, t[k].len);
		assert_int_equal(got.tokens[k].count, t[k].count);
		assert_memory_equal(got.tokens[k].bytes, t[k].bytes, t[k].len + 1);
	}
	store_vocab_release(&got);
	assert_ok(store_vocab_load(s, a, "target", &got, &err), err);
	assert_null(got.tokens);
	change(f->db, "UPDATE vocab_token SET count=9 WHERE vocab_id=1 AND id=2");
	assert_false(store_vocab_load(s, a, "source", &got, &err));
	assert_int_equal(err.code, ERR_CORRUPT);
	store_close(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(names_are_unique_and_plain),
		T(a_run_from_start_to_end),
		T(the_run_grammar),
		T(runs_are_listed),
		T(dead_processes_leave_crashed_runs),
		T(vocabularies_come_back_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

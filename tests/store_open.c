/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/schema.h"
#include "store/store.h"
#include "tests/store_fixture.h"

#include <sys/wait.h>

static bool exists(const char *db, const char *suffix)
{
	char name[256];

	snprintf(name, sizeof(name), "%s%s", db, suffix);
	return access(name, F_OK) == 0;
}

/* Opening must fail with this code and these words, and leave the file as it is. */
static void refused(const char *path, enum store_mode mode, enum err_code code, const char *words)
{
	struct err err = {0};
	size_t n, m;
	char *before = file_bytes(path, &n), *after;
	struct store *s = store_open(path, mode, &err);

	if (s)
		fail_msg("%s was opened", path);
	assert_int_equal(err.code, code);
	if (!strstr(err.msg, words))
		fail_msg("'%s' does not say '%s'", err.msg, words);
	after = file_bytes(path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before ? before : "", after ? after : "", n);
	free(before);
	free(after);
}

static void copy_file(const char *from, const char *to)
{
	size_t n;
	char *bytes = file_bytes(from, &n);

	assert_non_null(bytes);
	write_file(to, bytes, n);
	free(bytes);
}

/* A writer that dies while it moves pages from the log to the file may leave a header that promises
 * more pages than the file has. The log still has them all. */
static void half_written_back(void **state)
{
	const struct folder *f = *state;
	char copy[300], log[300], copy_log[310], id[RUN_ID_SIZE];
	struct store *s = open_store(f, STORE_WRITE);
	size_t n;
	char *bytes;

	snprintf(copy, sizeof(copy), "%s.copy", f->db);
	snprintf(log, sizeof(log), "%s-wal", f->db);
	snprintf(copy_log, sizeof(copy_log), "%s-wal", copy);
	for (int k = 0; k < 20; k++)
		add_run(s, k ? "b" : "a", id);
	copy_file(f->db, copy);
	copy_file(log, copy_log);
	store_close(s);
	bytes = file_bytes(copy, &n);
	bytes[28] = 0; /* pages in all, big end first: as many as 65,536 */
	bytes[29] = 1;
	write_file(copy, bytes, n);
	free(bytes);
	s = store_open(copy, STORE_READ, NULL);
	assert_non_null(s);
	store_close(s);
	s = store_open(copy, STORE_WRITE, NULL);
	assert_non_null(s);
	store_close(s);
	assert_int_equal(ask(copy, "SELECT count(*) FROM run"), 20);
	assert_int_equal(ask(copy, "PRAGMA integrity_check"), 1);
}

static int this_version(void)
{
	int version;

	schema_steps(&version);
	return version;
}

static void fresh_then_again(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	char id[RUN_ID_SIZE];
	struct stat st;

	add_run(s, "a", id);
	assert_string_equal(store_path(s), f->db);
	store_close(s);
	assert_false(exists(f->db, "-wal"));
	assert_false(exists(f->db, "-shm"));
	assert_int_equal(stat(f->db, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(ask(f->db, "PRAGMA application_id"), SCHEMA_APPLICATION);
	assert_int_equal(ask(f->db, "PRAGMA user_version"), this_version());
	assert_int_equal(ask(f->db, "SELECT count(*)=sum(strict) FROM pragma_table_list"
				    " WHERE type='table' AND name NOT LIKE 'sqlite_%'"),
			 1);
	s = open_store(f, STORE_WRITE);
	store_close(s);
	s = open_store(f, STORE_READ);
	assert_false(store_run_note(s, 1, "x", NULL));
	store_close(s);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM runs WHERE name='a' AND note=''"), 1);
	assert_int_equal(ask(f->db, "PRAGMA integrity_check"), 1);
}

static void missing_things_are_named(void **state)
{
	const struct folder *f = *state;
	char path[128];

	refused(f->db, STORE_READ, ERR_STORE, "sluice train makes one");
	snprintf(path, sizeof(path), "%s/no/such.db", f->path);
	refused(path, STORE_WRITE, ERR_STORE, "/no: make it first");
	refused("", STORE_WRITE, ERR_STORE, "needs a file name");
	refused(f->path, STORE_WRITE, ERR_STORE, "a folder");
	refused("/dev/null", STORE_WRITE, ERR_STORE, "special file");
	assert_false(exists(f->path, "/no"));
}

static void newer_is_refused(void **state)
{
	const struct folder *f = *state;
	char words[64];

	snprintf(words, sizeof(words), "version 99, this program knows %d", this_version());
	store_close(open_store(f, STORE_WRITE));
	change(f->db, "PRAGMA user_version=99");
	refused(f->db, STORE_WRITE, ERR_STORE, words);
	refused(f->db, STORE_READ, ERR_STORE, words);
	change(f->db, "PRAGMA journal_mode=DELETE");
	refused(f->db, STORE_WRITE, ERR_STORE, words);
	refused(f->db, STORE_READ, ERR_STORE, words);
}

static void foreign_and_junk_are_refused(void **state)
{
	const struct folder *f = *state;
	char junk[5000];

	change(f->db, "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
	refused(f->db, STORE_WRITE, ERR_STORE, "another program");
	refused(f->db, STORE_READ, ERR_STORE, "another program");
	unlink(f->db);
	change(f->db, "PRAGMA journal_mode=WAL; CREATE TABLE t(x)");
	refused(f->db, STORE_WRITE, ERR_STORE, "another program");
	for (size_t k = 0; k < sizeof(junk); k++)
		junk[k] = (char)(k * 31 + 7);
	write_file(f->db, junk, sizeof(junk));
	refused(f->db, STORE_WRITE, ERR_STORE, "not a store");
	write_file(f->db, "hi", 2);
	refused(f->db, STORE_WRITE, ERR_STORE, "not a store");
	refused(f->db, STORE_READ, ERR_STORE, "not a store");
	assert_false(exists(f->db, ".lock"));
	write_file(f->db, "", 0);
	refused(f->db, STORE_READ, ERR_STORE, "empty");
	store_close(open_store(f, STORE_WRITE));
}

/* Every cut and every flipped page: an error or a store that works, never a crash. */
static void damage_is_survived(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	char id[RUN_ID_SIZE], *whole;
	struct err err = {0};
	size_t n;

	add_checkpoint(s, add_run(s, "a", id), 1, 1);
	store_close(s);
	whole = file_bytes(f->db, &n);
	write_file(f->db, whole, n / 2);
	refused(f->db, STORE_WRITE, ERR_CORRUPT, "damaged");
	refused(f->db, STORE_READ, ERR_CORRUPT, "damaged");
	for (size_t at = 60; at < n; at += 1021) {
		struct store_tensor *t = NULL;
		size_t count = 0;

		whole[at] ^= 0x55;
		write_file(f->db, whole, n);
		whole[at] ^= 0x55;
		s = store_open(f->db, STORE_WRITE, &err);
		if (s && store_run_note(s, 1, "still", &err) &&
		    store_checkpoint_load(s, 1, TENSOR_WEIGHT, &t, &count, &err))
			store_tensors_free(t, count);
		store_close(s);
	}
	free(whole);
}

enum { STEPS_MOST = 64 };

static void migration_copies_first(void **state)
{
	static const char *const next[] = {"CREATE TABLE extra(x INTEGER) STRICT",
					   "INSERT INTO extra SELECT count(*) FROM run", NULL};
	static const char *const broken[] = {"CREATE TABLE more(x INTEGER) STRICT", "NOT SQL",
					     NULL};
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	struct schema_step steps[STEPS_MOST];
	struct err err = {0};
	char id[RUN_ID_SIZE], copy[128];
	struct stat st;
	int now;

	memcpy(steps, schema_steps(&now), (size_t)this_version() * sizeof(*steps));
	steps[now] = (struct schema_step){next};
	steps[now + 1] = (struct schema_step){broken};
	add_run(s, "a", id);
	assert_false(schema_migrate(s, steps, now + 2, &err));
	assert_int_equal(ask(f->db, "PRAGMA user_version"), now);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM sqlite_schema WHERE name='extra'"), 0);
	assert_ok(schema_migrate(s, steps, now + 1, &err), err);
	assert_int_equal(ask(f->db, "SELECT x FROM extra"), 1);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM runs"), 1);
	store_close(s);
	snprintf(copy, sizeof(copy), "%s.pre-v%d", f->db, now + 1);
	assert_int_equal(ask(copy, "PRAGMA user_version"), now);
	assert_int_equal(ask(copy, "SELECT count(*) FROM runs"), 1);
	assert_int_equal(ask(copy, "PRAGMA integrity_check"), 1);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* A store as the first version made it, with one run. */
static void make_first_version(const struct folder *f)
{
	struct store *s = open_store(f, STORE_WRITE);
	char id[RUN_ID_SIZE];

	add_run(s, "old", id);
	store_close(s);
	change(f->db, "DROP VIEW unit_notes; DROP TABLE unit_note;"
		      "DELETE FROM migration WHERE version>1; PRAGMA user_version=1");
}

static void first_version_is_moved_on(void **state)
{
	static const enum store_mode mode[] = {STORE_WRITE, STORE_READ};
	const struct folder *f = *state;
	char copy[128];

	snprintf(copy, sizeof(copy), "%s.pre-v%d", f->db, this_version());
	for (int k = 0; k < 2; k++) {
		make_first_version(f);
		store_close(open_store(f, mode[k]));
		assert_int_equal(ask(f->db, "PRAGMA user_version"), this_version());
		assert_int_equal(ask(f->db, "SELECT count(*) FROM unit_notes"), 0);
		assert_int_equal(ask(f->db, "SELECT count(*) FROM runs WHERE name='old'"), 1);
		assert_int_equal(ask(f->db, "SELECT count(*) FROM migration"), this_version());
		assert_int_equal(ask(f->db, "PRAGMA integrity_check"), 1);
		assert_int_equal(ask(copy, "PRAGMA user_version"), 1);
		assert_int_equal(ask(copy, "SELECT count(*) FROM runs WHERE name='old'"), 1);
		unlink(f->db);
		unlink(copy);
	}
}

/* Somebody else's triggers and views do nothing to a store that is opened for writing. */
static void hostile_schema_is_inert(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	char id[RUN_ID_SIZE];
	struct err err = {0};
	int64_t run = add_run(s, "a", id);

	store_close(s);
	change(f->db, "CREATE TRIGGER evil AFTER UPDATE ON run BEGIN DELETE FROM event; END;"
		      "DROP VIEW runs; CREATE VIEW runs AS SELECT load_extension('x') AS run");
	s = open_store(f, STORE_WRITE);
	assert_ok(store_run_note(s, run, "n", &err), err);
	store_close(s);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM event"), 2);
}

/* Runs a check as a user without rights over the folder; as root that is user 65534. */
static void readers_without_rights(void **state)
{
	const struct folder *f = *state;
	char id[RUN_ID_SIZE];
	struct store *s = open_store(f, STORE_WRITE);
	int status;
	pid_t child;

	add_run(s, "a", id);
	store_close(s);
	chmod(f->db, 0444);
	chmod(f->path, 0555);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct err err = {0}, no = {0};
		struct store *r;
		bool ok;

		if (getuid() == 0 && setuid(65534) != 0)
			_exit(9);
		r = store_open(f->db, STORE_READ, &err);
		if (!r) {
			fprintf(stderr, "%s\n", err.msg);
			_exit(1);
		}
		ok = !store_run_note(r, 1, "x", &no) && no.code == ERR_STORE;
		store_close(r);
		ok = ok && !store_open(f->db, STORE_WRITE, &no) && no.code == ERR_STORE;
		fprintf(stderr, "%s\n", no.msg);
		_exit(ok ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void transactions_nest(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	char id[RUN_ID_SIZE];
	struct err err = {0};

	assert_ok(store_begin(s, &err), err);
	add_run(s, "kept", id);
	assert_ok(store_begin(s, &err), err);
	add_run(s, "gone", id);
	store_rollback(s);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM runs"), 0);
	assert_ok(store_commit(s, &err), err);
	assert_int_equal(ask(f->db, "SELECT count(*)*10+(max(name)='kept') FROM runs"), 11);
	assert_ok(store_begin(s, &err), err);
	add_run(s, "lost", id);
	store_close(s);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM runs"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fresh_then_again),
		T(missing_things_are_named),
		T(half_written_back),
		T(newer_is_refused),
		T(foreign_and_junk_are_refused),
		T(damage_is_survived),
		T(migration_copies_first),
		T(first_version_is_moved_on),
		T(hostile_schema_is_inert),
		T(readers_without_rights),
		T(transactions_nest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

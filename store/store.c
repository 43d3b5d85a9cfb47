/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/store.h"

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "store/handle.h"
#include "store/run.h"
#include "store/schema.h"
#include "store/statement.h"
#include "store/weights.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum {
	WAL_FRAMES = 1024,   /* 4 MiB of log: time to move it into the file */
	CLOSE_WAIT_MS = 200, /* tidying up is worth no more */
	OLDEST_SQLITE = 3037000,
};

int64_t store_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *store_path(const struct store *s)
{
	return s->path;
}

bool store_fail(struct store *s, int rc, struct err *err)
{
	int number = sqlite3_system_errno(s->db);

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return err_set(err, ERR_STORE,
			       "%s: busy, another process is using it: try again later", s->path);
	case SQLITE_FULL:
		return err_set(err, ERR_STORE, "%s: no space left: free some and try again",
			       s->path);
	case SQLITE_READONLY:
		return err_set(err, ERR_STORE, "%s: not writable: %s", s->path,
			       s->mode == STORE_READ
				       ? "opened for reading"
				       : "check the rights of the file and its folder");
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return err_set(err, ERR_STORE, "%s: cannot be opened: %s", s->path,
			       number ? strerror(number) : "check the file and its folder");
	case SQLITE_IOERR:
		return err_set(err, ERR_STORE, "%s: cannot be read or written: %s", s->path,
			       number ? strerror(number) : sqlite3_errstr(rc));
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(err, ERR_CORRUPT, "%s: damaged: restore a copy of it", s->path);
	case SQLITE_INTERRUPT:
		return err_set(err, ERR_CANCELLED, "cancelled");
	default:
		return err_set(err, ERR_FAILED, "%s: %s", s->path,
			       rc == sqlite3_errcode(s->db) ? sqlite3_errmsg(s->db)
							    : sqlite3_errstr(rc));
	}
}

bool store_exec(struct store *s, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK || store_fail(s, rc, err);
}

/* What is left of the wait that began with the lock is SQLite's. */
static void share_wait(struct store *s)
{
	const int64_t left = s->until_ms - store_now_ms();

	sqlite3_busy_timeout(s->db, left > 0 ? (int)left : 0);
}

/* Takes the sidecar lock; for it and for SQLite's own locks wait_ms are spent together. */
static bool lock(struct store *s, int wait_ms, struct err *err)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	if (s->locked) {
		s->locked++;
		return true;
	}
	s->until_ms = store_now_ms() + wait_ms;
	while (s->lock >= 0 && flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set(err, ERR_STORE, "%s.lock: cannot be locked: %s", s->path,
				       strerror(errno));
		if (store_now_ms() > s->until_ms)
			return store_fail(s, SQLITE_BUSY, err);
		nanosleep(&pause, NULL);
	}
	s->locked = 1;
	if (s->db)
		share_wait(s);
	return true;
}

static void unlock(struct store *s)
{
	if (--s->locked == 0 && s->lock >= 0)
		flock(s->lock, LOCK_UN);
}

bool store_begin(struct store *s, struct err *err)
{
	char sql[32];
	bool ok;

	if (s->depth == 0) {
		if (!lock(s, STORE_WAIT_MS, err))
			return false;
		ok = store_exec(s, "BEGIN IMMEDIATE", err);
		if (!ok)
			unlock(s);
	} else {
		snprintf(sql, sizeof(sql), "SAVEPOINT s%d", s->depth);
		ok = !sqlite3_get_autocommit(s->db)
			     ? store_exec(s, sql, err)
			     : err_set(err, ERR_STORE,
				       "%s: the transaction was rolled back after an error",
				       s->path);
	}
	if (ok)
		s->depth++;
	return ok;
}

void store_rollback(struct store *s)
{
	char sql[64];

	s->sized_run = 0;
	if (--s->depth > 0) {
		snprintf(sql, sizeof(sql), "ROLLBACK TO s%d; RELEASE s%d", s->depth, s->depth);
		sqlite3_exec(s->db, sql, NULL, NULL, NULL);
		return;
	}
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->sync_due = false;
	unlock(s);
}

bool store_commit(struct store *s, struct err *err)
{
	char sql[32] = "COMMIT";

	if (sqlite3_get_autocommit(s->db)) {
		store_rollback(s);
		return err_set(err, ERR_STORE, "%s: the transaction was rolled back after an error",
			       s->path);
	}
	if (s->depth > 1)
		snprintf(sql, sizeof(sql), "RELEASE s%d", s->depth - 1);
	if (!store_exec(s, sql, err)) {
		store_rollback(s);
		return false;
	}
	if (--s->depth > 0)
		return true;
	/* A checkpoint of the log syncs it first, so it also serves as the promise of durability.
	 * The commit stands whether or not it succeeds. */
	if (s->sync_due || s->wal_frames >= WAL_FRAMES)
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	s->sync_due = false;
	unlock(s);
	return true;
}

bool store_end(struct store *s, bool ok, struct err *err)
{
	if (ok)
		return store_commit(s, err);
	store_rollback(s);
	return false;
}

static int count_frames(void *store, sqlite3 *db, const char *name, int frames)
{
	(void)db;
	(void)name;
	((struct store *)store)->wal_frames = frames;
	return SQLITE_OK;
}

/* A name that SQLite takes for a file whatever it begins with; to be freed. */
static char *plain_path(const char *path)
{
	return path[0] == '/' ? mem_text(path) : mem_printf("./%s", path);
}

/* The URI of a file that nobody is to lock or change; to be freed. */
static char *immutable_uri(const char *path)
{
	struct buf b = {0};

	buf_text(&b, "file:");
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if (isalnum(*p) || strchr("/._-", *p))
			buf_byte(&b, (char)*p);
		else
			buf_printf(&b, "%%%02x", *p);
	}
	buf_text(&b, "?immutable=1");
	return buf_take(&b);
}

/* The application id in the header of the file (https://sqlite.org/fileformat.html, section 1.3); -1
 * when it is no database. Read without SQLite, which would change the file, or, told not to, take one
 * for damaged whose log has yet to be written back. */
static int64_t application_of(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	unsigned char header[100];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : pread(fd, header, sizeof(header), 0);

	if (fd >= 0)
		close(fd);
	if (n != (ssize_t)sizeof(header) || memcmp(header, magic, sizeof(magic)) != 0)
		return -1;
	return (int64_t)header[68] << 24 | header[69] << 16 | header[70] << 8 | header[71];
}

/* The folder of path, to be freed. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_text(".");
	return slash == path ? mem_text("/") : mem_bytes(path, (size_t)(slash - path));
}

/* File systems of other machines, where the shared memory of the log does not work. */
static bool is_remote(const char *folder)
{
	static const unsigned long kinds[] = {0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x0bd00bd0};
	struct statfs fs;

	if (statfs(folder, &fs) == 0)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (((unsigned long)fs.f_type & 0xffffffff) == kinds[k])
				return true;
	return false;
}

/* Whether there can be a store at path; *empty when the file is missing or has no bytes. */
static bool may_open(const char *path, enum store_mode mode, bool *empty, struct err *err)
{
	char *folder = folder_of(path);
	struct stat file, dir;
	bool ok = false;

	*empty = stat(path, &file) != 0;
	if (!*path) {
		err_set(err, ERR_STORE, "a store needs a file name");
	} else if (*empty && (errno == ENOENT || errno == ENOTDIR)) {
		if (mode == STORE_READ)
			err_set(err, ERR_STORE, "%s: no such store: sluice train makes one", path);
		else if (stat(folder, &dir) != 0 || !S_ISDIR(dir.st_mode))
			err_set(err, ERR_STORE,
				"%s: cannot be made, there is no folder %s: make it first", path,
				folder);
		else
			ok = true;
	} else if (*empty) {
		err_set(err, ERR_STORE, "%s: cannot be opened: %s", path, strerror(errno));
	} else if (!S_ISREG(file.st_mode)) {
		err_set(err, ERR_STORE, "%s: not a store but %s: name a file", path,
			S_ISDIR(file.st_mode) ? "a folder" : "a special file");
	} else if (file.st_size == 0) {
		*empty = true;
		ok = mode == STORE_WRITE ||
		     err_set(err, ERR_STORE, "%s: an empty file: sluice train makes a store of it",
			     path);
	} else if (access(path, R_OK) != 0) {
		err_set(err, ERR_STORE, "%s: cannot be read: %s", path, strerror(errno));
	} else {
		int64_t id = application_of(path);

		ok = id == SCHEMA_APPLICATION;
		if (id == -1)
			err_set(err, ERR_STORE, "%s: not a store: name another file", path);
		else if (!ok)
			err_set(err, ERR_STORE,
				"%s: a database of another program, left as it is: name another "
				"file",
				path);
	}
	if (ok && mode == STORE_WRITE && is_remote(folder))
		ok = err_set(err, ERR_STORE,
			     "%s: on a network file system, where SQLite loses data: use a local "
			     "disk",
			     path);
	free(folder);
	return ok;
}

/* Makes and opens the sidecar file. */
static bool open_lock(struct store *s, struct err *err)
{
	char *name = mem_printf("%s.lock", s->path);

	s->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock < 0)
		err_set(err, ERR_STORE, "%s: cannot be made: %s: choose a folder you may write to",
			name, strerror(errno));
	free(name);
	return s->lock >= 0;
}

static void disconnect(struct store *s)
{
	stmt_free_all(s);
	sqlite3_close(s->db);
	s->db = NULL;
}

static bool connect_to(struct store *s, const char *name, int flags, struct err *err)
{
	static const char settings[] = "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
				       "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0";
	int rc = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return store_fail(s, rc, err);
	sqlite3_extended_result_codes(s->db, 0);
	if (s->locked)
		share_wait(s);
	else
		sqlite3_busy_timeout(s->db, STORE_WAIT_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	return store_exec(s, settings, err);
}

/* With the sidecar lock: makes the header of a new store and moves it to this version. */
static bool prepare_to_write(struct store *s, bool empty, struct err *err)
{
	static const char settings[] =
		"PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
		"PRAGMA journal_size_limit=67108864; PRAGMA secure_delete=OFF;"
		"PRAGMA temp_store=MEMORY";
	const struct schema_step *steps;
	char sql[96];
	int version;

	steps = schema_steps(&version);
	if (!schema_known(s, version, err))
		return false;
	/* The mark goes into the file before the log exists: a file that died half-made is ours. */
	if (empty) {
		snprintf(sql, sizeof(sql), "BEGIN IMMEDIATE; PRAGMA application_id=%d; COMMIT",
			 SCHEMA_APPLICATION);
		if (!store_exec(s, sql, err)) {
			sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
			return false;
		}
	}
	if (!store_exec(s, "PRAGMA journal_mode=WAL", err) || !store_exec(s, settings, err))
		return false;
	sqlite3_wal_hook(s->db, count_frames, s);
	return schema_migrate(s, steps, version, err) && store_mark_crashed(s, NULL, err);
}

static bool open_to_write(struct store *s, const char *name, bool empty, struct err *err)
{
	bool ok;
	int fd;

	if (!open_lock(s, err) || !lock(s, STORE_WAIT_MS, err))
		return false;
	/* Somebody else may have made it while this process waited. */
	ok = may_open(s->path, STORE_WRITE, &empty, err);
	if (ok && empty) {
		fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			close(fd);
		else if (errno != EEXIST)
			ok = err_set(err, ERR_STORE, "%s: cannot be made: %s", s->path,
				     strerror(errno));
	} else if (ok && access(s->path, W_OK) != 0) {
		ok = err_set(err, ERR_STORE, "%s: not writable: %s", s->path, strerror(errno));
	}
	ok = ok && connect_to(s, name, SQLITE_OPEN_READWRITE, err) &&
	     prepare_to_write(s, empty, err);
	if (!ok)
		disconnect(s);
	unlock(s);
	return ok;
}

static bool open_older(struct store *s, const char *name, struct err *err);

/* A reader; without the right to make the log's index it takes the file as immutable. */
static bool open_to_read(struct store *s, const char *name, struct err *err)
{
	const struct schema_step *steps;
	char *log = mem_printf("%s-wal", s->path), *uri;
	struct stat st;
	int version, rc = SQLITE_OK;
	bool ok;

	ok = connect_to(s, name, SQLITE_OPEN_READONLY, err);
	if (ok)
		rc = sqlite3_exec(s->db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
	if ((rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY) && stat(log, &st) != 0) {
		disconnect(s);
		uri = immutable_uri(name);
		ok = connect_to(s, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
		free(uri);
	}
	free(log);
	ok = ok && store_exec(s, "PRAGMA query_only=ON", err);
	steps = schema_steps(&version);
	if (ok && schema_older(s, version) && access(s->path, W_OK) == 0) {
		disconnect(s);
		return open_older(s, name, err);
	}
	return ok && schema_migrate(s, steps, version, err);
}

/* A store of an earlier version, which this process may write: it is moved to this version first. */
static bool open_older(struct store *s, const char *name, struct err *err)
{
	struct store *writer = store_open(s->path, STORE_WRITE, err);

	store_close(writer);
	return writer && connect_to(s, name, SQLITE_OPEN_READONLY, err) &&
	       store_exec(s, "PRAGMA query_only=ON", err);
}

struct store *store_open(const char *path, enum store_mode mode, struct err *err)
{
	struct store *s;
	char *name;
	bool empty, ok;

	if (sqlite3_libversion_number() < OLDEST_SQLITE) {
		err_set(err, ERR_FAILED, "SQLite %s is too old: 3.37 or newer is needed",
			sqlite3_libversion());
		return NULL;
	}
	if (!may_open(path, mode, &empty, err))
		return NULL;
	s = mem_zero(1, sizeof(*s));
	s->path = mem_text(path);
	s->mode = mode;
	s->lock = -1;
	name = plain_path(path);
	ok = mode == STORE_WRITE ? open_to_write(s, name, empty, err) : open_to_read(s, name, err);
	free(name);
	if (ok)
		return s;
	store_close(s);
	return NULL;
}

/*
 * The last reader of a store leaves an empty log and its index behind. A connection that may write
 * removes them as it closes, if it is the only one then.
 */
static void tidy(const char *path)
{
	char *name = plain_path(path), *log = mem_printf("%s-wal", path);
	sqlite3 *db = NULL;
	struct stat st;

	if (stat(log, &st) == 0 && st.st_size == 0 && access(path, W_OK) == 0) {
		if (sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
			sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
		sqlite3_close(db);
	}
	free(log);
	free(name);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	while (s->depth > 0)
		store_rollback(s);
	stmt_free_all(s);
	/* The last connection empties and removes the log as it closes: under the lock too. */
	if (s->db && s->mode == STORE_WRITE && lock(s, CLOSE_WAIT_MS, NULL)) {
		sqlite3_exec(s->db, "PRAGMA optimize", NULL, NULL, NULL);
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		disconnect(s);
		unlock(s);
	} else {
		if (s->db && s->mode == STORE_WRITE)
			sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		disconnect(s);
		if (s->mode == STORE_READ)
			tidy(s->path);
	}
	if (s->lock >= 0)
		close(s->lock);
	free(s->path);
	free(s);
}

bool store_collect(struct store *s, int64_t deleted_before_ms, struct store_freed *freed,
		   struct err *err)
{
	struct store_freed f = {0};
	struct stmt *st;
	bool ok;

	if (!store_begin(s, err))
		return false;
	st = stmt_start(s, "DELETE FROM run WHERE deleted_ms<?", err);
	stmt_int(st, deleted_before_ms);
	ok = stmt_run(st, err);
	f.runs = ok ? sqlite3_changes(s->db) : 0;
	ok = ok && weights_collect(s, &f.chunks, &f.bytes, err);
	ok = ok && stmt_run(stmt_start(s,
				       "DELETE FROM vocab WHERE vocab_id NOT IN (SELECT vocab_id "
				       "FROM run_vocab)",
				       err),
			    err);
	f.vocabularies = ok ? sqlite3_changes(s->db) : 0;
	if (freed)
		*freed = f;
	return store_end(s, ok, err);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/schema.h"

#include "engine/base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * epoch_u is an epoch in millionths: an integer takes half the room of a fraction. uuid outlives
 * a move to another store, id is its short form. A run's owner is the process that trains it:
 * host, boot, pid and the start of that process. active_ms is time spent running; since_ms the
 * start of the span that is not in it yet.
 */
static const char run_table[] =
	"CREATE TABLE run("
	" run_id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE CHECK(length(uuid)=16),"
	" id TEXT NOT NULL UNIQUE CHECK(length(id)=8 AND id NOT GLOB '*[^0-9a-f]*'),"
	" parent_id INTEGER REFERENCES run(run_id) ON DELETE SET NULL, parent_step INTEGER,"
	" name TEXT NOT NULL, note TEXT NOT NULL DEFAULT '',"
	" task TEXT NOT NULL, cell TEXT NOT NULL, hidden INTEGER NOT NULL, layers INTEGER NOT NULL,"
	" embed INTEGER NOT NULL, parameters INTEGER NOT NULL, spec TEXT NOT NULL,"
	" seed INTEGER NOT NULL, threads INTEGER NOT NULL,"
	" status TEXT NOT NULL CHECK(status IN('created','running','paused','finished','stopped',"
	"'failed','diverged','crashed')), message TEXT NOT NULL DEFAULT '',"
	" created_ms INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER,"
	" heartbeat_ms INTEGER NOT NULL, deleted_ms INTEGER,"
	" since_ms INTEGER, active_ms INTEGER NOT NULL DEFAULT 0,"
	" step INTEGER NOT NULL DEFAULT 0, epoch_u INTEGER NOT NULL DEFAULT 0,"
	" best_step INTEGER, best_epoch_u INTEGER, best_loss REAL, best_accuracy REAL,"
	" host TEXT NOT NULL, boot TEXT NOT NULL, pid INTEGER NOT NULL,"
	" pid_start INTEGER NOT NULL, machine TEXT NOT NULL, build TEXT NOT NULL,"
	" version TEXT NOT NULL, command TEXT NOT NULL) STRICT";

static const char *const version_1[] = {
	"CREATE TABLE migration(version INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL) STRICT",
	run_table,
	"CREATE UNIQUE INDEX run_by_name ON run(name) WHERE deleted_ms IS NULL",
	"CREATE INDEX run_by_time ON run(created_ms)",
	"CREATE INDEX run_live ON run(status) WHERE status IN('created','running','paused')",
	"CREATE TABLE param("
	" run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL,"
	" value TEXT NOT NULL, num REAL, PRIMARY KEY(run_id, name)) STRICT, WITHOUT ROWID",
	"CREATE INDEX param_by_name ON param(name, num)",
	"CREATE TABLE tag("
	" run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, tag TEXT NOT NULL,"
	" PRIMARY KEY(run_id, tag)) STRICT, WITHOUT ROWID",
	"CREATE INDEX tag_by_tag ON tag(tag)",
	"CREATE TABLE dataset("
	" run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, role TEXT NOT NULL,"
	" name TEXT NOT NULL, sha256 BLOB NOT NULL CHECK(length(sha256)=32),"
	" bytes INTEGER NOT NULL, rows INTEGER NOT NULL,"
	" PRIMARY KEY(run_id, role)) STRICT, WITHOUT ROWID",
	"CREATE TABLE metric_key("
	" key_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" goal TEXT CHECK(goal IN('min','max'))) STRICT",
	"CREATE TABLE metric("
	" run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
	" key_id INTEGER NOT NULL REFERENCES metric_key, step INTEGER NOT NULL,"
	" value REAL, epoch_u INTEGER NOT NULL, after_ms INTEGER NOT NULL," /* since created_ms */
	" PRIMARY KEY(run_id, key_id, step)) STRICT, WITHOUT ROWID",
	"CREATE TABLE metric_summary("
	" run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
	" key_id INTEGER NOT NULL REFERENCES metric_key, n INTEGER NOT NULL,"
	" n_nan INTEGER NOT NULL, n_nonfinite INTEGER NOT NULL, first_nonfinite_step INTEGER,"
	" last_step INTEGER NOT NULL, last_epoch_u INTEGER NOT NULL, last_value REAL,"
	" min_step INTEGER, min_epoch_u INTEGER, min_value REAL,"
	" max_step INTEGER, max_epoch_u INTEGER, max_value REAL,"
	" PRIMARY KEY(run_id, key_id)) STRICT, WITHOUT ROWID",
	"CREATE INDEX metric_summary_by_key ON metric_summary(key_id)",
	/* A rowid table: rows without one cannot hold long values well. */
	"CREATE TABLE chunk("
	" chunk_id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE CHECK(length(sha256)=32),"
	" data BLOB NOT NULL) STRICT",
	"CREATE TABLE checkpoint("
	" checkpoint_id INTEGER PRIMARY KEY,"
	" run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, step INTEGER NOT NULL,"
	" epoch_u INTEGER NOT NULL, kind TEXT NOT NULL, t_ms INTEGER NOT NULL,"
	" UNIQUE(run_id, step)) STRICT",
	/* sha256 of a tensor: of the hashes of its chunks, one after another. */
	"CREATE TABLE tensor("
	" tensor_id INTEGER PRIMARY KEY,"
	" checkpoint_id INTEGER NOT NULL REFERENCES checkpoint ON DELETE CASCADE,"
	" name TEXT NOT NULL, role TEXT NOT NULL CHECK(role IN('weight','state')),"
	" dtype TEXT NOT NULL CHECK(dtype IN('f32','u64','bytes')), shape TEXT NOT NULL,"
	" bytes INTEGER NOT NULL, sha256 BLOB NOT NULL, UNIQUE(checkpoint_id, name)) STRICT",
	"CREATE TABLE tensor_chunk("
	" tensor_id INTEGER NOT NULL REFERENCES tensor ON DELETE CASCADE, seq INTEGER NOT NULL,"
	" chunk_id INTEGER NOT NULL REFERENCES chunk,"
	" PRIMARY KEY(tensor_id, seq)) STRICT, WITHOUT ROWID",
	"CREATE INDEX tensor_chunk_by_chunk ON tensor_chunk(chunk_id)",
	"CREATE TABLE vocab("
	" vocab_id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE CHECK(length(sha256)=32),"
	" size INTEGER NOT NULL, spec TEXT NOT NULL) STRICT",
	"CREATE TABLE vocab_token("
	" vocab_id INTEGER NOT NULL REFERENCES vocab ON DELETE CASCADE, id INTEGER NOT NULL,"
	" token BLOB NOT NULL, count INTEGER NOT NULL,"
	" PRIMARY KEY(vocab_id, id)) STRICT, WITHOUT ROWID",
	"CREATE TABLE run_vocab("
	" run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, role TEXT NOT NULL,"
	" vocab_id INTEGER NOT NULL REFERENCES vocab,"
	" PRIMARY KEY(run_id, role)) STRICT, WITHOUT ROWID",
	"CREATE INDEX run_vocab_by_vocab ON run_vocab(vocab_id)",
	"CREATE TABLE event("
	" event_id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" run_id INTEGER REFERENCES run ON DELETE CASCADE, t_ms INTEGER NOT NULL,"
	" level TEXT NOT NULL CHECK(level IN('info','warn','error')), kind TEXT NOT NULL,"
	" message TEXT NOT NULL) STRICT",
	"CREATE INDEX event_by_run ON event(run_id)",
	NULL,
};

static const char *const version_2[] = {
	"CREATE TABLE unit_note("
	" run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, layer TEXT NOT NULL,"
	" unit INTEGER NOT NULL, note TEXT NOT NULL, t_ms INTEGER NOT NULL,"
	" PRIMARY KEY(run_id, layer, unit)) STRICT",
	NULL,
};

static const struct schema_step steps_of_this_version[] = {{version_1}, {version_2}};

#define ISO(ms) "strftime('%Y-%m-%dT%H:%M:%SZ', (" ms ")/1000, 'unixepoch')"
#define SECONDS "(r.active_ms+coalesce(r.heartbeat_ms-r.since_ms, 0))/1000.0"
#define TAGS "(SELECT group_concat(tag, ',') FROM tag WHERE tag.run_id=r.run_id)"
#define DATA "(SELECT d.name FROM dataset d WHERE d.run_id=r.run_id AND d.role='train')"
#define LAST_TRAIN_LOSS                                                                            \
	"(SELECT s.last_value FROM metric_summary s WHERE s.run_id=r.run_id AND"                   \
	" s.key_id=(SELECT key_id FROM metric_key WHERE name='train/loss'))"

static const struct schema_view views[] = {
	{"runs", "every run that is not deleted: what it is, where and how it ran",
	 "SELECT r.id AS run, r.name, r.task, r.cell, r.hidden, r.layers, r.embed, r.parameters,"
	 " r.status, r.message, r.note, " TAGS " AS tags, r.step AS steps, r.epoch_u/1e6 AS epochs,"
	 " r.seed, r.threads, " DATA " AS data, " SECONDS " AS seconds,"
	 " " ISO("r.created_ms") " AS created, " ISO(
		 "r.started_ms") " AS started,"
				 " " ISO("r.ended_ms") " AS ended, r.created_ms, r.started_ms, "
						       "r.ended_ms,"
						       " r.host, r.machine, r.build, r.version, "
						       "r.command, p.id AS parent, r.parent_step"
						       " FROM run r LEFT JOIN run p ON "
						       "p.run_id=r.parent_id WHERE r.deleted_ms IS "
						       "NULL"},
	{"runs_overview", "one line a run: its size, state, last loss and best validation",
	 "SELECT r.id AS run, r.name, r.task, r.cell, r.hidden, r.layers, r.embed, r.status,"
	 " r.step AS steps, r.epoch_u/1e6 AS epochs, " LAST_TRAIN_LOSS " AS train_loss,"
	 " r.best_loss AS best_valid_loss, r.best_accuracy AS best_valid_accuracy, r.best_step,"
	 " r.best_epoch_u/1e6 AS best_epoch, " SECONDS " AS seconds,"
	 " " ISO("r.created_ms") " AS created, r.created_ms, " DATA " AS data, " TAGS " AS tags,"
				 " r.note FROM run r WHERE r.deleted_ms IS NULL"},
	{"params", "the settings of each run, as text and, where it is one, as a number",
	 "SELECT r.id AS run, r.name, p.name AS param, p.value, p.num AS number"
	 " FROM run r JOIN param p ON p.run_id=r.run_id WHERE r.deleted_ms IS NULL"},
	{"metrics", "every recorded point; NULL stands for NaN",
	 "SELECT r.id AS run, r.name, k.name AS metric, m.step, m.epoch_u/1e6 AS epoch, m.value,"
	 " " ISO("r.created_ms+m.after_ms") " AS time, r.created_ms+m.after_ms AS time_ms"
					    " FROM run r JOIN metric m ON m.run_id=r.run_id JOIN "
					    "metric_key k ON k.key_id=m.key_id"
					    " WHERE r.deleted_ms IS NULL"},
	{"metrics_last", "last, lowest and highest value of each metric of each run",
	 "SELECT r.id AS run, r.name, k.name AS metric, s.n AS points, s.n_nan AS nan,"
	 " s.n_nonfinite AS nonfinite, s.first_nonfinite_step, s.last_step,"
	 " s.last_epoch_u/1e6 AS last_epoch, s.last_value, s.min_step,"
	 " s.min_epoch_u/1e6 AS min_epoch, s.min_value, s.max_step,"
	 " s.max_epoch_u/1e6 AS max_epoch, s.max_value"
	 " FROM run r JOIN metric_summary s ON s.run_id=r.run_id"
	 " JOIN metric_key k ON k.key_id=s.key_id WHERE r.deleted_ms IS NULL"},
	{"best_runs", "runs ranked by each metric that has a better direction",
	 "SELECT metric, goal, rank() OVER (PARTITION BY metric ORDER BY"
	 " iif(goal='min', best, -best)) AS rank, run, name, best, step, epoch FROM ("
	 "SELECT k.name AS metric, k.goal, r.id AS run, r.name,"
	 " iif(k.goal='min', s.min_value, s.max_value) AS best,"
	 " iif(k.goal='min', s.min_step, s.max_step) AS step,"
	 " iif(k.goal='min', s.min_epoch_u, s.max_epoch_u)/1e6 AS epoch"
	 " FROM metric_key k JOIN metric_summary s ON s.key_id=k.key_id"
	 " JOIN run r ON r.run_id=s.run_id WHERE k.goal IS NOT NULL AND r.deleted_ms IS NULL)"
	 " WHERE best IS NOT NULL"},
	{"checkpoints", "stored weights: step, size, whether best and whether training can go on",
	 "SELECT r.id AS run, r.name, c.step, c.epoch_u/1e6 AS epoch, c.kind,"
	 " l.value AS valid_loss, a.value AS valid_accuracy,"
	 " row_number() OVER (PARTITION BY c.run_id ORDER BY" SCHEMA_BEST_FIRST ")=1 AS best,"
	 " EXISTS(SELECT 1 FROM tensor t WHERE t.checkpoint_id=c.checkpoint_id AND"
	 " t.role='state') AS resumable,"
	 " (SELECT count(*) FROM tensor t WHERE t.checkpoint_id=c.checkpoint_id) AS tensors,"
	 " (SELECT total(bytes) FROM tensor t WHERE t.checkpoint_id=c.checkpoint_id) AS bytes,"
	 " " ISO("c.t_ms") " AS time, c.t_ms AS time_ms"
			   " FROM run r JOIN checkpoint c ON c.run_id=r.run_id" SCHEMA_SCORES
			   " WHERE r.deleted_ms IS NULL"},
	{"vocabulary",
	 "the tokens of each run with their ids and counts; classes as role 'classes'",
	 "SELECT r.id AS run, r.name, v.role, t.id AS token_id, CAST(t.token AS TEXT) AS token,"
	 " t.count FROM run r JOIN run_vocab v ON v.run_id=r.run_id"
	 " JOIN vocab_token t ON t.vocab_id=v.vocab_id WHERE r.deleted_ms IS NULL"},
	{"tensors", "every stored tensor: shape, type, size and hash",
	 "SELECT r.id AS run, r.name, c.step, t.name AS tensor, t.role, t.dtype, t.shape, t.bytes,"
	 " lower(hex(t.sha256)) AS sha256 FROM run r JOIN checkpoint c ON c.run_id=r.run_id"
	 " JOIN tensor t ON t.checkpoint_id=c.checkpoint_id WHERE r.deleted_ms IS NULL"},
	{"events", "what happened, to a run or to the store, oldest first",
	 "SELECT e.event_id AS event, r.id AS run, r.name, " ISO(
		 "e.t_ms") " AS time,"
			   " e.t_ms AS time_ms, e.level, e.kind, e.message"
			   " FROM event e LEFT JOIN run r ON r.run_id=e.run_id ORDER BY "
			   "e.event_id"},
	{"unit_notes", "what was noted of single units of a run",
	 "SELECT r.id AS run, r.name, u.layer, u.unit, u.note, " ISO(
		 "u.t_ms") " AS time,"
			   " u.t_ms AS time_ms FROM unit_note u JOIN run r ON r.run_id=u.run_id"
			   " WHERE r.deleted_ms IS NULL"},
};

const struct schema_step *schema_steps(int *version)
{
	*version = (int)(sizeof(steps_of_this_version) / sizeof(steps_of_this_version[0]));
	return steps_of_this_version;
}

const struct schema_view *schema_view_at(int index)
{
	return index >= 0 && index < (int)(sizeof(views) / sizeof(views[0])) ? &views[index] : NULL;
}

/* Copies the store, as it is, to path; for its owner alone, as the store is. */
static bool copy_to(struct store *s, const char *path, struct err *err)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	sqlite3_backup *backup = NULL;
	sqlite3 *to = NULL;
	int rc;

	if (fd >= 0)
		close(fd);
	rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (rc == SQLITE_OK)
		backup = sqlite3_backup_init(to, "main", s->db, "main");
	if (backup) {
		sqlite3_backup_step(backup, -1);
		rc = sqlite3_backup_finish(backup);
	} else if (rc == SQLITE_OK) {
		rc = sqlite3_errcode(to);
	}
	if (rc != SQLITE_OK)
		err_set(err, ERR_STORE, "%s: cannot make the copy that comes before migrating: %s",
			path, sqlite3_errmsg(to));
	sqlite3_close(to);
	return rc == SQLITE_OK;
}

static bool make_views(struct store *s, struct err *err)
{
	const struct schema_view *v;
	bool ok = true;

	for (int k = 0; ok && (v = schema_view_at(k)); k++) {
		char *sql = mem_printf("DROP VIEW IF EXISTS %s; CREATE VIEW %s AS %s", v->name,
				       v->name, v->sql);

		ok = store_exec(s, sql, err);
		free(sql);
	}
	return ok;
}

static bool apply(struct store *s, const struct schema_step *steps, int from, int to,
		  struct err *err)
{
	char sql[128];

	for (int k = from; k < to; k++) {
		for (const char *const *p = steps[k].sql; *p; p++)
			if (!store_exec(s, *p, err))
				return false;
		snprintf(sql, sizeof(sql), "INSERT INTO migration VALUES(%d, %lld)", k + 1,
			 (long long)store_now_ms());
		if (!store_exec(s, sql, err))
			return false;
	}
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", to);
	return make_views(s, err) && store_exec(s, sql, err);
}

/* The version in the file's header; -1 with err set on failure. */
static int version_of(struct store *s, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int version = -1, rc = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (version < 0)
		store_fail(s, rc == SQLITE_ROW ? SQLITE_CORRUPT : rc, err);
	return version;
}

/* version_of, which must not be above this; -1 with err set. */
static int known_version(struct store *s, int version, struct err *err)
{
	int from = version_of(s, err);

	if (from <= version)
		return from;
	err_set(err, ERR_STORE,
		"%s: made by a newer sluice (its schema has version %d, this program knows %d): "
		"use the newer program",
		s->path, from, version);
	return -1;
}

bool schema_known(struct store *s, int version, struct err *err)
{
	return known_version(s, version, err) >= 0;
}

bool schema_older(struct store *s, int version)
{
	const int from = version_of(s, NULL);

	return from > 0 && from < version;
}

bool schema_migrate(struct store *s, const struct schema_step *steps, int version, struct err *err)
{
	int from = known_version(s, version, err);
	bool ok = true;

	if (from < 0 || from == version)
		return from == version;
	if (s->mode == STORE_READ)
		return err_set(err, ERR_STORE,
			       "%s: its schema has version %d, this program needs %d: open it once "
			       "for writing, for instance with sluice train",
			       s->path, from, version);
	if (from > 0) {
		char *copy = mem_printf("%s.pre-v%d", s->path, version);

		ok = copy_to(s, copy, err);
		free(copy);
	}
	if (!ok || !store_begin(s, err))
		return false;
	ok = apply(s, steps, from, version, err);
	return store_end(s, ok, err);
}

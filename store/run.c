/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/run.h"

#include "engine/base/mem.h"
#include "store/event.h"
#include "store/owner.h"
#include "store/statement.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char *const status_names[RUN_STATUS_COUNT] = {
	"created", "running", "paused", "finished", "stopped", "failed", "diverged", "crashed",
};

const char *run_status_name(enum run_status status)
{
	return status_names[status];
}

enum run_status run_status_of(const char *name)
{
	int k = 0;

	while (k < RUN_STATUS_COUNT && strcmp(name, status_names[k]) != 0)
		k++;
	return (enum run_status)k;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

bool run_name_check(const char *name, struct err *err)
{
	if (!*name || strlen(name) >= RUN_NAME_SIZE - 8)
		return err_set(err, ERR_USAGE, "a run's name has 1 to %d bytes", RUN_NAME_SIZE - 9);
	if (has_control(name))
		return err_set(err, ERR_USAGE, "a run's name has no control characters");
	if (strchr(name, '@') || strcmp(name, "last") == 0 || strncmp(name, "last~", 5) == 0 ||
	    strncmp(name, "best:", 5) == 0)
		return err_set(
			err, ERR_USAGE,
			"%s: not a name for a run: @, last and best: have a meaning of their "
			"own",
			name);
	return true;
}

/* Whether a run that is not deleted has this name; another one than run. */
static bool name_taken(struct store *s, const char *name, int64_t run, bool *taken, struct err *err)
{
	struct stmt *st = stmt_start(
		s, "SELECT 1 FROM run WHERE name=? AND deleted_ms IS NULL AND run_id<>?", err);
	int64_t found;

	stmt_text(st, name);
	stmt_int(st, run);
	if (!stmt_value(st, &found, 0, err))
		return false;
	*taken = found != 0;
	return true;
}

/* The first of NAME, NAME-2, NAME-3 … that is free. */
static bool free_name(struct store *s, const char *name, int64_t run, char out[RUN_NAME_SIZE],
		      struct err *err)
{
	bool taken = true;

	for (int k = 1; taken; k++) {
		if (k == 1)
			snprintf(out, RUN_NAME_SIZE, "%s", name);
		else
			snprintf(out, RUN_NAME_SIZE, "%.*s-%d", RUN_NAME_SIZE - 13, name, k);
		if (!name_taken(s, out, run, &taken, err))
			return false;
	}
	return true;
}

/* 16 random bytes whose first four, in hex, no other run has. */
static bool free_id(struct store *s, unsigned char uuid[16], char id[RUN_ID_SIZE], struct err *err)
{
	struct stmt *st;
	int64_t taken = 1;

	while (taken) {
		if (getrandom(uuid, 16, 0) != 16)
			return err_set(err, ERR_FAILED, "the system gives no random bytes");
		snprintf(id, RUN_ID_SIZE, "%02x%02x%02x%02x", uuid[0], uuid[1], uuid[2], uuid[3]);
		st = stmt_start(s, "SELECT 1 FROM run WHERE id=?", err);
		stmt_text(st, id);
		if (!stmt_value(st, &taken, 0, err))
			return false;
	}
	return true;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static bool insert(struct store *s, const struct run_new *r, const unsigned char *uuid,
		   const char *id, const char *name, struct err *err)
{
	struct owner self = owner_self();
	int64_t now = store_now_ms();
	struct stmt *st = stmt_start(
		s,
		"INSERT INTO run(uuid, id, name, note, task, cell, hidden, layers, embed, threads,"
		" parameters, seed, spec, machine, build, version, command, parent_id, parent_step,"
		" status, created_ms, heartbeat_ms, host, boot, pid, pid_start)"
		" VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'created',?,?,?,?,?,?)",
		err);

	stmt_blob(st, uuid, 16);
	stmt_text(st, id);
	stmt_text(st, name);
	stmt_text(st, or_empty(r->note));
	stmt_text(st, or_empty(r->task));
	stmt_text(st, or_empty(r->cell));
	stmt_int(st, r->hidden);
	stmt_int(st, r->layers);
	stmt_int(st, r->embed);
	stmt_int(st, r->threads);
	stmt_int(st, r->parameters);
	stmt_int(st, r->seed);
	stmt_text(st, or_empty(r->spec));
	stmt_text(st, or_empty(r->machine));
	stmt_text(st, or_empty(r->build));
	stmt_text(st, or_empty(r->version));
	stmt_text(st, or_empty(r->command));
	stmt_id(st, r->parent);
	stmt_id(st, r->parent ? r->parent_step : 0);
	stmt_int(st, now);
	stmt_int(st, now);
	stmt_text(st, self.host);
	stmt_text(st, self.boot);
	stmt_int(st, self.pid);
	stmt_int(st, self.start);
	return stmt_run(st, err);
}

int64_t store_run_add(struct store *s, const struct run_new *r, char id[RUN_ID_SIZE],
		      struct err *err)
{
	char name[RUN_NAME_SIZE], usual[RUN_NAME_SIZE];
	const char *wanted = r->name ? r->name : usual;
	unsigned char uuid[16];
	int64_t run = 0;
	bool ok;

	snprintf(usual, sizeof(usual), "%.40s-%.40s", or_empty(r->task), or_empty(r->cell));
	if (!run_name_check(wanted, err) || !store_begin(s, err))
		return 0;
	ok = free_name(s, wanted, 0, name, err) && free_id(s, uuid, id, err) &&
	     insert(s, r, uuid, id, name, err);
	if (ok) {
		run = sqlite3_last_insert_rowid(s->db);
		ok = store_event_add(s, run, EVENT_INFO, "created", name, err);
	}
	return store_end(s, ok, err) ? run : 0;
}

/* An UPDATE that must have found its run. */
static bool run_update(struct store *s, struct stmt *st, struct err *err)
{
	if (!stmt_run(st, err))
		return false;
	return sqlite3_changes(s->db) == 1 || err_set(err, ERR_NO_RUN, "no such run");
}

static bool set_status(struct store *s, int64_t run, enum run_status status, const char *message,
		       int64_t now, struct err *err)
{
	struct owner self = owner_self();
	struct stmt *st;

	/* Time up to now counts when the run was running; a crashed one ran until its last sign. */
	st = stmt_start(s,
			"UPDATE run SET status=?2, message=?3,"
			" active_ms=active_ms+coalesce(max(0, ?4-since_ms), 0),"
			" since_ms=iif(?2='running', ?4, NULL),"
			" started_ms=iif(?2='running', coalesce(started_ms, ?4), started_ms),"
			" ended_ms=iif(?2 IN('created','running','paused'), NULL, ?4),"
			" heartbeat_ms=?4 WHERE run_id=?1",
			err);
	stmt_int(st, run);
	stmt_text(st, status_names[status]);
	stmt_text(st, or_empty(message));
	stmt_int(st, now);
	if (!run_update(s, st, err))
		return false;
	if (status != RUN_RUNNING)
		return true;
	st = stmt_start(s, "UPDATE run SET host=?, boot=?, pid=?, pid_start=? WHERE run_id=?", err);
	stmt_text(st, self.host);
	stmt_text(st, self.boot);
	stmt_int(st, self.pid);
	stmt_int(st, self.start);
	stmt_int(st, run);
	return run_update(s, st, err);
}

bool store_run_status(struct store *s, int64_t run, enum run_status status, const char *message,
		      struct err *err)
{
	enum event_level level = status == RUN_FAILED || status == RUN_DIVERGED ? EVENT_ERROR
				 : status == RUN_CRASHED                        ? EVENT_WARN
										: EVENT_INFO;
	char text[512];
	bool ok;

	if (!store_begin(s, err))
		return false;
	if (status > RUN_PAUSED)
		s->sync_due = true;
	snprintf(text, sizeof(text), "%s%s%s", status_names[status],
		 message && *message ? ": " : "", or_empty(message));
	ok = set_status(s, run, status, message, store_now_ms(), err) &&
	     store_event_add(s, run, level, "status", text, err);
	return store_end(s, ok, err);
}

bool store_run_heartbeat(struct store *s, int64_t run, int64_t step, double epoch, struct err *err)
{
	struct stmt *st;
	bool ok;

	if (!store_begin(s, err))
		return false;
	st = stmt_start(s, "UPDATE run SET step=?, epoch_u=?, heartbeat_ms=? WHERE run_id=?", err);
	stmt_int(st, step);
	stmt_int(st, llround(epoch * 1e6));
	stmt_int(st, store_now_ms());
	stmt_int(st, run);
	ok = run_update(s, st, err);
	return store_end(s, ok, err);
}

/* The live runs whose process has ended, in *dead (to be freed), with their last sign of life. */
struct dead_run {
	int64_t run, heartbeat_ms, step;
};

static bool find_dead(struct store *s, struct dead_run **dead, size_t *count, struct err *err)
{
	struct stmt *st = stmt_start(s,
				     "SELECT run_id, heartbeat_ms, step, host, boot, pid, pid_start"
				     " FROM run WHERE status IN('created','running','paused')",
				     err);
	size_t cap = 0;
	int more;

	while ((more = stmt_row(st, err)) > 0) {
		struct owner o = {.pid = stmt_int_at(st, 5), .start = stmt_int_at(st, 6)};

		snprintf(o.host, sizeof(o.host), "%s", stmt_text_at(st, 3));
		snprintf(o.boot, sizeof(o.boot), "%s", stmt_text_at(st, 4));
		if (!owner_is_dead(&o))
			continue;
		*dead = mem_grow(*dead, &cap, *count + 1, sizeof(**dead));
		(*dead)[(*count)++] = (struct dead_run){stmt_int_at(st, 0), stmt_int_at(st, 1),
							stmt_int_at(st, 2)};
	}
	return more == 0;
}

bool store_mark_crashed(struct store *s, int *count, struct err *err)
{
	struct dead_run *dead = NULL;
	size_t n = 0;
	char text[128];
	bool ok;

	if (!store_begin(s, err))
		return false;
	ok = find_dead(s, &dead, &n, err);
	for (size_t k = 0; ok && k < n; k++) {
		snprintf(text, sizeof(text),
			 "its process ended without a word; the last recorded step is %lld",
			 (long long)dead[k].step);
		ok = set_status(s, dead[k].run, RUN_CRASHED, text, dead[k].heartbeat_ms, err) &&
		     store_event_add(s, dead[k].run, EVENT_WARN, "crashed", text, err);
	}
	free(dead);
	if (count)
		*count = ok ? (int)n : 0;
	return store_end(s, ok, err);
}

/* Sets one text column and writes an event. */
static bool set_text(struct store *s, const char *sql, int64_t run, const char *text,
		     const char *kind, struct err *err)
{
	struct stmt *st = stmt_start(s, sql, err);

	stmt_text(st, text);
	stmt_int(st, run);
	return run_update(s, st, err) && store_event_add(s, run, EVENT_INFO, kind, text, err);
}

bool store_run_rename(struct store *s, int64_t run, const char *name, struct err *err)
{
	bool taken = false, ok;

	if (!run_name_check(name, err) || !store_begin(s, err))
		return false;
	ok = name_taken(s, name, run, &taken, err);
	if (taken)
		ok = err_set(err, ERR_USAGE, "%s: another run has this name", name);
	ok = ok && set_text(s, "UPDATE run SET name=? WHERE run_id=?", run, name, "rename", err);
	return store_end(s, ok, err);
}

bool store_run_note(struct store *s, int64_t run, const char *note, struct err *err)
{
	bool ok;

	if (!store_begin(s, err))
		return false;
	ok = set_text(s, "UPDATE run SET note=? WHERE run_id=?", run, note, "note", err);
	return store_end(s, ok, err);
}

/* Adds or removes a tag and writes an event if that changed anything. */
static bool tag_change(struct store *s, const char *sql, int64_t run, const char *tag,
		       const char *kind, struct err *err)
{
	struct stmt *st;
	int64_t there;
	bool ok;

	if (!store_begin(s, err))
		return false;
	st = stmt_start(s, "SELECT 1 FROM run WHERE run_id=?", err);
	stmt_int(st, run);
	ok = stmt_value(st, &there, 0, err);
	if (ok && !there)
		ok = err_set(err, ERR_NO_RUN, "no such run");
	if (ok) {
		st = stmt_start(s, sql, err);
		stmt_int(st, run);
		stmt_text(st, tag);
		ok = stmt_run(st, err);
	}
	if (ok && sqlite3_changes(s->db))
		ok = store_event_add(s, run, EVENT_INFO, kind, tag, err);
	return store_end(s, ok, err);
}

bool run_tag_check(const char *tag, struct err *err)
{
	return (*tag && strlen(tag) < RUN_NAME_SIZE && !strchr(tag, ',') && !has_control(tag)) ||
	       err_set(err, ERR_USAGE,
		       "a tag has 1 to %d bytes, no comma and no control characters",
		       RUN_NAME_SIZE - 1);
}

bool store_tag_add(struct store *s, int64_t run, const char *tag, struct err *err)
{
	return run_tag_check(tag, err) &&
	       tag_change(s, "INSERT INTO tag VALUES(?,?) ON CONFLICT DO NOTHING", run, tag, "tag",
			  err);
}

bool store_tag_remove(struct store *s, int64_t run, const char *tag, struct err *err)
{
	return tag_change(s, "DELETE FROM tag WHERE run_id=? AND tag=?", run, tag, "untag", err);
}

/* Its name, and what the caller needs to know before it deletes or restores. */
static bool read_run(struct store *s, int64_t run, char name[RUN_NAME_SIZE], bool *live,
		     struct owner *o, struct err *err)
{
	struct stmt *st = stmt_start(
		s,
		"SELECT name, status='running', host, boot, pid, pid_start FROM run WHERE run_id=?",
		err);
	int more;

	stmt_int(st, run);
	more = stmt_row(st, err);
	if (more <= 0)
		return more == 0 && err_set(err, ERR_NO_RUN, "no such run");
	snprintf(name, RUN_NAME_SIZE, "%s", stmt_text_at(st, 0));
	*live = stmt_int_at(st, 1) != 0;
	*o = (struct owner){.pid = stmt_int_at(st, 4), .start = stmt_int_at(st, 5)};
	snprintf(o->host, sizeof(o->host), "%s", stmt_text_at(st, 2));
	snprintf(o->boot, sizeof(o->boot), "%s", stmt_text_at(st, 3));
	stmt_end(st);
	return true;
}

bool store_run_remove(struct store *s, int64_t run, struct err *err)
{
	char name[RUN_NAME_SIZE];
	struct stmt *st;
	struct owner o;
	bool live = false, ok;

	if (!store_begin(s, err))
		return false;
	ok = read_run(s, run, name, &live, &o, err);
	if (ok && live && !owner_is_dead(&o))
		ok = err_set(err, ERR_USAGE, "%s: still running: stop it first", name);
	if (ok) {
		st = stmt_start(
			s, "UPDATE run SET deleted_ms=coalesce(deleted_ms, ?) WHERE run_id=?", err);
		stmt_int(st, store_now_ms());
		stmt_int(st, run);
		ok = run_update(s, st, err) &&
		     store_event_add(s, run, EVENT_INFO, "remove", name, err);
	}
	return store_end(s, ok, err);
}

bool store_run_restore(struct store *s, int64_t run, struct err *err)
{
	char old[RUN_NAME_SIZE], name[RUN_NAME_SIZE];
	struct owner o;
	bool live, ok;

	if (!store_begin(s, err))
		return false;
	ok = read_run(s, run, old, &live, &o, err) && free_name(s, old, run, name, err) &&
	     set_text(s, "UPDATE run SET deleted_ms=NULL, name=? WHERE run_id=?", run, name,
		      "restore", err);
	return store_end(s, ok, err);
}

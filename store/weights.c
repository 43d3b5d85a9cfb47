/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/weights.h"

#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "store/schema.h"
#include "store/statement.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int64_t size; /* of an element */
} types[TENSOR_TYPE_COUNT] = {{"f32", 4}, {"u64", 8}, {"bytes", 1}};

static const char *const roles[] = {"weight", "state"};

const char *tensor_type_name(enum tensor_type type)
{
	return types[type].name;
}

/* Whether shape and type take exactly this many bytes; nothing may overflow on the way. */
static bool fits(const struct store_tensor *t, int64_t bytes)
{
	int64_t n = types[t->type].size;

	for (int k = 0; k < t->rank; k++) {
		if (t->shape[k] < 0 || (t->shape[k] && n > INT64_MAX / t->shape[k]))
			return false;
		n *= t->shape[k];
	}
	return n == bytes;
}

/* The rowid of the chunk with these bytes, stored now if it is new; 0 with err set on failure. */
static int64_t put_chunk(struct store *s, const unsigned char *p, size_t n,
			 const unsigned char *hash, struct err *err)
{
	struct stmt *st = stmt_start(s, "SELECT chunk_id FROM chunk WHERE sha256=?", err);
	int64_t id;

	stmt_blob(st, hash, SHA256_BYTES);
	if (!stmt_value(st, &id, 0, err))
		return 0;
	if (id)
		return id;
	st = stmt_start(s, "INSERT INTO chunk(sha256, data) VALUES(?,?)", err);
	stmt_blob(st, hash, SHA256_BYTES);
	stmt_blob(st, p, n);
	return stmt_run(st, err) ? sqlite3_last_insert_rowid(s->db) : 0;
}

static size_t chunk_at(size_t bytes, size_t offset)
{
	return bytes - offset < WEIGHTS_CHUNK ? bytes - offset : WEIGHTS_CHUNK;
}

static bool put_chunks(struct store *s, int64_t tensor, const struct store_tensor *t,
		       unsigned char hash[SHA256_BYTES], struct err *err)
{
	unsigned char one[SHA256_BYTES];
	struct sha256 all;
	int64_t seq = 0;

	sha256_start(&all);
	for (size_t at = 0; at < t->bytes; at += WEIGHTS_CHUNK) {
		const unsigned char *p = (const unsigned char *)t->data + at;
		size_t n = chunk_at(t->bytes, at);
		struct stmt *st;
		int64_t chunk;

		sha256_of(p, n, one);
		sha256_add(&all, one, SHA256_BYTES);
		chunk = put_chunk(s, p, n, one, err);
		if (!chunk)
			return false;
		st = stmt_start(s, "INSERT INTO tensor_chunk VALUES(?,?,?)", err);
		stmt_int(st, tensor);
		stmt_int(st, seq++);
		stmt_int(st, chunk);
		if (!stmt_run(st, err))
			return false;
	}
	sha256_end(&all, hash);
	return true;
}

static bool put_tensor(struct store *s, int64_t checkpoint, const struct store_tensor *t,
		       struct err *err)
{
	unsigned char hash[SHA256_BYTES] = {0};
	char shape[96] = "["; /* four numbers of 19 digits at most */
	int at = 1;
	struct stmt *st;
	int64_t id;

	if (t->rank < 0 || t->rank > TENSOR_RANK || t->bytes > INT64_MAX ||
	    !fits(t, (int64_t)t->bytes))
		return err_set(err, ERR_FAILED, "tensor %s: its shape and its size do not agree",
			       t->name);
	for (int k = 0; k < t->rank; k++)
		at += snprintf(shape + at, sizeof(shape) - (size_t)at, "%s%lld", k ? "," : "",
			       (long long)t->shape[k]);
	snprintf(shape + at, sizeof(shape) - (size_t)at, "]");
	st = stmt_start(s,
			"INSERT INTO tensor(checkpoint_id, name, role, dtype, shape, bytes, sha256)"
			" VALUES(?,?,?,?,?,?,?)",
			err);
	stmt_int(st, checkpoint);
	stmt_text(st, t->name);
	stmt_text(st, roles[t->role]);
	stmt_text(st, types[t->type].name);
	stmt_text(st, shape);
	stmt_int(st, (int64_t)t->bytes);
	stmt_blob(st, hash, SHA256_BYTES);
	if (!stmt_run(st, err))
		return false;
	id = sqlite3_last_insert_rowid(s->db);
	if (!put_chunks(s, id, t, hash, err))
		return false;
	st = stmt_start(s, "UPDATE tensor SET sha256=? WHERE tensor_id=?", err);
	stmt_blob(st, hash, SHA256_BYTES);
	stmt_int(st, id);
	return stmt_run(st, err);
}

/* The chunks that these tensors use, to be looked at once they are gone. */
struct chunks {
	int64_t *id;
	size_t count, cap;
};

static bool note_chunks(struct stmt *st, struct chunks *c, struct err *err)
{
	int more;

	while ((more = stmt_row(st, err)) > 0) {
		c->id = mem_grow(c->id, &c->cap, c->count + 1, sizeof(*c->id));
		c->id[c->count++] = stmt_int_at(st, 0);
	}
	return more == 0;
}

static bool drop_unused(struct store *s, struct chunks *c, struct err *err)
{
	bool ok = true;

	for (size_t k = 0; ok && k < c->count; k++) {
		struct stmt *st = stmt_start(
			s,
			"DELETE FROM chunk WHERE chunk_id=?1 AND NOT EXISTS(SELECT 1 FROM"
			" tensor_chunk WHERE chunk_id=?1)",
			err);

		stmt_int(st, c->id[k]);
		ok = stmt_run(st, err);
	}
	return ok;
}

/* Drops the state tensors of the run's checkpoint before this one: no older one has any. */
static bool drop_states(struct store *s, int64_t run, int64_t newest, struct err *err)
{
	struct chunks c = {0};
	struct stmt *st = stmt_start(
		s, "SELECT max(checkpoint_id) FROM checkpoint WHERE run_id=? AND checkpoint_id<>?",
		err);
	int64_t last;
	bool ok;

	stmt_int(st, run);
	stmt_int(st, newest);
	if (!stmt_value(st, &last, 0, err))
		return false;
	st = stmt_start(
		s,
		"SELECT DISTINCT x.chunk_id FROM tensor t JOIN tensor_chunk x USING(tensor_id)"
		" WHERE t.checkpoint_id=? AND t.role='state'",
		err);
	stmt_int(st, last);
	ok = note_chunks(st, &c, err);
	if (ok) {
		st = stmt_start(s, "DELETE FROM tensor WHERE checkpoint_id=? AND role='state'",
				err);
		stmt_int(st, last);
		ok = stmt_run(st, err) && drop_unused(s, &c, err);
	}
	free(c.id);
	return ok;
}

bool store_checkpoint_drop(struct store *s, int64_t checkpoint, struct err *err)
{
	struct chunks c = {0};
	struct stmt *st;
	bool ok;

	if (!store_begin(s, err))
		return false;
	st = stmt_start(
		s,
		"SELECT DISTINCT x.chunk_id FROM tensor t JOIN tensor_chunk x USING(tensor_id)"
		" WHERE t.checkpoint_id=?",
		err);
	stmt_int(st, checkpoint);
	ok = note_chunks(st, &c, err);
	if (ok) {
		st = stmt_start(s, "DELETE FROM checkpoint WHERE checkpoint_id=?", err);
		stmt_int(st, checkpoint);
		ok = stmt_run(st, err) && drop_unused(s, &c, err);
	}
	free(c.id);
	return store_end(s, ok, err);
}

/* Drops the run's checkpoint of this step, if there is one. */
static bool drop_step(struct store *s, int64_t run, int64_t step, struct err *err)
{
	struct stmt *st = stmt_start(
		s, "SELECT checkpoint_id FROM checkpoint WHERE run_id=? AND step=?", err);
	int64_t old;

	stmt_int(st, run);
	stmt_int(st, step);
	return stmt_value(st, &old, 0, err) && (!old || store_checkpoint_drop(s, old, err));
}

int64_t store_checkpoint_add(struct store *s, int64_t run, const struct checkpoint_new *c,
			     const struct store_tensor *tensors, size_t count, struct err *err)
{
	int64_t id = 0;
	struct stmt *st;
	bool ok;

	if (!store_begin(s, err))
		return 0;
	s->sync_due = true;
	ok = drop_step(s, run, c->step, err);
	if (ok) {
		st = stmt_start(s,
				"INSERT INTO checkpoint(run_id, step, epoch_u, kind, t_ms)"
				" SELECT run_id, ?, ?, ?, ? FROM run WHERE run_id=?",
				err);
		stmt_int(st, c->step);
		stmt_int(st, llround(c->epoch * 1e6));
		stmt_text(st, c->kind);
		stmt_int(st, store_now_ms());
		stmt_int(st, run);
		ok = stmt_run(st, err);
		if (ok && sqlite3_changes(s->db) != 1)
			ok = err_set(err, ERR_NO_RUN, "no such run");
		id = sqlite3_last_insert_rowid(s->db);
	}
	for (size_t k = 0; ok && k < count; k++) {
		ok = put_tensor(s, id, &tensors[k], err);
		if (s->sized_run == run)
			s->sized_bytes += (int64_t)tensors[k].bytes;
	}
	ok = ok && drop_states(s, run, id, err);
	return store_end(s, ok, err) ? id : 0;
}

bool store_checkpoint_list(struct store *s, int64_t run, struct checkpoint_row **rows,
			   size_t *count, struct err *err)
{
	struct stmt *st = stmt_start(
		s,
		"SELECT c.checkpoint_id, c.step, c.t_ms,"
		" (SELECT coalesce(sum(bytes), 0) FROM tensor t WHERE "
		"t.checkpoint_id=c.checkpoint_id),"
		" (SELECT count(*) FROM tensor t WHERE t.checkpoint_id=c.checkpoint_id),"
		" c.epoch_u, c.kind, row_number() OVER (ORDER BY" SCHEMA_BEST_FIRST ")=1,"
		" EXISTS(SELECT 1 FROM tensor t WHERE t.checkpoint_id=c.checkpoint_id AND"
		" t.role='state') FROM checkpoint c" SCHEMA_SCORES
		" WHERE c.run_id=? ORDER BY c.step",
		err);
	size_t cap = 0;
	int more;

	*rows = NULL;
	*count = 0;
	stmt_int(st, run);
	while ((more = stmt_row(st, err)) > 0) {
		struct checkpoint_row *c;

		*rows = mem_grow(*rows, &cap, *count + 1, sizeof(**rows));
		c = &(*rows)[(*count)++];
		*c = (struct checkpoint_row){
			.checkpoint = stmt_int_at(st, 0),
			.step = stmt_int_at(st, 1),
			.time_ms = stmt_int_at(st, 2),
			.bytes = stmt_int_at(st, 3),
			.tensors = stmt_int_at(st, 4),
			.epoch = (double)stmt_int_at(st, 5) / 1e6,
			.best = stmt_int_at(st, 7) != 0,
			.resumable = stmt_int_at(st, 8) != 0,
		};
		snprintf(c->kind, sizeof(c->kind), "%s", stmt_text_at(st, 6));
	}
	if (more == 0)
		return true;
	free(*rows);
	*rows = NULL;
	*count = 0;
	return false;
}

static bool damaged(struct store *s, const char *name, struct err *err)
{
	return err_set(err, ERR_CORRUPT,
		       "%s: tensor %s does not match its hash: restore a copy of the store",
		       s->path, name);
}

/* Reads "[2,3]"; false when it is anything else. */
static bool read_shape(struct store_tensor *t, const char *text)
{
	char *end;

	if (*text++ != '[')
		return false;
	for (t->rank = 0; *text != ']'; t->rank++) {
		if (t->rank == TENSOR_RANK || (t->rank && *text++ != ','))
			return false;
		t->shape[t->rank] = strtoll(text, &end, 10);
		if (end == text)
			return false;
		text = end;
	}
	return text[1] == '\0';
}

/* Fills the data of a tensor of known size from its chunks, checking every hash. */
static bool read_chunks(struct store *s, int64_t tensor, struct store_tensor *t, void *data,
			const unsigned char *want, struct err *err)
{
	struct stmt *st = stmt_start(s,
				     "SELECT c.data, x.seq FROM tensor_chunk x JOIN chunk c"
				     " USING(chunk_id) WHERE x.tensor_id=? ORDER BY x.seq",
				     err);
	unsigned char one[SHA256_BYTES];
	struct sha256 all;
	size_t at = 0;
	int more;

	sha256_start(&all);
	stmt_int(st, tensor);
	while ((more = stmt_row(st, err)) > 0) {
		const void *p = sqlite3_column_blob(st->h, 0);
		size_t n = (size_t)sqlite3_column_bytes(st->h, 0);

		if (!p || n != chunk_at(t->bytes, at)) {
			stmt_end(st);
			return damaged(s, t->name, err);
		}
		memcpy((char *)data + at, p, n);
		sha256_of(p, n, one);
		sha256_add(&all, one, SHA256_BYTES);
		at += n;
	}
	if (more < 0)
		return err_wrap(err, "tensor %s", t->name);
	sha256_end(&all, one);
	return (at == t->bytes && memcmp(one, want, SHA256_BYTES) == 0) || damaged(s, t->name, err);
}

/* The bytes that a tensor's chunks really have: what a damaged store claims is not allocated. */
static bool stored_bytes(struct store *s, int64_t tensor, int64_t *bytes, struct err *err)
{
	struct stmt *st = stmt_start(s,
				     "SELECT coalesce(sum(length(c.data)), 0) FROM tensor_chunk x"
				     " JOIN chunk c USING(chunk_id) WHERE x.tensor_id=?",
				     err);

	stmt_int(st, tensor);
	return stmt_value(st, bytes, 0, err);
}

/* Reads the tensor in the current row of st. */
static bool read_tensor(struct store *s, struct stmt *st, struct store_tensor *t, struct err *err)
{
	unsigned char want[SHA256_BYTES] = {0};
	int64_t bytes = stmt_int_at(st, 4), there;
	void *data;

	t->name = stmt_copy_at(st, 1);
	while (t->type < TENSOR_TYPE_COUNT && strcmp(types[t->type].name, stmt_text_at(st, 2)) != 0)
		t->type++;
	if (sqlite3_column_bytes(st->h, 5) == SHA256_BYTES)
		memcpy(want, sqlite3_column_blob(st->h, 5), SHA256_BYTES);
	if (!stored_bytes(s, stmt_int_at(st, 0), &there, err))
		return err_wrap(err, "tensor %s", t->name);
	if (t->type == TENSOR_TYPE_COUNT || !read_shape(t, stmt_text_at(st, 3)) ||
	    !fits(t, bytes) || there != bytes)
		return damaged(s, t->name, err);
	t->bytes = (size_t)bytes;
	t->data = data = mem_block(t->bytes, 1);
	if (!data)
		return err_set(err, ERR_FAILED, "tensor %s: not enough memory for %lld bytes",
			       t->name, (long long)bytes);
	return read_chunks(s, stmt_int_at(st, 0), t, data, want, err);
}

bool store_checkpoint_load(struct store *s, int64_t checkpoint, enum tensor_role role,
			   struct store_tensor **tensors, size_t *count, struct err *err)
{
	struct stmt *st =
		stmt_start(s,
			   "SELECT tensor_id, name, dtype, shape, bytes, sha256 FROM tensor"
			   " WHERE checkpoint_id=? AND role=? ORDER BY name",
			   err);
	size_t cap = 0;
	bool ok = true;
	int more = 0;

	*tensors = NULL;
	*count = 0;
	stmt_int(st, checkpoint);
	stmt_text(st, roles[role]);
	while (ok && (more = stmt_row(st, err)) > 0) {
		*tensors = mem_grow(*tensors, &cap, *count + 1, sizeof(**tensors));
		(*tensors)[*count] = (struct store_tensor){.role = role};
		ok = read_tensor(s, st, &(*tensors)[(*count)++], err);
	}
	if (ok && more == 0)
		return true;
	if (!ok)
		stmt_end(st);
	store_tensors_free(*tensors, *count);
	*tensors = NULL;
	*count = 0;
	return false;
}

void store_tensors_free(struct store_tensor *tensors, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		free((void *)tensors[k].name);
		free((void *)tensors[k].data);
	}
	free(tensors);
}

/* The index of the checkpoint to drop next, or -1 when the policy is satisfied. */
static int to_drop(const struct checkpoint_row *rows, int n, enum keep keep, int64_t limit)
{
	int64_t bytes = 0, gap, least = INT64_MAX;
	int found = -1;

	for (int k = 0; k < n; k++)
		bytes += rows[k].bytes;
	for (int k = 0; k < n - 1; k++) {
		if (keep == KEEP_LAST || (keep == KEEP_BEST && !rows[k].best))
			return k;
		if (keep != KEEP_ALL || rows[k].best || bytes <= limit)
			continue;
		gap = rows[k + 1].step - (k ? rows[k - 1].step : 0);
		if (gap < least) {
			least = gap;
			found = k;
		}
	}
	return found;
}

bool store_checkpoint_keep(struct store *s, int64_t run, enum keep keep, int64_t limit,
			   int *dropped, struct err *err)
{
	struct checkpoint_row *rows = NULL;
	size_t count = 0;
	int k, n, gone = 0;
	bool ok;

	if (dropped)
		*dropped = 0;
	if (!limit)
		limit = KEEP_BYTES;
	/* Far below the limit nothing is listed: a long run would list more at every epoch. */
	if (keep == KEEP_ALL && s->sized_run == run && s->sized_bytes <= limit)
		return true;
	if (!store_begin(s, err))
		return false;
	ok = store_checkpoint_list(s, run, &rows, &count, err);
	n = rows ? (int)count : 0;
	while (ok && n > 0 && (k = to_drop(rows, n, keep, limit)) >= 0) {
		ok = store_checkpoint_drop(s, rows[k].checkpoint, err);
		memmove(&rows[k], &rows[k + 1], (size_t)(n - k - 1) * sizeof(*rows));
		n--;
		gone++;
	}
	s->sized_run = run;
	s->sized_bytes = 0;
	for (k = 0; ok && k < n; k++)
		s->sized_bytes += rows[k].bytes;
	free(rows);
	if (dropped && ok)
		*dropped = gone;
	return store_end(s, ok, err);
}

bool weights_collect(struct store *s, int64_t *chunks, int64_t *bytes, struct err *err)
{
	static const char unused[] =
		"SELECT count(*), coalesce(sum(length(data)), 0) FROM chunk WHERE NOT EXISTS("
		"SELECT 1 FROM tensor_chunk x WHERE x.chunk_id=chunk.chunk_id)";
	struct stmt *st = stmt_start(s, unused, err);

	if (stmt_row(st, err) <= 0)
		return false;
	*chunks += stmt_int_at(st, 0);
	*bytes += stmt_int_at(st, 1);
	stmt_end(st);
	return stmt_run(stmt_start(s,
				   "DELETE FROM chunk WHERE NOT EXISTS(SELECT 1 FROM tensor_chunk x"
				   " WHERE x.chunk_id=chunk.chunk_id)",
				   err),
			err);
}

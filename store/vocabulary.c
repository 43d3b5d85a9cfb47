/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/vocabulary.h"

#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "store/statement.h"

#include <stdlib.h>
#include <string.h>

static void add_number(struct sha256 *h, uint64_t v)
{
	unsigned char b[8];

	for (int k = 0; k < 8; k++)
		b[k] = (unsigned char)(v >> (8 * k));
	sha256_add(h, b, sizeof(b));
}

/* Of the spec and of each token with its length and count, so that no two lists read alike. */
static void hash_of(const struct store_vocab *v, unsigned char out[SHA256_BYTES])
{
	const char *spec = v->spec ? v->spec : "";
	struct sha256 h;

	sha256_start(&h);
	add_number(&h, strlen(spec));
	sha256_add(&h, spec, strlen(spec));
	add_number(&h, v->count);
	for (size_t k = 0; k < v->count; k++) {
		add_number(&h, v->tokens[k].len);
		sha256_add(&h, v->tokens[k].bytes, v->tokens[k].len);
		add_number(&h, (uint64_t)v->tokens[k].count);
	}
	sha256_end(&h, out);
}

static int64_t insert(struct store *s, const struct store_vocab *v, const unsigned char *hash,
		      struct err *err)
{
	struct stmt *st = stmt_start(s, "INSERT INTO vocab(sha256, size, spec) VALUES(?,?,?)", err);
	int64_t id;

	stmt_blob(st, hash, SHA256_BYTES);
	stmt_int(st, (int64_t)v->count);
	stmt_text(st, v->spec ? v->spec : "");
	if (!stmt_run(st, err))
		return 0;
	id = sqlite3_last_insert_rowid(s->db);
	for (size_t k = 0; k < v->count; k++) {
		st = stmt_start(s, "INSERT INTO vocab_token VALUES(?,?,?,?)", err);
		stmt_int(st, id);
		stmt_int(st, (int64_t)k);
		stmt_blob(st, v->tokens[k].bytes, v->tokens[k].len);
		stmt_int(st, v->tokens[k].count);
		if (!stmt_run(st, err))
			return 0;
	}
	return id;
}

bool store_vocab_put(struct store *s, int64_t run, const char *role, const struct store_vocab *v,
		     struct err *err)
{
	unsigned char hash[SHA256_BYTES];
	struct stmt *st;
	int64_t id;
	bool ok;

	hash_of(v, hash);
	if (!store_begin(s, err))
		return false;
	st = stmt_start(s, "SELECT vocab_id FROM vocab WHERE sha256=?", err);
	stmt_blob(st, hash, SHA256_BYTES);
	ok = stmt_value(st, &id, 0, err);
	if (ok && !id)
		ok = (id = insert(s, v, hash, err)) != 0;
	if (ok) {
		st = stmt_start(s, "INSERT OR REPLACE INTO run_vocab VALUES(?,?,?)", err);
		stmt_int(st, run);
		stmt_text(st, role);
		stmt_int(st, id);
		ok = stmt_run(st, err);
	}
	return store_end(s, ok, err);
}

void store_vocab_release(struct store_vocab *v)
{
	for (size_t k = 0; k < v->count; k++)
		free((void *)v->tokens[k].bytes);
	free(v->tokens);
	free((void *)v->spec);
	*v = (struct store_vocab){0};
}

static bool read_tokens(struct store *s, int64_t id, struct store_vocab *v, struct err *err)
{
	struct stmt *st = stmt_start(
		s, "SELECT token, count, id FROM vocab_token WHERE vocab_id=? ORDER BY id", err);
	size_t cap = 0;
	int more;

	stmt_int(st, id);
	while ((more = stmt_row(st, err)) > 0) {
		const void *p = sqlite3_column_blob(st->h, 0);
		size_t n = (size_t)sqlite3_column_bytes(st->h, 0);

		v->tokens = mem_grow(v->tokens, &cap, v->count + 1, sizeof(*v->tokens));
		v->tokens[v->count++] =
			(struct store_token){mem_bytes(p, n), n, stmt_int_at(st, 1)};
	}
	return more == 0;
}

bool store_vocab_load(struct store *s, int64_t run, const char *role, struct store_vocab *v,
		      struct err *err)
{
	struct stmt *st = stmt_start(s,
				     "SELECT vocab_id, spec, sha256 FROM run_vocab JOIN vocab"
				     " USING(vocab_id) WHERE run_id=? AND role=?",
				     err);
	unsigned char want[SHA256_BYTES] = {0}, got[SHA256_BYTES];
	int64_t id;
	int more;
	bool ok;

	*v = (struct store_vocab){0};
	stmt_int(st, run);
	stmt_text(st, role);
	more = stmt_row(st, err);
	if (more <= 0)
		return more == 0;
	id = stmt_int_at(st, 0);
	v->spec = stmt_copy_at(st, 1);
	if (sqlite3_column_bytes(st->h, 2) == SHA256_BYTES)
		memcpy(want, sqlite3_column_blob(st->h, 2), SHA256_BYTES);
	stmt_end(st);
	ok = read_tokens(s, id, v, err);
	if (ok) {
		hash_of(v, got);
		ok = memcmp(got, want, SHA256_BYTES) == 0 ||
		     err_set(err, ERR_CORRUPT,
			     "%s: the %s vocabulary does not match its hash: restore a copy of the "
			     "store",
			     s->path, role);
	}
	if (!ok)
		store_vocab_release(v);
	return ok;
}

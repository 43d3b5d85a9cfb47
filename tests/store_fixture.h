/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the store share: a folder of their own, and short ways to make runs. */
#ifndef SLUICE_TESTS_STORE_FIXTURE_H
#define SLUICE_TESTS_STORE_FIXTURE_H

#include "engine/base/mem.h"
#include "store/metric.h"
#include "store/run.h"
#include "store/weights.h"
#include "tests/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	char path[64];
	char db[96];
};

static inline int folder_make(void **state)
{
	struct folder *f = mem_zero(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/sluice-store-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	snprintf(f->db, sizeof(f->db), "%s/a b%%?#.db", f->path); /* a name that URIs dislike */
	*state = f;
	return 0;
}

static inline int folder_remove(void **state)
{
	struct folder *f = *state;
	struct dirent *e;
	char name[512];
	DIR *d;

	chmod(f->path, 0700);
	d = opendir(f->path);
	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", f->path, e->d_name);
		if (e->d_name[0] != '.')
			unlink(name);
	}
	if (d)
		closedir(d);
	rmdir(f->path);
	free(f);
	return 0;
}

/* Fails the test with the error's message unless ok. */
#define assert_ok(ok, err)                                                                         \
	do {                                                                                       \
		if (!(ok))                                                                         \
			fail_msg("%s:%d: %s", __FILE__, __LINE__, (err).msg);                      \
	} while (0)

static inline struct store *open_store(const struct folder *f, enum store_mode mode)
{
	struct err err = {0};
	struct store *s = store_open(f->db, mode, &err);

	assert_ok(s, err);
	return s;
}

static inline int64_t add_run(struct store *s, const char *name, char id[RUN_ID_SIZE])
{
	const struct run_new r = {.name = name,
				  .task = "classify",
				  .cell = "standard",
				  .hidden = 32,
				  .layers = 1,
				  .embed = 16,
				  .parameters = 1000,
				  .seed = 7,
				  .threads = 2};
	struct err err = {0};
	int64_t run = store_run_add(s, &r, id, &err);

	assert_ok(run, err);
	return run;
}

static inline void add_metric(struct store *s, int64_t run, const char *name, int64_t step,
			      double value)
{
	const struct metric_point p = {run, name, step, (double)step / 100, value};
	struct err err = {0};

	assert_ok(store_metric_add(s, &p, 1, &err), err);
}

static inline int64_t add_checkpoint(struct store *s, int64_t run, int64_t step, float value)
{
	const float w[4] = {value, 1, 2, 3};
	const struct store_tensor t = {"w", TENSOR_WEIGHT, TENSOR_F32, 2, {2, 2}, w, sizeof(w)};
	const struct checkpoint_new c = {step, (double)step / 100, "epoch"};
	struct err err = {0};
	int64_t id = store_checkpoint_add(s, run, &c, &t, 1, &err);

	assert_ok(id, err);
	return id;
}

/* A number from a second, plain connection. */
static inline int64_t ask(const char *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *h = NULL;
	int64_t v = -1;

	if (sqlite3_open_v2(db, &h, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(h, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_type(st, 0) == SQLITE_TEXT
			    ? strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0
			    : sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(h);
	return v;
}

static inline void change(const char *db, const char *sql)
{
	sqlite3 *h = NULL;
	char *msg = NULL;

	assert_int_equal(sqlite3_open_v2(db, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
			 SQLITE_OK);
	if (sqlite3_exec(h, sql, NULL, NULL, &msg) != SQLITE_OK)
		fail_msg("%s", msg);
	sqlite3_close(h);
}

/* The bytes of a file, to be freed; *n is 0 when there is none. */
static inline char *file_bytes(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	char *p;

	*n = 0;
	if (!f || fstat(fileno(f), &st) != 0)
		return NULL;
	p = mem_alloc((size_t)st.st_size);
	*n = fread(p, 1, (size_t)st.st_size, f);
	fclose(f);
	return p;
}

static inline void write_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

#endif

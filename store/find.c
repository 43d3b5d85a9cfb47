/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/find.h"

#include "engine/base/buf.h"
#include "store/schema.h"
#include "store/statement.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 4 }; /* runs or steps that a message lists */

int edit_distance(const char *a, const char *b)
{
	int row[65], n = (int)strnlen(b, 64), m = (int)strnlen(a, 64);

	for (int j = 0; j <= n; j++)
		row[j] = j;
	for (int i = 1; i <= m; i++) {
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= n; j++) {
			int above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = above;
			row[j] = best;
		}
	}
	return row[n];
}

/* What the search is after: the words of the user, and live or deleted runs. */
struct search {
	struct store *s;
	const char *text;
	bool deleted;
	struct run_ref *ref;
	struct err *err;
};

/* Takes the run in the current row: run_id, id, name. */
static void take(struct search *f, struct stmt *st)
{
	f->ref->run = stmt_int_at(st, 0);
	snprintf(f->ref->id, sizeof(f->ref->id), "%s", stmt_text_at(st, 1));
	snprintf(f->ref->name, sizeof(f->ref->name), "%s", stmt_text_at(st, 2));
}

/* Takes the only row; lists the rows when there are several. Found: ref->run is set. */
static bool take_one(struct search *f, struct stmt *st)
{
	struct buf list = {0};
	int more, n = 0;

	while ((more = stmt_row(st, f->err)) > 0) {
		if (n++ == 0)
			take(f, st);
		if (n <= SHOWN)
			buf_printf(&list, "%s%s %.40s", n > 1 ? ", " : "", stmt_text_at(st, 1),
				   stmt_text_at(st, 2));
	}
	if (more == 0 && n > 1) {
		f->ref->run = 0;
		err_set(f->err, ERR_NO_RUN, "%s: %d runs match (%s%s): give more of the id",
			f->text, n, buf_str(&list), n > SHOWN ? ", …" : "");
	}
	buf_release(&list);
	return more == 0 && n <= 1;
}

static bool is_hex(const char *s)
{
	return s[strspn(s, "0123456789abcdef")] == '\0';
}

static bool by_id(struct search *f, const char *word)
{
	char low[RUN_ID_SIZE];
	size_t n = strlen(word);
	struct stmt *st;

	for (size_t k = 0; k <= n; k++)
		low[k] = (char)tolower((unsigned char)word[k]);
	if (!is_hex(low))
		return true;
	st = stmt_start(f->s,
			"SELECT run_id, id, name FROM run WHERE substr(id, 1, ?)=?"
			" AND (deleted_ms IS NOT NULL)=? ORDER BY id",
			f->err);
	stmt_int(st, (int64_t)n);
	stmt_text(st, low);
	stmt_int(st, f->deleted);
	return take_one(f, st);
}

static bool by_name(struct search *f, const char *word)
{
	struct stmt *st = stmt_start(f->s,
				     "SELECT run_id, id, name FROM run WHERE name=?"
				     " AND (deleted_ms IS NOT NULL)=? ORDER BY id",
				     f->err);

	stmt_text(st, word);
	stmt_int(st, f->deleted);
	return take_one(f, st);
}

/* A whole number from 0 that fills the text. */
static bool read_number(const char *text, int64_t *n)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*n = strtoll(text, &end, 10);
	return !*end && errno == 0;
}

static bool by_age(struct search *f, const char *word)
{
	int64_t back = 0, count;
	struct stmt *st;

	if (word[4] == '~' && !read_number(word + 5, &back))
		return err_set(f->err, ERR_USAGE, "%s: after last~ comes a number of runs",
			       f->text);
	st = stmt_start(f->s,
			"SELECT run_id, id, name FROM run WHERE (deleted_ms IS NOT NULL)=?"
			" ORDER BY created_ms DESC, run_id DESC LIMIT 1 OFFSET ?",
			f->err);
	stmt_int(st, f->deleted);
	stmt_int(st, back);
	if (!take_one(f, st))
		return false;
	if (f->ref->run)
		return true;
	st = stmt_start(f->s, "SELECT count(*) FROM run WHERE (deleted_ms IS NOT NULL)=?", f->err);
	stmt_int(st, f->deleted);
	if (!stmt_value(st, &count, 0, f->err))
		return false;
	if (!count)
		return err_set(f->err, ERR_NO_RUN,
			       "%s: the store has no %s: sluice train makes one", f->text,
			       f->deleted ? "deleted run" : "run");
	return err_set(f->err, ERR_NO_RUN, "%s: runs are counted from 0 and there are %lld",
		       f->text, (long long)count);
}

static bool by_score(struct search *f, const char *metric)
{
	struct stmt *st = stmt_start(
		f->s, "SELECT key_id, coalesce(goal, '') FROM metric_key WHERE name=?", f->err);
	int64_t key = 0;
	bool goal = false;
	int more;

	stmt_text(st, metric);
	if ((more = stmt_row(st, f->err)) > 0) {
		key = stmt_int_at(st, 0);
		goal = *stmt_text_at(st, 1) != '\0';
		stmt_end(st);
	}
	if (more < 0)
		return false;
	if (key && !goal)
		return err_set(f->err, ERR_USAGE, "%s: %s has no better direction", f->text,
			       metric);
	st = stmt_start(f->s,
			"SELECT r.run_id, r.id, r.name FROM metric_key k JOIN metric_summary s"
			" USING(key_id) JOIN run r USING(run_id) WHERE k.key_id=?"
			" AND (r.deleted_ms IS NOT NULL)=? AND s.min_value IS NOT NULL"
			" ORDER BY iif(k.goal='min', s.min_value, -s.max_value), r.run_id LIMIT 1",
			f->err);
	stmt_int(st, key);
	stmt_int(st, f->deleted);
	if (!take_one(f, st))
		return false;
	return f->ref->run ||
	       err_set(f->err, ERR_NO_RUN, "%s: no run has a value of %s", f->text, metric);
}

/* Says that there is no such run, naming up to three that are called nearly so. */
static bool no_such_run(struct search *f, const char *word)
{
	struct stmt *st = stmt_start(f->s,
				     "SELECT name FROM run WHERE (deleted_ms IS NOT NULL)=?"
				     " ORDER BY created_ms DESC",
				     f->err);
	char near[3][RUN_NAME_SIZE] = {{0}};
	int distance[3] = {INT_MAX, INT_MAX, INT_MAX}, more;
	struct buf list = {0};

	stmt_int(st, f->deleted);
	while ((more = stmt_row(st, f->err)) > 0) {
		int d = edit_distance(word, stmt_text_at(st, 0)), at = 3;

		if (d > (int)strlen(word) / 3 + 1)
			continue;
		while (at > 0 && d < distance[at - 1])
			at--;
		if (at == 3)
			continue;
		memmove(&distance[at + 1], &distance[at], (size_t)(2 - at) * sizeof(distance[0]));
		memmove(near + at + 1, near + at, (size_t)(2 - at) * sizeof(near[0]));
		distance[at] = d;
		snprintf(near[at], sizeof(near[at]), "%s", stmt_text_at(st, 0));
	}
	if (more < 0)
		return false;
	for (int k = 0; k < 3 && near[k][0]; k++)
		buf_printf(&list, "%s%s", k ? ", " : ": did you mean ", near[k]);
	err_set(f->err, ERR_NO_RUN, "%s: no such %srun%s%s", f->text, f->deleted ? "deleted " : "",
		buf_str(&list), list.len ? "?" : ": sluice runs lists them");
	buf_release(&list);
	return false;
}

static bool find_run(struct search *f, const char *word)
{
	size_t n = strlen(word);

	if (strcmp(word, "last") == 0 || strncmp(word, "last~", 5) == 0)
		return by_age(f, word);
	if (strncmp(word, "best:", 5) == 0)
		return by_score(f, word + 5);
	if (n == RUN_ID_SIZE - 1 && !by_id(f, word))
		return false;
	if (!f->ref->run && n && !by_name(f, word))
		return false;
	if (!f->ref->run && n >= 4 && n < RUN_ID_SIZE - 1 && !by_id(f, word))
		return false;
	return f->ref->run || no_such_run(f, word);
}

/* Says which steps there are instead of the one that was asked for. */
static bool no_such_step(struct search *f)
{
	struct stmt *st = stmt_start(
		f->s,
		"SELECT step FROM checkpoint WHERE run_id=? ORDER BY abs(step-?), step LIMIT 5",
		f->err);
	struct buf list = {0};
	int more, n = 0;

	stmt_int(st, f->ref->run);
	stmt_int(st, f->ref->step);
	while ((more = stmt_row(st, f->err)) > 0)
		if (n++ < SHOWN)
			buf_printf(&list, "%s%lld", n > 1 ? ", " : "",
				   (long long)stmt_int_at(st, 0));
	if (more == 0)
		err_set(f->err, ERR_NO_RUN, "%s: no checkpoint at this step%s%s%s", f->text,
			n > 1    ? ": the nearest are at "
			: n == 1 ? ": the only one is at "
				 : ": the run has none",
			buf_str(&list), n > SHOWN ? ", …" : "");
	buf_release(&list);
	return false;
}

static bool find_checkpoint(struct search *f)
{
	struct stmt *st;
	int more;

	if (f->ref->pick == PICK_BEST)
		st = stmt_start(f->s,
				"SELECT c.checkpoint_id, c.step FROM checkpoint c" SCHEMA_SCORES
				" WHERE c.run_id=? ORDER BY" SCHEMA_BEST_FIRST " LIMIT 1",
				f->err);
	else if (f->ref->pick == PICK_LAST)
		st = stmt_start(f->s,
				"SELECT checkpoint_id, step FROM checkpoint WHERE run_id=?"
				" ORDER BY step DESC LIMIT 1",
				f->err);
	else
		st = stmt_start(f->s,
				"SELECT checkpoint_id, step FROM checkpoint WHERE run_id=?"
				" AND step=?",
				f->err);
	stmt_int(st, f->ref->run);
	if (f->ref->pick == PICK_STEP)
		stmt_int(st, f->ref->step);
	more = stmt_row(st, f->err);
	if (more < 0)
		return false;
	if (more == 0)
		return f->ref->pick != PICK_STEP || no_such_step(f);
	f->ref->checkpoint = stmt_int_at(st, 0);
	f->ref->step = stmt_int_at(st, 1);
	stmt_end(st);
	return true;
}

static bool find(struct search *f)
{
	char word[RUN_NAME_SIZE];
	const char *at = strrchr(f->text, '@');
	size_t n = at ? (size_t)(at - f->text) : strlen(f->text);

	*f->ref = (struct run_ref){.step = -1};
	if (n >= sizeof(word))
		return err_set(f->err, ERR_NO_RUN, "%.60s…: no such run: sluice runs lists them",
			       f->text);
	memcpy(word, f->text, n);
	word[n] = '\0';
	if (at && strcmp(at, "@last") == 0)
		f->ref->pick = PICK_LAST;
	else if (at && strcmp(at, "@best") != 0) {
		f->ref->pick = PICK_STEP;
		if (!read_number(at + 1, &f->ref->step))
			return err_set(f->err, ERR_USAGE,
				       "%.*s%s: after @ comes a step, last or best",
				       err_width(f->text), f->text, err_more(f->text));
	}
	return find_run(f, word) && find_checkpoint(f);
}

bool store_run_find(struct store *s, const char *text, struct run_ref *ref, struct err *err)
{
	struct search f = {s, text, false, ref, err};

	return find(&f);
}

bool store_run_find_deleted(struct store *s, const char *text, struct run_ref *ref, struct err *err)
{
	struct search f = {s, text, true, ref, err};

	return find(&f);
}

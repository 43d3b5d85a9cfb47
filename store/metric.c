/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/metric.h"

#include "engine/base/mem.h"
#include "store/statement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One metric of one run that a transaction changes. */
struct touched {
	int64_t run, key, created_ms;
	const char *name; /* borrowed from the points */
	struct metric_summary sum;
	int64_t first, step; /* the first and the last one of the batch; the epoch of the last */
	double epoch;
	bool again; /* a point was replaced or came late: count afresh */
};

const char *metric_goal(const char *name)
{
	static const char *const low[] = {"loss", "perplexity", "bits_per_character"};
	static const char *const high[] = {"accuracy", "macro_f1", "exact", "bleu",
					   "rouge1",   "rouge2",   "rougeL"};
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;

	for (size_t k = 0; k < sizeof(low) / sizeof(low[0]); k++)
		if (strcmp(last, low[k]) == 0)
			return "min";
	for (size_t k = 0; k < sizeof(high) / sizeof(high[0]); k++)
		if (strcmp(last, high[k]) == 0)
			return "max";
	return NULL;
}

static int64_t millionths(double epoch)
{
	return isfinite(epoch) && fabs(epoch) < 1e12 ? llround(epoch * 1e6) : 0;
}

static struct metric_summary nothing(void)
{
	const struct metric_at none = {-1, 0, (double)NAN};

	return (struct metric_summary){
		.first_nonfinite_step = -1, .last = none, .min = none, .max = none};
}

/* Counts one more point; steps come in order. */
static void take(struct metric_summary *m, int64_t step, double epoch, double value)
{
	const struct metric_at at = {step, epoch, value};

	m->points++;
	m->last = at;
	if (!isfinite(value)) {
		m->nan += isnan(value) != 0;
		if (!m->nonfinite++)
			m->first_nonfinite_step = step;
		return;
	}
	if (m->min.step < 0 || value < m->min.value)
		m->min = at;
	if (m->max.step < 0 || value > m->max.value)
		m->max = at;
}

static struct metric_at read_at(struct stmt *st, int col)
{
	struct metric_at at = {-1, 0, (double)NAN};

	if (sqlite3_column_type(st->h, col) != SQLITE_NULL)
		at = (struct metric_at){stmt_int_at(st, col),
					(double)stmt_int_at(st, col + 1) / 1e6,
					stmt_real_at(st, col + 2)};
	return at;
}

static bool read_summary(struct store *s, int64_t run, int64_t key, struct metric_summary *m,
			 struct err *err)
{
	struct stmt *st = stmt_start(
		s,
		"SELECT n, n_nan, n_nonfinite, coalesce(first_nonfinite_step, -1), last_step,"
		" last_epoch_u, last_value, min_step, min_epoch_u, min_value, max_step, "
		"max_epoch_u,"
		" max_value FROM metric_summary WHERE run_id=? AND key_id=?",
		err);
	int more;

	*m = nothing();
	stmt_int(st, run);
	stmt_int(st, key);
	more = stmt_row(st, err);
	if (more <= 0)
		return more == 0;
	m->points = stmt_int_at(st, 0);
	m->nan = stmt_int_at(st, 1);
	m->nonfinite = stmt_int_at(st, 2);
	m->first_nonfinite_step = stmt_int_at(st, 3);
	m->last = read_at(st, 4);
	m->min = read_at(st, 7);
	m->max = read_at(st, 10);
	stmt_end(st);
	return true;
}

static void bind_at(struct stmt *st, struct metric_at at)
{
	if (at.step < 0) {
		for (int k = 0; k < 3; k++)
			stmt_text(st, NULL);
		return;
	}
	stmt_int(st, at.step);
	stmt_int(st, millionths(at.epoch));
	stmt_real(st, at.value);
}

static bool write_summary(struct store *s, const struct touched *t, struct err *err)
{
	const struct metric_summary *m = &t->sum;
	struct stmt *st;

	if (!m->points) {
		st = stmt_start(s, "DELETE FROM metric_summary WHERE run_id=? AND key_id=?", err);
		stmt_int(st, t->run);
		stmt_int(st, t->key);
		return stmt_run(st, err);
	}
	st = stmt_start(
		s,
		"INSERT OR REPLACE INTO metric_summary(run_id, key_id, n, n_nan, n_nonfinite,"
		" first_nonfinite_step, last_step, last_epoch_u, last_value, min_step,"
		" min_epoch_u, min_value, max_step, max_epoch_u, max_value)"
		" VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		err);
	stmt_int(st, t->run);
	stmt_int(st, t->key);
	stmt_int(st, m->points);
	stmt_int(st, m->nan);
	stmt_int(st, m->nonfinite);
	if (m->nonfinite)
		stmt_int(st, m->first_nonfinite_step);
	else
		stmt_text(st, NULL);
	bind_at(st, m->last);
	bind_at(st, m->min);
	bind_at(st, m->max);
	return stmt_run(st, err);
}

/* Counts a metric of a run from its stored points. */
static bool count_again(struct store *s, struct touched *t, struct err *err)
{
	struct stmt *st = stmt_start(s,
				     "SELECT step, epoch_u, value FROM metric WHERE run_id=? AND"
				     " key_id=? ORDER BY step",
				     err);
	int more;

	t->sum = nothing();
	stmt_int(st, t->run);
	stmt_int(st, t->key);
	while ((more = stmt_row(st, err)) > 0)
		take(&t->sum, stmt_int_at(st, 0), (double)stmt_int_at(st, 1) / 1e6,
		     stmt_real_at(st, 2));
	return more == 0;
}

/* The key of a metric's name, made when it is new; 0 when it is missing and not to be made. */
static bool key_of(struct store *s, const char *name, bool make, int64_t *key, struct err *err)
{
	struct stmt *st = stmt_start(s, "SELECT key_id FROM metric_key WHERE name=?", err);

	stmt_text(st, name);
	if (!stmt_value(st, key, 0, err))
		return false;
	if (*key || !make)
		return true;
	if (!*name || strlen(name) > 64)
		return err_set(err, ERR_USAGE, "a metric's name has 1 to 64 bytes");
	st = stmt_start(s, "INSERT INTO metric_key(name, goal) VALUES(?,?)", err);
	stmt_text(st, name);
	stmt_text(st, metric_goal(name));
	if (!stmt_run(st, err))
		return false;
	*key = sqlite3_last_insert_rowid(s->db);
	return true;
}

struct batch {
	struct touched *t;
	size_t count, cap;
};

/* The entry for a point's run and metric; NULL with err set on failure. */
static struct touched *touch(struct store *s, struct batch *b, const struct metric_point *p,
			     struct err *err)
{
	struct touched *t;
	struct stmt *st;

	for (size_t k = b->count; k-- > 0;)
		if (b->t[k].run == p->run && strcmp(b->t[k].name, p->name) == 0)
			return &b->t[k];
	b->t = mem_grow(b->t, &b->cap, b->count + 1, sizeof(*b->t));
	t = &b->t[b->count];
	*t = (struct touched){.run = p->run, .name = p->name, .first = p->step, .step = -1};
	st = stmt_start(s, "SELECT created_ms FROM run WHERE run_id=?", err);
	stmt_int(st, p->run);
	if (!stmt_value(st, &t->created_ms, -1, err))
		return NULL;
	if (t->created_ms < 0) {
		err_set(err, ERR_NO_RUN, "no such run");
		return NULL;
	}
	if (!key_of(s, p->name, true, &t->key, err) ||
	    !read_summary(s, t->run, t->key, &t->sum, err))
		return NULL;
	b->count++;
	return t;
}

static bool add_point(struct store *s, struct touched *t, const struct metric_point *p, int64_t now,
		      struct err *err)
{
	struct stmt *st;

	if (p->step < 0)
		return err_set(err, ERR_USAGE, "%s: a step is not negative", p->name);
	st = stmt_start(s,
			"INSERT INTO metric(run_id, key_id, step, value, epoch_u, after_ms)"
			" VALUES(?,?,?,?,?,?) ON CONFLICT DO UPDATE SET value=excluded.value,"
			" epoch_u=excluded.epoch_u, after_ms=excluded.after_ms",
			err);
	stmt_int(st, t->run);
	stmt_int(st, t->key);
	stmt_int(st, p->step);
	stmt_real(st, p->value);
	stmt_int(st, millionths(p->epoch));
	stmt_int(st, now - t->created_ms);
	if (!stmt_run(st, err))
		return false;
	if (p->step < t->first)
		t->first = p->step;
	if (p->step > t->step) {
		t->step = p->step;
		t->epoch = p->epoch;
	}
	if (t->again || (t->sum.points && p->step <= t->sum.last.step))
		t->again = true;
	else
		take(&t->sum, p->step, (double)millionths(p->epoch) / 1e6, p->value);
	return true;
}

/* The best validation of a run: highest accuracy, then lowest loss, then the earliest step. Looks
 * at the steps from `first` on and at the best so far; 0: at every step. */
static bool refresh_best(struct store *s, int64_t run, int64_t first, struct err *err)
{
#define SCORES                                                                                     \
	" SELECT step, epoch_u FROM metric WHERE run_id=?1 AND value IS NOT NULL AND key_id IN"    \
	" (SELECT key_id FROM metric_key WHERE name IN('valid/accuracy','valid/loss')) AND step"
	struct stmt *st = stmt_start(
		s,
		"UPDATE run SET (best_step, best_epoch_u, best_loss, best_accuracy)=("
		" SELECT c.step, max(c.epoch_u), l.value, a.value FROM (" SCORES
		">=?2 UNION ALL" SCORES "=(SELECT best_step FROM run WHERE run_id=?1)) c"
		" LEFT JOIN metric a ON a.run_id=?1 AND a.step=c.step AND abs(a.value)<9e999 AND"
		"  a.key_id=(SELECT key_id FROM metric_key WHERE name='valid/accuracy')"
		" LEFT JOIN metric l ON l.run_id=?1 AND l.step=c.step AND abs(l.value)<9e999 AND"
		"  l.key_id=(SELECT key_id FROM metric_key WHERE name='valid/loss')"
		" WHERE a.value IS NOT NULL OR l.value IS NOT NULL GROUP BY c.step"
		" ORDER BY a.value DESC NULLS LAST, l.value ASC NULLS LAST, c.step LIMIT 1)"
		" WHERE run_id=?1",
		err);

#undef SCORES

	stmt_int(st, run);
	stmt_int(st, first);
	return stmt_run(st, err);
}

static bool move_forward(struct store *s, const struct touched *t, int64_t now, struct err *err)
{
	struct stmt *st =
		stmt_start(s,
			   "UPDATE run SET step=max(step, ?2), epoch_u=iif(?2>=step, ?3, epoch_u),"
			   " heartbeat_ms=?4 WHERE run_id=?1",
			   err);

	stmt_int(st, t->run);
	stmt_int(st, t->step);
	stmt_int(st, millionths(t->epoch));
	stmt_int(st, now);
	return stmt_run(st, err);
}

static bool is_score(const char *name)
{
	return strcmp(name, "valid/accuracy") == 0 || strcmp(name, "valid/loss") == 0;
}

bool store_metric_add(struct store *s, const struct metric_point *points, size_t count,
		      struct err *err)
{
	struct batch b = {0};
	int64_t now = store_now_ms();
	bool ok = true;

	if (!store_begin(s, err))
		return false;
	for (size_t k = 0; ok && k < count; k++) {
		struct touched *t = touch(s, &b, &points[k], err);

		ok = t && add_point(s, t, &points[k], now, err);
	}
	for (size_t k = 0; ok && k < b.count; k++) {
		struct touched *t = &b.t[k];

		ok = (!t->again || count_again(s, t, err)) && write_summary(s, t, err) &&
		     move_forward(s, t, now, err) &&
		     (!is_score(t->name) || refresh_best(s, t->run, t->again ? 0 : t->first, err));
	}
	free(b.t);
	return store_end(s, ok, err);
}

bool store_metric_cut(struct store *s, int64_t run, int64_t step, struct err *err)
{
	struct touched t = {.run = run};
	int64_t *keys = NULL;
	size_t count = 0, cap = 0;
	struct stmt *st;
	int more;
	bool ok;

	if (!store_begin(s, err))
		return false;
	st = stmt_start(s, "SELECT key_id FROM metric_summary WHERE run_id=? AND last_step>?", err);
	stmt_int(st, run);
	stmt_int(st, step);
	while ((more = stmt_row(st, err)) > 0) {
		keys = mem_grow(keys, &cap, count + 1, sizeof(*keys));
		keys[count++] = stmt_int_at(st, 0);
	}
	ok = more == 0;
	for (size_t k = 0; ok && k < count; k++) {
		t.key = keys[k];
		st = stmt_start(s, "DELETE FROM metric WHERE run_id=? AND key_id=? AND step>?",
				err);
		stmt_int(st, run);
		stmt_int(st, t.key);
		stmt_int(st, step);
		ok = stmt_run(st, err) && count_again(s, &t, err) && write_summary(s, &t, err);
	}
	free(keys);
	ok = ok && refresh_best(s, run, 0, err);
	if (ok) {
		st = stmt_start(
			s,
			"UPDATE run SET step=min(step, ?2), epoch_u=min(epoch_u, coalesce("
			"(SELECT max(last_epoch_u) FROM metric_summary WHERE run_id=?1), 0))"
			" WHERE run_id=?1",
			err);
		stmt_int(st, run);
		stmt_int(st, step);
		ok = stmt_run(st, err);
	}
	return store_end(s, ok, err);
}

bool store_metric_summary(struct store *s, int64_t run, const char *name,
			  struct metric_summary *out, struct err *err)
{
	int64_t key;

	*out = nothing();
	if (!key_of(s, name, false, &key, err))
		return false;
	return !key || read_summary(s, run, key, out, err);
}

void metric_curve_release(struct metric_curve *c)
{
	free(c->step);
	free(c->epoch);
	free(c->value);
	*c = (struct metric_curve){0};
}

static void put(struct metric_curve *c, size_t at, struct metric_at p)
{
	c->step[at] = p.step;
	c->epoch[at] = p.epoch;
	c->value[at] = p.value;
}

/* Writes the lowest and the highest of points [from, to) at out; returns how many that are. */
static size_t extremes(struct metric_curve *c, size_t from, size_t to, size_t out)
{
	size_t low = from, high = from;
	struct metric_at a, b;

	for (size_t k = from; k < to; k++) {
		if (isnan(c->value[low]) || c->value[k] < c->value[low])
			low = k;
		if (isnan(c->value[high]) || c->value[k] > c->value[high])
			high = k;
	}
	if (low > high) {
		size_t swap = low;

		low = high;
		high = swap;
	}
	a = (struct metric_at){c->step[low], c->epoch[low], c->value[low]};
	b = (struct metric_at){c->step[high], c->epoch[high], c->value[high]};
	put(c, out, a);
	if (low == high)
		return 1;
	put(c, out + 1, b);
	return 2;
}

/* Thins in place: what is written never passes what is still to be read. */
static void thin(struct metric_curve *c, size_t max_points)
{
	size_t spans = max_points / 2 ? max_points / 2 : 1, out = 0;

	for (size_t k = 0; k < spans; k++)
		out += extremes(c, k * c->total / spans, (k + 1) * c->total / spans, out);
	c->count = out;
}

bool store_metric_curve(struct store *s, int64_t run, const char *name, size_t max_points,
			struct metric_curve *out, struct err *err)
{
	size_t cap = 0;
	struct stmt *st;
	int64_t key;
	int more;

	*out = (struct metric_curve){0};
	if (!key_of(s, name, false, &key, err))
		return false;
	st = stmt_start(s,
			"SELECT step, epoch_u, value FROM metric WHERE run_id=? AND key_id=?"
			" ORDER BY step",
			err);
	stmt_int(st, run);
	stmt_int(st, key);
	while ((more = stmt_row(st, err)) > 0) {
		if (out->count == cap) {
			cap = cap ? cap * 2 : 256;
			out->step = mem_resize(out->step, cap, sizeof(*out->step));
			out->epoch = mem_resize(out->epoch, cap, sizeof(*out->epoch));
			out->value = mem_resize(out->value, cap, sizeof(*out->value));
		}
		put(out, out->count++,
		    (struct metric_at){stmt_int_at(st, 0), (double)stmt_int_at(st, 1) / 1e6,
				       stmt_real_at(st, 2)});
	}
	if (more < 0) {
		metric_curve_release(out);
		return false;
	}
	out->total = out->count;
	if (max_points && out->count > max_points)
		thin(out, max_points);
	return true;
}

bool store_metric_names(struct store *s, int64_t run, char ***names, size_t *count, struct err *err)
{
	struct stmt *st = stmt_start(s,
				     "SELECT k.name FROM metric_summary s JOIN metric_key k"
				     " USING(key_id) WHERE s.run_id=? ORDER BY k.name",
				     err);
	size_t cap = 0;
	int more;

	*names = NULL;
	*count = 0;
	stmt_int(st, run);
	while ((more = stmt_row(st, err)) > 0) {
		*names = mem_grow(*names, &cap, *count + 1, sizeof(**names));
		(*names)[(*count)++] = stmt_copy_at(st, 0);
	}
	if (more == 0)
		return true;
	store_metric_names_free(*names, *count);
	*names = NULL;
	*count = 0;
	return false;
}

void store_metric_names_free(char **names, size_t count)
{
	for (size_t k = 0; k < count; k++)
		free(names[k]);
	free(names);
}

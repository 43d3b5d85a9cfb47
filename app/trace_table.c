/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/trace_table.h"

#include "app/archive.h"
#include "engine/base/mem.h"
#include "engine/inspect/trace.h"
#include "engine/text/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT = 4, POSITION = 5 }; /* runs and traces that are kept; columns before the signals */

static const struct query_column columns[] = {
	{"layer", "INTEGER", true}, {"direction", "TEXT", false}, {"t", "INTEGER", true},
	{"token", "TEXT", false},   {"unit", "INTEGER", true},    {"i", "REAL", false},
	{"f", "REAL", false},       {"g", "REAL", false},         {"o", "REAL", false},
	{"c", "REAL", false},       {"h", "REAL", false},         {"r", "REAL", false},
	{"z", "REAL", false},       {"n", "REAL", false},
};
static const char *const arguments[] = {"run", "text"};

enum {
	COL_LAYER,
	COL_DIRECTION,
	COL_T,
	COL_TOKEN,
	COL_UNIT,
	COLUMNS = sizeof(columns) / sizeof(columns[0]),
	COL_RUN = COLUMNS,
	COL_TEXT,
};

struct kept_run {
	char *name; /* as it was asked for; NULL: free */
	struct loaded loaded;
};

/* A trace that the table and any number of cursors hold. */
struct traced {
	int refs;
	char *run, *text;
	size_t len;
	struct trace *trace;
};

struct trace_table {
	char *path;
	struct store *store; /* a connection of its own; NULL: not yet */
	struct kept_run run[KEPT];
	struct traced *trace[KEPT];
	int next_run, next_trace; /* whose place is taken next */
};

/* A position between rows. */
struct rows {
	struct traced *of;
	int64_t key[COLUMNS];
	int run, step, unit; /* run -1: before the first row */
	int signal[COLUMNS]; /* the run's signal in each column; -1: none */
};

static void drop(struct traced *t)
{
	if (!t || --t->refs)
		return;
	trace_free(t->trace);
	free(t->run);
	free(t->text);
	free(t);
}

static void drop_run(struct kept_run *k)
{
	if (k->name)
		loaded_release(&k->loaded);
	free(k->name);
	k->name = NULL;
}

static void forget(void *ctx)
{
	struct trace_table *t = ctx;

	for (int k = 0; k < KEPT; k++) {
		drop_run(&t->run[k]);
		drop(t->trace[k]);
		t->trace[k] = NULL;
	}
	store_close(t->store);
	t->store = NULL;
}

static void release(void *ctx)
{
	struct trace_table *t = ctx;

	forget(t);
	free(t->path);
	free(t);
}

static struct snapshot *run_of(struct trace_table *t, const char *name, struct err *err)
{
	struct loaded loaded;
	struct kept_run *to;

	for (int k = 0; k < KEPT; k++)
		if (t->run[k].name && !strcmp(t->run[k].name, name))
			return t->run[k].loaded.snapshot;
	if (!t->store)
		t->store = store_open(t->path, STORE_READ, err);
	if (!t->store || !archive_load(t->store, name, &loaded, err))
		return NULL;
	to = &t->run[t->next_run];
	t->next_run = (t->next_run + 1) % KEPT;
	drop_run(to);
	to->name = mem_text(name);
	to->loaded = loaded;
	return loaded.snapshot;
}

static size_t numbers(const struct model *m, size_t tokens)
{
	return tokens * (size_t)m->spec.hidden * (size_t)m->stack.runs;
}

static bool fits(const struct encoder *e, const char *text, size_t n, struct err *err)
{
	const size_t a_token = numbers(&e->model, 1);
	struct encoding encoding = {0};

	encoder_encode(e, text, n, &encoding);
	const size_t tokens = encoding.count;

	encoding_release(&encoding);
	return tokens * a_token <= TRACE_TABLE_MOST ||
	       err_set(err, ERR_USAGE,
		       "the text has %zu tokens: trace takes %zu of them with this run's units",
		       tokens, TRACE_TABLE_MOST / a_token);
}

static struct trace *make_trace(struct snapshot *s, const struct query_text *text, struct err *err)
{
	struct buf clean = {0};
	struct trace *t = NULL;

	utf8_repair(&clean, text->p, text->n, NULL);
	if (fits(s->encoder, buf_str(&clean), clean.len, err))
		t = trace_states(s, buf_str(&clean), clean.len, err);
	buf_release(&clean);
	if (!t || t->T)
		return t;
	trace_free(t);
	err_set(err, ERR_USAGE, "trace has no token in the text '%s'", text->p);
	return NULL;
}

/* Makes room for one more: in its place, and in memory for what is kept together. */
static struct traced **place_for(struct trace_table *t, const struct trace *new)
{
	const struct model *m = &new->snapshot->encoder->model;
	size_t sum = numbers(m, (size_t) new->T);

	for (int k = 1; k <= KEPT; k++) { /* from the newest on */
		struct traced **old = &t->trace[(t->next_trace + KEPT - k) % KEPT];

		if (*old)
			sum += numbers(&(*old)->trace->snapshot->encoder->model,
				       (size_t)(*old)->trace->T);
		if (k < KEPT && sum <= TRACE_TABLE_MOST)
			continue;
		drop(*old);
		*old = NULL;
	}
	t->next_trace = (t->next_trace + 1) % KEPT;
	return &t->trace[(t->next_trace + KEPT - 1) % KEPT];
}

static struct traced *trace_of(struct trace_table *t, const struct query_text *arg, struct err *err)
{
	struct snapshot *s;
	struct trace *trace;
	struct traced *new, **place;

	for (int k = 0; k < KEPT; k++) {
		struct traced *old = t->trace[k];

		if (old && !strcmp(old->run, arg[0].p) && old->len == arg[1].n &&
		    !memcmp(old->text, arg[1].p, old->len)) {
			old->refs++;
			return old;
		}
	}
	s = run_of(t, arg[0].p, err);
	trace = s ? make_trace(s, &arg[1], err) : NULL;
	if (!trace)
		return NULL;
	place = place_for(t, trace);
	new = mem_zero(1, sizeof(*new));
	*new = (struct traced){.refs = 2,
			       .run = mem_text(arg[0].p),
			       .text = mem_bytes(arg[1].p, arg[1].n),
			       .len = arg[1].n,
			       .trace = trace};
	return *place = new;
}

static bool open_rows(void *ctx, const struct query_text *arg, const int64_t *key, void **out,
		      struct err *err)
{
	struct traced *of = trace_of(ctx, arg, err);
	struct rows *r;

	if (!of)
		return false;
	r = mem_zero(1, sizeof(*r));
	r->of = of;
	r->run = -1;
	memcpy(r->key, key, sizeof(r->key));
	*out = r;
	return true;
}

static void close_rows(void *rows)
{
	struct rows *r = rows;

	drop(r->of);
	free(r);
}

/* The first and last place that a key leaves, counted from 0: first > last where there is none. */
static void range(int64_t key, int count, int *first, int *last)
{
	*first = key == QUERY_ANY ? 0 : key >= 0 && key < count ? (int)key : count;
	*last = key == QUERY_ANY ? count - 1 : *first < count ? *first : -1;
}

/* The steps of its run that are asked for. */
static void range_of_t(const struct rows *r, int *first, int *last)
{
	const int64_t t = r->key[COL_T];

	range(t == QUERY_ANY ? t : t > 0 ? t - 1 : -1, r->of->trace->run[r->run].T, first, last);
}

static bool next_run(struct rows *r)
{
	const struct trace *t = r->of->trace;
	const int64_t layer = r->key[COL_LAYER];

	do
		r->run++;
	while (r->run < t->runs && layer != QUERY_ANY && layer != t->run[r->run].layer);
	if (r->run >= t->runs)
		return false;
	for (int k = POSITION; k < COLUMNS; k++)
		r->signal[k] = trace_signal_find(&t->run[r->run], columns[k].name);
	return true;
}

static bool next_row(void *rows)
{
	struct rows *r = rows;
	const struct trace *t = r->of->trace;
	int first_unit, last_unit, first, last;

	range(r->key[COL_UNIT], t->H, &first_unit, &last_unit);
	if (first_unit > last_unit)
		return false;
	if (r->run >= 0 && r->unit < last_unit) {
		r->unit++;
		return true;
	}
	r->unit = first_unit;
	if (r->run >= 0) {
		range_of_t(r, &first, &last);
		if (r->step < last) {
			r->step++;
			return true;
		}
	}
	while (next_run(r)) {
		range_of_t(r, &first, &last);
		r->step = first;
		if (first <= last)
			return true;
	}
	return false;
}

static struct query_cell text_cell(const char *p, size_t n)
{
	return (struct query_cell){.type = CELL_TEXT, .p = p, .n = n};
}

static struct query_cell cell(const void *rows, int col)
{
	const struct rows *r = rows;
	const struct trace *t = r->of->trace;
	const struct trace_run *run = &t->run[r->run];
	size_t n;
	const char *p;

	switch (col) {
	case COL_LAYER:
		return (struct query_cell){.type = CELL_INT, .i = run->layer};
	case COL_DIRECTION:
		return text_cell(run->decoder    ? "dec"
				 : run->backward ? "bw"
						 : "fw",
				 run->decoder ? 3 : 2);
	case COL_T:
		return (struct query_cell){.type = CELL_INT, .i = r->step + 1};
	case COL_TOKEN:
		p = trace_token(t, r->run, r->step, &n);
		return text_cell(p, n);
	case COL_UNIT:
		return (struct query_cell){.type = CELL_INT, .i = r->unit};
	case COL_RUN:
		return text_cell(r->of->run, strlen(r->of->run));
	case COL_TEXT:
		return text_cell(r->of->text, r->of->len);
	default:
		if (r->signal[col] < 0)
			return (struct query_cell){.type = CELL_NULL};
		return (struct query_cell){
			.type = CELL_REAL,
			.r = run->signal[r->signal[col]]
				     .v[(size_t)r->step * (size_t)t->H + (size_t)r->unit]};
	}
}

bool trace_table_add(struct query *q, const char *store, struct err *err)
{
	struct trace_table *t = mem_zero(1, sizeof(*t));
	const struct query_table table = {.name = "trace",
					  .column = columns,
					  .columns = COLUMNS,
					  .arg = arguments,
					  .args = 2,
					  .ctx = t,
					  .open = open_rows,
					  .next = next_row,
					  .cell = cell,
					  .close = close_rows,
					  .forget = forget,
					  .release = release};

	t->path = mem_text(store);
	return query_add_table(q, &table, err);
}

const struct query_question *trace_question_at(int index)
{
	static const struct query_question own[] = {
		{"What do the gates of the latest run do, word by word?",
		 "SELECT layer, direction, t, token, round(avg(i), 3) AS i, round(avg(f), 3) AS f,"
		 " round(avg(o), 3) AS o, round(avg(abs(h)), 3) AS \"|h|\""
		 " FROM trace('last', 'not a good film') GROUP BY layer, direction, t"},
		{"Which units of the latest run tell \"not good\" from \"good\" by the most?",
		 "SELECT b.layer, b.direction, b.unit, round(a.h, 3) AS h_good,"
		 " round(b.h, 3) AS h_not_good, round(b.h-a.h, 3) AS change"
		 " FROM trace('last', 'a good film') a JOIN trace('last', 'not a good film') b"
		 " USING(layer, direction, unit) WHERE a.token='good' AND b.token='good'"
		 " ORDER BY abs(b.h-a.h) DESC LIMIT 10"},
	};
	const struct query_question *q = query_question_at(index);
	int stored = 0;

	if (q || index < 0)
		return q;
	while (query_question_at(stored))
		stored++;
	index -= stored;
	return index < (int)(sizeof(own) / sizeof(own[0])) ? &own[index] : NULL;
}

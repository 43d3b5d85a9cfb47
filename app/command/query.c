/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/command.h"
#include "app/trace_table.h"

#include "engine/base/mem.h"
#include "engine/base/thread.h"
#include "store/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option options_query[] = {
	{"-f", "FILE", "read the SQL from a file; - is standard input"},
	{"--list", NULL, "the views and the table trace with their columns, and worked questions"},
	{"--timeout", "SECONDS", "give up after this long (default 60)"},
	{"--limit", "ROWS", "at most this many rows"},
	{NULL, NULL, NULL},
};

static bool columns(void *ctx, const char *const *names, int count)
{
	output_columns(ctx, names, count);
	return true;
}

static bool row(void *ctx, const struct query_cell *cells, int count)
{
	struct output *o = ctx;
	struct value *v = mem_zero((size_t)count, sizeof(*v));
	struct buf hex = {0};

	for (int k = 0; k < count; k++) {
		switch (cells[k].type) {
		case CELL_NULL:
			break;
		case CELL_INT:
			v[k] = value_int(cells[k].i);
			break;
		case CELL_REAL:
			v[k] = value_real(cells[k].r, -1);
			break;
		case CELL_TEXT:
			v[k] = value_bytes(cells[k].p, cells[k].n);
			break;
		case CELL_BLOB: /* as hexadecimal digits; placed after the loop, when hex stands still */
			v[k] = value_bytes(NULL, hex.len);
			for (size_t j = 0; j < cells[k].n; j++)
				buf_printf(&hex, "%02x", (unsigned)(unsigned char)cells[k].p[j]);
			v[k].i = (int64_t)hex.len;
			break;
		}
	}
	for (int k = 0; k < count; k++)
		if (cells[k].type == CELL_BLOB)
			v[k] = value_bytes(buf_str(&hex) + v[k].n, (size_t)v[k].i - v[k].n);
	output_row(o, v);
	buf_release(&hex);
	free(v);
	return !o->file || !ferror(o->file);
}

static bool read_sql(const char *path, struct buf *sql, struct err *err)
{
	const bool standard = !strcmp(path, "-");
	FILE *f = standard ? stdin : fopen(path, "r");
	char part[4096];
	size_t n;
	bool ok = f;

	while (f && (n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(sql, part, n);
	if (!f || ferror(f))
		ok = err_set(err, ERR_INPUT, "cannot read %s: %s", path, strerror(errno));
	if (f && !standard)
		fclose(f);
	return ok;
}

static bool list_columns(struct query *q, struct output *o, const char *kind, const char *name,
			 const char *shown, const char *about, struct err *err)
{
	struct buf names = {0};
	const bool ok = query_columns(q, name, &names, err);

	if (ok)
		output_row(o, (struct value[]){value_text(kind), value_text(shown),
					       value_text(about), value_text(buf_str(&names))});
	buf_release(&names);
	return ok;
}

static bool list(struct context *c, struct query *q, struct err *err)
{
	static const char *const column[] = {"kind", "name", "about", "sql"};
	const struct query_question *question;
	struct query_view view;
	struct output o;

	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, 4);
	for (int k = 0; query_view_at(k, &view); k++)
		if (!list_columns(q, &o, "view", view.name, view.name, view.about, err))
			return false;
	if (!list_columns(q, &o, "table", "trace", TRACE_TABLE, TRACE_TABLE_ABOUT, err))
		return false;
	for (int k = 0; (question = trace_question_at(k)); k++) {
		char number[16];

		snprintf(number, sizeof(number), "%d", k + 1);
		output_row(&o, (struct value[]){value_text("question"), value_text(number),
						value_text(question->title),
						value_text(question->sql)});
	}
	return output_close(&o, err);
}

/* Watches the cancel flag of the console while a query runs. */
struct canceller {
	struct query *query;
	const int *cancel;
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool over;
};

static void *watch_cancel(void *arg)
{
	struct canceller *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->over) {
		const struct timespec until = thread_deadline(50);

		pthread_cond_timedwait(&w->done, &w->lock, &until);
		if (__atomic_load_n(w->cancel, __ATOMIC_RELAXED))
			query_cancel(w->query);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static bool run(struct context *c, struct query *q, const char *sql, struct err *err)
{
	struct canceller w = {.query = q, .cancel = c->cancel};
	struct query_result result = {0};
	struct query_sink sink = {.columns = columns, .row = row};
	struct output o;
	pthread_t thread;
	bool ok, watching = false;

	output_open(&o, c->format, c->out, c->answer);
	sink.ctx = &o;
	if (c->cancel) {
		pthread_mutex_init(&w.lock, NULL);
		pthread_cond_init(&w.done, NULL);
		watching = thread_start(&thread, watch_cancel, &w, "query", NULL);
	}
	ok = query_run(q, sql, &sink, &result, err);
	if (watching) {
		pthread_mutex_lock(&w.lock);
		w.over = true;
		pthread_cond_signal(&w.done);
		pthread_mutex_unlock(&w.lock);
		pthread_join(thread, NULL);
	}
	if (ok) {
		ok = output_close(&o, err);
		if (c->untimed && result.truncated)
			context_say(c, "cut after %lld rows", (long long)result.rows);
		else if (c->text && !c->untimed)
			context_say(c, "%lld row%s in %.2f s%s", (long long)result.rows,
				    result.rows == 1 ? "" : "s", result.seconds,
				    result.truncated ? ", cut at the limit" : "");
		else if (result.truncated && !c->quiet)
			fprintf(stderr, "sluice: cut after %lld rows\n", (long long)result.rows);
	} else {
		o.file = NULL; /* what was gathered is not an answer */
		output_close(&o, NULL);
	}
	return ok;
}

bool command_query(struct context *c, const struct args *a, struct err *err)
{
	const char *file = args_value(a, "-f"), *timeout = args_value(a, "--timeout");
	struct query_limits limits = {.rows = c->out ? 0 : 100000, .deadline_ms = 60000};
	struct buf sql = {0};
	struct query *q;
	bool ok = true;
	char *end;

	if (timeout) {
		double seconds = strtod(timeout, &end);

		if (end == timeout || *end || !(seconds >= 0.001 && seconds <= 1e9))
			return err_set(err, ERR_USAGE,
				       "--timeout is a number of seconds from 0.001 on, not '%s'",
				       timeout);
		limits.deadline_ms = (int64_t)(seconds * 1000);
	}
	if (!args_number(a, "--limit", INT64_MAX, &limits.rows, err))
		return false;
	if (!args_has(a, "--list") && (file != NULL) == (a->pos_count > 0))
		return err_set(err, ERR_USAGE, "query takes SQL, or -f FILE, or --list");
	q = query_open(c->store, limits, err);
	if (!q)
		return false;
	if (!trace_table_add(q, c->store, err)) {
		query_close(q);
		return false;
	}
	for (int k = 0; k < a->pos_count; k++)
		buf_printf(&sql, "%s%s", k ? " " : "", a->pos[k]);
	if (args_has(a, "--list"))
		ok = list(c, q, err);
	else
		ok = (!file || read_sql(file, &sql, err)) && run(c, q, buf_str(&sql), err);
	buf_release(&sql);
	query_close(q);
	return ok;
}

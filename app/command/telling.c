/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/telling.h"

#include "app/jobs.h"

#include <time.h>
#include <unistd.h>

enum { BAR_MS = 200, LINE_MS = 10000 };

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void telling_begin(struct telling *t, const struct context *c, const char *what, int64_t of)
{
	*t = (struct telling){.c = c, .what = what, .of = of, .told_ms = now_ms()};
	t->bar = isatty(STDERR_FILENO);
}

void telling_at(struct telling *t, int64_t done)
{
	const int64_t now = now_ms();

	if (t->c->job)
		jobs_tell(t->c->job, done, t->of);
	if (!t->c->out || t->c->quiet || now - t->told_ms < (t->bar ? BAR_MS : LINE_MS))
		return;
	t->told_ms = now;
	t->shown = true;
	fprintf(stderr, "%s%lld of %lld %s%s", t->bar ? "\r\033[K" : "", (long long)done,
		(long long)t->of, t->what, t->bar ? "" : "\n");
	fflush(stderr);
}

void telling_end(struct telling *t)
{
	if (t->shown && t->bar)
		fputs("\r\033[K", stderr);
	t->shown = false;
}

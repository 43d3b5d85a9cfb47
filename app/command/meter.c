/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/meter.h"

#include "app/jobs.h"

#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 500, BAR_MS = 100, LINE_MS = 10000 };

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void meter_begin(struct meter *m, const struct context *c)
{
	*m = (struct meter){
		.on = c->out && !c->quiet, .terminal = isatty(STDERR_FILENO), .job = c->job};
	m->next_ms = now_ms() + (m->terminal ? FIRST_MS : LINE_MS);
}

static void tell(void *arg, double share)
{
	struct meter *m = arg;
	const int64_t now = m->on ? now_ms() : 0;

	if (m->job)
		jobs_tell(m->job, (int64_t)(100 * share), 100);
	if (!m->on || now < m->next_ms)
		return;
	fprintf(stderr, m->terminal ? "\r%s: %.0f %%\033[K" : "%s: %.0f %%\n", m->what,
		100 * share);
	m->shown = true;
	m->next_ms = now + (m->terminal ? BAR_MS : LINE_MS);
}

struct sweep_watch meter_watch(struct meter *m, const struct context *c, const char *what)
{
	m->what = what;
	return (struct sweep_watch){.cancel = c->cancel, .tell = tell, .arg = m};
}

void meter_end(struct meter *m)
{
	if (m->shown && m->terminal)
		fputs("\r\033[K", stderr);
	m->shown = false;
}

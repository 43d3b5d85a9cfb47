/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The workbench without a terminal: a command file steers it, and its screen is a canvas in memory. */
#include "app/desk/desk.h"
#include "app/script.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { ENDINGS = 3 };
static const int ending[ENDINGS] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[ENDINGS];
static volatile sig_atomic_t caught;
static int wake;

/* A second one ends the process at once. */
static void on_signal(int sig)
{
	const int saved = errno;

	if (caught)
		signal(sig, SIG_DFL);
	if (caught)
		raise(sig);
	caught = sig;
	if (write(wake, "s", 1) < 0)
		errno = saved;
	errno = saved;
}

static void listen(bool on)
{
	const struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	for (int k = 0; k < ENDINGS; k++) {
		if (on)
			sigaction(ending[k], NULL, &before[k]);
		if (before[k].sa_handler != SIG_IGN) /* what was ignored stays ignored: nohup */
			sigaction(ending[k], on ? &act : &before[k], NULL);
	}
}

/* A signal ends the command file, and what is under way. */
static void signals(struct workbench *w)
{
	if (!caught || w->exit_signal)
		return;
	w->exit_signal = caught;
	jobs_cancel(w->jobs);
	script_drop(w);
	workbench_leave(w);
}

static void draw(struct workbench *w)
{
	if (!w->dirty)
		return;
	w->dirty = false;
	frame_draw(w);
}

void headless_loop(struct workbench *w)
{
	wake = w->wake[1];
	listen(true);
	while (!workbench_may_leave(w)) {
		struct pollfd fd[2] = {{.fd = w->wake[0], .events = POLLIN},
				       {.fd = -1, .events = POLLIN}};

		/* Only what has come to rest is drawn, so that every replay draws the same. */
		if (script_is_ready(w)) {
			draw(w);
			if (script_go_on(w))
				continue;
		}
		fd[1].fd = script_fd(w->script);
		if (poll(fd, 2, script_timeout(w)) < 0 && errno != EINTR)
			break;
		workbench_drain(w);
		signals(w);
		jobs_collect(w->jobs, w);
		desk_feed(w);
	}
	script_end(w);
	listen(false);
}

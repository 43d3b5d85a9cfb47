/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* pthread_setname_np */
#include "engine/base/thread.h"

#include <signal.h>
#include <string.h>
#include <time.h>

bool thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg, const char *what,
		  struct err *err)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	sigset_t all, old;
	int error;

	sigfillset(&all);
	for (size_t k = 0; k < sizeof(faults) / sizeof(faults[0]); k++)
		sigdelset(&all, faults[k]);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	error = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!error)
		pthread_setname_np(*thread, what); /* for top, gdb and perf */
	return !error ||
	       err_set(err, ERR_FAILED, "cannot start the %s thread: %s", what, strerror(error));
}

struct timespec thread_deadline(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

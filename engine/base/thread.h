/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting threads. */
#ifndef SLUICE_ENGINE_BASE_THREAD_H
#define SLUICE_ENGINE_BASE_THREAD_H

#include "engine/base/err.h"

#include <pthread.h>

/* Starts a thread that leaves signals to the main thread, except those of its own faults. ERR_FAILED
 * says what the thread was for. */
bool thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg, const char *what,
		  struct err *err);

/* Milliseconds from now as pthread_cond_timedwait takes them. */
struct timespec thread_deadline(long ms);

#endif

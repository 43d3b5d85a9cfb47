/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A team of threads that do one thing together: member 0 is the caller. What is computed depends on a
 * member's number alone, or on that of a task which it takes, so that sums are always taken in the
 * same order. Threads that wait look for some microseconds, and then sleep.
 */
#ifndef SLUICE_ENGINE_BASE_TEAM_H
#define SLUICE_ENGINE_BASE_TEAM_H

#include "engine/base/err.h"

#include <stddef.h>

struct team;

/* size >= 1 members. NULL if the system refuses a thread. */
struct team *team_new(int size, struct err *err);
int team_size(const struct team *t);
void team_free(struct team *t);

/* Calls work(arg, member) once for every member; returns when all are done. One caller at a time. */
void team_run(struct team *t, void (*work)(void *arg, int member), void *arg);

/* Makes this thread treat denormal numbers as zero (where the processor can): gates that saturate
 * would otherwise slow every product down. Members do so by themselves. */
void team_flush_denormals(void);

#endif

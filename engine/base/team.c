/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/team.h"

#include "engine/base/mem.h"
#include "engine/base/thread.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

struct member {
	struct team *team;
	pthread_t thread;
	int number;
};

struct team {
	int size;
	struct member *member; /* size; the first has no thread */
	pthread_mutex_t lock;
	pthread_cond_t start, done;
	/* Changed under the lock, or by the last to end; looked at without it. */
	atomic_ulong round; /* grows by one with each team_run */
	atomic_int running;
	atomic_bool quit;
	int looks; /* before a thread sleeps */
	void (*work)(void *arg, int member);
	void *arg;
};

void team_flush_denormals(void)
{
#ifdef __SSE2__
	_mm_setcsr(_mm_getcsr() | 0x8040); /* flush to zero, denormals are zero */
#endif
}

/* What is waited for is often microseconds away, and to sleep and wake takes tens of them; but a core
 * that others want is given back. */
enum { LOOKS = 1000 };

static void pause_core(void)
{
#ifdef __SSE2__
	_mm_pause();
#endif
}

static void await_round(struct team *t, unsigned long seen)
{
	for (int k = 0; k < t->looks; k++) {
		if (atomic_load(&t->round) != seen || atomic_load(&t->quit))
			return;
		pause_core();
	}
	pthread_mutex_lock(&t->lock);
	while (atomic_load(&t->round) == seen && !atomic_load(&t->quit))
		pthread_cond_wait(&t->start, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static void await_members(struct team *t)
{
	for (int k = 0; k < t->looks; k++) {
		if (!atomic_load(&t->running))
			return;
		pause_core();
	}
	pthread_mutex_lock(&t->lock);
	while (atomic_load(&t->running))
		pthread_cond_wait(&t->done, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static void *member_main(void *arg)
{
	struct member *m = arg;
	struct team *t = m->team;
	unsigned long seen = 0;

	team_flush_denormals();
	for (;;) {
		await_round(t, seen++);
		if (atomic_load(&t->quit))
			return NULL;
		t->work(t->arg, m->number);
		if (atomic_fetch_sub(&t->running, 1) == 1) {
			pthread_mutex_lock(&t->lock);
			pthread_cond_signal(&t->done);
			pthread_mutex_unlock(&t->lock);
		}
	}
}

struct team *team_new(int size, struct err *err)
{
	struct team *t = mem_zero(1, sizeof(*t));
	bool ok = true;

	t->member = mem_zero((size_t)size, sizeof(*t->member));
	t->size = 1;
	t->looks = size <= sysconf(_SC_NPROCESSORS_ONLN) ? LOOKS : 0;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->start, NULL);
	pthread_cond_init(&t->done, NULL);
	for (int k = 1; k < size && ok; k++) {
		t->member[k] = (struct member){.team = t, .number = k};
		ok = thread_start(&t->member[k].thread, member_main, &t->member[k], "worker", err);
		t->size += ok;
	}
	if (ok)
		return t;
	team_free(t);
	return NULL;
}

int team_size(const struct team *t)
{
	return t->size;
}

void team_free(struct team *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	atomic_store(&t->quit, true);
	pthread_cond_broadcast(&t->start);
	pthread_mutex_unlock(&t->lock);
	for (int k = 1; k < t->size; k++)
		pthread_join(t->member[k].thread, NULL);
	pthread_cond_destroy(&t->start);
	pthread_cond_destroy(&t->done);
	pthread_mutex_destroy(&t->lock);
	free(t->member);
	free(t);
}

void team_run(struct team *t, void (*work)(void *arg, int member), void *arg)
{
	if (t->size > 1) {
		pthread_mutex_lock(&t->lock);
		t->work = work;
		t->arg = arg;
		atomic_store(&t->running, t->size - 1);
		atomic_fetch_add(&t->round, 1);
		pthread_cond_broadcast(&t->start);
		pthread_mutex_unlock(&t->lock);
	}
	work(arg, 0);
	if (t->size > 1)
		await_members(t);
}

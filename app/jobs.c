/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/jobs.h"

#include "engine/base/mem.h"
#include "engine/base/thread.h"

#include <stdlib.h>
#include <time.h>

enum { TELL_MS = 80 }; /* between two wake-ups for what a job tells */

struct jobs {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct job *todo, *now, *done; /* lists in order */
	bool quit, told;
	int64_t told_ms;
	void (*wake)(void *arg);
	void *arg;
};

static void append(struct job **list, struct job *j)
{
	while (*list)
		list = &(*list)->next;
	j->next = NULL;
	*list = j;
}

static void *jobs_main(void *arg)
{
	struct jobs *js = arg;

	pthread_mutex_lock(&js->lock);
	while (!js->quit) {
		struct job *j = js->todo;

		if (!j) {
			pthread_cond_wait(&js->filled, &js->lock);
			continue;
		}
		js->todo = j->next;
		j->next = NULL;
		js->now = j;
		pthread_mutex_unlock(&js->lock);
		if (__atomic_load_n(&j->cancel, __ATOMIC_RELAXED))
			err_set(&j->err, ERR_CANCELLED, "%s cancelled", j->what);
		else
			j->run(j);
		pthread_mutex_lock(&js->lock);
		js->now = NULL;
		append(&js->done, j);
		pthread_mutex_unlock(&js->lock);
		js->wake(js->arg);
		pthread_mutex_lock(&js->lock);
	}
	pthread_mutex_unlock(&js->lock);
	return NULL;
}

struct jobs *jobs_new(void (*wake)(void *arg), void *arg, struct err *err)
{
	struct jobs *js = mem_zero(1, sizeof(*js));

	js->wake = wake;
	js->arg = arg;
	pthread_mutex_init(&js->lock, NULL);
	pthread_cond_init(&js->filled, NULL);
	if (thread_start(&js->thread, jobs_main, js, "job", err))
		return js;
	free(js);
	return NULL;
}

static void release_all(struct job *j)
{
	while (j) {
		struct job *next = j->next;

		j->release(j);
		j = next;
	}
}

void jobs_free(struct jobs *js)
{
	if (!js)
		return;
	pthread_mutex_lock(&js->lock);
	js->quit = true;
	if (js->now)
		__atomic_store_n(&js->now->cancel, 1, __ATOMIC_RELAXED);
	pthread_cond_signal(&js->filled);
	pthread_mutex_unlock(&js->lock);
	pthread_join(js->thread, NULL);
	release_all(js->todo);
	release_all(js->done);
	pthread_cond_destroy(&js->filled);
	pthread_mutex_destroy(&js->lock);
	free(js);
}

void jobs_post(struct jobs *js, struct job *j)
{
	j->jobs = js;
	pthread_mutex_lock(&js->lock);
	append(&js->todo, j);
	pthread_cond_signal(&js->filled);
	pthread_mutex_unlock(&js->lock);
}

bool jobs_collect(struct jobs *js, void *owner)
{
	struct job *list;
	bool any;

	pthread_mutex_lock(&js->lock);
	list = js->done;
	js->done = NULL;
	pthread_mutex_unlock(&js->lock);
	any = list;
	while (list) {
		struct job *j = list;

		list = j->next;
		j->done(j, owner);
		j->release(j);
	}
	return any;
}

/* The first job the user waits for, of this one and those behind it; cancels them all if asked to. */
static struct job *visible(struct job *j, bool cancel)
{
	struct job *first = NULL;

	for (; j; j = j->next)
		if (j->visible) {
			first = first ? first : j;
			if (cancel)
				__atomic_store_n(&j->cancel, 1, __ATOMIC_RELAXED);
		}
	return first;
}

static struct job *first_visible(struct jobs *js, bool cancel)
{
	struct job *running = visible(js->now, cancel), *waiting = visible(js->todo, cancel);

	return running ? running : waiting;
}

bool jobs_cancel(struct jobs *js)
{
	bool any;

	pthread_mutex_lock(&js->lock);
	any = first_visible(js, true);
	pthread_mutex_unlock(&js->lock);
	return any;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void jobs_tell(struct job *j, int64_t at, int64_t of)
{
	struct jobs *js = j->jobs;
	const int64_t now = now_ms();
	bool wake;

	pthread_mutex_lock(&js->lock);
	j->at = at;
	j->of = of;
	wake = now - js->told_ms >= TELL_MS;
	if (wake) {
		js->told_ms = now;
		js->told = true;
	}
	pthread_mutex_unlock(&js->lock);
	if (wake)
		js->wake(js->arg);
}

bool jobs_told(struct jobs *js)
{
	bool told;

	pthread_mutex_lock(&js->lock);
	told = js->told;
	js->told = false;
	pthread_mutex_unlock(&js->lock);
	return told;
}

const char *jobs_waiting(struct jobs *js, int64_t *at, int64_t *of)
{
	const struct job *j;
	const char *what;

	pthread_mutex_lock(&js->lock);
	j = first_visible(js, false);
	what = j ? j->what : NULL;
	if (at)
		*at = j ? j->at : 0;
	if (of)
		*of = j ? j->of : 0;
	pthread_mutex_unlock(&js->lock);
	return what;
}

bool jobs_none(struct jobs *js)
{
	bool none;

	pthread_mutex_lock(&js->lock);
	none = !js->todo && !js->now && !js->done;
	pthread_mutex_unlock(&js->lock);
	return none;
}

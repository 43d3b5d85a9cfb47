/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/jobs.h"

#include "engine/base/mem.h"
#include "engine/base/thread.h"

#include <stdlib.h>

struct jobs {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct job *todo, *now, *done; /* lists in order */
	bool quit;
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

const char *jobs_waiting(struct jobs *js)
{
	const struct job *j;
	const char *what;

	pthread_mutex_lock(&js->lock);
	j = first_visible(js, false);
	what = j ? j->what : NULL;
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/requests.h"

void requests_open(struct requests *r, bool paused)
{
	*r = (struct requests){.pause = paused, .factors = by_hand_none()};
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
}

void requests_close(struct requests *r)
{
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
}

/* Requests change something under the lock and wake the trainer. */
#define REQUEST(r, change)                                                                         \
	do {                                                                                       \
		pthread_mutex_lock(&(r)->lock);                                                    \
		change;                                                                            \
		pthread_cond_signal(&(r)->wake);                                                   \
		pthread_mutex_unlock(&(r)->lock);                                                  \
	} while (0)

void requests_pause(struct requests *r, bool pause)
{
	REQUEST(r, r->pause = pause);
}

void requests_one_batch(struct requests *r)
{
	REQUEST(r, r->pause = true; r->one_batch++);
}

void requests_stop(struct requests *r)
{
	REQUEST(r, __atomic_store_n(&r->stop, 1, __ATOMIC_RELAXED));
}

void requests_snapshot(struct requests *r)
{
	REQUEST(r, r->snapshot = true);
}

void requests_lr(struct requests *r, double lr)
{
	REQUEST(r, r->lr = lr);
}

void requests_factor(struct requests *r, const struct groups *g, const char *name, double factor)
{
	REQUEST(r, by_hand_set(&r->factors, g, name, factor));
}

static bool has_nothing(const struct requests *r)
{
	return r->pause && !r->one_batch && !r->stop && !r->snapshot && r->lr == 0 &&
	       !by_hand_any(&r->factors);
}

bool requests_met(struct requests *r, bool *rests)
{
	bool met;

	pthread_mutex_lock(&r->lock);
	*rests = r->waits && has_nothing(r);
	met = *rests || (!r->pause && !r->stop && r->lr == 0 && !by_hand_any(&r->factors));
	pthread_mutex_unlock(&r->lock);
	return met;
}

struct asked requests_take(struct requests *r, bool waits)
{
	struct asked a;

	pthread_mutex_lock(&r->lock);
	r->waits = waits && has_nothing(r);
	if (r->waits)
		pthread_cond_wait(&r->wake, &r->lock);
	r->waits = false;
	a = (struct asked){.go = !r->pause || r->one_batch,
			   .stop = r->stop,
			   .snapshot = r->snapshot,
			   .lr = r->lr,
			   .factors = r->factors};
	r->snapshot = false;
	r->lr = 0;
	r->factors = by_hand_none();
	r->one_batch -= a.go && r->one_batch;
	pthread_mutex_unlock(&r->lock);
	return a;
}

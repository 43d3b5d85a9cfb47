/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/feed.h"

#include "engine/base/mem.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct feed {
	pthread_mutex_t lock;
	struct feed_view view;
	struct snapshot *snapshot;
	void (*wake)(void *arg);
	void *arg;
	double woken; /* for a step; in seconds of training */
};

/* Steps are told so many seconds apart: who watches need not keep up with them. */
static const double STEPS_APART = 0.02;

void curve_clear(struct curve *c)
{
	c->count = c->held = 0;
	c->stride = 1;
	c->x_sum = c->y_sum = 0;
}

void curve_add(struct curve *c, double x, double y)
{
	if (!c->stride)
		c->stride = 1;
	c->x_sum += x;
	c->y_sum += y;
	if (++c->held < c->stride)
		return;
	if (c->count == CURVE_MAX) {
		for (size_t k = 0; k < CURVE_MAX / 2; k++) {
			c->x[k] = (c->x[2 * k] + c->x[2 * k + 1]) / 2;
			c->y[k] = (c->y[2 * k] + c->y[2 * k + 1]) / 2;
		}
		c->count /= 2;
		c->stride *= 2;
		if (c->held < c->stride)
			return;
	}
	c->x[c->count] = c->x_sum / c->held;
	c->y[c->count++] = c->y_sum / c->held;
	c->held = 0;
	c->x_sum = c->y_sum = 0;
}

struct feed *feed_new(void (*wake)(void *arg), void *arg)
{
	struct feed *f = mem_zero(1, sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	f->wake = wake;
	f->arg = arg;
	return f;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	snapshot_unref(f->snapshot);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void feed_begin(struct feed *f, const struct feed_view *past)
{
	pthread_mutex_lock(&f->lock);
	memcpy(f->view.curve, past->curve, sizeof(f->view.curve));
	f->view.last = past->last;
	f->view.best = past->best;
	f->view.version++;
	pthread_mutex_unlock(&f->lock);
}

const char *feed_curve_name(enum feed_curve c)
{
	static const char *const name[FEED_CURVES] = {"train/loss", "train/accuracy",
						      "valid/loss", "valid/accuracy",
						      "valid/bleu", "valid/rougeL"};

	return name[c];
}

static void put_epoch(struct feed_view *v, const struct epoch_stats *e)
{
	v->last = *e;
	if (e->best)
		v->best = *e;
	if (isnan(e->valid_loss))
		return;
	curve_add(&v->curve[FEED_VALID_LOSS], e->epoch, e->valid_loss);
	curve_add(&v->curve[FEED_VALID_ACCURACY], e->epoch, e->valid_accuracy);
	if (isnan(e->valid_bleu))
		return;
	curve_add(&v->curve[FEED_VALID_BLEU], e->epoch, e->valid_bleu);
	curve_add(&v->curve[FEED_VALID_ROUGE], e->epoch, e->valid_rouge);
}

void feed_put(struct feed *f, const struct train_event *event)
{
	const double seconds = event->gauge->seconds;
	struct feed_view *v = &f->view;
	struct snapshot *old = NULL;
	bool wake = f->wake;

	pthread_mutex_lock(&f->lock);
	v->version++;
	v->gauge = *event->gauge;
	if (event->type == TRAIN_EVENT_STEP) {
		const double x = (double)v->gauge.step * v->gauge.epochs / (double)v->gauge.steps;

		curve_add(&v->curve[FEED_TRAIN_LOSS], x, v->gauge.loss);
		curve_add(&v->curve[FEED_TRAIN_ACCURACY], x, v->gauge.accuracy);
	} else if (event->type == TRAIN_EVENT_EPOCH) {
		put_epoch(v, event->epoch);
	} else if (event->type == TRAIN_EVENT_STATE) {
		snprintf(v->message, sizeof(v->message), "%s",
			 event->message ? event->message : "");
	} else if (event->snapshot) {
		old = f->snapshot;
		f->snapshot = snapshot_ref(event->snapshot);
	}
	pthread_mutex_unlock(&f->lock);
	snapshot_unref(old);
	if (event->type == TRAIN_EVENT_STEP && wake) {
		wake = !(fabs(seconds - f->woken) < STEPS_APART);
		f->woken = wake ? seconds : f->woken;
	}
	if (wake)
		f->wake(f->arg);
}

static void copy_curve(struct curve *to, const struct curve *from)
{
	const size_t used = (size_t)from->count * sizeof(*from->x);

	memcpy(to->x, from->x, used);
	memcpy(to->y, from->y, used);
	to->count = from->count;
	to->stride = from->stride;
	to->held = from->held;
	to->x_sum = from->x_sum;
	to->y_sum = from->y_sum;
}

static void copy_view(struct feed_view *to, const struct feed_view *from)
{
	to->version = from->version;
	to->gauge = from->gauge;
	for (int k = 0; k < FEED_CURVES; k++)
		copy_curve(&to->curve[k], &from->curve[k]);
	to->last = from->last;
	to->best = from->best;
	memcpy(to->message, from->message, sizeof(to->message));
}

bool feed_read(struct feed *f, struct feed_view *view)
{
	bool news;

	pthread_mutex_lock(&f->lock);
	news = view->version != f->view.version;
	if (news)
		copy_view(view, &f->view);
	pthread_mutex_unlock(&f->lock);
	return news;
}

struct snapshot *feed_snapshot(struct feed *f, const struct snapshot *have)
{
	struct snapshot *s = NULL;

	pthread_mutex_lock(&f->lock);
	if (f->snapshot && f->snapshot != have)
		s = snapshot_ref(f->snapshot);
	pthread_mutex_unlock(&f->lock);
	return s;
}

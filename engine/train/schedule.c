/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/schedule.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const double TRIANGLE_RISE = 0.1, TRIANGLE_RATIO = 32;

const struct schedule_memory schedule_fresh = {.factor = 1, .best = INFINITY};

static double constant(const struct schedule *s, const struct schedule_now *now)
{
	(void)s;
	(void)now;
	return 1;
}

static double by_step(const struct schedule *s, const struct schedule_now *now)
{
	const int past = now->epoch > s->after ? now->epoch - s->after : 0;

	return pow(s->decay, ceil((double)past / s->every));
}

static double exponential(const struct schedule *s, const struct schedule_now *now)
{
	const double x = (double)now->step / now->per_epoch;

	return pow(s->decay, fmax(0, x - s->after) / s->every);
}

static double cosine(const struct schedule *s, const struct schedule_now *now)
{
	const int64_t done = now->step - s->warmup, all = now->steps - s->warmup;

	if (done <= 0)
		return 1;
	return (1 + cos(acos(-1) * fmin(1, (double)done / (double)all))) / 2;
}

static double plateau(const struct schedule *s, const struct schedule_now *now)
{
	(void)s;
	return now->memory.factor;
}

/* Fewer than ten steps have no rise, and what floor takes from it would end below 1/32: both are
 * left out. */
static double triangle(const struct schedule *s, const struct schedule_now *now)
{
	const double cut = floor(TRIANGLE_RISE * (double)now->steps), step = (double)now->step;
	const double fall = cut > 0 ? cut * (1 / TRIANGLE_RISE - 1) : (double)now->steps;
	const double p = step < cut ? step / cut : 1 - (step - cut) / fall;

	(void)s;
	return (1 + fmax(0, p) * (TRIANGLE_RATIO - 1)) / TRIANGLE_RATIO;
}

static const struct schedule_ops table[] = {
	{"constant", constant, false, false},       {"step", by_step, false, false},
	{"exponential", exponential, false, false}, {"cosine", cosine, false, false},
	{"plateau", plateau, false, true},          {"triangle", triangle, true, false},
};

const struct schedule_ops *schedule_at(int index)
{
	return index >= 0 && (size_t)index < sizeof(table) / sizeof(table[0]) ? &table[index]
									      : NULL;
}

const struct schedule_ops *schedule_find(const char *name)
{
	for (int k = 0; schedule_at(k); k++)
		if (!strcmp(table[k].name, name))
			return &table[k];
	return NULL;
}

double schedule_factor(const struct schedule *s, const struct schedule_now *now)
{
	const struct schedule_ops *ops = s->ops ? s->ops : &table[0];
	const double factor = ops->factor(s, now);

	if (ops->rises || now->step >= s->warmup)
		return factor;
	return factor * (double)(now->step + 1) / (double)s->warmup;
}

bool schedule_epoch(const struct schedule *s, struct schedule_memory *memory, int epoch,
		    double valid_loss)
{
	if (!s->ops || !s->ops->validates)
		return false;
	if (valid_loss < memory->best) {
		memory->best = valid_loss;
		memory->waited = 0;
		return false;
	}
	if (epoch <= s->after || ++memory->waited < s->every)
		return false;
	memory->waited = 0;
	memory->factor *= s->decay;
	return s->decay < 1;
}

const char *forcing_name(enum forcing_kind kind)
{
	static const char *const name[FORCING_COUNT] = {"constant", "linear", "exponential",
							"sigmoid"};

	return name[kind];
}

static double falling(double p)
{
	return 1 / (1 + exp(10 * (p - 0.5)));
}

bool forcing_lets_go(const struct forcing *f)
{
	return f->first > 0 && (f->first < 1 || (f->kind != FORCING_CONSTANT && f->last < 1));
}

double forcing_rate(const struct forcing *f, int64_t step, int64_t steps)
{
	const double p = steps > 1 ? fmin(1, (double)step / (double)(steps - 1)) : 0;

	switch (f->kind) {
	case FORCING_LINEAR:
		return f->first + (f->last - f->first) * p;
	case FORCING_EXPONENTIAL:
		return f->first * pow(f->last / f->first, p);
	case FORCING_SIGMOID:
		return f->last +
		       (f->first - f->last) * (falling(p) - falling(1)) / (falling(0) - falling(1));
	default:
		return f->first;
	}
}

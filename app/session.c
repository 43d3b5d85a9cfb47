/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/session.h"

#include "engine/base/mem.h"

#include <stdlib.h>

/* First the store, then the screen: what is shown has been handed over for writing. */
static void emit(void *arg, const struct train_event *event)
{
	struct session *s = arg;

	if (!recorder_put(s->recorder, event))
		trainer_stop(s->trainer);
	if (s->observe)
		s->observe(s->arg, event);
	feed_put(s->feed, event);
}

struct session *session_start(struct prepared *p, const struct session_spec *spec, struct err *err)
{
	struct session *s = mem_zero(1, sizeof(*s));

	s->prepared = *p;
	*p = (struct prepared){0};
	p = &s->prepared;
	p->spec.paused = true; /* until s->trainer is there for emit */
	s->observe = spec->observe;
	s->arg = spec->arg;
	s->feed = feed_new(spec->wake, spec->arg);
	s->recorder = recorder_new(spec->store, p, &spec->intro, err);
	if (s->recorder)
		s->trainer = trainer_new(&p->spec, p->encoder, p->train, p->valid,
					 (struct train_sink){emit, s}, err);
	if (s->trainer) {
		if (!spec->paused)
			trainer_resume(s->trainer);
		return s;
	}
	session_free(s);
	return NULL;
}

enum train_state session_finish(struct session *s, struct err *err)
{
	struct err why = {0};
	enum train_state state = trainer_wait(s->trainer, &why);

	if (!recorder_close(s->recorder, &why))
		state = TRAIN_FAILED;
	s->recorder = NULL;
	if (err)
		*err = why;
	return state;
}

void session_free(struct session *s)
{
	struct err trouble;

	if (!s)
		return;
	if (s->trainer)
		trainer_stop(s->trainer);
	if (s->recorder && recorder_trouble(s->recorder, &trouble))
		recorder_give_up(s->recorder); /* the trainer may be waiting for room */
	trainer_free(s->trainer);
	recorder_close(s->recorder, NULL);
	feed_free(s->feed);
	prepared_release(&s->prepared);
	free(s);
}

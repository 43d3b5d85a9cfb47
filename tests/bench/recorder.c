/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trains with the settings of a file, `recorder FILE.ini [STORE]`: into a store as the program does,
 * or without one, with nobody who looks. Prints seconds of training, and of all processors' work. */
#include "app/session.h"
#include "engine/math/blas.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static void drop(void *arg, const struct train_event *event)
{
	*(double *)arg = event->gauge->seconds;
}

static double without_store(struct prepared *p, struct err *err)
{
	double seconds = 0;
	struct trainer *t = trainer_new(&p->spec, p->encoder, p->train, p->valid,
					(struct train_sink){drop, &seconds}, err);

	if (t)
		trainer_wait(t, err);
	trainer_free(t);
	return seconds;
}

static double with_store(struct prepared *p, const char *store, struct err *err)
{
	const struct session_spec spec = {.store = store};
	struct session *s = session_start(p, &spec, err);
	struct feed_view *view = calloc(1, sizeof(*view));
	double seconds = 0;

	if (s && view) {
		trainer_wait(s->trainer, err);
		feed_read(s->feed, view);
		seconds = view->gauge.seconds;
		session_finish(s, err);
	}
	session_free(s);
	free(view);
	return seconds;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	struct settings settings;
	struct prepared p = {0};
	struct rusage use;
	double seconds = 0;

	blas_single_thread();
	settings_default(&settings);
	if (argc > 1 && settings_load(&settings, argv[1], &err) && prepare(&settings, &p, &err))
		seconds = argc > 2 ? with_store(&p, argv[2], &err) : without_store(&p, &err);
	prepared_release(&p);
	settings_release(&settings);
	if (argc < 2 || err.code) {
		fprintf(stderr, "recorder: %s\n", err.code ? err.msg : "FILE.ini [STORE]");
		return 1;
	}
	getrusage(RUSAGE_SELF, &use);
	printf("%.4f %.4f\n", seconds,
	       (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		       1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec));
	return 0;
}

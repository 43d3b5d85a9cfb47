/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pictures of a unit's dossier. */
#include "app/command/unit.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { BINS = 20, CLASSES_SHOWN = 8 };

/* The words against what they do to h, smallest mean first, with the bands. */
struct figure *unit_picture_words(const struct unit_view *v)
{
	static const char *const name[] = {"mean", "9 %", "25 %", "75 %", "91 %"};
	const struct dossier *d = &v->d;
	struct figure *f = figure_plot("words by mean", "h(t) − h(t−1)",
				       "what words do to unit %d of %s", v->rules.unit, v->layer);

	for (int s = 0; s < 5; s++)
		figure_series(f, name[s], s > 0);
	for (int k = 0; k < d->downs + d->ups; k++) {
		const struct dossier_word *w =
			k < d->downs ? &d->down[k] : &d->up[d->downs + d->ups - 1 - k];
		const double of[] = {w->mean, w->p9, w->p25, w->p75, w->p91};
		char *token;
		size_t n;
		const char *bytes = vocab_token(v->run.snapshot->encoder->vocab, w->id, &n);

		token = mem_bytes(bytes, n);
		for (int s = 0; s < 5; s++)
			figure_point(f, s, k + 1, of[s], s ? NULL : token);
		free(token);
	}
	return f;
}

/* How the unit's h lies when a text ends: a line a class. */
struct figure *unit_picture_labels(const struct unit_view *v)
{
	const real *last = v->d.last + (size_t)v->rules.unit * v->d.count;
	const int C = v->s.classes < CLASSES_SHOWN ? v->s.classes : CLASSES_SHOWN;
	struct figure *f = figure_plot("h at the end", "share of its texts",
				       "unit %d of %s by label", v->rules.unit, v->layer);
	double least = INFINITY, most = -INFINITY;
	int *bin;

	for (size_t k = 0; k < v->d.count; k++)
		if (v->class_of[k] >= 0) {
			least = fmin(least, (double)last[k]);
			most = fmax(most, (double)last[k]);
		}
	bin = mem_zero((size_t)v->s.classes * BINS, sizeof(*bin));
	for (size_t k = 0; k < v->d.count; k++)
		if (v->class_of[k] >= 0 && most > least) {
			const int b = (int)(BINS * ((double)last[k] - least) / (most - least));

			bin[v->class_of[k] * BINS + (b < BINS ? b : BINS - 1)]++;
		}
	for (int c = 0; c < C; c++) {
		figure_series(f, v->run.snapshot->encoder->classes.name[c], true);
		for (int b = 0; b < BINS && v->s.of[c].count && most > least; b++)
			figure_point(f, c, least + (b + 0.5) * (most - least) / BINS,
				     (double)bin[c * BINS + b] / (double)v->s.of[c].count, NULL);
	}
	free(bin);
	return f;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A little encoder with many texts, for what is said of units over them; and one whose units are made by hand. */
#ifndef SLUICE_TESTS_WORLD_H
#define SLUICE_TESTS_WORLD_H

#include "engine/base/team.h"
#include "tests/traced.h"

#include <math.h>

enum { H = 5 };

/* What float32 may be off by. */
static const double close_enough = sizeof(real) == sizeof(double) ? 1e-9 : 2e-5;

static inline void near_to(double a, double b)
{
	if (!(fabs(a - b) <= close_enough * fmax(1, fabs(b))))
		fail_msg("%.17g is not %.17g", a, b);
}

struct world {
	struct made m;
	struct examples ex;
	struct team *team[2]; /* of one and of three */
	int32_t *class_of;
};

static inline struct world world_of(const struct model_spec *spec, bool mask, int texts)
{
	struct world w = {.m = made_of(spec, mask, "so good")};

	toy_examples(&w.ex, texts, 7);
	w.ex.at[3].text_len = 0; /* one that is empty */
	w.class_of = mem_alloc((size_t)texts * sizeof(*w.class_of));
	for (int k = 0; k < texts; k++)
		w.class_of[k] = classes_find(&w.m.e->classes, w.ex.at[k].label);
	w.team[0] = team_new(1, NULL);
	w.team[1] = team_new(3, NULL);
	assert_true(w.team[0] && w.team[1]);
	return w;
}

static inline void world_release(struct world *w)
{
	team_free(w->team[0]);
	team_free(w->team[1]);
	examples_release(&w->ex);
	free(w->class_of);
	unmake(&w->m);
}

static inline struct trace *trace_text(const struct world *w, size_t k)
{
	struct trace *t = trace_new(w->m.s, w->ex.at[k].text, w->ex.at[k].text_len, NULL);

	assert_non_null(t);
	return t;
}

/* --- units made by hand --- */

static inline real *tensor(const struct made *m, const char *name)
{
	const struct param *p = model_param(&m->e->model, name);

	assert_non_null(p);
	return m->s->weights + p->at;
}

static inline void fill(real *v, int n, real x)
{
	for (int k = 0; k < n; k++)
		v[k] = x;
}

/* A cell whose gates stand open, but f as it is given; a unit is written by words alone. */
static inline struct world made_world(const char *const *text, int texts, real forget)
{
	const struct model_spec spec = {.cell = &cell_standard, .hidden = 2};
	struct world w = world_of(&spec, true, texts);
	const size_t size = w.m.e->model.head_W;

	memset(w.m.s->weights, 0, size * sizeof(real));
	fill(tensor(&w.m, "l0.fw.b_i"), 2, 30);
	fill(tensor(&w.m, "l0.fw.b_o"), 2, 30);
	fill(tensor(&w.m, "l0.fw.b_f"), 2, forget);
	for (int k = 0; k < texts; k++) {
		free(w.ex.at[k].text);
		w.ex.at[k].text = mem_text(text[k]);
		w.ex.at[k].text_len = strlen(text[k]);
	}
	return w;
}

static inline void write_at(const struct world *w, int unit, const char *word)
{
	const int V = vocab_size(w->m.e->vocab);
	const int id = vocab_find(w->m.e->vocab, word, strlen(word));

	assert_true(id > VOCAB_UNK);
	tensor(&w->m, "l0.fw.W_g")[unit * V + id] = 20;
}

#endif

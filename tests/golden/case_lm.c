/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cases of kind lm: windows over streams with carried states, clipping by the norm, plain SGD. */
#include "engine/base/mem.h"
#include "engine/nn/pass.h"
#include "engine/train/learner.h"
#include "tests/golden/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lm {
	const struct golden *g;
	struct compare c;
	struct model m;
	int B, T, windows;
	struct corpus corpus; /* the file's rows, one after the other */
};

/* What the file calls a parameter of the model. */
static void file_name(const struct param *p, const char *prefix, char name[GOLDEN_NAME])
{
	const char *layer = strstr(p->name, ".fw.");

	if (layer)
		snprintf(name, GOLDEN_NAME, "%s%.*s.%s", prefix, (int)(layer - p->name), p->name,
			 layer + 4);
	else
		snprintf(name, GOLDEN_NAME, "%s%s", prefix,
			 !strcmp(p->name, "embedding") ? "emb"
			 : !strcmp(p->name, "head.W")  ? "D_W"
						       : "D_b");
}

static void compare_block(struct lm *t, const real *block, const char *prefix, double tol)
{
	for (int k = 0; k < t->m.params; k++) {
		const struct param *p = &t->m.param[k];
		const size_t n = param_size(p);
		double *got = mem_alloc(n * sizeof(*got));
		char name[GOLDEN_NAME];

		file_name(p, prefix, name);
		for (size_t j = 0; j < n; j++)
			got[j] = (double)block[p->at + j];
		compare_values(&t->c, name, got, n, tol, NULL);
		free(got);
	}
}

/* The first window's logits: the head by hand over the outputs of the pass. */
static void compare_logits(struct lm *t, const real *weights, double tol)
{
	const struct golden_array *want = golden_find(t->g, "out.logits0");
	const int V = t->m.spec.vocab, rows = t->B * t->T;
	double *got = mem_zero((size_t)rows * (size_t)V, sizeof(*got));
	struct work w = {0};

	batch_window(&w.in.batch, t->corpus.ids, t->corpus.tokens, t->B, 0, 1, 0, t->T);
	model_pass(&t->m, weights, &w, &(struct pass){.keep = false}, &(struct tally){0});
	for (int r = 0; want && r < rows; r++) {
		const real *y = w.in.tape.y + (size_t)r * (size_t)t->m.K;
		const int b = r % t->B, step = r / t->B; /* packed: step by step */

		for (int k = 0; k < V; k++) {
			double sum = (double)weights[t->m.head_b + (size_t)k];

			for (int j = 0; j < t->m.K; j++)
				sum += (double)weights[t->m.head_W + (size_t)(k * t->m.K + j)] *
				       (double)y[j];
			got[(size_t)((b * t->T + step) * V + k)] = sum;
		}
	}
	compare_values(&t->c, "out.logits0", got, (size_t)rows * (size_t)V, tol, NULL);
	work_release(&w);
	free(got);
}

/* The carried states of all rows: (layers, B, H) each. */
static void compare_states(struct lm *t, const struct learner *l, double tol)
{
	const struct stack *s = &t->m.stack;
	const size_t B = (size_t)t->B, H = (size_t)s->spec.H, n = (size_t)s->runs * B * H;
	real *carry = mem_zero(stack_carry_size(s, B), sizeof(*carry));
	double *state[2] = {mem_zero(n, sizeof(double)), mem_zero(n, sizeof(double))};
	size_t width;

	learner_carry_get(l, t->B, carry);
	for (int run = 0; run < s->runs; run++)
		for (int part = 0; part < 2; part++)
			for (int r = 0; r < t->B; r++) {
				const real *from =
					carry + stack_carry_at(s, t->B, run, part, r, &width);

				for (size_t j = 0; j < H; j++)
					state[part][((size_t)run * B + (size_t)r) * H + j] =
						(double)from[j];
			}
	compare_values(&t->c, "out.hT", state[0], n, tol, NULL);
	compare_values(&t->c, "out.cT", state[1], n, tol, NULL);
	free(carry);
	free(state[0]);
	free(state[1]);
}

static void train(struct lm *t, struct learner *l)
{
	const bool exact = sizeof(real) == sizeof(double);
	const double tol = exact ? 1e-8 : 2e-6, trained = exact ? 1e-8 : 5e-6;
	const struct batch_rules rules = {.ragged = true};
	double *losses = mem_zero((size_t)t->windows, sizeof(*losses));
	double *norms = mem_zero((size_t)t->windows, sizeof(*norms));

	compare_logits(t, learner_weights(l), tol);
	for (int k = 0; k < t->windows; k++) {
		const struct step_stats s =
			learner_gradient(l, &(struct lesson){.corpus = &t->corpus,
							     .rules = &rules,
							     .count = t->B,
							     .at = (int64_t)k * t->T,
							     .steps = t->T});

		losses[k] = s.loss;
		norms[k] = s.grad_norm;
		if (k + 1 == t->windows)
			compare_block(t, learner_grad(l), "grad_last.", tol);
		learner_update(l, &s);
	}
	compare_values(&t->c, "out.losses", losses, (size_t)t->windows, tol, NULL);
	compare_values(&t->c, "out.grad_norms", norms, (size_t)t->windows, tol, NULL);
	compare_states(t, l, tol);
	compare_block(t, learner_weights(l), "final.", trained);
	free(losses);
	free(norms);
}

int case_lm(const struct golden *g, const char *path)
{
	struct lm t = {.g = g, .c = {.g = g, .path = path}};
	const struct model_spec spec = {
		.task = TASK_GENERATE,
		.cell = cell_find_code(golden_int(g, "cfg.cell", -1)),
		.vocab = golden_int(g, "cfg.V", 0),
		.embed = golden_int(g, "cfg.E", 0),
		.hidden = golden_int(g, "cfg.H", 0),
		.layers = golden_int(g, "cfg.layers", 1),
		.tied = golden_int(g, "cfg.tied", 0),
	};
	const struct golden_array *stream = golden_find(g, "in.stream");
	struct learner *l;
	real *w;

	t.B = golden_int(g, "cfg.B", 0);
	t.T = golden_int(g, "cfg.T", 0);
	t.windows = golden_int(g, "cfg.windows", 0);
	if (!spec.cell || !stream || !model_plan(&t.m, &spec, NULL) ||
	    stream->count != (size_t)(t.B * (t.windows * t.T + 1))) {
		printf("# %s: the case is not whole\n", path);
		return CASE_FAIL;
	}
	/* Each row has a column more than the windows read: so rows lie as batch_window wants them. */
	t.corpus.tokens = (int64_t)stream->count + 1;
	t.corpus.ids = mem_zero(stream->count + 1, sizeof(*t.corpus.ids));
	for (size_t k = 0; k < stream->count; k++)
		t.corpus.ids[k] = (int32_t)stream->v[k];
	w = mem_block(t.m.size, sizeof(*w));
	for (int k = 0; k < t.m.params; k++) {
		const struct golden_array *a;
		char name[GOLDEN_NAME];

		file_name(&t.m.param[k], "par.", name);
		a = golden_find(g, name);
		for (size_t j = 0; a && j < a->count && j < param_size(&t.m.param[k]); j++)
			w[t.m.param[k].at + j] = (real)a->v[j];
	}
	l = learner_new(&t.m, w,
			&(struct learner_spec){.optim = optim_find("sgd"),
					       .lr = golden_number(g, "cfg.lr", 0),
					       .clip = golden_number(g, "cfg.clip", 0),
					       .threads = 2},
			NULL);
	train(&t, l);
	learner_free(l);
	free(t.corpus.ids);
	return compare_done(&t.c);
}

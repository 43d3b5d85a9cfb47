/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cases that train: the classifier over five updates, and optimizers on given gradients. */
#include "engine/base/mem.h"
#include "engine/nn/pass.h"
#include "engine/train/learner.h"
#include "tests/golden/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct optim_ops *optim_of(const struct golden *g)
{
	const int code = golden_int(g, "cfg.optim", -1);

	for (int k = 0; optim_at(k); k++)
		if (optim_at(k)->golden == code)
			return optim_at(k);
	return NULL;
}

static void set_optim(struct optim *o, const struct golden *g)
{
	o->lr = golden_number(g, "cfg.lr", o->lr);
	o->beta1 = golden_number(g, "cfg.beta1", golden_number(g, "cfg.momentum", o->beta1));
	o->beta2 = golden_number(g, "cfg.beta2", golden_number(g, "cfg.rho", o->beta2));
	o->eps = golden_number(g, "cfg.eps", o->eps);
	o->decay = golden_number(g, "cfg.decay", o->decay);
}

int case_optim(const struct golden *g, const char *path)
{
	const size_t n = (size_t)golden_int(g, "cfg.n", 0),
		     steps = (size_t)golden_int(g, "cfg.steps", 0);
	const struct golden_array *p0 = golden_find(g, "in.p0"), *grad = golden_find(g, "in.grad");
	struct compare c = {.g = g, .path = path};
	struct optim o;
	real *w, *d;
	double *got;

	if (!optim_of(g) || !p0 || !grad)
		return CASE_SKIP;
	optim_init(&o, optim_of(g), 0, n);
	set_optim(&o, g);
	w = mem_zero(n, sizeof(*w));
	d = mem_zero(n, sizeof(*d));
	got = mem_zero(n * steps, sizeof(*got));
	for (size_t k = 0; k < n; k++)
		w[k] = (real)p0->v[k];
	for (size_t s = 0; s < steps; s++) {
		for (size_t k = 0; k < n; k++)
			d[k] = (real)grad->v[s * n + k];
		optim_begin(&o);
		optim_update(&o, w, 0, 1, n, d);
		for (size_t k = 0; k < n; k++)
			got[s * n + k] = (double)w[k];
	}
	compare_values(&c, "out.p", got, n * steps, sizeof(real) == sizeof(double) ? 1e-8 : 2e-6,
		       NULL);
	optim_release(&o);
	free(w);
	free(d);
	free(got);
	return compare_done(&c);
}

/* What the file calls a parameter of the model. */
static void file_name(const struct param *p, const char *prefix, char name[GOLDEN_NAME])
{
	const char *own = !strcmp(p->name, "embedding") ? "emb"
			  : !strcmp(p->name, "head.W")  ? "D_W"
			  : !strcmp(p->name, "head.b")  ? "D_b"
							: strrchr(p->name, '.') + 1;

	snprintf(name, GOLDEN_NAME, "%s%s", prefix, own);
}

static void compare_block(struct compare *c, const struct model *m, const real *block,
			  const char *prefix, double tol)
{
	for (int k = 0; k < m->params; k++) {
		const struct param *p = &m->param[k];
		const size_t n = param_size(p);
		char name[GOLDEN_NAME];
		double *got;

		file_name(p, prefix, name);
		if (!golden_find(c->g, name) && !strcmp(prefix, "step1."))
			continue; /* only some are given after one step */
		got = mem_alloc(n * sizeof(*got));
		for (size_t j = 0; j < n; j++)
			got[j] = (double)block[p->at + j];
		compare_values(c, name, got, n, tol, NULL);
		free(got);
	}
}

static void compare_logits(struct compare *c, const struct model *m, const real *weights,
			   const struct corpus *corpus, const struct batch_rules *rules,
			   const char *name, double tol)
{
	const size_t B = (size_t)corpus->count, C = (size_t)m->spec.classes,
		     H = (size_t)m->spec.hidden;
	double *got = mem_zero(B * C, sizeof(*got));
	int32_t *order = mem_alloc(B * sizeof(*order));
	struct work w = {0};

	for (size_t k = 0; k < B; k++)
		order[k] = (int32_t)k;
	batch_build(&w.in.batch, corpus, order, (int)B, 1, rules);
	model_pass(m, weights, &w, &(struct pass){0}, &(struct tally){0});
	for (size_t r = 0; r < B; r++)
		for (size_t k = 0; k < C; k++) {
			double sum = (double)weights[m->head_b + k];

			for (size_t j = 0; j < H; j++)
				sum += (double)weights[m->head_W + k * H + j] *
				       (double)w.vector[r * H + j];
			got[(size_t)w.in.batch.row[r] * C + k] = sum;
		}
	compare_values(c, name, got, B * C, tol, NULL);
	work_release(&w);
	free(order);
	free(got);
}

static struct corpus *corpus_of(const struct golden *g, size_t B, size_t T)
{
	const struct golden_array *ids = golden_find(g, "in.ids"),
				  *labels = golden_find(g, "in.labels");
	struct corpus *c = mem_zero(1, sizeof(*c));

	if (!ids || !labels || ids->count != B * T || labels->count != B) {
		free(c);
		return NULL;
	}
	c->refs = 1;
	c->count = (int)B;
	c->start = mem_zero(B + 1, sizeof(*c->start));
	c->ids = mem_zero(B * T, sizeof(*c->ids));
	c->label = mem_zero(B, sizeof(*c->label));
	for (size_t k = 0; k < B * T; k++)
		c->ids[k] = (int32_t)ids->v[k];
	for (size_t b = 0; b < B; b++) {
		c->start[b + 1] = (b + 1) * T;
		c->label[b] = (int32_t)labels->v[b];
	}
	return c;
}

static void train(const struct golden *g, struct compare *c, const struct model *m,
		  struct learner *l, struct corpus *corpus, const struct batch_rules *rules)
{
	const bool exact = sizeof(real) == sizeof(double);
	const double tol = exact ? 1e-8 : 2e-6, trained = exact ? 1e-8 : 5e-6;
	const int steps = golden_int(g, "cfg.steps", 0), B = corpus->count;
	double *losses = mem_zero((size_t)steps + 1, sizeof(*losses)), after;
	int32_t *order = mem_alloc((size_t)B * sizeof(*order));

	compare_logits(c, m, learner_weights(l), corpus, rules, "out.logits0", tol);
	for (int s = 0; s <= steps; s++) {
		struct step_stats st;

		for (int k = 0; k < B; k++)
			order[k] = k;
		st = learner_gradient(
			l, &(struct lesson){
				   .corpus = corpus, .rules = rules, .example = order, .count = B});
		losses[s] = after = st.loss;
		if (s == 0)
			compare_block(c, m, learner_grad(l), "grad.", tol);
		if (s == steps)
			break;
		learner_update(l, &st);
		if (s == 0)
			compare_block(c, m, learner_weights(l), "step1.", trained);
	}
	compare_values(c, "out.losses", losses, (size_t)steps, tol, NULL);
	compare_values(c, "out.loss_after", &after, 1, trained, NULL);
	compare_block(c, m, learner_weights(l), "final.", trained);
	compare_logits(c, m, learner_weights(l), corpus, rules, "out.logits_after", trained);
	free(losses);
	free(order);
}

int case_classifier(const struct golden *g, const char *path)
{
	const size_t B = (size_t)golden_int(g, "cfg.B", 0), T = (size_t)golden_int(g, "cfg.T", 0);
	const struct model_spec spec = {
		.cell = cell_find_code(golden_int(g, "cfg.cell", -1)),
		.vocab = golden_int(g, "cfg.V", 0),
		.embed = golden_int(g, "cfg.E", 0),
		.hidden = golden_int(g, "cfg.H", 0),
		.classes = golden_int(g, "cfg.C", 0),
	};
	const struct batch_rules rules = {.mask = golden_int(g, "cfg.mask_zero", 0),
					  .pad_to = (int)T};
	struct compare c = {.g = g, .path = path};
	struct corpus *corpus;
	struct learner *l;
	struct model m;
	real *w;

	if (!spec.cell || !optim_of(g))
		return CASE_SKIP;
	corpus = corpus_of(g, B, T);
	if (!corpus || !model_plan(&m, &spec, NULL)) {
		printf("# %s: the case is not whole\n", path);
		corpus_unref(corpus);
		return CASE_FAIL;
	}
	w = mem_block(m.size, sizeof(*w));
	for (int k = 0; k < m.params; k++) {
		const struct golden_array *a;
		char name[GOLDEN_NAME];

		file_name(&m.param[k], "par.", name);
		a = golden_find(g, name);
		for (size_t j = 0; a && j < a->count && j < param_size(&m.param[k]); j++)
			w[m.param[k].at + j] = (real)a->v[j];
	}
	l = learner_new(&m, w, &(struct learner_spec){.optim = optim_of(g), .threads = 2}, NULL);
	set_optim(learner_optim(l), g);
	train(g, &c, &m, l, corpus, &rules);
	learner_free(l);
	corpus_unref(corpus);
	return compare_done(&c);
}

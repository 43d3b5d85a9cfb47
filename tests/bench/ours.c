/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/ours.h"
#include "engine/nn/pass.h"

#include "engine/base/mem.h"
#include "engine/math/blas.h"
#include "engine/nn/init.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct size sizes[] = {
	{"tiny", TASK_CLASSIFY, 16, 50, 50, 1, 4, 10, 16, false},
	{"small", TASK_CLASSIFY, 15000, 100, 128, 1, 32, 40, 2, false},
	{"medium", TASK_CLASSIFY, 20000, 300, 512, 1, 64, 50, 2, false},
	{"large", TASK_CLASSIFY, 20000, 512, 1024, 2, 64, 64, 2, false},
	{"char-lm", TASK_GENERATE, 96, 64, 256, 2, 50, 50, 0, false},
	{"word-lm", TASK_GENERATE, 10000, 200, 200, 2, 20, 35, 0, false},
	{"infer-128", TASK_CLASSIFY, 15000, 100, 128, 1, 1, 40, 2, true},
	{"infer-512", TASK_CLASSIFY, 20000, 300, 512, 1, 1, 40, 2, true},
};

enum { LESSONS = 16 };

struct ours {
	const struct size *size;
	struct model model;
	struct corpus corpus;
	struct batch_rules rules;
	struct learner *learner;
	real *weights;    /* infer: the model's */
	struct work work; /* infer */
	int32_t *example;
	int turn;
};

const struct size *size_at(int index)
{
	return index >= 0 && (size_t)index < sizeof(sizes) / sizeof(sizes[0]) ? &sizes[index]
									      : NULL;
}

const struct size *size_find(const char *name)
{
	for (int k = 0; size_at(k); k++)
		if (!strcmp(sizes[k].name, name))
			return &sizes[k];
	return NULL;
}

double bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

double size_flop(const struct size *s)
{
	double forward = 0;

	for (int l = 0; l < s->L; l++)
		forward += 8.0 * s->H * ((l ? s->H : s->E) + s->H);
	if (s->task == TASK_GENERATE)
		forward += 2.0 * s->H * s->V;
	else
		forward += 2.0 * s->H * s->C / s->T;
	return s->infer ? forward : 3 * forward;
}

/* LESSONS batches of random ids; for a stream as many windows. */
static void make_corpus(struct ours *o)
{
	const struct size *s = o->size;
	const int count = s->B * LESSONS;
	struct rng rng;

	rng_seed(&rng, 1, 1);
	o->corpus = (struct corpus){.count = count,
				    .classes = s->C,
				    .max_len = s->T,
				    .tokens = (int64_t)count * s->T + 1};
	o->corpus.start = mem_alloc(((size_t)count + 1) * sizeof(*o->corpus.start));
	o->corpus.ids = mem_alloc((size_t)o->corpus.tokens * sizeof(*o->corpus.ids));
	o->corpus.label = mem_alloc((size_t)count * sizeof(*o->corpus.label));
	o->example = mem_alloc((size_t)count * sizeof(*o->example));
	for (int k = 0; k <= count; k++)
		o->corpus.start[k] = (size_t)k * (size_t)s->T;
	for (int64_t k = 0; k < o->corpus.tokens; k++)
		o->corpus.ids[k] = (int32_t)rng_below(&rng, (uint32_t)s->V);
	for (int k = 0; k < count; k++) {
		o->corpus.label[k] = s->C ? (int32_t)rng_below(&rng, (uint32_t)s->C) : 0;
		o->example[k] = k;
	}
}

struct ours *ours_new(const struct size *s, const struct setting *how)
{
	const struct model_spec spec = {.task = s->task,
					.cell = cell_find("standard"),
					.vocab = s->V,
					.embed = s->E,
					.hidden = s->H,
					.layers = s->L,
					.classes = s->C};
	const struct learner_spec learn = {.optim = optim_find("adam"),
					   .lr = 1e-3,
					   .lazy = how->lazy,
					   .precision = how->bf16 ? PRECISION_BF16 : PRECISION_F32,
					   .threads = how->threads,
					   .rows = s->B,
					   .tokens = (int64_t)s->B * s->T};
	struct ours *o = mem_zero(1, sizeof(*o));
	struct err err = {0};

	o->size = s;
	o->rules.ragged = true;
	make_corpus(o);
	if (!model_plan(&o->model, &spec, &err))
		goto fail;
	o->weights = init_weights(&o->model, 1,
				  &(struct init){.kind = INIT_UNIFORM, .embed_range = 0.25});
	if (s->infer)
		return o;
	o->learner = learner_new(&o->model, o->weights, &learn, &err);
	o->weights = NULL;
	if (o->learner)
		return o;
fail:
	fprintf(stderr, "%s\n", err.msg);
	exit(1);
}

void ours_free(struct ours *o)
{
	learner_free(o->learner);
	work_release(&o->work);
	free(o->weights);
	free(o->corpus.start);
	free(o->corpus.ids);
	free(o->corpus.label);
	free(o->example);
	free(o);
}

static void step(struct ours *o)
{
	const struct size *s = o->size;
	const int at = o->turn++ % LESSONS;
	struct lesson lesson = {.corpus = &o->corpus, .rules = &o->rules, .count = s->B};
	struct tally tally = {0};

	if (s->infer) {
		batch_of_ids(&o->work.in.batch, o->corpus.ids + (size_t)at * (size_t)s->T, s->T,
			     &o->rules);
		o->work.in.batch.label[0] = -1;
		model_pass(&o->model, o->weights, &o->work, &(struct pass){0}, &tally);
		return;
	}
	if (s->task == TASK_GENERATE) {
		lesson.at = (int64_t)at * s->T;
		lesson.steps = s->T;
		if (!at)
			learner_carry_clear(o->learner);
	} else {
		lesson.example = o->example + at * s->B;
	}
	learner_step(o->learner, &lesson);
}

double ours_run(struct ours *o, double seconds)
{
	const double begin = bench_now();
	double now;
	long steps = 0;

	do {
		step(o);
		steps++;
		now = bench_now();
	} while (now - begin < seconds);
	return (double)steps * o->size->B * o->size->T / (now - begin);
}

/* One product, (m, n) over k, and how often a step needs it. */
struct product {
	int m, n, k, times;
	enum { NT, NN, TN } kind;
};

static int products(const struct size *s, struct product *p)
{
	const int N = s->B * s->T, G = 4 * s->H;
	const int rows = s->task == TASK_GENERATE ? N : s->B;
	const int outcomes = s->task == TASK_GENERATE ? s->V : s->C;
	int n = 0;

	for (int l = 0; l < s->L; l++) {
		const int E = l ? s->H : s->E;

		p[n++] = (struct product){N, G, E, 1, NT};
		p[n++] = (struct product){s->B, G, s->H, s->T, NT};
		if (s->infer)
			continue;
		p[n++] = (struct product){s->B, s->H, G, s->T, NN};
		p[n++] = (struct product){N, E, G, 1, NN};
		p[n++] = (struct product){G, E, N, 1, TN};
		p[n++] = (struct product){G, s->H, N, 1, TN};
	}
	p[n++] = (struct product){rows, outcomes, s->H, 1, NT};
	if (!s->infer) {
		p[n++] = (struct product){rows, s->H, outcomes, 1, NN};
		p[n++] = (struct product){outcomes, s->H, rows, 1, TN};
	}
	return n;
}

static void multiply(const struct product *p, real *out, const real *a, const real *b)
{
	const struct mat to = mat_of(out, p->m, p->n);

	for (int k = 0; k < p->times; k++)
		if (p->kind == NT)
			mat_mul_nt(to, cmat_of(a, p->m, p->k), cmat_of(b, p->n, p->k), 0);
		else if (p->kind == NN)
			mat_mul_nn(to, cmat_of(a, p->m, p->k), cmat_of(b, p->k, p->n), 0);
		else
			mat_mul_tn(to, cmat_of(a, p->k, p->m), cmat_of(b, p->k, p->n), 0);
}

double ours_limit(const struct size *s, double seconds)
{
	struct product list[64];
	const int count = products(s, list);
	size_t most = 0;
	real *block[3];
	double begin, now;
	long steps = 0;

	for (int k = 0; k < count; k++) {
		const size_t m = (size_t)list[k].m, n = (size_t)list[k].n, K = (size_t)list[k].k;
		const size_t size = m * n > m * K ? m * n : m * K;

		most = size > most ? size : most;
		most = n * K > most ? n * K : most;
	}
	for (int k = 0; k < 3; k++) {
		block[k] = mem_block(most, sizeof(real));
		for (size_t j = 0; j < most; j++)
			block[k][j] = (real)(j % 7) * (real)0.1;
	}
	begin = bench_now();
	do {
		for (int k = 0; k < count; k++)
			multiply(&list[k], block[0], block[1], block[2]);
		steps++;
		now = bench_now();
	} while (now - begin < seconds);
	for (int k = 0; k < 3; k++)
		free(block[k]);
	return (double)steps * s->B * s->T / (now - begin);
}

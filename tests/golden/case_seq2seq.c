/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cases of kind seq2seq: an encoder, attention, and a decoder that reads what it should have said. */
#include "engine/base/mem.h"
#include "engine/nn/pass.h"
#include "tests/golden/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair {
	const struct golden *g;
	struct compare c;
	struct model m;
	int B, S, T;
	struct work w;
	double tol;
};

/* What the file calls a parameter of the model. */
static void file_name(const struct param *p, const char *prefix, char name[GOLDEN_NAME])
{
	static const char *const own[][2] = {
		{"embedding", "src_emb"},  {"dec.embedding", "tgt_emb"}, {"head.W", "D_W"},
		{"head.b", "D_b"},         {"attention.C", "C_W"},       {"attention.W", "A_W"},
		{"attention.W_q", "A_Wq"}, {"attention.W_k", "A_Wk"},    {"attention.b", "A_b"},
		{"attention.v", "A_v"}};

	for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
		if (!strcmp(p->name, own[k][0])) {
			snprintf(name, GOLDEN_NAME, "%s%s", prefix, own[k][1]);
			return;
		}
	snprintf(name, GOLDEN_NAME, "%s%s.%s", prefix, !strncmp(p->name, "dec.", 4) ? "dec" : "enc",
		 strrchr(p->name, '.') + 1);
}

static void take_weights(struct pair *t, real *w)
{
	for (int k = 0; k < t->m.params; k++) {
		const struct golden_array *a;
		char name[GOLDEN_NAME];

		file_name(&t->m.param[k], "par.", name);
		a = golden_find(t->g, name);
		if (!a || a->count != param_size(&t->m.param[k])) {
			printf("# %s: no %s\n", t->c.path, name);
			t->c.missing = true;
			continue;
		}
		for (size_t j = 0; j < a->count; j++)
			w[t->m.param[k].at + j] = (real)a->v[j];
	}
}

/* The rows of an array of ids, up to their padding. */
static void take_texts(const struct golden_array *a, int B, int T, int32_t *ids,
		       const int32_t **text, int *n)
{
	for (int b = 0; b < B; b++) {
		text[b] = ids + b * T;
		n[b] = 0;
		for (int t = 0; t < T; t++) {
			ids[b * T + t] = (int32_t)a->v[b * T + t];
			n[b] += ids[b * T + t] != 0;
		}
	}
}

static void take_batches(struct pair *t)
{
	const struct batch_rules rules = {.ragged = true};
	const struct golden_array *out = golden_find(t->g, "in.tgt_out");
	const size_t most = (size_t)(t->B * (t->S > t->T ? t->S : t->T));
	int32_t *ids = mem_zero(most, sizeof(*ids));
	const int32_t **text = mem_zero((size_t)t->B, sizeof(*text));
	int *n = mem_zero((size_t)t->B, sizeof(*n));
	struct batch *b = &t->w.out.batch;

	take_texts(golden_find(t->g, "in.src"), t->B, t->S, ids, text, n);
	batch_of_texts(&t->w.in.batch, text, n, t->B, &rules);
	take_texts(golden_find(t->g, "in.tgt_in"), t->B, t->T, ids, text, n);
	batch_of_texts(b, text, n, t->B, &rules);
	b->next = mem_grow(b->next, &b->next_cap, (size_t)b->steps.N + 1, sizeof(int32_t));
	for (int r = 0; r < t->B; r++)
		for (int k = 0; k < b->len[r]; k++)
			b->next[b->steps.offset[k] + r] = (int32_t)out->v[b->row[r] * t->T + k];
	free(ids);
	free(text);
	free(n);
}

/* Compares packed rows of `cols` numbers with an array [B, most, cols] where there are such steps; with
 * zeros it must hold 0 elsewhere too. */
static void compare_steps(struct pair *t, const char *name, const struct batch *b, const real *v,
			  int stride, int cols, int most, bool zeros)
{
	const size_t n = (size_t)t->B * (size_t)most * (size_t)cols;
	double *got = mem_zero(n, sizeof(*got)), *keep = mem_zero(n, sizeof(*keep));

	for (int r = 0; r < t->B; r++)
		for (int k = 0; k < b->len[r]; k++)
			for (int j = 0; j < cols; j++) {
				const int at = (b->row[r] * most + k) * cols + j;
				const size_t row = (size_t)(b->steps.offset[k] + r);

				got[at] = j < stride ? (double)v[row * (size_t)stride + (size_t)j]
						     : 0;
				keep[at] = 1;
			}
	compare_values(&t->c, name, got, n, t->tol, zeros ? NULL : keep);
	free(got);
	free(keep);
}

static void compare_states(struct pair *t, const char *name, const real *state)
{
	const size_t H = (size_t)t->m.spec.hidden, n = (size_t)t->B * H;
	real *last = mem_zero(n, sizeof(*last));
	double *got = mem_zero(n, sizeof(*got));

	recur_last(&t->w.in.batch.steps, t->m.spec.hidden, state, last);
	for (size_t k = 0; k < n; k++)
		got[(size_t)t->w.in.batch.row[k / H] * H + k % H] = (double)last[k];
	compare_values(&t->c, name, got, n, t->tol, NULL);
	free(last);
	free(got);
}

/* The head by hand over what the pass gave to it. */
static void compare_logits(struct pair *t, const real *weights)
{
	const int N = t->w.out.batch.steps.N, K = t->m.K, V = t->m.spec.classes;
	real *logits = mem_zero((size_t)(N * V), sizeof(*logits));

	for (int k = 0; k < N * V; k++) {
		logits[k] = weights[t->m.head_b + (size_t)(k % V)];
		for (int j = 0; j < K; j++)
			logits[k] += weights[t->m.head_W + (size_t)(k % V * K + j)] *
				     t->w.decoder.said[k / V * K + j];
	}
	compare_steps(t, "out.logits", &t->w.out.batch, logits, V, V, t->T, true);
	free(logits);
}

static void run(struct pair *t, const real *weights, real *grad)
{
	const double count = (double)t->w.out.batch.steps.N;
	struct tally tally = {0};
	double loss;

	model_pass(&t->m, weights, &t->w, &(struct pass){0}, &tally);
	loss = tally.loss / count;
	compare_values(&t->c, "out.loss", &loss, 1, t->tol, NULL);
	compare_steps(t, "out.enc_y", &t->w.in.batch, t->w.in.tape.y, t->m.D, t->m.D, t->S, false);
	compare_states(t, "out.enc_hT", t->w.in.tape.run[0].h);
	compare_states(t, "out.enc_cT", t->w.in.tape.run[0].c);
	compare_steps(t, "out.attn", &t->w.out.batch, t->w.decoder.at.weight, t->w.memory.widest,
		      t->S, t->T, true);
	compare_logits(t, weights);
	model_pass(&t->m, weights, &t->w, &(struct pass){.grad = grad, .scale = (real)(1 / count)},
		   &tally);
	model_scatter(&t->m, &t->w, grad);
	for (int k = 0; k < t->m.params; k++) {
		const struct param *p = &t->m.param[k];
		const size_t n = param_size(p);
		double *got = mem_alloc(n * sizeof(*got));
		char name[GOLDEN_NAME];

		file_name(p, "grad.", name);
		for (size_t j = 0; j < n; j++)
			got[j] = (double)grad[p->at + j];
		compare_values(&t->c, name, got, n, t->tol, NULL);
		free(got);
	}
}

int case_seq2seq(const struct golden *g, const char *path)
{
	const int att = golden_int(g, "cfg.att", -1);
	struct pair t = {.g = g, .c = {.g = g, .path = path}};
	const struct model_spec spec = {
		.task = TASK_TRANSLATE,
		.cell = cell_find_code(golden_int(g, "cfg.cell", -1)),
		.vocab = golden_int(g, "cfg.Vs", 0),
		.target = golden_int(g, "cfg.Vt", 0),
		.embed = golden_int(g, "cfg.Es", 0),
		.embed_target = golden_int(g, "cfg.Et", 0),
		.hidden = golden_int(g, "cfg.H", 0),
		.attention = (enum attention)(ATTENTION_DOT + att),
		.feed = golden_int(g, "cfg.feed", 0),
		.att_size = golden_int(g, "cfg.A", 0),
	};
	real *w, *grad;

	t.B = golden_int(g, "cfg.B", 0);
	t.S = golden_int(g, "cfg.S", 0);
	t.T = golden_int(g, "cfg.T", 0);
	t.tol = sizeof(real) == sizeof(double) ? 1e-8 : 2e-6;
	if (!spec.cell || att < 0 || att > 3 || !model_plan(&t.m, &spec, NULL) ||
	    !golden_find(g, "in.src") || !golden_find(g, "in.tgt_in") ||
	    !golden_find(g, "in.tgt_out")) {
		printf("# %s: the case is not whole\n", path);
		return CASE_FAIL;
	}
	w = mem_block(t.m.size, sizeof(*w));
	grad = mem_block(t.m.size, sizeof(*grad));
	take_weights(&t, w);
	take_batches(&t);
	run(&t, w, grad);
	work_release(&t.w);
	free(w);
	free(grad);
	return compare_done(&t.c);
}

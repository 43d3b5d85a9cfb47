/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/eval.h"

#include "engine/base/mem.h"
#include "engine/nn/beam.h"
#include "engine/text/traits.h"
#include "engine/text/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct job {
	const struct evaluation *e;
	int members, parts, rows; /* parts: batches, or rows of the stream */
	int32_t *order;           /* examples, longest first */
	int *guess;               /* by example: the class; the tokens that came back */
	bool *exact;              /* by example */
	float *prob;              /* by example, or NULL */
	struct tally *tally;      /* by part; so are the two */
	struct bleu *bleu;
	struct rouge *rouge;
	struct bleu_rules bleu_rules;
	enum rouge_tokens rouge_tokens;
	bool *never;  /* ids that are not written */
	bool *failed; /* by member */
};

void measures_release(struct measures *m)
{
	free(m->confusion);
	free(m->prob);
	*m = (struct measures){0};
}

static bool stopped(const struct job *j)
{
	return j->e->stop && __atomic_load_n(j->e->stop, __ATOMIC_RELAXED);
}

static void keep_classes(const struct job *j, const struct work *w, const int32_t *example)
{
	const int C = j->e->model->spec.classes;

	for (int r = 0; r < w->in.batch.steps.B; r++) {
		const real *p = w->prob + (size_t)r * (size_t)C;
		const int32_t at = example[w->in.batch.row[r]];
		int best = 0;

		for (int k = 1; k < C; k++)
			best = p[k] > p[best] ? k : best;
		j->guess[at] = best;
		for (int k = 0; j->prob && k < C; k++)
			j->prob[(size_t)at * (size_t)C + (size_t)k] = (float)p[k];
	}
}

/* Lets the decoder write every text from its vector, and compares. */
static bool keep_texts(const struct job *j, const struct work *w, const int32_t *example)
{
	const struct corpus *c = j->e->corpus;
	const int B = w->in.batch.steps.B, max = w->out.batch.steps.T;
	int32_t *ids = mem_alloc((size_t)B * (size_t)max * sizeof(*ids));
	int *len = mem_alloc((size_t)B * sizeof(*len));
	const bool ok = decode_greedy(j->e->model, j->e->weights, w->vector, B,
				      vocab_end(j->e->target), max, ids, len);

	for (int r = 0; ok && r < B; r++) {
		const int32_t at = example[w->in.batch.row[r]];
		const int32_t *text = c->ids + c->start[at];
		const int n = (int)(c->start[at + 1] - c->start[at]) - 1;
		int right = 0;

		for (int k = 0; k < n && k < len[r]; k++)
			right += ids[(size_t)r * (size_t)max + (size_t)k] == text[k];
		j->guess[at] = right;
		j->exact[at] = right == n && len[r] == n;
	}
	free(ids);
	free(len);
	return ok;
}

/* How long an answer may get: what is read decides, not the answer that is wanted. */
static int *limits(const struct work *w)
{
	const int B = w->in.batch.steps.B;
	int *max = mem_alloc((size_t)B * sizeof(*max));

	for (int r = 0; r < B; r++)
		max[r] = decode_limit(w->in.batch.len[r]);
	return max;
}

/* Holds what was written for one text against its answer. */
static void compare(const struct job *j, const struct beam *b, int32_t example, int part,
		    struct buf *text)
{
	const struct tokens *raw = j->e->corpus->target->raw;
	size_t n;
	const char *want = tokens_at(raw, (size_t)example, &n);

	text->len = 0;
	if (b->texts)
		vocab_join(j->e->target, b->text[0].ids, b->text[0].len, text);
	bleu_add(&j->bleu[part], &j->bleu_rules, buf_str(text), text->len, want, n);
	rouge_add(&j->rouge[part], j->rouge_tokens, buf_str(text), text->len, want, n);
}

/* Writes an answer to every text, and compares. */
static bool answer(const struct job *j, struct work *w, const int32_t *example, int part)
{
	const struct evaluation *e = j->e;
	const int B = w->in.batch.steps.B;
	const struct beam_spec spec = {.width = e->beam ? e->beam : 1,
				       .penalty = e->penalty,
				       .end = vocab_end(e->target),
				       .never = j->never,
				       .stop = e->stop};
	struct beam *beam = mem_zero((size_t)B, sizeof(*beam));
	struct stepper s = {0};
	struct buf text = {0};
	int *max = limits(w);
	const bool ok = stepper_begin_pair(&s, e->model, e->weights, w) &&
			beam_search(&s, &spec, max, beam);

	for (int r = 0; r < B; r++) {
		if (ok)
			compare(j, &beam[r], example[w->in.batch.row[r]], part, &text);
		beam_release(&beam[r]);
	}
	stepper_release(&s);
	buf_release(&text);
	free(beam);
	free(max);
	return ok;
}

static bool run_batch(const struct job *j, struct work *w, int part)
{
	const struct evaluation *e = j->e;
	const int32_t *example = j->order + (size_t)part * EVAL_BATCH;
	const int left = e->corpus->count - part * EVAL_BATCH;
	const int count = left < EVAL_BATCH ? left : EVAL_BATCH;

	batch_build(&w->in.batch, e->corpus, example, count, 1, e->rules);
	if (e->model->dec.runs)
		batch_targets(&w->out.batch, corpus_target(e->corpus), example, count, 1);
	if (!model_pass(e->model, e->weights, w, &(struct pass){0}, &j->tally[part]))
		return false;
	if (task_table[e->model->spec.task].pairs)
		return !j->bleu || answer(j, w, example, part);
	if (e->model->dec.runs)
		return keep_texts(j, w, example);
	keep_classes(j, w, example);
	return true;
}

/* One row of the stream from its beginning to its end. */
static bool run_row(const struct job *j, struct work *w, int row)
{
	const struct corpus *c = j->e->corpus;
	const int64_t n = (c->tokens - 1) / j->rows;

	w->in.carries = true;
	w->in.carried = 0;
	for (int64_t at = 0; at < n && !stopped(j); at += EVAL_STEPS) {
		batch_window(&w->in.batch, c->ids, c->tokens, j->rows, row, j->rows, at,
			     EVAL_STEPS);
		if (!model_pass(j->e->model, j->e->weights, w, &(struct pass){0}, &j->tally[row]))
			return false;
	}
	return true;
}

static void run_member(void *arg, int member)
{
	struct job *j = arg;
	struct work w = {0};
	bool ok = true;

	for (int k = member; ok && k < j->parts && !stopped(j); k += j->members)
		ok = j->rows ? run_row(j, &w, k) : run_batch(j, &w, k);
	j->failed[member] = !ok;
	work_release(&w);
}

static double macro_f1(const int *confusion, int C)
{
	double sum = 0;

	for (int k = 0; k < C; k++) {
		int row = 0, col = 0;

		for (int j = 0; j < C; j++) {
			row += confusion[k * C + j];
			col += confusion[j * C + k];
		}
		if (row + col)
			sum += 2.0 * confusion[k * C + k] / (row + col);
	}
	return sum / C;
}

static void measure_classes(const struct job *j, struct measures *out)
{
	const struct corpus *c = j->e->corpus;
	const int C = j->e->model->spec.classes;
	int right = 0;

	out->confusion = mem_zero((size_t)C * (size_t)C, sizeof(int));
	for (int e = 0; e < c->count; e++) {
		right += j->guess[e] == c->label[e];
		out->confusion[c->label[e] * C + j->guess[e]]++;
	}
	out->accuracy = (double)right / c->count;
	out->macro_f1 = macro_f1(out->confusion, C);
}

static void measure_texts(const struct job *j, struct measures *out)
{
	const struct corpus *c = j->e->corpus;
	int64_t right = 0, exact = 0;

	for (int e = 0; e < c->count; e++) {
		right += j->guess[e];
		exact += j->exact[e];
	}
	out->accuracy = c->tokens > c->count ? (double)right / (double)(c->tokens - c->count) : 1;
	out->exact = (double)exact / c->count;
}

static void measure_answers(const struct job *j, struct measures *out)
{
	struct bleu bleu = {0};
	struct rouge rouge = {0};

	for (int k = 0; k < j->parts; k++) {
		bleu_merge(&bleu, &j->bleu[k]);
		rouge_merge(&rouge, &j->rouge[k]);
	}
	out->bleu = bleu_of(&bleu);
	out->rouge = rouge_of(&rouge);
}

/* The words that ROUGE sees in some texts, on average. */
static int mean_words(const struct tokens *raw, enum rouge_tokens how)
{
	size_t words = 0;

	for (size_t k = 0; k < raw->count; k++) {
		struct tokens t = {0};
		size_t n;
		const char *s = tokens_at(raw, k, &n);

		rouge_split(how, s, n, &t);
		words += t.count;
		tokens_release(&t);
	}
	return raw->count ? (int)((words + raw->count / 2) / raw->count) : 0;
}

/* A text's first words. */
static void lead(const char *s, size_t n, enum rouge_tokens how, int words, struct buf *out)
{
	struct tokens t = {0};

	rouge_split(how, s, n, &t);
	buf_clear(out);
	for (size_t k = 0; k < t.count && k < (size_t)words; k++) {
		const char *word = tokens_at(&t, k, &n);

		buf_add(out, word, n);
		buf_byte(out, ' ');
	}
	tokens_release(&t);
}

/* How well one would do without a model. */
static void measure_lead(const struct job *j, struct measures *out)
{
	const struct corpus *c = j->e->corpus;
	struct rouge rouge = {0};
	struct buf text = {0};

	if (!c->raw || j->e->model->spec.task != TASK_SUMMARIZE)
		return;
	out->lead_words = mean_words(c->target->raw, j->rouge_tokens);
	for (size_t k = 0; k < c->raw->count; k++) {
		size_t n, m;
		const char *s = tokens_at(c->raw, k, &n);
		const char *want = tokens_at(c->target->raw, k, &m);

		lead(s, n, j->rouge_tokens, out->lead_words, &text);
		rouge_add(&rouge, j->rouge_tokens, buf_str(&text), text.len, want, m);
	}
	out->lead = rouge_of(&rouge);
	buf_release(&text);
}

static void measure(const struct job *j, struct measures *out)
{
	const struct corpus *c = j->e->corpus;
	const enum task task = j->e->model->spec.task;
	double loss = 0;

	for (int k = 0; k < j->parts; k++) {
		loss += j->tally[k].loss;
		out->targets += j->tally[k].count;
	}
	if (!out->targets)
		return; /* no labels */
	out->loss = loss / (double)out->targets;
	if (task == TASK_CLASSIFY) {
		measure_classes(j, out);
		return;
	}
	out->perplexity = exp(out->loss);
	out->bits_per_character = out->loss / log(2) * (double)corpus_target(c)->tokens /
				  (double)corpus_target(c)->characters;
	if (j->bleu) {
		measure_answers(j, out);
		measure_lead(j, out);
	}
	if (task == TASK_RECONSTRUCT)
		measure_texts(j, out);
}

/* Whether at least half of the letters and digits of some answers are Han characters. */
static bool are_han(const struct tokens *raw)
{
	size_t han = 0, others = 0;

	for (size_t k = 0; k < raw->count && k < 1000; k++) {
		size_t n;
		const char *s = tokens_at(raw, k, &n);

		for (size_t at = 0; at < n;) {
			const int kind = traits_compute(utf8_next(s, n, &at)) & TRAIT_KIND;

			han += kind == CHAR_HAN;
			others += kind == CHAR_ALNUM;
		}
	}
	return han && han >= others;
}

/* How answers are written and compared. */
static void plan_answers(struct job *j, struct measures *out)
{
	const struct evaluation *e = j->e;
	const struct corpus *target = e->corpus->target;
	const struct vocab_spec *rules = e->target ? vocab_rules(e->target) : NULL;
	bool han;

	if (!task_table[e->model->spec.task].pairs || !target || !target->raw || !rules)
		return;
	han = are_han(target->raw);
	j->bleu = mem_zero((size_t)j->parts, sizeof(*j->bleu));
	j->rouge = mem_zero((size_t)j->parts, sizeof(*j->rouge));
	j->bleu_rules = out->bleu_rules =
		(struct bleu_rules){han ? BLEU_ZH : BLEU_13A, !e->cased && rules->rules.lower};
	j->rouge_tokens = han ? ROUGE_UNICODE : ROUGE_LATIN;
	j->never = decode_never(e->target, e->unknown);
}

static bool plan(struct job *j, const struct evaluation *e, struct err *err)
{
	const struct corpus *c = e->corpus;

	j->e = e;
	j->parts = (c->count + EVAL_BATCH - 1) / EVAL_BATCH;
	if (!task_table[e->model->spec.task].stream)
		return true;
	if (c->tokens < 2)
		return err_set(err, ERR_INPUT,
			       "the text is too short: two tokens are needed, a token and the one "
			       "that follows");
	j->rows = c->tokens / EVAL_ROW_TOKENS < 1           ? 1
		  : c->tokens / EVAL_ROW_TOKENS > EVAL_ROWS ? EVAL_ROWS
							    : (int)(c->tokens / EVAL_ROW_TOKENS);
	j->parts = j->rows;
	return true;
}

bool eval_corpus(struct team *team, const struct evaluation *e, struct measures *out,
		 struct err *err)
{
	/* The lines of a stream are not measured one by one. */
	const bool stream = task_table[e->model->spec.task].stream;
	const size_t n = stream ? 0 : (size_t)e->corpus->count;
	const int C = e->model->spec.task == TASK_CLASSIFY ? e->model->spec.classes : 0;
	struct job j = {.members = team_size(team)};
	bool ok = true;

	*out = (struct measures){.examples = e->corpus->count, .classes = C};
	out->accuracy = out->macro_f1 = out->exact = out->perplexity = out->bits_per_character =
		NAN;
	out->bleu = (struct bleu_score){.score = NAN};
	for (int k = 0; k < ROUGE_KINDS; k++)
		out->rouge.of[k] = out->lead.of[k] = (struct rouge_part){NAN, NAN, NAN};
	if (!plan(&j, e, err))
		return false;
	plan_answers(&j, out);
	j.order = mem_alloc(n * sizeof(*j.order));
	j.guess = mem_zero(n, sizeof(*j.guess));
	j.exact = mem_zero(n, sizeof(*j.exact));
	j.tally = mem_zero((size_t)j.parts, sizeof(*j.tally));
	j.failed = mem_zero((size_t)j.members, sizeof(*j.failed));
	if (e->keep_prob)
		j.prob = out->prob = mem_zero(n * (size_t)C, sizeof(float));
	for (size_t k = 0; k < n; k++)
		j.order[k] = (int32_t)k;
	batch_sort(e->corpus, j.order, (int)n);
	team_run(team, run_member, &j);
	for (int k = 0; k < j.members; k++)
		ok &= !j.failed[k];
	if (!ok)
		err_set(err, ERR_FAILED, "not enough memory to evaluate; lower max_len or hidden");
	else if (stopped(&j))
		ok = err_set(err, ERR_CANCELLED, "evaluation cancelled");
	else
		measure(&j, out);
	free(j.order);
	free(j.guess);
	free(j.exact);
	free(j.tally);
	free(j.bleu);
	free(j.rouge);
	free(j.never);
	free(j.failed);
	if (!ok)
		measures_release(out);
	return ok;
}

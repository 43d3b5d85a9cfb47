/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A little encoder and corpus that tests train and trace. */
#ifndef SLUICE_TESTS_TOY_H
#define SLUICE_TESTS_TOY_H

#include "engine/base/mem.h"
#include "engine/nn/init.h"
#include "engine/text/intake.h"
#include "engine/train/encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline real *toy_weights(const struct model *m, uint64_t seed)
{
	return init_weights(m, seed, &(struct init){.forget_bias = 1, .embed_range = 0.5});
}

/* Sentences whose class is the word good or bad, turned round by not: order matters. */
static inline void toy_text(struct rng *r, char *text, size_t size, const char **label)
{
	static const char *const filler[] = {"the",  "film", "is",  "a",
					     "very", "long", "one", "today"};
	const bool good = rng_below(r, 2), negated = rng_below(r, 2);
	const uint32_t before = rng_below(r, 4), after = rng_below(r, 4);

	*text = '\0';
	for (uint32_t k = 0; k < before + after + 2; k++) {
		const char *word = k == before       ? (negated ? "not" : "so")
				   : k == before + 1 ? (good ? "good" : "bad")
						     : filler[rng_below(r, 8)];

		snprintf(text + strlen(text), size - strlen(text), "%s%s", k ? " " : "", word);
	}
	*label = good != negated ? "pos" : "neg";
}

static inline void toy_examples(struct examples *ex, int count, uint64_t seed)
{
	struct rng r;

	*ex = (struct examples){.at = mem_zero((size_t)count, sizeof(*ex->at)),
				.file.path = mem_text("toy")};
	ex->cap = (size_t)count;
	rng_seed(&r, seed, 99);
	for (int k = 0; k < count; k++) {
		char text[256];
		const char *label;

		toy_text(&r, text, sizeof(text), &label);
		ex->at[k].text = mem_text(text);
		ex->at[k].text_len = strlen(text);
		ex->at[k].label = mem_text(label);
		ex->count++;
	}
}

/* A text's answer: its words in the other order, the last one twice. */
static inline char *toy_answer(const struct example *e)
{
	char *to = mem_zero(2 * e->text_len + 256, 1), *text = mem_bytes(e->text, e->text_len);
	char *word[32], *save = NULL;
	int n = 0;

	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	for (int k = n - 1; k >= 0; k--)
		sprintf(to + strlen(to), "%s%s", *to ? " " : "", word[k]);
	if (n)
		sprintf(to + strlen(to), " %s", word[0]);
	free(text);
	return to;
}

/* The answers to some texts, with words of their own, or, where v is given, with its words. */
static inline struct corpus *toy_target(struct examples *ex, struct vocab **v)
{
	const struct vocab_spec vs = {
		.rules = {.kind = TOKENIZER_SPACE}, .min_count = 1, .end = true};
	struct vocab_builder *b = vocab_builder_new(&vs);
	struct corpus *c, *none;
	struct intake in;

	for (size_t k = 0; k < ex->count; k++) {
		char *answer = toy_answer(&ex->at[k]);

		free(ex->at[k].text);
		ex->at[k].text = answer;
		ex->at[k].text_len = strlen(answer);
	}
	intake_take(&in, ex, b);
	intake_count(&in);
	if (!*v)
		*v = vocab_of(b);
	intake_finish(&in, *v, NULL, 0, false, &c, &none, NULL);
	c->raw = mem_zero(1, sizeof(*c->raw));
	for (size_t k = 0; k < ex->count; k++)
		tokens_add(c->raw, ex->at[k].text, ex->at[k].text_len);
	intake_release(&in);
	vocab_builder_free(b);
	return c;
}

/* With *train (and *valid, where given) of `count` sentences each. Where a task has no labels the
 * texts have none, and the last of them is empty. */
static inline struct encoder *toy_encoder_of(const struct model_spec *spec, bool mask, int count,
					     struct corpus **train, struct corpus **valid)
{
	const struct task_ops *task = &task_table[spec->task];
	const struct vocab_spec vs = {.rules = {.kind = TOKENIZER_SPACE},
				      .min_count = 1,
				      .end = !task->labels && (!task->pairs || task->one_vocab)};
	struct batch_rules rules = {.mask = mask,
				    .pad_to = mask ? 0 : 10,
				    .pad_front = true,
				    .ragged = task->stream,
				    .marked = vs.end && task->decoder};
	struct vocab_builder *b = vocab_builder_new(&vs);
	struct examples ex, held;
	struct intake in, apart;
	struct classes classes = {0};
	const struct classes *labels = task->labels ? &classes : NULL;
	struct corpus *none;
	struct vocab *v, *target = NULL;

	toy_examples(&ex, count, 1);
	toy_examples(&held, count, 2);
	if (!task->labels)
		ex.at[count - 1].text_len = held.at[count - 1].text_len = 0;
	intake_take(&in, &ex, b);
	intake_take(&apart, &held, b);
	intake_count(&in);
	v = vocab_of(b);
	if (labels)
		intake_classes(&in, &classes, NULL);
	intake_finish(&in, v, labels, 0, false, train, &none, NULL);
	if (valid)
		intake_finish(&apart, v, labels, 0, false, valid, &none, NULL);
	if (task->pairs) {
		struct vocab **words = task->one_vocab ? &v : &target;

		(*train)->target = toy_target(&ex, words);
		if (valid)
			(*valid)->target = toy_target(&held, words);
	}
	examples_release(&ex);
	examples_release(&held);
	intake_release(&in);
	intake_release(&apart);
	vocab_builder_free(b);
	return encoder_new(spec, v, target, &classes, &rules, 0, false, NULL);
}

static inline struct encoder *toy_encoder(const struct cell_ops *cell, int embed, int hidden,
					  bool mask, int count, struct corpus **train,
					  struct corpus **valid)
{
	const struct model_spec spec = {.cell = cell, .embed = embed, .hidden = hidden};

	return toy_encoder_of(&spec, mask, count, train, valid);
}

#endif

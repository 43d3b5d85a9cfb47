/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How good a model is on a corpus. Where texts have answers, they are written from the text alone and held
 * against the answers as they were read (raw, in corpus.h).
 */
#ifndef SLUICE_ENGINE_TRAIN_EVAL_H
#define SLUICE_ENGINE_TRAIN_EVAL_H

#include "engine/base/team.h"
#include "engine/nn/model.h"
#include "engine/text/bleu.h"
#include "engine/text/rouge.h"
#include "engine/text/vocab.h"

/* A text's batch; the rows of a stream and the tokens each should have; its windows. */
enum { EVAL_BATCH = 64, EVAL_ROWS = 32, EVAL_ROW_TOKENS = 1000, EVAL_STEPS = 64 };

struct measures {
	int examples, classes;
	int64_t targets; /* that the loss is a mean over: texts, or tokens with their end marks */
	double loss;     /* mean cross entropy, nats */
	/* classify: share of examples whose likeliest class is the label; reconstruct: share of the
	 * texts' tokens that the decoder says again by itself; NaN for generate. */
	double accuracy;
	double exact; /* reconstruct: share of texts that come back word for word */
	double perplexity,
		bits_per_character; /* of tokens: e^loss; loss over the characters, base 2 */
	struct bleu_score bleu;     /* pairs whose answers are there as they were read; else NaN */
	struct rouge_score rouge;
	/* summarize, where the texts are there as read: the scores of each text's first words, as many as
	 * the answers have on average. */
	struct rouge_score lead;
	int lead_words;
	struct bleu_rules bleu_rules; /* by characters where the answers are Chinese; so is ROUGE */
	double macro_f1; /* mean over classes of 2pr/(p+r); a class neither there nor guessed counts 0 */
	int *confusion; /* (classes, classes): row = label, column = guess */
	float *prob;    /* (examples, classes) in the corpus's order, if asked for */
};

void measures_release(struct measures *m);

struct evaluation {
	const struct model *model;
	const real *weights;
	const struct corpus *corpus;
	const struct batch_rules *rules;
	const struct vocab *target; /* of texts that are written; may be NULL for classify */
	int beam;                   /* pairs: texts under way at once; 0: 1, greedy */
	double penalty;             /* of their length: see beam.h */
	bool unknown;               /* pairs: <unk> may be written */
	bool cased;      /* BLEU tells A from a; where the vocabulary folds case it need not */
	bool keep_prob;  /* classify */
	const int *stop; /* looked at between batches, or NULL */
};

/*
 * Runs the whole corpus. Sums are taken in a fixed order, whatever the team's size. A corpus
 * without labels gets probabilities only. A stream is laid out in rows of at least 1,000 tokens, 32
 * rows at most, each beginning with fresh states. ERR_INPUT for a stream of less than two tokens,
 * ERR_FAILED without memory, ERR_CANCELLED when stopped.
 */
bool eval_corpus(struct team *team, const struct evaluation *e, struct measures *out,
		 struct err *err);

#endif

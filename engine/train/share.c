/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/share.h"
#include "engine/train/trainer.h"

/* What the table looks at. */
struct shape {
	double flop;    /* of a step: two for each weight there, four back, for each token */
	double rows;    /* a member's */
	double weights; /* bytes of the largest layer's weights */
};

static bool is_small(const struct shape *s)
{
	return s->flop < 2e7;
}

static bool has_few_rows(const struct shape *s)
{
	return s->rows < 4 && s->weights > 1 << 20;
}

static bool is_any(const struct shape *s)
{
	return s->flop >= 0;
}

static const struct {
	bool (*fits)(const struct shape *s);
	struct share_rule rule;
} table[] = {
	{is_small,
	 {SHARE_ALONE, "alone", "a step is over before others have joined in (under 20 MFLOP)"}},
	{has_few_rows,
	 {SHARE_COLUMNS, "columns",
	  "with under 4 rows each, all would read all of the weights, which no core's cache "
	  "holds"}},
	{is_any,
	 {SHARE_ROWS, "rows", "each has rows of the batch and waits for nobody on the way"}},
};

static const struct share_rule alone = {SHARE_ALONE, "alone", "there is one thread"};

const struct share_rule *share_of(const struct model *m, int rows, int64_t tokens, int members)
{
	const struct recur *last = &m->stack.run[m->stack.runs - 1];
	const struct shape s = {
		.flop = 6 * (double)m->embedding * (double)tokens,
		.rows = (double)rows / members,
		.weights = (double)last->at.size * sizeof(real),
	};
	int k = 0;

	if (members == 1)
		return &alone;
	while (!table[k].fits(&s))
		k++;
	return &table[k].rule;
}

int64_t train_tokens(const struct train_spec *spec, const struct encoder *e,
		     const struct corpus *train)
{
	if (task_table[e->model.spec.task].stream)
		return (int64_t)spec->batch * spec->window;
	return spec->batch * train->tokens / (train->count ? train->count : 1);
}

struct learner_spec train_learning(const struct train_spec *spec, const struct encoder *e,
				   const struct corpus *train)
{
	struct learner_spec s = spec->learn;

	s.rows = spec->batch;
	s.tokens = train_tokens(spec, e, train);
	return s;
}

const struct share_rule *train_share(const struct train_spec *spec, const struct encoder *e,
				     const struct corpus *train)
{
	return share_of(&e->model, spec->batch, train_tokens(spec, e, train), spec->learn.threads);
}

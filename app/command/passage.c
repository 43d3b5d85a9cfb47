/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/passage.h"

enum { WORDS = 5, CHARACTERS = 16 }; /* on either side */

int passage_position(const struct replay *r, int word)
{
	int t = 0;

	while (t < r->T && r->token[t] < 0)
		t++;
	return t + word < r->T ? t + word : r->T - 1;
}

static void add_gap(struct buf *out, const struct replay *r, int t)
{
	const struct token_rules *rules = &vocab_rules(r->snapshot->encoder->vocab)->rules;
	size_t n, m;
	const char *before = replay_token(r, t - 1, &n), *token = replay_token(r, t, &m);

	if (token_gap(rules, before, n, token, m))
		buf_byte(out, ' ');
}

void passage_add(struct buf *out, const struct replay *r, int from, int to)
{
	const struct token_rules *rules = &vocab_rules(r->snapshot->encoder->vocab)->rules;
	const int around = rules->kind == TOKENIZER_CHAR ? CHARACTERS : WORDS;
	int first = from - around, last = to + around;

	first = first < 0 ? 0 : first;
	last = last >= r->T ? r->T - 1 : last;
	while (first < from && r->token[first] < 0)
		first++;
	while (last > to && r->token[last] < 0)
		last--;
	if (first > 0 && r->token[first - 1] >= 0)
		buf_text(out, "… ");
	for (int t = first; t <= last; t++) {
		size_t n;
		const char *token = replay_token(r, t, &n);

		if (t > first)
			add_gap(out, r, t);
		if (t == from)
			buf_byte(out, '[');
		buf_add(out, token, n);
		if (t == to)
			buf_byte(out, ']');
	}
	if (last + 1 < r->T && r->token[last + 1] >= 0)
		buf_text(out, " …");
}

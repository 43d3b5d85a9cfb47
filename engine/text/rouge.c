/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/rouge.h"

#include "engine/text/overlap.h"
#include "engine/text/traits.h"
#include "engine/text/utf8.h"

#include <string.h>

static const char *const names[ROUGE_TOKENS_COUNT] = {"latin", "unicode"};

const char *rouge_tokens_name(enum rouge_tokens t)
{
	return names[t];
}

int rouge_tokens_find(const char *name)
{
	for (int k = 0; k < ROUGE_TOKENS_COUNT; k++)
		if (!strcmp(names[k], name))
			return k;
	return -1;
}

static void split_latin(const char *s, size_t n, struct tokens *out)
{
	const unsigned char *letters = traits_letters(false);
	size_t run = n;

	for (size_t at = 0; at < n; at++) {
		const bool inside = letters[(unsigned char)s[at]] != 0;

		if (inside && run == n)
			run = at;
		if (!inside && run < n) {
			tokens_add(out, s + run, at - run);
			run = n;
		}
	}
	if (run < n)
		tokens_add(out, s + run, n - run);
}

static void split_unicode(const char *s, size_t n, struct tokens *out)
{
	const unsigned char *traits = traits_table();
	size_t run = n;

	for (size_t at = 0, end = 0; at < n; at = end) {
		const int kind = traits_of(traits, utf8_next(s, n, &end)) & TRAIT_KIND;

		if (kind == CHAR_MARK && run < n)
			continue;
		if (kind == CHAR_ALNUM && run == n)
			run = at;
		if (kind != CHAR_ALNUM && run < n) {
			tokens_add(out, s + run, at - run);
			run = n;
		}
		if (kind == CHAR_HAN)
			tokens_add(out, s + at, end - at);
	}
	if (run < n)
		tokens_add(out, s + run, n - run);
}

void rouge_split(enum rouge_tokens tokens, const char *text, size_t n, struct tokens *out)
{
	struct buf normal = {0}, lower = {0};

	if (tokens == ROUGE_LATIN) {
		utf8_lower(&lower, text, n);
		split_latin(buf_str(&lower), lower.len, out);
	} else {
		utf8_nfc(&normal, text, n);
		utf8_lower(&lower, buf_str(&normal), normal.len);
		split_unicode(buf_str(&lower), lower.len, out);
	}
	buf_release(&normal);
	buf_release(&lower);
}

/* Adds the measures of a text of which `match` is common to hyp of the hypothesis and ref of the reference. */
static void add_part(struct rouge_part *sum, uint64_t match, uint64_t hyp, uint64_t ref)
{
	const double precision = hyp ? (double)match / (double)hyp : 0;
	const double recall = ref ? (double)match / (double)ref : 0;

	sum->precision += precision;
	sum->recall += recall;
	if (match)
		sum->f1 += 2 * precision * recall / (precision + recall);
}

void rouge_add(struct rouge *r, enum rouge_tokens tokens, const char *hyp, size_t n,
	       const char *ref, size_t m)
{
	struct tokens h = {0}, t = {0};
	uint64_t match[2];
	struct overlap o;

	rouge_split(tokens, hyp, n, &h);
	rouge_split(tokens, ref, m, &t);
	overlap_init(&o, &h, &t);
	overlap_ngrams(&o, 2, match);
	add_part(&r->sum[ROUGE_1], match[0], overlap_runs(o.n, 1), overlap_runs(o.m, 1));
	add_part(&r->sum[ROUGE_2], match[1], overlap_runs(o.n, 2), overlap_runs(o.m, 2));
	add_part(&r->sum[ROUGE_L], overlap_lcs(&o), o.n, o.m);
	r->count++;
	overlap_release(&o);
	tokens_release(&h);
	tokens_release(&t);
}

void rouge_merge(struct rouge *r, const struct rouge *from)
{
	for (int k = 0; k < ROUGE_KINDS; k++) {
		r->sum[k].precision += from->sum[k].precision;
		r->sum[k].recall += from->sum[k].recall;
		r->sum[k].f1 += from->sum[k].f1;
	}
	r->count += from->count;
}

struct rouge_score rouge_of(const struct rouge *r)
{
	const double n = r->count ? (double)r->count : 1;
	struct rouge_score s;

	for (int k = 0; k < ROUGE_KINDS; k++)
		s.of[k] = (struct rouge_part){r->sum[k].precision / n, r->sum[k].recall / n,
					      r->sum[k].f1 / n};
	return s;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/bleu.h"

#include "engine/text/overlap.h"
#include "engine/text/traits.h"
#include "engine/text/utf8.h"

#include <math.h>
#include <string.h>

static const char *const names[BLEU_TOKENS_COUNT] = {"13a", "zh", "char", "none"};

const char *bleu_tokens_name(enum bleu_tokens t)
{
	return names[t];
}

int bleu_tokens_find(const char *name)
{
	for (int k = 0; k < BLEU_TOKENS_COUNT; k++)
		if (!strcmp(names[k], name))
			return k;
	return -1;
}

/* Python's str.isspace. */
static bool is_blank(const unsigned char *traits, int32_t c)
{
	return (c >= 0x1c && c <= 0x1f) || (traits_of(traits, c) & TRAIT_KIND) == CHAR_SPACE;
}

/* The text without the white space around it. */
static void strip(const char **text, size_t *n)
{
	const unsigned char *traits = traits_table();
	size_t first = *n, behind = 0;

	for (size_t at = 0, end = 0; at < *n; at = end) {
		if (is_blank(traits, utf8_next(*text, *n, &end)))
			continue;
		if (first == *n)
			first = at;
		behind = end;
	}
	*text += first;
	*n = behind > first ? behind - first : 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_stop(char c)
{
	return c == '.' || c == ',';
}

/* The marks of ASCII without apostrophe, hyphen, full stop and comma. */
static bool is_mark(char c)
{
	return c > ' ' && c < 0x7f && !strchr("'-.,", c) && !is_digit(c) &&
	       !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool stop_behind_other(char a, char b)
{
	return !is_digit(a) && is_stop(b);
}

static bool stop_before_other(char a, char b)
{
	return is_stop(a) && !is_digit(b);
}

static bool hyphen_behind_digit(char a, char b)
{
	return is_digit(a) && b == '-';
}

/*
 * Sets apart what `hit` says of two bytes, from left to right, each byte in one pair at most: a blank
 * between the two, and one before or behind them. What it looks for is ASCII, and of other characters one
 * byte is as good as all.
 */
static void pairs_apart(struct buf *line, bool (*hit)(char, char), bool before)
{
	struct buf out = {0};
	const char *s = buf_str(line);

	buf_room(&out, line->len + line->len / 4);
	for (size_t at = 0; at < line->len;) {
		if (at + 1 == line->len || !hit(s[at], s[at + 1])) {
			buf_byte(&out, s[at++]);
			continue;
		}
		if (before)
			buf_byte(&out, ' ');
		buf_byte(&out, s[at]);
		buf_byte(&out, ' ');
		buf_byte(&out, s[at + 1]);
		if (!before)
			buf_byte(&out, ' ');
		at += 2;
	}
	buf_release(line);
	*line = out;
}

static void marks_apart(struct buf *line)
{
	struct buf out = {0};
	const char *s = buf_str(line);

	buf_room(&out, line->len + line->len / 4);
	for (size_t at = 0; at < line->len; at++) {
		const bool mark = is_mark(s[at]);

		if (mark)
			buf_byte(&out, ' ');
		buf_byte(&out, s[at]);
		if (mark)
			buf_byte(&out, ' ');
	}
	buf_release(line);
	*line = out;
}

/* What 13a and zh share. */
static void western(struct buf *line)
{
	marks_apart(line);
	pairs_apart(line, stop_behind_other, false);
	pairs_apart(line, stop_before_other, true);
	pairs_apart(line, hyphen_behind_digit, false);
}

/* Puts `to` for every `from`. */
static void replace(struct buf *line, const char *from, const char *to)
{
	const size_t width = strlen(from);
	struct buf out = {0};
	const char *s = buf_str(line);

	for (size_t at = 0; at < line->len;) {
		const char *next = memchr(s + at, from[0], line->len - at);
		const size_t until = next ? (size_t)(next - s) : line->len;
		const bool found = line->len - until >= width && !memcmp(s + until, from, width);

		buf_add(&out, s + at, until - at);
		at = until;
		if (found)
			buf_text(&out, to);
		else if (next)
			buf_byte(&out, s[until]);
		at += found ? width : next != NULL;
	}
	buf_release(line);
	*line = out;
}

static void line_13a(struct buf *line, const char *text, size_t n)
{
	buf_add(line, text, n);
	replace(line, "<skipped>", "");
	replace(line, "-\n", "");
	replace(line, "\n", " ");
	replace(line, "&quot;", "\"");
	replace(line, "&amp;", "&");
	replace(line, "&lt;", "<");
	replace(line, "&gt;", ">");
}

/* The ranges as sacreBLEU's strings compare, neighbours joined. */
static bool is_chinese(int32_t c)
{
	static const struct {
		int32_t first, last;
	} range[] = {
		{0x2001, 0x2a6d}, {0x2e80, 0x2fdf}, {0x2ff0, 0x303f}, {0x3100, 0x312f},
		{0x31a0, 0x31bf}, {0x31c0, 0x31ef}, {0x3200, 0x4db5}, {0x4e00, 0x9fbb},
		{0xf900, 0xfa2d}, {0xfa30, 0xfa6a}, {0xfa70, 0xfad9}, {0xfe10, 0xfe1f},
		{0xfe30, 0xfe4f}, {0xff00, 0xffef},
	};

	for (size_t k = 0; k < sizeof(range) / sizeof(range[0]) && c >= range[k].first; k++)
		if (c <= range[k].last)
			return true;
	return false;
}

static void line_zh(struct buf *line, const char *text, size_t n)
{
	for (size_t at = 0, end = 0; at < n; at = end) {
		const bool apart = is_chinese(utf8_next(text, n, &end));

		if (apart)
			buf_byte(line, ' ');
		buf_add(line, text + at, end - at);
		if (apart)
			buf_byte(line, ' ');
	}
}

/* What white space separates, or each character. */
static void split(const char *s, size_t n, bool each, struct tokens *out)
{
	const unsigned char *traits = traits_table();
	size_t run = n;

	for (size_t at = 0, end = 0; at < n; at = end) {
		const bool blank = is_blank(traits, utf8_next(s, n, &end));

		if ((blank || each) && run < n)
			tokens_add(out, s + run, at - run);
		if (blank)
			run = n;
		else if (each || run == n)
			run = at;
	}
	if (run < n)
		tokens_add(out, s + run, n - run);
}

void bleu_split(const struct bleu_rules *rules, const char *text, size_t n, struct tokens *out)
{
	struct buf lower = {0}, line = {0};

	if (rules->lower) {
		utf8_lower(&lower, text, n);
		text = buf_str(&lower);
		n = lower.len;
	}
	strip(&text, &n);
	if (rules->tokens == BLEU_13A) {
		/* Blanks around it, so that a stop at either end is not the first or last byte. */
		buf_byte(&line, ' ');
		line_13a(&line, text, n);
		buf_byte(&line, ' ');
	} else if (rules->tokens == BLEU_ZH) {
		line_zh(&line, text, n);
	}
	if (rules->tokens == BLEU_13A || rules->tokens == BLEU_ZH) {
		western(&line);
		text = buf_str(&line);
		n = line.len;
	}
	split(text, n, rules->tokens == BLEU_CHAR, out);
	buf_release(&lower);
	buf_release(&line);
}

void bleu_add(struct bleu *b, const struct bleu_rules *rules, const char *hyp, size_t n,
	      const char *ref, size_t m)
{
	struct tokens h = {0}, r = {0};
	uint64_t match[BLEU_ORDERS];
	struct overlap o;

	bleu_split(rules, hyp, n, &h);
	bleu_split(rules, ref, m, &r);
	overlap_init(&o, &h, &r);
	overlap_ngrams(&o, BLEU_ORDERS, match);
	for (int k = 0; k < BLEU_ORDERS; k++) {
		b->match[k] += match[k];
		b->total[k] += overlap_runs(o.n, k + 1);
	}
	b->hyp_len += o.n;
	b->ref_len += o.m;
	overlap_release(&o);
	tokens_release(&h);
	tokens_release(&r);
}

void bleu_merge(struct bleu *b, const struct bleu *from)
{
	for (int k = 0; k < BLEU_ORDERS; k++) {
		b->match[k] += from->match[k];
		b->total[k] += from->total[k];
	}
	b->hyp_len += from->hyp_len;
	b->ref_len += from->ref_len;
}

/* The penalty for hypotheses that are shorter than their references. */
static double brevity(const struct bleu *b)
{
	if (b->hyp_len >= b->ref_len)
		return 1;
	return b->hyp_len ? exp(1 - (double)b->ref_len / (double)b->hyp_len) : 0;
}

struct bleu_score bleu_of(const struct bleu *b)
{
	struct bleu_score s = {.brevity = brevity(b)};
	double sum = 0, missed = 1; /* doubles with every order that has no match */
	bool any = false;

	if (b->ref_len)
		s.ratio = (double)b->hyp_len / (double)b->ref_len;
	for (int k = 0; k < BLEU_ORDERS; k++)
		any |= b->match[k] > 0;
	if (!any)
		return s;
	for (int k = 0; k < BLEU_ORDERS; k++) {
		if (!b->total[k])
			return s;
		if (!b->match[k])
			missed *= 2;
		s.precision[k] = 100 * (b->match[k] ? (double)b->match[k] : 1 / missed) /
				 (double)b->total[k];
		sum += log(s.precision[k]);
	}
	s.score = s.brevity * exp(sum / BLEU_ORDERS);
	return s;
}

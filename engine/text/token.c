/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/token.h"

#include "engine/base/mem.h"
#include "engine/text/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const char *const names[TOKENIZER_COUNT] = {"word", "char", "space", "keras"};

const char token_keras_filters[] = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n";

const char *tokenizer_name(enum tokenizer t)
{
	return names[t];
}

int tokenizer_find(const char *name)
{
	for (int k = 0; k < TOKENIZER_COUNT; k++)
		if (!strcmp(names[k], name))
			return k;
	return -1;
}

void tokens_release(struct tokens *t)
{
	buf_release(&t->text);
	free(t->end);
	*t = (struct tokens){0};
}

void tokens_clear(struct tokens *t)
{
	buf_clear(&t->text);
	t->count = 0;
}

void tokens_add(struct tokens *t, const char *bytes, size_t n)
{
	buf_add(&t->text, bytes, n);
	t->end = mem_grow(t->end, &t->cap, t->count + 1, sizeof(*t->end));
	t->end[t->count++] = t->text.len;
}

const char *tokens_at(const struct tokens *t, size_t k, size_t *n)
{
	size_t start = k ? t->end[k - 1] : 0;

	*n = t->end[k] - start;
	return t->text.data + start;
}

enum kind { SPACE, ALNUM, MARK, HAN, SYMBOL };

static bool is_han(int32_t c)
{
	static const struct {
		int32_t first, last;
	} range[] = {
		{0x2e80, 0x2fd5},   {0x3005, 0x3005},   {0x3007, 0x3007},   {0x3021, 0x3029},
		{0x3038, 0x303b},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfad9},
		{0x16fe2, 0x16ff1}, {0x20000, 0x2fa1f}, {0x30000, 0x323af},
	};

	for (size_t k = 0; k < sizeof(range) / sizeof(range[0]) && c >= range[k].first; k++)
		if (c <= range[k].last)
			return true;
	return false;
}

static enum kind kind_of(int32_t c)
{
	if (c < 0x80) {
		if (c == ' ' || (c >= '\t' && c <= '\r'))
			return SPACE;
		return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ? ALNUM
											  : SYMBOL;
	}
	if (c == 0x85)
		return SPACE;
	if (is_han(c))
		return HAN;
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return SPACE;
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return ALNUM;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
		return MARK;
	default:
		return SYMBOL;
	}
}

/* The end of the extended grapheme cluster that starts at at; *last is its last code point. */
static size_t cluster_end(const char *s, size_t n, size_t at, int32_t *last)
{
	int32_t state = 0, c = utf8_next(s, n, &at);

	for (;;) {
		size_t next = at;
		int32_t d;

		*last = c;
		if (at == n || (c < 0x80 && (unsigned char)s[at] < 0x80 && c != '\r'))
			return at;
		d = utf8_next(s, n, &next);
		if (utf8proc_grapheme_break_stateful(c, d, &state))
			return at;
		c = d;
		at = next;
	}
}

/* Apostrophes, hyphens and the full stop. */
static bool joins_words(int32_t c)
{
	return c == '\'' || c == '-' || c == '.' || c == 0x2010 || c == 0x2011 || c == 0x2019;
}

static bool is_emoji(int32_t first, int32_t last)
{
	return last == 0x20e3 || utf8proc_get_property(first)->boundclass ==
					 UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static void split_words(const char *s, size_t n, struct tokens *out)
{
	size_t run = n, at = 0; /* a word is open at run < n */

	while (at < n) {
		size_t behind = at, end, peek;
		int32_t last, c = utf8_next(s, n, &behind);
		enum kind kind = kind_of(c);
		bool inside;

		end = peek = kind == SPACE ? behind : cluster_end(s, n, at, &last);
		inside = (kind == ALNUM || kind == MARK) &&
			 ((c < 0x80 && end == behind) || !is_emoji(c, last));
		if (run < n && joins_words(c) && end == behind && end < n)
			inside = kind_of(utf8_next(s, n, &peek)) == ALNUM;
		if (inside && run == n)
			run = at;
		if (!inside && run < n) {
			tokens_add(out, s + run, at - run);
			run = n;
		}
		if (!inside && kind != SPACE)
			tokens_add(out, s + at, end - at);
		at = end;
	}
	if (run < n)
		tokens_add(out, s + run, n - run);
}

static void split_clusters(const char *s, size_t n, struct tokens *out)
{
	int32_t last;

	for (size_t at = 0, end; at < n; at = end) {
		end = cluster_end(s, n, at, &last);
		tokens_add(out, s + at, end - at);
	}
}

static void split_points(const char *s, size_t n, struct tokens *out)
{
	for (size_t at = 0, end = 0; at < n; at = end) {
		utf8_next(s, n, &end);
		tokens_add(out, s + at, end - at);
	}
}

static void split_spaces(const char *s, size_t n, struct tokens *out)
{
	size_t run = n;

	for (size_t at = 0, end = 0; at < n; at = end) {
		bool space = kind_of(utf8_next(s, n, &end)) == SPACE;

		if (!space && run == n) {
			run = at;
		} else if (space && run < n) {
			tokens_add(out, s + run, at - run);
			run = n;
		}
	}
	if (run < n)
		tokens_add(out, s + run, n - run);
}

/* Whether the character s[0 .. n) is in the list (a string of UTF-8). */
static bool listed(const char *list, const char *s, size_t n)
{
	for (; (list = strchr(list, *s)) && *s; list++)
		if (!strncmp(list, s, n))
			return true;
	return false;
}

static void split_keras(const struct token_rules *rules, const char *s, size_t n,
			struct tokens *out)
{
	const char *filters = rules->filters ? rules->filters : token_keras_filters;
	const char *split = rules->split && *rules->split ? rules->split : " ";
	size_t width = strlen(split), start = 0, at = 0;
	struct buf b = {0};

	for (size_t end = 0, from = 0; from < n; from = end) {
		utf8_next(s, n, &end);
		if (listed(filters, s + from, end - from))
			buf_add(&b, split, width);
		else
			buf_add(&b, s + from, end - from);
	}
	while (at < b.len) {
		if (b.len - at < width || memcmp(b.data + at, split, width) != 0) {
			at++;
			continue;
		}
		if (at > start)
			tokens_add(out, b.data + start, at - start);
		start = at += width;
	}
	if (at > start)
		tokens_add(out, b.data + start, at - start);
	buf_release(&b);
}

static bool is_ascii(const char *s, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if ((unsigned char)s[k] >= 0x80)
			return false;
	return true;
}

void token_split(const struct token_rules *rules, const char *text, size_t n, struct tokens *out)
{
	struct buf normal = {0}, lower = {0};

	if (rules->kind != TOKENIZER_KERAS && !is_ascii(text, n)) {
		utf8_nfc(&normal, text, n);
		text = buf_str(&normal);
		n = normal.len;
	}
	if (rules->lower) {
		utf8_lower(&lower, text, n);
		text = buf_str(&lower);
		n = lower.len;
	}
	if (rules->kind == TOKENIZER_WORD)
		split_words(text, n, out);
	else if (rules->kind == TOKENIZER_CHAR)
		split_clusters(text, n, out);
	else if (rules->kind == TOKENIZER_SPACE)
		split_spaces(text, n, out);
	else if (rules->char_level)
		split_points(text, n, out);
	else
		split_keras(rules, text, n, out);
	buf_release(&normal);
	buf_release(&lower);
}

/* Han characters, and the marks that are as wide. */
static bool is_wide(int32_t c)
{
	return is_han(c) || (c >= 0x3000 && c <= 0x303f) || (c >= 0xff00 && c <= 0xffef);
}

bool token_gap(const struct token_rules *rules, const char *a, size_t a_len, const char *b,
	       size_t b_len)
{
	size_t at = 0;
	int32_t last = ' ';

	if (rules->kind == TOKENIZER_CHAR || rules->char_level || !a_len || !b_len)
		return false;
	if (rules->kind != TOKENIZER_WORD)
		return true;
	while (at < a_len)
		last = utf8_next(a, a_len, &at);
	at = 0;
	return !is_wide(last) && !is_wide(utf8_next(b, b_len, &at));
}

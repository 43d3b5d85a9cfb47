/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/token.h"

#include "engine/base/mem.h"
#include "engine/text/traits.h"
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

static void tokens_room(struct tokens *t, size_t bytes, size_t count)
{
	buf_room(&t->text, bytes);
	t->end = mem_grow(t->end, &t->cap, t->count + count, sizeof(*t->end));
}

/* Adds a token where tokens_room has made room for it. */
static inline void push(struct tokens *t, const char *bytes, size_t n)
{
	char *to = t->text.data + t->text.len;

	if (n == 3) /* most characters of Chinese */
		memcpy(to, bytes, 3);
	else
		memcpy(to, bytes, n);
	t->text.len += n;
	t->end[t->count++] = t->text.len;
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

/* The end of the extended grapheme cluster that begins with c and goes on at `at`; *last is its last code
 * point. */
static inline size_t cluster_end(const unsigned char *traits, const char *s, size_t n, int32_t c,
				 size_t at, int32_t *last)
{
	int32_t state = 0;

	for (;;) {
		size_t next = at;
		int32_t d;

		*last = c;
		if (at == n)
			return at;
		d = utf8_next(s, n, &next);
		if ((traits_of(traits, c) & traits_of(traits, d) & TRAIT_APART) ||
		    utf8proc_grapheme_break_stateful(c, d, &state))
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

static enum char_kind kind_of(const unsigned char *traits, int32_t c)
{
	return (enum char_kind)(traits_of(traits, c) & TRAIT_KIND);
}

static bool is_emoji(int32_t first, int32_t last)
{
	return last == 0x20e3 || utf8proc_get_property(first)->boundclass ==
					 UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static void split_words(const char *s, size_t n, struct tokens *out)
{
	const unsigned char *traits = traits_table();
	size_t run = n, at = 0; /* a word is open at run < n */

	while (at < n) {
		size_t behind = at, end, peek;
		int32_t last, c = utf8_next(s, n, &behind);
		enum char_kind kind = kind_of(traits, c);
		bool inside;

		end = peek =
			kind == CHAR_SPACE ? behind : cluster_end(traits, s, n, c, behind, &last);
		inside = (kind == CHAR_ALNUM || kind == CHAR_MARK) &&
			 ((c < 0x80 && end == behind) || !is_emoji(c, last));
		if (run < n && joins_words(c) && end == behind && end < n)
			inside = kind_of(traits, utf8_next(s, n, &peek)) == CHAR_ALNUM;
		if (inside && run == n)
			run = at;
		if (!inside && run < n) {
			push(out, s + run, at - run);
			run = n;
		}
		if (!inside && kind != CHAR_SPACE)
			push(out, s + at, end - at);
		at = end;
	}
	if (run < n)
		push(out, s + run, n - run);
}

static void split_clusters(const char *s, size_t n, struct tokens *out)
{
	const unsigned char *traits = traits_table();
	int32_t last;

	for (size_t at = 0, end; at < n; at = end) {
		size_t behind = at;
		const int32_t c = utf8_next(s, n, &behind);

		end = cluster_end(traits, s, n, c, behind, &last);
		push(out, s + at, end - at);
	}
}

static void split_points(const char *s, size_t n, struct tokens *out)
{
	for (size_t at = 0, end = 0; at < n; at = end) {
		utf8_next(s, n, &end);
		push(out, s + at, end - at);
	}
}

static void split_spaces(const char *s, size_t n, struct tokens *out)
{
	const unsigned char *traits = traits_table();
	size_t run = n;

	for (size_t at = 0, end = 0; at < n; at = end) {
		bool space = kind_of(traits, utf8_next(s, n, &end)) == CHAR_SPACE;

		if (!space && run == n) {
			run = at;
		} else if (space && run < n) {
			push(out, s + run, at - run);
			run = n;
		}
	}
	if (run < n)
		push(out, s + run, n - run);
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

/* What the three above do, for text of ASCII alone and with lower-casing in the same pass. */
struct ascii {
	const char *s;
	size_t n;
	const unsigned char *traits;
	bool lower;
};

static inline enum char_kind ascii_kind(const struct ascii *a, size_t at)
{
	return kind_of(a->traits, (unsigned char)a->s[at]);
}

static inline char ascii_byte(const struct ascii *a, size_t at)
{
	const char c = a->s[at];

	return a->lower && c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static void split_ascii_words(const struct ascii *a, struct tokens *out)
{
	const unsigned char *letters = traits_letters(a->lower), *s = (const unsigned char *)a->s;
	char *const text = out->text.data, *to = text + out->text.len;
	size_t *end = out->end + out->count;

	for (size_t at = 0; at < a->n;) {
		unsigned char c = letters[s[at]];

		if (!c && ascii_kind(a, at) == CHAR_SPACE) {
			at++;
			continue;
		}
		if (!c)
			*to++ = a->s[at++];
		while (c) {
			*to++ = (char)c;
			c = ++at < a->n ? letters[s[at]] : 0;
			if (!c && at + 1 < a->n && joins_words(s[at]) && letters[s[at + 1]])
				c = s[at];
		}
		*end++ = (size_t)(to - text);
	}
	out->count = (size_t)(end - out->end);
	out->text.len = (size_t)(to - text);
}

static void split_ascii_spaces(const struct ascii *a, struct tokens *out)
{
	char *const text = out->text.data, *to = text + out->text.len;

	for (size_t at = 0; at < a->n;) {
		if (ascii_kind(a, at) == CHAR_SPACE) {
			at++;
			continue;
		}
		do
			*to++ = ascii_byte(a, at++);
		while (at < a->n && ascii_kind(a, at) != CHAR_SPACE);
		out->end[out->count++] = (size_t)(to - text);
	}
	out->text.len = (size_t)(to - text);
}

static void split_ascii_clusters(const struct ascii *a, struct tokens *out)
{
	char *const text = out->text.data, *to = text + out->text.len;

	for (size_t at = 0; at < a->n; at++) {
		*to++ = ascii_byte(a, at);
		if (a->s[at] == '\r' && at + 1 < a->n && a->s[at + 1] == '\n')
			continue; /* the one cluster of two */
		out->end[out->count++] = (size_t)(to - text);
	}
	out->text.len = (size_t)(to - text);
}

static void split_ascii(const struct token_rules *rules, const char *s, size_t n,
			struct tokens *out)
{
	const struct ascii a = {s, n, traits_table(), rules->lower};

	tokens_room(out, n, n);
	if (rules->kind == TOKENIZER_WORD)
		split_ascii_words(&a, out);
	else if (rules->kind == TOKENIZER_CHAR)
		split_ascii_clusters(&a, out);
	else
		split_ascii_spaces(&a, out);
	buf_room(&out->text, 0);
}

/* The traits that all code points have. */
static unsigned char common_traits(const char *s, size_t n)
{
	const unsigned char *traits = traits_table();
	unsigned char all = 0xff;

	for (size_t at = 0; at < n;)
		all &= traits_of(traits, utf8_next(s, n, &at));
	return all;
}

void token_split(const struct token_rules *rules, const char *text, size_t n, struct tokens *out)
{
	struct buf normal = {0}, lower = {0};
	unsigned char common;

	if (rules->kind != TOKENIZER_KERAS && utf8_is_ascii(text, n)) {
		split_ascii(rules, text, n, out);
		return;
	}
	common = common_traits(text, n);
	if (rules->kind != TOKENIZER_KERAS && !(common & TRAIT_NORMAL)) {
		utf8_nfc(&normal, text, n);
		text = buf_str(&normal);
		n = normal.len;
		common = common_traits(text, n);
	}
	if (rules->lower && !(common & TRAIT_LOWER)) {
		utf8_lower(&lower, text, n);
		text = buf_str(&lower);
		n = lower.len;
	}
	tokens_room(out, n, n);
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
	buf_room(&out->text, 0);
	buf_release(&normal);
	buf_release(&lower);
}

/* Han characters, and the marks that are as wide. */
static bool is_wide(int32_t c)
{
	return char_is_han(c) || (c >= 0x3000 && c <= 0x303f) || (c >= 0xff00 && c <= 0xffef);
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From text to a tree: operators by their precedence, names with their places. */
#include "engine/base/mem.h"
#include "engine/inspect/expr_tree.h"
#include "engine/text/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64 };

struct parser {
	struct expr *e;
	const char *text, *at;
	int depth;
	struct err *err;
};

/* The column of a place in characters, from 1. */
static int column_of(const struct parser *p, const char *at)
{
	int column = 1;

	for (const char *s = p->text; s < at; s++)
		column += ((unsigned char)*s & 0xc0) != 0x80;
	return column;
}

static int fail(struct parser *p, const char *what)
{
	err_set(p->err, ERR_USAGE, "column %d: %s", column_of(p, p->at), what);
	return -1;
}

static void skip(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static int add(struct parser *p, struct expr_node node, const char *at)
{
	struct expr *e = p->e;

	node.column = column_of(p, at);
	e->node = mem_grow(e->node, &e->cap, (size_t)e->nodes + 1, sizeof(*e->node));
	e->node[e->nodes] = node;
	return e->nodes++;
}

static const struct {
	const char *sign;
	enum expr_op op;
	int level;
} operators[] = {{"||", EXPR_OR, 1}, {"&&", EXPR_AND, 2}, {"==", EXPR_EQ, 3}, {"!=", EXPR_NE, 3},
		 {"<=", EXPR_LE, 4}, {">=", EXPR_GE, 4},  {"<", EXPR_LT, 4},  {">", EXPR_GT, 4},
		 {"+", EXPR_ADD, 5}, {"-", EXPR_SUB, 5},  {"*", EXPR_MUL, 6}, {"/", EXPR_DIV, 6}};

/* The operator that comes next, at this level or above; -1: none. */
static int next_operator(struct parser *p, int level)
{
	skip(p);
	for (size_t k = 0; k < sizeof(operators) / sizeof(operators[0]); k++)
		if (!strncmp(p->at, operators[k].sign, strlen(operators[k].sign)))
			return operators[k].level >= level ? (int)k : -1;
	return -1;
}

static int parse(struct parser *p, int level);

static int close(struct parser *p, char bracket)
{
	static const char *const what[] = {"')' is missing", "']' is missing"};

	skip(p);
	if (*p->at != bracket)
		return fail(p, what[bracket == ']']);
	p->at++;
	return 0;
}

/* A number from 0 that ends at a character that none goes on with. */
static bool read_index(struct parser *p, int *index)
{
	char *end;
	long v;

	skip(p);
	if (!isdigit((unsigned char)*p->at)) {
		fail(p, "a whole number from 0 is missing");
		return false;
	}
	v = strtol(p->at, &end, 10);
	if (v > 1000000000) {
		fail(p, "the number is too large");
		return false;
	}
	p->at = end;
	*index = (int)v;
	return true;
}

/* "[12]" and "@3" behind a signal. */
static bool read_place(struct parser *p, struct expr_node *n)
{
	skip(p);
	if (*p->at == '[') {
		p->at++;
		if (!read_index(p, &n->unit) || close(p, ']'))
			return false;
		skip(p);
	}
	if (*p->at == '@') {
		p->at++;
		return read_index(p, &n->step);
	}
	return true;
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* "dec.", "enc.", "l1.", "bw.", "fw." before a signal. false: it is none of them. */
static bool read_prefix(struct parser *p, struct expr_node *n)
{
	const size_t length = name_length(p->at);
	const char *s = p->at;

	if (!length || s[length] != '.')
		return false;
	if (!strncmp(s, "dec.", 4) || !strncmp(s, "enc.", 4))
		n->decoder = *s == 'd';
	else if (!strncmp(s, "bw.", 3) || !strncmp(s, "fw.", 3))
		n->backward = *s == 'b';
	else if (*s == 'l' && length > 1 && length < 6 && strspn(s + 1, "0123456789") == length - 1)
		n->layer = atoi(s + 1);
	else
		return false;
	n->placed = true;
	p->at += length + 1;
	return true;
}

static int parse_signal(struct parser *p)
{
	struct expr_node n = {.kind = EXPR_SIGNAL, .unit = -1, .step = -1, .layer = -1};
	const char *start = p->at;
	size_t length;

	while (read_prefix(p, &n))
		;
	length = name_length(p->at);
	if (!length || length >= EXPR_NAME || isdigit((unsigned char)*p->at))
		return fail(p, "a signal is missing, such as f[12]");
	memcpy(n.name, p->at, length);
	p->at += length;
	return read_place(p, &n) ? add(p, n, start) : -1;
}

static const char *const functions[EXPR_FNS] = {"prev", "d",   "abs",  "mean",  "sum",
						"max",  "min", "norm", "argmax"};

static int parse_call(struct parser *p, enum expr_fn fn, size_t length)
{
	struct expr_node n = {.kind = EXPR_CALL, .fn = fn};
	const char *start = p->at;

	p->at += length;
	skip(p);
	p->at++; /* the bracket */
	n.a = parse(p, 1);
	return n.a < 0 || close(p, ')') ? -1 : add(p, n, start);
}

/* p, or p(LABEL) with the label as it is or in quotes. */
static int parse_outcome(struct parser *p)
{
	struct expr_node n = {.kind = EXPR_OUTCOME};
	const char *start = p->at++, *from;
	char quote = 0;
	size_t length = 0;

	if (*p->at != '(')
		return add(p, n, start);
	p->at++;
	skip(p);
	if (*p->at == '"' || *p->at == '\'')
		quote = *p->at++;
	from = p->at;
	while (*p->at && (quote ? *p->at != quote : *p->at != ')'))
		p->at++;
	length = (size_t)(p->at - from);
	while (!quote && length && isspace((unsigned char)from[length - 1]))
		length--;
	if (!length || length >= sizeof(n.text))
		return fail(p, "the label of a class is missing, such as p(pos)");
	memcpy(n.text, from, length);
	if (quote && *p->at)
		p->at++;
	return close(p, ')') ? -1 : add(p, n, start);
}

static int parse_name(struct parser *p)
{
	static const struct {
		const char *name;
		enum expr_kind kind;
		double number;
	} words[] = {
		{"t", EXPR_T, 0},         {"T", EXPR_STEPS, 0},         {"layer", EXPR_LAYER, 0},
		{"word", EXPR_WORD, 0},   {"unknown", EXPR_UNKNOWN, 0}, {"true", EXPR_NUMBER, 1},
		{"false", EXPR_NUMBER, 0}};
	const size_t length = name_length(p->at);
	const char *start = p->at, *after = p->at + length;

	while (isspace((unsigned char)*after))
		after++;
	if (length == 1 && *start == 'p')
		return parse_outcome(p);
	for (int k = 0; *after == '(' && k < EXPR_FNS; k++)
		if (strlen(functions[k]) == length && !strncmp(start, functions[k], length))
			return parse_call(p, (enum expr_fn)k, length);
	if (*after == '(')
		return fail(p,
			    "there is no such function; there are prev d abs mean sum max min norm "
			    "argmax and p");
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		if (strlen(words[k].name) == length && !strncmp(start, words[k].name, length)) {
			p->at += length;
			return add(p,
				   (struct expr_node){.kind = words[k].kind,
						      .number = words[k].number},
				   start);
		}
	return parse_signal(p);
}

static int parse_text(struct parser *p)
{
	struct expr_node n = {.kind = EXPR_TEXT};
	const char *start = p->at, quote = *p->at++;
	const char *from = p->at;

	while (*p->at && *p->at != quote)
		p->at++;
	if (!*p->at) {
		p->at = start;
		return fail(p, "the quote is not closed");
	}
	if ((size_t)(p->at - from) >= sizeof(n.text))
		return fail(p, "the text is too long");
	memcpy(n.text, from, (size_t)(p->at - from));
	p->at++;
	return add(p, n, start);
}

static int parse_number(struct parser *p)
{
	const char *start = p->at;
	char *end;
	const double v = strtod(p->at, &end);

	p->at = end;
	return add(p, (struct expr_node){.kind = EXPR_NUMBER, .number = v}, start);
}

static int parse_primary(struct parser *p)
{
	const char *start;
	struct expr_node n = {.kind = EXPR_UNARY};

	skip(p);
	start = p->at;
	if (*start == '!' || *start == '-') {
		p->at++;
		n.op = *start == '!' ? EXPR_NOT : EXPR_MINUS;
		n.a = parse(p, 7);
		return n.a < 0 ? -1 : add(p, n, start);
	}
	if (*start == '(') {
		p->at++;
		n.a = parse(p, 1);
		return n.a < 0 || close(p, ')') ? -1 : n.a;
	}
	if (*start == '"' || *start == '\'')
		return parse_text(p);
	if (isdigit((unsigned char)*start) || (*start == '.' && isdigit((unsigned char)start[1])))
		return parse_number(p);
	if (isalpha((unsigned char)*start))
		return parse_name(p);
	return fail(p,
		    *start ? "this is no part of an expression" : "the expression ends too early");
}

/* What is combined by operators of this level and above. */
static int parse(struct parser *p, int level)
{
	int left, k;

	if (++p->depth > DEEPEST)
		return fail(p, "too many brackets in each other");
	left = parse_primary(p);
	while (left >= 0 && (k = next_operator(p, level)) >= 0) {
		const char *start = p->at;
		int right;

		p->at += strlen(operators[k].sign);
		right = parse(p, operators[k].level + 1);
		left = right < 0 ? -1
				 : add(p,
				       (struct expr_node){.kind = EXPR_BINARY,
							  .op = operators[k].op,
							  .a = left,
							  .b = right},
				       start);
	}
	p->depth--;
	return left;
}

struct expr *expr_parse(const char *text, struct err *err)
{
	struct expr *e = mem_zero(1, sizeof(*e));
	struct parser p = {.e = e, .text = text, .at = text, .err = err};

	e->text = mem_text(text);
	e->root = parse(&p, 1);
	skip(&p);
	if (e->root >= 0 && *p.at)
		e->root = fail(&p, *p.at == '=' ? "one = sets, two compare: write =="
						: "this is one part too many");
	if (e->root >= 0)
		return e;
	if (err)
		utf8_line(err->msg);
	expr_free(e);
	return NULL;
}

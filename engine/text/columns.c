/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/columns.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const usual_labels[] = {
	"label",  "labels",  "sentiment", "class", "target", "category",    "polarity", "emotion",
	"rating", "stars",   "score",     "topic", "intent", "tag",         "y",        "标签",
	"类别",   "summary", "summaries", "tgt",   "output", "translation", NULL};
const char *const usual_texts[] = {
	"text",  "review",      "sentence", "comment",   "content",  "tweet",  "message",
	"body",  "description", "document", "utterance", "question", "source", "src",
	"input", "title",       "x",        "文本",      "评论",     "内容",   NULL};

int usual_find(const char *const list[], const char *name, size_t n)
{
	for (int k = 0; list[k]; k++)
		if (strlen(list[k]) == n && !strncasecmp(list[k], name, n))
			return k;
	return -1;
}

int cell_compare(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;
	int order = memcmp(x->s, y->s, x->n < y->n ? x->n : y->n);

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

bool cell_number(struct cell c, long long *value)
{
	size_t k = c.n && *c.s == '-';

	*value = 0;
	if (k == c.n || c.n > 18)
		return false;
	for (; k < c.n; k++) {
		if (c.s[k] < '0' || c.s[k] > '9')
			return false;
		*value = *value * 10 + (c.s[k] - '0');
	}
	return true;
}

struct column column_measure(const struct grid *g, size_t from, int column)
{
	struct column m = {.whole = true, .running = true};
	struct cell *cell = mem_alloc((g->rows + 1) * sizeof(*cell));
	size_t count = 0;
	long long value, before = 0;

	for (size_t r = from; r < g->rows; r++) {
		struct cell c;

		if (column >= grid_width(g, r))
			continue;
		c = cell[count++] = grid_cell(g, r, column);
		m.mean += (double)c.n;
		m.longest = c.n > m.longest ? c.n : m.longest;
		m.spaced = m.spaced || memchr(c.s, ' ', c.n);
		m.whole = m.whole && cell_number(c, &value);
		m.running = m.running && m.whole && (count == 1 || value == before + 1);
		before = m.whole ? value : 0;
	}
	m.mean /= count ? (double)count : 1;
	m.running = m.running && count >= 6;
	m.whole = m.whole && count;
	qsort(cell, count, sizeof(*cell), cell_compare);
	for (size_t k = 0; k < count; k++)
		m.distinct += k == 0 || cell_compare(&cell[k - 1], &cell[k]) != 0;
	free(cell);
	return m;
}

int columns_usual(const struct grid *g)
{
	size_t rows[COLUMNS_MOST + 1] = {0};
	int best = 1;

	for (size_t r = 0; r < g->rows; r++)
		rows[grid_width(g, r) < COLUMNS_MOST ? grid_width(g, r) : COLUMNS_MOST]++;
	for (int k = 2; k <= COLUMNS_MOST; k++)
		if (rows[k] > rows[best])
			best = k;
	return best;
}

void columns_survey(struct survey *s, const struct grid *g, bool header)
{
	*s = (struct survey){.rows = g->rows - header, .count = columns_usual(g)};
	for (int k = 0; k < s->count; k++) {
		s->column[k] = column_measure(g, header, k);
		if (s->column[k].mean > s->widest)
			s->widest = s->column[k].mean;
	}
}

int column_named(const struct grid *g, const char *const list[])
{
	int best = -1, found = -1;

	for (int k = 0; k < grid_width(g, 0); k++) {
		struct cell c = grid_cell(g, 0, k);
		int place = usual_find(list, c.s, c.n);

		if (place >= 0 && (found < 0 || place < best)) {
			best = place;
			found = k;
		}
	}
	return found;
}

bool column_number(const char *name, long *number)
{
	char *end;

	*number = strtol(name, &end, 10);
	return *name && !*end;
}

bool column_asked(const struct input *in, const struct grid *g, bool header, const char *name,
		  int *column, struct err *err)
{
	struct buf all = {0};
	long number;

	for (int k = 0; header && k < grid_width(g, 0); k++) {
		struct cell c = grid_cell(g, 0, k);

		if (c.n == strlen(name) && !strncasecmp(c.s, name, c.n)) {
			buf_release(&all);
			*column = k;
			return true;
		}
		buf_printf(&all, "%s%.*s", k ? ", " : "; it has ", (int)(c.n < 40 ? c.n : 40), c.s);
	}
	if (column_number(name, &number) && number >= 1 && number <= grid_width(g, 0)) {
		*column = (int)number - 1;
	} else if (header) {
		err_set(err, ERR_INPUT, "%s: no column '%s'%.300s", in->name, name, buf_str(&all));
		*column = -1;
	} else {
		err_set(err, ERR_INPUT,
			"%s: no column '%s'; it has no line of names and %d column%s", in->name,
			name, grid_width(g, 0), grid_width(g, 0) == 1 ? "" : "s");
		*column = -1;
	}
	buf_release(&all);
	return *column >= 0;
}

bool columns_most(const struct grid *g, bool as_many, size_t tenths)
{
	size_t good = 0;

	for (size_t r = 0; r < g->rows; r++)
		good += as_many ? grid_width(g, r) == grid_width(g, 0) : grid_width(g, r) > 1;
	return g->rows && grid_width(g, 0) > 1 && good * 10 >= g->rows * tenths;
}

bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcasecmp(s + n - m, end);
}

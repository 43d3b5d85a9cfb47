/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/page.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIR_ROWS = 3, PAIR_LABEL = 6 };

/* A token as the page has it. */
struct item {
	char text[128];
	bool gap;   /* a blank stands before it */
	bool end;   /* a line ends behind it */
	bool blank; /* it is white space: a line may be broken behind it */
	bool wide;  /* and on both sides of it */
};

static const struct encoder *encoder_of(const struct text_state *t)
{
	return t->snapshot->encoder;
}

static bool is_blank(const char *token, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (token[k] != ' ' && token[k] != '\t')
			return false;
	return n > 0;
}

static struct item item_of(const char *token, size_t n, bool gap, bool end)
{
	struct item i = {.gap = gap, .end = end, .blank = is_blank(token, n)};

	if (end)
		snprintf(i.text, sizeof(i.text), "⏎");
	else
		snprintf(i.text, sizeof(i.text), "%.*s", n < 120 ? (int)n : 120, token);
	i.wide = n > 1 && canvas_width_n(token, n) == 2;
	return i;
}

static bool read_end(const struct text_state *t, size_t k)
{
	return task_table[encoder_of(t)->model.spec.task].stream &&
	       t->read.ids[k] == vocab_end(encoder_of(t)->vocab);
}

static struct item read_item(const struct page *p, int k)
{
	const struct text_state *t = p->text;
	const struct vocab *v = encoder_of(t)->vocab;
	size_t n, m = 0;
	const char *token = tokens_at(&t->read.tokens, (size_t)k, &n), *before = "";

	if (k && !read_end(t, (size_t)k - 1))
		before = tokens_at(&t->read.tokens, (size_t)k - 1, &m);
	return item_of(token, n, token_gap(&vocab_rules(v)->rules, before, m, token, n),
		       read_end(t, (size_t)k));
}

static struct item written_item(const struct page *p, int k)
{
	const struct written *t = &p->text->token[k];

	return item_of(t->token, t->n, t->gap, t->end);
}

static struct item flow_item(const struct page *p, int k)
{
	return k < p->read ? read_item(p, k) : written_item(p, k - p->read);
}

/* Token k does not fit in its line: the word that it is part of goes to the next one, or only the token
 * where the word has the line for itself. */
static void wrap(struct page *p, int word, int k, int cols)
{
	const int left = p->place[word].col;

	for (int j = word; left && j <= k; j++) {
		p->place[j].row++;
		p->place[j].col -= left;
	}
	if (p->place[k].col + p->place[k].width > cols)
		p->place[k] = (struct place){p->place[k].row + 1, 0, p->place[k].width};
}

static void flow(struct page *p, int cols)
{
	int row = 0, col = 0, word = 0; /* the first token of the word under way */
	bool after = true;              /* a line may be broken before the next token */

	for (int k = 0; k < p->count; k++) {
		const struct item i = flow_item(p, k);
		const int width = canvas_width(i.text);

		if (!k && i.end && p->read) /* the mark that every text begins with is not shown */
			continue;
		if (after || i.gap || i.wide)
			word = k;
		after = i.blank || i.wide;
		col += i.gap && col > 0;
		p->place[k] = (struct place){row, col, width < cols ? width : cols};
		if (col + width > cols && col > 0 && !i.blank && !i.end) {
			wrap(p, word, k, cols);
			word = p->place[k].col ? word : k;
		}
		row = p->place[k].row + i.end;
		col = i.end ? 0 : p->place[k].col + p->place[k].width;
		after |= i.end;
	}
	p->rows = row + 1;
}

static struct item pair_item(const struct page *p, int k, bool written)
{
	const struct text_state *t = p->text;
	const int n = (int)t->read.count;

	if (written)
		return k < t->count ? written_item(p, k) : (struct item){.text = ""};
	return k < n ? read_item(p, k) : item_of("", 0, false, k == n);
}

static void align(struct page *p, int cols)
{
	int line = 0, col = PAIR_LABEL;

	for (int k = 0; k < p->count; k++) {
		const struct item above = pair_item(p, k, false), below = pair_item(p, k, true);
		int width = canvas_width(above.text), other = canvas_width(below.text);

		width = width > other ? width : other;
		width = width < 1 ? 1 : width > cols - PAIR_LABEL ? cols - PAIR_LABEL : width;
		if (col + width > cols && col > PAIR_LABEL) {
			line++;
			col = PAIR_LABEL;
		}
		p->place[k] = (struct place){line * (PAIR_ROWS + 1), col, width};
		col += width + 1;
	}
	p->rows = line * (PAIR_ROWS + 1) + PAIR_ROWS;
}

struct page page_of(const struct workbench *w, int cols, enum page_kind kind)
{
	const struct text_state *t = &w->text;
	struct page p = {.text = t, .kind = kind};

	p.read = kind == PAGE_ANSWER ? 0 : (int)t->read.count;
	p.count = p.read + (kind == PAGE_SOURCE ? 0 : t->count);
	if (kind == PAGE_COLUMNS)
		p.count = p.read + 1 > t->count ? p.read + 1 : t->count;
	p.place = mem_zero((size_t)p.count + 1, sizeof(*p.place));
	cols = cols > PAIR_LABEL + 2 ? cols : PAIR_LABEL + 2;
	if (kind == PAGE_COLUMNS)
		align(&p, cols);
	else
		flow(&p, cols - 1); /* the last column is for blanks and line ends */
	return p;
}

struct page page_new(const struct workbench *w, int cols)
{
	const struct model *m = &encoder_of(&w->text)->model;

	return page_of(w, cols,
		       task_table[m->spec.task].pairs ? PAGE_ANSWER
		       : m->dec.runs                  ? PAGE_COLUMNS
						      : PAGE_FLOW);
}

void page_release(struct page *p)
{
	free(p->place);
	*p = (struct page){0};
}

const struct place *page_written(const struct page *p, int k)
{
	return &p->place[p->kind == PAGE_COLUMNS ? k : p->read + k];
}

int page_nearest(const struct page *p, int row, int col)
{
	int best = 0, least = 1 << 30;

	for (int k = 0; k < p->text->count; k++) {
		const struct place *at = page_written(p, k);
		const int away = abs(at->row - row) * 1000 + abs(at->col - col);

		if (away < least) {
			least = away;
			best = k;
		}
	}
	return best;
}

/* --- looks --------------------------------------------------------------------------------------- */

enum { SURPRISES = 4 };
static const double surprise_from[SURPRISES] = {0.1, 0.01, 0.001, 0};

static int surprise_of(double p)
{
	int k = 0;

	while (k < SURPRISES - 1 && p < surprise_from[k])
		k++;
	return k;
}

/* The less it was to be expected, the stronger. */
static struct style surprise_look(const struct workbench *w, int surprise)
{
	static const double part[SURPRISES] = {0, 0.25, 0.45, 0.75};
	static const unsigned attr[SURPRISES] = {0, ATTR_UNDERLINE, ATTR_UNDERLINE | ATTR_BOLD,
						 ATTR_REVERSE};
	struct style s = part_look(w, ROLE_text);

	if (w->canvas.colours < 256) {
		s.attr |= attr[surprise];
	} else if (surprise) {
		s.bg = theme_signed(&w->theme, part[surprise]);
		s.fg = theme_ink(s.bg);
	}
	return s;
}

void page_legend(struct workbench *w, struct rect frame)
{
	static const char *const name[SURPRISES] = {" ≥ .1 ", " ≥ .01 ", " ≥ .001 ", " below "};
	int width = 3, col;

	for (int k = 0; k < SURPRISES; k++)
		width += canvas_width(name[k]);
	col = frame.cols - 2 - width;
	if (col < 2)
		return;
	col += canvas_text(&w->canvas, frame, frame.rows - 1, col, part_look(w, ROLE_dim), " p ");
	for (int k = 0; k < SURPRISES; k++)
		col += canvas_text(&w->canvas, frame, frame.rows - 1, col, surprise_look(w, k),
				   name[k]);
}

double page_share(const struct text_state *t, int k)
{
	if (!t->look || t->searching || t->cursor >= t->count)
		return 0;
	return (double)t->look[(size_t)t->cursor * t->read.count + (size_t)k];
}

/* The more of the attention it had, the stronger. */
static struct style share_look(const struct workbench *w, double share)
{
	struct style s = part_look(w, ROLE_text);

	if (w->canvas.colours >= 256 && share >= 0.02) {
		s.bg = theme_unit(&w->theme, sqrt(share));
		s.fg = theme_ink(s.bg);
	}
	if (share >= 0.1)
		s.attr |= ATTR_UNDERLINE;
	if (share >= 0.3)
		s.attr |= ATTR_BOLD;
	if (share >= 0.5 && w->canvas.colours < 256)
		s.attr |= ATTR_REVERSE;
	return s;
}

/* --- drawing ------------------------------------------------------------------------------------- */

static void draw_flow(struct workbench *w, struct rect r, const struct page *p, int first)
{
	for (int k = 0; k < p->count; k++) {
		const struct place *at = &p->place[k];
		const bool on = k - p->read == p->text->cursor && k >= p->read;
		struct style s = part_look(w, ROLE_strong);
		struct item i;

		if (at->row < first || at->row >= first + r.rows || !at->width)
			continue;
		i = flow_item(p, k);
		if (k >= p->read)
			s = surprise_look(w, surprise_of(p->text->token[k - p->read].p));
		else if (p->kind == PAGE_SOURCE)
			s = share_look(w, page_share(p->text, k));
		else if (i.end)
			continue;
		if (i.end && !on && s.bg == part_look(w, ROLE_text).bg)
			s = part_look(w, ROLE_dim);
		if (on) {
			s = part_look(w, ROLE_selected);
			s.attr |= ATTR_BOLD;
		}
		canvas_field(&w->canvas, r, at->row - first, at->col, at->width, -1, s, i.text);
	}
}

/* One line of a column: the text's token, what was written, or a mark where they differ. */
static void draw_pair(struct workbench *w, struct rect r, const struct page *p, int k, int line,
		      int row)
{
	const struct text_state *t = p->text;
	const struct place *at = &p->place[k];
	const int end = vocab_end(encoder_of(t)->vocab);
	const int want = k < p->read ? t->read.ids[k] : k == p->read ? end : -1;
	const bool right = k < t->count && t->token[k].id == want;
	const struct item i = pair_item(p, k, line == 1);
	struct style s = part_look(w, line ? ROLE_text : ROLE_strong);

	if (line == 2) {
		for (int col = 0; col < at->width && !right && (k < t->count || !t->job); col++)
			canvas_text(&w->canvas, r, row, at->col + col, part_look(w, ROLE_warn),
				    "^");
		return;
	}
	if (line == 1 && k < t->count)
		s = surprise_look(w, surprise_of(t->token[k].p));
	if (line == 1 && k < t->count && k == t->cursor) {
		s = part_look(w, ROLE_selected);
		s.attr |= ATTR_BOLD;
	}
	if (*i.text)
		canvas_field(&w->canvas, r, row, at->col,
			     canvas_width(i.text) < at->width ? canvas_width(i.text) : at->width,
			     -1, s, i.text);
}

static void draw_pairs(struct workbench *w, struct rect r, const struct page *p, int first)
{
	static const char *const label[PAIR_ROWS] = {"text", "again", ""};

	for (int row = first; row < first + r.rows && row < p->rows; row++)
		if (row % (PAIR_ROWS + 1) < PAIR_ROWS)
			canvas_text(&w->canvas, r, row - first, 0, part_look(w, ROLE_dim),
				    label[row % (PAIR_ROWS + 1)]);
	for (int k = 0; k < p->count; k++)
		for (int line = 0; line < PAIR_ROWS; line++) {
			const int row = p->place[k].row + line - first;

			if (row >= 0 && row < r.rows)
				draw_pair(w, r, p, k, line, row);
		}
}

void page_draw(struct workbench *w, struct rect r, const struct page *p, int first)
{
	if (p->kind == PAGE_COLUMNS)
		draw_pairs(w, r, p, first);
	else
		draw_flow(w, r, p, first);
}

int page_right(const struct text_state *t, int *of)
{
	int right = 0;

	*of = (int)t->read.count;
	for (int k = 0; k < *of && k < t->count; k++)
		right += t->token[k].id == t->read.ids[k];
	return right;
}

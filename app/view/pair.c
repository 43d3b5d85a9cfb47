/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/pair.h"

#include "app/view/branch.h"
#include "app/view/page.h"

#include <string.h>

/* TREE_ROWS: of the search's pane, with its frame; when it has the focus the others keep OTHER_ROWS. */
enum { TREE_ROWS = 8, OTHER_ROWS = 10, LOOKS = 10 };

static int put(struct workbench *w, struct rect r, int col, const char *name, const char *value)
{
	col += canvas_text(&w->canvas, r, 0, col, part_look(w, ROLE_dim), name) + 1;
	return col + canvas_text(&w->canvas, r, 0, col, part_look(w, ROLE_strong), value) + 2;
}

/* What has come of the search: the best text's score, or that it goes on. */
static void say_outcome(const struct workbench *w, char *out, size_t size, bool wide)
{
	const struct text_state *t = &w->text;
	const struct branches *b = &t->branches;

	if (t->searching && t->job)
		snprintf(out, size, "searching · step %d", t->count);
	else if (t->searching)
		snprintf(out, size, "stopped at step %d", t->count);
	else if (t->drawn && b->nodes == 0)
		snprintf(out, size, "drawn · temperature %.2f · seed %llu · %d token%s",
			 t->how.temperature, (unsigned long long)t->seed, t->count,
			 t->count == 1 ? "" : "s");
	else if (!b->texts)
		snprintf(out, size, "reading");
	else if (wide)
		snprintf(out, size, "score −%.2f · log p −%.2f · %d token%s · weights of step %lld",
			 -b->text->score, -b->text->log_p, b->node[b->text->node].step,
			 b->node[b->text->node].step == 1 ? "" : "s", (long long)t->snapshot->step);
	else
		snprintf(out, size, "score −%.2f · log p −%.2f", -b->text->score, -b->text->log_p);
}

void pair_head(struct workbench *w, struct rect r)
{
	char text[128];
	int col = 1;

	snprintf(text, sizeof(text), "%d", w->text.beam);
	col = put(w, r, col, "beam", text);
	snprintf(text, sizeof(text), "%.2f", w->text.penalty);
	col = put(w, r, col, "length penalty", text);
	if (!desk_write_is_open(w))
		return;
	say_outcome(w, text, sizeof(text), r.cols >= 100);
	canvas_text(&w->canvas, r, 0, r.cols - 1 - canvas_width(text), part_look(w, ROLE_dim),
		    text);
}

/* The token of the text that was looked at most; -1 for none. */
static int most_looked(const struct text_state *t)
{
	int best = -1;

	for (int k = 0; k < (int)t->read.count; k++)
		if (page_share(t, k) > (best < 0 ? 0 : page_share(t, best)))
			best = k;
	return best;
}

/* The first row to show of a page so that one of its rows is seen. */
static int scrolled(int first, int row, int rows, int all)
{
	first = row < first ? row : first;
	first = row >= first + rows ? row - rows + 1 : first;
	first = first + rows > all ? all - rows : first;
	return first < 0 ? 0 : first;
}

static void draw_more(struct workbench *w, struct rect r, int first, int rows, int all)
{
	char more[48];

	if (all <= rows)
		return;
	snprintf(more, sizeof(more), " ↑ %d  ↓ %d ", first, all - first - rows);
	canvas_text(&w->canvas, r, r.rows - 1, 2, part_look(w, ROLE_dim), more);
}

static void draw_source(struct workbench *w, struct rect r, const struct page *p)
{
	const struct text_state *t = &w->text;
	const int most = most_looked(t);
	int unknown = 0, first;
	char text[48] = "";
	struct rect in;

	for (size_t k = 0; k < t->read.count; k++)
		unknown += t->read.unknown[k];
	if (unknown)
		snprintf(text, sizeof(text), "%d unknown", unknown);
	in = part_frame(w, r, "text", unknown ? text : NULL, false);
	first = scrolled(0, most < 0 ? 0 : p->place[most].row, in.rows, p->rows);
	page_draw(w, (struct rect){in.row, in.col + 1, in.rows, in.cols - 2}, p, first);
	if (!t->read.count && t->count)
		canvas_text(&w->canvas, in, 0, 1, part_look(w, ROLE_dim), "no token of it is left");
	draw_more(w, r, first, in.rows, p->rows);
}

static void draw_answer(struct workbench *w, struct rect r, const struct page *p)
{
	struct text_state *t = &w->text;
	const bool summary = t->snapshot->encoder->model.spec.task == TASK_SUMMARIZE;
	struct rect in = part_frame(w, r, summary ? "summary" : "translation", NULL, !t->tree);

	t->first = scrolled(t->first, t->count ? page_written(p, t->cursor)->row : 0, in.rows,
			    p->rows);
	page_draw(w, (struct rect){in.row, in.col + 1, in.rows, in.cols - 2}, p, t->first);
	page_legend(w, r);
	draw_more(w, r, t->first, in.rows, p->rows);
}

void pair_draw(struct workbench *w, struct rect r)
{
	const int cols = r.cols - 4;
	struct page source = page_of(w, cols, PAGE_SOURCE), answer = page_of(w, cols, PAGE_ANSWER);
	int tree =
		w->text.tree && r.rows - OTHER_ROWS > TREE_ROWS ? r.rows - OTHER_ROWS : TREE_ROWS;
	struct rect pane = r;
	int left;

	tree = w->text.branches.nodes ? tree : 0;
	left = r.rows - tree;
	pane.rows = source.rows + 2 < left / 2 ? source.rows + 2 : left / 2;
	draw_source(w, pane, &source);
	pane.row += pane.rows;
	left -= pane.rows;
	pane.rows = tree && answer.rows + 2 < left ? answer.rows + 2 : left;
	draw_answer(w, pane, &answer);
	pane.row += pane.rows;
	pane.rows = r.row + r.rows - pane.row;
	if (tree)
		branches_draw(w, pane);
	page_release(&source);
	page_release(&answer);
}

void pair_looks(struct panel *s, int most)
{
	const struct text_state *t = &s->w->text;
	const bool ascii = s->w->canvas.ascii;
	struct choice best[LOOKS];
	int count = 0;

	for (size_t k = 0; k < t->read.count; k++)
		count = choice_rank(best, count, most < LOOKS ? most : LOOKS,
				    (struct choice){(int)k, page_share(t, (int)k)});
	for (int k = 0; k < count && best[k].p >= 0.0005; k++) {
		size_t n;
		const char *token = tokens_at(&t->read.tokens, (size_t)best[k].id, &n);
		char name[64];

		if (n == 1 && *token == ' ')
			snprintf(name, sizeof(name), "%s", ascii ? "_" : "␣");
		else
			snprintf(name, sizeof(name), "%.*s", n < 60 ? (int)n : 60, token);
		panel_bar(s, false, name, best[k].p, NULL);
	}
}

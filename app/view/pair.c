/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/pair.h"

#include "app/view/branch.h"
#include "app/view/page.h"

#include <string.h>

/* TREE_ROWS: of the search's pane, with its frame; when it has the focus the others keep OTHER_ROWS. LEAST: of
 * the others. */
enum { TREE_ROWS = 8, OTHER_ROWS = 10, LEAST = 3, LOOKS = 10 };

static int put(struct workbench *w, struct rect r, int col, const char *name, const char *value)
{
	col += canvas_text(&w->canvas, r, 0, col, part_look(w, ROLE_dim), name) + 1;
	return col + canvas_text(&w->canvas, r, 0, col, part_look(w, ROLE_strong), value) + 2;
}

/* What has come of the search, as far as there is room: the best text's score, or that it goes on. */
static void say_outcome(const struct workbench *w, char *out, size_t size, int room)
{
	const struct text_state *t = &w->text;
	const struct branches *b = &t->branches;
	const int steps = b->texts ? b->node[b->text->node].step : 0;

	if (t->searching) {
		snprintf(out, size, t->job ? "searching · step %d" : "stopped at step %d",
			 t->count);
	} else if (t->drawn && !b->nodes) {
		snprintf(out, size, "drawn · temperature %.2f · seed %llu · %d token%s",
			 t->how.temperature, (unsigned long long)t->seed, t->count,
			 t->count == 1 ? "" : "s");
	} else if (!b->texts) {
		snprintf(out, size, "reading");
	} else {
		snprintf(out, size, "score −%.2f · log p −%.2f · %d token%s · weights of step %lld",
			 -b->text->score, -b->text->log_p, steps, steps == 1 ? "" : "s",
			 (long long)t->snapshot->step);
		for (char *end = out; canvas_width(out) > room && end;) {
			end = strrchr(out, '\xc2'); /* the last point */
			if (end)
				end[-1] = '\0';
		}
	}
	if (canvas_width(out) > room)
		*out = '\0';
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
	say_outcome(w, text, sizeof(text), r.cols - 1 - col);
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

static int between(int v, int low, int high)
{
	return v > high && high > low ? high : v > low ? v : low;
}

/* Source and answer are as high as they are, if the search has its rows; where there is no room for all
 * three, the one with the focus stays. */
static void share_rows(const struct workbench *w, struct rect r, int source, int answer,
		       struct rect out[3])
{
	const bool tree = w->text.tree, none = !w->text.branches.nodes;
	int least = r.rows < 2 * LEAST + TREE_ROWS ? LEAST + 2 : TREE_ROWS;
	struct pane pane[3] = {
		{.keep = tree ? 0 : 1}, {.keep = tree ? 1 : 2}, {.keep = tree ? 2 : 0}};

	if (tree && r.rows - OTHER_ROWS > TREE_ROWS)
		least = r.rows - OTHER_ROWS;
	least = none ? 0 : least;
	pane[0].min = between(source + 2, LEAST, (r.rows - least) / 2);
	pane[1].min = between(answer + 2, LEAST, r.rows - least - pane[0].min);
	pane[1].weight = 1; /* all of it where there is no search, else next to nothing */
	pane[2].min = least;
	pane[2].weight = none ? 0 : 1000;
	layout_rows(r, pane, 3, out);
}

void pair_draw(struct workbench *w, struct rect r)
{
	const int cols = r.cols - 4;
	struct page source = page_of(w, cols, PAGE_SOURCE), answer = page_of(w, cols, PAGE_ANSWER);
	struct rect pane[3];

	share_rows(w, r, source.rows, answer.rows, pane);
	if (pane[0].rows)
		draw_source(w, pane[0], &source);
	if (pane[1].rows)
		draw_answer(w, pane[1], &answer);
	if (pane[2].rows)
		branches_draw(w, pane[2]);
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

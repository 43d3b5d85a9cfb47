/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text: what does the model write, and what else might it have written? */
#include "app/view/branch.h"
#include "app/view/page.h"
#include "app/view/pair.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct binding keys[] = {
	{"Space", "write", "write, stop"},
	{"r", "write --again", "next seed"},
	{"+", "sample up", "warmer, wider"},
	{"-", "sample down", "cooler, narrower"},
	{NULL, NULL, NULL},
};

static const struct model *model_of(const struct workbench *w)
{
	return w->open && w->open->snapshot ? &w->open->snapshot->encoder->model : NULL;
}

static bool is_pairs(const struct workbench *w)
{
	return model_of(w) && task_table[model_of(w)->spec.task].pairs;
}

static const struct binding *hints(const struct workbench *w)
{
	static const struct binding global[] = {
		{"i", NULL, "prompt"},
		{"Left", NULL, "token"},
		{"Enter", NULL, "gates"},
		{NULL, NULL, NULL},
	};
	static const struct binding prompt[] = {{"i", NULL, "prompt"}, {NULL, NULL, NULL}};
	static const struct binding answer[] = {{"i", NULL, "text"},
						{"Left", NULL, "token"},
						{"Tab", NULL, "search"},
						{"Enter", NULL, "gates"},
						{NULL, NULL, NULL}};
	static const struct binding tree[] = {{"i", NULL, "text"},
					      {"Up", NULL, "branch"},
					      {"Enter", NULL, "open"},
					      {"Tab", NULL, "answer"},
					      {NULL, NULL, NULL}};

	if (!desk_write_is_open(w))
		return prompt;
	if (!is_pairs(w) || !w->text.branches.nodes)
		return global;
	return w->text.tree ? tree : answer;
}

enum { SIDE_COLS = 46, SIDE_MIN = 34, SIDE_ROWS = 8, ALL_ROWS = 24 };

/* --- above the text ------------------------------------------------------------------------------ */

/* A name and its value; the column behind them. Nothing where they do not fit. */
static int put(struct workbench *w, struct rect r, int col, const char *name, const char *value)
{
	if (col + canvas_width(name) + 1 + canvas_width(value) > r.cols)
		return r.cols;
	col += canvas_text(&w->canvas, r, 1, col, part_look(w, ROLE_dim), name) + 1;
	return col + canvas_text(&w->canvas, r, 1, col, part_look(w, ROLE_strong), value) + 2;
}

/* How the next text will be drawn. */
static void draw_sampling(struct workbench *w, struct rect r)
{
	const struct text_state *t = &w->text;
	char text[32];
	int col = 1;

	snprintf(text, sizeof(text), "%.2f", t->how.temperature);
	col = put(w, r, col, "temperature", text);
	snprintf(text, sizeof(text), t->how.top_k ? "%d" : "all", t->how.top_k);
	col = put(w, r, col, "top k", text);
	snprintf(text, sizeof(text), "%.2f", t->how.top_p);
	col = put(w, r, col, "top p", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)t->seed);
	put(w, r, col, "seed", text);
}

/* What has come of the text, and how the next one is drawn. */
static void draw_progress(struct workbench *w, struct rect r, bool again, bool open)
{
	const struct text_state *t = &w->text;
	char right[96] = "";
	int of, hits;

	if (open && again) {
		hits = page_right(t, &of);
		snprintf(right, sizeof(right), "%d of %d tokens right", hits, of);
	} else if (open) {
		snprintf(right, sizeof(right), "%d of %d%s%s", t->count, t->most,
			 r.cols >= 100 ? " tokens" : "", t->job ? " · writing" : "");
	} else if (!again) {
		snprintf(right, sizeof(right), "%d tokens", t->length);
	}
	canvas_text(&w->canvas, r, 1, r.cols - 1 - canvas_width(right), part_look(w, ROLE_dim),
		    right);
	if (again)
		canvas_text(&w->canvas, r, 1, 1, part_look(w, ROLE_dim),
			    "from its vector, the likeliest token at every step");
	else
		draw_sampling(
			w, (struct rect){r.row, r.col, r.rows, r.cols - canvas_width(right) - 3});
}

/* Returns the rows that it takes. */
static int draw_head(struct workbench *w, struct rect r)
{
	const struct text_state *t = &w->text;
	const bool again = model_of(w)->dec.runs, open = desk_write_is_open(w);
	const char *prompt = t->prompt ? t->prompt : again ? w->current.text : NULL;
	char right[96] = "", line[600];
	int width = 0;

	if (is_pairs(w) && open) { /* the text has a pane of its own */
		pair_head(w, r);
		return 1;
	}
	if (open) {
		snprintf(right, sizeof(right), "weights of step %lld",
			 (long long)t->snapshot->step);
		width = canvas_width(right) + 1;
		canvas_text(&w->canvas, r, 0, r.cols - width, part_look(w, ROLE_dim), right);
	}
	part_one_line(line, sizeof(line), prompt ? prompt : "");
	canvas_text(&w->canvas, r, 0, 1, part_look(w, ROLE_dim), again ? "text" : "prompt");
	canvas_field(&w->canvas, r, 0, again ? 6 : 8, r.cols - width - (again ? 7 : 9), -1,
		     part_look(w, *line ? ROLE_strong : ROLE_dim),
		     *line   ? line
		     : again ? "i asks for one"
			     : "none: from the beginning of a line");
	if (is_pairs(w))
		pair_head(w, (struct rect){r.row + 1, r.col, 1, r.cols});
	else
		draw_progress(w, r, again, open);
	return 2;
}

/* --- beside the text: the token at the cursor ---------------------------------------------------- */

static void side_facts(struct panel *s, const struct written *token, int rank)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f", token->p);
	part_field(s->w, s->r, panel_row(s), 14, "probability", text);
	if (!token->tops)
		snprintf(text, sizeof(text), "…");
	else if (rank >= 0)
		snprintf(text, sizeof(text), "%d", rank + 1);
	else
		snprintf(text, sizeof(text), "beyond %d", token->tops);
	part_field(s->w, s->r, panel_row(s), 14, "rank", text);
	snprintf(text, sizeof(text), token->tops ? "%.2f bits" : "…", token->bits);
	part_field(s->w, s->r, panel_row(s), 14, "entropy", text);
}

static const char *shown_token(const struct workbench *w, int id, char out[64])
{
	struct buf b = {0};

	desk_token(&b, w->text.snapshot->encoder, id, w->canvas.ascii);
	snprintf(out, 64, "%s", buf_str(&b)); /* what is cut is out of sight */
	buf_release(&b);
	return out;
}

/* The likeliest tokens, and the one that was drawn if it is not among them. */
static void side_tops(struct panel *s, const struct written *token, int rank, int from, int to)
{
	char name[64];

	for (int k = from; k < to && k < token->tops; k++)
		panel_bar(s, k == rank, shown_token(s->w, token->top[k].id, name), token->top[k].p,
			  NULL);
	if (rank < 0 && token->tops && to >= token->tops)
		panel_bar(s, true, shown_token(s->w, token->id, name), token->p, NULL);
}

static void draw_side(struct workbench *w, struct rect r)
{
	const struct text_state *t = &w->text;
	const struct written *token = &t->token[t->cursor];
	struct panel s = {.w = w};
	char title[160], name[64];
	int rank = -1;

	for (int k = 0; k < token->tops; k++)
		rank = token->top[k].id == token->id ? k : rank;
	snprintf(title, sizeof(title), "token %d · “%s”", t->cursor + 1,
		 shown_token(w, token->id, name));
	s.r = part_frame(w, r, title, NULL, false);
	if (r.rows <= SIDE_ROWS) { /* below the text: in three columns */
		struct rect in = s.r;

		s.r.cols = in.cols / 3;
		side_facts(&s, token, rank);
		for (int half = 0; half < 2; half++) {
			s.row = 0;
			s.r.col = in.col + in.cols * (half + 1) / 3;
			side_tops(&s, token, rank, half * 5, half * 5 + 5);
		}
		return;
	}
	side_facts(&s, token, rank);
	s.row++;
	panel_line(&s, ROLE_strong, 0, "likeliest here");
	if (!token->tops)
		panel_line(&s, ROLE_dim, 0, "…");
	side_tops(&s, token, rank, 0, t->look && s.r.rows < ALL_ROWS ? 5 : WRITER_TOP);
	if (!t->look || t->searching)
		return;
	s.row++;
	panel_line(&s, ROLE_strong, 0, "looked at");
	pair_looks(&s, s.r.rows - s.row);
}

/* --- the text ------------------------------------------------------------------------------------ */

static void draw_page(struct workbench *w, struct rect r)
{
	struct text_state *t = &w->text;
	struct rect in =
		part_frame(w, r, model_of(w)->dec.runs ? "written again" : "text", NULL, true);
	struct page p = page_new(w, in.cols - 2);
	struct rect body = {in.row, in.col + 1, in.rows, in.cols - 2};
	char more[48];

	if (t->count) {
		const int row = page_written(&p, t->cursor)->row,
			  deep = p.kind == PAGE_COLUMNS ? 3 : 1;

		t->first = row < t->first ? row : t->first;
		t->first = row + deep > t->first + in.rows ? row + deep - in.rows : t->first;
		t->first = t->first + in.rows > p.rows ? p.rows - in.rows : t->first;
	}
	t->first = t->first < 0 ? 0 : t->first;
	page_draw(w, body, &p, t->first);
	page_legend(w, r);
	if (p.rows > in.rows) {
		snprintf(more, sizeof(more), " ↑ %d  ↓ %d ", t->first, p.rows - t->first - in.rows);
		canvas_text(&w->canvas, r, r.rows - 1, 2, part_look(w, ROLE_dim), more);
	}
	page_release(&p);
}

static void draw_main(struct workbench *w, struct rect r)
{
	if (is_pairs(w))
		pair_draw(w, r);
	else
		draw_page(w, r);
}

/* What there is to say instead of a text. */
static void draw_words(struct workbench *w, struct rect r, const char *first, const char *second)
{
	canvas_field(&w->canvas, r, r.rows / 2 - 1, 0, r.cols, 0, part_look(w, ROLE_text), first);
	canvas_field(&w->canvas, r, r.rows / 2 + 1, 0, r.cols, 0, part_look(w, ROLE_dim), second);
}

/* Why no text can be written. */
static void draw_why(struct workbench *w, struct rect r, const struct model *m)
{
	char line[160];

	if (!m) {
		draw_words(w, r, "Here a run writes texts.", "open a run first: 4 Runs");
		return;
	}
	snprintf(line, sizeof(line), "Here a run writes texts; the task of this one is %s.",
		 task_table[m->spec.task].name);
	draw_words(w, r, line,
		   "task=generate, reconstruct, translate and summarize train runs that write");
}

/* The text, and beside or below it what there is to say of the token at the cursor. */
static void draw_text(struct workbench *w, struct rect page)
{
	struct rect side = page;

	if (!w->text.count) {
		draw_main(w, page);
		return;
	}
	if (page.cols >= 46 + SIDE_MIN) {
		side.cols = page.cols >= 100 ? SIDE_COLS : SIDE_MIN;
		page.cols -= side.cols;
		side.col += page.cols;
		draw_side(w, side);
	} else if (page.rows >= 2 * SIDE_ROWS && page.cols >= 72) {
		side.rows = SIDE_ROWS;
		page.rows -= side.rows;
		side.row += page.rows;
		draw_side(w, side);
	}
	draw_main(w, page);
}

static void draw(struct workbench *w, struct rect r)
{
	const struct model *m = model_of(w);
	struct rect page = r;
	int head;

	if (!m || task_table[m->spec.task].labels) {
		draw_why(w, r, m);
		return;
	}
	head = draw_head(w, r);
	page.row += head;
	page.rows -= head;
	if (desk_write_is_open(w))
		draw_text(w, page);
	else
		draw_words(w, page,
			   m->spec.task == TASK_TRANSLATE   ? "space translates the text"
			   : m->spec.task == TASK_SUMMARIZE ? "space summarizes the text"
			   : m->dec.runs                    ? "space writes the text again"
							    : "space writes on from the prompt",
			   "i asks for another");
}

/* --- moving about -------------------------------------------------------------------------------- */

/* The columns that draw() gives the page. */
static int page_cols(const struct workbench *w)
{
	const int cols = w->canvas.cols;

	return cols - 4 - (cols >= 100 ? SIDE_COLS : cols >= 46 + SIDE_MIN ? SIDE_MIN : 0);
}

static void move(struct workbench *w, enum move m, int count)
{
	struct text_state *t = &w->text;
	struct page p;
	struct place at;
	int rows;

	if (!desk_write_is_open(w) || !t->count)
		return;
	if (t->tree) {
		branches_move(&t->branches, m, count, w->canvas.rows / 2);
		rows = branches_step(&t->branches);
		t->cursor = rows && rows <= t->count ? rows - 1 : t->cursor;
		return;
	}
	if (m == MOVE_LEFT || m == MOVE_RIGHT || m == MOVE_TOP || m == MOVE_BOTTOM) {
		part_move(&t->cursor, t->count,
			  m == MOVE_LEFT    ? MOVE_UP
			  : m == MOVE_RIGHT ? MOVE_DOWN
					    : m,
			  count, 1);
	} else {
		p = page_new(w, page_cols(w));
		at = *page_written(&p, t->cursor);
		rows = p.kind == PAGE_COLUMNS ? 4 : 1;
		if (m == MOVE_PAGE_UP || m == MOVE_PAGE_DOWN)
			rows *= (w->canvas.rows - 9) / rows;
		rows *= m == MOVE_UP || m == MOVE_PAGE_UP ? -count : count;
		t->cursor = page_nearest(&p, at.row + rows, at.col);
		page_release(&p);
	}
	t->follow = t->job && t->cursor == t->count - 1 && m != MOVE_LEFT && m != MOVE_UP;
	branches_goto(&t->branches, t->cursor + 1);
}

/* Adds everything that has been written up to a token: what the model would read to write on. */
static void text_until(const struct text_state *t, int last, struct buf *out)
{
	buf_text(out, t->read_text);
	for (int k = 0; k <= last; k++) {
		const struct written *token = &t->token[k];

		if (token->gap)
			buf_byte(out, ' ');
		if (token->end)
			buf_byte(out, '\n');
		else
			buf_add(out, token->token, token->n);
	}
}

/* The gates at the token, in the text that it is the end of; or those of the decoder that wrote it. */
static void open_token(struct workbench *w)
{
	struct text_state *t = &w->text;
	const struct model *m = model_of(w);
	struct buf text = {0};

	if (!desk_write_is_open(w) || !t->count)
		return;
	if (t->tree) {
		w->dirty |= branches_toggle(&t->branches);
		return;
	}
	if (m->dec.runs) {
		buf_text(&text, t->read_text);
		w->gates.goto_run = m->stack.runs;
		w->gates.goto_t = t->cursor;
	} else {
		text_until(t, t->cursor, &text);
		w->gates.goto_run = 0;
		w->gates.goto_t = (int)t->read.count + t->cursor;
	}
	desk_sentence(w, buf_str(&text));
	w->gates.goes = true;
	buf_release(&text);
	workbench_show(w, &view_gates);
}

/* Between the answer and the search for it. */
static void pane(struct workbench *w, int delta)
{
	(void)delta;
	if (desk_write_is_open(w) && w->text.branches.nodes)
		w->text.tree = !w->text.tree;
}

static bool back(struct workbench *w)
{
	if (w->text.tree) {
		w->text.tree = false;
		return true;
	}
	if (!w->text.job)
		return false;
	desk_write_stop(w);
	return true;
}

/* --- finding, exporting -------------------------------------------------------------------------- */

/* Where a text begins in what has been written, whatever the case: on tokens, or across them. */
static bool begins_at(struct workbench *w, int k, const char *text)
{
	const struct text_state *t = &w->text;
	struct buf b = {0};
	bool found;

	for (; k < t->count && b.len < strlen(text); k++) {
		if (b.len && t->token[k].gap)
			buf_byte(&b, ' ');
		buf_add(&b, t->token[k].token, t->token[k].n);
	}
	found = *text && !strncasecmp(buf_str(&b), text, strlen(text));
	buf_release(&b);
	return found;
}

static bool find(struct workbench *w, const char *text, int delta)
{
	struct text_state *t = &w->text;
	int at = -1;

	if (t->tree)
		return branches_find(w, text, delta);
	if (desk_write_is_open(w) && t->count)
		at = part_find(t->cursor, t->count, delta, begins_at, w, text);
	if (at >= 0) {
		t->cursor = at;
		t->follow = false;
		branches_goto(&t->branches, at + 1);
	}
	return at >= 0;
}

static bool rows(struct workbench *w, struct output *o, struct err *err)
{
	static const char *const column[] = {"n",
					     "token",
					     "probability",
					     "entropy_bits",
					     "rank",
					     "likeliest",
					     "probability_of_likeliest"};
	const struct text_state *t = &w->text;

	if (!desk_write_is_open(w) || !t->count)
		return err_set(err, ERR_USAGE, "there is no text to export: space writes one");
	if (t->tree)
		return branches_rows(w, o);
	if (t->searching)
		return err_set(err, ERR_USAGE,
			       "the search is not over: tab goes to what it has found");
	output_columns(o, column, 7);
	for (int k = 0; k < t->count; k++) {
		const struct written *token = &t->token[k];
		size_t n;
		const char *best = vocab_token(t->snapshot->encoder->target, token->top[0].id, &n);
		struct value rank = value_null();

		for (int j = 0; j < token->tops; j++)
			if (token->top[j].id == token->id)
				rank = value_int(j + 1);
		output_row(o,
			   (struct value[]){
				   value_int(k + 1), value_bytes(token->token, token->n),
				   value_f32((float)token->p), value_f32((float)token->bits), rank,
				   value_bytes(best, n), value_f32((float)token->top[0].p)});
	}
	return true;
}

const struct view view_text = {.name = "Text",
			       .number = 3,
			       .keys = keys,
			       .hints = hints,
			       .draw = draw,
			       .move = move,
			       .pane = pane,
			       .open = open_token,
			       .back = back,
			       .find = find,
			       .rows = rows};

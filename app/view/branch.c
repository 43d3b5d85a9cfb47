/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/branch.h"

#include "app/view/parts.h"

#include <math.h>
#include <string.h>

/* NUMBERS: columns of them; ENOUGH: bytes of a text's end, more than a line has room for. */
enum { NUMBERS = 18, ENOUGH = 500 };

/* --- drawing ------------------------------------------------------------------------------------- */

static const char *sign_of(const struct branches *b, const struct branch_line *l)
{
	if (l->node < 0)
		return "○";
	if (b->node[l->node].fate == BEAM_DROPPED)
		return "×";
	if (b->node[l->node].fate == BEAM_ENDED)
		return "■";
	if (l->hangs && b->below[l->node])
		return b->open[l->node] ? "-" : "+";
	return "●";
}

static struct style style_of(const struct workbench *w, const struct branches *b,
			     const struct branch_line *l)
{
	struct style s = part_look(w, l->depth ? ROLE_text : ROLE_strong);

	if (l->node < 0 || b->node[l->node].fate == BEAM_DROPPED)
		return part_look(w, ROLE_dim);
	if (!l->depth)
		s.attr |= ATTR_BOLD;
	return s;
}

/* The lines that go on past this one, and the one that it hangs on. Returns the column behind them; where
 * they go in too far only the last ones are shown. */
static int draw_rails(struct workbench *w, struct rect r, int row, const struct branch_line *l,
		      int most)
{
	const struct style s = part_look(w, ROLE_frame);
	const int skip = l->depth > most ? l->depth - most : 0;
	int col = 1;

	if (skip)
		canvas_text(&w->canvas, r, row, 0, s, "…");
	for (int k = skip; k < l->depth; k++) {
		const bool own = l->hangs && k == l->depth - 1;

		canvas_text(&w->canvas, r, row, col, s, !own ? "│" : l->last ? "└" : "├");
		col += 2;
	}
	return col;
}

static double score_of(const struct text_state *t, const struct beam_node *n)
{
	return n->log_p / pow((5.0 + n->step) / 6, t->scored);
}

/* How many are below a closed line, and the best of the texts that end there. */
static int draw_below(struct workbench *w, struct rect r, int row, int right,
		      const struct branch_line *l)
{
	const struct branches *b = &w->text.branches;
	char text[48];
	int width;

	if (l->node < 0 || b->node[l->node].fate == BEAM_DROPPED)
		return right;
	if (b->node[l->node].fate == BEAM_ENDED && b->answer[l->node] >= 0)
		snprintf(text, sizeof(text), "no. %d", b->answer[l->node] + 1);
	else if (!l->hangs || b->open[l->node] || !b->below[l->node])
		return right;
	else if (b->answer[l->node] >= 0)
		snprintf(text, sizeof(text), "%d below, ■ no. %d", b->below[l->node],
			 b->answer[l->node] + 1);
	else
		snprintf(text, sizeof(text), "%d below", b->below[l->node]);
	width = canvas_width(text);
	canvas_text(&w->canvas, r, row, right - width, part_look(w, ROLE_dim), text);
	return right - width - 1;
}

static void draw_line(struct workbench *w, struct rect r, int row, const struct branch_line *l)
{
	const struct text_state *t = &w->text;
	const struct branches *b = &t->branches;
	const int numbers = r.cols - NUMBERS;
	const struct style s = style_of(w, b, l);
	int col = draw_rails(w, r, row, l, (numbers - 12) / 2), right = numbers;
	struct buf name = {0};
	char text[32];

	canvas_text(&w->canvas, r, row, col, s, sign_of(b, l));
	col += 2;
	if (numbers - col > 32)
		right = draw_below(w, r, row, numbers, l);
	if (l->node >= 0) {
		const struct beam_node *n = &b->node[l->node];

		desk_token(&name, t->snapshot->encoder, n->id, w->canvas.ascii);
		snprintf(text, sizeof(text), "%.3f", n->p);
		canvas_field(&w->canvas, r, row, numbers + 1, 6, 1, s, text);
		snprintf(text, sizeof(text), "−%.2f", -score_of(t, n));
		canvas_field(&w->canvas, r, row, numbers + 8, 9, 1, s, text);
	} else {
		buf_text(&name, "the beginning");
	}
	if (canvas_width(buf_str(&name)) > right - col)
		canvas_field(&w->canvas, r, row, col, right - col, -1, s, buf_str(&name));
	else
		canvas_text(&w->canvas, r, row, col, s, buf_str(&name));
	buf_release(&name);
}

/* The text up to the cursor, its end if there is no room for all of it. */
static void draw_partial(struct workbench *w, struct rect r, int row)
{
	const struct text_state *t = &w->text;
	const struct branch_line *l = branches_at(&t->branches);
	struct buf all = {0};
	const char *text;
	char line[600];

	branches_text(t->snapshot->encoder, &t->branches, l ? l->node : -1, &all);
	text = buf_str(&all) + (all.len > ENOUGH ? all.len - ENOUGH : 0);
	while ((*text & 0xc0) == 0x80 || canvas_width(text) > r.cols - 4)
		text++;
	snprintf(line, sizeof(line), "%s%s", text == buf_str(&all) ? "" : "…", text);
	canvas_field(&w->canvas, r, row, 1, r.cols - 2, -1, part_look(w, ROLE_text), line);
	buf_release(&all);
}

void branches_draw(struct workbench *w, struct rect r)
{
	struct text_state *t = &w->text;
	struct branches *b = &t->branches;
	char title[64], more[48];
	struct rect in;
	int rows;

	branches_lay(b);
	snprintf(title, sizeof(title), "search · %d under way", t->wide);
	in = part_frame(w, r, canvas_width(title) + 24 > r.cols ? "search" : title, NULL, t->tree);
	rows = in.rows - 1; /* the last one is for the text */
	if (rows < 1)
		return;
	canvas_text(&w->canvas, r, 0, r.cols - 20, part_look(w, ROLE_dim), "      p     score ");
	b->first = b->cursor < b->first ? b->cursor : b->first;
	b->first = b->cursor >= b->first + rows ? b->cursor - rows + 1 : b->first;
	b->first = b->first + rows > b->lines ? b->lines - rows : b->first;
	b->first = b->first < 0 ? 0 : b->first;
	for (int k = 0; k < rows && b->first + k < b->lines; k++) {
		draw_line(w, in, k, &b->line[b->first + k]);
		if (b->first + k == b->cursor && t->tree)
			canvas_restyle(&w->canvas, (struct rect){in.row + k, in.col, 1, in.cols},
				       part_look(w, ROLE_selected));
		else if (b->first + k == b->cursor)
			canvas_text(&w->canvas, in, k, 0, part_look(w, ROLE_focus), "▸");
	}
	draw_partial(w, in, rows);
	if (b->lines > rows) {
		snprintf(more, sizeof(more), " ↑ %d  ↓ %d ", b->first, b->lines - b->first - rows);
		canvas_text(&w->canvas, r, r.rows - 1, 2, part_look(w, ROLE_dim), more);
	}
}

/* --- finding, exporting -------------------------------------------------------------------------- */

static bool has_token(struct workbench *w, int row, const char *text)
{
	const struct branches *b = &w->text.branches;
	const int node = b->line[row].node;
	struct buf name = {0};
	bool has;

	if (node < 0)
		return false;
	desk_token(&name, w->text.snapshot->encoder, b->node[node].id, w->canvas.ascii);
	has = part_has(buf_str(&name), text);
	buf_release(&name);
	return has;
}

bool branches_find(struct workbench *w, const char *text, int delta)
{
	struct branches *b = &w->text.branches;
	int at;

	branches_lay(b);
	at = b->lines ? part_find(b->cursor, b->lines, delta, has_token, w, text) : -1;
	if (at >= 0)
		b->cursor = at;
	return at >= 0;
}

bool branches_rows(struct workbench *w, struct output *o)
{
	static const char *const column[] = {"node",        "parent",          "step",  "token",
					     "probability", "log_probability", "score", "fate"};
	static const char *const fate[] = {"dropped", "kept", "ended"};
	const struct text_state *t = &w->text;

	output_columns(o, column, 8);
	for (int k = 0; k < t->branches.nodes; k++) {
		const struct beam_node *n = &t->branches.node[k];
		size_t len;
		const char *token = vocab_token(t->snapshot->encoder->target, n->id, &len);

		output_row(o, (struct value[]){
				      value_int(k + 1),
				      n->parent < 0 ? value_null() : value_int(n->parent + 1),
				      value_int(n->step), value_bytes(token, len),
				      value_real(n->p, -1), value_real(n->log_p, -1),
				      value_real(score_of(t, n), -1), value_text(fate[n->fate])});
	}
	return true;
}

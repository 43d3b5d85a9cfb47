/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Query: what did I ask, what came back? Before the first question, some to begin with. */
#include "app/trace_table.h"
#include "app/tui/table.h"
#include "app/view/picture.h"
#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct binding keys[] = {
	{"z", "zoom", "zoom"},
	{NULL, NULL, NULL},
};

enum { PICTURE_LEAST = 8, PICTURE_COLS = 44, ROWS_LEAST = 5 };

/* The answer's column of that name; -1: there is none. */
static int column_named(const struct answer *a, const char *name)
{
	for (int k = 0; k < a->cols; k++)
		if (!strcmp(a->column[k], name))
			return k;
	return -1;
}

static const struct binding *hints(const struct workbench *w)
{
	static const struct binding ask[] = {
		{"Enter", NULL, "ask"}, {"/", NULL, "find"}, {NULL, NULL, NULL}};
	static const struct binding rows[] = {{"Esc", NULL, "questions"},
					      {"x", NULL, "export"},
					      {"/", NULL, "find"},
					      {NULL, NULL, NULL}};
	static const struct binding texts[] = {{"Enter", NULL, "to Gates"},
					       {"Esc", NULL, "questions"},
					       {"x", NULL, "export"},
					       {"/", NULL, "find"},
					       {NULL, NULL, NULL}};
	static const struct binding pictures[] = {{"Esc", NULL, "back"},
						  {"Tab", NULL, "pictures, rows"},
						  {"x", NULL, "export"},
						  {NULL, NULL, NULL}};
	static const struct binding both[] = {{"Enter", NULL, "to Gates"},
					      {"Esc", NULL, "back"},
					      {"Tab", NULL, "pictures, rows"},
					      {"x", NULL, "export"},
					      {NULL, NULL, NULL}};
	const struct query_state *q = &w->query;
	const bool leads = w->open && !q->pane && column_named(&q->answer, "text") >= 0;

	if (!q->has_answer)
		return ask;
	if (q->answer.figures)
		return leads ? both : pictures;
	return leads ? texts : rows;
}

static const char *question_cell(void *data, int row, int col)
{
	static char number[16];
	const struct query_question *q = trace_question_at(row);
	(void)data;

	snprintf(number, sizeof(number), "%d", row + 1);
	return col == 0 ? number : col == 1 ? q->title : q->sql;
}

static const char *answer_cell(void *data, int row, int col)
{
	const struct workbench *w = data;

	static char number[64];
	const struct answer_cell *c = answer_at(&w->query.answer, row, col);

	return c->number ? part_minus(number, sizeof(number), c->text) : c->text;
}

static int questions(void)
{
	int n = 0;

	while (trace_question_at(n))
		n++;
	return n;
}

static void draw_questions(struct workbench *w, struct rect r)
{
	static const struct table_column column[] = {
		{"", 1, 2, 2, 0}, {"question", -1, 30, 60, 0}, {"SQL", -1, 10, 0, 1}};
	struct table t = {.column = column,
			  .cols = 3,
			  .rows = questions(),
			  .cell = question_cell,
			  .data = w,
			  .selected = w->query.selected,
			  .first = w->query.first,
			  .sort_col = -1};

	canvas_field(&w->canvas, r, 0, 1, r.cols - 2, -1, part_look(w, ROLE_dim),
		     "Questions to the store: enter asks one, : asks your own (SELECT …)");
	r.row += 2;
	r.rows -= 2;
	table_draw(&w->canvas, r, &w->theme, &t, true);
	w->query.first = t.first;
}

/* Numbers are most of a column's cells, or not; then none of them is cut. Of a text so much is shown that one
 * can read it, or none. */
static struct table_column column_of(const struct answer *a, int col)
{
	enum { LOOKED_AT = 100, NUMBER_LEAST = 4, TEXT_LEAST = 16, MOST = 60 };
	int numbers = 0, texts = 0, widest = NUMBER_LEAST, longest = 1;

	for (int row = 0; row < a->rows && row < LOOKED_AT; row++) {
		const struct answer_cell *c = answer_at(a, row, col);
		const int width = canvas_width(c->text);

		numbers += c->number;
		texts += !c->number && *c->text;
		widest = c->number && width > widest ? width : widest;
		longest = width > longest ? width : longest;
	}
	longest = longest < TEXT_LEAST ? longest : TEXT_LEAST;
	return numbers > texts ? (struct table_column){a->column[col], 1, widest, MOST, 0}
			       : (struct table_column){a->column[col], -1, longest, MOST, 0};
}

static void draw_rows(struct workbench *w, struct rect r)
{
	struct query_state *q = &w->query;
	const struct answer *a = &q->answer;
	struct table_column *column = mem_zero((size_t)a->cols + 1, sizeof(*column));
	struct table t = {.column = column,
			  .cols = a->cols,
			  .rows = a->rows,
			  .cell = answer_cell,
			  .data = w,
			  .selected = q->selected,
			  .first = q->first,
			  .left = q->left,
			  .sort_col = -1,
			  .empty = "no rows"};

	for (int k = 0; k < a->cols; k++)
		column[k] = column_of(a, k);
	table_draw(&w->canvas, r, &w->theme, &t, !q->pane);
	q->first = t.first;
	q->left = t.left;
	free(column);
}

/* As many as have room, beside each other, the chosen one among them. */
static void draw_pictures(struct workbench *w, struct rect r)
{
	struct query_state *q = &w->query;
	const int all = q->answer.figures;
	int across = q->zoom ? 1 : r.cols / PICTURE_COLS, first;

	across = across < 1 ? 1 : across > all ? all : across;
	first = q->picture - across / 2;
	first = first < 0 ? 0 : first > all - across ? all - across : first;
	for (int k = 0; k < across; k++) {
		const int left = r.cols * k / across, right = r.cols * (k + 1) / across;

		picture_draw(w, (struct rect){r.row, r.col + left, r.rows, right - left},
			     q->answer.figure[first + k], &q->cursor[first + k],
			     q->pane == first + k + 1);
	}
}

/* What was asked, and behind it which of its pictures has the focus. */
static void draw_question(struct workbench *w, struct rect r)
{
	const struct query_state *q = &w->query;
	char which[48] = "";
	int width;

	if (q->answer.figures > 1)
		snprintf(which, sizeof(which), "picture %d of %d", q->picture + 1,
			 q->answer.figures);
	width = canvas_width(which);
	canvas_field(&w->canvas, r, 0, 1, r.cols - 3 - width, -1, part_look(w, ROLE_strong),
		     q->sql ? q->sql : "");
	canvas_text(&w->canvas, r, 0, r.cols - 1 - width, part_look(w, ROLE_dim), which);
}

/* A map of few rows leaves the rest to the answer's. */
static int picture_rows(const struct query_state *q, int most)
{
	int rows = PICTURE_LEAST;

	for (int k = 0; k < q->answer.figures; k++) {
		const struct figure *f = q->answer.figure[k];

		if (f->kind == FIGURE_PLOT || f->rows + 3 > most)
			return most;
		rows = f->rows + 3 > rows ? f->rows + 3 : rows;
	}
	return rows < most ? rows : most;
}

/* The chosen point in the line behind the pictures; false where there is none to tell. */
static bool draw_point(struct workbench *w, struct rect r, int row)
{
	struct query_state *q = &w->query;
	char text[240] = "";

	if (q->pane)
		picture_says(q->answer.figure[q->pane - 1], &q->cursor[q->pane - 1], text,
			     sizeof(text));
	if (*text)
		canvas_field(&w->canvas, r, row, 1, r.cols - 2, -1, part_look(w, ROLE_strong),
			     text);
	return *text;
}

/* Pictures or rows, with all the room there is. */
static void draw_one(struct workbench *w, struct rect r)
{
	struct rect picture = {r.row - 1, r.col, r.rows + 1, r.cols};

	if (!w->query.pane) {
		draw_rows(w, r);
		return;
	}
	if (picture.rows > PICTURE_LEAST && draw_point(w, picture, picture.rows - 1))
		picture.rows--;
	draw_pictures(w, picture);
}

static void draw_answer(struct workbench *w, struct rect r)
{
	struct query_state *q = &w->query;
	struct rect picture;

	draw_question(w, r);
	r.row += 2;
	r.rows -= 2;
	if (!q->answer.figures) {
		draw_rows(w, r);
		return;
	}
	picture = r;
	picture.row--;
	picture.rows = picture_rows(q, r.rows * 3 / 5 + 1);
	if (q->zoom || picture.rows < PICTURE_LEAST || r.rows - picture.rows < ROWS_LEAST) {
		draw_one(w, r);
		return;
	}
	draw_pictures(w, picture);
	draw_point(w, r, picture.rows - 1);
	r.row += picture.rows;
	r.rows -= picture.rows;
	draw_rows(w, r);
}

static void draw(struct workbench *w, struct rect r)
{
	if (w->query.has_answer)
		draw_answer(w, r);
	else
		draw_questions(w, r);
}

static void move(struct workbench *w, enum move m, int count)
{
	struct query_state *q = &w->query;

	if (q->has_answer && q->pane) {
		picture_move(q->answer.figure[q->pane - 1], &q->cursor[q->pane - 1], m, count);
		return;
	}
	if (m == MOVE_LEFT && q->left > 0)
		q->left--;
	else if (m == MOVE_RIGHT && q->left + 1 < q->answer.cols)
		q->left++;
	part_move(&q->selected, q->has_answer ? q->answer.rows : questions(), m, count,
		  w->canvas.rows - 9);
}

/* The rows and each picture in turn. */
static void pane(struct workbench *w, int delta)
{
	struct query_state *q = &w->query;
	const int panes = q->answer.figures + 1;

	if (!q->has_answer)
		return;
	q->pane = (q->pane + delta + panes) % panes;
	q->picture = q->pane ? q->pane - 1 : q->picture;
}

/* The selected row's text in Gates, at its step where it has one. */
static void open_text(struct workbench *w)
{
	const struct answer *a = &w->query.answer;
	const int text = column_named(a, "text"), row = w->query.selected;
	const int t = column_named(a, column_named(a, "t") >= 0 ? "t" : "from");

	if (text < 0 || row >= a->rows || !*answer_at(a, row, text)->text || !w->open)
		return;
	desk_sentence(w, answer_at(a, row, text)->text);
	if (t >= 0 && atoi(answer_at(a, row, t)->text) > 0) {
		w->gates.goto_run = w->gates.run;
		w->gates.goto_t = atoi(answer_at(a, row, t)->text) - 1;
		w->gates.goes = true;
	}
	workbench_show(w, &view_gates);
}

static void open_selected(struct workbench *w)
{
	const struct query_question *q = trace_question_at(w->query.selected);

	if (w->query.has_answer && !w->query.pane)
		open_text(w);
	else if (!w->query.has_answer && q)
		workbench_line(w, q->sql);
}

static bool back(struct workbench *w)
{
	if (!w->query.has_answer)
		return false;
	if (w->query.zoom) {
		w->query.zoom = false;
		return true;
	}
	w->query.has_answer = false;
	w->query.selected = w->query.first = w->query.left = 0;
	return true;
}

static bool has(struct workbench *w, int row, const char *text)
{
	const struct query_question *q = trace_question_at(row);

	if (!w->query.has_answer)
		return part_has(q->title, text) || part_has(q->sql, text);
	for (int k = 0; k < w->query.answer.cols; k++)
		if (part_has(answer_at(&w->query.answer, row, k)->text, text))
			return true;
	return false;
}

static bool find(struct workbench *w, const char *text, int delta)
{
	const int n = w->query.has_answer ? w->query.answer.rows : questions();
	const int at = n ? part_find(w->query.selected, n, delta, has, w, text) : -1;

	if (at >= 0)
		w->query.selected = at;
	return at >= 0;
}

static bool rows(struct workbench *w, struct output *o, struct err *err)
{
	const struct answer *a = &w->query.answer;
	struct value *row;

	if (!w->query.has_answer)
		return err_set(err, ERR_USAGE, "there is no answer to export: ask something first");
	output_columns(o, (const char *const *)a->column, a->cols);
	row = mem_zero((size_t)a->cols, sizeof(*row));
	for (int r = 0; r < a->rows; r++) {
		for (int k = 0; k < a->cols; k++)
			row[k] = answer_value(a, r, k);
		output_row(o, row);
	}
	free(row);
	for (int k = 0; k < a->figures; k++)
		output_figure(o, figure_ref(a->figure[k]));
	return true;
}

const struct view view_query = {.name = "Query",
				.number = 5,
				.keys = keys,
				.hints = hints,
				.draw = draw,
				.move = move,
				.pane = pane,
				.open = open_selected,
				.find = find,
				.back = back,
				.rows = rows};

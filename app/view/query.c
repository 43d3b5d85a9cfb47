/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Query: what did I ask, what came back? Before the first question, ten to begin with. */
#include "store/query.h"
#include "app/tui/table.h"
#include "app/view/parts.h"
#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct binding keys[] = {
	{NULL, NULL, NULL},
};

static const struct binding *hints(const struct workbench *w)
{
	static const struct binding ask[] = {
		{"Enter", NULL, "ask"}, {"/", NULL, "find"}, {NULL, NULL, NULL}};
	static const struct binding answer[] = {{"Esc", NULL, "questions"},
						{"x", NULL, "export"},
						{"/", NULL, "find"},
						{NULL, NULL, NULL}};

	return w->query.has_answer ? answer : ask;
}

static const char *question_cell(void *data, int row, int col)
{
	static char number[16];
	const struct query_question *q = query_question_at(row);
	(void)data;

	snprintf(number, sizeof(number), "%d", row + 1);
	return col == 0 ? number : col == 1 ? q->title : q->sql;
}

static const char *answer_cell(void *data, int row, int col)
{
	const struct workbench *w = data;

	return answer_at(&w->query.answer, row, col)->text;
}

static int questions(void)
{
	int n = 0;

	while (query_question_at(n))
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

static void draw_answer(struct workbench *w, struct rect r)
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

	for (int k = 0; k < a->cols; k++) {
		bool number = a->rows > 0;

		for (int row = 0; row < a->rows && row < 100; row++)
			number &= answer_at(a, row, k)->number || !*answer_at(a, row, k)->text;
		column[k] = (struct table_column){a->column[k], number ? 1 : -1, 4, 60, 0};
	}
	canvas_field(&w->canvas, r, 0, 1, r.cols - 2, -1, part_look(w, ROLE_strong),
		     q->sql ? q->sql : "");
	r.row += 2;
	r.rows -= 2;
	table_draw(&w->canvas, r, &w->theme, &t, true);
	q->first = t.first;
	q->left = t.left;
	free(column);
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

	if (m == MOVE_LEFT && q->left > 0)
		q->left--;
	else if (m == MOVE_RIGHT && q->left + 1 < q->answer.cols)
		q->left++;
	part_move(&q->selected, q->has_answer ? q->answer.rows : questions(), m, count,
		  w->canvas.rows - 9);
}

static void open_selected(struct workbench *w)
{
	const struct query_question *q = query_question_at(w->query.selected);

	if (!w->query.has_answer && q)
		workbench_line(w, q->sql);
}

static bool back(struct workbench *w)
{
	if (!w->query.has_answer)
		return false;
	w->query.has_answer = false;
	w->query.selected = w->query.first = w->query.left = 0;
	return true;
}

static bool has(struct workbench *w, int row, const char *text)
{
	const struct query_question *q = query_question_at(row);

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
	return true;
}

const struct view view_query = {.name = "Query",
				.number = 5,
				.keys = keys,
				.hints = hints,
				.draw = draw,
				.move = move,
				.open = open_selected,
				.find = find,
				.back = back,
				.rows = rows};

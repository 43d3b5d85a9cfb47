/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/detect.h"

#include "engine/text/columns.h"

#include <string.h>

enum {
	FEW = 20,          /* rows that are too few to count on frequencies */
	LABEL_BYTES = 64,  /* a longer text is no label */
	FIRST_WORDS = 100, /* more different ones at the start of lines are no labels */
};

/* Whether column k may hold labels: short cells with few different values. */
static bool label_like(const struct survey *s, int k)
{
	const struct column *c = &s->column[k];
	/* Three columns and more: a word that never changes is a remark rather than a class. */
	bool constant = s->count > 2 && s->rows > 2 && c->distinct == 1 && !c->whole;

	if (c->running || constant || !c->longest || c->longest > LABEL_BYTES)
		return false;
	if (c->distinct <= s->rows / 2)
		return true;
	return s->rows < FEW && !c->spaced &&
	       (c->whole || c->distinct < s->rows || 2 * c->mean <= s->widest);
}

/* The likeliest column of labels apart from `taken`, or -1. */
static int choose_label(const struct survey *s, int taken)
{
	double best = 0;
	int found = -1;

	for (int k = 0; k < s->count; k++) {
		const struct column *c = &s->column[k];
		double cost = (double)c->distinct * (1 + c->mean) * (c->spaced ? 4 : 1) *
			      (c->distinct == s->rows ? 4 : 1);

		if (k == taken || !label_like(s, k) || (found >= 0 && cost >= best))
			continue;
		best = cost;
		found = k;
	}
	return found;
}

/* The column with the longest texts apart from `taken`. */
static int choose_text(const struct survey *s, int taken)
{
	int found = -1;

	for (int k = 0; k < s->count; k++)
		if (k != taken && !s->column[k].running &&
		    (found < 0 || s->column[k].mean > s->column[found].mean))
			found = k;
	return found >= 0 ? found : taken == 0 && s->count > 1;
}

/* The first column from `from` on that could be one side of a parallel corpus, or -1. */
static int choose_side(const struct survey *s, int from)
{
	for (int k = from; k < s->count; k++)
		if (!s->column[k].running && (s->count < 3 || s->column[k].distinct > 1))
			return k;
	return -1;
}

/* Whether the first row names columns: by its words, or as words above a column of numbers. */
static bool has_header(const struct grid *g, const struct read_options *opt)
{
	const char *const asked[] = {opt->label_column, opt->text_column};
	const int found[] = {column_named(g, usual_labels), column_named(g, usual_texts)};
	long long value;
	long number;

	if (opt->no_header)
		return false;
	if (g->rows == 1)
		return found[0] >= 0 && found[1] >= 0;
	for (int k = 0; k < grid_width(g, 0); k++)
		if (cell_number(grid_cell(g, 0, k), &value))
			return false;
	for (int k = 0; k < 2; k++) {
		struct cell name;
		bool again = false;

		if (asked[k] && !column_number(asked[k], &number))
			return true;
		if (found[k] < 0)
			continue;
		name = grid_cell(g, 0, found[k]);
		for (size_t r = 1; r < g->rows && !again; r++)
			if (found[k] < grid_width(g, r)) {
				struct cell c = grid_cell(g, r, found[k]);

				again = cell_compare(&name, &c) == 0;
			}
		if (!again)
			return true;
	}
	for (int k = 0; k < grid_width(g, 0) && g->rows >= 3; k++)
		if (column_measure(g, 1, k).whole)
			return true;
	return false;
}

/* Chooses header, label and text of a file of columns: as asked, by usual names, by their looks. */
static bool plan_columns(const struct input *in, const struct grid *g,
			 const struct read_options *opt, struct plan *plan, struct err *err)
{
	struct survey s;
	int text, label;

	plan->header = has_header(g, opt);
	columns_survey(&s, g, plan->header);
	label = plan->header ? column_named(g, usual_labels) : -1;
	text = plan->header ? column_named(g, usual_texts) : -1;
	if (opt->label_column && !column_asked(in, g, plan->header, opt->label_column, &label, err))
		return false;
	if (opt->text_column && !column_asked(in, g, plan->header, opt->text_column, &text, err))
		return false;
	if (opt->format == DATA_PARALLEL) {
		text = text >= 0 ? text : choose_side(&s, label == 0);
		text = text >= 0 ? text : 0;
		label = label >= 0 ? label : choose_side(&s, text + 1);
		label = label >= 0 ? label : text + 1;
	}
	/* Names that include the texts but no label are names of unlabelled texts. */
	if (label < 0 && (text < 0 || opt->text_column || opt->need_labels))
		label = choose_label(&s, text);
	plan->label = label;
	plan->text = text >= 0 ? text : choose_text(&s, label);
	return true;
}

/* Whether the first row holds a usual name or one the user asked for. */
static bool has_names(const struct grid *g, const struct read_options *opt)
{
	const char *const asked[] = {opt->label_column ? opt->label_column : "",
				     opt->text_column ? opt->text_column : "", NULL};

	return column_named(g, usual_labels) >= 0 || column_named(g, usual_texts) >= 0 ||
	       (*asked[0] && column_named(g, asked) >= 0) ||
	       (*asked[1] && column_named(g, asked + 1) >= 0);
}

/* Files of comma-separated values: by their header, their quotes, or a column of classes. */
static bool looks_like_csv(const struct input *in, const struct grid *g,
			   const struct read_options *opt, bool named_only)
{
	const char *s = in->text.data, *quotes = strstr(s, "\",\"");
	bool named = ends_in(in->name, ".csv");
	struct survey all;

	if (grid_width(g, 0) == 1)
		return named && g->rows > 1 && column_named(g, usual_texts) == 0;
	if (has_names(g, opt) && columns_most(g, true, 5))
		return true;
	if (named_only || !columns_most(g, true, 9))
		return false;
	if (named || (*s == '"' && quotes && quotes < strchr(s, '\n')))
		return true;
	columns_survey(&all, g, has_header(g, opt));
	for (int k = 0; k < all.count; k++)
		if (label_like(&all, k) && (all.column[k].whole || all.rows >= FEW))
			return true;
	return false;
}

/* Lines "LABEL TEXT": the first words are few, and numbers where the file is short. */
static bool looks_like_label_text(const struct grid *g)
{
	struct survey s;
	const struct column *c = &s.column[0];
	bool marked = true;

	if (!columns_most(g, false, 9))
		return false;
	columns_survey(&s, g, false);
	for (size_t r = 0; r < g->rows; r++) {
		struct cell first = grid_cell(g, r, 0);

		if (!first.n)
			return false;
		marked = marked && first.n > 9 && !memcmp(first.s, "__label__", 9);
	}
	if (!c->longest || c->longest > LABEL_BYTES || c->running)
		return false;
	if (marked || c->whole)
		return s.rows < FEW || c->distinct <= s.rows / 2;
	return s.rows >= FEW && c->distinct >= 2 && c->distinct <= 2 + s.rows / 50 &&
	       c->distinct <= FIRST_WORDS;
}

static bool looks_like_json(const struct line *l)
{
	size_t k = strspn(l->s, " \t{"), n = strspn(l->s, " \t");

	return l->s[n] == '{' && (l->s[k] == '"' || l->s[k] == '\n' || l->s[k] == '}');
}

/* Settles the format of a file of tab-separated columns from the columns chosen. */
static void plan_tabs(const struct grid *g, const struct read_options *opt, struct plan *plan)
{
	struct survey s;
	bool two = columns_usual(g) == 2; /* further tabs belong to the text */
	int side;

	if (plan->label < 0) {
		columns_survey(&s, g, plan->header);
		side = choose_side(&s, 0);
		if (side >= 0 && !opt->text_column && !plan->header)
			plan->text = side;
		plan->label = plan->header ? -1 : choose_side(&s, plan->text + 1);
		plan->format = plan->label < 0 ? DATA_TEXT : DATA_PARALLEL;
	} else if (plan->label < plan->text) {
		plan->format = DATA_LABEL_TAB_TEXT;
		plan->cut = two ? CUT_FIRST_TAB : CUT_TABS;
	} else {
		plan->format = DATA_TEXT_TAB_LABEL;
		plan->cut = two ? CUT_LAST_TAB : CUT_TABS;
	}
}

/* Tries the cuts one after the other. */
static bool detect_columns(struct input *in, const struct read_options *opt, struct plan *plan,
			   struct err *err)
{
	static const struct {
		enum cut cut;
		bool named_only;
	} attempt[] = {{CUT_COMMAS, true},  {CUT_SEMICOLONS, true},  {CUT_TABS, false},
		       {CUT_COMMAS, false}, {CUT_SEMICOLONS, false}, {CUT_FIRST_SPACE, false}};
	bool found = false, ok = true;

	for (size_t k = 0; k < sizeof(attempt) / sizeof(attempt[0]) && !found; k++) {
		enum cut cut = attempt[k].cut;
		struct err why = {0};
		struct grid g;

		*plan = (struct plan){DATA_LABEL_TEXT, cut, 0, 1, false};
		if (!grid_read(&g, in, cut, COLUMNS_SAMPLE, &why)) {
			/* A broken row of what is CSV surely, or just a text with a quote in it? */
			found = g.rows && grid_width(&g, 0) > 1 && has_names(&g, opt);
			ok = !found || err_set(err, why.code, "%s", why.msg);
		} else if (cut == CUT_TABS) {
			found = columns_most(&g, false, 9);
			ok = !found || plan_columns(in, &g, opt, plan, err);
			if (found && ok)
				plan_tabs(&g, opt, plan);
		} else if (cut == CUT_FIRST_SPACE) {
			found = looks_like_label_text(&g);
		} else {
			found = looks_like_csv(in, &g, opt, attempt[k].named_only);
			ok = !found || plan_columns(in, &g, opt, plan, err);
			plan->format = DATA_CSV;
		}
		grid_release(&g);
	}
	if (!found)
		*plan = (struct plan){DATA_TEXT, CUT_NONE, -1, 0, false};
	if (ok && (!found || plan->cut == CUT_FIRST_SPACE) &&
	    (opt->label_column || opt->text_column))
		return err_set(err, ERR_INPUT,
			       "%s: no column '%s'; its lines are not in columns (set data_format)",
			       in->name, opt->label_column ? opt->label_column : opt->text_column);
	return ok;
}

/* The format is given: find its columns. */
static bool plan_given(struct input *in, const struct read_options *opt, struct plan *plan,
		       struct err *err)
{
	static const struct plan simple[DATA_FORMAT_COUNT] = {
		[DATA_LABEL_TAB_TEXT] = {DATA_LABEL_TAB_TEXT, CUT_FIRST_TAB, 0, 1, false},
		[DATA_TEXT_TAB_LABEL] = {DATA_TEXT_TAB_LABEL, CUT_LAST_TAB, 1, 0, false},
		[DATA_LABEL_TEXT] = {DATA_LABEL_TEXT, CUT_FIRST_SPACE, 0, 1, false},
		[DATA_CSV] = {DATA_CSV, CUT_COMMAS, -1, 0, false},
		[DATA_JSONL] = {DATA_JSONL, CUT_NONE, -1, 0, false},
		[DATA_TEXT] = {DATA_TEXT, CUT_NONE, -1, 0, false},
		[DATA_PARALLEL] = {DATA_PARALLEL, CUT_TABS, 1, 0, false},
	};
	bool named = opt->label_column || opt->text_column, ok = true;
	struct grid g = {0};

	*plan = simple[opt->format];
	if (named && plan->cut != CUT_NONE && plan->cut < CUT_TABS && plan->cut != CUT_FIRST_SPACE)
		plan->cut = CUT_TABS;
	if (plan->cut == CUT_NONE || plan->cut == CUT_FIRST_SPACE)
		return true;
	if (plan->cut == CUT_COMMAS && grid_read(&g, in, CUT_SEMICOLONS, COLUMNS_SAMPLE, NULL) &&
	    columns_most(&g, true, 9))
		plan->cut = CUT_SEMICOLONS;
	grid_release(&g);
	ok = grid_read(&g, in, plan->cut, COLUMNS_SAMPLE, err);
	if (ok && plan->cut < CUT_TABS)
		plan->header = !opt->no_header && grid_width(&g, 0) == 2 &&
			       column_named(&g, usual_labels) == plan->label &&
			       column_named(&g, usual_texts) == plan->text;
	else if (ok)
		ok = plan_columns(in, &g, opt, plan, err);
	grid_release(&g);
	return ok;
}

/* Every line is a text. */
static bool plan_stream(const struct input *in, const struct read_options *opt, struct plan *plan,
			struct err *err)
{
	*plan = (struct plan){DATA_TEXT, CUT_LINES, -1, 0, false};
	return opt->format == DATA_TEXT || !opt->text_column ||
	       err_set(err, ERR_INPUT,
		       "%s: no column '%s': every line is a text (set data_format for columns)",
		       in->name, opt->text_column);
}

bool detect(struct input *in, const struct read_options *opt, struct plan *plan, struct err *err)
{
	struct line first = {0};

	if (!input_next_filled(in, &first))
		return err_set(err, ERR_INPUT, "%s: has no text in it, only blank lines", in->name);
	if (opt->stream && (opt->format == DATA_AUTO || opt->format == DATA_TEXT))
		return plan_stream(in, opt, plan, err);
	*plan = (struct plan){.format = DATA_JSONL, .label = -1};
	if (opt->need_pairs && opt->format == DATA_JSONL)
		return true;
	if (opt->format != DATA_AUTO)
		return opt->need_pairs ? detect_pairs(in, opt, plan, err)
				       : plan_given(in, opt, plan, err);
	if (looks_like_json(&first))
		return true;
	if (*first.s == '[' && (first.n == 1 || strchr("{ \t", first.s[1])) &&
	    (ends_in(in->name, ".json") || first.n == 1 || first.s[1] == '{'))
		return err_set(err, ERR_INPUT,
			       "%s: is one JSON array; one object a line is wanted (jq -c '.[]')",
			       in->name);
	return opt->need_pairs ? detect_pairs(in, opt, plan, err)
			       : detect_columns(in, opt, plan, err);
}

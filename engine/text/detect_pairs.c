/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of pairs: which column is the source, and which one the target. */
#include "engine/text/columns.h"
#include "engine/text/detect.h"

#include <string.h>

enum {
	FEW = 20,    /* rows that are too few to count on frequencies */
	CLASSES = 20 /* a column with no more different cells than these holds labels */
};

/* Best first; "abstract" is either, so the source is chosen before the target. */
static const char *const sources[] = {
	"source",      "src",      "source_text", "src_text", "article",    "document",
	"dialogue",    "text",     "body",        "content",  "input",      "passage",
	"description", "abstract", "review",      "story",    "sentence",   "question",
	"query",       "prompt",   "上联",        "原文",     "正文",       "文章",
	"内容",        "文本",     "摘要",        "问题",     "input_text", NULL};
static const char *const targets[] = {
	"target",   "tgt",       "target_text", "tgt_text", "output",    "output_text",
	"summary",  "summaries", "translation", "headline", "headlines", "highlights",
	"abstract", "title",     "answer",      "answers",  "response",  "reply",
	"下联",     "译文",      "摘要",        "标题",     "题目",      "回答",
	"答案",     NULL};

/* Languages: whichever stands first is the source. */
static const char *const languages[] = {
	"en",      "eng",    "english",  "de",         "deu",     "ger",    "german", "deutsch",
	"zh",      "zho",    "cmn",      "chi",        "chinese", "zh_cn",  "zh-cn",  "fr",
	"fra",     "french", "es",       "spa",        "spanish", "it",     "ita",    "italian",
	"ja",      "jpn",    "japanese", "ko",         "kor",     "korean", "ru",     "rus",
	"russian", "pt",     "por",      "portuguese", "nl",      "nld",    "dutch",  "cs",
	"ces",     "czech",  "ar",       "ara",        "arabic",  "vi",     "vie",    "vietnamese",
	"中文",    "汉语",   "英文",     "英语",       "德语",    "法语",   "日语",   NULL};

static int best_name(const struct cell *name, int count, const char *const list[], int taken)
{
	int best = -1, found = -1;

	for (int k = 0; k < count; k++) {
		const int place = usual_find(list, name[k].s, name[k].n);

		if (place < 0 || k == taken || (found >= 0 && place >= best))
			continue;
		best = place;
		found = k;
	}
	return found;
}

static int first_language(const struct cell *name, int count, int taken)
{
	for (int k = 0; k < count; k++)
		if (k != taken && usual_find(languages, name[k].s, name[k].n) >= 0)
			return k;
	return -1;
}

static void by_language(const struct cell *name, int count, int side[2])
{
	for (int k = 0; k < 2; k++)
		if (side[k] < 0)
			side[k] = first_language(name, count, side[1 - k]);
}

bool pair_names(const struct cell *name, int count, int side[2])
{
	int spoken[2] = {side[0], side[1]};

	for (int k = 0; k < 2; k++)
		if (side[k] < 0)
			side[k] = best_name(name, count, k ? targets : sources, side[1 - k]);
	if (side[0] >= 0 && side[1] >= 0)
		return true;
	by_language(name, count, spoken);
	if (spoken[0] >= 0 && spoken[1] >= 0)
		memcpy(side, spoken, sizeof(spoken));
	else
		by_language(name, count, side);
	return side[0] >= 0 && side[1] >= 0;
}

/* The same of the first row of a grid. */
static bool names_in(const struct grid *g, int side[2])
{
	const int width = grid_width(g, 0), count = width < COLUMNS_MOST ? width : COLUMNS_MOST;
	struct cell name[COLUMNS_MOST];

	for (int k = 0; k < count; k++)
		name[k] = grid_cell(g, 0, k);
	return pair_names(name, count, side);
}

/* Whether the first row names columns: both sides, or the one that is not asked for by its number. */
static bool has_header(const struct grid *g, const struct read_options *opt)
{
	const char *const asked[] = {opt->text_column, opt->label_column};
	int side[2] = {-1, -1};
	long long value;
	long number[2];

	if (opt->no_header)
		return false;
	for (int k = 0; k < grid_width(g, 0); k++)
		if (cell_number(grid_cell(g, 0, k), &value))
			return false;
	for (int k = 0; k < 2; k++) {
		if (asked[k] && !column_number(asked[k], &number[k]))
			return true;
		if (asked[k] && !asked[1 - k])
			side[k] = (int)number[k] - 1;
	}
	return names_in(g, side);
}

/* Whether column k may be a side: not a number for each row, one remark for all, or a label. */
static bool is_side(const struct survey *s, int k)
{
	const struct column *c = &s->column[k];
	const bool more = s->count > 2, again = s->rows >= FEW && c->distinct * 4 <= s->rows;

	if (c->running || !c->longest || (again && c->distinct <= CLASSES))
		return false;
	return !more || (!c->whole && (c->distinct > 1 || s->rows == 1));
}

/* Fills what is -1 of side by what the columns look like. Of more than two those of a file of tabs are
 * taken from the left; of csv and of named columns only one that is left over. */
static void guess(const struct survey *s, bool from_left, int side[2])
{
	const int missing = (side[0] < 0) + (side[1] < 0);
	int left[COLUMNS_MOST], count = 0, next = 0;

	for (int k = 0; k < s->count; k++)
		if (k != side[0] && k != side[1] && is_side(s, k))
			left[count++] = k;
	if (count < missing || (!from_left && (count > missing || (missing == 2 && s->count > 2))))
		return;
	if (side[0] < 0)
		side[0] = left[next++];
	if (side[1] >= 0)
		return;
	/* The first one behind the source, if there is one. */
	side[1] = left[next];
	for (int k = count - 1; k >= next; k--)
		side[1] = left[k] > side[0] ? left[k] : side[1];
}

/* Its lines hold one text each. */
static bool no_pairs(const struct input *in, struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "%s: its lines are no pairs: a tab between source and target is wanted, or "
		       "csv or json lines (set data_format), or the targets in a file of their own "
		       "(set data_target; of valid: valid_target)",
		       in->name);
}

static bool no_side(const struct input *in, const struct grid *g, bool header, const int side[2],
		    struct err *err)
{
	const char *which = side[0] < 0 ? "source" : "target";
	struct buf names = {0};

	if (columns_usual(g) < 2)
		return no_pairs(in, err);
	if (!header || (side[0] < 0 && side[1] < 0))
		return err_set(err, ERR_INPUT,
			       "%s: which of its %d columns is the source, and which the target? "
			       "Set source_column and target_column (numbers from 1%s)",
			       in->name, columns_usual(g), header ? ", or names" : "");
	for (int k = 0; k < grid_width(g, 0); k++) {
		const struct cell c = grid_cell(g, 0, k);

		buf_printf(&names, "%s%.*s", k ? ", " : "", (int)(c.n < 40 ? c.n : 40), c.s);
	}
	err_set(err, ERR_INPUT, "%s: no column of the %s among %.200s (set %s_column)", in->name,
		which, buf_str(&names), which);
	buf_release(&names);
	return false;
}

/* Chooses the two columns: as asked, by usual names, by their looks. */
static bool choose_sides(struct input *in, const struct grid *g, const struct read_options *opt,
			 struct plan *plan, struct err *err)
{
	const char *const asked[] = {opt->text_column, opt->label_column};
	int side[2] = {-1, -1};
	struct survey s;

	plan->header = has_header(g, opt);
	for (int k = 0; k < 2; k++)
		if (asked[k] && !column_asked(in, g, plan->header, asked[k], &side[k], err))
			return false;
	if (side[0] >= 0 && side[0] == side[1])
		return err_set(err, ERR_INPUT,
			       "%s: source and target are both column %d; set source_column and "
			       "target_column to two",
			       in->name, side[0] + 1);
	if (!plan->header || !names_in(g, side)) {
		const bool given = side[0] >= 0 && side[1] >= 0;

		columns_survey(&s, g, plan->header);
		guess(&s, plan->cut == CUT_TABS && !plan->header, side);
		if (side[0] < 0 || side[1] < 0)
			return no_side(in, g, plan->header, side, err);
		if (!given && s.count > 2)
			buf_printf(&in->warnings,
				   "%s: of %d columns %d is taken for the source, %d for the "
				   "target (set source_column and target_column for others)\n",
				   in->name, s.count, side[0] + 1, side[1] + 1);
	}
	plan->text = side[0];
	plan->label = side[1];
	return true;
}

/* Whether a file is cut this way, to judge by its first rows. */
static bool looks_cut(const struct input *in, const struct grid *g, enum cut cut,
		      const struct read_options *opt)
{
	const char *s = in->text.data, *quotes = strstr(s, cut == CUT_COMMAS ? "\",\"" : "\";\"");

	if (!g->rows || grid_width(g, 0) < 2)
		return false;
	if (cut == CUT_TABS)
		return columns_most(g, false, 9);
	if (has_header(g, opt) && columns_most(g, true, 5))
		return true;
	return (ends_in(in->name, ".csv") || (*s == '"' && quotes && quotes < strchr(s, '\n'))) &&
	       columns_most(g, true, 9);
}

/* Tries the cuts one after the other. */
static bool find_cut(struct input *in, const struct read_options *opt, struct plan *plan,
		     struct err *err)
{
	static const enum cut attempt[] = {CUT_TABS, CUT_COMMAS, CUT_SEMICOLONS};

	for (size_t k = 0; k < sizeof(attempt) / sizeof(attempt[0]); k++) {
		struct err why = {0};
		struct grid g;
		const bool whole = grid_read(&g, in, attempt[k], COLUMNS_SAMPLE, &why),
			   found = looks_cut(in, &g, attempt[k], opt);
		bool ok = false;

		plan->cut = attempt[k];
		plan->format = plan->cut == CUT_TABS ? DATA_PARALLEL : DATA_CSV;
		if (found && whole)
			ok = choose_sides(in, &g, opt, plan, err);
		else if (found)
			err_set(err, why.code, "%s", why.msg);
		grid_release(&g);
		if (found)
			return ok;
	}
	return no_pairs(in, err);
}

bool detect_pairs(struct input *in, const struct read_options *opt, struct plan *plan,
		  struct err *err)
{
	struct grid g;
	bool ok;

	*plan = (struct plan){.format = opt->format, .cut = CUT_TABS};
	if (opt->format == DATA_AUTO)
		return find_cut(in, opt, plan, err);
	if (opt->format == DATA_CSV) {
		plan->cut = CUT_COMMAS;
		if (grid_read(&g, in, CUT_SEMICOLONS, COLUMNS_SAMPLE, NULL) &&
		    columns_most(&g, true, 9))
			plan->cut = CUT_SEMICOLONS;
		grid_release(&g);
	} else if (opt->format != DATA_PARALLEL) {
		return err_set(err, ERR_INPUT,
			       "%s: data_format=%s has no pairs; parallel, csv and jsonl have",
			       in->name, data_format_name(opt->format));
	}
	ok = grid_read(&g, in, plan->cut, COLUMNS_SAMPLE, err) &&
	     choose_sides(in, &g, opt, plan, err);
	grid_release(&g);
	return ok;
}

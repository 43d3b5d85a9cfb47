/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in many texts the same units are on as in a text. */
#include "engine/survey/match.h"
#include "app/command/explain.h"
#include "app/command/meter.h"
#include "app/command/passage.h"
#include "app/command/texts.h"
#include "app/prepare.h"

#include "engine/base/mem.h"
#include "engine/text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_match[] = {
	{"--text", "TEXT", "the text whose words t A..B choose the units"},
	{"--layer", "LAYER", "l0.fw, l1.bw and so on (default: the top one that goes forward)"},
	{"--signal", "NAME", "h, or c for tanh(c) (default h)"},
	{"--threshold", "X", "a unit above this is on (default 0.3)"},
	{"--off-left", NULL, "units are off just before, too"},
	{"--off-right", NULL, "units are off just behind, too"},
	{"--data", "FILE", "the texts to look among (default: what the run was trained on)"},
	{"--limit", "N", "so many places (default 50)"},
	TEXTS_OPTIONS,
	{NULL, NULL, NULL},
};

struct view {
	struct loaded run;
	struct examples texts;
	struct match_rules rules;
	struct match m;
	struct replay *replay; /* of --text, or NULL */
	struct buf text;
	bool *chosen, *on; /* (H): the pattern; those on in --text where t was given */
	bool named;        /* units were named */
	int from, to;      /* t A..B, from 0; -1: not given */
	char layer[24];
};

static const struct model *model_of(const struct view *v)
{
	return &v->run.snapshot->encoder->model;
}

/* --- the words of the command ---------------------------------------------------------------------- */

static bool is_keyword(const char *word)
{
	return !strcmp(word, "units") || !strcmp(word, "unit") || !strcmp(word, "t");
}

/* Units in a word: numbers with commas between them. */
static bool read_units(struct view *v, const char *word, struct err *err)
{
	const int H = model_of(v)->spec.hidden;

	for (const char *p = word; *p;) {
		char *end;
		long u;

		if (*p == ',') {
			p++;
			continue;
		}
		errno = 0;
		u = strtol(p, &end, 10);
		if (end == p || errno || u < 0 || u >= H || (*end && *end != ','))
			return err_set(err, ERR_USAGE,
				       "units go from 0 to %d, as in 3,17, not '%s'", H - 1, word);
		v->chosen[u] = true;
		v->named = true;
		p = end;
	}
	return true;
}

static bool read_range(struct view *v, const char *word, struct err *err)
{
	const char *p = word;
	long at[2];
	char *end;

	for (int k = 0; k < 2; k++) {
		errno = 0;
		at[k] = strtol(p, &end, 10);
		if (end == p || errno || at[k] < 1 || at[k] > INT32_MAX)
			return err_set(err, ERR_USAGE, "t takes words, as in 2..4, not '%s'", word);
		if (!k && !*end) {
			at[1] = at[0];
			break;
		}
		if (k ? *end != '\0' : strncmp(end, "..", 2) != 0)
			return err_set(err, ERR_USAGE, "t takes words, as in 2..4, not '%s'", word);
		p = end + 2;
	}
	if (at[1] < at[0])
		return err_set(err, ERR_USAGE, "t goes from the first word to the last, not '%s'",
			       word);
	v->from = (int)at[0] - 1;
	v->to = (int)at[1] - 1;
	return true;
}

/* units LIST and t A..B, from a word on. */
static bool read_words(struct view *v, const struct args *a, int k, struct err *err)
{
	v->from = v->to = -1;
	while (k < a->pos_count) {
		const char *word = a->pos[k++];

		if (!is_keyword(word))
			return err_set(err, ERR_USAGE,
				       "match takes units 3,17 and t 2..4, not '%s'", word);
		if (k == a->pos_count || is_keyword(a->pos[k]))
			return err_set(err, ERR_USAGE, "%s needs %s", word,
				       *word == 't' ? "words, as in t 2..4"
						    : "numbers, as in units 3,17");
		if (*word == 't') {
			if (!read_range(v, a->pos[k++], err))
				return false;
			continue;
		}
		while (k < a->pos_count && !is_keyword(a->pos[k]))
			if (!read_units(v, a->pos[k++], err))
				return false;
	}
	if (v->named || v->from >= 0)
		return true;
	return err_set(err, ERR_USAGE,
		       "match needs units, as in units 3,17, or the words of a text at which they "
		       "are on, as in t 2..4");
}

static bool read_options(struct view *v, const struct args *a, struct err *err)
{
	const char *signal = args_value(a, "--signal");
	int64_t limit = 50;

	v->rules.threshold = 0.3;
	v->rules.off_left = args_has(a, "--off-left");
	v->rules.off_right = args_has(a, "--off-right");
	if (!args_number(a, "--limit", 100000, &limit, err) ||
	    !args_real(a, "--threshold", -0.999999, 0.999999, &v->rules.threshold, err))
		return false;
	v->rules.most = (int)limit;
	v->rules.run = explain_layer(model_of(v), a, err);
	if (v->rules.run < 0)
		return false;
	explain_layer_name(model_of(v), v->rules.run, v->layer);
	v->rules.cell = signal && !strcmp(signal, "c");
	if (signal && !v->rules.cell && strcmp(signal, "h") != 0)
		return err_set(err, ERR_USAGE, "--signal is h or c, not '%s'", signal);
	if (v->rules.cell && model_of(v)->spec.cell->carries_h)
		return err_set(err, ERR_USAGE, "the cell %s has no c",
			       model_of(v)->spec.cell->name);
	return true;
}

/* --- the pattern ----------------------------------------------------------------------------------- */

static bool run_text(struct view *v, const char *text, struct err *err)
{
	utf8_repair(&v->text, text, strlen(text), NULL);
	v->replay = replay_new(v->run.snapshot, buf_str(&v->text), v->text.len, err);
	if (!v->replay)
		return false;
	if (!v->replay->T)
		return err_set(err, ERR_USAGE, "the text has no word that %s reads", v->run.name);
	return v->to < v->replay->T ||
	       err_set(err, ERR_USAGE, "the text ends at t %d, and t goes on to %d", v->replay->T,
		       v->to + 1);
}

/* Says so, and how low the threshold would have to be. */
static bool nothing_on(const struct view *v, struct err *err)
{
	const struct trace_run *r = &v->replay->run[v->rules.run];
	const double *state = v->rules.cell ? r->c : r->h;
	const size_t H = (size_t)v->replay->H;
	double best = -INFINITY;
	size_t unit = 0;

	for (size_t u = 0; u < H; u++) {
		double least = INFINITY;

		for (int t = v->from; t <= v->to; t++)
			least = fmin(least, state[((size_t)replay_turn(r, t) + 1) * H + u]);
		if (least > best) {
			best = least;
			unit = u;
		}
	}
	if (v->rules.off_left || v->rules.off_right)
		return err_set(err, ERR_USAGE,
			       "no unit is above %g throughout t %d..%d and off beside it: leave "
			       "--off-left or --off-right out, or name units",
			       v->rules.threshold, v->from + 1, v->to + 1);
	return err_set(err, ERR_USAGE,
		       "no unit is above %g throughout t %d..%d (the highest is %zu, above %.2g): "
		       "lower --threshold, or name units",
		       v->rules.threshold, v->from + 1, v->to + 1, unit,
		       floor(100 * (v->rules.cell ? tanh(best) : best)) / 100);
}

/* Which units are on at the words of --text; they are the pattern where none are named. */
static bool choose(struct view *v, const struct args *a, struct err *err)
{
	const char *text = args_value(a, "--text");
	const int H = model_of(v)->spec.hidden;
	int n;

	if (v->from < 0)
		return true;
	if (!text)
		return v->named ||
		       err_set(err, ERR_USAGE, "t goes with --text TEXT, whose words it means");
	if (!run_text(v, text, err))
		return false;
	v->on = mem_zero((size_t)H, sizeof(*v->on));
	n = match_pattern(v->replay, &v->rules, v->from, v->to, v->on);
	if (v->named)
		return true;
	memcpy(v->chosen, v->on, (size_t)H * sizeof(*v->chosen));
	return n || nothing_on(v, err);
}

/* --- the report ------------------------------------------------------------------------------------ */

static void list_units(struct buf *out, const bool *in, int H)
{
	for (int u = 0; u < H; u++)
		if (in[u])
			buf_printf(out, "%s%d", out->len ? "," : "", u);
}

struct passage {
	int from, to; /* positions from 1 */
	struct buf text;
};

static bool read_passage(const struct view *v, const struct match_place *p, struct passage *out,
			 struct err *err)
{
	const struct example *x = &v->texts.at[p->text];
	struct replay *r = replay_new(v->run.snapshot, x->text, x->text_len, err);

	if (!r)
		return false;
	out->from = passage_position(r, p->from) + 1;
	out->to = passage_position(r, p->to) + 1;
	buf_clear(&out->text);
	passage_add(&out->text, r, out->from - 1, out->to - 1);
	replay_free(r);
	return true;
}

static bool report_rows(struct context *c, const struct view *v, struct err *err)
{
	static const char *const column[] = {"rank", "jaccard", "both",  "either", "line",
					     "from", "to",      "label", "words",  "text"};
	struct passage passage = {0};
	struct output o;
	bool ok = true, closed;

	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, 10);
	for (int k = 0; ok && k < v->m.count; k++) {
		const struct match_place *p = &v->m.place[k];
		const struct example *x = &v->texts.at[p->text];

		ok = read_passage(v, p, &passage, err);
		if (ok)
			output_row(&o,
				   (struct value[]){
					   value_int(k + 1), value_real(match_jaccard(p), 4),
					   value_int(p->both), value_int(p->either),
					   value_int((int64_t)x->line), value_int(passage.from),
					   value_int(passage.to), value_text(x->label),
					   value_bytes(buf_str(&passage.text), passage.text.len),
					   value_bytes(x->text, x->text_len)});
	}
	buf_release(&passage.text);
	closed = output_close(&o, ok ? err : NULL);
	return ok && closed;
}

static void json_units(struct json_writer *j, const struct view *v, const char *key, const bool *in)
{
	jw_key(j, key);
	jw_array(j);
	for (int u = 0; u < model_of(v)->spec.hidden; u++)
		if (in[u])
			jw_int(j, u);
	jw_array_end(j);
}

static void json_int(struct json_writer *j, const char *key, int64_t n)
{
	jw_key(j, key);
	jw_int(j, n);
}

static void json_pattern(struct json_writer *j, const struct view *v)
{
	jw_object(j);
	explain_json_text(j, "run", v->run.id);
	explain_json_text(j, "name", v->run.name);
	explain_json_text(j, "layer", v->layer);
	explain_json_text(j, "signal", v->rules.cell ? "tanh(c)" : "h");
	explain_json_number(j, "threshold", v->rules.threshold);
	jw_key(j, "off_left");
	jw_bool(j, v->rules.off_left);
	jw_key(j, "off_right");
	jw_bool(j, v->rules.off_right);
	json_units(j, v, "units", v->chosen);
	if (v->replay) {
		jw_key(j, "text");
		jw_text_n(j, buf_str(&v->text), v->text.len);
		json_int(j, "from", v->from + 1);
		json_int(j, "to", v->to + 1);
		json_units(j, v, "on", v->on);
	}
	json_int(j, "texts", v->m.texts);
	json_int(j, "at_least", v->m.at_least);
	json_int(j, "candidates", v->m.candidates);
}

static bool report_json(struct context *c, const struct view *v, struct err *err)
{
	struct passage passage = {0};
	struct buf b = {0};
	struct json_writer j = jw_to(&b);
	bool ok = true;

	json_pattern(&j, v);
	jw_key(&j, "places");
	jw_array(&j);
	for (int k = 0; ok && k < v->m.count; k++) {
		const struct match_place *p = &v->m.place[k];
		const struct example *x = &v->texts.at[p->text];

		ok = read_passage(v, p, &passage, err);
		jw_object(&j);
		explain_json_number(&j, "jaccard", match_jaccard(p));
		json_int(&j, "both", p->both);
		json_int(&j, "either", p->either);
		json_int(&j, "line", (int64_t)x->line);
		json_int(&j, "from", passage.from);
		json_int(&j, "to", passage.to);
		jw_key(&j, "label");
		if (x->label)
			jw_text(&j, x->label);
		else
			jw_null(&j);
		jw_key(&j, "words");
		jw_text_n(&j, buf_str(&passage.text), passage.text.len);
		jw_key(&j, "text");
		jw_text_n(&j, x->text, x->text_len);
		jw_object_end(&j);
	}
	jw_array_end(&j);
	jw_object_end(&j);
	buf_release(&passage.text);
	if (ok)
		return explain_json_end(c, &b, err);
	buf_release(&b);
	return false;
}

/* What was looked for, and how far the rule had to go down. */
static void remark(struct context *c, const struct view *v)
{
	const int H = model_of(v)->spec.hidden;
	struct buf units = {0}, off = {0};

	list_units(&units, v->chosen, H);
	for (int u = 0; v->named && v->on && u < H; u++)
		if (v->chosen[u] && !v->on[u])
			buf_printf(&off, "%s%d", off.len ? "," : "", u);
	explain_remark(c,
		       "%s unit%s %.200s: %lld runs of 2 words or more with at least %d of %d on",
		       v->layer, v->m.chosen == 1 ? "" : "s", buf_str(&units),
		       (long long)v->m.candidates, v->m.at_least, v->m.chosen);
	if (off.len)
		explain_remark(c, "at t %d..%d of the text these are not on: %.200s", v->from + 1,
			       v->to + 1, buf_str(&off));
	buf_release(&units);
	buf_release(&off);
}

/* --- the command ----------------------------------------------------------------------------------- */

static bool run_match(struct view *v, struct context *c, const struct args *a, struct err *err)
{
	struct team *team;
	struct meter meter;
	bool ok;

	if (args_has(a, "--data")
		    ? !texts_file(c, a, task_table[model_of(v)->spec.task].stream, &v->texts, err)
		    : !texts_trained(c, &v->run, &v->texts, err))
		return false;
	team = team_new(default_threads(), err);
	if (!team)
		return false;
	meter_begin(&meter, c);
	v->rules.watch = meter_watch(&meter, c, "texts");
	ok = match_run(&v->m, team, v->run.snapshot, v->texts.at, v->texts.count, &v->rules, err);
	meter_end(&meter);
	team_free(team);
	return ok;
}

bool command_match(struct context *c, const struct args *a, struct err *err)
{
	const bool open = c->open_run && a->pos_count && is_keyword(a->pos[0]);
	struct view v = {0};
	bool ok = texts_options(a, err) &&
		  context_load(c, open ? c->open_run : a->pos[0], &v.run, err);

	if (ok) {
		v.chosen = mem_zero((size_t)model_of(&v)->spec.hidden, sizeof(*v.chosen));
		v.rules.chosen = v.chosen;
		ok = read_words(&v, a, open ? 0 : 1, err) && read_options(&v, a, err) &&
		     choose(&v, a, err) && run_match(&v, c, a, err);
	}
	if (ok)
		ok = explain_is_json(c) ? report_json(c, &v, err) : report_rows(c, &v, err);
	if (ok)
		remark(c, &v);
	match_release(&v.m);
	replay_free(v.replay);
	buf_release(&v.text);
	free(v.chosen);
	free(v.on);
	examples_release(&v.texts);
	loaded_release(&v.run);
	return ok;
}

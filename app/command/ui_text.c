/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui_text.h"

#include "app/desk/desk.h"
#include "engine/text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_write[] = {
	{"--again", NULL, "the same prompt with the next seed; pairs: an answer drawn with it"},
	{NULL, NULL, NULL},
};

/* Whether the open run writes. */
static bool writes(const struct workbench *w)
{
	return w->open && w->open->snapshot &&
	       !task_table[w->open->snapshot->encoder->model.spec.task].labels;
}

static bool from_vector(const struct workbench *w)
{
	return writes(w) && w->open->snapshot->encoder->model.dec.runs;
}

static bool is_pairs(const struct workbench *w)
{
	return writes(w) && task_table[w->open->snapshot->encoder->model.spec.task].pairs;
}

/* What a text may be begun with that was never asked for. */
static const char *given(const struct workbench *w)
{
	return w->text.prompt ? w->text.prompt : from_vector(w) ? w->current.text : NULL;
}

static bool write_text(struct workbench *w, const char *text, struct err *err)
{
	struct buf clean = {0};
	bool ok;

	utf8_repair(&clean, text ? text : "", text ? strlen(text) : 0, NULL);
	ok = desk_write(w, buf_str(&clean), err);
	buf_release(&clean);
	return ok;
}

bool ui_write(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	const bool again = args_has(a, "--again");

	if (again && from_vector(w) && !is_pairs(w))
		return err_set(
			err, ERR_USAGE,
			"a text is written again by what is likeliest: there is no seed in it");
	if (!again && !a->pos_count && w->text.job) {
		desk_write_stop(w);
		return true;
	}
	if (again)
		w->text.seed++;
	w->text.drawn = again; /* pairs: not the likeliest, for once */
	if (!write_text(w, a->pos_count ? a->pos[0] : given(w), err))
		return false;
	workbench_show(w, &view_text);
	return true;
}

bool ui_ask_prompt(struct workbench *w)
{
	if (w->view != &view_text || !writes(w))
		return false;
	workbench_ask(w, ASK_PROMPT, from_vector(w) ? "text: " : "prompt: ", given(w));
	return true;
}

void ui_answer_prompt(struct workbench *w, const char *line)
{
	struct err err = {0};

	w->text.drawn = false;
	if (!write_text(w, line, &err))
		workbench_err(w, &err);
}

const char *sample_word(int index)
{
	static const char *const word[] = {"up",    "down",  "temperature=", "top_k=", "top_p=",
					   "seed=", "beam=", "penalty=",     "length="};

	return index >= 0 && (size_t)index < sizeof(word) / sizeof(word[0]) ? word[index] : NULL;
}

/* The value of "name=value" if that is the name, else NULL. */
static const char *value_of(const char *assignment, const char *name)
{
	const size_t n = strlen(name);

	return !strncmp(assignment, name, n) && assignment[n] == '=' ? assignment + n + 1 : NULL;
}

static bool take_real(const char *name, const char *text, double min, double max, double *v,
		      struct err *err)
{
	char *end;
	const double given_value = strtod(text, &end);

	if (end == text || *end || !(given_value >= min && given_value <= max))
		return err_set(err, ERR_USAGE, "%s goes from %g to %g, not '%s'", name, min, max,
			       text);
	*v = given_value;
	return true;
}

static bool take_whole(const char *name, const char *text, int64_t min, int64_t max, int64_t *v,
		       struct err *err)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max)
		return err_set(err, ERR_USAGE, "%s is a whole number from %lld to %lld, not '%s'",
			       name, (long long)min, (long long)max, text);
	*v = n;
	return true;
}

/* Steps of a tenth, as far as they go. */
static double warmer(double temperature, int step)
{
	const double t = (round(temperature * 10) + step) / 10;

	return t < 0 ? 0 : t > 100 ? 100 : t;
}

static bool assign(struct text_state *t, const char *word, bool pairs, struct err *err)
{
	const char *v;
	int64_t n = 0;

	if ((v = value_of(word, "temperature"))) {
		return take_real("temperature", v, 0, 100, &t->how.temperature, err);
	} else if ((v = value_of(word, "penalty"))) {
		return take_real("penalty", v, 0, 10, &t->penalty, err);
	} else if ((v = value_of(word, "beam"))) {
		if (!take_whole("beam", v, 1, DECODE_MOST_BEAM, &n, err))
			return false;
		t->beam = (int)n;
	} else if ((v = value_of(word, "top_k"))) {
		if (!take_whole("top_k", v, 0, 1000000, &n, err))
			return false;
		t->how.top_k = (int)n;
	} else if ((v = value_of(word, "top_p"))) {
		return take_real("top_p", v, 0.001, 1, &t->how.top_p, err);
	} else if ((v = value_of(word, "seed"))) {
		if (!take_whole("seed", v, 0, INT64_MAX, &n, err))
			return false;
		t->seed = (uint64_t)n;
	} else if ((v = value_of(word, "length"))) {
		if (!take_whole("length", v, 1, TEXT_LENGTH_MAX, &n, err))
			return false;
		t->length = (int)n;
	} else {
		return err_set(err, ERR_USAGE,
			       pairs ? "sample takes beam=, penalty= and length=, not '%s'"
				     : "sample takes temperature=, top_k=, top_p=, seed= and "
				       "length=, not '%s'",
			       word);
	}
	return true;
}

/* One step more or less of what matters most: the temperature, or how wide the search is. */
static void step(struct text_state *t, bool pairs, int by)
{
	if (!pairs)
		t->how.temperature = warmer(t->how.temperature, by);
	else if (t->beam + by >= 1 && t->beam + by <= DECODE_MOST_BEAM)
		t->beam += by;
}

bool ui_sample(struct context *c, const struct args *a, struct err *err)
{
	struct text_state *t = &c->ui->text, next = *t;
	char top[32] = "all";

	for (int k = 0; k < a->pos_count; k++)
		if (!strcmp(a->pos[k], "up") || !strcmp(a->pos[k], "down"))
			step(&next, is_pairs(c->ui), *a->pos[k] == 'u' ? 1 : -1);
		else if (!assign(&next, a->pos[k], is_pairs(c->ui), err))
			return false; /* and nothing has changed */
	t->beam = next.beam;
	t->penalty = next.penalty;
	t->how = next.how;
	t->seed = next.seed;
	t->length = next.length;
	if (is_pairs(c->ui)) {
		workbench_say(c->ui, ROLE_message,
			      "the next answer: beam %d, length penalty %.2f, length %d at most",
			      t->beam, t->penalty, t->length);
		return true;
	}
	if (t->how.top_k)
		snprintf(top, sizeof(top), "%d", t->how.top_k);
	workbench_say(c->ui, ROLE_message,
		      "the next text: temperature %.2f, top k %s, top p %.3g, seed %llu, length %d",
		      t->how.temperature, top, t->how.top_p, (unsigned long long)t->seed,
		      t->length);
	return true;
}

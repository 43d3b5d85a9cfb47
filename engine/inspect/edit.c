/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an edit says: see whatif.h for the grammar. */
#include "engine/inspect/whatif.h"

#include "engine/base/mem.h"
#include "engine/inspect/wording.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDIT_UNITS = 64 };

bool edit_of(const struct trace *t, const char *signal, int run, int unit, int from, int to,
	     double value, struct edit *out, struct err *err)
{
	const struct cell_ops *cell = t->snapshot->encoder->model.spec.cell;
	const struct trace_run *r = &t->run[run];
	const int k = trace_signal_find(r, signal);

	if (r->decoder)
		return err_set(err, ERR_USAGE, "what a decoder does cannot be set");
	if (k < 0)
		return err_set(err, ERR_USAGE, "cell %s has no '%s' that could be set", cell->name,
			       signal);
	*out = (struct edit){.gate = r->signal[k].gate,
			     .run = run,
			     .unit = unit,
			     .from = from,
			     .to = to,
			     .value = value};
	if (!strcmp(signal, "h") || !strcmp(signal, "c"))
		out->kind = *signal == 'h' ? EDIT_H : EDIT_C;
	else if (out->gate < 0)
		return err_set(err, ERR_USAGE, "cell %s has no gate %s of its own%s", cell->name,
			       signal, cell->coupled ? ": it is 1 - i" : ": it is always 1");
	if (unit >= t->H)
		return err_set(err, ERR_USAGE, "units are 0 to %d, not %d", t->H - 1, unit);
	if (from < 0 || from >= r->T || to < 0 || to >= r->T)
		return err_set(err, ERR_USAGE, "steps are 1 to %d", r->T);
	if (from > to)
		return err_set(err, ERR_USAGE, "steps go up, not from %d to %d", from + 1, to + 1);
	return isfinite(value) || err_set(err, ERR_USAGE, "a finite number is needed");
}

/* What stands before the '=': a signal, its run and its units. */
struct target {
	char name[16];
	int run, unit[EDIT_UNITS], units;
	const char *named; /* where the name stands */
};

static int column_of(const char *text, const char *at)
{
	return (int)(at - text) + 1;
}

static bool bad_edit(const char *text, const char *at, struct err *err)
{
	return err_set(err, ERR_USAGE,
		       "column %d: this is no edit, such as f[12] = 0 @3..5 or word @3 = good",
		       column_of(text, at));
}

/* "l1.", "bw.", "fw.", with "enc." before it: which run is meant. */
static bool read_run(const struct trace *t, const char **at, struct target *out, struct err *err)
{
	int layer = t->run[out->run].layer;
	bool backward = t->run[out->run].backward, placed = false;
	int n = 0;

	if (!strncmp(*at, "dec.", 4))
		return err_set(err, ERR_USAGE, "what a decoder does cannot be set");
	if (!strncmp(*at, "enc.", 4))
		*at += 4;
	for (;; placed = true, *at += n) {
		n = 0;
		if (sscanf(*at, "l%d.%n", &layer, &n) == 1 && n)
			continue;
		if (strncmp(*at, "fw.", 3) != 0 && strncmp(*at, "bw.", 3) != 0)
			break;
		backward = **at == 'b';
		n = 3;
	}
	for (int k = 0; placed && k < t->runs; k++)
		if (t->run[k].layer == layer && t->run[k].backward == backward &&
		    !t->run[k].decoder) {
			out->run = k;
			return true;
		}
	return !placed || err_set(err, ERR_USAGE, "the run has no such layer and direction");
}

/* Numbers with commas between them. */
static bool read_units(const char *text, const char **at, struct target *out, struct err *err)
{
	for (;; ++*at) {
		int n = 0;

		if (out->units == EDIT_UNITS)
			return err_set(err, ERR_USAGE, "column %d: an edit has %d units at most",
				       column_of(text, *at), EDIT_UNITS);
		if (sscanf(*at, "%d%n", &out->unit[out->units], &n) != 1 ||
		    out->unit[out->units] < 0)
			return bad_edit(text, *at, err);
		*at += n;
		out->units++;
		if (**at != ',')
			return true;
	}
}

static bool read_target(const struct trace *t, const char *text, const char **at,
			struct target *out, struct err *err)
{
	const char *begun;
	int n = 0;

	*at += strspn(*at, " ");
	begun = *at;
	if (!read_run(t, at, out, err))
		return err_wrap(err, "column %d", column_of(text, begun));
	out->named = *at;
	if (sscanf(*at, "%15[a-z]%n", out->name, &n) != 1)
		return bad_edit(text, *at, err);
	*at += n;
	if (**at != '[')
		return true;
	++*at;
	if (!read_units(text, at, out, err))
		return false;
	if (**at != ']')
		return bad_edit(text, *at, err);
	++*at;
	return true;
}

/* "@3" or "@3..5", from 1; nothing: the one at `now`, or, -1, all. */
static bool read_steps(const struct trace *t, int run, int now, const char *at, int *from, int *to)
{
	int n = 0;

	*from = now < 0 ? 1 : now + 1;
	*to = now < 0 ? t->run[run].T : *from;
	if (!*at)
		return true;
	if (sscanf(at, "@%d%n", from, &n) != 1)
		return false;
	at += n;
	*to = *from;
	n = 0;
	if (sscanf(at, "..%d%n", to, &n) == 1)
		at += n;
	return !at[strspn(at, " ")];
}

/* An edit of a signal for each unit, added to those there are. */
static bool add_edits(const struct trace *t, const char *text, const struct target *target,
		      const char *signal, const int step[2], const char *steps_at, double value,
		      struct edit **out, int *count, struct err *err)
{
	const int n = target->units ? target->units : 1;

	*out = mem_resize(*out, (size_t)*count + (size_t)n, sizeof(**out));
	for (int k = 0; k < n; k++, ++*count)
		if (!edit_of(t, signal, target->run, target->units ? target->unit[k] : -1,
			     step[0] - 1, step[1] - 1, value, *out + *count, err)) {
			const int T = t->run[target->run].T;
			const bool steps = step[0] < 1 || step[1] > T || step[0] > step[1];

			return err_wrap(err, "column %d",
					column_of(text, steps ? steps_at : target->named));
		}
	return true;
}

static bool parse_number(const struct trace *t, const char *text, int run, int now,
			 struct edit **out, int *count, struct err *err)
{
	struct target target = {.run = run};
	const char *at = text;
	int n = 0, step[2];
	double value;

	if (!read_target(t, text, &at, &target, err))
		return false;
	if (sscanf(at, " = %lf%n", &value, &n) != 1 || !n)
		return bad_edit(text, at + strspn(at, " "), err);
	if (!isfinite(value)) {
		at += strspn(at, " ") + 1;
		return err_set(err, ERR_USAGE, "column %d: a finite number is needed",
			       column_of(text, at + strspn(at, " ")));
	}
	at += n + strspn(at + n, " ");
	if (!read_steps(t, target.run, now, at, &step[0], &step[1]))
		return bad_edit(text, at, err);
	return add_edits(t, text, &target, target.name, step, at, value, out, count, err);
}

/* What stands behind a word that an edit begins with, if it does. */
static const char *behind(const char *text, const char *word)
{
	const char *at = text + strspn(text, " ");
	const size_t n = strlen(word);

	if (strncmp(at, word, n) != 0 || !strchr(" @=", at[n]))
		return NULL;
	return at + n + strspn(at + n, " ");
}

/* "ablate 3,17 @3..5" */
static bool parse_ablation(const struct trace *t, const char *text, const char *at, int run,
			   struct edit **out, int *count, struct err *err)
{
	const bool has_c = !t->snapshot->encoder->model.spec.cell->carries_h;
	struct target target = {.run = run};
	const char *begun = at;
	int step[2];

	if (!read_run(t, &at, &target, err))
		return err_wrap(err, "column %d", column_of(text, begun));
	target.named = at;
	if (!read_units(text, &at, &target, err))
		return false;
	at += strspn(at, " ");
	if (!read_steps(t, target.run, -1, at, &step[0], &step[1]))
		return bad_edit(text, at, err);
	return (!has_c || add_edits(t, text, &target, "c", step, at, 0, out, count, err)) &&
	       add_edits(t, text, &target, "h", step, at, 0, out, count, err);
}

/* The text of an edit, without the quotes that it may stand in. */
static bool take_text(const char *text, const char *at, struct edit *e, struct err *err)
{
	size_t n;

	at += strspn(at, " ");
	n = strlen(at);
	while (n && at[n - 1] == ' ')
		n--;
	if (n > 1 && (*at == '"' || *at == '\'') && at[n - 1] == *at) {
		at++;
		n -= 2;
	}
	if (n >= sizeof(e->word))
		return err_set(err, ERR_USAGE, "column %d: an edit's words have %zu bytes at most",
			       column_of(text, at), sizeof(e->word) - 1);
	memcpy(e->word, at, n);
	e->word[n] = '\0';
	return n || bad_edit(text, at, err);
}

/* "word @3 = good", "insert @3 = very", "remove @3" from behind its first word. */
static bool parse_word(const struct trace *t, const char *text, const char *at, int now,
		       struct edit *e, struct err *err)
{
	const char *step = at;
	struct wording w;
	int n = 0;
	bool ok;

	e->from = now;
	if (*at == '@') {
		if (sscanf(at, "@%d%n", &e->from, &n) != 1)
			return bad_edit(text, at, err);
		e->from--;
		at += n + strspn(at + n, " ");
	} else if (now < 0) {
		return err_set(err, ERR_USAGE, "column %d: say at which step, such as @3",
			       column_of(text, at));
	}
	if (e->kind == EDIT_REMOVE ? *at : *at != '=')
		return bad_edit(text, at, err);
	if (e->kind != EDIT_REMOVE && !take_text(text, at + 1, e, err))
		return false;
	e->to = e->from;
	wording_begin(&w, t);
	ok = wording_apply(&w, e, err);
	wording_release(&w);
	return ok || err_wrap(err, "column %d", column_of(text, n ? step : at));
}

bool edit_parse(const struct trace *t, const char *text, int run, int at, struct edit **out,
		int *count, struct err *err)
{
	static const char *const name[] = {"word", "insert", "remove"};
	const char *rest = behind(text, "ablate");
	bool ok = false, is_word = false;

	*out = NULL;
	*count = 0;
	for (int k = 0; !rest && !is_word && k < 3; k++) {
		const char *words = behind(text, name[k]);

		is_word = words;
		if (is_word) {
			*out = mem_zero(1, sizeof(**out));
			**out = (struct edit){.kind = EDIT_WORD + (enum edit_kind)k, .unit = -1};
			ok = parse_word(t, text, words, at, *out, err);
			*count = 1;
		}
	}
	if (rest)
		ok = parse_ablation(t, text, rest, run, out, count, err);
	else if (!is_word)
		ok = parse_number(t, text, run, at, out, count, err);
	if (ok)
		return true;
	free(*out);
	*out = NULL;
	*count = 0;
	return false;
}

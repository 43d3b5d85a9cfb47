/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui_equations.h"

#include "app/command/equations.h"
#include "app/command/ui_debug.h"

#include "app/desk/desk.h"
#include "app/reveal.h"
#include "app/script.h"
#include "engine/base/mem.h"
#include "engine/inspect/equations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- equations ------------------------------------------------------------------------------------ */

/* Those of the cell looked at, as it is under the edits. */
static bool equations_here(struct workbench *w, const struct args *a, struct err *err)
{
	struct equations_of q = {.unit = w->gates.unit, .top = EQUATIONS_TOP};
	struct answer answer = {0};
	struct expr_place at;
	char prefix[24];
	struct output o;

	if (!ui_place(w, &at, err))
		return false;
	q.trace = at.trace;
	q.run = at.run;
	q.t = at.t;
	if (!equations_choose(&q, a, err))
		return false;
	output_open(&o, OUTPUT_AUTO, NULL, &answer);
	equations_rows(&o, &q, !script_is_exact(w->script));
	if (!output_close(&o, err)) {
		answer_release(&answer);
		return false;
	}
	trace_name(q.trace, q.run, prefix);
	desk_answer(w, &answer,
		    mem_printf("equations of %s%sunit %d at word %d", prefix, *prefix ? " " : "",
			       q.unit, q.t + 1));
	return true;
}

/* With a run or a text it is what the shell's command does. */
static bool equations_of_text(struct workbench *w, const struct args *a)
{
	char *word[2 * ARGS_MAX + 1];
	int n = 0;

	word[n++] = mem_text("equations");
	for (int k = 0; k < a->option_count; k++) {
		word[n++] = mem_text(a->option[k]);
		word[n++] = mem_text(a->value[k]);
	}
	for (int k = 0; k < a->pos_count; k++)
		word[n++] = mem_text(a->pos[k]);
	desk_command(w, command_find("equations", CMD_SHELL), n, word);
	while (n)
		free(word[--n]);
	return true;
}

bool ui_equations(struct context *c, const struct args *a, struct err *err)
{
	if (a->pos_count || args_value(a, "--text"))
		return equations_of_text(c->ui, a);
	return equations_here(c->ui, a, err);
}

/* --- stepi ---------------------------------------------------------------------------------------- */

static void say_line(struct workbench *w, const char *why)
{
	const struct cell_ops *cell = w->current.trace->snapshot->encoder->model.spec.cell;
	const int shown = reveal_shown(w);
	char left[EQUATION_NAME];

	workbench_say(w, ROLE_message, "%s%sline %d of %d: %s", why, *why ? " · " : "", shown,
		      reveal_lines(w), equations_left(cell, shown - 1, left));
}

/* To the step behind or before, with so many of its lines. */
static void turn_page(struct workbench *w, int to, int shown)
{
	char step[160];

	ui_go_to(w, to, "");
	snprintf(step, sizeof(step), "%.150s", w->message);
	reveal_show(w, shown);
	say_line(w, step);
}

/* One line on (by 1) or back (-1), over to the next step and the one before. false at the end. */
static bool turn_line(struct workbench *w, const struct expr_place *at, int by)
{
	const int lines = reveal_lines(w), now = reveal_shown(w);
	const int to = now < 0 ? (by > 0 ? 1 : lines - 1) : now + by;
	const int step = debug_step(at, by);

	if (to >= 1 && to <= lines) {
		reveal_show(w, to);
		say_line(w, "");
		return true;
	}
	if (step == at->t) {
		say_line(w, by > 0 ? "no step behind" : "no step before");
		return false;
	}
	turn_page(w, step, by > 0 ? 1 : lines);
	return true;
}

const char *stepi_word(int index)
{
	static const char *const word[] = {"-1", "all"};

	return index >= 0 && index < 2 ? word[index] : NULL;
}

bool ui_stepi(struct context *c, const struct args *a, struct err *err)
{
	const char *text = a->pos_count ? a->pos[0] : "1";
	struct workbench *w = c->ui;
	struct expr_place at;
	char *end;
	long by = 0;

	errno = 0;
	if (strcmp(text, "all") != 0) {
		by = strtol(text, &end, 10);
		if (errno || end == text || *end)
			return err_set(err, ERR_USAGE,
				       "stepi takes a whole number of lines, such as 2 or -1, or "
				       "all, not '%s'",
				       text);
	}
	if (!ui_place(w, &at, err))
		return false;
	workbench_show(w, &view_gates);
	if (!by) {
		reveal_end(w);
		workbench_say(w, ROLE_message, "all %d lines are there", reveal_lines(w));
	}
	for (; by && turn_line(w, &at, by > 0 ? 1 : -1); by += by > 0 ? -1 : 1)
		at.t = w->gates.t;
	return true;
}

/* --- play ----------------------------------------------------------------------------------------- */

enum { PLAY_FASTEST_MS = 100, PLAY_SLOWEST_MS = 60000 };

int play_wait(const struct workbench *w)
{
	const int64_t left = w->play.due_ms - desk_now_ms();

	if (!w->play.every_ms)
		return -1;
	return left > 0 ? (int)left : 0;
}

bool play_stop(struct workbench *w)
{
	const bool played = w->play.every_ms;

	w->play.every_ms = 0;
	return played;
}

/* Says where it is, behind why it stops there, or that it goes on. */
static void say_place(struct workbench *w, const char *why)
{
	char step[300];

	if (reveal_shown(w) >= 0 && w->headless && !*why)
		return; /* the line has been told */
	if (reveal_shown(w) >= 0)
		say_line(w, why);
	else
		ui_go_to(w, w->gates.t, why);
	if (!w->play.every_ms || w->headless)
		return;
	snprintf(step, sizeof(step), "%.280s", w->message);
	workbench_say(w, ROLE_message, "%s · any key stops it", step);
}

/* The next step, or the next line where they come one by one. */
static void play_one(struct workbench *w, const struct expr_place *at)
{
	struct expr_place now = *at;
	struct buf says = {0};
	bool on;

	if (reveal_shown(w) >= 0) {
		on = turn_line(w, at, 1);
		now.t = w->gates.t;
	} else {
		now.t = debug_step(at, 1);
		on = now.t != at->t;
		w->gates.t = now.t;
	}
	if (!on)
		buf_text(&says, "played to the end");
	if (!on || (now.t != at->t && debug_hit_at(&w->debug, &now, &says)))
		play_stop(w);
	say_place(w, says.len ? buf_str(&says) : w->headless ? "" : "playing");
	buf_release(&says);
}

void play_turn(struct workbench *w)
{
	struct expr_place at;
	struct err err = {0};

	if (!w->play.every_ms || desk_now_ms() < w->play.due_ms)
		return;
	w->play.due_ms = desk_now_ms() + w->play.every_ms;
	if (w->current.pending || w->current.stale)
		return; /* it is there soon */
	if (ui_place(w, &at, &err)) {
		play_one(w, &at);
		return;
	}
	play_stop(w);
	workbench_err(w, &err);
}

const char *play_word(int index)
{
	return index ? NULL : "stop";
}

bool ui_play(struct context *c, const struct args *a, struct err *err)
{
	const char *text = a->pos_count ? a->pos[0] : "1";
	struct workbench *w = c->ui;
	struct expr_place at;
	char *end;
	double seconds;

	if (!strcmp(text, "stop")) {
		workbench_say(w, ROLE_message, play_stop(w) ? "stopped" : "nothing plays");
		return true;
	}
	seconds = strtod(text, &end);
	if (end == text || *end || !(seconds * 1000 >= PLAY_FASTEST_MS) ||
	    !(seconds * 1000 <= PLAY_SLOWEST_MS))
		return err_set(err, ERR_USAGE,
			       "play takes the seconds from step to step, 0.1 to 60, or stop, "
			       "not '%s'",
			       text);
	if (!ui_place(w, &at, err))
		return false;
	workbench_show(w, &view_gates);
	w->play.every_ms = (int64_t)(seconds * 1000 + 0.5);
	w->play.due_ms = desk_now_ms() + w->play.every_ms;
	if (!w->headless)
		workbench_say(w, ROLE_message, "playing, a step every %g s · any key stops it",
			      seconds);
	while (w->headless && w->play.every_ms && ui_place(w, &at, err))
		play_one(w, &at); /* nobody watches: at once */
	return true;
}
